"""The best plan of the expected curves: a fixed budget, the best profit, a target return, a target marginal return."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from mmm_bayes.allocate.budget import money
from mmm_bayes.allocate.limits import Bounds
from mmm_bayes.allocate.solver.arms import restrict
from mmm_bayes.allocate.solver.grid import make_grid, solve_grid
from mmm_bayes.allocate.solver.knapsack import WORK, solve, worth
from mmm_bayes.allocate.solver.tree import Node, round_spend, within
from mmm_bayes.config import Allocate
from mmm_bayes.errors import AllocationError
from mmm_bayes.transforms import Array

CELLS = 24
"""Parts that the range of totals is first cut into when a target return is sought."""

RESOLUTION = 1e-5
"""The total that reaches a target return is found to this share of its range."""


@dataclass(frozen=True)
class Worth:
    """The objective of a plan: ``factor * KPI value - cost * spend``, additive over channels."""

    factor: float = 1.0
    cost: float = 0.0


@dataclass(frozen=True)
class Optimum:
    """A plan within the limits, what it is worth, and what no plan within the limits can exceed."""

    spend: Array
    value: float
    bound: float


def objective(settings: Allocate) -> Worth:
    """Return what the scenario maximises.

    A target marginal return is reached where the KPI value less ``target`` times the spend is greatest: every
    channel inside its limits then returns just the target on its last unit of spend.
    """
    if settings.scenario == "profit":
        return Worth(settings.margin, 1.0)
    if settings.scenario == "target_mroi":
        return Worth(1.0, _target(settings))
    return Worth()


def best_plan(x: Array, mean: Array, bounds: Bounds, settings: Allocate) -> Optimum:
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
        return _target_roi(x, mean, bounds, _target(settings))
    return best_within(x, mean, bounds, bounds.tree, objective(settings))


def _target(settings: Allocate) -> float:
    assert settings.target is not None, "a configuration has the target that its scenario needs"
    return settings.target


def best_within(x: Array, mean: Array, bounds: Bounds, tree: Node, goal: Worth) -> Optimum:
    """Return the plan that maximises ``goal`` within the limits and the sums of ``tree``, certified.

    Raises:
        AllocationError: when none was found.
    """
    values = goal.factor * mean - goal.cost * x
    arms = [
        restrict(grid, value, low, high, useful)
        for grid, value, low, high, useful in zip(x, values, bounds.lower, bounds.upper, bounds.useful, strict=True)
    ]
    if bounds.step is not None and (exact := _on_steps(x, values, bounds, tree)) is not None:
        return exact
    found = solve(arms, tree, [bounds.today])
    if found is None:
        raise AllocationError(
            "no plan was found within the limits, though their totals do not contradict each other; "
            "widen a limit, or drop a minimum_useful."
        )
    digit = 10.0**-bounds.decimals

    def worths(spend: Array) -> Array:
        return np.array([arm.at(s) for arm, s in zip(arms, spend, strict=True)])

    spend = round_spend(tree, found.spend, bounds.lower, bounds.unit * digit, worths).round(bounds.decimals)
    value = worth(arms, spend)
    if bounds.allows(bounds.today) and within(tree, bounds.today, digit / 2):
        now = worth(arms, bounds.today)
        spend, value = (bounds.today, now) if now >= value else (spend, value)
    return Optimum(spend, value, max(found.bound, value))


def _on_steps(x: Array, values: Array, bounds: Bounds, tree: Node) -> Optimum | None:
    """Return the exact best plan in multiples of the step, or None where there are too many."""
    grid = make_grid(bounds, tree)
    sizes = [len(s) for s in grid.spends]
    if sum(sizes) ** 2 > WORK:
        return None
    spend, value = solve_grid(grid, x, values[None], 0.0)
    return Optimum(spend[0].round(bounds.decimals), float(value[0]), float(value[0]))


def _target_roi(x: Array, mean: Array, bounds: Bounds, target: float) -> Optimum:
    """Return the plan with the highest response among those that return ``target`` per unit of spend.

    The best response grows with the total, so the highest total whose best plan reaches the target is sought, from
    above: between totals a < b nothing reaches it if even the bound at b is less than the target times a.
    """
    low, high = bounds.tree.lower, bounds.tree.upper
    seen: dict[float, Optimum] = {}

    def best(total: float) -> Optimum:
        if total not in seen:
            seen[total] = best_within(x, mean, bounds, bounds.at(total), Worth())
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
