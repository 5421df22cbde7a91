"""Where chains start: the nuisance parameters where the data are, so that none wanders off in its first steps."""

import numpy as np

from mmm_bayes.model.design import Design
from mmm_bayes.posterior.parts import parts_of
from mmm_bayes.transforms import Array

OFF = 0.01
"""A little off zero, since the sampler refuses zero gradients."""


def start_of(design: Design) -> dict[str, Array]:
    """Return, on the unconstrained scale, where chains start with the parameters that the data place.

    All others start dispersed, so that chains can disagree.
    """
    y = design.data["y"].to_numpy()
    around = y - y.mean(axis=0) if len(y) > 1 else y - 1.0
    start = {"level_z": np.full(len(y), OFF)} if len(y) > 1 else {"level": np.ones(1)}
    start["sigma_log__"] = np.log(np.maximum(around.std(axis=1), 1e-3))
    for part in parts_of(design.data):
        features = design.data.sizes[part.dim]
        start |= {part.name: np.full(features, OFF), part.by_geo: np.full((features, len(y)), OFF)}
    return start
