"""What the data alone cannot settle: channels that move together, and spend that follows demand."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats
from scipy.special import expit

from mmm_bayes.pool import NEVER
from mmm_bayes.posterior import Posterior
from mmm_bayes.posterior.attribution import DRAWS, mean_contributions
from mmm_bayes.posterior.parts import all_features
from mmm_bayes.posterior.predictions import one_week_ahead
from mmm_bayes.transforms import Array, yearly_waves

APART, STEP = -0.6, 0.95
"""Correlation of two channels' effects in the posterior below which, and of their media above which, they are a pair.

On simulated panels, geo and national, the effects of media in step correlate by -0.6 to -0.9, of those whose media
correlate by 0.6 to 0.7 by -0.1 to -0.6, of independent ones by -0.2 to 0.3.
"""

LAGS = 2
"""Weeks of past media and past surprises by which a week's media are foretold."""

AROUND = 13
"""Weeks on either side that say what is usual at a time."""

FORETOLD = 0.005
"""Probability below which a channel of several geos is said to follow demand; see `_foretold`."""

IN_STEP, IN_STEP_ALONE = 0.8, 0.7
"""Agreement above which a channel is said to follow demand, of several geos (see `_beside_baseline`) and of one series.

Of 105 clean panels by geo 10% have a channel that is named at 0.8, and 14 of the 19 channels that follow demand and
whose marginal ROI came out twice too high are; by the agreement with the KPI, media and all, above 0.5 it was 39%, and
15. Of a single series its draws bear the doubt below that, see `ODDS`: of 40 clean ones of 156 weeks and 5 channels 10%
have a channel that is named at 0.7, 33% at 0.5; of 40 with one that follows demand 50 and 83%.
"""

IN_SEASON = 0.25
"""Agreement without the trend up to which such a channel is said to grow with demand, and no more than that."""

PEAKS, NEAR = 0.7, 6
"""Weight of the agreement of peaks beside that of trend and season, and weeks on either side that they stand out of."""

ODDS = (-4.9, 6.4)
"""Log odds that media of a single series follow demand: without any agreement, and for each unit of it.

Fitted to whether the 2,800 channels of 400 simulated series did (seeds 0 to 399 of `simulate.worlds`), one in fifteen:
of those with an agreement of 0 to 0.2 1%, of 0.4 to 0.6 21%, above 0.8 72%. Panels of several geos have more to tell
by, and there this doubt cost plans more than it saved them: on 27 worlds by geo they kept 39% of what could be gained
in place of 57%.
"""

SURE = 0.9
"""Probability that a channel follows demand whose media are foretold by the KPI."""

HARMONICS = 3
"""Yearly sines and cosines, of each, that stand for the season in `agreement`."""


# --- channels that move together ----------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    """Two channels that the data cannot tell apart.

    Attributes:
        first, second: their names.
        effects: correlation of their effects in the posterior.
        media: correlation of their media over time within the geos.
    """

    first: str
    second: str
    effects: float
    media: float


def collinear(posterior: Posterior) -> list[Pair]:
    """Return the pairs of channels that the data cannot tell apart: what one is credited with, the other is not."""
    names = posterior.channels
    relative = _relative_media(posterior)
    effects = np.atleast_2d(np.corrcoef(posterior["log_effect"].T))
    media = np.atleast_2d(np.corrcoef((relative - relative.mean(axis=-1, keepdims=True)).reshape(len(names), -1)))
    return [
        Pair(names[i], names[j], float(effects[i, j]), float(media[i, j]))
        for i in range(len(names))
        for j in range(i + 1, len(names))
        if effects[i, j] < APART or media[i, j] > STEP
    ]


def _relative_media(posterior: Posterior) -> Array:
    """Return the media of the panel's weeks over their mean by geo, shape ``(channel, geo, week)``."""
    media = posterior.data["media"].to_numpy()[..., -posterior.data.sizes["week"] :]
    return media / np.maximum(media.mean(axis=-1, keepdims=True), 1e-12)


# --- spend that follows demand ------------------------------------------------------------------


@dataclass(frozen=True)
class Demand:
    """How far the media of a channel follow demand.

    Attributes:
        chance: of several geos, how likely its media would be so well foretold by the KPI if they did not follow
            demand, see `_foretold`; None for a single series.
        agreement: of its trend, season and peaks over all geos with those of demand: with the KPI of a single series,
            as it is known before a fit; of several geos see `_beside_baseline`.
        season: the same without the trend.
    """

    chance: float | None
    agreement: float
    season: float

    @property
    def foretold(self) -> bool:
        """Whether surprises in the KPI foretell the media."""
        return self.chance is not None and self.chance < FORETOLD

    @property
    def follows(self) -> bool:
        """Whether what the media did cannot be told from what demand did."""
        return self.foretold or self.agreement > (IN_STEP_ALONE if self.chance is None else IN_STEP)

    @property
    def probability(self) -> float:
        """How likely it is that the media follow demand, however little they show it; see `pool.NEVER`."""
        if self.chance is None:
            return float(by_calendar(np.array(self.agreement)))
        return SURE if self.foretold else NEVER

    @property
    def held(self) -> bool:
        """Whether plans leave the channel where it is: of one series where it rather follows demand than not."""
        return self.follows and (self.chance is not None or self.probability > 0.5)

    @property
    def grows(self) -> bool:
        """Whether the media are in step with demand by their trend alone."""
        return self.follows and not self.foretold and self.season <= IN_SEASON


def known_demand(posterior: Posterior) -> dict[str, Demand]:
    """Return what `follows_demand` found when the model was fitted; found anew for a posterior that does not say."""
    data = posterior.data
    if "in_season" not in data:
        return follows_demand(posterior)
    found = zip(*(data[name].to_numpy().tolist() for name in ("foretold", "in_step", "in_season")), strict=True)
    alone = data.sizes["geo"] == 1
    return {c: Demand(None if alone else p, *of) for c, (p, *of) in zip(posterior.channels, found, strict=True)}


def follows_demand(posterior: Posterior) -> dict[str, Demand]:
    """Return per channel whether its media follow demand: by trend and season, and of several geos by surprises too."""
    data = posterior.data
    alone = data.sizes["geo"] == 1
    known = in_step(data, data["y"].to_numpy()) if alone else _beside_baseline(posterior)
    found = zip(*(own.tolist() for own in known), strict=True)
    chances = {} if alone else _chances(posterior)
    return {c: Demand(chances.get(c), *of) for c, of in zip(posterior.channels, found, strict=True)}


def _beside_baseline(posterior: Posterior) -> tuple[Array, Array]:
    """Return how far media are in step with the baseline, and add the part of the KPI that they are credited with.

    What media did to the KPI is no agreement with demand then. But one that follows demand has taken some of it from
    the baseline, and seems to bring much: search that is bought as demand comes brought half of the KPI and had an
    agreement of 0.57 with what was left.
    """
    kpi, seen = posterior.data["y"].to_numpy(), posterior.data["scale"].to_numpy()[:, None] * posterior.observed
    brought = mean_contributions(posterior, posterior.thinned(DRAWS))
    credited = (seen * brought).sum(axis=(1, 2)) / (seen * kpi).sum()
    trend, season = (np.minimum(own + credited, 1.0) for own in in_step(posterior.data, kpi - brought.sum(axis=0)))
    return trend, season


def in_step(data: xr.Dataset, demand: Array) -> tuple[Array, Array]:
    """Return how far the media over all geos agree with demand, with and without the trend; see `agreement`, `peaks`.

    Args:
        data: scaled panel, see `model.design.Design`.
        demand: in scaled KPI, shape ``(geo, week)``; ends before the panel where its first weeks alone are looked at.

    Returns:
        Twice shape ``(channel,)``, from -1 to 1.
    """
    weeks, train = data.sizes["week"], demand.shape[1]
    seen = data["observed"].to_numpy() if "observed" in data else np.ones((data.sizes["geo"], weeks), dtype=bool)
    weight = (data["scale"].to_numpy()[:, None] * seen)[:, :train]
    kept = np.flatnonzero(weight.sum(axis=0))
    weight /= np.maximum(weight.sum(axis=0), 1e-12)
    media = (weight * data["media"].to_numpy()[..., -weeks:][..., :train]).sum(axis=1)[:, kept]
    total, dates = (weight * demand).sum(axis=0)[kept], pd.DatetimeIndex(data["week"])[kept]
    total = total / total.mean()
    outstanding = PEAKS * peaks(media, total, dates)
    trend, season = (np.clip(agreement(media, total, dates, own) + outstanding, -1, 1) for own in (True, False))
    return trend, season


def by_calendar(agreement: Array) -> Array:
    """Return how likely it is that media of a single series with this agreement follow demand; see `ODDS`."""
    return expit(ODDS[0] + ODDS[1] * agreement)


def agreement(media: Array, demand: Array, weeks: pd.DatetimeIndex, trend: bool) -> Array:
    """Return how far trend and season of media agree with those of demand.

    The correlation of what trend and yearly waves explain of the root of the media with what they explain of the log
    of demand, times the root of the share of the media's variance that they explain. Where it is high, what demand did
    cannot be told from what media did. With `peaks` it was above 0.5 on 400 simulated series of 60 to 208 weeks for 72%
    of the channels that followed demand, 3 to 6% of those that were steady, in flights or in bursts, and 28% of those
    with a season of their own.

    Args:
        media: shape ``(channel, week)``.
        demand: shape ``(week,)``.
        weeks: their first days.
        trend: whether trends count; else they are taken out of both, and the season alone does.

    Returns:
        Shape ``(channel,)``, from -1 to 1.
    """
    line = np.stack([np.ones(len(weeks)), np.linspace(-1, 1, len(weeks))], axis=1)
    aside = line[:, :1] if trend else line
    series = _even(media, demand)
    waves = np.column_stack([line, *yearly_waves(weeks.dayofyear.to_numpy(), HARMONICS)])
    around, features = (own - _explained(own, aside) for own in (series, waves))
    known = _explained(around, features)
    spread, total = (np.maximum((own**2).sum(axis=0), 1e-12) for own in (known, around))
    shared = known[:, :-1].T @ known[:, -1] / np.sqrt(spread[:-1] * spread[-1])
    return shared * np.sqrt(spread[:-1] / total[:-1])


def peaks(media: Array, demand: Array, weeks: pd.DatetimeIndex) -> Array:
    """Return how far what stands out of the weeks around agrees with what does in demand of *other* years.

    What media did in their own weeks is not in it, and a Christmas that is told nowhere is. Takes and
    returns what `agreement` does; less where fewer than 52 weeks have another year, 0 without any.
    """
    series = _even(media, demand).T
    outstanding = series - _around(series, NEAR)
    outstanding /= np.maximum(outstanding.std(axis=1, keepdims=True), 1e-12)
    apart = np.abs(weeks.to_numpy()[:, None] - weeks.to_numpy()) // np.timedelta64(1, "D")
    pairs = (apart > 0) & (apart % (52 * 7) == 0)
    shared = outstanding[:-1] @ pairs @ outstanding[-1] / max(pairs.sum(), 1)
    return shared * min(pairs.any(axis=0).sum() / 52, 1.0)


def _even(media: Array, demand: Array) -> Array:
    """Return the root of the media and the log of demand, whose weeks are of one size, ``(week, channel + 1)``."""
    return np.column_stack([np.sqrt(np.maximum(media, 0.0)).T, np.log(np.maximum(demand, 1e-3))])


def _explained(series: Array, features: Array) -> Array:
    """Return what ``features (week, feature)`` explain of ``series (week, one)`` by least squares."""
    return features @ np.linalg.lstsq(features, series, rcond=None)[0]


def _chances(posterior: Posterior) -> dict[str, float]:
    """Return per channel how likely its media would be so well foretold by the KPI if they did not follow demand.

    A cause precedes its effect: where media are planned regardless of demand, past surprises in the KPI say nothing
    of them that their own past does not say (Granger 1969, Econometrica 37, 424). Both count by their usual size at
    the time, so that a channel that merely grows with the business is not named. Tested by least squares over all geos,
    trend, season, holidays and controls taken out of the media, with an F-test. A probability near zero says that the
    channel follows demand. On 8 simulated geos x 104 weeks it named 13 of 16 channels that did and none of 88
    that did not; where geos hardly differ in their demand, or on one series, it has no power.
    """
    data = posterior.data
    ahead = one_week_ahead(posterior, posterior.thinned(DRAWS))
    surprise = data["y"].to_numpy() - (ahead.explained + ahead.drift).mean(axis=0)
    surprise /= np.sqrt(np.maximum(_around(surprise**2), 1e-12))  # a business that grows is surprised by more
    surprise = np.where(posterior.observed, surprise, 0.0)
    features = np.moveaxis(all_features(data), 0, -1)
    lost = data.sizes["geo"] * (1 + features.shape[-1])
    media = zip(posterior.channels, _relative_media(posterior), strict=True)
    return {
        channel: _foretold(_without(own / np.maximum(_around(own), 1e-12), features), surprise, lost)
        for channel, own in media
    }


def _around(series: Array, near: int = AROUND) -> Array:
    """Return the mean of the weeks around each week, shape ``(one, week)`` as given."""
    weeks = np.arange(series.shape[-1])
    close = (np.abs(weeks[:, None] - weeks) <= near).astype(float)
    return series @ (close / close.sum(axis=0))


def _without(series: Array, features: Array) -> Array:
    """Return ``(geo, week)`` without its mean and what ``features (geo, week, feature)`` explain of it, geo by geo."""
    known = np.concatenate([np.ones((*series.shape, 1)), features], axis=2)
    return np.stack([s - _explained(s, k) for s, k in zip(series, known, strict=True)])


def _foretold(media: Array, surprise: Array, lost: int) -> float:
    """Return the p-value of the F-test that past surprises add to the past of the media, both ``(geo, week)``.

    ``lost`` counts the degrees of freedom that were spent before.
    """

    def past(series: Array) -> Array:
        return np.stack([series[:, LAGS - lag : series.shape[1] - lag].ravel() for lag in range(1, LAGS + 1)], axis=1)

    target, own = media[:, LAGS:].ravel(), past(media)
    both = np.concatenate([own, past(surprise)], axis=1)
    left = [float(((target - _explained(target, x)) ** 2).sum()) for x in (own, both)]
    free = max(target.size - both.shape[1] - lost, 1)
    return float(stats.f.sf((left[0] - left[1]) / LAGS / max(left[1] / free, 1e-300), LAGS, free))
