"""From paid media to their response curves over a window."""

from collections.abc import Callable, Sequence

import numpy as np

from mmm_bayes.config import Allocate
from mmm_bayes.curves.response import ResponseCurves, arm_of, channel_of
from mmm_bayes.curves.window import PaidMedia, Window, highest_window, window_of
from mmm_bayes.transforms import Array

POINTS = 101
"""Points of a response curve."""


def window_response(respond: Callable[[Array], Array], flights: Array, carry: Array, coefficient: Array) -> Array:
    """Return what flights over a window add over no media in it, the tail after it included.

    Args:
        respond: scaled media with history ``(geo, l_max - 1 + time)`` to response ``(draw, geo, time)``,
            such as `transforms.Shape.respond` with its parameters.
        flights: scaled media of the window, shape ``(flight, geo, week)``.
        carry: scaled media of the ``l_max - 1`` weeks before the window, shape ``(geo, l_max - 1)``.
        coefficient: currency per unit of response, shape ``(draw, geo)``.

    Returns:
        Incremental KPI value in currency, shape ``(draw, flight)``.
    """
    tail = np.zeros_like(carry)

    def total(flight: Array) -> Array:
        response = respond(np.concatenate([carry, flight, tail], axis=-1))
        return np.einsum("dgt,dg->d", response, coefficient)

    nothing = total(np.zeros(flights.shape[1:]))
    return np.stack([total(flight) - nothing for flight in flights], axis=-1)


def ray_response(paid: PaidMedia, channel: int, geos: Sequence[int], steps: Array, window: Window) -> Array:
    """Return `window_response` of multiples of one flight, that of a channel in some geos.

    Carry-over adds up, so it is worked out once and not for each multiple.

    Args:
        paid: the channels.
        channel: place of the channel.
        geos: their places.
        steps: multiples, shape ``(step,)``.
        window: has the flight and what ran before it.

    Returns:
        Incremental KPI value in currency, shape ``(draw, step)``.
    """
    before, flight = window.carry[channel, geos], window.driver[channel, geos]
    tail, coefficient = np.zeros_like(before), paid.coefficient[:, channel][:, geos]
    still, unit = (
        paid.carried(channel, np.concatenate([*media, tail], axis=-1))
        for media in ((before, np.zeros_like(flight)), (np.zeros_like(before), flight))
    )

    def total(step: float) -> Array:
        return np.einsum("dgt,dg->d", paid.respond(channel, still + step * unit), coefficient)

    nothing = total(0.0)
    return np.stack([total(step) - nothing for step in steps], axis=-1)


def planning_arms(
    channels: Sequence[str], geos: Sequence[str], flight: Array, by_geo: bool
) -> list[tuple[str, int, list[int]]]:
    """Return what money can be put on: name, place of the channel and places of the geos of each arm.

    Args:
        channels: names.
        geos: names.
        flight: spend over the window, shape ``(channel, geo)``; an arm without any is left out.
        by_geo: whether each geo is an arm of its own (``channel | geo``), where there are several.
    """
    if by_geo and len(geos) > 1:
        arms = [(arm_of(channel, geo), c, [g]) for c, channel in enumerate(channels) for g, geo in enumerate(geos)]
    else:
        arms = [(channel, c, list(range(len(geos)))) for c, channel in enumerate(channels)]
    return [arm for arm in arms if flight[arm[1], arm[2]].sum() > 0]


def curve_grid(settings: Allocate, arms: Sequence[str], flight: Array, stretch: int = 1) -> Array:
    """Return factors on an arm's flight that reach every limit the settings ask for, and twice its spend at least.

    Args:
        settings: the budget question with its limits, in currency or relative to today.
        arms: their names.
        flight: spend of each arm over the window, currency, shape ``(arm,)``.
        stretch: how many times as far to go, with as many times the points.

    Returns:
        Ascending from 0, shape ``(arm, point)``.
    """
    ends = []
    for arm, spend in zip(arms, flight, strict=True):
        limits = [settings.limits[n] for n in (arm, channel_of(arm)) if n in settings.limits]
        relative = [limit.relative[1] for limit in limits if limit.relative is not None]
        currency = [limit.upper / spend for limit in limits if limit.upper is not None]
        ends.append(max(2.0, settings.relative[1], *relative, *currency))
    return 1.001 * np.array(ends)[:, None] * np.linspace(0.0, stretch, stretch * (POINTS - 1) + 1)


def make_curves(
    paid: PaidMedia, settings: Allocate, model: str, stretch: int = 1, held: tuple[str, ...] = ()
) -> ResponseCurves:
    """Return the response of every paid channel over the planning window, see `window_of`.

    Money goes to geos and weeks as it did, as it is planned, or evenly; the tail after the window counts.
    ``stretch``: see `curve_grid`.
    """
    settings = settings.over(0 if paid.planned is None else paid.planned[0].shape[-1])
    window = window_of(paid, settings)
    arms = planning_arms(paid.channels, paid.geos, window.spend.sum(axis=-1), settings.by_geo)

    def by_arm(spend: Array) -> Array:
        return np.array([spend[c, geos].sum() for _, c, geos in arms])

    flight, today = by_arm(window.spend), by_arm(window.today)
    grid = curve_grid(settings, [name for name, _, _ in arms], flight, stretch)
    response = [ray_response(paid, c, geos, steps, window) for (_, c, geos), steps in zip(arms, grid, strict=True)]
    weeks = settings.weeks
    return ResponseCurves(
        channels=tuple(name for name, _, _ in arms),
        spend=flight[:, None] * grid,
        response=np.maximum.accumulate(np.stack(response, axis=1), axis=2),
        today=today,
        observed=np.array([highest_window(paid.spend[[c]][:, geos], weeks)[0] for _, c, geos in arms]),
        weeks=weeks,
        model=model,
        held=held,
        planned=window.planned,
    )
