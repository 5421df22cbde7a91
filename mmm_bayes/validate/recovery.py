"""Recovery: what a fit finds again on panels like this one whose truth is known, and what its plans are worth there."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from mmm_bayes.allocate import allocate
from mmm_bayes.allocate.regret import LEVELS, against_truth
from mmm_bayes.intervals import Interval
from mmm_bayes.model.fit import prior_quantity
from mmm_bayes.posterior import Posterior
from mmm_bayes.posterior.attribution import media_contributions, response_curves
from mmm_bayes.posterior.checks import learning
from mmm_bayes.validate.trials import Check, Measured, Subject, Trial, wide
from mmm_bayes.validate.truth import each, like_this_panel, simulated


def trials(subject: Subject, replicates: int) -> Iterator[Trial]:
    """Yield a fit for each truth of `truth.like_this_panel`."""
    seed = subject.seed("recovery")
    truths = like_this_panel(subject.design, subject.config.model, subject.posterior, replicates, seed)
    for number, truth in enumerate(each(truths)):
        design = simulated(subject.design, truth, seed + number)
        yield subject.trial("recovery", number, design, truth=truth)


def measure(trial: Trial, posterior: Posterior) -> Measured:
    """Yield per channel truth, median and which intervals held it, of ROI and marginal ROI; and what the plan is worth.

    The intervals are those that a report shows, `model.misfit` included: the truth has none, so that of well-informed
    channels they hold more than they claim.
    """
    truth = trial.truth
    assert truth is not None
    found, true = media_contributions(posterior), media_contributions(truth)
    for name, draws, known in (("roi", found.worth, true.worth), ("mroi", found.marginal, true.marginal)):
        returned, value = posterior.per_spend(draws), posterior.per_spend(known)[0]
        for c in np.flatnonzero(np.isfinite(value)):
            yield from _held(posterior.channels[c], name, returned[:, c], float(value[c]))
    prior = prior_quantity(posterior, trial.model, trial.ci_prob)
    for channel, taught in learning(posterior, prior, trial.ci_prob).items():
        yield channel, "width", taught["value"]
    plan = allocate(response_curves(posterior, trial.allocate), trial.allocate, trial.ci_prob)
    judged = against_truth(plan, response_curves(truth, trial.allocate), trial.allocate)
    yield from (("", name, value) for name, value in judged.items())


def _held(channel: str, name: str, draws: np.ndarray, truth: float) -> Measured:
    yield channel, f"{name}_truth", truth
    yield channel, f"{name}_median", float(np.median(draws))
    for level in LEVELS:
        inside = Interval.of_one(draws, level / 100)
        yield channel, f"{name}_held_{level}", float(inside.low <= truth <= inside.high)


def summary(outcomes: pd.DataFrame) -> Mapping[str, Any]:
    """Return what intervals held, how far medians were off, and what plans claimed and were worth."""
    channels, plans = (outcomes[(outcomes["channel"] != "") == own] for own in (True, False))
    table = wide(channels, ["replicate", "channel"])
    return {
        "replicates": int(outcomes["replicate"].nunique()),
        "all": _of_channels(table),
        "channels": {channel: _of_channels(own) for channel, own in table.groupby("channel", sort=False)},
        "plans": _of_plans(wide(plans, ["replicate"])),
    }


def _of_channels(table: pd.DataFrame) -> dict[str, Any]:
    """Return the figures of some channels; errors are those of medians, on the log scale."""
    found: dict[str, Any] = {"width": float(table["width"].mean())}
    for name in ("roi", "mroi"):
        error = np.log(table[f"{name}_median"] / table[f"{name}_truth"]).dropna()
        held = {str(level): float(table[f"{name}_held_{level}"].mean()) for level in LEVELS}
        found[name] = {"held": held, "bias": float(error.mean()), "error": float(error.abs().mean())}
    return found


def _of_plans(table: pd.DataFrame) -> dict[str, Any]:
    """Return what plans claimed and were worth; a plan that moves nothing wins half and is left out of its interval."""
    moving = table[table["moves"] > 0]
    held = {str(level): _mean(moving[f"gain_held_{level}"]) for level in LEVELS}
    means = ("claimed", "wins", "claimed_gain", "true_gain", "best_gain")
    return {
        "moved": len(moving),
        **{name: float(table[name].mean()) for name in means},
        "claimed_moving": _mean(moving["claimed"]),
        "wins_moving": _mean(moving["wins"]),
        "worst_gain": float(table["true_gain"].min()),
        "gain_held": held,
    }


def _mean(values: pd.Series) -> float | None:
    return float(values.mean()) if len(values) else None


def so_far(outcomes: pd.DataFrame) -> str:
    """Return how often intervals of 90% have held the ROI."""
    held = outcomes["value"][outcomes["measure"] == "roi_held_90"]
    return f"90% intervals held {held.mean():.0%} of the ROIs" if len(held) else ""


RECOVERY = Check(trials, measure, summary, so_far)
