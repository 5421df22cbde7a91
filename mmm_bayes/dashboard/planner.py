"""The planner: money that is typed or slid per channel, locks and limits, the best plan, and what all of it returns."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Any

import streamlit as st

from mmm_bayes.allocate import ChannelPlan, Plan
from mmm_bayes.dashboard.charts.plan import marks_on
from mmm_bayes.dashboard.charts.style import laid_on
from mmm_bayes.dashboard.desk import Desk
from mmm_bayes.dashboard.kept import kept
from mmm_bayes.dashboard.runs import Run
from mmm_bayes.dashboard.show import cards, show, text
from mmm_bayes.report.facts import decision_on, plan_by_channel
from mmm_bayes.report.numbers import Money, chance
from mmm_bayes.report.page import absent, markdown_table
from mmm_bayes.report.tables import plan as tabulate
from mmm_bayes.report.words import label, say, word

ABREAST = 3
"""Channels side by side."""

BOXES = {"clear": st.success, "leaning": st.warning, "not_yet": st.info}
FINE = 200
"""Steps of a slider, about."""

MOST_WEEKS = 260
"""Weeks that may be planned; a panel says nothing of the world in more than five years."""


@st.fragment
def planner(run: Run) -> None:
    """Let a budget be written and show what it would return."""
    st.header(say("planner.head"), anchor=False)
    if run.content.results.fit is None:
        st.markdown(absent(run.content.results, "fit", say("planner.absent")))
        return
    desk = Desk(run)
    st.caption(say("planner.about"))
    results = st.container(key="figures")
    geo = _controls(desk)
    plan = run.judge(desk.draft)
    with results:
        _results(desk, plan)
    _channels(desk, plan, geo)
    content = run.content
    show(content, markdown_table(tabulate(plan_by_channel(plan, content.channels), plan, content.money)))
    kept(desk, plan)


def _results(desk: Desk, plan: Plan) -> None:
    """Show the key figures of the draft, the verdict on it, and what is to be known."""
    content, draft = desk.run.content, desk.draft
    money, (notes, refused) = content.money, desk.notes
    cards(key_figures(plan, desk.run))
    if plan.moves:
        table = plan_by_channel(plan, content.channels)
        verdict = content.context["verdict"]
        found = decision_on(plan, table, content.results.config.allocate.test_error, verdict)
        BOXES["not_yet" if verdict == "FAIL" else plan.decision](text(word(found, money)))
    else:
        st.info(text(say("planner.today", weeks=draft.weeks, total=draft.total, money=money)))
    if refused:
        st.error(text(refused))
    for note in [*notes, *plan.notes]:
        st.caption(text(word(note, money)))


def key_figures(plan: Plan, run: Run) -> list[tuple[str, str, str]]:
    """Return the key figures of a plan: label, value, detail."""
    money, gain, profit = run.content.money, plan.gain, plan.profit_gain
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


def _controls(desk: Desk) -> str | None:
    """Show what concerns the whole budget; return the geo whose channels are to be shown, None for all."""
    content, draft = desk.run.content, desk.draft
    by_geo = len(desk.places(None)) < len(draft.spend)
    columns = st.columns(3 if by_geo else 2)
    columns[0].number_input(
        say("planner.weeks"),
        min_value=1,
        max_value=MOST_WEEKS,
        step=1,
        **desk.field("weeks", draft.weeks, desk.to_window),
    )
    total = say("planner.money_of", channel=say("planner.total"), unit=content.money.currency)
    columns[1].number_input(text(total), **_amount(desk), **desk.field("total", draft.total, desk.to_total))
    geo = None
    if by_geo:
        every, geos = say("planner.all_geos"), [None, *content.results.panel.geos]
        geo = columns[2].selectbox(say("planner.geo"), geos, format_func=lambda g: g or every, key=desk.key("geo"))
    with st.container(horizontal=True):
        about = text(say("planner.optimise_help"))
        st.button(say("planner.optimise"), on_click=desk.optimise, key=desk.key("optimise"), type="primary", help=about)
        st.button(say("planner.from_today"), on_click=desk.from_today, key=desk.key("today"))
        st.button(say("planner.from_best"), on_click=desk.from_best, key=desk.key("best"))
    return geo


def _channels(desk: Desk, plan: Plan, geo: str | None) -> None:
    """Show a card for each channel: its money, lock, limits and curve."""
    shown = desk.places(geo)
    columns = chain.from_iterable(st.columns(ABREAST) for _ in range(0, len(shown), ABREAST))
    for column, (channel, places) in zip(columns, shown.items(), strict=False):
        with column.container(border=True, gap="small"):
            _card(desk, channel, [plan.channels[place] for place in places], geo)
            own, chart = desk.run.picture(desk.draft, tuple(places))
            marks = marks_on(own, 0, sum(plan.channels[place].spend_plan for place in places))
            st.vega_lite_chart(laid_on(chart, marks), width="stretch", alt=say("planner.curve", channel=channel))


def _card(desk: Desk, channel: str, rows: Sequence[ChannelPlan], geo: str | None) -> None:
    """Show the fields of one channel, in one geo or in all."""
    money, arms = desk.run.content.money, [row.channel for row in rows]
    now, amount = sum(row.spend_now for row in rows), sum(desk.draft.spend[arm] for arm in arms)
    name, act = f"{channel} in {geo}", partial(desk.to_spend, arms)
    title = say("planner.money_of", channel=channel, unit=money.currency)
    st.number_input(text(title), **_amount(desk), **desk.field(f"money of {name}", amount, act))
    _slider(desk, f"slider of {name}", say("planner.slide", channel=channel), max(2 * now, amount), amount, act)
    with st.container(horizontal=True, vertical_alignment="center"):
        locked, lock = desk.draft.locked.issuperset(arms), partial(desk.lock, arms)
        st.checkbox(say("planner.lock"), **desk.field(f"lock of {name}", locked, lock))
        _limits(desk, arms[0] if len(arms) == 1 else channel)
    st.caption(text(_about(rows, now, money)))


def _about(rows: Sequence[ChannelPlan], now: float, money: Money) -> str:
    """Return what is to be known of a channel: of one arm its next unit and how sure its move is, of several today."""
    only = rows[0] if len(rows) == 1 else None
    mroi, probability = (None, None) if only is None else (only.mroi.mean, only.probability)
    decision = "" if only is None else label(only.decision, "decision")
    return say("planner.channel", now=now, mroi=mroi, probability=probability, decision=decision, money=money)


def _slider(desk: Desk, name: str, title: str, reach: float, amount: float, act: Callable[[float], None]) -> None:
    """Show a slider at its step nearest to an amount."""
    top, step = scale(reach)
    field = desk.field(name, min(step * round(amount / step), top), act)
    st.slider(text(title), 0.0, top, step=step, format="compact", label_visibility="collapsed", **field)


def _limits(desk: Desk, name: str) -> None:
    given = desk.draft.limits.get(name, (None, None))
    marked = "" if given == (None, None) else " ●"
    with st.popover(say("planner.limits") + marked, key=desk.key("limits", name)):
        for end, title in enumerate((say("planner.least"), say("planner.most"))):
            field = desk.field(f"limit {end} of {name}", given[end], partial(desk.limit, name, end))
            st.number_input(title, **_amount(desk), **field)


def _amount(desk: Desk) -> dict[str, Any]:
    """Return how amounts stand in a field."""
    _, step = scale(max(desk.draft.total, 1e-9))
    return {"min_value": 0.0, "step": step, "format": f"%.{desk.run.content.money.decimals}f"}


def scale(end: float) -> tuple[float, float]:
    """Return the end of a slider that reaches so far, and its step: 1, 2 or 5 times a power of ten."""
    rough = max(end, 1e-9) / FINE
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    return step * math.ceil(end / step - 1e-9), step
