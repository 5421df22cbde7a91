"""Charts over time: where the KPI came from, how the model follows it, how both models forecast it."""

from collections.abc import Mapping

import altair as alt
import pandas as pd

from mmm_bayes.dashboard.charts.style import FLAT, HIGH, NEUTRAL, PALE, Chart, Drawn, Look, amounts, finish
from mmm_bayes.posterior.parts import CHANNEL
from mmm_bayes.report.facts import movers
from mmm_bayes.report.figures.weeks import MOST_GEOS
from mmm_bayes.report.words import say

BASE = "without media"


def decomposition(table: pd.DataFrame, look: Look) -> Drawn:
    """Draw the KPI by week: baseline with media on top, and what moved the baseline.

    Args:
        table: ``contributions.csv``, or some of its weeks.
        look: the channels and their colours, what is counted.
    """
    media = {name: table[f"{CHANNEL}{name}"] for name in look.channels}
    layers = {BASE: table["prediction"] - sum(media.values()), **media}
    long = pd.concat(
        pd.DataFrame({"week": table["week"], "part": part, "place": place, "kpi": values})
        for place, (part, values) in enumerate(layers.items())
    )
    tips = [_week_tip(), alt.Tooltip("part:N"), alt.Tooltip("kpi:Q", format=",.0f", title=look.kpi)]
    base = alt.Chart(long).encode(x=_week(), order=alt.Order("place:Q"), tooltip=tips)
    key = alt.Legend(orient="top", columns=4)
    colour = alt.Color("part:N", title=None, scale=look.scale, legend=key)
    whole = base.mark_area().encode(
        y=amounts("kpi", look.kpi, "y"), color=alt.condition("datum.place == 0", alt.value(PALE), colour)
    )
    alone = base.transform_filter("datum.place > 0").mark_area().encode(y=amounts("kpi", look.kpi, "y"), color=colour)
    observed = alt.Chart(table).mark_line(color=NEUTRAL, strokeWidth=1.5).encode(x=_week(), y="observed:Q")
    subtitle = f"Means of the posterior; grey: {BASE}; line: observed"
    return [
        finish([whole, observed], "All of it", HIGH, subtitle),
        finish([alone], "Media alone", FLAT),
        *_moved(table, look),
    ]


def _moved(table: pd.DataFrame, look: Look) -> list[Chart]:
    moved = movers(table)
    if not moved:
        return []
    long = pd.DataFrame({"week": table["week"], **moved}).melt("week", var_name="part", value_name="kpi")
    line = alt.Chart(long).mark_line(strokeWidth=1.5)
    line = line.encode(
        x=_week(),
        y=amounts("kpi", look.kpi, "y"),
        color=alt.Color("part:N", sort=list(moved), title=None, legend=alt.Legend(orient="top")),
        tooltip=[_week_tip(), alt.Tooltip("part:N"), alt.Tooltip("kpi:Q", format=",.0f", title=look.kpi)],
    )
    return [finish([line], "What moved the part without media", FLAT)]


def fit_over_time(weeks: pd.DataFrame, look: Look) -> Drawn:
    """Draw observed and predicted KPI with its interval, for the largest geos; ``weeks`` is ``fit.csv``."""
    sizes = weeks.groupby("geo", sort=False)["observed"].sum().sort_values(ascending=False, kind="stable")
    geos = list(sizes.index[:MOST_GEOS])
    return [
        _followed(weeks[weeks["geo"] == geo], look, geo if len(sizes) > 1 else f"How the model follows {look.kpi}")
        for geo in geos
    ]


def _followed(own: pd.DataFrame, look: Look, title: str) -> Chart:
    base = alt.Chart(own).encode(
        x=_week(),
        tooltip=["week:T", *(alt.Tooltip(f"{c}:Q", format=",.0f") for c in ("observed", "predicted", "low", "high"))],
    )
    layers = [
        base.mark_area(opacity=0.25, color=PALE).encode(y=amounts("low", look.kpi, "y"), y2="high:Q"),
        base.mark_line(strokeWidth=1.5).encode(y="predicted:Q"),
        base.mark_point(filled=True, size=14, color=NEUTRAL, opacity=1).encode(y="observed:Q"),
    ]
    return finish(layers, title, FLAT, f"Line: a week ahead with its {look.interval}; dots: observed")


def holdout(table: pd.DataFrame, names: Mapping[str, str], look: Look) -> Drawn:
    """Draw what was observed in the last weeks and what each model had forecast.

    Args:
        table: ``holdout.csv``.
        names: how the models are called, by column.
        look: intervals, what is counted.
    """
    models = {name: model for model, name in names.items() if model in table}
    parts = [
        pd.DataFrame(
            {
                "week": table["week"],
                "model": name,
                "kpi": table[model],
                "low": table.get(f"{model}_low"),
                "high": table.get(f"{model}_high"),
            }
        )
        for name, model in models.items()
    ]
    long = pd.concat([part.dropna(axis="columns", how="all") for part in parts])
    colour = alt.Color("model:N", sort=list(models), title=None, legend=alt.Legend(orient="top"))
    base = alt.Chart(long).encode(
        x=_week(), color=colour, tooltip=[_week_tip(), alt.Tooltip("model:N"), alt.Tooltip("kpi:Q", format=",.0f")]
    )
    observed = alt.Chart(table).encode(
        x=_week(), y="observed:Q", tooltip=[_week_tip(), alt.Tooltip("observed:Q", format=",.0f")]
    )
    layers = [
        base.mark_area(opacity=0.18).encode(y=amounts("low", look.kpi, "y", zero=False), y2="high:Q"),
        base.mark_line().encode(y="kpi:Q"),
        observed.mark_line(color=NEUTRAL, point={"color": NEUTRAL, "size": 40}, strokeWidth=1.5),
    ]
    title = say("chart.holdout.title", weeks=len(table), kpi=look.kpi)
    return [finish(layers, title, HIGH, f"Bands: {look.interval}s; dots: observed")]


def ahead(past: pd.DataFrame, weeks: pd.DataFrame, names: Mapping[str, str], look: Look) -> Drawn:
    """Draw the KPI of the last weeks and its forecast in the planned ones under each plan.

    Args:
        past: ``week, observed`` of the last weeks, summed over geos.
        weeks: ``forecast.csv``.
        names: how the plans are called.
        look: intervals, what is counted.
    """
    named = weeks.assign(plan=weeks["plan"].map(names))
    colour = alt.Color("plan:N", sort=None, title=None, legend=alt.Legend(orient="top"))
    tips = [_week_tip(), alt.Tooltip("plan:N"), alt.Tooltip("kpi:Q", format=",.0f", title=look.kpi)]
    base = alt.Chart(named).encode(x=_week(), color=colour, tooltip=tips)
    observed = alt.Chart(past).mark_line(color=NEUTRAL, point={"color": NEUTRAL, "size": 20}, strokeWidth=1.5)
    layers = [
        alt.Chart(named[weeks["plan"] == "planned"])
        .mark_area(opacity=0.18, color=PALE)
        .encode(x=_week(), y=amounts("kpi_low", look.kpi, "y", zero=False), y2="kpi_high:Q"),
        base.mark_line().encode(y="kpi:Q"),
        observed.encode(x=_week(), y="observed:Q"),
    ]
    title = say("chart.ahead.title", kpi=look.kpi, weeks=weeks["week"].nunique())
    return [finish(layers, title, HIGH, f"Band: {look.interval} of the plan; dots: observed")]


def _week() -> alt.X:
    return alt.X("week:T", title=None, axis=alt.Axis(format="%b %Y", tickCount=5, labelOverlap=True))


def _week_tip() -> alt.Tooltip:
    return alt.Tooltip("week:T", format="%Y-%m-%d")
