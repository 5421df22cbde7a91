"""What channels have in common: the prior of their marginal ROI, with a centre and a spread, and how their curves bend.

A channel's *distance* is the logarithm of its marginal ROI over a usual one, the centre of the pool taken off. It knows
no units, neither of the KPI nor of money. Like the formulas of `transforms`, those here serve NumPy and PyTensor alike.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import softmax

from mmm_bayes.transforms import Array

SHARE = 0.1
"""Part of the KPI that media bring where a unit of money returns the usual one, the last unit like the first."""

CENTRE = 0.8
"""Prior standard deviation of the pool's centre around the usual marginal ROI, on the log scale."""

SPREAD: Mapping[str, Any] = {"distribution": "lognormal", "mu": float(np.log(0.4)), "sigma": 0.4}
"""Prior of the standard deviation between channels, on the log scale."""

IDLE, IDLE_CENTRE, IDLE_SPREAD = 0.1, -2.0, 0.8
"""Prior probability of a channel that hardly acts, and the distances of such channels, mean and standard deviation."""

BORROWED, BORROWED_SPREAD = 0.9, 1.0
"""Log of what a channel that follows demand seems to return over what it does, mean and standard deviation.

On 400 simulated worlds of one series and 181 by geo (see ``scripts/benchmark_plans.py``) the marginal ROIs of 203
channels that followed demand came out too high by 0.9 on the log scale, with a standard deviation of 1.1.
"""

DOUBTED = 0.1
"""Probability of following demand above which a channel does not tell the others how curves bend."""

NEVER = 1e-9
"""Probability of following demand of a channel of which a lift test has told what is its own."""

BEND_CENTRE, BEND_SPREAD = -0.6, 0.8
"""Log elasticity below which curves are less believed than their parameters, and how fast, as a standard deviation."""

ALIKE = 0.6
"""Correlation of the parameters of saturation between channels, on the scale on which their prior is normal."""


def usual_return(kpi_value: float, spend: float) -> float:
    """Return the usual marginal ROI: `SHARE` of the KPI's value over all spend."""
    return SHARE * kpi_value / spend


def roi_range(usual: float) -> tuple[float, float]:
    """Return about the 5% and 95% points of the ROI of a channel that acts, at an elasticity of one half."""
    spread = np.sqrt(CENTRE**2 + np.exp(2 * SPREAD["mu"]))
    low, high = 2 * usual * np.exp(spread * stats.norm.ppf([0.05, 0.95]))
    return float(low), float(high)


def distance(log_roi: Any, elasticity: Any, usual: Any, centre: Any) -> Any:
    """Return how far channels are from the centre of the pool; their marginal ROI is the ROI times the elasticity.

    Args:
        log_roi: logarithms of the ROI, shape ``(..., channel)``.
        elasticity: relative rise of the response per relative rise of the media, see `transforms.Shape.elasticity`.
        usual: see `usual_return`.
        centre: of the pool, on the log scale.
    """
    return log_roi + np.log(elasticity) - np.log(usual) - centre


def roi(distance: Array, elasticity: Array, usual: float, centre: Array) -> Array:
    """Return the ROI of channels at these distances; the inverse of `distance`."""
    return usual * np.exp(distance + centre) / elasticity


def log_density(distance: Any, spread: Any, demand: Any, logaddexp: Any = np.logaddexp) -> Any:
    """Return the log density of distances: most channels lie around the centre, some hardly act.

    Those that follow demand seem to return more than they do: they lie farther up, and teach the pool the less.

    Args:
        distance: see `distance`.
        spread: standard deviation of channels that act.
        demand: probability that the media follow demand, see `posterior.confounding.Demand`, above 0.
        logaddexp: of NumPy or PyTensor.
    """
    acting, idle, borrowing = _parts(distance, spread, demand)
    return logaddexp(logaddexp(acting, idle), borrowing) - 0.5 * np.log(2 * np.pi)


def bend_log_density(elasticity: Any) -> Any:
    """Return the log density, but for a constant, that keeps curves from bending so far that ROI knows no bound.

    The ROI is the marginal one over the elasticity; a curve that is all but flat where the spend lies makes any of it.
    """
    above = np.log(elasticity) - BEND_CENTRE
    return -0.5 * ((above - np.abs(above)) / (2 * BEND_SPREAD)) ** 2


def alike_log_density(standard: Any, channels: Any) -> Any:
    """Return the log density, but for a constant, of standard normals with correlation `ALIKE` over that without any.

    So what some channels tell of how they saturate is believed of the others too; the prior of each alone stays.

    Args:
        standard: one number for each channel, shape ``(channel,)``.
        channels: how many there are.

    Returns:
        What each channel adds, shape ``(channel,)``.
    """
    own = 1 - ALIKE
    return -0.5 * ALIKE / own * standard * (standard - standard.sum() / (own + channels * ALIKE))


def idle_probability(distance: Array, spread: Array, demand: Array) -> Array:
    """Return how probable it is that channels at these distances are those that hardly act; see `log_density`."""
    return softmax(_parts(distance, spread, demand), axis=0)[1]


def borrowed(distance: Array, spread: Array, demand: Array) -> tuple[Array, Array, Array]:
    """Return what channels at these distances seem to return of demand's, beside their own; see `log_density`.

    Returns:
        How probable it is that there is any, and the mean and standard deviation of its log factor, each as given.
    """
    chance = softmax(_parts(distance, spread, demand), axis=0)[2]
    own = spread**2 / (spread**2 + BORROWED_SPREAD**2)
    mean = own * BORROWED + (1 - own) * distance
    return chance, mean, np.sqrt(own) * BORROWED_SPREAD


def _parts(distance: Any, spread: Any, demand: Any) -> tuple[Any, Any, Any]:
    """Return the log densities, but for a constant, of channels that act, hardly do, and borrow from demand."""
    wide = (spread**2 + BORROWED_SPREAD**2) ** 0.5
    acting = np.log((1 - demand) * (1 - IDLE) / spread) - 0.5 * (distance / spread) ** 2
    idle = np.log((1 - demand) * IDLE / IDLE_SPREAD) - 0.5 * ((distance - IDLE_CENTRE) / IDLE_SPREAD) ** 2
    return acting, idle, np.log(demand / wide) - 0.5 * ((distance - BORROWED) / wide) ** 2


def distance_at(chance: Array, spread: Array) -> Array:
    """Return distances of channels that do not follow demand, where ``chance`` is uniform in (0, 1), of one shape."""
    idle = IDLE_CENTRE + IDLE_SPREAD * stats.norm.ppf(np.minimum(chance / IDLE, 1.0))
    acting = spread * stats.norm.ppf(np.maximum((chance - IDLE) / (1 - IDLE), 0.0))
    return np.where(chance < IDLE, idle, acting)
