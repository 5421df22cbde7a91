"""Read tables with Spark: CSV, Parquet or JSON lines; one file, a folder or a glob."""

import io
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyspark.sql import Column, DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StringType, StructField, StructType, TimestampNTZType, TimestampType

from mmm_bayes.config import Config, TableFile
from mmm_bayes.errors import DataError, nearest
from mmm_bayes.tables.cells import SPACES

MALFORMED = "_corrupt_record"
"""Column in which Spark's readers put the text of a line that does not have the columns of the others."""

SUFFIXES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
}
COMPRESSED = {".gz", ".bz2", ".zst", ".deflate"}

DIRECTIVES = {
    "%Y": "yyyy",
    "%y": "yy",
    "%m": "M",
    "%b": "MMM",
    "%B": "MMMM",
    "%d": "d",
    "%H": "H",
    "%I": "h",
    "%M": "m",
    "%S": "s",
    "%f": "SSSSSS",
    "%p": "a",
}
"""Python's notation of dates and Spark's; single letters also take leading zeros. `config` refuses all others."""

LEAST_NANOSECONDS = 10**17
"""Whole numbers from here on (1973) are nanoseconds since 1970; a day written as 20240131 is far below."""


SPACE = f"{SPACES}\n\r\ufeff"
"""What may stand around what is meant."""

BLOCK = 2**20
"""Bytes that are looked at at once."""


@dataclass(frozen=True)
class Source:
    """A table on disk: where it is, how it is written, and which section of the configuration names it."""

    path: str
    section: str
    format: str
    separator: str = ","
    encoding: str = "UTF-8"
    multiline: bool = False


def find_source(config: Config, table: TableFile, section: str, multiline: str = "auto") -> Source:
    """Return where a table of the configuration is.

    Args:
        config: the whole configuration, which knows the folders.
        table: its section.
        section: name of that section, for messages.
        multiline: ``always`` or ``never`` where cells of a CSV may hold line breaks, ``auto`` to look for such.

    Raises:
        DataError: nothing is there, or files of several formats.
    """
    path = config.find(table.path)
    files = [] if "://" in path else _files(path)  # else a store that Spark reads by itself
    if not files and "://" not in path:
        raise DataError(
            f"{path}: there is no such file, folder or pattern; correct '{section}.path' or give the path with --data."
        )
    formats = {table.format or _format_of(file, section) for file in files or [Path(path)]}
    if len(formats) > 1:
        raise DataError(f"{path}: holds files of several formats ({', '.join(sorted(formats))}); name one with a glob.")
    if files:
        exists, path = Path(path).exists(), str(Path(path).absolute())
        path = re.sub(r"([\[\]{}*?\\])", r"\\\1", path) if exists else path
    broken = multiline == "always" or (multiline == "auto" and formats == {"csv"} and any(map(_may_break_lines, files)))
    return Source(path, section, formats.pop(), table.separator or ",", table.encoding or "UTF-8", broken)


def _may_break_lines(file: Path) -> bool:
    """Whether a line has an odd number of quotes, as those have that begin or end within a cell in quotes."""
    with (
        suppress(OSError),  # damaged files are Spark's to report
        pa.input_stream(str(file), compression="detect") as stream,
        io.BufferedReader(stream, BLOCK) as lines,
    ):
        return any(line.count(b'"') % 2 for line in lines)
    return False


def read(spark: SparkSession, source: Source) -> DataFrame:
    """Return the table as it is: texts for CSV and JSON, types for Parquet, and `MALFORMED` where lines can be that.

    Raises:
        DataError: the file holds nothing.
    """
    if source.format == "parquet":
        return spark.read.parquet(source.path)
    if source.format == "json":
        return spark.read.option("primitivesAsString", True).json(source.path)
    names = _csv(spark, source).csv(source.path).columns
    if not names:
        raise DataError(f"{source.path}: is empty; it needs a first line with the names of its columns.")
    schema = StructType([StructField(name, StringType()) for name in [*names, MALFORMED]])
    # Without the check of the header, files of a folder with their columns in another order would be mixed up.
    return _csv(spark, source).option("enforceSchema", False).schema(schema).csv(source.path)


def column(frame: DataFrame, name: str, source: Source) -> Column:
    """Return a column by its exact name.

    Raises:
        DataError: there is none; the sentence names the nearest one.
    """
    if name not in frame.columns:
        available = [c for c in frame.columns if c != MALFORMED]
        raise DataError(
            f"{source.path}: has no column '{name}' (named under '{source.section}'); {nearest(name, available)}"
        )
    return frame[f"`{name.replace('`', '``')}`"]


def text(values: Column) -> Column:
    """Return the values as texts without surrounding space, empty ones as missing."""
    return F.nullif(F.btrim(values.cast("string"), F.lit(SPACE)), F.lit(""))


def timestamp(frame: DataFrame, name: str, date_format: str | None, source: Source) -> Column:
    """Return a column as local timestamps; what does not parse is missing.

    Args:
        frame: the table.
        name: of a column of texts, dates or timestamps.
        date_format: in Python's notation, for texts; ISO dates need none.
        source: for messages.
    """
    values = column(frame, name, source)
    kind = frame.schema[name].dataType
    if isinstance(kind, TimestampNTZType | TimestampType):
        return values.cast("timestamp_ntz")
    written = text(values)
    if date_format is None:
        parsed = F.when(written.rlike(r"^\d{4}-\d"), written.try_cast("timestamp_ntz"))
    else:
        parsed = F.try_to_timestamp(written, F.lit(spark_pattern(date_format))).cast("timestamp_ntz")
    if isinstance(kind, LongType):  # nanoseconds since 1970, as pandas writes them, unless the format fits
        nanoseconds = F.timestamp_micros(F.floor(values / 1000)).cast("timestamp_ntz")
        return F.coalesce(parsed, F.when(values > LEAST_NANOSECONDS, nanoseconds))
    return parsed


def spark_pattern(date_format: str) -> str:
    """Translate ``%d/%m/%Y`` to ``d/M/yyyy``."""
    parts = re.split(r"(%.)", date_format)
    packed = "" in parts[2:-1:2]  # as in %Y%m%d: only fixed widths can be told apart
    spelt = {name: letters * 2 if packed and len(letters) == 1 else letters for name, letters in DIRECTIVES.items()}
    return "".join(spelt.get(part) or re.sub(r"([A-Za-z]+)", r"'\1'", part) for part in parts)


def _csv(spark: SparkSession, source: Source) -> DataFrameReader:
    return spark.read.options(
        header=True, sep=source.separator, encoding=source.encoding, escape='"', multiLine=source.multiline
    )


def _files(path: str) -> list[Path]:
    """Visible files that a path means: itself, what a folder holds at any depth, or the matches of a glob."""
    given = Path(path)
    found = [given] if given.exists() else _matches(given)
    files = [file for place in found for file in (place.rglob("*") if place.is_dir() else [place]) if file.is_file()]
    return [file for file in files if not file.name.startswith((".", "_"))]


def _matches(pattern: Path) -> list[Path]:
    return sorted(Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor))))


def _format_of(file: Path, section: str) -> str:
    suffixes = [suffix.lower() for suffix in file.suffixes if suffix.lower() not in COMPRESSED]
    if not suffixes or suffixes[-1] not in SUFFIXES:
        raise DataError(f"{file}: the name does not tell its format; give '{section}.format' as csv, parquet or json.")
    return SUFFIXES[suffixes[-1]]
