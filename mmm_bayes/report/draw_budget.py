"""Figures of how much and when: the best plan for each total, and the weeks of a plan."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mmm_bayes.allocate.plan import Plan
from mmm_bayes.allocate.schedule import Schedule
from mmm_bayes.report.numbers import count, percent
from mmm_bayes.report.style import (
    BASE,
    GOOD,
    INK,
    LINE,
    MUTED,
    SHADE,
    Look,
    canvas,
    legend,
    margin,
    number_axis,
    place,
    wrapped,
)

HEAD = 0.62
LEFT = 0.68


def frontier(table: pd.DataFrame, plan: Plan, look: Look) -> Figure:
    """Draw what the best plan for each total returns, and what its profit gains over today's budget.

    Args:
        table: as `words.frontier_table` gives it.
        plan: marked beside today.
        look: money, intervals and break-even.
    """
    figure = canvas(
        4.05,
        look.titled("What each total would return at its best"),
        f"Spend over {count(plan.weeks, 'week')} from left to right; every point is the best plan within the limits",
    )
    guessed = table.loc[table["beyond"] > plan.extrapolation_limit, "total"]
    _frontier_legend(figure, len(guessed) > 0, plan.extrapolation_limit, look)
    width = (7.6 - 0.15) / 2 - LEFT
    returned = ("response_median", "response_low", "response_high")
    gained = ("profit_gain_median", "profit_gain_low", "profit_gain_high")
    marks = [
        ((plan.spend_now, plan.contribution_now.median), (plan.spend_plan, plan.contribution_plan.median)),
        ((plan.spend_now, 0.0), (plan.spend_plan, plan.profit_gain.median)),
    ]
    titles = ("KPI value", "Profit, more or less than today's")
    for k, columns in enumerate((returned, gained)):
        axes = place(figure, LEFT + k * (width + LEFT), HEAD + 0.45, width, 2.6)
        axes.set_title(titles[k], loc="left", size=8.5, color=INK, pad=4)
        axes.set_xlim(float(table["total"].iloc[0]), float(table["total"].iloc[-1]))
        if len(guessed):
            axes.axvspan(float(guessed.iloc[0]), float(table["total"].iloc[-1]), color=SHADE, zorder=0, lw=0)
        _band(axes, table, columns)
        _marks(axes, *marks[k])
        number_axis(axes, "x", look.symbol, parts=4, zero=False)
        number_axis(axes, "y", look.symbol)
        axes.grid(False, axis="x")
    figure.axes[1].axhline(0, color=INK, lw=1, zorder=1)
    total = np.array(figure.axes[0].get_xlim())
    figure.axes[0].set_ylim(0, 1.05 * float(table["response_high"].max()) or 1.0)
    figure.axes[0].plot(total, look.break_even * total, color=MUTED, lw=1, ls=":", zorder=2)
    return figure


def schedule(schedules: Sequence[Schedule], look: Look) -> Figure:
    """Draw the weeks of a plan: what each channel spends, beside an even schedule.

    Args:
        schedules: one per channel, at least one.
        look: colours and money.
    """
    weeks, step, height = len(schedules[0].spend), 0.78, 0.5
    figure = canvas(
        HEAD + step * len(schedules) + 0.42,
        look.titled("When to spend it"),
        f"Each on its own scale; dashed: spent evenly; right: gain over that with its {look.ci_prob:.0%} interval",
    )
    left = margin([wrapped(s.channel) for s in schedules])
    for k, found in enumerate(schedules):
        axes = place(figure, left, HEAD + k * step + 0.12, 7.6 - left - 1.6, height)
        axes.bar(np.arange(1, weeks + 1), found.spend, 0.86, color=look.colour[found.channel], zorder=2)
        axes.axhline(found.total / weeks, color=INK, lw=0.9, ls=(0, (3, 2)), zorder=3)
        axes.set_xlim(0.4, weeks + 0.6)
        axes.set_ylim(0, 1.12 * max(*found.spend, found.total / weeks))
        axes.set_yticks([])
        axes.grid(False)
        axes.set_ylabel(wrapped(found.channel), rotation=0, ha="right", va="center", size=9, color=INK)
        interval = look.money.between(found.gain.low, found.gain.high)
        axes.text(1.015, 0.7, look.money.short(found.gain.median), size=9, va="center", transform=axes.transAxes)
        axes.text(1.015, 0.28, interval, size=8, color=MUTED, va="center", transform=axes.transAxes)
        axes.tick_params(labelbottom=k == len(schedules) - 1)
    axes.set_xlabel("week of the plan")
    return figure


# --- parts --------------------------------------------------------------------------------------


def _band(axes: Axes, table: pd.DataFrame, columns: Sequence[str]) -> None:
    """Draw a median with its interval over the totals."""
    median, low, high = (table[c] for c in columns)
    axes.fill_between(table["total"], low, high, color=GOOD, alpha=0.2, lw=0, zorder=1)
    axes.plot(table["total"], median, color=GOOD, lw=1.8, zorder=3)


def _marks(axes: Axes, now: tuple[float, float], planned: tuple[float, float]) -> None:
    """Mark today's budget and the plan, also at the edge of the totals."""
    axes.plot(*planned, "o", ms=8, color=GOOD, mec="white", zorder=5, clip_on=False)
    axes.plot(*now, "o", ms=7, mfc="white", mec=GOOD, mew=1.6, zorder=6, clip_on=False)


def _frontier_legend(figure: Figure, guessed: bool, limit: float, look: Look) -> None:
    handles = [
        Line2D([], [], color=GOOD, lw=1.8, label="median"),
        Patch(color=BASE, label=f"{look.ci_prob:.0%} interval"),
        Line2D([], [], marker="o", ls="", mfc="white", mec=GOOD, mew=1.6, ms=6.5, label="today"),
        Line2D([], [], marker="o", ls="", color=GOOD, ms=7, label="plan"),
        Line2D([], [], color=MUTED, lw=1, ls=":", label="break-even"),
    ]
    handles += (
        [Patch(facecolor=SHADE, edgecolor=LINE, lw=0.6, label=f"over {percent(limit)} of it never spent before")]
        if guessed
        else []
    )
    legend(figure, handles)
