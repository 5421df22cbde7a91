"""Features times their coefficients, geo by geo, as one operation with its own gradient.

Left to the compiler, the gradient of each coefficient would repeat the likelihood's arithmetic for every
feature, geo and week; here it is a plain sum.
"""

import numpy as np

from mmm_bayes.kernels.elementary import dot, kernel


@kernel
def weighted(coefficient, values):
    """Return the sum of ``coefficient (feature, geo)`` times ``values (feature, geo or 1, week)`` over features."""
    values = np.ascontiguousarray(values)
    features, geos = coefficient.shape
    out = np.zeros((geos, values.shape[2]))
    for f in range(features):
        for g in range(geos):
            weight, row, sums = coefficient[f, g], values[f, min(g, values.shape[1] - 1)], out[g]
            for t in range(len(row)):
                sums[t] += weight * row[t]
    return out


@kernel
def gradient(coefficient, values, bar):
    """Return the gradient of the coefficients of `weighted`."""
    bar, values = np.ascontiguousarray(bar), np.ascontiguousarray(values)
    features, geos = coefficient.shape
    out = np.empty((features, geos))
    for f in range(features):
        for g in range(geos):
            out[f, g] = dot(bar[g], values[f, min(g, values.shape[1] - 1)])
    return out


@kernel
def departing(common, spread, z, values):
    """Return features whose coefficients depart in each geo from what they have in common, by what adds up to zero.

    Args:
        common: coefficients, shape ``(feature,)``.
        spread: of the departures, shape ``(feature,)``.
        z: departures as `arrays.zero_sum_basis` turns them, which keeps lengths; shape ``(geo - 1, feature)``.
        values: shape ``(feature, geo or 1, week)``.

    Returns:
        Their sum ``(geo, week)``, and the coefficients ``(feature, geo)``, for reading alone.
    """
    others, features = z.shape
    root = np.sqrt(others + 1.0)
    coefficient = np.empty((features, others + 1))
    for f in range(features):
        whole = 0.0
        for g in range(others):
            whole += z[g, f]
        for g in range(others):
            coefficient[f, g] = common[f] + spread[f] * (z[g, f] - whole / (root + others + 1.0))
        coefficient[f, others] = common[f] - spread[f] * whole / root
    return weighted(coefficient, values), coefficient


@kernel
def departing_gradient(common, spread, z, values, bar):
    """Return the gradients of all inputs of `departing` but the values, through its sum."""
    others, features = z.shape
    root = np.sqrt(others + 1.0)
    own = gradient(np.empty((features, others + 1)), values, bar)
    common_bar, spread_bar, z_bar = np.zeros(features), np.zeros(features), np.empty((others, features))
    for f in range(features):
        whole = 0.0
        for g in range(others):
            whole += own[f, g]
        common_bar[f] = whole + own[f, others]
        shared = whole / (root + others + 1.0) + own[f, others] / root
        for g in range(others):
            z_bar[g, f] = spread[f] * (own[f, g] - shared)
            spread_bar[f] += z[g, f] * (own[f, g] - shared)
    return common_bar, spread_bar, z_bar
