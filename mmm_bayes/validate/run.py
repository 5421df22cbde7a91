"""A validation: its trials, and what they come to."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mmm_bayes.errors import FitError
from mmm_bayes.progress import Progress, silent
from mmm_bayes.validate.checks import CHECKS, Outcome, table_of
from mmm_bayes.validate.files import Validation
from mmm_bayes.validate.side_by_side import run_trials
from mmm_bayes.validate.trials import Subject, Trial

REPLICATES = 50
"""Simulated panels of each check, where nobody says how many."""


def validate(
    subject: Subject,
    checks: Sequence[str],
    replicates: int,
    journal: Path,
    settings: Mapping[str, str],
    progress: Progress = silent,
) -> Validation:
    """Put a configuration on trial.

    Args:
        subject: configuration, panel and fit.
        checks: names of `CHECKS`.
        replicates: simulated panels of each check that simulates; the others have at most as many fits.
        journal: file of what has been done, for a run that was cut off.
        settings: of Spark.
        progress: told how far it is and what is known so far.

    Raises:
        FitError: no trial came to an end.
        MMMError: Spark does not start.
    """
    progress("drawing truths", None)
    trials = [trial for name in checks for trial in CHECKS[name].trials(subject, replicates)]
    outcomes: list[Outcome] = []
    for outcome in run_trials(trials, journal, settings):
        outcomes.append(outcome)
        progress(_so_far(outcomes, outcome.check, trials), len(outcomes) / len(trials))
    if all(outcome.error for outcome in outcomes):
        raise FitError(f"no trial came to an end; the first one says: {outcomes[0].error}")
    table = table_of(outcomes)
    return Validation({name: _summary(name, table, outcomes) for name in checks}, table)


def _so_far(outcomes: Sequence[Outcome], check: str, trials: Sequence[Trial]) -> str:
    """Return how many trials of a check are done, and what they say."""
    own = [outcome for outcome in outcomes if outcome.check == check]
    known = CHECKS[check].so_far(table_of(own))
    wanted = sum(trial.check == check for trial in trials)
    return f"{check} {len(own)} of {wanted}{', ' if known else ''}{known}"


def _summary(check: str, table: pd.DataFrame, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    own, rows = [o for o in outcomes if o.check == check], table[table["check"] == check]
    found = CHECKS[check].summary(rows) if len(rows) else {"replicates": 0}
    return {
        **found,
        "failed": sum(bool(outcome.error) for outcome in own),
        "disagreed": sum(not outcome.agreed for outcome in own),
        "seconds": sum(outcome.seconds for outcome in own),
    }
