"""The holdout and what is forecast on it: all its weeks at once, from the weeks before it."""

from dataclasses import dataclass, replace

import numpy as np

from mmm_bayes.config import Compare, Model
from mmm_bayes.errors import DataError
from mmm_bayes.findings import Finding
from mmm_bayes.intervals import Interval
from mmm_bayes.panel import MIN_WEEKS, Panel
from mmm_bayes.posterior.experiments import within
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

    def of(self, weeks: Array) -> "Forecast":
        """Return the forecast of some of its weeks."""
        draws = None if self.draws is None else self.draws[..., weeks]
        return Forecast(self.mean[:, weeks], self.low[:, weeks], self.high[:, weeks], draws)

    def total(self, ci_prob: float) -> "Forecast":
        """Return the forecast of the sum over geos, shape ``(1, week)``; without draws its interval is too wide."""
        mean = self.mean.sum(axis=0, keepdims=True)
        if self.draws is not None:
            return Forecast.from_draws(self.draws.sum(axis=1, keepdims=True), ci_prob, mean)
        return Forecast(mean, self.low.sum(axis=0, keepdims=True), self.high.sum(axis=0, keepdims=True))


@dataclass(frozen=True)
class Split:
    """A chronological split: the first weeks to train on, the last ``holdout`` weeks to judge by.

    Attributes:
        panel: all weeks of the channels and geos that both parts have.
        holdout: weeks to judge by.
        notes: what is other than asked.
    """

    panel: Panel
    holdout: int
    notes: tuple[Finding, ...] = ()

    @property
    def train(self) -> Panel:
        """The weeks to train on."""
        return self.panel.head(len(self.panel.weeks) - self.holdout)

    @property
    def seen(self) -> Array:
        """Which weeks of the holdout have a KPI in every geo, shape ``(week,)``: no forecast is judged by others."""
        seen = self.panel.data["observed"].transpose("geo", "week").to_numpy()
        return seen[:, -self.holdout :].all(axis=0)

    def model(self, asked: Model) -> Model:
        """Return the settings without the lift tests of channels, geos and weeks that are left out."""
        weeks = self.panel.weeks.to_numpy()
        every_geo = not any(note.code == "comparison.new_geos" for note in self.notes)
        tests = [
            test
            for test in within(asked.lift_tests, weeks)
            if {*test.tested} <= {*self.panel.channels} and (every_geo if test.geos is None else self._has(test.geos))
        ]
        return asked.model_copy(update={"lift_tests": tuple(tests)})

    def _has(self, geos: tuple[str, ...]) -> bool:
        return set(geos) <= set(self.panel.geos)


def split_holdout(panel: Panel, settings: Compare) -> Split:
    """Keep the last weeks aside, fewer than asked where 20 weeks would not remain to train on.

    A channel or a geo that starts within the holdout cannot be learnt from the weeks before it and is left out.

    Raises:
        DataError: the panel has fewer than 22 weeks, or no paid channel or no geo has anything before the holdout.
    """
    weeks = len(panel.weeks)
    holdout = min(settings.holdout, weeks - MIN_WEEKS)
    if holdout < LEAST_HOLDOUT:
        raise DataError(
            f"the panel has {weeks} weeks; a comparison needs {MIN_WEEKS + LEAST_HOLDOUT}, "
            f"{MIN_WEEKS} to train on and {LEAST_HOLDOUT} to judge by."
        )
    notes = []
    if holdout < settings.holdout:
        values = {"weeks": holdout, "asked": settings.holdout, "least": MIN_WEEKS}
        notes.append(Finding("comparison.short_holdout", values))
    known, found = _known_before(panel, weeks - holdout)
    return Split(known, holdout, (*notes, *found))


def rolling_splits(panel: Panel, settings: Compare) -> list[Split]:
    """Return the splits of a rolling origin, the latest first: each ends where the holdout of the later one begins.

    Fewer than asked where an earlier one would have less than 20 weeks to train on.

    Raises:
        DataError: see `split_holdout`.
    """
    latest, weeks = split_holdout(panel, settings), len(panel.weeks)
    most = max((weeks - MIN_WEEKS) // latest.holdout, 1)
    splits = [latest]
    for fold in range(1, min(settings.folds, most)):
        splits.append(split_holdout(panel.head(weeks - fold * latest.holdout), settings))
    if len(splits) < settings.folds:
        values = {"folds": len(splits), "asked": settings.folds, "least": MIN_WEEKS}
        splits[0] = replace(latest, notes=(*latest.notes, Finding("comparison.fewer_folds", values)))
    return splits


def _known_before(panel: Panel, weeks: int) -> tuple[Panel, list[Finding]]:
    """Return the channels and geos that the first weeks can teach of, and which others there are."""
    train, start = panel.data.isel(week=slice(0, weeks)), panel.weeks[weeks]
    kpi = train["kpi"]
    live = train["geo"].values[((kpi.std("week") > 0) & (kpi.mean("week") > 0)).values]
    media = train["media"].sel(geo=live).sum(["geo", "week"])
    channels = train["channel"].values[(media > 0).values]
    if not len(live) or not train["paid"].sel(channel=channels).any():
        what = "no paid channel has media" if len(live) else "the KPI of every geo is constant or not positive"
        raise DataError(f"{what} before {start:%Y-%m-%d}, where the holdout begins; lower 'compare.holdout'.")
    new = [str(name) for name in panel.data["channel"].values if name not in channels]
    late = [str(name) for name in panel.data["geo"].values if name not in live]
    found = [Finding("comparison.new_channels", {"channels": new, "start": f"{start:%Y-%m-%d}"})] if new else []
    found += [Finding("comparison.new_geos", {"geos": late, "start": f"{start:%Y-%m-%d}"})] if late else []
    kept = {"channel": channels.tolist(), "geo": live.tolist()}
    return replace(panel, data=panel.data.sel(kept), planned=None) if found else panel, found


def other_forecasts(split: Split, model: Model, seed: int, ci_prob: float) -> dict[str, Forecast]:
    """Forecast the holdout with LightGBM and with last year's values."""
    from mmm_bayes.lightgbm import fit_lightgbm

    baseline = fit_lightgbm(split.train, model, bootstrap=0, seed=seed)
    ahead = slice(-split.holdout, None)
    draws, mean = baseline.forecast(split.panel)[..., ahead], baseline.predict(split.panel)[:, ahead]
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
