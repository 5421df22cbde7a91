"""Priors of the channels: sensible defaults, the user's own, and what both mean for the panel."""

from collections.abc import Iterator, Mapping

import numpy as np
import xarray as xr
from scipy import optimize, stats

from mmm_bayes.config import ChannelPriors, Prior, PriorLike
from mmm_bayes.errors import ConfigError, nearest
from mmm_bayes.pool import DOUBTED
from mmm_bayes.transforms import PARAMETERS, Array

TAIL = stats.norm.ppf(0.95)

DEFAULTS: Mapping[str, Prior] = {
    # organic media have no spend, hence no ROI: their share of the KPI carries the prior, median 2%
    "contribution_share": Prior(distribution="lognormal", mu=-3.9, sigma=1.0),
    **{name: Prior(**parameter.prior) for name, parameter in PARAMETERS.items()},
}


def carrier(channel: str, paid: bool, given: ChannelPriors) -> str:
    """Return what carries the prior of a channel's effect: ``roi``, ``contribution_share`` or the ``pool``.

    Organic media have no spend, hence no ROI. For paid ones a prior that names the channel decides, else a default of
    ROI, else one of ``contribution_share``, else it is what channels have in common: the `mmm_bayes.pool`.
    """
    if not paid or channel in given.contribution_share:
        return "contribution_share"
    if given.roi.keys() & {channel, "default"}:
        return "roi"
    return "contribution_share" if "default" in given.contribution_share else "pool"


def prior_of(quantity: str, channel: str, given: ChannelPriors) -> Prior:
    """Return the prior of one quantity of one channel: named, else the user's ``default``, else ours."""
    table: Mapping[str, PriorLike] = getattr(given, quantity)
    like = next((table[name] for name in (channel, "default") if name in table), None) or DEFAULTS[quantity]
    return like if isinstance(like, Prior) else prior_from_range(quantity, like)


def effect_priors(data: xr.Dataset, given: ChannelPriors) -> dict[int, Prior]:
    """Return the prior of ROI, or of the contribution share where that carries it, by place; not of pooled channels."""
    carriers = enumerate(_carried(data))
    return {c: prior_of(quantity, channel, given) for c, (channel, quantity) in carriers if quantity != "pool"}


def pooled(data: xr.Dataset) -> Array:
    """Return the places of the channels whose prior is what channels have in common."""
    return np.flatnonzero(data["carrier"].to_numpy() == "pool")


def alike(data: xr.Dataset, parameter: str, given: ChannelPriors) -> Array:
    """Return the places of the channels whose prior of a parameter of saturation is ours, see `pool.ALIKE`.

    Those that may well follow demand are left out: what they seem to be of is the shape of demand.
    """
    own = getattr(given, parameter).keys()
    ours = np.array([not own & {c, "default"} for c in data["channel"].to_numpy().astype(str).tolist()])
    return np.flatnonzero(ours & (data["demand"].to_numpy() <= DOUBTED if "demand" in data else True))


def by_share(data: xr.Dataset) -> Array:
    """Return which channels have the prior of their contribution share, shape ``(channel,)``."""
    return data["carrier"].to_numpy() == "contribution_share"


def prior_place(data: xr.Dataset, channel: int, given: ChannelPriors) -> str:
    """Return where the configuration sets the prior of a channel's effect: ``model.priors.roi.tv``."""
    name, carried = _carried(data)[channel]
    quantity = "roi" if carried == "pool" else carried
    table = getattr(given, quantity)
    return f"model.priors.{quantity}.{'default' if name not in table and 'default' in table else name}"


def _carried(data: xr.Dataset) -> list[tuple[str, str]]:
    """Return each channel with what carries its prior, as `carrier` had it when the design was made."""
    return list(zip(*(data[name].to_numpy().astype(str).tolist() for name in ("channel", "carrier")), strict=True))


def check_channels(given: ChannelPriors, paid: Mapping[str, bool]) -> None:
    """Refuse priors of channels that the panel does not have, and of the ROI of those without spend.

    Args:
        given: the user's priors.
        paid: whether it has spend, by channel of the panel.

    Raises:
        ConfigError: all of them.
    """
    if found := list(_strange(given, paid)):
        raise ConfigError(*found)


def _strange(given: ChannelPriors, paid: Mapping[str, bool]) -> Iterator[str]:
    for quantity, table in given:
        for channel in table:
            if channel not in [*paid, "default"]:
                yield f"model.priors.{quantity} names the channel '{channel}'; {nearest(channel, list(paid))}"
            elif quantity == "roi" and not paid.get(channel, True):
                yield (
                    f"model.priors.roi.{channel}: the channel is organic and has no ROI; "
                    f"give model.priors.contribution_share.{channel} instead."
                )


def prior_from_range(quantity: str, limits: tuple[float, float]) -> Prior:
    """Return the prior whose 5% and 95% points are ``limits``: beta where ours is one, log-normal otherwise."""
    low, high = limits
    if quantity in DEFAULTS and DEFAULTS[quantity].distribution == "beta":
        return _beta_from_range(low, high)
    mu, sigma = (np.log(high) + np.log(low)) / 2, (np.log(high) - np.log(low)) / (2 * TAIL)
    return Prior(distribution="lognormal", mu=float(mu), sigma=float(sigma))


def _beta_from_range(low: float, high: float) -> Prior:
    def miss(logs: Array) -> Array:
        return stats.beta.ppf([0.05, 0.95], *np.exp(logs)) - [low, high]

    a, b = np.exp(optimize.least_squares(miss, [0.5, 0.5]).x)
    return Prior(distribution="beta", alpha=float(a), beta=float(b))
