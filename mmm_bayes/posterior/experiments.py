"""Experiments against a panel: where each lift test took place, what it changed, and how sure its result is.

A test of several channels at once tells the sum of their effects: it has a part for each channel. A test that is not
within the panel's weeks is taken to have changed the mean week of the panel's nearest year, and its result is less sure
the older it is: its standard error gets ``test_aging`` times the result for each year between test and panel, in
quadrature.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from mmm_bayes.config import LiftTest
from mmm_bayes.errors import ConfigError, nearest
from mmm_bayes.transforms import YEAR, Array

SIX = np.timedelta64(6, "D")
"""From the first day of a week to its last."""

NEAR = 52
"""Weeks of the panel that stand for the time of a test before or after it."""


OLDEST = 5
"""Years between a test and the panel from which on nobody means it."""


@dataclass(frozen=True)
class Place:
    """Where a test took place.

    Attributes:
        channels: places of its channels.
        geos: places of its geos.
        first: its first week in the panel; None where it is not within the panel.
        weeks: how many it touched.
        near: weeks of the panel that are nearest to it, all of its own where it is within.
        age: years between test and panel, NaN where it is within.
    """

    channels: list[int]
    geos: list[int]
    first: int | None
    weeks: int
    near: slice
    age: float


def within(tests: Sequence[LiftTest], weeks: Array) -> tuple[LiftTest, ...]:
    """Return the tests that had ended with the last of ``weeks`` (their first days)."""
    return tuple(t for t in tests if np.datetime64(t.end) <= days(weeks)[-1] + SIX)


def tested_channels(tests: Sequence[LiftTest]) -> set[str]:
    """Return the channels of which a test tells what is their own."""
    return {channel for test in tests for channel in test.tested}


def days(weeks: Array) -> Array:
    """Return dates as whole days."""
    return weeks.astype("datetime64[D]")


def lift_data(data: xr.Dataset, tests: Sequence[LiftTest], l_max: int, train: int, aging: float) -> dict[str, Any]:
    """Return the variables that the tests add to a design.

    A test has a part for each of its channels; parts are padded to the most geos (``place``) and weeks that one of them
    has, with weight 0.

    Args:
        data: scaled panel, see `model.design.Design`.
        tests: results of experiments.
        l_max: number of weeks that spend can act.
        train: weeks from the first that the model sees.
        aging: relative error for each year between test and panel.

    Returns:
        ``lift_media (side, part, place, l_max - 1 + lift_week)``: scaled media as they were and without the test's
        change; ``lift_weight (part, place, lift_week)``: KPI units per scaled KPI; ``lift_channel (part)`` and
        ``lift_geo (part, place)``: places in the design; ``lift_member (part, test)``: 1 where a part is of a test;
        ``lift_kpi, lift_error (test)``: result in KPI units; ``lift_age (test)``, see `Place`.

    Raises:
        ConfigError: a test that does not fit the panel.
    """
    places = check_tests(data, tests)
    parts = [(i, c, part) for i, test in enumerate(tests) for c, part in _parts(data, test, places[i], l_max, train)]
    most, span = (max(part.shape[axis] for _, _, part in parts) for axis in (1, 2))
    media = np.zeros((2, len(parts), most, span))
    weight = np.zeros((len(parts), most, span - (l_max - 1)))
    geo, member = np.zeros((len(parts), most), dtype=int), np.zeros((len(parts), len(tests)))
    for p, (i, _, part) in enumerate(parts):
        geos, size = places[i].geos, part.shape[2]
        media[:, p, : len(geos), :size] = part
        weight[p, : len(geos), : size - (l_max - 1)] = data["scale"].to_numpy()[geos, None]
        geo[p, : len(geos)], member[p, i] = geos, 1.0
    kpi, error = _results(data, tests, places)
    age = np.array([place.age for place in places])
    return {
        "lift_media": (("side", "part", "place", "lift_time"), media),
        "lift_weight": (("part", "place", "lift_week"), weight),
        "lift_channel": ("part", np.array([channel for _, channel, _ in parts])),
        "lift_geo": (("part", "place"), geo),
        "lift_member": (("part", "test"), member),
        "lift_kpi": ("test", kpi),
        "lift_error": ("test", np.hypot(error, aging * np.nan_to_num(age) * kpi)),
        "lift_age": ("test", age),
    }


def _results(data: xr.Dataset, tests: Sequence[LiftTest], places: Sequence[Place]) -> tuple[Array, Array]:
    """Return the KPI that each test gained and its standard error, KPI units; a ROAS is turned into KPI."""
    worth = (data["money"] / data["scale"]).transpose("geo", "week").to_numpy()
    kpi, error = np.empty(len(tests)), np.empty(len(tests))
    for i, (test, place) in enumerate(zip(tests, places, strict=True)):
        unit = 1.0 if test.roas is None else test.change / worth[place.geos, place.near].mean()
        kpi[i], error[i] = unit * test.result, abs(unit) * test.error
    return kpi, error


# --- where a test took place --------------------------------------------------------------------


def check_tests(data: xr.Dataset, tests: Sequence[LiftTest]) -> list[Place]:
    """Return where each test took place.

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


def _place(data: xr.Dataset, test: LiftTest, where: str) -> Place:
    """Return where a test took place, see `check_tests`."""
    channels, geos = ([str(n) for n in data[dim].to_numpy()] for dim in ("channel", "geo"))
    for channel in test.tested:
        if channel not in channels:
            raise ConfigError(f"{where} names the channel '{channel}'; {nearest(channel, channels)}")
        if not data["paid"].to_numpy()[channels.index(channel)]:
            raise ConfigError(f"{where}: the channel '{channel}' is organic and has no spend to test; leave it out.")
    for geo in test.geos or ():
        if geo not in geos:
            raise ConfigError(f"{where} names the geo '{geo}'; {nearest(geo, geos)}")
    at, of = [geos.index(geo) for geo in dict.fromkeys(test.geos or geos)], [channels.index(c) for c in test.tested]
    weeks, start, end = days(data["week"].to_numpy()), np.datetime64(test.start), np.datetime64(test.end)
    until = weeks[-1] + SIX
    if start < weeks[0] or end > until:
        size = -(-((end - start).astype(int) + 1) // 7)
        before = weeks[0] - start > end - until
        gap = max(int((weeks[0] - end if before else start - until).astype(int)), 0)
        if gap > OLDEST * YEAR:
            raise ConfigError(
                f"{where}: {start} to {end} lies {gap / YEAR:.0f} years from the panel ({weeks[0]} to {until}), too "
                "far to tell of it; correct the dates or leave the test out."
            )
        return Place(of, at, None, int(size), slice(NEAR) if before else slice(-NEAR, None), gap / YEAR)
    tested = np.flatnonzero((weeks <= end) & (weeks + SIX >= start))
    first, last = int(tested[0]), int(tested[-1])
    place = Place(of, at, first, last - first + 1, slice(first, last + 1), np.nan)
    spend = data["spend"].to_numpy()[:, at, place.near].sum(axis=(1, 2))
    for c, change in zip(of, _changes(test, spend[of]), strict=True):
        if change > spend[c] * (1 + 1e-9):
            raise ConfigError(
                f"{where}: 'spend_change' is {change:,.0f}, but only {spend[c]:,.0f} was spent on "
                f"'{channels[c]}' in the tested geos and weeks; give what was spent more than without the test."
            )
    return place


def _changes(test: LiftTest, spent: Array) -> Array:
    """Return the change of spend of each channel: as given, or divided by what was spent on them ``(channel,)``."""
    if isinstance(test.spend_change, dict):
        return np.array([test.spend_change[channel] for channel in test.tested])
    total = spent.sum()
    return test.spend_change * (spent / total if total > 0 else np.full(len(spent), 1 / len(spent)))


# --- what a test changed ------------------------------------------------------------------------


def _parts(data: xr.Dataset, test: LiftTest, place: Place, l_max: int, train: int) -> Iterator[tuple[int, Array]]:
    """Yield each channel of a test with its media as they were and without the change, ``(2, place, time)``."""
    spent = data["spend"].to_numpy()[:, place.geos, place.near].sum(axis=(1, 2))[place.channels]
    for channel, change in zip(place.channels, _changes(test, spent), strict=True):
        if place.first is None:
            yield channel, _beside(data, channel, place, float(change), l_max)
        else:
            window = place.first, place.first + place.weeks - 1
            end = min(window[1] + l_max, train)  # the week after the last one compared
            both = _both_sides(data, channel, place.geos, window, float(change))
            yield channel, both[..., place.first : end + l_max - 1]


def _beside(data: xr.Dataset, channel: int, place: Place, change: float, l_max: int) -> Array:
    """Return media of a test that is not within the panel: the mean week of the nearest year, and changed weeks in it.

    A holdout that cut more than is usual brings the channel to nothing from as much more.
    """
    spend = data["spend"].to_numpy()[channel][place.geos, place.near]
    media = data["media"].to_numpy()[channel][:, -data.sizes["week"] :][place.geos, place.near]
    usual = np.repeat(media.mean(axis=1)[:, None], 2 * (l_max - 1) + place.weeks, axis=1)
    factor = change / (spend.sum() / spend.shape[1] * place.weeks)
    here = slice(l_max - 1, l_max - 1 + place.weeks)
    tested, without = usual.copy(), usual.copy()
    tested[:, here] *= max(1 + factor, 0.0)
    without[:, here] *= max(-factor, 1.0)
    return np.stack([tested, without])


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
    if change == 0:
        return np.stack([media[geos], without])
    if abs(change) <= spent:
        without[:, here] *= 1 - change / spent
    else:
        counted = media[:, history:] * (data["money"].to_numpy() > 0)
        rate = (counted * unit[:, None]).sum() / spend.sum()
        without[:, here] -= change * rate / (unit[geos].sum() * weeks)
    return np.stack([media[geos], without])
