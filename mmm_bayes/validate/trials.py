"""A trial: one fit that a check asks for, small enough to be sent to another process or machine."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from mmm_bayes.config import Allocate, Config, Model, Sampler
from mmm_bayes.model.design import Design, build_design
from mmm_bayes.model.fit import with_doubt
from mmm_bayes.model.sample import sample_design
from mmm_bayes.panel import Panel
from mmm_bayes.posterior import Posterior
from mmm_bayes.posterior.checks import unconverged
from mmm_bayes.progress import silent

COLUMNS = ["check", "replicate", "variant", "channel", "measure", "value"]
"""Of a table of outcomes: a number in each row; ``channel`` is empty for what is of a whole panel or plan."""

Measured = Iterator[tuple[str, str, float]]
"""Channel, measure and value."""


@dataclass(frozen=True)
class Subject:
    """What is on trial: a configuration, its panel, and its fit to it."""

    config: Config
    panel: Panel
    posterior: Posterior

    @cached_property
    def design(self) -> Design:
        """The panel as the model sees it."""
        return build_design(self.panel, self.config.model)

    def seed(self, check: str) -> int:
        """Return the seed of a check; no two checks share theirs."""
        return 1000 * abs(self.config.sampler.seed) + sum(map(ord, check)) % 1000

    def trial(self, check: str, number: int, design: Design, **more: Any) -> "Trial":
        """Return a trial with the settings of the configuration and a seed of its own."""
        sampler = self.config.sampler.model_copy(update={"seed": self.seed(check) + 1_000_003 * (number + 1)})
        given = {"model": self.config.model, "sampler": sampler, "allocate": self.config.allocate, **more}
        return Trial(check, number, design, ci_prob=self.config.ci_prob, **given)


@dataclass(frozen=True)
class Trial:
    """One fit.

    Attributes:
        check: which check asks for it.
        number: which of its fits it is, from 0 on.
        design: scaled panel.
        model, sampler, allocate, ci_prob: as in the configuration; the seed is the trial's own.
        variant: what is other than in the configuration, as a code.
        channel: which channel it is about, where it is about one.
        truth: what the panel was simulated from, one draw; None where it is observed.
    """

    check: str
    number: int
    design: Design
    model: Model
    sampler: Sampler
    allocate: Allocate
    ci_prob: float
    variant: str = ""
    channel: str = ""
    truth: Posterior | None = None


@dataclass(frozen=True)
class Check:
    """A question to the configuration.

    Attributes:
        trials: ``(subject, replicates)`` to the fits that answer it.
        measure: what is kept of a fit; runs where the fit was made.
        summary: of a table of outcomes (`COLUMNS`), what ``validation.json`` holds; may find numbers missing.
        so_far: the same in a few words, for who waits; may be empty.
    """

    trials: Callable[[Subject, int], Iterator[Trial]]
    measure: Callable[[Trial, Posterior], Measured]
    summary: Callable[[pd.DataFrame], Mapping[str, Any]]
    so_far: Callable[[pd.DataFrame], str] = lambda outcomes: ""


def fit_of(trial: Trial) -> tuple[Posterior, bool]:
    """Fit a trial, without a second try; return the posterior and whether its chains agree."""
    posterior = sample_design(trial.design, trial.model, trial.sampler, silent)
    return with_doubt(posterior, trial.model, trial.sampler), not unconverged(posterior.tree)


def wide(outcomes: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return outcomes with a column for each measure and a row for each of ``by``."""
    return outcomes.pivot(index=by, columns="measure", values="value").reset_index()
