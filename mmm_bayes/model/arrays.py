"""The numbers that a compiled model exchanges for those of another panel of the same shape."""

import numpy as np

from mmm_bayes.model.design import Design
from mmm_bayes.transforms import Array

LIFT = ("lift_media", "lift_weight", "lift_kpi", "lift_error")


def graph_data(design: Design) -> dict[str, Array]:
    """Return the arrays of a panel by the name of their `pymc.Data`.

    ``y, money (geo, week)``, ``media (channel, geo, l_max - 1 + week)``, ``total (channel)``, ``common_features
    (feature, 1, week)``, ``local_features (feature, geo, week)``; for lift tests those of `lift.lift_data` that are no
    places.
    """
    data, common = design.data, design.common
    features = data["feature_values"].to_numpy()
    arrays = {name: data[name].to_numpy() for name in ("y", "media", "money", "total")}
    arrays |= {name: data[name].to_numpy() for name in LIFT if name in data}
    return arrays | {"common_features": features[common, :1], "local_features": features[~common]}


def zero_sum_basis(size: int) -> Array:
    """Return orthonormal rows that add up to zero, shape ``(size - 1, size)``."""
    basis = np.eye(size - 1, size) - 1 / (size**0.5 + size)
    basis[:, -1] = -1 / size**0.5
    return basis
