"""The weeks that a budget is made for: those planned, or the last ones again, and the money in them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from mmm_bayes.config import Allocate
from mmm_bayes.transforms import Array


def planning_window(media: Array, weeks: int, flighting: str = "historical", by_geo: bool = False) -> Array:
    """Return what a window of ``weeks`` weeks looks like if nothing changes.

    The next weeks repeat the last ones, from the start again where the panel is shorter. A channel that was
    silent in all of them (``by_geo``: in one geo) gets its mean week of the whole panel, so that it has a curve.

    Args:
        media: spend or another driver, shape ``(channel, geo, week)``.
        weeks: length of the window.
        flighting: ``historical`` keeps the ups and downs, ``steady`` spreads each geo's sum evenly.
        by_geo: whether each geo is planned by itself.

    Returns:
        Shape ``(channel, geo, weeks)``.
    """
    flight = last_weeks(media, weeks)
    silent = ~flight.any(axis=2 if by_geo else (1, 2), keepdims=True)
    flight = np.where(silent, media.mean(axis=-1, keepdims=True), flight)
    if flighting == "steady":
        flight = np.broadcast_to(flight.mean(axis=-1, keepdims=True), flight.shape)
    return flight


def last_weeks(values: Array, weeks: int) -> Array:
    """Return the last ``weeks`` weeks of ``values (..., week)``, from the start again where there are fewer."""
    return values[..., np.arange(-weeks, 0) % values.shape[-1]]


def highest_window(spend: Array, weeks: int) -> Array:
    """Return the highest sum over any ``weeks`` weeks in a row, shape ``(channel,)``; see `planning_window`."""
    total = spend.sum(axis=1)
    if weeks >= total.shape[1]:
        return total[:, np.arange(-weeks, 0) % total.shape[1]].sum(axis=1)
    return np.lib.stride_tricks.sliding_window_view(total, weeks, axis=1).sum(axis=2).max(axis=1)


@dataclass(frozen=True)
class PaidMedia:
    """What response curves are made of, organic channels left out.

    Attributes:
        channels: names of the paid channels.
        geos: names of the geos.
        spend: shape ``(channel, geo, week)``, currency.
        media: scaled driver with history, shape ``(channel, geo, l_max - 1 + week)``.
        coefficient: currency per unit of response, shape ``(draw, channel, geo)``.
        carried: place of a channel and its media with history ``(geo, time)`` to what saturates, of some geos, shape
            ``(..., geo, time)``; that of a sum is the sum of both.
        respond: place of a channel and what saturates to the response ``(draw, geo, week)``.
        planned: spend and the price of a unit of scaled media in the planned weeks, each ``(channel, geo, week)``.
    """

    channels: Sequence[str]
    geos: Sequence[str]
    spend: Array
    media: Array
    coefficient: Array
    carried: Callable[[int, Array], Array]
    respond: Callable[[int, Array], Array]
    planned: tuple[Array, Array] | None = None


def usual_worth(money: Array) -> Array:
    """Return the mean of ``money (geo, week)`` over the weeks in which a KPI is worth something: since a geo opened."""
    return money.sum(axis=1) / np.maximum((money > 0).sum(axis=1), 1)


def planned_media(planned: xr.Dataset, paid: Array, unit: Array) -> tuple[Array, Array]:
    """Return `PaidMedia.planned`.

    Args:
        planned: the weeks after the panel, see `panel.planned`.
        paid: places of the paid channels.
        unit: driver per unit of scaled media, shape ``(channel, geo)``.
    """
    spend, price = (planned[name].transpose("channel", "geo", "week").to_numpy() for name in ("spend", "price"))
    return spend[paid], (price * unit[..., None])[paid]


@dataclass(frozen=True)
class Window:
    """The weeks that a budget is made for, each channel's money spread over geos and weeks.

    Attributes:
        spend: currency, shape ``(channel, geo, week)``.
        driver: scaled media that it buys, of the same shape.
        carry: scaled media of the weeks before, shape ``(channel, geo, l_max - 1)``.
        today: spend if nothing changes, of the shape of ``spend``: that of the last weeks, or what is planned.
        planned: whether these weeks are planned.
    """

    spend: Array
    driver: Array
    carry: Array
    today: Array
    planned: bool = False


def window_of(paid: PaidMedia, settings: Allocate) -> Window:
    """Return the window of a budget: the planned weeks at their prices, where they are what is asked about.

    Else the next weeks repeat the last ones, at their price of exposure; the carry-in is what ran before these.
    """
    weeks, span = settings.weeks, paid.spend.shape[-1]
    history = paid.media.shape[-1] - span
    usual, driver = (
        planning_window(values, weeks, settings.flighting, settings.by_geo)
        for values in (paid.spend, paid.media[..., history:])
    )
    if paid.planned is None or paid.planned[0].shape[-1] != weeks:
        before = max(span - weeks, 0)
        return Window(usual, driver, paid.media[..., before : before + history], last_weeks(paid.spend, weeks))
    planned, price = paid.planned
    silent = ~planned.any(axis=2 if settings.by_geo else (1, 2), keepdims=True)
    spend = np.where(silent, usual, planned)
    if settings.flighting == "steady":
        spend = np.broadcast_to(spend.mean(axis=-1, keepdims=True), spend.shape)
    return Window(spend, spend / price, paid.media[..., span : span + history], planned, planned=True)
