"""From limits as people write them to numbers that can be met, or one sentence that says why they cannot.

Everything is rounded to cents here (finer where the sums are small), so that plans can agree to the cent.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mmm_bayes.allocate.conflicts import between, group_conflict, money, too_small
from mmm_bayes.allocate.groups import spans
from mmm_bayes.allocate.solver import Conflict, Feasible, build_tree
from mmm_bayes.config import Allocate, Limits
from mmm_bayes.curves import ResponseCurves
from mmm_bayes.errors import AllocationError
from mmm_bayes.findings import Finding
from mmm_bayes.transforms import Array


@dataclass(frozen=True)
class Bounds(Feasible):
    """Limits that can be met, and what they were made of.

    Attributes:
        today: spend of the window if nothing changes, shape ``(arm,)``.
        budget: what was asked to be spent; None where the total is free.
        notes: what a reader must know.
    """

    today: Array
    budget: float | None = None
    notes: tuple[Finding, ...] = ()


def resolve(curves: ResponseCurves, settings: Allocate) -> Bounds:
    """Turn a configuration and today's spend into limits that can be met.

    Raises:
        AllocationError: naming the limits in conflict and the smallest change that resolves them.
    """
    check_curves(curves)
    decimals = digits(max(float(curves.today.sum()), settings.budget or 0.0))
    today = np.round(curves.today, decimals)
    step = None if settings.step is None else round(settings.step, decimals)
    if step == 0:
        raise AllocationError(f"allocate.step: {settings.step:g} is too small for these budgets; leave it out.")
    own = [settings.limits.get(name, Limits()) for name in curves.channels]
    lower, upper, useful = (v.round(decimals) for v in _arm_ranges(curves.channels, today, settings))
    fixed = np.array([limits.fixed for limits in own])
    lower, upper, useful = _snap(curves.channels, lower, upper, useful, fixed, step)
    _check_ends(curves, upper, 10.0**-decimals)
    tree = build_tree(len(today), spans(curves.channels, today, settings), 0.0, math.inf)
    asked = Bounds(lower, upper, useful, tree, [], step, decimals, today, None, _idle(curves, own))
    bounds = asked.narrowed()
    if isinstance(bounds, Conflict):
        raise AllocationError(group_conflict(bounds, curves.channels, asked))
    return _with_budget(curves.channels, bounds, settings)


def _arm_ranges(names: Sequence[str], today: Array, settings: Allocate) -> tuple[Array, Array, Array]:
    """Return lower and upper limits and smallest useful spends, each of shape ``(arm,)``."""
    ranges = [
        _arm_range(name, float(now), settings.limits.get(name, Limits()), settings.relative)
        for name, now in zip(names, today, strict=True)
    ]
    lower, upper, useful = (np.array(v) for v in zip(*ranges, strict=True))
    return lower, upper, useful


def _with_budget(names: Sequence[str], bounds: Bounds, settings: Allocate) -> Bounds:
    """Set the budget: what is spent in all, or, where the total is free, what it may be at most."""
    fixed = settings.scenario == "fixed"
    if settings.budget is None and not fixed:
        return bounds
    budget = float(bounds.today.sum()) if settings.budget is None else settings.budget
    budget = round(budget, bounds.decimals) if fixed else budget
    below, above = bounds.near(budget)
    if below is None:
        raise AllocationError(too_small(budget, above or 0.0, names, bounds))
    if not fixed:
        return replace(bounds, tree=replace(bounds.tree, upper=below), budget=budget)
    left = round(budget - below, bounds.decimals)
    if left == 0:
        notes = []
    elif above is None:
        notes = [Finding("plan.unspent_at_limits", {"left": left, "most": below})]
    elif left < bounds.unit * 10.0**-bounds.decimals:
        notes = [Finding("plan.unspent_below_step", {"left": left})]
    else:
        raise AllocationError(between(budget, below, above))
    return replace(bounds.at(budget), budget=budget, notes=(*bounds.notes, *notes))


def check_curves(curves: ResponseCurves) -> None:
    """Refuse curves that cannot carry a plan.

    Raises:
        AllocationError: naming the channel.
    """
    mean = curves.mean
    for c, name in enumerate(curves.channels):
        grid, today = curves.spend[c], curves.today[c]
        if not (np.isfinite(grid).all() and np.isfinite(mean[c]).all() and np.isfinite(today)):
            raise AllocationError(f"{name}: its response curve or today's spend holds NaN or infinite values.")
        if today < 0 or grid[0] != 0 or (grid[-1] > 0 and not np.all(np.diff(grid) > 0)):
            raise AllocationError(
                f"{name}: the spend of its response curve must ascend from 0, today's not be negative."
            )
        if np.any(np.diff(mean[c]) < -1e-6 * np.abs(mean[c]).max()):
            raise AllocationError(f"{name}: its mean response falls as spend rises; an allocation needs rising curves.")
        if today > grid[-1] * (1 + 1e-9):
            raise AllocationError(
                f"{name}: today's spend {money(today)} lies beyond the end of its response curve ({money(grid[-1])})."
            )


def digits(total: float) -> int:
    """Return the digits to keep behind the point: cents, finer where the total has fewer than seven digits in cents."""
    return 2 if total <= 0 else min(12, max(2, 6 - math.floor(math.log10(total))))


def _arm_range(name: str, today: float, limits: Limits, default: tuple[float, float]) -> tuple[float, float, float]:
    """Return the lower and the upper limit and the smallest useful spend of one arm."""
    if limits.fixed:
        return today, today, 0.0
    ratio = limits.relative or default
    lower = ratio[0] * today if limits.lower is None else limits.lower
    upper = ratio[1] * today if limits.upper is None else limits.upper
    if limits.minimum_useful is not None and limits.lower is None and limits.relative is None:
        lower = 0.0  # "nothing, or at least so much": the default lower limit must not forbid nothing
    least = max(lower, limits.minimum_useful or 0.0)
    if least > upper:
        what = "lower limit" if lower > upper else "smallest useful spend"
        source = "" if limits.upper is not None else f" ({ratio[1]:g} times today's {money(today)})"
        raise AllocationError(
            f"allocate.limits.{name}: the {what} {money(least)} is above the upper limit {money(upper)}{source}; "
            f"raise 'upper' to {money(least)}, or lower the {what} to {money(upper)}."
        )
    useful = limits.minimum_useful or 0.0
    return (least, upper, 0.0) if lower > 0 else (0.0, upper, useful)


def _snap(
    names: Sequence[str], lower: Array, upper: Array, useful: Array, fixed: np.ndarray, step: float | None
) -> tuple[Array, Array, Array]:
    """Move limits inwards to multiples of the step."""
    if step is None:
        return lower, upper, useful
    low = np.where(fixed, lower, np.ceil(lower / step - 1e-9) * step)
    high = np.where(fixed, upper, np.floor(upper / step + 1e-9) * step)
    least = np.ceil(useful / step - 1e-9) * step
    for name, a, b, x, y, z in zip(names, low, high, lower, upper, least, strict=True):
        if max(a, z) > b:
            raise AllocationError(
                f"{name}: no multiple of allocate.step {money(step)} lies between its limits {money(x)} and "
                f"{money(y)}; raise its upper limit to {money(max(a, z))}, or fix the channel."
            )
    return low, high, least


def _check_ends(curves: ResponseCurves, upper: Array, digit: float) -> None:
    for name, high, end in zip(curves.channels, upper, curves.spend[:, -1], strict=True):
        if high > end * (1 + 1e-6) + digit:
            raise AllocationError(
                f"{name}: its upper limit {money(high)} lies beyond the end of its response curve; "
                f"lower the limit to {money(end)}, or build the curves up to the limit."
            )


def _idle(curves: ResponseCurves, own: Sequence[Limits]) -> tuple[Finding, ...]:
    """Say which channels are left at zero only because they have no spend today."""
    return tuple(
        Finding("plan.no_spend_today", {"channel": name})
        for name, now, limits in zip(curves.channels, curves.today, own, strict=True)
        if now == 0 and limits.upper is None and not limits.fixed
    )
