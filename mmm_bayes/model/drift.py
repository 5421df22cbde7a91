"""Demand that wanders: an AR(1) state seen through noise, as one recursion with its own gradient.

The state-space model ``drift_t = rho drift_(t-1) + shock_t``, ``residual_t = drift_t + noise_t``
has, in its steady state, the one-step-ahead prediction (Harvey 1989, section 4.3)

    predicted_(t+1) = rho ((1 - gain) predicted_t + gain residual_t).

``gain = 1`` is an AR(1) residual, ``gain = 0`` white noise. `Smooth` is its linear recursion,
`Squares` what a Normal likelihood makes of it.
"""

import numba
import numpy as np
import pytensor.tensor as pt
from pytensor.graph import Apply, Op

from mmm_bayes.model.elementary import run_with, total


class Smooth(Op):
    """Exponential smoothing ``f_0 = 0, f_t = decay f_(t-1) + r_(t-1)`` along the weeks of each geo."""

    __props__ = ()

    def make_node(self, residual, decay):
        """Check the inputs: ``residual (geo, week)`` and ``decay (geo,)``."""
        residual, decay = pt.as_tensor(residual), pt.as_tensor(decay)
        return Apply(self, [residual, decay], [residual.type()])

    def perform(self, node, inputs, outputs):
        """Run the recursion in NumPy."""
        outputs[0][0] = smooth(*inputs)

    def infer_shape(self, node, shapes):
        """Return the shape of the residual."""
        return [shapes[0]]

    def pullback(self, inputs, outputs, cotangents):
        """Return the gradient: the same recursion, backwards in time."""
        back = self(cotangents[0][:, ::-1], inputs[1])[:, ::-1]
        return [back, (back * outputs[0]).sum(axis=1)]


@numba.njit
def smooth(residual, decay):
    """Return the smoothed residual of `Smooth`, shape ``(geo, week)``."""
    geos, weeks = residual.shape
    out = np.zeros((geos, weeks))
    for g in range(geos):
        for t in range(1, weeks):
            out[g, t] = decay[g] * out[g, t - 1] + residual[g, t - 1]
    return out


class Squares(Op):
    """Sum over the weeks of squared surprises, one a geo: the hot path of a Normal likelihood.

    Inputs: ``residual (geo, week)``; ``decay``, ``weight`` and ``first (geo,)``, see `log_density`.
    Outputs: the sums ``(geo,)``, and for the gradient the smoothed residual ``(geo, week)``.
    """

    __props__ = ()

    def make_node(self, residual, decay, weight, first):
        """Type the outputs from the inputs."""
        inputs = [pt.as_tensor(i) for i in (residual, decay, weight, first)]
        return Apply(self, inputs, [inputs[1].type(), inputs[0].type()])

    def perform(self, node, inputs, outputs):
        """Evaluate outside of Numba's graphs."""
        for storage, value in zip(outputs, squares(*inputs), strict=True):
            storage[0] = value

    def infer_shape(self, node, shapes):
        """Return the shapes of both outputs."""
        return [shapes[1], shapes[0]]

    def pullback(self, inputs, outputs, cotangents):
        """Return the gradients of all inputs."""
        return SquaresGradient()(*inputs, outputs[1], cotangents[0])


class SquaresGradient(Op):
    """Gradient of `Squares` with respect to residual, decay, weight and first."""

    __props__ = ()

    def make_node(self, *inputs):
        """Gradients have the types of the inputs of `Squares`."""
        return Apply(self, list(inputs), [i.type() for i in inputs[:4]])

    def perform(self, node, inputs, outputs):
        """Evaluate outside of Numba's graphs."""
        for storage, value in zip(outputs, squares_gradient(*inputs), strict=True):
            storage[0] = value

    def infer_shape(self, node, shapes):
        """Return the shapes of the inputs of `Squares`."""
        return shapes[:4]


@numba.njit(error_model="numpy")
def squares(residual, decay, weight, first):
    """Return the outputs of `Squares`."""
    smoothed = smooth(residual, decay)
    out = np.empty(len(residual))
    for g in range(len(residual)):
        surprise = residual[g] - weight[g] * smoothed[g]
        out[g] = total(surprise * surprise) - surprise[0] ** 2 * (1 - 1 / first[g])
    return out, smoothed


@numba.njit(error_model="numpy")
def squares_gradient(residual, decay, weight, first, smoothed, bar):
    """Return the gradients of `SquaresGradient`: the recursion, backwards in time."""
    geos, weeks = residual.shape
    residual_bar = np.empty((geos, weeks))
    decay_bar, weight_bar, first_bar = np.zeros(geos), np.zeros(geos), np.zeros(geos)
    for g in range(geos):
        later = 0.0
        for t in range(weeks - 1, -1, -1):
            surprise = residual[g, t] - weight[g] * smoothed[g, t]
            surprise_bar = 2 * bar[g] * surprise / (first[g] if t == 0 else 1.0)
            residual_bar[g, t] = surprise_bar + later
            weight_bar[g] -= surprise_bar * smoothed[g, t]
            decay_bar[g] += later * smoothed[g, t]
            later = decay[g] * later - weight[g] * surprise_bar
        first_bar[g] = -bar[g] * (residual[g, 0] / first[g]) ** 2
    return residual_bar, decay_bar, weight_bar, first_bar


run_with({Smooth: smooth, Squares: squares, SquaresGradient: squares_gradient}, __file__)


def predicted_drift(residual, rho, gain):
    """Return the one-step-ahead prediction of the residual, shape ``(geo, week)``; 0 in the first week.

    Args:
        residual: KPI minus everything the model explains, shape ``(geo, week)``.
        rho: weekly persistence, in [0, 1); scalar or ``(geo,)``.
        gain: share of the surprise that is drift, in [0, 1]; shape ``(geo,)``.
    """
    return (rho * gain)[:, None] * Smooth()(residual, rho * (1 - gain))


def log_density(residual, rho, gain, sigma):
    """Return the log density of the residual when surprises are Normal; arguments as in `predicted_drift`.

    Args:
        residual: as there.
        rho: as there.
        gain: as there.
        sigma: standard deviation of a surprise, shape ``(geo,)``; the first week's is wider, see `first_week_ratio`.
    """
    first = first_week_ratio(rho, gain)
    sums = Squares()(residual, rho * (1 - gain), rho * gain, first)[0]
    constants = residual.shape[1] * (pt.log(sigma) + 0.5 * np.log(2 * np.pi)) + 0.5 * pt.log(first)
    return -(0.5 * sums / sigma**2 + constants).sum()


def first_week_ratio(rho, gain):
    """Return the variance of the first residual over that of a surprise (stationary state plus noise)."""
    return 1 + (rho * gain) ** 2 / (1 - rho**2)
