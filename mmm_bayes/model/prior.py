"""Draws of the prior, as a posterior that has seen no data: what the model holds possible, to simulate panels from."""

import numpy as np
import pymc as pm
import xarray as xr

from mmm_bayes import pool
from mmm_bayes.config import Model
from mmm_bayes.model.design import Design
from mmm_bayes.model.graph import build_model, kept_variables
from mmm_bayes.posterior import Posterior
from mmm_bayes.posterior.draws import kpi_value, total_spend
from mmm_bayes.posterior.prior_predictive import prior_curves
from mmm_bayes.priors import effect_priors, pooled
from mmm_bayes.transforms import Array, effect_scale

DERIVED = ("log_effect", "contribution", "beta", "week_effect")
"""Variables of the graph that follow from potentials or from the KPI; the first three are worked out here."""


def draw_prior(design: Design, model: Model, draws: int, seed: int) -> Posterior:
    """Return independent draws of all parameters from their joint prior, with ROI and contributions that follow.

    Variables with a distribution of their own are drawn by PyMC from the graph itself; curves are those of
    `prior_curves`, and effects follow from the prior of what carries them.

    Args:
        design: scaled panel; its KPI is not looked at, but for the scales in it.
        model: what is assumed.
        draws: how many.
        seed: decides them.

    Returns:
        One chain, without misfit and without the shocks of the weeks.
    """
    random = np.random.default_rng([seed, draws])
    graph = build_model(design, model)
    curves = prior_curves(design.data, model.priors, model.shape)
    names = [name for name in kept_variables(graph) if name not in (*DERIVED, *curves)]
    drawn = pm.draw([graph[name] for name in names], draws=draws, random_seed=random)
    many = len(next(iter(curves.values())))
    rows = random.choice(many, size=draws, replace=draws > many)
    found = {**dict(zip(names, drawn, strict=True)), **{name: values[rows] for name, values in curves.items()}}
    contribution = _quantity(found, design.data, model, random) * design.data["total"].to_numpy()
    found |= {
        "contribution": contribution,
        "beta": contribution / _value(found, design.data, model),
        "contribution_share": contribution / kpi_value(design.data),
        "roi": contribution / np.where((spend := total_spend(design.data)) > 0, spend, np.nan),
    }
    dims = {**graph.named_vars_to_dims, **dict.fromkeys(("contribution", "contribution_share", "roi"), ("channel",))}
    variables = {name: (("chain", "draw", *dims.get(name, ())), values[None]) for name, values in found.items()}
    tree = xr.DataTree.from_dict(
        {"posterior": xr.Dataset(variables, coords=design.data.coords), "constant_data": design.data}
    )
    tree.attrs = {"model": model.model_dump_json()}
    return Posterior(tree)


def _quantity(found: dict[str, Array], data: xr.Dataset, model: Model, random: np.random.Generator) -> Array:
    """Return draws of ROI or contribution share, whichever carries the prior, shape ``(draw, channel)``."""
    draws = len(found["sigma"])
    quantity = np.empty((draws, data.sizes["channel"]))
    for c, prior in effect_priors(data, model.priors).items():
        quantity[:, c] = prior.frozen().ppf(random.random(draws))
    for c in pooled(data):
        own = {name: found[name][:, c] for name in model.shape.parameters}
        elasticity = model.shape.elasticity(data["mean_media"].to_numpy()[c], own)
        distance = pool.distance_at(random.random(draws), found["pool_spread"])
        quantity[:, c] = pool.roi(distance, elasticity, float(data["usual_return"]), found["pool_centre"])
    return quantity


def _value(found: dict[str, Array], data: xr.Dataset, model: Model) -> Array:
    """Return what each channel would bring at a coefficient of 1, currency, shape ``(draw, channel)``."""
    media, money = data["media"].to_numpy(), data["money"].to_numpy()

    def of(draw: int) -> Array:
        own = {name: found[name][draw][:, None] for name in model.shape.parameters}
        response = model.shape.respond(media, own) * found["geo_effect"][draw][:, :, None]
        return effect_scale(response, money)[1]

    return np.stack([of(draw) for draw in range(len(found["sigma"]))])
