"""Figures over time: where the KPI came from, how the model follows it, how both models forecast it."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib import dates as mdates
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmm_bayes.posterior.parts import CHANNEL
from mmm_bayes.report.facts import MOVERS, movers
from mmm_bayes.report.figures import layout, style
from mmm_bayes.report.figures.style import Look
from mmm_bayes.report.figures.svg import tip
from mmm_bayes.report.numbers import count
from mmm_bayes.report.tables import part_name
from mmm_bayes.report.words import say

MOST_GEOS = 8
STRIPS = 30
"""At most so many parts of an axis of weeks show a value each."""

MOVER_COLOURS = dict(zip((*MOVERS, "controls"), (style.CHANNELS[0], *style.CHANNELS[5:1:-1]), strict=True))
"""Lines of what moves the KPI besides media."""

AHEAD = {"today": style.OTHER, "best": style.CHANNELS[3], "planned": style.MODELS["bayesian"]}
"""Lines of plans."""


def decomposition(table: pd.DataFrame, look: Look) -> Figure:
    """Draw the KPI by week: baseline with media on top, media alone, and what moved the baseline.

    Args:
        table: ``contributions.csv``.
        look: the channels and their colours, what is counted.
    """
    layers = media_layers(table, look)
    moved = {part_name(name): values for name, values in movers(table).items()}
    colours = {part_name(name): colour for name, colour in MOVER_COLOURS.items()}
    base = table["prediction"] - sum(layers.values(), np.zeros(len(table)))
    days = say("chart.decomposition.subtitle", first=table["week"].iloc[0], last=table["week"].iloc[-1])
    body = layout.canvas(say("chart.decomposition.title", kpi=look.kpi), days)
    heights = [1.7, 1.5, 1.2] if moved else [1.7, 1.5]
    panels = body.subplots(len(heights), 1, height_ratios=heights)
    whole, media = panels[:2]
    titles = say("chart.decomposition.whole"), say("chart.decomposition.media"), say("chart.decomposition.moved")
    without, with_media, seen = say("chart.without_media"), say("chart.media"), say("chart.observed")
    for axes, title in zip(panels, titles, strict=False):
        axes.set_title(title, color=style.MUTED)
        layout.number_axis(axes, "y", look.kpi_symbol)
        layout.week_axis(axes, table["week"])

    whole.fill_between(table["week"], 0, base, color=style.BASE, lw=0)
    _stack(whole, table["week"], layers, look, base)
    whole.plot(table["week"], table["observed"], color=style.INK, lw=1.1)
    tops = table[["observed", "prediction"]].to_numpy()
    whole.set_ylim(min(0.0, 1.05 * min(base.min(), tops.min())), max(0.0, 1.05 * tops.max()))
    whole.axhline(0, color=style.MUTED, lw=0.8)
    end, predicted, observed = (float(v.iloc[-1]) for v in (base, table["prediction"], table["observed"]))
    named = [
        (end / 2, without, style.BASE),
        ((end + predicted) / 2, with_media, ""),
        (observed, seen, style.INK),
    ]
    layout.end_labels(whole, heights[0], named)

    brought = sum(layers.values(), np.zeros(len(table)))
    media.set_ylim(0, 1.05 * float(brought.max()) or 1.0)
    _tips(whole, table["week"], {seen: table["observed"], without: base, with_media: brought}, look)
    _tips(media, table["week"], layers, look)
    layout.end_labels(media, heights[1], _stack(media, table["week"], layers, look))
    if moved:
        panels[2].axhline(0, color=style.MUTED, lw=0.8)
        for name, values in moved.items():
            panels[2].plot(table["week"], values, color=colours[name], lw=1.2)
        panels[2].margins(y=0.08)
        named = [(float(values.iloc[-1]), name, colours[name]) for name, values in moved.items()]
        layout.end_labels(panels[2], heights[2], named)
        _tips(panels[2], table["week"], moved, look)
    return layout.settled(body, sum(heights))


def media_layers(table: pd.DataFrame, look: Look) -> dict[str, pd.Series]:
    """Return contributions by channel, those without a colour of their own added up."""
    own = {c: table[f"{CHANNEL}{c}"] for c, colour in look.colour.items() if colour != style.OTHER}
    others = [f"{CHANNEL}{c}" for c, colour in look.colour.items() if colour == style.OTHER]
    return own | ({f"{count(len(others), 'other channel')}": table[others].sum(axis=1)} if others else {})


def fit_over_time(weeks: pd.DataFrame, look: Look) -> Figure:
    """Draw observed and predicted KPI with its interval, for the largest geos.

    Args:
        weeks: ``fit.csv``.
        look: intervals, what is counted.
    """
    sizes = weeks.groupby("geo", sort=False)["observed"].sum().sort_values(ascending=False, kind="stable")
    geos = list(sizes.index[:MOST_GEOS])
    blue = style.MODELS["bayesian"]
    body = layout.canvas(
        say("chart.fit.title", kpi=look.kpi),
        say("chart.fit.subtitle", shown=len(geos), geos=len(sizes)) if len(sizes) > len(geos) else "",
        [
            layout.line_key(say("chart.fit.prediction"), color=blue, lw=1.2),
            layout.area_key(look.interval, blue, alpha=0.16),
            layout.dot_key(say("chart.observed"), ms=3.2),
        ],
    )
    panels, inches = layout.panels(body, geos if len(sizes) > 1 else [""])
    for axes, geo in zip(panels, geos, strict=True):
        own = weeks[weeks["geo"] == geo]
        _band(axes, own["week"], own["low"], own["high"], blue)
        axes.plot(own["week"], own["predicted"], color=blue, lw=1.2)
        axes.plot(own["week"], own["observed"], ".", ms=3.2, color=style.INK)
        layout.number_axis(axes, "y", look.kpi_symbol, parts=4)
        layout.week_axis(axes, own["week"], most=4 if len(geos) > 1 else 8)
        names = say("chart.observed"), say("chart.predicted"), say("chart.low"), say("chart.high")
        columns = ("observed", "predicted", "low", "high")
        shown = {name: own[column] for name, column in zip(names, columns, strict=True)}
        _tips(axes, own["week"], shown, look, most=STRIPS if len(geos) == 1 else STRIPS // 3)
    return layout.settled(body, inches)


def holdout(table: pd.DataFrame, names: Mapping[str, str], look: Look) -> Figure:
    """Draw what was observed in the last weeks and what each model had forecast.

    Args:
        table: ``holdout.csv``.
        names: how the models are called, by column.
        look: intervals, what is counted.
    """
    title = say("chart.holdout.title", weeks=len(table), kpi=look.kpi)
    body = layout.canvas(title, say("chart.holdout.subtitle", level=look.ci_prob))
    axes = body.subplots()
    for model in names:
        colour = style.MODELS[model]
        if f"{model}_low" in table:
            _band(axes, table["week"], table[f"{model}_low"], table[f"{model}_high"], colour)
        dashes = (0, (2, 1.5)) if model == "seasonal_naive" else "-"
        axes.plot(table["week"], table[model], color=colour, lw=1.8, ls=dashes)
    axes.plot(table["week"], table["observed"], "o-", ms=4.5, lw=1.4, color=style.INK)
    layout.number_axis(axes, "y", look.kpi_symbol)
    layout.week_axis(axes, table["week"], most=5)
    ends = [(float(table[model].iloc[-1]), name, style.MODELS[model]) for model, name in names.items()]
    seen = say("chart.observed")
    _tips(axes, table["week"], {seen: table["observed"]} | {n: table[m] for m, n in names.items()}, look)
    layout.end_labels(axes, 2.2, [(float(table["observed"].iloc[-1]), seen, style.INK), *ends])
    return layout.settled(body, 2.2)


def ahead(past: pd.DataFrame, weeks: pd.DataFrame, names: Mapping[str, str], look: Look) -> Figure:
    """Draw the KPI of the last weeks and its forecast in the planned ones.

    Args:
        past: ``week, observed`` of the last weeks, summed over geos.
        weeks: ``forecast.csv``.
        names: how the plans are called.
        look: intervals, what is counted.
    """
    number = weeks["week"].nunique()
    body = layout.canvas(
        say("chart.ahead.title", kpi=look.kpi, weeks=number), say("chart.ahead.subtitle", level=look.ci_prob)
    )
    axes = body.subplots()
    start = past.iloc[[-1]].rename(columns={"observed": "kpi"})
    ends = []
    for plan, colour in AHEAD.items():
        own = weeks[weeks["plan"] == plan]
        if not len(own):
            continue
        if plan == "planned":
            _band(axes, own["week"], own["kpi_low"], own["kpi_high"], colour)
        joined = pd.concat([start, own])
        axes.plot(joined["week"], joined["kpi"], color=colour, lw=1.8, ls="-" if plan == "planned" else (0, (3, 1.5)))
        ends.append((float(own["kpi"].iloc[-1]), names[plan], colour))
    axes.plot(past["week"], past["observed"], "o-", ms=3.2, lw=1.2, color=style.INK)
    axes.axvline(past["week"].iloc[-1], color=style.LINE, lw=0.8)
    layout.number_axis(axes, "y", look.kpi_symbol)
    layout.week_axis(axes, pd.concat([past["week"], weeks["week"]]).drop_duplicates(), most=6)
    layout.end_labels(axes, 2.4, ends)
    return layout.settled(body, 2.4)


# --- parts --------------------------------------------------------------------------------------


def _stack(
    axes: Axes, weeks: pd.Series, layers: Mapping[str, pd.Series], look: Look, base: pd.Series | float = 0.0
) -> list[tuple[float, str, str]]:
    """Pile layers on a base; return the middle of each at the end, its name and its colour."""
    low, ends = np.zeros(len(weeks)) + np.asarray(base), []
    for name, values in layers.items():
        high, colour = low + values.to_numpy(), look.colour.get(name, style.OTHER)
        axes.fill_between(weeks, low, high, color=colour, lw=0)
        ends.append((float(low[-1] + high[-1]) / 2, name, colour))
        low = high
    return ends


def _tips(axes: Axes, weeks: pd.Series, series: Mapping[str, pd.Series], look: Look, most: int = 0) -> None:
    """Let parts of an axis of weeks say the mean values of a week in them, at most so many parts."""
    step = -(-len(weeks) // (most or STRIPS))
    low, high = axes.get_ylim()
    amounts = look.money if look.kpi_is_money else replace(look.money, currency="")
    means = pd.DataFrame(dict(series)).groupby(np.arange(len(weeks)) // step).mean()
    firsts = weeks.iloc[::step]
    edges = mdates.date2num([*firsts, weeks.iloc[-1]])
    for part, (first, mean) in enumerate(zip(firsts, means.to_dict("records"), strict=True)):
        values = ", ".join(f"{name} {amounts.short(value)}" for name, value in mean.items())
        text = say("tip.weeks", first=first, weeks=min(step, len(weeks) - part * step), values=values)
        tip(axes, (edges[part], edges[part + 1]), (low, high), text)


def _band(axes: Axes, weeks: pd.Series, low: pd.Series, high: pd.Series, colour: str) -> None:
    axes.fill_between(weeks, low, high, color=colour, alpha=0.16, lw=0)
