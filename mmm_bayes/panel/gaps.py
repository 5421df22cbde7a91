"""Weeks without a KPI: a gap that nothing is learnt from, and a geo that enters when it opens.

A cell without a KPI gets a plausible value, which no model learns from: ``observed`` says so. Before a geo opens a KPI
is worth nothing and no spend counts, so that nothing there is a return or a cost; media that ran there carry over.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import xarray as xr

from mmm_bayes.config import PanelColumns
from mmm_bayes.findings import Finding
from mmm_bayes.panel.checks import MIN_WEEKS, columns_of

MOST_GAPS = 0.2
"""Share of a geo's weeks, from its opening on, that may lack a KPI."""


def with_openings(grid: pd.DataFrame, columns: PanelColumns) -> pd.DataFrame:
    """Return a table with the rows that geos lack before they open: no KPI, no media, all else as in other geos.

    Args:
        grid: with the levels ``geo`` and ``week`` of its index.
        columns: of the table.
    """
    geos, weeks = (grid.index.get_level_values(level) for level in ("geo", "week"))
    opening = pd.Series(weeks, index=geos).groupby(level=0).min()
    every = sorted(weeks.unique())
    added = [(geo, week) for geo, first in opening.items() for week in every if week < first]
    if not added or grid.index.duplicated().any():
        return grid
    names = [c for c in columns_of(columns) if c not in (columns.week, columns.geo, columns.kpi)]
    common = grid[names].groupby(level="week").mean()
    rows = common.reindex([week for _, week in added]).set_axis(
        pd.MultiIndex.from_tuples(added, names=grid.index.names)
    )
    media = [*columns.spend.values(), *columns.exposure.values(), *columns.organic.values()]
    rows[[*media, *(rf.reach for rf in columns.reach_frequency.values())]] = 0.0
    return pd.concat([grid[[columns.kpi, *names]], rows.assign(**{columns.kpi: np.nan})[[columns.kpi, *names]]])


def without_kpi(data: xr.Dataset) -> tuple[xr.Dataset, tuple[Finding, ...]]:
    """Return a panel whose cells without a KPI teach nothing, and what to know of them.

    ``observed (geo, week)`` says which have one. What is too much, or at the end, is left as it is (an error).
    """
    observed = np.isfinite(data["kpi"].transpose("geo", "week").to_numpy())
    data = data.assign(observed=(("geo", "week"), observed))
    if observed.all() or not _bearable(observed):
        return data, ()
    opened = np.maximum.accumulate(observed, axis=1)
    found = data.copy()
    kpi = pd.DataFrame(data["kpi"].transpose("geo", "week").to_numpy().T).interpolate(limit_area="inside")
    found["kpi"] = ("geo", "week"), kpi.fillna(kpi.mean()).to_numpy().T
    is_open = xr.DataArray(opened, {"geo": data["geo"], "week": data["week"]}, ("geo", "week"))
    found["value"] = data["value"].where(is_open, 0.0)
    found["spend"] = data["spend"].where(is_open, 0.0)
    found["media"] = data["media"].where(is_open | data["media"].notnull(), 0.0)
    for name in ("controls", "holidays", "frequency"):
        found[name] = data[name].where(is_open | data[name].notnull(), data[name].mean("geo"))
    return found, tuple(_notes(data, observed, opened))


def _bearable(observed: np.ndarray) -> bool:
    """Whether every geo has a KPI in its last week, in enough weeks, and in most of those since it opened."""
    opened = np.maximum.accumulate(observed, axis=1)
    since = opened.sum(axis=1)
    return bool(
        observed[:, -1].all()
        and (observed.sum(axis=1) >= MIN_WEEKS).all()
        and ((since - observed.sum(axis=1)) <= MOST_GAPS * since).all()
    )


def _notes(data: xr.Dataset, observed: np.ndarray, opened: np.ndarray) -> Iterator[Finding]:
    weeks = [f"{week:%Y-%m-%d}" for week in pd.DatetimeIndex(data["week"].values)]
    for geo, seen, is_open in zip(data["geo"].values, observed, opened, strict=True):
        if not is_open.all():
            yield Finding("panel.opened", {"geo": str(geo), "first": weeks[int(is_open.argmax())]})
        if (lacking := is_open & ~seen).any():
            values = {"geo": str(geo), "weeks": [weeks[t] for t in np.flatnonzero(lacking)]}
            yield Finding("panel.without_kpi", values)
