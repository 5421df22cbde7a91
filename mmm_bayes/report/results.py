"""`Results`: what the steps left in the folders of a run, as far as it belongs together."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import xarray as xr

from mmm_bayes.ahead import Ahead, load_ahead
from mmm_bayes.allocate.plan import Plan, load_plan
from mmm_bayes.allocate.schedule import Schedule, load_schedules
from mmm_bayes.config import Config
from mmm_bayes.curves import ResponseCurves, load_curves
from mmm_bayes.panel import Panel, load_panel
from mmm_bayes.provenance import STEPS, Change, Manifest, snapshot
from mmm_bayes.report.words import label
from mmm_bayes.transforms import Array
from mmm_bayes.validate.files import load_summary
from mmm_bayes.workspace import Workspace, read_csv


@dataclass(frozen=True)
class Fit:
    """What ``fit`` left.

    Attributes:
        roi, contributions, weeks, diagnostics, breakdown, shapes: content of its files.
        curves: of the plan's window, or of that in the configuration where there is no plan.
        share: each channel's part of the KPI, shape ``(draw, channel)``.
        settings: sections ``model`` and ``sampler`` as they were fitted.
        lift: content of ``lift.csv``, None without lift tests.
        second: content of ``lightgbm_roi.csv``, None without LightGBM.
    """

    roi: pd.DataFrame
    contributions: pd.DataFrame
    weeks: pd.DataFrame
    diagnostics: dict[str, Any]
    breakdown: pd.DataFrame
    shapes: pd.DataFrame
    curves: ResponseCurves
    share: Array
    settings: dict[str, Any]
    lift: pd.DataFrame | None
    second: pd.DataFrame | None

    @property
    def window(self) -> tuple[date, date]:
        """First and last week of the panel: what ROI and contributions are of."""
        weeks = self.contributions["week"]
        return weeks.iloc[0], weeks.iloc[-1]


@dataclass(frozen=True)
class Comparison:
    """What ``compare`` left: the tables of its files."""

    summary: dict[str, Any]
    holdout: pd.DataFrame
    roi: pd.DataFrame


@dataclass(frozen=True)
class Truth:
    """What simulated media and factors really do.

    Attributes:
        channels: ``roi, spend, contribution`` by channel.
        curves: response curves with one draw.
        factors: what each factor adds to the KPI of all geos, by week and factor; no column where there are none.
    """

    channels: pd.DataFrame
    curves: ResponseCurves
    factors: pd.DataFrame


@dataclass(frozen=True)
class Results:
    """Everything a report is made of.

    Attributes:
        config: the run.
        panel: its data.
        meta: content of ``panel.json``.
        quality: content of ``quality.json``.
        fit, comparison, plan, what_if, truth: None where a step has not run, or has run on something else since.
        frontier: content of ``frontier.csv``; None where it was not made with the plan.
        schedules: the weeks of the plan, one per channel; empty where they were not asked for.
        ahead: the forecast of the planned weeks; None where it was not made.
        validation: what the configuration came to on trial, by check; None where it was not put on trial.
        made: when the newest of all this was made.
        outdated: by step that has run, what has changed since; its files are not shown.
    """

    config: Config
    panel: Panel
    meta: dict[str, Any]
    quality: dict[str, Any]
    fit: Fit | None
    comparison: Comparison | None
    plan: Plan | None
    what_if: Plan | None
    truth: Truth | None
    frontier: pd.DataFrame | None
    schedules: Sequence[Schedule]
    ahead: Ahead | None
    validation: Mapping[str, Any] | None
    made: datetime
    outdated: Mapping[str, Change]

    @cached_property
    def kpi(self) -> float:
        """Value of the KPI over the panel, currency."""
        return float((self.panel.data["kpi"] * self.panel.data["value"]).sum())

    @property
    def kpi_name(self) -> str:
        """What readers call the KPI."""
        return self.config.kpi_label or label(self.panel.kpi_name, "kpi")

    @property
    def kpi_is_money(self) -> bool:
        """Whether the KPI itself is counted in currency."""
        return self.meta["columns"]["kpi_value"] is None


def load_results(config: Config, space: Workspace) -> Results:
    """Read what there is, as far as it belongs together.

    Raises:
        DataError: there is no panel yet, or a file is damaged or was edited.
    """
    with snapshot(space) as manifest:
        prepared = manifest.checked("prepare")
        outdated = {name: found[0] for name in STEPS if (found := manifest.stale(name, config))}
        usable = {name for name in STEPS if manifest.complete(name) and name not in outdated}
        usable &= usable if "fit" in usable else {"prepare"}
        fit = _load_fit(manifest, "allocate" in usable) if "fit" in usable else None
        plan = load_plan(manifest.checked("allocate")) if "allocate" in usable else None
        asked = load_plan(manifest.checked("what_if")) if "what_if" in usable else None
        folder = manifest.checked("allocate") if plan else prepared
        return Results(
            config=config,
            panel=load_panel(prepared),
            meta=_json(prepared / "panel.json"),
            quality=_json(prepared / "quality.json"),
            fit=fit,
            comparison=_load_comparison(manifest.checked("compare")) if "compare" in usable else None,
            plan=plan,
            what_if=asked if plan and asked and asked.weeks == plan.weeks else None,
            truth=_load_truth(manifest, prepared) if manifest.wrote("prepare", "truth.json") else None,
            frontier=read_csv(folder / "frontier.csv") if plan and manifest.wrote("allocate", "frontier.csv") else None,
            schedules=load_schedules(manifest.checked("schedule")) if plan and "schedule" in usable else (),
            ahead=load_ahead(manifest.checked("forecast")) if "forecast" in usable else None,
            validation=load_summary(manifest.checked("validate")) if "validate" in usable else None,
            made=max(datetime.fromisoformat(manifest.steps[name]["finished"]) for name in usable | {"prepare"}),
            outdated=outdated,
        )


# --- files --------------------------------------------------------------------------------------


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def _load_fit(manifest: Manifest, planned: bool) -> Fit:
    """Read the files of the fit; the response curves are those of the plan's window where there is a plan."""
    folder = manifest.checked("fit")
    path = folder / "posterior.nc"
    with (
        xr.open_dataset(path, engine="h5netcdf") as root,
        xr.open_dataset(path, group="posterior", engine="h5netcdf") as draws,
    ):
        settings = {section: json.loads(root.attrs[section]) for section in ("model", "sampler")}
        share = (draws["contribution_share"] * draws.get("misfit", 1.0)).to_numpy()
    curves = manifest.checked("allocate") / "allocation_curves.parquet" if planned else folder / "curves.parquet"
    return Fit(
        roi=read_csv(folder / "roi.csv"),
        contributions=read_csv(folder / "contributions.csv").astype({"week": "datetime64[ns]"}),
        weeks=read_csv(folder / "fit.csv").astype({"week": "datetime64[ns]"}),
        diagnostics=_json(folder / "diagnostics.json"),
        breakdown=read_csv(folder / "breakdown.csv").astype({"part": str}),
        shapes=read_csv(folder / "shapes.csv"),
        curves=load_curves(curves),
        share=share.reshape(-1, share.shape[-1]),
        settings=settings,
        lift=read_csv(folder / "lift.csv") if manifest.wrote("fit", "lift.csv") else None,
        second=read_csv(folder / "lightgbm_roi.csv") if manifest.wrote("fit", "lightgbm_roi.csv") else None,
    )


def _load_comparison(folder: Path) -> Comparison:
    return Comparison(
        summary=_json(folder / "comparison.json"),
        holdout=read_csv(folder / "holdout.csv").astype({"week": "datetime64[ns]"}),
        roi=read_csv(folder / "comparison.csv"),
    )


def _load_truth(manifest: Manifest, folder: Path) -> Truth:
    channels, factors = pd.DataFrame(_json(folder / "truth.json")["channels"]).T, pd.DataFrame()
    if manifest.wrote("prepare", "truth_factors.parquet"):
        table = pq.read_table(folder / "truth_factors.parquet").to_pandas()
        factors = table.groupby(["week", "factor"])["contribution"].sum().unstack("factor")
    return Truth(channels, load_curves(folder / "truth_curves.parquet"), factors)
