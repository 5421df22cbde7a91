"""The day that a cell names: one format decides a whole column, and what fits two is asked."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from mmm_bayes.config import TableFile
from mmm_bayes.errors import DataError
from mmm_bayes.tables.months import in_english, languages, unknown_words

TIME = re.compile(
    r"[T ]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[AaPp]\.?[Mm]\.?)?\s*(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})?$"
)
"""A time behind a day, and how far it is from Greenwich: the day is that of the clock that was read."""

TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", "T%H:%M", "T%H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ", %H:%M")
"""How a time behind a day may be written."""

OF_UTC = re.compile(r"\d{1,2}:\d{2}.*(?:Z|UTC|GMT|[+-]00:?00)$")
WEEKDAY = re.compile(r"^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*\.?,?\s+")
RANGE = re.compile(
    r"^(?:(?P<a>.+?)\s+(?:-|–|—|/|to|bis|until)\s+(?P<b>.+)"
    r"|(?P<c>\d{4}-\d\d-\d\d)\s*(?:/|–|—|_|-|\.\.)\s*(?P<d>\d{4}-\d\d-\d\d)"
    r"|(?P<e>\d+[/.]\d+[/.]\d+)\s*(?:-|–|—)\s*(?P<f>\d+[/.]\d+[/.]\d+))$"
)
WEEK = re.compile(
    r"^(?:(?P<year>\d{4})[-/ ]?(?:W|KW|CW|S) ?(?P<week>\d{1,2})|"
    r"(?:W|KW|CW|S) ?(?P<week_>\d{1,2})[-/ ](?P<year_>\d{4}))$"
)
"""A week of a year as ISO 8601 counts them."""

COUNTED = re.compile(r"(?i)^(?:weeks?|woche|semaine|wk|kw|cw|w)[ .]*(\d{1,3})$")
"""A week of no year."""

QUARTER = re.compile(r"(?i)^(?:(?P<year>\d{4})[- /]?Q(?P<quarter>[1-4])|Q(?P<quarter_>[1-4])[- /](?P<year_>\d{4}))$")
LONG = re.compile(r"(?i)^(?:\d{4}|(?:\d{4}[- /]?)?(?:Q|H|T|S)[1-4](?:[- /]?\d{4})?)$")
"""A year, a half or a quarter of one."""

NAMED = ("%d %b %Y", "%d-%b-%Y", "%d/%b/%Y", "%d-%b-%y", "%d %b %y", "%b %d, %Y", "%b %d %Y", "%b-%d-%Y", "%d. %b %Y")
MONTHS = ("%Y-%m", "%Y/%m", "%m/%Y", "%m.%Y", "%Y%m", "%b %Y", "%b-%Y", "%b-%y", "%b %y")
YEAR_FIRST = ("%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y %m %d")
YEAR_LAST = tuple(
    pattern.replace("/", sign) for pattern, sign in product(("%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y"), "/.-")
)
SHORT_YEAR_FIRST = ("%y-%m-%d", "%y/%m/%d")
FORMATS = (*YEAR_FIRST, *YEAR_LAST, *NAMED, *(f.replace("%b", "%B") for f in NAMED), *MONTHS)
FORMATS += tuple(f.replace("%b", "%B") for f in MONTHS if "%b" in f)

PARTS = (1, 10**3, 10**6, 10**9)
"""Of a second, that programs count."""

EPOCHS = (3e8, 5e9)
"""Seconds since 1970 that are taken for such: 1979 to 2128."""

SERIALS = (20_000, 80_000)
"""Days since the end of 1899, as spreadsheets count them: 1954 to 2119."""

MOST_YEARS = 15
"""Two digits that run over more years than this are days."""


@dataclass(frozen=True)
class Days:
    """The days of a column.

    Attributes:
        first: each day, without time or zone; NaT where a cell holds nothing.
        last: last day of each, where the cells are weeks, months or ranges of days.
    """

    first: pd.Series
    last: pd.Series | None = None


def read_days(values: pd.Series, file: TableFile, section: str) -> Days:
    """Return the day of each cell.

    Args:
        values: texts, numbers or dates; the index counts rows for messages.
        file: with the options ``date_format`` and ``timezone``.
        section: its name, for messages.

    Raises:
        DataError: a cell that is no date, dates that fit two formats, or times of UTC of which nobody said where.
    """
    if pd.api.types.is_datetime64_any_dtype(values):
        return Days(_of_moments(values, file, section).astype("datetime64[ns]"))
    known = _texts(values.drop_duplicates()).dropna()
    ranges = [found for text in known if file.date_format is None and (found := RANGE.match(text))]
    if ranges and len(ranges) == len(known):
        ends = [end for found in ranges for end in found.groups() if end]
        both = _parsed(pd.Series(ends, known.index.repeat(2), object, values.name), file, section)
        last = both.first if both.last is None else both.last
        return Days(_looked_up(values, both.first.iloc[::2]), _looked_up(values, last.iloc[1::2]))
    days = _parsed(known, file, section)
    return Days(*(None if end is None else _looked_up(values, end) for end in (days.first, days.last)))


def _of_moments(moments: pd.Series, file: TableFile, section: str) -> pd.Series:
    """Return the days of times: by the clock of ``timezone``, else by the one that was read.

    Raises:
        DataError: that is UTC's, and days begin at other times there.
    """
    zone = moments.dt.tz
    if zone is not None and file.timezone is not None:
        return moments.dt.tz_convert(file.timezone).dt.tz_localize(None).dt.normalize()
    days = moments.dt.normalize()
    if str(zone) == "UTC" and (days != moments).any():
        raise DataError(
            f"column '{moments.name}' holds times of UTC, such as {moments[days != moments].iloc[0]:%Y-%m-%d %H:%M}; "
            f"give '{section}.timezone', by which its days begin, such as America/Los_Angeles (or UTC).",
            option=f"{section}.timezone",
            answers=("UTC",),
        )
    return days.dt.tz_localize(None)


def _looked_up(values: pd.Series, days: pd.Series) -> pd.Series:
    """Return the day of each cell; ``days`` has those of different cells, by their rows."""
    return values.map(dict(zip(values[days.index], days, strict=True))).astype("datetime64[ns]")


def _texts(values: pd.Series) -> pd.Series:
    """Return what is written in the cells, trimmed; nothing where they are empty."""
    if pd.api.types.is_numeric_dtype(values):
        return values.map(lambda value: str(int(value) if value == value // 1 else value), na_action="ignore").astype(
            object
        )
    if values.dtype == object:
        dates = values.map(lambda value: isinstance(value, date)).astype(bool)
        if dates.any() and not (dates | values.isna()).all():
            row = values.index[(~dates & values.notna()).to_numpy().argmax()]
            raise DataError(
                f"column '{values.name}' holds dates, and texts such as '{values[row]}' (row {row}): a "
                "program has read some cells as dates, perhaps with day and month exchanged; give the whole column one "
                "format there."
            )
    return values.astype(object).map(lambda value: str(value).strip() or None, na_action="ignore")


def _parsed(texts: pd.Series, file: TableFile, section: str) -> Days:
    """Return the days of different texts."""
    if file.date_format is not None:
        return _periods(_with_format(texts, file, section), file.date_format)
    if len(texts) and texts.str.contains(OF_UTC if file.timezone is None else TIME).all():
        return Days(_of_times(texts, file, section))
    plain = in_english(texts.str.replace(TIME, "", regex=True).str.replace(WEEKDAY, "", regex=True))
    iso = pd.to_datetime(plain, format="%Y-%m-%d", errors="coerce")
    if iso.notna().all():
        return Days(iso)
    if plain.str.fullmatch(r"\d+(?:\.\d+)?").all() and (counted := _of_numbers(plain, file, section)) is not None:
        return Days(counted)
    if (weeks := _of_weeks(plain)) is not None:
        return Days(weeks, weeks + timedelta(days=6))
    if (quarters := _of_quarters(plain)) is not None:
        return Days(quarters, quarters + pd.offsets.QuarterEnd(0))
    readings = dict(_readings(plain))
    if not readings:
        raise _no_date(texts, plain, section)
    (one, days), *others = readings.items()
    for other, also in others:
        if (also != days).any():
            row, text = _first(texts, also != days)
            answers = tuple(f"{reading}{time_behind(texts, reading)}" for reading in (one, other))
            raise DataError(
                f"column '{texts.name}', row {row}: '{text:.40}' may be {days[row]:%Y-%m-%d} or {also[row]:%Y-%m-%d}; "
                f"give '{section}.date_format' as {answers[0]} or {answers[1]}.",
                option=f"{section}.date_format",
                answers=answers,
            )
    return _periods(days, one)


def time_behind(cells: pd.Series, date_format: str) -> str:
    """Return what stands behind the days of a format, '' where that is no time that can be read."""
    return max(TIMES, key=lambda time: pd.to_datetime(cells, format=date_format + time, errors="coerce").notna().sum())


def _periods(days: pd.Series, date_format: str) -> Days:
    """Return the first and the last day, where a format names weeks or months."""
    if re.search("%[djuwaA]", date_format):
        return Days(days)
    if re.search("%[VWU]", date_format):
        return Days(days, days + timedelta(days=6))
    return Days(days, days + pd.offsets.MonthEnd(0))


def _with_format(texts: pd.Series, file: TableFile, section: str) -> pd.Series:
    """Return the days of texts in a format; a week of a year stands for its first day."""
    date_format = str(file.date_format)
    if "%H" in date_format and file.timezone is not None:
        written = texts.str.replace("(?:UTC|GMT)$", "Z", regex=True)
        days = _of_moments(pd.to_datetime(written, format=date_format, errors="coerce", utc=True), file, section)
    else:
        days = pd.to_datetime(**_without_zone(texts, date_format), errors="coerce").dt.normalize()
    if days.isna().any():
        row, text = _first(texts, days.isna())
        raise DataError(
            f"column '{texts.name}', row {row}: '{text:.40}' is no date in the format {date_format}; correct the cell, "
            f"or '{section}.date_format'."
        )
    return days


def _without_zone(texts: pd.Series, date_format: str) -> dict[str, Any]:
    """Return texts and format without a zone: the day is that of the clock that was read, wherever it hung."""
    if "%z" in date_format:
        texts = texts.str.replace(r"\s*(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})$", "", regex=True)
        date_format = date_format.replace("%z", "").rstrip()
    for week, directive, first in (("%V", "%u", 1), ("%W", "%w", 1), ("%U", "%w", 0)):
        if week in date_format and not re.search("%[uwaA]", date_format):
            texts, date_format = texts + f" {first}", f"{date_format} {directive}"
    return {"arg": texts, "format": date_format}


def _of_times(texts: pd.Series, file: TableFile, section: str) -> pd.Series:
    """Return the days of times that are UTC's, or are told by the clock of a zone."""
    written = texts.str.replace(r"\s*(?:UTC|GMT|Z)$", "Z", regex=True)
    moments = pd.to_datetime(written, format="ISO8601", utc=True, errors="coerce")
    if moments.isna().any():
        row, text = _first(texts, moments.isna())
        raise DataError(
            f"column '{texts.name}', row {row}: the day of '{text:.40}' depends on a zone; give "
            f"'{section}.date_format' (such as %d/%m/%Y %H:%M %z) and '{section}.timezone' (such as "
            "America/Los_Angeles, or UTC)."
        )
    return _of_moments(moments, file, section)


def _readings(texts: pd.Series) -> Iterator[tuple[str, pd.Series]]:
    """Yield each format that all texts fit, with their days."""
    for date_format in FORMATS:
        days = pd.to_datetime(texts, format=date_format, errors="coerce")
        if days.notna().all() and not ("%y" in date_format and np.ptp(days.dt.year) > MOST_YEARS):
            yield date_format, days
    for date_format in SHORT_YEAR_FIRST:
        days = pd.to_datetime(texts, format=date_format, errors="coerce")
        if days.notna().all() and np.ptp(days.dt.year) <= MOST_YEARS:
            yield date_format, days


def _of_weeks(texts: pd.Series) -> pd.Series | None:
    """Return the Mondays of weeks such as ``2023-W01`` and ``KW 1/2023``."""
    parts = [WEEK.match(text) for text in texts]
    weeks = [f"{part['year'] or part['year_']} {part['week'] or part['week_']:0>2} 1" for part in parts if part]
    days = pd.to_datetime(pd.Series(weeks, dtype=object), format="%G %V %u", errors="coerce")
    return days.set_axis(texts.index) if len(weeks) == len(parts) and days.notna().all() else None


def _of_quarters(texts: pd.Series) -> pd.Series | None:
    """Return the first days of quarters such as ``2023-Q1`` and ``Q1/2023``."""
    parts = [part for text in texts if (part := QUARTER.match(text))]
    if not parts or len(parts) < len(texts):
        return None
    months = [
        f"{part['year'] or part['year_']}-{3 * int(part['quarter'] or part['quarter_']) - 2:02}-01" for part in parts
    ]
    return pd.to_datetime(pd.Series(months, texts.index, object), format="%Y-%m-%d")


def _of_numbers(texts: pd.Series, file: TableFile, section: str) -> pd.Series | None:
    """Return the days that numbers count: as digits, as spreadsheets do, or as seconds (or less) since 1970."""
    if (days := pd.to_datetime(texts, format="%Y%m%d", errors="coerce")).notna().all():
        return days
    values = texts.astype(float)
    if values.between(*SERIALS).all():
        return pd.to_datetime(np.floor(values), unit="D", origin="1899-12-30")
    for size in PARTS:
        if (values / size).between(*EPOCHS).all():
            return _of_moments(pd.to_datetime(values // size, unit="s", utc=True), file, section)
    if values.between(0, 400).all():
        raise _no_year(texts, values)
    if texts.str.fullmatch(r"\d{4}(?:0[1-9]|[1-4]\d|5[0-3])").all() and texts.str[4:].astype(int).max() > 12:
        raise DataError(
            f"column '{texts.name}' holds years and weeks such as {texts.iloc[0]}, which are counted in several ways; "
            f"give '{section}.date_format' as %G%V (ISO), %Y%W (from the first Monday) or %Y%U (from the first "
            "Sunday).",
            option=f"{section}.date_format",
            answers=("%G%V", "%Y%W", "%Y%U"),
        )
    return None


def _no_year(texts: pd.Series, weeks: pd.Series) -> DataError:
    return DataError(
        f"column '{texts.name}' counts from {weeks.min():.0f} to {weeks.max():.0f} and names no year; "
        "write the first day of each week, such as 2023-01-02, or year and week, such as 2023-W01."
    )


def _no_date(texts: pd.Series, plain: pd.Series, section: str) -> DataError:
    """Return the error about the first cell that does not fit the format that most do."""
    if (counted := plain.str.extract(COUNTED)[0]).notna().all():
        return _no_year(texts, counted.astype(float))
    odd = min(_odd(plain), key=sum)
    row, text = _first(texts, odd)
    if odd.sum() < len(odd) / 2:
        return DataError(
            f"column '{texts.name}', row {row}: '{text:.40}' is no date as '{texts[~odd].iloc[0]}' is; correct it, or "
            "take the row out."
        )
    remedy = f"use YYYY-MM-DD, or give '{section}.date_format' (such as %d/%m/%Y)"
    if LONG.match(text):
        remedy = "give the day, such as 2023-01-02, on which a week or a day begins"
    elif re.search(r"\d{4}", text) and unknown_words(text):
        known = languages()
        remedy = f"use YYYY-MM-DD; names of months are read in {', '.join(known[:-1])} and {known[-1]}"
    return DataError(f"column '{texts.name}', row {row}: '{text:.40}' is no date; {remedy}.")


def _odd(texts: pd.Series) -> Iterator[pd.Series]:
    """Yield which cells do not fit each way to write days."""
    for date_format in ("%Y-%m-%d", *FORMATS):
        yield pd.to_datetime(texts, format=date_format, errors="coerce").isna()
    yield ~texts.str.match(WEEK)
    yield ~texts.str.match(RANGE)
    values = pd.to_numeric(texts, errors="coerce")
    for low, high in (SERIALS, *((EPOCHS[0] * size, EPOCHS[1] * size) for size in PARTS)):
        yield ~values.between(low, high)


def _first(texts: pd.Series, which: pd.Series) -> tuple[object, str]:
    place = int(which.to_numpy().argmax())
    return texts.index[place], texts.iloc[place]
