"""Figures of returns: intervals beside their priors, both models side by side, what media cost and brought."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from mmm_bayes.posterior.parts import CHANNEL
from mmm_bayes.report.figures import layout, style
from mmm_bayes.report.figures.style import Look
from mmm_bayes.report.figures.svg import tip
from mmm_bayes.report.numbers import between, percent, ratio
from mmm_bayes.report.words import label, say
from mmm_bayes.transforms import Array

WIDE = 15.0
"""Ratio of the largest to the smallest mean from which an axis of ROI is logarithmic."""

FAR = 5.0
"""An interval is cut off beyond this multiple of the largest mean, so that the others stay readable."""


def roi_forest(roi: pd.DataFrame, true_roi: pd.Series, look: Look) -> Figure:
    """Draw the ROI of each paid channel: interval, prior behind it, truth where known, break-even.

    Args:
        roi: rows of ``roi.csv``, best channel first.
        true_roi: by channel, may be empty.
        look: colours, money, intervals and break-even.
    """
    truth = true_roi.reindex(roi["channel"]).to_numpy(dtype=float)
    keys = [
        layout.dot_key(
            say("chart.roi.mean", interval=look.interval), ls="-", lw=4, solid_capstyle="round", mec=style.PAPER
        ),
        layout.area_key(say("chart.roi.prior"), style.PRIOR),
        *_truth_key(truth),
    ]
    body = layout.canvas(say("chart.roi.title", unit=look.money.unit), keys=keys)
    axes = body.subplots()
    shown = _roi_axis(axes, roi[["roi_mean", "roi_low", "roi_high"]].to_numpy(), truth, look.break_even)
    for y, row in enumerate(roi.itertuples()):
        colour = look.colour[row.channel]
        low, high = np.clip((row.prior_roi_low, row.prior_roi_high), *shown)
        axes.barh(y, high - low, 0.4, left=low, color=style.PRIOR, zorder=1)
        _interval(axes, y, (row.roi_low, row.roi_high), shown, 5.5, colour)
        axes.plot(row.roi_mean, y, "o", ms=7, color=colour, mec=style.PAPER, mew=1.2, zorder=4, clip_on=False)
        values = {"roi": row.roi_mean, "low": row.roi_low, "high": row.roi_high}
        prior = {"prior_low": row.prior_roi_low, "prior_high": row.prior_roi_high}
        tip(axes, shown, (y - 0.55, y + 0.4), say("tip.roi", channel=row.channel, **values, **prior))
    axes.plot(truth, range(len(roi)), "D", ms=5.5, color=style.TRUTH, mec=style.PAPER, mew=1, zorder=5, ls="none")
    intervals = [between(*ends) for ends in zip(roi["roi_low"], roi["roi_high"], strict=True)]
    means = [ratio(v) for v in roi["roi_mean"]]
    return layout.settled(body, layout.name_rows(axes, list(roi["channel"]), intervals, means))


def models_roi(table: pd.DataFrame, look: Look) -> Figure:
    """Draw the ROI of both models under each other, by channel, with the truth where it is known.

    Args:
        table: rows of ``comparison.csv``.
        look: intervals and break-even.
    """
    truth = table["true_roi"].to_numpy(dtype=float)
    parts = (("bayesian", "o", 0.0), ("lightgbm", "s", 0.22))
    keys = [
        layout.dot_key(label(model, "model_name"), color=style.MODELS[model], marker=m, ls="-", lw=3, mec=style.PAPER)
        for model, m, _ in parts
    ]
    title, subtitle = say("chart.models.title"), say("chart.models.subtitle", interval=look.interval)
    body = layout.canvas(title, subtitle, [*keys, *_truth_key(truth)])
    axes = body.subplots()
    values = [table[[f"{model}_roi", f"{model}_low", f"{model}_high"]].to_numpy() for model, *_ in parts]
    shown = _roi_axis(axes, np.concatenate(values), truth, look.break_even)
    for (model, marker, shift), intervals in zip(parts, values, strict=True):
        how: Any = {"color": style.MODELS[model], "marker": marker, "ms": 6.5, "mec": style.PAPER, "zorder": 4}
        for y, (mean, low, high) in enumerate(intervals):
            _interval(axes, y + shift, (low, high), shown, 3, style.MODELS[model])
            axes.plot(np.clip(mean, *shown), y + shift, **how)
    for y, value in enumerate(truth):
        axes.plot([value, value], [y - 0.12, y + 0.34], color=style.TRUTH, lw=1, zorder=5)
        axes.plot(value, y + 0.11, "D", ms=5.5, color=style.TRUTH, mec=style.PAPER, mew=1, zorder=6)
    for y, (name, own, other) in enumerate(zip(table["channel"], *(v.tolist() for v in values), strict=True)):
        tip(axes, shown, (y - 0.55, y + 0.45), say("tip.models", channel=name, own=own, other=other))
    return layout.settled(body, layout.name_rows(axes, list(table["channel"]), tall=1.2))


def contributions(table: pd.DataFrame, look: Look) -> Figure:
    """Draw what each channel cost and what it brought over the panel.

    Args:
        table: ``channel, spend, mean, low, high, share`` in currency, largest first; spend 0 for organic channels.
        look: colours, money and intervals.
    """
    keys = [
        layout.area_key(say("chart.contributions.contribution"), style.CHANNELS[0]),
        layout.line_key(say("chart.contributions.range", level=look.ci_prob), lw=1.6),
        layout.area_key(say("chart.contributions.spend"), style.LINE),
    ]
    body = layout.canvas(
        look.titled(say("chart.contributions.title")), say("chart.contributions.subtitle", kpi=look.kpi), keys
    )
    axes = body.subplots()
    limit = min(table["high"].max(), 3 * table["mean"].max())
    shown = (min(0.0, table["low"].min()), 1.03 * max(limit, table["spend"].max()))
    axes.set_xlim(*shown)
    for y, row in enumerate(table.itertuples()):
        axes.barh(y + 0.02, row.mean, 0.28, color=look.colour[row.channel], zorder=2)
        axes.barh(y + 0.25, row.spend, 0.14, color=style.LINE, zorder=2)
        _interval(axes, y + 0.02, (row.low, row.high), shown, 4, style.PAPER)
        _interval(axes, y + 0.02, (row.low, row.high), shown, 1.6, style.INK)
        amounts = {"spend": row.spend, "mean": row.mean, "low": row.low, "high": row.high, "share": row.share}
        text = say("tip.contribution", channel=row.channel, money=look.money, kpi=look.kpi, **amounts)
        tip(axes, shown, (y - 0.55, y + 0.42), text)
    layout.number_axis(axes, "x", look.symbol)
    shares = [percent(share) for share in table["share"]]
    return layout.settled(body, layout.name_rows(axes, list(table["channel"]), bold=shares, tall=1.2))


def waterfall(parts: pd.DataFrame, names: Sequence[str], look: Look) -> Figure:
    """Draw what the whole KPI is made of: each part begins where the one above it ends.

    Args:
        parts: as `facts.kpi_parts` gives it, the whole last.
        names: what readers call them.
        look: colours of the channels, what is counted.
    """
    body = layout.canvas(say("chart.waterfall.title", kpi=look.kpi), say("chart.waterfall.subtitle", kpi=look.kpi))
    axes = body.subplots()
    ends = parts["amount"].cumsum().to_numpy()
    ends[-1] = parts["amount"].iloc[-1]
    starts = ends - parts["amount"].to_numpy()
    low, high = min(0.0, starts.min(), ends.min()), max(0.0, starts.max(), ends.max())
    axes.set_xlim(low, low + 1.03 * (high - low))
    amounts = look.money if look.kpi_is_money else replace(look.money, currency="")
    for y, (row, name) in enumerate(zip(parts.itertuples(), names, strict=True)):
        colour = look.colour.get(row.part.removeprefix(CHANNEL), style.OTHER if y < len(parts) - 1 else style.INK)
        axes.barh(y + 0.08, row.amount, 0.36, left=starts[y], color=colour, zorder=2)
        text = say("tip.part", part=name, amount=amounts.short(row.amount), share=row.share, kpi=look.kpi)
        tip(axes, axes.get_xlim(), (y - 0.55, y + 0.4), text)
    axes.axvline(0, color=style.MUTED, lw=0.8)
    layout.number_axis(axes, "x", look.kpi_symbol)
    shares = [percent(share) for share in parts["share"]]
    return layout.settled(body, layout.name_rows(axes, list(names), bold=shares))


# --- parts --------------------------------------------------------------------------------------


def _truth_key(truth: Array) -> list[Artist]:
    key = layout.dot_key(say("chart.truth"), color=style.TRUTH, marker="D", ms=5.5)
    return [key] if np.isfinite(truth).any() else []


def _roi_axis(axes: Axes, values: Array, truth: Array, break_even: float) -> tuple[float, float]:
    """Choose a scale that keeps every channel readable and mark break-even on it; return its ends.

    Args:
        axes: where to draw.
        values: mean, low, high per row.
        truth: true values, may be NaN.
        break_even: is shown unless all values are far below it.
    """
    mean, low, high = np.asarray(values, dtype=float).T
    known = list(truth[~np.isnan(truth)])
    if max([*known, high.max()]) > break_even / 4:  # else it would press all else into a corner
        known.append(break_even)
    reach = max([*known, min(high.max(), FAR * mean.max())])
    if mean.min() > 0 and mean.max() / mean.min() > WIDE:
        ends = 0.9 * min([*known, max(low.min(), mean.min() / FAR)]), 1.1 * reach
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if ends[1] / ends[0] < 200 else (1,)))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        ends = min([0.0, low.min(), *known]), 1.03 * reach
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.set_xlim(*ends)
    axes.xaxis.set_major_formatter(layout.Ticks())
    _break_even(axes, break_even, ends)
    return ends


def _interval(
    axes: Axes, y: float, ends: Sequence[float], shown: tuple[float, float], width: float, colour: str
) -> None:
    """Draw an interval, with an arrow where it goes on beyond the axis."""
    axes.plot(np.clip(ends, *shown), [y, y], lw=width, color=colour, solid_capstyle="round", zorder=3)
    if ends[1] > shown[1] * 1.0001:
        axes.plot(shown[1], y, marker=">", ms=8, color=colour, clip_on=False, zorder=4)
    if ends[0] < shown[0] * 0.9999:
        axes.plot(shown[0], y, marker="<", ms=8, color=colour, clip_on=False, zorder=4)


def _break_even(axes: Axes, value: float, shown: tuple[float, float]) -> None:
    beyond = value > shown[1]
    near_right = beyond or axes.transLimits.transform(axes.transScale.transform((value, 0)))[0] > 0.7
    if not beyond:
        axes.axvline(value, color=style.INK, lw=1, ls=(0, (3, 2)), zorder=2)
    axes.annotate(
        say("chart.break_even_beyond", roi=value) if beyond else say("chart.break_even"),
        (min(value, shown[1]), 1),
        xycoords=("data", "axes fraction"),
        xytext=(-3 if near_right else 3, 4),
        textcoords="offset points",
        ha="right" if near_right else "left",
        size=style.SMALL,
        color=style.MUTED,
    )
