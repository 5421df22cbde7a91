"""Plans end to end: the hard cases of the field, properties over random curves, and figures that agree to the cent."""

import itertools
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from allocate_cases import exact, hill_curves, random_curves, staircase_curves
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mmm_bayes.allocate import (
    Plan,
    allocate,
    evaluate_plan,
    frontier,
    frontier_table,
    load_plan,
    parse_what_if,
    save_frontier,
    save_plan,
)
from mmm_bayes.allocate.limits import resolve
from mmm_bayes.allocate.objective import Goal
from mmm_bayes.allocate.scenarios import best_plan
from mmm_bayes.allocate.solver import Solution
from mmm_bayes.allocate.uncertainty import best_per_draw, value_of_information
from mmm_bayes.config import Allocate, Group, Limits
from mmm_bayes.curves import ResponseCurves
from mmm_bayes.errors import AllocationError, DataError
from mmm_bayes.report.words import word

S_SHAPED = [(100, 6000, 3), (90, 5000, 3), (60, 4000, 3), (30, 1200, 1)]
CASES = {
    "concave": ([(100, 3000, 1), (60, 2000, 1), (40, 1500, 1), (30, 1200, 1)], (0.7, 1.3), 129.64, 130.24),
    "s-shaped, near today": (S_SHAPED, (0.7, 1.3), 59.15, 65.34),
    "s-shaped, far": (S_SHAPED, (0, 2), 59.15, 90.29),
}
SEEDS = st.integers(0, 10**6)


def mean_at(curves: ResponseCurves, spend: np.ndarray) -> float:
    return float(sum(np.interp(s, x, y) for s, x, y in zip(spend, curves.spend, curves.mean, strict=True)))


def spends(plan: Plan) -> np.ndarray:
    return np.array([row.spend_plan for row in plan.channels])


def assert_certified(plan: Plan, gap: float = 1e-3) -> None:
    assert plan.certified_gap is not None
    assert 0 <= plan.certified_gap < gap


@pytest.mark.parametrize("case", CASES)
def test_the_hard_cases_are_solved_exactly(case: str) -> None:
    parameters, relative, now, best = CASES[case]
    curves = hill_curves(parameters, [4000, 3000, 2000, 1000])
    plan = allocate(curves, exact(relative=relative, budget=10_000))
    assert plan.contribution_now.mean == pytest.approx(now, abs=0.02)
    assert plan.contribution_plan.mean == pytest.approx(best, abs=0.02)
    assert plan.spend_plan == 10_000
    assert_certified(plan)


def test_three_channels_of_which_two_are_worth_having() -> None:
    curves = hill_curves([(100, 3500, 4), (95, 3500, 4), (90, 3500, 4)], [3000] * 3)
    plan = allocate(curves, exact(relative=(0, 2), budget=9_000))
    assert plan.contribution_plan.mean == pytest.approx(142.78, abs=0.02)
    assert plan.spend_plan == 9_000
    assert spends(plan)[2] == 0
    assert_certified(plan)


def test_one_s_shaped_channel_that_a_uniform_start_never_finds() -> None:
    curves = hill_curves([(2, 0.7, 3)] + [(0.5, 0.3, 1)] * 7, [1 / 8] * 8, end=8.0)
    plan = allocate(curves, exact(relative=(0, 8), budget=1.0))
    assert plan.contribution_now.mean == pytest.approx(1.041, abs=0.001)
    assert plan.contribution_plan.mean == pytest.approx(1.520, abs=0.001)
    assert plan.spend_plan == 1.0
    assert_certified(plan)


@given(SEEDS, st.booleans())
@settings(max_examples=25)
def test_plans_are_feasible_certified_and_never_below_today(seed: int, stairs: bool) -> None:
    curves, question = staircase_curves(seed) if stairs else random_curves(seed), exact(relative=(0.2, 1.8))
    bounds = resolve(curves, question)
    found = best_plan(curves.spend, curves.mean, bounds, question)
    assert round(float(found.spend.sum()), 6) == bounds.budget == round(float(bounds.today.sum()), 6)
    assert np.all((found.spend >= bounds.lower) & (found.spend <= bounds.upper))
    assert mean_at(curves, found.spend) >= mean_at(curves, bounds.today) - 1e-9
    assert found.value == pytest.approx(mean_at(curves, found.spend))
    assert 0 <= found.bound - found.value < 1e-3 * found.value


@given(SEEDS, st.booleans(), st.floats(0.5, 1.5))
@settings(max_examples=25)
def test_no_random_plan_is_above_the_bound(seed: int, stairs: bool, share: float) -> None:
    curves = staircase_curves(seed) if stairs else random_curves(seed)
    budget = round(float(curves.today.sum()) * share, 2)
    question = exact(relative=(0, 2), budget=budget)
    found = best_plan(curves.spend, curves.mean, resolve(curves, question), question)
    weights = np.random.default_rng(seed).dirichlet(np.full(len(curves.channels), 0.5), 5_000)
    tries = budget * weights[np.all(budget * weights <= 2 * curves.today, axis=1)]
    values = sum(np.interp(s, x, y) for s, x, y in zip(tries.T, curves.spend, curves.mean, strict=True))
    assert np.all(values <= found.bound * (1 + 1e-9))


@given(SEEDS, st.booleans(), st.sampled_from(["fixed", "profit", "target_mroi"]), st.booleans())
@settings(max_examples=40)
def test_multiples_of_a_step_equal_brute_force(seed: int, stairs: bool, scenario: str, grouped: bool) -> None:
    curves = staircase_curves(seed, channels=3) if stairs else random_curves(seed, channels=3)
    step = round(float(curves.today.max()) / 6, 2)
    names = curves.channels
    useful = min(1.5 * step, np.floor(2 * curves.today[2] / step) * step)
    group = (Group(channels=names[:2], lower=step, upper=3 * step),) if grouped else ()
    question = exact(
        scenario=scenario,
        target=0.7 if scenario == "target_mroi" else None,
        margin=1.3,
        step=step,
        relative=(0, 2),
        groups=group,
        limits={names[2]: Limits(minimum_useful=useful, upper=2 * float(curves.today[2]))},
        budget=None if scenario != "fixed" else 4 * step,
    )
    choices = [np.arange(0, 2 * t + 1e-9, step) for t in curves.today]
    best = -np.inf
    for combination in itertools.product(*choices):
        spend = np.array(combination)
        total, inner = spend.sum(), spend[:2].sum()
        if 0 < spend[2] < useful - 1e-6 or (scenario == "fixed" and abs(total - 4 * step) > 1e-6):
            continue
        if grouped and not step - 1e-6 <= inner <= 3 * step + 1e-6:
            continue
        value = mean_at(curves, spend)
        value = {"fixed": value, "profit": 1.3 * value - total, "target_mroi": value - 0.7 * total}[scenario]
        best = max(best, value)
    try:
        plan = allocate(curves, question)
    except AllocationError:
        assert best == -np.inf
        return
    if best == -np.inf:
        assert plan.unspent > 0
        return
    assert plan.objective_value == pytest.approx(best, rel=1e-9, abs=1e-6)
    assert plan.upper_bound == pytest.approx(best, rel=1e-9, abs=1e-6)
    np.testing.assert_allclose(spends(plan) / step, np.rint(spends(plan) / step), atol=1e-6)


def test_steps_too_many_for_brute_force_are_still_multiples_and_certified() -> None:
    curves = random_curves(5)
    plan = allocate(curves, exact(step=0.25))
    np.testing.assert_array_equal(spends(plan) * 4, np.rint(spends(plan) * 4))
    assert 0 <= plan.unspent < 0.25
    assert_certified(plan)


@given(SEEDS, st.sampled_from([100.0, 1e-6, 1e6]))
@example(4879, 1e-6)  # roundings that add up
@settings(max_examples=6)
def test_units_do_not_matter(seed: int, unit: float) -> None:
    curves = random_curves(seed, draws=20)
    other = replace(
        curves,
        spend=curves.spend * unit,
        response=curves.response * unit,
        today=curves.today * unit,
        observed=curves.observed * unit,
    )
    plan, scaled = allocate(curves, exact()), allocate(other, exact())
    assert scaled.objective_value / unit == pytest.approx(plan.objective_value, rel=2e-4)
    assert scaled.gain.median / unit == pytest.approx(plan.gain.median, rel=0.05, abs=1e-3 * plan.objective_value)
    half = 0.5e-6  # of the last of the seven digits that a total has at least: today's spend of each channel is rounded
    assert scaled.spend_plan / unit == pytest.approx(plan.spend_plan, rel=half * len(curves.today))


def grouped_question(curves: ResponseCurves, seed: int) -> Allocate:
    """A fixed budget with nested groups and a smallest useful spend, all of which can be met."""
    rng = np.random.default_rng(seed)
    names, today = curves.channels, curves.today
    outer, inner = float(today[:3].sum()), float(today[:2].sum())
    return exact(
        budget=round(float(today.sum()) * rng.uniform(0.9, 1.1), 2),
        relative=(0.1, 1.9),
        groups=(
            Group(channels=names[:3], lower=0.6 * outer, upper=1.2 * outer),
            Group(channels=names[:2], upper=rng.uniform(0.9, 1.4) * inner),
        ),
        limits={names[3]: Limits(minimum_useful=0.5 * float(today[3]), upper=1.9 * float(today[3]))},
    )


def found_plan(curves: ResponseCurves, question: Allocate) -> Solution:
    return best_plan(curves.spend, curves.mean, resolve(curves, question), question)


def rearranged(curves: ResponseCurves, order: np.ndarray) -> ResponseCurves:
    return replace(
        curves,
        channels=tuple(curves.channels[i] for i in order),
        spend=curves.spend[order],
        response=curves.response[:, order],
        today=curves.today[order],
        observed=curves.observed[order],
    )


@given(SEEDS, st.booleans(), st.permutations(range(4)))
@settings(max_examples=12)
def test_no_order_of_channels_changes_a_plan_with_groups(seed: int, stairs: bool, order: list[int]) -> None:
    curves = staircase_curves(seed, draws=4) if stairs else random_curves(seed, channels=4, draws=4)
    question = grouped_question(curves, seed)
    plan, other = allocate(curves, question), allocate(rearranged(curves, np.array(order)), question)
    assert tuple(plan.channels[i] for i in order) == other.channels
    assert (plan.objective_value, plan.upper_bound) == (other.objective_value, other.upper_bound)


@given(SEEDS, st.booleans(), st.sampled_from([100.0, 1e-6]))
@settings(max_examples=20)
def test_pence_or_millions_give_the_same_plan_with_groups(seed: int, stairs: bool, unit: float) -> None:
    curves = staircase_curves(seed) if stairs else random_curves(seed, channels=4)
    money = {"spend": curves.spend, "today": curves.today, "observed": curves.observed, "response": curves.response}
    other = replace(curves, **{name: values * unit for name, values in money.items()})
    question = grouped_question(curves, seed)
    scaled = question.model_copy(
        update={
            "budget": question.budget * unit,
            "groups": tuple(
                g.model_copy(update={"lower": g.lower * unit, "upper": g.upper * unit}) for g in question.groups
            ),
            "limits": {
                name: Limits(minimum_useful=limit.minimum_useful * unit, upper=limit.upper * unit)
                for name, limit in question.limits.items()
            },
        }
    )
    plan, same = found_plan(curves, question), found_plan(other, scaled)
    assert same.value / unit == pytest.approx(plan.value, rel=5e-4)
    assert same.value / unit <= plan.bound * (1 + 1e-4)
    assert plan.value <= same.bound / unit * (1 + 1e-4)


@given(SEEDS, st.booleans())
@example(seed=3115, stairs=False)
@settings(max_examples=15)
def test_more_money_never_returns_less_whatever_the_groups(seed: int, stairs: bool) -> None:
    curves = staircase_curves(seed) if stairs else random_curves(seed, channels=4)
    question = grouped_question(curves, seed).model_copy(update={"limits": {}})  # "nothing, or so much" can cost
    totals = np.linspace(0.7, 1.15, 6) * float(curves.today.sum())
    found = [found_plan(curves, question.model_copy(update={"budget": round(t, 2)})) for t in totals]
    for poorer, richer in itertools.pairwise(found):
        assert richer.value >= poorer.value * (1 - 1e-3)
        assert richer.bound >= poorer.value * (1 - 1e-9)


@given(SEEDS, st.booleans())
@example(seed=127, stairs=True)
@example(seed=16802, stairs=True)
@settings(max_examples=20)
def test_the_gap_holds_against_every_plan_that_keeps_the_groups(seed: int, stairs: bool) -> None:
    curves = staircase_curves(seed) if stairs else random_curves(seed, channels=4)
    question = grouped_question(curves, seed)
    bounds = resolve(curves, question)
    found = best_plan(curves.spend, curves.mean, bounds, question)
    assert bounds.allows(found.spend)
    loose = 5e-3 if stairs else 1e-3  # jumps a thousandth of today's spend wide, under groups, can outrun the table
    assert 0 <= found.bound - found.value <= loose * found.value
    tries = np.random.default_rng(seed).uniform(bounds.lower, bounds.upper, (4_000, 4))
    tries[:, 0] = question.budget - tries[:, 1:].sum(axis=1)
    kept = [t for t in tries if (t[0] >= bounds.lower[0]) & (t[0] <= bounds.upper[0]) and bounds.allows(t)]
    assert all(mean_at(curves, t) <= found.bound * (1 + 1e-9) for t in kept)


def test_the_order_of_channels_does_not_matter() -> None:
    curves = random_curves(11)
    order = np.array([3, 0, 4, 2, 1])
    shuffled = rearranged(curves, order)
    plan, other = allocate(curves, exact()), allocate(shuffled, exact())
    assert tuple(plan.channels[i] for i in order) == other.channels
    assert replace(other, channels=plan.channels) == plan
    straight, mixed = (frontier(c, exact(), points=3) for c in (curves, shuffled))
    np.testing.assert_array_equal(straight.spend[:, order], mixed.spend)


def test_figures_agree_to_the_cent(tmp_path: Path) -> None:
    for seed in range(3):
        plan = allocate(random_curves(seed, channels=7), exact(scenario="fixed"))
        save_plan(plan, tmp_path)
        table = pd.read_csv(tmp_path / "allocation.csv", dtype=str)
        expected = ["channel", "spend_now", "spend_plan", "lower", "upper", "contribution_now", "contribution_plan"]
        assert list(table.columns[:7]) == expected
        raw = json.loads((tmp_path / "allocation.json").read_text())
        for column, total in (
            ("spend_now", raw["spend_now"]),
            ("spend_plan", raw["spend_plan"]),
            ("contribution_now", raw["contribution_now"]["mean"]),
            ("contribution_plan", raw["contribution_plan"]["mean"]),
        ):
            assert sum(map(Decimal, table[column])) == Decimal(repr(total))
        assert Decimal(repr(raw["budget"])) == Decimal(repr(raw["spend_plan"]))
        difference = Decimal(repr(raw["contribution_plan"]["mean"])) - Decimal(repr(raw["contribution_now"]["mean"]))
        assert Decimal(repr(raw["gain"]["mean"])) == difference


def test_a_plan_is_the_same_byte_for_byte_and_survives_its_file(tmp_path: Path) -> None:
    curves = random_curves(2)
    for name in ("a", "b"):
        save_plan(allocate(curves, exact()), tmp_path / name)
    for file in ("allocation.csv", "allocation.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert load_plan(tmp_path / "a") == allocate(curves, exact())


def test_a_missing_or_foreign_plan_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="run 'mmm-bayes allocate' first"):
        load_plan(tmp_path)
    (tmp_path / "allocation.json").write_text("{}")
    with pytest.raises(DataError, match="is not a plan of this version"):
        load_plan(tmp_path)


def test_gains_are_those_of_each_draw() -> None:
    curves = random_curves(4, draws=200)
    plan = allocate(curves, exact(margin=0.4), ci_prob=0.8)
    gains = curves.at(spends(plan)).sum(axis=1) - curves.at(curves.today).sum(axis=1)
    assert plan.gain.median == pytest.approx(np.median(gains), abs=0.01)
    assert (plan.gain.low, plan.gain.high) == pytest.approx(tuple(np.quantile(gains, [0.1, 0.9])), abs=0.01)
    assert plan.gain.probability == np.mean(gains > 0)
    assert plan.gain.percentiles[50] == plan.gain.median
    assert plan.profit_gain.mean == pytest.approx(0.4 * gains.mean(), abs=0.02)


def test_rows_tell_what_is_beyond_experience_and_worth_a_test() -> None:
    curves, question = random_curves(4), exact(relative=(0, 2), extrapolation=0.01)
    curves = replace(curves, observed=curves.today * np.array([0.5, 1.0, 1.2, 1.9, 3.0]))
    plan = allocate(curves, question)
    spend = spends(plan)
    beyond = np.maximum(spend - curves.observed, 0)
    np.testing.assert_allclose(
        [row.extrapolation for row in plan.channels], beyond / np.maximum(spend, 1e-9), atol=1e-6
    )
    assert plan.extrapolation == pytest.approx(beyond.sum() / spend.sum(), abs=1e-6)
    assert any("beyond the spend ever observed" in word(note) for note in plan.notes)
    bounds = resolve(curves, question)
    worth = value_of_information(curves, bounds, Goal(), question.test_error)
    np.testing.assert_allclose([row.value_of_information for row in plan.channels], worth, atol=0.01)
    draws = best_per_draw(curves, bounds, Goal()).spend
    np.testing.assert_allclose([row.best_spend.median for row in plan.channels], np.median(draws, axis=0), atol=0.01)


def test_marginal_returns_of_interior_channels_are_equal() -> None:
    curves = random_curves(8, channels=6, points=801, draws=4)
    plan = allocate(curves, exact(relative=(0, 2)))
    inside = [row.mroi.mean for row in plan.channels if row.interior]
    assert len(inside) >= 2
    assert max(inside) == pytest.approx(min(inside), rel=0.02)


def test_profit_stops_where_the_next_unit_returns_itself() -> None:
    curves = random_curves(8, points=801, draws=4)
    plan = allocate(curves, exact(scenario="profit", margin=0.8, relative=(0, 2)))
    assert plan.gain_in == "profit"
    assert plan.budget is None
    assert all(row.mroi.mean == pytest.approx(1 / 0.8, rel=0.02) for row in plan.channels if row.interior)
    assert_certified(plan)
    for total in np.linspace(0, 2 * curves.today.sum(), 5)[1:]:
        other = allocate(curves, exact(budget=round(total, 2), relative=(0, 2)))
        assert 0.8 * other.objective_value - other.spend_plan <= plan.objective_value * (1 + 1e-4) + 1e-6


def test_profit_keeps_to_a_budget_as_an_upper_limit() -> None:
    curves = random_curves(8)
    free = allocate(curves, exact(scenario="profit", margin=3, relative=(0, 2)))
    capped = allocate(curves, exact(scenario="profit", margin=3, relative=(0, 2), budget=1_000))
    assert free.spend_plan > 1_000
    assert capped.spend_plan <= 1_000


def test_a_target_marginal_return_is_that_of_the_last_unit() -> None:
    curves = random_curves(9, points=801, draws=4)
    plan = allocate(curves, exact(scenario="target_mroi", target=0.9, relative=(0, 2)))
    inside = [row.mroi.mean for row in plan.channels if row.interior]
    assert inside
    assert inside == pytest.approx([0.9] * len(inside), rel=0.02)


@pytest.mark.parametrize("seed", range(4))
def test_a_target_return_is_reached_with_the_most_response(seed: int) -> None:
    curves = random_curves(seed, draws=10)
    free = exact(relative=(0, 2))
    target = round(0.9 * mean_at(curves, curves.today) / float(curves.today.sum()), 3)
    plan = allocate(curves, free.model_copy(update={"scenario": "target_roi", "target": target}))
    assert plan.contribution_plan.mean / plan.spend_plan >= target * (1 - 1e-5)
    for total in np.linspace(plan.spend_plan * 1.001, 2 * float(curves.today.sum()), 15):
        other = allocate(curves, free.model_copy(update={"budget": round(total, 2)}))
        assert other.objective_value / other.spend_plan < target
    assert plan.regret is not None and plan.regret >= 0


def test_a_target_return_out_of_reach_says_what_can_be_had() -> None:
    with pytest.raises(AllocationError, match=r"allocate\.target: .* the highest return found is .* lower the target"):
        allocate(random_curves(1), exact(scenario="target_roi", target=1e6))


def test_no_money_buys_nothing() -> None:
    plan = allocate(random_curves(1), exact(budget=0, relative=(0, 2)))
    assert spends(plan).tolist() == [0.0] * 5
    assert plan.certified_gap == 0
    assert plan.contribution_plan.mean == 0
    assert plan.extrapolation == 0
    assert plan.regret == 0


def test_one_channel_gets_everything() -> None:
    curves = random_curves(1, channels=1)
    plan = allocate(curves, exact())
    assert plan.spend_plan == plan.spend_now
    assert plan.gain.mean == 0
    assert plan.gain.probability == 0.5
    assert plan.certified_gap == 0


def test_a_channel_without_history_waits_for_a_limit() -> None:
    parameters = [(100.0, 3000.0, 1.0), (80.0, 900.0, 1.0)]
    curves = hill_curves(parameters, [4000.0, 0.0], draws=3, noise=0.1)
    plan = allocate(curves, exact())
    assert spends(plan).tolist() == [4000.0, 0.0]
    assert "channel 1 has no spend today" in word(plan.notes[0])
    plan = allocate(curves, exact(limits={"channel 1": Limits(upper=3_000)}))
    assert plan.channels[1].spend_plan > 0
    assert plan.channels[1].extrapolation == 1.0
    assert any("beyond the spend ever observed" in word(note) for note in plan.notes)


def test_upper_limits_leave_money_over_and_say_so() -> None:
    curves = random_curves(1)
    plan = allocate(curves, exact(budget=round(2 * float(curves.today.sum()), 2)))
    assert all(row.spend_plan == row.upper for row in plan.channels)
    assert plan.unspent > 0
    assert "stays unspent: the upper limits allow no more" in word(plan.notes[0])


def test_plans_by_geo_keep_limits_on_the_channel() -> None:
    curves = random_curves(3, channels=6)
    names = tuple(f"{c} | {g}" for c in ("tv", "radio") for g in ("north", "south", "west"))
    curves = replace(curves, channels=names)
    tv = float(curves.today[:3].sum())
    question = exact(
        relative=(0, 2),
        limits={"tv": Limits(relative=(0.9, 1.1)), "radio | west": Limits(fixed=True)},
        groups=(Group(channels=("tv", "radio | north"), upper=round(tv * 1.2, 2)),),
    )
    plan = allocate(curves, question)
    spend = spends(plan)
    assert 0.9 * tv - 0.01 <= spend[:3].sum() <= 1.1 * tv + 0.01
    assert spend[5] == round(float(curves.today[5]), 2)
    assert spend[:4].sum() <= round(tv * 1.2, 2) + 1e-6
    assert_certified(plan)


def test_many_arms_are_planned_with_a_certificate() -> None:
    curves = random_curves(3, channels=150, draws=30)
    plan = allocate(curves, exact())
    assert_certified(plan)
    assert plan.spend_plan == plan.budget
    assert all(row.value_of_information is None for row in plan.channels)
    assert plan.regret is not None and plan.regret >= 0
    assert plan.regret_now is not None and plan.regret_now > plan.regret


@given(SEEDS)
@settings(max_examples=5)
def test_the_frontier_rises_and_holds_the_plan(seed: int) -> None:
    curves = random_curves(seed)
    found = frontier(curves, exact(), points=7)
    response = found.response.mean
    assert np.all(np.diff(found.total) > 0)
    assert all(b >= a * (1 - 1e-4) for a, b in itertools.pairwise(response))
    plan = allocate(curves, exact())
    now = int(np.argmin(np.abs(found.total - found.today)))
    assert found.total[now] == plan.spend_plan
    assert response[now] == pytest.approx(plan.objective_value, rel=1e-9)
    assert np.all((found.gap >= 0) & (found.gap < 1e-3))


def test_the_frontier_is_a_table(tmp_path: Path) -> None:
    found = frontier(random_curves(1), exact(relative=(0, 2)), points=4)
    save_frontier(found, tmp_path)
    table = pd.read_csv(tmp_path / "frontier.csv")
    assert list(table.columns[:3]) == ["total", "response_mean", "response_median"]
    assert table.shape == frontier_table(found).shape == (5, 17)
    arms = [f"spend_{name}" for name in found.channels]
    assert list(table.columns[-5:]) == arms
    np.testing.assert_allclose(table[arms].sum(axis=1), table["total"], atol=0.01)
    named = replace(random_curves(1), channels=("total", "profit", "roi", "tv", "spend_tv"))
    other = frontier_table(frontier(named, exact(relative=(0, 2)), points=4))
    np.testing.assert_array_equal(other["total"], table["total"])
    np.testing.assert_allclose(other["spend_total"], found.spend[:, 0], rtol=1e-6)


def test_the_frontier_counts_what_profit_gains_over_today() -> None:
    curves = random_curves(7)
    found = frontier(curves, exact(relative=(0, 2), margin=0.6), ci_prob=0.8, points=4)
    now = curves.at(found.spend[0] * 0 + curves.today.round(2)).sum(axis=1)
    gained = found.profit_gain
    for t, (total, spend) in enumerate(zip(found.total, found.spend, strict=True)):
        draws = 0.6 * (curves.at(spend).sum(axis=1) - now) - (total - curves.today.sum())
        assert gained.mean[t] == pytest.approx(np.mean(draws), abs=0.05)
        assert (gained.low[t], gained.high[t]) == pytest.approx(tuple(np.quantile(draws, [0.1, 0.9])), abs=0.05)


def test_a_what_if_changes_what_it_names() -> None:
    curves = replace(random_curves(1, channels=4), channels=("tv", "search", "ooh | north", "ooh | south"))
    today = curves.today
    spend = parse_what_if(" tv=-20%, search=+500 ,ooh=1000", curves)
    share = today[2:] / today[2:].sum()
    np.testing.assert_allclose(spend, [0.8 * today[0], today[1] + 500, *(1000 * share)])
    np.testing.assert_allclose(parse_what_if("ooh | north=120%", curves)[2], 1.2 * today[2])
    plan = evaluate_plan(curves, spend, exact(margin=0.5))
    assert plan.scenario == "what_if"
    assert plan.certified_gap is None
    gains = curves.at(spend).sum(axis=1) - curves.at(today).sum(axis=1)
    assert plan.gain.mean == pytest.approx(gains.mean(), abs=0.05)
    assert plan.profit_gain.mean == pytest.approx(0.5 * gains.mean() - (spend.sum() - today.sum()), abs=0.05)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tv", "write CHANNEL=CHANGE"),
        ("tv=lots", "write CHANNEL=CHANGE"),
        ("serch=-20%", "did you mean 'search'"),
        ("tv=-120%", "takes more than"),
        ("tv=1,tv=2", "named twice"),
        (" , ", "names no channel"),
    ],
)
def test_a_what_if_that_cannot_be_read_says_why(text: str, message: str) -> None:
    curves = replace(random_curves(1, channels=2), channels=("tv", "search"))
    with pytest.raises(AllocationError, match=message):
        parse_what_if(text, curves)


@pytest.mark.parametrize(
    ("spend", "message"),
    [
        ([1.0, -1.0], "no amount"),
        ([1.0, np.nan], "no amount"),
        ([1.0, 1e12], "beyond the end"),
        ([1.0], "one spend for each"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(spend: list[float], message: str) -> None:
    with pytest.raises(AllocationError, match=message):
        evaluate_plan(random_curves(1, channels=2), np.array(spend))
