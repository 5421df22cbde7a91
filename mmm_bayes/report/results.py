"""`Results`: what the steps left in the folders of a run, as far as it belongs together."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from mmm_bayes.allocate.frontier import spend_column
from mmm_bayes.allocate.groups import channel_of
from mmm_bayes.allocate.plan import Plan, load_plan
from mmm_bayes.allocate.schedule import Schedule, load_schedules
from mmm_bayes.config import Config
from mmm_bayes.curves import ResponseCurves, load_curves
from mmm_bayes.panel import Panel, load_panel
from mmm_bayes.transforms import Array
from mmm_bayes.workspace import Workspace, digest, read_csv

FIT = ("posterior.nc", "roi.csv", "contributions.csv", "fit.csv", "diagnostics.json", "curves.parquet")
COMPARISON = ("comparison.json", "comparison.csv", "holdout.csv")
TRUTH = ("truth.json", "truth_curves.parquet")


@dataclass(frozen=True)
class Fit:
    """What ``fit`` left.

    Attributes:
        roi, contributions, weeks, diagnostics, curves: content of its files.
        share: each channel's part of the KPI, shape ``(draw, channel)``.
        settings: sections ``model`` and ``sampler`` as they were fitted.
        lift: content of ``lift.csv``, None without lift tests.
    """

    roi: pd.DataFrame
    contributions: pd.DataFrame
    weeks: pd.DataFrame
    diagnostics: dict[str, Any]
    curves: ResponseCurves
    share: Array
    settings: dict[str, Any]
    lift: pd.DataFrame | None


@dataclass(frozen=True)
class Comparison:
    """What ``compare`` left: the tables of its files."""

    summary: dict[str, Any]
    holdout: pd.DataFrame
    roi: pd.DataFrame


@dataclass(frozen=True)
class Truth:
    """What simulated media really do: ``roi, spend, contribution`` by channel, and response curves with one draw."""

    channels: pd.DataFrame
    curves: ResponseCurves


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
        outdated: steps that have run, but before the panel or the fit that is there now.
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
    outdated: frozenset[str]

    @cached_property
    def kpi(self) -> float:
        """Value of the KPI over the panel, currency."""
        return float((self.panel.data["kpi"] * self.panel.data["value"]).sum())

    @property
    def kpi_is_money(self) -> bool:
        """Whether the KPI itself is counted in currency."""
        return self.meta["columns"]["kpi_value"] is None


def load_results(config: Config, space: Workspace) -> Results:
    """Read what there is.

    Raises:
        DataError: there is no panel yet.
    """
    space.needs("panel.parquet", "prepare")
    fit, comparison = _load_fit(space), _load_comparison(space)
    plan, what_if = _load_plan(space.data), _load_plan(space.data / "what_if")
    outdated = set()
    if fit is not None and fit.diagnostics.get("panel") != digest(space.data / "panel.parquet"):
        outdated, fit = {"fit"}, None
    if fit is None:
        comparison = plan = what_if = None
    else:
        if comparison is not None and not same_roi(fit.roi, comparison.roi):
            outdated, comparison = outdated | {"compare"}, None
        if plan is not None and not same_curves(fit.curves, plan):
            outdated, plan = outdated | {"allocate"}, None
        if plan is None or what_if is None or not same_curves(fit.curves, what_if):
            what_if = None
    return Results(
        config=config,
        panel=load_panel(space.data),
        meta=_json(space.data / "panel.json"),
        quality=_json(space.needs("quality.json", "prepare")),
        fit=fit,
        comparison=comparison,
        plan=plan,
        what_if=what_if,
        truth=_load_truth(space) if has(space, TRUTH) else None,
        frontier=None if plan is None else _load_frontier(space, plan),
        schedules=() if plan is None else _load_schedules(space.data, plan),
        outdated=frozenset(outdated),
    )


# --- what belongs together ----------------------------------------------------------------------


def same_roi(roi: pd.DataFrame, comparison: pd.DataFrame) -> bool:
    """Whether a comparison was made from these ROIs."""
    own = roi.dropna(subset="roi_median")
    same_names = list(own["channel"]) == list(comparison["channel"])
    return same_names and np.allclose(own["roi_median"], comparison["bayesian_roi"])


def same_curves(curves: ResponseCurves, plan: Plan) -> bool:
    """Whether a plan was made from these curves: its contributions lie on them (LightGBM's are not kept)."""
    if [c.channel for c in plan.channels] != list(curves.channels) or plan.weeks != curves.weeks:
        return False
    then = np.array([c.contribution_now.mean for c in plan.channels])
    now = curves.at(curves.today).mean(axis=0)
    return plan.model != curves.model or np.allclose(then, now, rtol=1e-4, atol=1e-5 * float(now.sum()))


# --- files --------------------------------------------------------------------------------------


def has(space: Workspace, files: tuple[str, ...]) -> bool:
    """Whether all these files are there."""
    return all((space.data / file).exists() for file in files)


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def _load_fit(space: Workspace) -> Fit | None:
    if not has(space, FIT):
        return None
    path = space.data / "posterior.nc"
    with (
        xr.open_dataset(path, engine="h5netcdf") as root,
        xr.open_dataset(path, group="posterior", engine="h5netcdf") as draws,
    ):
        settings = {section: json.loads(root.attrs[section]) for section in ("model", "sampler")}
        share = draws["contribution_share"].to_numpy()
    return Fit(
        roi=read_csv(space.data / "roi.csv"),
        contributions=read_csv(space.data / "contributions.csv").astype({"week": "datetime64[ns]"}),
        weeks=read_csv(space.data / "fit.csv").astype({"week": "datetime64[ns]"}),
        diagnostics=_json(space.data / "diagnostics.json"),
        curves=load_curves(space.data / "curves.parquet"),
        share=share.reshape(-1, share.shape[-1]),
        settings=settings,
        lift=read_csv(space.data / "lift.csv") if settings["model"].get("lift_tests") else None,
    )


def _load_plan(folder: Path) -> Plan | None:
    return load_plan(folder) if (folder / "allocation.json").exists() else None


def _load_frontier(space: Workspace, plan: Plan) -> pd.DataFrame | None:
    """Read the frontier where it is of the plan's channels."""
    if not has(space, ("frontier.csv",)):
        return None
    found = read_csv(space.data / "frontier.csv")
    arms = [spend_column(c.channel) for c in plan.channels]
    return found if [c for c in found.columns if c.startswith(spend_column(""))] == arms else None


def _load_schedules(folder: Path, plan: Plan) -> Sequence[Schedule]:
    """Read the schedules where they spend what the plan spends."""
    if not (folder / "schedule.json").exists():
        return ()
    found, left = load_schedules(folder), dict.fromkeys((channel_of(c.channel) for c in plan.channels), 0.0)
    for row in plan.channels:
        left[channel_of(row.channel)] += row.spend_plan
    for one in found:
        left[one.channel] = left.get(one.channel, np.inf) - one.total
    return found if np.allclose(list(left.values()), 0.0, atol=1e-6 * plan.spend_plan) else ()


def _load_comparison(space: Workspace) -> Comparison | None:
    if not has(space, COMPARISON):
        return None
    return Comparison(
        summary=_json(space.data / "comparison.json"),
        holdout=read_csv(space.data / "holdout.csv").astype({"week": "datetime64[ns]"}),
        roi=read_csv(space.data / "comparison.csv"),
    )


def _load_truth(space: Workspace) -> Truth:
    channels = pd.DataFrame(_json(space.data / "truth.json")["channels"]).T
    return Truth(channels, load_curves(space.data / "truth_curves.parquet"))
