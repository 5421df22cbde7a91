"""How many lines there are about, before any is read: what Java and the number of tasks follow."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mmm_bayes.config import Config, files_of, is_address
from mmm_bayes.provenance import KEPT

FACTS = KEPT[-1]

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


def is_long(config: Config, before: Path | None = None) -> bool:
    """Return whether the transactions are so many that they are worth a slower start; of stores and tables unknown.

    Args:
        config: of the run.
        before: folder of what the last run has kept: of an incremental table its files are not read again.
    """
    table = config.transactions
    if table is None or table.by_spark or is_address(table.path):
        return False
    known = facts_of(before)["files"] if table.incremental and before else ()
    return about(file for file in files_of(config.find(table.path)) if str(file.absolute()) not in known) >= LONG


def facts_of(before: Path) -> dict[str, Any]:
    """Return what a run has noted of the lines that it kept, see `mmm_bayes.prepare.increment.Earlier`."""
    facts: dict[str, Any] = json.loads((before / FACTS).read_text(encoding="utf-8"))
    return facts
