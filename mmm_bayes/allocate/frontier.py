"""The best plan for each total: what more or less money would return."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mmm_bayes.allocate.objective import Goal
from mmm_bayes.allocate.planner import by_name, settled
from mmm_bayes.allocate.scenarios import best_within
from mmm_bayes.config import Allocate
from mmm_bayes.curves import ResponseCurves
from mmm_bayes.intervals import Interval
from mmm_bayes.transforms import Array
from mmm_bayes.workspace import write_csv

CSV = "frontier.csv"


def spend_column(arm: str) -> str:
    """Return the column of ``frontier.csv`` that holds an arm's spend; a channel may be called ``total``."""
    return f"spend_{arm}"


@dataclass(frozen=True)
class Frontier:
    """Best plans over a range of totals.

    Attributes:
        channels: names of the arms.
        total: currency, ascending, shape ``(point,)``.
        spend: the best plan at each total, shape ``(point, arm)``.
        response: KPI value of each plan, currency, arrays of shape ``(point,)``.
        profit: mean of ``margin * KPI value - spend``, shape ``(point,)``.
        roi: mean KPI value per unit of spend, shape ``(point,)``; NaN at a total of zero.
        gap: certified gap of each plan, shape ``(point,)``.
        today: today's total spend.
        response_today: KPI value of today's plan.
        profit_gain: ``margin * KPI value - spend`` of each plan over that of today's, draw by draw, currency, arrays of
            shape ``(point,)``.
    """

    channels: tuple[str, ...]
    total: Array
    spend: Array
    response: Interval[Array]
    profit: Array
    roi: Array
    gap: Array
    today: float
    response_today: Interval[float]
    profit_gain: Interval[Array]


def frontier(curves: ResponseCurves, settings: Allocate, ci_prob: float = 0.9, points: int = 21) -> Frontier:
    """Return the best plan within the limits for totals from the least to the most they allow.

    Args:
        curves: the response of each channel over the planning window, draw by draw.
        settings: limits and margin; scenario, objective and budget are passed over.
        ci_prob: probability of the intervals.
        points: number of totals; today's is added where the limits allow it.

    Raises:
        AllocationError: as `allocate` does.
    """
    free = settings.model_copy(update={"scenario": "profit", "budget": None})
    ordered = by_name(curves)
    _, bounds = settled(ordered, free)
    today = float(bounds.today.sum())
    low, high = bounds.tree.lower, bounds.tree.upper
    asked = [
        float(t) for t in np.linspace(low, high, points) if abs(t - today) > 1e-6 * high or not low <= today <= high
    ]
    asked += [today] if low <= today <= high else []
    within = {found.tree.upper: found for found in map(bounds.at, asked)}
    mean, places = ordered.mean, [ordered.channels.index(name) for name in curves.channels]
    best = [best_within(ordered.spend, mean, within[t], Goal()) for t in sorted(within)]
    total = np.array([o.spend.sum() for o in best]).round(bounds.decimals)
    value = np.array([o.value for o in best])
    draws = np.stack([ordered.at(o.spend).sum(axis=1) for o in best], axis=1)
    now = ordered.at(bounds.today).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        roi = np.where(total > 0, value / total, np.nan)
        gap = np.where(value > 0, (np.array([o.bound for o in best]) - value) / value, 0.0)
    return Frontier(
        channels=curves.channels,
        total=total,
        spend=np.array([o.spend for o in best])[:, places],
        response=Interval.of(draws, ci_prob),
        profit=settings.margin * value - total,
        roi=roi,
        gap=gap,
        today=today,
        response_today=Interval.of_one(now, ci_prob),
        profit_gain=Interval.of(settings.margin * (draws - now[:, None]) - (total - today), ci_prob),
    )


def frontier_table(found: Frontier) -> pd.DataFrame:
    """Return one row per total: response, profit and what profit gains over today, ROI, certified gap, arms' spends."""
    columns = {
        "total": found.total,
        **found.response.columns("response"),
        "profit": found.profit,
        **found.profit_gain.columns("profit_gain"),
        "roi": found.roi,
        "certified_gap": found.gap,
    }
    arms = {spend_column(name): found.spend[:, c] for c, name in enumerate(found.channels)}
    return pd.DataFrame({**columns, **arms})


def save_frontier(found: Frontier, folder: Path) -> None:
    """Write ``frontier.csv`` into ``folder``."""
    write_csv(folder / CSV, frontier_table(found))
