"""Whether money may move: plans that leave it where draws disagree, channels that are held, and how sure a move is."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from allocate_cases import exact, hill_curves, random_curves
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_bayes.allocate import Plan, allocate, evaluate_plan, frontier, load_plan, save_plan
from mmm_bayes.allocate.decision import CLEAR, LEANING, decision_of, move_probabilities
from mmm_bayes.allocate.risk import MANY_ARMS, WORTH, objective_of
from mmm_bayes.config import Allocate, Limits
from mmm_bayes.curves import ResponseCurves
from mmm_bayes.errors import AllocationError
from mmm_bayes.report.facts import about_plan, decision_on, plan_by_channel
from mmm_bayes.report.words import word


def straight(slopes: list[list[float]], today: list[float] | None = None, **more: object) -> ResponseCurves:
    """Return curves that are lines, ``slopes`` by draw and arm, up to twice today's 1,000 of each arm."""
    rises = np.array(slopes, dtype=float)
    now = np.full(rises.shape[1], 1_000.0) if today is None else np.array(today)
    spend = np.linspace(0, 2, 41) * now[:, None]
    names = tuple(f"channel {c}" for c in range(len(now)))
    return ResponseCurves(names, spend, rises[:, :, None] * spend, now, 1.2 * now, 13, **more)


def spends(plan: Plan) -> list[float]:
    return [row.spend_plan for row in plan.channels]


# --- the verdict --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("probability", "verdict"),
    [
        (None, "not_yet"),
        (0.0, "not_yet"),
        (0.7499, "not_yet"),
        (LEANING, "leaning"),
        (0.9749, "leaning"),
        (CLEAR, "clear"),
        (1.0, "clear"),
    ],
)
def test_a_verdict_follows_the_probability_of_being_right(probability: float | None, verdict: str) -> None:
    assert (LEANING, CLEAR) == (0.75, 0.975)
    assert decision_of(probability) == verdict


def test_a_move_is_right_as_often_as_its_money_returns_more_than_the_next_unit_elsewhere() -> None:
    curves = straight([[3, 1, 2], [3, 4, 2], [1, 1, 1], [2, 2, 3]], [1_000.0, 2_000.0, 1_000.0])
    today = curves.today
    plan = today + np.array([500.0, -500.0, 0.0])
    # of the first against (2 b + c) / 3: 3 > 4/3, 3 < 10/3, a tie, 2 < 7/3; of the second against (a + c) / 2
    assert move_probabilities(curves, today, plan, 0.01) == [(1 + 0 + 0.5 + 0) / 4, (1 + 0 + 0.5 + 1) / 4, None]


@given(st.integers(0, 10**6))
@settings(max_examples=10)
def test_the_probability_of_a_move_is_that_of_a_loop_over_draws(seed: int) -> None:
    curves = random_curves(seed, channels=4, draws=25)
    today = curves.today
    plan = today * np.random.default_rng(seed).uniform(0.5, 1.5, 4)
    plan[seed % 4] = today[seed % 4]
    found = move_probabilities(curves, today, plan, 0.01)
    marginal = curves.marginal(today)
    for c in range(4):
        if c == seed % 4:
            assert found[c] is None
            continue
        right = 0
        for d in range(25):
            of_move = (curves.along(c, plan[[c]])[d, 0] - curves.along(c, today[[c]])[d, 0]) / (plan[c] - today[c])
            others = [k for k in range(4) if k != c]
            elsewhere = sum(marginal[d, k] * today[k] for k in others) / sum(today[k] for k in others)
            right += (of_move > elsewhere) == (plan[c] > today[c])
        assert found[c] == pytest.approx(right / 25)


def test_an_arm_that_stays_or_stands_alone_has_no_probability() -> None:
    alone = straight([[2.0], [0.5]])
    assert move_probabilities(alone, alone.today, alone.today * 1.5, 0.01) == [None]
    two = straight([[2.0, 1.0]])
    assert move_probabilities(two, two.today, two.today + np.array([0.004, -0.004]), 0.01) == [None, None]


# --- without an objective -----------------------------------------------------------------------


def test_an_open_objective_is_a_low_quantile_where_one_can_be_had() -> None:
    many = straight([[1.0] * (MANY_ARMS + 1)] * 3)
    assert objective_of(straight([[1.0, 2.0]] * 3), Allocate()) == "quantile"
    assert objective_of(straight([[1.0] * MANY_ARMS] * 3), Allocate()) == "quantile"
    assert objective_of(straight([[1.0, 2.0]]), Allocate()) == "mean"
    assert objective_of(many, Allocate()) == "mean"
    assert objective_of(straight([[1.0, 2.0]] * 3), Allocate(scenario="target_roi", target=1.0)) == "mean"
    for asked in ("mean", "quantile", "cvar", "probability"):
        assert objective_of(straight([[1.0, 2.0]]), Allocate(objective=asked)) == asked
    plan = allocate(straight([[1.0, 2.0]] * 3), Allocate())
    assert (plan.objective, plan.level, plan.method) == ("quantile", 0.1, "local")
    assert allocate(straight([[1.0, 2.0]]), Allocate()).objective == "mean"
    assert evaluate_plan(many, many.today, Allocate()).objective == "mean"


@pytest.mark.parametrize("scenario", ["fixed", "profit"])
def test_money_stays_where_draws_disagree_about_every_move(scenario: str) -> None:
    """Either channel is the better one in half of the draws, and so is more money than now and less."""
    curves = straight([[0.4, 1.8], [1.7, 0.4], [0.5, 0.6], [1.9, 1.8]] * 10)
    plan = allocate(curves, Allocate(scenario=scenario))
    assert spends(plan) == [1_000.0, 1_000.0]
    assert not plan.moves and plan.decision == "not_yet"
    assert [(row.probability, row.decision) for row in plan.channels] == [(None, "not_yet")] * 2
    assert plan.gain.mean == plan.objective_value == 0
    assert allocate(curves, exact(scenario=scenario)).moves


@given(st.integers(0, 10**6))
@settings(max_examples=8)
def test_money_moves_clearly_where_all_draws_agree(seed: int) -> None:
    level = np.random.default_rng(seed).lognormal(0, 0.5, (40, 1))
    plan = allocate(straight((level * np.array([1.0, 2.0, 1.5])).tolist()), Allocate())
    assert spends(plan) == pytest.approx([500.0, 1_500.0, 1_000.0])
    assert plan.moves and plan.decision == "clear" and plan.gain.probability == 1
    first, second, _ = plan.channels
    assert (first.probability, first.decision) == (second.probability, second.decision) == (1.0, "clear")


def test_a_plan_that_most_draws_agree_on_is_leaning() -> None:
    plan = allocate(straight([[1.0, 2.0]] * 38 + [[1.5, 1.0]] * 2), Allocate())
    assert spends(plan) == pytest.approx([500.0, 1_500.0])
    assert plan.gain.probability == 0.95 and plan.decision == "leaning"
    assert [row.decision for row in plan.channels] == ["leaning", "leaning"]


@pytest.mark.parametrize("objective", [None, "quantile", "cvar"])
@pytest.mark.parametrize(("more", "moves"), [(0.003, False), (0.01, False), (0.02, True)])
def test_gains_within_what_models_err_by_move_nothing(objective: str | None, more: float, moves: bool) -> None:
    """Half of one channel's money goes to another that returns ``more``: a quarter of that, of the response."""
    assert WORTH == 3e-3
    plan = allocate(straight([[1.0, 1.0 + more]] * 20), Allocate(objective=objective))
    assert plan.moves == moves


@pytest.mark.parametrize("helps", [1, 4, 8])
def test_a_move_that_brings_nothing_in_most_draws_is_not_made(helps: int) -> None:
    """Flat stretches, as of boosted trees: the low quantile of the gain is exactly that of staying."""
    spend = np.array([[0.0, 1_000, 1_500, 2_000], [0.0, 500, 1_000, 2_000]])
    response = np.repeat(np.array([[[0.0, 50, 50, 50], [0.0, 60, 60, 60]]]), 10, axis=0)
    response[:helps, 0, 2:] = 60
    today = np.array([1_000.0, 1_000.0])
    plan = allocate(ResponseCurves(("a", "b"), spend, response, today, today, 13), Allocate())
    assert not plan.moves
    assert plan.decision == "not_yet"


@given(st.integers(0, 10**6))
@settings(max_examples=8)
def test_what_moves_without_being_asked_for_very_likely_helps(seed: int) -> None:
    plan = allocate(random_curves(seed, channels=4, draws=40), Allocate())
    assert not plan.moves or (plan.gain.probability >= 0.9 and plan.gain.percentiles[10] > 0)
    assert plan.decision in (("leaning", "clear") if plan.moves else ("not_yet",))


def test_a_plan_that_must_differ_from_today_is_still_made() -> None:
    plan = allocate(straight([[0.4, 1.7], [1.7, 0.4]] * 10), Allocate(budget=1_500.0))
    assert sum(spends(plan)) == 1_500
    assert plan.moves and plan.decision == "not_yet"


def test_files_of_a_plan_say_how_sure_each_move_is(tmp_path: Path) -> None:
    plan = allocate(straight([[1.0, 2.0, 1.5]] * 38 + [[1.5, 1.0, 1.25]] * 2), Allocate())
    save_plan(plan, tmp_path)
    table = pd.read_csv(tmp_path / "allocation.csv").set_index("channel")
    assert table["probability"].tolist()[:2] == [0.95, 0.95] and np.isnan(table["probability"].iloc[2])
    assert table["decision"].tolist() == ["leaning", "leaning", "not_yet"]
    assert load_plan(tmp_path) == plan and load_plan(tmp_path).decision == "leaning"


@pytest.mark.parametrize(
    ("slopes", "said"),
    [
        ([[1.0, 2.0]] * 40, r"Clear: make this plan; it beats today's budget with a probability of .*\d%\."),
        ([[1.0, 2.0]] * 38 + [[1.5, 1.0]] * 2, r"Leaning: .* probability of 95%, .* start with half of each move.*\."),
        ([[1.0, 2.0], [2.0, 1.0]] * 20, r"Not yet: .* Keep today's budget.*\."),
    ],
)
def test_a_verdict_is_said_with_what_to_do_and_to_test_first(slopes: list[list[float]], said: str) -> None:
    plan = allocate(straight(slopes), Allocate())
    table = plan_by_channel(plan, {row.channel: row.channel for row in plan.channels})
    sentence = word(decision_on(plan, table, 0.2))
    assert re.fullmatch(said, sentence)
    assert decision_on(plan, table, 0.2).code.endswith(plan.decision)
    first = decision_on(plan, table.assign(information=[1.0, 9.0]), 0.2)
    assert ("test channel 1 first" in word(first)) == (plan.decision != "clear")
    none = decision_on(plan, table.assign(information=np.nan), 0.2)
    assert "first" not in word(none)


# --- channels that follow demand ----------------------------------------------------------------


def held_curves(*held: str) -> ResponseCurves:
    """Return four channels whose curves would move all their money, some of which follow demand."""
    curves = hill_curves(
        [(9e3, 9e3, 1.0), (8e3, 1e3, 1.0), (9e4, 6e3, 1.0), (4e3, 4e3, 1.0)],
        [2_000.37, 3_000.0, 2_500.0, 1_000.0],
        draws=20,
        noise=0.05,
        points=101,
    )
    return replace(curves, channels=("tv", "search", "social", "radio"), held=held)


@pytest.mark.parametrize("held", [("social",), ("tv",), ("search", "tv"), ("tv", "search", "social")])
@pytest.mark.parametrize("scenario", [{}, {"scenario": "profit"}, {"budget": 8_200.0}, {"objective": "mean"}])
def test_channels_that_follow_demand_keep_their_spend_to_the_cent(held: tuple[str, ...], scenario: dict) -> None:
    curves, free = held_curves(*held), allocate(held_curves(), Allocate(**scenario))
    plan = allocate(curves, Allocate(**scenario))
    rows, others = ({row.channel: row for row in found.channels} for found in (plan, free))
    for name in held:
        assert rows[name].spend_plan == rows[name].spend_now == rows[name].lower == rows[name].upper
        assert rows[name].probability is None
        assert others[name].spend_plan != others[name].spend_now
    (note,) = [n for n in plan.notes if n.code == "plan.held"]
    assert note.values["channels"] == sorted(held)
    assert ("follows demand" if len(held) == 1 else "follow demand") in word(note)
    assert not [n for n in free.notes if n.code in ("plan.held", "plan.not_held")]


def test_a_channel_that_is_held_is_not_said_to_stand_at_a_limit_of_the_users() -> None:
    limits = {"radio": Limits(fixed=True)}
    said = {}
    for held in ((), ("social",)):
        plan = allocate(held_curves(*held), Allocate(limits=limits))
        found = about_plan(plan, plan_by_channel(plan, {row.channel: row.channel for row in plan.channels}))
        said[held] = [set(f.values["channels"]) for f in found if f.code == "plan.at_limit"]
    assert said[("social",)] == [said[()][0] - {"social"}] and "radio" in said[()][0]


def test_limits_that_name_a_channel_go_before_holding_it() -> None:
    question = Allocate(limits={"social": Limits(relative=(0.5, 1.2))})
    rows = {row.channel: row for row in allocate(held_curves("social", "tv"), question).channels}
    assert rows["social"].spend_plan == pytest.approx(1.2 * 2_500)
    assert rows["tv"].spend_plan == rows["tv"].spend_now
    assert not [n for n in allocate(held_curves("social"), question).notes if n.code == "plan.held"]


def test_a_channel_is_held_in_every_geo_but_one_that_has_limits() -> None:
    curves = replace(held_curves("tv"), channels=("tv | north", "tv | south", "search | north", "search | south"))
    plan = allocate(curves, Allocate(objective="mean"))
    assert spends(plan)[:2] == [2_000.37, 3_000.0] and spends(plan)[2] != 2_500
    (note,) = [n for n in plan.notes if n.code == "plan.held"]
    assert note.values["channels"] == ["tv"]
    for place, moved in (("tv | south", [False, True]), ("tv", [True, True])):
        rows = allocate(curves, Allocate(objective="mean", limits={place: Limits(relative=(0.6, 1.4))})).channels[:2]
        assert [row.spend_plan != row.spend_now for row in rows] == moved


@pytest.mark.parametrize("budget", [4_400.0, 5_000.0, 8_000.0])
def test_a_budget_that_the_others_cannot_meet_releases_them(budget: float) -> None:
    curves = held_curves("tv", "search", "social")
    plan = allocate(curves, Allocate(budget=budget))
    assert sum(spends(plan)) == pytest.approx(budget)
    (note,) = [n for n in plan.notes if n.code == "plan.not_held"]
    assert note.values["channels"] == ["search", "social", "tv"]
    assert "the limits do not allow their spend to stay as it is" in word(note)
    assert "plan.held" not in [n.code for n in plan.notes]


def test_what_the_others_cannot_take_stays_unspent() -> None:
    plan = allocate(held_curves("tv", "search", "social"), Allocate(budget=12_000.0))
    assert [row.spend_plan for row in plan.channels] == [2_000.37, 3_000.0, 2_500.0, 1_500.0]
    assert plan.unspent == pytest.approx(12_000 - 9_000.37)
    assert {"plan.held", "plan.unspent_at_limits"} <= {n.code for n in plan.notes}


def test_a_budget_that_nothing_can_meet_is_still_refused() -> None:
    with pytest.raises(AllocationError, match=r"allocate\.budget: the lower limits add up to 4,250"):
        allocate(held_curves("tv"), Allocate(budget=100.0))


def test_holding_can_be_turned_off() -> None:
    free, asked = allocate(held_curves(), Allocate()), allocate(held_curves("social"), Allocate(hold=False))
    assert spends(asked) == spends(free) and asked.notes == free.notes


def test_the_frontier_holds_them_at_every_total() -> None:
    found = frontier(held_curves("social"), Allocate(), points=5)
    np.testing.assert_array_equal(found.spend[:, found.channels.index("social")], 2_500.0)
    assert np.ptp(found.total) > 1_000
