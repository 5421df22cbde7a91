"""Adstock and saturation: one formula each, written with operators, `numpy.exp` and `numpy.log` alone.

The same functions therefore serve NumPy arrays (curves, simulator) and PyTensor tensors
(the model). A shape is an object: adding one means adding a formula here and its entry in `ADSTOCKS`
or `SATURATIONS`, with its parameters, what they can be and their priors.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

FLOOR = 1e-12
"""Added below a power: ``0**slope`` has no gradient in ``slope``."""

ALWAYS = 10_000.0
"""Weeks after which nothing of a drift is known."""

YEAR = 365.25
"""Days."""

RISE = 0.01
"""Relative rise of the media by which an elasticity is found."""

NOTHING = 0.01 * FLOOR
"""Media up to this have no response: the last trace of carry-over, of which the floor would make more than it is."""


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
    return (x > NOTHING) / (1.0 + np.exp(slope * (np.log(kappa) - np.log(x + FLOOR))))


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


def centred(response: Any) -> Any:
    """Return a response ``(..., week)`` minus its mean over the weeks, so that the level is free of its saturation."""
    return response - response.mean(axis=-1, keepdims=True)


def effect_scale(response: Any, money: Any) -> tuple[Any, Any]:
    """Return the spread of a response over time and its value in money, both of shape ``(...)``.

    A channel's *effect* is the standard deviation over time of its contribution in shares of the mean KPI,
    which data identify far better than the zero-out ROI. With ``spread = sd_t(response)`` the coefficient is
    ``beta = effect / spread`` and the contribution in currency ``beta * value``.

    Args:
        response: saturated, carried-over media times the geo's departure, shape ``(..., geo, week)``.
        money: currency per unit of scaled KPI, shape ``(geo, week)``.
    """
    return (centred(response) ** 2).mean(axis=(-2, -1)) ** 0.5, (response * money).sum(axis=(-2, -1))


def yearly_waves(day: Array, order: int) -> Array:
    """Return sines and cosines of the day of the year ``(week,)``, ``order`` of each, shape ``(2 * order, week)``."""
    angle = 2 * np.pi * np.arange(1, order + 1)[:, None] * day / YEAR
    return np.stack([np.sin(angle), np.cos(angle)], axis=1).reshape(2 * order, len(day))


def media_effect(response: Any, beta: Any) -> Any:
    """Return what media add to the scaled KPI around their mean, shape ``(geo, week)``.

    Args:
        response: as in `effect_scale`, shape ``(channel, geo, week)``.
        beta: coefficients, shape ``(channel,)``.
    """
    return (centred(response) * beta[:, None, None]).sum(axis=0)


def drift_weights(rho: Any, gain: Any) -> tuple[Any, Any]:
    """Return by how much the state of a drift lasts a week, and by how much it moves the next one.

    The steady state of a local level that decays by ``rho`` with a Kalman ``gain`` (Harvey 1989, section 4.3): the
    state is ``decay * state + residual``, see `drift_step`, and the drift expected of the next week ``weight * state``.
    """
    return rho * (1 - gain), rho * gain


def drift_step(state: Any, residual: Any, decay: Any) -> Any:
    """Return the state of a drift after a week with this residual, shocks taken off."""
    return decay * state + residual


def first_week_ratio(rho: Any, gain: Any, unseen: Any = None) -> Any:
    """Return the variance of a residual after ``unseen`` weeks without a KPI over that of a surprise.

    In each of them the drift moves on unseen; without ``unseen``, before the first week of all, it has always done so
    (stationary state plus noise). With the week itself what was lost is taken as known again.
    """
    moved = (rho * gain) ** 2 / (1 - rho**2)
    return 1 + moved if unseen is None else 1 + moved * (1 - rho ** (2 * unseen))


def weeks_unseen(seen: Array) -> Array:
    """Return how many weeks without a KPI precede each, of ``seen (geo, week)``; `ALWAYS` before a first one."""
    weeks = np.arange(seen.shape[-1])
    last = np.maximum.accumulate(np.where(seen > 0, weeks, -1), axis=-1)
    before = np.concatenate([np.full((*seen.shape[:-1], 1), -1), last[..., :-1]], axis=-1)
    return np.where(before < 0, ALWAYS, weeks - before - 1).astype(float)


@dataclass(frozen=True)
class Parameter:
    """A parameter of a shape, or of a likelihood.

    Attributes:
        name: in the field's notation.
        prior: what is believed before any data, as the configuration writes it: distribution and parameters.
        top: what it lies below; it lies above 0.
        in_window: whether it is a lag, and lies below the last one as well.
        usual: that of a simulated channel which names no other.
    """

    name: str
    prior: Mapping[str, Any]
    top: float = np.inf
    in_window: bool = False
    usual: float = 1.0

    def support(self, l_max: int) -> tuple[float, float]:
        """Return what it can be where spend acts for ``l_max`` weeks, both ends excluded."""
        return 0.0, l_max - 1 if self.in_window else self.top


# most of the effect within a few weeks, long carry-over possible
ALPHA = Parameter("alpha", {"distribution": "beta", "alpha": 1.5, "beta": 2.5}, top=1.0, usual=0.4)
# half saturation from a quarter of the median week's media to six times as much: lower ones made marginal ROIs too low,
# narrower ones missed the ROI of channels close to their ceiling
KAPPA = Parameter("kappa", {"distribution": "lognormal", "mu": 0.18, "sigma": 1.0})
# from concave to clearly S-shaped: 0.6 to 2.4
SLOPE = Parameter("slope", {"distribution": "lognormal", "mu": 0.15, "sigma": 0.45})
# the age dependence of Weibull retention, or weeks until the delayed peak
AGEING = Parameter("theta", {"distribution": "gamma", "mu": 1.5, "sigma": 1.0})
DELAY = Parameter("theta", AGEING.prior, in_window=True)


@dataclass(frozen=True)
class Transform:
    """An adstock or a saturation.

    Attributes:
        formula: of carry-over weights, or of the saturated media.
        parameters: what it takes, in their order.
        source: where it comes from.
    """

    formula: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    source: str

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return tuple(parameter.name for parameter in self.parameters)


ADSTOCKS: Mapping[str, Transform] = {
    "geometric": Transform(geometric_weights, (ALPHA,), "Jin et al. (2017), eq. 2"),
    "delayed": Transform(delayed_weights, (ALPHA, DELAY), "Jin et al. (2017), eq. 3"),
    "weibull": Transform(weibull_weights, (ALPHA, AGEING), 'Robyn\'s "Weibull CDF"'),
}
SATURATIONS: Mapping[str, Transform] = {
    "hill": Transform(hill, (KAPPA, SLOPE), "Jin et al. (2017), eq. 4"),
    "logistic": Transform(logistic, (KAPPA,), "PyMC-Marketing's LogisticSaturation, by its half saturation"),
}
PARAMETERS: Mapping[str, Parameter] = {
    parameter.name: parameter
    for transform in (*ADSTOCKS.values(), *SATURATIONS.values())
    for parameter in transform.parameters
}
"""One of each name; a configuration has a table of priors for each."""


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
        return ADSTOCKS[self.adstock].names + SATURATIONS[self.saturation].names

    def supports(self) -> dict[str, tuple[float, float]]:
        """Return what each parameter can be, both ends excluded."""
        both = ADSTOCKS[self.adstock].parameters + SATURATIONS[self.saturation].parameters
        return {parameter.name: parameter.support(self.l_max) for parameter in both}

    def weights(self, parameters: Mapping[str, Any]) -> Any:
        """Return the carry-over weights, shape ``(..., l_max)``; see `respond`."""
        weigh = ADSTOCKS[self.adstock]
        return weigh.formula(*(parameters[n] for n in weigh.names), l_max=self.l_max)

    def elasticity(self, media: Any, parameters: Mapping[str, Any]) -> Any:
        """Return the relative rise of the saturated media per relative rise of steady media, a central difference.

        Args:
            media: scaled media, above 0, shape ``(...)``.
            parameters: arrays of that shape by name.
        """
        saturate = SATURATIONS[self.saturation]
        shape = [parameters[n] for n in saturate.names]
        up, down = (np.log(saturate.formula(media * (1 + sign * RISE), *shape)) for sign in (1, -1))
        return (up - down) / np.log((1 + RISE) / (1 - RISE))

    def respond(self, media: Any, parameters: Mapping[str, Any]) -> Any:
        """Return the saturated, carried-over media, in [0, 1).

        Args:
            media: scaled media with history, shape ``(..., l_max - 1 + week)``.
            parameters: arrays of shape ``(...)`` by name, see `parameters`.

        Returns:
            Shape ``(..., week)``.
        """
        return self.saturated(self.carried(media, parameters), parameters)

    def carried(self, media: Any, parameters: Mapping[str, Any]) -> Any:
        """Return what saturates; that of a sum of media is the sum of both. Arguments as `respond` has them."""
        if self.order == "adstock_first":
            return adstock(media, self.weights(parameters), self.l_max)
        return media

    def saturated(self, carried: Any, parameters: Mapping[str, Any]) -> Any:
        """Return the response of what `carried` returned."""
        saturate = SATURATIONS[self.saturation]
        response = saturate.formula(carried, *(parameters[n][..., None] for n in saturate.names))
        if self.order == "adstock_first":
            return response
        return adstock(response, self.weights(parameters), self.l_max)
