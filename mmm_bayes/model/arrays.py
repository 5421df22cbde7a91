"""What of the graph is a number of the panel: data, parameters of priors and sizes, which compiled code reads."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from mmm_bayes.config import ChannelPriors, Model, Prior
from mmm_bayes.model.design import Design
from mmm_bayes.model.smooth import frequencies
from mmm_bayes.posterior.parts import parts_of
from mmm_bayes.priors import alike, effect_priors, pooled, prior_of
from mmm_bayes.transforms import SATURATIONS, Array, weeks_unseen

POOL = ("mean_media", "usual_return", "demand")
LIFT = ("lift_media", "lift_weight", "lift_member", "lift_kpi", "lift_error", "lift_channel")

NORMALS = "_z"
"""End of the names of standard normals behind other variables: nobody reads their draws."""

Placed = dict[int, Prior]
"""Priors by the places of their channels."""


def graph_data(design: Design, model: Model) -> dict[str, xr.Variable]:
    """Return the arrays of a panel, with their dimensions, by the name of their `pymc.Data`.

    ``y, money, seen (geo, week)`` and, where a KPI is missing, ``unseen (geo, week)`` of `transforms.weeks_unseen`;
    ``media (channel, geo, time)``, ``total (channel)``, for each part of the baseline its
    ``<part>_values (feature, geo or alike, week)``, and ``frequency (wave)`` of a smooth one; where channels are pooled
    ``pool_at`` (their places), ``mean_media, demand (channel)`` and ``usual_return``; for lift tests those of
    `experiments.lift_data`, and which places are which geos as ``lift_chosen (part, place, geo)``; and `prior_data`.
    """
    data = design.data
    places = pooled(data)
    names = ["y", "media", "money", "total", *LIFT, *(POOL if len(places) else ())]
    arrays = {name: data[name].variable for name in names if name in data}
    seen = data.get("observed", xr.ones_like(data["y"])).variable.astype(float)
    arrays["seen"] = seen
    if "observed" in data:
        arrays["unseen"] = xr.Variable(seen.dims, weeks_unseen(seen.to_numpy()))
    if len(places):
        arrays["pool_at"] = xr.Variable("pooled", places)
    if "lift_geo" in data:
        chosen = np.eye(data.sizes["geo"])[data["lift_geo"].to_numpy()]
        arrays["lift_chosen"] = xr.Variable((*data["lift_geo"].dims, "geo"), chosen)
    if "wave" in data.sizes:
        arrays["frequency"] = xr.Variable("wave", frequencies(data.sizes["week"]))
    for part in parts_of(data):
        geo = "geo" if "geo" in data[part.values].dims else "alike"
        arrays[part.values] = xr.Variable((part.dim, geo, "week"), part.features(data))
    return arrays | prior_data(data, model)


def prior_data(data: xr.Dataset, model: Model) -> dict[str, xr.Variable]:
    """Return the parameters of the channels' priors: ``kappa_mu (channel)``.

    Where channels differ in their distribution, one array for each, with the places of its channels:
    ``kappa_gamma_mu``, ``kappa_gamma_at``; so also for those of ROI or share: ``effect_lognormal_mu``, ``..._at``.
    The places of channels that are alike in a parameter are ``kappa_alike``; none, too, so that a prior of the user's
    compiles nothing.
    """
    found: dict[str, xr.Variable] = {}
    for name in model.shape.parameters:
        kinds = by_kind(data, name, model.priors)
        for kind, placed in kinds.items():
            found |= _arrays(name, "channel", placed) if len(kinds) == 1 else _with_places(f"{name}_{kind}", placed)
    for name in SATURATIONS[model.saturation].names:
        found[f"{name}_alike"] = xr.Variable(f"{name}_alike", alike(data, name, model.priors))
    for kind, placed in effect_kinds(data, model.priors).items():
        found |= _with_places(f"effect_{kind}", placed)
    return found


def by_kind(data: xr.Dataset, name: str, given: ChannelPriors) -> dict[str, Placed]:
    """Return the priors of a parameter of the shape, by their distribution."""
    channels = data["channel"].to_numpy().astype(str).tolist()
    return _grouped({c: prior_of(name, channel, given) for c, channel in enumerate(channels)})


def effect_kinds(data: xr.Dataset, given: ChannelPriors) -> dict[str, Placed]:
    """Return the priors of ROI or share of the channels that are not pooled, by their distribution."""
    return _grouped(effect_priors(data, given))


def _grouped(priors: Mapping[int, Prior]) -> dict[str, Placed]:
    kinds = sorted({prior.distribution for prior in priors.values()})
    return {kind: {c: prior for c, prior in priors.items() if prior.distribution == kind} for kind in kinds}


def _arrays(name: str, dim: str, placed: Placed) -> dict[str, xr.Variable]:
    every = [prior.parameters for prior in placed.values()]
    return {f"{name}_{one}": xr.Variable(dim, np.array([p[one] for p in every], float)) for one in every[0]}


def _with_places(name: str, placed: Placed) -> dict[str, xr.Variable]:
    return _arrays(name, name, placed) | {f"{name}_at": xr.Variable(name, [*placed])}


def sizes_of(data: xr.Dataset, model: Model) -> dict[str, int]:
    """Return the sizes of all dimensions that variables of the graph have."""
    dims = ("geo", "channel", "week", *(part.dim for part in parts_of(data)))
    kinds = {name: by_kind(data, name, model.priors) for name in model.shape.parameters}
    mixed = {
        f"{n}_{kind}_place": len(placed)
        for n, found in kinds.items()
        if len(found) > 1
        for kind, placed in found.items()
    }
    return {dim: data.sizes[dim] for dim in dims} | {"departure": data.sizes["geo"] - 1} | mixed


def coordinates(data: xr.Dataset, sizes: Mapping[str, int]) -> dict[str, Array]:
    """Return the coordinates of dimensions: those of the panel, else numbers."""
    return {dim: data[dim].to_numpy() if dim in data.coords else np.arange(size) for dim, size in sizes.items()}


def zero_sum_basis(size: int) -> Array:
    """Return orthonormal rows that add up to zero, shape ``(size - 1, size)``."""
    basis = np.eye(size - 1, size) - 1 / (size**0.5 + size)
    basis[:, -1] = -1 / size**0.5
    return basis
