"""Figures over time: where the KPI came from, how the model follows it, how both models forecast it."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from mmm_bayes.report.facts import movers
from mmm_bayes.report.numbers import count, day
from mmm_bayes.report.style import (
    BASE,
    DPI,
    INK,
    MODELS,
    MUTED,
    OTHER,
    Look,
    canvas,
    end_labels,
    margin,
    number_axis,
    place,
    shortened,
)

LEFT, HEAD = 0.75, 0.8
GAP = 0.55
MOST_GEOS = 8
MOVER_COLOURS = {
    "trend": "#5F6873",
    "season": "#1F5A94",
    "holidays": "#B5493A",
    "drift": "#8A6D1D",
    "controls": "#1F7A5C",
}
"""Lines of what moves the KPI besides media."""


def decomposition(table: pd.DataFrame, look: Look, label: str, symbol: str) -> Figure:
    """Draw the KPI by week: baseline with media on top, media alone, and what moved the baseline.

    Args:
        table: ``contributions.csv``.
        look: the channels and their colours.
        label: what is counted.
        symbol: of the currency, empty where something else is counted.
    """
    layers = media_layers(table, look)
    moved = movers(table, list(look.colour))
    right = margin(["without media", *(shortened(n) for n in [*layers, *moved])], 8.5)
    heights = [2.3, 1.6, 1.5] if moved else [2.3, 1.6]
    days = f"{day(table['week'].iloc[0])} to {day(table['week'].iloc[-1])}, weekly, means of the posterior"
    figure = canvas(HEAD + sum(heights) + GAP * len(heights) - 0.24, f"Where {label} came from", days)
    starts = [HEAD + sum(heights[:k]) + GAP * k for k in range(len(heights))]
    panels = [place(figure, LEFT, top, 7.6 - LEFT - right, h) for top, h in zip(starts, heights, strict=True)]
    whole, media = panels[:2]
    base = table["prediction"] - sum(layers.values(), np.zeros(len(table)))
    _stack(whole, table["week"], {"without media": base}, {"without media": BASE}, np.zeros(len(table)))
    _stack(whole, table["week"], layers, _layer_colours(layers, look), base)
    whole.plot(table["week"], table["observed"], color=INK, lw=1.1)
    tops = table[["observed", "prediction"]].to_numpy()
    whole.set_ylim(min(0.0, 1.05 * min(base.min(), tops.min())), max(0.0, 1.05 * tops.max()))
    whole.axhline(0, color=MUTED, lw=0.8)
    end = float(base.iloc[-1])
    end_labels(
        whole,
        [
            (end / 2, "without media", MUTED),
            ((end + table["prediction"].iloc[-1]) / 2, "media", INK),
            (max(table["observed"].iloc[-1], table["prediction"].iloc[-1]) * 1.12, "— observed", INK),
        ],
    )
    _stack(media, table["week"], layers, _layer_colours(layers, look), np.zeros(len(table)))
    _label_layers(media, layers, look)
    if moved:
        _draw_movers(panels[2], table["week"], moved)
    for axes, title in zip(panels, ("All of it", "Media alone", "What moved the part without media"), strict=False):
        number_axis(axes, "y", symbol)
        _finish(axes, table["week"], title)
    return figure


def media_layers(table: pd.DataFrame, look: Look) -> dict[str, pd.Series]:
    """Return contributions by channel, those without a colour of their own added up."""
    own = {c: table[c] for c, colour in look.colour.items() if colour != OTHER}
    others = [c for c, colour in look.colour.items() if colour == OTHER]
    return own | ({f"{count(len(others), 'other channel')}": table[others].sum(axis=1)} if others else {})


def fit_over_time(weeks: pd.DataFrame, look: Look, label: str, symbol: str) -> Figure:
    """Draw observed and predicted KPI with its interval, for the largest geos.

    Args:
        weeks: ``fit.csv``.
        look: intervals.
        label: what is counted.
        symbol: of the currency, empty where something else is counted.
    """
    sizes = weeks.groupby("geo", sort=False)["observed"].sum().sort_values(ascending=False, kind="stable")
    geos = list(sizes.index[:MOST_GEOS])
    columns = 1 if len(geos) == 1 else 2
    rows = -(-len(geos) // columns)
    height = 2.6 if len(geos) == 1 else 1.35
    subtitle = f"Line: prediction a week ahead; band: its {look.ci_prob:.0%} interval; dots: observed"
    if len(sizes) > len(geos):
        subtitle += f"; the {len(geos)} largest of {len(sizes)} geos"
    figure = canvas(HEAD + rows * (height + GAP) - 0.24, f"How the model follows {label}", subtitle)
    width = (7.6 - 0.2 - columns * LEFT) / columns
    for k, geo in enumerate(geos):
        row, column = divmod(k, columns)
        axes = place(figure, LEFT + column * (width + LEFT), HEAD + row * (height + GAP), width, height)
        own = weeks[weeks["geo"] == geo]
        axes.fill_between(own["week"], own["low"], own["high"], color=MODELS["bayesian"], alpha=0.18, lw=0)
        axes.plot(own["week"], own["predicted"], color=MODELS["bayesian"], lw=1.2)
        axes.plot(own["week"], own["observed"], ".", ms=3.2, color=INK)
        number_axis(axes, "y", symbol)
        _finish(axes, own["week"], shortened(geo, 40) if len(sizes) > 1 else "")
    return figure


def holdout(table: pd.DataFrame, names: dict[str, str], look: Look, label: str, symbol: str) -> Figure:
    """Draw what was observed in the last weeks and what each model had forecast.

    Args:
        table: ``holdout.csv``.
        names: how the models are called, by column.
        look: intervals.
        label: what is counted.
        symbol: of the currency, empty where something else is counted.
    """
    figure = canvas(
        HEAD + 2.72,
        f"The last {count(len(table), 'week')} of {label}, forecast unseen",
        f"Bands: {look.ci_prob:.0%} intervals",
    )
    axes = place(figure, LEFT, HEAD - 0.15, 7.6 - LEFT - 1.25, 2.6)
    ends = [(float(table["observed"].iloc[-1]), "observed", INK)]
    for model, name in names.items():
        colour = MODELS[model]
        if f"{model}_low" in table:
            axes.fill_between(
                table["week"], table[f"{model}_low"], table[f"{model}_high"], color=colour, alpha=0.15, lw=0
            )
        style = (0, (2, 1.5)) if model == "seasonal_naive" else "-"
        axes.plot(table["week"], table[model], color=colour, lw=1.8, ls=style)
        ends.append((float(table[model].iloc[-1]), name, colour))
    axes.plot(table["week"], table["observed"], "o-", ms=4.5, lw=1.4, color=INK)
    number_axis(axes, "y", symbol)
    _finish(axes, table["week"], "")
    shown = table["week"].iloc[:: -(-len(table) // 6)]
    axes.set_xticks(shown, [f"{week.day} {week:%b}" for week in shown])
    end_labels(axes, ends)
    return figure


# --- parts --------------------------------------------------------------------------------------


def _stack(
    axes: Axes, weeks: pd.Series, layers: dict[str, pd.Series], colours: dict[str, str], base: pd.Series
) -> None:
    """Pile layers on a base."""
    low = np.asarray(base, dtype=float)
    for name, values in layers.items():
        high = low + values.to_numpy()
        axes.fill_between(weeks, low, high, color=colours[name], lw=0)
        low = high


def _layer_colours(layers: dict[str, pd.Series], look: Look) -> dict[str, str]:
    return {name: look.colour.get(name, OTHER) for name in layers}


def _label_layers(axes: Axes, layers: dict[str, pd.Series], look: Look) -> None:
    axes.set_ylim(0, 1.05 * float(sum(layers.values()).max()) or 1.0)
    low, labels = 0.0, []
    for name, values in layers.items():
        labels.append((low + float(values.iloc[-1]) / 2, shortened(name), look.colour.get(name, OTHER)))
        low += float(values.iloc[-1])
    end_labels(axes, labels)


def _draw_movers(axes: Axes, weeks: pd.Series, parts: dict[str, pd.Series]) -> None:
    axes.axhline(0, color=MUTED, lw=0.8)
    for name, values in parts.items():
        axes.plot(weeks, values, color=MOVER_COLOURS[name], lw=1.2)
    axes.margins(y=0.08)
    end_labels(axes, [(float(values.iloc[-1]), name, MOVER_COLOURS[name]) for name, values in parts.items()])


def _finish(axes: Axes, weeks: pd.Series, title: str) -> None:
    # with fewer ticks allowed than seven it finds no interval for some lengths of panel, and warns
    locator = AutoDateLocator(minticks=3, maxticks=max(7, int(axes.bbox.width / DPI / 0.5)))
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    axes.set_xlim(weeks.iloc[0], weeks.iloc[-1])
    axes.grid(False, axis="x")
    axes.set_title(title, loc="left", size=8.5, color=MUTED, pad=5)
