"""What is reported is what the draws say: counterfactuals, derivatives and sums, recomputed."""

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from mmm_bayes.config import Allocate, ChannelPriors, Model, Prior, Sampler
from mmm_bayes.model.design import build_design
from mmm_bayes.model.fit import misfit, more_careful
from mmm_bayes.model.kept import structure
from mmm_bayes.posterior import Posterior, by_chunks
from mmm_bayes.posterior.attribution import (
    MARGINAL_DRAWS,
    decomposition,
    mean_contributions,
    media_contributions,
    media_response,
    response_curves,
    unseen_share,
)
from mmm_bayes.posterior.checks import grade
from mmm_bayes.posterior.predictions import forecast, one_week_ahead


@pytest.fixture(scope="module")
def media(small_posterior):
    return media_contributions(small_posterior)


def test_roi_is_the_zero_out_counterfactual(small_posterior, media):
    data, rows = small_posterior.data, np.arange(small_posterior.draws)
    money, spend = data["money"].to_numpy(), data["spend"].sum(("geo", "week")).to_numpy()
    for c in range(len(small_posterior.channels)):
        with_it, without = (media_response(small_posterior, c, rows, factor) for factor in (1.0, 0.0))
        assert (without == 0).all()
        lost = np.einsum("dgt,gt->d", with_it - without, money)
        np.testing.assert_allclose(small_posterior["roi"][:, c], lost / spend[c], rtol=1e-9)
        np.testing.assert_allclose(media.worth[:, c], lost * small_posterior["misfit"][:, c], rtol=1e-9)


def test_marginal_roi_is_the_slope_of_what_more_spend_brings(small_posterior, media):
    rows, money = small_posterior.thinned(MARGINAL_DRAWS)[:5], small_posterior.data["money"].to_numpy()
    for c in range(len(small_posterior.channels)):
        up, down = (media_response(small_posterior, c, rows, 1 + s * 1e-3) for s in (1, -1))
        slope = np.einsum("dgt,gt->d", up - down, money) / 2e-3
        np.testing.assert_allclose(media.marginal[:5, c], slope * small_posterior["misfit"][rows, c], rtol=1e-4)


def test_total_roi_is_the_spend_weighted_mean(small_posterior, media):
    spend = small_posterior.data["spend"].sum(("geo", "week")).to_numpy()
    weighted = (small_posterior["roi"] * small_posterior["misfit"]) @ (spend / spend.sum())
    np.testing.assert_allclose(weighted, media.worth.sum(axis=1) / spend.sum(), rtol=1e-9)


def test_components_add_up_to_the_prediction(small_posterior, media, small_run):
    table = decomposition(small_posterior)
    parts = table.drop(columns=["week", "prediction", "observed"])
    np.testing.assert_allclose(parts.sum(axis=1), table["prediction"])
    kpi = small_run.panel.data["kpi"].sum("geo").to_numpy()
    np.testing.assert_allclose(table["observed"], kpi)
    ahead = one_week_ahead(small_posterior, np.arange(small_posterior.draws))
    scale = small_posterior.data["scale"].to_numpy()
    predicted = np.einsum("gt,g->t", (ahead.explained + ahead.drift).mean(axis=0), scale)
    np.testing.assert_allclose(table["prediction"], predicted, rtol=2e-3)  # drift is averaged over 400 draws
    found = pd.read_csv(small_run.space.data / "contributions.csv")
    np.testing.assert_allclose(found["prediction"], table["prediction"], rtol=1e-9)


def test_roi_csv_holds_the_draws(small_posterior, small_run):
    table = pd.read_csv(small_run.space.data / "roi.csv").set_index("channel")
    roi = pd.DataFrame(small_posterior["roi"] * small_posterior["misfit"], columns=small_posterior.channels)
    np.testing.assert_allclose(table["roi_median"], roi.median(), rtol=1e-9)
    np.testing.assert_allclose(table["roi_low"], roi.quantile(0.05), rtol=1e-9)
    np.testing.assert_allclose(table["contribution"], table["roi_mean"] * table["spend"], rtol=1e-9)
    assert table["spend"].sum() == pytest.approx(float(small_run.panel.data["spend"].sum()))


def test_the_curve_at_todays_spend_is_the_contribution_of_the_window(small_posterior):
    """Over a window as long as the panel, with no spend before it: contribution plus the tail after it."""
    weeks = small_posterior.data.sizes["week"]
    curves = response_curves(small_posterior, Allocate(weeks=weeks))
    rows = small_posterior.thinned(400)
    money = small_posterior.data["money"].mean("week").to_numpy()
    for c in range(len(curves.channels)):
        inside = np.einsum("dgt,g->d", media_response(small_posterior, c, rows), money)
        found = curves.at(curves.today)[:, c] / small_posterior["misfit"][rows, c]
        assert (found >= inside * (1 - 1e-3)).all()
        assert found.mean() < 1.1 * inside.mean()
    assert (np.diff(curves.response, axis=2) >= 0).all() and (curves.response[..., 0] == 0).all()


def test_intervals_cover_what_was_simulated(small_posterior, small_run):
    low, high = np.quantile(small_posterior["roi"], [0.005, 0.995], axis=0)
    truth = np.array([small_run.simulated.truth.roi[c] for c in small_posterior.channels])
    assert ((low <= truth) & (truth <= high)).all()


# --- what formulas miss ------------------------------------------------------------------------


@pytest.mark.parametrize("error", [0.05, 0.15, 0.4])
def test_misfit_keeps_the_means_and_has_the_spread_asked_for(error):
    draws = np.random.default_rng(1).lognormal(0, [[[0.1, 0.5, 1.5]]], (4, 5_000, 3))
    contribution = xr.DataArray(draws, dims=("chain", "draw", "channel"))
    found = misfit(contribution, error, 7)
    assert found.dims == contribution.dims and found.shape == contribution.shape
    np.testing.assert_allclose((found * contribution).mean(("chain", "draw")), draws.mean(axis=(0, 1)), rtol=1e-12)
    logs = np.log(found.to_numpy()).reshape(-1, 3)
    np.testing.assert_allclose(logs.std(axis=0), error, rtol=0.03)
    assert np.abs(np.corrcoef(logs, rowvar=False)[np.triu_indices(3, 1)]).max() < 0.03
    assert abs(np.corrcoef(logs[:, 1], np.log(draws[..., 1].ravel()))[0, 1]) < 0.03


def test_misfit_follows_its_seed_and_none_is_ones():
    contribution = xr.DataArray(np.full((2, 50, 3), 2.0), dims=("chain", "draw", "channel"))
    first, again, other = (misfit(contribution, 0.15, seed).to_numpy() for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()
    np.testing.assert_array_equal(misfit(contribution, 0.0, 3), 1.0)


def test_misfit_widens_what_channels_returned_and_moves_no_mean(small_posterior, media, small_run):
    plain = small_posterior.kpi_value * small_posterior["contribution_share"]
    assert small_run.config.model.misfit == 0.15
    np.testing.assert_allclose(np.log(small_posterior["misfit"]).std(axis=0), 0.15, rtol=0.2)
    np.testing.assert_allclose(media.worth.mean(axis=0), plain.mean(axis=0), rtol=1e-9)
    widths = [np.diff(np.quantile(worth, [0.05, 0.95], axis=0), axis=0)[0] for worth in (media.worth, plain)]
    assert (widths[0] > widths[1]).all()
    rows = small_posterior.thinned(400)
    curves = response_curves(small_posterior, Allocate(weeks=13))
    for c in range(3):
        ratio = small_posterior.return_coefficient(c, rows) / small_posterior.media_coefficient(c, rows)
        np.testing.assert_allclose(ratio, np.repeat(small_posterior["misfit"][rows, c, None], 4, axis=1))
        spread = np.log(curves.at(curves.today)[:, c])
        assert spread.std() > (spread - np.log(small_posterior["misfit"][rows, c])).std()


def test_what_may_be_demand_is_counted_as_baseline_and_tables_add_up(small_posterior):
    """Half of what search seems to bring goes to the baseline, in each week; prediction and the others stay."""
    factor = small_posterior["misfit"].copy()
    half = np.where(np.arange(3) == 1, 0.5, 1.0) * factor
    before = decomposition(small_posterior)
    tree = small_posterior.tree.copy()
    draws = tree["posterior"].to_dataset()
    tree["posterior"] = xr.DataTree(draws.assign(misfit=(draws["misfit"].dims, half.reshape(draws["misfit"].shape))))
    after = decomposition(Posterior(tree))
    np.testing.assert_allclose(after["channel:search"], 0.5 * before["channel:search"], rtol=1e-9)
    given = before["channel:search"] - after["channel:search"]
    np.testing.assert_allclose(after["baseline"] - before["baseline"], given, rtol=1e-9)
    for name in ("prediction", "channel:tv", "drift"):
        np.testing.assert_allclose(after[name], before[name], rtol=1e-9)


def test_contributions_by_week_add_up_to_those_of_roi(small_posterior, media):
    money = small_posterior.data["money"].to_numpy()
    weekly = np.einsum("cgt,gt->c", mean_contributions(small_posterior), money)
    np.testing.assert_allclose(weekly, media.worth.mean(axis=0), rtol=1e-9)


# --- what lies below the lowest week ------------------------------------------------------------


def with_media(posterior, media):
    """Return a posterior whose channels had other media, and brought what these do."""
    tree = posterior.tree.copy()
    tree["constant_data"] = xr.DataTree(posterior.data.assign(media=(posterior.data["media"].dims, media)))
    found = Posterior(tree)
    rows, money = np.arange(found.draws), found.data["money"].to_numpy()
    worth = [np.einsum("dgt,gt->d", media_response(found, c, rows), money) for c in range(len(found.channels))]
    draws = tree["posterior"].to_dataset()
    share = np.stack(worth, axis=1).reshape(draws["contribution_share"].shape) / found.kpi_value
    tree["posterior"] = xr.DataTree(draws.assign(contribution_share=(draws["contribution_share"].dims, share)))
    return Posterior(tree)


def test_unseen_is_what_the_lowest_week_alone_would_bring(small_posterior, small_run):
    media = small_posterior.data["media"].to_numpy().copy()
    weeks = small_posterior.data.sizes["week"]
    media[:, :, -weeks:] = np.maximum(media[:, :, -weeks:], np.array([0.0, 0.3, 0.0])[:, None, None])
    media[2, 1:, -weeks:] += 0.2  # never rests in three geos of four
    media[0, :, -1] = 0.0
    of = with_media(small_posterior, media)
    found, rows = unseen_share(of), of.thinned(400)
    assert found[0] == 0 and (found[1:] > 0).all() and (found[1:] < 1).all()
    money = of.data["money"].to_numpy().sum(axis=1)
    for c in (1, 2):
        kappa, slope = (of[name][rows, c] for name in ("kappa", "slope"))
        brought = sum(
            low**slope / (low**slope + kappa**slope) * of["beta"][rows, c] * of["geo_effect"][rows, c, g] * money[g]
            for g, low in enumerate(media[c, :, -weeks:].min(axis=1))
        )
        assert found[c] == pytest.approx(
            np.mean(brought / (of.kpi_value * of["contribution_share"][rows, c])), rel=1e-6
        )
    table = pd.read_csv(small_run.space.data / "roi.csv")
    np.testing.assert_allclose(table["unseen_share"], unseen_share(small_posterior), rtol=1e-9)


def test_no_more_than_all_of_a_contribution_is_unseen(small_posterior):
    """A channel that always spent the same, of whose carry-over before the first week nothing is known."""
    media = small_posterior.data["media"].to_numpy().copy()
    weeks = small_posterior.data.sizes["week"]
    media[1, :, :-weeks], media[1, :, -weeks:] = 0.0, 1.0
    assert 0.95 < unseen_share(with_media(small_posterior, media))[1] <= 1


# --- forecasts and files ------------------------------------------------------------------------


def test_a_forecast_knows_no_kpi_of_its_weeks(small_run):
    """Changing the KPI of the holdout changes nothing; a forecast is near what happened."""
    panel = small_run.panel
    design = build_design(panel, Model(), train=52)
    posterior = small_run.fitted.posterior
    changed = design.data.copy(deep=True)
    changed["y"][:, 52:] = 99.0
    cut = design.data.isel(week=slice(0, 52), time=slice(0, 52 + 7))
    tree = posterior.tree.copy()
    tree["constant_data"] = type(tree)(cut)
    tree["posterior"] = type(tree)(posterior.tree["posterior"].to_dataset().isel(week=slice(0, 52)))
    short = type(posterior)(tree)
    rows = np.arange(50)
    first, second = (forecast(short, data, rows, seed=1) for data in (design.data, changed))
    np.testing.assert_array_equal(first, second)
    assert first.shape == (50, 4, 8)
    kpi = panel.data["kpi"].to_numpy()[:, 52:]
    assert np.abs(first.mean(axis=0) / kpi - 1).mean() < 0.25


def test_the_file_opens_in_arviz_with_names(small_run):
    tree = az.from_netcdf(small_run.space.data / "posterior.nc")
    assert tree["posterior"]["roi"].dims == ("chain", "draw", "channel")
    assert list(tree["posterior"]["channel"].to_numpy()) == ["tv", "search", "social"]
    assert {"sample_stats", "constant_data", "observed_data"} <= set(tree.children)


def test_chunks_hold_every_draw_once():
    rows = np.arange(1000)
    parts = by_chunks(lambda part: part, rows, 30_000)
    np.testing.assert_array_equal(np.concatenate(parts), rows)
    assert max(len(p) for p in parts) * 30_000 <= 2_000_000


def test_the_key_of_compiled_code_follows_what_it_depends_on(small_run):
    model = Model()
    design = build_design(small_run.panel, model)
    same = build_design(small_run.panel, model)
    shorter = build_design(small_run.panel.head(50), model)
    keys = [structure(design, model), structure(same, model), structure(shorter, model)]
    assert len(set(keys)) == 1  # sizes are read
    assert structure(design, Model(misfit=0.3)) == keys[0]  # nothing that is compiled depends on it
    priors = [{"roi": {"tv": (0.5, 3.0)}}, {"roi": {"search": (1.0, 2.0)}}, {"kappa": {"tv": (0.5, 3.0)}}]
    others = [Model(priors=ChannelPriors(**prior)) for prior in priors]
    own = [structure(build_design(small_run.panel, other), other) for other in others]
    assert own[0] == own[1] != keys[0] == own[2]  # so are parameters of priors, but not their kind
    keys += [structure(design, Model(likelihood="student_t")), own[0]]
    keys.append(
        structure(design, Model(priors=ChannelPriors(slope={"tv": Prior(distribution="gamma", mu=1, sigma=1)})))
    )
    assert len(set(keys)) == 4


@pytest.mark.parametrize(
    ("value", "higher_is_worse", "status"),
    [(1.0, True, "PASS"), (1.02, True, "REVIEW"), (1.2, True, "FAIL"), (float("nan"), True, "FAIL")],
)
def test_grades(value, higher_is_worse, status):
    assert grade(value, 1.01, 1.05, higher_is_worse) == status
    assert grade(-value, -1.01, -1.05, not higher_is_worse) == status


def test_a_second_try_is_longer_and_careful_where_chains_diverged():
    again, careful = more_careful(Sampler(), diverged=False), more_careful(Sampler(), diverged=True)
    assert again.draws == 2 * Sampler().draws and again.target_accept == Sampler().target_accept
    assert careful.target_accept == 0.97 and careful.seed != Sampler().seed
