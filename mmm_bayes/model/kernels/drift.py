"""Demand that wanders, and shocks that all geos share: what of the KPI nothing else explains, as one recursion.

The state-space model ``drift_t = rho drift_(t-1) + innovation_t``, ``residual_t = drift_t + noise_t`` has, in its
steady state, the one-step-ahead prediction (Harvey 1989, section 4.3)

    predicted_(t+1) = rho ((1 - gain) predicted_t + gain (residual_t - shock_t)).

``gain = 1`` is an AR(1) residual, ``gain = 0`` white noise. What is left, ``residual - predicted - shock``, is the
*surprise* of a geo and week.

The shocks of the weeks are drawn from what is known of each when its week arrives: Normal with variance
``1 / (1 / tau^2 + sum over geos of 1 / sigma^2)`` around the precision-weighted mean of ``residual - predicted``, so
that ``shock = mean + spread * raw`` with ``raw`` close to a standard Normal whatever the other parameters are. Nothing
is left of the funnel between the shocks and their size, nor of the ridge between them and what moves all geos.
"""

import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType
from pytensor.graph import Apply, Op

from mmm_bayes.model.kernels.elementary import kernel, run_with
from mmm_bayes.transforms import drift_step, drift_weights


class Surprises(Op):
    """The recursion over the weeks.

    Inputs: ``residual (geo, week)``; ``raw (week,)``; ``decay``, ``weight`` and ``share (geo,)``, and the scalar
    ``spread``, see `surprises`.
    Outputs: surprises ``(geo, week)``, shocks ``(week,)``, and for the gradient the smoothed residual ``(geo, week)``.
    """

    __props__ = ()

    def make_node(self, *inputs):
        """Type the outputs from the inputs."""
        inputs = [pt.as_tensor(i) for i in inputs]
        residual, raw = inputs[:2]
        return Apply(self, inputs, [residual.type(), raw.type(), residual.type()])

    def perform(self, node, inputs, outputs):
        """Evaluate outside of Numba's graphs."""
        for storage, value in zip(outputs, forward(*inputs), strict=True):
            storage[0] = value

    def infer_shape(self, node, shapes):
        """Return the shapes of the outputs."""
        return [shapes[0], shapes[1], shapes[0]]

    def pullback(self, inputs, outputs, cotangents):
        """Return the gradients of all inputs."""
        bars = [
            o.zeros_like() if isinstance(c.type, DisconnectedType) else c
            for c, o in zip(cotangents[:2], outputs[:2], strict=True)
        ]
        return SurprisesGradient()(*inputs, outputs[2], *bars)


class SurprisesGradient(Op):
    """Gradient of `Surprises` with respect to its inputs."""

    __props__ = ()

    def make_node(self, *inputs):
        """Gradients have the types of the inputs of `Surprises`."""
        return Apply(self, list(inputs), [i.type() for i in inputs[:6]])

    def perform(self, node, inputs, outputs):
        """Evaluate outside of Numba's graphs."""
        for storage, value in zip(outputs, backward(*inputs), strict=True):
            storage[0] = np.asarray(value)

    def infer_shape(self, node, shapes):
        """Return the shapes of the inputs of `Surprises`."""
        return shapes[:6]


step = kernel(drift_step)


@kernel
def forward(residual, raw, decay, weight, share, spread):
    """Return the outputs of `Surprises`."""
    geos, weeks = residual.shape
    surprise, smoothed = np.empty((geos, weeks)), np.empty((geos, weeks))
    shock, state = np.empty(weeks), np.zeros(geos)
    for t in range(weeks):
        shared = spread.item() * raw[t]
        for g in range(geos):
            smoothed[g, t] = state[g]
            surprise[g, t] = residual[g, t] - weight[g] * state[g]
            shared += share[g] * surprise[g, t]
        for g in range(geos):
            surprise[g, t] -= shared
            state[g] = step(state[g], residual[g, t] - shared, decay[g])
        shock[t] = shared
    return surprise, shock, smoothed


@kernel
def backward(residual, raw, decay, weight, share, spread, smoothed, surprise_bar, shock_bar):
    """Return the gradients of `SurprisesGradient`: the recursion, backwards in time."""
    geos, weeks = residual.shape
    residual_bar, raw_bar = np.empty((geos, weeks)), np.empty(weeks)
    decay_bar, weight_bar, share_bar, later = np.zeros(geos), np.zeros(geos), np.zeros(geos), np.zeros(geos)
    spread_bar = 0.0
    for t in range(weeks - 1, -1, -1):
        shared_bar = shock_bar[t]
        for g in range(geos):
            shared_bar -= surprise_bar[g, t] + later[g]
        raw_bar[t] = spread.item() * shared_bar
        spread_bar += raw[t] * shared_bar
        for g in range(geos):
            ahead_bar = surprise_bar[g, t] + share[g] * shared_bar
            share_bar[g] += shared_bar * (residual[g, t] - weight[g] * smoothed[g, t])
            residual_bar[g, t] = ahead_bar + later[g]
            weight_bar[g] -= ahead_bar * smoothed[g, t]
            decay_bar[g] += later[g] * smoothed[g, t]
            later[g] = decay[g] * later[g] - weight[g] * ahead_bar
    return residual_bar, raw_bar, decay_bar, weight_bar, share_bar, np.array(spread_bar)


run_with({Surprises: forward, SurprisesGradient: backward}, __file__)


def surprises(residual, rho, gain, share=None, spread=None, raw=None):
    """Return what is left of the residual ``(geo, week)``, and the shocks that all geos share ``(week,)``.

    Args:
        residual: KPI minus everything the model explains, shape ``(geo, week)``.
        rho: weekly persistence of the drift, in [0, 1); scalar.
        gain: share of the surprise that is drift, in [0, 1]; shape ``(geo,)``.
        share: by how much each geo's surprise moves the expected shock, shape ``(geo,)``; without it no shocks.
        spread: standard deviation of a shock around what is expected, scalar.
        raw: shocks in units of it, shape ``(week,)``.
    """
    if share is None:
        share, spread, raw = pt.zeros_like(gain), pt.zeros(()), pt.zeros_like(residual[0])
    return Surprises()(residual, raw, *drift_weights(rho, gain), share, spread)[:2]
