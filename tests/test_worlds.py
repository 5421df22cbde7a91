"""Worlds break what they say, and their truth is that of their table."""

from dataclasses import replace

import numpy as np
import pytest

from mmm_bayes.panel import panel_from_frame
from mmm_bayes.simulate.worlds import Kind, World, draw_kind, make_world


def made(seed: int = 3, geos: int = 3, weeks: int = 104, channels: int = 6, **kind: object) -> World:
    return make_world(replace(Kind(), **kind), geos, weeks, channels, seed)


def test_one_seed_makes_one_world():
    assert made().frame.equals(made().frame)
    assert not made().frame.equals(made(seed=4).frame)


@pytest.mark.parametrize("seed", range(15))
def test_a_world_is_a_panel_whose_media_add_up(seed):
    world = make_world(draw_kind(seed), 1 + seed % 3, 60, 4, seed)
    panel = panel_from_frame(world.frame, world.columns, "world")
    added = np.stack([world.contribution(c, own) for c, own in enumerate(world.spend)])
    kpi = panel.data["kpi"].transpose("geo", "week").to_numpy()
    assert (added.sum(axis=0) < kpi).all()
    np.testing.assert_allclose(world.total(0.0), 0.0)
    assert 0.05 < added.sum() / kpi.sum() < 0.46
    np.testing.assert_allclose(world.roi, added.sum(axis=(1, 2)) / world.spend.sum(axis=(1, 2)))
    np.testing.assert_allclose(panel.data["spend"].transpose("channel", "geo", "week").to_numpy(), world.spend)


def test_returns_of_a_window_are_those_of_its_money_and_of_nothing_else():
    world = made(geos=1, channels=3)
    spend, window = world.spend[1].copy(), 20
    later = np.concatenate([spend, np.zeros((1, 13))], axis=1)
    without = later.copy()
    without[:, 84:104] = 0.0
    by_hand = world.contribution(1, later).sum() - world.contribution(1, without).sum()
    assert world.returns(np.ones((3, 1)), window)[1, 0] == pytest.approx(by_hand)


def test_budgets_at_their_best_have_all_but_equal_marginal_returns():
    spread = {
        budget: np.mean([np.log(made(seed=s, budget=budget).mroi).std() for s in range(10)])
        for budget in ("best", "far")
    }
    assert spread["best"] < 0.2
    assert spread["far"] > 0.5


def test_a_placebo_does_nothing():
    assert np.count_nonzero(made(placebo=True).roi == 0.0) == 1


def test_a_channel_that_follows_demand_moves_with_what_sells_without_media():
    world = made(geos=1, follows_demand=True, channels=8)
    base = world.frame["sales"].to_numpy() - sum(world.contribution(c, s) for c, s in enumerate(world.spend))[0]
    follows = [c for c, one in enumerate(world.channels.values()) if one.pattern == "demand"]
    assert len(follows) == 2
    for c in follows:
        assert np.corrcoef(np.log(base), np.log(world.spend[c, 0]))[0, 1] > 0.4


def test_returns_rise_at_first_where_curves_are_s_shaped():
    for curve, rises in (("s_shaped", True), ("concave", False), ("logistic", False)):
        world = made(curve=curve, geos=1)
        first, second = world.returns(np.array([[0.05, 0.1]] * 6), 26).T
        assert (second > 2.2 * first).all() == rises


def test_half_of_the_channels_act_late():
    channels = [one for s in range(10) for one in made(seed=s, delayed=True).channels.values()]
    late = [one for one in channels if one.delayed]
    assert 0.3 < len(late) / len(channels) < 0.7
    assert all(one.weights.argmax() in (1, 2) for one in late)


def test_kinds_come_in_turns():
    kinds = [draw_kind(seed) for seed in range(60)]
    assert {(k.curve, k.budget) for k in kinds} == {(k.curve, k.budget) for k in kinds[:15]}
    assert len({(k.curve, k.budget) for k in kinds[:15]}) == 15
    assert 0.15 < np.mean([k.placebo for k in kinds]) < 0.45
