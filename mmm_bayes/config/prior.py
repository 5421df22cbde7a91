"""A prior as people write it: a distribution by name, or the 5% and 95% points of one."""

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Discriminator, Tag, create_model

from mmm_bayes.config.section import Finite, Mistake, Number, Positive, Section, Share
from mmm_bayes.transforms import PARAMETERS

if TYPE_CHECKING:
    from scipy import stats


@dataclass(frozen=True)
class Distribution:
    """A distribution: its name in SciPy, and SciPy's arguments of the parameters that it takes."""

    scipy: str
    arguments: Callable[..., dict[str, float]]

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters, in the field's notation."""
        return tuple(inspect.signature(self.arguments).parameters)


DISTRIBUTIONS: Mapping[str, Distribution] = {
    "lognormal": Distribution("lognorm", lambda mu, sigma: {"s": sigma, "scale": math.exp(mu)}),
    "normal": Distribution("norm", lambda mu, sigma: {"loc": mu, "scale": sigma}),
    "halfnormal": Distribution("halfnorm", lambda sigma: {"scale": sigma}),
    "beta": Distribution("beta", lambda alpha, beta: {"a": alpha, "b": beta}),
    "gamma": Distribution("gamma", lambda mu, sigma: {"a": (mu / sigma) ** 2, "scale": sigma**2 / mu}),
    "uniform": Distribution("uniform", lambda lower, upper: {"loc": lower, "scale": upper - lower}),
    "truncatednormal": Distribution(
        "truncnorm",
        lambda mu, sigma, lower, upper: {
            "a": (lower - mu) / sigma,
            "b": (upper - mu) / sigma,
            "loc": mu,
            "scale": sigma,
        },
    ),
}


FARTHEST = 100
"""Logarithms beyond this are none: somebody gave the median itself."""


class Prior(Section):
    """A prior by name with its parameters, in the field's notation.

    ``lognormal(mu, sigma)``, ``normal(mu, sigma)``, ``halfnormal(sigma)``, ``beta(alpha, beta)``,
    ``gamma(mu, sigma)``, ``uniform(lower, upper)``, ``truncatednormal(mu, sigma, lower, upper)``.
    """

    distribution: Literal["lognormal", "normal", "halfnormal", "beta", "gamma", "uniform", "truncatednormal"]
    mu: Finite | None = None
    sigma: Positive | None = None
    alpha: Positive | None = None
    beta: Positive | None = None
    lower: Number | None = None
    upper: Number | None = None

    @property
    def parameters(self) -> dict[str, float]:
        """The parameters of the distribution by name."""
        return {name: getattr(self, name) for name in DISTRIBUTIONS[self.distribution].parameters}

    def frozen(self) -> "stats.rv_continuous":
        """Return the SciPy distribution, for quantiles, densities and draws."""
        from scipy import stats

        known = DISTRIBUTIONS[self.distribution]
        return getattr(stats, known.scipy)(**known.arguments(**self.parameters))

    def mistakes(self) -> Iterator[Mistake]:
        """Parameters that are missing, surplus or impossible."""
        needed = DISTRIBUTIONS[self.distribution].parameters
        takes = f"{self.distribution} takes {' and '.join(needed)}"
        given = {name for name, value in self if name != "distribution" and value is not None}
        yield from ((name, f"is missing: {takes}; add it") for name in needed if name not in given)
        yield from ((name, f"is surplus: {takes}; leave it out") for name in sorted(given - {*needed}))
        if given == {*needed}:
            yield from self._impossible()

    def _impossible(self) -> Iterator[Mistake]:
        if self.distribution == "lognormal" and abs(self.parameters["mu"]) > FARTHEST:
            yield "mu", f"is {self.mu:g}, but it is the logarithm of the median; give that"
        if self.distribution == "gamma" and self.parameters["mu"] <= 0:
            yield "mu", f"is {self.mu:g}, but the mean of a gamma is above 0; raise it"
        if self.lower is not None and self.upper is not None:
            if not self.lower < self.upper:
                yield "lower", f"is {self.lower:g} and 'upper' {self.upper:g}: nothing lies between; exchange them"
            elif self.distribution == "uniform" and math.isinf(self.upper - self.lower):
                yield "upper", "and 'lower' must be finite for a uniform; give numbers"


Range = tuple[Share, Share]
"""The 5% and 95% points of a prior."""

PriorLike = Annotated[
    Annotated[Prior, Tag("by name")] | Annotated[Range, Tag("by range")],
    Discriminator(lambda given: "by range" if isinstance(given, list | tuple) else "by name"),
]
"""A prior, or the 5% and 95% points of one."""


class EffectPriors(Section):
    """Priors of what a channel's effect is, see `mmm_bayes.priors.carrier`."""

    roi: dict[str, PriorLike] = {}
    contribution_share: dict[str, PriorLike] = {}

    def mistakes(self) -> Iterator[Mistake]:
        """Yield channels with two priors of one effect."""
        for channel in self.roi.keys() & self.contribution_share.keys() - {"default"}:
            yield f"roi.{channel}", f"and 'contribution_share.{channel}' say the same in two ways; leave one out"


if TYPE_CHECKING:

    class ChannelPriors(EffectPriors):
        """The same, with a table for each parameter of a shape."""
else:
    ChannelPriors = create_model(
        "ChannelPriors",
        __base__=EffectPriors,
        __module__=__name__,
        __doc__="Priors per channel; the key ``default`` speaks for every channel not named.",
        **{name: (dict[str, PriorLike], {}) for name in PARAMETERS},
    )


def outside(place: str, prior: "PriorLike", support: tuple[float, float]) -> Iterator[Mistake]:
    """Yield a mistake if the 5% and 95% points of a prior do not rise or leave the support of its quantity."""
    bottom, top = support
    with np.errstate(over="ignore"):
        low, high = prior if isinstance(prior, tuple) else map(float, prior.frozen().ppf([0.05, 0.95]))
    if low >= high:
        yield place, f"is [{low:g}, {high:g}], which does not rise; give the lower end first"
    elif not bottom <= low < high <= top or (isinstance(prior, tuple) and (low == bottom or high == top)):
        what = (
            f"is [{low:g}, {high:g}]" if isinstance(prior, tuple) else f"has 90% of its mass in {low:.3g} to {high:.3g}"
        )
        reach = f"above {bottom:g}" if math.isinf(top) else f"between {bottom:g} and {top:g}"
        yield place, f"{what}, but it must lie {reach}; narrow it"
