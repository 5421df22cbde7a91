"""The baseline in the graph: the level of each geo and the parts of `posterior.parts`, each with its own variables."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from mmm_bayes.model.arrays import zero_sum_basis
from mmm_bayes.model.design import Design
from mmm_bayes.model.kernels.features import Departing, Weighted
from mmm_bayes.model.smooth import amplitudes
from mmm_bayes.posterior.parts import Part, parts_of


def baseline(design: Design, known: Mapping[str, Any]) -> Any:
    """Return the level and all parts of the baseline, shape ``(geo, week)``.

    Args:
        design: scaled panel.
        known: its arrays as `pymc.Data`, see `arrays.graph_data`.
    """
    data = design.data
    return sum((term(part, data, known[part.values]) for part in parts_of(data)), level(data))


def level(data: xr.Dataset) -> Any:
    """Return the KPI of an ordinary week in each geo, independently Normal(1, 0.5); shape ``(geo, week)``.

    Several geos are drawn as standard normals that an orthogonal matrix turns into departures that add up to zero, and
    their mean: what data know of the two differs by far.
    """
    geos, weeks = data.sizes["geo"], data.sizes["week"]
    if geos == 1:
        return repeated(pm.Normal("level", 1.0, 0.5, dims="geo"), weeks)
    z = pm.Normal("level_z", shape=geos)
    turn = np.vstack([zero_sum_basis(geos), np.full(geos, geos**-0.5)])
    turned: Any = Weighted()(z[:, None], 0.5 * turn[:, None])
    pm.Deterministic("level", 1.0 + turned[0], dims="geo")
    return 1.0 + repeated(turned[0], weeks)


def term(part: Part, data: xr.Dataset, values: Any) -> Any:
    """Return what a part adds to the scaled KPI, shape ``(geo, week)``.

    Args:
        part: its name, pooling and prior.
        data: scaled panel.
        values: features, shape ``(feature, geo or 1, week)``.
    """
    geos = data.sizes["geo"]
    if part.name == "smooth":
        return Weighted()(repeated(smooth(part, data.sizes["week"]), geos), values)
    common = pm.Normal(part.name, 0.0, part.spread, dims=part.dim)
    if part.pooling == "common" or geos == 1:
        return Weighted()(repeated(common, geos), values)
    return (departing if part.pooling == "departing" else centred)(part, common, values, geos)


def departing(part: Part, common: Any, values: Any, geos: int) -> Any:
    """Return features whose coefficients depart from the common ones by what adds up to zero over the geos.

    They are non-centred, since drifting demand leaves little to inform them; zero-sum, since the common coefficients
    carry what geos share.
    """
    spread = pm.HalfNormal(part.spread_name, 0.1, dims=part.dim)
    z = pm.Normal(f"{part.name}_z", shape=(geos - 1, values.type.shape[0]))
    found: Any = Departing()(common, spread, z, values)
    mu, own = found
    pm.Deterministic(part.by_geo, own, dims=(part.dim, "geo"))
    return mu


def centred(part: Part, common: Any, values: Any, geos: int) -> Any:
    """Return features whose coefficients in each geo lie around the common ones; the data inform them well.

    The prior of their spread vanishes at zero faster than any power: with few geos, nothing else would keep the sampler
    out of that funnel.
    """
    spread = pm.LogNormal(part.spread_name, np.log(0.08), 0.7, dims=part.dim)
    own = pm.Normal(part.by_geo, common[:, None], spread[:, None], dims=(part.dim, "geo"))
    return Weighted()(own, values)


def smooth(part: Part, weeks: int) -> Any:
    """Return the weights of the sines, scaled to a process of learnt size and length; see `model.smooth`."""
    scale = pm.HalfNormal("smooth_scale", 0.1)
    length = pm.LogNormal("smooth_length", np.log(20.0), 0.3)
    z = pm.Normal(f"{part.name}_z", 0.0, part.spread, dims=part.dim)
    return pm.Deterministic(part.name, z * amplitudes(scale, length, weeks), dims=part.dim)


def repeated(x: Any, times: int) -> Any:
    """Return a vector as the rows of a matrix with ``times`` equal columns.

    PyTensor's sum over columns, the gradient of its own way, takes seconds to compile; `Weighted` is there anyway.
    """
    return Weighted()(x[None], np.ones((1, 1, times)))
