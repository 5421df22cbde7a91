"""Adstock and saturation against slow loops, against each other and against finite differences."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmm_bayes.transforms import (
    ADSTOCKS,
    SATURATIONS,
    Shape,
    adstock,
    delayed_weights,
    geometric_weights,
    hill,
    logistic,
    weibull_weights,
    with_history,
)

SHAPES = [
    Shape(a, s, order, 5) for a, s, order in product(ADSTOCKS, SATURATIONS, ["adstock_first", "saturation_first"])
]
VALUES = {"alpha": 0.6, "theta": 1.3, "kappa": 0.8, "slope": 1.7}

retention = st.floats(0.0, 0.99)
spend = arrays(float, st.integers(1, 12), elements=st.floats(0, 1e6).map(lambda v: v if v > 1e-6 else 0.0))
positive = st.floats(0.05, 20.0)


def name(shape: Shape) -> str:
    return f"{shape.adstock}-{shape.saturation}-{shape.order}"


@given(retention, st.floats(0.1, 6), st.integers(1, 20))
def test_weights_are_shares(alpha, theta, l_max):
    for weights in (
        geometric_weights(np.array(alpha), l_max),
        delayed_weights(np.array(max(alpha, 0.001)), np.array(min(theta, l_max - 1)), l_max),
        weibull_weights(np.array(alpha), np.array(theta), l_max),
    ):
        assert weights.shape == (l_max,)
        assert (weights >= 0).all()
        assert weights.sum() == pytest.approx(1.0)


@given(st.floats(0.01, 0.99), st.integers(2, 12))
def test_weights_follow_their_formulas(alpha, l_max):
    lags = range(l_max)
    cases = [
        (geometric_weights(np.array(alpha), l_max), [alpha**lag for lag in lags]),
        (delayed_weights(np.array(alpha), np.array(1.0), l_max), [alpha ** ((lag - 1.0) ** 2) for lag in lags]),
        (weibull_weights(np.array(alpha), np.array(0.5), l_max), [alpha ** (lag**0.5) for lag in lags]),
    ]
    for weights, raw in cases:
        np.testing.assert_allclose(weights, np.array(raw) / sum(raw), rtol=1e-12)


def test_the_delayed_peak_is_where_theta_says():
    weights = delayed_weights(np.array([0.5, 0.5]), np.array([0.0, 3.0]), 8)
    assert weights.argmax(axis=-1).tolist() == [0, 3]


def test_weibull_with_theta_one_is_geometric():
    alpha = np.array([0.1, 0.5, 0.9])
    np.testing.assert_allclose(weibull_weights(alpha, np.ones(3), 6), geometric_weights(alpha, 6))


@given(spend, retention, st.integers(1, 8))
def test_adstock_equals_a_slow_loop(media, alpha, l_max):
    weights = geometric_weights(np.array(alpha), l_max)
    expected = [sum(weights[lag] * media[t - lag] for lag in range(l_max) if t - lag >= 0) for t in range(len(media))]
    np.testing.assert_allclose(adstock(with_history(media, l_max), weights, l_max), expected, rtol=1e-9)


@given(spend, retention, st.integers(1, 8))
def test_adstock_moves_spend_in_time_and_loses_none(media, alpha, l_max):
    padded = with_history(np.concatenate([media, np.zeros(l_max - 1)]), l_max)
    carried = adstock(padded, geometric_weights(np.array(alpha), l_max), l_max)
    assert carried.sum() == pytest.approx(media.sum(), rel=1e-9)


def test_history_enters_the_lags_where_it_is_known():
    history = np.array([9.0, 2.0, 4.0])
    media = np.array([1.0, 0.0])
    assert with_history(media, 3, history).tolist() == [2.0, 4.0, 1.0, 0.0]
    assert with_history(media, 6, history).tolist() == [0.0, 0.0, 9.0, 2.0, 4.0, 1.0, 0.0]
    assert with_history(media, 1, history).tolist() == [1.0, 0.0]


def test_leading_dimensions_broadcast():
    rng = np.random.default_rng(1)
    media = rng.gamma(1.0, size=(3, 1, 4, 10))  # geo, draw, channel, week
    weights = geometric_weights(rng.uniform(size=(2, 4)), 4)  # draw, channel
    carried = adstock(media, weights, 4)
    assert carried.shape == (3, 2, 4, 7)
    np.testing.assert_allclose(carried[1, 0, 2], adstock(media[1, 0, 2], weights[0, 2], 4))


@given(spend, positive, positive)
def test_hill_is_a_share_that_never_falls(x, kappa, slope):
    x = np.sort(x)
    response = hill(x, kappa, slope)
    assert ((response >= 0) & (response <= 1)).all()
    assert (np.diff(response) >= -1e-12).all()
    assert (response[x == 0] == 0).all()


@given(spend, positive)
def test_logistic_is_a_share_that_never_falls(x, kappa):
    response = logistic(np.sort(x), kappa)
    assert ((response >= 0) & (response <= 1)).all()
    assert (np.diff(response) >= -1e-12).all()
    assert logistic(np.array(0.0), kappa) == 0


@given(positive, st.floats(0.2, 8))
def test_kappa_is_the_half_saturation_point(kappa, slope):
    assert hill(np.array(kappa), kappa, slope) == pytest.approx(0.5)
    assert logistic(np.array(kappa), kappa) == pytest.approx(0.5)


@given(st.floats(0.01, 5), positive, st.floats(0.2, 8))
def test_hill_follows_its_formula(x, kappa, slope):
    assert hill(np.array(x), kappa, slope) == pytest.approx(x**slope / (x**slope + kappa**slope))


@given(st.floats(0.01, 5), positive)
def test_logistic_follows_its_formula(x, kappa):
    decay = np.exp(-np.log(3) / kappa * x)
    assert logistic(np.array(x), kappa) == pytest.approx((1 - decay) / (1 + decay))


# --- PyTensor -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def media():
    rng = np.random.default_rng(7)
    return rng.gamma(1.0, size=(2, 14)) * (rng.uniform(size=(2, 14)) > 0.4)


@given(st.floats(1e-3, 50), positive, st.floats(0.3, 5), st.sampled_from(["adstock_first", "saturation_first"]))
def test_elasticity_is_the_derivative_by_hand(x, kappa, slope, order):
    """Of the logarithm of the response by that of steady media; for Hill ``slope * (1 - hill)``."""
    parameters = {"kappa": np.array(kappa), "slope": np.array(slope), "alpha": np.array(0.4)}
    found = Shape(saturation="hill", order=order).elasticity(np.array(x), parameters)
    assert found == pytest.approx(slope * (1 - hill(x, kappa, slope)), rel=2e-3)
    rate = np.log(3) / kappa
    wanted = x * rate / np.sinh(min(x * rate, 600))
    found = Shape(saturation="logistic", order=order).elasticity(np.array(x), parameters)
    assert found == pytest.approx(wanted, rel=1e-2 if x * rate < 10 else 1, abs=1e-6)


def compiled(shape: Shape, media: np.ndarray, mode: str | None = "FAST_COMPILE"):
    """Response and gradients of its sum by parameter, as one PyTensor function of the parameters."""
    import pytensor
    import pytensor.tensor as pt

    inputs = {n: pt.dscalar(n) for n in shape.parameters}
    response = shape.respond(pt.as_tensor_variable(media), inputs)
    gradients = pytensor.grad(response.sum(), list(inputs.values()))
    return pytensor.function(list(inputs.values()), [response, *gradients], mode=mode)


@pytest.mark.parametrize("shape", SHAPES, ids=name)
def test_pytensor_equals_numpy(shape, media):
    values = [VALUES[n] for n in shape.parameters]
    response, *_ = compiled(shape, media)(*values)
    expected = shape.respond(media, {n: np.array(VALUES[n]) for n in shape.parameters})
    np.testing.assert_allclose(response, expected, rtol=1e-12)


def test_compiled_pytensor_equals_numpy(media):
    shape = Shape()
    response, *_ = compiled(shape, media, mode=None)(*(VALUES[n] for n in shape.parameters))
    np.testing.assert_allclose(response, shape.respond(media, {n: np.array(v) for n, v in VALUES.items()}))


@pytest.mark.parametrize("shape", SHAPES, ids=name)
@pytest.mark.parametrize("scale", [0.0, 1e-9, 1.0, 1e4])
def test_gradients_equal_finite_differences(shape, media, scale):
    values = [VALUES[n] for n in shape.parameters]
    _, *gradients = compiled(shape, scale * media)(*values)

    def total(changed: str, step: float) -> float:
        at = {n: np.array(VALUES[n] + step * (n == changed)) for n in shape.parameters}
        return float(shape.respond(scale * media, at).sum())

    for parameter, gradient in zip(shape.parameters, gradients, strict=True):
        slope = (total(parameter, 1e-6) - total(parameter, -1e-6)) / 2e-6
        assert gradient == pytest.approx(slope, rel=1e-4, abs=1e-7), parameter
