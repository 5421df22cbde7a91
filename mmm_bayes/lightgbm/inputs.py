"""From a `Panel` to what the baseline learns from: scaled KPI, adstocked media, other features, trend."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmm_bayes.panel import Panel
from mmm_bayes.transforms import Array, adstock, geometric_weights, media_scale, with_history

ALPHAS = np.array([0.0, 0.2, 0.4, 0.6, 0.8])
"""Retentions to choose from."""

YEAR = 365.25
Index = NDArray[np.integer]


@dataclass(frozen=True)
class Scaling:
    """How the training panel was scaled, so that a later one is scaled alike.

    Attributes:
        kpi: mean KPI, shape ``(geo,)``.
        media: driver per unit of scaled media, shape ``(channel, geo)``.
        start: first training week.
        l_max: number of weeks that media can act.
    """

    kpi: Array
    media: Array
    start: pd.Timestamp
    l_max: int


@dataclass(frozen=True)
class Inputs:
    """A scaled panel.

    Attributes:
        y: KPI over its geo's mean, shape ``(geo, week)``.
        media: scaled media with history, shape ``(channel, geo, l_max - 1 + week)``.
        carried: adstock for each of `ALPHAS`, shape ``(alpha, channel, geo, week)``.
        known: season, holidays and controls, shape ``(feature, geo, week)``.
        place: time in weeks and number of the geo, shape ``(2, geo, week)``.
    """

    y: Array
    media: Array
    carried: Array
    known: Array
    place: Array

    @property
    def time(self) -> Array:
        """Weeks since the first training week, shape ``(week,)``."""
        return self.place[0, 0]

    def chosen(self, choice: Index) -> Array:
        """Return the adstock for one of `ALPHAS` per channel (given by index), shape ``(channel, geo, week)``."""
        return self.carried[choice, np.arange(len(choice))]

    def rows(self, choice: Index, weeks: Index) -> Array:
        """Return the features of the trees: a row per geo and week (which may repeat), channels first."""
        return to_rows(np.concatenate([self.chosen(choice), self.known, self.place]), weeks)


def make_scaling(panel: Panel, l_max: int) -> Scaling:
    """Scale as the Bayesian model does: KPI by geo mean, driver per person over its median non-zero week."""
    unit = media_scale(panel.driver, panel.data["population"].to_numpy())
    return Scaling(panel.data["kpi"].mean("week").to_numpy(), unit, panel.weeks[0], l_max)


def make_inputs(panel: Panel, scaling: Scaling) -> Inputs:
    """Scale a panel with the geos and channels of the training panel."""
    past = panel.data["history"].transpose("channel", "geo", "past").to_numpy() / scaling.media[..., None]
    media = with_history(panel.driver / scaling.media[..., None], scaling.l_max, past)
    kpi = panel.data["kpi"].transpose("geo", "week").to_numpy()
    everywhere = np.ones((1, *kpi.shape))
    year = 2 * np.pi * panel.weeks.dayofyear.to_numpy() / YEAR
    holidays = panel.data["holidays"].transpose("holiday", "geo", "week").to_numpy()
    controls = panel.data["controls"].transpose("control", "geo", "week").to_numpy()
    time = ((panel.weeks - scaling.start).days // 7).to_numpy()
    return Inputs(
        y=kpi / scaling.kpi[:, None],
        media=media,
        carried=np.stack([carry(media, np.full(len(media), alpha), scaling.l_max) for alpha in ALPHAS]),
        known=np.concatenate([np.sin(year) * everywhere, np.cos(year) * everywhere, holidays, controls]),
        place=np.concatenate([time * everywhere, np.arange(len(kpi))[:, None] * everywhere]),
    )


def carry(media: Array, alpha: Array, l_max: int) -> Array:
    """Return the adstock of ``media (channel, geo, l_max - 1 + week)`` with ``alpha (channel,)``."""
    return adstock(media, geometric_weights(alpha, l_max)[:, None, :], l_max)


def to_rows(features: Array, weeks: Index) -> Array:
    """Turn ``(feature, geo, week)`` into a row per geo and chosen week, geo by geo, and a column per feature."""
    return features[:, :, weeks].reshape(len(features), -1).T


def robust_trend(y: Array, time: Array) -> Array:
    """Return the level and slope of each geo's line by the medians of Theil (1950) and Sen (1968).

    Args:
        y: shape ``(geo, week)``.
        time: shape ``(week,)``, may repeat.

    Returns:
        Shape ``(geo, 2)``; written out because it runs a thousand times, for all geos at once.
    """
    first, second = np.triu_indices(len(time), 1)
    apart = time[second] != time[first]
    first, second = first[apart], second[apart]
    slope = np.median((y[:, second] - y[:, first]) / (time[second] - time[first]), axis=1)
    return np.stack([np.median(y, axis=1) - slope * np.median(time), slope], axis=1)


def line(trend: Array, time: Array) -> Array:
    """Return the lines of `robust_trend`, shape ``(geo, week)``."""
    return trend[:, :1] + trend[:, 1:] * time
