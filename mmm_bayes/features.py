"""What boosted trees see of a panel, by names that explain themselves: season, lags, means, adstock, controls.

``features.parquet`` holds it, and the LightGBM baseline is fitted to it: both come from `make_inputs`.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mmm_bayes.panel import Panel
from mmm_bayes.transforms import Array, adstock, geometric_weights, media_scale, with_history
from mmm_bayes.workspace import writing

FILE = "features.parquet"
ALPHAS = (0.0, 0.2, 0.4, 0.6, 0.8)
"""Retentions of a geometric carry-over."""

MEANS = (4, 8)
"""Weeks of a rolling mean of media."""

LAGS = (1,)
"""Weeks by which holidays and controls may act late; the first week stands for those before it."""

YEAR = 365.25
Index = NDArray[np.integer]


def ways(l_max: int) -> dict[str, Array]:
    """Return the ways in which a channel may carry over, by name: the weight of each lag, shape ``(l_max,)``.

    ``adstock_0.4`` is geometric with that retention, ``mean_4`` the rolling mean of four weeks.
    """
    found = {f"adstock_{alpha}": geometric_weights(np.array(alpha), l_max) for alpha in ALPHAS}
    return found | {f"mean_{size}": (np.arange(l_max) < size) / size for size in MEANS if size <= l_max}


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

    @cached_property
    def weights(self) -> Array:
        """The weights of each of `ways`, shape ``(way, l_max)``."""
        return np.stack([*ways(self.l_max).values()])


@dataclass(frozen=True)
class Inputs:
    """A scaled panel.

    Attributes:
        y: KPI over its geo's mean, shape ``(geo, week)``.
        seen: whether there is a KPI, shape ``(geo, week)``; elsewhere ``y`` is a guess.
        media: scaled media with history, shape ``(channel, geo, l_max - 1 + week)``.
        carried: the same carried over in each of `ways`, shape ``(way, channel, geo, week)``.
        known: season, holidays and controls, these two also some weeks late, shape ``(feature, geo, week)``.
        place: time in weeks and number of the geo, shape ``(2, geo, week)``.
    """

    y: Array
    seen: Array
    media: Array
    carried: Array
    known: Array
    place: Array

    @property
    def time(self) -> Array:
        """Weeks since the first training week, shape ``(week,)``."""
        return self.place[0, 0]

    def chosen(self, choice: Index) -> Array:
        """Return the media carried over in one of `ways` per channel (by index), shape ``(channel, geo, week)``."""
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
    time = ((panel.weeks - scaling.start).days // 7).to_numpy()
    return Inputs(
        y=kpi / scaling.kpi[:, None],
        seen=panel.data["observed"].transpose("geo", "week").to_numpy(),
        media=media,
        carried=np.stack([adstock(media, weights, scaling.l_max) for weights in scaling.weights]),
        known=np.concatenate([np.sin(year) * everywhere, np.cos(year) * everywhere, *_early_and_late(panel)]),
        place=np.concatenate([time * everywhere, np.arange(len(kpi))[:, None] * everywhere]),
    )


def _early_and_late(panel: Panel) -> list[Array]:
    """Return holidays and controls as they are and as they were before, each ``(feature, geo, week)``."""
    found = [panel.data[f"{kind}s"].transpose(kind, "geo", "week").to_numpy() for kind in ("holiday", "control")]
    weeks = np.arange(len(panel.weeks))
    return [values[..., np.maximum(weeks - lag, 0)] for lag in (0, *LAGS) for values in found]


def to_rows(features: Array, weeks: Index) -> Array:
    """Turn ``(feature, geo, week)`` into a row per geo and chosen week, geo by geo, and a column per feature."""
    return features[:, :, weeks].reshape(len(features), -1).T


def table(panel: Panel, l_max: int) -> pd.DataFrame:
    """Return every feature that the trees may see of a panel: a row per geo and week.

    Columns ``week, geo``, ``<way>:<channel>`` for each of `ways` (media per person over their median week, of which a
    fit takes one way for each channel), ``season:sin, season:cos`` of the year, ``holiday:<name>``, ``control:<name>``
    and both as they were the week before, ``lag_1:holiday:<name>``, ``calendar:week`` (weeks since the first) and
    ``calendar:geo`` (its number).
    """
    inputs = make_inputs(panel, make_scaling(panel, l_max))
    geos, weeks = inputs.y.shape
    names = [f"{way}:{channel}" for way in ways(l_max) for channel in panel.channels]
    outside = [f"{kind}:{name}" for kind in ("holiday", "control") for name in panel.data[kind].values]
    names += ["season:sin", "season:cos", *outside, *(f"lag_{lag}:{name}" for lag in LAGS for name in outside)]
    names += ["calendar:week", "calendar:geo"]
    features = np.concatenate([inputs.carried.reshape(-1, geos, weeks), inputs.known, inputs.place])
    rows = pd.DataFrame(to_rows(features, np.arange(weeks)), columns=names)
    rows.insert(0, "week", np.tile(panel.weeks, geos))
    rows.insert(1, "geo", np.repeat(panel.geos, weeks))
    return rows


def save_features(panel: Panel, l_max: int, folder: Path) -> None:
    """Write ``features.parquet``."""
    with writing(folder / FILE) as path:
        pq.write_table(pa.Table.from_pandas(table(panel, l_max), preserve_index=False), path)
