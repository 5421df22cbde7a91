"""What the solver is asked and what it answers: curves, the plans that are allowed, a plan and its certificate."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from mmm_bayes.allocate.solver.totals import Conflict, Totals, narrow, neighbours
from mmm_bayes.allocate.solver.tree import Node, round_spend, within
from mmm_bayes.transforms import Array


@dataclass(frozen=True)
class Feasible:
    """The plans that are allowed, in currency rounded to ``decimals``.

    Attributes:
        lower, upper: limits on each arm, shape ``(arm,)``.
        useful: smallest spend but ``lower``, shape ``(arm,)``; 0 where any spend will do.
        tree: limits on sums, the budget at the root; once `narrowed`, every limit is one that some plan reaches.
        totals: what some plan within the limits spends in all, the budget aside, in units of the last digit.
        step: every spend is a multiple of this (arms that cannot move apart); None for any spend.
        decimals: digits behind the point.
    """

    lower: Array
    upper: Array
    useful: Array
    tree: Node
    totals: Totals
    step: float | None
    decimals: int

    @property
    def unit(self) -> int:
        """The step, in units of the last digit."""
        return 1 if self.step is None else round(self.step * 10.0**self.decimals)

    def near(self, total: float) -> tuple[float | None, float | None]:
        """Return the nearest totals at or below and at or above ``total`` that some plan has, the budget aside."""
        scale = 10.0**self.decimals
        below, above = neighbours(self.totals, round(total * scale), self.unit)
        return None if below is None else below / scale, None if above is None else above / scale

    def at(self, total: float) -> Self:
        """Return the plans that spend ``total``, or the highest total below it that can be reached."""
        below, above = self.near(total)
        spent = below if below is not None else above or 0.0
        return replace(self, tree=replace(self.tree, lower=spent, upper=spent))

    def allows(self, spend: Array) -> bool:
        """Whether a plan (rounded like the limits) keeps every limit."""
        slack = 0.1 * 10.0**-self.decimals
        ranged = (spend >= self.lower - slack) & (spend <= self.upper + slack)
        whole = (spend <= self.lower + slack) | (spend >= self.useful - slack)
        units = spend / self.step if self.step else np.zeros(1)
        fixed = self.lower == self.upper if self.step else np.ones(1, dtype=bool)
        stepped = fixed | (np.abs(units - np.rint(units)) < 1e-6)
        return bool(ranged.all() and whole.all() and stepped.all() and within(self.tree, spend, slack))

    def rounded(self, spend: Array, values: Callable[[Array], Array]) -> Array:
        """Return a plan rounded to the step, or to the last digit, with all limits kept; see `round_spend`."""
        step = self.unit * 10.0**-self.decimals
        return round_spend(self.tree, spend, self.lower, step, values).round(self.decimals)

    def narrowed(self) -> Self | Conflict:
        """Return the same plans with limits on sums narrowed to what can be reached, or the first that cannot be met.

        All is counted in whole units of the last digit, where sums are exact.
        """
        scale = 10.0**self.decimals
        low, high, least = (np.rint(v * scale).astype(int).tolist() for v in (self.lower, self.upper, self.useful))
        arms = [[(a, a), (x, b)] if a < x else [(a, b)] for a, b, x in zip(low, high, least, strict=True)]
        found = narrow(self.tree, arms, self.unit, scale)
        return found if isinstance(found, Conflict) else replace(self, tree=found[0], totals=found[1])


@dataclass(frozen=True)
class Problem:
    """Maximise the sum of one curve per arm, less the price of what is spent, over the plans that are allowed.

    Attributes:
        x: breakpoints of the curves, ascending, shape ``(arm, point)``.
        y: value there, linear in between, shape ``(arm, point)``; ``(problem, arm, point)`` for many problems at once.
        allowed: the plans to choose from.
        price: of a unit of spend.
    """

    x: Array
    y: Array
    allowed: Feasible
    price: float = 0.0


@dataclass(frozen=True)
class Solution:
    """A plan ``(arm,)``, its objective, and a value that no plan that is allowed can exceed."""

    spend: Array
    value: float
    bound: float
