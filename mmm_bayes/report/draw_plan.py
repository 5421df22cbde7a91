"""Figures of the next budget: response curves, the plan beside today, the distribution of its gain."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mmm_bayes.curves import ResponseCurves
from mmm_bayes.report.numbers import change, count
from mmm_bayes.report.style import (
    BAD,
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
    name_rows,
    number_axis,
    place,
    wrapped,
)

HEAD = 0.62
COLUMNS = 3
DOTS = 50
BINS = 25


def response(curves: ResponseCurves, planned: Mapping[str, float], truth: ResponseCurves | None, look: Look) -> Figure:
    """Draw what each channel would return at each spend: median, interval, today and plan.

    Args:
        curves: by channel.
        planned: spend of the plan by channel; empty where there is no plan.
        truth: the true curves over the same window, where they are known.
        look: colours, money, intervals and break-even.
    """
    columns = min(COLUMNS, len(curves.channels))
    rows = -(-len(curves.channels) // columns)
    height = 2.4 if columns == 1 else 1.55
    top = HEAD + 0.5
    figure = canvas(
        top + rows * (height + 0.72) - 0.4,
        look.titled("What more or less money would return"),
        f"KPI value against spend over {count(curves.weeks, 'week')}; each channel on its own scale",
    )
    _legend(figure, bool(planned), truth is not None, look)
    left = 0.68
    width = (7.6 - 0.15) / columns - left
    for c, name in enumerate(curves.channels):
        row, column = divmod(c, columns)
        axes = place(figure, left + column * (width + left), top + row * (height + 0.72), width, height)
        _curve(axes, curves, c, look)
        if truth is not None and name in truth.channels:
            t = truth.channels.index(name)
            axes.plot(truth.spend[t], truth.response[0, t], color="black", lw=1.2, ls=(0, (4, 2)), zorder=4)
            end = np.interp(curves.spend[c, -1], truth.spend[t], truth.response[0, t])
            axes.set_ylim(0, max(axes.get_ylim()[1], 1.05 * end))
        for spend, fill in ((curves.today[c], "white"), (planned.get(name), look.colour[name])):
            if spend is not None:
                at = np.interp(spend, curves.spend[c], np.median(curves.response[:, c], axis=0))
                axes.plot(
                    spend, at, "o", ms=7, mfc=fill, mec=look.colour[name] if fill == "white" else "white", zorder=5
                )
        axes.set_title(wrapped(name, 30), loc="left", size=8.5, color=INK, pad=4)
    return figure


def plan(table: pd.DataFrame, look: Look) -> Figure:
    """Draw the plan beside today, with limits, the highest spend seen and where single draws would put the money.

    Args:
        table: ``channel, now, plan, lower, upper, observed, best_low, best_high`` in currency, largest plan first.
        look: colours, money and intervals.
    """
    names = [wrapped(c) for c in table["channel"]]
    step = 0.42
    figure = canvas(
        HEAD + step * len(table) + 0.3,
        look.titled("The plan beside today"),
        f"○ today, ● plan; light bar: limits; thin line: where {look.ci_prob:.0%} of the draws by themselves would go; "
        "│ most ever spent",
    )
    left = margin(names)
    axes = place(figure, left, HEAD, 7.6 - left - 0.75, step * len(table))
    limit = 1.04 * max(table[["now", "plan", "upper"]].to_numpy().max(), 1e-12)
    axes.set_xlim(0, limit)
    name_rows(axes, names)
    for y, row in enumerate(table.itertuples()):
        colour = look.colour[row.channel]
        axes.barh(y, row.upper - row.lower, 0.5, left=row.lower, color=SHADE, zorder=1)
        axes.plot([row.best_low, row.best_high], [y + 0.3, y + 0.3], color=LINE, lw=1.6, zorder=2)
        if row.observed <= limit:
            axes.plot([row.observed] * 2, [y - 0.27, y + 0.27], color=MUTED, lw=1, zorder=2)
        axes.plot([row.now, row.plan], [y, y], color=colour, lw=2, zorder=3)
        axes.plot(row.now, y, "o", ms=7.5, mfc="white", mec=colour, mew=1.6, zorder=4, clip_on=False)
        axes.plot(row.plan, y, "o", ms=8.5, color=colour, mec="white", zorder=5, clip_on=False)
        text = change(row.plan / row.now - 1) if row.now > 0 else "new" if row.plan > 0 else ""
        axes.text(1.02, y, text, size=9, va="center", transform=axes.get_yaxis_transform())
    number_axis(axes, "x", look.symbol)
    return figure


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
    size = (7.6 - 0.7) / (high - low)
    tall = size * (level.max() + 1) + 0.1
    middle = look.money.short(percentiles[50])
    subtitle = f"Each dot: 2 of 100 equally likely outcomes; the middle one gains {middle}"
    figure = canvas(HEAD + tall + 0.35, look.titled("How much the plan gains"), subtitle)
    axes = place(figure, 0.35, HEAD, 7.6 - 0.7, tall)
    axes.set_xlim(origin + low * width, origin + high * width)
    axes.set_ylim(0, tall / size)
    axes.set_yticks([])
    axes.grid(False, axis="y")
    if near:
        axes.axvline(0, color=INK, lw=1)
    axes.scatter(
        origin + width * (bins + 0.5),
        level + 0.5,
        s=(0.86 * size * 72) ** 2,
        color=[GOOD if v > 0 else BAD for v in values],
        lw=0,
        zorder=2,
        clip_on=False,
    )
    number_axis(axes, "x", look.symbol)
    return figure


# --- parts --------------------------------------------------------------------------------------


def _curve(axes: Axes, curves: ResponseCurves, c: int, look: Look) -> None:
    """Draw one channel's band and median, with the spend never seen shaded and the break-even line."""
    spend, draws = curves.spend[c], curves.response[:, c]
    low, median, high = np.quantile(draws, [(1 - look.ci_prob) / 2, 0.5, (1 + look.ci_prob) / 2], axis=0)
    colour = look.colour[curves.channels[c]]
    top = 1.05 * min(high[-1], max(3 * median[-1], spend[-1])) or 1.0
    axes.set_xlim(0, spend[-1])
    axes.set_ylim(0, top)
    axes.axvspan(min(curves.observed[c], spend[-1]), spend[-1], color=SHADE, zorder=0, lw=0)
    axes.fill_between(spend, low, high, color=colour, alpha=0.2, lw=0, zorder=1)
    axes.plot(spend, look.break_even * spend, color=MUTED, lw=1, ls=":", zorder=2)
    axes.plot(spend, median, color=colour, lw=1.8, zorder=3)
    number_axis(axes, "x", look.symbol, parts=3, zero=False)
    number_axis(axes, "y", look.symbol)
    axes.grid(False, axis="x")


def _legend(figure: Figure, planned: bool, truth: bool, look: Look) -> None:
    handles = [
        Line2D([], [], color=INK, lw=1.8, label="median"),
        Patch(color=BASE, label=f"{look.ci_prob:.0%} interval"),
        Line2D([], [], marker="o", ls="", mfc="white", mec=INK, ms=6.5, label="today"),
    ]
    handles += [Line2D([], [], marker="o", ls="", color=INK, ms=6.5, label="plan")] if planned else []
    handles += [Line2D([], [], color="black", lw=1.2, ls=(0, (4, 2)), label="truth")] if truth else []
    handles += [
        Line2D([], [], color=MUTED, lw=1, ls=":", label="break-even"),
        Patch(facecolor=SHADE, edgecolor=LINE, lw=0.6, label="never spent before"),
    ]
    legend(figure, handles)
