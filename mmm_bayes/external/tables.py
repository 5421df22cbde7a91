"""External tables as they are written: values with the days that each is for, and events with theirs."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from mmm_bayes.config import Config, ExternalFile
from mmm_bayes.errors import DataError
from mmm_bayes.tables import all_there, find_notation, keys, numbers, read_days, read_table

EVERYWHERE = ""
"""The geo of rows that are for all of them."""

SEVERAL = 3
"""Dates from which on a rhythm is none by chance."""

WEEK = 7


@dataclass(frozen=True)
class External:
    """What one table, or the events of the configuration, say.

    Attributes:
        name: that of the table in the configuration; ``events`` for those that it lists itself.
        path: where the table is; '' for the events of the configuration.
        table: its section; None for the events of the configuration.
        frame: of values ``geo, first, days`` and a column of each control, the index counting rows of the file; of
            events ``geo, first, last, control, before, after``.
        rhythm: ``day``, ``week``, ``month``, ``months`` (several), ``span`` or ``event``: what a row is for.
    """

    name: str
    path: str
    table: ExternalFile | None
    frame: pd.DataFrame
    rhythm: str

    @property
    def section(self) -> str:
        """Its section of the configuration."""
        return f"external.{self.name}"

    @property
    def columns(self) -> dict[str, str]:
        """How the days of a week become its value, by column; nothing for events."""
        return dict(self.table.columns) if self.table is not None else {}

    @property
    def between(self) -> str | None:
        """What stands between two rows; None for nothing."""
        return self.table.between if self.table is not None else None

    @property
    def by_geo(self) -> bool:
        """Whether its rows name geos."""
        return self.table is not None and self.table.geo is not None


def control_name(table: str, column: str) -> str:
    """Return what a control from a table is called."""
    return f"{table}_{column}"


def read_external(config: Config, week_start: int | None = None) -> list[External]:
    """Read the external tables and the events of a configuration, before anything that takes time.

    Args:
        config: with sections ``external`` and ``events``, or without.
        week_start: day of the week (0 is Monday) on which the weeks of the panel start, where that is known.

    Raises:
        DataError: a table, a column, a date or a number that cannot be read, or weeks dated by either end.
    """
    found = [_of_file(config, name, table, week_start) for name, table in config.external.items()]
    events = [
        (geo, pd.Timestamp(first), pd.Timestamp(last), name, event.before, event.after)
        for name, event in config.events.items()
        for first, last in event.spans
        for geo in event.geos or (EVERYWHERE,)
    ]
    return [*found, *([External("events", "", None, _events(events), "event")] if events else [])]


def _events(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["geo", "first", "last", "control", "before", "after"])


def _of_file(config: Config, name: str, table: ExternalFile, week_start: int | None) -> External:
    path, section = config.find(table.path), f"external.{name}"
    named = [c for c in (table.date, table.until, table.geo, table.event) if c is not None]
    raw = read_table(table, path, section, [*named, *table.columns])
    if raw.empty:
        raise DataError(f"{path}: holds no rows; give a file with rows, or leave out '{section}'.")
    try:
        if table.event is not None:
            return External(name, path, table, _event_rows(raw, name, table, section), "event")
        frame, rhythm = _values(raw, name, table, section, week_start)
        return External(name, path, table, frame, rhythm)
    except DataError as error:
        raise error.within(path) from None


def _event_rows(raw: pd.DataFrame, name: str, table: ExternalFile, section: str) -> pd.DataFrame:
    days = read_days(raw[table.date], table, section)
    first = all_there(days.first, "the date is missing; fill it in")
    last = first if days.last is None else days.last
    if table.until is not None:
        until = read_days(raw[table.until], table, section)
        last = (until.first if until.last is None else until.last).fillna(last)
    if (last < first).any():
        raise DataError(f"row {first.index[last < first][0]}: the event ends before it begins; correct it.")
    names = all_there(keys(raw[str(table.event)], section), "the name of the event is missing; fill it in")
    geo = keys(raw[table.geo], section).fillna(EVERYWHERE) if table.geo else EVERYWHERE
    frame = pd.DataFrame({"first": first, "last": last, "control": [control_name(name, n) for n in names]})
    return frame.assign(geo=geo, before=table.before, after=table.after)


def _values(
    raw: pd.DataFrame, name: str, table: ExternalFile, section: str, week_start: int | None
) -> tuple[pd.DataFrame, str]:
    notation = find_notation([raw[column] for column in table.columns], table, section)
    days = read_days(raw[table.date], table, section)
    first = all_there(days.first, "the date is missing; fill it in")
    if days.last is not None:
        frame = pd.DataFrame({"first": first, "days": (days.last - first).dt.days + 1})
        if (frame["days"] < 1).any():
            row = frame.index[frame["days"] < 1][0]
            raise DataError(f"column '{table.date}', row {row}: the period ends before it begins; correct it.")
        rhythm = _rhythm_of(frame["days"])
    else:
        frame, rhythm = _periods(first, table, section, week_start)
    frame["geo"] = all_there(keys(raw[table.geo], section), "the geo is missing; fill it in") if table.geo else ""
    for column in table.columns:
        values = numbers(raw[column], notation, section)
        if np.isinf(values).any():
            raise DataError(f"column '{column}', row {values.index[np.isinf(values)][0]}: is infinite; correct it.")
        frame[control_name(name, column)] = values
    return frame, rhythm


def _rhythm_of(days: pd.Series) -> str:
    if (days == WEEK).all():
        return "week"
    if days.between(28, 31).all():
        return "month"
    return "months" if days.between(89, 92).all() else "span"


def _periods(first: pd.Series, table: ExternalFile, section: str, week_start: int | None) -> tuple[pd.DataFrame, str]:
    """Return ``first, days`` of what each date is for: its day, or the week, the month or the months that it dates."""
    distinct = pd.DatetimeIndex(sorted(first.unique()))
    ends = distinct.is_month_end.all()
    if len(distinct) >= SEVERAL and (ends or distinct.is_month_start.all()):
        months = distinct.year * 12 + distinct.month
        size = int(np.diff(months).min())
        start = first - pd.offsets.MonthBegin(1) - pd.DateOffset(months=size - 1) if ends else first
        days = (start + pd.DateOffset(months=size) - start).dt.days
        return pd.DataFrame({"first": start, "days": days}), "month" if size == 1 else "months"
    if len(distinct) >= SEVERAL and distinct.dayofweek.nunique() == 1:
        last = table.week_date == "last"
        if table.week_date is None and week_start is not None and distinct[0].dayofweek != week_start:
            raise DataError(
                f"column '{table.date}': the rows are weekly and dated on {distinct[0]:%A}s, which may be the first or "
                f"the last day of their weeks; give '{section}.week_date' as first or last."
            )
        return pd.DataFrame({"first": first - timedelta(days=WEEK - 1) if last else first, "days": WEEK}), "week"
    if table.week_date is not None:
        raise DataError(
            f"column '{table.date}': the dates lie on several weekdays, so none of them is the end of a week; leave "
            f"out '{section}.week_date'."
        )
    return pd.DataFrame({"first": first, "days": 1}, index=first.index), "day"
