"""Demand that wanders: an AR(1) state seen through noise, as one recursion with its own gradient.

The state-space model ``drift_t = rho drift_(t-1) + shock_t``, ``residual_t = drift_t + noise_t``
has, in its steady state, the one-step-ahead prediction (Harvey 1989, section 4.3)

    predicted_(t+1) = rho ((1 - gain) predicted_t + gain residual_t).

``gain = 1`` is an AR(1) residual, ``gain = 0`` white noise. `Smooth` is its linear recursion.
"""

import numba
import numpy as np
import pytensor.tensor as pt
from pytensor.graph import Apply, Op
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key


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


@register_funcify_default_op_cache_key(Smooth)
def _numba_smooth(op, node, **kwargs):
    return smooth, 1


def predicted_drift(residual, rho, gain):
    """Return the one-step-ahead prediction of the residual, shape ``(geo, week)``; 0 in the first week.

    Args:
        residual: KPI minus everything the model explains, shape ``(geo, week)``.
        rho: weekly persistence, in [0, 1); scalar or ``(geo,)``.
        gain: share of the surprise that is drift, in [0, 1]; shape ``(geo,)``.
    """
    return (rho * gain)[:, None] * Smooth()(residual, rho * (1 - gain))


def first_week_ratio(rho, gain):
    """Return the variance of the first residual over that of a surprise (stationary state plus noise)."""
    return 1 + (rho * gain) ** 2 / (1 - rho**2)
