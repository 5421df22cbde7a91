"""What channels have in common: the density of their distances, and a prior that knows no units."""

import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from mmm_bayes import pool
from mmm_bayes.config import ChannelPriors, LiftTest, Model, Prior
from mmm_bayes.model.arrays import graph_data
from mmm_bayes.model.design import Design, build_design
from mmm_bayes.model.graph import build_model
from mmm_bayes.model.kept import structure
from mmm_bayes.panel import panel_from_frame
from mmm_bayes.posterior.prior_predictive import prior_curves, prior_quantities, prior_shares
from mmm_bayes.priors import alike, effect_priors, pooled, prior_place
from mmm_bayes.simulate import PanelSpec, simulate_panel
from mmm_bayes.transforms import Shape, effect_scale

FACTORS = st.sampled_from([1e-3, 0.01, 0.37, 1.0, 100.0, 1e4])
SPREADS = (0.1, 0.4, 1.5)


@pytest.mark.parametrize("demand", [pool.NEVER, 0.01, 0.3, 0.95])
@pytest.mark.parametrize("spread", SPREADS)
def test_the_density_of_distances_is_one(spread, demand):
    total, _ = integrate.quad(lambda d: np.exp(pool.log_density(d, spread, demand)), -15, 15, points=[-2, 0], limit=200)
    assert total == pytest.approx(1.0)


@pytest.mark.parametrize("demand", [0.02, 0.3, 0.9])
@pytest.mark.parametrize("spread", SPREADS)
def test_what_demand_lent_is_known_by_the_distance(spread, demand):
    """Of many channels drawn as the density says, those near a distance borrowed as often and as much as is said."""
    random, n = np.random.default_rng(6), 400_000
    follows = random.random(n) < demand
    lent = np.where(follows, random.normal(pool.BORROWED, pool.BORROWED_SPREAD, n), 0.0)
    own = np.where(follows, random.normal(0, spread, n), pool.distance_at(random.random(n), np.full(n, spread)))
    distance = own + lent
    for at in (-1.0, 0.2, 1.0, 2.5):
        near = np.abs(distance - at) < 0.05
        chance, mean, deviation = pool.borrowed(np.array([at]), np.array([spread]), np.array([demand]))
        error = 4 / np.sqrt(near.sum())
        assert follows[near].mean() == pytest.approx(chance[0], abs=0.5 * error + 0.02)
        borrowers = lent[near & follows]
        if len(borrowers) > 200:
            assert borrowers.mean() == pytest.approx(mean[0], abs=4 * deviation[0] / np.sqrt(len(borrowers)) + 0.03)
            assert borrowers.std() == pytest.approx(deviation[0], rel=0.2)


@pytest.mark.parametrize("spread", SPREADS)
def test_distances_are_drawn_from_their_density(spread):
    chance = np.random.default_rng(2).random(5_000)
    found = pool.distance_at(chance, np.full(5_000, spread))
    grid = np.linspace(-15, 15, 60_001)
    cumulative = integrate.cumulative_trapezoid(np.exp(pool.log_density(grid, spread, pool.NEVER)), grid, initial=0.0)
    assert stats.kstest(found, lambda x: np.interp(x, grid, cumulative)).pvalue > 0.05
    assert np.isfinite(pool.distance_at(np.array([1e-9, 0.0999, 0.1001, 1 - 1e-9]), np.full(4, spread))).all()


@pytest.mark.parametrize("spread", SPREADS)
def test_an_idle_channel_is_known_by_its_distance(spread):
    """Of many channels drawn from the pool, those that hardly act are as many as their probabilities say."""
    chance = (np.arange(20_000) + 0.5) / 20_000
    distance = pool.distance_at(chance, np.full(20_000, spread))
    found = pool.idle_probability(distance, np.full(20_000, spread), np.full(20_000, pool.NEVER))
    assert found.mean() == pytest.approx(pool.IDLE, abs=1e-3)
    for low, high in ((0.0, 0.1), (0.1, 0.5), (0.5, 1.0)):
        within = (found >= low) & (found <= high)
        if within.any():  # a pool as wide as the idle part leaves no channel that is surely idle
            assert np.mean(chance[within] < pool.IDLE) == pytest.approx(found[within].mean(), abs=5e-3)


@given(st.floats(0.01, 50), st.floats(0.05, 2), st.floats(0.01, 10), st.floats(-2, 2))
def test_the_roi_at_a_distance_is_the_inverse(roi, elasticity, usual, centre):
    distance = pool.distance(np.log(roi), elasticity, usual, centre)
    assert pool.roi(distance, elasticity, usual, centre) == pytest.approx(roi)
    assert distance == pytest.approx(np.log(roi * elasticity / usual) - centre)


# --- who belongs to it --------------------------------------------------------------------------


def test_a_prior_of_the_users_takes_a_channel_out_of_the_pool(small_run):
    own = ChannelPriors(roi={"search": (0.5, 3.0)})
    model = Model(priors=own)
    design = build_design(small_run.panel, model)
    assert design.data["carrier"].to_numpy().tolist() == ["pool", "roi", "pool"]
    assert pooled(design.data).tolist() == [0, 2] and list(effect_priors(design.data, own)) == [1]
    assert prior_place(design.data, 1, own) == "model.priors.roi.search"
    found = prior_quantities(design.data, own, model.shape)
    np.testing.assert_allclose(np.quantile(found[:, 1], [0.05, 0.95]), [0.5, 3.0], rtol=1e-2)
    free = prior_quantities(build_design(small_run.panel, Model()).data, ChannelPriors(), model.shape)
    lifted = [np.corrcoef(np.log(draws), rowvar=False) for draws in (free, found)]
    assert lifted[0][1, [0, 2]].min() > 0.2
    assert np.abs(lifted[1][1, [0, 2]]).max() < 0.05 < lifted[1][0, 2]
    graph = build_model(design, model)
    assert {"pool_centre", "pool_spread"} < set(graph.named_vars)
    alone = Model(priors=ChannelPriors(roi={"default": (0.5, 3.0)}))
    graph = build_model(build_design(small_run.panel, alone), alone)
    assert not {"pool_centre", "pool_spread", "pool"} & set(graph.named_vars)


@pytest.mark.parametrize("roi", [{}, {"search": (0.5, 3.0)}, {"default": (0.5, 3.0)}])
def test_all_data_that_are_exchanged_are_read_by_the_graph(small_run, roi):
    """Compiled code knows no others and refuses them, so that a model without a pool could not be sampled."""
    model = Model(priors=ChannelPriors(roi=roi))
    design = build_design(small_run.panel, model)
    density = build_model(design, model).compile_logp(mode="FAST_COMPILE")
    assert set(graph_data(design, model)) <= {v.name for v in density.f.get_shared()}


def test_who_may_well_follow_demand_tells_no_other_how_curves_bend(small_run):
    design = build_design(small_run.panel, Model())
    assert (design.data["demand"] == pool.NEVER).all(), "by geo there is more to tell by than the calendar"
    told = design.data.assign(demand=("channel", [0.02, 0.3, 0.09]))
    assert alike(told, "kappa", ChannelPriors()).tolist() == [0, 2]
    assert alike(told.drop_vars("demand"), "kappa", ChannelPriors()).tolist() == [0, 1, 2]
    assert structure(Design(told), Model()) == structure(design, Model())  # nothing that is compiled depends on it


def test_of_one_series_a_channel_in_step_is_doubted_before_the_fit_and_not_with_a_test():
    made = simulate_panel(PanelSpec(geos=1, weeks=104, seed=5))
    frame, columns = made.frame, made.columns
    season = np.exp(np.cos(2 * np.pi * pd.DatetimeIndex(frame[columns.week]).dayofyear / 365.25))
    first = next(iter(columns.spend))
    frame = frame.assign(**{columns.kpi: frame[columns.kpi] * season**0.5, columns.spend[first]: 1000 * season})
    panel = panel_from_frame(frame, columns, "in step")
    known = {"incremental_kpi": 2000.0, "standard_error": 500.0, "spend_change": 1000.0}
    test = LiftTest(channel=first, start=panel.weeks[80], end=pd.date_range(panel.weeks[80], periods=28)[-1], **known)
    free, tested = (build_design(panel, Model(lift_tests=t)).data["demand"].to_numpy() for t in ((), (test,)))
    assert free[0] > 0.5 and (free[1:] < 0.5).all() and tested[0] == pool.NEVER
    np.testing.assert_array_equal(tested[1:], free[1:])
    early = build_design(panel, Model(lift_tests=(test,)), train=78).data["demand"].to_numpy()
    assert early[0] > pool.DOUBTED, "a test that comes later has told nothing yet"


# --- no units -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def table():
    return simulate_panel(PanelSpec(geos=2, weeks=40, seed=5))


def in_units(simulated, kpi, money):
    """Return the panel with its KPI in other units and its spend in another currency."""
    columns = simulated.columns
    changed = {columns.kpi: kpi * simulated.frame[columns.kpi]}
    changed |= {name: money * simulated.frame[name] for name in columns.spend.values()}
    return panel_from_frame(simulated.frame.assign(**changed), columns, "units")


@given(FACTORS, FACTORS)
@settings(max_examples=12)
def test_what_is_believed_of_a_panel_does_not_depend_on_its_units(table, kpi, money):
    """KPI in cents or in thousands, spend in another currency: ROI change as units do, shares of the KPI not at all."""
    plain, other = (build_design(in_units(table, *units), Model()).data for units in ((1.0, 1.0), (kpi, money)))
    shares = [prior_shares(data, ChannelPriors(), Shape()) for data in (plain, other)]
    np.testing.assert_allclose(shares[1], shares[0], rtol=1e-6)
    roi = [prior_quantities(data, ChannelPriors(), Shape()) for data in (plain, other)]
    np.testing.assert_allclose(roi[1], kpi / money * roi[0], rtol=1e-6)
    for name in ("y", "media", "mean_media", "trend_values", "season_values"):
        np.testing.assert_allclose(other[name], plain[name], rtol=1e-6, atol=1e-9, err_msg=name)


def test_the_graph_has_the_same_density_in_all_units(table):
    designs = [build_design(in_units(table, *units), Model()) for units in ((1.0, 1.0), (100.0, 1.0), (0.37, 1e-3))]
    graph = build_model(designs[0], Model())
    density = graph.compile_logp(mode="FAST_COMPILE")
    random, start = np.random.default_rng(1), graph.initial_point()
    points = [{n: v + 0.2 * random.standard_normal(np.shape(v)) for n, v in start.items()} for _ in range(3)]
    found = []
    for design in designs:
        with graph:
            pm.set_data({name: array.to_numpy() for name, array in graph_data(design, Model()).items()})
        found.append([float(density(point)) for point in points])
    assert np.ptp(found[0]) > 1
    for other in found[1:]:
        np.testing.assert_allclose(np.subtract(other, found[0]), other[0] - found[0][0], atol=1e-4)


# --- the density in the graph -------------------------------------------------------------------


@pytest.mark.parametrize("saturation", ["hill", "logistic"])
@pytest.mark.parametrize("own", [{}, {"tv": Prior(distribution="lognormal", mu=0.2, sigma=0.9)}])
def test_the_prior_of_the_pool_is_that_of_marginal_roi(small_run, own, saturation):
    """The density of log_effect is that of the distance, by scipy and the derivatives of the curves."""
    model = Model(saturation=saturation, priors=ChannelPriors(roi=own))
    design = build_design(small_run.panel, model)
    graph = build_model(design, model)
    (potential,) = [p for p in graph.potentials if p.name == "pool"]
    inputs = [graph.rvs_to_values[v] for v in graph.free_RVs]
    density = pytensor.function(
        inputs, graph.replace_rvs_by_values([potential])[0], on_unused_input="ignore", mode="FAST_COMPILE"
    )
    alpha, kappa, slope = 0.4, np.array([0.9, 1.7, 0.3]), 1.2
    start = graph.initial_point() | {"alpha_logodds__": np.full(3, np.log(0.4 / 0.6)), "kappa_log__": np.log(kappa)}
    start |= {"slope_log__": np.full(3, np.log(slope))} if saturation == "hill" else {}
    start["geo_effect_z"] = np.zeros_like(start["geo_effect_z"])
    shape = {"alpha": np.full((3, 1), alpha), "kappa": kappa[:, None], "slope": np.full((3, 1), slope)}
    response = model.shape.respond(design.data["media"].to_numpy(), shape)
    scale, value = effect_scale(response, design.data["money"].to_numpy())
    spend = design.data["spend"].sum(("geo", "week")).to_numpy()
    x = design.data["media"].to_numpy()[..., model.l_max - 1 :].mean(axis=(1, 2))
    if saturation == "hill":
        elasticity = slope * kappa**slope / (x**slope + kappa**slope)
    else:
        rate = np.log(3) / kappa
        elasticity = x * rate / np.sinh(rate * x)
    usual = 0.1 * float((design.data["y"] * design.data["money"]).sum()) / spend.sum()
    members = np.flatnonzero([c not in own for c in small_run.panel.channels])

    def wanted(log_effect, centre, spread):
        marginal = np.exp(log_effect) * value / scale / spend * elasticity
        distance = (np.log(marginal / usual) - centre)[members]
        mixture = 0.9 * stats.norm.pdf(distance, 0, spread) + 0.1 * stats.norm.pdf(distance, -2.0, 0.8)
        return np.log(mixture).sum()

    def found(log_effect, centre, spread):
        point = {**start, "log_effect": log_effect, "pool_centre": centre, "pool_spread_log__": np.log(spread)}
        return float(density(*[point[i.name] for i in inputs]))

    for point in (
        (np.full(3, -3.0), 0.3, 0.5),
        (np.array([-4.0, -2.5, -3.3]), 0.3, 0.5),
        (np.array([-7.0, -3.0, -2.0]), -0.8, 0.2),
    ):
        assert found(*point) == pytest.approx(wanted(*point), rel=1e-3, abs=2e-3)


# --- curves that are alike ----------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_channels_that_are_alike_are_normals_with_one_correlation(channels):
    together = stats.multivariate_normal(cov=0.6 + 0.4 * np.eye(channels))
    points = np.random.default_rng(3).standard_normal((4, channels))
    wanted = together.logpdf(points) - stats.norm.logpdf(points).sum(axis=1)
    found = np.array([pool.alike_log_density(point, channels).sum() for point in points])
    np.testing.assert_allclose(found - found[0], wanted - wanted[0], atol=1e-12)


def alike_in_graph(panel, model, kappa, slope):
    """Return the density of the graph by which channels are alike."""
    graph = build_model(build_design(panel, model), model)
    own = [p for p in graph.potentials if p.name == "alike"]
    start = graph.initial_point() | {"kappa_log__": np.log(kappa), "slope_log__": np.log(slope)}
    inputs = [graph.rvs_to_values[v] for v in graph.free_RVs]
    density = pytensor.function(
        inputs, graph.replace_rvs_by_values(own)[0], on_unused_input="ignore", mode="FAST_COMPILE"
    )
    return float(density(*[start[i.name] for i in inputs]))


def test_the_graph_holds_channels_alike_but_for_those_with_a_prior_of_the_users(small_run):
    kappa, slope = np.array([0.9, 1.7, 0.3]), np.array([1.0, 2.0, 1.4])
    slopes = pool.alike_log_density((np.log(slope) - 0.15) / 0.45, 3).sum()
    own = Model(priors=ChannelPriors(kappa={"search": (0.5, 3.0)}))
    found = alike_in_graph(small_run.panel, own, kappa, slope)
    assert found == pytest.approx(slopes + pool.alike_log_density(np.log(kappa[[0, 2]]) - 0.18, 2).sum())
    own = Model(priors=ChannelPriors(kappa={"default": (0.5, 3.0)}))
    assert alike_in_graph(small_run.panel, own, kappa, slope) == pytest.approx(slopes)
    own = Model(priors=ChannelPriors(kappa={"default": (0.5, 3.0)}, slope={"default": (0.5, 3.0)}))
    assert alike_in_graph(small_run.panel, own, kappa, slope) == 0.0


def test_prior_draws_of_curves_keep_each_prior_and_what_is_common(small_run):
    given = ChannelPriors(roi={"default": (0.5, 3.0)}, slope={"search": (0.7, 0.9)})
    found = prior_curves(build_design(small_run.panel, Model(priors=given)).data, given, Shape())
    kappa, slope = np.log(found["kappa"]), np.log(found["slope"])
    np.testing.assert_allclose(kappa.mean(axis=0), 0.18, atol=0.06)
    np.testing.assert_allclose(kappa.std(axis=0), 1.0, atol=0.05)
    np.testing.assert_allclose(np.corrcoef(kappa, rowvar=False)[np.triu_indices(3, 1)], 0.6, atol=0.05)
    np.testing.assert_allclose(np.quantile(found["slope"][:, 1], [0.05, 0.95]), [0.7, 0.9], rtol=0.02)
    between = np.corrcoef(slope, rowvar=False)
    assert between[0, 2] > 0.5 and np.abs(between[1, [0, 2]]).max() < 0.06


def test_prior_draws_of_curves_that_bend_are_those_of_the_density(small_run):
    """Against draws of whole curves, each weighted by what the pool says of all of its bends."""
    data = build_design(small_run.panel, Model()).data
    random, size = np.random.default_rng(4), (200_000, 3)
    common, own = (random.standard_normal((2, size[0], n)) for n in (1, 3))
    kappa, slope = np.exp(
        np.array([0.18, 0.15])[:, None, None]
        + np.array([1.0, 0.45])[:, None, None] * (0.6**0.5 * common + 0.4**0.5 * own)
    )
    x = data["mean_media"].to_numpy()
    log_elasticity = np.log(slope * kappa**slope / (x**slope + kappa**slope))
    weight = np.exp(-0.5 * (np.minimum(log_elasticity + 0.6, 0.0) / 0.8) ** 2).prod(axis=1)
    wanted = (weight[:, None] * np.log(kappa)).sum(axis=0) / weight.sum()
    found = np.log(prior_curves(data, ChannelPriors(), Shape())["kappa"]).mean(axis=0)
    np.testing.assert_allclose(found, wanted, atol=0.06)
    assert (found > 0.3).all()


@pytest.mark.parametrize("own", [{"kappa": {"default": (0.5, 3.0)}}, {"slope": {"search": (0.7, 2.0)}}])
def test_a_prior_of_the_users_on_a_curve_compiles_nothing(small_run, own):
    models = (Model(), Model(priors=ChannelPriors(**own)))
    keys = {structure(build_design(small_run.panel, model), model) for model in models}
    assert len(keys) == 1
