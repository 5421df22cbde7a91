"""Features times their coefficients, geo by geo, as one operation with its own gradient.

Left to the compiler, the gradient of each coefficient would repeat the likelihood's arithmetic for every
feature, geo and week; here it is a plain sum.
"""

import numpy as np
import pytensor.tensor as pt
from pytensor.graph import Apply, Op

from mmm_bayes.model.kernels.elementary import dot, kernel, run_with


class Weighted(Op):
    """Sum of ``coefficient (feature, geo)`` times ``values (feature, geo or 1, week)`` over features."""

    __props__ = ()

    def make_node(self, coefficient, values):
        """Check the inputs."""
        coefficient, values = pt.as_tensor(coefficient), pt.as_tensor(values)
        return Apply(self, [coefficient, values], [pt.matrix(shape=(coefficient.type.shape[1], values.type.shape[2]))])

    def perform(self, node, inputs, outputs):
        """Evaluate outside of Numba's graphs."""
        outputs[0][0] = weighted(*inputs)

    def infer_shape(self, node, shapes):
        """Return the shape ``(geo, week)``."""
        return [(shapes[0][1], shapes[1][2])]

    def pullback(self, inputs, outputs, cotangents):
        """Return the gradient of the coefficients; the values are data."""
        return [WeightedGradient()(cotangents[0], *inputs), pt.zeros_like(inputs[1])]


class WeightedGradient(Op):
    """Gradient of `Weighted` with respect to its coefficients."""

    __props__ = ()

    def make_node(self, bar, coefficient, values):
        """Take the gradient of the sum, and the inputs of `Weighted`."""
        return Apply(self, [bar, coefficient, values], [coefficient.type()])

    def perform(self, node, inputs, outputs):
        """Evaluate outside of Numba's graphs."""
        outputs[0][0] = gradient(*inputs)

    def infer_shape(self, node, shapes):
        """Return the shape of the coefficients."""
        return [shapes[1]]


@kernel
def weighted(coefficient, values):
    """Return the sum of `Weighted`."""
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
def gradient(bar, coefficient, values):
    """Return the gradient of `WeightedGradient`."""
    bar, values = np.ascontiguousarray(bar), np.ascontiguousarray(values)
    features, geos = coefficient.shape
    out = np.empty((features, geos))
    for f in range(features):
        for g in range(geos):
            out[f, g] = dot(bar[g], values[f, min(g, values.shape[1] - 1)])
    return out


run_with({Weighted: weighted, WeightedGradient: gradient}, __file__)
