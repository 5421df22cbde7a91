"""Where chains start: the nuisance parameters where the data are, so that none wanders off in its first steps."""

from collections.abc import Mapping

import numpy as np

from mmm_bayes.transforms import Array

PLACED = ("level", "level_turned", "sigma_log__", "gamma", "coefficient")
"""Parameters that start where the data are; all others start dispersed, so that chains can disagree."""


def start_of(arrays: Mapping[str, Array], features: int) -> dict[str, Array]:
    """Return starts on the unconstrained scale; a little off zero, since the sampler refuses zero gradients.

    Args:
        arrays: of the panel, see `arrays.graph_data`.
        features: number of features.
    """
    y = arrays["y"]
    around = y - y.mean(axis=0) if len(y) > 1 else y - 1.0
    start = {"gamma": np.full(features, 0.01)}
    start |= {"level_turned": np.append(np.zeros(len(y) - 1), len(y) ** 0.5)} if len(y) > 1 else {"level": np.ones(1)}
    start["sigma_log__"] = np.log(np.maximum(around.std(axis=1), 1e-3))
    return start
