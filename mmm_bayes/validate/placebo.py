"""Placebo: a copy of a channel's media in another order of weeks cannot have had an effect; whether it is credited."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from mmm_bayes import pool
from mmm_bayes.model.design import build_design
from mmm_bayes.panel import Panel
from mmm_bayes.posterior import Posterior
from mmm_bayes.posterior.sensitivity import idle_channels
from mmm_bayes.transforms import Array
from mmm_bayes.validate.trials import Check, Measured, Subject, Trial, wide

BLOCK = 8
"""Weeks that stay together, so that flights stay flights."""

MOST = 12
"""Fits of this check at most."""

POSITIVE = 3.0
"""Odds, over those of the prior, from which on data speak for an effect (Kass and Raftery 1995, JASA 90, 773)."""


def trials(subject: Subject, replicates: int) -> Iterator[Trial]:
    """Yield a fit with a placebo of each paid channel in turn beside the true channels."""
    paid = [channel for channel, own in subject.panel.paid.items() if own]
    for number in range(min(replicates, MOST)):
        channel = paid[number % len(paid)]
        order = shuffled(len(subject.panel.weeks), subject.seed("placebo") + number)
        panel = with_placebo(subject.panel, channel, order)
        design = build_design(panel, subject.config.model)
        yield subject.trial("placebo", number, design, channel=channel)


def shuffled(weeks: int, seed: int) -> Array:
    """Return an order of weeks in which whole blocks have changed places, none of more than one staying in its own."""
    random = np.random.default_rng([seed, weeks])
    blocks = np.array_split(np.arange(weeks), max(weeks // BLOCK, 2))
    while True:
        order = random.permutation(len(blocks))
        if (order != np.arange(len(blocks))).all():
            return np.concatenate([blocks[i] for i in order])


def with_placebo(panel: Panel, channel: str, order: Array) -> Panel:
    """Return a panel with one channel more, the last one: the media of ``channel`` in another order of weeks."""
    copy = panel.data.sel(channel=[channel])
    moved = {n: copy[n].isel(week=order).assign_coords(week=panel.weeks) for n in ("spend", "media", "frequency")}
    copy = copy.assign(moved | {"history": 0 * copy["history"]}).assign_coords(channel=[placebo_of(panel)])
    return replace(panel, data=xr.concat([panel.data, copy], "channel", data_vars="minimal"), planned=None)


def placebo_of(panel: Panel) -> str:
    """Return a name that no channel has."""
    name = "placebo"
    while name in panel.channels:
        name += "_"
    return name


def measure(trial: Trial, posterior: Posterior) -> Measured:
    """Yield the placebo's part of the KPI beside that of its model, and how probable it is that it hardly acts."""
    share = np.median(posterior["contribution_share"], axis=0)
    yield trial.channel, "share", float(share[-1])
    yield trial.channel, "share_of_model", float(share[posterior.channels.index(trial.channel)])
    idle = idle_channels(posterior).get(posterior.channels[-1])
    if idle is not None:
        prior = (1 - pool.IDLE) / pool.IDLE
        yield trial.channel, "idle", idle
        yield trial.channel, "credited", float((1 - idle) > POSITIVE * prior * idle)


def summary(outcomes: pd.DataFrame) -> Mapping[str, Any]:
    """Return in how many fits data spoke for an effect of the placebo, None where its prior cannot say none."""
    table = wide(outcomes, ["replicate", "channel"])
    told = table.reindex(columns=["idle", "credited"])
    known = bool(told["idle"].notna().any())
    return {
        "replicates": len(table),
        "credited": int(told["credited"].sum()) if known else None,
        "idle": float(told["idle"].mean()) if known else None,
        "prior_idle": pool.IDLE,
        "share": float(table["share"].mean()),
        "share_of_model": float(table["share_of_model"].mean()),
    }


PLACEBO = Check(trials, measure, summary)
