"""Figures of returns: intervals beside their priors, both models side by side, what media cost and brought."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from mmm_bayes.report.numbers import between, percent, ratio
from mmm_bayes.report.style import (
    DPI,
    INK,
    LINE,
    MODELS,
    MUTED,
    PRIOR,
    Look,
    Ticks,
    canvas,
    margin,
    name_rows,
    number_axis,
    place,
    wrapped,
)
from mmm_bayes.transforms import Array

HEAD, FOOT = 0.86, 0.3
WIDE = 15.0
"""Ratio of the largest to the smallest median from which an axis of ROI is logarithmic."""

FAR = 5.0
"""An interval is cut off beyond this multiple of the largest median, so that the others stay readable."""


def roi_forest(roi: pd.DataFrame, true_roi: pd.Series, look: Look) -> Figure:
    """Draw the ROI of each paid channel: interval, prior behind it, truth where known, break-even.

    Args:
        roi: rows of ``roi.csv``, best channel first.
        true_roi: by channel, may be empty.
        look: colours, money, intervals and break-even.
    """
    names = [wrapped(c) for c in roi["channel"]]
    medians = [ratio(v) for v in roi["roi_median"]]
    intervals = [between(*ends) for ends in zip(roi["roi_low"], roi["roi_high"], strict=True)]
    heads = ("ROI", f"{look.ci_prob:.0%} interval")
    step = 0.44
    figure = canvas(HEAD + step * len(roi) + FOOT, f"Return on {look.money.unit}", _legend(look, len(true_roi) > 0))
    left, columns = margin(names), (0.1, margin([heads[0], *medians]) + 0.1)
    right = columns[1] + margin([heads[1], *intervals])
    axes = place(figure, left, HEAD, 7.6 - left - right, step * len(roi))
    truth = true_roi.reindex(roi["channel"]).to_numpy(dtype=float)
    shown = _roi_axis(axes, roi[["roi_median", "roi_low", "roi_high"]].to_numpy(), truth, look.break_even)
    name_rows(axes, names)
    for y, row in enumerate(roi.itertuples()):
        colour = look.colour[row.channel]
        _bar(axes, y, (row.prior_roi_low, row.prior_roi_high), shown, 15, PRIOR)
        _bar(axes, y, (row.roi_low, row.roi_high), shown, 5.5, colour)
        axes.plot(row.roi_median, y, "o", ms=7, color=colour, mec="white", mew=1.2, zorder=4, clip_on=False)
        _arrows(axes, y, (row.roi_low, row.roi_high), shown, colour)
        _beside(axes, y, columns, (medians[y], intervals[y]), bold=True)
    axes.plot(truth, range(len(roi)), "D", ms=5.5, color="black", mec="white", mew=1, zorder=5, ls="none")
    _beside(axes, -0.75, columns, heads, colour=MUTED)
    _break_even(axes, look.break_even, shown)
    return figure


def models_roi(table: pd.DataFrame, look: Look) -> Figure:
    """Draw the ROI of both models under each other, by channel, with the truth where it is known.

    Args:
        table: rows of ``comparison.csv``.
        look: intervals and break-even.
    """
    names = [wrapped(c) for c in table["channel"]]
    step, parts = 0.52, (("bayesian", "o", -0.16), ("lightgbm", "s", 0.16))
    known = table["true_roi"].notna().any()
    figure = canvas(
        HEAD + step * len(table) + FOOT,
        "The same return, estimated by two models",
        f"Median and {look.ci_prob:.0%} interval" + ("; diamonds: the true return" if known else ""),
    )
    left = margin(names)
    axes = place(figure, left, HEAD, 7.6 - left - 0.25, step * len(table))
    values = [table[[f"{m}_roi", f"{m}_low", f"{m}_high"]].to_numpy() for m, _, _ in parts]
    shown = _roi_axis(axes, np.concatenate(values), table["true_roi"].to_numpy(), look.break_even)
    name_rows(axes, names)
    for (model, marker, shift), intervals in zip(parts, values, strict=True):
        for y, (median, low, high) in enumerate(intervals):
            _bar(axes, y + shift, (low, high), shown, 3, MODELS[model])
            axes.plot(np.clip(median, *shown), y + shift, marker, ms=6.5, color=MODELS[model], mec="white", zorder=4)
            _arrows(axes, y + shift, (low, high), shown, MODELS[model])
    for y, value in enumerate(table["true_roi"]):
        axes.plot([value, value], [y - 0.36, y + 0.36], color="black", lw=1, zorder=5)
        axes.plot(value, y, "D", ms=6, color="black", mec="white", mew=1, zorder=6)
    _break_even(axes, look.break_even, shown)
    for x, (label, model) in zip((0.68, 0.84), (("● Bayesian", "bayesian"), ("■ LightGBM", "lightgbm")), strict=True):
        figure.text(x, 1 - 0.14 / figure.get_size_inches()[1], label, color=MODELS[model], size=9, va="top")
    return figure


def contributions(table: pd.DataFrame, look: Look) -> Figure:
    """Draw what each channel cost and what it brought over the panel.

    Args:
        table: ``channel, spend, mean, low, high, share`` in currency, largest first; spend 0 for organic channels.
        look: colours, money and intervals.
    """
    names = [wrapped(c) for c in table["channel"]]
    step = 0.46
    figure = canvas(
        HEAD - 0.2 + step * len(table) + FOOT,
        look.titled("What each channel cost and what it brought"),
        f"Coloured: contribution with its {look.ci_prob:.0%} interval; grey: spend; percentages: share of the KPI",
    )
    left = margin(names)
    axes = place(figure, left, HEAD - 0.2, 7.6 - left - 0.95, step * len(table))
    limit = min(table["high"].max(), 3 * table["mean"].max())
    limit = 1.03 * max(limit, table["spend"].max())
    axes.set_xlim(0, limit)
    name_rows(axes, names)
    for y, row in enumerate(table.itertuples()):
        colour = look.colour[row.channel]
        axes.barh(y - 0.1, row.mean, 0.42, color=colour, zorder=2)
        axes.barh(y + 0.22, row.spend, 0.18, color=LINE, zorder=2)
        _bar(axes, y - 0.1, (row.low, row.high), (0, limit), 4, "white")
        _bar(axes, y - 0.1, (row.low, row.high), (0, limit), 1.6, INK)
        _arrows(axes, y - 0.1, (row.low, row.high), (0, limit), INK)
        _beside(axes, y - 0.1, (0.15,), (percent(row.share),))
    number_axis(axes, "x", look.symbol)
    return figure


# --- parts --------------------------------------------------------------------------------------


def _legend(look: Look, truth: bool) -> str:
    shown = f"Dot and bar: median and {look.ci_prob:.0%} interval; grey: what was assumed before seeing the data"
    return shown + ("; diamond: the truth" if truth else "")


def _roi_axis(axes: Axes, values: Array, truth: Array, break_even: float) -> tuple[float, float]:
    """Choose a scale that keeps every channel readable; return its ends.

    Args:
        axes: where to draw.
        values: median, low, high per row.
        truth: true values, may be NaN.
        break_even: is shown unless all values are far below it.
    """
    median, low, high = np.asarray(values, dtype=float).T
    known = list(truth[~np.isnan(truth)])
    if max([*known, high.max()]) > break_even / 4:  # else it would press all else into a corner
        known.append(break_even)
    axes.grid(False, axis="y")
    if median.min() > 0 and median.max() / median.min() > WIDE:
        ends = (
            0.9 * min([*known, max(low.min(), median.min() / FAR)]),
            1.1 * max([*known, min(high.max(), FAR * median.max())]),
        )
        axes.set_xscale("log")
        axes.set_xlim(*ends)
        axes.xaxis.set_major_locator(FixedLocator(_log_ticks(*ends)))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        reach = max([*known, min(high.max(), FAR * median.max())])
        ends = (min([0.0, low.min(), *known]), 1.03 * reach)
        axes.set_xlim(*ends)
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(Ticks())
    return ends


def _log_ticks(low: float, high: float) -> list[float]:
    powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    steps = (1, 2, 5) if high / low < 2000 else (1,)
    return [float(p * s) for p in powers for s in steps if low <= p * s <= high]


def _bar(
    axes: Axes, y: float, ends: tuple[float, float], shown: tuple[float, float], width: float, colour: str
) -> None:
    low, high = np.clip(ends, *shown)
    style = "butt" if colour == PRIOR else "round"
    axes.plot([low, high], [y, y], lw=width, color=colour, solid_capstyle=style, zorder=1 if colour == PRIOR else 3)


def _arrows(axes: Axes, y: float, ends: tuple[float, float], shown: tuple[float, float], colour: str) -> None:
    """Mark an interval that goes on beyond the axis."""
    if ends[1] > shown[1] * 1.0001:
        axes.plot(shown[1], y, marker=">", ms=8, color=colour, clip_on=False, zorder=4)
    if ends[0] < shown[0] * 0.9999:
        axes.plot(shown[0], y, marker="<", ms=8, color=colour, clip_on=False, zorder=4)


def _beside(
    axes: Axes, y: float, inches: Sequence[float], texts: Sequence[str], colour: str = INK, bold: bool = False
) -> None:
    """Write texts to the right of a row, so many inches from it, the first perhaps bold."""
    for k, (shift, text) in enumerate(zip(inches, texts, strict=True)):
        weight = "bold" if bold and k == 0 else "normal"
        at = 1 + shift * DPI / axes.bbox.width
        axes.text(at, y, text, weight=weight, size=9, va="center", color=colour, transform=axes.get_yaxis_transform())


def _break_even(axes: Axes, value: float, shown: tuple[float, float]) -> None:
    beyond = value > shown[1]
    near_right = beyond or ((value - shown[0]) / (shown[1] - shown[0]) > 0.7 and axes.get_xscale() == "linear")
    if not beyond:
        axes.axvline(value, color=INK, lw=1, ls=(0, (3, 2)), zorder=2)
    axes.annotate(
        f"break-even at {ratio(value)} →" if beyond else "break-even",
        (min(value, shown[1]), 1),
        xycoords=("data", "axes fraction"),
        xytext=(-3 if near_right else 3, 4),
        textcoords="offset points",
        ha="right" if near_right else "left",
        size=8,
        color=MUTED,
    )
