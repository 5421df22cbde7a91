"""The budget question answered: exact plan of the mean, certificate, spread, regret and what to test next."""

from dataclasses import replace

import numpy as np

from mmm_bayes.allocate.assess import Answer, make_plan
from mmm_bayes.allocate.information import value_of_information
from mmm_bayes.allocate.limits import Bounds, resolve
from mmm_bayes.allocate.objective import goal_of
from mmm_bayes.allocate.plan import Plan
from mmm_bayes.allocate.risk import best_for_risk
from mmm_bayes.allocate.scenarios import best_plan
from mmm_bayes.allocate.solver import Solution
from mmm_bayes.allocate.uncertainty import MANY_ARMS, best_per_draw, expected_regret
from mmm_bayes.config import Allocate
from mmm_bayes.curves import ResponseCurves


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
    ordered = by_name(curves)
    bounds = resolve(ordered, settings)
    best = best_plan(ordered.spend, ordered.mean, bounds, settings)
    if settings.objective != "mean":
        best = best_for_risk(ordered, bounds, settings, best)
    return make_plan(ordered, bounds, settings, ci_prob, _answer(ordered, bounds, settings, best), curves.channels)


def by_name(curves: ResponseCurves) -> ResponseCurves:
    """Return the curves with their channels in the order of their names."""
    order = np.argsort(np.array(curves.channels))
    return replace(
        curves,
        channels=tuple(curves.channels[i] for i in order),
        spend=curves.spend[order],
        response=curves.response[:, order],
        today=curves.today[order],
        observed=curves.observed[order],
    )


def _answer(curves: ResponseCurves, bounds: Bounds, settings: Allocate, best: Solution) -> Answer:
    """Add to the best plan its spread over the draws, the expected regret and the value of information.

    Each draw by itself is asked the same question; where a return is the target, what to do with the plan's total.
    """
    goal = goal_of(settings)
    asked = bounds.at(float(best.spend.sum())) if settings.scenario == "target_roi" else bounds
    draws = best_per_draw(curves, asked, goal)
    today = goal.of(curves, bounds.today) if bounds.allows(bounds.today) else None
    few = len(curves.channels) <= MANY_ARMS
    return Answer(
        spend=best.spend,
        value=best.value,
        bound=best.bound,
        own=draws.spend,
        regret=expected_regret(draws, goal.of(curves, best.spend)),
        regret_now=None if today is None else expected_regret(draws, today),
        information=value_of_information(curves, asked, goal, settings.test_error) if few else None,
    )
