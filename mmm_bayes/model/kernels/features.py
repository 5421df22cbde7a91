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


class Departing(Op):
    """Features whose coefficients depart in each geo from what they have in common, by what adds up to zero over geos.

    Inputs: ``common`` and ``spread (feature,)``; ``z (geo - 1, feature)``, whose lengths the departures keep;
    ``values (feature, 1, week)``. Outputs: the sum over features ``(geo, week)`` and, for reading alone, the
    coefficients ``(feature, geo)``.
    """

    __props__ = ()

    def make_node(self, *inputs):
        """Type the outputs from the inputs."""
        inputs = [pt.as_tensor(i) for i in inputs]
        (others, features), weeks = inputs[2].type.shape, inputs[3].type.shape[2]
        return Apply(self, inputs, [pt.matrix(shape=(others + 1, weeks)), pt.matrix(shape=(features, others + 1))])

    def perform(self, node, inputs, outputs):
        """Evaluate outside of Numba's graphs."""
        for storage, value in zip(outputs, departing(*inputs), strict=True):
            storage[0] = value

    def infer_shape(self, node, shapes):
        """Return the shapes of both outputs."""
        geos = shapes[2][0] + 1
        return [(geos, shapes[3][2]), (shapes[0][0], geos)]

    def pullback(self, inputs, outputs, cotangents):
        """Return the gradients of all but the values, which are data."""
        return [*DepartingGradient()(cotangents[0], *inputs), pt.zeros_like(inputs[3])]


class DepartingGradient(Op):
    """Gradient of the sum of `Departing` with respect to ``common``, ``spread`` and ``z``."""

    __props__ = ()

    def make_node(self, *inputs):
        """Gradients have the types of the parameters."""
        return Apply(self, list(inputs), [i.type() for i in inputs[1:4]])

    def perform(self, node, inputs, outputs):
        """Evaluate outside of Numba's graphs."""
        for storage, value in zip(outputs, departing_gradient(*inputs), strict=True):
            storage[0] = value

    def infer_shape(self, node, shapes):
        """Return the shapes of the parameters."""
        return shapes[1:4]


@kernel
def departing(common, spread, z, values):
    """Return the outputs of `Departing`; departures are those of `arrays.zero_sum_basis`."""
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
def departing_gradient(bar, common, spread, z, values):
    """Return the gradients of `DepartingGradient`."""
    others, features = z.shape
    root = np.sqrt(others + 1.0)
    own = gradient(bar, np.empty((features, others + 1)), values)
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


run_with(
    {
        Weighted: weighted,
        WeightedGradient: gradient,
        Departing: departing,
        DepartingGradient: departing_gradient,
    },
    __file__,
)
