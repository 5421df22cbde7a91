"""The fused operations, the priors and the graph against independent references."""

import numba
import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mmm_bayes.config import ChannelPriors, Model, Prior, make_config
from mmm_bayes.errors import ConfigError
from mmm_bayes.kernels import drift, elementary, features, fused
from mmm_bayes.model import baseline, graph
from mmm_bayes.model.arrays import zero_sum_basis
from mmm_bayes.model.design import build_design, head, trend_features
from mmm_bayes.model.graph import build_model
from mmm_bayes.model.operations import DEPARTING, MEDIA_EFFECT, WEIGHTED, surprises
from mmm_bayes.panel import panel_from_frame
from mmm_bayes.priors import check_channels, effect_priors, prior_from_range, prior_of, prior_place
from mmm_bayes.transforms import ALWAYS, Shape, effect_scale, first_week_ratio, media_effect, weeks_unseen

L_MAX = 4


def media_inputs(seed: int = 0, geos: int = 3, weeks: int = 11) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {
        "media": random.gamma(1.0, 1.0, (2, geos, L_MAX - 1 + weeks)) * (random.random((2, geos, 1)) < 0.9),
        "money": random.uniform(1, 2, (geos, weeks)),
        "weights": random.dirichlet(np.ones(L_MAX), 2),
        "log_kappa": random.normal(0, 0.5, 2),
        "slope": random.uniform(0.5, 3, 2),
        "log_effect": random.normal(-3, 0.5, 2),
        "departure": random.normal(0, 0.2, (2, geos)),
    }


def slow_media_effect(media, money, weights, log_kappa, slope, log_effect, departure):
    """Loop over channels, geos, weeks and lags; the definition, word for word."""
    channels, geos, weeks = len(media), *money.shape
    response = np.zeros((channels, geos, weeks))
    for c in range(channels):
        for g in range(geos):
            for t in range(weeks):
                stock = sum(weights[c, lag] * media[c, g, L_MAX - 1 + t - lag] for lag in range(L_MAX))
                hill = stock ** slope[c] / (stock ** slope[c] + np.exp(log_kappa[c]) ** slope[c]) if stock > 0 else 0
                response[c, g, t] = np.exp(departure[c, g]) * hill
    effect, log_spread, log_value = np.zeros((geos, weeks)), np.zeros(channels), np.zeros(channels)
    for c in range(channels):
        centred = response[c] - response[c].mean(axis=1, keepdims=True)
        spread = np.sqrt((centred**2).mean())
        effect += np.exp(log_effect[c]) * centred / spread
        log_spread[c], log_value[c] = np.log(spread), np.log((response[c] * money).sum())
    return effect, log_spread, log_value


@pytest.mark.parametrize("seed", range(5))
def test_fused_media_effect_is_the_slow_loop(seed):
    inputs = media_inputs(seed)
    for found, wanted in zip(fused.forward(*inputs.values()), slow_media_effect(**inputs), strict=False):
        np.testing.assert_allclose(found, wanted, atol=1e-7)


def test_fused_media_effect_is_the_composed_transforms():
    inputs = media_inputs(7)
    alpha = np.array([0.3, 0.7])
    shape = Shape(l_max=L_MAX)
    kappa = np.exp(inputs["log_kappa"])
    parameters = {"alpha": alpha[:, None], "kappa": kappa[:, None], "slope": inputs["slope"][:, None]}
    response = shape.respond(inputs["media"], parameters) * np.exp(inputs["departure"])[:, :, None]
    spread, value = effect_scale(response, inputs["money"])
    inputs["weights"] = shape.weights({"alpha": alpha})
    effect = media_effect(response, np.exp(inputs["log_effect"]) / spread)
    for found, wanted in zip(fused.forward(*inputs.values()), (effect, np.log(spread), np.log(value)), strict=False):
        np.testing.assert_allclose(found, wanted, atol=1e-7)


@pytest.mark.parametrize("mode", ["FAST_COMPILE", "NUMBA"])
def test_gradient_of_fused_media_effect_is_the_finite_difference(mode):
    inputs = media_inputs(3)
    names = ["weights", "log_kappa", "slope", "log_effect", "departure"]
    tensors = {n: pt.as_tensor(v).type(n) for n, v in inputs.items()}
    random = np.random.default_rng(1)
    directions = [random.normal(size=size) for size in (inputs["money"].shape, 2, 2)]
    outputs = MEDIA_EFFECT(*tensors.values())[:3]
    scalar = sum((output * direction).sum() for output, direction in zip(outputs, directions, strict=True))
    gradient = pytensor.function(list(tensors.values()), pt.grad(scalar, [tensors[n] for n in names]), mode=mode)
    found = dict(zip(names, gradient(*inputs.values()), strict=True))

    def value(**changed):
        found = slow_media_effect(**{**inputs, **changed})
        return sum((output * direction).sum() for output, direction in zip(found, directions, strict=True))

    for name in names:
        for index in np.ndindex(inputs[name].shape):
            up, down = inputs[name].copy(), inputs[name].copy()
            up[index] += 1e-6
            down[index] -= 1e-6
            difference = (value(**{name: up}) - value(**{name: down})) / 2e-6
            assert found[name][index] == pytest.approx(difference, rel=1e-4, abs=1e-5), (name, index)


def test_vector_exponential_and_logarithm_are_numpys():
    apply = numba.njit(lambda x: (np.array([elementary.exp(v) for v in x]), np.array([elementary.log(v) for v in x])))
    x = np.concatenate([10.0 ** np.random.default_rng(0).uniform(-12, 2.5, 2000), [1.0, 2.0**0.5, 1 - 1e-16]])
    exponential, logarithm = apply(x)
    np.testing.assert_allclose(exponential, np.exp(x), rtol=4e-16)
    np.testing.assert_allclose(apply(-x)[0], np.exp(-x), rtol=4e-16)
    np.testing.assert_allclose(logarithm, np.log(x), rtol=4e-16, atol=4e-16)


@pytest.mark.parametrize("size", [0, 1, 3, 4, 11])
def test_total_is_the_sum(size):
    x = np.random.default_rng(size).normal(size=size)
    assert elementary.total(x) == pytest.approx(x.sum(), abs=1e-14)


@pytest.mark.parametrize("geos", [1, 3])
def test_weighted_features_and_their_gradient(geos):
    random = np.random.default_rng(geos)
    coefficient, values, bar = random.normal(size=(4, 3)), random.normal(size=(4, geos, 9)), random.normal(size=(3, 9))
    tensors = pt.dmatrix(), pt.as_tensor(values)
    out = WEIGHTED(*tensors)
    both = pytensor.function([tensors[0]], [out, pt.grad((out * bar).sum(), tensors[0])])(coefficient)
    np.testing.assert_allclose(both[0], np.einsum("fg,fgt->gt", coefficient, np.broadcast_to(values, (4, 3, 9))))
    np.testing.assert_allclose(both[1], np.einsum("gt,fgt->fg", bar, np.broadcast_to(values, (4, 3, 9))))


KERNELS = (
    *(elementary.exp, elementary.log, elementary.total, elementary.dot),
    *(features.weighted, features.gradient, drift.forward, drift.backward, drift.step),
    *(features.departing, features.departing_gradient, elementary.softplus, elementary.psi, elementary.erfcx),
    *(fused.forward, fused.backward, fused.carry_over, fused.saturate, fused.sums),
)


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: f"{kernel.py_func.__module__}.{kernel.__name__}")
def test_no_kernel_takes_over_fast_mathematics(kernel):
    assert kernel.targetoptions["fastmath"] is False


def test_a_caller_with_fast_mathematics_does_not_reorder_a_kernels_sums():
    """Else one seed would give one answer only where nothing else was compiled before."""
    fresh = elementary.kernel(elementary.dot.py_func)
    caller = numba.njit(lambda x: fresh(x, x), fastmath=True)
    assert caller(np.arange(9.0)) == 204.0
    (code,) = fresh.inspect_llvm().values()
    assert "fmul" in code and not any(
        f"{operation} {how}" in code for operation in ("fmul", "fadd") for how in ("fast", "reassoc")
    )


def slow_surprises(residual, raw, rho, gain, sigma, tau, seen):
    """The state-space model, week by week and geo by geo; surprises, shocks and the spread of a shock."""
    geos, weeks = residual.shape
    surprise, shock, drift_ahead = np.zeros_like(residual), np.zeros(weeks), np.zeros(geos)
    precision = sum(1 / s**2 for s in sigma)
    spread = (1 / (1 / tau**2 + precision)) ** 0.5
    for t in range(weeks):
        here = [g for g in range(geos) if seen[g, t]]
        expected = sum((residual[g, t] - drift_ahead[g]) / sigma[g] ** 2 for g in here) * spread**2
        shock[t] = expected + spread * raw[t]
        for g in range(geos):
            left = residual[g, t] - shock[t] if g in here else drift_ahead[g]
            surprise[g, t] = left - drift_ahead[g]
            drift_ahead[g] = rho * ((1 - gain[g]) * drift_ahead[g] + gain[g] * left)
    return surprise, shock, spread


def with_finite_differences(function, point, gradients):
    """Hold gradients to the central differences of a function of several arrays."""
    for place, gradient in enumerate(gradients):
        for index in np.ndindex(point[place].shape):
            up, down = [v.copy() for v in point], [v.copy() for v in point]
            up[place][index] += 1e-6
            down[place][index] -= 1e-6
            wanted = (function(*up) - function(*down)) / 2e-6
            assert gradient[index] == pytest.approx(wanted, rel=1e-5, abs=1e-6), (place, index)


SEEN = {"all": np.ones((3, 7)), "some": np.array([[0, 0, 0, 1, 1, 1, 1], [1, 1, 0, 0, 1, 0, 1], [1, 1, 1, 1, 1, 0, 1]])}


@pytest.mark.parametrize("seen", [*SEEN])
@pytest.mark.parametrize("mode", ["NUMBA", "FAST_COMPILE"])
def test_surprises_and_shocks_are_those_of_the_slow_loop_with_their_gradient(mode, seen):
    random = np.random.default_rng(2)
    residual, raw, weights = random.normal(size=(3, 7)), random.normal(size=7), random.normal(size=(2, 3, 7))
    rho, gain, share, spread = np.array(0.8), np.array([0.0, 0.3, 1.0]), np.array([0.5, 0.2, 0.1]), np.array(0.4)
    point = (residual, rho, gain, share, spread, raw)
    tensors = [pt.as_tensor(v).type() for v in point]
    known = SEEN[seen].astype(float)
    outputs = surprises(*tensors[:3], pt.as_tensor(known), *tensors[3:])
    scalar = (outputs[0] * weights[0]).sum() + (outputs[1] * weights[1, 0]).sum()
    function = pytensor.function(tensors, [*outputs, *pt.grad(scalar, tensors)], mode=mode)
    surprise, shock, *gradients = function(*point)

    def slow(residual, rho, gain, share, spread, raw):
        ahead, left, shocks = np.zeros(3), np.zeros((3, 7)), np.zeros(7)
        for t in range(7):
            shocks[t] = share @ (known[:, t] * (residual[:, t] - ahead)) + spread * raw[t]
            left[:, t] = np.where(known[:, t], residual[:, t] - ahead - shocks[t], 0.0)
            ahead = rho * ((1 - gain) * ahead + gain * np.where(known[:, t], residual[:, t] - shocks[t], ahead))
        return left, shocks

    np.testing.assert_allclose(surprise, slow(*point)[0], atol=1e-12)
    np.testing.assert_allclose(shock, slow(*point)[1], atol=1e-12)

    def total(*point):
        left, shocks = slow(*point)
        return (left * weights[0]).sum() + shocks @ weights[1, 0]

    with_finite_differences(total, point, gradients)


def masked(seen):
    """Return the `pymc.Data` of a likelihood: which cells are seen, and where not all are, what came before each."""
    known = {"seen": pt.as_tensor(seen.astype(float))}
    return known if seen.all() else known | {"unseen": pt.as_tensor(weeks_unseen(seen))}


@pytest.mark.parametrize("seen", [np.ones((3, 6)), SEEN["some"][:, :6]], ids=["all", "some"])
def test_the_likelihood_of_several_geos_is_scipys_times_the_change_of_variable(seen):
    random = np.random.default_rng(3)
    residual = random.normal(0, 0.1, size=(3, 6))
    with pm.Model(coords={"geo": range(3), "week": range(6)}) as built:
        graph._likelihood(pt.as_tensor(residual), Model(), 3, masked(seen))
    density = built.compile_logp(vars=built.potentials, mode="FAST_COMPILE")
    gain = np.array([0.2, 0.5, 0.9])
    points = [(0.8, 0.1, np.array([0.1, 0.2, 0.3]), random.normal(size=6)), (0.3, 0.02, 0.2 * np.ones(3), np.ones(6))]

    def wanted(rho, tau, sigma, raw):
        surprise, shock, spread = slow_surprises(residual, raw, rho, gain, sigma, tau, seen)
        deviation = np.repeat(sigma[:, None], 6, axis=1)
        for g, t in np.argwhere(seen):
            gap = next((back for back in range(t) if seen[g, t - 1 - back]), 1000)
            deviation[g, t] *= np.sqrt(1 + (rho * gain[g]) ** 2 * sum(rho ** (2 * k) for k in range(gap)))
        known = stats.norm.logpdf(surprise, 0, deviation)[seen > 0].sum()
        return known + stats.norm.logpdf(shock, 0, tau).sum() + 6 * np.log(spread)

    def found(rho, tau, sigma, raw):
        logit = {"rho_logodds__": np.log(rho / (1 - rho)), "gain_logodds__": np.log(gain / (1 - gain))}
        return density(logit | {"tau_log__": np.log(tau), "sigma_log__": np.log(sigma), "week_z": raw})

    assert found(*points[0]) - found(*points[1]) == pytest.approx(wanted(*points[0]) - wanted(*points[1]))


@pytest.mark.parametrize("gain", [0.0, 1.0], ids=["white", "autoregression"])
def test_cells_without_a_kpi_are_as_if_they_were_not_there(gain):
    """The density of a geo that opens late and has gaps is that of the cells that it has, whatever stands elsewhere."""
    seen = np.array([[0, 0, 0, 1, 1, 0, 1, 1, 0, 0, 0, 1]])
    residual = np.random.default_rng(4).normal(0, 0.1, seen.shape)
    settings = Model(residual="white" if gain == 0 else "ar1")
    with pm.Model(coords={"geo": [0], "week": range(12)}) as built:
        graph._likelihood(pt.as_tensor(np.where(seen, residual, 7.0)), settings, 1, masked(seen))
    density = built.compile_logp(vars=built.potentials, mode="FAST_COMPILE")
    cells = np.flatnonzero(seen)
    for sigma, rho in ((0.1, 0.7), (0.3, 0.95)):
        apart = np.abs(cells[:, None] - cells)
        spread = sigma**2 * (rho**apart / (1 - rho**2) if gain else np.eye(len(cells)))
        wanted = stats.multivariate_normal.logpdf(residual[0, cells], cov=spread)
        point = {"sigma_log__": np.log([sigma])} | ({"rho_logodds__": np.log(rho / (1 - rho))} if gain else {})
        assert density(point) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("gap", [1, 3, 10])
def test_the_week_after_a_gap_is_as_uncertain_as_the_past_leaves_it(gap):
    """Held to the normal distribution of a drifting demand given all weeks before the gap."""
    rho, gain, weeks = 0.8, 0.4, 120
    moves = np.array([1.0, *(gain * rho**lag for lag in range(1, weeks))])
    mixing = np.array([[moves[t - s] if s <= t else 0.0 for s in range(weeks)] for t in range(weeks)])
    covariance = mixing @ mixing.T
    past = np.arange(weeks - 1 - gap)
    left = covariance[-1, -1] - covariance[-1, past] @ np.linalg.solve(
        covariance[np.ix_(past, past)], covariance[past, -1]
    )
    assert first_week_ratio(rho, gain, np.array([0.0, gap]))[1] == pytest.approx(left, rel=1e-9)
    assert first_week_ratio(rho, gain, np.array([0.0, ALWAYS])) == pytest.approx([1.0, first_week_ratio(rho, gain)])


def test_weeks_unseen_are_counted_back_to_the_last_kpi():
    found = weeks_unseen(np.array([[0, 0, 1, 0, 0, 1, 1], [1, 1, 1, 0, 1, 1, 0]], dtype=bool))
    assert found.tolist() == [[ALWAYS] * 3 + [0, 1, 2, 0], [ALWAYS, 0, 0, 0, 1, 0, 0]]


def test_levels_are_independent_around_one():
    with pm.Model(coords={"geo": range(4)}) as built:
        data = xr.Dataset(coords={"geo": range(4), "week": range(3)})
        by_week = baseline.level(data, {"y": pt.zeros((4, 3))})
    levels, weeks = pm.draw([built["level"], by_week], 4000, random_seed=1)
    np.testing.assert_allclose(weeks, np.repeat(levels[:, :, None], 3, axis=2))
    np.testing.assert_allclose(levels.mean(axis=0), 1, atol=4 * 0.5 / np.sqrt(4000))
    np.testing.assert_allclose(np.cov(levels.T), 0.25 * np.eye(4), atol=0.03)


def test_gain_one_is_an_autoregression_and_zero_is_white():
    residual = np.random.default_rng(1).normal(size=(1, 6))
    seen = pt.ones_like(residual)
    whole, none = (
        surprises(pt.as_tensor(residual), 0.7, pt.as_tensor(g), seen)[0].eval() for g in (np.ones(1), np.zeros(1))
    )
    np.testing.assert_allclose(whole[0, 1:], residual[0, 1:] - 0.7 * residual[0, :-1])
    np.testing.assert_allclose(none, residual)


# --- priors -------------------------------------------------------------------------------------


@given(low=st.floats(0.05, 2), factor=st.floats(1.2, 20))
@settings(max_examples=30)
def test_a_range_becomes_the_prior_with_these_tails(low, factor):
    prior = prior_from_range("roi", (low, low * factor)).frozen()
    np.testing.assert_allclose(prior.ppf([0.05, 0.95]), [low, low * factor], rtol=1e-6)


def test_a_range_of_retention_becomes_a_beta():
    prior = prior_from_range("alpha", (0.2, 0.7))
    assert prior.distribution == "beta"
    np.testing.assert_allclose(prior.frozen().ppf([0.05, 0.95]), [0.2, 0.7], atol=1e-4)


@pytest.mark.parametrize(
    ("prior", "mean"),
    [
        (Prior(distribution="lognormal", mu=0.2, sigma=0.5), np.exp(0.2 + 0.125)),
        (Prior(distribution="gamma", mu=1.5, sigma=0.5), 1.5),
        (Prior(distribution="beta", alpha=2, beta=6), 0.25),
        (Prior(distribution="uniform", lower=1, upper=3), 2.0),
        (Prior(distribution="halfnormal", sigma=2), 2 * np.sqrt(2 / np.pi)),
        (Prior(distribution="truncatednormal", mu=0, sigma=1, lower=-1, upper=1), 0.0),
    ],
)
def test_every_distribution_means_the_same_to_scipy_and_pymc(prior, mean):
    from mmm_bayes.model.graph import variable

    assert prior.frozen().mean() == pytest.approx(mean)
    points = prior.frozen().ppf([0.1, 0.5, 0.9])
    with pm.Model(coords={"one": [0]}):
        known = {f"q_{name}": np.array([value]) for name, value in prior.parameters.items()}
        vector = variable("q", prior.distribution, known, "one")
    found = [pm.logp(vector, np.array([p])).eval()[0] for p in points]
    np.testing.assert_allclose(found, prior.frozen().logpdf(points), rtol=1e-6)


def test_priors_are_named_then_default_then_ours():
    given_priors = ChannelPriors(roi={"tv": (0.5, 3.0), "default": (1.0, 2.0)})
    assert prior_of("roi", "tv", given_priors).frozen().ppf(0.05) == pytest.approx(0.5)
    assert prior_of("roi", "search", given_priors).frozen().ppf(0.05) == pytest.approx(1.0)
    assert prior_of("kappa", "tv", given_priors).frozen().median() == pytest.approx(np.exp(0.18))
    assert prior_of("contribution_share", "mail", ChannelPriors()).frozen().median() == pytest.approx(np.exp(-3.9))


def test_a_prior_for_no_channel_is_refused():
    with pytest.raises(ConfigError, match="names the channel 'tvv'; did you mean 'tv'"):
        check_channels(ChannelPriors(roi={"tvv": (1.0, 2.0)}), {"tv": True, "search": True})


def test_a_default_share_carries_the_prior_of_every_channel_without_its_own(small_run):
    given_priors = ChannelPriors(contribution_share={"default": (0.01, 0.1)}, roi={"search": (0.5, 3.0)})
    design = build_design(small_run.panel, Model(priors=given_priors))
    assert dict(zip(small_run.panel.channels, design.data["carrier"].values.tolist(), strict=True)) == {
        "tv": "contribution_share",
        "search": "roi",
        "social": "contribution_share",
    }
    priors = effect_priors(design.data, given_priors)
    assert list(priors) == [0, 1, 2]
    low, high = (priors[c].frozen().ppf(0.05) for c in (0, 1))
    assert (low, high) == (pytest.approx(0.01), pytest.approx(0.5))
    assert prior_place(design.data, 0, given_priors) == "model.priors.contribution_share.default"


# --- design and graph ---------------------------------------------------------------------------


def test_training_weeks_alone_scale_the_design(small_run):
    whole = build_design(small_run.panel, Model(), train=50)
    known = build_design(small_run.panel.head(50), Model())
    cut = head(whole, 50, 8)
    for name in ("y", "scale", "money", "spend", "trend_values", "season_values"):
        np.testing.assert_allclose(cut.data[name], known.data[name], atol=1e-12, err_msg=name)


def test_spend_before_the_first_kpi_enters_the_lags(small_run):
    """The same panel with and without its first weeks of KPI: what is left sees the same media, lag by lag."""
    frame, columns = small_run.simulated.frame, small_run.simulated.columns
    early = frame["week"] < frame["week"].unique()[10]
    later = panel_from_frame(frame.assign(revenue=frame["revenue"].mask(early)), columns, "later")
    forgotten = panel_from_frame(frame[~early], columns, "forgotten")
    whole, cut, dark = (build_design(p, Model()).data for p in (small_run.panel, later, forgotten))
    raw = [data["media"] * data["media_scale"] for data in (whole, cut, dark)]
    assert cut.sizes["week"] == 50 and cut.sizes["time"] == 57
    np.testing.assert_allclose(raw[1], raw[0][..., 10:])
    assert (raw[1][..., :7].sum("time") > 0).any() and (raw[2][..., :7] == 0).all()


def test_trends_bend_every_half_year():
    line = trend_features(104, 104, "piecewise")
    assert len(line) == 4 and line[0, 0] == -1 and line[0, -1] == 1
    assert (np.abs(np.diff(line[1], 2)) > 1e-9).sum() == 1
    assert trend_features(10, 10, "none").shape == (0, 10)


@pytest.mark.parametrize(
    "prior", [Prior(distribution="lognormal", mu=0.2, sigma=0.9), Prior(distribution="halfnormal", sigma=2.0)]
)
def test_the_roi_prior_is_exact_whatever_the_curve(small_run, prior):
    """The density of log_effect, all else fixed, is that of log ROI: prior(ROI) * ROI."""
    model = Model(priors=ChannelPriors(roi={"default": prior}))
    design = build_design(small_run.panel, model)
    graph = build_model(design, model)
    (potential,) = [p for p in graph.potentials if p.name == "prior"]
    names = [v.name for v in graph.free_RVs]
    assert "log_effect" in names
    values = graph.rvs_to_values
    inputs = [values[v] for v in graph.free_RVs]
    density = pytensor.function(inputs, graph.replace_rvs_by_values([potential])[0], on_unused_input="ignore")
    point = graph.initial_point()
    parameters = {"alpha": 0.4, "kappa": 0.9, "slope": 1.2}
    transformed = {"alpha_logodds__": np.log(0.4 / 0.6), "kappa_log__": np.log(0.9), "slope_log__": np.log(1.2)}
    point |= {name: np.full(3, value) for name, value in transformed.items()}
    point["geo_effect_z"] = np.zeros_like(point["geo_effect_z"])
    shape = {name: np.full((3, 1), value) for name, value in parameters.items()}
    response = Shape().respond(design.data["media"].to_numpy(), shape)
    spread, value = effect_scale(response, design.data["money"].to_numpy())
    ratio = value / spread / design.data["spend"].sum(("geo", "week")).to_numpy()
    prior = prior_of("roi", "tv", model.priors).frozen()

    def wanted(log_effect):
        quantity = np.exp(log_effect) * ratio
        return (prior.logpdf(quantity) + np.log(quantity)).sum()

    effects = [np.full(3, -3.0), np.array([-4.0, -2.5, -3.3])]
    found = [float(density(*[{**point, "log_effect": e}[i.name] for i in inputs])) for e in effects]
    assert found[1] - found[0] == pytest.approx(wanted(effects[1]) - wanted(effects[0]), rel=1e-5)


@pytest.mark.parametrize("adstock", ["delayed", "weibull"])
@pytest.mark.parametrize("saturation", ["hill", "logistic"])
def test_every_shape_and_option_builds_a_finite_density(small_run, adstock, saturation):
    model = Model(adstock=adstock, saturation=saturation, likelihood="student_t", residual="ar1", trend="piecewise")
    graph = build_model(build_design(small_run.panel, model), model)
    density = graph.compile_logp(sum=False, mode="FAST_COMPILE")(graph.initial_point())  # Python adds no 32 at once
    assert np.isfinite([part.sum() for part in density]).all()


def test_a_saturation_before_adstock_differs_from_one_after(small_run):
    first, second = (Model(order=order) for order in ("adstock_first", "saturation_first"))
    design = build_design(small_run.panel, first)
    found = []
    for model in (first, second):
        graph = build_model(design, model)
        found.append(graph.compile_logp(mode="FAST_COMPILE")(graph.initial_point()))
    assert np.isfinite(found).all() and found[0] != found[1]


def test_normal_quantiles_agree_with_the_words_of_the_config():
    config = make_config({"name": "a", "panel": {"path": "x", "kpi": "y", "spend": {"tv": "s"}}})
    assert config.model.residual == "drift" and stats.norm.ppf(0.95) == pytest.approx(1.6449, abs=1e-4)


@given(size=st.integers(2, 12), seed=st.integers(0, 99))
@settings(max_examples=15)
def test_departures_keep_lengths_add_up_to_zero_and_follow_the_matrix(size, seed):
    basis = zero_sum_basis(size)
    np.testing.assert_allclose(basis @ basis.T, np.eye(size - 1), atol=1e-12)
    np.testing.assert_allclose(basis.sum(axis=1), 0, atol=1e-12)
    random = np.random.default_rng(seed)
    common, spread, z, values = departing_inputs(random, size)
    mu, coefficient = features.departing(common, spread, z, values)
    np.testing.assert_allclose(coefficient, common[:, None] + spread[:, None] * (z.T @ basis), atol=1e-12)
    np.testing.assert_allclose(mu, coefficient.T @ values[:, 0], atol=1e-12)


def departing_inputs(random, geos):
    return (*random.normal(size=(2, 2)), random.normal(size=(geos - 1, 2)), random.normal(size=(2, 1, 5)))


@pytest.mark.parametrize("mode", ["NUMBA", "FAST_COMPILE"])
def test_gradient_of_departing_features_is_the_finite_difference(mode):
    random = np.random.default_rng(4)
    *point, values = departing_inputs(random, 4)
    direction, basis = random.normal(size=(4, 5)), zero_sum_basis(4)
    tensors = [pt.as_tensor(v).type() for v in point]
    mu = DEPARTING(*tensors, values)[0]
    gradients = pytensor.function(tensors, pt.grad((mu * direction).sum(), tensors), mode=mode)(*point)

    def total(common, spread, z):
        return ((common[:, None] + spread[:, None] * (z.T @ basis)).T @ values[:, 0] * direction).sum()

    with_finite_differences(total, point, gradients)
