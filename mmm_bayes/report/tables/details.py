"""Tables of what the whole KPI is made of, of returns by time and geo, and of how channels act."""

from typing import Any

import numpy as np
import pandas as pd

from mmm_bayes.posterior.parts import CHANNEL, CONTROL
from mmm_bayes.report.numbers import NONE, Money, between, percent, ratio
from mmm_bayes.report.results import Fit
from mmm_bayes.report.tables.table import Table, column_heads
from mmm_bayes.report.words import label, say

MOST_GEOS = 20
"""Rows of a table of geos; with more the largest are shown."""


def kpi_parts(parts: pd.DataFrame, fit: Fit, write: Any) -> Table:
    """Return what the whole KPI is made of, see `facts.kpi_parts`; ``write`` shows an amount."""
    rows = [[part_name(row.part), write(row.amount), percent(row.share)] for row in parts.itertuples()]
    heads = column_heads("part", "contribution", "share")
    return Table(heads, rows, bold=[len(rows) - 1], title=say("table.kpi_parts", window=fit.window))


def part_name(part: str) -> str:
    """Return what readers call a part of the KPI: channels and controls go by their own names."""
    name = part.removeprefix(CHANNEL).removeprefix(CONTROL)
    return name if name != part else label(part, "component")


def shares(fit: Fit, kpi: str, kpi_is_money: bool, money: Money) -> Table:
    """Return each channel's share of the spend beside its share of the effect, and its cost per unit of the KPI."""
    roi, units = fit.roi, not kpi_is_money
    spend, effect = roi["spend"].sum(), roi["contribution"].sum()
    brought = [float(fit.contributions[f"{CHANNEL}{channel}"].sum()) for channel in roi["channel"]]
    rows = [
        [
            row.channel,
            percent(row.spend / spend) if row.spend else NONE,
            percent(row.contribution / effect),
            *([money.cents(row.spend / got) if row.spend and got > 0 else NONE] if units else []),
        ]
        for row, got in zip(roi.itertuples(), brought, strict=True)
    ]
    paid = sum(got for got, cost in zip(brought, roi["spend"], strict=True) if cost)
    total = [say("cell.all_channels"), percent(1.0), percent(1.0), *([money.cents(spend / paid)] if units else [])]
    heads = column_heads(
        "channel", "share_of_spend", "share_of_effect", *(["cost_per_unit"] if units else []), unit=kpi
    )
    return Table(heads, [*rows, total], bold=[len(rows)], title=say("table.shares", window=fit.window))


def breakdown(fit: Fit, by: str, money: Money) -> Table | None:
    """Return spend and ROI by ``time`` or ``geo``, all paid channels and each; None where there is only one part."""
    own = fit.breakdown[
        (fit.breakdown["by"] == by) & fit.breakdown["channel"].isin(fit.roi["channel"][fit.roi["spend"] > 0])
    ]
    sums = own.groupby("part", sort=False)[["spend", "contribution"]].sum()
    if len(sums) < 2:
        return None
    shown = sums.index if by == "time" else sums["spend"].nlargest(MOST_GEOS).index
    each = own.pivot(index="part", columns="channel", values="roi_mean")
    channels = [channel for channel in fit.roi["channel"] if channel in each]
    rows = [
        [
            part,
            money.full(sums.at[part, "spend"]),
            ratio(np.divide(*sums.loc[part, ["contribution", "spend"]]) if sums.at[part, "spend"] else None),
            *(ratio(each.at[part, channel]) for channel in channels),
        ]
        for part in shown
    ]
    heads = [*column_heads("period" if by == "time" else "geo", "spend", "roi_of_all"), *channels]
    code = "table.by_time" if by == "time" else "table.by_geo"
    return Table(heads, rows, title=say(code, window=fit.window, shown=len(shown), geos=len(sums)))


def carry_over(fit: Fit) -> Table:
    """Return how long the effect of each channel lasts, beside what was believed."""
    found = fit.shapes.set_index(["channel", "quantity"])
    rows = [
        [channel, *_beside(found.loc[(channel, "half")]), *_beside(found.loc[(channel, "most")])]
        for channel in fit.roi["channel"]
    ]
    level = float(fit.roi["ci_prob"].iloc[0])
    each = ("interval_at", "prior")
    heads = column_heads("channel", "half_effect", *each, "most_effect", *each, level=level)
    return Table(heads, rows, title=say("table.carry_over"))


def shape(fit: Fit) -> Table:
    """Return the parameters of each channel's shape, beside what was believed."""
    rows = [
        [row.channel, label(row.quantity, "shape"), *_beside(pd.Series(row._asdict()))]
        for row in fit.shapes.itertuples(index=False)
        if row.quantity not in ("half", "most")
    ]
    heads = column_heads(
        "channel", "parameter", "mean", "interval_at", "prior", level=float(fit.roi["ci_prob"].iloc[0])
    )
    return Table(heads, rows, text=2, title=say("table.shape"))


def _beside(row: pd.Series) -> list[str]:
    return [
        ratio(row["value_mean"]),
        between(row["value_low"], row["value_high"]),
        between(row["prior_low"], row["prior_high"]),
    ]
