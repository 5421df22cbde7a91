"""Adstock and saturation: one formula each, written with operators alone.

The same functions therefore serve NumPy arrays (curves, simulator) and PyTensor or JAX
tensors (the model). Adding a shape means adding a function here and its name to
`ADSTOCKS` or `SATURATIONS`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FLOOR = 1e-9
"""Stands in for zero below a power: ``0**slope`` has no gradient in ``slope``."""


def geometric_weights(alpha: Any, l_max: int) -> Any:
    """Return normalised geometric carry-over weights.

    Jin et al. (2017), eq. 2: ``w_l = alpha^l / sum_k alpha^k`` for ``l = 0 .. l_max - 1``.

    Args:
        alpha: retention rate in [0, 1), any shape ``(...)``.
        l_max: number of weeks that spend can act, at least 1.

    Returns:
        Weights of shape ``(..., l_max)`` that add up to 1.
    """
    weights = alpha[..., None] ** np.arange(l_max, dtype=float)
    return weights / weights.sum(axis=-1, keepdims=True)


def adstock(media: Any, weights: Any) -> Any:
    """Carry media over to later weeks: ``a_t = sum_l w_l x_{t-l}``.

    Args:
        media: shape ``(..., l_max - 1 + week)``; the first ``l_max - 1`` entries are the
            history before the first week (zeros where unknown, see `with_history`).
        weights: shape ``(..., l_max)``; leading dimensions broadcast against those of ``media``.

    Returns:
        Adstocked media, shape ``(..., week)``.
    """
    l_max = weights.shape[-1]
    weeks = media.shape[-1] - l_max + 1
    total = weights[..., 0, None] * media[..., l_max - 1 : l_max - 1 + weeks]
    for lag in range(1, l_max):
        start = l_max - 1 - lag
        total = total + weights[..., lag, None] * media[..., start : start + weeks]
    return total


def with_history(media: np.ndarray, l_max: int, history: np.ndarray | None = None) -> np.ndarray:
    """Prepend the last ``l_max - 1`` weeks of history (zeros where there is none) along the last axis."""
    wanted = l_max - 1
    past = np.zeros((*media.shape[:-1], wanted))
    if history is not None and wanted:
        known = history[..., -wanted:]
        past[..., wanted - known.shape[-1] :] = known
    return np.concatenate([past, media], axis=-1)


def hill(x: Any, kappa: Any, slope: Any) -> Any:
    """Return the Hill saturation ``x^slope / (x^slope + kappa^slope)``, in [0, 1), exactly 0 at 0.

    Jin et al. (2017), eq. 4. ``kappa`` is the half-saturation point in the units of ``x``;
    shapes broadcast.
    """
    safe = x + FLOOR * (x <= 0)
    return (x > 0) / (1.0 + (kappa / safe) ** slope)
