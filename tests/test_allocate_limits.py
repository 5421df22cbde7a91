"""Limits as people write them: what they come to, and what is said when they cannot be met."""

import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from allocate_cases import hill_curves
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_bayes.allocate.limits import resolve
from mmm_bayes.allocate.solver import Node, smallest_change
from mmm_bayes.allocate.solver.totals import add, clip, neighbours
from mmm_bayes.config import Allocate, Group, Limits, make_config
from mmm_bayes.curves import ResponseCurves
from mmm_bayes.errors import AllocationError, ConfigError
from mmm_bayes.findings import Finding
from mmm_bayes.report.words import word

TODAY = [4_000.0, 3_000.0, 2_000.0, 1_000.0]
NAMES = ("tv", "radio", "search", "social")


def curves(today: list[float] = TODAY, names: tuple[str, ...] = NAMES, end: float = 2.0) -> ResponseCurves:
    found = hill_curves([(100.0, 3_000.0, 1.0)] * len(today), today, end=end, points=41)
    return replace(found, channels=names)


def refusal(question: Allocate, of: ResponseCurves | None = None) -> str:
    with pytest.raises(AllocationError) as caught:
        resolve(of or curves(), question)
    return str(caught.value)


def test_limits_are_relative_absolute_or_fixed() -> None:
    question = Allocate(
        limits={
            "tv": Limits(lower=3_500),
            "radio": Limits(relative=(0.9, 1.2)),
            "search": Limits(fixed=True),
            "social": Limits(minimum_useful=800, upper=1_900),
        }
    )
    found = resolve(curves(), question)
    assert found.lower.tolist() == [3_500, 2_700, 2_000, 0]
    assert found.upper.tolist() == [6_000, 3_600, 2_000, 1_900]
    assert found.useful.tolist() == [0, 0, 0, 800]
    assert found.budget == found.tree.lower == found.tree.upper == 10_000


def test_a_smallest_useful_spend_above_the_lower_limit_replaces_it() -> None:
    found = resolve(curves(), Allocate(limits={"tv": Limits(lower=2_000, minimum_useful=2_500)}))
    assert (found.lower[0], found.useful[0]) == (2_500, 0)


def test_groups_are_narrowed_to_what_their_channels_can_reach() -> None:
    group = Group(channels=("tv", "radio"), lower=1_000, upper=50_000)
    node = resolve(curves(), Allocate(scenario="profit", groups=(group,))).tree.groups[0]
    assert (node.lower, node.upper) == (3_500, 10_500)


def test_two_limits_on_the_same_channels_become_one() -> None:
    groups = (Group(channels=("tv", "radio"), lower=5_000), Group(channels=("radio", "tv"), upper=6_500))
    tree = resolve(curves(), Allocate(groups=groups)).tree
    assert [(g.lower, g.upper) for g in tree.groups] == [(5_000, 6_500)]


def test_a_step_moves_limits_inwards() -> None:
    question = Allocate(step=300, limits={"search": Limits(fixed=True), "tv": Limits(minimum_useful=1_000)})
    found = resolve(curves(), question)
    assert found.lower.tolist() == [0, 1_500, 2_000, 600]
    assert found.upper.tolist() == [6_000, 4_500, 2_000, 1_500]
    assert found.useful[0] == 1_200
    assert found.tree.upper == 9_800
    assert found.notes == (Finding("plan.unspent_below_step", {"left": 200.0}),)
    assert word(found.notes[0]) == "200.00 of the budget stays unspent: it is no multiple of the step."


def test_a_budget_below_the_lower_limits() -> None:
    assert refusal(Allocate(budget=4_000)) == (
        "allocate.budget: the lower limits add up to 5,000 (the largest: tv 2,000, radio 1,500, search 1,000), "
        "more than the budget of 4,000; raise the budget to 5,000, or reduce the lower limits by 1,000 in total "
        "(allocate.relative and allocate.limits)."
    )
    assert resolve(curves(), Allocate(budget=5_000)).tree.upper == 5_000


def test_a_budget_below_the_lower_limit_of_a_group() -> None:
    group = Group(channels=("tv", "radio"), lower=9_000, name="offline")
    said = refusal(Allocate(budget=9_500, groups=(group,)))
    assert "group 'offline'" in said and "raise the budget to 10,500" in said
    capped = Allocate(scenario="profit", budget=9_500, groups=(group,))
    assert "raise the budget to 10,500" in refusal(capped)


def test_a_channel_whose_limits_contradict_each_other() -> None:
    assert refusal(Allocate(limits={"tv": Limits(lower=7_000)})) == (
        "allocate.limits.tv: the lower limit 7,000 is above the upper limit 6,000 (1.5 times today's 4,000); "
        "raise 'upper' to 7,000, or lower the lower limit to 6,000."
    )
    assert "the smallest useful spend 1,600 is above" in refusal(
        Allocate(limits={"social": Limits(minimum_useful=1_600)})
    )


def test_a_group_out_of_reach() -> None:
    assert refusal(Allocate(groups=(Group(channels=("search", "social"), lower=5_000, name="digital"),))) == (
        "group 'digital': its lower limit 5,000 is more than search, social can reach within their own limits; "
        "lower it to 4,500, or raise their upper limits by 500 in total."
    )
    assert refusal(Allocate(groups=(Group(channels=("search", "social"), upper=1_000),))) == (
        "group 'search + social': its upper limit 1,000 is less than the lower limits of search, social add up to; "
        "raise it to 1,500, or reduce their lower limits by 500 in total."
    )
    assert "its lower limit 9 is above its upper limit 8" in refusal(
        Allocate(groups=(Group(channels=("tv", "radio"), lower=9), Group(channels=("radio", "tv"), upper=8)))
    )


def test_groups_inside_a_group_that_stand_in_its_way() -> None:
    """Limits of channels alone do not help where a group inside holds them together."""
    inner = (Group(channels=("tv", "radio"), upper=4_000, name="a"), Group(channels=("search", "social"), upper=2_000))
    every = {"channels": NAMES, "name": "all"}
    said = refusal(Allocate(groups=(*inner, Group(lower=7_500, **every))))
    assert re.search(r"lower it to 6,000, or raise the upper limit of group '(a|search \+ social)' by 1,500\.$", said)
    lower = (Group(channels=("tv", "radio"), lower=9_000, name="a"),)
    said = refusal(Allocate(groups=(*lower, Group(upper=10_000, **every))))
    assert said.endswith("raise it to 10,500, or reduce the lower limit of group 'a' by 500.")


@given(st.lists(st.integers(0, 6), min_size=4, max_size=4), st.integers(0, 8), st.integers(0, 8), st.integers(1, 12))
@settings(max_examples=60)
def test_the_smallest_change_is_the_least_that_helps(upper: list[int], inner: int, outer: int, total: int) -> None:
    """Against all spends of whole units that reach the total: each costs what it exceeds the limits by."""
    pair = Node((0, 1), lower=-inner, upper=inner)
    node = Node((), (Node((2, 3), (pair,), lower=-outer, upper=outer),))
    spend = np.stack(np.meshgrid(*[np.arange(total + 1)] * 4)).reshape(4, -1)
    spend = spend[:, spend.sum(axis=0) >= total]
    excess = [np.maximum(spend - np.array(upper)[:, None], 0).sum(axis=0)]
    excess += [np.maximum(spend[:2].sum(axis=0) - inner, 0), np.maximum(spend.sum(axis=0) - outer, 0)]
    least = np.sum(excess, axis=0).min()
    for side, sign in (("upper", 1), ("lower", -1)):
        found = smallest_change(node, sign * np.array(upper, dtype=float), side, sign * total)
        assert sum(move for _, move in found) == pytest.approx(least, abs=1e-9)


def test_totals_that_smallest_useful_spends_leave_out() -> None:
    useful = Limits(minimum_useful=1_500, upper=1_600)
    of = curves([2_000.0, 2_000.0], ("tv", "radio"))
    said = refusal(Allocate(budget=2_000, limits={"tv": useful, "radio": useful}), of)
    assert "between 1,600 and 3,000" in said and "lower a minimum_useful by 1,000" in said
    group = Group(channels=("tv", "radio"), lower=2_000, upper=2_500, name="both")
    said = refusal(Allocate(budget=1_500, groups=(group,), limits={"tv": useful, "radio": useful}), of)
    assert "set its 'lower' to 1,600 or its 'upper' to 3,000" in said


def test_names_that_do_not_exist() -> None:
    assert refusal(Allocate(limits={"serch": Limits()})) == (
        "allocate.limits.serch: there is no channel 'serch'; did you mean 'search'?"
    )
    assert "there is no channel 'print'" in refusal(Allocate(groups=(Group(channels=("tv", "print")),)))


def test_groups_that_cross() -> None:
    groups = (Group(channels=("tv", "radio"), upper=8_000), Group(channels=("radio", "search"), lower=1_000))
    assert refusal(Allocate(groups=groups)) == (
        "group 'radio + search' and group 'tv + radio' overlap in radio but neither holds the other; "
        "split them so that groups lie inside each other or apart."
    )


def test_limits_beyond_the_end_of_a_curve() -> None:
    assert refusal(Allocate(limits={"tv": Limits(upper=9_000)})) == (
        "tv: its upper limit 9,000 lies beyond the end of its response curve; "
        "lower the limit to 8,000, or build the curves up to the limit."
    )
    assert "beyond the end of its response curve (2,000)" in refusal(Allocate(), curves(end=0.5))


def test_limits_may_end_where_a_curve_does() -> None:
    for cents in np.linspace(0.001, 0.009, 9):
        resolve(curves([430.75 + cents, 3_000.0], ("tv", "radio")), Allocate(relative=(0, 2)))


def test_steps_that_fit_nowhere() -> None:
    said = refusal(Allocate(step=10_000))
    assert said.startswith("tv: no multiple of allocate.step 10,000 lies between its limits 2,000 and 6,000")
    assert "too small" in refusal(Allocate(step=1e-9))


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_bounds_that_are_no_amount_of_money(bad: float) -> None:
    for allocate in ({"limits": {"tv": {"upper": bad}}}, {"budget": bad}, {"relative": [0.5, bad]}):
        with pytest.raises(ConfigError, match="allocate"):
            make_config({"name": "x", "panel": {"path": "p", "kpi": "k", "spend": {"tv": "s"}}, "allocate": allocate})


def test_curves_that_cannot_carry_a_plan() -> None:
    good = curves()
    broken = {
        "NaN or infinite": replace(
            good, response=np.where(good.response == good.response.max(), np.nan, good.response)
        ),
        "today's not be negative": replace(good, today=-good.today),
        "must ascend from 0": replace(good, spend=good.spend[:, ::-1]),
        "falls as spend rises": replace(good, response=-good.response),
    }
    for words, bad in broken.items():
        assert words in refusal(Allocate(), bad)


def test_limits_of_a_channel_hold_for_the_sum_over_its_geos() -> None:
    of = curves(names=("tv | north", "tv | south", "radio | north", "radio | south"))
    question = Allocate(limits={"tv": Limits(relative=(0.9, 1.1)), "radio": Limits(fixed=True)})
    groups = {g.name: g for g in resolve(of, question).tree.groups}
    assert (groups["'tv'"].lower, groups["'tv'"].upper) == (6_300, 7_700)
    assert (groups["'radio'"].lower, groups["'radio'"].upper) == (3_000, 3_000)
    assert "give it per arm, 'tv | GEO'" in refusal(Allocate(limits={"tv": Limits(minimum_useful=1)}), of)


TOTALS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 4)), min_size=1, max_size=3)


@given(TOTALS, TOTALS, st.integers(1, 3), st.integers(-2, 30), st.integers(0, 12))
@settings(max_examples=200)
def test_reachable_totals_equal_enumeration(
    a: list[tuple[int, int]], b: list[tuple[int, int]], step: int, lower: int, width: int
) -> None:
    def multiples(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
        return [(low * step, (low + more) * step) for low, more in pairs]

    def members(totals: list[tuple[int, int]]) -> set[int]:
        return {v for low, high in totals for v in range(low, high + 1, step)}

    one, two = multiples(a), multiples(b)
    total = add(one, two, step)
    everything = {x + y for x, y in product(members(one), members(two))}
    assert members(total) == everything
    upper = lower + width
    assert members(clip(total, lower, upper, step)) == {v for v in everything if lower <= v <= upper}
    below, above = neighbours(total, lower, step)
    assert below == max((v for v in everything if v <= lower), default=None)
    assert above == min((v for v in everything if v >= lower), default=None)
