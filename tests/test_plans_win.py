"""Plans in worlds that break the formulas win about as often as claimed: `scripts/benchmark_plans.py`, small."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.slow

SEEDS = {"national": range(16), "geo": range(6)}
"""Seeds that the defaults were tuned on: they hold what was reached; for fresh ones see `reports/benchmarks.md`."""


@pytest.fixture(scope="module")
def judged() -> tuple[pd.DataFrame, pd.DataFrame]:
    sys.path.insert(0, str(Path("scripts").resolve()))
    import benchmark_plans

    found = [benchmark_plans.judge(group, seed) for group, seeds in SEEDS.items() for seed in seeds]
    return pd.DataFrame([plan for plan, _ in found]), pd.concat([media for _, media in found])


def test_claims_are_held(judged):
    plans, _ = judged
    error = np.sqrt((plans["claimed"] * (1 - plans["claimed"])).sum()) / len(plans)
    assert abs(plans["claimed"].mean() - plans["wins"].mean()) < 0.05 + 2 * error
    sure = plans[plans["claimed"] > 0.9]
    assert len(sure) >= 6
    assert sure["wins"].mean() > 0.85 - 2 * np.sqrt(0.85 * 0.15 / len(sure))


def test_money_is_not_lost(judged):
    plans, _ = judged
    assert plans["true gain"].mean() > 0.02
    assert plans["true gain"].min() > -0.08
    assert (plans.groupby("curve")["true gain"].mean() > -0.005).all()


def test_intervals_hold_what_channels_return(judged):
    _, media = judged
    acting = media[media["acts"]]
    for name in ("roi inside", "mroi inside"):
        assert acting[name].mean() > 0.9 - 3 * np.sqrt(0.9 * 0.1 / len(acting)), name
