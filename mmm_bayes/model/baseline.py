"""The baseline in the graph: the level of each geo and the parts of `posterior.parts`, each with its own variables."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from mmm_bayes.model.design import Design
from mmm_bayes.model.operations import DEPARTING, WEIGHTED
from mmm_bayes.model.smooth import amplitudes
from mmm_bayes.posterior.parts import Part, parts_of


def baseline(design: Design, known: Mapping[str, Any]) -> Any:
    """Return the level and all parts of the baseline, shape ``(geo, week)``.

    Args:
        design: scaled panel.
        known: its arrays as `pymc.Data`, see `arrays.graph_data`.
    """
    data = design.data
    return sum((term(part, data, known) for part in parts_of(data)), level(data, known))


def level(data: xr.Dataset, known: Mapping[str, Any]) -> Any:
    """Return the KPI of an ordinary week in each geo, independently Normal(1, 0.5); shape ``(geo, week)``.

    Several geos are drawn as standard normals, the first of which is their mean and the others, turned by an orthogonal
    matrix, departures that add up to zero: what data know of the two differs by far.
    """
    if data.sizes["geo"] == 1:
        return repeated(pm.Normal("level", 1.0, 0.5, dims="geo"), known["y"])
    z = pm.Normal("level_z", dims="geo")
    mean = (1.0 + 0.5 * z[0] / z.shape[0] ** 0.5)[None]
    found: Any = DEPARTING(mean, np.array([0.5]), z[1:, None], pt.ones((1, 1, known["y"].shape[1])))
    pm.Deterministic("level", found[1][0], dims="geo")
    return found[0]


def term(part: Part, data: xr.Dataset, known: Mapping[str, Any]) -> Any:
    """Return what a part adds to the scaled KPI, shape ``(geo, week)``.

    Args:
        part: its name, pooling and prior.
        data: scaled panel.
        known: its features, shape ``(feature, geo or 1, week)``, among the `pymc.Data`.
    """
    values, one = known[part.values], data.sizes["geo"] == 1
    if part.name == "smooth":
        return WEIGHTED(repeated(smooth(part, known["frequency"]), known["y"].T), values)
    common = pm.Normal(part.name, 0.0, part.spread, dims=part.dim)
    if part.pooling == "common" or one:
        return WEIGHTED(repeated(common, known["y"].T), values)
    return departing(part, common, values)


def departing(part: Part, common: Any, values: Any) -> Any:
    """Return features whose coefficients depart in each geo from the common ones, which carry what geos share.

    The departures add up to zero. Of features that are alike in all geos, drifting demand leaves little to inform them:
    they are non-centred. Of features that differ by geo the data inform them well: they are centred, and the prior of
    their spread vanishes at zero faster than any power, for with few geos nothing else would keep the sampler out of
    that funnel.
    """
    name, dims = f"{part.name}_z", ("departure", part.dim)
    if part.pooling == "departing":
        spread = pm.HalfNormal(part.spread_name, 0.1, dims=part.dim)
        mu, own = DEPARTING(common, spread, pm.Normal(name, dims=dims), values)
    else:
        spread = pm.LogNormal(part.spread_name, np.log(0.08), 0.7, dims=part.dim)
        mu, own = DEPARTING(common, pt.ones_like(spread), pm.Normal(name, 0.0, spread, dims=dims), values)
    pm.Deterministic(part.by_geo, own, dims=(part.dim, "geo"))
    return mu


def smooth(part: Part, frequency: Any) -> Any:
    """Return the weights of the sines, scaled to a process of learnt size and length; see `model.smooth`."""
    scale = pm.HalfNormal("smooth_scale", 0.1)
    length = pm.LogNormal("smooth_length", np.log(20.0), 0.3)
    z = pm.Normal(f"{part.name}_z", 0.0, part.spread, dims=part.dim)
    return pm.Deterministic(part.name, z * amplitudes(scale, length, frequency), dims=part.dim)


def repeated(x: Any, like: Any) -> Any:
    """Return a vector as the rows of a matrix with as many equal columns as ``like`` has."""
    return x[:, None] * pt.ones((1, like.shape[1]))
