"""Demand that wanders, and shocks that all geos share: what of the KPI nothing else explains, as one recursion.

The state-space model ``drift_t = rho drift_(t-1) + innovation_t``, ``residual_t = drift_t + noise_t`` has, in its
steady state, the one-step-ahead prediction (Harvey 1989, section 4.3)

    predicted_(t+1) = rho ((1 - gain) predicted_t + gain (residual_t - shock_t)).

``gain = 1`` is an AR(1) residual, ``gain = 0`` white noise. What is left, ``residual - predicted - shock``, is the
*surprise* of a geo and week.

Where no KPI was seen, the residual is what was predicted: there is no surprise, and nothing is learnt of the drift.

The shocks of the weeks are drawn from what is known of each when its week arrives: Normal with variance
``1 / (1 / tau^2 + sum over geos of 1 / sigma^2)`` around the precision-weighted mean of ``residual - predicted``, so
that ``shock = mean + spread * raw`` with ``raw`` close to a standard Normal whatever the other parameters are. Nothing
is left of the funnel between the shocks and their size, nor of the ridge between them and what moves all geos.
"""

import numpy as np

from mmm_bayes.kernels.elementary import kernel
from mmm_bayes.transforms import drift_step

step = kernel(drift_step)


@kernel
def forward(residual, raw, decay, weight, share, spread, seen):
    """Return surprises ``(geo, week)``, shocks ``(week,)``, and for the gradient the smoothed residual ``(geo, week)``.

    Args:
        residual: KPI minus everything the model explains, shape ``(geo, week)``.
        raw: shocks in units of their spread, shape ``(week,)``.
        decay: how much of its state a drift keeps, shape ``(geo,)``; see `transforms.drift_weights`.
        weight: how much of the state is expected of the next week, shape ``(geo,)``.
        share: by how much each geo's surprise moves the expected shock, shape ``(geo,)``.
        spread: standard deviation of a shock around what is expected, an array without dimensions.
        seen: 1 where there is a KPI, else 0, shape ``(geo, week)``.
    """
    geos, weeks = residual.shape
    surprise, smoothed = np.empty((geos, weeks)), np.empty((geos, weeks))
    shock, state = np.empty(weeks), np.zeros(geos)
    for t in range(weeks):
        shared = spread.item() * raw[t]
        for g in range(geos):
            smoothed[g, t] = state[g]
            surprise[g, t] = seen[g, t] * (residual[g, t] - weight[g] * state[g])
            shared += share[g] * surprise[g, t]
        for g in range(geos):
            surprise[g, t] -= seen[g, t] * shared
            state[g] = step(state[g], weight[g] * state[g] + surprise[g, t], decay[g])
        shock[t] = shared
    return surprise, shock, smoothed


@kernel
def backward(residual, raw, decay, weight, share, spread, seen, smoothed, surprise_bar, shock_bar):
    """Return the gradients of the inputs of `forward`: the recursion, backwards in time."""
    geos, weeks = residual.shape
    residual_bar, raw_bar = np.empty((geos, weeks)), np.empty(weeks)
    decay_bar, weight_bar, share_bar, later = np.zeros(geos), np.zeros(geos), np.zeros(geos), np.zeros(geos)
    spread_bar = 0.0
    for t in range(weeks - 1, -1, -1):
        shared_bar = shock_bar[t]
        for g in range(geos):
            shared_bar -= seen[g, t] * (surprise_bar[g, t] + later[g])
        raw_bar[t] = spread.item() * shared_bar
        spread_bar += raw[t] * shared_bar
        for g in range(geos):
            ahead_bar = seen[g, t] * (surprise_bar[g, t] + later[g] + share[g] * shared_bar)
            share_bar[g] += seen[g, t] * shared_bar * (residual[g, t] - weight[g] * smoothed[g, t])
            residual_bar[g, t] = ahead_bar
            weight_bar[g] += (later[g] - ahead_bar) * smoothed[g, t]
            decay_bar[g] += later[g] * smoothed[g, t]
            later[g] = (decay[g] + weight[g]) * later[g] - weight[g] * ahead_bar
    return residual_bar, raw_bar, decay_bar, weight_bar, share_bar, np.array(spread_bar)
