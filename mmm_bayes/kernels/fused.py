"""The media's effect with its own gradient: the hot path of the sampler.

`forward` computes for the default shape (adstock, then Hill) what `transforms.Shape.respond`
and `transforms.effect_scale` compose from small parts; a test holds it to them. One pass over the data
instead of dozens, and one kernel to compile and cache instead of fifty.
"""

import numpy as np

from mmm_bayes.kernels.elementary import exp, kernel, log, total
from mmm_bayes.transforms import FLOOR, NOTHING


@kernel
def forward(media, money, weights, log_kappa, slope, log_effect, departure):
    """Return media's part of the scaled KPI, centred over weeks, and the logs of spread and value of their response.

    Args:
        media: shape ``(channel, geo, l_max - 1 + week)``.
        money: shape ``(geo, week)``.
        weights: of the carry-over, shape ``(channel, l_max)``.
        log_kappa: half saturation, log scale, shape ``(channel,)``.
        slope: shape ``(channel,)``.
        log_effect: shape ``(channel,)``.
        departure: of the geos, log scale, shape ``(channel, geo)``.

    Returns:
        Effect ``(geo, week)``, the logs of `transforms.effect_scale` ``(channel,)``, and for the gradient the
        saturation and the log adstock, ``(channel, geo, week)``.

    Inner loops run along the weeks and add to one sum a week, so that they become vector instructions.
    """
    media, money = np.ascontiguousarray(media), np.ascontiguousarray(money)
    channels = len(weights)
    geos, weeks = money.shape
    effect = np.zeros((geos, weeks))
    log_spread, log_value = np.empty(channels), np.empty(channels)
    saturation = np.empty((channels, geos, weeks))
    log_adstock = np.empty((channels, geos, weeks))
    mean, scale = np.empty(geos), np.empty(geos)
    for c in range(channels):
        squares, value = np.zeros(weeks), np.zeros(weeks)
        for g in range(geos):
            logs, hill, worth = log_adstock[c, g], saturation[c, g], money[g]
            carry_over(media[c, g], weights[c], logs)
            saturate(logs, log_kappa[c], slope[c], hill)
            scale[g] = np.exp(departure[c, g])
            mean[g] = total(hill) / weeks
            for t in range(weeks):
                squares[t] += (scale[g] * (hill[t] - mean[g])) ** 2
                value[t] += scale[g] * hill[t] * worth[t]
        spread = np.sqrt(total(squares) / (geos * weeks))
        log_spread[c], log_value[c] = np.log(spread), np.log(total(value))
        for g in range(geos):
            factor = np.exp(log_effect[c]) * scale[g] / spread
            hill, out = saturation[c, g], effect[g]
            for t in range(weeks):
                out[t] += factor * (hill[t] - mean[g])
    return effect, log_spread, log_value, saturation, log_adstock


@kernel
def carry_over(media, weights, out):
    """Write the log of one geo's adstocked media, shape ``(week,)``, into ``out``."""
    l_max = len(weights)
    out[:] = FLOOR
    for lag in range(l_max):
        weight, shifted = weights[lag], media[l_max - 1 - lag :]
        for t in range(len(out)):
            out[t] += weight * shifted[t]
    for t in range(len(out)):
        out[t] = log(out[t])


@kernel
def saturate(log_adstock, log_kappa, slope, out):
    """Write the Hill saturation of one geo into ``out``; exactly 0 where there is no adstock."""
    nothing = np.log(FLOOR + NOTHING)
    for t in range(len(out)):
        hill = 1.0 / (1.0 + exp(slope * (log_kappa - log_adstock[t])))
        out[t] = hill if log_adstock[t] > nothing else 0.0


@kernel
def backward(
    media,
    money,
    weights,
    log_kappa,
    slope,
    log_effect,
    departure,
    saturation,
    log_adstock,
    effect_bar,
    spread_bar,
    value_bar,
):
    """Return the gradients of weights, log_kappa, slope, log_effect and departure; loops as in `forward`."""
    media, money = np.ascontiguousarray(media), np.ascontiguousarray(money)
    saturation, log_adstock = np.ascontiguousarray(saturation), np.ascontiguousarray(log_adstock)
    effect_bar = np.ascontiguousarray(effect_bar)
    channels, l_max = weights.shape
    geos, weeks = money.shape
    weights_bar = np.zeros((channels, l_max))
    kappa_bar = np.zeros(channels)
    slope_bar = np.zeros(channels)
    log_effect_bar = np.zeros(channels)
    departure_bar = np.zeros((channels, geos))
    average, bar = np.empty(geos), np.empty(weeks)
    for g in range(geos):
        average[g] = total(effect_bar[g]) / weeks
    for c in range(channels):
        scale = np.exp(departure[c])
        mean, square, value, product = sums(saturation[c], scale, money, effect_bar)
        beta = np.exp(log_effect[c]) / np.sqrt(square / (geos * weeks))
        log_effect_bar[c] = product * beta
        shrink, pay = (spread_bar[c] - log_effect_bar[c]) / square, value_bar[c] / value
        kappas, slopes, lags = np.zeros(weeks), np.zeros(weeks), np.zeros((l_max, weeks))
        for g in range(geos):
            hill, logs, worth, seen = saturation[c, g], log_adstock[c, g], money[g], effect_bar[g]
            for t in range(weeks):
                centred = scale[g] * (hill[t] - mean[g])
                # with respect to the log of the scaled saturation, through the mean over weeks
                bar[t] = (beta * (seen[t] - average[g]) + shrink * centred + pay * worth[t]) * scale[g] * hill[t]
            departure_bar[c, g] = total(bar)
            for t in range(weeks):
                logit_bar = bar[t] * (1.0 - hill[t])
                kappas[t] -= logit_bar
                slopes[t] += logit_bar * (logs[t] - log_kappa[c])
                bar[t] = logit_bar * slope[c] * exp(-logs[t])
            for lag in range(l_max):
                products, shifted = lags[lag], media[c, g, l_max - 1 - lag :]
                for t in range(weeks):
                    products[t] += bar[t] * shifted[t]
        kappa_bar[c], slope_bar[c] = total(kappas) * slope[c], total(slopes)
        for lag in range(l_max):
            weights_bar[c, lag] = total(lags[lag])
    return weights_bar, kappa_bar, slope_bar, log_effect_bar, departure_bar


@kernel
def sums(saturation, scale, money, effect_bar):
    """Return one channel's mean saturation (geo,), and its sums of squares, of money and with the gradient."""
    geos, weeks = money.shape
    mean = np.empty(geos)
    squares, value, product = np.zeros(weeks), np.zeros(weeks), np.zeros(weeks)
    for g in range(geos):
        hill, worth, seen = saturation[g], money[g], effect_bar[g]
        mean[g] = total(hill) / weeks
        for t in range(weeks):
            centred = scale[g] * (hill[t] - mean[g])
            squares[t] += centred * centred
            value[t] += scale[g] * hill[t] * worth[t]
            product[t] += centred * seen[t]
    return mean, total(squares), total(value), total(product)
