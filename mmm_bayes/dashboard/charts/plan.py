"""Charts of budgets: response curves, moves, gains, totals, weeks, plans side by side."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import altair as alt
import numpy as np
import pandas as pd

from mmm_bayes.allocate import Plan, Schedule
from mmm_bayes.curves import ResponseCurves
from mmm_bayes.dashboard.charts.style import (
    BAD,
    FLAT,
    GOOD,
    HEAD,
    LIVE,
    NEUTRAL,
    PALE,
    ROW,
    SMALL,
    Chart,
    Drawn,
    Live,
    Look,
    amounts,
    finish,
    live,
    rows,
)
from mmm_bayes.intervals import Interval

KNOTS = 3
"""One in so many points of a curve is drawn."""


def responses(curves: ResponseCurves, planned: Mapping[str, float], truth: ResponseCurves | None, look: Look) -> Drawn:
    """Draw what each channel would return at each spend: mean, interval, never-spent-before, today and plan.

    Args:
        curves: by channel.
        planned: spend of the plan by channel, currency; empty where there is no plan.
        truth: the true curves over the same window, where they are known.
        look: colours, money, intervals and break-even.
    """
    then = [planned.get(name, today) for name, today in zip(curves.channels, curves.today.tolist(), strict=True)]
    return [_response(curves, arm, spend, truth, look) for arm, spend in enumerate(then)]


def _response(curves: ResponseCurves, arm: int, planned: float, truth: ResponseCurves | None, look: Look) -> Chart:
    layers, name = _curve(curves, arm, look, look.in_money("spend"), look.in_money("return")), curves.channels[arm]
    if truth is not None and name in truth.channels:
        t = truth.channels.index(name)
        known = pd.DataFrame({"spend": truth.spend[t], "truth": truth.response[0, t]})
        line = alt.Chart(known[known["spend"] <= curves.spend[arm, -1]]).mark_line(
            color=NEUTRAL, strokeDash=[4, 3], clip=True
        )
        layers.append(line.encode(x="spend:Q", y="truth:Q"))
    return finish([*layers, *_marks(marks_on(curves, arm, planned), look)], name, FLAT)


def live_response(curves: ResponseCurves, arm: int, look: Look) -> Live:
    """Return a chart of `responses` without titles, whose marks, see `marks_on`, are laid on it each time."""
    layers = _curve(curves, arm, look, "", "")
    return live(finish([*layers, *_marks(alt.NamedData(LIVE), look)], "", SMALL))


def _curve(curves: ResponseCurves, arm: int, look: Look, spent: str, returned: str) -> list[Chart]:
    spend, drawn = curves.spend[arm][::KNOTS], Interval.of(curves.response[:, arm, ::KNOTS], look.ci_prob)
    table = pd.DataFrame({"spend": spend, "mean": drawn.mean, "low": drawn.low, "high": drawn.high})
    tips = [alt.Tooltip(f"{c}:Q", format=",.3~s") for c in table]
    end = float(spend[-1])
    top = 1.05 * min(table["high"].max(), max(3 * table["mean"].max(), end)) or 1.0
    axis = amounts("spend", spent, domain=[0, end], nice=False)
    base = alt.Chart(table.assign(channel=curves.channels[arm])).encode(x=axis, color=look.colour, tooltip=tips)
    unseen = pd.DataFrame({"spend": [min(float(curves.observed[arm]), end)], "end": [end]})
    return [
        alt.Chart(unseen).mark_rect(color=PALE, opacity=0.16).encode(x="spend:Q", x2="end:Q"),
        base.mark_area(opacity=0.22, clip=True).encode(y=amounts("low", returned, "y", domain=[0, top]), y2="high:Q"),
        base.mark_line(strokeWidth=2, clip=True).encode(y="mean:Q"),
    ]


def marks_on(curves: ResponseCurves, arm: int, planned: float) -> pd.DataFrame:
    """Return where today and the plan lie on the mean of a channel's curve: ``what, spend, mean, channel``."""
    at = np.array([float(curves.today[arm]), planned])
    level = curves.along(arm, at).mean(axis=0)
    return pd.DataFrame({"what": ["today", "plan"], "spend": at, "mean": level, "channel": curves.channels[arm]})


def _marks(data: pd.DataFrame | alt.NamedData, look: Look) -> list[Chart]:
    """Mark today, hollow, and the plan, filled."""
    tips = [alt.Tooltip("what:N"), *(alt.Tooltip(f"{c}:Q", format=",.3~s") for c in ("spend", "mean"))]
    base = alt.Chart(data).encode(x="spend:Q", y="mean:Q", color=look.colour, tooltip=tips)
    return [
        base.transform_filter("datum.what == 'today'").mark_point(size=90, strokeWidth=2, opacity=1),
        base.transform_filter("datum.what == 'plan'").mark_point(size=90, filled=True, opacity=1),
    ]


def moves(table: pd.DataFrame, look: Look) -> Drawn:
    """Draw the plan beside today, with limits and where single draws would put the money.

    Args:
        table: ``channel, now, plan, lower, upper, best_low, best_high`` in currency, largest plan first.
        look: colours, money and intervals.
    """
    tips = [
        alt.Tooltip("channel:N"),
        *(alt.Tooltip(f"{c}:Q", format=",.0f", title=t) for c, t in (("now", "today"), ("plan", "plan"))),
    ]
    base = alt.Chart(table).encode(y=rows("channel", table["channel"]), tooltip=tips)
    colour = look.colour
    layers = [
        base.mark_bar(height=16, color=PALE, opacity=0.3).encode(
            x=amounts("lower", look.in_money("spend")), x2="upper:Q"
        ),
        base.mark_rule(color=NEUTRAL, strokeWidth=2, yOffset=11).encode(x="best_low:Q", x2="best_high:Q"),
        base.mark_rule(strokeWidth=2).encode(x="now:Q", x2="plan:Q", color=colour),
        base.mark_point(size=90, strokeWidth=2, opacity=1).encode(x="now:Q", color=colour),
        base.mark_point(size=90, filled=True, opacity=1).encode(x="plan:Q", color=colour),
    ]
    subtitle = f"Hollow: today; pale: limits; line below: where {look.ci_prob:.0%} of the draws would go"
    return [finish(layers, "The plan beside today", HEAD + 20 + ROW * len(table), subtitle)]


def gain(percentiles: Sequence[float], look: Look) -> Drawn:
    """Draw the gain of a plan as the outcomes that are equally likely; ``percentiles`` are the 0th to the 100th."""
    table = pd.DataFrame({"gain": np.asarray(percentiles)})
    bars = (
        alt.Chart(table)
        .mark_bar()
        .encode(
            x=alt.X(
                "gain:Q", bin=alt.Bin(maxbins=30), title=look.in_money("gain"), axis=alt.Axis(format="~s", tickCount=6)
            ),
            y=alt.Y("count()", title="of 100 outcomes"),
            color=alt.condition("datum.bin_maxbins_30_gain >= 0", alt.value(GOOD), alt.value(BAD)),
        )
    )
    return [finish([bars], "How much the plan gains", FLAT)]


def gains_of(plans: Mapping[str, Plan]) -> pd.DataFrame:
    """Return ``plan, low, mean, high, chance`` of the gain of each plan over today."""
    gains = {name: plan.gain for name, plan in plans.items()}
    rows = [(name, g.low, g.mean, g.high, g.probability) for name, g in gains.items()]
    return pd.DataFrame(rows, columns=["plan", "low", "mean", "high", "chance"])


@lru_cache
def live_gains(plans: int, look: Look) -> Live:
    """Return a chart with room for so many plans, for what `gains_of` says of them: interval and mean."""
    tips = [
        alt.Tooltip("plan:N"),
        *(alt.Tooltip(f"{c}:Q", format=",.3~s") for c in ("low", "mean", "high")),
        alt.Tooltip("chance:Q", format=".0%"),
    ]
    names = alt.Y("plan:N", sort=None, title=None, axis=alt.Axis(labelLimit=160))
    base = alt.Chart(alt.NamedData(LIVE)).encode(y=names, tooltip=tips)
    zero = alt.Chart(pd.DataFrame({"low": [0.0]})).mark_rule(color=NEUTRAL, strokeDash=[4, 3]).encode(x="low:Q")
    layers = [
        zero,
        base.mark_rule(strokeWidth=4, color=GOOD).encode(
            x=amounts("low", look.in_money("gain over today")), x2="high:Q"
        ),
        base.mark_point(filled=True, size=90, opacity=1, color=GOOD).encode(x="mean:Q"),
    ]
    return live(finish(layers, "Gain over today", HEAD + ROW * plans, f"Mean and {look.interval}"))


def frontier(table: pd.DataFrame, plan: Plan, look: Look) -> Drawn:
    """Draw what the best plan for each total returns, and what its profit gains.

    Args:
        table: as `facts.totals_of` gives it.
        plan: marked beside today.
        look: money and intervals.
    """
    parts = (
        ("response", "What each total would return at its best", "return", plan.contribution_plan.mean),
        ("profit_gain", "Profit beside today's", "profit", plan.profit_gain.mean),
    )
    return [
        _band(table, column, title, what, {"total": plan.spend_plan, f"{column}_mean": planned}, look)
        for column, title, what, planned in parts
    ]


def _band(table: pd.DataFrame, column: str, title: str, what: str, planned: Mapping[str, float], look: Look) -> Chart:
    tips = [
        alt.Tooltip(f"{c}:Q", format=",.3~s", title=c.replace("_", " "))
        for c in ("total", f"{column}_mean", f"{column}_low", f"{column}_high")
    ]
    base = alt.Chart(table).encode(x=amounts("total", look.in_money("spend"), zero=False), tooltip=tips)
    layers = [
        base.mark_area(opacity=0.22).encode(
            y=amounts(f"{column}_low", look.in_money(what), "y"), y2=f"{column}_high:Q"
        ),
        base.mark_line().encode(y=f"{column}_mean:Q"),
        base.transform_filter("datum.today").mark_point(size=90, strokeWidth=2, opacity=1).encode(y=f"{column}_mean:Q"),
        base.properties(data=pd.DataFrame([planned]))
        .mark_point(size=90, filled=True, opacity=1)
        .encode(y=f"{column}_mean:Q"),
    ]
    return finish(layers, title, FLAT, f"Mean and {look.interval}; ring: today's total, dot: the plan")


def schedule(schedules: Sequence[Schedule], look: Look) -> Drawn:
    """Draw the weeks of a plan: what each channel spends in each."""
    return [_weeks(found, look) for found in schedules]


def _weeks(found: Schedule, look: Look) -> Chart:
    table = pd.DataFrame({"week": range(1, len(found.spend) + 1), "spend": found.spend, "channel": found.channel})
    bars = (
        alt.Chart(table)
        .mark_bar()
        .encode(
            x=alt.X("week:Q", title="week of the plan"),
            y=amounts("spend", look.in_money("spend"), "y"),
            color=look.colour,
            tooltip=["week:Q", alt.Tooltip("spend:Q", format=",.0f")],
        )
    )
    return finish([bars], found.channel, FLAT)
