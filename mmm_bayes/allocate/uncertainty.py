"""Where each posterior draw by itself would put the money, and what not knowing which one is true costs."""

from dataclasses import dataclass

import numpy as np

from mmm_bayes.allocate.objective import Goal
from mmm_bayes.allocate.solver import Feasible, solve_many
from mmm_bayes.curves import ResponseCurves
from mmm_bayes.transforms import Array

STEPS = 800
"""Steps of the grid on which each draw's own best plan is found."""

MANY_ARMS = 60
"""Plans with more arms than this (plans by geo) take each draw's best plan from concave covers of its curves."""

FEW_DRAWS = 200
"""Draws that are then used, evenly spread over the posterior."""


@dataclass(frozen=True)
class DrawPlans:
    """The best plan of each draw.

    Attributes:
        draws: which draws, shape ``(used,)``.
        spend: their best plans, shape ``(used, arm)``.
        value: objective of each in its own draw, shape ``(used,)``.
        bound: what no plan within the limits can exceed in that draw, shape ``(used,)``.
    """

    draws: np.ndarray
    spend: Array
    value: Array
    bound: Array


def best_per_draw(curves: ResponseCurves, allowed: Feasible, goal: Goal) -> DrawPlans:
    """Return the best plan of each draw.

    With many arms concave covers of the curves, which are then nearly exact, are used alone, on fewer draws, and
    smallest useful spends and steps are passed over.
    """
    draws = len(curves.response)
    many = len(curves.channels) > MANY_ARMS
    chosen = np.unique(np.linspace(0, draws - 1, min(draws, FEW_DRAWS) if many else draws).astype(int))
    problem = goal.problem(curves.spend, curves.response[chosen], allowed)
    return DrawPlans(chosen, *solve_many(problem, None if many else STEPS))


def expected_regret(plans: DrawPlans, value: Array) -> float:
    """Return the expected loss of a plan with objective ``value (draw,)`` against each draw's own best plan."""
    own = value[plans.draws]
    return float(np.mean(np.maximum(plans.value - own, 0.0)))
