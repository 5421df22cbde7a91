"""When a line was written: how the times of a column are written, and the clock by which they are told."""

import re
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DateType, StringType, TimestampNTZType, TimestampType

from mmm_bayes.errors import DataError
from mmm_bayes.prepare.read import SECTION, Source, column, sample, text
from mmm_bayes.tables.dates import (
    EPOCHS,
    FORMATS,
    MOST_YEARS,
    PARTS,
    SERIALS,
    SHORT_YEAR_FIRST,
    TIME,
    WEEK,
    time_behind,
)

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

ISO = r"^\d{4}-\d"
UTC = r"\s*(?:Z|UTC|GMT|[+-]00:?00)$"
ZONE = r"\s*(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})$"
MIDNIGHT = r"(?:^[^:]*|[T ]00:00(?::00(?:\.0+)?)?(?:\s*\S+)?)$"

ENOUGH = 0.95
"""Share of the cells that must fit a format that was found out."""

CLEAR = 0.05
"""By how much larger a share than any other must fit it."""

SHOWN = 10_000
"""Most different days that are looked at where the first rows leave two formats."""

DAY = 86_400
NEW_YEAR_1970 = 25_569
"""As spreadsheets count days."""


@dataclass(frozen=True)
class Clock:
    """How the times of a column are written.

    Attributes:
        date_format: Python's notation of texts; None for ISO, and for what is no text.
        parts: of a second since 1970 that numbers count; 0 for the days of spreadsheets; None for no numbers.
        zoned: whether texts name a zone.
        of_utc: whether the times are those of UTC.
        weeks: whether they are weeks of a year, each told by its Monday.
    """

    date_format: str | None = None
    parts: int | None = None
    zoned: bool = False
    of_utc: bool = False
    weeks: bool = False


def find_clock(raw: DataFrame, name: str, date_format: str | None, source: Source) -> Clock:
    """Return how the times of a column are written: as the configuration says, else in the one way that fits.

    Raises:
        DataError: there is no such column, days and months can be exchanged, the times are those of UTC and nobody
            has said where the shop is, or they are weeks that are not those of the panel.
    """
    column(raw, name, source)
    clock = _written(raw, name, date_format, source)
    if clock.weeks and source.table.week_start != "monday":
        raise DataError(
            f"{source.path}: column '{name}' holds weeks such as {sample(raw, name, source).iloc[0]}, which begin on "
            f"Mondays; leave out '{SECTION}.week_start', or export the lines with their days."
        )
    if clock.of_utc and source.table.timezone is None:
        cells = sample(raw, name, source)
        times = cells if clock.parts is None else _counted(cells, clock.parts).astype(str)
        if len(times := times[~times.str.contains(MIDNIGHT)]):
            raise DataError(
                f"{source.path}: column '{name}' holds times of UTC, such as {times.iloc[0]}; give "
                f"'{SECTION}.timezone', by which the days of the shop begin, such as America/Los_Angeles (or UTC).",
                option=f"{SECTION}.timezone",
                answers=("UTC",),
            )
    return clock


def timestamp(frame: DataFrame, name: str, clock: Clock, source: Source) -> Column:
    """Return a column as timestamps of the shop's clock; what does not parse is missing."""
    values, zone = column(frame, name, source), source.table.timezone
    written = text(values, source)
    if isinstance(frame.schema[name].dataType, TimestampType | TimestampNTZType | DateType):
        wall = values.cast("timestamp_ntz")
    elif clock.weeks:
        return _of_weeks(written)
    elif clock.parts is not None:
        wall = _of_numbers(written, clock.parts)
    elif clock.date_format is not None:
        wall = F.try_to_timestamp(written, F.lit(spark_pattern(clock.date_format))).cast("timestamp_ntz")
    elif clock.zoned and zone is not None:
        offset = F.regexp_replace(F.regexp_replace(written, UTC, "+00:00"), r"\s*([+-]\d\d):?(\d\d)$", "$1:$2")
        wall = F.when(written.rlike(ISO), offset.try_cast("timestamp")).cast("timestamp_ntz")
    else:
        plain = F.regexp_replace(written, ZONE, "") if clock.zoned else written
        wall = F.when(plain.rlike(ISO), plain.try_cast("timestamp_ntz"))
    return wall if zone is None else F.convert_timezone(F.lit("UTC"), F.lit(zone), wall)


def _of_weeks(written: Column) -> Column:
    """Return the Mondays of weeks of a year as ISO 8601 counts them: the first has the 4th of January."""
    weeks = F.when(written.rlike(re.sub(r"\?P<\w+>", "", WEEK.pattern)), written)
    year = F.regexp_extract(weeks, r"(\d{4})", 1).try_cast("int")
    week = F.regexp_extract(F.regexp_replace(weeks, r"\d{4}", ""), r"(\d+)", 1).try_cast("int")
    fourth = F.make_date(year, F.lit(1), F.lit(4))
    monday = F.date_add(fourth, 7 * (week - 1) - F.weekday(fourth))
    return F.when(F.weekofyear(monday) == week, monday).cast("timestamp_ntz")


def spark_pattern(date_format: str) -> str:
    """Translate ``%d/%m/%Y`` to ``d/M/yyyy``."""
    parts = re.split(r"(%.)", date_format)
    packed = "" in parts[2:-1:2]  # as in %Y%m%d: only fixed widths can be told apart
    spelt = {name: letters * 2 if packed and len(letters) == 1 else letters for name, letters in DIRECTIVES.items()}
    return "".join(spelt.get(part) or re.sub(r"([A-Za-z]+)", r"'\1'", part) for part in parts)


def _of_numbers(written: Column, parts: int) -> Column:
    number = written.try_cast("decimal(30,9)")
    low, high = (Decimal(limit) * (parts or 1) for limit in (map(int, EPOCHS) if parts else SERIALS))
    micros = number * 10**6 / parts if parts else (number - NEW_YEAR_1970) * (DAY * 10**6)
    return F.timestamp_micros(F.when(number.between(low, high), micros).cast("bigint")).cast("timestamp_ntz")


# --- how they are written -----------------------------------------------------------------------


def _written(raw: DataFrame, name: str, date_format: str | None, source: Source) -> Clock:
    kind = raw.schema[name].dataType
    if isinstance(kind, TimestampType | TimestampNTZType | DateType):
        return Clock(of_utc=isinstance(kind, TimestampType))
    if date_format is not None and isinstance(kind, StringType) and source.format != "excel":
        return Clock(date_format)
    cells = sample(raw, name, source)
    if date_format is not None and _share(_read(cells, date_format)) > 1 - ENOUGH:
        return Clock(date_format)
    if cells.str.contains(ISO).mean() > 1 - ENOUGH:
        utc, zoned = (cells.str.contains(f"\\d{pattern}").mean() for pattern in (UTC, ZONE))
        return Clock(zoned=zoned > 0, of_utc=utc >= ENOUGH)
    for parts in (0, *PARTS):
        if _share(_counted(cells, parts)) >= ENOUGH:
            return Clock(parts=parts, of_utc=parts > 0 and not _is_of_no_zone(name, source))
    if len(cells) and cells.str.match(WEEK).mean() >= ENOUGH:
        return Clock(weeks=True)
    return Clock(date_format or _format(raw, name, cells, source))


def _share(times: pd.Series) -> float:
    return float(times.notna().mean()) if len(times) else 0.0


def _read(cells: pd.Series, date_format: str) -> pd.Series:
    return pd.to_datetime(cells, format=date_format, errors="coerce")


def _counted(cells: pd.Series, parts: int) -> pd.Series:
    """Return the times that numbers count, NaT for other cells."""
    values = pd.to_numeric(cells, errors="coerce").astype(float)
    seconds = values / parts if parts else (values - NEW_YEAR_1970) * DAY
    known = seconds.between(*EPOCHS) if parts else values.between(*SERIALS)
    milliseconds = seconds.where(known).mul(1000).round().astype("Int64")
    return pd.Series(pd.array(milliseconds, dtype="datetime64[ms]"), cells.index)


def _is_of_no_zone(name: str, source: Source) -> bool:
    """Whether a Parquet says that its nanoseconds are told by no clock in particular."""
    if source.format != "parquet" or not source.files:
        return False
    kind = pq.read_schema(source.files[0]).field(name).type
    return pa.types.is_timestamp(kind) and kind.tz is None


def _format(raw: DataFrame, name: str, cells: pd.Series, source: Source) -> str | None:
    """Return the only format that nearly all cells fit, None where there is none."""
    days = cells.str.replace(TIME, "", regex=True)
    fits = _fitting(days)
    if len(fits) > 1:  # the first rows are often those of one month
        plain = F.regexp_replace(text(column(raw, name, source), source), TIME.pattern, "")
        rows = raw.select(plain).distinct().limit(SHOWN).collect()
        days = pd.Series([row[0] for row in rows], dtype=object).dropna()
        fits = _fitting(days)
    if not fits:
        return None
    ((best, share), *others) = sorted(fits.items(), key=lambda one: -one[1])
    for other, also in others:
        one, two = _read(days, best), _read(days, other)
        differ = (one != two) & one.notna() & two.notna()
        if share - also < CLEAR and differ.any():
            answers = tuple(f"{reading}{time_behind(cells, reading)}" for reading in (best, other))
            raise DataError(
                f"{source.path}: column '{name}': '{days[differ].iloc[0]}' may be {one[differ].iloc[0]:%Y-%m-%d} or "
                f"{two[differ].iloc[0]:%Y-%m-%d}; give '{SECTION}.date_format' as {answers[0]} or {answers[1]}.",
                option=f"{SECTION}.date_format",
                answers=answers,
            )
    return f"{best}{time_behind(cells, best)}"


def _fitting(days: pd.Series) -> dict[str, float]:
    """Return the share of the days that fit each format, of those that nearly all fit."""
    found = {}
    for date_format in (*FORMATS, *SHORT_YEAR_FIRST):
        read = _read(days, date_format)
        years = read.dt.year
        short = "%y" in date_format and years.max() - years.min() > MOST_YEARS
        if "%d" in date_format and not short and _share(read) >= ENOUGH:
            found[date_format] = _share(read)
    return found
