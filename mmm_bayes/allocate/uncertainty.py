"""Where each posterior draw by itself would put the money, and what not knowing which one is true costs."""

from dataclasses import dataclass

import numpy as np

from mmm_bayes.allocate.limits import Bounds
from mmm_bayes.allocate.scenarios import Worth
from mmm_bayes.allocate.solver.concave import Pieces, fill_pieces
from mmm_bayes.allocate.solver.grid import interpolate, make_grid, solve_grid
from mmm_bayes.allocate.solver.tree import Node
from mmm_bayes.curves import ResponseCurves
from mmm_bayes.transforms import Array

STEPS = 800
"""Steps of the grid on which each draw's own best plan is found."""

MANY_ARMS = 60
"""Plans with more arms than this (plans by geo) take each draw's best plan from concave covers of its curves."""

FEW_DRAWS = 200
"""Draws that are then used, evenly spread over the posterior."""


@dataclass(frozen=True)
class DrawPlans:
    """The best plan of each draw.

    Attributes:
        draws: which draws, shape ``(used,)``.
        spend: their best plans, shape ``(used, arm)``.
        value: what each is worth in its own draw, shape ``(used,)``.
        bound: what no plan within the limits can exceed in that draw, shape ``(used,)``.
    """

    draws: np.ndarray
    spend: Array
    value: Array
    bound: Array


def value_of(curves: ResponseCurves, spend: Array, goal: Worth) -> Array:
    """Return what a plan is worth in each draw, shape ``(draw,)``."""
    return goal.factor * curves.at(spend).sum(axis=1) - goal.cost * float(spend.sum())


def best_per_draw(curves: ResponseCurves, bounds: Bounds, tree: Node, goal: Worth) -> DrawPlans:
    """Return the best plan of each draw.

    Concave covers give it exactly where a draw's curves have diminishing returns; elsewhere a fine grid does better.
    With many arms, where the covers are nearly exact, they alone are used, on fewer draws, and smallest useful
    spends and steps are passed over.
    """
    draws = len(curves.response)
    few = len(curves.channels) > MANY_ARMS
    chosen = np.unique(np.linspace(0, draws - 1, min(draws, FEW_DRAWS) if few else draws).astype(int))
    spend, bound = _covered(curves, chosen, bounds, tree, goal)
    value = _worth(curves, chosen, spend, goal)
    if few:
        return DrawPlans(chosen, spend, value, bound)
    grid = make_grid(bounds, tree, STEPS)
    stepped, worth = solve_grid(grid, curves.spend, goal.factor * curves.response, goal.cost)
    keeps = np.array([bounds.step is None and not _in_hole(bounds, s) for s in spend])
    better = keeps & (value >= worth)
    return DrawPlans(chosen, np.where(better[:, None], spend, stepped), np.where(better, value, worth), bound)


def _in_hole(bounds: Bounds, spend: Array) -> bool:
    return bool(np.any((spend > bounds.lower) & (spend < bounds.useful)))


def _worth(curves: ResponseCurves, draws: np.ndarray, spend: Array, goal: Worth) -> Array:
    """Return what each draw's plan ``(used, arm)`` is worth in that draw, shape ``(used,)``."""
    value = -goal.cost * spend.sum(axis=1)
    for c, grid in enumerate(curves.spend):
        right = np.clip(np.searchsorted(grid, spend[:, c]), 1, len(grid) - 1)
        width = grid[right] - grid[right - 1]
        share = np.divide(spend[:, c] - grid[right - 1], width, out=np.zeros(len(draws)), where=width > 0)
        at = curves.response[draws, c]
        rows = np.arange(len(draws))
        value += goal.factor * ((1 - share) * at[rows, right - 1] + share * at[rows, right])
    return value


def expected_regret(plans: DrawPlans, value: Array) -> float:
    """Return the expected loss of a plan, worth ``value (draw,)``, against each draw's own best plan."""
    own = value[plans.draws]
    return float(np.mean(np.maximum(plans.value - own, 0.0)))


def _covered(curves: ResponseCurves, draws: np.ndarray, bounds: Bounds, tree: Node, goal: Worth) -> tuple[Array, Array]:
    """Return each draw's best plan ``(used, arm)`` on the concave covers of its curves, and its value there."""
    x = np.clip(curves.spend, bounds.lower[:, None], bounds.upper[:, None])
    at = [interpolate(x[c], curves.spend[c], curves.response[draws, c]) for c in range(len(x))]
    y = goal.factor * np.stack(at, axis=1) - goal.cost * x
    spend, value = np.tile(bounds.lower, (len(draws), 1)), y[:, :, 0].sum(axis=1)
    for d in range(len(draws)):
        owner, point = np.nonzero(_cover(x, y[d]))
        start, width, rise = x[owner, point], np.diff(x[owner, point]), np.diff(y[d, owner, point])
        real = (owner[1:] == owner[:-1]) & (width > 0)
        owner, start, width, slope = owner[1:][real], start[:-1][real], width[real], rise[real] / width[real]
        if (filled := fill_pieces(Pieces(0.0, owner, width, slope), bounds.lower, tree)) is not None:
            spend[d] = filled
            value[d] += float((slope * np.clip(filled[owner] - start, 0.0, width)).sum())
    return spend, value


def _cover(x: Array, y: Array) -> np.ndarray:
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
