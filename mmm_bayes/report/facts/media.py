"""What media brought, which channel was best, and what speaks against it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mmm_bayes.evidence import LAGS, weeks_on
from mmm_bayes.findings import Finding
from mmm_bayes.intervals import Interval
from mmm_bayes.panel import Panel
from mmm_bayes.report.numbers import count
from mmm_bayes.report.results import Fit
from mmm_bayes.transforms import Array


@dataclass(frozen=True)
class Headline:
    """What media did over the panel.

    Attributes:
        spend: currency, all channels.
        contribution: currency, all channels.
        share: the same as a part of the KPI.
        roi: the same of the paid channels per unit of spend.
        best: the paid channel that most probably returned more per unit than any other.
        best_roi: what it returned.
        best_chance: probability that no other channel returned more; below `decision.LEANING` none is to be named best.
        little: channels of which the data say little.
    """

    spend: float
    contribution: Interval[float]
    share: Interval[float]
    roi: Interval[float]
    best: str
    best_roi: Interval[float]
    best_chance: float
    little: list[str]


def headline(fit: Fit, kpi: float, ci_prob: float) -> Headline:
    """Return what media did, from the draws of the channels' shares.

    Args:
        fit: the tables and draws.
        kpi: value of the KPI over the panel, currency.
        ci_prob: mass of the intervals.
    """
    roi, returns = fit.roi, roi_draws(fit, kpi)
    spend, paid = float(roi["spend"].sum()), (roi["spend"] > 0).to_numpy()
    wins = np.bincount(np.nanargmax(returns, axis=1), minlength=len(roi)) / len(returns)
    best = roi.iloc[int(wins.argmax())]
    share = Interval.of_one(fit.share.sum(axis=1), ci_prob)
    return Headline(
        spend=spend,
        contribution=replace(share.times(kpi), mean=float(roi["contribution"].sum())),
        share=replace(share, mean=float(roi["contribution_share"].sum())),
        roi=replace(
            Interval.of_one(kpi * fit.share[:, paid].sum(axis=1) / spend, ci_prob),
            mean=float(roi["contribution"][paid].sum()) / spend,
        ),
        best=best["channel"],
        best_roi=Interval(*best[["roi_mean", "roi_median", "roi_low", "roi_high"]]),
        best_chance=float(wins.max()),
        little=_little(fit),
    )


def _little(fit: Fit) -> list[str]:
    """Return the channels of which the data say little."""
    learning = fit.diagnostics["learning"]
    return [channel for channel in fit.roi["channel"] if learning[channel]["says"] == "little"]


def rests_on_prior(fit: Fit, panel: Panel) -> Iterator[Finding]:
    """Yield which channels the data say little of, and which are too new for them to say much."""
    if names := _little(fit):
        yield Finding("media.rests_on_prior", {"channels": names})
    weeks = dict(zip(panel.channels, weeks_on(panel), strict=True))
    if new := [channel for channel in panel.channels if weeks[channel] < LAGS and channel not in names]:
        yield Finding("evidence.new", {"channels": new, "weeks": [count(weeks[channel], "week") for channel in new]})


NO_EFFECT = 0.5
"""Probability from which on a channel is said to show no effect."""


def without_effect(fit: Fit) -> list[Finding]:
    """Return the channels of which the data show no effect, with the most that they may return."""
    idle = fit.diagnostics["idle"]
    rows = fit.roi.set_index("channel")["roi_high"]
    return [
        Finding("media.no_effect", {"channel": channel, "most": float(rows[channel])})
        for channel, probability in idle.items()
        if probability > NO_EFFECT
    ]


def roi_draws(fit: Fit, kpi: float) -> Array:
    """Return the ROI of each channel draw by draw, shape ``(draw, channel)``; NaN where nothing was spent."""
    spend = fit.roi["spend"].to_numpy()
    return kpi * fit.share / np.where(spend > 0, spend, np.nan)


def contributions_by_channel(fit: Fit, kpi: float, ci_prob: float) -> pd.DataFrame:
    """Return ``channel, spend, mean, low, high, share`` in currency, largest contribution first."""
    drawn = Interval.of(kpi * fit.share, ci_prob)
    table = fit.roi[["channel", "spend"]].assign(
        mean=fit.roi["contribution"], low=drawn.low, high=drawn.high, share=fit.roi["contribution_share"]
    )
    return table.sort_values("mean", ascending=False, kind="stable")


def roi_of_runs(fits: Mapping[str, Fit]) -> pd.DataFrame:
    """Return ``run, channel, mean, low, high``: the ROI of each paid channel in each run, channels of all in turn."""
    names = {"roi_mean": "mean", "roi_low": "low", "roi_high": "high"}
    tables = [
        fit.roi.dropna(subset="roi_mean")[["channel", *names]].rename(columns=names).assign(run=run)
        for run, fit in fits.items()
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["run", "channel", *names.values()])


def contradictions(fit: Fit) -> list[Finding]:
    """Return where the second model contradicts the ROI of a channel."""
    found = (r["values"]["findings"] for r in fit.diagnostics["reasons"] if r["check"] == "second_opinion")
    return [Finding(**raw) for findings in found for raw in findings]


def about_tests(lift: pd.DataFrame, aging: float) -> list[Finding]:
    """Return what was made of the results of lift tests: several channels at once, other units, age.

    Args:
        lift: ``lift.csv``.
        aging: relative error for each year between a test and the panel.
    """
    found = []
    for number, row in enumerate(lift.itertuples(), 1):
        if row.channels > 1:
            found.append(Finding("lift.together", {"number": number, "channels": row.channel}))
        if pd.notna(row.roas):
            found.append(Finding("lift.from_roas", {"number": number, "roas": float(row.roas)}))
        if pd.notna(row.path):
            found.append(Finding("lift.from_file", {"number": number, "path": str(row.path)}))
        if pd.notna(row.age):
            values = {"number": number, "years": float(row.age), "aging": aging, "start": str(row.start)}
            found.append(Finding("lift.outside", values))
    return found
