"""What a plan moves, by channel, and what may be said of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mmm_bayes.allocate.frontier import spend_column
from mmm_bayes.allocate.plan import ChannelPlan, Plan
from mmm_bayes.allocate.schedule import Schedule
from mmm_bayes.curves import ResponseCurves, channel_of
from mmm_bayes.findings import Finding
from mmm_bayes.report.results import Fit

NOTICEABLE = 0.02
"""Share of the total that a channel's budget must move by to be named."""


def plan_by_channel(plan: Plan, channels: Mapping[str, str]) -> pd.DataFrame:
    """Return one row per channel, in currency; plans by geo are added up over the geos.

    Args:
        plan: by channel or by geo.
        channels: see `channel_of`.

    Returns:
        ``channel, now, plan, lower, upper, observed, beyond, contribution_now, contribution_plan`` and, for plans by
        channel, ``mroi, mroi_low, mroi_high, best_low, best_high, information``.
    """
    arms = pd.DataFrame([_arm(c) for c in plan.channels])
    if len(set(arms["channel"].map(channels))) == len(arms):
        return arms
    sums = arms.drop(columns="channel").groupby(arms["channel"].map(channels), sort=False).sum()
    return sums.assign(
        **dict.fromkeys(
            ("mroi", "mroi_low", "mroi_high", "probability", "best_low", "best_high", "information"), np.nan
        )
    ).reset_index()


def _arm(row: ChannelPlan) -> dict[str, Any]:
    best, information = row.best_spend, row.value_of_information
    return {
        "channel": row.channel,
        "now": row.spend_now,
        "plan": row.spend_plan,
        "lower": row.lower,
        "upper": row.upper,
        "observed": row.observed,
        "beyond": row.extrapolation * row.spend_plan,
        "probability": np.nan if row.probability is None else row.probability,
        "contribution_now": row.contribution_now.mean,
        "contribution_plan": row.contribution_plan.mean,
        "mroi": row.mroi.mean,
        "mroi_low": row.mroi.low,
        "mroi_high": row.mroi.high,
        "best_low": np.nan if best is None else best.low,
        "best_high": np.nan if best is None else best.high,
        "information": np.nan if information is None else information,
    }


def curves_by_channel(curves: ResponseCurves, channels: Mapping[str, str]) -> ResponseCurves:
    """Return curves by channel; those by geo are added up, every geo moving in proportion."""
    names = list(dict.fromkeys(channels[arm] for arm in curves.channels))
    if len(names) == len(curves.channels):
        return curves
    belongs = np.array([[channels[arm] == name for arm in curves.channels] for name in names], dtype=float)
    return replace(
        curves,
        channels=tuple(names),
        spend=belongs @ curves.spend,
        response=np.einsum("na,dap->dnp", belongs, curves.response),
        today=belongs @ curves.today,
        observed=belongs @ curves.observed,
    )


def moves(table: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Return which channels of a `plan_by_channel` get noticeably more and which less, the largest move first."""
    change = (table["plan"] - table["now"]).set_axis(table["channel"])
    large = change[change.abs() > NOTICEABLE * table["plan"].sum()]
    large = large.sort_values(key=np.abs, ascending=False, kind="stable")
    return list(large.index[large > 0]), list(large.index[large < 0])


def totals_of(frontier: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Return a frontier with what a reader asks of each total.

    Returns:
        The columns of ``frontier.csv``, ``beyond`` (share of the spend beyond what was ever observed) and ``today``
        (whether the total is today's).
    """
    spend = frontier[[spend_column(c.channel) for c in plan.channels]].to_numpy()
    over = np.maximum(spend - [c.observed for c in plan.channels], 0.0).sum(axis=1)
    total = frontier["total"].to_numpy()
    return frontier.assign(
        beyond=np.divide(over, total, out=np.zeros_like(over), where=total > 0),
        today=np.isclose(total, plan.spend_now, rtol=1e-9),
    )


def most_profitable(table: pd.DataFrame) -> dict[str, Any]:
    """Return the row of a `totals_of` with the highest mean profit; it may be the ``first`` or the ``last``."""
    at = int(table["profit"].to_numpy().argmax())
    return dict(table.iloc[at]) | {"first": at == 0, "last": at == len(table) - 1}


def unchanged(table: pd.DataFrame) -> bool:
    """Whether the plan of a `plan_by_channel` is today's."""
    return np.allclose(table["plan"], table["now"], rtol=1e-6, atol=0.0)


def next_units(fit: Fit, channels: Mapping[str, str]) -> dict[str, float]:
    """Return what the next unit of currency returns on average in each channel at today's spend."""
    curves = curves_by_channel(fit.curves, channels)
    return dict(zip(curves.channels, curves.marginal(curves.today).mean(axis=0).tolist(), strict=True))


def gain_of(plan: Plan) -> Finding:
    """Return what a plan, or a what-if, gains over today."""
    code = "plan.what_if" if plan.scenario == "what_if" else "plan.gain"
    return Finding(code, {"gain": plan.gain, "in_profit": plan.gain_in == "profit", "level": plan.ci_prob})


def about_plan(plan: Plan, table: pd.DataFrame) -> list[Finding]:
    """Return what may be said for and against a plan, its own notes last; ``table`` is its `plan_by_channel`."""
    found = []
    if plan.certified_gap is not None:
        code = "plan.certified" if plan.objective == "mean" else "plan.bounded"
        found.append(Finding(code, {"gap": plan.certified_gap}))
    if len(plan.channels) == len(table) and plan.scenario != "what_if":
        found += _limits(plan)
    if plan.unspent:
        found.append(Finding("plan.unspent", {"left": plan.unspent}))
    if plan.regret is not None and not unchanged(table):
        found.append(Finding("plan.regret", {"regret": plan.regret, "today": plan.regret_now}))
    return [*found, *plan.notes]


def _limits(plan: Plan) -> Iterator[Finding]:
    """Return which channels could still move, and which stand at a limit of the user's."""
    inside, outside = ([c for c in plan.channels if c.interior is within] for within in (True, False))
    if len(inside) > 1 and plan.objective == "mean":
        mroi = [c.mroi.mean for c in inside]
        yield Finding("plan.same_return", {"channels": [c.channel for c in inside], "mroi": mroi})
    held = {channel for note in plan.notes if note.code == "plan.held" for channel in note.values["channels"]}
    if at_limit := [c.channel for c in outside if channel_of(c.channel) not in held]:
        yield Finding("plan.at_limit", {"channels": at_limit})


def best_weeks(schedules: Sequence[Schedule]) -> Finding:
    """Return which channels do better in other weeks than even ones."""
    uneven = [s.channel for s in schedules if s.gain.mean]
    return Finding("schedule.uneven", {"channels": uneven}) if uneven else Finding("schedule.evenly")
