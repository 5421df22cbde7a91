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
    return (departing if part.pooling == "departing" else centred)(part, common, values)


def departing(part: Part, common: Any, values: Any) -> Any:
    """Return features whose coefficients depart from the common ones by what adds up to zero over the geos.

    They are non-centred, since drifting demand leaves little to inform them; zero-sum, since the common coefficients
    carry what geos share.
    """
    spread = pm.HalfNormal(part.spread_name, 0.1, dims=part.dim)
    z = pm.Normal(f"{part.name}_z", dims=("departure", part.dim))
    found: Any = DEPARTING(common, spread, z, values)
    mu, own = found
    pm.Deterministic(part.by_geo, own, dims=(part.dim, "geo"))
    return mu


def centred(part: Part, common: Any, values: Any) -> Any:
    """Return features whose coefficients in each geo lie around the common ones; the data inform them well.

    The prior of their spread vanishes at zero faster than any power: with few geos, nothing else would keep the sampler
    out of that funnel.
    """
    spread = pm.LogNormal(part.spread_name, np.log(0.08), 0.7, dims=part.dim)
    own = pm.Normal(part.by_geo, common[:, None], spread[:, None], dims=(part.dim, "geo"))
    return WEIGHTED(own, values)


def smooth(part: Part, frequency: Any) -> Any:
    """Return the weights of the sines, scaled to a process of learnt size and length; see `model.smooth`."""
    scale = pm.HalfNormal("smooth_scale", 0.1)
    length = pm.LogNormal("smooth_length", np.log(20.0), 0.3)
    z = pm.Normal(f"{part.name}_z", 0.0, part.spread, dims=part.dim)
    return pm.Deterministic(part.name, z * amplitudes(scale, length, frequency), dims=part.dim)


def repeated(x: Any, like: Any) -> Any:
    """Return a vector as the rows of a matrix with as many equal columns as ``like`` has."""
    return x[:, None] * pt.ones((1, like.shape[1]))
