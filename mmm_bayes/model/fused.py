"""The media's effect as one operation with its own gradient: the hot path of the sampler.

`MediaEffect` computes for the default shape (adstock, then Hill) what `transforms.Shape.respond`
and `build.effect_scale` compose from small parts; a test holds it to them. One pass over the data
instead of dozens, and one kernel to compile and cache instead of fifty.
"""

import numba
import numpy as np
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType
from pytensor.graph import Apply, Op
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

from mmm_bayes.transforms import FLOOR


class MediaEffect(Op):
    """Media's part of the scaled KPI, centred over weeks, and the log ratio of ROI to effect.

    Inputs: ``media (channel, geo, l_max - 1 + week)``, ``money (geo, week)``, ``weights (channel, l_max)``,
    ``log_kappa, slope, log_effect (channel,)``, ``departure (channel, geo)`` (log scale).
    Outputs: effect ``(geo, week)``, log of Σ money response / spread ``(channel,)``, and for the gradient the
    saturation and the log adstock, ``(channel, geo, week)``.
    """

    __props__ = ()

    def make_node(self, *inputs):
        """Type the outputs from the inputs."""
        inputs = [pt.as_tensor(i) for i in inputs]
        media, money, _, log_kappa = inputs[:4]
        cube = pt.tensor(dtype="float64", shape=(media.type.shape[0], *money.type.shape))
        return Apply(self, inputs, [money.type(), log_kappa.type(), cube.type(), cube.type()])

    def perform(self, node, inputs, outputs):
        """Evaluate outside of Numba's graphs."""
        for storage, value in zip(outputs, forward(*inputs), strict=True):
            storage[0] = value

    def infer_shape(self, node, shapes):
        """Return the shapes of the four outputs."""
        cube = (shapes[0][0], *shapes[1])
        return [shapes[1], shapes[3], cube, cube]

    def pullback(self, inputs, outputs, cotangents):
        """Return gradients of the parameters; data get none."""
        effect_bar, ratio_bar = (
            c if not isinstance(c.type, DisconnectedType) else o.zeros_like()
            for c, o in zip(cotangents[:2], outputs[:2], strict=True)
        )
        gradients = MediaEffectGradient()(*inputs, *outputs[2:], effect_bar, ratio_bar)
        return [pt.zeros_like(inputs[0]), pt.zeros_like(inputs[1]), *gradients]


class MediaEffectGradient(Op):
    """Gradient of `MediaEffect` with respect to weights, log_kappa, slope, log_effect and departure."""

    __props__ = ()

    def make_node(self, *inputs):
        """Gradients have the types of the parameters."""
        return Apply(self, list(inputs), [i.type() for i in inputs[2:7]])

    def perform(self, node, inputs, outputs):
        """Evaluate outside of Numba's graphs."""
        for storage, value in zip(outputs, backward(*inputs), strict=True):
            storage[0] = value

    def infer_shape(self, node, shapes):
        """Return the shapes of the parameters."""
        return shapes[2:7]


@numba.njit
def forward(media, money, weights, log_kappa, slope, log_effect, departure):
    """Return effect, log ratio, saturation and log adstock; see `MediaEffect`."""
    channels = len(weights)
    geos, weeks = money.shape
    effect = np.zeros((geos, weeks))
    log_ratio = np.empty(channels)
    saturation = np.empty((channels, geos, weeks))
    log_adstock = np.empty((channels, geos, weeks))
    for c in range(channels):
        carry_over(media[c], weights[c], log_adstock[c])
        saturate(log_adstock[c], log_kappa[c], slope[c], saturation[c])
        squares = 0.0
        value = 0.0
        mean = np.empty(geos)
        for g in range(geos):
            scale = np.exp(departure[c, g])
            mean[g] = saturation[c, g].mean()
            for t in range(weeks):
                squares += (scale * (saturation[c, g, t] - mean[g])) ** 2
                value += scale * saturation[c, g, t] * money[g, t]
        spread = np.sqrt(squares / (geos * weeks))
        log_ratio[c] = np.log(value / spread)
        for g in range(geos):
            factor = np.exp(log_effect[c] + departure[c, g]) / spread
            for t in range(weeks):
                effect[g, t] += factor * (saturation[c, g, t] - mean[g])
    return effect, log_ratio, saturation, log_adstock


@numba.njit
def carry_over(media, weights, out):
    """Write the log of the adstocked media of one channel, shape ``(geo, week)``, into ``out``."""
    l_max = len(weights)
    geos, weeks = out.shape
    for g in range(geos):
        for t in range(weeks):
            out[g, t] = FLOOR
        for lag in range(l_max):
            for t in range(weeks):
                out[g, t] += weights[lag] * media[g, l_max - 1 - lag + t]
        for t in range(weeks):
            out[g, t] = np.log(out[g, t])


@numba.njit
def saturate(log_adstock, log_kappa, slope, out):
    """Write the Hill saturation of one channel into ``out``; exactly 0 where there is no adstock."""
    geos, weeks = out.shape
    nothing = np.log(1.01 * FLOOR)
    for g in range(geos):
        for t in range(weeks):
            hill = 1.0 / (1.0 + np.exp(slope * (log_kappa - log_adstock[g, t])))
            out[g, t] = hill if log_adstock[g, t] > nothing else 0.0


@numba.njit
def backward(
    media, money, weights, log_kappa, slope, log_effect, departure, saturation, log_adstock, effect_bar, ratio_bar
):
    """Return the gradients named in `MediaEffectGradient`."""
    channels, l_max = weights.shape
    geos, weeks = money.shape
    weights_bar = np.zeros((channels, l_max))
    kappa_bar = np.zeros(channels)
    slope_bar = np.zeros(channels)
    log_effect_bar = np.zeros(channels)
    departure_bar = np.zeros((channels, geos))
    bar = np.empty(weeks)
    for c in range(channels):
        mean = np.empty(geos)
        scale = np.exp(departure[c])
        squares, value, product = 0.0, 0.0, 0.0
        for g in range(geos):
            mean[g] = saturation[c, g].mean()
            for t in range(weeks):
                centred = scale[g] * (saturation[c, g, t] - mean[g])
                squares += centred * centred
                value += scale[g] * saturation[c, g, t] * money[g, t]
                product += centred * effect_bar[g, t]
        spread = np.sqrt(squares / (geos * weeks))
        beta = np.exp(log_effect[c]) / spread
        log_effect_bar[c] = product * beta
        shrink = -(product * beta + ratio_bar[c]) / squares
        for g in range(geos):
            # gradient with respect to the scaled saturation, then through the mean over weeks
            average = effect_bar[g].mean() * beta
            for t in range(weeks):
                centred = scale[g] * (saturation[c, g, t] - mean[g])
                bar[t] = beta * effect_bar[g, t] - average + shrink * centred + ratio_bar[c] * money[g, t] / value
                departure_bar[c, g] += bar[t] * scale[g] * saturation[c, g, t]
            for t in range(weeks):
                logit_bar = bar[t] * scale[g] * saturation[c, g, t] * (1.0 - saturation[c, g, t])
                kappa_bar[c] -= logit_bar
                slope_bar[c] += logit_bar * (log_adstock[c, g, t] - log_kappa[c])
                bar[t] = logit_bar * slope[c] * np.exp(-log_adstock[c, g, t])
            for lag in range(l_max):
                for t in range(weeks):
                    weights_bar[c, lag] += bar[t] * media[c, g, l_max - 1 - lag + t]
        kappa_bar[c] *= slope[c]
    return weights_bar, kappa_bar, slope_bar, log_effect_bar, departure_bar


@register_funcify_default_op_cache_key(MediaEffect)
def _numba_forward(op, node, **kwargs):
    return forward, 1


@register_funcify_default_op_cache_key(MediaEffectGradient)
def _numba_backward(op, node, **kwargs):
    return backward, 1
