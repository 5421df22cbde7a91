"""Real spend from a file, added up to the weeks and geos of the panel."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from mmm_bayes.config import Config, SpendFile
from mmm_bayes.errors import DataError, nearest
from mmm_bayes.findings import Finding
from mmm_bayes.panel import NATIONAL
from mmm_bayes.prepare.gaps import WEEK
from mmm_bayes.prepare.geos import Grouping
from mmm_bayes.prepare.weeks import WEEKDAYS
from mmm_bayes.tables import all_there, as_table, find_notation, keys, numbers, read_days, read_table, without_total

SECTION = "spend"
HISTORY = 52
"""Most weeks before the first of the panel that are kept, so that their spend enters the lags."""

CENT = 0.005
"""What may be left of a week by rounding."""

SEVERAL = 3
"""Dates from which on a rhythm is none by chance."""


@dataclass(frozen=True)
class Spend:
    """Spend per week and geo.

    Attributes:
        weekly: ``geo, week`` (the index) and one column per channel; weeks and geos without spend are missing.
        columns: column by channel.
        first: first week to keep, before that of the panel where the file has history.
        summary: facts for the data-quality summary.
        notes: what a reader should know.
    """

    weekly: pd.DataFrame
    columns: dict[str, str]
    first: date
    summary: dict[str, Any]
    notes: tuple[Finding, ...]


@dataclass(frozen=True)
class SpendLines:
    """Checked lines of the spend file.

    Attributes:
        frame: ``channel, geo, spend`` and the period of each amount: its ``first`` day and its number of ``days``; the
            index counts rows of the file.
        table: the section of the configuration.
        path: where they come from.
        notes: what was found in them.
    """

    frame: pd.DataFrame
    table: SpendFile
    path: str
    notes: tuple[Finding, ...]


def read_spend(config: Config, cells: pd.DataFrame | None = None) -> SpendLines:
    """Read the spend file and check it, before anything that takes time.

    Args:
        config: with a section ``spend``.
        cells: of the table, where Spark has read it.

    Raises:
        DataError: a missing column, no rows, a date or an amount that cannot be read, weeks dated by either end.
    """
    table = config.spend
    assert table is not None and config.transactions is not None
    path, amounts = (config.find(table.path) if cells is None else table.place), _amounts(table)
    names = [name for name in (table.date, table.geo, table.channel) if name is not None]
    wanted = [*names, *amounts.values()]
    raw = read_table(table, path, SECTION, wanted) if cells is None else as_table(cells, path, SECTION, wanted)
    if raw.empty:
        raise DataError(f"{path}: holds no spend; give a file with rows, or leave out the section 'spend'.")
    try:
        raw, notes = without_total(raw, table.date, list(amounts.values()), table, SECTION)
        lines = SpendLines(_long(raw, table, amounts), table, path, notes)
        return _by_period(lines, config.transactions.week_start)
    except DataError as error:
        raise error.within(path) from None


def weekly_spend(lines: SpendLines, week_start: str, weeks: tuple[date, date], grouping: Grouping) -> Spend:
    """Add the spend up.

    Args:
        lines: see `read_spend`.
        week_start: name of a weekday.
        weeks: first and last week of the panel.
        grouping: which geo goes where; spend without a geo is split by share of revenue.

    Raises:
        DataError: spend for a geo that the transactions do not have, or credits of more than was spent in a week.
    """
    split = lines.table.geo is None or grouping.names == (NATIONAL,)
    frame = _daily(lines.frame.assign(geo="") if split else lines.frame)
    frame["week"] = frame["day"] - pd.to_timedelta(
        (frame["day"].dt.dayofweek - WEEKDAYS.index(week_start)) % 7, unit="D"
    )
    _require_credits_in_their_week(frame, lines.path)
    first_week, last_week = frame["week"].min().date(), frame["week"].max().date()
    first = min(weeks[0], max(first_week, weeks[0] - HISTORY * WEEK))
    outside = frame[~frame["week"].between(pd.Timestamp(first), pd.Timestamp(weeks[1]))]
    columns = {channel: f"spend_{channel}" for channel in lines.table.channels or sorted(frame["channel"].unique())}
    summary = {
        "path": lines.path,
        "channels": lines.frame.groupby("channel")["spend"].sum().to_dict(),
        "first_week": str(first_week),
        "last_week": str(last_week),
        "split_by_revenue": split and len(grouping.names) > 1,
        "history_weeks": (weeks[0] - first) // WEEK,
        "outside": {"rows": int(outside["row"].nunique()), "spend": float(outside["spend"].sum())},
    }
    places = _split(grouping) if split else _places(frame, lines.path, grouping)
    weekly = _weekly(frame.merge(places, on="geo"), columns)
    return Spend(weekly, columns, first, summary, (*lines.notes, *_notes(summary, weeks)))


# --- lines --------------------------------------------------------------------------------------


def _amounts(table: SpendFile) -> dict[str, str]:
    """Return the columns of money: by channel in a wide file, the only one by '' in a long one."""
    return dict(table.channels) if table.layout == "wide" else {"": str(table.spend)}


def _long(raw: pd.DataFrame, table: SpendFile, amounts: dict[str, str]) -> pd.DataFrame:
    """Return ``channel, geo, spend, first, last``, whatever the layout; no ``last`` where cells are single days."""
    notation = find_notation([raw[name] for name in amounts.values()], table, SECTION)
    days = read_days(raw[table.date], table, SECTION)
    common = pd.DataFrame({"first": all_there(days.first, "the date is missing; fill it in")})
    common["last"] = pd.NaT if days.last is None else days.last
    common["geo"] = all_there(keys(raw[table.geo], SECTION), "the geo is missing; fill it in") if table.geo else ""
    parts = []
    for channel, name in amounts.items():
        spend = all_there(numbers(raw[name], notation, SECTION), "the spend is missing; write 0 where none was spent")
        parts.append(common.assign(spend=spend, channel=channel))
    frame = pd.concat(parts)
    if table.channel is not None:
        frame["channel"] = all_there(keys(raw[table.channel], SECTION), "the channel is missing; fill it in")
    if not np.isfinite(frame["spend"]).all():
        raise DataError(f"row {frame.index[~np.isfinite(frame['spend'])][0]}: the spend is infinite; correct it.")
    return frame


def _by_period(lines: SpendLines, week_start: str) -> SpendLines:
    """Find out which days each amount is for: one, a week, a month or those that its cell names."""
    frame, table, notes = lines.frame, lines.table, list(lines.notes)
    if credits := int((frame["spend"] < 0).sum()):
        notes.append(Finding("spend.credits", {"rows": credits, "spend": float(frame["spend"].clip(upper=0).sum())}))
    if frame["last"].notna().all():
        days = (frame["last"] - frame["first"]).dt.days + 1
        if (days < 1).any():
            raise DataError(f"column '{table.date}', row {days.index[days < 1][0]}: the period ends before it begins.")
        return replace(lines, frame=frame.assign(days=days), notes=tuple(notes))
    monthly = frame.groupby("channel")["first"].transform(_are_months)
    if monthly.any():
        notes.append(Finding("spend.by_month", {"channels": sorted(frame["channel"][monthly].unique())}))
    weekly = ~monthly & (_one_weekday(frame["first"][~monthly]) is not None)
    if table.week_date is not None and not weekly.any():
        raise DataError(
            "the dates lie on several weekdays, so none of them is the end of a week; leave out 'spend.week_date'."
        )
    start = frame["first"].mask(monthly, frame["first"].dt.to_period("M").dt.start_time)
    if weekly.any() and _first_weekday(frame["first"][weekly], table, week_start) != week_start:
        notes.append(Finding("spend.by_week", {"start": week_start}))
    else:
        weekly[:] = False
    if table.week_date == "last":
        start = start.mask(~monthly, start - timedelta(days=6))
    days = pd.Series(1, frame.index).mask(weekly, 7).mask(monthly, start.dt.days_in_month)
    return replace(lines, frame=frame.assign(first=start, days=days), notes=tuple(notes))


def _first_weekday(days: pd.Series, table: SpendFile, week_start: str) -> str:
    """Return the weekday on which the weeks of weekly spend start."""
    weekday = days.iloc[0].dayofweek
    if table.week_date is None and WEEKDAYS[weekday] != week_start:
        raise DataError(
            f"column '{table.date}': the spend is weekly and dated on {WEEKDAYS[weekday].title()}s, which may be the "
            "first or the last day of its weeks; give 'spend.week_date' as first or last.",
            option=f"{SECTION}.week_date",
            answers=("first", "last"),
        )
    return WEEKDAYS[weekday if table.week_date != "last" else (weekday + 1) % 7]


def _one_weekday(days: pd.Series) -> int | None:
    """Return the weekday on which all of several dates lie."""
    weekdays = days.dt.dayofweek.unique()
    return int(weekdays[0]) if len(weekdays) == 1 and days.nunique() >= SEVERAL else None


def _are_months(days: pd.Series) -> bool:
    """Whether all dates of a channel are the first, or all the last, of several months."""
    return bool(days.nunique() >= SEVERAL and (days.dt.is_month_start.all() or days.dt.is_month_end.all()))


# --- weeks --------------------------------------------------------------------------------------


def _daily(frame: pd.DataFrame) -> pd.DataFrame:
    """Divide each amount evenly among its days: ``channel, geo, spend, day`` and the ``row`` that it comes from."""
    size = frame["days"].to_numpy()
    place = np.repeat(np.arange(len(frame)), size)
    daily = frame.iloc[place]
    after = np.arange(len(place)) - np.repeat(size.cumsum() - size, size)
    return pd.DataFrame(
        {
            "channel": daily["channel"].to_numpy(),
            "geo": daily["geo"].to_numpy(),
            "spend": (daily["spend"] / daily["days"]).to_numpy(),
            "day": (daily["first"] + pd.to_timedelta(after, unit="D")).to_numpy(),
            "row": place,
        }
    )


def _require_credits_in_their_week(frame: pd.DataFrame, path: str) -> None:
    if (frame["spend"] >= 0).all():
        return
    weeks = frame.groupby(["channel", "geo", "week"])["spend"].sum()
    if weeks.min() < -CENT:
        channel, geo, week = weeks.idxmin()
        raise DataError(
            f"{path}: credits bring the spend of {channel}{f' ({geo})' if geo else ''} in the week of {week:%Y-%m-%d} "
            f"to {weeks.min():g}; date them in the week of the spend that they take back."
        )


def _split(grouping: Grouping) -> pd.DataFrame:
    """Every amount goes to all groups, by their share of the revenue."""
    names = list(grouping.names)
    return pd.DataFrame({"geo": "", "group": names, "share": [grouping.shares[name] for name in names]})


def _places(lines: pd.DataFrame, path: str, grouping: Grouping) -> pd.DataFrame:
    """Every amount goes to the group of its geo, whatever the case of its name."""
    groups = {geo.lower(): group for geo, group in grouping.groups.items()}
    geos = sorted(lines["geo"].unique())
    if unknown := [geo for geo in geos if geo.lower() not in groups]:
        hint = nearest(unknown[0], [geo for geo in grouping.groups if geo])
        raise DataError(f"{path}: the transactions have no geo '{unknown[0]}'; {hint}")
    return pd.DataFrame({"geo": geos, "group": [groups[geo.lower()] for geo in geos], "share": 1.0})


def _weekly(placed: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    spend = (placed["spend"] * placed["share"]).groupby([placed["group"], placed["week"], placed["channel"]]).sum()
    weekly = spend.unstack("channel").reindex(columns=list(columns)).rename_axis(["geo", "week"])
    return weekly.clip(lower=0.0).set_axis(list(columns.values()), axis=1)


def _notes(summary: dict[str, Any], weeks: tuple[date, date]) -> tuple[Finding, ...]:
    notes = []
    if summary["split_by_revenue"]:
        notes.append(Finding("spend.split_by_revenue"))
    first, last = map(str, weeks)
    if summary["first_week"] > first or summary["last_week"] < last:
        covered = {"first": summary["first_week"], "last": summary["last_week"]}
        notes.append(Finding("spend.other_weeks", {**covered, "panel_first": first, "panel_last": last}))
    if outside := summary["outside"]["rows"]:
        notes.append(Finding("spend.outside", {"rows": outside, "spend": summary["outside"]["spend"]}))
    return tuple(notes)
