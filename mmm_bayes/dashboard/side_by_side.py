"""Several runs on one page: their data, verdicts, returns and plans in a table, and the returns of each channel."""

from collections.abc import Mapping

import streamlit as st

from mmm_bayes.dashboard.charts import look_of
from mmm_bayes.dashboard.charts import returns as charts
from mmm_bayes.dashboard.runs import Run
from mmm_bayes.dashboard.show import show, show_charts
from mmm_bayes.report.facts import roi_of_runs
from mmm_bayes.report.page import markdown_table
from mmm_bayes.report.tables import roi_of_runs as tabulate
from mmm_bayes.report.tables import runs as table_of_runs
from mmm_bayes.report.words import say


def side_by_side(runs: Mapping[str, Run]) -> None:
    """Show runs beside each other."""
    first = next(iter(runs.values()))
    st.header(say("dashboard.runs.head"), anchor=False)
    show(first.content, markdown_table(table_of_runs({name: run.content.context for name, run in runs.items()})))
    fits = {name: run.content.results.fit for name, run in runs.items()}
    table = roi_of_runs({name: fit for name, fit in fits.items() if fit is not None})
    if table.empty:
        return
    st.header(say("dashboard.runs.returned"), anchor=False)
    show_charts(charts.runs(table, look_of(first.content.results, first.content.money)), say("dashboard.runs.returned"))
    show(first.content, markdown_table(tabulate(table)))
    st.caption(say("dashboard.runs.about"))
