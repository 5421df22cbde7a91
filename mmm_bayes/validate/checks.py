"""The checks by name, and what becomes of one of their fits."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mmm_bayes.validate.perturbation import PERTURBATION
from mmm_bayes.validate.placebo import PLACEBO
from mmm_bayes.validate.recovery import RECOVERY
from mmm_bayes.validate.refresh import REFRESH
from mmm_bayes.validate.sbc import SBC
from mmm_bayes.validate.sensitivity import SENSITIVITY
from mmm_bayes.validate.trials import COLUMNS, Check, Trial, fit_of

CHECKS: Mapping[str, Check] = {
    "recovery": RECOVERY,
    "sbc": SBC,
    "placebo": PLACEBO,
    "refresh": REFRESH,
    "perturbation": PERTURBATION,
    "sensitivity": SENSITIVITY,
}


@dataclass(frozen=True)
class Outcome:
    """What a trial came to; all of it fits into a line of JSON.

    Attributes:
        check: of the trial.
        number: of the trial.
        rows: as a table of `trials.COLUMNS`.
        agreed: whether its chains agree.
        seconds: of the processor that it took, its share of one that was shared.
        error: why there is none; empty where there is.
    """

    check: str
    number: int
    rows: tuple[tuple[Any, ...], ...] = ()
    agreed: bool = True
    seconds: float = 0.0
    error: str = ""


def outcome_of(trial: Trial) -> Outcome:
    """Fit a trial and measure it; whatever goes wrong is an outcome, too."""
    started = time.process_time()
    try:
        posterior, agreed = fit_of(trial)
        about = (trial.check, trial.number, trial.variant)
        rows = tuple((*about, *measured) for measured in CHECKS[trial.check].measure(trial, posterior))
    except Exception as error:  # one of many: the others go on, and the table says how many failed
        return Outcome(trial.check, trial.number, error=f"{type(error).__name__}: {error}")
    return Outcome(trial.check, trial.number, rows, agreed, time.process_time() - started)


def table_of(outcomes: list[Outcome]) -> pd.DataFrame:
    """Return what was measured in all trials, in their order whatever the order in which they ended."""
    known = sorted((o for o in outcomes if not o.error), key=lambda o: ([*CHECKS].index(o.check), o.number))
    return pd.DataFrame([row for outcome in known for row in outcome.rows], columns=COLUMNS)
