"""The numbers that a compiled model exchanges for those of another panel of the same shape."""

import numpy as np

from mmm_bayes.model.design import Design
from mmm_bayes.transforms import Array

LIFT = ("lift_media", "lift_weight", "lift_kpi", "lift_error")


def graph_data(design: Design) -> dict[str, Array]:
    """Return the arrays of a panel by the name of their `pymc.Data`.

    ``y, money (geo, week)``, ``media (channel, geo, l_max - 1 + week)``, ``total (channel)``, ``common_features
    (feature, week)``, ``local_features (feature, geo, week)``; for several geos also ``common_reduced (feature,
    week - 1)``, the common features without their (zero) sum, and the scalar ``centred``; for lift tests those of
    `lift.lift_data` that are no places.
    """
    data, common = design.data, design.common
    features = data["feature_values"].to_numpy()
    arrays = {name: data[name].to_numpy() for name in ("y", "media", "money", "total")}
    arrays |= {name: data[name].to_numpy() for name in LIFT if name in data}
    arrays |= {"common_features": features[common, 0], "local_features": features[~common]}
    if len(arrays["y"]) == 1:
        return arrays
    reduced = arrays["common_features"] @ zero_sum_basis(data.sizes["week"]).T
    return arrays | {"common_reduced": reduced, "centred": np.array(informed(arrays["y"], features))}


def zero_sum_basis(size: int) -> Array:
    """Return orthonormal rows that add up to zero, shape ``(size - 1, size)``; the matrix of `build.zero_sum`."""
    basis = np.eye(size - 1, size) - 1 / (size**0.5 + size)
    basis[:, -1] = -1 / size**0.5
    return basis


def informed(y: Array, features: Array) -> float:
    """Return how far the data inform the shocks common to all geos: their variance over that plus noise's.

    Judged from changes from week to week that the features do not explain.

    Args:
        y: scaled KPI of several geos, shape ``(geo, week)``.
        features: shape ``(feature, geo, week)``.
    """
    change = np.diff(y, axis=1)
    noise = (change - change.mean(axis=0)).var(axis=1) * len(y) / (len(y) - 1)
    weight = 1 / np.maximum(noise, 1e-12)
    common = weight @ change / weight.sum()
    known = np.diff(np.einsum("g,fgt->ft", weight / weight.sum(), features), axis=1).T
    left = common - known @ np.linalg.lstsq(known, common, rcond=None)[0]
    variance = (left**2).sum() / max(len(left) - known.shape[1], 1)
    return float(np.clip(1 - 1 / (weight.sum() * variance), 0.02, 0.98))
