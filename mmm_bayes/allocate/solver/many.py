"""The best plans for many sets of curves at once: draws of a posterior, or what a test might show."""

import numpy as np

from mmm_bayes.allocate.solver.concave import Pieces, fill_pieces
from mmm_bayes.allocate.solver.grid import best_on_grid, interpolate, make_grid
from mmm_bayes.allocate.solver.problem import Feasible, Problem
from mmm_bayes.transforms import Array


def solve_on_grid(problem: Problem, steps: int) -> tuple[Array, Array]:
    """Return the best plans on a grid of spends, exact there.

    Args:
        problem: curves ``(problem, arm, point)``.
        steps: parts that the free range of the budget is cut into.

    Returns:
        Spends, shape ``(problem, arm)``, and their values, shape ``(problem,)``.
    """
    return best_on_grid(problem, make_grid(problem.allowed, steps))


def solve_many(problem: Problem, steps: int | None) -> tuple[Array, Array, Array]:
    """Return good plans, the best where returns diminish, and a bound for each set of curves.

    Concave covers give the best plan where all curves of a set have diminishing returns; elsewhere a fine grid does
    better. Covers alone pass over smallest useful spends and steps.

    Args:
        problem: curves ``(problem, arm, point)``.
        steps: parts of the grid; None for covers alone.

    Returns:
        Spends, shape ``(problem, arm)``, their values and what no plan that is allowed can exceed, ``(problem,)``.
    """
    spend, bound = _covered(problem)
    value = _values(problem, spend)
    if steps is None:
        return spend, value, bound
    stepped, reached = solve_on_grid(problem, steps)
    kept = np.array([problem.allowed.step is None and not _in_hole(problem.allowed, s) for s in spend])
    better = kept & (value >= reached)
    return np.where(better[:, None], spend, stepped), np.where(better, value, reached), bound


def _in_hole(allowed: Feasible, spend: Array) -> bool:
    return bool(np.any((spend > allowed.lower) & (spend < allowed.useful)))


def _values(problem: Problem, spend: Array) -> Array:
    """Return the objective of each problem's own plan ``(problem, arm)``, shape ``(problem,)``."""
    value = -problem.price * spend.sum(axis=1)
    rows = np.arange(len(spend))
    for c, grid in enumerate(problem.x):
        right = np.clip(np.searchsorted(grid, spend[:, c]), 1, len(grid) - 1)
        width = grid[right] - grid[right - 1]
        share = np.divide(spend[:, c] - grid[right - 1], width, out=np.zeros(len(spend)), where=width > 0)
        at = problem.y[:, c]
        value += (1 - share) * at[rows, right - 1] + share * at[rows, right]
    return value


def _covered(problem: Problem) -> tuple[Array, Array]:
    """Return each problem's best plan ``(problem, arm)`` on the concave covers of its curves, and its value there."""
    allowed, count = problem.allowed, len(problem.y)
    x = np.clip(problem.x, allowed.lower[:, None], allowed.upper[:, None])
    at = [interpolate(x[c], problem.x[c], problem.y[:, c]) for c in range(len(x))]
    y = np.stack(at, axis=1) - problem.price * x
    spend, value = np.tile(allowed.lower, (count, 1)), y[:, :, 0].sum(axis=1)
    for d in range(count):
        owner, point = np.nonzero(_on_cover(x, y[d]))
        start, width, rise = x[owner, point], np.diff(x[owner, point]), np.diff(y[d, owner, point])
        real = (owner[1:] == owner[:-1]) & (width > 0)
        owner, start, width, slope = owner[1:][real], start[:-1][real], width[real], rise[real] / width[real]
        if (filled := fill_pieces(Pieces(0.0, owner, width, slope), allowed.lower, allowed.tree)) is not None:
            spend[d] = filled
            value[d] += float((slope * np.clip(filled[owner] - start, 0.0, width)).sum())
    return spend, value


def _on_cover(x: Array, y: Array) -> np.ndarray:
    """Return which points lie on the concave cover of each curve, shape ``(arm, point)``."""
    kept = np.ones(x.shape, dtype=bool)
    index = np.arange(x.shape[1])
    rows = np.arange(len(x))
    while len(rows):
        still, row = kept[rows], rows[:, None]
        before = np.maximum.accumulate(np.where(still, index, 0), axis=1)[:, :-2]
        after = np.minimum.accumulate(np.where(still, index, len(index) - 1)[:, ::-1], axis=1)[:, ::-1][:, 2:]
        here, up = x[rows, 1:-1], y[rows, 1:-1]
        left = (up - y[row, before]) * (x[row, after] - here)
        right = (y[row, after] - up) * (here - x[row, before])
        drop = (left <= right) & still[:, 1:-1]
        kept[rows, 1:-1] &= ~drop
        rows = rows[drop.any(axis=1)]
    return kept
