"""Plans for people who mind the bad draws: a low quantile, the mean of the worst draws, the chance to beat today.

These objectives are not sums over channels. The search starts from plans that are exact for the mean (and, for
CVaR, for reweighted draws) and moves money between channels while that helps: the result is a local optimum.
CVaR has a rigorous bound: it is the least weighted mean over all weightings that give no draw more than
``1 / (level * draws)``, so the exact optimum for any such weighting is one (Rockafellar and Uryasev 2000).
"""

import math
from dataclasses import dataclass

import numpy as np

from mmm_bayes.allocate.limits import Bounds
from mmm_bayes.allocate.objective import Goal, Measure, goal_of, measure, worst_weights
from mmm_bayes.allocate.scenarios import best_within
from mmm_bayes.allocate.solver import Solution
from mmm_bayes.allocate.uncertainty import MANY_ARMS, best_per_draw
from mmm_bayes.config import Allocate
from mmm_bayes.curves import ResponseCurves
from mmm_bayes.errors import AllocationError
from mmm_bayes.transforms import Array

ROUNDS = 20
"""Reweightings of the draws tried for CVaR."""

SHARES = tuple(0.1 / 2**k for k in range(12))
"""Sizes of the moves tried, as shares of the total, large to small."""

WORTH = 3e-3
"""Gain, as a share of what today's budget brings, below which it is not worth moving money: models err by as much."""

MOVES = 400
"""Moves at most."""


def require_few_arms(settings: Allocate, arms: int) -> None:
    """Refuse a risk objective of more arms than it can be searched for.

    Raises:
        AllocationError: naming both.
    """
    if settings.objective not in (None, "mean") and arms > MANY_ARMS:
        raise AllocationError(
            f"allocate.objective '{settings.objective}' is for plans of at most {MANY_ARMS} arms, and these are "
            f"{arms}; set objective to 'mean', or allocate.by_geo to false."
        )


def objective_of(curves: ResponseCurves, settings: Allocate) -> str:
    """Return the objective: as asked, else a low quantile of the gain, the mean where that cannot be had.

    Where the curves are known badly the best quantile is that of staying as one is; the best mean moves on a guess.
    """
    if settings.objective is not None:
        return settings.objective
    draws, arms, _ = curves.response.shape
    return "quantile" if draws > 1 and arms <= MANY_ARMS and settings.scenario != "target_roi" else "mean"


def best_for_risk(
    curves: ResponseCurves, bounds: Bounds, settings: Allocate, start: Solution, certify: bool = True
) -> Solution:
    """Improve the exact mean plan for a risk objective.

    Args:
        curves: the response of each channel, draw by draw.
        bounds: the limits.
        settings: the budget question.
        start: the exact plan of the mean.
        certify: whether to look for a bound, which takes most of the time; infinite otherwise.

    Returns:
        A plan no worse than ``start`` (and than today's, where allowed) in the objective, but for gains below `WORTH`;
        the objective's value and what no plan within the limits can exceed.

    Raises:
        AllocationError: for more arms than risk objectives cover.
    """
    require_few_arms(settings, len(curves.channels))
    goal, judge = goal_of(settings), measure(settings)
    today = goal.of(curves, bounds.today)

    def score(spend: Array) -> float:
        return float(judge(goal.of(curves, spend) - today))

    plans = [start.spend] + ([bounds.today] if bounds.allows(bounds.today) else [])
    reweighted, bound = _reweighted(curves, bounds, settings, start, today)
    if certify:
        ceiling = best_per_draw(curves, bounds, goal).bound - today
        bound = min(bound, float(judge(ceiling)))
    best = max([*plans, *reweighted], key=score)
    transfers = Transfers(curves, bounds, goal)
    for share in SHARES:
        for _ in range(MOVES):
            moved = transfers.best_move(best, share * float(bounds.tree.upper), today, judge)
            if moved is None or score(moved) <= score(best) + 1e-9 * abs(score(best)):
                break
            best = moved
    best = max([bounds.rounded(best, np.asarray), *plans], key=score)
    least = max(WORTH * float(today.mean()), 0.0)
    if settings.objective != "probability" and bounds.allows(bounds.today) and score(best) <= least:
        best = bounds.today
    return Solution(best, score(best), bound)


def _reweighted(
    curves: ResponseCurves, bounds: Bounds, settings: Allocate, start: Solution, today: Array
) -> tuple[list[Array], float]:
    """Return exact plans for draws weighted towards the worst of the plans before, and a bound on the objective.

    The exact optimum for any weighting bounds CVaR, but nothing else.
    """
    goal, draws, bound = goal_of(settings), len(today), math.inf
    if settings.objective == "probability":
        return [], bound
    worst, weights = worst_weights(draws, settings.level), np.full(draws, 1.0 / draws)
    plans, spend = [], start.spend
    for k in range(ROUNDS):
        order = np.argsort(goal.of(curves, spend) - today, kind="stable")
        weights[order] = (k * weights[order] + 2 * worst) / (k + 2)
        expected = np.einsum("d,dcp->cp", weights, curves.response)
        found = best_within(curves.spend, expected, bounds, goal)
        spend = found.spend
        plans.append(spend)
        if settings.objective == "cvar":
            bound = min(bound, found.bound - float(weights @ today))
    return plans, bound


@dataclass(frozen=True)
class Transfers:
    """What moving money between any two channels does to the gains; unspent money counts as one more channel."""

    curves: ResponseCurves
    bounds: Bounds
    goal: Goal

    def best_move(self, spend: Array, amount: float, today: Array, judge: Measure) -> Array | None:
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
