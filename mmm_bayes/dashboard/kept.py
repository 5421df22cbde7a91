"""Scenarios: plans that were kept, side by side with the one at hand, and all of them to take away."""

from collections.abc import Mapping
from functools import partial
from io import BytesIO

import pandas as pd
import streamlit as st

from mmm_bayes.allocate import Plan, as_section, plans_by_channel, plans_table
from mmm_bayes.config import as_yaml
from mmm_bayes.dashboard.charts import look_of
from mmm_bayes.dashboard.charts.plan import gains_of, live_gains
from mmm_bayes.dashboard.charts.style import laid_on
from mmm_bayes.dashboard.desk import Desk
from mmm_bayes.dashboard.show import show, text
from mmm_bayes.report.facts import plan_by_channel
from mmm_bayes.report.page import markdown_table
from mmm_bayes.report.tables import drafts
from mmm_bayes.report.words import say
from mmm_bayes.workspace import as_csv as table_as_csv

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def kept(desk: Desk, plan: Plan) -> None:
    """Show the plan at hand beside those that were kept."""
    content = desk.run.content
    st.header(say("planner.kept.head"), anchor=False)
    _keep(desk)
    plans = {say("planner.this"): plan} | {name: desk.run.judge(draft) for name, draft in desk.run.kept.items()}
    if any(found.moves for found in plans.values()):
        chart = live_gains(len(plans), look_of(content.results, content.money))
        st.vega_lite_chart(laid_on(chart, gains_of(plans)), width="stretch", alt=say("planner.gains"))
    spends = pd.DataFrame(
        {name: plan_by_channel(p, content.channels).set_index("channel")["plan"] for name, p in plans.items()}
    )
    show(content, markdown_table(drafts(plans_table(plans), spends, content.money)))
    _take_away(desk, plans)


def _keep(desk: Desk) -> None:
    """Let the plan at hand be kept under a name, and kept ones be opened or removed."""
    known, name_key, which = desk.run.kept, desk.key("name"), desk.key("which")

    def keep() -> None:
        name = st.session_state[name_key].strip() or _unused(known)
        known[name] = desk.draft
        st.session_state[name_key] = ""

    def put() -> None:
        desk.put(known[st.session_state[which]])

    def remove() -> None:
        known.pop(st.session_state[which], None)

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(say("planner.kept.name"), key=name_key, placeholder=_unused(known), max_chars=60, width=260)
        st.button(say("planner.kept.keep"), on_click=keep, key=desk.key("keep"))
        if known:
            st.selectbox(say("planner.kept.which"), list(known), key=which, width=260)
            st.button(say("planner.kept.open"), on_click=put, key=desk.key("open"))
            st.button(say("planner.kept.remove"), on_click=remove, key=desk.key("remove"))


def _unused(known: Mapping[str, object]) -> str:
    """Return a name that no scenario has."""
    return next(name for n in range(1, len(known) + 2) if (name := say("planner.kept.default", number=n)) not in known)


def _take_away(desk: Desk, plans: Mapping[str, Plan]) -> None:
    """Offer the plans as files; the YAML is that of the plan at hand."""
    name, draft = desk.run.name, desk.draft
    section = {"allocate": as_section(draft, desk.run.question(draft.weeks))}
    offers = (
        (say("planner.kept.csv"), "csv", "text/csv", partial(as_csv, plans)),
        (say("planner.kept.xlsx"), "xlsx", EXCEL, partial(as_excel, plans)),
        (say("planner.kept.yaml"), "yaml", "application/yaml", partial(fragment, section)),
    )
    with st.container(horizontal=True):
        for title, ending, kind, make in offers:
            file, key = f"{name}_plans.{ending}", desk.key(ending)
            st.download_button(text(title), make, file, kind, key=key, on_click="ignore", icon=":material/download:")


def as_csv(plans: Mapping[str, Plan]) -> bytes:
    """Return the channels of all plans under each other, as CSV."""
    return table_as_csv(plans_by_channel(plans)).encode()


def as_excel(plans: Mapping[str, Plan]) -> bytes:
    """Return a workbook with a sheet of plans and one of their channels."""
    stream = BytesIO()
    safe = {"options": {"strings_to_formulas": False, "strings_to_urls": False}}
    with pd.ExcelWriter(stream, engine="xlsxwriter", engine_kwargs=safe) as book:
        plans_table(plans).to_excel(book, sheet_name="plans", index=False)
        plans_by_channel(plans).to_excel(book, sheet_name="channels", index=False)
    return stream.getvalue()


def fragment(section: Mapping[str, object]) -> bytes:
    """Return a section of a configuration, with what it is for."""
    return f"# {say('planner.kept.fragment')}\n{as_yaml(section)}".encode()
