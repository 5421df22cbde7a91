"""Read transactions into Spark: one file, a folder or a glob, in any format that `mmm_bayes.tables` knows."""

import codecs
import io
import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyspark.sql import Column, DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from mmm_bayes.config import Transactions, is_address
from mmm_bayes.errors import DataError, nearest
from mmm_bayes.prepare.size import about
from mmm_bayes.prepare.start import LOCAL, PARTITIONS
from mmm_bayes.tables import Head, format_of, found, is_marked_as_wide, read_head, read_table
from mmm_bayes.tables.cells import SPACES

SECTION = "transactions"
MALFORMED = "_corrupt_record"
"""Column in which Spark's readers put the text of a line that does not have the columns of the others."""

OF_SPARK = re.compile(r"utf-8|ascii|iso8859-\d+|cp125\d|koi8-r")
"""Python's names of the encodings that Spark reads line by line."""

SAMPLE = 1000
"""Rows that are looked at to find out how something is written."""

SPACE = f"{SPACES}\n\r\ufeff"
"""What may stand around what is meant."""

ODD_SPACE = f"^ *[{SPACE[1:]}]|[{SPACE[1:]}] *$"

LONGEST = 50
"""Most lines of a cell."""

IN_MEMORY = 3_000_000
"""Lines that fit into memory at once."""

BLOCK = 2**20
"""Bytes that are looked at at once."""


@dataclass(frozen=True)
class Source:
    """The transactions on disk, and how they are written.

    Attributes:
        path: as given.
        pattern: the same for Spark, or files of it.
        format: csv, excel, json or parquet; spark where it reads by its own rules.
        table: what the configuration says of them.
        columns: names of those that must be there.
        files: those on this machine.
        head: the first rows, of a CSV on this machine.
        split: whether Spark can read the files by itself.
        multiline: whether cells of a CSV may hold line breaks.
        spaced: whether cells begin or end with other space than blanks, which takes longer to leave out.
    """

    path: str
    pattern: str | list[str]
    format: str
    table: Transactions
    columns: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    head: Head | None = None
    split: bool = True
    multiline: bool = False
    spaced: bool = False

    def pieces(self, spark: SparkSession) -> int | None:
        """Return in how many tasks lines are sorted out, so that those of all processors fit into memory.

        None where somebody has set how many tasks there are: that wins.
        """
        usual = LOCAL[PARTITIONS]
        if spark.conf.get(PARTITIONS, None) != usual:
            return None
        return int(usual) * (1 + about(map(Path, self.files)) // IN_MEMORY)


def find_source(
    path: str,
    table: Transactions,
    columns: Iterable[str | None],
    by_spark: bool = False,
    single_lined: Collection[str] = (),
) -> Source:
    """Return where the transactions are and how they are written.

    Args:
        path: of a file, a folder, a glob or an address such as ``s3://``.
        table: the section of the configuration.
        columns: names of those that must be there.
        by_spark: whether Spark reads them by its own rules.
        single_lined: absolute paths of those of which it is known that no cell goes on in another line.

    Raises:
        DataError: nothing is there, files of several formats, or a header that lacks a column or has one twice.
    """
    wanted = tuple(name for name in columns if name)
    if by_spark:
        return Source(table.place, "", "spark", table, wanted)
    if is_address(path):  # a store that Spark reads by itself
        form = table.format or format_of(path, SECTION)
        return Source(path, path, form, table, wanted, multiline=table.multiline == "always")
    files = tuple(found(path, SECTION))
    formats = {table.format or format_of(file, SECTION) for file in files}
    if len(formats) > 1:
        raise DataError(f"{path}: holds files of several formats ({', '.join(sorted(formats))}); name one with a glob.")
    pattern = str(Path(path).absolute())
    if Path(path).exists():
        pattern = _escaped(pattern)
    source = Source(path, pattern, formats.pop(), table, wanted, files)
    if source.format == "csv":
        return _of_csv(source, single_lined)
    odd = source.format == "excel" or (source.format == "json" and any(map(_is_one_list, files)))
    return replace(source, split=not odd)


def only(source: Source, files: Iterable[str]) -> Source:
    """Return some of the files, to be read as all of them are."""
    return replace(source, pattern=[_escaped(str(Path(file).absolute())) for file in files])


def _escaped(path: str) -> str:
    """Return a path as Spark takes it, to which some signs are those of a pattern."""
    return re.sub(r"([\[\]{}*?\\])", r"\\\1", path)


def _of_csv(source: Source, single_lined: Collection[str]) -> Source:
    table, files = source.table, source.files
    encoding = codecs.lookup(table.encoding or "utf-8").name
    if not OF_SPARK.fullmatch(encoding) or any(file.endswith(".zip") or is_marked_as_wide(file) for file in files):
        return replace(source, split=False)
    head, *others = (read_head(table, file, SECTION, source.columns) for file in files)
    for file, other in zip(files[1:], others, strict=True):
        if (other.names, other.separator) != (head.names, head.separator):
            raise DataError(
                f"{file}: its header is not that of {files[0]}; give files with the same columns by a glob."
            )
    unknown = [file for file in files if str(Path(file).absolute()) not in single_lined]
    breaks = table.multiline == "auto" and any(map(_may_break_lines, unknown))
    above = any(one.above for one in (head, *others))
    spaced = any(head.frame[name].str.contains(ODD_SPACE).any() for name in head.frame)
    breaks |= table.multiline == "always"
    return replace(source, head=head, split=not above, multiline=breaks, spaced=spaced)


def _may_break_lines(file: str) -> bool:
    """Whether a cell in quotes goes on in the next line: lines with an odd number of quotes come in pairs, close by.

    A quote without its twin is a slip, and would make one cell of all that follows.
    """
    opened, found = 0, False
    with (
        suppress(OSError),  # damaged files are Spark's to report
        pa.input_stream(file, compression="detect") as stream,
        io.BufferedReader(stream, BLOCK) as lines,
    ):
        for number, line in enumerate(lines, 1):
            if line.count(b'"') % 2:
                if opened and number - opened > LONGEST:
                    return False
                opened, found = 0 if opened else number, True
    return found and not opened


def _is_one_list(file: str) -> bool:
    """Whether a JSON holds all lines in one list."""
    with suppress(OSError), pa.input_stream(file, compression="detect") as stream:
        return bytes(stream.read(BLOCK)).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
    return False


def read(spark: SparkSession, source: Source) -> DataFrame:
    """Return the table as it is: texts for CSV and JSON, types for Parquet, and `MALFORMED` where lines can be that.

    Raises:
        DataError: the file holds nothing.
    """
    if not source.split:
        frame = read_table(source.table, source.path, SECTION, source.columns)
        return spark.createDataFrame(pa.table({name: _as_texts(frame[name]) for name in frame}))
    if source.format == "parquet":
        return spark.read.format("parquet").load(source.pattern)
    if source.format == "json":
        return spark.read.option("primitivesAsString", True).json(source.pattern)
    names = source.head.names if source.head else _csv(spark, source).csv(source.pattern).columns
    schema = StructType([StructField(name, StringType()) for name in [*names, MALFORMED]])
    return _csv(spark, source).schema(schema).csv(source.pattern)


def _as_texts(values: "pd.Series[Any]") -> pa.Array:
    """Return cells as texts; numbers of a workbook that are whole have no decimals."""

    def text(value: Any) -> str:
        return (str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)).strip(SPACE)

    return pa.array(values.map(text, na_action="ignore").astype(object).where(values.notna(), None), pa.string())


def column(frame: DataFrame, name: str, source: Source) -> Column:
    """Return a column by its exact name.

    Raises:
        DataError: there is none; the sentence names the nearest one.
    """
    if name not in frame.columns:
        available = [c for c in frame.columns if c != MALFORMED]
        raise DataError(f"{source.path}: has no column '{name}' (named under '{SECTION}'); {nearest(name, available)}")
    return frame[f"`{name.replace('`', '``')}`"]


def text(values: Column, source: Source) -> Column:
    """Return the values as texts without surrounding space, empty ones as missing."""
    texts = values.cast("string")
    return F.nullif(F.btrim(texts, F.lit(SPACE)) if source.spaced else F.trim(texts), F.lit(""))


def sample(frame: DataFrame, name: str, source: Source) -> pd.Series:
    """Return the first cells of a column that hold something, as texts; the index counts rows."""
    if source.head is not None:
        cells = source.head.frame[name]
    else:
        rows = frame.select(column(frame, name, source).cast("string")).limit(SAMPLE).collect()
        cells = pd.Series([row[0] for row in rows], dtype=object, name=name)
    return cells.astype(object).map(lambda cell: cell.strip(SPACE) or None, na_action="ignore").dropna()


def _csv(spark: SparkSession, source: Source) -> DataFrameReader:
    return spark.read.options(
        header=True,
        sep=source.head.separator if source.head else source.table.separator or ",",
        encoding=codecs.lookup(source.table.encoding or "utf-8").name,
        escape='"',
        multiLine=source.multiline,
    )
