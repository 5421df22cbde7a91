"""Not knowing the true curves: where each draw would put the money, what that costs, what a test would gain."""

from dataclasses import dataclass

import numpy as np

from mmm_bayes.allocate.limits import Bounds
from mmm_bayes.allocate.objective import Goal
from mmm_bayes.allocate.solver import Feasible, Problem, solve_many, solve_on_grid
from mmm_bayes.curves import ResponseCurves
from mmm_bayes.transforms import Array

STEPS = 800
"""Steps of the grid on which each draw's own best plan is found."""

MANY_ARMS = 60
"""Plans with more arms than this (plans by geo) take each draw's best plan from concave covers of its curves."""

FEW_DRAWS = 200
"""Draws that are then used, evenly spread over the posterior."""

TEST_STEPS = 400
"""Steps of the grid on which plans with and without the result of a test are compared."""

RESULTS = (5, 41)
"""Least and most results that a test is taken to have; they lie one standard error apart where that fits."""

NULLS = 2
"""Tests of nothing (results shuffled over the draws) whose mean apparent value is deducted."""


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


def value_of_information(curves: ResponseCurves, bounds: Bounds, goal: Goal, test_error: float) -> Array:
    """Return the expected gain from one lift test of each arm, shape ``(arm,)``, in units of the objective.

    A test measures the arm's ROI at today's spend (at its upper limit where today's is zero) with a normal
    standard error of ``test_error`` times the expected ROI. Each possible result gives the draws new weights by
    Bayes' rule, and the weighted expected curves their own best plan; its value, averaged over results, less
    that of today's knowledge is the expected value of sample information (Raiffa and Schlaifer 1961, ch. 4).
    A finite number of draws makes even a test of nothing look useful, since any weights move all the curves; what
    such tests appear to gain is deducted. Never negative, zero where all draws agree; the cost of the test
    is not deducted.
    """
    draws, arms, points = curves.response.shape
    flat = goal.factor * curves.response.reshape(draws, arms * points)

    def best(weights: Array) -> Array:
        expected = (weights @ flat).reshape(-1, arms, points)
        return solve_on_grid(Problem(curves.spend, expected, bounds, goal.cost), TEST_STEPS)[1]

    def gain(chance: Array) -> float:
        share = chance.mean(axis=0)
        return float(share @ best((chance / (draws * share)).T)) - today

    today = float(best(np.full((1, draws), 1.0 / draws))[0])
    shuffles = [np.random.default_rng(seed).permutation(draws) for seed in range(NULLS)]
    information = np.zeros(arms)
    for c in range(arms):
        chance = _chance_of_results(_roi(curves, bounds, c), test_error)
        if chance is not None:
            null = sum(gain(chance[order]) for order in shuffles) / NULLS
            found = gain(chance) - max(null, 0.0)
            information[c] = found if found > 1e-9 * abs(today) else 0.0
    return information


def _roi(curves: ResponseCurves, bounds: Bounds, arm: int) -> Array:
    """Return the ROI of one arm where a test would measure it, shape ``(draw,)``."""
    spend = float(bounds.today[arm] or bounds.upper[arm])
    if spend == 0:
        return np.zeros(len(curves.response))
    return curves.along(arm, np.array([spend]))[:, 0] / spend


def _chance_of_results(roi: Array, test_error: float) -> Array | None:
    """Return the probability of each result of a test in each draw, shape ``(draw, result)``; None if all agree."""
    error = test_error * abs(float(roi.mean()))
    width = float(np.ptp(roi))
    if error == 0 or width <= 1e-9 * error:
        return None
    count = int(np.clip(np.ceil(width / error) + 3, *RESULTS))
    results = np.linspace(roi.min() - error, roi.max() + error, count)
    chance = np.exp(-0.5 * ((results - roi[:, None]) / error) ** 2)
    chance /= chance.sum(axis=1, keepdims=True)
    return chance[:, chance.mean(axis=0) > 1e-9]
