"""The Bayesian model: a `Design` and the user's `Model` become a PyMC graph."""

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from pytensor.graph.replace import graph_replace

from mmm_bayes.config import Model, Prior
from mmm_bayes.model.arrays import graph_data, zero_sum_basis
from mmm_bayes.model.design import Design
from mmm_bayes.model.kernels.drift import first_week_ratio, surprises
from mmm_bayes.model.kernels.features import Weighted
from mmm_bayes.model.kernels.fused import MediaEffect
from mmm_bayes.model.smooth import amplitudes
from mmm_bayes.priors import prior_of, roi_priors
from mmm_bayes.transforms import Shape, effect_scale

SPREAD = {"trend": 0.3, "season": 0.3, "holidays": 0.3, "controls": 0.3, "smooth": 1.0}
"""Prior standard deviation of coefficients, in shares of the mean KPI; those of a smooth baseline are scaled later."""


def shape_of(model: Model) -> Shape:
    """Return the response shape that the configuration asks for."""
    return Shape(model.adstock, model.saturation, model.order, model.l_max)


def build_model(design: Design, model: Model) -> pm.Model:
    """Build the PyMC model of ``design/model.md``; observed data are `pm.Data`, so that refits recompile nothing.

    Free variables: ``alpha, kappa, slope, theta`` (channel) as the shape asks, ``log_effect`` (channel),
    ``eta`` and ``z`` (geo departures), ``level``, coefficients, ``rho, gain, sigma``, and for several geos ``tau``
    and ``week_raw`` (shocks that all share).
    """
    data = design.data
    with pm.Model(coords=_coords(data), check_bounds=False) as graph:
        arrays = {name: values for name, values in graph_data(design).items() if values.size}
        # with shapes known, the compiler needs no code that finds and checks them
        known = {name: pm.Data(name, values, shape=values.shape) for name, values in arrays.items()}
        parameters = _shape_parameters(design, model)
        mu = _media_effect(design, model, parameters, known) + _baseline(design, known)
        _likelihood(known["y"] - mu, model, design.data.sizes["geo"])
    return graph


def kept_variables(graph: pm.Model) -> list[str]:
    """Return the names of the variables whose draws are kept."""
    derived = ("level", "week_effect")
    return [v.name for v in graph.free_RVs] + [v.name for v in graph.deterministics if v.name in derived]


def _coords(data: xr.Dataset) -> dict[str, Any]:
    return {name: data[name].to_numpy() for name in ("geo", "channel")} | {
        "week": np.arange(data.sizes["week"]),
        "feature": np.arange(data.sizes["feature"]),
    }


def _shape_parameters(design: Design, model: Model) -> dict[str, Any]:
    channels = [str(c) for c in design.data["channel"].to_numpy()]
    return {
        name: channel_vector(name, [prior_of(name, c, model.priors) for c in channels])
        for name in shape_of(model).parameters
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


def _media_effect(design: Design, model: Model, parameters: dict[str, Any], known: dict[str, Any]) -> Any:
    """Return the media's part of the scaled KPI, centred over the weeks; shape ``(geo, week)``."""
    shape = (design.data.sizes["channel"], design.data.sizes["geo"])
    departure = pt.zeros(shape)
    if shape[1] > 1:
        eta = pm.HalfNormal("eta", 0.3, dims="channel")
        departure = eta[:, None] * pm.Normal("z", dims=("channel", "geo"))
    log_effect = pm.Flat("log_effect", dims="channel", initval=np.full(shape[0], -3.5))
    effect, log_ratio = _effect(known["media"], known["money"], parameters, log_effect, departure, shape_of(model))
    pm.Potential("prior", _prior_of_effect(design, model, log_effect + log_ratio - pt.log(known["total"])))
    if "lift_kpi" in known:
        _observe_lift(design, model, parameters, log_effect, departure, known)
    return effect


def _observe_lift(
    design: Design, model: Model, parameters: dict[str, Any], log_effect: Any, departure: Any, known: dict[str, Any]
) -> None:
    """Observe the results of lift tests, see `model.lift`."""
    channel, geo = (design.data[name].to_numpy() for name in ("lift_channel", "lift_geo"))
    tested, place = np.unique(channel, return_inverse=True)
    # with its shape left open, the gradient would read the number of geos as data, which machine code cannot
    departure = pt.specify_shape(departure, tuple(design.data.sizes[dim] for dim in ("channel", "geo")))
    shape = shape_of(model)
    whole, sides = (
        shape.respond(media, {name: values[at][:, None] for name, values in parameters.items()})
        for media, at in ((known["media"][tested], tested), (known["lift_media"], channel))
    )
    spread = effect_scale(whole * pt.exp(departure[tested])[:, :, None], known["money"])[0]
    beta = pt.exp(log_effect[tested]) / spread
    chosen = np.eye(design.data.sizes["geo"])[geo]  # (test, place, geo)
    geo_effect = (pt.exp(departure[channel])[:, None, :] * chosen).sum(axis=-1)
    gain = ((sides[0] - sides[1]) * known["lift_weight"]).sum(axis=-1) * geo_effect
    lift = gain.sum(axis=-1) * beta[place]
    pm.Normal("lift", lift, known["lift_error"], observed=known["lift_kpi"])


def _effect(
    media: Any, money: Any, parameters: dict[str, Any], log_effect: Any, departure: Any, shape: Shape
) -> tuple[Any, Any]:
    """Return the media's effect ``(geo, week)`` and per channel the log of money over effect, before its total.

    The default order with Hill runs through the fused operation, any other shape through its parts.
    """
    if (shape.saturation, shape.order) == ("hill", "adstock_first"):
        log_kappa = pt.log(parameters["kappa"])
        weights = shape.weights(parameters)
        fused: Any = MediaEffect()(media, money, weights, log_kappa, parameters["slope"], log_effect, departure)
        return fused[0], fused[1]
    response = shape.respond(media, {name: value[:, None] for name, value in parameters.items()})
    response = response * pt.exp(departure)[:, :, None]
    spread, value = effect_scale(response, money)
    centred = response - response.mean(axis=-1, keepdims=True)
    return (centred * (pt.exp(log_effect) / spread)[:, None, None]).sum(axis=0), pt.log(value / spread)


def _prior_of_effect(design: Design, model: Model, log_quantity: Any) -> Any:
    """Return the log density of ``log_quantity`` (log ROI or log share), such that the quantity follows its prior."""
    priors = roi_priors(design.data, model.priors)
    if all(p.distribution == "lognormal" for p in priors):
        mu, sigma = (np.array([getattr(p, f) for p in priors]) for f in ("mu", "sigma"))
        return -0.5 * (((log_quantity - mu) / sigma) ** 2).sum()
    return sum(_log_density(prior, pt.exp(log_quantity[i])) for i, prior in enumerate(priors)) + log_quantity.sum()


def _log_density(prior: Prior, value: Any) -> Any:
    """Return the log density of a prior at ``value``."""
    distribution = DISTRIBUTIONS[prior.distribution].dist(**_arguments([prior]))[0]
    place = pt.dscalar()
    return graph_replace(pm.logp(distribution, place), {place: value})


# --- baseline -----------------------------------------------------------------------------------


def _baseline(design: Design, known: dict[str, Any]) -> Any:
    """Return level, trend, season, holidays and controls; shape ``(geo, week)``."""
    common = design.common
    spread = np.array([SPREAD[str(g)] for g in design.data["group"].to_numpy()])
    level = _level(design.data.sizes["geo"])
    gamma = pm.Normal("gamma", 0.0, spread, dims="feature")
    if len(design.smooth):
        gamma = _with_smooth(gamma, design)
    mu = repeated(level, design.data.sizes["week"])
    if common.any():
        mu = mu + _everywhere(known["common_features"], gamma, design)
    if not common.all():
        mu = mu + _local(known["local_features"], gamma, design)
    return mu


def _level(geos: int) -> Any:
    """Return the KPI of an ordinary week in each geo, Normal(1, 0.5), drawn as how they depart and as their mean."""
    if geos == 1:
        return pm.Normal("level", 1.0, 0.5, dims="geo")
    turned = pm.Normal("level_turned", np.append(np.zeros(geos - 1), geos**0.5), 0.5)
    basis = np.vstack([zero_sum_basis(geos), np.full(geos, geos**-0.5)])
    level: Any = Weighted()(turned[:, None], basis[:, None])
    return pm.Deterministic("level", level[0], dims="geo")


def _with_smooth(gamma: Any, design: Design) -> Any:
    """Return the coefficients with those of a smooth baseline scaled to its process, see `model.smooth`."""
    scale = pm.HalfNormal("smooth_scale", 0.1)
    length = pm.LogNormal("smooth_length", np.log(20.0), 0.3)
    at = slice(int(design.smooth[0]), int(design.smooth[-1]) + 1)
    return pt.set_subtensor(gamma[at], gamma[at] * amplitudes(scale, length, design.data.sizes["week"]))


def _everywhere(features: Any, gamma: Any, design: Design) -> Any:
    """Return features that are the same in each geo: trend and season, from which geos depart, and all others.

    Departures are non-centred, since drifting demand leaves little to inform them; zero-sum over the geos, since the
    common coefficients carry what they share.
    """
    common, departs, geos = design.common, design.departs, design.data.sizes["geo"]
    mu = _alike(features, gamma, common, design)
    if (common & departs).any():
        own = int((common & departs).sum())
        xi = pm.HalfNormal("xi_common", 0.1, shape=own)
        departure = pm.Normal("departure", shape=(geos - 1, own))
        coefficient = repeated(gamma[np.flatnonzero(common & departs)], geos) + zero_sum(departure, geos) * xi[:, None]
        mu = mu + Weighted()(coefficient, features[np.flatnonzero(departs[common])])
    return mu


def _local(features: Any, gamma: Any, design: Design) -> Any:
    """Return features that differ by geo: controls with pooled coefficients per geo, holidays with one.

    Data inform a control's coefficient in each geo well, so it is centred on the common one. The prior of their spread
    vanishes at zero faster than any power: with few geos, nothing else would keep the sampler out of that funnel.
    """
    local, departs, geos = ~design.common, design.departs, design.data.sizes["geo"]
    mu = _alike(features, gamma, local, design)
    if (local & departs).any():
        pooled = int((local & departs).sum())
        xi = pm.LogNormal("xi_local", np.log(0.08), 0.7, shape=pooled)
        centre = gamma[np.flatnonzero(local & departs)][:, None]
        coefficient = pm.Normal("coefficient", centre, xi[:, None], shape=(pooled, geos))
        mu = mu + Weighted()(coefficient, features[np.flatnonzero(departs[local])])
    return mu


def _alike(features: Any, gamma: Any, among: np.ndarray, design: Design) -> Any:
    """Return those of some features whose coefficient is the same in each geo."""
    alike = ~design.departs
    if not (among & alike).any():
        return pt.zeros((1, 1))
    coefficient = repeated(gamma[np.flatnonzero(among & alike)], design.data.sizes["geo"])
    return Weighted()(coefficient, features[np.flatnonzero(alike[among])])


def repeated(x: Any, times: int) -> Any:
    """Return a vector as the rows of a matrix with ``times`` equal columns.

    PyTensor's sum over columns, the gradient of its own way, takes seconds to compile; `Weighted` is there anyway.
    """
    return Weighted()(x[None], np.ones((1, 1, times)))


def zero_sum(x: Any, geos: int) -> Any:
    """Return rows ``(row, geo)`` that add up to zero from ``(geo - 1, row)`` free numbers, lengths kept."""
    return Weighted()(x, zero_sum_basis(geos)[:, None, :])


# --- likelihood ---------------------------------------------------------------------------------


def _likelihood(residual: Any, model: Model, geos: int) -> None:
    """Observe the surprises: the KPI given the model, the shocks of the weeks and its own past."""
    sigma = pm.LogNormal("sigma", -2.5, 1.0, dims="geo")
    rho, gain = pt.zeros(()), pt.zeros_like(sigma)
    if model.residual != "white":
        rho = pm.Beta("rho", 4.0, 1.0)
        gain = pm.Beta("gain", 1.5, 2.0, dims="geo") if model.residual == "drift" else pt.ones_like(sigma)
    surprise = surprises(residual, rho, gain)[0] if geos == 1 else _beyond_shocks(residual, rho, gain, sigma)
    first, weeks = first_week_ratio(rho, gain), residual.type.shape[1]
    scale = pt.where(np.arange(weeks) == 0, (1 / (sigma * first**0.5))[:, None], (1 / sigma)[:, None])
    standard = surprise * scale
    scales = (weeks * pt.log(sigma) + 0.5 * pt.log(first)).sum()
    pm.Potential("kpi", _log_likelihood(standard, model) - scales)


def _beyond_shocks(residual: Any, rho: Any, gain: Any, sigma: Any) -> Any:
    """Return the surprises ``(geo, week)`` beyond the shocks that all geos share; see `model.drift`."""
    tau = pm.InverseGamma("tau", alpha=2.0, beta=0.03)
    raw = pm.Flat("week_raw", dims="week")
    variance = 1 / (1 / tau**2 + (1 / sigma**2).sum())
    surprise, shock = surprises(residual, rho, gain, variance / sigma**2, variance**0.5, raw)
    pm.Deterministic("week_effect", shock, dims="week")
    # the log of the variance makes it the density of `raw`
    pm.Potential("shocks", (0.5 * pt.log(variance) - pt.log(tau) - 0.5 * (shock / tau) ** 2).sum())
    return surprise


def _log_likelihood(standard: Any, model: Model) -> Any:
    """Return the log density of surprises in units of their scale, Normal or Student-t, up to a constant."""
    if model.likelihood == "normal":
        return -0.5 * (standard**2).sum()
    nu = pm.Gamma("nu", mu=10.0, sigma=7.0)
    constant = pt.gammaln((nu + 1) / 2) - pt.gammaln(nu / 2) - 0.5 * pt.log(nu)
    return standard.size * constant - (nu + 1) / 2 * pt.log1p(standard**2 / nu).sum()
