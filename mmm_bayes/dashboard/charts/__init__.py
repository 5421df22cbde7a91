"""Every figure of a report as charts of Altair, which follow the page: its width, its colours, a pointer over them."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mmm_bayes.dashboard.charts import plan, returns, weeks
from mmm_bayes.dashboard.charts.style import Drawn, Look
from mmm_bayes.report.facts import (
    contributions_by_channel,
    curves_by_channel,
    kpi_parts,
    plan_by_channel,
    totals_of,
    unchanged,
)
from mmm_bayes.report.figures import BEFORE
from mmm_bayes.report.numbers import Money
from mmm_bayes.report.results import Fit, Results
from mmm_bayes.report.tables import part_name

__all__ = ["Drawn", "Look", "draw", "look_of"]


def look_of(results: Results, money: Money) -> Look:
    """Return what all charts of a run share."""
    return Look(
        tuple(results.panel.channels),
        money,
        results.config.ci_prob,
        1 / results.config.allocate.margin,
        results.kpi_name,
    )


def draw(results: Results, money: Money, channels: Mapping[str, str]) -> dict[str, Drawn]:
    """Return what there is to draw, under the names of the report's figures.

    Args:
        results: what the steps left.
        money: currency and decimals.
        channels: the channel by arm, see `facts.channel_of`.
    """
    fit, look = results.fit, look_of(results, money)
    if fit is None:
        return {}
    found = _of_fit(results, fit, look)
    if results.comparison is not None:
        found["holdout"] = weeks.holdout(results.comparison.holdout, look)
        found["models"] = returns.models(results.comparison.roi, look)
    if results.ahead is not None:
        past = fit.contributions[["week", "observed"]].tail(BEFORE)
        found["ahead"] = weeks.ahead(past, results.ahead.weeks, look)
    return found | _of_plan(results, fit, look, channels)


def _of_fit(results: Results, fit: Fit, look: Look) -> dict[str, Drawn]:
    paid = fit.roi.dropna(subset="roi_mean").sort_values("roi_mean", ascending=False, kind="stable")
    true_roi = results.truth.channels["roi"] if results.truth else pd.Series(dtype=float)
    parts = kpi_parts(fit.contributions)
    return {
        "roi": returns.roi(paid, true_roi.reindex(paid["channel"]).to_numpy(dtype=float), look),
        "contributions": returns.contributions(contributions_by_channel(fit, results.kpi, look.ci_prob), look),
        "waterfall": returns.waterfall(parts, [part_name(part) for part in parts["part"]], look),
        "decomposition": weeks.decomposition(fit.contributions, look),
        "fit": weeks.fit_over_time(fit.weeks, look),
    }


def _of_plan(results: Results, fit: Fit, look: Look, channels: Mapping[str, str]) -> dict[str, Drawn]:
    curves, found = curves_by_channel(fit.curves, channels), results.plan
    known = results.truth.curves if results.truth and results.truth.curves.weeks == curves.weeks else None
    table = None if found is None else plan_by_channel(found, channels)
    planned = curves.today if table is None else table.set_index("channel")["plan"].reindex(curves.channels).to_numpy()
    drawn: dict[str, Drawn] = {
        "curves": [plan.response(curves, c, planned[c], look, known) for c in range(len(curves.channels))]
    }
    if found is None or table is None:
        return drawn
    if not unchanged(table):
        drawn["plan"] = plan.moves(table.sort_values("plan", ascending=False, kind="stable"), look)
    if np.ptp(found.gain.percentiles):
        drawn["gain"] = plan.gain(found.gain.percentiles, look)
    if results.frontier is not None and len(results.frontier) > 1:
        drawn["frontier"] = plan.frontier(totals_of(results.frontier, found), look)
    if uneven := [s for s in results.schedules if s.gain.mean]:
        drawn["schedule"] = plan.schedule(uneven, look)
    return drawn
