"""Response curves: reading between points, files, and the response over a planning window."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmm_bayes.curves import (
    PaidMedia,
    ResponseCurves,
    Window,
    highest_window,
    load_curves,
    planning_window,
    save_curves,
    window_response,
)
from mmm_bayes.curves.make import ray_response
from mmm_bayes.transforms import Shape


@pytest.fixture
def curves() -> ResponseCurves:
    rng = np.random.default_rng(2)
    rises = rng.gamma(1.0, size=(3, 2, 5))
    rises[..., 0] = 0.0
    return ResponseCurves(
        channels=("tv, national", "search | East"),
        spend=np.array([[0.0, 1, 2, 4, 8], [0.0, 0.1, 0.2, 0.3, 100.0]]),
        response=rises.cumsum(axis=-1),
        today=np.array([2.5, 1 / 3]),
        observed=np.array([4.0, 90.1]),
        weeks=13,
        model="lightgbm",
        held=("tv, national",),
    )


def test_files_give_back_every_bit(curves, tmp_path):
    save_curves(curves, tmp_path / "curves.parquet")
    loaded = load_curves(tmp_path / "curves.parquet")
    assert (loaded.channels, loaded.weeks, loaded.model) == (curves.channels, 13, "lightgbm")
    assert loaded.held == ("tv, national",)
    for name in ("spend", "response", "today", "observed"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(curves, name))


def test_points_are_met_exactly(curves):
    for point in range(5):
        np.testing.assert_allclose(curves.at(curves.spend[:, point]), curves.response[:, :, point])


@given(st.floats(0, 1), st.floats(0, 1))
def test_between_points_the_response_is_linear(first, second):
    rng = np.random.default_rng(2)
    spend = np.array([[0.0, 1, 2, 4, 8], [0.0, 0.1, 0.2, 0.3, 100.0]])
    response = rng.gamma(1.0, size=(3, 2, 5)).cumsum(axis=-1)
    curves = ResponseCurves(("a", "b"), spend, response, spend[:, 1], spend[:, 4], 52)
    at = np.array([first * 8, second * 100])
    expected = [[np.interp(at[c], spend[c], response[d, c]) for c in range(2)] for d in range(3)]
    np.testing.assert_allclose(curves.at(at), expected, rtol=1e-9)


def test_the_mean_is_over_draws(curves):
    np.testing.assert_allclose(curves.mean, sum(curves.response) / 3)


def test_window_response_equals_a_slow_loop():
    rng = np.random.default_rng(5)
    draws, geos, weeks, l_max = 3, 2, 6, 4
    shape = Shape(l_max=l_max)
    alpha, kappa, slope = rng.uniform(0.2, 0.8, (3, draws))
    flight, carry = rng.gamma(1.0, size=(geos, weeks)), rng.gamma(1.0, size=(geos, l_max - 1))
    coefficient = rng.gamma(1.0, size=(draws, geos))
    multipliers = np.array([0.0, 0.5, 1.0, 2.0])

    def loop(draw: int, geo: int, multiplier: float) -> float:
        """Response over the window and the tail after it, one week at a time."""
        spend = [*carry[geo], *(multiplier * flight[geo]), *np.zeros(l_max - 1)]
        shares = [alpha[draw] ** lag for lag in range(l_max)]
        total = 0.0
        for t in range(l_max - 1, len(spend)):
            stock = sum(shares[lag] * spend[t - lag] for lag in range(l_max)) / sum(shares)
            total += stock ** slope[draw] / (stock ** slope[draw] + kappa[draw] ** slope[draw]) if stock > 0 else 0.0
        return coefficient[draw, geo] * total

    expected = [[sum(loop(d, g, m) - loop(d, g, 0.0) for g in range(geos)) for m in multipliers] for d in range(draws)]
    parameters = {"alpha": alpha[:, None], "kappa": kappa[:, None], "slope": slope[:, None]}
    flights = multipliers[:, None, None] * flight
    actual = window_response(lambda media: shape.respond(media[None], parameters), flights, carry, coefficient)
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12)
    assert (actual[:, 0] == 0).all()
    assert (np.diff(actual, axis=1) > 0).all()


@pytest.mark.parametrize("order", ["adstock_first", "saturation_first"])
def test_multiples_of_a_flight_are_answered_as_flights(order):
    rng = np.random.default_rng(7)
    draws, geos, weeks, l_max = 3, 4, 6, 4
    shape, steps, some = Shape(order=order, l_max=l_max), np.array([0.0, 0.4, 1.0, 3.0]), [0, 2]
    parameters = dict(zip(("alpha", "kappa", "slope"), rng.uniform(0.2, 0.8, (3, draws, 1)), strict=True))
    driver, carry = rng.gamma(1.0, size=(1, geos, weeks)), rng.gamma(1.0, size=(1, geos, l_max - 1))
    paid = PaidMedia(
        channels=["tv"],
        geos=list("abcd"),
        spend=driver,
        media=np.concatenate([carry, driver], axis=-1),
        coefficient=rng.gamma(1.0, size=(draws, 1, geos)),
        carried=lambda _, media: shape.carried(media, parameters),
        respond=lambda _, carried: shape.saturated(carried, parameters),
    )
    actual = ray_response(paid, 0, some, steps, Window(driver, driver, carry, driver))
    flights = steps[:, None, None] * driver[0, some]
    respond = partial(shape.respond, parameters=parameters)
    expected = window_response(respond, flights, carry[0, some], paid.coefficient[:, 0][:, some])
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


@pytest.mark.parametrize("weeks", [1, 4, 7, 10, 25])
def test_the_planning_window_repeats_the_last_weeks(weeks):
    media = np.random.default_rng(6).gamma(1.0, size=(2, 3, 10))
    window = planning_window(media, weeks)
    assert window.shape == (2, 3, weeks)
    for ahead in range(weeks):
        np.testing.assert_array_equal(window[..., ahead], media[..., (ahead - weeks) % 10])


def test_a_silent_channel_is_planned_at_its_mean_week():
    media = np.ones((2, 1, 8))
    media[1, 0, 4:] = 0.0
    assert planning_window(media, 4)[1].tolist() == [[0.5] * 4]
    assert planning_window(media, 5)[1].tolist() == [[1.0, 0.0, 0.0, 0.0, 0.0]]


def test_steady_flighting_keeps_each_geos_sum():
    media = np.random.default_rng(6).gamma(1.0, size=(2, 3, 10))
    steady, usual = planning_window(media, 6, "steady"), planning_window(media, 6)
    np.testing.assert_allclose(steady.sum(axis=-1), usual.sum(axis=-1))
    assert (np.ptp(steady, axis=-1) < 1e-12).all()


@pytest.mark.parametrize("weeks", [1, 3, 10, 12])
def test_the_highest_window_equals_a_slow_loop(weeks):
    spend = np.random.default_rng(8).gamma(1.0, size=(2, 3, 10))
    total = np.concatenate([spend.sum(axis=1)] * 2, axis=1)[:, -max(weeks, 10) :]
    loop = [max(sum(row[start : start + weeks]) for start in range(len(row) - weeks + 1)) for row in total]
    np.testing.assert_allclose(highest_window(spend, weeks), loop)
