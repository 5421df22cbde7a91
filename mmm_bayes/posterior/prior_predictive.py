"""What the priors say before any data: of each channel's ROI, and of how much of the KPI media would explain."""

import numpy as np
import xarray as xr
from scipy import stats

from mmm_bayes import pool
from mmm_bayes.config import ChannelPriors, Prior
from mmm_bayes.findings import Finding
from mmm_bayes.posterior.draws import kpi_value, total_spend
from mmm_bayes.priors import alike, by_share, effect_priors, pooled, prior_of, prior_place
from mmm_bayes.transforms import SATURATIONS, Array, Shape

MOST = 0.8
"""Share of the KPI that media do not explain in any business that would exist without them."""

LIKELY = 0.2
"""Prior probability of more than that from which on a prior is called implausible."""

DRAWS, CANDIDATES = 4000, 4
"""Draws of what channels have in common, and of each channel beside each."""


def prior_quantities(data: xr.Dataset, given: ChannelPriors, shape: Shape) -> Array:
    """Return prior draws of what carries the prior of each channel, ROI or contribution share.

    Those of the pool belong together: a draw of its centre lifts all its channels. Each margin is stratified (McKay,
    Beckman and Conover 1979, Technometrics 21, 239), so that its quantiles are those of the prior.

    Args:
        data: scaled panel, see `model.design.Design`.
        given: the user's priors.
        shape: adstock and saturation.

    Returns:
        Shape ``(draw, channel)``.
    """
    random = np.random.default_rng(0)
    found = np.empty((DRAWS, data.sizes["channel"]))
    for c, prior in effect_priors(data, given).items():
        found[:, c] = prior.frozen().ppf(_chances(random))
    centre = pool.CENTRE * stats.norm.ppf(_chances(random))
    spread = Prior(**pool.SPREAD).frozen().ppf(_chances(random))
    if len(members := pooled(data)):
        elasticity = shape.elasticity(data["mean_media"].to_numpy(), prior_curves(data, given, shape))
        for c in members:
            distance = pool.distance_at(_chances(random), spread)
            found[:, c] = pool.roi(distance, elasticity[:, c], float(data["usual_return"]), centre)
    return found


def prior_curves(data: xr.Dataset, given: ChannelPriors, shape: Shape) -> dict[str, Array]:
    """Return prior draws of the parameters of saturation by name, each of shape ``(draw, channel)``.

    Those of channels that are alike belong together, see `pool.ALIKE`; those of the pool bend as it lets them, see
    `pool.bend_log_density`: of candidates for each channel beside each draw of what is common, as many of either are
    kept as their weight says (Rubin 1988, Bayesian Statistics 3, 395).
    """
    random = np.random.default_rng(0)
    found = {name: _candidates(name, data, given, random) for name in SATURATIONS[shape.saturation].names}
    weight = np.ones((CANDIDATES, DRAWS, data.sizes["channel"]))
    if len(members := pooled(data)):
        elasticity = shape.elasticity(data["mean_media"].to_numpy(), found)
        weight[..., members] = np.exp(pool.bend_log_density(elasticity[..., members]))
    common = weight.mean(axis=0).prod(axis=-1)
    draws = random.choice(DRAWS, size=DRAWS, p=common / common.sum())
    reached = weight[:, draws].cumsum(axis=0)
    chosen = (reached < random.uniform(size=reached.shape[1:]) * reached[-1]).sum(axis=0)
    return {n: np.take_along_axis(values[:, draws], chosen[None], axis=0)[0] for n, values in found.items()}


def _candidates(name: str, data: xr.Dataset, given: ChannelPriors, random: np.random.Generator) -> Array:
    """Return draws of a parameter from each channel's prior, some alike; shape ``(candidate, draw, channel)``."""
    channels, members = data["channel"].to_numpy().astype(str).tolist(), alike(data, name, given)
    standard, common = random.standard_normal((CANDIDATES, DRAWS, len(channels))), random.standard_normal((DRAWS, 1))
    standard[..., members] = pool.ALIKE**0.5 * common + (1 - pool.ALIKE) ** 0.5 * standard[..., members]
    chances = stats.norm.cdf(standard)
    return np.stack([prior_of(name, c, given).frozen().ppf(chances[..., i]) for i, c in enumerate(channels)], axis=-1)


def _chances(random: np.random.Generator) -> Array:
    """Return chances that fill (0, 1) evenly, in any order."""
    return (random.permutation(DRAWS) + 0.5) / DRAWS


def prior_shares(data: xr.Dataset, given: ChannelPriors, shape: Shape) -> Array:
    """Return prior draws of each channel's part of the KPI, shape ``(draw, channel)``; see `prior_quantities`."""
    factor = np.where(by_share(data), 1.0, total_spend(data) / kpi_value(data))
    return prior_quantities(data, given, shape) * factor


def implausible_priors(data: xr.Dataset, given: ChannelPriors, shape: Shape) -> list[Finding]:
    """Return every prior of the user's by which media would explain nearly all of the KPI; see `prior_shares`."""
    shares = prior_shares(data, given, shape)
    alone, together = (shares > MOST).mean(axis=0), float((shares.sum(axis=1) > MOST).mean())
    names = [str(c) for c in data["channel"].to_numpy()]
    places = {c: prior_place(data, c, given) for c in effect_priors(data, given)}
    found = [
        Finding(
            "prior.implausible",
            {"place": place, "channel": names[c], "share": MOST, "probability": float(alone[c])},
        )
        for c, place in places.items()
        if alone[c] > LIKELY
    ]
    if found or together <= LIKELY or not places:
        return found
    c = max(places, key=lambda c: float(shares[:, c].mean()))
    values = {"place": places[c], "channel": names[c], "share": MOST, "probability": together}
    return [Finding("prior.implausible_together", values)]
