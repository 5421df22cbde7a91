"""The step that looks ahead: what the KPI will be in the planned weeks."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm_bayes.config import Config
from mmm_bayes.errors import DataError
from mmm_bayes.findings import Finding
from mmm_bayes.pipeline.plan import verdict
from mmm_bayes.progress import Progress, silent
from mmm_bayes.provenance import PANEL, Manifest, step
from mmm_bayes.workspace import Workspace, read_csv

if TYPE_CHECKING:
    from mmm_bayes.ahead import Ahead
    from mmm_bayes.allocate import Plan
    from mmm_bayes.panel import Panel
    from mmm_bayes.posterior import Posterior


def forecast(config: Config, root: str | Path = ".", progress: Progress = silent, spend: str | None = None) -> "Ahead":
    """Forecast the KPI of the planned weeks: under the plan, under today's spend and under the best plan.

    Args:
        config: for the best plan, and the probability of the intervals.
        root: folder that holds ``data/`` and ``reports/``.
        progress: told what is being done.
        spend: path of a file of planned spend; the panel's own planned weeks where not given.

    Raises:
        DataError: there is no fit yet, or it is stale; nothing is planned; the file cannot be used.
        AllocationError: the limits contradict each other.
    """
    from mmm_bayes.ahead import look_ahead, save_ahead
    from mmm_bayes.panel import load_panel, load_panel_with_plan
    from mmm_bayes.posterior import load_posterior

    asked = {} if spend is None else {"spend": str(Path(spend).absolute())}
    with step(Workspace(config.name, Path(root)), "forecast", config, **asked) as work:
        folder = work.manifest.checked("prepare", *PANEL)
        panel = load_panel(folder) if spend is None else load_panel_with_plan(folder, spend, config.panel)
        if panel.planned is None:
            raise DataError(
                "no weeks are planned; add rows with planned spend after the last KPI of the panel and run "
                "'mmm-bayes prepare', or give a file of them with --spend."
            )
        posterior = load_posterior(work.manifest.checked("fit", "posterior.nc") / "posterior.nc")
        progress("searching the best plan", None)
        best, why = _best(config, panel, posterior, verdict(work.manifest))
        progress("forecasting", None)
        money = None if best is None else {row.channel: row.spend_plan for row in best.channels}
        found = look_ahead(posterior, panel, config.allocate, money, config.ci_prob, config.sampler.seed)
        ahead = save_ahead(found, work.folder, _tested(config, work.manifest), (*_assumed(panel), *why))
    return ahead


def _best(
    config: Config, panel: "Panel", posterior: "Posterior", verdict: str
) -> "tuple[Plan | None, tuple[Finding, ...]]":
    """Return the best plan for the planned weeks, as ``allocate`` finds it; or why there is none beside the plan."""
    from mmm_bayes.allocate import allocate
    from mmm_bayes.posterior.attribution import response_curves

    if verdict == "FAIL":
        return None, (Finding("forecast.no_best_plan"),)
    curves = response_curves(posterior, config.allocate, planned=panel.planned)
    if not curves.planned:
        return None, (Finding("forecast.other_window"),)
    plan = allocate(curves, config.allocate, config.ci_prob)
    return (plan, ()) if plan.moves else (None, (Finding("forecast.plan_stays"),))


def _assumed(panel: "Panel") -> list[Finding]:
    """Return what is assumed of the planned weeks."""
    return [note for note in panel.notes if note.code in ("panel.as_last_year", "panel.usual_price")]


def _tested(config: Config, manifest: Manifest) -> dict[str, Any] | None:
    """Return how good such forecasts were on the holdout, None where that is not known."""
    from mmm_bayes.ahead import backtest

    if not manifest.complete("compare") or manifest.stale("compare", config):
        return None
    return backtest(read_csv(manifest.checked("compare") / "holdout.csv"), config.ci_prob)
