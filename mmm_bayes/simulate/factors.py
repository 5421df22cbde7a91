"""Factors besides media with a known effect: an index of the economy by month, and promotions of some days."""

import numpy as np
import pandas as pd

from mmm_bayes.config import Simulate, SimulatedFactor
from mmm_bayes.simulate.spend import named_generator
from mmm_bayes.transforms import Array

LEVEL, SPREAD = 100.0, 3.0
"""Mean and standard deviation of an index."""

PERSISTENCE = 0.9
"""Month-to-month correlation of an index."""

EVERY = 9
"""Weeks from one promotion to the next, about."""

LENGTHS = (3, 10)
"""Fewest and most days of a promotion."""


def draw_factor(name: str, factor: SimulatedFactor, settings: Simulate, weeks: pd.DatetimeIndex) -> Array:
    """Draw a factor, the same in all geos.

    Args:
        name: decides the random numbers, together with the seed.
        factor: an ``index`` has a value a month, of which a week has the mean of its days; ``promotions`` are the days
            of a week on which one runs.
        settings: the seed.
        weeks: first days of the weeks.

    Returns:
        Shape ``(week,)``.
    """
    generator = named_generator(settings.seed, f"factor {name}")
    days = weeks.to_numpy().astype("datetime64[D]")[:, None] + np.arange(7)
    if factor.kind == "index":
        month = days.astype("datetime64[M]").astype(int)
        return _walk(generator, int(np.ptp(month)) + 1)[month - month.min()].mean(axis=1).round(2)
    runs = np.zeros(days.size)
    start = int(generator.integers(7, 7 * EVERY))
    while start < len(runs):
        runs[start : start + int(generator.integers(LENGTHS[0], LENGTHS[1] + 1))] = 1.0
        start += int(generator.integers(5 * EVERY, 9 * EVERY + 1))
    return runs.reshape(days.shape).sum(axis=1)


def effect_of(values: Array, factor: SimulatedFactor) -> Array:
    """Return what a factor adds, as a part of the mean KPI, shape ``(week,)``.

    An index adds its ``effect`` for each standard deviation above its mean, a promotion for each whole week of it.
    """
    return factor.effect * ((values - values.mean()) / values.std() if factor.kind == "index" else values / 7)


def _walk(generator: np.random.Generator, months: int) -> Array:
    """Return an index that remembers its last month."""
    found = np.empty(months)
    found[0] = generator.normal()
    for month in range(1, months):
        found[month] = PERSISTENCE * found[month - 1] + np.sqrt(1 - PERSISTENCE**2) * generator.normal()
    return LEVEL + SPREAD * found
