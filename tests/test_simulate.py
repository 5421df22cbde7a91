import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_bayes.config import PanelColumns, Simulate, SimulatedChannel, SimulatedFactor
from mmm_bayes.errors import ConfigError, DataError
from mmm_bayes.panel import panel_from_frame
from mmm_bayes.simulate import (
    DEFAULT_CHANNELS,
    PanelSpec,
    Simulated,
    Truth,
    load_truth,
    save_truth,
    simulate_panel,
    simulate_spend,
)

SMALL = PanelSpec(geos=3, weeks=60, seed=5)
COLUMNS = PanelColumns(week="week", geo="geo", kpi="revenue", spend={})


@pytest.fixture(scope="module")
def observed() -> pd.DataFrame:
    """Revenue in cents of three shops, one week with the shops shut, one week without orders in the smallest."""
    generator = np.random.default_rng(3)
    weeks = pd.date_range("2023-01-02", periods=80, freq="7D")
    rows = []
    for geo, size in (("Rest", 900.0), ("Austria", 4_000.0), ("Belgium", 20_000.0)):
        revenue = size * np.exp(0.2 * generator.standard_normal(80))
        revenue[51] = 0.0
        revenue[30] = revenue[30] if geo != "Rest" else 0.0
        rows.append(pd.DataFrame({"geo": geo, "week": weeks, "revenue": revenue.round(2), "orders": 7}))
    return pd.concat(rows, ignore_index=True)


def slow_contribution(truth: Truth, frame: pd.DataFrame, channel: str, scale: dict[str, float]) -> np.ndarray:
    """The formula of the model, written as loops over geos, weeks and lags."""
    own = truth.data.sel(channel=channel)
    alpha, kappa, slope = (float(own[p]) for p in ("alpha", "kappa", "slope"))
    wide = frame.pivot(index="geo", columns="week", values=f"spend_{channel}").loc[list(scale)].to_numpy()
    per_person = wide / np.array(list(scale.values()))[:, None]
    x = per_person / np.median(per_person[per_person > 0])
    saturated = np.zeros_like(x)
    for g in range(x.shape[0]):
        for t in range(x.shape[1]):
            carried = norm = 0.0
            for lag in range(truth.l_max):
                norm += alpha**lag
                if t >= lag:
                    carried += alpha**lag * x[g, t - lag]
            carried /= norm
            saturated[g, t] = carried**slope / (carried**slope + kappa**slope) if carried > 0 else 0.0
    weight = np.array(list(scale.values()))[:, None] * saturated
    return float(own["roi"]) * wide.sum() * weight / weight.sum()


def test_each_geo_keeps_its_total_to_the_cent(observed):
    new = simulate_spend(observed, COLUMNS, Simulate()).frame
    before, after = (f.groupby("geo")["revenue"].sum() for f in (observed, new))
    assert (before - after).abs().max() < 0.001
    assert (new["revenue"] - observed["revenue"]).abs().max() > 10


def test_contributions_match_a_slow_loop_over_the_formula(observed):
    made = simulate_spend(observed, COLUMNS, Simulate(departure=0.0))
    scale = observed.groupby("geo")["revenue"].mean().to_dict()
    for channel in made.truth.channels:
        expected = slow_contribution(made.truth, made.frame, channel, scale)
        given_ = made.truth.data["contribution"].sel(channel=channel, geo=list(scale)).to_numpy()
        np.testing.assert_allclose(given_, expected, rtol=1e-9, atol=1e-6)


def test_what_is_left_without_media_is_the_observed_kpi_scaled_down(observed):
    made = simulate_spend(observed, COLUMNS, Simulate())
    wide = made.frame.pivot(index="geo", columns="week", values="revenue")
    baseline = wide - made.truth.data["contribution"].sum("channel").to_pandas().loc[wide.index]
    ratio = (baseline / observed.pivot(index="geo", columns="week", values="revenue")).to_numpy()
    kept = np.nanmedian(ratio, axis=1)
    assert (kept >= 0.4).all()
    np.testing.assert_allclose(ratio[np.isfinite(ratio)], np.repeat(kept, np.isfinite(ratio).sum(axis=1)), rtol=1e-6)


def test_spend_is_the_stated_share_and_roi_the_zero_out_difference(observed):
    made = simulate_spend(observed, COLUMNS, Simulate())
    totals = made.truth.data[["spend", "contribution"]].sum(["geo", "week"])
    for channel, wanted in DEFAULT_CHANNELS.items():
        spend = made.frame[f"spend_{channel}"].sum()
        assert spend == pytest.approx(wanted.share * observed["revenue"].sum())
        assert float(totals["contribution"].sel(channel=channel)) / spend == pytest.approx(wanted.roi)
        assert made.truth.roi[channel] == wanted.roi


def test_a_shut_week_has_no_new_spend_but_a_quiet_geo_does(observed):
    frame = simulate_spend(observed, COLUMNS, Simulate()).frame
    shut = frame[frame["week"] == observed["week"].unique()[51]]
    assert (shut[[f"spend_{c}" for c in DEFAULT_CHANNELS]] == 0).all(axis=None)
    assert (shut["revenue"] > 0).all()
    quiet = frame[(frame["week"] == observed["week"].unique()[30]) & (frame["geo"] == "Rest")]
    assert quiet["spend_search"].item() > 0


def test_rows_keep_their_order_index_and_other_columns(observed):
    shuffled = observed.sample(frac=1.0, random_state=1)
    straight, mixed = (simulate_spend(f, COLUMNS, Simulate()) for f in (observed, shuffled))
    assert mixed.frame.index.equals(shuffled.index)
    assert mixed.frame["orders"].equals(shuffled["orders"])
    pd.testing.assert_frame_equal(mixed.frame.sort_index(), straight.frame)
    assert list(observed.columns) == ["geo", "week", "revenue", "orders"]


def test_the_result_is_a_panel_whose_scale_is_the_truths(observed):
    made = simulate_spend(observed, COLUMNS, Simulate())
    panel = panel_from_frame(made.frame, made.columns, "shop")
    assert tuple(panel.channels) == made.truth.channels
    person = panel.data["population"]
    per_person = panel.data["media"] / person
    unit = per_person.where(per_person > 0).median(["geo", "week"]) * person
    for geo in panel.geos:
        np.testing.assert_allclose(made.truth.data["media_scale"].sel(geo=geo), unit.sel(geo=geo), rtol=1e-9)


def test_same_seed_same_bytes_and_another_seed_another_answer():
    first, again, other = (simulate_panel(s).frame for s in (SMALL, SMALL, replace(SMALL, seed=6)))
    assert first.to_numpy(dtype=object).tolist() == again.to_numpy(dtype=object).tolist()
    assert not np.allclose(first["spend_tv"], other["spend_tv"])


def test_another_channel_leaves_the_others_as_they_were(observed):
    few = {c: DEFAULT_CHANNELS[c] for c in ("tv", "search")}
    more = {"radio": SimulatedChannel(share=0.01), **few}
    small, large = (simulate_spend(observed, COLUMNS, Simulate(channels=c)) for c in (few, more))
    for channel in few:
        assert small.frame[f"spend_{channel}"].equals(large.frame[f"spend_{channel}"])
        for variable in ("contribution", "coefficient"):
            np.testing.assert_array_equal(
                small.truth.data[variable].sel(channel=channel), large.truth.data[variable].sel(channel=channel)
            )


def test_patterns_look_like_their_names():
    channels = {**DEFAULT_CHANNELS, "affiliates": SimulatedChannel(pattern="demand", share=0.01, roi=3.5)}
    frame = simulate_panel(PanelSpec(geos=6, weeks=156, seed=2, noise=0.1, channels=channels)).frame
    by_geo = frame.groupby("geo")
    assert (frame["spend_search"] > 0).all()
    assert by_geo["spend_tv"].apply(lambda s: (s == 0).mean()).between(0.55, 0.65).all()
    season = frame.groupby(frame["week"].dt.month)["spend_display"].mean()
    assert season.loc[[10, 11, 12]].mean() > 2 * season.loc[[4, 5, 6]].mean()
    follows = by_geo[["revenue", "spend_affiliates", "spend_social"]].corr().xs("revenue", level=1)
    assert follows["spend_affiliates"].mean() > follows["spend_social"].mean() + 0.15
    bursts = by_geo["spend_tv"].apply(lambda s: (s > 0).ne((s > 0).shift()).cumsum()[s > 0].value_counts().mean())
    assert bursts.mean() > 2


def test_geos_vary_on_their_own_and_channels_together_only_on_request():
    def between_channels(correlation: float) -> float:
        spec = PanelSpec(geos=4, weeks=150, seed=1, correlation=correlation, channels=channels)
        return float(np.log(simulate_panel(spec).frame[["spend_a", "spend_b"]]).corr().iloc[0, 1])

    channels = {"a": SimulatedChannel(share=0.02), "b": SimulatedChannel(share=0.02)}
    wide = simulate_panel(SMALL).frame.pivot(index="week", columns="geo", values="spend_search")
    assert wide.corr().to_numpy()[np.triu_indices(3, 1)].max() < 0.8
    assert between_channels(0.9) > between_channels(0.0) + 0.2


def test_demand_drifts_by_itself_in_each_geo():
    quiet = PanelSpec(geos=2, weeks=150, drift=0.0, noise=0.0, trend=0.0, season=0.0)
    tiny = {"a": SimulatedChannel(share=0.01, roi=0.0)}
    still, moving = (
        simulate_panel(replace(quiet, drift=d, channels=tiny)).frame.pivot(
            index="week", columns="geo", values="revenue"
        )
        for d in (0.0, 0.015)
    )
    assert (still.std() < 1e-9 * still.mean()).all() or (still.nunique() == 1).all()
    steps = np.log(moving).diff().iloc[1:]
    np.testing.assert_allclose(steps.std(), 0.015, rtol=0.2)
    assert abs(steps.corr().iloc[0, 1]) < 0.25


# --- truth --------------------------------------------------------------------------------------


def test_todays_spend_over_the_whole_panel_returns_the_total_contribution():
    truth = replace(simulate_panel(SMALL).truth)
    silent_end = truth.data.copy(deep=True)
    curves = truth.curves(60, np.array([0.0, 1.0]))
    inside = truth.data["contribution"].sum(["geo", "week"]).to_numpy()
    np.testing.assert_allclose(curves.today, truth.data["spend"].sum(["geo", "week"]), rtol=1e-12)
    assert (curves.response[0, :, 1] >= inside).all(), "the tail after the window counts"
    assert (curves.response[0, :, 1] < 1.15 * inside).all()
    assert silent_end.identical(truth.data)


def test_curve_equals_the_difference_of_two_slow_simulations():
    """Spending half and spending nothing in the last weeks, everything before them as it was."""
    truth = simulate_panel(SMALL).truth
    weeks, channel = 12, 3
    curve = truth.curves(weeks, np.array([0.0, 0.5, 1.0]))
    own = truth.data.isel(channel=channel)
    alpha, kappa, slope = (float(own[p]) for p in ("alpha", "kappa", "slope"))

    def total(multiplier: float) -> float:
        value = 0.0
        for g in range(own.sizes["geo"]):
            x = own["spend"].to_numpy()[g] / float(own["media_scale"][g])
            x = np.concatenate([x[:-weeks], multiplier * x[-weeks:], np.zeros(truth.l_max - 1)])
            for t in range(60 - weeks, len(x)):
                lags = range(min(truth.l_max, t + 1))
                a = sum(alpha**n * x[t - n] for n in lags) / sum(alpha**n for n in range(truth.l_max))
                value += float(own["coefficient"][g]) * (a**slope / (a**slope + kappa**slope) if a > 0 else 0.0)
        return value

    for point, multiplier in enumerate((0.0, 0.5, 1.0)):
        assert curve.response[0, channel, point] == pytest.approx(total(multiplier) - total(0.0), rel=1e-9, abs=1e-6)


@settings(max_examples=15)
@given(
    weeks=st.integers(1, 130),
    seed=st.integers(0, 1000),
    geos=st.integers(1, 4),
    slope=st.floats(0.5, 4),
    alpha=st.floats(0, 0.95),
)
def test_curves_start_at_zero_never_fall_and_end_within_bounds(weeks, seed, geos, slope, alpha):
    channels = {p: SimulatedChannel(pattern=p, slope=slope, alpha=alpha) for p in ("always_on", "flighted")}
    truth = simulate_panel(PanelSpec(geos=geos, weeks=52, seed=seed, channels=channels)).truth
    curves = truth.curves(weeks)
    assert (curves.spend[:, 0] == 0).all() and (np.diff(curves.spend) > 0).all()
    assert (curves.response[..., 0] == 0).all() and (np.diff(curves.response) >= -1e-6).all()
    assert (curves.observed >= curves.today - 1e-6).all()


def test_truth_survives_its_files(tmp_path):
    truth = simulate_panel(SMALL).truth
    save_truth(truth, tmp_path, weeks=26)
    again = load_truth(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["truth.json", "truth.parquet", "truth_curves.parquet"]
    assert again.channels == truth.channels and again.l_max == truth.l_max
    for variable in truth.data:
        np.testing.assert_array_equal(
            again.data[variable].transpose(*truth.data[variable].dims), truth.data[variable], err_msg=variable
        )
    np.testing.assert_array_equal(again.curves(26).response, truth.curves(26).response)


# --- factors ------------------------------------------------------------------------------------

FACTORS = {
    "economy": SimulatedFactor(kind="index", effect=0.06),
    "sales": SimulatedFactor(kind="promotions", effect=0.4),
    "strikes": SimulatedFactor(kind="promotions", effect=-0.2),
}


@pytest.fixture(scope="module")
def with_factors(observed) -> Simulated:
    return simulate_spend(observed, COLUMNS, Simulate(factors=FACTORS))


def test_factors_add_what_they_say_and_nothing_while_all_is_shut(observed, with_factors):
    frame, added = with_factors.frame, with_factors.truth.factors["contribution"]
    assert with_factors.columns.controls == ("economy", "sales", "strikes")
    weeks = sorted(observed["week"].unique())
    shut = weeks[51]
    for name, factor in FACTORS.items():
        value = frame.drop_duplicates("week").set_index("week")[name]
        assert (frame[name] == frame["week"].map(value)).all()
        for geo, own in observed.groupby("geo"):
            usual = own["revenue"].mean()
            for week in weeks:
                share = (value[week] - value.mean()) / value.std(ddof=0) if factor.kind == "index" else value[week] / 7
                expected = 0.0 if week == shut else usual * factor.effect * share
                assert float(added.sel(factor=name, geo=geo, week=week)) == pytest.approx(expected, abs=1e-6)
    media = with_factors.truth.data["contribution"].sum("channel")
    rest = frame.set_index(["geo", "week"])["revenue"] - (media + added.sum("factor")).to_series()
    kpi = observed.set_index(["geo", "week"])["revenue"]
    left = rest[kpi > 0] / kpi[kpi > 0]
    assert left.groupby("geo").std().max() < 1e-9
    assert (frame.groupby("geo")["revenue"].sum() - observed.groupby("geo")["revenue"].sum()).abs().max() < 0.001


def test_an_index_is_one_of_months_and_promotions_are_days(with_factors):
    values = with_factors.frame.drop_duplicates("week").set_index("week")
    inside = [w for w in values.index if w.month == (w + pd.offsets.Day(6)).month]
    by_month = values.loc[inside, "economy"].groupby([w.strftime("%Y-%m") for w in inside]).nunique()
    assert (by_month == 1).all()
    assert values["economy"].nunique() > 15
    for name in ("sales", "strikes"):
        assert set(values[name]) <= set(range(8))
        assert 5 <= (values[name] > 0).sum() <= 30
    assert not values["sales"].equals(values["strikes"])


def test_another_seed_or_factor_changes_no_spend(observed, with_factors):
    plain = simulate_spend(observed, COLUMNS, Simulate())
    for name in plain.columns.spend.values():
        np.testing.assert_array_equal(plain.frame[name], with_factors.frame[name])
    assert (
        not simulate_spend(observed, COLUMNS, Simulate(seed=2, factors=FACTORS))
        .frame["sales"]
        .equals(with_factors.frame["sales"])
    )


def test_factors_survive_their_files(tmp_path, with_factors):
    save_truth(with_factors.truth, tmp_path, weeks=26)
    again = load_truth(tmp_path).factors
    known = with_factors.truth.factors
    np.testing.assert_array_equal(again["contribution"].sel(geo=known["geo"]), known["contribution"])
    assert again["effect"].to_series().to_dict() == {name: factor.effect for name, factor in FACTORS.items()}
    assert json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))["factors"]["sales"] == 0.4


def test_a_factor_that_is_called_as_a_column_is_refused(observed):
    with pytest.raises(ConfigError, match=r"'simulate.factors.orders' is called as a column of the panel is"):
        simulate_spend(observed, COLUMNS, Simulate(factors={"orders": SimulatedFactor()}))


# --- bad input ----------------------------------------------------------------------------------


def test_too_much_media_names_the_geo_and_the_channel(observed):
    greedy = Simulate(channels={"search": SimulatedChannel(share=0.01), "tv": SimulatedChannel(share=0.3, roi=3)})
    with pytest.raises(ConfigError, match=r"explain \d+% of the KPI of .* more than 60%; .* first of 'tv' \(roi 3\)"):
        simulate_spend(observed, COLUMNS, greedy)


def test_a_kpi_that_is_no_currency_is_refused(observed):
    with pytest.raises(ConfigError, match="kpi_value"):
        simulate_spend(observed, COLUMNS.model_copy(update={"kpi_value": "orders"}), Simulate())


def test_a_table_that_is_no_panel_is_refused(observed):
    with pytest.raises(DataError, match="duplicate"):
        simulate_spend(pd.concat([observed, observed.iloc[:1]]), COLUMNS, Simulate())
    with pytest.raises(DataError, match="no column 'revenu'"):
        simulate_spend(observed, COLUMNS.model_copy(update={"kpi": "revenu"}), Simulate())
    with pytest.raises(DataError, match="missing"):
        early = observed["week"] < "2023-01-20"
        simulate_spend(observed.assign(revenue=observed["revenue"].mask(early)), COLUMNS, Simulate())
    with pytest.raises(DataError, match="at least 20"):
        simulate_spend(observed[observed["week"] < "2023-04-01"], COLUMNS, Simulate())


# --- real sales ---------------------------------------------------------------------------------


@pytest.mark.real_data
def test_real_sales_keep_their_totals_with_a_week_in_which_the_shop_was_shut():
    path = Path("../shared/data/online_retail/online_retail.parquet")
    if not path.exists():
        pytest.skip(f"{path} is absent")
    lines = pd.read_parquet(path)
    top = lines["Country"].isin(["United Kingdom", "Netherlands", "EIRE", "Germany", "France"])
    sold = (lines["Quantity"] * lines["UnitPrice"]).groupby(
        [lines["Country"].where(top, "Rest"), lines["InvoiceDate"].dt.to_period("W-SUN").dt.start_time]
    )
    weeks = pd.date_range("2010-12-06", "2011-11-28", freq="7D")
    wide = sold.sum().unstack("InvoiceDate").reindex(columns=weeks).fillna(0.0)
    assert (wide["2010-12-27"] == 0).all()
    frame = wide.rename_axis(index="geo", columns="week").stack().rename("revenue").reset_index()
    made = simulate_spend(frame, COLUMNS, Simulate())
    difference = (made.frame["revenue"] - frame["revenue"]).groupby(frame["geo"]).sum()
    assert difference.abs().max() < 0.001
    assert made.frame.filter(like="spend_").sum().sum() == pytest.approx(0.1 * frame["revenue"].sum())


@pytest.mark.parametrize(
    ("given", "weights", "saturate"),
    [
        ({"saturation": "logistic", "kappa": 0.7}, lambda lag: 0.4**lag, lambda a: np.tanh(a * np.log(3) / 0.7 / 2)),
        ({"adstock": "delayed", "theta": 2.0}, lambda lag: 0.4 ** ((lag - 2) ** 2), lambda a: a / (a + 1)),
        ({"adstock": "weibull", "theta": 0.5}, lambda lag: 0.4**lag**0.5, lambda a: a / (a + 1)),
    ],
)
def test_channels_have_any_shape_that_the_model_knows(tmp_path, given, weights, saturate):
    channels = {"tv": SimulatedChannel(roi=1.5, **given), "search": SimulatedChannel()}
    truth = simulate_panel(PanelSpec(geos=1, weeks=40, channels=channels, seed=4)).truth
    spend, found = (truth.data[name].sel(channel="tv").to_numpy()[0] for name in ("spend", "contribution"))
    scaled = np.concatenate([np.zeros(7), spend / np.median(spend[spend > 0])])
    carried = [sum(weights(lag) * scaled[7 + t - lag] for lag in range(8)) for t in range(40)]
    response = saturate(np.array(carried) / sum(weights(lag) for lag in range(8)))
    np.testing.assert_allclose(found, response * 1.5 * spend.sum() / response.sum(), rtol=1e-6)
    save_truth(truth, tmp_path, weeks=13)
    again = load_truth(tmp_path)
    for name, value in given.items():
        assert again.data[name].sel(channel="tv").item() == value
    known = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))["channels"]["tv"]
    assert all(isinstance(number, float) for number in known.values())
    assert "theta" not in again.data or np.isnan(again.data["theta"].sel(channel="search").item())


def test_parameters_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="theta is read by nothing: adstock geometric and saturation hill have alpha"):
        SimulatedChannel(theta=2.0)
