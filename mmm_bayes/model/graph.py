"""The Bayesian model: a `Design` and the user's `Model` become a PyMC graph."""

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from pytensor.graph.replace import graph_replace

from mmm_bayes import pool
from mmm_bayes.config import Model, Prior
from mmm_bayes.likelihoods import LIKELIHOODS
from mmm_bayes.model.arrays import NORMALS, graph_data
from mmm_bayes.model.baseline import baseline
from mmm_bayes.model.design import Design
from mmm_bayes.model.kernels.drift import surprises
from mmm_bayes.model.kernels.fused import MediaEffect
from mmm_bayes.posterior.lift import lift_of
from mmm_bayes.posterior.parts import parts_of
from mmm_bayes.priors import effect_priors, pooled, prior_of
from mmm_bayes.transforms import Shape, effect_scale, first_week_ratio, media_effect


def build_model(design: Design, model: Model) -> pm.Model:
    """Build the PyMC model of ``docs/model.md``; observed data are `pm.Data`, so that refits recompile nothing."""
    data = design.data
    with pm.Model(coords=_coords(data), check_bounds=False) as graph:
        arrays = {name: values for name, values in graph_data(design).items() if values.size}
        # with shapes known, the compiler needs no code that finds and checks them
        known = {name: pm.Data(name, values, shape=values.shape) for name, values in arrays.items()}
        mu = _media(design, model, known) + baseline(design, known)
        _likelihood(known["y"] - mu, model, data.sizes["geo"])
    return graph


def kept_variables(graph: pm.Model) -> list[str]:
    """Return the names of the variables whose draws are kept: all but the standard normals behind others."""
    return [v.name for v in (*graph.free_RVs, *graph.deterministics) if not v.name.endswith(NORMALS)]


def _coords(data: xr.Dataset) -> dict[str, Any]:
    dims = ("geo", "channel", *(part.dim for part in parts_of(data)))
    return {dim: data[dim].to_numpy() for dim in dims} | {"week": np.arange(data.sizes["week"])}


def _shape_parameters(design: Design, model: Model) -> dict[str, Any]:
    channels = [str(c) for c in design.data["channel"].to_numpy()]
    return {
        name: channel_vector(name, [prior_of(name, c, model.priors) for c in channels])
        for name in model.shape.parameters
    }


def channel_vector(name: str, priors: list[Prior]) -> Any:
    """Return a random vector ``(channel,)`` with one prior each; one distribution for all makes one variable."""
    kinds = sorted({p.distribution for p in priors})
    if len(kinds) == 1:
        return variable(name, priors, dims="channel")
    vector = pt.zeros(len(priors))
    for kind in kinds:
        places = [i for i, p in enumerate(priors) if p.distribution == kind]
        vector = pt.set_subtensor(vector[places], variable(f"{name}_{kind}", [priors[i] for i in places]))
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


def variable(name: str, priors: list[Prior], dims: str | None = None) -> Any:
    """Return one vector variable whose entries share the distribution but not its parameters."""
    size = {"dims": dims} if dims else {"shape": len(priors)}
    return DISTRIBUTIONS[priors[0].distribution](name, **_arguments(priors), **size)


def _arguments(priors: list[Prior]) -> dict[str, np.ndarray]:
    return {name: np.array([p.parameters[name] for p in priors]) for name in priors[0].parameters}


# --- media --------------------------------------------------------------------------------------


def _media(design: Design, model: Model, known: dict[str, Any]) -> Any:
    """Return the media's part of the scaled KPI, centred over the weeks; shape ``(geo, week)``."""
    shape = (design.data.sizes["channel"], design.data.sizes["geo"])
    parameters, departure = _shape_parameters(design, model), pt.zeros(shape)
    if shape[1] > 1:
        eta = pm.HalfNormal("eta", 0.3, dims="channel")
        departure = eta[:, None] * pm.Normal("geo_effect_z", dims=("channel", "geo"))
    log_effect = pm.Flat("log_effect", dims="channel", initval=np.full(shape[0], -3.5))
    found = _effect(known["media"], known["money"], parameters, log_effect, departure, model.shape)
    effect, log_beta, log_contribution = found
    log_quantity = log_contribution - pt.log(known["total"])
    if priors := effect_priors(design.data, model.priors):
        pm.Potential("prior", _prior_of_effect(priors, log_quantity))
    if len(places := pooled(design.data)):
        elasticity = model.shape.elasticity(known["mean_media"], parameters)[places]
        pm.Potential("bending", pool.bend_log_density(elasticity).sum())
        pm.Potential("pool", _prior_of_pool(log_quantity[places], elasticity, known["usual_return"]))
    pm.Deterministic("contribution", pt.exp(log_contribution), dims="channel")
    beta = pm.Deterministic("beta", pt.exp(log_beta), dims="channel")
    geo_effect = pm.Deterministic("geo_effect", pt.exp(departure), dims=("channel", "geo"))
    if "lift_kpi" in known:
        _observe_lift(design, model, parameters, beta, geo_effect, known)
    return effect


def _observe_lift(
    design: Design, model: Model, parameters: dict[str, Any], beta: Any, geo_effect: Any, known: dict[str, Any]
) -> None:
    """Observe the results of lift tests, see `posterior.lift`."""
    channel, geo = (design.data[name].to_numpy() for name in ("lift_channel", "lift_geo"))
    own = {name: values[channel][:, None] for name, values in parameters.items()}
    with_it, without = (model.shape.respond(media, own) for media in (known["lift_media"][0], known["lift_media"][1]))
    # with its shape left open, the gradient would read the number of geos as data, which machine code cannot
    geo_effect = pt.specify_shape(geo_effect, tuple(design.data.sizes[dim] for dim in ("channel", "geo")))
    chosen = np.eye(design.data.sizes["geo"])[geo]  # (part, place, geo)
    of_places = (geo_effect[channel][:, None, :] * chosen).sum(axis=-1)
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
        fused: Any = MediaEffect()(media, money, weights, log_kappa, parameters["slope"], log_effect, departure)
        effect, log_spread, log_value = fused[:3]
        return effect, log_effect - log_spread, log_effect - log_spread + log_value
    response = shape.respond(media, {name: value[:, None] for name, value in parameters.items()})
    response = response * pt.exp(departure)[:, :, None]
    spread, value = effect_scale(response, money)
    log_beta = log_effect - pt.log(spread)
    return media_effect(response, pt.exp(log_beta)), log_beta, log_beta + pt.log(value)


def _prior_of_effect(priors: dict[int, Prior], log_quantity: Any) -> Any:
    """Return the log density of ``log_quantity`` (log ROI or log share), such that the quantity follows its prior."""
    if all(p.distribution == "lognormal" for p in priors.values()):
        mu, sigma = (np.array([getattr(p, f) for p in priors.values()]) for f in ("mu", "sigma"))
        return -0.5 * (((log_quantity[[*priors]] - mu) / sigma) ** 2).sum()
    return sum(_log_density(prior, pt.exp(log_quantity[i])) + log_quantity[i] for i, prior in priors.items())


def _prior_of_pool(log_roi: Any, elasticity: Any, usual: Any) -> Any:
    """Return the log density of the marginal ROI of the channels in the pool, see `mmm_bayes.pool`."""
    centre = pm.Normal("pool_centre", 0.0, pool.CENTRE)
    spread = pm.LogNormal("pool_spread", **Prior(**pool.SPREAD).parameters)
    return pool.log_density(pool.distance(log_roi, elasticity, usual, centre), spread, pt.logaddexp).sum()


def _log_density(prior: Prior, value: Any) -> Any:
    """Return the log density of a prior at ``value``."""
    distribution = DISTRIBUTIONS[prior.distribution].dist(**_arguments([prior]))[0]
    place = pt.dscalar()
    return graph_replace(pm.logp(distribution, place), {place: value})


# --- likelihood ---------------------------------------------------------------------------------


def _likelihood(residual: Any, model: Model, geos: int) -> None:
    """Observe the surprises: the KPI given the model, the shocks of the weeks and its own past."""
    sigma = pm.LogNormal("sigma", -2.5, 1.0, dims="geo")
    rho, gain = pt.zeros(()), pt.zeros_like(sigma)
    if model.residual != "white":
        rho = pm.Beta("rho", 4.0, 1.0)
        gain = pm.Beta("gain", 1.5, 2.0, dims="geo") if model.residual == "drift" else pt.ones_like(sigma)
    surprise = _one_geo(residual, rho, gain) if geos == 1 else _beyond_shocks(residual, rho, gain, sigma)
    first, weeks = first_week_ratio(rho, gain), residual.type.shape[1]
    scale = pt.where(np.arange(weeks) == 0, (1 / (sigma * first**0.5))[:, None], (1 / sigma)[:, None])
    standard = surprise * scale
    scales = (weeks * pt.log(sigma) + 0.5 * pt.log(first)).sum()
    pm.Potential("kpi", _log_likelihood(standard, model) - scales)


def _one_geo(residual: Any, rho: Any, gain: Any) -> Any:
    """Return the surprises of a single geo, which shares its shocks with no other."""
    pm.Deterministic("week_effect", pt.zeros(residual.type.shape[1]), dims="week")
    return surprises(residual, rho, gain)[0]


def _beyond_shocks(residual: Any, rho: Any, gain: Any, sigma: Any) -> Any:
    """Return the surprises ``(geo, week)`` beyond the shocks that all geos share; see `model.drift`."""
    tau = pm.InverseGamma("tau", alpha=2.0, beta=0.03)
    raw = pm.Flat("week_z", dims="week")
    variance = 1 / (1 / tau**2 + (1 / sigma**2).sum())
    surprise, shock = surprises(residual, rho, gain, variance / sigma**2, variance**0.5, raw)
    pm.Deterministic("week_effect", shock, dims="week")
    # the log of the variance makes it the density of `raw`
    pm.Potential("shocks", (0.5 * pt.log(variance) - pt.log(tau) - 0.5 * (shock / tau) ** 2).sum())
    return surprise


def _log_likelihood(standard: Any, model: Model) -> Any:
    """Return the log density of surprises in units of their scale, see `mmm_bayes.likelihoods`."""
    likelihood = LIKELIHOODS[model.likelihood]
    priors = {parameter.name: Prior(**parameter.prior) for parameter in likelihood.parameters}
    parameters = [DISTRIBUTIONS[prior.distribution](name, **prior.parameters) for name, prior in priors.items()]
    return likelihood.log_density(standard, *parameters, gammaln=pt.gammaln).sum()
