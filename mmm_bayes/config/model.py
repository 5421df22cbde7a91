"""Sections on the model, its sampler and the comparison."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from mmm_bayes.config.section import Fraction, Positive, Section


class Prior(Section):
    """A prior by name with its parameters, in the field's notation.

    ``lognormal(mu, sigma)``, ``normal(mu, sigma)``, ``halfnormal(sigma)``, ``beta(alpha, beta)``,
    ``gamma(mu, sigma)``, ``uniform(lower, upper)``, ``truncatednormal(mu, sigma, lower, upper)``.
    """

    distribution: Literal["lognormal", "normal", "halfnormal", "beta", "gamma", "uniform", "truncatednormal"]
    mu: float | None = None
    sigma: Positive | None = None
    alpha: Positive | None = None
    beta: Positive | None = None
    lower: float | None = None
    upper: float | None = None


PriorLike = Prior | tuple[float, float]
"""A prior, or the 5% and 95% points of one."""


class ChannelPriors(Section):
    """Priors per channel; the key ``default`` speaks for every channel not named."""

    roi: dict[str, PriorLike] = {}
    contribution_share: dict[str, PriorLike] = {}
    alpha: dict[str, PriorLike] = {}
    kappa: dict[str, PriorLike] = {}
    slope: dict[str, PriorLike] = {}


class LiftTest(Section):
    """The result of an experiment with the spend of one channel.

    ``spend_change`` is what the test spent more (negative in a holdout: less) than would have been spent without
    it, ``incremental_kpi`` the KPI gained from ``start`` until that has worn off, over the tested geos (all where
    not given); ``standard_error`` is that of ``incremental_kpi``.
    """

    channel: str
    start: date
    end: date
    geos: tuple[str, ...] | None = None
    spend_change: Annotated[float, Field(allow_inf_nan=False)]
    incremental_kpi: Annotated[float, Field(allow_inf_nan=False)]
    standard_error: Positive

    @model_validator(mode="after")
    def _changes_something(self) -> "LiftTest":
        if self.end < self.start:
            raise ValueError(f"'end' ({self.end}) lies before 'start' ({self.start}); exchange them")
        if self.spend_change == 0:
            raise ValueError("'spend_change' is 0; give what the test spent more, or less (negative)")
        return self


class Model(Section):
    """What the Bayesian model assumes, and what experiments have found."""

    adstock: Literal["geometric", "delayed", "weibull"] = "geometric"
    saturation: Literal["hill", "logistic"] = "hill"
    order: Literal["adstock_first", "saturation_first"] = "adstock_first"
    l_max: Annotated[int, Field(ge=1, le=52)] = 8
    likelihood: Literal["normal", "student_t"] = "normal"
    residual: Literal["drift", "ar1", "white"] = "drift"
    baseline: Literal["constant", "smooth"] = "constant"
    trend: Literal["linear", "piecewise", "none"] = "linear"
    fourier: Annotated[int, Field(ge=0, le=12)] | None = None
    priors: ChannelPriors = ChannelPriors()
    lift_tests: tuple[LiftTest, ...] = ()


class Sampler(Section):
    """How the posterior is sampled. ``seed`` alone decides the answer, whatever the cores or caches.

    ``draws`` are those of each chain at least: where the chains have not agreed by then, they go on, up to four times
    as long. Each chain has a thread of its own.
    """

    draws: Annotated[int, Field(ge=50)] = 500
    tune: Annotated[int, Field(ge=50)] = 200
    chains: Annotated[int, Field(ge=2)] = 4
    seed: int = 1
    target_accept: Fraction = 0.8
    backend: Literal["numba", "jax"] = "numba"


class Compare(Section):
    """The chronological holdout on which both models are judged."""

    holdout: Annotated[int, Field(ge=2)] = 12
    bootstrap: Annotated[int, Field(ge=0)] = 50
