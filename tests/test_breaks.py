"""Each world breaks what it says, and its truth is what its channels add over what they cost."""

import numpy as np
import pytest

from mmm_bayes.panel import panel_from_frame
from mmm_bayes.simulate.breaks import BREAKS, Case, added, base, broken
from mmm_bayes.simulate.worlds import World, make_world

SEED = 6


def pair(name: str) -> tuple[World, Case]:
    """The world before its break, and after it."""
    kind, shape, _ = BREAKS[name]
    return make_world(kind, *shape, SEED), broken(name, SEED)


def sales(world: World) -> np.ndarray:
    return world.frame["sales"].to_numpy().reshape(world.spend.shape[1:])


@pytest.mark.parametrize("name", BREAKS)
def test_every_case_is_a_panel_with_a_truth(name):
    case = broken(name, SEED)
    panel = panel_from_frame(case.frame, case.columns, "case")
    assert case.roi.shape == (len(panel.channels),) and np.isfinite(case.roi).all()
    assert broken(name, SEED).frame.equals(case.frame)
    if case.world is not None and name != "one huge week (typing error)":
        np.testing.assert_allclose(case.roi, added(case.world).sum(axis=(1, 2)) / case.world.spend.sum(axis=(1, 2)))
        spend = panel.data["spend"].transpose("channel", "geo", "week").to_numpy()
        np.testing.assert_allclose(spend, case.world.spend)


@pytest.mark.parametrize(
    ("name", "ratio"),
    [("a step in the level", 1.8), ("wrong season", None), ("an outage", None), ("heavy tails", None)],
)
def test_breaks_of_the_baseline_leave_media_alone(name, ratio):
    world, case = pair(name)
    np.testing.assert_allclose(case.roi, world.roi)
    change = (case.sales - added(world).sum(axis=0)) / base(world)
    if ratio is not None:
        np.testing.assert_allclose(np.unique(change.round(9)), [1.0, ratio])
    if name == "an outage":
        assert ((case.sales / sales(world)).round(9) < 0.5).sum() == 3 * len(case.sales)
    if name == "wrong season":
        spectrum = np.abs(np.fft.rfft(np.log(change[0])))
        assert spectrum.argmax() == round(7 * change.shape[1] / 52.18)
    if name == "heavy tails":
        around = np.log(change).ravel()
        assert ((around / around.std()) ** 4).mean() > 6


def test_strong_media_bring_two_fifths():
    world, case = pair("strong media, national")
    assert added(world).sum() / case.sales.sum() == pytest.approx(0.4)


def test_christmas_is_a_peak_of_sales_and_spend_and_told_by_a_column():
    world, case = pair("Christmas not told")
    told = broken("Christmas told", SEED)
    assert told.frame.drop(columns="christmas").equals(case.frame)
    peak = told.frame["christmas"].to_numpy() == 1
    assert 8 <= peak.sum() <= 12 and not case.columns.holidays and told.columns.holidays == ("christmas",)
    np.testing.assert_allclose(case.world.spend[:, 0, peak], 1.5 * world.spend[:, 0, peak])
    np.testing.assert_allclose(base(case.world)[0, peak], 1.4 * base(world)[0, peak])


def test_controls_that_are_useless_change_nothing_else():
    world, case = pair("useless controls")
    assert len(case.columns.controls) == 15
    assert case.frame[world.frame.columns].equals(world.frame)


def test_an_effect_fades_or_turns_negative_for_the_first_channel_alone():
    for name, factor in (("fading effect", None), ("negative effect", -1 / 3)):
        world, case = pair(name)
        np.testing.assert_allclose(case.roi[1:], world.roi[1:])
        lost = sales(world) - case.sales
        if factor is None:
            left = 1 - lost / added(world)[0].clip(1e-9)
            assert left[:, 1:][added(world)[0][:, 1:] > 1].max() < 1 and 0.3 < case.roi[0] / world.roi[0] < 0.9
        else:
            assert case.roi[0] == pytest.approx(factor * world.roi[0])
            np.testing.assert_allclose(lost, (1 - factor) * added(world)[0])


def test_synergy_is_owed_to_both():
    world, case = pair("synergy")
    more = (case.sales - sales(world)).sum()
    money = world.spend.sum(axis=(1, 2))
    assert more > 0
    np.testing.assert_allclose(case.roi[:2], world.roi[:2] + more / money[:2])
    np.testing.assert_allclose(case.roi[2:], world.roi[2:])


def test_channels_in_step_cannot_be_told_apart():
    _, case = pair("channels in step")
    spend = case.world.spend
    correlation = np.corrcoef(spend[0, 0], spend[1, 0])[0, 1]
    assert 1 / (1 - correlation**2) > 10


def test_a_typing_error_is_in_the_table_and_not_in_the_sales():
    world, case = pair("one huge week (typing error)")
    spend = case.frame[next(iter(world.channels))].to_numpy()
    assert (spend != world.spend[0].ravel()).sum() == 1 and spend.max() > 10 * world.spend[0].mean()
    assert case.frame["sales"].equals(world.frame["sales"])


def test_search_captures_demand_and_the_other_channel():
    _, case = pair("capture by search")
    spend, media, demand = case.world.spend, added(case.world), base(case.world)
    own = [np.corrcoef(spend[1, g], other[g])[0, 1] for g in range(len(demand)) for other in (demand, media[0])]
    assert np.mean(own) > 0.4


def test_money_follows_the_sales_of_the_month_before():
    world, case = pair("spend by last month's sales")
    sold, spend = case.sales, case.world.spend[0]
    before = np.stack([sold[:, 4 - lag : -lag] for lag in range(1, 5)]).mean(axis=0)
    follows = np.mean([np.corrcoef(np.log(b), np.log(s))[0, 1] for b, s in zip(before, spend[:, 4:], strict=True)])
    usual = np.mean([np.corrcoef(np.log(b), s)[0, 1] for b, s in zip(before, world.spend[0][:, 4:], strict=True)])
    assert follows > 0.85 > usual
