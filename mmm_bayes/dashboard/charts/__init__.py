"""Every figure of a report as charts of Altair, which follow the page: its width, its colours, a pointer over them."""

from collections.abc import Callable, Mapping

from mmm_bayes.dashboard.charts import plan, returns, weeks
from mmm_bayes.dashboard.charts.style import Drawn, Look
from mmm_bayes.report.figures.material import material
from mmm_bayes.report.numbers import Money
from mmm_bayes.report.results import Results

__all__ = ["Drawn", "Look", "draw", "look_of"]

CHARTS: dict[str, Callable[..., Drawn]] = {
    "roi": returns.roi,
    "contributions": returns.contributions,
    "waterfall": returns.waterfall,
    "decomposition": weeks.decomposition,
    "fit": weeks.fit_over_time,
    "holdout": weeks.holdout,
    "models": returns.models,
    "curves": plan.responses,
    "plan": plan.moves,
    "gain": plan.gain,
    "frontier": plan.frontier,
    "schedule": plan.schedule,
    "ahead": weeks.ahead,
}
"""What draws each figure from its `material` and a look."""


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
    look = look_of(results, money)
    return {name: CHARTS[name](*given, look) for name, given in material(results, channels).items()}
