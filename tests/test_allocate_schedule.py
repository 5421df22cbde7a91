"""Weekly schedules: against slow loops, brute force over small grids, and the response curves of the same fit."""

import itertools
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_bayes.allocate import (
    allocate,
    best_schedule,
    load_schedules,
    save_schedules,
    schedule_plan,
    stretch_needed,
    weekly_media,
)
from mmm_bayes.allocate.weekly import WeeklyMedia
from mmm_bayes.config import Allocate, Limits, Model
from mmm_bayes.errors import AllocationError
from mmm_bayes.posterior import Posterior
from mmm_bayes.posterior.attribution import response_curves
from mmm_bayes.report.words import word
from mmm_bayes.transforms import Shape


def media(slope: float, alpha: float, draws: int = 30, geos: int = 1, l_max: int = 4, seed: int = 0) -> WeeklyMedia:
    rng = np.random.default_rng(seed)
    return WeeklyMedia(
        shape=Shape(l_max=l_max),
        parameters={
            "alpha": np.full((draws, 1), alpha),
            "kappa": rng.lognormal(0, 0.1, (draws, 1)),
            "slope": slope * rng.lognormal(0, 0.05, (draws, 1)),
        },
        coefficient=1_000 * rng.lognormal(0, 0.3, (draws, geos)),
        per_currency=rng.uniform(0.5, 1.5, (geos, 1)) / (1_000 * geos),
        carry=rng.uniform(0, 0.3, (geos, l_max - 1)),
    )


def test_the_value_of_a_schedule_equals_a_slow_loop() -> None:
    of, spend = media(1.7, 0.6, draws=3, geos=2), np.array([500.0, 0.0, 2_000.0, 100.0, 0.0])
    for d in range(3):
        total = 0.0
        for g in range(2):
            alpha, kappa, slope = (of.parameters[n][d, 0] for n in ("alpha", "kappa", "slope"))
            weights = alpha ** np.arange(4) / (alpha ** np.arange(4)).sum()
            for with_spend, sign in ((spend, 1), (0 * spend, -1)):
                series = np.concatenate([of.carry[g], of.per_currency[g] * with_spend, np.zeros(3)])
                for t in range(3, len(series)):
                    stock = sum(weights[k] * series[t - k] for k in range(4))
                    total += (
                        sign * of.coefficient[d, g] * (stock**slope / (stock**slope + kappa**slope) if stock else 0)
                    )
        assert of.value(spend[None])[d, 0] == pytest.approx(total)


def test_money_with_diminishing_returns_is_spread_evenly() -> None:
    found = best_schedule("tv", media(1.0, 0.1), 20_000.0, 20, (0.0, 3_000.0))
    assert found.pattern.code == "schedule.even"
    assert found.gain.mean <= 0.005 * found.response_even
    assert np.ptp(found.spend) <= 0.25 * np.mean(found.spend)


def test_money_that_needs_a_threshold_comes_in_bursts() -> None:
    found = best_schedule("tv", media(4.0, 0.1), 5_000.0, 20, (0.0, 3_000.0))
    assert found.pattern.code == "schedule.bursts" and "burst" in word(found.pattern)
    assert found.gain.low > 0.5 * found.response_even
    assert found.gain.probability == 1
    assert min(found.spend) == 0


@given(st.integers(0, 10**6), st.floats(0.5, 5), st.floats(0.01, 0.9), st.floats(0.1, 2))
@settings(max_examples=12)
def test_schedules_are_nearly_the_best_of_all(seed: int, slope: float, alpha: float, intensity: float) -> None:
    of, weeks, parts = media(slope, alpha, draws=5, seed=seed), 5, 8
    total = round(1_000 * intensity * weeks, 2)
    unit = total / parts
    tries = [np.array(c) for c in itertools.product(range(6), repeat=weeks) if sum(c) == parts]
    everything = of.value(unit * np.array(tries)).mean(axis=0)
    found = best_schedule("tv", of, total, weeks, (0.0, 5 * unit))
    value = of.value(np.array([found.spend]))[:, 0]
    assert value.mean() >= 0.97 * everything.max()
    assert sum(map(Decimal, map(repr, found.spend))) == Decimal(repr(found.total))
    assert found.total == pytest.approx(total, abs=1e-9)
    assert all(-1e-9 <= s <= 5 * unit + 0.01 for s in found.spend)
    even = of.value(np.array([found.even]))[:, 0]
    assert found.gain.mean == pytest.approx((value - even).mean(), abs=0.01)
    assert found.gain.mean >= 0


def test_weekly_limits_are_kept_or_refused() -> None:
    found = best_schedule("tv", media(4.0, 0.1), 5_000.0, 20, (100.0, 900.0))
    assert min(found.spend) >= 100 and max(found.spend) <= 900
    with pytest.raises(
        AllocationError, match=r"tv: 20 weeks of at least 300 need 6,000.* lower the weekly limit to 250"
    ):
        best_schedule("tv", media(4.0, 0.1), 5_000.0, 20, (300.0, 900.0))
    with pytest.raises(AllocationError, match=r"at most 200 hold 4,000.* raise the weekly limit to 250"):
        best_schedule("tv", media(4.0, 0.1), 5_000.0, 20, (0.0, 200.0))
    with pytest.raises(AllocationError, match="no range of spend"):
        best_schedule("tv", media(4.0, 0.1), 5_000.0, 20, (5.0, 2.0))


def posterior(draws: int = 40, geos: int = 3, weeks: int = 60, l_max: int = 4) -> Posterior:
    """A posterior made by hand: two paid channels, one S-shaped, and an organic one."""
    rng = np.random.default_rng(1)
    channels = ["tv", "search", "blog"]
    spend = rng.uniform(0.2, 1.8, (3, geos, weeks)) * np.array([900.0, 400.0, 0.0])[:, None, None]
    driver = rng.uniform(0.2, 1.8, (3, geos, l_max - 1 + weeks))
    driver[:2, :, l_max - 1 :] = spend[:2] / np.array([900.0, 400.0])[:, None, None]
    sized = {"chain": 2, "draw": draws // 2, "channel": 3}
    shape, dims = tuple(sized.values()), tuple(sized)
    values = {
        "alpha": (dims, rng.uniform(0.1, 0.5, shape)),
        "kappa": (dims, rng.uniform(0.8, 1.5, shape)),
        "slope": (dims, rng.uniform(0.9, 1.1, shape) * np.array([4.0, 1.0, 1.0])),
        "beta": (dims, rng.uniform(0.1, 0.3, shape)),
        "geo_effect": ((*dims, "geo"), rng.uniform(0.8, 1.2, (*shape, geos))),
        "misfit": (dims, np.random.default_rng(2).lognormal(0, 0.15, shape)),
    }
    data = {
        "spend": (("channel", "geo", "week"), spend),
        "media": (("channel", "geo", "lagged"), driver),
        "money": (("geo", "week"), rng.uniform(5_000, 6_000, (geos, weeks))),
        "paid": (("channel",), np.array([True, True, False])),
    }
    coords = {"channel": channels, "geo": [f"g{g}" for g in range(geos)]}
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset(values, coords), "constant_data": xr.Dataset(data, coords)})
    tree.attrs["model"] = json.dumps(Model(l_max=l_max).model_dump(mode="json"))
    return Posterior(tree)


def test_an_even_schedule_returns_what_the_steady_curve_says() -> None:
    of, question = posterior(), Allocate(weeks=26, flighting="steady")
    curves = response_curves(of, question)
    at = curves.at(curves.today)
    for c, name in enumerate(("tv", "search")):
        even = np.full((1, 26), curves.today[c] / 26)
        np.testing.assert_allclose(weekly_media(of, name, question).value(even)[:, 0], at[:, c], rtol=2e-3)


def test_a_plan_is_scheduled_channel_by_channel(tmp_path: Path) -> None:
    of, question = posterior(), Allocate(weeks=26, flighting="steady", weekly={"search": (100.0, 2_500.0)})
    plan = allocate(response_curves(of, question), question)
    found = schedule_plan(of, plan, question)
    assert [s.channel for s in found] == ["tv", "search"]
    for schedule, row in zip(found, plan.channels, strict=True):
        assert schedule.total == row.spend_plan
        assert schedule.gain.mean >= 0
    assert min(found[1].spend) >= 100
    save_schedules(found, tmp_path)
    table = pd.read_csv(tmp_path / "schedule.csv")
    assert list(table.columns) == ["channel", "week", "even", "best"]
    assert table.groupby("channel")["best"].sum().round(2).to_dict() == {
        row.channel: row.spend_plan for row in plan.channels
    }
    assert len(json.loads((tmp_path / "schedule.json").read_text())) == 2
    assert load_schedules(tmp_path) == found


def test_a_plan_by_geo_is_scheduled_by_channel() -> None:
    of, question = posterior(), Allocate(weeks=26, by_geo=True)
    plan = allocate(response_curves(of, question), question)
    found = schedule_plan(of, plan, replace_weekly(question, {}))
    assert [s.channel for s in found] == ["tv", "search"]
    assert sum(s.total for s in found) == pytest.approx(plan.spend_plan)
    with pytest.raises(AllocationError, match="did you mean 'search'"):
        schedule_plan(of, plan, replace_weekly(question, {"serch": (0.0, 1.0)}))
    nothing = replace(plan, channels=tuple(replace(row, spend_plan=0.0) for row in plan.channels))
    assert schedule_plan(of, nothing, question) == []


def test_a_channel_silent_in_the_window_waits_for_a_limit() -> None:
    of, question = posterior(), Allocate(weeks=26)
    data = of.tree["constant_data"].to_dataset().copy(deep=True)
    for name in ("spend", "media"):
        data[name][0, :, -26:] = 0.0
    of.tree["constant_data"] = xr.DataTree(data)
    curves = response_curves(of, question)
    assert curves.channels == ("tv", "search") and curves.today[0] == 0
    plan = allocate(curves, question)
    assert plan.channels[0].spend_plan == 0
    assert "tv has no spend today" in word(plan.notes[0])
    upper = round(float(curves.observed[0]), 2)
    more = {"limits": {"tv": Limits(upper=upper)}, "budget": round(upper + float(curves.today[1]), 2)}
    plan = allocate(curves, question.model_copy(update=more))
    assert plan.channels[0].spend_plan > 0
    assert [s.channel for s in schedule_plan(of, plan, question)] == ["tv", "search"]


def test_longer_curves_go_through_the_points_of_shorter_ones() -> None:
    short, long = (response_curves(posterior(), Allocate(weeks=26), stretch) for stretch in (1, 3))
    np.testing.assert_allclose(long.spend[:, :101], short.spend, rtol=1e-12)
    np.testing.assert_allclose(long.response[..., :101], short.response, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(long.spend[:, -1], 3 * short.spend[:, -1])
    for share, needed in ((0.9, 1), (2.5, 3), (1e9, 1)):
        assert stretch_needed(short, share * short.spend[:, -1]) == needed


def replace_weekly(question: Allocate, weekly: dict[str, tuple[float, float]]) -> Allocate:
    return question.model_copy(update={"weekly": weekly})
