"""Simulation-based calibration: over truths drawn from the prior, the rank of each among its posterior is uniform.

Talts et al. (2018), arXiv:1804.06788. The ranks' distribution is held against simultaneous bands (Säilynoja, Bürkner
and Vehtari 2022, Statistics and Computing 32, 32), so wide that an inference that is right leaves one of six in one of
twenty cases.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from arviz_stats.ecdf_utils import ecdf_pit

from mmm_bayes.posterior import Posterior
from mmm_bayes.transforms import Array
from mmm_bayes.validate.trials import Check, Measured, Subject, Trial
from mmm_bayes.validate.truth import each, from_prior, simulated

RANKED = 99
"""Draws of a posterior, evenly from all of it, among which the truth is ranked."""

BAND = 0.99
"""Probability that the ranks of one quantity stay within the band where the inference is right."""


def trials(subject: Subject, replicates: int) -> Iterator[Trial]:
    """Yield a fit for each truth of the joint prior; channels and geos have their turn."""
    seed = subject.seed("sbc")
    for number, truth in enumerate(each(from_prior(subject.design, subject.config.model, replicates, seed))):
        channel = subject.panel.channels[number % len(subject.panel.channels)]
        design = simulated(subject.design, truth, seed + number)
        yield subject.trial("sbc", number, design, truth=truth, channel=channel)


def measure(trial: Trial, posterior: Posterior) -> Measured:
    """Yield the rank of the truth in (0, 1) for one channel's ROI and shape, one geo's noise and the drift.

    One channel and one geo of each panel, so that the ranks of a quantity are independent.
    """
    truth, rows = trial.truth, posterior.thinned(RANKED)
    assert truth is not None
    random = np.random.default_rng([trial.sampler.seed, RANKED])
    channel, geo = posterior.channels.index(trial.channel), trial.number % posterior.data.sizes["geo"]
    places = {"roi": channel, **dict.fromkeys(posterior.shape.parameters, channel), "sigma": geo, "rho": None}
    for name, place in places.items():
        if name == "roi" or name in posterior:
            low = (_of(posterior, name, place)[rows] < _of(truth, name, place)).sum()
            yield "", name, float((low + random.random()) / (len(rows) + 1))


def _of(posterior: Posterior, name: str, place: int | None) -> Array:
    """Return the draws of a quantity, shape ``(draw,)``; for ROI the contribution, which organic media have, too."""
    if name == "roi":
        return posterior["contribution_share"][:, place] * posterior.kpi_value
    return posterior[name] if place is None else posterior[name][:, place]


def summary(outcomes: pd.DataFrame) -> Mapping[str, Any]:
    """Return for each quantity how far the distribution of its ranks is from a uniform one."""
    ranks = outcomes.groupby("measure", sort=False)["value"]
    return {
        "replicates": int(outcomes["replicate"].nunique()),
        "quantities": {name: uniformity(own.to_numpy()) for name, own in ranks},
    }


def uniformity(ranks: np.ndarray) -> dict[str, Any]:
    """Return how far independent ranks in (0, 1) are from a uniform distribution.

    Returns:
        ``mean`` (one half where neither side is preferred), the ``difference`` between the distribution of the ranks
        and a uniform one where it is largest beside its ``band``, and whether all are ``inside`` the bands.
    """
    points, share, low, high = ecdf_pit(ranks, BAND, n_simulations=2000)
    away, ends = share - points, np.where(share > points, high, low) - points
    place = int(np.argmax(np.divide(away, ends, out=np.zeros_like(away), where=ends != 0)))
    difference, end = float(away[place]), float(ends[place])
    inside = bool(((low <= share) & (share <= high)).all())
    return {"mean": float(ranks.mean()), "difference": difference, "band": end, "inside": inside}


SBC = Check(trials, measure, summary)
