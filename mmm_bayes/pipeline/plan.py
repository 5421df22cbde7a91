"""The step from a posterior to a budget, its weeks, and the value of a budget that somebody names."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mmm_bayes.config import Config
from mmm_bayes.errors import AllocationError
from mmm_bayes.pipeline.run import needs_panel, require_fresh, require_usable
from mmm_bayes.progress import Progress, silent
from mmm_bayes.workspace import Workspace

if TYPE_CHECKING:
    from mmm_bayes.allocate import Frontier, Plan, Schedule
    from mmm_bayes.curves import ResponseCurves
    from mmm_bayes.panel import Panel

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
        force: plan although the verdict on the fit is FAIL.

    Raises:
        FitError: the verdict is FAIL and ``force`` is not given.
        AllocationError: the limits contradict each other.
    """
    from mmm_bayes.allocate import allocate as best_plan
    from mmm_bayes.allocate import evaluate_plan, frontier, parse_what_if, stretch_needed
    from mmm_bayes.curves import save_curves

    space, panel = needs_panel(config, root)
    require_usable(space, force)
    progress("computing response curves", None)
    make_curves = _curves(config, space, panel, model)
    curves = make_curves(1)
    if what_if is not None:
        spend = parse_what_if(what_if, curves)
        curves = make_curves(needed) if (needed := stretch_needed(curves, spend)) > 1 else curves
        plan = evaluate_plan(curves, spend, config.allocate, config.ci_prob)
        _save_allocation(space.data / "what_if", plan, None)
        return plan
    progress("searching the best plan", None)
    plan = best_plan(curves, config.allocate, config.ci_prob)
    found = None
    if len(curves.channels) <= FRONTIER_ARMS:
        progress("searching the best plan for other totals", None)
        found = frontier(curves, config.allocate, config.ci_prob)
    if model == "bayesian":
        save_curves(curves, space.data / "curves.parquet")
    _save_allocation(space.data, plan, found)
    return plan


def _save_allocation(folder: Path, plan: "Plan", found: "Frontier | None") -> None:
    """Write a plan and its frontier; a frontier or schedule of an earlier plan would be taken for theirs."""
    from mmm_bayes.allocate import save_frontier, save_plan

    for name in ("frontier.csv", "schedule.csv", "schedule.json"):
        (folder / name).unlink(missing_ok=True)
    save_plan(plan, folder)
    if found is not None:
        save_frontier(found, folder)


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
        DataError: there is no plan yet.
        AllocationError: weekly limits do not allow the plan, or it was made on LightGBM's curves.
    """
    from mmm_bayes.allocate import load_plan, save_schedules, schedule_plan
    from mmm_bayes.posterior import load_posterior

    space, _ = needs_panel(config, root)
    require_fresh(space)
    folder = space.data / "what_if" if what_if else space.data
    plan = load_plan(folder)
    if plan.model != "bayesian":
        raise AllocationError(
            "allocate.schedule: the curves of LightGBM say nothing of single weeks; "
            "plan with --model bayesian, or without a schedule."
        )
    progress("searching the best weeks", None)
    asked = config.allocate.model_copy(update={"weeks": plan.weeks})
    found = schedule_plan(load_posterior(space.needs("posterior.nc", "fit")), plan, asked, config.ci_prob)
    save_schedules(found, folder)
    return found


def _curves(config: Config, space: Workspace, panel: "Panel", model: str) -> "Callable[[int], ResponseCurves]":
    """Return what makes the response curves for the planning window, so many times as far as the limits ask."""
    if model == "lightgbm":
        from mmm_bayes.lightgbm import fit_lightgbm

        baseline = fit_lightgbm(panel, config.model, config.compare.bootstrap, config.sampler.seed)
        return lambda stretch: baseline.curves(panel, config.allocate, stretch)
    from mmm_bayes.posterior import load_posterior
    from mmm_bayes.posterior.attribution import response_curves

    posterior = load_posterior(space.needs("posterior.nc", "fit"))
    return lambda stretch: response_curves(posterior, config.allocate, stretch)
