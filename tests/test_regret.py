"""What plans are worth on the true curves: Bayesian, LightGBM and today's, beside the oracle's (-s shows the table)."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mmm_bayes.allocate import allocate
from mmm_bayes.allocate.limits import resolve
from mmm_bayes.allocate.regret import against_truth, incremental, regret_table
from mmm_bayes.allocate.scenarios import best_plan
from mmm_bayes.config import Allocate, Model, Sampler, SimulatedChannel
from mmm_bayes.curves import ResponseCurves
from mmm_bayes.errors import AllocationError
from mmm_bayes.lightgbm import fit_lightgbm
from mmm_bayes.model.design import build_design
from mmm_bayes.model.sample import sample_design
from mmm_bayes.panel import panel_from_frame
from mmm_bayes.posterior.attribution import response_curves
from mmm_bayes.simulate import PanelSpec, simulate_panel

SHAPES = {"national": (1, 130), "geo": (6, 91)}
PATTERNS = ("always_on", "flighted", "seasonal", "flighted")
WEEKS = 26
LIMITS = ((0.5, 1.5), (0.0, 2.0))
MODEL, SAMPLER = Model(l_max=6), Sampler(draws=300, tune=300, chains=4)


def channels(seed: int, s_shaped: bool) -> dict[str, SimulatedChannel]:
    """Four channels whose returns, carry-over and saturation nobody chose."""
    rng = np.random.default_rng([seed, s_shaped])
    slopes = (1.8, 3.0) if s_shaped else (0.8, 1.1)
    return {
        f"channel {i + 1}": SimulatedChannel(
            pattern=pattern,
            share=rng.uniform(0.015, 0.045),
            roi=np.exp(rng.normal(0.7, 0.5)),
            alpha=rng.uniform(0.1, 0.6),
            kappa=rng.uniform(0.6, 1.8),
            slope=rng.uniform(*slopes),
        )
        for i, pattern in enumerate(PATTERNS)
    }


def best(curves: ResponseCurves, question: Allocate) -> np.ndarray:
    return best_plan(curves.spend, curves.mean, resolve(curves, question), question).spend


def judged(kind: str, seed: int, s_shaped: bool) -> Iterator[dict[str, object]]:
    """Yield for each range of limits what share of the oracle's incremental KPI each plan reaches."""
    geos, weeks = SHAPES[kind]
    made = simulate_panel(PanelSpec(geos=geos, weeks=weeks, channels=channels(seed, s_shaped), seed=seed))
    panel = panel_from_frame(made.frame, made.columns, "made")
    question = Allocate(weeks=WEEKS)
    posterior = sample_design(build_design(panel, MODEL), MODEL, SAMPLER, lambda message, done: None)
    found = {
        "bayesian": response_curves(posterior, question),
        "lightgbm": fit_lightgbm(panel, MODEL, 0, seed).curves(panel, question),
    }
    truth = made.truth.curves(WEEKS)
    for relative in LIMITS:
        asked = question.model_copy(update={"relative": relative})
        plans = {name: best(curves, asked) for name, curves in found.items()}
        table = regret_table(truth, plans | {"today": truth.today}, best(truth, asked)).set_index("plan")
        about = {"panel": kind, "curves": "S-shaped" if s_shaped else "concave", "limits": str(relative)}
        yield about | table["share_of_oracle"].drop("oracle").to_dict()


@pytest.mark.slow
def test_bayesian_plans_are_nearer_to_the_oracles_than_lightgbms_and_todays() -> None:
    runs = [
        row
        for kind in SHAPES
        for s_shaped in (False, True)
        for seed in range(5)
        for row in judged(kind, seed, s_shaped)
    ]
    table = pd.DataFrame(runs)
    names = ["bayesian", "lightgbm", "today"]
    print("\n", table.groupby(["limits", "panel", "curves"])[names].median().round(3), sep="")
    medians = table.groupby("limits")[names].median()
    print(medians.round(4), table.groupby("limits")[names].min().round(3), sep="\n")
    assert len(table) == 2 * 20
    for relative, row in medians.iterrows():
        assert row["bayesian"] > row["lightgbm"], relative
        assert row["bayesian"] > row["today"], relative


def two_curves() -> ResponseCurves:
    spend = np.array([[0.0, 50.0, 100.0], [0.0, 50.0, 100.0]])
    response = np.array([[[0.0, 60.0, 80.0], [0.0, 10.0, 90.0]]])
    today = np.array([50.0, 50.0])
    return ResponseCurves(("tv", "search"), spend, response, today, today, 10, "truth")


def test_regret_is_what_the_oracle_gains_more():
    table = regret_table(
        two_curves(), {"today": np.array([50.0, 50.0]), "half": np.array([25.0, 0.0])}, np.array([0.0, 100.0])
    )
    table = table.set_index("plan")
    assert table["incremental"].tolist() == [70.0, 30.0, 90.0]
    assert table["regret"].tolist() == [20.0, 60.0, 0.0]
    assert table["share_of_oracle"].tolist() == pytest.approx([7 / 9, 1 / 3, 1.0])
    assert table["spend"].tolist() == [100.0, 25.0, 100.0]


def test_a_plan_beyond_the_curves_is_refused():
    with pytest.raises(AllocationError, match="spends 101 on search, but the true curve ends at 100"):
        incremental(two_curves(), np.array([0.0, 101.0]))
    with pytest.raises(AllocationError, match="-1 on tv"):
        incremental(two_curves(), np.array([-1.0, 10.0]))


def test_where_even_the_oracle_gains_nothing_there_is_no_share():
    flat = replace(two_curves(), response=np.zeros((1, 2, 3)))
    table = regret_table(flat, {"today": np.array([50.0, 50.0])}, np.array([0.0, 0.0]))
    assert table["share_of_oracle"].isna().all() and (table["regret"] == 0).all()


def test_the_truth_of_a_simulation_judges_plans():
    truth = simulate_panel(PanelSpec(geos=3, weeks=70, seed=8)).truth.curves(20)
    half = np.linspace(0.0, 2.0, 21)
    total = truth.today[0] + truth.today[1]
    grid = [np.array([share * total, total - share * total, *truth.today[2:]]) for share in half / 2]
    within = [s for s in grid if (s <= truth.spend[:, -1]).all()]
    best = max(within, key=lambda s: incremental(truth, s))
    table = regret_table(truth, {"today": truth.today}, best).set_index("plan")
    assert 0 < table.loc["today", "share_of_oracle"] <= 1.001


def test_a_plan_is_worth_what_the_true_curves_say():
    """With one draw a plan knows its curves: on these it is worth what it claims, on others it loses."""
    question, curves = Allocate(weeks=10, relative=(0.0, 2.0)), two_curves()
    plan = allocate(curves, question, 0.9)
    right = against_truth(plan, curves, question)
    assert (right["moves"], right["wins"], right["claimed"]) == (1.0, 1.0, 1.0)
    assert right["claimed_gain"] == pytest.approx(right["true_gain"], abs=1e-4)
    assert right["true_gain"] == pytest.approx(right["best_gain"], abs=1e-4) == pytest.approx(90 / 70 - 1, abs=1e-4)
    assert all(right[f"gain_held_{level}"] == 1.0 for level in (50, 80, 90))
    other = replace(curves, response=np.array([[[0.0, 60.0, 80.0], [0.0, 0.0, 0.0]]]))
    wrong = against_truth(plan, other, question)
    assert (wrong["wins"], wrong["gain_held_90"], wrong["true_gain"]) == (0.0, 0.0, -1.0)
    assert wrong["best_gain"] == pytest.approx(80 / 60 - 1)
