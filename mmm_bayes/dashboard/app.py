"""The page that Streamlit runs: what the steps of one run left, and what other spends would return."""

import re
import sys
from collections.abc import Iterable
from itertools import cycle, zip_longest
from pathlib import Path

import streamlit as st

from mmm_bayes.allocate import Plan, change_spend, evaluate_plan
from mmm_bayes.config import load_config
from mmm_bayes.errors import MMMError
from mmm_bayes.provenance import snapshot
from mmm_bayes.report.content import Content, gather, make_cards
from mmm_bayes.report.facts import plan_by_channel
from mmm_bayes.report.numbers import chance
from mmm_bayes.report.page import absent, fill, literal, markdown_table
from mmm_bayes.report.tables import plan as tabulate
from mmm_bayes.report.words import label, say, word
from mmm_bayes.workspace import Workspace

TABS = {
    "summary": ("summary.md", "verdict.md"),
    "returns": ("returns.md", "lift.md", "models.md", "truth.md"),
    "time": ("sources.md", "checks.md"),
    "plan": ("curves.md", "plan.md"),
    "what_if": (),
    "ahead": ("forecast.md",),
    "data": ("data.md",),
}
COLOURS = {"PASS": "green", "REVIEW": "orange", "FAIL": "red"}
STYLE = """<style>
.stMainBlockContainer {max-width: 66rem; padding-top: 3.5rem}
h1 {font-size: 2rem !important} h2 {font-size: 1.45rem !important} h3 {font-size: 1.15rem !important}
</style>"""
WIDTH = 620
"""Pixels of a figure: its type is then as large as the text around it."""

FIGURE = re.compile(r"^!\[.*\]\(figures/(\w+)\.png\)$", re.MULTILINE)
DOLLAR = re.compile(r"(`[^`]*`)|\$")
FARTHEST = 50
"""Percent of today's spend that a slider goes up and down; every response curve reaches that far."""

COLUMNS = 4


def page(config: str, root: str) -> None:
    """Show a run.

    Args:
        config: path of its configuration.
        root: folder that holds ``data/``.
    """
    try:
        content = load(config, root, state_of_files(config, root))
    except MMMError as error:
        st.error(text(error))
        return
    context = content.context
    st.set_page_config(page_title=context["title"])
    st.html(STYLE)
    badge = (
        f" :{COLOURS[context['verdict']]}-badge[{label(context['verdict'], 'verdict')}]" if context["verdict"] else ""
    )
    st.title(text(context["title"]) + badge, anchor=False)
    if context["verdict"] == "FAIL":
        st.error(text(context["verdict_line"]))
    tabs = dict(zip(TABS, st.tabs([say(f"dashboard.tab.{name}") for name in TABS]), strict=True))
    with tabs["summary"]:
        cards(make_cards(context))
    for name, templates in TABS.items():
        with tabs[name]:
            for template in templates:
                show(content, fill(content, template))
    with tabs["what_if"]:
        what_if(content)
    if not (context["ahead"] or context["planned"]):
        with tabs["ahead"]:
            st.markdown(say("dashboard.no_forecast"))


def state_of_files(config: str, root: str) -> tuple[tuple[str, int], ...]:
    """Return when each file of a run was written."""
    with snapshot(Workspace(load_config(config).name, Path(root))) as manifest:
        files = [Path(config), *(path for path in manifest.files() if path.exists())]
        return tuple((str(path), path.stat().st_mtime_ns) for path in files)


@st.cache_resource(max_entries=1, show_spinner=say("dashboard.loading"))
def load(config: str, root: str, files: tuple[tuple[str, int], ...]) -> Content:
    """Return the content of a run, made anew when one of its files was."""
    settings = load_config(config)
    return gather(settings, Workspace(settings.name, Path(root)))


@st.fragment
def what_if(content: Content) -> None:
    """Let each channel's spend be changed and show what that would return."""
    st.header(say("dashboard.what_if"), anchor=False)
    fit, settings = content.results.fit, content.results.config
    if fit is None:
        st.markdown(absent(content.results, "fit", "the response curves"))
        return
    changes = sliders(dict.fromkeys(content.channels[arm] for arm in fit.curves.channels))
    plan = evaluate_plan(fit.curves, change_spend(fit.curves, changes), settings.allocate, settings.ci_prob)
    if any(changes.values()):
        cards(what_if_cards(content, plan))
    else:
        st.caption(text(say("dashboard.today", weeks=plan.weeks)))
    show(content, markdown_table(tabulate(plan_by_channel(plan, content.channels), plan, content.money)))
    for note in plan.notes:
        st.caption(text(word(note, content.money)))


def sliders(channels: Iterable[str]) -> dict[str, int]:
    """Return the change of each channel in percent, as its slider stands."""
    keys = {name: f"change of {name}" for name in channels}
    st.button(say("dashboard.back"), on_click=lambda: st.session_state.update(dict.fromkeys(keys.values(), 0)))
    return {
        name: column.slider(text(name), -FARTHEST, FARTHEST, 0, step=5, format="%+d%%", key=key)
        for column, (name, key) in zip(cycle(st.columns(COLUMNS)), keys.items(), strict=False)
    }


def what_if_cards(content: Content, plan: Plan) -> list[tuple[str, str, str]]:
    """Return the key figures of a plan: label, value, detail."""
    money, gain, profit = content.money, plan.gain, plan.profit_gain
    return [
        (
            say("card.spend"),
            money.short(plan.spend_plan),
            say("card.spend_detail", weeks=plan.weeks, now=plan.spend_now, money=money),
        ),
        (
            say("card.gain_in_return"),
            money.short(gain.mean),
            say("card.interval_detail", low=gain.low, high=gain.high, level=plan.ci_prob, money=money),
        ),
        (
            say("card.gain_in_profit"),
            money.short(profit.mean),
            say("card.interval_detail", low=profit.low, high=profit.high, level=plan.ci_prob, money=money),
        ),
        (say("card.chance"), chance(gain.probability), say("card.chance_detail", probability=profit.probability)),
    ]


def cards(entries: list[tuple[str, str, str]]) -> None:
    """Show key figures side by side."""
    for column, (name, value, detail) in zip(st.columns(len(entries) or 1), entries, strict=False):
        with column.container(border=True, height="stretch", gap=None):
            st.metric(text(name), value)
            st.caption(text(detail))


def show(content: Content, markdown: str) -> None:
    """Show Markdown of the report with its figures where they stand."""
    parts = FIGURE.split(markdown)
    for words, figure in zip_longest(parts[::2], parts[1::2]):
        if words.strip():
            st.markdown(dollars(words))
        if figure:
            st.image(content.figures[figure], width=WIDTH)


def dollars(markdown: str) -> str:
    """Return Markdown in which dollars are money; Streamlit takes what stands between two for a formula."""
    return DOLLAR.sub(lambda found: found[1] or r"\$", markdown)


def text(value: object) -> str:
    """Return a value as Markdown that shows it as it is."""
    return dollars(literal(value))


if __name__ == "__main__":
    page(*sys.argv[1:])
