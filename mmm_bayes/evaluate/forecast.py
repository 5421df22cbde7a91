"""The holdout and what is forecast on it: all its weeks at once, from the weeks before it."""

from dataclasses import dataclass

import numpy as np

from mmm_bayes.config import Compare, Model
from mmm_bayes.errors import DataError
from mmm_bayes.findings import Finding
from mmm_bayes.intervals import Interval
from mmm_bayes.panel import MIN_WEEKS, Panel
from mmm_bayes.transforms import Array

YEAR = 52
LEAST_HOLDOUT = 2
ENOUGH_MISSES = 8
"""Misses from which an interval of the naive forecast is read."""


@dataclass(frozen=True)
class Forecast:
    """A forecast of the holdout, KPI units.

    Attributes:
        mean: shape ``(geo, week)``.
        low: lower end of the interval, shape ``(geo, week)``.
        high: its upper end.
        draws: shape ``(draw, geo, week)``, where the forecast is a distribution.
    """

    mean: Array
    low: Array
    high: Array
    draws: Array | None = None

    @classmethod
    def from_draws(cls, draws: Array, ci_prob: float, mean: Array | None = None) -> "Forecast":
        """Return the forecast whose interval is the central one of ``draws (draw, geo, week)``."""
        found = Interval.of(draws, ci_prob)
        return cls(found.mean if mean is None else mean, found.low, found.high, draws)

    def total(self, ci_prob: float) -> "Forecast":
        """Return the forecast of the sum over geos, shape ``(1, week)``; without draws its interval is too wide."""
        mean = self.mean.sum(axis=0, keepdims=True)
        if self.draws is not None:
            return Forecast.from_draws(self.draws.sum(axis=1, keepdims=True), ci_prob, mean)
        return Forecast(mean, self.low.sum(axis=0, keepdims=True), self.high.sum(axis=0, keepdims=True))


@dataclass(frozen=True)
class Split:
    """A chronological split: the first weeks to train on, the last ``holdout`` weeks to judge by."""

    train: Panel
    holdout: int
    notes: tuple[Finding, ...] = ()


def split_holdout(panel: Panel, settings: Compare) -> Split:
    """Keep the last weeks aside, fewer than asked where 20 weeks would not remain to train on.

    Raises:
        DataError: the panel has fewer than 22 weeks, or the training weeks of a channel or a geo hold nothing.
    """
    weeks = len(panel.weeks)
    holdout = min(settings.holdout, weeks - MIN_WEEKS)
    if holdout < LEAST_HOLDOUT:
        raise DataError(
            f"the panel has {weeks} weeks; a comparison needs {MIN_WEEKS + LEAST_HOLDOUT}, "
            f"{MIN_WEEKS} to train on and {LEAST_HOLDOUT} to judge by."
        )
    train = panel.head(weeks - holdout)
    media, kpi = train.data["media"].sum(["geo", "week"]), train.data["kpi"]
    for channel in train.data["channel"].values[(media == 0).values]:
        raise DataError(f"channel '{channel}' has no media before {panel.weeks[-holdout]:%Y-%m-%d}; {_SHORTER}")
    for geo in train.data["geo"].values[((kpi.std("week") == 0) | (kpi.mean("week") <= 0)).values]:
        raise DataError(f"the KPI of {geo} is constant or not positive before the holdout; {_SHORTER}")
    notes: tuple[Finding, ...] = ()
    if holdout < settings.holdout:
        values = {"weeks": holdout, "asked": settings.holdout, "least": MIN_WEEKS}
        notes = (Finding("comparison.short_holdout", values),)
    return Split(train, holdout, notes)


_SHORTER = "lower 'compare.holdout'."


def other_forecasts(panel: Panel, split: Split, model: Model, seed: int, ci_prob: float) -> dict[str, Forecast]:
    """Forecast the holdout with LightGBM and with last year's values."""
    from mmm_bayes.lightgbm import fit_lightgbm

    baseline = fit_lightgbm(split.train, model, bootstrap=0, seed=seed)
    ahead = slice(-split.holdout, None)
    draws, mean = baseline.forecast(panel)[..., ahead], baseline.predict(panel)[:, ahead]
    return {
        "lightgbm": Forecast.from_draws(draws, ci_prob, mean),
        "seasonal_naive": seasonal_naive(split, ci_prob),
    }


def seasonal_naive(split: Split, ci_prob: float) -> Forecast:
    """Forecast each week by the same week of last year, or by the last value where there is none.

    The interval is made of what the same rule missed by in the training weeks; a value half a holdout old
    stands in for last year's where they are less than a year and two months.
    """
    kpi = split.train.data["kpi"].transpose("geo", "week").to_numpy()
    weeks = kpi.shape[1]
    ahead = np.arange(weeks, weeks + split.holdout)
    source = ahead - YEAR * np.ceil((ahead - weeks + 1) / YEAR).astype(int)
    mean = kpi[:, np.where(source >= 0, source, weeks - 1)]
    lag = YEAR if weeks >= YEAR + ENOUGH_MISSES else (split.holdout + 1) // 2
    misses = (kpi[:, lag:] - kpi[:, :-lag]).T
    return Forecast.from_draws(mean + misses[:, :, None], ci_prob, mean)
