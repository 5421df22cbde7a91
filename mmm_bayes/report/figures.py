"""Every figure of a report, as PNG by name."""

from collections.abc import Iterator, Mapping

import pandas as pd
from matplotlib.figure import Figure

from mmm_bayes.report import draw_budget, draw_plan, draw_roi, draw_weeks
from mmm_bayes.report.facts import contribution_table, curves_by_channel, frontier_table, plan_table
from mmm_bayes.report.numbers import Money
from mmm_bayes.report.results import Fit, Results
from mmm_bayes.report.style import Look, channel_colours, png, styled
from mmm_bayes.report.tables import MODEL_NAMES

Drawn = Iterator[tuple[str, Figure]]


def draw_figures(results: Results, money: Money, channels: Mapping[str, str]) -> dict[str, bytes]:
    """Return what there is to draw as PNG.

    Args:
        results: what the steps left.
        money: currency and decimals.
        channels: the channel by arm, see `facts.channel_of`.
    """
    with styled():
        return {name: png(figure) for name, figure in make_figures(results, money, channels)}


def make_figures(results: Results, money: Money, channels: Mapping[str, str]) -> Drawn:
    """Draw one figure after the other, see `draw_figures`; to be called while `style.styled`."""
    if results.fit is None:
        return
    roi = results.fit.roi
    colours = channel_colours(list(roi["channel"]), list(roi["contribution"]))
    look = Look(colours, money, results.config.ci_prob, 1 / results.config.allocate.margin)
    yield from _of_fit(results, results.fit, look)
    yield from _of_comparison(results, look)
    yield from _of_plan(results, results.fit, look, channels)


def _of_fit(results: Results, fit: Fit, look: Look) -> Drawn:
    symbol, label = look.symbol if results.kpi_is_money else "", results.panel.kpi_name
    paid = fit.roi.dropna(subset="roi_median").sort_values("roi_median", ascending=False, kind="stable")
    truth = results.truth.channels["roi"] if results.truth else pd.Series(dtype=float)
    yield "roi", draw_roi.roi_forest(paid, truth, look)
    yield "contributions", draw_roi.contributions(contribution_table(fit, results.kpi, look.ci_prob), look)
    yield "decomposition", draw_weeks.decomposition(fit.contributions, look, label, symbol)
    yield "fit", draw_weeks.fit_over_time(fit.weeks, look, label, symbol)


def _of_comparison(results: Results, look: Look) -> Drawn:
    if results.comparison is not None:
        symbol, label = look.symbol if results.kpi_is_money else "", results.panel.kpi_name
        yield "holdout", draw_weeks.holdout(results.comparison.holdout, MODEL_NAMES, look, label, symbol)
        yield "models", draw_roi.models_roi(results.comparison.roi, look)


def _of_plan(results: Results, fit: Fit, look: Look, channels: Mapping[str, str]) -> Drawn:
    table = None if results.plan is None else plan_table(results.plan, channels)
    planned = {} if table is None else dict(zip(table["channel"], table["plan"], strict=True))
    known = results.truth.curves if results.truth and results.truth.curves.weeks == fit.curves.weeks else None
    yield "curves", draw_plan.response(curves_by_channel(fit.curves, channels), planned, known, look)
    if results.plan is not None and table is not None:
        yield "plan", draw_plan.plan(table.sort_values("plan", ascending=False, kind="stable"), look)
        if results.plan.gain.percentiles[0] != results.plan.gain.percentiles[-1]:
            yield "gain", draw_plan.gain(results.plan.gain.percentiles, look)
        if results.frontier is not None and len(results.frontier) > 1:
            yield "frontier", draw_budget.frontier(frontier_table(results.frontier, results.plan), results.plan, look)
        if uneven := [s for s in results.schedules if s.gain.mean]:
            yield "schedule", draw_budget.schedule(uneven, look)
