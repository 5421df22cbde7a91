"""The steps as functions: what the command line, a dashboard and a notebook call.

Each reads what the step before it left in ``data/<name>`` below ``root``, writes its own files there (see
ARCHITECTURE.md) and returns what it found. Heavy libraries are imported by the step that needs them.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm_bayes.cache import compile_cache
from mmm_bayes.config import Config
from mmm_bayes.errors import DataError, FitError
from mmm_bayes.workspace import Workspace, write_csv, write_json

if TYPE_CHECKING:
    import pandas as pd

    from mmm_bayes.allocate import Plan
    from mmm_bayes.curves import ResponseCurves
    from mmm_bayes.panel import Panel
    from mmm_bayes.posterior import Posterior

Progress = Callable[[str, float | None], None]
"""Told what is being done and which share of it is done (None when unknown)."""


def silent(message: str, done: float | None = None) -> None:
    """Show no progress."""


def prepare(config: Config, root: str | Path = ".", progress: Progress = silent) -> "Panel":
    """Turn transactions, or a weekly table that the user brings, into a checked panel.

    Args:
        config: names the source.
        root: folder that holds ``data/`` and ``reports/``.
        progress: told what is being done.

    Returns:
        The panel as written to ``panel.parquet`` and ``panel.json``.

    Raises:
        DataError: the data cannot be used; earlier files are kept then.
    """
    from mmm_bayes.panel import read_table, save_panel

    space = Workspace(config.name, Path(root))
    if config.panel is None:
        return _prepare_transactions(config, space, progress)
    path = config.find(config.panel.path)
    progress(f"reading {path}", None)
    frame = read_table(config.panel, path)
    panel = save_panel(frame, config.panel, space.data, config.name, config.currency, source=path)
    write_json(space.data / "quality.json", {"source": path, "rows": len(frame), "notes": panel.notes})
    _forget_truth(space)
    return panel


def _prepare_transactions(config: Config, space: Workspace, progress: Progress) -> "Panel":
    from mmm_bayes.panel import save_panel
    from mmm_bayes.prepare import weekly_table

    progress("reading transactions with Spark", None)
    prepared = weekly_table(config, space.data / "quarantine.parquet")
    frame, columns, truth = prepared.frame, prepared.columns, None
    if config.simulate is not None:
        from mmm_bayes.simulate import simulate_spend

        progress("simulating spend", None)
        simulated = simulate_spend(frame, columns, config.simulate)
        frame, columns, truth = simulated.frame, simulated.columns, simulated.truth
    panel = save_panel(frame, columns, space.data, config.name, config.currency, simulated=truth is not None)
    write_json(space.data / "quality.json", prepared.quality)
    _forget_truth(space)
    if truth is not None:
        from mmm_bayes.simulate import save_truth

        save_truth(truth, space.data, config.allocate.weeks)
    return panel


def _forget_truth(space: Workspace) -> None:
    """Remove the truth of an earlier panel: it would be shown beside this one."""
    for path in space.data.glob("truth*"):
        path.unlink()


@dataclass(frozen=True)
class Fitted:
    """What `fit` found.

    Attributes:
        posterior: draws of the Bayesian model.
        roi: one row per channel, as in ``roi.csv``.
        diagnostics: the verdict with its reasons, as in ``diagnostics.json``.
    """

    posterior: "Posterior"
    roi: "pd.DataFrame"
    diagnostics: dict[str, Any]


def fit(config: Config, root: str | Path = ".", progress: Progress = silent) -> Fitted:
    """Fit the Bayesian model and the LightGBM baseline to the panel that `prepare` wrote.

    Args:
        config: the model, its priors and the sampler.
        root: folder that holds ``data/`` and ``reports/``.
        progress: told what is being done.

    Raises:
        DataError: there is no panel yet.
        FitError: the model could not be fitted.
    """
    space, panel = _panel(config, root)
    compile_cache()
    raise NotImplementedError


def compare(config: Config, root: str | Path = ".", progress: Progress = silent) -> dict[str, Any]:
    """Fit both models without the last weeks and judge them there; hold their ROI against each other and the truth.

    Returns:
        What ``comparison.json`` holds.

    Raises:
        DataError: there is no panel or no fit yet, or the panel is too short for the holdout.
    """
    space, panel = _panel(config, root)
    raise NotImplementedError


def allocate(
    config: Config,
    root: str | Path = ".",
    progress: Progress = silent,
    what_if: str | None = None,
    model: str = "bayesian",
    force: bool = False,
) -> "Plan":
    """Find the best budget, or evaluate a change of today's.

    Args:
        config: budget, limits and objective.
        root: folder that holds ``data/`` and ``reports/``.
        progress: told what is being done.
        what_if: such as ``tv=-20%,search=+5000``; its plan goes to the folder ``what_if``.
        model: whose response curves: ``bayesian`` or ``lightgbm``.
        force: plan although the verdict on the fit is FAIL.

    Raises:
        FitError: the verdict is FAIL and ``force`` is not given.
        AllocationError: the limits contradict each other.
    """
    from mmm_bayes.allocate import allocate as best_plan
    from mmm_bayes.allocate import evaluate_plan, parse_what_if, save_plan

    space = Workspace(config.name, Path(root))
    _require_usable(space, force)
    progress("reading response curves", None)
    curves = _curves(config, space, model)
    if what_if is not None:
        spend = parse_what_if(what_if, curves)
        plan = evaluate_plan(curves, spend, config.allocate, config.ci_prob)
        save_plan(plan, space.data / "what_if")
        return plan
    progress("searching the best plan", None)
    plan = best_plan(curves, config.allocate, config.ci_prob)
    save_plan(plan, space.data)
    return plan


def report(config: Config, root: str | Path = ".", progress: Progress = silent) -> Path:
    """Write ``report.html`` and ``report.md`` from what the other steps found; return the path of the first."""
    from mmm_bayes.report import write_report

    progress("drawing figures", None)
    return write_report(config, Workspace(config.name, Path(root)))


def _panel(config: Config, root: str | Path) -> tuple[Workspace, "Panel"]:
    """Return the folders and the panel of a run."""
    space = Workspace(config.name, Path(root))
    space.needs("panel.parquet", "prepare")
    from mmm_bayes.panel import load_panel

    return space, load_panel(space.data)


def _require_usable(space: Workspace, force: bool) -> None:
    """Refuse to plan on a fit whose verdict is FAIL."""
    space.needs("posterior.nc", "fit")
    found = json.loads((space.data / "diagnostics.json").read_text(encoding="utf-8"))
    if found["verdict"] == "FAIL" and not force:
        worst = next(r for r in found["reasons"] if r["status"] == "FAIL")
        raise FitError(f"the verdict on the fit is FAIL: {worst['message']} {worst['remedy']} (--force plans anyway.)")


def _curves(config: Config, space: Workspace, model: str) -> "ResponseCurves":
    raise NotImplementedError
