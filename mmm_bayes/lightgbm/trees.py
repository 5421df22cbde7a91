"""Boosted trees whose effect of each channel is one rising staircase, and the staircases read from them."""

import re
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from mmm_bayes.features import Index, Inputs, Scaling
from mmm_bayes.lightgbm.trend import line
from mmm_bayes.transforms import Array, adstock

ROUNDS = 600
LIGHTGBM = {
    "objective": "regression",
    "learning_rate": 0.1,
    "num_leaves": 4,
    "lambda_l2": 1.0,
    "max_bin": 63,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "feature_fraction": 0.8,
    "feature_pre_filter": False,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}


@dataclass(frozen=True)
class Effects:
    """What each channel adds, by its adstock, in scaled KPI; nothing at no spend.

    Attributes:
        weights: of each lag, shape ``(channel, l_max)``.
        edges: where each channel's staircase rises.
        steps: its heights, one more than edges.
    """

    weights: Array
    edges: tuple[Array, ...]
    steps: tuple[Array, ...]

    def respond(self, channel: int, media: Array, l_max: int) -> Array:
        """Return the effect of scaled media with history ``(geo, l_max - 1 + week)``, shape ``(geo, week)``."""
        return self.at(channel, adstock(media, self.weights[channel], l_max))

    def at(self, channel: int, carried: Array) -> Array:
        """Return the effect of carried-over scaled media, of any shape."""
        return self.steps[channel][np.searchsorted(self.edges[channel], carried)]


def boost(inputs: Inputs, choice: Index, trend: Array, weeks: Index, seed: int) -> lgb.Booster:
    """Train on what the trend leaves.

    Args:
        inputs: the scaled panel.
        choice: indices of how each channel carries over.
        trend: each geo's line, see `inputs.robust_trend`.
        weeks: indices of training weeks, may repeat.
        seed: of bagging and of the features each tree may use.
    """
    channels, others = len(choice), len(inputs.known) + len(inputs.place)
    target = (inputs.y - line(trend, inputs.time))[:, weeks].ravel()
    parameters = LIGHTGBM | {
        "seed": seed,
        "min_data_in_leaf": int(np.clip(len(target) // 50, 5, 20)),
        "monotone_constraints": [1] * channels + [0] * others,
        "interaction_constraints": [[c] for c in range(channels)] + [list(range(channels, channels + others))],
    }
    seen = inputs.seen[:, weeks].ravel()
    rows = lgb.Dataset(inputs.rows(choice, weeks)[seen], target[seen], params=parameters)
    return lgb.train(parameters, rows, ROUNDS)


def predict(booster: lgb.Booster, inputs: Inputs, choice: Index, weeks: Index) -> Array:
    """Return what the trees add to the trend in some weeks, shape ``(geo, week)``."""
    return _predict(booster, inputs.rows(choice, weeks)).reshape(len(inputs.y), -1)


def read_effects(booster: lgb.Booster, choice: Index, scaling: Scaling) -> Effects:
    """Read each channel's staircase from the trees; no other of the features matters to it.

    Args:
        booster: see `boost`.
        choice: indices of how each channel carries over.
        scaling: of the panel that they were grown on.
    """
    edges = _edges(booster, len(choice))
    rows = np.zeros((sum(len(e) + 1 for e in edges), booster.num_feature()))
    ends = np.cumsum([len(e) + 1 for e in edges])
    for channel, own in enumerate(edges):
        rows[ends[channel] - len(own) - 1 : ends[channel], channel] = [*own, np.inf]
    heights = np.split(_predict(booster, rows), ends[:-1])
    steps = [h - h[np.searchsorted(e, 0.0)] for h, e in zip(heights, edges, strict=True)]
    return Effects(scaling.weights[choice], tuple(edges), tuple(steps))


def _edges(booster: lgb.Booster, channels: int) -> list[Array]:
    """Return the sorted split points of each channel; a tree goes left where the feature is at most the point."""
    text = booster.model_to_string()
    features = " ".join(re.findall(r"^split_feature=(.*)$", text, re.MULTILINE)).split()
    points = " ".join(re.findall(r"^threshold=(.*)$", text, re.MULTILINE)).split()
    split, point = np.array(features, dtype=int), np.array(points, dtype=float)
    return [np.unique(point[split == channel]) for channel in range(channels)]


def _predict(booster: lgb.Booster, rows: Array) -> Array:
    return np.asarray(booster.predict(rows, num_threads=1))
