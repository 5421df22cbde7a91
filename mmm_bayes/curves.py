"""`ResponseCurves`: what each channel would return at each spend, from either model."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xarray as xr

from mmm_bayes.config import Allocate
from mmm_bayes.transforms import Array
from mmm_bayes.workspace import writing

POINTS = 101
"""Points of a response curve."""

BY_GEO = " | "
"""Parts the channel from the geo in the name of an arm."""


def arm_of(channel: str, geo: str) -> str:
    """Return the name of a channel's arm in one geo."""
    return f"{channel}{BY_GEO}{geo}"


def channel_of(arm: str) -> str:
    """Return the channel of an arm, which may be an arm of one geo."""
    return arm.partition(BY_GEO)[0]


@dataclass(frozen=True)
class ResponseCurves:
    """Response of every channel over one planning window, draw by draw.

    Attributes:
        channels: names of the arms; ``channel`` or ``channel | geo`` for plans by geo.
        spend: shape ``(channel, point)``, currency over the window, ascending from 0.
        response: shape ``(draw, channel, point)``, incremental KPI value in currency, carry-in before the window
            excluded and the tail after it counted; non-decreasing along ``point``, 0 at spend 0.
        today: shape ``(channel,)``, spend of the window if nothing changes, currency.
        observed: shape ``(channel,)``, the highest spend seen in a window of this length, currency.
        weeks: length of the window.
        model: ``bayesian`` or ``lightgbm``.
        held: channels that are not to be moved along their curves, since their media follow demand.
        planned: whether the window is that of planned weeks; ``today`` is then what is planned for them.

    Between points the response is linear.
    """

    channels: tuple[str, ...]
    spend: Array
    response: Array
    today: Array
    observed: Array
    weeks: int
    model: str = "bayesian"
    held: tuple[str, ...] = ()
    planned: bool = False

    def along(self, arm: int, spend: Array) -> Array:
        """Return the response of one arm at each ``spend (k,)``, shape ``(draw, k)``, held beyond the ends."""
        return interpolate(spend, self.spend[arm], self.response[:, arm])

    def at(self, spend: Array) -> Array:
        """Return the response at a plan ``(channel,)``, shape ``(draw, channel)``, currency, held beyond the ends."""
        return np.concatenate([self.along(c, np.array([s])) for c, s in enumerate(spend)], axis=1)

    def marginal(self, spend: Array) -> Array:
        """Return the response to the next unit of currency at a plan ``(channel,)``, shape ``(draw, channel)``.

        At a point of the curve the mean of the slopes on both sides; beyond either end the slope of the last piece.
        """
        found = np.zeros((len(self.response), len(spend)))
        for c, (grid, s) in enumerate(zip(self.spend, spend, strict=True)):
            width = np.diff(grid)
            if width[-1] > 0:
                near = 1e-9 * grid[-1]
                places = [np.searchsorted(grid, s + near, side="right"), np.searchsorted(grid, s - near, side="left")]
                pieces = np.clip(np.array(places) - 1, 0, len(width) - 1)[::-1]
                found[:, c] = (np.diff(self.response[:, c])[:, pieces] / width[pieces]).mean(axis=1)
        return found

    @property
    def mean(self) -> Array:
        """Expected response, shape ``(channel, point)``, currency."""
        return self.response.mean(axis=0)

    def pick(self, arms: Sequence[int]) -> "ResponseCurves":
        """Return the curves of some arms, given by their places, in that order."""
        places = list(arms)
        return replace(
            self,
            channels=tuple(self.channels[place] for place in places),
            spend=self.spend[places],
            response=self.response[:, places],
            today=self.today[places],
            observed=self.observed[places],
        )


def interpolate(x: Array, grid: Array, values: Array) -> Array:
    """Return ``values (draw, point)`` at each ``x (k,)`` by linear interpolation, held beyond the ends of the grid."""
    right = np.clip(np.searchsorted(grid, x), 1, len(grid) - 1)
    width = grid[right] - grid[right - 1]
    share = np.clip(np.divide(x - grid[right - 1], width, out=np.zeros_like(x), where=width > 0), 0.0, 1.0)
    return values[:, right - 1] * (1 - share) + values[:, right] * share


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


@dataclass(frozen=True)
class PaidMedia:
    """What response curves are made of, organic channels left out.

    Attributes:
        channels: names of the paid channels.
        geos: names of the geos.
        spend: shape ``(channel, geo, week)``, currency.
        media: scaled driver with history, shape ``(channel, geo, l_max - 1 + week)``.
        coefficient: currency per unit of response, shape ``(draw, channel, geo)``.
        respond: place of a channel and its media ``(geo, time)`` to the response ``(draw, geo, time)`` of some geos.
        planned: spend and the price of a unit of scaled media in the planned weeks, each ``(channel, geo, week)``.
    """

    channels: Sequence[str]
    geos: Sequence[str]
    spend: Array
    media: Array
    coefficient: Array
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
    response = [
        window_response(
            partial(paid.respond, c),
            steps[:, None, None] * window.driver[c, geos],
            window.carry[c, geos],
            paid.coefficient[:, c][:, geos],
        )
        for (_, c, geos), steps in zip(arms, grid, strict=True)
    ]
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


def save_curves(curves: ResponseCurves, path: Path) -> None:
    """Write curves as a long Parquet table ``channel, point, spend, draw, response``, with the window as metadata."""
    draws, channels, points = curves.response.shape
    names = np.repeat(np.asarray(curves.channels, dtype=object), points * draws)
    table = pa.table(
        {
            "channel": pa.array(names).dictionary_encode(),
            "point": np.tile(np.repeat(np.arange(points, dtype=np.int32), draws), channels),
            "spend": np.repeat(curves.spend.ravel(), draws),
            "draw": np.tile(np.arange(draws, dtype=np.int32), channels * points),
            "response": np.transpose(curves.response, (1, 2, 0)).ravel(),
        }
    )
    meta = {"weeks": str(curves.weeks), "model": curves.model, "held": json.dumps(curves.held)}
    meta |= {
        "today": ",".join(map(repr, curves.today.tolist())),
        "observed": ",".join(map(repr, curves.observed.tolist())),
    }
    meta |= {"planned": "yes"} if curves.planned else {}
    with writing(path) as temporary:
        pq.write_table(table.replace_schema_metadata(meta), temporary)


def load_curves(path: Path) -> ResponseCurves:
    """Read what `save_curves` wrote."""
    table = pq.read_table(path)
    meta = {k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items()}
    names = tuple(table["channel"].unique().to_pylist())
    draws = int(table["draw"].to_numpy().max()) + 1
    cube = table["response"].to_numpy().reshape(len(names), -1, draws)
    return ResponseCurves(
        channels=names,
        spend=table["spend"].to_numpy().reshape(cube.shape)[:, :, 0].copy(),
        response=np.transpose(cube, (2, 0, 1)).copy(),
        today=np.array([float(v) for v in meta["today"].split(",")]),
        observed=np.array([float(v) for v in meta["observed"].split(",")]),
        weeks=int(meta["weeks"]),
        model=meta["model"],
        held=tuple(json.loads(meta.get("held", "[]"))),
        planned="planned" in meta,
    )
