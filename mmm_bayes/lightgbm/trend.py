"""The trend of each geo, taken off before trees are grown: they cannot extrapolate."""

import numpy as np

from mmm_bayes.transforms import Array


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
