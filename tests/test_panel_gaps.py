"""Weeks without a KPI: nothing is learnt from them; a geo enters when it opens."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest

from mmm_bayes.config import ChannelPriors, Compare, Model, PanelColumns
from mmm_bayes.errors import DataError
from mmm_bayes.evaluate import Forecast, compare, roi_table, split_holdout
from mmm_bayes.evidence import evidence
from mmm_bayes.features import make_inputs, make_scaling
from mmm_bayes.lightgbm.carry import choose_ways
from mmm_bayes.lightgbm.trees import boost, predict
from mmm_bayes.model.design import Design, build_design
from mmm_bayes.model.graph import build_model
from mmm_bayes.panel import load_panel, panel_from_frame, save_panel
from mmm_bayes.posterior import Posterior
from mmm_bayes.posterior.attribution import decomposition
from mmm_bayes.report.words import word

WEEKS = 60
COLUMNS = PanelColumns(geo="geo", kpi="sales", spend={"tv": "tv"}, controls=("price",), holidays=("sale",))


def table():
    rng = np.random.default_rng(3)
    week = pd.date_range("2022-01-03", periods=WEEKS, freq="7D")
    parts = [
        pd.DataFrame(
            {
                "week": week,
                "geo": geo,
                "sales": rng.normal(1000.0, 50.0, WEEKS),
                "tv": rng.gamma(2.0, 30.0, WEEKS),
                "price": rng.normal(10.0, 1.0, WEEKS),
                "sale": (np.arange(WEEKS) % 13 == 0).astype(float),
            }
        )
        for geo in ("north", "south")
    ]
    return pd.concat(parts, ignore_index=True)


def at(frame, geo, weeks):
    days = pd.date_range("2022-01-03", periods=WEEKS, freq="7D")[weeks]
    return (frame["geo"] == geo) & frame["week"].isin(days)


def gap():
    frame = table()
    return frame.assign(sales=frame["sales"].mask(at(frame, "south", [20, 21])))


def late(rows):
    """Return a table of a south that opens in week 25: with rows that say nothing, or with none."""
    frame = table()
    closed = at(frame, "south", range(25))
    if not rows:
        return frame[~closed]
    frame.loc[closed, ["sales", "tv", "price", "sale"]] = np.nan
    return frame


def test_a_week_without_kpi_is_not_seen_and_said():
    panel = panel_from_frame(gap(), COLUMNS, "gap")
    south = panel.data.sel(geo="south")
    assert np.flatnonzero(~panel.data["observed"].sel(geo="south").to_numpy()).tolist() == [20, 21]
    ends = south["kpi"].to_numpy()[[19, 22]]
    np.testing.assert_allclose(south["kpi"][20:22], ends[0] + (ends[1] - ends[0]) * np.array([1, 2]) / 3)
    assert [str(name) for name in panel.data["holiday"].values] == ["sale"]
    assert south["spend"].to_numpy()[20:22].min() > 0 and (south["value"] == 1).all()
    (note,) = (n for n in panel.notes if n.code == "panel.without_kpi")
    assert word(note).startswith("south has no KPI in 2 weeks, left out of what the model learns from: 2022-05-23 to")


@pytest.mark.parametrize("made", [gap, partial(late, rows=False)], ids=["gap", "late"])
def test_nothing_is_learnt_from_what_stands_where_no_kpi_is(made):
    """Neither model, nor what the data can tell, depends on the value that fills a cell."""
    panel, found, weeks = panel_from_frame(made(), COLUMNS, "x"), [], np.arange(WEEKS)
    design, inputs = build_design(panel, Model()), make_inputs(panel, make_scaling(panel, 8))
    for shift in (0.0, 3.0):
        other = shift * ~panel.data["observed"]
        built = build_model(Design(design.data.assign(y=design.data["y"] + other)), Model())
        rows = replace(inputs, y=inputs.y + other.transpose("geo", "week").to_numpy())
        choice, data = choose_ways(rows, weeks), panel.data.assign(kpi=panel.data["kpi"] + 100 * other)
        found.append(
            [
                built.compile_logp(built.potentials, mode="FAST_COMPILE")(built.initial_point(random_seed=1)),
                *predict(boost(rows, choice, np.zeros((2, 2)), weeks, 1), rows, choice, weeks).ravel(),
                *(one.error for one in evidence(replace(panel, data=data), ChannelPriors())),
            ]
        )
    np.testing.assert_allclose(found[0], found[1], rtol=1e-12)


@pytest.mark.parametrize("rows", [True, False])
def test_a_geo_enters_when_it_opens(rows):
    panel = panel_from_frame(late(rows), COLUMNS, "late")
    south = panel.data.sel(geo="south")
    assert (south["value"].to_numpy()[:25] == 0).all() and (south["value"].to_numpy()[25:] == 1).all()
    assert not south["spend"].to_numpy()[:25].any() and not south["media"].to_numpy()[:25].any()
    np.testing.assert_allclose(south["kpi"].to_numpy()[:25], south["kpi"].to_numpy()[25:].mean())
    north = panel.data.sel(geo="north")
    np.testing.assert_allclose(south["controls"][:25], north["controls"][:25])
    assert panel.kpi_value == pytest.approx(float(north["kpi"].sum() + south["kpi"][25:].sum()))
    (note,) = (n for n in panel.notes if n.code == "panel.opened")
    assert word(note).startswith("south has no KPI before 2022-06-27 and enters the model there")


def test_spend_before_a_geo_opens_carries_over_and_costs_nothing():
    frame = table()
    frame.loc[at(frame, "south", range(25)), "sales"] = np.nan
    south = panel_from_frame(frame, COLUMNS, "early spend").data.sel(geo="south")
    assert south["media"].to_numpy()[:25].min() > 0 and not south["spend"].to_numpy()[:25].any()


def test_a_panel_on_disk_is_the_same_panel(tmp_path):
    save_panel(late(rows=False), COLUMNS, tmp_path, "late")
    read, made = load_panel(tmp_path), panel_from_frame(late(rows=False), COLUMNS, "late")
    assert read.data.equals(made.data) and read.notes == made.notes


def test_weeks_without_a_kpi_may_stand_before_planned_ones():
    frame = gap()
    ahead = frame[at(frame, "north", [58, 59]) | at(frame, "south", [58, 59])].copy()
    ahead["week"] += pd.to_timedelta(14, unit="D")
    ahead[["sales", "price", "sale"]] = np.nan
    panel = panel_from_frame(pd.concat([frame, ahead]), COLUMNS, "plan")
    assert panel.planned.sizes["holiday"] == 1
    assert panel.with_planned().data.sizes["week"] == WEEKS + 2


def test_a_missing_spend_is_still_asked_for():
    frame = table()
    frame.loc[at(frame, "south", [30]), "tv"] = np.nan
    with pytest.raises(DataError, match="spend of 'tv' in the week of 2022-08-01"):
        panel_from_frame(frame, COLUMNS, "no spend")


def test_no_forecast_is_judged_by_a_week_without_kpi():
    frame = table()
    frame.loc[at(frame, "south", [55]), "sales"] = np.nan
    split = split_holdout(panel_from_frame(frame, COLUMNS, "holdout"), Compare(holdout=8))
    assert split.seen.tolist() == [True] * 3 + [False] + [True] * 4
    truth = split.panel.data["kpi"].transpose("geo", "week").to_numpy()[:, -8:]
    wild = np.where(split.seen, truth, 1e9)
    forecast = Forecast(wild, wild - 1, wild + 1, np.stack([wild, wild]))
    ends = {"roi_median": [1.0], "roi_mean": [1.0], "roi_low": [0.5], "roi_high": [2.0]}
    roi = pd.DataFrame({"channel": ["tv"], "spend": [1.0], **ends})
    found = compare(split, {"bayesian": forecast}, roi_table(roi, roi), 0.9)
    assert found.summary["errors"]["bayesian"]["wmape"] == 0 and len(found.holdout) == 7


def test_an_exposure_costs_what_it_did_although_spend_before_an_opening_does_not_count():
    frame = table().assign(grp=lambda f: f["tv"] / 5)
    frame.loc[at(frame, "south", range(25)), "sales"] = np.nan
    panel = panel_from_frame(frame, COLUMNS.model_copy(update={"exposure": {"tv": "grp"}}), "late")
    (found,) = evidence(panel, Model().priors)
    assert found.cost_change == pytest.approx(1.0)


def test_nothing_is_of_a_geo_before_it_opens(small_run, small_posterior):
    """The tables by week add up to what was sold, not to what a closed geo might have sold."""
    data = small_posterior.data
    closed = data["money"].copy()
    closed[3, :15] = 0.0
    tree = small_posterior.tree.copy()
    tree["constant_data"] = type(tree)(data.assign(money=closed))
    late, whole = decomposition(Posterior(tree)), decomposition(small_posterior)
    own = decomposition(small_posterior, str(data["geo"].values[3]))
    for name in ("observed", "baseline", "channel:tv", "prediction"):
        np.testing.assert_allclose(late[name][:15], whole[name][:15] - own[name][:15], rtol=1e-9)
        np.testing.assert_allclose(late[name][15:], whole[name][15:], rtol=1e-12)
