"""Refresh: the last weeks added one by one, and how far answers move when a week has come."""

from collections.abc import Iterator

from mmm_bayes.model.design import build_design
from mmm_bayes.panel import MIN_WEEKS
from mmm_bayes.validate.stability import UNCHANGED, measure, summary
from mmm_bayes.validate.trials import Check, Subject, Trial

WEEKS = 8
"""Weeks that are added, where as many can be spared."""


def trials(subject: Subject, replicates: int) -> Iterator[Trial]:
    """Yield a fit of the whole panel, then those that lack its last weeks, one more each."""
    weeks = len(subject.panel.weeks)
    for number in range(min(replicates, WEEKS, weeks - MIN_WEEKS) + 1):
        panel = subject.panel.head(weeks - number)
        variant = f"weeks_{number}" if number else UNCHANGED
        yield subject.trial("refresh", number, build_design(panel, subject.config.model), variant=variant)


REFRESH = Check(trials, measure, summary)
