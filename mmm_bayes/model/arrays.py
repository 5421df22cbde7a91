"""The numbers that a compiled model exchanges for those of another panel of the same shape."""

import numpy as np

from mmm_bayes.model.design import Design
from mmm_bayes.posterior.parts import parts_of
from mmm_bayes.priors import pooled
from mmm_bayes.transforms import Array

POOL = ("mean_media", "usual_return")
LIFT = ("lift_media", "lift_weight", "lift_member", "lift_kpi", "lift_error")

NORMALS = "_z"
"""End of the names of standard normals behind other variables: nobody reads their draws."""


def graph_data(design: Design) -> dict[str, Array]:
    """Return the arrays of a panel by the name of their `pymc.Data`.

    ``y, money (geo, week)``, ``media (channel, geo, l_max - 1 + week)``, ``total (channel)``, for each part of the
    baseline its ``<part>_values (feature, geo or 1, week)``; where channels are pooled ``mean_media (channel)`` and
    ``usual_return``; for lift tests those of `experiments.lift_data` that are no places nor ages.
    """
    data = design.data
    names = ["y", "media", "money", "total", *(POOL if len(pooled(data)) else ()), *(n for n in LIFT if n in data)]
    arrays = {name: data[name].to_numpy() for name in names}
    return arrays | {part.values: part.features(data) for part in parts_of(data)}


def zero_sum_basis(size: int) -> Array:
    """Return orthonormal rows that add up to zero, shape ``(size - 1, size)``."""
    basis = np.eye(size - 1, size) - 1 / (size**0.5 + size)
    basis[:, -1] = -1 / size**0.5
    return basis
