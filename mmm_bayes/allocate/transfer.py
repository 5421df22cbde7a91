"""Moves of money from one channel to another that keep every limit, all pairs judged at once."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mmm_bayes.allocate.limits import Bounds
from mmm_bayes.allocate.objective import Goal
from mmm_bayes.curves import ResponseCurves
from mmm_bayes.transforms import Array


@dataclass(frozen=True)
class Transfers:
    """What moving money between any two channels does to the gains; unspent money counts as one more channel."""

    curves: ResponseCurves
    bounds: Bounds
    goal: Goal

    def best_move(self, spend: Array, amount: float, today: Array, judge: Callable[[Array], Array]) -> Array | None:
        """Return the plan after the best single move of about ``amount``, or None where no move is allowed.

        Args:
            spend: the plan before, shape ``(arm,)``.
            amount: currency to move.
            today: objective of today's spend per draw, shape ``(draw,)``.
            judge: from gains ``(draw, move)`` to the objective ``(move,)``.
        """
        sizes = self._sizes(spend, amount)
        source, sink = np.nonzero(sizes > 0)
        if len(source) == 0:
            return None
        moved = sizes[source, sink]
        values = self._values(spend, np.arange(len(spend)), np.zeros(len(spend)))
        gains = (values.sum(axis=1) - today)[:, None]
        gains = gains + self._values(spend, source, -moved) - _padded(values)[:, source]
        gains += self._values(spend, sink, moved) - _padded(values)[:, sink]
        best = int(np.argmax(judge(gains)))
        plan = np.append(spend, 0.0)
        plan[source[best]] -= moved[best]
        plan[sink[best]] += moved[best]
        return plan[:-1]

    def _sizes(self, spend: Array, amount: float) -> Array:
        """Return how much to move from each channel (row) to each other (column); 0 where nothing may be."""
        bounds = self.bounds
        down, up = np.append(spend - bounds.lower, np.inf), np.append(bounds.upper - spend, np.inf)
        most = np.minimum(down[:, None], up[None, :])
        for node in bounds.tree.walk():
            inside = np.isin(np.arange(len(spend) + 1), node.members)
            total = float(spend[inside[:-1]].sum())
            most[np.ix_(inside, ~inside)] = np.minimum(most[np.ix_(inside, ~inside)], total - node.lower)
            most[np.ix_(~inside, inside)] = np.minimum(most[np.ix_(~inside, inside)], node.upper - total)
        np.fill_diagonal(most, 0.0)
        useful, now = np.append(bounds.useful, 0.0), np.append(spend, 0.0)
        size = np.minimum(amount, most)
        size = np.where(now[None, :] + size < useful[None, :], useful - now, size)
        left = now[:, None] - size
        size = np.where((left > 0) & (left < useful[:, None]), now[:, None], size)
        step = bounds.step or 10.0**-bounds.decimals
        size = np.floor(size / step + 1e-6) * step
        arrived = now[None, :] + size
        fits = (size <= most * (1 + 1e-12)) & ((arrived <= 0) | (arrived >= useful[None, :]))
        return np.where(fits, size, 0.0)

    def _values(self, spend: Array, arms: np.ndarray, change: Array) -> Array:
        """Return the objective of each of ``arms`` after its spend changes, shape ``(draw, len(arms))``."""
        found = np.zeros((len(self.curves.response), len(arms)))
        for c in range(len(spend)):
            mine = np.flatnonzero(arms == c)
            x = spend[c] + change[mine]
            found[:, mine] = self.goal.factor * self.curves.along(c, x) - self.goal.cost * x
        return found


def _padded(values: Array) -> Array:
    """Append what unspent money brings: nothing."""
    return np.concatenate([values, np.zeros((len(values), 1))], axis=1)
