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
from mmm_bayes.config import Config, PanelSource, load_config, override
from mmm_bayes.errors import AllocationError, DataError, FitError
from mmm_bayes.workspace import Workspace, read_csv, write_csv, write_json

if TYPE_CHECKING:
    import pandas as pd

    from mmm_bayes.allocate import Frontier, Plan, Schedule
    from mmm_bayes.curves import ResponseCurves
    from mmm_bayes.evaluate import Comparison
    from mmm_bayes.panel import Panel
    from mmm_bayes.posterior import Posterior
    from mmm_bayes.response import Media

BASELINE = ("lightgbm_roi.csv", "lightgbm_curves.parquet")
"""What the LightGBM baseline leaves; an earlier fit's must not stand beside a new posterior."""

FRONTIER_ARMS = 60
"""With more arms than this (plans by geo) the best plans for other totals take too long to be made each time."""

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
    frame, columns = _public_holidays(read_table(config.panel, path), config.panel)
    panel = save_panel(frame, columns, space.data, config.name, config.currency, source=path)
    write_json(space.data / "quality.json", {"source": path, "rows": len(frame), "notes": panel.notes})
    _forget_truth(space)
    return panel


def _public_holidays(frame: "pd.DataFrame", source: PanelSource) -> tuple["pd.DataFrame", PanelSource]:
    """Add public holidays where they are asked for; the table is checked first."""
    if source.public_holidays == "none":
        return frame, source
    from mmm_bayes.panel import panel_from_frame
    from mmm_bayes.prepare.calendar import with_public_holidays

    panel_from_frame(frame, source, "")
    return with_public_holidays(frame, source)


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
    from mmm_bayes import model
    from mmm_bayes.baseline import fit_baseline
    from mmm_bayes.curves import save_curves
    from mmm_bayes.response import media_contributions, roi_table

    posterior = model.fit(panel, config.model, config.sampler, progress)
    progress("working out contributions", None)
    media = media_contributions(posterior)
    prior = model.prior_quantity(posterior, config.model, config.ci_prob)
    diagnostics = model.diagnose(posterior, media, prior, config.ci_prob) | {"panel": _digest(space)}
    roi = roi_table(posterior, media, model.prior_roi(posterior, config.model, config.ci_prob), config.ci_prob)
    fitted = Fitted(posterior, roi, diagnostics)
    _save_fit(space, config, fitted, media)
    for name in BASELINE:
        (space.data / name).unlink(missing_ok=True)
    baseline = fit_baseline(panel, config.model, config.compare.bootstrap, config.sampler.seed, progress)
    progress("writing", None)
    table, curves = (space.data / name for name in BASELINE)
    write_csv(table, baseline.roi(panel, config.ci_prob))
    save_curves(baseline.curves(panel, config.allocate), curves)
    return fitted


def _save_fit(space: Workspace, config: Config, fitted: Fitted, media: "Media") -> None:
    from mmm_bayes.curves import save_curves
    from mmm_bayes.posterior import save_posterior
    from mmm_bayes.response import decomposition, response_curves

    save_posterior(fitted.posterior, space.data / "posterior.nc")
    write_csv(space.data / "roi.csv", fitted.roi)
    _save_lift(space, config, fitted.posterior)
    write_csv(space.data / "contributions.csv", decomposition(fitted.posterior, media))
    write_csv(space.data / "fit.csv", fit_table(fitted.posterior, config.ci_prob))
    save_curves(response_curves(fitted.posterior, config.allocate), space.data / "curves.parquet")
    write_json(space.data / "diagnostics.json", fitted.diagnostics)


def _save_lift(space: Workspace, config: Config, posterior: "Posterior") -> None:
    """Write ``lift.csv``; without tests there is none, and that of an earlier fit would be taken for theirs."""
    from mmm_bayes.model import lift_table

    if config.model.lift_tests:
        write_csv(space.data / "lift.csv", lift_table(posterior, config.ci_prob))
    else:
        (space.data / "lift.csv").unlink(missing_ok=True)


def fit_table(posterior: "Posterior", ci_prob: float) -> "pd.DataFrame":
    """Return observed and predicted KPI by geo and week, as in ``fit.csv``."""
    from mmm_bayes.forecast import predictive_interval

    mean, low, high = predictive_interval(posterior, posterior.thinned(1000), ci_prob, seed=0)
    data = posterior.data
    values = {"observed": data["y"].to_numpy() * data["scale"].to_numpy()[:, None]}
    values |= {"predicted": mean, "low": low, "high": high}
    cells = {name: (("geo", "week"), value) for name, value in values.items()}
    return data[["geo", "week"]].assign(cells).to_dataframe().reset_index()


def compare(config: Config, root: str | Path = ".", progress: Progress = silent) -> "Comparison":
    """Fit both models without the last weeks and judge them there; hold their ROI against each other and the truth.

    Raises:
        DataError: there is no panel or no fit yet, or the panel is too short for the holdout.
    """
    space, panel = _panel(config, root)
    _require_fresh(space)
    compile_cache()
    from mmm_bayes import evaluate, model

    split = evaluate.split_holdout(panel, config.compare)
    weeks = len(split.train.weeks)
    draws = model.forecast_holdout(panel, weeks, config.model, config.sampler, progress)
    progress("fitting LightGBM", None)
    forecasts = {"bayesian": evaluate.Forecast.from_draws(draws, config.ci_prob)}
    forecasts |= evaluate.other_forecasts(panel, split, config.model, config.sampler.seed, config.ci_prob)
    comparison = evaluate.compare(panel, split, forecasts, _both_roi(space), config.ci_prob)
    evaluate.save_comparison(comparison, space.data)
    return comparison


def _both_roi(space: Workspace) -> "pd.DataFrame":
    """Return the ROI of both models and, where there is one, the truth side by side."""
    from mmm_bayes.evaluate import roi_table
    from mmm_bayes.simulate import load_truth

    own, other = (read_csv(space.needs(name, "fit")) for name in ("roi.csv", BASELINE[0]))
    truth = load_truth(space.data).roi if (space.data / "truth.json").exists() else None
    return roi_table(own, other, truth)


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
    from mmm_bayes.allocate import evaluate_plan, frontier, parse_what_if, reach
    from mmm_bayes.curves import save_curves

    space, panel = _panel(config, root)
    _require_usable(space, force)
    progress("computing response curves", None)
    make_curves = _curves(config, space, panel, model)
    curves = make_curves(1)
    if what_if is not None:
        spend = parse_what_if(what_if, curves)
        curves = make_curves(needed) if (needed := reach(curves, spend)) > 1 else curves
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

    space, _ = _panel(config, root)
    _require_fresh(space)
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


def _digest(space: Workspace) -> str:
    """Return what tells one panel from another."""
    return hashlib.sha256((space.data / "panel.parquet").read_bytes()).hexdigest()[:16]


def _require_fresh(space: Workspace) -> dict[str, Any]:
    """Return the diagnostics, or say that the panel has changed since the fit."""
    found = json.loads(space.needs("diagnostics.json", "fit").read_text(encoding="utf-8"))
    if found["panel"] != _digest(space):
        raise DataError(f"{space.data}: the panel has changed since the fit; run 'mmm-bayes fit' again.")
    return found


def _require_usable(space: Workspace, force: bool) -> None:
    """Refuse to plan on a fit whose verdict is FAIL."""
    found = _require_fresh(space)
    if found["verdict"] == "FAIL" and not force:
        worst = next(r for r in found["reasons"] if r["status"] == "FAIL")
        raise FitError(f"the verdict on the fit is FAIL: {worst['message']} {worst['remedy']} --force plans anyway.")


def _curves(config: Config, space: Workspace, panel: "Panel", model: str) -> "Callable[[int], ResponseCurves]":
    """Return what makes the response curves for the planning window, so many times as far as the limits ask."""
    if model == "lightgbm":
        from mmm_bayes.baseline import fit_baseline

        baseline = fit_baseline(panel, config.model, config.compare.bootstrap, config.sampler.seed)
        return lambda stretch: baseline.curves(panel, config.allocate, stretch)
    from mmm_bayes.posterior import load_posterior
    from mmm_bayes.response import response_curves

    posterior = load_posterior(space.needs("posterior.nc", "fit"))
    return lambda stretch: response_curves(posterior, config.allocate, stretch)


def demo(root: str | Path, lines: int, seed: int | None = None, progress: Progress = silent) -> Config:
    """Write the transactions of a made-up shop and return the configuration for all steps on them.

    Args:
        root: folder that holds ``data/`` and ``reports/``.
        lines: about this many transaction lines.
        seed: decides the transactions and the draws; the default ones where not given.
        progress: told what is being done.
    """
    from mmm_bayes.prepare.sample import write_sample

    path = Workspace("demo", Path(root)).data / "transactions.csv.gz"
    progress("writing transactions", None)
    write_sample(path, lines) if seed is None else write_sample(path, lines, seed=seed)
    config = load_config(Path(__file__).with_name("demo.yaml"), data=str(path))
    return override(config, sampler={"seed": seed})
