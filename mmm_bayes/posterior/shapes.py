"""How channels act: how long their effect lasts and how their curves bend, beside what was believed before the data."""

import numpy as np
import pandas as pd

from mmm_bayes.config import ChannelPriors
from mmm_bayes.intervals import Interval
from mmm_bayes.posterior import Posterior
from mmm_bayes.posterior.prior_predictive import DRAWS, prior_curves
from mmm_bayes.priors import prior_of
from mmm_bayes.transforms import ADSTOCKS, Array, Shape

HALF, MOST = 0.5, 0.9
"""Parts of an effect that carry-over is told by."""


def shape_table(posterior: Posterior, given: ChannelPriors, ci_prob: float) -> pd.DataFrame:
    """Return one row per channel and quantity, as in ``shapes.csv``.

    Args:
        posterior: the fit.
        given: the user's priors.
        ci_prob: mass of the intervals.

    Returns:
        ``channel, quantity`` and the intervals ``value_*`` and ``prior_*``. Quantities are ``half`` and ``most``, weeks
        until half and 90% of the effect of a week's media are there, and the parameters of the shape.
    """
    rows = np.arange(posterior.draws)
    parts, believed_of = [], prior_parameters(posterior, given)
    for c, channel in enumerate(posterior.channels):
        after = {name: values[:, 0] for name, values in posterior.parameters(c, rows).items()}
        before = {name: believed_of[name][:, c] for name in after}
        found, believed = (_lasting(posterior.shape, of) | of for of in (after, before))
        for quantity in found:
            own, prior = (Interval.of_one(of[quantity], ci_prob) for of in (found, believed))
            parts.append({"channel": channel, "quantity": quantity, **own.columns("value"), **prior.columns("prior")})
    return pd.DataFrame(parts)


def _lasting(shape: Shape, parameters: dict[str, Array]) -> dict[str, Array]:
    weights = shape.weights(parameters)
    return {"half": weeks_until(weights, HALF), "most": weeks_until(weights, MOST)}


def weeks_until(weights: Array, part: float) -> Array:
    """Return after how many weeks a part of an effect is there, the effect of a week spread evenly over it.

    Args:
        weights: carry-over by week, adding up to 1, shape ``(draw, l_max)``.
        part: between 0 and 1.
    """
    reached = np.concatenate([np.zeros((len(weights), 1)), weights.cumsum(axis=1)], axis=1)
    last = np.minimum((reached < part).sum(axis=1), weights.shape[1]) - 1
    draws = np.arange(len(weights))
    return last + (part - reached[draws, last]) / weights[draws, last]


def prior_parameters(posterior: Posterior, given: ChannelPriors) -> dict[str, Array]:
    """Return draws of the shape's parameters as they were believed to be, each of shape ``(draw, channel)``.

    Margins of carry-over are stratified and keep to what the parameter can be; for saturation see `prior_curves`.
    """
    random, shape = np.random.default_rng(0), posterior.shape
    found = prior_curves(posterior.data, given, shape)
    for quantity in ADSTOCKS[shape.adstock].names:
        found[quantity] = np.empty((DRAWS, len(posterior.channels)))
        for c, name in enumerate(posterior.channels):
            prior = prior_of(quantity, name, given).frozen()
            ends = prior.cdf(shape.supports()[quantity])
            found[quantity][:, c] = prior.ppf(ends[0] + np.ptp(ends) * (random.permutation(DRAWS) + 0.5) / DRAWS)
    return found
