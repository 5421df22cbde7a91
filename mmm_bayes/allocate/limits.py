"""From limits as people write them to numbers that can be met, or one sentence that says why they cannot.

Everything is rounded to cents here (finer where the sums are small), so that plans can agree to the cent.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mmm_bayes.allocate.budget import fix_budget, money, tighten, too_small
from mmm_bayes.allocate.groups import spans
from mmm_bayes.allocate.solver.totals import Reach, clip, neighbours
from mmm_bayes.allocate.solver.tree import Node, build_tree, within
from mmm_bayes.config import Allocate, Limits
from mmm_bayes.curves import ResponseCurves
from mmm_bayes.errors import AllocationError
from mmm_bayes.findings import Finding
from mmm_bayes.transforms import Array


@dataclass(frozen=True)
class Bounds:
    """Limits that can be met, in currency rounded to ``decimals``.

    Attributes:
        today: spend of the window if nothing changes, shape ``(arm,)``.
        lower, upper: shape ``(arm,)``.
        useful: smallest spend but zero, shape ``(arm,)``; 0 where any spend will do.
        tree: limits on sums, the budget at the root; every limit is one that some plan reaches.
        reach: totals that some plan within the limits has, the budget aside, in units of the last digit.
        step: every spend is a multiple of this (fixed arms apart); None for any spend.
        decimals: digits behind the point.
        budget: what was asked to be spent; None where the total is free.
        notes: what a reader must know.
    """

    today: Array
    lower: Array
    upper: Array
    useful: Array
    tree: Node
    reach: Reach
    step: float | None
    decimals: int
    budget: float | None
    notes: tuple[Finding, ...] = ()

    def at(self, total: float) -> Node:
        """Return the limits with the budget set to the highest total up to ``total`` that can be reached."""
        scale = 10.0**self.decimals
        below, above = neighbours(self.reach, round(total * scale), self.unit)
        spent = (below if below is not None else above or 0) / scale
        return replace(self.tree, lower=spent, upper=spent)

    def allows(self, spend: Array) -> bool:
        """Whether a plan (rounded like the limits) keeps every limit."""
        slack = 0.1 * 10.0**-self.decimals
        ranged = (spend >= self.lower - slack) & (spend <= self.upper + slack)
        whole = (spend <= self.lower + slack) | (spend >= self.useful - slack)
        units = spend / self.step if self.step else np.zeros(1)
        fixed = self.lower == self.upper if self.step else np.ones(1, dtype=bool)
        stepped = fixed | (np.abs(units - np.rint(units)) < 1e-6)
        return bool(ranged.all() and whole.all() and stepped.all() and within(self.tree, spend, slack))

    @property
    def unit(self) -> int:
        """The step, in units of the last digit."""
        return 1 if self.step is None else round(self.step * 10.0**self.decimals)


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
    bounds = Bounds(today, lower, upper, useful, tree, [], step, decimals, None, _idle(curves, own))
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
    """Narrow the limits on sums to what can be reached, and set the budget."""
    scale = 10.0**bounds.decimals
    step = bounds.unit
    low, high, least = (np.rint(v * scale).astype(int).tolist() for v in (bounds.lower, bounds.upper, bounds.useful))
    arms = [[(a, a), (x, b)] if a < x else [(a, b)] for a, b, x in zip(low, high, least, strict=True)]
    tree, reach = tighten(bounds.tree, names, arms, step, scale)
    budget, notes = settings.budget, list(bounds.notes)
    if settings.scenario == "fixed":
        budget = round(float(bounds.today.sum()) if budget is None else budget, bounds.decimals)
        tree, more = fix_budget(tree, names, reach, bounds.lower, budget, step, scale)
        notes += more
    elif budget is not None:
        kept = clip(reach, 0, round(budget * scale), step)
        if not kept:
            raise AllocationError(too_small(tree, names, bounds.lower, budget, reach[0][0] / scale))
        tree = replace(tree, upper=kept[-1][1] / scale)
    return replace(bounds, tree=tree, reach=reach, budget=budget, notes=tuple(notes))


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
