"""What the priors say before any data: of each channel's ROI, and of how much of the KPI media would explain."""

import numpy as np
import xarray as xr
from scipy import stats

from mmm_bayes import pool
from mmm_bayes.config import ChannelPriors, Prior
from mmm_bayes.findings import Finding
from mmm_bayes.posterior.draws import kpi_value, total_spend
from mmm_bayes.priors import by_share, effect_priors, pooled, prior_of, prior_place
from mmm_bayes.transforms import SATURATIONS, Array, Shape

MOST = 0.8
"""Share of the KPI that media do not explain in any business that would exist without them."""

LIKELY = 0.2
"""Prior probability of more than that from which on a prior is called implausible."""

DRAWS = 4000


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
    names = data["channel"].to_numpy().astype(str).tolist()
    random = np.random.default_rng(0)
    found = np.empty((DRAWS, len(names)))
    for c, prior in effect_priors(data, given).items():
        found[:, c] = prior.frozen().ppf(_chances(random))
    centre = pool.CENTRE * stats.norm.ppf(_chances(random))
    spread = Prior(**pool.SPREAD).frozen().ppf(_chances(random))
    for c in pooled(data):
        saturation = SATURATIONS[shape.saturation].names
        parameters = {n: prior_of(n, names[c], given).frozen().ppf(_chances(random)) for n in saturation}
        elasticity = _bent(shape.elasticity(data["mean_media"].to_numpy()[c], parameters), random)
        distance = pool.distance_at(_chances(random), spread)
        found[:, c] = pool.roi(distance, elasticity, float(data["usual_return"]), centre)
    return found


def _bent(elasticity: Array, random: np.random.Generator) -> Array:
    """Return draws of an elasticity as often as `pool.bend_log_density` lets them be."""
    weight = np.exp(pool.bend_log_density(elasticity))
    return random.choice(elasticity, size=len(elasticity), p=weight / weight.sum())


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
