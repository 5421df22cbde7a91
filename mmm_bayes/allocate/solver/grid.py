"""The best plan on a grid of spends, for many sets of curves at once (draws, or what a test might show)."""

import math
from dataclasses import dataclass, replace

import numpy as np

from mmm_bayes.allocate.limits import Bounds
from mmm_bayes.allocate.solver.table import Table, tabulate, trace
from mmm_bayes.allocate.solver.tree import Node
from mmm_bayes.transforms import Array

CHUNK = 64
"""Problems solved side by side: their tables stay in the processor's cache."""


@dataclass(frozen=True)
class Grid:
    """The spends that each arm may take, ``step`` apart, within limits on sums that the grid can meet."""

    spends: tuple[Array, ...]
    allowed: tuple[np.ndarray, ...]
    tree: Node
    step: float


def make_grid(bounds: Bounds, tree: Node, steps: int | None = None) -> Grid:
    """Cut the free range of a budget into about ``steps`` (multiples of the limits' own step, where there is one).

    Args:
        bounds: the limits.
        tree: those on sums, with the budget at the root.
        steps: number of steps between the least and the most that can be spent; None for the limits' own step.
    """
    least = float(bounds.lower.sum())
    free = min(tree.upper, float(bounds.upper.sum())) - least
    step = free / steps if steps and free > 0 else bounds.step or 1.0
    if bounds.step:
        step = bounds.step * math.ceil(step / bounds.step - 1e-9)
    spends, allowed = [], []
    for low, high, useful in zip(bounds.lower, bounds.upper, bounds.useful, strict=True):
        count = math.ceil((high - low) / step - 1e-6)
        spend = np.minimum(low + step * np.arange(count + 1), high)
        spends.append(spend)
        allowed.append((spend <= low) | (spend >= useful - 1e-6 * step))
    return Grid(tuple(spends), tuple(allowed), _outward(tree, bounds.lower, step), step)


def _outward(node: Node, lower: Array, step: float) -> Node:
    """Move limits on sums outwards to the grid."""
    base = float(lower[list(node.members)].sum())
    low = base + math.floor((node.lower - base) / step + 1e-6) * step
    high = base + math.ceil((node.upper - base) / step - 1e-6) * step
    return replace(node, lower=low, upper=high, groups=tuple(_outward(g, lower, step) for g in node.groups))


def solve_grid(grid: Grid, x: Array, values: Array, cost: float) -> tuple[Array, Array]:
    """Return the exact best plan on the grid for each problem.

    Args:
        grid: the spends to choose from.
        x: breakpoints of the curves, shape ``(arm, point)``.
        values: what they are worth, shape ``(problem, arm, point)``.
        cost: what a unit of spend costs in the units of ``values``.

    Returns:
        Spends, shape ``(problem, arm)``, and what they are worth net of cost, shape ``(problem,)``.
    """
    parts = [_solve(grid, x, values[i : i + CHUNK], cost) for i in range(0, len(values), CHUNK)]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _solve(grid: Grid, x: Array, values: Array, cost: float) -> tuple[Array, Array]:
    def leaves(node: Node) -> list[Table]:
        return [Table(_worth(grid, c, x[c], values[:, c], cost), float(grid.spends[c][0]), key=c) for c in node.arms]

    table = tabulate(grid.tree, leaves, grid.step, lambda _: 0.0)
    top = table.values.argmax(axis=1)
    steps = trace(table, top)
    spend = np.stack([grid.spends[c][steps[c]] for c in range(len(grid.spends))], axis=1)
    return spend, table.values[np.arange(len(values)), top]


def _worth(grid: Grid, arm: int, x: Array, values: Array, cost: float) -> Array:
    """Objective of one arm at its grid points, shape ``(problem, point)``."""
    spend = grid.spends[arm]
    found = interpolate(spend, x, values) - cost * spend
    found[:, ~grid.allowed[arm]] = -np.inf
    return found


def interpolate(spend: Array, x: Array, values: Array) -> Array:
    """Return ``values (problem, point)`` at each ``spend (k,)`` by linear interpolation, held beyond the ends."""
    right = np.clip(np.searchsorted(x, spend), 1, len(x) - 1)
    width = x[right] - x[right - 1]
    share = np.clip(np.divide(spend - x[right - 1], width, out=np.zeros_like(spend), where=width > 0), 0.0, 1.0)
    return values[:, right - 1] * (1 - share) + values[:, right] * share
