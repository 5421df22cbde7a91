"""The step from a posterior to a budget, its weeks, and the value of a budget that somebody names."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm_bayes.config import Config
from mmm_bayes.errors import AllocationError, FitError
from mmm_bayes.extras import require
from mmm_bayes.progress import Progress, silent
from mmm_bayes.provenance import PANEL, Manifest, step
from mmm_bayes.workspace import Workspace

if TYPE_CHECKING:
    from mmm_bayes.allocate import Plan, Schedule
    from mmm_bayes.curves import ResponseCurves
    from mmm_bayes.panel import Panel

    Stretched = Callable[[int], ResponseCurves]

FRONTIER_ARMS = 60
"""With more arms than this (plans by geo) the best plans for other totals take too long to be made each time."""


def allocate(
    config: Config,
    root: str | Path = ".",
    progress: Progress = silent,
    what_if: str | None = None,
    model: str = "bayesian",
    force: bool = False,
) -> "Plan":
    """Find the best budget and the best plan for each other total, or evaluate a change of today's budget.

    Args:
        config: budget, limits and objective.
        root: folder that holds ``data/`` and ``reports/``.
        progress: told what is being done.
        what_if: such as ``tv=-20%,search=+5000``; its plan goes to the folder ``what_if``.
        model: whose response curves: ``bayesian`` or ``lightgbm``.
        force: plan although the model failed a check.

    Raises:
        DataError: there is no fit yet, or it is stale.
        FitError: the verdict is FAIL and ``force`` is not given.
        AllocationError: the limits contradict each other.
    """
    from mmm_bayes.curves import save_curves
    from mmm_bayes.panel import load_panel
    from mmm_bayes.pipeline.check import check_against

    name, asked = ("allocate", {}) if what_if is None else ("what_if", {"what_if": what_if})
    with step(Workspace(config.name, Path(root)), name, config, model=model, **asked) as work:
        panel = load_panel(work.manifest.checked("prepare", *PANEL))
        if what_if is None:
            check_against(config, panel)
        _require_usable(work.manifest, force)
        progress("computing response curves", None)
        make_curves = _curves(config, work.manifest, panel, model)
        if what_if is not None:
            return _evaluate(what_if, config, make_curves, work.folder)
        curves = make_curves(1)
        plan = _best(config, curves, work.folder, progress)
        shown = curves if model == "bayesian" else _curves(config, work.manifest, panel)(1)
        save_curves(shown, work.folder / "allocation_curves.parquet")
        return plan


def _evaluate(what_if: str, config: Config, make_curves: "Stretched", folder: Path) -> "Plan":
    """Evaluate the plan that somebody asks about, on curves that reach so far."""
    from mmm_bayes.allocate import evaluate_plan, parse_what_if, save_plan, stretch_needed

    curves = make_curves(1)
    spend = parse_what_if(what_if, curves)
    curves = make_curves(needed) if (needed := stretch_needed(curves, spend)) > 1 else curves
    plan = evaluate_plan(curves, spend, config.allocate, config.ci_prob)
    save_plan(plan, folder)
    return plan


def _best(config: Config, curves: "ResponseCurves", folder: Path, progress: Progress) -> "Plan":
    """Find the best plan and, where that takes no longer than people wait, those for other totals."""
    from mmm_bayes.allocate import allocate as best_plan
    from mmm_bayes.allocate import frontier, save_frontier, save_plan

    progress("searching the best plan", None)
    plan = best_plan(curves, config.allocate, config.ci_prob)
    save_plan(plan, folder)
    if len(curves.channels) <= FRONTIER_ARMS:
        progress("searching the best plan for other totals", None)
        save_frontier(frontier(curves, config.allocate, config.ci_prob), folder)
    return plan


def verdict(manifest: Manifest) -> str:
    """Return ``PASS``, ``REVIEW`` or ``FAIL``, what the fit was judged to be."""
    return _diagnostics(manifest)["verdict"]


def _diagnostics(manifest: Manifest) -> dict[str, Any]:
    path = manifest.checked("fit", "diagnostics.json") / "diagnostics.json"
    return json.loads(path.read_text(encoding="utf-8"))


def _require_usable(manifest: Manifest, force: bool) -> None:
    """Refuse to plan on a fit whose verdict is FAIL."""
    if verdict(manifest) == "FAIL" and not force:
        from mmm_bayes.report.words import judged

        worst = judged(next(r for r in _diagnostics(manifest)["reasons"] if r["status"] == "FAIL"))
        raise FitError(f"the model failed a check: {worst.message} {worst.remedy} --force plans anyway.")


def _curves(config: Config, manifest: Manifest, panel: "Panel", model: str = "bayesian") -> "Stretched":
    """Return what makes the response curves for the planning window, so many times as far as the limits ask."""
    if model == "lightgbm":
        require("lightgbm")
        from mmm_bayes.lightgbm import fit_lightgbm

        baseline = fit_lightgbm(panel, config.model, config.compare.bootstrap, config.sampler.seed)
        return lambda stretch: baseline.curves(panel, config.allocate, stretch)
    from mmm_bayes.posterior import load_posterior
    from mmm_bayes.posterior.attribution import response_curves

    posterior = load_posterior(manifest.checked("fit", "posterior.nc") / "posterior.nc")
    return lambda stretch: response_curves(posterior, config.allocate, stretch, panel.planned)


def schedule(
    config: Config, root: str | Path = ".", progress: Progress = silent, what_if: bool = False
) -> "list[Schedule]":
    """Find the weeks in which the money of the plan that `allocate` left does best.

    Args:
        config: limits on the spend of one week.
        root: folder that holds ``data/`` and ``reports/``.
        progress: told what is being done.
        what_if: schedule the plan of the last what-if instead.

    Raises:
        DataError: there is no plan yet, or it is stale.
        AllocationError: weekly limits do not allow the plan, or it was made on LightGBM's curves.
    """
    from mmm_bayes.allocate import load_plan, save_schedules, schedule_plan
    from mmm_bayes.panel import load_panel
    from mmm_bayes.posterior import load_posterior

    planned, name = ("what_if", "what_if_schedule") if what_if else ("allocate", "schedule")
    with step(Workspace(config.name, Path(root)), name, config) as work:
        plan = load_plan(work.manifest.checked(planned))
        if plan.model != "bayesian":
            raise AllocationError(
                "allocate.schedule: the curves of LightGBM say nothing of single weeks; "
                "plan with --model bayesian, or without a schedule."
            )
        progress("searching the best weeks", None)
        asked = config.allocate.model_copy(update={"weeks": plan.weeks})
        posterior = load_posterior(work.manifest.checked("fit", "posterior.nc") / "posterior.nc")
        panel = load_panel(work.manifest.checked("prepare", *PANEL))
        found = schedule_plan(posterior, plan, asked, config.ci_prob, panel.planned)
        save_schedules(found, work.folder)
    return found
