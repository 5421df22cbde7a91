"""Adstock and saturation: one formula each, written with operators, `numpy.exp` and `numpy.log` alone.

The same functions therefore serve NumPy arrays (curves, simulator) and PyTensor tensors
(the model). Adding a shape means adding a function here, its name to `ADSTOCKS` or
`SATURATIONS` and to the configuration.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

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


def delayed_weights(alpha: Any, theta: Any, l_max: int) -> Any:
    """Return normalised carry-over weights that peak ``theta`` weeks after the spend.

    Jin et al. (2017), eq. 3: ``w_l = alpha^((l - theta)^2)``. Shapes as in `geometric_weights`;
    ``alpha`` in (0, 1), ``theta`` in ``[0, l_max - 1]`` of the same shape.
    """
    weights = alpha[..., None] ** ((np.arange(l_max, dtype=float) - theta[..., None]) ** 2)
    return weights / weights.sum(axis=-1, keepdims=True)


def weibull_weights(alpha: Any, theta: Any, l_max: int) -> Any:
    """Return normalised Weibull survival weights, whose retention changes with age.

    Robyn's "Weibull CDF": ``w_l = S(l)`` with ``S(l) = exp(-(l / scale)^theta)``. The scale is
    written through the retention of the first week, ``alpha = S(1) = exp(-scale^-theta)``, so
    ``w_l = alpha^(l^theta)`` and ``theta = 1`` is geometric. Shapes as in `geometric_weights`.
    """
    weights = alpha[..., None] ** (np.arange(l_max, dtype=float) ** theta[..., None])
    return weights / weights.sum(axis=-1, keepdims=True)


def adstock(media: Any, weights: Any, l_max: int) -> Any:
    """Carry media over to later weeks: ``a_t = sum_l w_l x_{t-l}``.

    Args:
        media: shape ``(..., l_max - 1 + week)``; the first ``l_max - 1`` entries are the
            history before the first week (zeros where unknown, see `with_history`).
        weights: shape ``(..., l_max)``; leading dimensions broadcast against those of ``media``.
        l_max: number of weights.

    Returns:
        Adstocked media, shape ``(..., week)``.
    """
    total = weights[..., 0, None] * media[..., l_max - 1 :]
    for lag in range(1, l_max):
        total = total + weights[..., lag, None] * media[..., l_max - 1 - lag : -lag]
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
    return (x > 0) / (1.0 + np.exp(slope * (np.log(kappa) - np.log(safe))))


def logistic(x: Any, kappa: Any) -> Any:
    """Return the logistic saturation ``(1 - e^(-lam x)) / (1 + e^(-lam x))`` with ``lam = ln 3 / kappa``.

    Written through the half-saturation point ``kappa``, in the units of ``x``: ``logistic(kappa) = 1/2``.
    """
    decay = 3.0 ** (-x / kappa)
    return (1.0 - decay) / (1.0 + decay)


def media_scale(driver: Any, persons: Any) -> Any:
    """Return the driver per unit of scaled media: media are counted per person, over the median of its non-zero weeks.

    Args:
        driver: spend, exposure or reach times frequency, shape ``(channel, geo, week)``.
        persons: inhabitants of each geo, or whatever else media spread over, shape ``(geo,)``.

    Returns:
        Shape ``(channel, geo)``; per person alone for a channel without any media.
    """
    relative = driver / persons[:, None]
    ordinary = [np.median(own[own > 0]) if (own > 0).any() else 1.0 for own in relative]
    return np.array(ordinary)[:, None] * persons


def effect_scale(response: Any, money: Any) -> tuple[Any, Any]:
    """Return the spread of a response over time and its value in money, both of shape ``(...)``.

    A channel's *effect* is the standard deviation over time of its contribution in shares of the mean KPI,
    which data identify far better than the zero-out ROI. With ``spread = sd_t(response)`` the coefficient is
    ``beta = effect / spread`` and the contribution in currency ``effect * value / spread``.

    Args:
        response: saturated, carried-over media times the geo's departure, shape ``(..., geo, week)``.
        money: currency per unit of scaled KPI, shape ``(geo, week)``.
    """
    centred = response - response.mean(axis=-1, keepdims=True)
    return (centred**2).mean(axis=(-2, -1)) ** 0.5, (response * money).sum(axis=(-2, -1))


ADSTOCKS: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "geometric": (geometric_weights, ("alpha",)),
    "delayed": (delayed_weights, ("alpha", "theta")),
    "weibull": (weibull_weights, ("alpha", "theta")),
}
SATURATIONS: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "hill": (hill, ("kappa", "slope")),
    "logistic": (logistic, ("kappa",)),
}


@dataclass(frozen=True)
class Shape:
    """How media turn into response before the effect is scaled: adstock, saturation and their order."""

    adstock: str = "geometric"
    saturation: str = "hill"
    order: str = "adstock_first"
    l_max: int = 8

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters that `respond` needs."""
        return ADSTOCKS[self.adstock][1] + SATURATIONS[self.saturation][1]

    def weights(self, parameters: Mapping[str, Any]) -> Any:
        """Return the carry-over weights, shape ``(..., l_max)``; see `respond`."""
        weigh, names = ADSTOCKS[self.adstock]
        return weigh(*(parameters[n] for n in names), l_max=self.l_max)

    def respond(self, media: Any, parameters: Mapping[str, Any]) -> Any:
        """Return the saturated, carried-over media, in [0, 1).

        Args:
            media: scaled media with history, shape ``(..., l_max - 1 + week)``.
            parameters: arrays of shape ``(...)`` by name, see `parameters`.

        Returns:
            Shape ``(..., week)``.
        """
        weights = self.weights(parameters)
        saturate, names = SATURATIONS[self.saturation]
        shape = [parameters[n][..., None] for n in names]
        if self.order == "adstock_first":
            return saturate(adstock(media, weights, self.l_max), *shape)
        return adstock(saturate(media, *shape), weights, self.l_max)
