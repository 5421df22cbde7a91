"""Lift tests: what experiments found, what the model predicts for them, and whether both agree.

The panel holds the spend as it was, the test included. What the test added is therefore the KPI of that spend minus the
KPI of the spend without the test's change, summed over the tested geos from the first tested week until the carry-over
has ended (``l_max - 1`` weeks after the last one, or with the panel). The measured value is normal around it with its
standard error, independent of the panel: a test that was evaluated on the panel's own weeks is counted twice where its
control geos are in the panel, so its standard error should not be understated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from mmm_bayes.config import LiftTest
from mmm_bayes.errors import ConfigError, nearest
from mmm_bayes.findings import Finding
from mmm_bayes.intervals import Interval
from mmm_bayes.posterior import Posterior, by_chunks
from mmm_bayes.transforms import Array

SIX = np.timedelta64(6, "D")
"""From the first day of a week to its last."""

LIMIT = 2.0
"""Standard deviations between a test and the model without it from which on they contradict each other."""

TestPlace = tuple[int, list[int], tuple[int, int]]
"""Place of a test's channel, places of its geos, and its first and last week."""


def within(tests: Sequence[LiftTest], weeks: Array) -> tuple[LiftTest, ...]:
    """Return the tests that had ended with the last of ``weeks`` (their first days)."""
    return tuple(t for t in tests if np.datetime64(t.end) <= days(weeks)[-1] + SIX)


def days(weeks: Array) -> Array:
    """Return dates as whole days."""
    return weeks.astype("datetime64[D]")


def lift_data(data: xr.Dataset, tests: Sequence[LiftTest], l_max: int, train: int) -> dict[str, Any]:
    """Return the variables that the tests add to a design.

    Tests are padded to the most geos (``place``) and weeks that one of them has, with weight 0.

    Args:
        data: scaled panel, see `model.design.Design`.
        tests: results of experiments.
        l_max: number of weeks that spend can act.
        train: weeks from the first that the model sees.

    Returns:
        ``lift_media (side, test, place, l_max - 1 + lift_week)``: scaled media as they were and without the test's
        change; ``lift_weight (test, place, lift_week)``: KPI units per scaled KPI; ``lift_channel (test)`` and
        ``lift_geo (test, place)``: places in the design; ``lift_kpi, lift_error (test)``: result in KPI units.

    Raises:
        ConfigError: a test that does not fit the panel.
    """
    found = list(zip(check_tests(data, tests), tests, strict=True))
    places = max(len(geos) for (_, geos, _), _ in found)
    weeks = max(min(last + l_max, train) - first for (_, _, (first, last)), _ in found)
    media = np.zeros((2, len(tests), places, l_max - 1 + weeks))
    weight, geo = np.zeros((len(tests), places, weeks)), np.zeros((len(tests), places), dtype=int)
    for i, ((channel, geos, (first, last)), test) in enumerate(found):
        end = min(last + l_max, train)  # the week after the last one compared
        both = _both_sides(data, channel, geos, (first, last), test.spend_change)
        media[:, i, : len(geos), : end - first + l_max - 1] = both[..., first : end + l_max - 1]
        weight[i, : len(geos), : end - first] = data["scale"].to_numpy()[geos, None]
        geo[i, : len(geos)] = geos
    return {
        "lift_media": (("side", "test", "place", "lift_time"), media),
        "lift_weight": (("test", "place", "lift_week"), weight),
        "lift_channel": ("test", np.array([channel for (channel, _, _), _ in found])),
        "lift_geo": (("test", "place"), geo),
        "lift_kpi": ("test", np.array([t.incremental_kpi for t in tests])),
        "lift_error": ("test", np.array([t.standard_error for t in tests])),
    }


def check_tests(data: xr.Dataset, tests: Sequence[LiftTest]) -> list[TestPlace]:
    """Return the channel, the geos and the first and last week of each test by their places.

    Args:
        data: with ``spend (channel, geo, week)`` and the coordinate ``paid (channel)``.
        tests: results of experiments.

    Raises:
        ConfigError: the tests that do not fit the panel.
    """
    places, strange = [], []
    for i, test in enumerate(tests, 1):
        try:
            places.append(_place(data, test, f"model.lift_tests, entry {i}"))
        except ConfigError as error:
            strange.append(str(error))
    if strange:
        raise ConfigError(*strange)
    return places


def _place(data: xr.Dataset, test: LiftTest, where: str) -> TestPlace:
    """Return where a test is, see `check_tests`."""
    channels, geos = ([str(n) for n in data[dim].to_numpy()] for dim in ("channel", "geo"))
    if test.channel not in channels:
        raise ConfigError(f"{where} names the channel '{test.channel}'; {nearest(test.channel, channels)}")
    channel = channels.index(test.channel)
    if not data["paid"].to_numpy()[channel]:
        raise ConfigError(f"{where}: the channel '{test.channel}' is organic and has no spend to test; leave it out.")
    for geo in test.geos or ():
        if geo not in geos:
            raise ConfigError(f"{where} names the geo '{geo}'; {nearest(geo, geos)}")
    weeks, start, end = days(data["week"].to_numpy()), np.datetime64(test.start), np.datetime64(test.end)
    until = weeks[-1] + SIX
    if start < weeks[0] or end > until:
        raise ConfigError(
            f"{where}: {start} to {end} lies outside of the panel ({weeks[0]} to {until}); correct the "
            "dates or leave the test out."
        )
    tested = np.flatnonzero((weeks <= end) & (weeks + SIX >= start))
    first, last = int(tested[0]), int(tested[-1])
    at = [geos.index(geo) for geo in dict.fromkeys(test.geos or geos)]
    spent = float(data["spend"].to_numpy()[channel, at, first : last + 1].sum())
    if test.spend_change > spent * (1 + 1e-9):
        raise ConfigError(
            f"{where}: 'spend_change' is {test.spend_change:,.0f}, but only {spent:,.0f} was spent on "
            f"'{test.channel}' in the tested geos and weeks; give what was spent more than without the test."
        )
    return channel, at, (first, last)


def _both_sides(data: xr.Dataset, channel: int, geos: list[int], window: tuple[int, int], change: float) -> Array:
    """Return the scaled media of a channel as they were and without a change of spend, ``(2, place, time)``.

    The change is spread in proportion to what was spent, at an unchanged price of exposure. A holdout that cut more
    than was left is spread evenly over persons and weeks instead: nothing says then where the money would have gone.
    """
    media, unit = data["media"].to_numpy()[channel], data["media_scale"].to_numpy()[channel]
    spend, weeks = data["spend"].to_numpy()[channel], window[1] - window[0] + 1
    history = media.shape[-1] - spend.shape[-1]
    here = slice(history + window[0], history + window[1] + 1)
    without = media[geos].copy()
    spent = spend[geos, window[0] : window[1] + 1].sum()
    change = min(change, spent)
    if abs(change) <= spent:
        without[:, here] *= 1 - change / spent
    else:
        rate = (media[:, history:] * unit[:, None]).sum() / spend.sum()
        without[:, here] -= change * rate / (unit[geos].sum() * weeks)
    return np.stack([media[geos], without])


# --- what the model predicts --------------------------------------------------------------------


def predicted_lift(posterior: Posterior, data: xr.Dataset) -> Array:
    """Return what a fit predicts for tests, in KPI units, shape ``(draw, test)``.

    Args:
        posterior: the fit, with or without the tests.
        data: their variables, see `lift_data`.
    """
    tested, without = data["lift_media"].to_numpy()
    channel, geos, weight = (data[name].to_numpy() for name in ("lift_channel", "lift_geo", "lift_weight"))

    def gained(i: int, rows: Array) -> Array:
        parameters = posterior.parameters(channel[i], rows)
        response = posterior.shape.respond(tested[i], parameters) - posterior.shape.respond(without[i], parameters)
        geo_effect = posterior["geo_effect"][rows, channel[i]][:, geos[i]]
        return lift_of(response, weight[i], geo_effect, posterior["beta"][rows, channel[i]])

    every = np.arange(posterior.draws)
    tests = range(data.sizes["test"])
    return np.stack([np.concatenate(by_chunks(partial(gained, i), every, weight[i].size)) for i in tests], axis=1)


def lift_of(response: Any, weight: Any, geo_effect: Any, beta: Any) -> Any:
    """Return the KPI gained, shape ``(...)``: for NumPy's draws of a test and for all tests in the graph.

    Args:
        response: saturated media with the test's change minus those without it, shape ``(..., place, lift_week)``.
        weight: KPI units per scaled KPI, 0 where a test has no such place or week; broadcasts against ``response``.
        geo_effect: of the tested geos, shape ``(..., place)``.
        beta: of the channel, shape ``(...)``.
    """
    return ((response * weight).sum(axis=-1) * geo_effect).sum(axis=-1) * beta


def with_comparison(posterior: Posterior, before: Posterior) -> Posterior:
    """Add the group ``without_tests``: what a fit ``before`` the tests says of them and of ROI."""
    sizes = before.tree["posterior"].sizes
    lift = predicted_lift(before, posterior.data).reshape(sizes["chain"], sizes["draw"], -1)
    draws = {"roi": before.tree["posterior"]["roi"], "lift": (("chain", "draw", "test"), lift)}
    tree = posterior.tree.copy()
    tree["without_tests"] = xr.DataTree(xr.Dataset(draws))
    return Posterior(tree)


def lift_table(posterior: Posterior, ci_prob: float) -> pd.DataFrame:
    """Return one row per test as in ``lift.csv``: its result, what the fit with and without the tests says, and ROI.

    Args:
        posterior: a fit with tests, as `fit` returns it.
        ci_prob: mass of the central intervals.
    """
    tests = [LiftTest(**test) for test in posterior.settings["lift_tests"]]
    place = posterior.data["lift_channel"].to_numpy()
    before = {name: _joined(posterior, name) for name in ("lift", "roi")}
    draws = {
        "predicted": predicted_lift(posterior, posterior.data),
        "before": before["lift"],
        "roi": posterior["roi"][:, place],
        "roi_before": before["roi"][:, place],
    }
    table = pd.DataFrame([t.model_dump() for t in tests]).assign(
        geos=[", ".join(t.geos or ("all",)) for t in tests], ci_prob=ci_prob
    )
    for name, values in draws.items():
        table = table.assign(**Interval.of(values, ci_prob).columns(name))
    return table


@dataclass(frozen=True)
class Agreement:
    """How far the model without the tests, priors and panel alone, is from the result of one.

    Attributes:
        distance: in standard deviations of both together, the model's taken from its central 68%.
        finding: both results.
    """

    distance: float
    finding: Finding


def lift_agreement(posterior: Posterior) -> list[Agreement]:
    """Return one agreement per test, none where the fit has no tests."""
    if "without_tests" not in posterior.tree:
        return []
    table, lift = lift_table(posterior, 0.9), _joined(posterior, "lift")
    middle = Interval.of(lift, 0.68)
    found = []
    for i, test in enumerate(table.itertuples()):
        spread = np.hypot((middle.high[i] - middle.low[i]) / 2, test.standard_error)
        distance = float(abs(test.incremental_kpi - test.before_median) / spread)
        values = {
            "number": i + 1,
            **{"channel": test.channel, "start": f"{test.start}"},
            **{"lift": test.incremental_kpi, "standard_error": test.standard_error},
            **{end: float(getattr(test, f"before_{end}")) for end in ("mean", "low", "high")},
        }
        code = "check.lift_test.agrees" if distance <= LIMIT else "check.lift_test.contradicts"
        found.append(Agreement(distance, Finding(code, values)))
    return found


def _joined(posterior: Posterior, name: str) -> Array:
    """Return draws of the fit without the tests with chains joined."""
    values = posterior.tree["without_tests"][name].to_numpy()
    return values.reshape(-1, values.shape[-1])
