"""Uncertainty: risk objectives, each draw's own plan, regret, and what a test is worth."""

from dataclasses import replace

import numpy as np
import pytest
from allocate_cases import exact, hill_curves, random_curves
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_bayes.allocate import allocate
from mmm_bayes.allocate.limits import resolve
from mmm_bayes.allocate.objective import Goal, goal_of, measure
from mmm_bayes.allocate.risk import best_for_risk
from mmm_bayes.allocate.scenarios import best_plan, best_within
from mmm_bayes.allocate.uncertainty import best_per_draw, expected_regret, value_of_information
from mmm_bayes.config import Allocate, Group, Limits
from mmm_bayes.curves import ResponseCurves
from mmm_bayes.errors import AllocationError
from mmm_bayes.report.words import word

SEEDS = st.integers(0, 10**6)
RISKS = st.sampled_from([("quantile", 0.1), ("quantile", 0.5), ("cvar", 0.1), ("cvar", 0.73), ("probability", 0.1)])


def gains(curves: ResponseCurves, question: Allocate, spend: np.ndarray) -> np.ndarray:
    goal = goal_of(question)
    return goal.of(curves, spend) - goal.of(curves, curves.today)


def test_measures_are_what_they_are_called() -> None:
    draws = np.random.default_rng(0).normal(size=200)
    assert measure(Allocate(objective="quantile", level=0.2))(draws) == np.quantile(draws, 0.2)
    assert measure(Allocate(objective="cvar", level=0.1))(draws) == pytest.approx(np.sort(draws)[:20].mean())
    worst = np.sort(draws)[:21]
    assert measure(Allocate(objective="cvar", level=0.1025))(draws) == pytest.approx(
        (worst[:20].sum() + 0.5 * worst[20]) / 20.5
    )
    assert measure(Allocate(objective="cvar", level=0.001))(draws) == draws.min()
    assert measure(Allocate(objective="probability"))(draws) == (draws > 0).mean()


@given(SEEDS, RISKS, st.sampled_from(["fixed", "profit"]))
@settings(max_examples=8)
def test_risk_plans_are_not_worse_than_the_mean_plan_nor_above_their_bound(
    seed: int, risk: tuple[str, float], scenario: str
) -> None:
    curves = random_curves(seed, channels=4, draws=40)
    question = Allocate(scenario=scenario, objective=risk[0], level=risk[1], relative=(0.2, 1.8))
    bounds = resolve(curves, question)
    mean = best_plan(curves.spend, curves.mean, bounds, question)
    found = best_for_risk(curves, bounds, question, mean)
    judge = measure(question)
    assert bounds.allows(found.spend)
    assert found.value == pytest.approx(judge(gains(curves, question, found.spend)), abs=1e-6)
    assert found.value >= judge(gains(curves, question, mean.spend)) - 1e-9
    assert found.value <= found.bound + 1e-9 * abs(found.bound)
    assert found.value >= 0 if risk[0] != "probability" else found.value >= 0.5
    rng = np.random.default_rng(seed)
    for _ in range(300):
        spend = rng.uniform(bounds.lower, bounds.upper)
        if scenario == "fixed":
            spend = spend * bounds.tree.upper / spend.sum()
        if np.all((spend >= bounds.lower) & (spend <= bounds.upper)):
            assert judge(gains(curves, question, spend)) <= found.bound + 1e-6 * abs(found.bound)


def test_the_worst_draws_are_nearly_optimal_on_concave_curves() -> None:
    parameters = [(9e3, 3e3, 1.0), (8e3, 3e3, 1.0), (7e3, 3e3, 1.0), (8e3, 2e3, 1.0)]
    curves = hill_curves(parameters, [2e3, 6e3, 2e3, 1e3], draws=200, noise=0.4, points=101)
    plan = allocate(curves, Allocate(objective="cvar", level=0.05, relative=(0, 1.9)))
    assert plan.method == "local"
    assert "The plan is a local optimum, started from the exact mean plan." in map(word, plan.notes)
    assert plan.certified_gap is not None and plan.certified_gap < 0.03
    safe, mean = plan, allocate(curves, exact(relative=(0, 1.9)))
    assert safe.gain.percentiles[5] >= mean.gain.percentiles[5]
    assert safe.contribution_plan.mean <= mean.contribution_plan.mean


def test_risk_plans_keep_groups_holes_and_steps() -> None:
    for seed in range(8):
        curves = random_curves(seed, channels=4, draws=40)
        names, total = curves.channels, float(curves.today[:2].sum())
        low, high = ((1.1, 1.5), (0.5, 0.9))[seed % 2]
        question = Allocate(
            objective=("quantile", "cvar")[seed // 4],
            relative=(0, 2),
            step=50,
            groups=(Group(channels=names[:2], lower=low * total, upper=high * total),),
            limits={names[3]: Limits(minimum_useful=500)},
        )
        bounds = resolve(curves, question)
        start = best_plan(curves.spend, curves.mean, bounds, question)
        assert bounds.allows(best_for_risk(curves, bounds, question, start).spend)


def test_risk_objectives_refuse_what_they_cannot_do() -> None:
    with pytest.raises(AllocationError, match=r"at most 60 arms, and these are 61; .* allocate\.by_geo to false"):
        allocate(random_curves(1, channels=61, draws=3), Allocate(objective="quantile"))


@pytest.mark.parametrize("objective", ["quantile", "cvar", "probability"])
def test_risk_objectives_go_with_a_target_for_the_last_unit(objective: str) -> None:
    question = Allocate(scenario="target_mroi", target=0.8, objective=objective, relative=(0.2, 1.8))
    curves = random_curves(2, channels=4, draws=40)
    plan = allocate(curves, question)
    own = measure(question)(gains(curves, question, np.array([row.spend_plan for row in plan.channels])))
    assert plan.objective_value == pytest.approx(own, abs=1e-2)
    assert plan.objective_value <= plan.upper_bound


@given(SEEDS, st.sampled_from(["fixed", "profit"]))
@settings(max_examples=8)
def test_each_draws_own_plan_is_the_best_of_its_curves(seed: int, scenario: str) -> None:
    curves = random_curves(seed, channels=4, draws=4)
    question = Allocate(scenario=scenario, relative=(0.2, 1.8))
    bounds, goal = resolve(curves, question), goal_of(question)
    found = best_per_draw(curves, bounds, goal)
    for d in range(4):
        exact = best_within(curves.spend, curves.response[d], bounds, goal)
        scale = abs(exact.value) + float(curves.response[d].max())
        assert found.value[d] <= exact.bound + 1e-9 * scale
        assert found.value[d] >= exact.value - 3e-3 * scale
        assert found.bound[d] >= exact.value - 1e-9 * scale


def test_regret_is_what_the_draws_would_have_gained() -> None:
    curves = random_curves(6, channels=4, draws=50)
    bounds = resolve(curves, Allocate())
    draws = best_per_draw(curves, bounds, Goal())
    plan = best_plan(curves.spend, curves.mean, bounds, Allocate())
    regret = expected_regret(draws, Goal().of(curves, plan.spend))
    by_hand = np.mean([max(v - curves.at(plan.spend)[d].sum(), 0) for d, v in enumerate(draws.value)])
    assert regret == pytest.approx(by_hand)
    other = bounds.lower + (bounds.upper - bounds.lower) * 0.5
    assert expected_regret(draws, Goal().of(curves, other)) > regret > 0


def test_certain_curves_leave_nothing_to_regret_or_to_learn() -> None:
    curves = random_curves(6, channels=4, draws=1)
    curves = replace(curves, response=np.repeat(curves.response, 30, axis=0))
    plan = allocate(curves, exact())
    assert plan.regret == pytest.approx(0, abs=1e-3 * plan.objective_value)
    for row in plan.channels:
        assert row.value_of_information == 0
        assert row.best_spend is not None and row.best_spend.low == row.best_spend.high
    assert plan.gain.low == plan.gain.high


def worth_of_tests(curves: ResponseCurves, question: Allocate, error: float = 0.05) -> np.ndarray:
    bounds = resolve(curves, question)
    return value_of_information(curves, bounds, goal_of(question), error)


def test_only_the_channel_that_is_uncertain_is_worth_testing() -> None:
    base = hill_curves([(9e3, 4e3, 1.0), (7e3, 3e3, 1.0), (5e3, 3e3, 1.0)], [4e3, 3e3, 2e3], points=41)
    response = np.repeat(base.response, 200, axis=0)
    response[:, 1] *= np.random.default_rng(0).lognormal(0, 0.8, 200)[:, None]
    worth = worth_of_tests(replace(base, response=response), Allocate(relative=(0, 2)))
    assert worth[0] == worth[2] == 0
    assert worth[1] > 0


def test_a_test_is_worth_its_two_outcomes() -> None:
    """One channel of two is either good or useless, half and half: the value of knowing can be worked out."""
    base = hill_curves([(9e3, 4e3, 1.0), (9e3, 4e3, 1.0)], [4e3, 4e3], points=401)
    response = np.repeat(base.response, 100, axis=0)
    response[:50, 1] *= 0.2
    response[50:, 1] *= 1.8
    curves = replace(base, response=response)
    question = Allocate(relative=(0, 2))
    bounds = resolve(curves, question)
    informed = [best_within(curves.spend, r, bounds, Goal()).value for r in (response[0], response[-1])]
    uninformed = best_within(curves.spend, curves.mean, bounds, Goal()).value
    exact = np.mean(informed) - uninformed
    sharp, blunt = (worth_of_tests(curves, question, error)[1] for error in (0.01, 3.0))
    assert sharp == pytest.approx(exact, rel=0.1)
    assert 0 <= blunt < 0.2 * exact


def test_chance_is_not_mistaken_for_knowledge() -> None:
    """Any weights move all the curves a little; a test of a fixed, unrelated channel must not look useful for that."""
    worth = []
    for seed in range(6):
        curves = random_curves(seed, channels=4, draws=60)
        question = Allocate(limits={"channel 0": Limits(fixed=True)}, relative=(0, 2))
        worth.append(worth_of_tests(curves, question, 0.1))
    fixed, *others = np.mean(worth, axis=0)
    assert fixed < 0.25 * np.mean(others)


@given(SEEDS, st.floats(0.05, 1.0))
@settings(max_examples=10)
def test_no_test_is_worth_less_than_nothing_or_more_than_the_truth(seed: int, error: float) -> None:
    curves = random_curves(seed, channels=3, draws=80)
    bounds = resolve(curves, Allocate())
    worth = worth_of_tests(curves, Allocate(), error)
    draws = best_per_draw(curves, bounds, Goal())
    plan = best_plan(curves.spend, curves.mean, bounds, Allocate())
    ceiling = float(np.mean(draws.bound - Goal().of(curves, plan.spend)))
    assert np.all(worth >= 0)
    assert np.all(worth <= ceiling * 1.01 + 1e-3 * plan.value)
