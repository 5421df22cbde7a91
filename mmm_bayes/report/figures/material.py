"""What each figure of a run is drawn from, whoever draws it: the report, the dashboard or a notebook."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mmm_bayes.allocate.plan import Plan
from mmm_bayes.report.facts import (
    contributions_by_channel,
    curves_by_channel,
    kpi_parts,
    plan_by_channel,
    totals_of,
    unchanged,
)
from mmm_bayes.report.results import Fit, Results
from mmm_bayes.report.tables import model_names, part_name
from mmm_bayes.report.words import label

Material = dict[str, tuple[Any, ...]]

BEFORE = 26
"""Weeks before the planned ones that are drawn with them."""


def material(results: Results, channels: Mapping[str, str]) -> Material:
    """Return what there is to draw, by the name of the figure: the arguments of what draws it, but for its look.

    Args:
        results: what the steps left.
        channels: the channel by arm, see `facts.channel_of`.
    """
    fit = results.fit
    if fit is None:
        return {}
    found = _of_fit(results, fit)
    if results.comparison is not None:
        found |= {"holdout": (results.comparison.holdout, model_names()), "models": (results.comparison.roi,)}
    table = None if results.plan is None else plan_by_channel(results.plan, channels)
    planned = {} if table is None else dict(zip(table["channel"], table["plan"], strict=True))
    known = results.truth.curves if results.truth and results.truth.curves.weeks == fit.curves.weeks else None
    found["curves"] = curves_by_channel(fit.curves, channels), planned, known
    if results.plan is not None and table is not None:
        found |= _of_plan(results, results.plan, table)
    if results.ahead is not None:
        past = fit.contributions[["week", "observed"]].tail(BEFORE)
        names = {plan: label(plan, "ahead") for plan in results.ahead.summary["plans"]}
        found["ahead"] = past, results.ahead.weeks, names
    return found


def _of_fit(results: Results, fit: Fit) -> Material:
    paid = fit.roi.dropna(subset="roi_mean").sort_values("roi_mean", ascending=False, kind="stable")
    parts = kpi_parts(fit.contributions)
    return {
        "roi": (paid, results.truth.channels["roi"] if results.truth else pd.Series(dtype=float)),
        "contributions": (contributions_by_channel(fit, results.kpi, results.config.ci_prob),),
        "waterfall": (parts, [part_name(part) for part in parts["part"]]),
        "decomposition": (fit.contributions,),
        "fit": (fit.weeks,),
    }


def _of_plan(results: Results, plan: Plan, table: pd.DataFrame) -> Material:
    found: Material = {}
    if not unchanged(table):
        found["plan"] = (table.sort_values("plan", ascending=False, kind="stable"),)
    if plan.gain.percentiles[0] != plan.gain.percentiles[-1]:
        found["gain"] = (plan.gain.percentiles,)
    if results.frontier is not None and len(results.frontier) > 1:
        found["frontier"] = totals_of(results.frontier, plan), plan
    if uneven := [schedule for schedule in results.schedules if schedule.gain.mean]:
        found["schedule"] = (uneven,)
    return found
