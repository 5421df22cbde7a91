import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from mmm_bayes.config import Compare, Model, PanelColumns
from mmm_bayes.errors import DataError
from mmm_bayes.evaluate import (
    Forecast,
    Split,
    compare,
    conflicts,
    crps,
    errors,
    interval_score,
    other_forecasts,
    over_folds,
    roi_table,
    rolling_splits,
    save_comparison,
    seasonal_naive,
    split_holdout,
)
from mmm_bayes.findings import Finding
from mmm_bayes.panel import Panel, panel_from_frame
from mmm_bayes.report.words import word
from mmm_bayes.simulate import PanelSpec, simulate_panel


def panel_of(kpi: np.ndarray) -> Panel:
    """A panel with this KPI ``(geo, week)`` and one channel."""
    geos, weeks = kpi.shape
    frame = pd.DataFrame(
        {
            "geo": np.repeat([f"g{g}" for g in range(geos)], weeks),
            "week": np.tile(pd.date_range("2022-01-03", periods=weeks, freq="7D"), geos),
            "sales": kpi.ravel(),
            "tv": np.random.default_rng(0).uniform(1, 2, kpi.size),
        }
    )
    return panel_from_frame(frame, PanelColumns(geo="geo", kpi="sales", spend={"tv": "tv"}), "made")


def noisy(geos: int, weeks: int) -> np.ndarray:
    return np.random.default_rng(geos + weeks).uniform(50, 150, (geos, weeks))


# --- metrics ------------------------------------------------------------------------------------


def test_errors_by_hand():
    observed = np.array([[10.0, 20.0], [0.0, 40.0]])
    forecast = Forecast(
        mean=np.array([[12.0, 18.0], [1.0, 40.0]]),
        low=np.array([[9.0, 16.0], [0.5, 30.0]]),
        high=np.array([[13.0, 19.0], [2.0, 50.0]]),
    )
    found = errors(observed, forecast, 0.9)
    assert found["wmape"] == pytest.approx(5 / 70)
    assert found["wmape_total"] == pytest.approx((3 + 2) / 70)
    assert found["mape"] == pytest.approx((0.2 + 0.1 + 0.0) / 3)
    assert found["mae"] == pytest.approx(5 / 4)
    assert found["rmse"] == pytest.approx(np.sqrt((4 + 4 + 1 + 0) / 4))
    assert found["bias"] == pytest.approx((2 - 2 + 1) / 70)
    assert found["coverage"] == 0.5
    assert found["width"] == pytest.approx((4 + 3 + 1.5 + 20) / 70)
    assert found["crps"] is None and found["ci_prob"] == 0.9


def test_nothing_observed_has_no_relative_error():
    zero = np.zeros((1, 3))
    found = errors(zero, Forecast(zero + 1, zero, zero + 2), 0.9)
    assert found["wmape"] is found["mape"] is found["width"] is None
    assert found["mae"] == 1.0
    json.dumps(found, allow_nan=False)


@given(
    draws=hnp.arrays(float, st.tuples(st.integers(1, 20), st.just(2), st.just(3)), elements=st.floats(-100, 100)),
    observed=hnp.arrays(float, (2, 3), elements=st.floats(-100, 100)),
)
def test_crps_is_its_definition(draws, observed):
    pairs = np.abs(draws[:, None] - draws[None]).mean(axis=(0, 1))
    expected = np.abs(draws - observed).mean(axis=0) - pairs / 2
    np.testing.assert_allclose(crps(observed, draws), expected, atol=1e-9)
    area = [stats.energy_distance(draws[:, g, t], [observed[g, t]]) ** 2 / 2 for g, t in np.ndindex(2, 3)]
    np.testing.assert_allclose(crps(observed, draws).ravel(), area, atol=1e-5)


def test_crps_of_a_normal_is_near_its_closed_form():
    draws = stats.norm.ppf((np.arange(4000) + 0.5) / 4000)[:, None]
    y = np.array([0.7])
    closed = y * (2 * stats.norm.cdf(y) - 1) + 2 * stats.norm.pdf(y) - 1 / np.sqrt(np.pi)
    np.testing.assert_allclose(crps(y, draws), closed, atol=1e-3)


def test_an_honest_interval_covers_as_it_claims_and_sums_keep_geos_together():
    generator = np.random.default_rng(1)
    common = generator.standard_normal((2000, 1, 40))
    forecast = Forecast.from_draws(100 + 5 * np.repeat(common, 3, axis=1), 0.8)
    observed = 100 + 5 * np.repeat(generator.standard_normal((1, 40)), 3, axis=0)
    assert errors(observed, forecast, 0.8)["coverage"] == pytest.approx(0.8, abs=0.15)
    width = (forecast.high - forecast.low).mean()
    assert np.mean(forecast.total(0.8).high - forecast.total(0.8).low) == pytest.approx(3 * width, rel=0.02)
    alone = replace(forecast, draws=None).total(0.8)
    np.testing.assert_allclose(alone.high - alone.low, [(forecast.high - forecast.low).sum(axis=0)])


# --- the holdout and the naive forecast ---------------------------------------------------------


def test_split_keeps_the_last_weeks_aside():
    panel = panel_of(noisy(2, 60))
    split = split_holdout(panel, Compare(holdout=12))
    assert (split.holdout, len(split.train.weeks), split.notes) == (12, 48, ())
    assert split.train.weeks[-1] < panel.weeks[-12]


def test_a_short_panel_gets_a_shorter_holdout_with_a_note_or_an_error():
    split = split_holdout(panel_of(noisy(1, 25)), Compare(holdout=12))
    assert split.holdout == 5 and len(split.train.weeks) == 20
    assert "5 weeks instead of 12" in word(split.notes[0])
    with pytest.raises(DataError, match="the panel has 21 weeks; a comparison needs 22, 20 to train on and 2"):
        split_holdout(panel_of(noisy(1, 21)), Compare(holdout=12))


def started(panel: Panel, variable: str, dim: str, name: str, week: int, before: float = 0.0) -> Panel:
    """Return a panel in which a channel or a geo starts in a week."""
    late = (panel.data[dim] == name) & (panel.data["week"] < panel.data["week"][week])
    return replace(panel, data=panel.data.assign({variable: panel.data[variable].where(~late, before)}))


@pytest.mark.parametrize(("start", "holdout"), [(65, 10), (61, 10), (69, 2)])
def test_a_channel_that_starts_in_the_holdout_is_left_out_of_the_comparison(made, start, holdout):
    new = started(made[1], "media", "channel", "tv", start)
    split = split_holdout(new, Compare(holdout=holdout))
    assert split.panel.channels == split.train.channels == [c for c in new.channels if c != "tv"]
    first = f"{new.weeks[-holdout]:%Y-%m-%d}"
    assert word(split.notes[0]).startswith(f"No media before {first}, where the holdout begins,")
    assert ": tv. A lower" in word(split.notes[0])
    known = split_holdout(started(made[1], "media", "channel", "tv", 50), Compare(holdout=holdout))
    assert known.panel.channels == new.channels and known.notes == ()


def test_a_geo_that_starts_in_the_holdout_is_left_out_with_the_lift_tests_that_it_takes_part_in(made):
    late = made[1].geos[0]
    split = split_holdout(started(made[1], "kpi", "geo", late, 64, before=7.0), Compare(holdout=10))
    assert split.panel.geos == made[1].geos[1:]
    assert word(split.notes[0]).startswith("The KPI is constant or not positive before")
    assert f": {late}. A lower" in word(split.notes[0])
    test = {"channel": "tv", "start": "2022-01-03", "end": "2022-02-01", "spend_change": 1, "incremental_kpi": 1}
    tests = [{**test, "standard_error": 1, "geos": geos} for geos in ([late], made[1].geos[1:], None)]
    assert len(split.model(Model(lift_tests=tests)).lift_tests) == 1
    assert len(split_holdout(made[1], Compare(holdout=10)).model(Model(lift_tests=tests)).lift_tests) == 3


def test_a_holdout_before_which_there_is_nothing_is_refused():
    panel = panel_of(noisy(2, 40))
    late = panel.data["media"].where(panel.data["week"] >= panel.data["week"][35], 0.0)
    with pytest.raises(DataError, match=r"no paid channel has media before .*; lower 'compare.holdout'"):
        split_holdout(replace(panel, data=panel.data.assign(media=late)), Compare(holdout=10))
    kpi = panel.data["kpi"].where(panel.data["week"] >= panel.data["week"][35], 7.0)
    with pytest.raises(DataError, match="the KPI of every geo is constant"):
        split_holdout(replace(panel, data=panel.data.assign(kpi=kpi)), Compare(holdout=10))


@pytest.mark.parametrize(("weeks", "holdout"), [(120, 12), (60, 12), (52, 4), (55, 20), (30, 8), (200, 60)])
def test_seasonal_naive_is_last_years_value_or_the_last_one(weeks, holdout):
    kpi = noisy(2, weeks)
    split = split_holdout(panel_of(kpi), Compare(holdout=holdout))
    mean = seasonal_naive(split, 0.9).mean
    known = weeks - holdout
    for g in range(2):
        for ahead in range(holdout):
            week = known + ahead
            while week >= known:
                week -= 52
            assert mean[g, ahead] == (kpi[g, week] if week >= 0 else kpi[g, known - 1])


def test_seasonal_naive_covers_a_series_that_wanders_as_it_did():
    year = 100 + 20 * np.sin(2 * np.pi * np.arange(156) / 52)
    kpi = year + np.random.default_rng(5).normal(0, 3, (3, 156))
    panel = panel_of(kpi)
    forecast = seasonal_naive(split_holdout(panel, Compare(holdout=30)), 0.9)
    assert errors(kpi[:, -30:], forecast, 0.9)["coverage"] == pytest.approx(0.9, abs=0.08)


# --- comparison ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made():
    simulated = simulate_panel(PanelSpec(geos=3, weeks=70, seed=8))
    return simulated, panel_from_frame(simulated.frame, simulated.columns, "made")


@pytest.fixture(scope="module")
def split(made) -> Split:
    return split_holdout(made[1], Compare(holdout=10))


@pytest.fixture(scope="module")
def forecasts(made, split) -> dict[str, Forecast]:
    observed = made[1].data["kpi"].transpose("geo", "week").to_numpy()[:, -10:]
    draws = observed * (1 + 0.03 * np.random.default_rng(0).standard_normal((200, *observed.shape)))
    return {"bayesian": Forecast.from_draws(draws, 0.9), **other_forecasts(split, Model(), 1, 0.9)}


def roi_of(channels: dict[str, tuple[float, float, float]], spend: float = 10.0) -> pd.DataFrame:
    rows = [(c, spend, m, m, low, high) for c, (m, low, high) in channels.items()]
    return pd.DataFrame(rows, columns=["channel", "spend", "roi_mean", "roi_median", "roi_low", "roi_high"])


def test_both_models_are_judged_on_the_same_weeks(made, split, forecasts):
    found = compare(split, forecasts, roi_table(roi_of({}), roi_of({})), 0.9)
    assert list(found.summary["errors"]) == ["bayesian", "lightgbm", "seasonal_naive"]
    assert (found.summary["holdout_weeks"], found.summary["train_weeks"]) == (10, 60)
    assert found.summary["first_week"] == f"{made[1].weeks[60]:%Y-%m-%d}"
    table = made[0].frame.groupby("week")["revenue"].sum().iloc[-10:]
    np.testing.assert_allclose(found.holdout["observed"], table)
    assert list(found.holdout.columns) == [
        *("week", "observed", "bayesian", "bayesian_low", "bayesian_high"),
        *("lightgbm", "lightgbm_low", "lightgbm_high", "seasonal_naive"),
    ]
    assert (found.holdout["lightgbm_low"] < found.holdout["lightgbm_high"]).all()
    missed = np.abs(found.holdout["lightgbm"] - found.holdout["observed"]).sum() / table.sum()
    assert found.summary["errors"]["lightgbm"]["wmape_total"] == pytest.approx(missed)


def test_the_other_forecasts_do_not_see_the_holdout(made, split, forecasts):
    panel = made[1]
    kpi = panel.data["kpi"].where(panel.data["week"] < panel.data["week"][60], 1.0)
    blind = other_forecasts(replace(split, panel=replace(panel, data=panel.data.assign(kpi=kpi))), Model(), 1, 0.9)
    for model, forecast in blind.items():
        np.testing.assert_array_equal(forecast.mean, forecasts[model].mean)
        np.testing.assert_array_equal(forecast.high, forecasts[model].high)


def test_roi_stands_beside_roi_and_truth():
    bayesian = roi_of({"tv": (2.0, 1.0, 3.0), "mail": (np.nan, np.nan, np.nan), "search": (4.0, 3.5, 5.0)})
    lightgbm = roi_of({"search": (1.0, 0.5, 1.5), "tv": (1.8, 1.5, 1.9), "mail": (np.nan, np.nan, np.nan)})
    table = roi_table(bayesian, lightgbm, {"tv": 2.5, "search": 1.0}).set_index("channel")
    assert list(table.index) == ["tv", "search"]
    assert table["lightgbm_roi"].tolist() == [1.8, 1.0]
    assert table["true_roi"].tolist() == [2.5, 1.0]
    assert table["bayesian_covers"].tolist() == [True, False]
    assert table["lightgbm_covers"].tolist() == [False, True]
    assert table["contradict"].tolist() == [False, True]
    unknown = roi_table(bayesian, lightgbm)
    assert unknown[["true_roi", "bayesian_covers", "lightgbm_covers"]].isna().all(axis=None)


def test_models_contradict_where_intervals_part_or_one_median_is_twice_the_other():
    own = roi_of({"apart": (2.0, 1.8, 2.2), "twice": (2.0, 0.5, 9.0), "near": (2.0, 1.0, 3.0), "free": (np.nan,) * 3})
    other = roi_of({"free": (np.nan,) * 3, "near": (3.9, 1.0, 9.0), "twice": (4.1, 1.0, 9.0), "apart": (3.0, 2.3, 4.0)})
    found = conflicts(own, other.assign(roi_mean=other["roi_mean"] + 1))
    assert [dict(one.values) for one in found] == [
        {"channel": "apart", "own": 2.0, "other": 4.0},
        {"channel": "twice", "own": 2.0, "other": pytest.approx(5.1)},
    ]
    assert conflicts(own, own) == conflicts(own.iloc[:0], other) == []


def in_words(comparison):
    """Return the notes of a comparison in words, by way of JSON."""
    return " ".join(word(Finding(**raw)) for raw in json.loads(json.dumps(comparison.summary["notes"])))


def test_the_notes_say_what_matters(made, split, forecasts):
    tight = Forecast(
        forecasts["bayesian"].mean * 1.5, forecasts["bayesian"].mean * 1.49, forecasts["bayesian"].mean * 1.51
    )
    bad = {**forecasts, "bayesian": tight, "lightgbm": tight}
    roi = roi_table(roi_of({"tv": (4.0, 3.0, 5.0)}), roi_of({"tv": (1.0, 0.5, 1.5)}), {"tv": 4.5})
    short = replace(split, notes=(Finding("comparison.short_holdout", {"weeks": 10, "asked": 12, "least": 20}),))
    notes = in_words(compare(short, bad, roi, 0.9))
    for part in (
        "The holdout is 10 weeks instead of 12, so that 20 remain to train on.",
        "All 10 weeks of the holdout were forecast at once",
        "Neither model forecasts better than last year's values",
        "The 90% intervals of the Bayesian model held only 0%",
        "Good prediction does not prove good attribution",
        "contradict each other on tv:",
        "held it for 1 of 1 for the Bayesian model and 0 of 1 for LightGBM",
    ):
        assert part in notes
    fine = in_words(compare(split, forecasts, roi_table(roi_of({}), roi_of({})), 0.9))
    assert "contradict" not in fine and "true ROI is known" not in fine and "Bayesian model held only" not in fine


def test_files_are_what_was_found(made, split, forecasts, tmp_path):
    roi = roi_table(roi_of({"tv": (4.0, 3.0, 5.0)}), roi_of({"tv": (1.0, 0.5, 1.5)}), {"tv": 4.5})
    found = compare(split, forecasts, roi, 0.9)
    save_comparison(found, tmp_path)
    assert json.loads((tmp_path / "comparison.json").read_text()) == found.summary
    again = pd.read_csv(tmp_path / "comparison.csv")
    assert again.loc[0, "bayesian_covers"] and not again.loc[0, "lightgbm_covers"]
    read = pd.read_csv(tmp_path / "holdout.csv", parse_dates=["week"])
    np.testing.assert_allclose(read.drop(columns="week"), found.holdout.drop(columns="week"))
    assert (read["week"].to_numpy() == made[1].weeks[-10:].to_numpy()).all()


def test_a_forecast_of_other_weeks_is_refused(made, split, forecasts):
    short = Forecast(*(getattr(forecasts["bayesian"], f)[:, :5] for f in ("mean", "low", "high")))
    with pytest.raises(DataError, match=r"'bayesian' has shape \(3, 5\).*3 geos and 10 weeks"):
        compare(split, {"bayesian": short}, roi_table(roi_of({}), roi_of({})), 0.9)
    broken = replace(forecasts["bayesian"], high=forecasts["bayesian"].high * np.nan)
    with pytest.raises(DataError, match="not finite"):
        compare(split, {"bayesian": broken}, roi_table(roi_of({}), roi_of({})), 0.9)


@given(hnp.arrays(float, (3, 5), elements=st.floats(-5, 5)), st.sampled_from([0.5, 0.8, 0.9]))
def test_the_interval_score_is_the_quantile_scores_of_its_ends(observed, ci_prob):
    low, high, outside = np.full((3, 5), -1.5), np.full((3, 5), 2.0), 1 - ci_prob

    def quantile_score(end: np.ndarray, level: float) -> np.ndarray:
        return np.where(observed >= end, level * (observed - end), (1 - level) * (end - observed))

    expected = 2 / outside * (quantile_score(low, outside / 2) + quantile_score(high, 1 - outside / 2))
    np.testing.assert_allclose(interval_score(observed, low, high, ci_prob), expected, atol=1e-9)


def test_a_rolling_origin_goes_back_a_holdout_at_a_time_and_stops_where_too_little_is_left():
    panel = panel_of(noisy(2, 60))
    splits = rolling_splits(panel, Compare(holdout=8, folds=3))
    assert [len(split.train.weeks) for split in splits] == [52, 44, 36]
    assert all(split.holdout == 8 for split in splits)
    assert splits[1].panel.weeks[-1] == splits[0].train.weeks[-1]
    few = rolling_splits(panel, Compare(holdout=15, folds=5))
    assert len(few) == 2 and len(few[1].train.weeks) == 30
    assert few[0].notes[-1] == Finding("comparison.fewer_folds", {"folds": 2, "asked": 5, "least": 20})
    assert rolling_splits(panel, Compare(holdout=8)) == [split_holdout(panel, Compare(holdout=8))]


def test_errors_over_folds_are_their_means_and_the_holdout_has_all_weeks():
    panel = panel_of(noisy(2, 60))
    roi, folds = roi_table(roi_of({}), roi_of({})), []
    for split, miss in zip(rolling_splits(panel, Compare(holdout=8, folds=2)), (1.1, 1.3), strict=True):
        observed = split.panel.data["kpi"].transpose("geo", "week").to_numpy()[:, -8:]
        forecasts = {"bayesian": Forecast.from_draws(miss * observed[None] * np.ones((3, 1, 1)), 0.9)}
        folds.append(compare(split, forecasts, roi, 0.9))
    assert over_folds(folds[:1]) is folds[0]
    found = over_folds(folds)
    assert found.summary["errors"]["bayesian"]["wmape"] == pytest.approx(0.2)
    assert [fold["errors"]["bayesian"]["wmape"] for fold in found.summary["folds"]] == pytest.approx([0.1, 0.3])
    assert found.holdout["week"].tolist() == panel.weeks[-16:].tolist()
    codes = [note["code"] for note in found.summary["notes"]]
    assert codes[:1] == ["comparison.missed"] and codes.count("comparison.folds") == 1
    assert "Errors are means over 2 such holdouts" in in_words(found)


def test_a_forecast_without_any_error_is_the_best_of_its_fold():
    panel = panel_of(noisy(2, 60))
    roi, folds = roi_table(roi_of({}), roi_of({})), []
    for split in rolling_splits(panel, Compare(holdout=8, folds=2)):
        observed = split.panel.data["kpi"].transpose("geo", "week").to_numpy()[:, -8:]
        shapes = {"bayesian": 1.2, "lightgbm": 1.0}
        forecasts = {
            name: Forecast.from_draws(f * observed[None] * np.ones((3, 1, 1)), 0.9) for name, f in shapes.items()
        }
        folds.append(compare(split, forecasts, roi, 0.9))
    (note,) = [n for n in over_folds(folds).summary["notes"] if n["code"] == "comparison.folds"]
    assert note["values"]["best"] == [["bayesian", 0], ["lightgbm", 2]]
