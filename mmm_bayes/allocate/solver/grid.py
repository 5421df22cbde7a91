"""The best plan on a grid of spends, for many sets of curves at once (draws, or what a test might show)."""

import math
from dataclasses import dataclass, replace

import numpy as np

from mmm_bayes.allocate.solver.maxplus import Profile, profile_of, trace
from mmm_bayes.allocate.solver.problem import Feasible, Problem
from mmm_bayes.allocate.solver.tree import Node
from mmm_bayes.transforms import Array

CHUNK = 64
"""Problems solved side by side: their profiles stay in the processor's cache."""


@dataclass(frozen=True)
class Grid:
    """The spends that each arm may take, ``step`` apart, within limits on sums that the grid can meet."""

    spends: tuple[Array, ...]
    allowed: tuple[np.ndarray, ...]
    tree: Node
    step: float


def make_grid(allowed: Feasible, steps: int | None = None) -> Grid:
    """Cut the free range of a budget into about ``steps`` (multiples of the limits' own step, where there is one).

    Args:
        allowed: the plans to choose from.
        steps: number of steps between the least and the most that can be spent; None for the limits' own step.
    """
    least = float(allowed.lower.sum())
    free = min(allowed.tree.upper, float(allowed.upper.sum())) - least
    step = free / steps if steps and free > 0 else allowed.step or 1.0
    if allowed.step:
        step = allowed.step * math.ceil(step / allowed.step - 1e-9)
    spends, usable = [], []
    for low, high, useful in zip(allowed.lower, allowed.upper, allowed.useful, strict=True):
        count = math.ceil(min(high - low, max(free, 0.0)) / step - 1e-6)  # no arm can take more than is free
        spend = np.minimum(low + step * np.arange(count + 1), high)
        spends.append(spend)
        usable.append((spend <= low) | (spend >= useful - 1e-6 * step))
    return Grid(tuple(spends), tuple(usable), _outward(allowed.tree, allowed.lower, step), step)


def _outward(node: Node, lower: Array, step: float) -> Node:
    """Move limits on sums outwards to the grid."""
    base = float(lower[list(node.members)].sum())
    low = base + math.floor((node.lower - base) / step + 1e-6) * step
    high = base + math.ceil((node.upper - base) / step - 1e-6) * step
    return replace(node, lower=low, upper=high, groups=tuple(_outward(g, lower, step) for g in node.groups))


def best_on_grid(problem: Problem, grid: Grid) -> tuple[Array, Array]:
    """Return the exact best plans on a grid for many problems: spends ``(problem, arm)`` and values ``(problem,)``."""
    parts = [_best(replace(problem, y=problem.y[i : i + CHUNK]), grid) for i in range(0, len(problem.y), CHUNK)]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _best(problem: Problem, grid: Grid) -> tuple[Array, Array]:
    def leaves(node: Node) -> list[Profile]:
        return [Profile(_values(problem, grid, c), float(grid.spends[c][0]), key=c) for c in node.arms]

    profile = profile_of(grid.tree, leaves, grid.step, lambda _: 0.0)
    top = profile.values.argmax(axis=1)
    steps = trace(profile, top)
    spend = np.stack([grid.spends[c][steps[c]] for c in range(len(grid.spends))], axis=1)
    return spend, profile.values[np.arange(len(problem.y)), top]


def _values(problem: Problem, grid: Grid, arm: int) -> Array:
    """Objective of one arm at its grid points, shape ``(problem, point)``."""
    spend = grid.spends[arm]
    found = interpolate(spend, problem.x[arm], problem.y[:, arm]) - problem.price * spend
    found[:, ~grid.allowed[arm]] = -np.inf
    return found


def interpolate(spend: Array, x: Array, values: Array) -> Array:
    """Return ``values (problem, point)`` at each ``spend (k,)`` by linear interpolation, held beyond the ends."""
    right = np.clip(np.searchsorted(x, spend), 1, len(x) - 1)
    width = x[right] - x[right - 1]
    share = np.clip(np.divide(spend - x[right - 1], width, out=np.zeros_like(spend), where=width > 0), 0.0, 1.0)
    return values[:, right - 1] * (1 - share) + values[:, right] * share
