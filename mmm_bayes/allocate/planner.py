"""The budget question answered: the best plan, its certificate and what is uncertain about it, as one `Plan`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mmm_bayes.allocate.decision import move_probabilities
from mmm_bayes.allocate.limits import Bounds, digits, resolve
from mmm_bayes.allocate.objective import goal_of
from mmm_bayes.allocate.plan import ChannelPlan, Gain, Plan
from mmm_bayes.allocate.risk import best_for_risk, objective_of
from mmm_bayes.allocate.scenarios import best_plan
from mmm_bayes.allocate.solver import Solution
from mmm_bayes.allocate.uncertainty import (
    FEW_DRAWS,
    MANY_ARMS,
    best_per_draw,
    expected_regret,
    value_of_information,
)
from mmm_bayes.config import Allocate, Limits
from mmm_bayes.curves import ResponseCurves, channel_of
from mmm_bayes.errors import AllocationError
from mmm_bayes.findings import Finding
from mmm_bayes.intervals import Interval
from mmm_bayes.transforms import Array


@dataclass(frozen=True)
class Answer:
    """Spends and what was found out about them, rounded nowhere but in ``spend``.

    Attributes:
        spend: currency, shape ``(arm,)``, rounded to the digits of the limits.
        value, bound: the objective there, and what no plan within the limits can exceed.
        own: each draw's own best plan, shape ``(draw, arm)``.
        regret, regret_now: expected loss against knowing the truth, of the plan and of today's spend.
        information: expected gain from a lift test of each arm, shape ``(arm,)``.

    All but ``spend`` are None where they are not known: a plan of somebody else's has no certificate.
    """

    spend: Array
    value: float | None = None
    bound: float | None = None
    own: Array | None = None
    regret: float | None = None
    regret_now: float | None = None
    information: Array | None = None


def allocate(curves: ResponseCurves, settings: Allocate, ci_prob: float = 0.9, certify: bool = True) -> Plan:
    """Return the best plan within the limits, with its certificate and all that is uncertain about it.

    Args:
        curves: the response of each channel over the planning window, draw by draw.
        settings: the budget question.
        ci_prob: probability of the intervals.
        certify: whether to add the certificate, the regret, each draw's own plan and what tests are worth, which take
            most of the time; the plan is the same.

    Returns:
        The plan, its channels in the order of the curves. The same input gives the same plan whatever that order.

    Raises:
        AllocationError: when limits contradict each other or the curves cannot carry a plan; the message names
            the limits and the smallest change that helps.
    """
    ordered = by_name(curves)
    settings, bounds = settled(ordered, settings)
    best = best_plan(ordered.spend, ordered.mean, bounds, settings)
    if settings.objective != "mean":
        best = best_for_risk(ordered, bounds, settings, best, certify)
    found = _answer(ordered, bounds, settings, best) if certify else Answer(best.spend, best.value)
    return make_plan(ordered, bounds, settings, ci_prob, found, curves.channels)


def settled(curves: ResponseCurves, settings: Allocate) -> tuple[Allocate, Bounds]:
    """Return the question with what it leaves open decided by the curves, and its limits in numbers.

    Channels that follow demand keep their spend, as far as the limits of the others allow it.
    """
    settings = settings.model_copy(update={"objective": objective_of(curves, settings)})
    held = [arm for arm in curves.channels if settings.hold and channel_of(arm) in curves.held]
    held = [arm for arm in held if not {arm, channel_of(arm)} & settings.limits.keys()]
    if not held:
        return settings, resolve(curves, settings)
    fixed = settings.model_copy(update={"limits": {**settings.limits, **dict.fromkeys(held, Limits(fixed=True))}})
    channels = list(dict.fromkeys(map(channel_of, held)))
    try:
        return fixed, _noted(resolve(curves, fixed), Finding("plan.held", {"channels": channels}))
    except AllocationError:
        return settings, _noted(resolve(curves, settings), Finding("plan.not_held", {"channels": channels}))


def _noted(bounds: Bounds, note: Finding) -> Bounds:
    return replace(bounds, notes=(*bounds.notes, note))


def by_name(curves: ResponseCurves) -> ResponseCurves:
    """Return the curves with their channels in the order of their names."""
    order = np.argsort(np.array(curves.channels))
    return curves if np.array_equal(order, np.arange(len(order))) else curves.pick(order.tolist())


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


def make_plan(
    curves: ResponseCurves, bounds: Bounds, settings: Allocate, ci_prob: float, found: Answer, names: Sequence[str] = ()
) -> Plan:
    """Return the plan that an answer comes to.

    Args:
        curves: the response of each channel, draw by draw.
        bounds: the limits, or just today's spend and the digits where there are none.
        settings: the budget question.
        ci_prob: probability of the intervals.
        found: the spends, and what is known about them.
        names: the order that the channels are to have in the plan; that of the curves if none is given.
    """
    now, then = contributions = curves.at(bounds.today), curves.at(found.spend)
    figures = _figures(then)
    spent, today = float(found.spend.sum()), float(bounds.today.sum())
    rows = list(_rows(curves, bounds, ci_prob, found, contributions))
    before = _total(now, [row.contribution_now.mean for row in rows], ci_prob, figures)
    after = _total(then, [row.contribution_plan.mean for row in rows], ci_prob, figures)
    kpi, more = then.sum(axis=1) - now.sum(axis=1), after.mean - before.mean
    margin, cost = settings.margin, spent - today
    profit_gain = Gain.of_draws(margin * kpi - cost, margin * more - cost, ci_prob, figures)
    in_profit = settings.scenario == "profit"
    unseen = _share(float(_beyond(curves, found.spend).sum()), spent)
    return Plan(
        scenario=settings.scenario,
        objective=settings.objective or "mean",
        level=settings.level,
        model=curves.model,
        weeks=curves.weeks,
        ci_prob=ci_prob,
        channels=tuple(sorted(rows, key=lambda row: names.index(row.channel)) if names else rows),
        budget=bounds.budget,
        spend_now=round(today, bounds.decimals),
        spend_plan=round(spent, bounds.decimals),
        unspent=max(0.0, round((bounds.budget or 0.0) - spent, bounds.decimals)),
        contribution_now=before,
        contribution_plan=after,
        gain=profit_gain if in_profit else Gain.of_draws(kpi, more, ci_prob, figures),
        gain_in="profit" if in_profit else "kpi",
        profit_gain=profit_gain,
        objective_value=after.mean if found.value is None else found.value,
        upper_bound=found.bound,
        certified_gap=_gap(found),
        method="given" if found.value is None else "exact" if settings.objective == "mean" else "local",
        regret=None if found.regret is None else round(found.regret, figures),
        regret_now=None if found.regret_now is None else round(found.regret_now, figures),
        extrapolation=unseen,
        extrapolation_limit=settings.extrapolation,
        spread_draws=0 if found.own is None else len(found.own),
        notes=(*bounds.notes, *_notes(curves, found, unseen, settings, bounds.today)),
        planned=curves.planned,
    )


def _rows(
    curves: ResponseCurves, bounds: Bounds, ci_prob: float, found: Answer, contributions: tuple[Array, Array]
) -> Iterator[ChannelPlan]:
    """Yield one row per arm, in the order of the curves; ``contributions`` today and with the plan ``(draw, arm)``."""
    now, then = contributions
    figures, beyond = _figures(then), _beyond(curves, found.spend)
    before, after = (Interval.of_each(draws, ci_prob, figures) for draws in (now, then))
    mroi = Interval.of_each(curves.marginal(found.spend), ci_prob)
    right = move_probabilities(curves, bounds.today, found.spend, 10.0**-bounds.decimals)
    own = None if found.own is None else Interval.of_each(found.own, ci_prob, bounds.decimals)
    for c, (name, spend) in enumerate(zip(curves.channels, found.spend, strict=True)):
        yield ChannelPlan(
            channel=name,
            spend_now=float(bounds.today[c]),
            spend_plan=float(spend),
            lower=float(bounds.lower[c]),
            upper=float(bounds.upper[c]),
            contribution_now=before[c],
            contribution_plan=after[c],
            mroi=mroi[c],
            interior=bool(max(bounds.lower[c], bounds.useful[c]) < spend < bounds.upper[c]),
            observed=float(curves.observed[c]),
            extrapolation=_share(beyond[c], spend),
            probability=right[c],
            best_spend=None if own is None else own[c],
            value_of_information=None if found.information is None else round(float(found.information[c]), figures),
        )


def _figures(contribution: Array) -> int:
    """Return the digits that contributions ``(draw, arm)`` are rounded to."""
    return digits(float(np.abs(contribution.mean(axis=0)).sum()))


def _total(values: Array, means: list[float], ci_prob: float, decimals: int) -> Interval[float]:
    """Return the interval of a sum over channels whose mean is the sum of the rounded means."""
    return replace(Interval.of_one(values.sum(axis=1), ci_prob, decimals), mean=round(sum(means), decimals))


def _gap(found: Answer) -> float | None:
    """Return how much better than the plan any other could be, as a share of its value; None where no bound is had."""
    if found.value is None or found.bound is None:
        return None
    distance = max(found.bound - found.value, 0.0)
    if distance <= 1e-12 * abs(found.bound):
        return 0.0
    return distance / abs(found.value) if found.value else None


def _beyond(curves: ResponseCurves, spend: Array) -> Array:
    """Return how much of each arm's spend was never observed, shape ``(arm,)``, currency."""
    return np.maximum(spend - np.maximum(curves.observed, 0.0), 0.0)


def _share(part: float, whole: float) -> float:
    return round(float(part / whole), 6) if whole > 0 else 0.0


def _notes(curves: ResponseCurves, found: Answer, share: float, settings: Allocate, today: Array) -> Iterator[Finding]:
    """Yield what a reader of the plan must know beyond what its limits led to."""
    if curves.planned:
        yield Finding("plan.planned_weeks", {"planned": float(today.sum())})
    if share > settings.extrapolation:
        beyond = _beyond(curves, found.spend)
        order = [int(c) for c in np.argsort(-beyond, kind="stable")[:3] if beyond[c] > 0]
        yield Finding("plan.beyond_observed", {"share": share, "channels": [curves.channels[c] for c in order]})
    if found.value is not None and settings.objective != "mean" and not np.array_equal(found.spend, today):
        yield Finding("plan.local_optimum")
    if found.own is not None and len(curves.channels) > MANY_ARMS:
        yield Finding("plan.many_arms", {"arms": MANY_ARMS, "draws": FEW_DRAWS})
