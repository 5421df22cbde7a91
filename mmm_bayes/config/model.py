"""Sections on the model, its sampler and the comparison."""

from collections.abc import Iterator
from datetime import date
from math import inf
from statistics import NormalDist
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from mmm_bayes.config.prior import ChannelPriors, outside
from mmm_bayes.config.section import Finite, Fraction, Mistake, Positive, Section, Share, Whole, one_of
from mmm_bayes.likelihoods import LIKELIHOODS
from mmm_bayes.transforms import ADSTOCKS, SATURATIONS, Shape

Change = Annotated[
    Annotated[Finite, Tag("one for all")] | Annotated[dict[str, Finite], Tag("by channel")],
    Discriminator(lambda given: "by channel" if isinstance(given, dict) else "one for all"),
]
"""Currency, of all tested channels together or channel: currency."""


class LiftTest(Section):
    """The result of an experiment with the spend of one channel, or of several at once.

    ``spend_change`` is what the test spent more (negative in a holdout: less) than would have been spent without
    it; that of several ``channels`` is theirs together, divided by what was spent on each, or a table of each one's.
    The result is the KPI gained from ``start`` until that has worn off, over the tested geos (all where not given):
    ``incremental_kpi``, or ``roas``, that gain in currency per unit of ``spend_change``. How sure it is says its
    ``standard_error``, or its ``interval`` with the probability ``level`` that it holds. ``path`` names a file with
    result and interval, as meridian-geox or CausalPy has it (``cell`` where there are several).
    """

    channel: str | None = None
    channels: tuple[str, ...] | None = None
    start: date
    end: date
    geos: tuple[str, ...] | None = None
    spend_change: Change
    incremental_kpi: Finite | None = None
    roas: Finite | None = None
    standard_error: Positive | None = None
    interval: tuple[Finite, Finite] | None = None
    level: Fraction | None = None
    path: str | None = None
    cell: str | None = None

    @property
    def tested(self) -> tuple[str, ...]:
        """The channels of the test."""
        return self.channels or (self.channel or "",)

    @property
    def change(self) -> float:
        """What the test spent more on all its channels, currency."""
        return sum(self.spend_change.values()) if isinstance(self.spend_change, dict) else self.spend_change

    @property
    def result(self) -> float:
        """What it found: the KPI gained, or the ROAS."""
        found = self.incremental_kpi if self.roas is None else self.roas
        assert found is not None
        return found

    @property
    def error(self) -> float:
        """The standard error of the result: as given, or half the interval over the normal quantile of its level."""
        if self.standard_error is not None:
            return self.standard_error
        assert self.interval is not None and self.level is not None
        return (self.interval[1] - self.interval[0]) / (2 * NormalDist().inv_cdf((1 + self.level) / 2))

    def mistakes(self) -> Iterator[Mistake]:
        """Yield dates that are reversed, no change, no geo, no channel, and results that are none or two."""
        if self.end < self.start:
            yield "end", f"is {self.end} and 'start' {self.start}: it would end before it starts; exchange them"
        if self.geos is not None and not self.geos:
            yield "geos", "names no geo; name those tested, or leave it out for all"
        yield from self._strange_channels()
        yield from self._strange_result()

    def _strange_channels(self) -> Iterator[Mistake]:
        if (self.channel is None) == (not self.channels):
            yield "", "give either 'channel' or 'channels', those whose spend the test changed"
        if len(set(self.tested)) < len(self.tested):
            yield "channels", "names a channel twice; keep one"
        if all(self.tested) and isinstance(self.spend_change, dict) and {*self.spend_change} != {*self.tested}:
            yield "spend_change", f"must have a line for each of {', '.join(self.tested)}; add or drop some"
        if self.change == 0:
            yield "spend_change", "is 0; give what the test spent more, or less (negative)"

    def _strange_result(self) -> Iterator[Mistake]:
        given = [name for name in ("incremental_kpi", "roas") if getattr(self, name) is not None]
        if self.path is None and len(given) != 1:
            yield "", "give one result: 'incremental_kpi', 'roas', or the 'path' of a file that has it"
        if self.interval is not None and self.interval[0] >= self.interval[1]:
            yield "interval", "does not rise; give its lower end first"
        if self.interval is not None and self.level is None:
            yield "level", "is missing: the probability that the interval holds, such as 0.95; add it"
        if self.path is not None and self.level is None:
            yield "level", "is missing: the probability of the file's interval, such as 0.95; add it"
        elif self.path is None and (self.standard_error is None) == (self.interval is None):
            yield "", "give either 'standard_error' or 'interval' with its 'level'"
        if self.path is None and self.cell is not None:
            yield "cell", "is read with a file only; give its 'path' or leave it out"


class Model(Section):
    """What the Bayesian model assumes, and what experiments have found.

    ``misfit`` is the relative error of a channel's return beyond what the posterior knows of: no formula of carry-over
    and saturation is the true one, and the more data there are the less its own draws say so. ``test_aging`` is the
    relative error that the result of a lift test gets for each year between the test and the panel.
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
    test_aging: Annotated[Share, Field(ge=0)] = 0.25

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

    ``draws`` are those of each chain at least: where the chains have not agreed by then, they go on, up to eight
    times as long. Each chain has a thread of its own.
    """

    draws: Annotated[Whole, Field(ge=50)] = 500
    tune: Annotated[Whole, Field(ge=50)] = 200
    chains: Annotated[Whole, Field(ge=2)] = 4
    seed: Whole = 1
    target_accept: Fraction = 0.8
    backend: Literal["numba", "jax"] = "numba"


class Compare(Section):
    """The chronological holdout on which both models are judged, and the earlier ones before it: a rolling origin."""

    holdout: Annotated[Whole, Field(ge=2)] = 12
    folds: Annotated[Whole, Field(ge=1)] = 1
    bootstrap: Annotated[Whole, Field(ge=0)] = 50
