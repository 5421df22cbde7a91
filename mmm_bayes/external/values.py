"""Values of external tables by week and geo, and no gap unseen."""

from datetime import timedelta

import numpy as np
import pandas as pd

from mmm_bayes.errors import DataError, nearest
from mmm_bayes.external.places import Places
from mmm_bayes.external.tables import WEEK, External, control_name

SHOWN = 3
"""Weeks or geos that a sentence names."""


def weekly_values(table: External, weeks: pd.DatetimeIndex, places: Places, ahead: int = 0) -> pd.DataFrame:
    """Return ``geo, week`` (the index) and a column for each control of a table.

    A week's value is the mean, sum, last or highest of its days'. The value of a row counts on each of its days, that
    of a sum is divided among them. A national value stands in all geos; several geos of the table that are one in the
    panel are averaged by their weight, on days that all of them have. The last weeks, those ``ahead``, need no value.

    Raises:
        DataError: weeks, days of a sum or a geo are lacking, or two rows are for one day.
    """
    columns = {}
    for column, way in table.columns.items():
        daily = _by_day(table, column)
        daily = daily[daily["day"].between(weeks[0], weeks[-1] + timedelta(days=WEEK - 1))]
        placed = _placed(daily, table, places)
        week = weeks[0] + pd.to_timedelta((placed["day"] - weeks[0]).dt.days // WEEK * WEEK, unit="D")
        by_week = placed.groupby(["geo", week.rename("week")])["value"]
        weekly = getattr(by_week, way)()
        if way == "sum":
            weekly = weekly[by_week.size() == WEEK]
        _require_all(weekly, table, column, weeks[: len(weeks) - ahead], places)
        columns[control_name(table.name, column)] = weekly
    return pd.DataFrame(columns)


# --- days ---------------------------------------------------------------------------------------


def _by_day(table: External, column: str) -> pd.DataFrame:
    """Return ``geo, day, value`` of all days that a column has one for."""
    control = control_name(table.name, column)
    rows = table.frame[["geo", "first", "days", control]].rename(columns={control: "value"}).dropna()
    rows = rows.sort_values(["geo", "first"], kind="stable")
    _require_once(table, rows)
    if table.between == "interpolate":
        return pd.concat([_line(str(geo), own) for geo, own in rows.groupby("geo")] or [rows.assign(day=rows["first"])])
    days = rows["days"]
    if table.between == "repeat":
        days = (rows.groupby("geo")["first"].shift(-1) - rows["first"]).dt.days.fillna(days).astype(int)
    value = rows["value"] / days if table.columns[column] == "sum" else rows["value"]
    place, size = np.repeat(np.arange(len(rows)), days), days.to_numpy()
    after_first = np.arange(len(place)) - np.repeat(size.cumsum() - size, size)
    day = rows["first"].iloc[place] + pd.to_timedelta(after_first, unit="D")
    return pd.DataFrame({"geo": rows["geo"].iloc[place], "day": day, "value": value.iloc[place]})


def _require_once(table: External, rows: pd.DataFrame) -> None:
    """No two rows of a geo are for the same day."""
    end = rows["first"] + pd.to_timedelta(rows["days"], unit="D")
    again = rows["first"] < end.groupby(rows["geo"]).shift()
    if again.any():
        row = rows.index[again][0]
        geo, day = rows.loc[[row], ["geo", "first"]].iloc[0]
        hint = "" if geo else f", or name the column of the geos as '{table.section}.geo'"
        raise DataError(
            f"{table.path}: row {row} is for {day:%Y-%m-%d}{f' of {geo}' if geo else ''}, as another row is; keep one "
            f"row for each date{hint}."
        )


def _line(geo: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the values of all days on lines from the middle of one row's days to that of the next."""
    start, last = rows["first"].iloc[0], rows["first"].iloc[-1] + timedelta(days=int(rows["days"].iloc[-1]) - 1)
    middle = (rows["first"] - start).dt.days + (rows["days"] - 1) / 2
    days = pd.date_range(start, last)
    value = np.interp(np.arange(len(days)), middle.to_numpy(dtype=float), rows["value"].to_numpy(dtype=float))
    return pd.DataFrame({"geo": geo, "day": days, "value": value})


# --- geos and weeks -----------------------------------------------------------------------------


def _placed(daily: pd.DataFrame, table: External, places: Places) -> pd.DataFrame:
    """Return ``geo, day, value`` for the geos of the panel."""
    if not table.by_geo:
        return daily.drop(columns="geo").merge(pd.DataFrame({"geo": places.geos}), how="cross")
    named = daily.assign(name=daily["geo"].str.casefold()).drop(columns="geo")
    members = places.among(set(named["name"]))
    if lacking := [geo for geo in places.geos if geo not in set(members["geo"])]:
        hint = nearest(lacking[0], sorted(daily["geo"].unique())[:SHOWN]).rstrip(".")
        raise DataError(
            f"{table.path}: has no rows of the geo '{lacking[0]}' in the weeks of the panel ({hint}); add them, or "
            f"give one row for each date and leave out '{table.section}.geo'."
        )
    joined = named.merge(members, on="name")
    sums = joined.assign(value=joined["value"] * joined["weight"]).groupby(["geo", "day"])[["value", "weight"]].sum()
    whole = sums["weight"] > (1 - 1e-9) * sums.groupby("geo")["weight"].transform("max")
    return (sums["value"] / sums["weight"])[whole].rename("value").reset_index()


def _require_all(weekly: pd.Series, table: External, column: str, weeks: pd.DatetimeIndex, places: Places) -> None:
    """Name the first weeks that a column lacks, and what helps."""
    lacking = weekly.unstack("geo").reindex(index=weeks, columns=list(places.geos)).isna()
    if not lacking.to_numpy().any():
        return
    geo = lacking.columns[lacking.any().to_numpy().argmax()]
    missing, there = weeks[lacking[geo]], weeks[~lacking[geo]]
    inside = len(there) > 0 and ((missing > there[0]) & (missing < there[-1])).any()
    remedy = "add rows for them, or begin and end the panel where the table does"
    if inside and table.columns[column] == "sum":
        remedy = "add rows for all of their days (0 where there was nothing)"
    elif inside:
        remedy = f"add rows, or give '{table.section}.between' as repeat (the value before) or interpolate (a line)"
    listed = ", ".join(f"{week:%Y-%m-%d}" for week in missing[:SHOWN])
    raise DataError(
        f"{table.path}: '{column}'{f' of {geo}' if table.by_geo else ''} lacks {len(missing)} of the panel's "
        f"{len(weeks)} weeks ({listed}{', ...' if len(missing) > SHOWN else ''}); {remedy}."
    )
