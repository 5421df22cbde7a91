"""The best plan of the expected curves: a fixed budget, the best profit, a target return, a target marginal return."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from mmm_bayes.allocate.conflicts import money
from mmm_bayes.allocate.limits import Bounds
from mmm_bayes.allocate.objective import Goal, goal_of, target_of
from mmm_bayes.allocate.solver import Solution, solve
from mmm_bayes.config import Allocate
from mmm_bayes.errors import AllocationError
from mmm_bayes.transforms import Array

CELLS = 24
"""Parts that the range of totals is first cut into when a target return is sought."""

RESOLUTION = 1e-5
"""The total that reaches a target return is found to this share of its range."""


def best_plan(x: Array, mean: Array, bounds: Bounds, settings: Allocate) -> Solution:
    """Return the best plan of the expected curves in the scenario of the settings.

    Args:
        x: breakpoints, currency, shape ``(arm, point)``.
        mean: expected KPI value there, currency, shape ``(arm, point)``.
        bounds: the limits.
        settings: the budget question.

    Raises:
        AllocationError: when no plan within the limits reaches the target.
    """
    if settings.scenario == "target_roi":
        return _target_roi(x, mean, bounds, target_of(settings))
    return best_within(x, mean, bounds, goal_of(settings))


def best_within(x: Array, mean: Array, bounds: Bounds, goal: Goal) -> Solution:
    """Return the plan that maximises ``goal`` within the limits, certified; today's where that is as good.

    Raises:
        AllocationError: when none was found.
    """
    found = solve(goal.problem(x, mean, bounds), bounds.today)
    if found is None:
        raise AllocationError(
            "no plan was found within the limits, though their totals do not contradict each other; "
            "widen a limit, or drop a minimum_useful."
        )
    return found


def _target_roi(x: Array, mean: Array, bounds: Bounds, target: float) -> Solution:
    """Return the plan with the highest response among those that return ``target`` per unit of spend.

    The best response grows with the total, so the highest total whose best plan reaches the target is sought, from
    above: between totals a < b nothing reaches it if even the bound at b is less than the target times a.
    """
    low, high = bounds.tree.lower, bounds.tree.upper
    seen: dict[float, Solution] = {}

    def best(total: float) -> Solution:
        if total not in seen:
            seen[total] = best_within(x, mean, bounds.at(total), Goal())
        return seen[total]

    def reaches(total: float) -> bool:
        spent = float(best(total).spend.sum())
        return best(total).value >= target * spent * (1 - 1e-12) and (spent > 0 or high == 0)

    cells = list(pairwise(np.linspace(low, high, CELLS + 1))) if high > low else [(high, high)]
    unsure = None
    while cells:
        a, b = cells.pop()
        if reaches(b):
            return replace(best(b), bound=(unsure or best(b)).bound)
        if best(b).bound < target * a:
            continue
        if b - a > RESOLUTION * (high - low):
            cells += [(a, (a + b) / 2), ((a + b) / 2, b)]
        else:
            unsure = unsure or best(b)
    if reaches(low):
        return replace(best(low), bound=(unsure or best(low)).bound)
    top = max(seen.values(), key=lambda o: o.value / max(o.spend.sum(), 1e-300))
    spent = float(top.spend.sum())
    raise AllocationError(
        f"allocate.target: no plan within the limits returns {target:g} per unit of spend; the highest return found "
        f"is {top.value / spent if spent else 0.0:.4g} at a total of {money(spent)}: lower the target to that, "
        "or the lower limits."
    )
