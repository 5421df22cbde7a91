"""A weekly table becomes a `Panel`, and a panel two files and back."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import xarray as xr

from mmm_bayes.config import PanelColumns, PanelSource
from mmm_bayes.errors import DataError
from mmm_bayes.findings import Finding
from mmm_bayes.panel.checks import NATIONAL, columns_of, remarks, require_columns, require_grid, require_values
from mmm_bayes.panel.gaps import with_openings, without_kpi
from mmm_bayes.panel.plan_file import read_plan
from mmm_bayes.panel.planned import planned_weeks
from mmm_bayes.panel.read import typed
from mmm_bayes.panel.roles import require_roles
from mmm_bayes.workspace import writing


@dataclass(frozen=True)
class Panel:
    """Weekly data of one business.

    Attributes:
        name: name of the run.
        data: dataset with dims ``geo, week, channel, control, holiday, past`` and variables

            * ``kpi (geo, week)`` in KPI units, ``value (geo, week)`` currency per KPI unit,
            * ``spend (geo, week, channel)`` in currency (zero for organic channels),
            * ``media (geo, week, channel)``: what drives the response (spend, exposure or reach),
            * ``frequency (geo, week, channel)``: average frequency, 1 where a channel has none,
            * ``history (geo, past, channel)``: media times frequency of the weeks before the first,
            * ``controls (geo, week, control)``, ``holidays (geo, week, holiday)``,
            * ``observed (geo, week)``: whether the KPI is known; where not, it is a guess that nothing is learnt from,
            * ``population (geo)``: persons, or the mean KPI of the geo where not given,

            and the coordinate ``paid (channel)``.
        kpi_name: name of the KPI column.
        currency: symbol or code, may be empty.
        notes: what a reader of the results should know about these data.
        planned: the weeks after the last KPI, see `planned.planned_weeks`; None where nothing is planned.
    """

    name: str
    data: xr.Dataset
    kpi_name: str
    currency: str = ""
    notes: tuple[Finding, ...] = ()
    planned: xr.Dataset | None = None

    @property
    def channels(self) -> list[str]:
        """Names of all channels."""
        return [str(c) for c in self.data["channel"].values]

    @property
    def paid(self) -> dict[str, bool]:
        """Whether a channel has spend (or is organic), by its name."""
        return dict(zip(self.channels, self.data["paid"].to_numpy().tolist(), strict=True))

    @property
    def geos(self) -> list[str]:
        """Names of the geos."""
        return [str(g) for g in self.data["geo"].values]

    @property
    def weeks(self) -> pd.DatetimeIndex:
        """First days of the weeks."""
        return pd.DatetimeIndex(self.data["week"].values)

    @property
    def driver(self) -> np.ndarray:
        """What drives the response, shape ``(channel, geo, week)``: media, times the average frequency where known."""
        return driver_of(self.data).transpose("channel", "geo", "week").to_numpy()

    @property
    def kpi_value(self) -> float:
        """Value of the whole KPI, currency."""
        return float((self.data["kpi"] * self.data["value"]).sum())

    def head(self, weeks: int) -> "Panel":
        """Return the first ``weeks`` weeks, the training part of a chronological split."""
        return Panel(self.name, self.data.isel(week=slice(0, weeks)), self.kpi_name, self.currency, self.notes)

    def with_planned(self) -> "Panel":
        """Return the panel with its planned weeks behind it, of which the KPI is not known (NaN)."""
        assert self.planned is not None
        still = self.data[["population", "history"]]
        weekly = xr.concat(
            [
                self.data.drop_vars([*still]),
                self.planned[[n for n in self.planned if n in self.data and n not in still]],
            ],
            "week",
            data_vars="all",
            join="outer",
        )
        return replace(self, data=weekly.assign(still), planned=None)


def driver_of(data: xr.Dataset) -> xr.DataArray:
    """Return what drives the response: exposure, reach times frequency, or spend."""
    return data["media"] * data["frequency"]


# --- files --------------------------------------------------------------------------------------


def save_panel(
    frame: pd.DataFrame, columns: PanelColumns, folder: Path, name: str, currency: str = "", **provenance: Any
) -> Panel:
    """Check a weekly table and write ``panel.parquet`` and ``panel.json``; return its `Panel`.

    Columns that ``columns`` does not mention are kept in the file for readers.

    Raises:
        DataError: see `panel_from_frame`; nothing is written then.
    """
    frame = _checked(frame, columns)
    panel = _panel(frame, columns, name, currency)
    with writing(folder / "panel.parquet") as path:
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path)
    fields = columns.model_dump(include=set(PanelColumns.model_fields))
    meta = {
        "name": name,
        "currency": currency,
        "columns": fields,
        "notes": [asdict(n) for n in panel.notes],
        **provenance,
    }
    with writing(folder / "panel.json") as path:
        path.write_text(json.dumps(meta, indent=2, default=str) + "\n", encoding="utf-8")
    return panel


def load_panel(folder: Path) -> Panel:
    """Read the panel that `save_panel` wrote to ``folder``."""
    frame = pq.read_table(folder / "panel.parquet").to_pandas()
    meta = json.loads((folder / "panel.json").read_text(encoding="utf-8"))
    return panel_from_frame(frame, PanelColumns(**meta["columns"]), meta["name"], meta["currency"])


def load_panel_with_plan(folder: Path, path: str, source: PanelSource | None) -> Panel:
    """Read a panel and a file of planned spend in place of its own planned weeks.

    Args:
        folder: holds what `save_panel` wrote.
        path: of the file.
        source: how the user's own panel is written, None where it was made from transactions.

    Raises:
        DataError: see `plan_file.read_plan` and `planned.planned_weeks`.
    """
    frame = pq.read_table(folder / "panel.parquet").to_pandas()
    meta = json.loads((folder / "panel.json").read_text(encoding="utf-8"))
    columns = PanelColumns(**meta["columns"])
    known = frame[frame[columns.week] <= frame.loc[frame[columns.kpi].notna(), columns.week].max()]
    rows = read_plan(path, columns, source, known)
    return panel_from_frame(pd.concat([known, rows[columns_of(columns)]]), columns, meta["name"], meta["currency"])


# --- from a long table to arrays ----------------------------------------------------------------


def panel_from_frame(frame: pd.DataFrame, columns: PanelColumns, name: str, currency: str = "") -> Panel:
    """Turn a long weekly table into a `Panel`.

    Weeks at the start that have media but no KPI in any geo become the pre-panel history; those at the end are planned.

    Args:
        frame: one row per geo and week.
        columns: which column holds what.
        name: name of the run.
        currency: symbol or code for reports.

    Raises:
        DataError: missing columns, cells that cannot be read, duplicate or missing geo-weeks, weeks that are
            not seven days apart, fewer than 20 weeks, a negative or missing spend, a channel without
            spend, a constant KPI or a non-positive mean of it, columns that cannot be what they are taken for.
    """
    return _panel(_checked(frame, columns), columns, name, currency)


def _checked(frame: pd.DataFrame, columns: PanelColumns) -> pd.DataFrame:
    """Return the table with its columns typed, its rows counted from 1."""
    if frame.empty:
        raise DataError("the panel has no rows; check the file and the filters that made it.")
    require_columns(frame, columns)
    return typed(frame.set_axis(pd.RangeIndex(1, len(frame) + 1)), columns)


def _panel(frame: pd.DataFrame, columns: PanelColumns, name: str, currency: str) -> Panel:
    weeks = frame[columns.week]
    geos = frame[columns.geo] if columns.geo else pd.Series(NATIONAL, frame.index)
    grid = frame.set_axis(pd.MultiIndex.from_arrays([geos, weeks], names=["geo", "week"]))
    grid = with_openings(grid, columns)
    require_grid(grid, columns)
    cube = _Cube(grid.sort_index(), list(dict.fromkeys(geos)), pd.DatetimeIndex(sorted(weeks.unique())))
    data = _dataset(cube, columns)
    kpi = data["kpi"].values
    seen = np.flatnonzero(~np.isnan(kpi).all(axis=0))
    start, end = (int(seen[0]), int(seen[-1]) + 1) if len(seen) else (0, kpi.shape[1])
    past = driver_of(data).isel(week=slice(0, start)).rename(week="past").drop_vars("past")
    ahead = data.isel(week=slice(end, None))
    data = data.isel(week=slice(start, end)).drop_vars("price").assign(history=past)
    planned, notes = planned_weeks(data, ahead, columns)
    data, gaps = without_kpi(data)
    require_values(data, columns)
    require_roles(data, columns)
    if columns.population is None:
        data["population"] = data["kpi"].mean("week")
    return Panel(name, data, columns.kpi, currency, (*notes, *gaps, *remarks(data, columns)), planned)


@dataclass(frozen=True)
class _Cube:
    """A long table seen as arrays ``(geo, week)``."""

    grid: pd.DataFrame
    geos: list[str]
    weeks: pd.DatetimeIndex

    def column(self, name: str) -> np.ndarray:
        return self.grid[name].unstack("week").reindex(self.geos).to_numpy(dtype=float)

    def stack(self, names: list[str]) -> np.ndarray:
        shape = (len(self.geos), len(self.weeks), 0)
        return np.stack([self.column(n) for n in names], axis=-1) if names else np.zeros(shape)


def _dataset(cube: _Cube, columns: PanelColumns) -> xr.Dataset:
    channels = [*columns.spend, *(c for c in columns.organic if c not in columns.spend)]
    paid = np.array([c in columns.spend for c in channels])
    shape = (len(cube.geos), len(cube.weeks))
    zeros, ones = np.zeros(shape), np.ones(shape)
    drivers = {**columns.spend, **columns.exposure, **columns.organic}
    drivers |= {c: rf.reach for c, rf in columns.reach_frequency.items()}
    frequency = [
        cube.column(columns.reach_frequency[c].frequency) if c in columns.reach_frequency else ones for c in channels
    ]
    spend = [cube.column(columns.spend[c]) if c in columns.spend else zeros for c in channels]
    price = [
        cube.column(columns.exposure_cost[c]) if c in columns.exposure_cost else np.full(shape, np.nan)
        for c in channels
    ]
    population = cube.column(columns.population).mean(axis=1) if columns.population else np.ones(shape[0])
    full = ("geo", "week")
    return xr.Dataset(
        {
            "kpi": (full, cube.column(columns.kpi)),
            "value": (full, cube.column(columns.kpi_value) if columns.kpi_value else ones),
            "spend": ((*full, "channel"), np.stack(spend, axis=-1)),
            "media": ((*full, "channel"), cube.stack([drivers[c] for c in channels])),
            "frequency": ((*full, "channel"), np.stack(frequency, axis=-1)),
            "price": ((*full, "channel"), np.stack(price, axis=-1)),
            "controls": ((*full, "control"), cube.stack(list(columns.controls))),
            "holidays": ((*full, "holiday"), cube.stack(list(columns.holidays))),
            "population": ("geo", population),
        },
        coords={
            "geo": cube.geos,
            "week": cube.weeks,
            "channel": channels,
            "control": np.array(columns.controls, dtype=str),
            "holiday": np.array(columns.holidays, dtype=str),
            "paid": ("channel", paid),
        },
    )
