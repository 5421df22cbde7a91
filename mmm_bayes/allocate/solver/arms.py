"""`Arm`: the objective of one channel over the spends it may have, piecewise linear, of any shape."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmm_bayes.transforms import Array

STRAIGHT = 1e-9
"""Slopes that differ by less than this share of the steepest one count as equal: interpolation leaves such noise."""


@dataclass(frozen=True)
class Arm:
    """The objective of one channel at each spend that its limits allow.

    Attributes:
        x: breakpoints from the lowest to the highest spend allowed, ascending, shape ``(point,)``.
        y: the objective there, shape ``(point,)``; linear in between.
        hole: nothing strictly between ``x[0]`` and ``x[1]`` is allowed ("0, or at least so much").
    """

    x: Array
    y: Array
    hole: bool = False

    @property
    def width(self) -> float:
        """Distance between the lowest and the highest spend."""
        return float(self.x[-1] - self.x[0])

    @property
    def slopes(self) -> Array:
        """What the next unit of spend adds on each piece, shape ``(point - 1,)``."""
        return np.diff(self.y) / np.diff(self.x)

    def at(self, spend: float) -> float:
        """Return the objective at ``spend``."""
        return float(np.interp(spend, self.x, self.y))

    def allows(self, spend: float) -> bool:
        """Whether the limits admit ``spend``."""
        inside = self.x[0] <= spend <= self.x[-1]
        return bool(inside and not (self.hole and self.x[0] < spend < self.x[1]))


def restrict(grid: Array, values: Array, lower: float, upper: float, useful: float = 0.0) -> Arm:
    """Cut a curve to ``[lower, upper]``, or to ``{0} and [useful, upper]`` where ``lower < useful``."""
    hole = lower < useful
    start = useful if hole else lower
    inside = grid[(grid > start) & (grid < upper)]
    ends = [start, *inside, upper] if upper > start else [start]
    x = np.array([lower, *ends] if hole else ends)
    return Arm(x, np.interp(x, grid, values), hole)


def cut(arm: Arm, lower: float, upper: float) -> Arm:
    """Leave off what an arm would spend below ``lower`` or above ``upper``; one spend remains in any case."""
    low, high = max(lower, float(arm.x[0])), min(upper, float(arm.x[-1]))
    if (low, high) == (arm.x[0], arm.x[-1]):
        return arm
    if arm.hole and high < arm.x[1]:
        return Arm(arm.x[:1], arm.y[:1])
    if arm.hole and low <= arm.x[0]:
        return restrict(arm.x, arm.y, low, high, float(arm.x[1]))
    return restrict(arm.x, arm.y, min(max(low, float(arm.x[1])) if arm.hole else low, high), high)


def hull(arm: Arm) -> Arm:
    """Return the least concave curve above an arm, its hole bridged."""
    kept = np.arange(len(arm.x))
    while len(kept) > 2:
        x, y = arm.x[kept], arm.y[kept]
        left, right = np.diff(y)[:-1] / np.diff(x)[:-1], np.diff(y)[1:] / np.diff(x)[1:]
        below = left <= right
        if not below.any():
            break
        kept = kept[np.concatenate([[True], ~below, [True]])]
    return Arm(arm.x[kept], arm.y[kept])


def is_concave(arm: Arm) -> bool:
    """Whether an arm has no hole and returns that only diminish."""
    if arm.hole or len(arm.x) < 3:
        return not arm.hole
    slopes = arm.slopes
    return bool(np.all(np.diff(slopes) <= STRAIGHT * np.abs(slopes).max()))


def concave_part(arm: Arm, spend: float, price: float) -> Arm:
    """Return the longest concave part of an arm that holds ``spend``.

    Where two parts meet at ``spend``, the upper one is taken if its next unit adds more than ``price``.
    """
    start = 1 if arm.hole else 0
    if len(arm.x) == 1 or (arm.hole and spend <= (arm.x[0] + arm.x[1]) / 2):
        return Arm(arm.x[:1], arm.y[:1])
    x, y = arm.x[start:], arm.y[start:]
    if len(x) < 3:
        return Arm(x, y)
    slopes = np.diff(y) / np.diff(x)
    turns = np.flatnonzero(np.diff(slopes) > STRAIGHT * np.abs(slopes).max()) + 1
    bounds = np.concatenate([[0], turns, [len(x) - 1]])
    piece = int(np.clip(np.searchsorted(x[bounds], spend, side="right") - 1, 0, len(bounds) - 2))
    if spend <= x[bounds[piece]] and piece > 0 and slopes[bounds[piece]] <= price:
        piece -= 1
    part = slice(bounds[piece], bounds[piece + 1] + 1)
    return Arm(x[part], y[part])


def cells(arm: Arm, price: float, step: float, frugal: bool = False) -> tuple[Array, Array]:
    """Return the best ``y - price * x`` in each cell ``[x0 + k step, x0 + (k + 1) step]``, and where it is.

    Both have shape ``(cell,)``; a cell that holds no allowed spend has ``-inf``, and so has, when ``frugal``, one
    that is nowhere better than the end of the cell before.
    """
    count = max(1, int(np.ceil(arm.width / step - STRAIGHT)))
    edges = np.minimum(arm.x[0] + step * np.arange(count + 1), arm.x[-1])
    reduced = np.interp(edges, arm.x, arm.y) - price * edges
    if arm.hole:
        reduced[(edges > arm.x[0]) & (edges < arm.x[1])] = -np.inf
    upper = reduced[1:] > reduced[:-1]
    best = np.where(upper, reduced[1:], reduced[:-1])
    where = np.where(upper, edges[1:], edges[:-1])
    home = np.clip(((arm.x - arm.x[0]) / step).astype(int), 0, count - 1)
    own = arm.y - price * arm.x
    order = np.argsort(own, kind="stable")
    better = own[order] > best[home[order]]
    np.maximum.at(best, home, own)
    where[home[order][better]] = arm.x[order][better]
    if frugal:
        value = np.interp(edges, arm.x, arm.y)
        top = np.maximum(value[1:], value[:-1])
        np.maximum.at(top, home, arm.y)
        best[1:][top[1:] <= value[1:-1]] = -np.inf
    return best, where


def values_at(arms: Sequence[Arm], spend: Array) -> Array:
    """Return the objective of each arm at a plan, shape ``(arm,)``."""
    return np.array([arm.at(s) for arm, s in zip(arms, spend, strict=True)])


def value_of(arms: Sequence[Arm], spend: Array) -> float:
    """Return the objective of a plan."""
    return float(sum(arm.at(s) for arm, s in zip(arms, spend, strict=True)))
