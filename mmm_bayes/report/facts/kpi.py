"""What the KPI is made of."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mmm_bayes.posterior.parts import CHANNEL, CONTROL, DRIFT, LEVEL, PARTS

TINY = 1e-9
"""Share of the KPI below which a part of it is none."""


MOVERS = (*(c for c in dict.fromkeys(part.component for part in PARTS) if c not in (None, LEVEL)), DRIFT)
"""Columns of ``contributions.csv`` that move the baseline, beside the controls."""


def movers(contributions: pd.DataFrame) -> dict[str, pd.Series]:
    """Return by week what moved the KPI besides media: trend, season, holidays, drift and all controls together."""
    controls = [c for c in contributions if c.startswith(CONTROL)]
    found = {c: contributions[c] for c in MOVERS if c in contributions}
    if controls:
        found["controls"] = contributions[controls].sum(axis=1)
    return {name: values for name, values in found.items() if np.ptp(values) > 0}


def parts_of(contributions: pd.DataFrame, channels: Sequence[str]) -> pd.DataFrame:
    """Return what the baseline and each channel brought of the KPI over some weeks, and what was predicted in all.

    Args:
        contributions: weeks of ``contributions.csv``.
        channels: their names.

    Returns:
        ``part, amount, share``, amounts in units of the KPI: ``baseline``, each channel, and ``prediction`` last.
    """
    sums = contributions.drop(columns="week").sum()
    media = {channel: float(sums[f"{CHANNEL}{channel}"]) for channel in channels}
    whole = float(sums["prediction"])
    amounts = {LEVEL: whole - sum(media.values()), **media, "prediction": whole}
    table = pd.DataFrame({"part": list(amounts), "amount": list(amounts.values())})
    return table.assign(share=table["amount"] / whole if whole else np.nan)


def kpi_parts(contributions: pd.DataFrame) -> pd.DataFrame:
    """Return what adds up to the KPI that was observed, which is last; see `parts_of` for the columns.

    The parts are the columns of ``contributions.csv``; ``unexplained`` is what the model missed in all.
    """
    sums = contributions.drop(columns="week").sum()
    whole = float(sums.pop("observed"))
    sums["unexplained"] = whole - float(sums.pop("prediction"))
    told = sums[sums.abs() > TINY * abs(whole)]
    table = pd.DataFrame({"part": [*told.index, "observed"], "amount": [*told, whole]})
    return table.assign(share=table["amount"] / whole if whole else np.nan)
