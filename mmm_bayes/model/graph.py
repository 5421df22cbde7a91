"""The Bayesian model: a `Design` and the user's `Model` become a PyMC graph."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.graph.replace import graph_replace

from mmm_bayes import pool
from mmm_bayes.config import Model, Prior
from mmm_bayes.config.prior import DISTRIBUTIONS as PRIORS
from mmm_bayes.likelihoods import LIKELIHOODS
from mmm_bayes.model.arrays import NORMALS, by_kind, coordinates, effect_kinds, graph_data, sizes_of
from mmm_bayes.model.baseline import baseline
from mmm_bayes.model.design import Design
from mmm_bayes.model.operations import MEDIA_EFFECT, surprises, untraced
from mmm_bayes.posterior.lift import lift_of
from mmm_bayes.priors import DEFAULTS
from mmm_bayes.transforms import SATURATIONS, Shape, effect_scale, first_week_ratio, media_effect


@untraced
def build_model(design: Design, model: Model) -> pm.Model:
    """Build the PyMC model of ``docs/model.md``; whatever is a number of the panel or a size is `pymc.Data`."""
    data = design.data
    with pm.Model(coords=coordinates(data, sizes_of(data, model)), check_bounds=False) as graph:
        known = {name: pm.Data(name, array.to_numpy()) for name, array in graph_data(design, model).items()}
        mu = _media(design, model, known) + baseline(design, known)
        _likelihood(known["y"] - mu, model, data.sizes["geo"], known)
    return graph


def kept_variables(graph: pm.Model) -> list[str]:
    """Return the names of the variables whose draws are kept: all but the standard normals behind others."""
    return [v.name for v in (*graph.free_RVs, *graph.deterministics) if not v.name.endswith(NORMALS)]


def _shape_parameters(design: Design, model: Model, known: Mapping[str, Any]) -> dict[str, Any]:
    kinds = {name: by_kind(design.data, name, model.priors) for name in model.shape.parameters}
    parameters = {name: channel_vector(name, found, known) for name, found in kinds.items()}
    pm.Potential("alike", sum(_alike(name, parameters[name], known) for name in SATURATIONS[model.saturation].names))
    return parameters


def _alike(name: str, values: Any, known: Mapping[str, Any]) -> Any:
    """Return the log density by which channels are alike in a parameter of saturation, its prior alone aside."""
    prior, own = DEFAULTS[name].parameters, known[f"{name}_alike"]
    return pool.alike_log_density((pt.log(values[own]) - prior["mu"]) / prior["sigma"], own.shape[0]).sum()


def channel_vector(name: str, kinds: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    """Return a random vector ``(channel,)`` with one prior each; one distribution for all makes one variable.

    Args:
        name: of the parameter.
        kinds: by the distributions that its priors have, see `arrays.by_kind`.
        known: parameters and places of the priors, see `arrays.prior_data`.
    """
    if len(kinds) == 1:
        return variable(name, next(iter(kinds)), known, "channel")
    vector = pt.zeros(known["total"].shape)
    for kind in kinds:
        own = f"{name}_{kind}"
        vector = pt.set_subtensor(vector[known[f"{own}_at"]], variable(own, kind, known, f"{own}_place"))
    return pm.Deterministic(name, vector, dims="channel")


DISTRIBUTIONS = {
    "lognormal": pm.LogNormal,
    "normal": pm.Normal,
    "halfnormal": pm.HalfNormal,
    "beta": pm.Beta,
    "gamma": pm.Gamma,
    "uniform": pm.Uniform,
    "truncatednormal": pm.TruncatedNormal,
}


def variable(name: str, kind: str, known: Mapping[str, Any], dim: str) -> Any:
    """Return one vector variable whose entries share the distribution but not its parameters."""
    return DISTRIBUTIONS[kind](name, **_arguments(name, kind, known), dims=dim)


def _arguments(name: str, kind: str, known: Mapping[str, Any]) -> dict[str, Any]:
    return {argument: known[f"{name}_{argument}"] for argument in PRIORS[kind].parameters}


# --- media --------------------------------------------------------------------------------------


def _media(design: Design, model: Model, known: dict[str, Any]) -> Any:
    """Return the media's part of the scaled KPI, centred over the weeks; shape ``(geo, week)``."""
    parameters, departure = _shape_parameters(design, model, known), pt.zeros((known["total"].shape[0], 1))
    if design.data.sizes["geo"] > 1:
        eta = pm.LogNormal("eta", np.log(0.15), 0.8, dims="channel")
        departure = eta[:, None] * pm.Normal("geo_effect_z", dims=("channel", "geo"))
    log_effect = pm.Flat("log_effect", dims="channel", initval=pt.full(known["total"].shape, -3.5))
    found = _effect(known["media"], known["money"], parameters, log_effect, departure, model.shape)
    effect, log_beta, log_contribution = found
    log_quantity = log_contribution - pt.log(known["total"])
    if kinds := effect_kinds(design.data, model.priors):
        pm.Potential("prior", sum(_prior_of_effect(kind, log_quantity, known) for kind in kinds))
    if "pool_at" in known:
        own = known["pool_at"]
        elasticity = model.shape.elasticity(known["mean_media"], parameters)[own]
        pm.Potential("bending", pool.bend_log_density(elasticity).sum())
        pm.Potential("pool", _prior_of_pool(log_quantity[own], elasticity, known["usual_return"], known["demand"][own]))
    pm.Deterministic("contribution", pt.exp(log_contribution), dims="channel")
    beta = pm.Deterministic("beta", pt.exp(log_beta), dims="channel")
    geo_effect = pm.Deterministic("geo_effect", pt.exp(departure), dims=("channel", "geo"))
    if "lift_kpi" in known:
        _observe_lift(model, parameters, beta, geo_effect, known)
    return effect


def _observe_lift(
    model: Model, parameters: dict[str, Any], beta: Any, geo_effect: Any, known: Mapping[str, Any]
) -> None:
    """Observe the results of lift tests, see `posterior.lift`."""
    channel = known["lift_channel"]
    own = {name: values[channel][:, None] for name, values in parameters.items()}
    with_it, without = (model.shape.respond(media, own) for media in (known["lift_media"][0], known["lift_media"][1]))
    of_places = (geo_effect[channel][:, None, :] * known["lift_chosen"]).sum(axis=-1)
    parts = lift_of(with_it - without, known["lift_weight"], of_places, beta[channel])
    lift = (parts[:, None] * known["lift_member"]).sum(axis=0)
    pm.Normal("lift", lift, known["lift_error"], observed=known["lift_kpi"])


def _effect(
    media: Any, money: Any, parameters: dict[str, Any], log_effect: Any, departure: Any, shape: Shape
) -> tuple[Any, Any, Any]:
    """Return the media's effect ``(geo, week)``, and per channel the logs of ``beta`` and of the contribution.

    The default order with Hill runs through the fused operation, any other shape through its parts.
    """
    if (shape.saturation, shape.order) == ("hill", "adstock_first"):
        log_kappa, weights = pt.log(parameters["kappa"]), shape.weights(parameters)
        fused: Any = MEDIA_EFFECT(media, money, weights, log_kappa, parameters["slope"], log_effect, departure)
        effect, log_spread, log_value = fused[:3]
        return effect, log_effect - log_spread, log_effect - log_spread + log_value
    response = shape.respond(media, {name: value[:, None] for name, value in parameters.items()})
    response = response * pt.exp(departure)[:, :, None]
    spread, value = effect_scale(response, money)
    log_beta = log_effect - pt.log(spread)
    return media_effect(response, pt.exp(log_beta)), log_beta, log_beta + pt.log(value)


def _prior_of_effect(kind: str, log_quantity: Any, known: Mapping[str, Any]) -> Any:
    """Return the log density of ``log_quantity`` (log ROI or log share), such that the quantity follows its prior.

    Args:
        kind: of the priors.
        log_quantity: of all channels, shape ``(channel,)``.
        known: parameters and places of the priors, see `arrays.prior_data`.
    """
    own, place = log_quantity[known[f"effect_{kind}_at"]], pt.dvector()
    prior = DISTRIBUTIONS[kind].dist(**_arguments(f"effect_{kind}", kind, known))
    return (graph_replace(pm.logp(prior, place), {place: pt.exp(own)}) + own).sum()


def _prior_of_pool(log_roi: Any, elasticity: Any, usual: Any, demand: Any) -> Any:
    """Return the log density of the marginal ROI of the channels in the pool, see `mmm_bayes.pool`."""
    centre = pm.Normal("pool_centre", 0.0, pool.CENTRE)
    spread = pm.LogNormal("pool_spread", **Prior(**pool.SPREAD).parameters)
    return pool.log_density(pool.distance(log_roi, elasticity, usual, centre), spread, demand, _logaddexp).sum()


def _logaddexp(a: Any, b: Any) -> Any:
    return a + pt.softplus(b - a)


# --- likelihood ---------------------------------------------------------------------------------


def _likelihood(residual: Any, model: Model, geos: int, known: Mapping[str, Any]) -> None:
    """Observe the surprises: the KPI, where it is seen, given the model, the shocks of the weeks and its own past."""
    sigma = pm.LogNormal("sigma", -2.5, 1.0, dims="geo")
    rho, gain = pt.zeros(()), pt.zeros_like(sigma)
    if model.residual != "white":
        rho = pm.Beta("rho", 4.0, 1.0)
        gain = pm.Beta("gain", 1.5, 2.0, dims="geo") if model.residual == "drift" else pt.ones_like(sigma)
    seen = known["seen"]
    surprise = _one_geo(residual, rho, gain, seen) if geos == 1 else _beyond_shocks(residual, rho, gain, sigma, seen)
    if "unseen" in known:
        ratio = first_week_ratio(rho, gain[:, None], known["unseen"])
        density = _log_density(surprise / (sigma[:, None] * ratio**0.5), model)
        pm.Potential("kpi", (seen * (density - pt.log(sigma)[:, None] - 0.5 * pt.log(ratio))).sum())
        return
    first, weeks = first_week_ratio(rho, gain), residual.shape[1]
    scale = pt.where(pt.eq(pt.arange(weeks), 0), (1 / (sigma * first**0.5))[:, None], (1 / sigma)[:, None])
    scales = (weeks * pt.log(sigma) + 0.5 * pt.log(first)).sum()
    pm.Potential("kpi", _log_density(surprise * scale, model).sum() - scales)


def _one_geo(residual: Any, rho: Any, gain: Any, seen: Any) -> Any:
    """Return the surprises of a single geo, which shares its shocks with no other."""
    pm.Deterministic("week_effect", pt.zeros(residual.shape[1]), dims="week")
    return surprises(residual, rho, gain, seen)[0]


def _beyond_shocks(residual: Any, rho: Any, gain: Any, sigma: Any, seen: Any) -> Any:
    """Return the surprises ``(geo, week)`` beyond the shocks that all geos share; see `model.drift`."""
    tau = pm.InverseGamma("tau", alpha=2.0, beta=0.03)
    raw = pm.Flat("week_z", dims="week")
    variance = 1 / (1 / tau**2 + (1 / sigma**2).sum())
    surprise, shock = surprises(residual, rho, gain, seen, variance / sigma**2, variance**0.5, raw)
    pm.Deterministic("week_effect", shock, dims="week")
    # the log of the variance makes it the density of `raw`
    pm.Potential("shocks", (0.5 * pt.log(variance) - pt.log(tau) - 0.5 * (shock / tau) ** 2).sum())
    return surprise


def _log_density(standard: Any, model: Model) -> Any:
    """Return the log density of surprises in units of their scale, entry by entry; see `mmm_bayes.likelihoods`."""
    likelihood = LIKELIHOODS[model.likelihood]
    priors = {parameter.name: Prior(**parameter.prior) for parameter in likelihood.parameters}
    parameters = [DISTRIBUTIONS[prior.distribution](name, **prior.parameters) for name, prior in priors.items()]
    return likelihood.log_density(standard, *parameters, gammaln=pt.gammaln)
