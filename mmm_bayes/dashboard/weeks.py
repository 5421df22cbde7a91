"""Over time: where the KPI came from in some weeks and one geo or all, and how the model follows it."""

import pandas as pd
import streamlit as st

from mmm_bayes.dashboard.charts import look_of
from mmm_bayes.dashboard.charts.weeks import decomposition
from mmm_bayes.dashboard.runs import Run
from mmm_bayes.dashboard.show import show, show_charts, text
from mmm_bayes.report.facts import parts_of
from mmm_bayes.report.numbers import compact
from mmm_bayes.report.page import absent, fill, markdown_table
from mmm_bayes.report.tables import decomposition as tabulate
from mmm_bayes.report.words import say


def over_time(run: Run) -> None:
    """Show the parts of the KPI, and the checks of the fit."""
    _decomposition(run)
    show(run.content, fill(run.content, "checks.md"))


@st.fragment
def _decomposition(run: Run) -> None:
    content = run.content
    results = content.results
    st.header(text(say("dashboard.time.head", kpi=results.kpi_name)), anchor=False)
    if results.fit is None:
        st.markdown(absent(results, "fit", say("dashboard.time.absent")))
        return
    table = _asked(run)
    charts = decomposition(table, look_of(results, content.money))
    description = say("dashboard.time.chart", kpi=results.kpi_name)
    for chart in charts:
        show_charts([chart], description)
    write = content.money.short if results.kpi_is_money else compact
    show(content, markdown_table(tabulate(parts_of(table, results.panel.channels), write)))


def _asked(run: Run) -> pd.DataFrame:
    """Return the weeks and the geo that are asked for."""
    results = run.content.results
    left, right = st.columns([1, 3])
    every, geos = say("dashboard.time.all_geos"), list(results.panel.geos)
    place = left.selectbox(
        say("dashboard.time.geo"),
        range(-1, len(geos)),
        format_func=lambda at: every if at < 0 else geos[at],
        disabled=len(geos) == 1,
        key=f"{run.name} geo of the decomposition",
    )
    table = run.contributions(None if place < 0 or len(geos) == 1 else geos[place])
    days = [day.date() for day in table["week"]]
    first, last = right.select_slider(
        say("dashboard.time.weeks"), days, (days[0], days[-1]), key=f"{run.name} weeks of the decomposition"
    )
    return table[table["week"].between(pd.Timestamp(first), pd.Timestamp(last))]
