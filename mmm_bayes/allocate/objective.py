"""What a plan is to maximise: a sum over channels, and what a risk objective makes of its gains over the draws."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mmm_bayes.allocate.solver import Feasible, Problem
from mmm_bayes.config import Allocate
from mmm_bayes.curves import ResponseCurves
from mmm_bayes.transforms import Array

Measure = Callable[[Array], Array]
"""From gains ``(draw, ...)`` to what is maximised ``(...)``."""


@dataclass(frozen=True)
class Goal:
    """The objective of a plan: ``factor * KPI value - cost * spend``, additive over channels."""

    factor: float = 1.0
    cost: float = 0.0

    def of(self, curves: ResponseCurves, spend: Array) -> Array:
        """Return the objective of a plan in each draw, shape ``(draw,)``."""
        return self.factor * curves.at(spend).sum(axis=1) - self.cost * float(spend.sum())

    def problem(self, x: Array, response: Array, allowed: Feasible) -> Problem:
        """Return what the solver is asked: curves ``(..., arm, point)`` and the plans to choose from."""
        y = response if self.factor == 1 else self.factor * response
        return Problem(x, y, allowed, self.cost)


def goal_of(settings: Allocate) -> Goal:
    """Return what the scenario maximises.

    A target marginal return is reached where the KPI value less ``target`` times the spend is greatest: every
    channel inside its limits then returns just the target on its last unit of spend.
    """
    if settings.scenario == "profit":
        return Goal(settings.margin, 1.0)
    if settings.scenario == "target_mroi":
        return Goal(1.0, target_of(settings))
    return Goal()


def target_of(settings: Allocate) -> float:
    """Return the target of a scenario that has one."""
    assert settings.target is not None, "a configuration has the target that its scenario needs"
    return settings.target


def measure(settings: Allocate) -> Measure:
    """Return what a risk objective makes of the gains of a plan over today."""
    if settings.objective == "quantile":
        return lambda gains: np.quantile(gains, settings.level, axis=0)
    if settings.objective == "cvar":
        return lambda gains: _worst_mean(gains, settings.level)
    if settings.objective == "probability":
        return lambda gains: (gains > 0).mean(axis=0) + 0.5 * (gains == 0).mean(axis=0)
    return lambda gains: gains.mean(axis=0)


def _worst_mean(gains: Array, level: float) -> Array:
    """Return the mean of the worst ``level`` of the draws (the last one in part)."""
    weights = worst_weights(len(gains), level)
    count = int(np.count_nonzero(weights))
    lowest = np.sort(np.partition(gains, min(count, len(gains) - 1), axis=0)[:count], axis=0)
    return np.tensordot(weights[:count], lowest, axes=1)


def worst_weights(draws: int, level: float) -> Array:
    """Return the weight of each draw in the mean of the worst ``level``, the worst first; they add up to 1."""
    mass = level * draws
    return np.clip(mass - np.arange(draws), 0.0, 1.0) / mass
