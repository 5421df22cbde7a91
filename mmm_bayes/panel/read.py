"""A table that the user brings becomes a weekly one: keys as written, numbers, first days of weeks."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from mmm_bayes.config import PanelColumns, PanelSource
from mmm_bayes.errors import DataError
from mmm_bayes.findings import Finding
from mmm_bayes.panel.checks import columns_of
from mmm_bayes.panel.daily import days_to_weeks
from mmm_bayes.tables import (
    Days,
    all_there,
    as_table,
    find_notation,
    keys,
    numbers,
    read_days,
    read_table,
    without_total,
)

SECTION = "panel"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
OFTEN_LAST = (4, 5, 6)
"""Weekdays on which weeks end as often as they begin: Friday, Saturday, Sunday."""

CALENDAR = ((31, "a month"), (92, "a quarter"), (366, "a year"))
"""Days that the usual step from one row to the next has at most, and what it is called."""

MONTHS = 12
DAYS_TO_LAST = timedelta(days=6)


@dataclass(frozen=True)
class WeeklyTable:
    """A weekly table with what happened on the way to it; its week is the first day, its numbers are numbers."""

    frame: pd.DataFrame
    notes: tuple[Finding, ...]


def read_panel(source: PanelSource, path: str, cells: pd.DataFrame | None = None) -> WeeklyTable:
    """Read the table of a panel that the user brings.

    Args:
        source: the section of the configuration.
        path: where it is.
        cells: of the table, where Spark has read it.

    Raises:
        DataError: the file, a cell or a date cannot be read; the rows are neither weeks nor days.
    """
    wanted = columns_of(source)
    table = read_table(source, path, SECTION, wanted) if cells is None else as_table(cells, path, SECTION, wanted)
    if table.empty:
        return WeeklyTable(table, ())
    table, notes = without_total(table, source.week, _amounts(source), source, SECTION)
    days = read_days(table[source.week], source, SECTION)
    frame = typed(table, source, days.first)
    steps = np.diff(np.sort(frame[source.week].unique())).astype("timedelta64[D]").astype(int)
    if days.last is None and len(steps) and np.median(steps) == 1:
        frame, note = days_to_weeks(frame, source)
        return WeeklyTable(frame, (*notes, note))
    _refuse_months(frame[source.week], source)
    _refuse_exchanged(frame[source.week], source)
    return WeeklyTable(frame.assign(**{source.week: first_days(frame[source.week], days, source)}), notes)


def typed(table: pd.DataFrame, columns: PanelColumns, days: pd.Series | None = None) -> pd.DataFrame:
    """Return a table with its weeks as dates, its geos as texts and the numbers that ``columns`` names as numbers.

    Args:
        table: its index counts rows for messages.
        columns: which column holds what.
        days: the weeks, where they have been read.

    Raises:
        DataError: a cell that cannot be read, or an empty week or geo.
    """
    source = columns if isinstance(columns, PanelSource) else PanelSource(path="", **columns.model_dump())
    names = [name for name in columns_of(columns) if name not in (columns.week, columns.geo)]
    notation = find_notation([table[name] for name in names], source, SECTION)
    read = {name: numbers(table[name], notation, SECTION) for name in names}
    read[columns.week] = all_there(
        read_days(table[columns.week], source, SECTION).first if days is None else days,
        "the week is missing; date it",
    )
    if columns.geo is not None:
        read[columns.geo] = all_there(keys(table[columns.geo], SECTION), "the geo is missing; name it")
    return table.assign(**read, **{name: _plain(table[name]) for name in table.columns.difference([*read])})


def _plain(values: pd.Series) -> pd.Series:
    """Return a column that nobody names as numbers, where it is that, for those who read the file."""
    if pd.api.types.is_string_dtype(values):
        with suppress(ValueError, TypeError):
            return pd.to_numeric(values.astype(object))
    return values


def _amounts(columns: PanelColumns) -> list[str]:
    """Return the columns that a row of totals adds up."""
    return list(dict.fromkeys([columns.kpi, *columns.spend.values(), *columns.organic.values()]))


# --- weeks --------------------------------------------------------------------------------------


def first_days(weeks: pd.Series, days: Days, source: PanelSource) -> pd.Series:
    """Return the first day of each week, whichever day names it."""
    if days.last is not None:
        long = (days.last - days.first) != DAYS_TO_LAST
        if long.any():
            row = weeks.index[long.to_numpy().argmax()]
            raise DataError(
                f"column '{source.week}', row {row}: the days from {days.first[row]:%Y-%m-%d} to "
                f"{days.last[row]:%Y-%m-%d} are not one week; give a row for each week of seven days."
            )
        return weeks
    if source.week_date is not None:
        return weeks - DAYS_TO_LAST if source.week_date == "last" else weeks
    weekday = weeks.dt.dayofweek.unique()
    named_last = re.search(r"(?i)end|bis|fin\b", source.week) is not None
    if len(weekday) == 1 and (weekday[0] in OFTEN_LAST or named_last) and not re.search("(?i)start|begin", source.week):
        raise DataError(
            f"column '{source.week}': all weeks are dated on {WEEKDAYS[weekday[0]]}s, which may be their first or "
            f"their last day; give '{SECTION}.week_date' as first or last.",
            option=f"{SECTION}.week_date",
            answers=("first", "last"),
        )
    return weeks


def _refuse_months(weeks: pd.Series, source: PanelSource) -> None:
    """Refuse rows of months, quarters or several weeks."""
    distinct = pd.DatetimeIndex(sorted(weeks.unique()))
    steps = np.diff(distinct) // np.timedelta64(1, "D")
    if len(distinct) > 2 and steps.min() > DAYS_TO_LAST.days + 1:
        calendar = distinct.is_month_start.all() or distinct.is_month_end.all()
        often = next(
            (name for most, name in CALENDAR if calendar and np.median(steps) <= most), f"every {steps.min()} days"
        )
        raise DataError(
            f"column '{source.week}' has a row {often} ({len(distinct)}, {distinct[0]:%Y-%m-%d} to "
            f"{distinct[-1]:%Y-%m-%d}): media act within weeks, of which such sums show nothing, and so few rows "
            "cannot tell channels from season; export the KPI by week or by day."
        )


def _refuse_exchanged(weeks: pd.Series, source: PanelSource) -> None:
    """Refuse weeks that are a row of weeks only where day and month of some change places."""
    distinct = pd.Series(weeks.unique())
    days, months = distinct.dt.day, distinct.dt.month
    change = (days <= MONTHS) & (days != months)
    parts = {"year": distinct.dt.year, "month": months.where(~change, days), "day": days.where(~change, months)}
    other = pd.to_datetime(pd.DataFrame(parts))
    if not _in_step(distinct) and _in_step(other):
        raise DataError(
            f"column '{source.week}': day and month of {change.sum()} weeks have changed places, such as "
            f"{distinct[change].iloc[0]:%Y-%m-%d} for {other[change].iloc[0]:%Y-%m-%d}, as happens in spreadsheets; "
            "export the file again, with dates as YYYY-MM-DD."
        )


def _in_step(weeks: pd.Series) -> bool:
    steps = weeks.sort_values().diff().dropna()
    return bool((steps == timedelta(days=7)).all()) if len(steps) else True
