"""A budget that somebody writes: totals that hold, locks that stay, and a question that `allocate` answers with it."""

from dataclasses import replace

import numpy as np
import pytest
from allocate_cases import exact, random_curves
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mmm_bayes.allocate import (
    Draft,
    allocate,
    as_section,
    asked,
    draft_of_plan,
    draft_of_today,
    evaluate_plan,
    over_window,
    plans_by_channel,
    plans_table,
)
from mmm_bayes.config import Allocate, Group, Limits
from mmm_bayes.curves import ResponseCurves
from mmm_bayes.errors import AllocationError

AMOUNTS = st.lists(st.floats(0.0, 1e6), min_size=2, max_size=6)


@st.composite
def drafts(draw):
    """A draft with locks and limits around what is written, and a total within their reach."""
    amounts = [round(value, 2) for value in draw(AMOUNTS)]
    names = [f"channel {i}" for i in range(len(amounts))]
    locked = frozenset(draw(st.sets(st.sampled_from(names), max_size=len(names) - 1)))
    limited = draw(st.sets(st.sampled_from(names)))
    spread = draw(st.floats(0.0, 0.9))
    limits = {
        name: (round((1 - spread) * amount, 2), round((1 + spread) * amount, 2))
        for name, amount in zip(names, amounts, strict=True)
        if name in limited
    }
    draft = Draft(13, dict(zip(names, amounts, strict=True)), locked, limits)
    ends = [(a, a) if n in locked else limits.get(n, (0.0, 2 * a + 100)) for n, a in zip(names, amounts, strict=True)]
    low, high = (sum(values) for values in zip(*ends, strict=True))
    return draft, round(low + draw(st.floats(0.0, 1.0)) * (high - low), 2)


@given(drafts())
@settings(max_examples=150)
def test_a_new_total_holds_to_the_cent_and_leaves_what_is_locked(case):
    draft, total = case
    found = draft.with_total(total)
    assert sum(found.spend.values()) == pytest.approx(total, abs=2e-2)
    for name, amount in found.spend.items():
        low, high = draft.limits.get(name, (0.0, np.inf))
        if name in draft.locked:
            assert amount == draft.spend[name]
        else:
            assert low - 0.02 <= amount <= high + 0.02
    free = [n for n in draft.spend if n not in draft.locked and draft.spend[n] > 100]
    inside = [n for n in free if draft.limits.get(n, (0, 1))[0] < found.spend[n] < draft.limits.get(n, (0, np.inf))[1]]
    factors = [found.spend[n] / draft.spend[n] for n in inside if found.spend[n] > 1]
    np.testing.assert_allclose(factors, factors[:1] * len(factors), rtol=1e-2)


def test_a_total_that_locks_and_limits_forbid_is_named_with_what_they_come_to():
    draft = Draft(13, {"tv": 600.0, "search": 400.0}, frozenset({"tv"}), {"search": (100.0, 500.0)})
    with pytest.raises(AllocationError, match=r"the total 1,200 cannot be had: .* at most 1,100; unlock"):
        draft.with_total(1200)
    with pytest.raises(AllocationError, match=r"the total 650 cannot be had: .* at least 700; unlock"):
        draft.with_total(650)
    assert draft.with_total(1100).spend == {"tv": 600.0, "search": 500.0}


def test_money_of_a_channel_by_geo_is_shared_out_as_it_was():
    draft = Draft(13, {"tv | N": 30_000.0, "tv | S": 10_000.0, "search | N": 5.0})
    found = draft.with_spend(["tv | N", "tv | S"], 100_000.01)
    assert found.spend == {"tv | N": 75_000.01, "tv | S": 25_000.0, "search | N": 5.0}
    nothing = found.with_spend(["tv | N", "tv | S"], 0).with_spend(["tv | N", "tv | S"], 8)
    assert nothing.spend == {"tv | N": 4.0, "tv | S": 4.0, "search | N": 5.0}


@pytest.mark.parametrize("seed", range(4))
def test_a_quick_answer_is_the_certified_plan_without_its_certificate(seed):
    curves = random_curves(seed)
    for question in (Allocate(), exact(), Allocate(objective="cvar"), Allocate(scenario="profit", margin=0.4)):
        slow, quick = allocate(curves, question), allocate(curves, question, certify=False)
        assert [row.spend_plan for row in quick.channels] == [row.spend_plan for row in slow.channels]
        assert (quick.gain, quick.notes, quick.decision) == (slow.gain, slow.notes, slow.decision)
        assert quick.upper_bound is None and quick.regret is None and quick.certified_gap is None


@given(st.integers(0, 40), st.floats(0.7, 1.2))
@settings(max_examples=15)
def test_optimising_keeps_total_locks_and_limits_and_gains(seed, factor):
    curves = random_curves(seed, channels=4, draws=30)
    today = draft_of_today(curves)
    first, second, *_ = curves.channels
    draft = today.with_spend([first], round(factor * today.spend[first], 2))
    limits = {second: (0.9 * today.spend[second], 1.1 * today.spend[second])}
    draft = replace(draft, locked=frozenset({first}), limits=limits)
    plan = allocate(curves, asked(draft, exact(hold=False)), certify=False)
    found = draft_of_plan(plan)
    assert found.total == pytest.approx(draft.total, abs=0.011)
    assert found.spend[first] == pytest.approx(draft.spend[first], abs=0.011)
    assert limits[second][0] - 0.01 <= found.spend[second] <= limits[second][1] + 0.01
    typed, best = (evaluate_plan(curves, d.amounts) for d in (draft, found))
    assert best.contribution_plan.mean >= typed.contribution_plan.mean * (1 - 1e-9)


@given(st.integers(0, 40), st.lists(st.floats(0.0, 1.9), min_size=5, max_size=5))
@settings(max_examples=25)
def test_the_fragment_of_a_draft_leaves_allocate_no_other_plan(seed, factors):
    curves = random_curves(seed)
    if seed % 2:
        small = {name: getattr(curves, name) / 1e4 for name in ("spend", "response", "today", "observed")}
        curves = replace(curves, **small)
    draft = draft_of_today(curves)
    draft = draft.with_amounts(draft.amounts * factors)
    assume(draft.total > 0)
    before = Allocate(
        scenario="target_mroi",
        target=2.0,
        margin=0.5,
        step=100,
        groups=(Group(channels=curves.channels[:2], upper=1),),
        limits={curves.channels[0]: Limits(fixed=True)},
    )
    section = as_section(draft, before)
    plan = allocate(curves, Allocate.model_validate(section), certify=False)
    assert draft_of_plan(plan).spend == pytest.approx(dict(draft.spend), abs=1.1 * 10.0**-draft.decimals)
    judged = evaluate_plan(curves, draft.amounts, before)
    assert (plan.gain, plan.profit_gain, plan.decision) == (judged.gain, judged.profit_gain, judged.decision)
    assert section["margin"] == 0.5 and "step" not in section and "groups" not in section


def test_another_window_keeps_what_is_planned_relative_to_today():
    curves = random_curves(1, channels=3)
    longer = ResponseCurves(
        curves.channels, 4 * curves.spend, 3 * curves.response, curves.today * [4, 3, 0], curves.observed * 4, 104
    )
    draft = replace(draft_of_today(curves), limits={curves.channels[0]: (10.0, 20.0)})
    found = over_window(draft.with_amounts(draft.amounts * [1.1, 0.5, 1.0]), curves, longer)
    assert found.weeks == 104
    np.testing.assert_allclose(found.amounts, curves.today * [4.4, 1.5, 2.0], atol=0.02)
    assert found.limits == {curves.channels[0]: (40.0, 80.0)}


def test_plans_side_by_side_hold_the_numbers_of_each():
    curves = random_curves(2)
    today = draft_of_today(curves)
    drafts = {"today": today, "more": today.with_total(round(1.2 * today.total, 2))}
    plans = {name: evaluate_plan(curves, draft.amounts) for name, draft in drafts.items()}
    table = plans_table(plans).set_index("name")
    assert table.loc["more", "gain_median"] == plans["more"].gain.median
    assert table.loc["today", "gain_high"] == 0.0
    assert list(table["decision"]) == [plan.decision for plan in plans.values()]
    rows = plans_by_channel(plans)
    assert list(rows.columns[:3]) == ["name", "weeks", "channel"]
    assert len(rows) == 2 * len(curves.channels)
    assert rows.loc[rows["name"] == "more", "spend_plan"].sum() == pytest.approx(plans["more"].spend_plan)
