"""What a plan is worth on the true curves, beside the best plan there is."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mmm_bayes.curves import ResponseCurves
from mmm_bayes.errors import AllocationError
from mmm_bayes.transforms import Array


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
