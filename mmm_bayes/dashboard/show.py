"""How words, tables, figures and key figures of the report stand on a page of Streamlit."""

import re
from collections.abc import Sequence
from itertools import batched, zip_longest

import streamlit as st

from mmm_bayes.dashboard.charts import Drawn
from mmm_bayes.report.content import Content
from mmm_bayes.report.page import literal
from mmm_bayes.report.words import say

STYLE = """<style>
.stMainBlockContainer {max-width: 72rem; padding-top: 3.5rem}
h1 {font-size: 2rem !important} h2 {font-size: 1.45rem !important} h3 {font-size: 1.15rem !important}
.scrolled {overflow-x: auto} .scrolled table {font-size: 0.875rem}
[data-testid="stMarkdownContainer"] :is(th, td):first-child {white-space: nowrap}
[data-testid="stCaptionContainer"] {opacity: 1}
[data-testid="stCaptionContainer"] :is(p, li) {color: light-dark(#5F6873, #A9AFB7)}
[data-testid="stBaseButton-primary"] p {color: light-dark(#fff, #0d141b)}
div:has(> .st-key-figures) {
  position: sticky; top: 3.5rem; z-index: 20; padding: 0.5rem 0; background: light-dark(#fff, #171614)
}
@media (max-width: 640px) {
  .st-key-figures [data-testid="stHorizontalBlock"] {display: grid; grid-template-columns: 1fr 1fr; gap: 0.5rem}
  .st-key-figures [data-testid="stColumn"] {min-width: 0; width: auto}
  .st-key-figures [data-testid="stMetricValue"] {font-size: 1.4rem}
}
</style>"""
FIGURE = re.compile(r"^!\[(.*)\]\(figures/(\w+)\.svg\)$", re.MULTILINE)
TABLE = re.compile(r"^(?:\|.*\n?)+", re.MULTILINE)
DOLLAR = re.compile(r"(`[^`]*`)|\$")
ABREAST = 3
"""Charts of one figure that stand side by side."""


def cards(entries: Sequence[tuple[str, str, str]]) -> None:
    """Show key figures side by side."""
    for column, (label, value, detail) in zip(st.columns(len(entries) or 1), entries, strict=False):
        with column.container(border=True, height="stretch", gap=None):
            st.metric(text(label), value)
            st.caption(text(detail))


def show(content: Content, markdown: str) -> None:
    """Show Markdown of the report with its figures where they stand."""
    parts = FIGURE.split(markdown)
    for words, description, name in zip_longest(parts[::3], parts[1::3], parts[2::3]):
        if words.strip():
            st.markdown(TABLE.sub(_scrolled, dollars(words)), unsafe_allow_html=True)
        if name:
            show_charts(content.figures[name], description)


def _scrolled(table: re.Match[str]) -> str:
    """Return a table in a box that scrolls it sideways where there is no room, by the keyboard, too."""
    about = say("dashboard.table")
    return f'<div class="scrolled" tabindex="0" role="group" aria-label="{about}">\n\n{table[0]}\n</div>\n'


def show_charts(charts: Drawn, description: str) -> None:
    """Show the charts of a figure; several stand side by side where there is room."""
    for abreast in batched(charts, min(ABREAST, len(charts))):
        for column, chart in zip(st.columns(min(ABREAST, len(charts))), abreast, strict=False):
            column.altair_chart(chart, width="stretch", alt=description)


def dollars(markdown: str) -> str:
    """Return Markdown in which dollars are money; Streamlit takes what stands between two for a formula."""
    return DOLLAR.sub(lambda found: found[1] or r"\$", markdown)


def text(value: object) -> str:
    """Return a value as Markdown that shows it as it is."""
    return dollars(literal(value))
