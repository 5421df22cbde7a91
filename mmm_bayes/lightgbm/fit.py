"""`fit_lightgbm` and the `Boosted` it returns: predictions, ROI and response curves."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import lightgbm as lgb
import numpy as np
import pandas as pd

from mmm_bayes.config import Allocate, Model
from mmm_bayes.curves import PaidMedia, ResponseCurves, make_curves, planned_media, usual_worth
from mmm_bayes.features import Index, Inputs, Scaling, make_inputs, make_scaling
from mmm_bayes.intervals import Interval
from mmm_bayes.lightgbm.carry import choose_ways, splits
from mmm_bayes.lightgbm.trees import Effects, boost, predict, read_effects
from mmm_bayes.lightgbm.trend import line, robust_trend
from mmm_bayes.panel import Panel
from mmm_bayes.progress import Progress, silent
from mmm_bayes.transforms import Array, adstock

BLOCK = 8
"""Weeks in a block of the bootstrap: as long as media act by default."""


@dataclass(frozen=True)
class Boosted:
    """The fitted baseline.

    Attributes:
        scaling: of the training panel.
        choice: indices of how each channel carries over, see `features.ways`, shape ``(channel,)``.
        trend: level and slope per week of each geo, shape ``(geo, 2)``, scaled.
        booster: the trees on what the trend leaves.
        misses: observed minus predicted in the chronological folds, shape ``(fold week, geo)``, KPI units.
        effects: of the channels, one for each bootstrap replicate; of the fit itself where there are none.
    """

    scaling: Scaling
    choice: Index
    trend: Array
    booster: lgb.Booster
    misses: Array
    effects: tuple[Effects, ...]

    def predict(self, panel: Panel) -> Array:
        """Return the prediction for every week of a panel with the geos and channels of the training panel.

        Its weeks may go on after those of the training panel; its KPI is not used.

        Returns:
            Shape ``(geo, week)``, KPI units.
        """
        inputs = make_inputs(panel, self.scaling)
        trees = predict(self.booster, inputs, self.choice, np.arange(len(inputs.time)))
        return (line(self.trend, inputs.time) + trees) * self.scaling.kpi[:, None]

    def forecast(self, panel: Panel) -> Array:
        """Return draws of the KPI: the prediction plus each miss of the chronological folds.

        Geos miss together as they did in the folds, so that sums over geos spread as they should.

        Returns:
            Shape ``(draw, geo, week)``, KPI units.
        """
        return self.predict(panel) + self.misses[:, :, None]

    def contributions(self, panel: Panel) -> Array:
        """Return the prediction minus that without the channel, its carry-over included.

        Returns:
            Shape ``(draw, channel, geo, week)``, KPI units.
        """
        media = make_inputs(panel, self.scaling).media
        effects = [[e.respond(c, m, self.scaling.l_max) for c, m in enumerate(media)] for e in self.effects]
        return np.array(effects) * self.scaling.kpi[:, None]

    def roi(self, panel: Panel, ci_prob: float = 0.9) -> pd.DataFrame:
        """Return the table of ``lightgbm_roi.csv``: ROI over the panel with its bootstrap interval.

        Organic channels have a contribution and no ROI; without replicates there is no interval.
        """
        value = panel.data["value"].transpose("geo", "week").to_numpy()
        total = (self.contributions(panel) * value).sum(axis=(2, 3))
        spend = panel.data["spend"].sum(["geo", "week"]).to_numpy()
        roi = total / np.where(spend > 0, spend, np.nan)
        found, known = Interval.of(roi, ci_prob), len(roi) > 1
        return pd.DataFrame(
            {
                "channel": panel.channels,
                "spend": spend,
                "contribution": total.mean(axis=0),
                **(found if known else replace(found, low=found.low * np.nan, high=found.high * np.nan)).columns("roi"),
                "ci_prob": ci_prob,
            }
        )

    def curves(self, panel: Panel, settings: Allocate, stretch: int = 1) -> ResponseCurves:
        """Return the response of every paid channel over the planning window, one draw for each replicate.

        Args:
            panel: the training panel.
            settings: length of the window, flighting, limits, and whether each geo is an arm of its own.
            stretch: how many times as far as the limits ask the curves go.
        """
        paid, ahead, l_max = np.flatnonzero(panel.data["paid"].to_numpy()), panel.planned, self.scaling.l_max
        value = (panel.data if ahead is None else ahead)["value"].transpose("geo", "week").to_numpy()
        media = PaidMedia(
            channels=[panel.channels[c] for c in paid],
            geos=panel.geos,
            spend=panel.data["spend"].transpose("channel", "geo", "week").to_numpy()[paid],
            media=make_inputs(panel, self.scaling).media[paid],
            coefficient=np.tile(self.scaling.kpi * usual_worth(value), (len(self.effects), len(paid), 1)),
            carried=lambda c, driver: np.stack([adstock(driver, e.weights[paid[c]], l_max) for e in self.effects]),
            respond=lambda c, carried: np.stack([e.at(paid[c], m) for e, m in zip(self.effects, carried, strict=True)]),
            planned=None if ahead is None else planned_media(ahead, paid, self.scaling.media),
        )
        return make_curves(media, settings, "lightgbm", stretch)


def fit_lightgbm(
    panel: Panel,
    model: Model,
    bootstrap: int = 100,
    seed: int = 1,
    progress: Progress = silent,
) -> Boosted:
    """Fit the baseline; the same seed gives the same answer on any number of cores.

    Args:
        panel: training weeks.
        model: only the adstock window is read.
        bootstrap: replicates of the moving-block bootstrap; 0 where predictions are all that is wanted.
        seed: decides everything random.
        progress: told the share of the replicates that is done.
    """
    scaling = make_scaling(panel, model.l_max)
    inputs = make_inputs(panel, scaling)
    count = len(inputs.time)
    choice, trend, booster = _pipeline(inputs, np.arange(count), seed)
    misses = _misses(inputs, choice, seed) * scaling.kpi

    def replicate(number: int) -> Effects:
        weeks = block_weeks(count, np.random.default_rng([seed, number]))
        chosen, _, trees = _pipeline(inputs, weeks, seed)
        return read_effects(trees, chosen, scaling)

    effects = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(replicate, range(bootstrap)):
            effects.append(found)
            progress("bootstrapping the LightGBM baseline", len(effects) / bootstrap)
    point = (read_effects(booster, choice, scaling),)
    return Boosted(scaling, choice, trend, booster, misses, tuple(effects) or point)


def block_weeks(count: int, generator: np.random.Generator) -> Index:
    """Draw ``count`` weeks of ``0 .. count - 1`` in blocks (moving-block bootstrap, Kuensch 1989), sorted."""
    block = min(BLOCK, count // 4)
    starts = generator.integers(0, count - block + 1, size=-(-count // block))
    return np.sort((starts[:, None] + np.arange(block)).ravel()[:count])


def _pipeline(inputs: Inputs, weeks: Index, seed: int) -> tuple[Index, Array, lgb.Booster]:
    """Choose carry-overs, take the trend off and boost, on some weeks (sorted, may repeat)."""
    choice = choose_ways(inputs, weeks)
    trend = robust_trend(inputs.y[:, weeks], inputs.time[weeks])
    return choice, trend, boost(inputs, choice, trend, weeks, seed)


def _misses(inputs: Inputs, choice: Index, seed: int) -> Array:
    """Return observed minus predicted in the chronological folds, shape ``(fold week, geo)``, scaled."""
    misses = []
    for train, valid in splits(np.arange(len(inputs.time)), len(inputs.time)):
        trend = robust_trend(inputs.y[:, train], inputs.time[train])
        trees = predict(boost(inputs, choice, trend, train, seed), inputs, choice, valid)
        misses.append(inputs.y[:, valid] - line(trend, inputs.time[valid]) - trees)
    return np.concatenate(misses, axis=1).T
