"""The numbers that a compiled model exchanges for those of another panel of the same shape."""

import numpy as np

from mmm_bayes.model.design import Design
from mmm_bayes.transforms import Array

CENTRED = (0.3, 0.98)
"""Least and most centring of the week effect: neither end is left to an estimate."""

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
    centred = informed(arrays["y"], np.concatenate([features, *_rough_response(arrays["media"], data.sizes["week"])]))
    return arrays | {"common_reduced": reduced, "centred": np.array(centred)}


def _rough_response(media: Array, weeks: int) -> list[Array]:
    """Return saturated media of the week and, where there is a history, of the one before."""
    saturated = media / (1 + media)
    first = saturated.shape[-1] - weeks
    return [saturated[..., start : start + weeks] for start in (first, first - 1) if start >= 0]


def zero_sum_basis(size: int) -> Array:
    """Return orthonormal rows that add up to zero, shape ``(size - 1, size)``; the matrix of `build.zero_sum`."""
    basis = np.eye(size - 1, size) - 1 / (size**0.5 + size)
    basis[:, -1] = -1 / size**0.5
    return basis


def informed(y: Array, explanatory: Array) -> float:
    """Return how far the data inform the shocks common to all geos: their variance over that plus noise's.

    Judged from changes from week to week that nothing else explains.

    Args:
        y: scaled KPI of several geos, shape ``(geo, week)``.
        explanatory: what else may move the KPI, shape ``(feature, geo, week)``.
    """
    change, known = np.diff(y, axis=1), np.diff(explanatory, axis=2)
    apart = _unexplained((change - change.mean(axis=0)).ravel(), _columns(known - known.mean(axis=1, keepdims=True)))
    weight = (1 - 1 / len(y)) / np.maximum(apart.reshape(change.shape).var(axis=1), 1e-12)
    average = weight / weight.sum()
    shock = _unexplained(average @ change, np.einsum("g,fgt->tf", average, known))
    degrees = max(len(shock) - len(known), 1)
    return float(np.clip(1 - degrees / (weight.sum() * (shock**2).sum()), *CENTRED))


def _columns(values: Array) -> Array:
    return values.reshape(len(values), -1).T


def _unexplained(y: Array, known: Array) -> Array:
    """Return the residual of a regression."""
    return y - known @ np.linalg.lstsq(known, y, rcond=None)[0]
