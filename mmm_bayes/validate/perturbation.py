"""Perturbation: spend that is off by up to 5%, as books are, and how far answers move then."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from mmm_bayes.model.design import build_design
from mmm_bayes.panel import Panel
from mmm_bayes.validate.stability import UNCHANGED, measure, summary
from mmm_bayes.validate.trials import Check, Subject, Trial

ERROR = 0.05
"""Largest relative error of the spend of a channel, geo and week; what drives the response errs alike."""

MOST = 10
"""Fits of this check at most, beside the one of the data as they are."""


def trials(subject: Subject, replicates: int) -> Iterator[Trial]:
    """Yield a fit of the panel as it is, then those with other errors of the spend."""
    for number in range(min(replicates, MOST) + 1):
        panel = perturbed(subject.panel, subject.seed("perturbation") + number) if number else subject.panel
        variant = f"errors_{number}" if number else UNCHANGED
        yield subject.trial("perturbation", number, build_design(panel, subject.config.model), variant=variant)


def perturbed(panel: Panel, seed: int) -> Panel:
    """Return a panel whose spend, and the media of paid channels with it, are off by up to `ERROR`."""
    data, spend = panel.data, panel.data["spend"]
    random = np.random.default_rng([seed, spend.size])
    factor = 0 * spend + random.uniform(1 - ERROR, 1 + ERROR, spend.shape)
    changed = {"spend": spend * factor, "media": data["media"].where(~data["paid"], data["media"] * factor)}
    return replace(panel, data=data.assign(changed))


PERTURBATION = Check(trials, measure, summary)
