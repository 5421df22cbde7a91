"""Every figure of a report, as SVG by name."""

from collections.abc import Callable, Iterator, Mapping

from matplotlib.figure import Figure

from mmm_bayes.report.figures import plan, returns, weeks
from mmm_bayes.report.figures.material import material
from mmm_bayes.report.figures.style import Look, channel_colours, styled
from mmm_bayes.report.figures.svg import svg
from mmm_bayes.report.numbers import Money
from mmm_bayes.report.results import Results

FIGURES: dict[str, Callable[..., Figure]] = {
    "roi": returns.roi_forest,
    "contributions": returns.contributions,
    "waterfall": returns.waterfall,
    "decomposition": weeks.decomposition,
    "fit": weeks.fit_over_time,
    "holdout": weeks.holdout,
    "models": returns.models_roi,
    "curves": plan.response,
    "plan": plan.plan,
    "gain": plan.gain,
    "frontier": plan.frontier,
    "schedule": plan.schedule,
    "ahead": weeks.ahead,
}
"""What draws each figure from its `material` and a look."""


def draw_figures(results: Results, money: Money, channels: Mapping[str, str]) -> dict[str, str]:
    """Return what there is to draw as SVG.

    Args:
        results: what the steps left.
        money: currency and decimals.
        channels: the channel by arm, see `facts.channel_of`.
    """
    with styled():
        return {name: svg(figure, name) for name, figure in make_figures(results, money, channels)}


def make_figures(results: Results, money: Money, channels: Mapping[str, str]) -> Iterator[tuple[str, Figure]]:
    """Draw one figure after the other, see `draw_figures`; to be called while `style.styled`."""
    for name, given in material(results, channels).items():
        yield name, FIGURES[name](*given, look_of(results, money))


def look_of(results: Results, money: Money) -> Look:
    """Return what all figures of a run share; there must be a fit."""
    assert results.fit is not None, "figures are drawn where there is a fit"
    roi = results.fit.roi
    return Look(
        channel_colours(list(roi["channel"]), list(roi["contribution"])),
        money,
        results.config.ci_prob,
        break_even=1 / results.config.allocate.margin,
        kpi=results.kpi_name,
        kpi_is_money=results.kpi_is_money,
    )
