"""What the verdict says beyond convergence: priors, their weight, channels in step, spend that follows demand."""

import json
import warnings
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import integrate, stats

from mmm_bayes.config import Allocate, ChannelPriors, LiftTest, Model, Prior, Sampler
from mmm_bayes.console import Terminal
from mmm_bayes.findings import Finding, MMMWarning
from mmm_bayes.model.design import build_design
from mmm_bayes.model.fit import own_part, with_doubt
from mmm_bayes.pool import NEVER
from mmm_bayes.posterior import Posterior
from mmm_bayes.posterior.attribution import mean_contributions, response_curves
from mmm_bayes.posterior.checks import Reason, beliefs, confounding, convergence, foundation
from mmm_bayes.posterior.confounding import (
    FORETOLD,
    IN_STEP,
    PEAKS,
    SURE,
    Demand,
    Pair,
    agreement,
    collinear,
    follows_demand,
    in_step,
    peaks,
)
from mmm_bayes.posterior.predictions import log_likelihood, one_week_ahead
from mmm_bayes.posterior.prior_predictive import implausible_priors, prior_shares
from mmm_bayes.posterior.sensitivity import contradicted_priors, idle_channels, pool_distance, prior_sensitivity
from mmm_bayes.report.words import Judged, judged, word
from mmm_bayes.simulate.worlds import Kind, make_world
from mmm_bayes.transforms import Shape


def in_words(reason: Reason) -> Judged:
    """Return a check in words, by way of JSON as in ``diagnostics.json``."""
    return judged(json.loads(json.dumps(asdict(reason))))


def changed(posterior: Posterior, group: str, **variables) -> Posterior:
    """Return a posterior with other values in some variables of a group."""
    tree = posterior.tree.copy()
    data = tree[group].to_dataset()
    tree[group] = xr.DataTree(data.assign({name: (data[name].dims, v) for name, v in variables.items()}))
    return Posterior(tree)


def carrying(posterior: Posterior, **carriers: str) -> Posterior:
    """Return a posterior whose channels carry their prior as if the user had given it; others stay in the pool."""
    tree = posterior.tree.copy()
    data = tree["constant_data"].to_dataset()
    found = [carriers.get(c, carriers.get("default", "pool")) for c in posterior.channels]
    tree["constant_data"] = xr.DataTree(data.assign_coords(carrier=("channel", found)))
    return Posterior(tree)


# --- before the data ----------------------------------------------------------------------------


def test_prior_shares_are_roi_times_spend_over_the_kpi(small_run):
    given = ChannelPriors(roi={"tv": (1.0, 2.0)}, contribution_share={"social": (0.1, 0.2)})
    data = build_design(small_run.panel, Model(priors=given)).data
    low, high = np.quantile(prior_shares(data, given, Shape()), [0.05, 0.95], axis=0)
    panel = small_run.panel.data
    part = float(panel["spend"].sel(channel="tv").sum() / panel["kpi"].sum())
    np.testing.assert_allclose([low[0], high[0]], [part, 2 * part], rtol=0.03)
    np.testing.assert_allclose([low[2], high[2]], [0.1, 0.2], rtol=0.03)


@pytest.mark.parametrize(
    ("roi", "named", "words"),
    [
        ({}, [], ""),
        ({"search": (0.5, 3.0)}, [], ""),
        ({"tv": (30.0, 60.0)}, ["model.priors.roi.tv"], "tv alone would explain over 80% of the KPI"),
        ({"default": (50.0, 90.0)}, ["model.priors.roi.default"] * 3, "alone"),
        ({"tv": (12.0, 14.0), "search": (9.0, 11.0)}, ["model.priors.roi.tv"], "media would explain over 80%"),
        ({"social": Prior(distribution="halfnormal", sigma=500.0)}, ["model.priors.roi.social"], "social alone"),
    ],
)
def test_an_implausible_prior_is_named(small_run, roi, named, words):
    given = ChannelPriors(roi=roi)
    found = implausible_priors(build_design(small_run.panel, Model(priors=given)).data, given, Shape())
    assert [finding.values["place"] for finding in found] == named
    assert all(words in word(finding) for finding in found)


def test_a_warning_for_the_user_is_printed_and_others_go_their_way(capsys):
    terminal = Terminal()
    with pytest.warns(DeprecationWarning, match="elsewhere"), terminal.step("fit"):
        warnings.warn(MMMWarning(Finding("prior.implausible", PRIOR)), stacklevel=1)
        warnings.warn("elsewhere", DeprecationWarning, stacklevel=1)
    printed = capsys.readouterr().err.splitlines()
    assert printed[0] == (
        "Warning: model.priors.roi.tv: before any data, tv alone would explain over 80% of the KPI "
        "with a probability of 45%."
    )
    assert len(printed) == 2


PRIOR = {"place": "model.priors.roi.tv", "channel": "tv", "share": 0.8, "probability": 0.4512}


# --- after the data -----------------------------------------------------------------------------


def test_the_log_likelihood_is_a_slow_loop_over_the_weeks(small_posterior):
    rows = np.array([0, 7])
    ahead = one_week_ahead(small_posterior, rows)
    y = small_posterior.data["y"].to_numpy()
    found = log_likelihood(small_posterior, rows)
    for i, row in enumerate(rows):
        total = 0.0
        rho = small_posterior["rho"][row]
        for g in range(y.shape[0]):
            gain, sigma = small_posterior["gain"][row, g], small_posterior["sigma"][row, g]
            for t in range(y.shape[1]):
                mean = ahead.explained[i, g, t] + ahead.drift[i, g, t]
                first = np.sqrt(1 + (rho * gain) ** 2 / (1 - rho**2)) if t == 0 else 1.0
                total += stats.norm.logpdf(y[g, t], mean, sigma * first)
        assert found[i] == pytest.approx(total)


def cumulative_jensen_shannon(first, second, low, high):
    """Return the distance of two distributions between two points by numerical integration of its definition."""

    def divergence(p, q):
        def inside(x):
            return p.cdf(x) * np.log2(2 * p.cdf(x) / (p.cdf(x) + q.cdf(x))) + (q.cdf(x) - p.cdf(x)) / (2 * np.log(2))

        return integrate.quad(inside, low, high, limit=200)[0]

    whole = integrate.quad(lambda x: first.cdf(x) + second.cdf(x), low, high)[0]
    return np.sqrt((divergence(first, second) + divergence(second, first)) / whole)


def test_sensitivity_is_that_of_normal_distributions(small_posterior):
    """With log ROI normal a priori and a posteriori, a power of the prior changes mean and spread in closed form."""
    mean, spread, prior = 0.5, 0.6, stats.norm(0.0, 1.0)
    sizes = small_posterior.tree["posterior"]["roi"].shape
    count = sizes[0] * sizes[1]
    normal = stats.norm(mean, spread).ppf((np.random.default_rng(0).permutation(count) + 0.5) / count)
    draws = np.repeat(np.exp(normal), sizes[2]).reshape(sizes)
    given = ChannelPriors(roi={"default": Prior(distribution="lognormal", mu=0.0, sigma=1.0)})
    own = carrying(small_posterior, default="roi")
    found = prior_sensitivity(changed(own, "posterior", roi=draws), given)

    def scaled(power, sign):
        precision = 1 / spread**2 + (power - 1) / prior.var()
        return stats.norm(sign * mean / spread**2 / precision, precision**-0.5)

    def distance(power, sign):
        ends = sorted(sign * end for end in (normal.min(), normal.max()))
        return cumulative_jensen_shannon(scaled(1, sign), scaled(power, sign), *ends)

    slopes = [max(distance(power, sign) for sign in (1, -1)) / abs(np.log2(power)) for power in (0.99, 1.01)]
    assert found["tv"]["prior"] == pytest.approx(np.mean(slopes), rel=0.1)


def test_who_talks_follows_the_width_of_the_prior(small_posterior):
    own = carrying(small_posterior, default="roi")
    tight, wide = (
        prior_sensitivity(own, ChannelPriors(roi={"default": (low, high)}))["tv"]["prior"]
        for low, high in ((1.5, 2.0), (0.01, 300.0))
    )
    assert tight > 0.05 > wide


def test_a_prior_that_the_data_contradict_is_named(small_posterior):
    given = ChannelPriors(roi={"search": (0.01, 0.05)}, alpha={"tv": (0.95, 0.99)})
    own = carrying(small_posterior, search="roi")
    found = contradicted_priors(own, given)
    assert [finding.values["place"] for finding in found] == ["model.priors.alpha.tv", "model.priors.roi.search"]
    reason = in_words(beliefs(own, given)[1])
    assert reason.status == "REVIEW" and "the prior says 0.01 to 0.05, with the data its median is" in reason.message
    assert "widen these priors" in reason.remedy
    assert [r.status for r in beliefs(small_posterior, ChannelPriors())] == ["PASS", "PASS"]


@pytest.mark.parametrize(
    ("check", "values", "never"),
    [
        ("divergences", {"value": 0.02, "careful": True}, "0.97"),
        ("r_hat", {"value": 1.2, "variable": "eta", "again": True}, "increase"),
        ("bulk_ess", {"value": 9.0, "variable": "eta", "again": True}, "increase"),
        ("tail_ess", {"value": 9.0, "variable": "eta", "again": True}, "increase"),
        ("coverage", {"value": 0.3, "level": 0.9, "covered": 0.6, "heavy": True}, "student_t"),
        ("autocorrelation", {"value": 0.9, "correlation": 0.9, "drift": True}, "residual"),
        ("foundation", {"value": 1.0, "channels": ["tv"], "untested": []}, "lift test"),
    ],
)
def test_a_remedy_that_was_applied_is_not_given_again(check, values, never):
    """What can be settings or tests that are there already is left out; without them it is said."""
    other = {
        name: not value if isinstance(value, bool) else ["tv"] if name == "untested" else value
        for name, value in values.items()
    }
    again, first = (
        in_words(Reason(check, "FAIL", 1.0, 0.0, f"check.{check}.found", found)).remedy for found in (values, other)
    )
    assert never in first and never not in again
    assert len(again) > 20


def test_the_checks_know_what_was_tried(small_posterior):
    def checks(**tried):
        posterior = changed(small_posterior, "posterior")
        settings = json.loads(posterior.tree.attrs["sampler"]) | {"target_accept": tried.pop("accepted")}
        posterior.tree.attrs |= {"sampler": json.dumps(settings), **tried}
        return {reason.check: reason.values for reason in convergence(posterior.tree)}

    once, again = checks(accepted=0.8, second_try=0), checks(accepted=0.97, second_try=1)
    assert (once["divergences"]["careful"], again["divergences"]["careful"]) == (False, True)
    assert (once["r_hat"]["again"], again["r_hat"]["again"]) == (False, True)
    pair = [Pair("tv", "search", 0.9, 0.9)]
    assert confounding(pair, {}, ["tv"])[0].values["untested"] == ["search"]
    taught = {name: {"says": "little", "value": 1.0} for name in ("tv", "search")}
    assert foundation(taught, ["search"]).values["untested"] == ["tv"]


# --- what the data cannot settle ----------------------------------------------------------------


def test_channels_in_step_are_a_pair_and_others_are_none(small_posterior):
    assert collinear(small_posterior) == []
    media = small_posterior.data["media"].to_numpy().copy()
    media[2] = 3.0 * media[0]
    (pair,) = collinear(changed(small_posterior, "constant_data", media=media))
    assert (pair.first, pair.second) == ("tv", "social") and pair.media == pytest.approx(1.0)
    effects = small_posterior.tree["posterior"]["log_effect"].to_numpy().copy()
    effects[..., 1] = -effects[..., 0]
    (pair,) = collinear(changed(small_posterior, "posterior", log_effect=effects))
    assert (pair.first, pair.second) == ("tv", "search") and pair.effects == pytest.approx(-1.0)
    reason = in_words(confounding([pair], {})[0])
    assert reason.status == "REVIEW" and "tv and search cannot be told apart" in reason.message
    assert reason.remedy == "To mend it, run a lift test on tv, or vary the spend of tv while that of search stays."


def by_surprise(posterior: Posterior) -> Posterior:
    """Return a posterior whose search was planned by what surprised in the KPI of the week before."""
    ahead = one_week_ahead(posterior, posterior.thinned(400))
    surprise = posterior.data["y"].to_numpy() - (ahead.explained + ahead.drift).mean(axis=0)
    media = posterior.data["media"].to_numpy().copy()
    media[1, :, -surprise.shape[1] + 1 :] *= np.exp(0.2 * surprise[:, :-1] / surprise.std())
    return changed(posterior, "constant_data", media=media)


def test_media_planned_by_last_weeks_surprise_follow_demand(small_posterior):
    before = follows_demand(small_posterior)
    assert min(found.chance for found in before.values()) > FORETOLD
    assert not any(found.follows for found in before.values())
    planned = by_surprise(small_posterior)
    found = follows_demand(planned)
    assert found["search"].chance < FORETOLD < min(found["tv"].chance, found["social"].chance)
    assert [channel for channel, demand in found.items() if demand.follows] == ["search"]
    assert response_curves(with_doubt(planned, Model(), Sampler()), Allocate()).held == ("search",)
    reason = in_words(confounding([], found)[1])
    assert reason.status == "REVIEW" and reason.message.startswith("search follows demand:")


def test_part_of_what_a_channel_that_follows_demand_returns_is_counted_as_demand(small_posterior):
    """Named by surprises: in many draws it keeps but a part; a lift test ends that, others keep all of theirs."""
    known = {"incremental_kpi": 2000.0, "standard_error": 500.0, "spend_change": 1000.0}
    test = LiftTest(channel="search", start="2021-06-07", end="2021-07-04", **known)
    planned = by_surprise(small_posterior)
    models = (Model(misfit=0.0, lift_tests=tests) for tests in ((), (test,)))
    lost = [(with_doubt(planned, model, Sampler())["misfit"] < 1).mean(axis=0) for model in models]
    assert lost[0][1] > 0.3 and lost[1][1] == 0
    assert (lost[0][[0, 2]] == 0).all() and (lost[1][[0, 2]] == 0).all()


def test_what_demand_lends_is_what_the_pool_makes_of_it(small_posterior):
    """Of a sure follower the mean log of its own part, by the formula of two normals; others have all of it."""
    part = own_part(small_posterior, np.array([NEVER, 1 - 1e-9, NEVER]), 3).reshape(-1, 3)
    share = 1 / (1 + small_posterior["pool_spread"] ** 2)
    mean = (1 - share) * 0.9 + share * pool_distance(small_posterior, 1, np.arange(small_posterior.draws))
    spread = np.sqrt(1 - share)
    expected = mean * stats.norm.cdf(mean / spread) + spread * stats.norm.pdf(mean / spread)  # of a normal, at least 0
    assert -np.log(part[:, 1]).mean() == pytest.approx(expected.mean(), abs=4 * spread.max() / np.sqrt(len(part)))
    np.testing.assert_array_equal(part[:, [0, 2]], 1.0)


def test_outside_the_pool_the_prior_alone_says_what_demand_lends(small_posterior):
    alone = changed(small_posterior, "constant_data", carrier=np.array(["pool", "roi", "pool"]))
    part = own_part(alone, np.array([NEVER, 0.4, NEVER]), 3).reshape(-1, 3)[:, 1]
    lends = 0.4 * stats.norm.cdf(0.9)
    assert (part < 1).mean() == pytest.approx(lends, abs=4 * np.sqrt(lends * (1 - lends) / len(part)))
    known = stats.truncnorm(-0.9, np.inf, loc=0.9, scale=1.0)
    assert stats.kstest(-np.log(part[part < 1]), known.cdf).pvalue > 0.001


def test_the_probability_of_following_demand():
    """On one series it grows with the agreement, by geo surprises decide alone."""
    assert Demand(None, agreement=0.0, season=0.0).probability == pytest.approx(1 / (1 + np.exp(4.9)))
    assert Demand(None, agreement=0.9, season=0.9).probability == pytest.approx(1 / (1 + np.exp(4.9 - 5.76)))
    assert Demand(0.5, agreement=0.9, season=0.9).probability == NEVER
    assert Demand(0.001, agreement=-0.5, season=0.0).probability == SURE


def test_of_one_series_only_what_rather_follows_demand_than_not_is_held():
    """Milder doubt is in the draws that plans are made of; by geo it is not, and what is named is held."""
    assert [Demand(None, agreement=a, season=a).held for a in (0.4, 0.6, 0.76, 0.77)] == [False, False, False, True]
    assert [Demand(0.4, agreement=a, season=a).held for a in (0.75, 0.85)] == [False, True]
    assert Demand(0.001, agreement=0.0, season=0.0).held


def test_a_christmas_told_nowhere_is_a_peak_that_media_share():
    """What the KPI does in one year is held against media of the others, so that their own effect is no agreement."""
    weeks = pd.date_range("2021-01-04", periods=156, freq="7D")
    christmas = (weeks.isocalendar().week.to_numpy() >= 50).astype(float)
    random = np.random.default_rng(4)
    bursts = 1.0 * (random.random(156) < 0.1)
    media = np.stack([1 + 3 * christmas, 1 + 3 * bursts, np.ones(156)])
    found = peaks(media, np.exp(0.3 * christmas + 0.3 * bursts + 0.02 * random.standard_normal(156)), weeks)
    assert found[0] > 0.4 and abs(found[1]) < 0.15 and abs(found[2]) < 1e-4
    np.testing.assert_array_equal(peaks(media[:, :51], np.ones(51), weeks[:51]), 0.0)


def seen_in_step(world, media=1.0, kpi=1.0):
    """Return how far each channel of a world of a single series is in season, by its pattern."""
    spend, sales = world.spend[:, 0], world.frame["sales"].to_numpy()
    weeks = pd.DatetimeIndex(world.frame["week"])
    seen = media * spend / spend.mean(axis=1, keepdims=True), kpi * sales / sales.mean(), weeks
    return agreement(*seen, trend=True) + PEAKS * peaks(*seen), [channel.pattern for channel in world.channels.values()]


def test_a_channel_whose_spend_follows_the_season_of_the_kpi_is_named():
    """Of channels planned by demand most are found, of steady ones and of those in bursts and flights hardly any."""
    named = {}
    for seed in range(30):
        found, patterns = seen_in_step(make_world(Kind(follows_demand=True), 1, 156, 8, seed))
        for value, pattern in zip(found, patterns, strict=True):
            named.setdefault(pattern, []).append(value > 0.5)
    assert np.mean(named["demand"]) > 0.6
    assert np.mean(named["steady"]) < 0.03 and np.mean(named["flights"] + named["bursts"]) < 0.08


@pytest.mark.parametrize(("media", "kpi"), [(1e3, 1.0), (1.0, 50.0), (0.02, 0.1)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_being_in_season_knows_no_units(seed, media, kpi):
    world = make_world(Kind(follows_demand=True), 1, 104, 8, seed)
    np.testing.assert_allclose(seen_in_step(world, media, kpi)[0], seen_in_step(world)[0], atol=1e-9)


def test_a_season_against_that_of_the_kpi_and_a_constant_do_not_follow_it():
    weeks = pd.date_range("2021-01-04", periods=130, freq="7D")
    wave = np.cos(2 * np.pi * weeks.dayofyear / 365.25).to_numpy()
    trend = np.linspace(0.5, 1.5, 130)
    media = np.stack([np.exp(wave), np.exp(-wave), np.ones(130), 0 * wave])
    found = agreement(media, np.exp(0.1 * wave), weeks, trend=True)
    assert found[0] > 0.99 and found[1] < -0.95
    np.testing.assert_allclose(found[2:], 0.0, atol=1e-3)
    noise = np.exp(0.1 * np.random.default_rng(1).standard_normal(130))
    assert agreement(trend[None], trend, weeks, trend=True)[0] > 0.9
    assert agreement((trend * noise)[None], trend, weeks, trend=False)[0] < 0.3, "what merely grows is not in season"
    both = (trend * np.exp(wave))[None], 10 * trend**2 * np.exp(0.1 * wave), weeks
    assert agreement(*both, trend=False)[0] > 0.8


def one_series(posterior: Posterior, **variables) -> Posterior:
    """Return a posterior of one geo of the shared run, with other data."""
    tree = posterior.tree.copy()
    data = posterior.data.isel(geo=[0])
    tree["constant_data"] = xr.DataTree(data.assign({n: (data[n].dims, v) for n, v in variables.items()}))
    return Posterior(tree)


def test_of_a_single_series_the_season_tells(small_posterior):
    data = small_posterior.data
    weeks = pd.DatetimeIndex(data["week"])
    season = np.exp(0.3 * np.cos(2 * np.pi * weeks.dayofyear.to_numpy() / 365.25))
    media = data["media"].to_numpy()[:, :1].copy()
    media[1, 0, -len(weeks) :] = season
    found = follows_demand(one_series(small_posterior, media=media, y=season[None]))
    assert found["search"].follows and found["search"].agreement > 0.95 and found["search"].chance is None
    assert [found[c].follows for c in ("tv", "social")] == [False, False]
    reason = in_words(confounding([], found)[1])
    assert reason.status == "REVIEW" and "its trend, season and peaks are those of demand" in reason.message
    assert confounding([], {"tv": Demand(None, agreement=0.49, season=0.6)})[1].status == "PASS"


def test_what_merely_grows_as_sales_do_is_not_said_to_be_too_high():
    reason = in_words(confounding([], {"tv": Demand(None, agreement=0.9, season=0.1)})[1])
    assert reason.status == "REVIEW" and "tv grows or falls as demand does" in reason.message
    assert "likely too high" not in reason.message
    assert Demand(0.001, agreement=0.9, season=0.1).foretold and not Demand(0.001, agreement=0.9, season=0.1).grows


def test_by_geo_too_a_channel_in_season_with_the_whole_kpi_stays_where_it_is(small_posterior):
    """Surprises tell nothing where geos move as one; the season of their sum does."""
    data, weeks = small_posterior.data, pd.DatetimeIndex(small_posterior.data["week"])
    season = np.exp(0.3 * np.cos(2 * np.pi * weeks.dayofyear.to_numpy() / 365.25))
    media = data["media"].to_numpy().copy()
    media[1, :, -len(weeks) :] = season
    planned = changed(small_posterior, "constant_data", media=media, y=np.tile(season, (data.sizes["geo"], 1)))
    found = follows_demand(planned)
    assert found["search"].follows and not found["search"].foretold
    assert response_curves(with_doubt(planned, Model(), Sampler()), Allocate()).held == ("search",)
    reason = in_words(confounding([], found)[1])
    assert reason.status == "REVIEW" and "its trend, season and peaks are those of demand" in reason.message


def test_by_geo_what_media_did_to_the_kpi_is_no_agreement_with_demand(small_posterior):
    """A channel with a season of its own, which the KPI has from it alone, follows nothing."""
    data, weeks = small_posterior.data, pd.DatetimeIndex(small_posterior.data["week"])
    media = data["media"].to_numpy().copy()
    angle = 2 * np.pi * weeks.dayofyear.to_numpy() / 365.25
    media[1, :, -len(weeks) :] = np.exp(0.8 * np.cos(angle))
    beta = small_posterior.tree["posterior"]["beta"].to_numpy() * np.array([1.0, 10.0, 1.0])
    planned = changed(changed(small_posterior, "constant_data", media=media), "posterior", beta=beta)
    noise = np.random.default_rng(2).standard_normal(data["y"].shape)
    kpi = mean_contributions(planned).sum(axis=0) + 0.5 + 0.1 * np.sin(angle) + 0.01 * noise
    told = changed(planned, "constant_data", y=kpi)
    found = follows_demand(told)["search"]
    brought, kpi = mean_contributions(told)[1], told.data["y"].to_numpy()
    scale = told.data["scale"].to_numpy()[:, None]
    credited = (scale * brought).sum() / (scale * kpi).sum()
    assert in_step(planned.data, kpi)[0][1] > IN_STEP, "the KPI has its season"
    assert found.agreement == pytest.approx(credited, abs=0.15) and found.agreement < IN_STEP


def test_the_file_says_which_channels_follow_demand(small_posterior, small_run):
    found = small_run.fitted.diagnostics["demand"]
    assert small_posterior.data["follows_demand"].to_numpy().tolist() == [
        found[channel]["follows"] for channel in small_posterior.channels
    ]
    assert set(found["tv"]) == {"follows", "chance", "agreement", "season"}


@pytest.mark.parametrize(
    ("says", "status"),
    [
        (("much", "some"), "PASS"),
        (("little", "some"), "PASS"),
        (("little", "little", "much"), "REVIEW"),
        (("little",), "REVIEW"),
    ],
)
def test_answers_that_mostly_rest_on_priors_are_a_warning(says, status):
    taught = {f"channel {c}": {"says": word, "value": 1.0} for c, word in enumerate(says)}
    reason = foundation(taught)
    assert reason.status == status
    said = in_words(reason)
    assert ("channel 0" in said.message) == (says[0] == "little")
    assert ("run lift tests" in said.remedy) == (status == "REVIEW")


def test_channels_that_hardly_act_are_told_from_others(small_posterior):
    """A channel whose draws lie far below those of its siblings, in the pool and out of it."""
    before = idle_channels(small_posterior)
    assert list(before) == small_posterior.channels and max(before.values()) < 0.5
    roi = small_posterior.tree["posterior"]["roi"].to_numpy().copy()
    roi[..., 2] *= 0.02
    found = idle_channels(changed(small_posterior, "posterior", roi=roi))
    assert found["social"] > 0.9 and found["tv"] == pytest.approx(before["tv"])
    assert list(idle_channels(carrying(small_posterior, social="roi"))) == ["tv", "search"]


def test_the_prior_of_the_pool_talks_where_it_is_narrow(small_posterior):
    """The wider the pool, the less it says of a channel."""
    of = small_posterior
    sizes = of.tree["posterior"]["pool_spread"].shape
    tight, wide = (
        prior_sensitivity(changed(of, "posterior", pool_spread=np.full(sizes, s)), ChannelPriors())["search"]["prior"]
        for s in (0.2, 5.0)
    )
    assert tight > wide


def test_the_verdict_holds_all_checks(small_run):
    found = small_run.fitted.diagnostics
    names = [reason["check"] for reason in found["reasons"]]
    assert {"prior_predictive", "prior_and_data", "channels_apart", "media_and_demand", "foundation"} <= set(names)
    assert len(names) == len(set(names))
    channels = set(small_run.panel.channels)
    assert set(found["sensitivity"]) == set(found["demand"]) == set(found["learning"]) == channels
