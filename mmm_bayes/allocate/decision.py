"""The verdict on a decision: whether a plan, and each move in it, is *clear*, *leaning* or *not yet* to be made.

A verdict on the fit says whether the model holds together; this one says whether the money may move. Its limits are
those at which plans won as often as they claimed in worlds that the model was not tuned to, see
``scripts/benchmark_plans.py``.
"""

from typing import Literal

import numpy as np

from mmm_bayes.curves import ResponseCurves
from mmm_bayes.transforms import Array

Decision = Literal["clear", "leaning", "not_yet"]

CLEAR, LEANING = 0.975, 0.75
"""Probabilities of being right from which on a decision is clear, or leans to one side."""


def decision_of(probability: float | None) -> Decision:
    """Return the verdict on a move that is right with a probability; on none, or where nothing moves, it is not yet."""
    if probability is None or probability < LEANING:
        return "not_yet"
    return "clear" if probability >= CLEAR else "leaning"


def move_probabilities(curves: ResponseCurves, today: Array, plan: Array, digit: float) -> list[float | None]:
    """Return per arm how probable it is that the money which it gains or gives is better there than elsewhere.

    What the moved money of an arm returns per unit is held against what the next unit returns in the other arms today,
    on the average of their spend, draw by draw.

    Args:
        curves: the response of each arm, draw by draw.
        today: spend, currency, shape ``(arm,)``.
        plan: the same, planned.
        digit: moves up to this are none.

    Returns:
        None for an arm that does not move, or stands alone.
    """
    moved, others = plan - today, today.sum() - today
    asked = (np.abs(moved) > digit) & (others > 0)
    if not asked.any():
        return [None] * len(today)
    next_unit = curves.marginal(today) * today
    change = curves.at(plan) - curves.at(today)
    elsewhere = (next_unit.sum(axis=1, keepdims=True) - next_unit) / np.where(others > 0, others, 1.0)
    ahead = np.sign(moved) * (change / np.where(moved == 0, 1.0, moved) - elsewhere)
    right = np.where(ahead == 0, 0.5, ahead > 0).mean(axis=0)
    return [float(chance) if counts else None for chance, counts in zip(right, asked, strict=True)]
