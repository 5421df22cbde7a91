"""How many lines there are about, before any is read: what Java and the number of tasks follow."""

from collections.abc import Iterable
from pathlib import Path

from mmm_bayes.config import Config, files_of, is_address

TEXT = (".csv", ".tsv", ".tab", ".txt", ".json", ".jsonl", ".ndjson")
LINE, PACKED, COLUMNAR = 90, 13, 6
"""Bytes of a line of Online Retail as text, in an archive, and as Parquet or ORC."""

LONG = 5_000_000
"""Lines from which on what Java's thorough compiler makes saves more time than it takes."""


def about(files: Iterable[Path]) -> int:
    """Return about how many lines files hold, by their sizes."""
    return sum(file.stat().st_size // _of_a_line(file.suffix.lower()) for file in files)


def _of_a_line(ending: str) -> int:
    if ending in (".parquet", ".orc"):
        return COLUMNAR
    return LINE if ending in TEXT else PACKED


def is_long(config: Config) -> bool:
    """Return whether the transactions are so many that they are worth a slower start; of stores and tables unknown."""
    table = config.transactions
    if table is None or table.by_spark or is_address(table.path):
        return False
    return about(files_of(config.find(table.path))) >= LONG
