"""How the money of a simulated channel is spread over geos and weeks."""

import zlib

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from mmm_bayes.config import Simulate, SimulatedChannel
from mmm_bayes.transforms import Array

PERSISTENCE = 0.85
"""Week-to-week correlation of the wobble of spend."""

NATIONAL_PART = 0.3
"""Share of the variance of a channel's wobble that all geos have in common."""

ON_AIR = 0.4
"""Share of the weeks in which a flighted channel spends."""

YEAR = 365.25
SEASON_PEAK = 0.88
"""Time of the year at which seasonal channels spend most: the middle of November."""


def named_generator(seed: int, name: str) -> np.random.Generator:
    """Return random numbers that depend on the seed and a name alone, whatever else is drawn."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def draw_spend(name: str, channel: SimulatedChannel, settings: Simulate, kpi: Array, weeks: pd.DatetimeIndex) -> Array:
    """Draw the spend of one channel.

    Geos spend roughly in proportion to their KPI, each with a wobble of its own; the whole adds up to
    the channel's share of the whole KPI. Nothing is spent in weeks without any KPI.

    Args:
        name: decides the random numbers, together with the seed.
        channel: pattern and share.
        settings: seed and correlation between channels.
        kpi: shape ``(geo, week)``, currency.
        weeks: first days of the weeks.

    Returns:
        Shape ``(geo, week)``, currency.
    """
    generator = named_generator(settings.seed, name)
    own, common = _wobble(generator, kpi.shape), _wobble(named_generator(settings.seed, ""), kpi.shape)
    wobble = np.sqrt(1 - settings.correlation) * own + np.sqrt(settings.correlation) * common
    peak = SEASON_PEAK + generator.normal(0, 0.06)
    lean = np.exp(0.15 * generator.standard_normal((len(kpi), 1)))
    relative = kpi / kpi.mean(axis=1, keepdims=True)
    year = weeks.dayofyear.to_numpy() / YEAR - peak
    pattern = _pattern(channel.pattern, wobble, relative, year) * (kpi != 0).any(axis=0)
    spend = kpi.sum(axis=1, keepdims=True) * lean * pattern / pattern.mean(axis=1, keepdims=True)
    return spend * (channel.share * kpi.sum() / spend.sum())


def _pattern(pattern: str, wobble: Array, demand: Array, year: Array) -> Array:
    """Turn a wobble of unit variance into spend ``(geo, week)`` in any unit; ``year`` is time since the peak."""
    if pattern == "always_on":
        return np.exp(0.35 * wobble)
    if pattern == "seasonal":
        return np.exp(0.9 * np.cos(2 * np.pi * year) + 0.25 * wobble)
    if pattern == "flighted":
        silent = np.quantile(wobble, 1 - ON_AIR, axis=1, keepdims=True)
        return np.where(wobble > silent, np.exp(0.3 * wobble), 0.0)
    return np.maximum(demand, 0.0) * np.exp(0.2 * wobble)


def _wobble(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return a slow stationary process of unit variance for each geo, in part common to all."""
    geos, weeks = shape
    steps = generator.standard_normal((geos + 1, weeks))
    steps[:, 1:] *= np.sqrt(1 - PERSISTENCE**2)
    slow = lfilter([1.0], [1.0, -PERSISTENCE], steps, axis=1)
    return np.sqrt(NATIONAL_PART) * slow[0] + np.sqrt(1 - NATIONAL_PART) * slow[1:]
