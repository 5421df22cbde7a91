"""Businesses whose truth is known, and how intervals of ROI are held against it."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from mmm_bayes.config import Model, Sampler, SimulatedChannel
from mmm_bayes.errors import ConfigError, nearest
from mmm_bayes.model.design import build_design
from mmm_bayes.model.sample import sample_design
from mmm_bayes.panel import panel_from_frame
from mmm_bayes.progress import Progress, silent
from mmm_bayes.simulate import PanelSpec, simulate_panel

KINDS = ("mixed", "s_shaped", "saturated", "flighted", "correlated")
"""Kinds of media: of all sorts; no effect below a threshold; close to their ceiling; in bursts; moving together."""

CHANNELS = {
    "tv": SimulatedChannel(pattern="flighted"),
    "search": SimulatedChannel(pattern="always_on"),
    "social": SimulatedChannel(pattern="flighted"),
    "display": SimulatedChannel(pattern="seasonal"),
}


def draw_spec(kind: str, seed: int, geos: int = 8, weeks: int = 104) -> PanelSpec:
    """Return a simulated business with four channels whose true parameters are drawn at random.

    ROI has a median of 1.6 and lies in 0.7 to 3.7 for 90%; each geo's demand drifts by itself.

    Args:
        kind: one of `KINDS`.
        seed: decides the true parameters, the spend and the demand.
        geos: number of geos; 1 is a national series.
        weeks: number of weeks.

    Raises:
        ConfigError: there is no such kind.
    """
    if kind not in KINDS:
        raise ConfigError(f"there is no kind of panel '{kind}'; {nearest(kind, list(KINDS))}")
    own = len(KINDS) * seed + KINDS.index(kind)
    random = np.random.default_rng(own)
    slope = {"s_shaped": (2.0, 3.0)}.get(kind, (0.8, 1.6))
    kappa = {"saturated": (0.2, 0.4)}.get(kind, (0.6, 1.6))
    channels = {
        name: channel.model_copy(
            update={
                "pattern": "flighted" if kind == "flighted" else channel.pattern,
                "share": random.uniform(0.015, 0.04),
                "roi": float(np.exp(random.normal(0.5, 0.5))),
                "alpha": random.uniform(0.1, 0.7),
                "kappa": random.uniform(*kappa),
                "slope": random.uniform(*slope),
            }
        )
        for name, channel in CHANNELS.items()
    }
    correlation = 0.7 if kind == "correlated" else 0.0
    return PanelSpec(geos=geos, weeks=weeks, channels=channels, correlation=correlation, seed=own)


def recover(
    specs: Iterable[PanelSpec], model: Model, sampler: Sampler, ci_prob: float = 0.9, progress: Progress = silent
) -> pd.DataFrame:
    """Fit simulated panels and hold each ROI against the truth; panels of one size are compiled once.

    Args:
        specs: what to simulate.
        model: what is assumed of all of them.
        sampler: draws, chains and seed; there is no second try.
        ci_prob: mass of the central intervals.
        progress: told what is being done.

    Returns:
        One row per panel and channel: ``panel, seed, channel, truth, low, median, high, covered``.

    Raises:
        FitError: the sampler could not start.
    """
    tails = [(1 - ci_prob) / 2, 0.5, (1 + ci_prob) / 2]
    tables = []
    for number, spec in enumerate(specs):
        simulated = simulate_panel(spec)
        panel = panel_from_frame(simulated.frame, simulated.columns, f"panel {number}")
        posterior = sample_design(build_design(panel, model), model, sampler, progress)
        low, median, high = np.quantile(posterior["roi"], tails, axis=0)
        truth = np.array([simulated.truth.roi[c] for c in posterior.channels])
        found = {
            "truth": truth,
            "low": low,
            "median": median,
            "high": high,
            "covered": (low <= truth) & (truth <= high),
        }
        tables.append(pd.DataFrame({"panel": number, "seed": spec.seed, "channel": posterior.channels, **found}))
    return pd.concat(tables, ignore_index=True)
