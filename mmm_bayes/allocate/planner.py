"""The budget question answered: exact plan of the mean, certificate, spread, regret and what to test next."""

from dataclasses import replace

import numpy as np

from mmm_bayes.allocate.assess import describe, with_spread
from mmm_bayes.allocate.information import value_of_information
from mmm_bayes.allocate.limits import Bounds, digits, resolve
from mmm_bayes.allocate.plan import Plan
from mmm_bayes.allocate.risk import best_for_risk
from mmm_bayes.allocate.scenarios import Optimum, best_plan, objective
from mmm_bayes.allocate.solver.tree import Node
from mmm_bayes.allocate.uncertainty import FEW_DRAWS, MANY_ARMS, best_per_draw, expected_regret, value_of
from mmm_bayes.config import Allocate
from mmm_bayes.curves import ResponseCurves

EXACT = "exact, certified"
LOCAL = "local optimum, started from the exact mean plan"


def allocate(curves: ResponseCurves, settings: Allocate, ci_prob: float = 0.9) -> Plan:
    """Return the best plan within the limits, with its certificate and all that is uncertain about it.

    Args:
        curves: the response of each channel over the planning window, draw by draw.
        settings: the budget question.
        ci_prob: probability of the intervals.

    Returns:
        The plan, its channels in the order of the curves. The same input gives the same plan whatever that order.

    Raises:
        AllocationError: when limits contradict each other or the curves cannot carry a plan; the message names
            the limits and the smallest change that helps.
    """
    order = np.argsort(np.array(curves.channels))
    ordered = reorder(curves, order)
    bounds = resolve(ordered, settings)
    best = best_plan(ordered.spend, ordered.mean, bounds, settings)
    if settings.objective != "mean":
        best = best_for_risk(ordered, bounds, settings, best)
    plan = describe(ordered, bounds, best.spend, settings, ci_prob)
    plan = _with_uncertainty(_certified(plan, best), ordered, bounds, settings, best)
    back = np.argsort(order)
    return replace(plan, channels=tuple(plan.channels[i] for i in back))


def reorder(curves: ResponseCurves, order: np.ndarray) -> ResponseCurves:
    """Return the curves with their channels in another order."""
    if np.array_equal(order, np.arange(len(order))):
        return curves
    return replace(
        curves,
        channels=tuple(curves.channels[i] for i in order),
        spend=curves.spend[order],
        response=curves.response[:, order],
        today=curves.today[order],
        observed=curves.observed[order],
    )


def _certified(plan: Plan, best: Optimum) -> Plan:
    """Add what the plan is worth and how far from the best it can be."""
    distance = max(best.bound - best.value, 0.0)
    negligible = distance <= 1e-12 * abs(best.bound)
    gap = 0.0 if negligible else distance / abs(best.value) if best.value else None
    mean = plan.objective == "mean"
    notes = plan.notes if mean else (*plan.notes, f"The plan is a {LOCAL}.")
    return replace(
        plan,
        objective_value=best.value,
        upper_bound=best.bound,
        certified_gap=gap,
        method=EXACT if mean else LOCAL,
        notes=notes,
    )


def _with_uncertainty(plan: Plan, curves: ResponseCurves, bounds: Bounds, settings: Allocate, best: Optimum) -> Plan:
    """Add the spread of the best plan over the draws, the expected regret and the value of information."""
    goal = objective(settings)
    tree = _same_question(bounds, settings, best)
    draws = best_per_draw(curves, bounds, tree, goal)
    plan = with_spread(plan, draws, bounds.decimals)
    figures = digits(abs(plan.contribution_plan.mean))
    today = value_of(curves, bounds.today, goal) if bounds.allows(bounds.today) else None
    plan = replace(
        plan,
        regret=round(expected_regret(draws, value_of(curves, best.spend, goal)), figures),
        regret_now=None if today is None else round(expected_regret(draws, today), figures),
    )
    if len(curves.channels) > MANY_ARMS:
        return replace(plan, notes=(*plan.notes, _MANY))
    worth = value_of_information(curves, bounds, tree, goal, settings.test_error)
    rows = [
        replace(row, value_of_information=round(float(v), figures)) for row, v in zip(plan.channels, worth, strict=True)
    ]
    return replace(plan, channels=tuple(rows))


_MANY = (
    f"With more than {MANY_ARMS} arms the spread of the best plan is taken from {FEW_DRAWS} draws, "
    "and the value of information is left to plans by channel."
)


def _same_question(bounds: Bounds, settings: Allocate, best: Optimum) -> Node:
    """Return the limits under which each draw by itself is asked: a target return keeps the plan's total."""
    return bounds.at(float(best.spend.sum())) if settings.scenario == "target_roi" else bounds.tree
