"""Sections on the model, its sampler and the comparison."""

from collections.abc import Iterator
from datetime import date
from math import inf
from typing import Annotated, Literal

from pydantic import Field

from mmm_bayes.config.prior import ChannelPriors, outside
from mmm_bayes.config.section import Finite, Fraction, Mistake, Positive, Section, Share, Whole, one_of
from mmm_bayes.likelihoods import LIKELIHOODS
from mmm_bayes.transforms import ADSTOCKS, SATURATIONS, Shape


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
    spend_change: Finite
    incremental_kpi: Finite
    standard_error: Positive

    def mistakes(self) -> Iterator[Mistake]:
        """Yield dates that are reversed, no change, no geo."""
        if self.end < self.start:
            yield "end", f"is {self.end} and 'start' {self.start}: it would end before it starts; exchange them"
        if self.spend_change == 0:
            yield "spend_change", "is 0; give what the test spent more, or less (negative)"
        if self.geos is not None and not self.geos:
            yield "geos", "names no geo; name those tested, or leave it out for all"


class Model(Section):
    """What the Bayesian model assumes, and what experiments have found.

    ``misfit`` is the relative error of a channel's return beyond what the posterior knows of: no formula of carry-over
    and saturation is the true one, and the more data there are the less its own draws say so.
    """

    adstock: Annotated[str, one_of(ADSTOCKS)] = "geometric"
    saturation: Annotated[str, one_of(SATURATIONS)] = "hill"
    order: Literal["adstock_first", "saturation_first"] = "adstock_first"
    l_max: Annotated[Whole, Field(ge=1, le=52)] = 8
    likelihood: Annotated[str, one_of(LIKELIHOODS)] = "normal"
    residual: Literal["drift", "ar1", "white"] = "drift"
    baseline: Literal["constant", "smooth"] = "constant"
    trend: Literal["linear", "piecewise", "none"] = "linear"
    fourier: Annotated[Whole, Field(ge=0, le=12)] | None = None
    misfit: Annotated[Share, Field(ge=0, lt=1)] = 0.15
    priors: ChannelPriors = ChannelPriors()
    lift_tests: tuple[LiftTest, ...] = ()

    @property
    def shape(self) -> Shape:
        """How media turn into response."""
        return Shape(self.adstock, self.saturation, self.order, self.l_max)

    def mistakes(self) -> Iterator[Mistake]:
        """Yield priors outside of what a parameter can be, and those of parameters that the shape does not have."""
        shape = self.shape
        supports = {"roi": (0.0, inf), "contribution_share": (0.0, 1.0)} | shape.supports()
        for quantity, table in self.priors:
            place = f"priors.{quantity}"
            if quantity in supports:
                for channel, prior in table.items():
                    yield from outside(f"{place}.{channel}", prior, supports[quantity])
            elif table:
                yield (
                    place,
                    f"is read by nothing: the adstock {self.adstock} and the saturation {self.saturation} have "
                    f"{', '.join(shape.parameters)}; leave it out",
                )


class Sampler(Section):
    """How the posterior is sampled. ``seed`` alone decides the answer, whatever the cores or caches.

    ``draws`` are those of each chain at least: where the chains have not agreed by then, they go on, up to four times
    as long. Each chain has a thread of its own.
    """

    draws: Annotated[Whole, Field(ge=50)] = 500
    tune: Annotated[Whole, Field(ge=50)] = 200
    chains: Annotated[Whole, Field(ge=2)] = 4
    seed: Whole = 1
    target_accept: Fraction = 0.8
    backend: Literal["numba", "jax"] = "numba"


class Compare(Section):
    """The chronological holdout on which both models are judged."""

    holdout: Annotated[Whole, Field(ge=2)] = 12
    bootstrap: Annotated[Whole, Field(ge=0)] = 50
