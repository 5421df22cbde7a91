"""Every figure of a report, as SVG by name."""

from collections.abc import Iterator, Mapping

import pandas as pd
from matplotlib.figure import Figure

from mmm_bayes.report.facts import (
    contributions_by_channel,
    curves_by_channel,
    kpi_parts,
    plan_by_channel,
    totals_of,
    unchanged,
)
from mmm_bayes.report.figures import plan, returns, weeks
from mmm_bayes.report.figures.style import Look, channel_colours, styled
from mmm_bayes.report.figures.svg import svg
from mmm_bayes.report.numbers import Money
from mmm_bayes.report.results import Fit, Results
from mmm_bayes.report.tables import model_names, part_name
from mmm_bayes.report.words import label

Drawn = Iterator[tuple[str, Figure]]

BEFORE = 26
"""Weeks before the planned ones that are drawn with them."""


def draw_figures(results: Results, money: Money, channels: Mapping[str, str]) -> dict[str, str]:
    """Return what there is to draw as SVG.

    Args:
        results: what the steps left.
        money: currency and decimals.
        channels: the channel by arm, see `facts.channel_of`.
    """
    with styled():
        return {name: svg(figure, name) for name, figure in make_figures(results, money, channels)}


def make_figures(results: Results, money: Money, channels: Mapping[str, str]) -> Drawn:
    """Draw one figure after the other, see `draw_figures`; to be called while `style.styled`."""
    if results.fit is None:
        return
    roi = results.fit.roi
    look = Look(
        channel_colours(list(roi["channel"]), list(roi["contribution"])),
        money,
        results.config.ci_prob,
        break_even=1 / results.config.allocate.margin,
        kpi=results.kpi_name,
        kpi_is_money=results.kpi_is_money,
    )
    yield from _of_fit(results, results.fit, look)
    if results.comparison is not None:
        yield "holdout", weeks.holdout(results.comparison.holdout, model_names(), look)
        yield "models", returns.models_roi(results.comparison.roi, look)
    yield from _of_plan(results, results.fit, look, channels)
    if results.ahead is not None:
        past = results.fit.contributions[["week", "observed"]].tail(BEFORE)
        names = {plan: label(plan, "ahead") for plan in results.ahead.summary["plans"]}
        yield "ahead", weeks.ahead(past, results.ahead.weeks, names, look)


def _of_fit(results: Results, fit: Fit, look: Look) -> Drawn:
    paid = fit.roi.dropna(subset="roi_mean").sort_values("roi_mean", ascending=False, kind="stable")
    truth = results.truth.channels["roi"] if results.truth else pd.Series(dtype=float)
    yield "roi", returns.roi_forest(paid, truth, look)
    yield "contributions", returns.contributions(contributions_by_channel(fit, results.kpi, look.ci_prob), look)
    parts = kpi_parts(fit.contributions)
    yield "waterfall", returns.waterfall(parts, [part_name(part) for part in parts["part"]], look)
    yield "decomposition", weeks.decomposition(fit.contributions, look)
    yield "fit", weeks.fit_over_time(fit.weeks, look)


def _of_plan(results: Results, fit: Fit, look: Look, channels: Mapping[str, str]) -> Drawn:
    found = results.plan
    table = None if found is None else plan_by_channel(found, channels)
    planned = {} if table is None else dict(zip(table["channel"], table["plan"], strict=True))
    known = results.truth.curves if results.truth and results.truth.curves.weeks == fit.curves.weeks else None
    yield "curves", plan.response(curves_by_channel(fit.curves, channels), planned, known, look)
    if found is not None and table is not None:
        if not unchanged(table):
            yield "plan", plan.plan(table.sort_values("plan", ascending=False, kind="stable"), look)
        if found.gain.percentiles[0] != found.gain.percentiles[-1]:
            yield "gain", plan.gain(found.gain.percentiles, look)
        if results.frontier is not None and len(results.frontier) > 1:
            yield "frontier", plan.frontier(totals_of(results.frontier, found), found, look)
        if uneven := [s for s in results.schedules if s.gain.mean]:
            yield "schedule", plan.schedule(uneven, look)
