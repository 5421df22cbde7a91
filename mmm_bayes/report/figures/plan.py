"""Figures of the next budget: response curves, the plan beside today, its gain, every total, the weeks."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from mmm_bayes.allocate.plan import Plan
from mmm_bayes.allocate.schedule import Schedule
from mmm_bayes.curves import ResponseCurves
from mmm_bayes.intervals import Interval
from mmm_bayes.report.figures import layout, style
from mmm_bayes.report.figures.style import Look
from mmm_bayes.report.figures.svg import tip
from mmm_bayes.report.numbers import change
from mmm_bayes.report.words import say
from mmm_bayes.transforms import Array

DOTS = 50
STRIPS = 11
"""Parts of a curve that show a value each."""

BINS = 25
BREAK_EVEN: Any = {"color": style.MUTED, "lw": 1.0, "ls": ":"}
KNOWN: Any = {"color": style.TRUTH, "lw": 1.2, "ls": (0, (4, 2))}
EVENLY: Any = {"color": style.INK, "lw": 0.9, "ls": (0, (3, 2))}


def response(curves: ResponseCurves, planned: Mapping[str, float], truth: ResponseCurves | None, look: Look) -> Figure:
    """Draw what each channel would return at each spend: mean, interval, today and plan.

    Args:
        curves: by channel.
        planned: spend of the plan by channel; empty where there is no plan.
        truth: the true curves over the same window, where they are known.
        look: colours, money, intervals and break-even.
    """
    body = layout.canvas(
        look.titled(say("chart.curves.title")),
        say("chart.curves.subtitle", weeks=curves.weeks),
        [
            *_curve_keys(look, style.INK, bool(planned)),
            *([layout.line_key(say("chart.truth"), **KNOWN)] if truth is not None else []),
            layout.area_key(say("chart.never_spent"), style.SHADE),
        ],
    )
    panels, inches = layout.panels(body, curves.channels)
    for c, (name, axes) in enumerate(zip(curves.channels, panels, strict=True)):
        colour, draws = look.colour[name], curves.response[:, c]
        found = Interval.of(draws, look.ci_prob)
        low, mean, high = found.low, found.mean, found.high
        spend = curves.spend[c]
        top = 1.05 * min(high[-1], max(3 * mean[-1], spend[-1])) or 1.0
        if truth is not None and name in truth.channels:
            t = truth.channels.index(name)
            axes.plot(truth.spend[t], truth.response[0, t], zorder=4, **KNOWN)
            top = max(top, 1.05 * float(np.interp(spend[-1], truth.spend[t], truth.response[0, t])))
        axes.set_ylim(0, top)
        axes.plot(spend, look.break_even * spend, zorder=2, **BREAK_EVEN)
        _curve(axes, spend, (low, mean, high), colour)
        layout.number_axis(axes, "x", look.symbol, parts=3, zero=False)
        layout.number_axis(axes, "y", look.symbol, parts=4)
        axes.axvspan(min(curves.observed[c], spend[-1]), spend[-1], color=style.SHADE, zorder=0, lw=0)
        for at, filled in ((curves.today[c], False), (planned.get(name), True)):
            if at is not None:
                _mark(axes, at, float(np.interp(at, spend, mean)), colour, filled)
        for left, right, place in _strips(spend):
            values = {"spend": spend[place], "mean": mean[place], "low": low[place], "high": high[place]}
            tip(axes, (left, right), (0, top), say("tip.curve", channel=name, money=look.money, **values))
    return layout.settled(body, inches)


def plan(table: pd.DataFrame, look: Look) -> Figure:
    """Draw the plan beside today, with limits, the highest spend seen and where single draws would put the money.

    Args:
        table: ``channel, now, plan, lower, upper, observed, best_low, best_high`` in currency, largest plan first.
        look: colours, money and intervals.
    """
    limit = 1.04 * max(table[["now", "plan", "upper"]].to_numpy().max(), 1e-12)
    keys = [*_plan_keys(style.INK), layout.area_key(say("chart.budget.limits"))]
    if (table["observed"] <= limit).any():
        keys.append(layout.dot_key(say("chart.budget.most"), color=style.MUTED, marker="|", ms=9))
    if table["best_low"].notna().any():
        keys.append(layout.line_key(say("chart.budget.draws", level=look.ci_prob), color=style.OTHER, lw=1.6))
    body = layout.canvas(look.titled(say("chart.budget.title")), keys=keys)
    axes = body.subplots()
    axes.set_xlim(0, limit)
    for y, row in enumerate(table.itertuples()):
        colour = look.colour[row.channel]
        axes.barh(y, row.upper - row.lower, 0.36, left=row.lower, color=style.BASE, zorder=1)
        axes.plot([row.best_low, row.best_high], [y + 0.24] * 2, color=style.OTHER, lw=1.6, zorder=2)
        if row.observed <= limit:
            axes.plot([row.observed] * 2, [y - 0.2, y + 0.2], color=style.MUTED, lw=1, zorder=2)
        axes.plot([row.now, row.plan], [y, y], color=colour, lw=2, zorder=3)
        _mark(axes, row.now, y, colour, filled=False)
        _mark(axes, row.plan, y, colour, filled=True)
        values = {"now": row.now, "plan": row.plan, "lower": row.lower, "upper": row.upper}
        tip(axes, (0, limit), (y - 0.55, y + 0.42), say("tip.plan", channel=row.channel, money=look.money, **values))
    layout.number_axis(axes, "x", look.symbol)
    moved = list(zip(table["now"], table["plan"], strict=True))
    moves = [f"{look.plain.short(now)} → {look.plain.short(then)}" for now, then in moved]
    new = say("chart.budget.new")
    changes = [change(then / now - 1) if now > 0 else new if then > 0 else "" for now, then in moved]
    return layout.settled(body, layout.name_rows(axes, list(table["channel"]), moves, changes))


def gain(percentiles: tuple[float, ...], look: Look) -> Figure:
    """Draw the gain of a plan as 50 dots, each standing for 2 in 100 possible outcomes.

    Args:
        percentiles: 0th to 100th, currency.
        look: money.
    """
    values = np.interp(100 * (np.arange(DOTS) + 0.5) / DOTS, np.arange(101), percentiles)
    reach = values[-1] - values[0]
    near = values[0] < reach and values[-1] > -reach  # zero far away would squeeze the dots into a column
    origin = 0.0 if near else values[0]
    width = (max(values[-1], origin) - min(values[0], origin)) / BINS
    bins = np.floor((values - origin) / width).astype(int)  # zero lies between two of them
    low, high = min(bins[0], 0), max(bins[-1] + 1, 0)
    level = np.array([np.sum(bins[:i] == b) for i, b in enumerate(bins)])
    subtitle = say("chart.gain.subtitle", middle=look.money.short(percentiles[50]))
    body = layout.canvas(look.titled(say("chart.gain.title")), subtitle)
    axes = body.subplots()
    axes.set_xlim(origin + low * width, origin + high * width)
    axes.set_ylim(0, level.max() + 1)
    axes.set_yticks([])
    if near:
        axes.axvline(0, color=style.INK, lw=1)
    size = np.full(DOTS, 0.86 * width)
    places = np.column_stack([origin + width * (bins + 0.5), level + 0.5])
    colours = [style.GOOD if v > 0 else style.BAD for v in values]
    axes.add_collection(
        EllipseCollection(
            size, size, np.zeros(DOTS), units="x", offsets=places, offset_transform=axes.transData, fc=colours, zorder=2
        )
    )
    lost = say("tip.gain", money=look.money, middle=percentiles[50], low=percentiles[5], high=percentiles[95])
    tip(axes, axes.get_xlim(), axes.get_ylim(), lost)
    layout.number_axis(axes, "x", look.symbol)
    return layout.settled(body, per_width=(level.max() + 1) / (high - low))


def frontier(table: pd.DataFrame, plan: Plan, look: Look) -> Figure:
    """Draw what the best plan for each total returns, and what its profit gains over today's budget.

    Args:
        table: as `facts.totals_of` gives it.
        plan: marked beside today.
        look: money, intervals and break-even.
    """
    guessed = table.loc[table["beyond"] > plan.extrapolation_limit, "total"]
    unknown = layout.area_key(say("chart.frontier.unknown", share=plan.extrapolation_limit), style.SHADE)
    body = layout.canvas(
        look.titled(say("chart.frontier.title")),
        say("chart.frontier.subtitle", weeks=plan.weeks),
        [*_curve_keys(look, style.GOOD, planned=True), *([unknown] if len(guessed) else [])],
    )
    total = table["total"].to_numpy()
    parts = (
        (say("chart.frontier.value"), "response", (plan.contribution_now.mean, plan.contribution_plan.mean)),
        (say("chart.frontier.profit"), "profit_gain", (0.0, plan.profit_gain.mean)),
    )
    returned, gained = panels = body.subplots(1, 2)
    for axes, (title, column, (now, planned)) in zip(panels, parts, strict=True):
        _curve_tips(axes, total, table, column, title, look)
        axes.set_title(title)
        _curve(axes, total, [table[f"{column}_{end}"].to_numpy() for end in ("low", "mean", "high")], style.GOOD)
        if len(guessed):
            axes.axvspan(float(guessed.iloc[0]), total[-1], color=style.SHADE, zorder=0, lw=0)
        _mark(axes, plan.spend_plan, planned, style.GOOD, filled=True)
        _mark(axes, plan.spend_now, now, style.GOOD, filled=False)
        layout.number_axis(axes, "x", look.symbol, parts=3, zero=False)
        layout.number_axis(axes, "y", look.symbol)
    returned.plot(total, look.break_even * total, zorder=2, **BREAK_EVEN)
    returned.set_ylim(0, 1.05 * float(table["response_high"].max()) or 1.0)
    gained.axhline(0, color=style.INK, lw=1, zorder=1)
    return layout.settled(body, 2.2)


def schedule(schedules: Sequence[Schedule], look: Look) -> Figure:
    """Draw the weeks of a plan: what each channel spends, beside an even schedule.

    Args:
        schedules: one per channel, at least one.
        look: colours and money.
    """
    body = layout.canvas(
        look.titled(say("chart.schedule.title")),
        say("chart.schedule.subtitle", interval=look.interval),
        [layout.line_key(say("chart.schedule.evenly"), **EVENLY)],
    )
    axes = body.subplots()
    weeks = len(schedules[0].spend)
    for y, found in enumerate(schedules):
        even, floor = found.total / weeks, y + 0.38
        tall = 0.5 / max(*found.spend, even)
        axes.bar(np.arange(1, weeks + 1), -tall * np.array(found.spend), 0.86, floor, color=look.colour[found.channel])
        axes.plot([0.5, weeks + 0.5], [floor - tall * even] * 2, **EVENLY)
        gain = found.gain
        values = {"mean": gain.mean, "low": gain.low, "high": gain.high}
        text = say("tip.schedule", channel=found.channel, money=look.money, **values)
        tip(axes, (0.5, weeks + 0.5), (y - 0.55, y + 0.4), text)
    axes.set_xlim(0.4, weeks + 0.6)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.grid(False)
    axes.set_xlabel(say("chart.schedule.week"))
    gains = [s.gain for s in schedules]
    intervals, means = [look.plain.between(g.low, g.high) for g in gains], [look.plain.short(g.mean) for g in gains]
    return layout.settled(body, layout.name_rows(axes, [s.channel for s in schedules], intervals, means, tall=1.6))


# --- parts --------------------------------------------------------------------------------------


def _strips(spend: Array) -> list[tuple[float, float, int]]:
    """Return parts of an axis from and to, and the place of the spend in the middle of each."""
    places = np.unique(np.linspace(0, len(spend) - 1, STRIPS).round().astype(int))
    edges = np.concatenate([[spend[0]], (spend[places[1:]] + spend[places[:-1]]) / 2, [spend[-1]]])
    return list(zip(edges, edges[1:], places, strict=False))


def _curve_tips(axes: Axes, total: Array, table: pd.DataFrame, column: str, title: str, look: Look) -> None:
    low, mean, high = (table[f"{column}_{end}"].to_numpy() for end in ("low", "mean", "high"))
    for left, right, place in _strips(total):
        values = {"spend": total[place], "mean": mean[place], "low": low[place], "high": high[place]}
        text = say("tip.curve", channel=title, money=look.money, **values)
        tip(axes, (left, right), (low.min(), high.max()), text)


def _plan_keys(colour: str) -> list[Line2D]:
    return [
        layout.dot_key(say("chart.today"), color=colour, mfc=style.PAPER, mew=1.6),
        layout.dot_key(say("chart.plan"), color=colour),
    ]


def _curve_keys(look: Look, colour: str, planned: bool) -> list[Artist]:
    marks = _plan_keys(colour)[: 2 if planned else 1]
    return [
        layout.line_key(say("chart.mean"), color=colour),
        layout.area_key(look.interval),
        *marks,
        layout.line_key(say("chart.break_even"), **BREAK_EVEN),
    ]


def _curve(axes: Axes, spend: Array, response: Sequence[Array], colour: str) -> None:
    """Draw a mean and its interval (low, mean, high) against money."""
    low, mean, high = response
    axes.fill_between(spend, low, high, color=colour, alpha=0.2, lw=0, zorder=1)
    axes.plot(spend, mean, color=colour, lw=1.8, zorder=3)
    axes.set_xlim(spend[0], spend[-1])
    axes.grid(False, axis="x")


def _mark(axes: Axes, x: float, y: float, colour: str, filled: bool) -> None:
    """Mark the plan, filled, or today; also at the edge of the axes."""
    face, edge = (colour, style.PAPER) if filled else (style.PAPER, colour)
    axes.plot(x, y, "o", ms=7.5, mfc=face, mec=edge, mew=1.0 if filled else 1.6, clip_on=False, zorder=6 - filled)
