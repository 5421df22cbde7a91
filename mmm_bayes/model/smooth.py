"""A smooth baseline: demand that swells and ebbs over a quarter or more, as a Gaussian process on few basis functions.

The Hilbert-space approximation (Riutort-Mayol et al. 2023, Statistics and Computing 33, 17): the process is a sum of
sines whose standard normal weights are scaled by the square root of its spectral density, here that of the squared
exponential kernel. One curve serves all geos: what a single geo does beyond it is left to its drift, which could not be
told from a second smooth curve. After the training weeks the curve stays where it was.
"""

from typing import Any

import numpy as np

from mmm_bayes.transforms import Array

BOUNDARY = 1.8
"""Half the interval of the sines over half the panel: wide enough for length scales up to half a panel of a year."""

WEEKS = 6
"""Weeks of panel per sine: enough for length scales from ten weeks on."""


def smooth_features(weeks: int, train: int) -> Array:
    """Return the sines over ``weeks`` weeks, held still after the first ``train``; shape ``(feature, week)``."""
    half = (train - 1) / 2
    time = np.minimum(np.arange(weeks), train - 1) - half
    edge = BOUNDARY * half
    return np.sin(frequencies(train)[:, None] * (time + edge)) / np.sqrt(edge)


def frequencies(train: int) -> Array:
    """Return the frequency of each sine, radians per week; shape ``(feature,)``."""
    count = int(np.ceil(train / WEEKS))
    return np.pi * np.arange(1, count + 1) / (2 * BOUNDARY * (train - 1) / 2)


def amplitudes(scale: Any, length: Any, frequency: Any) -> Any:
    """Return the standard deviation of the sines' weights: the square root of the spectral density.

    Args:
        scale: standard deviation of the process, in shares of the mean KPI; shape ``(...)``.
        length: its length scale in weeks; the same shape.
        frequency: of each sine, see `frequencies`.

    Returns:
        Shape ``(..., feature)``.
    """
    height = scale * (np.sqrt(2 * np.pi) * length) ** 0.5
    return height[..., None] * np.exp(-0.25 * (length[..., None] * frequency) ** 2)
