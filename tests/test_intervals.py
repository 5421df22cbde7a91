"""`Interval` against sorted draws counted by hand."""

import numpy as np
import pytest

from mmm_bayes.intervals import Interval, points


def test_points_are_the_median_and_both_tails():
    assert points(0.9) == pytest.approx((0.5, 0.05, 0.95))


def test_ends_leave_as_many_draws_on_either_side():
    draws = np.random.default_rng(0).permutation(101.0 * np.arange(101)).reshape(-1, 1) * [1.0, -2.0]
    found = Interval.of(draws, 0.8)
    np.testing.assert_allclose(found.low, [1010.0, -2 * 9090.0])
    np.testing.assert_allclose(found.median, [5050.0, -10100.0])
    np.testing.assert_allclose(found.high, [9090.0, -2 * 1010.0])
    np.testing.assert_allclose(found.mean, found.median)
    np.testing.assert_allclose(found.times(np.array([2.0, 3.0])).low, [2020.0, -6 * 9090.0])


def test_a_single_quantity_is_rounded_and_never_minus_zero():
    found = Interval.of_one(np.array([-0.001, -0.002, 0.5, 1.0]), 0.5, 1)
    assert found == Interval(0.4, 0.2, 0.0, 0.6) and str(found.low) == "0.0"


def test_several_quantities_are_each_like_one():
    draws = np.random.default_rng(1).normal(size=(200, 3))
    assert Interval.of_each(draws, 0.9, 2) == [Interval.of_one(draws[:, c], 0.9, 2) for c in range(3)]
    assert Interval.of_each(draws, 0.9)[1].mean == pytest.approx(draws[:, 1].mean())


def test_columns_carry_the_name():
    assert Interval(1.0, 2.0, 3.0, 4.0).columns("roi") == {
        **{"roi_mean": 1.0, "roi_median": 2.0, "roi_low": 3.0, "roi_high": 4.0}
    }
