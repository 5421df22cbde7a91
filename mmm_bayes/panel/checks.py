"""What a weekly table must be to become a panel: each fault is one sentence with its place and remedy."""

import numpy as np
import pandas as pd
import xarray as xr

from mmm_bayes.config import PanelColumns, in_words
from mmm_bayes.errors import DataError, nearest
from mmm_bayes.findings import Finding
from mmm_bayes.panel.roles import questions

MIN_WEEKS = 20
NATIONAL = "national"
"""The geo of a table that names none."""


def columns_of(columns: PanelColumns) -> list[str]:
    """Return the columns that are named, the week first, each once."""
    single = (columns.week, columns.geo, columns.kpi, columns.kpi_value, columns.population)
    wanted = [c for c in single if c is not None]
    for named in (columns.spend, columns.exposure, columns.exposure_cost, columns.organic):
        wanted += named.values()
    wanted += [c for rf in columns.reach_frequency.values() for c in (rf.reach, rf.frequency)]
    return list(dict.fromkeys([*wanted, *columns.controls, *columns.holidays]))


def require_columns(frame: pd.DataFrame, columns: PanelColumns) -> None:
    """Every column that is named is there, at least one channel has a spend, and all others are organic.

    Raises:
        DataError: those that are not.
    """
    available = [str(c) for c in frame.columns]
    missing = [column for column in columns_of(columns) if column not in available]
    if missing:
        raise DataError(*(f"the panel has no column '{column}'; {nearest(column, available)}" for column in missing))
    for key, sentence in (*columns.unknown_channels(), *columns.taken_twice()):
        raise DataError(in_words("", key, sentence))


def require_grid(table: pd.DataFrame, columns: PanelColumns) -> None:
    """Every geo has every week once, and weeks are seven days apart.

    Args:
        table: with the levels ``geo`` and ``week`` of its index.
        columns: of the table.

    Raises:
        DataError: the first that is not so.
    """
    index = table.index
    duplicate = index.duplicated()
    if duplicate.any():
        raise DataError(_twice(table, columns, index[duplicate.argmax()], int(duplicate.sum())))
    weeks = pd.DatetimeIndex(sorted(index.get_level_values("week").unique()))
    steps = np.diff(weeks.to_numpy()).astype("timedelta64[D]").astype(int)
    if len(steps) and (steps != 7).any():
        at = int((steps != 7).argmax())
        if (steps % 7 == 0).all():
            planned = table.loc[index.get_level_values("week") > weeks[at], columns.kpi].isna().all()
            what = "that is planned (0 if none)." if planned else f"(0 if none) and the KPI. {UNKNOWN}"
            raise DataError(
                f"no row for the {_count(steps[at] // 7 - 1)} between {weeks[at]:%Y-%m-%d} and "
                f"{weeks[at + 1]:%Y-%m-%d}; add them, with the spend {what}"
            )
        raise DataError(
            f"weeks must be seven days apart: {weeks[at]:%Y-%m-%d} is followed by {weeks[at + 1]:%Y-%m-%d} "
            f"({steps[at]} days); aggregate to weeks and fill the gaps."
        )
    for geo, size in index.get_level_values("geo").value_counts().items():
        if size < len(weeks):
            here = index.get_level_values("week")[index.get_level_values("geo") == geo]
            raise DataError(_gap(str(geo), weeks, weeks.isin(here), f"geo '{geo}' has no row"))


UNKNOWN = "Where nobody knows the KPI, leave it empty and fill in what was spent: nothing is learnt from such a week."


def _twice(table: pd.DataFrame, columns: PanelColumns, first: tuple[str, pd.Timestamp], times: int) -> str:
    """Say which geo and week stands there twice first, and why that may be."""
    geo, week = first
    if columns.geo is not None:
        return f"{times} duplicate geo-weeks, the first {geo}, {week:%Y-%m-%d}; keep one row for each geo and week."
    roles = {column for _, column, _ in columns.roles()}
    week_of = table.index.get_level_values("week")
    apart = [
        str(name)
        for name, values in table.items()
        if name not in roles
        and values.nunique() > 1
        and not pd.MultiIndex.from_arrays([week_of, values]).has_duplicates
    ]
    texts = [name for name in apart if not pd.api.types.is_float_dtype(table[name])]
    meant = f"set 'panel.geo' to '{texts[0]}'" if texts else "name their column as 'panel.geo'"
    return (
        f"the week of {week:%Y-%m-%d} stands in more than one row ({times} rows too many in all); if these are several "
        f"geos, {meant}, else keep one row for each week."
    )


def _gap(geo: str, weeks: pd.DatetimeIndex, there: np.ndarray, lacks: str) -> str:
    """Say why a geo does not fill all weeks: it opened late, closed early, or has gaps; and what helps."""
    first, last = (weeks[there.nonzero()[0][at]] for at in (0, -1))
    inside = (weeks > first) & (weeks < last) & ~there
    if inside.any():
        return (
            f"{lacks} in {_count(inside.sum())} between others, the first {weeks[inside][0]:%Y-%m-%d}; add what was "
            "sold and spent (0 only if nothing was). A geo may lack the KPI of one week in five, not its spend."
        )
    if not there[0]:
        return (
            f"{lacks} before {first:%Y-%m-%d}, as one that opened late; it enters then, but needs {MIN_WEEKS} weeks "
            f"with a KPI, so leave '{geo}' out."
        )
    return (
        f"{lacks} after {last:%Y-%m-%d}, as one that closed early or is reported late; a geo needs all weeks, so end "
        f"the panel there (leave out the later rows of all geos), or leave '{geo}' out."
    )


def _count(weeks: int) -> str:
    return "1 week" if weeks == 1 else f"{weeks} weeks"


def require_values(data: xr.Dataset, columns: PanelColumns) -> None:
    """Weeks are enough, numbers are there and possible, and there is something to explain.

    Raises:
        DataError: the first number, channel or geo of which that is not true.
    """
    if data.sizes["week"] < MIN_WEEKS:
        raise DataError(
            f"the panel has {data.sizes['week']} weeks; at least {MIN_WEEKS} are needed to tell channels from season."
        )
    _require_kpi(data, columns)
    for variable in ("value", "spend", "media", "frequency", "controls", "holidays"):
        _require_finite(data[variable], variable, columns)
    for variable in ("value", "spend", "media", "frequency"):
        _require_not_negative(data[variable], variable, columns)
    if (data["history"].isnull() | (data["history"] < 0)).any():
        raise DataError("the weeks before the first KPI value have missing or negative media; fill or remove them.")
    _require_media(data)
    for geo in data["geo"].values[(data["kpi"].std("week") == 0).values]:
        raise DataError(f"the KPI '{columns.kpi}' of {geo} never changes; there is nothing to explain.")
    for geo in data["geo"].values[(data["kpi"].mean("week") <= 0).values]:
        raise DataError(f"the KPI '{columns.kpi}' of {geo} is not positive on average; leave that geo out.")
    if not (data["population"] > 0).all():
        raise DataError(f"column '{columns.population}': every geo needs a positive population.")


def _require_media(data: xr.Dataset) -> None:
    """Every channel has media, and those that are paid for have spend."""
    media, spend = (data[name].sum(["geo", "week"]).to_numpy() > 0 for name in ("media", "spend"))
    for channel, paid, ran, cost in zip(data["channel"].values, data["paid"].values, media, spend, strict=True):
        if not ran and cost:
            raise DataError(
                f"channel '{channel}' has spend and no exposure in any week; fill in its exposure, or leave that "
                "column out of the configuration and let the spend count."
            )
        if not ran:
            what = "spend" if paid else "media"
            raise DataError(f"channel '{channel}' has no {what} in any week; leave it out of the panel.")
        if paid and not cost:
            raise DataError(f"channel '{channel}' has exposure but no spend; list it under 'organic'.")


def _require_kpi(data: xr.Dataset, columns: PanelColumns) -> None:
    """Every geo has a KPI in every week."""
    finite = abs(data["kpi"]) < np.inf
    if not finite.any():
        raise DataError(f"the KPI '{columns.kpi}' is empty in all rows; name another column, or fill it.")
    weeks = pd.DatetimeIndex(data["week"].values)
    for geo in data["geo"].values[(~finite).any("week").values]:
        there = finite.sel(geo=geo).values
        if not there.any():
            raise DataError(f"the KPI '{columns.kpi}' of {geo} is empty in all weeks; fill it, or leave that geo out.")
        raise DataError(_gap(str(geo), weeks, there, f"the KPI '{columns.kpi}' of {geo} is missing"))


def _require_finite(values: xr.DataArray, variable: str, columns: PanelColumns) -> None:
    finite = xr.apply_ufunc(np.isfinite, values)
    if not finite.all():
        remedy = "fill it (0 if none)" if variable in ("spend", "media", "holidays") else "write its value there"
        raise DataError(f"{_place(~finite, variable, columns)} is missing or infinite; {remedy}.")


def _require_not_negative(values: xr.DataArray, variable: str, columns: PanelColumns) -> None:
    if (values.values < 0).any():
        raise DataError(f"{_place(values < 0, variable, columns)} is negative; correct it.")


def _place(bad: xr.DataArray, variable: str, columns: PanelColumns) -> str:
    """Name the first bad cell: what, which channel or control, week and geo."""
    at = {dim: int(i[0]) for dim, i in zip(bad.dims, np.nonzero(bad.values), strict=True)}
    cell = bad.isel(at).coords
    own = next((str(cell[d].item()) for d in ("channel", "control", "holiday") if d in at), None)
    names = {"kpi": f"KPI '{columns.kpi}'", "value": f"column '{columns.kpi_value}'"}
    what = names.get(variable, f"{variable} of '{own}'")
    week = pd.Timestamp(cell["week"].item())
    return f"{what} in the week of {week:%Y-%m-%d} ({cell['geo'].item()})"


def remarks(data: xr.Dataset, columns: PanelColumns) -> tuple[Finding, ...]:
    """Return what is allowed and yet to be told: a negative KPI, channels that move in step, roles to ask about."""
    notes = []
    if negative := int((data["kpi"] < 0).sum()):
        notes.append(Finding("panel.negative_kpi", {"kpi": columns.kpi, "weeks": negative}))
    media, names = data["media"].transpose("channel", "geo", "week").values, data["channel"].values.tolist()
    for i, first in enumerate(names):
        for j in range(i + 1, len(media)):
            if np.allclose(media[i] * media[j].sum(), media[j] * media[i].sum()):
                notes.append(Finding("panel.in_step", {"first": first, "second": names[j]}))
    return (*notes, *questions(data, columns))
