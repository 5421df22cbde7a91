"""`Interval`: mean, median and central credible interval of a quantity, of numbers or of whole arrays."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def points(ci_prob: float) -> tuple[float, float, float]:
    """Return the probabilities of the median and of both ends of a central interval: 0.5, 0.05 and 0.95 for 0.9."""
    return 0.5, (1 - ci_prob) / 2, (1 + ci_prob) / 2


@dataclass(frozen=True)
class Interval[T: (float, Array)]:
    """Mean, median and the ends of the central credible interval of a quantity over its draws."""

    mean: T
    median: T
    low: T
    high: T

    @classmethod
    def of(cls, draws: Array, ci_prob: float) -> "Interval[Array]":
        """Return the interval of each entry of draws ``(draw, ...)``, arrays of shape ``(...)``; NaN where one is."""
        _, low, high = points(ci_prob)
        ends = np.quantile(draws, [low, high], axis=0)
        return Interval(draws.mean(axis=0), np.median(draws, axis=0), *ends)

    @classmethod
    def of_one(cls, draws: Array, ci_prob: float, decimals: int | None = None) -> "Interval[float]":
        """Return the interval of one quantity's draws ``(draw,)``, rounded where ``decimals`` says so."""
        found = Interval.of(draws, ci_prob)
        numbers = (float(value) for value in (found.mean, found.median, found.low, found.high))
        return Interval(*(n if decimals is None else round(n, decimals) + 0.0 for n in numbers))

    @classmethod
    def of_each(cls, draws: Array, ci_prob: float, decimals: int | None = None) -> "list[Interval[float]]":
        """Return the interval of each of several quantities' draws ``(draw, quantity)``, rounded like `of_one`'s."""
        found = Interval.of(np.asfortranarray(draws), ci_prob)
        rows = np.stack([found.mean, found.median, found.low, found.high], axis=1).tolist()
        return [Interval(*(n if decimals is None else round(n, decimals) + 0.0 for n in row)) for row in rows]

    def times(self, factor: Any) -> "Interval[Any]":
        """Return the interval of the quantity times a positive number (or an array that broadcasts)."""
        return Interval(self.mean * factor, self.median * factor, self.low * factor, self.high * factor)

    def columns(self, name: str) -> dict[str, T]:
        """Return the columns of a table: ``roi_mean``, ``roi_median``, ``roi_low`` and ``roi_high`` for ``roi``."""
        return {f"{name}_{part}": getattr(self, part) for part in ("mean", "median", "low", "high")}
