"""What each channel returned in each quarter or year, and in each geo."""

from functools import partial

import numpy as np
import pandas as pd

from mmm_bayes.intervals import Interval
from mmm_bayes.posterior import Posterior, by_chunks
from mmm_bayes.posterior.attribution import DRAWS, media_response
from mmm_bayes.transforms import Array

MOST_QUARTERS = 12
"""With more quarters than this years are told instead."""


def breakdown(posterior: Posterior, totals: Array, ci_prob: float) -> pd.DataFrame:
    """Return spend, contribution and ROI of each channel by time and by geo, as in ``breakdown.csv``.

    A contribution counts when it comes, so that of a period holds what spend of the one before still brought. Intervals
    are of some of the draws; means are brought to add up to those of all.

    Args:
        posterior: the fit.
        totals: mean contribution of each channel, currency, shape ``(channel,)``.
        ci_prob: mass of the intervals.

    Returns:
        ``by`` (``time`` or ``geo``), ``part, channel, spend, contribution, roi_mean, roi_median, roi_low, roi_high``,
        currency; parts in their order, ROI NaN where nothing was spent.
    """
    data, rows = posterior.data, posterior.thinned(DRAWS)
    weeks, geos = periods(pd.DatetimeIndex(data["week"])), pd.Index(data["geo"].to_numpy().astype(str))
    tables = []
    for c, channel in enumerate(posterior.channels):
        factor = posterior.misfit(rows)[:, c, None]
        found = by_chunks(partial(_worth, posterior, c, weeks), rows, data["money"].size)
        for by, names, axis, place in (("time", weeks.unique(), "geo", 0), ("geo", geos, "week", 1)):
            worth = np.concatenate([chunk[place] for chunk in found]) * factor
            worth = worth * totals[c] / worth.sum(axis=1).mean()
            spent = data["spend"][c].sum(axis).to_numpy()
            spend = _by_period(spent[None], weeks)[0] if by == "time" else spent
            roi = Interval.of(worth / np.where(spend > 0, spend, np.nan), ci_prob)
            brought = {"spend": spend, "contribution": worth.mean(axis=0), **roi.columns("roi")}
            tables.append(pd.DataFrame({"by": by, "part": names, "channel": channel, **brought}))
    table = pd.concat(tables, ignore_index=True)
    return table.sort_values("by", kind="stable", ascending=False, ignore_index=True)


def periods(weeks: pd.DatetimeIndex) -> pd.Index:
    """Return the quarter of each week, such as ``2024-Q1``, or its year where there are many; by its first day."""
    quarters = pd.Index([f"{year}-Q{quarter}" for year, quarter in zip(weeks.year, weeks.quarter, strict=True)])
    return quarters if quarters.nunique() <= MOST_QUARTERS else weeks.year.astype(str)


def _worth(posterior: Posterior, channel: int, weeks: pd.Index, rows: Array) -> tuple[Array, Array]:
    """Return what a channel brought by period and by geo, currency, shapes ``(draw, period)`` and ``(draw, geo)``."""
    money = media_response(posterior, channel, rows) * posterior.data["money"].to_numpy()
    return _by_period(money.sum(axis=1), weeks), money.sum(axis=2)


def _by_period(values: Array, weeks: pd.Index) -> Array:
    """Add weeks ``(..., week)`` up to their periods."""
    return np.stack([values[..., weeks == name].sum(axis=-1) for name in weeks.unique()], axis=-1)
