"""Priors of the channels: sensible defaults, the user's own, and what both mean for the panel."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from scipy import optimize, stats

from mmm_bayes.config import ChannelPriors, Prior, PriorLike
from mmm_bayes.errors import ConfigError, nearest
from mmm_bayes.transforms import Array

TAIL = stats.norm.ppf(0.95)

DEFAULTS: Mapping[str, Prior] = {
    # median 1.2, 90% in 0.3 to 5.4: most published ROIs
    "roi": Prior(distribution="lognormal", mu=0.2, sigma=0.9),
    # organic media have no spend, hence no ROI: their share of the KPI carries the prior, median 2%
    "contribution_share": Prior(distribution="lognormal", mu=-3.9, sigma=1.0),
    # most of the effect within a few weeks, long carry-over possible
    "alpha": Prior(distribution="beta", alpha=1.5, beta=2.5),
    # half saturation from a sixth of the median week's media to three times as much: narrower priors missed the ROI
    # of channels close to their ceiling
    "kappa": Prior(distribution="lognormal", mu=-0.3, sigma=0.9),
    # from concave to clearly S-shaped: 0.6 to 2.4
    "slope": Prior(distribution="lognormal", mu=0.15, sigma=0.45),
    # weeks until the delayed peak, or the age dependence of Weibull retention
    "theta": Prior(distribution="gamma", mu=1.5, sigma=1.0),
}

SUPPORT = {
    "roi": (0, np.inf),
    "contribution_share": (0, 1),
    "alpha": (0, 1),
    "kappa": (0, np.inf),
    "slope": (0, np.inf),
}


def prior_of(quantity: str, channel: str, given: ChannelPriors) -> Prior:
    """Return the prior of one quantity of one channel: named, else the user's ``default``, else ours.

    Raises:
        ConfigError: a range that is empty or leaves the quantity's support.
    """
    table: Mapping[str, PriorLike] = getattr(given, quantity, {})
    like = table.get(channel, table.get("default"))
    if like is None:
        return DEFAULTS[quantity]
    place = f"model.priors.{quantity}.{channel if channel in table else 'default'}"
    prior = like if isinstance(like, Prior) else prior_from_range(quantity, like, place)
    _require_complete(prior, place)
    return prior


def roi_priors(data: xr.Dataset, given: ChannelPriors) -> list[Prior]:
    """Return the prior of each channel's ROI, or of its contribution share where that carries the prior."""
    return [prior_of(_carrier(data, c), _name(data, c), given) for c in range(data.sizes["channel"])]


def prior_place(data: xr.Dataset, channel: int, given: ChannelPriors) -> str:
    """Return where the configuration sets the prior of `roi_priors`: ``model.priors.roi.tv``."""
    kind, name = _carrier(data, channel), _name(data, channel)
    table = getattr(given, kind)
    return f"model.priors.{kind}.{'default' if name not in table and 'default' in table else name}"


def _carrier(data: xr.Dataset, channel: int) -> str:
    return "contribution_share" if data["by_share"].to_numpy()[channel] else "roi"


def _name(data: xr.Dataset, channel: int) -> str:
    return str(data["channel"].to_numpy()[channel])


def check_channels(given: ChannelPriors, channels: list[str]) -> None:
    """Refuse priors for channels that the panel does not have."""
    for quantity in ChannelPriors.model_fields:
        for channel in getattr(given, quantity):
            if channel not in [*channels, "default"]:
                raise ConfigError(
                    f"model.priors.{quantity} names the channel '{channel}'; {nearest(channel, channels)}"
                )


def prior_from_range(quantity: str, limits: tuple[float, float], place: str) -> Prior:
    """Return the prior whose 5% and 95% points are ``limits``: beta for ``alpha``, log-normal otherwise."""
    low, high = limits
    bottom, top = SUPPORT[quantity]
    if not (bottom < low < high < top):
        raise ConfigError(f"{place}: [{low}, {high}] must rise and lie between {bottom} and {top}, both excluded.")
    if quantity == "alpha":
        return _beta_from_range(low, high)
    mu, sigma = (np.log(high) + np.log(low)) / 2, (np.log(high) - np.log(low)) / (2 * TAIL)
    return Prior(distribution="lognormal", mu=float(mu), sigma=float(sigma))


def _beta_from_range(low: float, high: float) -> Prior:
    def miss(logs: Array) -> Array:
        return stats.beta.ppf([0.05, 0.95], *np.exp(logs)) - [low, high]

    a, b = np.exp(optimize.least_squares(miss, [0.5, 0.5]).x)
    return Prior(distribution="beta", alpha=float(a), beta=float(b))


NEEDS: Mapping[str, tuple[str, ...]] = {
    "lognormal": ("mu", "sigma"),
    "normal": ("mu", "sigma"),
    "halfnormal": ("sigma",),
    "beta": ("alpha", "beta"),
    "gamma": ("mu", "sigma"),
    "uniform": ("lower", "upper"),
    "truncatednormal": ("mu", "sigma", "lower", "upper"),
}


def _require_complete(prior: Prior, place: str) -> None:
    needed = NEEDS[prior.distribution]
    for name in needed:
        if getattr(prior, name) is None:
            raise ConfigError(f"{place}: {prior.distribution} needs {' and '.join(needed)}; '{name}' is missing.")
    extra = [n for n in ("mu", "sigma", "alpha", "beta", "lower", "upper") if getattr(prior, n) is not None]
    if surplus := sorted(set(extra) - set(needed)):
        raise ConfigError(f"{place}: {prior.distribution} takes {' and '.join(needed)}, not '{surplus[0]}'.")


def frozen(prior: Prior) -> stats.rv_continuous:
    """Return the SciPy distribution of a prior, for quantiles and prior draws."""
    p: Any = prior  # complete: see `_require_complete`
    match p.distribution:
        case "lognormal":
            return stats.lognorm(p.sigma, scale=np.exp(p.mu))
        case "normal":
            return stats.norm(p.mu, p.sigma)
        case "halfnormal":
            return stats.halfnorm(scale=p.sigma)
        case "beta":
            return stats.beta(p.alpha, p.beta)
        case "gamma":
            return stats.gamma((p.mu / p.sigma) ** 2, scale=p.sigma**2 / p.mu)
        case "uniform":
            return stats.uniform(p.lower, p.upper - p.lower)
        case _:
            low, high = (p.lower - p.mu) / p.sigma, (p.upper - p.mu) / p.sigma
            return stats.truncnorm(low, high, loc=p.mu, scale=p.sigma)
