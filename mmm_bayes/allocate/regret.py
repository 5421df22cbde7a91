"""What plans are worth on curves that are held to be true, beside the best plan there."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mmm_bayes.allocate.limits import resolve
from mmm_bayes.allocate.plan import Plan
from mmm_bayes.allocate.scenarios import best_plan
from mmm_bayes.config import Allocate
from mmm_bayes.curves import ResponseCurves
from mmm_bayes.errors import AllocationError
from mmm_bayes.transforms import Array

LEVELS = (50, 80, 90)
"""Probabilities, percent, of the intervals that are held against a known truth."""


def incremental(curves: ResponseCurves, spend: Array) -> float:
    """Return the expected incremental KPI value of a plan, in currency.

    Args:
        curves: what is held to be true.
        spend: of each of its channels over its window, shape ``(channel,)``.

    Raises:
        AllocationError: the plan lies beyond the curves.
    """
    for name, amount, end in zip(curves.channels, spend, curves.spend[:, -1], strict=True):
        if not 0 <= amount <= end * (1 + 1e-9):
            raise AllocationError(
                f"the plan spends {amount:,.0f} on {name}, but the true curve ends at {end:,.0f}; ask for a longer one."
            )
    return float(curves.at(np.asarray(spend, dtype=float)).mean(axis=0).sum())


def regret_table(truth: ResponseCurves, plans: Mapping[str, Array], oracle: Array) -> pd.DataFrame:
    """Hold plans against the oracle's, which was made on the true curves.

    Args:
        truth: the true curves.
        plans: spend of each channel by name of the plan.
        oracle: spend of the best plan, shape ``(channel,)``.

    Returns:
        ``plan, spend, incremental, share_of_oracle, regret``: regret in currency; the share is missing where even the
        oracle gains nothing.
    """
    best = incremental(truth, oracle)
    rows = []
    for name, spend in {**plans, "oracle": oracle}.items():
        gained = incremental(truth, spend)
        share = gained / best if best > 0 else np.nan
        rows.append((name, float(np.sum(spend)), gained, share, best - gained))
    return pd.DataFrame(rows, columns=["plan", "spend", "incremental", "share_of_oracle", "regret"])


def against_truth(plan: Plan, truth: ResponseCurves, question: Allocate) -> dict[str, float]:
    """Return what a plan claims and what it is worth.

    Args:
        plan: made on other curves of the same window.
        truth: the true curves.
        question: that the plan answers; the best plan on the true curves answers it, too.

    Returns:
        ``moves`` (1 where money moves), ``claimed`` (probability of beating today) and ``wins`` (1 where it does; a
        plan that moves nothing wins half); gains over today, in profit where the plan counts that, as parts of today's
        return: ``claimed_gain`` of what is claimed of it, ``true_gain`` and ``best_gain`` of what it truly is; and
        whether intervals of the claimed gain held the true one: ``gain_held_50, gain_held_80, gain_held_90``.
    """
    today = incremental(truth, truth.today)
    best = best_plan(truth.spend, truth.mean, resolve(truth, question), question).spend

    def gain(spend: Array) -> float:
        more = incremental(truth, spend) - today
        return more * question.margin - float(spend.sum() - truth.today.sum()) if plan.gain_in == "profit" else more

    own = gain(np.array([row.spend_plan for row in plan.channels]))
    ends = {level: (plan.gain.percentiles[50 - level // 2], plan.gain.percentiles[50 + level // 2]) for level in LEVELS}
    return {
        "moves": float(plan.moves),
        "claimed": plan.gain.probability if plan.moves else 0.5,
        "wins": float(own > 0) if plan.moves else 0.5,
        "claimed_gain": plan.gain.mean / plan.contribution_now.mean,
        "true_gain": own / today,
        "best_gain": gain(best) / today,
        **{f"gain_held_{level}": float(low <= own <= high) for level, (low, high) in ends.items()},
    }
