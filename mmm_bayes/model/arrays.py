"""The numbers that a compiled model exchanges for those of another panel of the same shape."""

import numpy as np

from mmm_bayes.model.design import Design
from mmm_bayes.posterior.parts import parts_of
from mmm_bayes.transforms import Array

LIFT = ("lift_media", "lift_weight", "lift_kpi", "lift_error")

NORMALS = "_z"
"""End of the names of standard normals behind other variables: nobody reads their draws."""


def graph_data(design: Design) -> dict[str, Array]:
    """Return the arrays of a panel by the name of their `pymc.Data`.

    ``y, money (geo, week)``, ``media (channel, geo, l_max - 1 + week)``, ``total, mean_media (channel)``,
    ``usual_return``, for each part of the
    baseline its ``<part>_values (feature, geo or 1, week)``; for lift tests those of `lift.lift_data` that are no
    places.
    """
    data = design.data
    arrays = {name: data[name].to_numpy() for name in ("y", "media", "money", "total", "mean_media", "usual_return")}
    arrays |= {name: data[name].to_numpy() for name in LIFT if name in data}
    return arrays | {part.values: part.features(data) for part in parts_of(data)}


def zero_sum_basis(size: int) -> Array:
    """Return orthonormal rows that add up to zero, shape ``(size - 1, size)``."""
    basis = np.eye(size - 1, size) - 1 / (size**0.5 + size)
    basis[:, -1] = -1 / size**0.5
    return basis
