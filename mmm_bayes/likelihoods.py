"""Likelihoods: the surprises of the KPI in units of their scale, one object each for graph, forecasts and checks."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmm_bayes.transforms import Array, Parameter


@dataclass(frozen=True)
class Likelihood:
    """A distribution of surprises.

    Attributes:
        name: as in the configuration.
        log_density: ``(surprise, *parameters, gammaln)`` to the log density, entry by entry; written with operators,
            NumPy's elementary functions and the ``gammaln`` that is given, so that it takes arrays and tensors.
        draw: ``(generator, shape, *parameters)`` to surprises.
        parameters: beside the scale ``sigma``, of all geos; their draws must have converged.
        heavy: whether it allows for outliers, so that none need be looked for.
    """

    name: str
    log_density: Callable[..., Any]
    draw: Callable[..., Array]
    parameters: tuple[Parameter, ...] = ()
    heavy: bool = False


def normal(surprise: Any, gammaln: Any) -> Any:
    """Return the log density of the standard normal distribution."""
    return -0.5 * (surprise**2 + math.log(2 * math.pi))


def student_t(surprise: Any, nu: Any, gammaln: Any) -> Any:
    """Return the log density of Student's t distribution with ``nu`` degrees of freedom and scale 1."""
    constant = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * np.log(nu * math.pi)
    return constant - (nu + 1) / 2 * np.log1p(surprise**2 / nu)


NU = Parameter("nu", {"distribution": "gamma", "mu": 10.0, "sigma": 7.0})

LIKELIHOODS: Mapping[str, Likelihood] = {
    likelihood.name: likelihood
    for likelihood in (
        Likelihood("normal", normal, lambda generator, shape: generator.standard_normal(shape)),
        Likelihood(
            "student_t",
            student_t,
            lambda generator, shape, nu: generator.standard_t(np.broadcast_to(nu, shape)),
            parameters=(NU,),
            heavy=True,
        ),
    )
}
