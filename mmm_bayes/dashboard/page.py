"""The page: which run, its verdict, and tabs of which only the open one is made."""

from collections.abc import Callable, Sequence

import streamlit as st

from mmm_bayes.dashboard.planner import planner
from mmm_bayes.dashboard.runs import Run, open_run
from mmm_bayes.dashboard.show import STYLE, cards, show, text
from mmm_bayes.dashboard.side_by_side import side_by_side
from mmm_bayes.dashboard.weeks import over_time
from mmm_bayes.errors import MMMError
from mmm_bayes.report.content import make_cards
from mmm_bayes.report.page import fill
from mmm_bayes.report.words import label, say

COLOURS = {"PASS": "green", "REVIEW": "orange", "FAIL": "red"}
TABS: dict[str, Callable[[Run], None]] = {
    "summary": lambda run: _summary(run),
    "planner": planner,
    "returns": lambda run: _pages(run, "returns.md", "lift.md", "models.md", "truth.md"),
    "time": over_time,
    "plan": lambda run: _pages(run, "curves.md", "plan.md"),
    "ahead": lambda run: _ahead(run),
    "data": lambda run: _pages(run, "data.md"),
}


def page(root: str, configs: Sequence[str]) -> None:
    """Show runs.

    Args:
        root: folder that holds ``data/``.
        configs: paths of their configurations.
    """
    st.set_page_config(page_title="mmm-bayes", layout="wide")
    st.html(STYLE)
    try:
        runs = {run.name: run for run in (open_run(config, root) for config in configs)}
    except MMMError as error:
        st.error(text(error))
        return
    run = _chosen(runs)
    _head(run)
    names = [*TABS, *(["runs"] if len(runs) > 1 else [])]
    tabs = st.tabs([say(f"dashboard.tab.{name}") for name in names], key="tab", on_change="rerun")
    for name, tab in zip(names, tabs, strict=True):
        if tab.open:
            with tab:
                TABS[name](run) if name in TABS else side_by_side(runs)


def _chosen(runs: dict[str, Run]) -> Run:
    """Return the run that is looked at."""
    if len(runs) == 1:
        return next(iter(runs.values()))
    name = st.segmented_control(say("dashboard.run"), list(runs), default=next(iter(runs)), required=True, key="run")
    return runs[str(name)]


def _head(run: Run) -> None:
    context = run.content.context
    verdict = context["verdict"]
    badge = f" :{COLOURS[verdict]}-badge[{label(verdict, 'verdict')}]" if verdict else ""
    st.title(text(run.title) + badge, anchor=False)
    if verdict == "FAIL":
        st.error(text(context["verdict_line"]))


def _summary(run: Run) -> None:
    cards(make_cards(run.content.context))
    _pages(run, "summary.md", "verdict.md")


def _ahead(run: Run) -> None:
    _pages(run, "forecast.md")
    if not (run.content.context["ahead"] or run.content.context["planned"]):
        st.markdown(say("dashboard.no_forecast"))


def _pages(run: Run, *templates: str) -> None:
    for template in templates:
        show(run.content, fill(run.content, template))
