import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import theilslopes

from mmm_bayes.config import Allocate, Limits, Model, PanelColumns, ReachFrequency, SimulatedChannel
from mmm_bayes.features import make_inputs, make_scaling, ways
from mmm_bayes.lightgbm import Boosted, fit_lightgbm
from mmm_bayes.lightgbm.carry import choose_ways, splits
from mmm_bayes.lightgbm.fit import block_weeks
from mmm_bayes.lightgbm.trees import Effects
from mmm_bayes.lightgbm.trend import robust_trend
from mmm_bayes.panel import Panel, panel_from_frame
from mmm_bayes.simulate import PanelSpec, simulate_panel

SPEC = PanelSpec(geos=4, weeks=80, seed=11)
REPLICATES = 6


def make_panel(spec: PanelSpec) -> Panel:
    made = simulate_panel(spec)
    return panel_from_frame(made.frame, made.columns, "simulated")


def changed(panel: Panel, **variables) -> Panel:
    return replace(panel, data=panel.data.assign(variables))


def without(panel: Panel, channel: str) -> Panel:
    """The same panel had the channel never spent."""
    off = panel.data["media"].where(panel.data["channel"] != channel, 0.0)
    return changed(panel, media=off)


@pytest.fixture(scope="module")
def panel() -> Panel:
    return make_panel(SPEC)


@pytest.fixture(scope="module")
def baseline(panel) -> Boosted:
    return fit_lightgbm(panel, Model(), bootstrap=REPLICATES, seed=3)


@pytest.fixture(scope="module")
def point(panel) -> Boosted:
    return fit_lightgbm(panel, Model(), bootstrap=0, seed=3)


# --- exact readings of the trees ----------------------------------------------------------------


def test_contributions_are_what_the_prediction_loses_without_the_channel(panel, point):
    contributions = point.contributions(panel)[0]
    for c, channel in enumerate(panel.channels):
        lost = point.predict(panel) - point.predict(without(panel, channel))
        np.testing.assert_allclose(contributions[c], lost, rtol=1e-6, atol=1e-6 * point.scaling.kpi.max())


def test_staircases_are_the_trees_at_their_very_edges(panel, point):
    for c, (edges, steps) in enumerate(zip(point.effects[0].edges, point.effects[0].steps, strict=True)):
        rows = np.zeros((len(edges), point.booster.num_feature()))
        rows[:, c] = edges
        nothing = point.booster.predict(rows[:1] * 0)
        found = steps[np.searchsorted(edges, edges)]
        np.testing.assert_allclose(found, point.booster.predict(rows) - nothing, atol=1e-12)
        carried = Effects(np.ones((1, 1)), (edges,), (steps,)).respond(0, edges[None], 1)[0]
        np.testing.assert_array_equal(carried, found)


def test_contributions_add_up_over_channels(panel, point):
    nothing = changed(panel, media=panel.data["media"] * 0.0)
    lost = point.predict(panel) - point.predict(nothing)
    np.testing.assert_allclose(point.contributions(panel)[0].sum(axis=0), lost, rtol=1e-6, atol=1e-3)


def test_roi_is_contribution_in_currency_over_spend(panel, point):
    value = panel.data["value"] * 0 + np.linspace(1.0, 3.0, 80)
    priced = changed(panel, value=value)
    roi = point.roi(priced).set_index("channel")
    for c, channel in enumerate(panel.channels):
        money = (point.contributions(panel)[0, c] * np.linspace(1.0, 3.0, 80)).sum()
        spend = float(panel.data["spend"].sel(channel=channel).sum())
        assert roi.loc[channel, "contribution"] == pytest.approx(money)
        assert roi.loc[channel, "roi_mean"] == roi.loc[channel, "roi_median"] == pytest.approx(money / spend)
    assert roi[["roi_low", "roi_high"]].isna().all(axis=None)


def test_more_media_never_predicts_less(panel, point):
    before = point.predict(panel)
    for channel in panel.channels:
        own = panel.data["channel"] == channel
        more = changed(panel, media=panel.data["media"] * (1 + 0.5 * own) + own * 10.0)
        assert (point.predict(more) >= before - 1e-9 * before.max()).all()


def test_intervals_hold_the_median_and_come_from_the_replicates(panel, baseline):
    roi = baseline.roi(panel, ci_prob=0.8)
    draws = baseline.contributions(panel).sum(axis=(2, 3)) / panel.data["spend"].sum(["geo", "week"]).to_numpy()
    assert len(draws) == REPLICATES
    np.testing.assert_allclose(roi["roi_low"], pd.DataFrame(draws).quantile(0.1))
    np.testing.assert_allclose(roi["roi_high"], pd.DataFrame(draws).quantile(0.9))
    assert (roi["roi_low"] <= roi["roi_median"]).all() and (roi["roi_median"] <= roi["roi_high"]).all()
    assert (roi["roi_low"] >= 0).all() and (roi["roi_high"] > roi["roi_low"]).any()


# --- curves -------------------------------------------------------------------------------------


def test_todays_spend_over_the_whole_panel_returns_its_contribution_and_the_tail(panel, baseline):
    curves = baseline.curves(panel, Allocate(weeks=80))
    inside = baseline.contributions(panel).sum(axis=(2, 3))
    assert curves.model == "lightgbm" and curves.channels == tuple(panel.channels)
    np.testing.assert_allclose(curves.today, panel.data["spend"].sum(["geo", "week"]))
    response = curves.at(curves.today)
    step = np.diff(curves.response, axis=2).max(axis=2)
    assert (response >= inside - step).all()
    assert (response <= 1.25 * inside + step).all()


def test_curve_equals_the_difference_of_two_predictions(panel, point):
    """A later panel in which the window's media were doubled, with weeks of silence after it."""
    weeks, tail = 10, 7
    curve = point.curves(panel, Allocate(weeks=weeks))
    long = panel.data.isel(week=np.r_[np.arange(80), np.full(tail, 79)])
    long = long.assign_coords(week=pd.date_range(panel.weeks[0], periods=80 + tail, freq="7D"))

    def predict(channel: str, multiplier: float) -> np.ndarray:
        steps = np.r_[np.ones(80 - weeks), np.full(weeks, multiplier), np.zeros(tail)]
        media = long["media"].where(long["channel"] == channel, 0.0) * xr.DataArray(steps, dims="week")
        return point.predict(replace(panel, data=long.assign(media=media)))

    for c, channel in enumerate(panel.channels):
        for p in (30, 100):
            gained = predict(channel, curve.spend[c, p] / curve.today[c]) - predict(channel, 0.0)
            assert curve.response[0, c, p] == pytest.approx(gained.sum(), rel=1e-6, abs=1e-3)


@pytest.mark.parametrize(("weeks", "flighting"), [(1, "historical"), (26, "steady"), (120, "historical")])
def test_curves_rise_from_nothing_to_the_limits_for_any_window(panel, baseline, weeks, flighting):
    limits = {"tv": Limits(upper=5e6), "search": Limits(relative=(0, 4))}
    curves = baseline.curves(panel, Allocate(weeks=weeks, flighting=flighting, limits=limits))
    assert (curves.spend[:, 0] == 0).all() and (np.diff(curves.spend) > 0).all()
    assert (curves.response[..., 0] == 0).all() and (np.diff(curves.response) >= -1e-6).all()
    assert (curves.observed >= curves.today * (1 - 1e-9)).all()
    ends = dict(zip(curves.channels, curves.spend[:, -1], strict=True))
    assert ends["tv"] > 5e6 and ends["search"] > 4 * curves.today[curves.channels.index("search")]
    assert ends["display"] == pytest.approx(2.002 * curves.today[curves.channels.index("display")])


def test_geos_can_be_planned_by_themselves(panel, baseline):
    whole = baseline.curves(panel, Allocate(weeks=20))
    parts = baseline.curves(panel, Allocate(weeks=20, by_geo=True))
    assert parts.channels[:2] == ("search | geo_01", "search | geo_02")
    assert parts.response.shape[1] == len(panel.channels) * 4
    np.testing.assert_allclose(parts.response.reshape(REPLICATES, -1, 4, 101).sum(axis=2), whole.response, atol=1e-3)
    np.testing.assert_allclose(parts.today.reshape(-1, 4).sum(axis=1), whole.today)


def test_a_geo_without_any_spend_of_a_channel_is_no_arm(panel):
    off = (panel.data["channel"] == "tv") & (panel.data["geo"] == "geo_02")
    quiet = changed(panel, media=panel.data["media"].where(~off, 0.0), spend=panel.data["spend"].where(~off, 0.0))
    fitted = fit_lightgbm(quiet, Model(), bootstrap=0)
    arms = fitted.curves(quiet, Allocate(weeks=20, by_geo=True)).channels
    assert "tv | geo_02" not in arms and "tv | geo_01" in arms


# --- same seed, same answer ---------------------------------------------------------------------


SCRIPT = """
import sys
from tests.test_lightgbm import SPEC, make_panel
from mmm_bayes.lightgbm import fit_lightgbm
from mmm_bayes.config import Model
panel = make_panel(SPEC)
sys.stdout.write(fit_lightgbm(panel, Model(), bootstrap=3, seed=3).roi(panel).to_csv(float_format="%.17g"))
"""


def test_same_seed_same_bytes_whatever_the_threads(panel):
    def run(threads: int) -> str:
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        environment = {**os.environ, **dict.fromkeys(names, str(threads)), "PYTHONPATH": "."}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    here = fit_lightgbm(panel, Model(), bootstrap=3, seed=3).roi(panel).to_csv(float_format="%.17g")
    assert run(1) == run(2) == here
    assert fit_lightgbm(panel, Model(), bootstrap=3, seed=4).roi(panel).to_csv(float_format="%.17g") != here


def test_units_do_not_matter(panel, point):
    pence = changed(
        panel,
        kpi=panel.data["kpi"] * 100,
        spend=panel.data["spend"] * 100,
        media=panel.data["media"] * 100,
        population=panel.data["population"] * 100,
    )
    other = fit_lightgbm(pence, Model(), bootstrap=0, seed=3)
    assert (other.choice == point.choice).all()
    np.testing.assert_allclose(other.roi(pence)["roi_median"], point.roi(panel)["roi_median"], rtol=1e-6)
    np.testing.assert_allclose(other.predict(pence), 100 * point.predict(panel), rtol=1e-6)


# --- forecasts ----------------------------------------------------------------------------------


def test_forecast_does_not_read_the_kpi_of_the_weeks_ahead(panel):
    fitted = fit_lightgbm(panel.head(70), Model(), bootstrap=0)
    blind = changed(panel, kpi=panel.data["kpi"].where(panel.data["week"] < panel.data["week"][70], 0.0))
    np.testing.assert_array_equal(fitted.forecast(panel), fitted.forecast(blind))
    draws = fitted.forecast(panel)[:, :, 70:]
    observed = panel.data["kpi"].transpose("geo", "week").to_numpy()[:, 70:]
    assert np.abs(draws.mean(axis=0) - observed).sum() < 0.2 * observed.sum()


def test_a_panel_that_starts_later_is_predicted_alike(panel, point):
    past = panel.data["media"].isel(week=slice(3, 10)).rename(week="past").drop_vars("past")
    later = panel.data.drop_vars("history").isel(week=slice(10, None)).assign(history=past)
    np.testing.assert_allclose(point.predict(replace(panel, data=later)), point.predict(panel)[:, 10:])


def test_a_growing_business_is_extrapolated():
    spec = PanelSpec(geos=1, weeks=104, trend=0.4, drift=0.002, season=0.0, noise=0.01, seed=4)
    grown = make_panel(spec)
    fitted = fit_lightgbm(grown.head(84), Model(), bootstrap=0)
    ahead = fitted.predict(grown)[0, 84:]
    observed = grown.data["kpi"].to_numpy()[0, 84:]
    assert abs(ahead.mean() / observed.mean() - 1) < 0.1
    assert ahead.mean() > grown.data["kpi"].to_numpy()[0, 70:84].mean()


def test_misses_come_from_weeks_that_were_not_trained_on(panel, point):
    weeks = sum(len(valid) for _, valid in splits(np.arange(80), 80))
    assert point.misses.shape == (weeks, 4)
    inside = panel.data["kpi"].transpose("geo", "week").to_numpy() - point.predict(panel)
    assert point.misses.std() > inside.std()


# --- parts --------------------------------------------------------------------------------------


@given(
    y=hnp.arrays(float, (2, 12), elements=st.floats(-5, 5)),
    weeks=st.lists(st.integers(0, 11), min_size=12, max_size=12).filter(lambda w: len(set(w)) > 2).map(sorted),
)
def test_robust_trend_is_scipys(y, weeks):
    time = np.arange(12.0)[weeks]
    expected = [theilslopes(row[weeks], time) for row in y]
    found = robust_trend(y[:, weeks], time)
    np.testing.assert_allclose(found, [(e.intercept, e.slope) for e in expected], atol=1e-12)


@settings(max_examples=50)
@given(count=st.integers(20, 160), seed=st.integers(0, 99))
def test_block_weeks_are_blocks_of_the_panels_length(count, seed):
    weeks = block_weeks(count, np.random.default_rng(seed))
    assert len(weeks) == count and weeks.min() >= 0 and weeks.max() < count
    assert (np.diff(weeks) >= 0).all()
    neighbours = np.isin(weeks + 1, weeks) | np.isin(weeks - 1, weeks)
    assert neighbours.mean() > 0.9


def test_a_repeated_week_is_never_trained_on_and_judged_by():
    weeks = block_weeks(60, np.random.default_rng(1))
    for train, valid in splits(weeks, 60):
        assert train.max() < valid.min()


def test_retention_is_found_where_media_are_loud():
    """A pulse channel that lasts and one that does not, on a calm business."""
    channels = {
        "long": SimulatedChannel(pattern="flighted", share=0.08, roi=3, alpha=0.8, slope=1.0),
        "short": SimulatedChannel(pattern="flighted", share=0.08, roi=3, alpha=0.0, slope=1.0),
    }
    calm = make_panel(
        PanelSpec(geos=4, weeks=104, channels=channels, drift=0.0, noise=0.01, season=0.0, trend=0.0, departure=0.0)
    )
    inputs = make_inputs(calm, make_scaling(calm, 8))
    long, short = (list(ways(8))[way] for way in choose_ways(inputs, np.arange(104)))
    assert long in ("adstock_0.6", "adstock_0.8", "mean_8")
    assert short in ("adstock_0.0", "adstock_0.2")


def test_a_loud_channel_is_credited_and_a_silent_one_is_not():
    channels = {
        "loud": SimulatedChannel(pattern="flighted", share=0.08, roi=3, kappa=1.0),
        "dud": SimulatedChannel(pattern="flighted", share=0.08, roi=0.0),
    }
    loud = make_panel(PanelSpec(geos=6, weeks=104, channels=channels, drift=0.005, noise=0.02, seed=2))
    roi = fit_lightgbm(loud, Model(), bootstrap=0).roi(loud).set_index("channel")["roi_median"]
    assert 2.0 < roi["loud"] < 4.0 and roi["dud"] < 0.5


# --- odd panels ---------------------------------------------------------------------------------


def test_a_short_national_panel_is_fitted():
    short = make_panel(PanelSpec(geos=1, weeks=20, seed=1))
    fitted = fit_lightgbm(short, Model(), bootstrap=3)
    assert np.isfinite(fitted.forecast(short)).all()
    assert (fitted.roi(short)[["roi_low", "roi_high"]] >= 0).all(axis=None)


def test_organic_reach_holidays_controls_and_history_are_taken(panel):
    generator = np.random.default_rng(0)
    frame = simulate_panel(SPEC).frame
    frame["mails"] = generator.poisson(3, len(frame)) * 1000.0
    frame["reach"], frame["often"] = frame["spend_tv"] * 7, generator.uniform(1, 4, len(frame))
    frame["xmas"] = (frame["week"].dt.isocalendar().week == 51).astype(float)
    frame["price"] = 1e6 * generator.normal(5, 1, len(frame))
    frame["revenue"] = frame["revenue"].mask(frame["week"] < frame["week"].unique()[5])
    columns = PanelColumns(
        geo="geo",
        kpi="revenue",
        spend={"tv": "spend_tv", "search": "spend_search"},
        organic={"mail": "mails"},
        reach_frequency={"tv": ReachFrequency(reach="reach", frequency="often")},
        controls=("price",),
        holidays=("xmas",),
    )
    rich = panel_from_frame(frame, columns, "rich")
    fitted = fit_lightgbm(rich, Model(l_max=6), bootstrap=2)
    roi = fitted.roi(rich).set_index("channel")
    assert np.isnan(roi.loc["mail", "roi_median"]) and roi.loc["mail", "contribution"] >= 0
    assert fitted.curves(rich, Allocate(weeks=12)).channels == ("tv", "search")
    seen = make_inputs(rich, fitted.scaling)
    assert (seen.media[1, :, :5] > 0).all(), "spend before the first week carries over"
    doubled = changed(rich, frequency=rich.data["frequency"] * 2)
    np.testing.assert_allclose(make_inputs(doubled, fitted.scaling).media[0, :, 5:], 2 * seen.media[0, :, 5:])


def test_channels_in_step_and_constant_controls_do_no_harm():
    frame = simulate_panel(PanelSpec(geos=2, weeks=40)).frame.assign(flat=1.0, twin=lambda f: 2 * f["spend_tv"])
    columns = PanelColumns(
        geo="geo", kpi="revenue", spend={"a": "spend_tv", "b": "twin", "c": "spend_search"}, controls=("flat",)
    )
    twins = panel_from_frame(frame, columns, "twins")
    assert np.isfinite(fit_lightgbm(twins, Model(), bootstrap=2).roi(twins)["roi_median"]).all()


def test_progress_is_told():
    told = []
    short = make_panel(PanelSpec(geos=1, weeks=30))
    fit_lightgbm(short, Model(), bootstrap=2, progress=lambda message, done: told.append((message, done)))
    assert [done for _, done in told] == [0.5, 1.0]
