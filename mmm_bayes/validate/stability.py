"""How far answers move when what should not matter much is changed: each fit beside the unchanged one."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from mmm_bayes.allocate import allocate
from mmm_bayes.intervals import Interval
from mmm_bayes.posterior import Posterior
from mmm_bayes.posterior.attribution import media_contributions, response_curves
from mmm_bayes.validate.trials import Measured, Trial, wide

UNCHANGED = "unchanged"
"""Variant of the first fit of each of these checks."""


def measure(trial: Trial, posterior: Posterior) -> Measured:
    """Yield the interval of each channel's ROI, and what the plan makes of its budget."""
    roi = Interval.of(posterior.per_spend(media_contributions(posterior).worth), trial.ci_prob)
    for c in np.flatnonzero(posterior.data["paid"].to_numpy()):
        for part in ("median", "low", "high"):
            yield posterior.channels[c], f"roi_{part}", float(getattr(roi, part)[c])
    plan = allocate(response_curves(posterior, trial.allocate), trial.allocate, trial.ci_prob)
    for row in plan.channels:
        yield row.channel, "spend_now", row.spend_now
        yield row.channel, "spend_plan", row.spend_plan


def summary(outcomes: pd.DataFrame) -> Mapping[str, Any]:
    """Return how far each variant moves ROI and plan.

    ``roi`` is the mean absolute change of the channels' median ROI, ``worst`` that of the channel that changes most,
    ``outside`` the channels whose median leaves the interval of the unchanged fit; ``plan`` is the part of the money
    that stands with other channels than in its plan. All but one are of each variant; ``channels`` has the mean
    absolute change of each channel's ROI over the variants.
    """
    table = wide(outcomes, ["replicate", "variant", "channel"])
    base = table[table["variant"] == UNCHANGED].set_index("channel")
    others = table[table["variant"] != UNCHANGED]
    if base.empty or others.empty:
        return {"replicates": len(others), "variants": [], "channels": {}}
    moved = others.assign(change=_change(others, base))
    return {
        "replicates": int(others["replicate"].nunique()),
        "variants": [_of_variant(own, base) for _, own in moved.groupby("replicate")],
        "channels": {
            channel: float(own.abs().mean())
            for channel, own in moved.dropna(subset="change").groupby("channel", sort=False)["change"]
        },
    }


def _change(table: pd.DataFrame, base: pd.DataFrame) -> pd.Series:
    return table["roi_median"] / table["channel"].map(base["roi_median"]) - 1


def _of_variant(own: pd.DataFrame, base: pd.DataFrame) -> dict[str, Any]:
    by = own.set_index("channel").reindex(base.index)
    change = by["change"].dropna()
    outside = (by["roi_median"] < base["roi_low"]) | (by["roi_median"] > base["roi_high"])
    return {
        "variant": str(own["variant"].iloc[0]),
        "roi": float(change.abs().mean()),
        "worst": float(change[change.abs().idxmax()]),
        "channel": str(change.abs().idxmax()),
        "outside": int(outside.sum()),
        "plan": moved_money(base["spend_plan"] / base["spend_now"], by["spend_plan"] / by["spend_now"], base),
    }


def moved_money(before: pd.Series, after: pd.Series, base: pd.DataFrame) -> float:
    """Return the part of today's money that two plans, as factors on it by channel, put on different channels."""
    known = (before * after).dropna().index
    shares = [(factor * base["spend_now"])[known] for factor in (before, after)]
    parts = [share / share.sum() for share in shares]
    return float((parts[0] - parts[1]).abs().sum() / 2)
