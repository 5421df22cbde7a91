"""Worlds that nobody's model was tuned to: demand, budgets and responses of many kinds, and what media truly do there.

`simulate_panel` makes panels of the model's own family. A world breaks what that family assumes, one thing at a time or
several: see `Kind`. Its formulas stand here by themselves, so that a mistake in those of the model cannot hide.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from mmm_bayes.config import PanelColumns
from mmm_bayes.transforms import Array

Curve = Literal["concave", "s_shaped", "saturated", "mixed", "logistic"]
Budget = Literal["best", "near", "far"]

MEMORY = 13
"""Weeks that spend acts."""

YEAR = 365.25
UNIT = 100_000.0
"""Weekly KPI of a middling geo, currency."""


@dataclass(frozen=True)
class Kind:
    """What is peculiar about a world.

    Attributes:
        curve: diminishing returns; returns that rise at first; channels close to their ceiling; some of each; or a
            curve of another family.
        budget: today's money lies where marginal returns are ``best`` (all but equal), or the channels' ROI differ by
            a log standard deviation of 0.3 (``near``, as budgets of businesses that look at their figures) or of 0.8
            (``far``).
        placebo: one channel has no effect at all.
        follows_demand: a quarter of the channels is planned by the demand of the week, which the KPI alone shows.
        delayed: the effect of half of the channels is largest one to two weeks after the money.
    """

    curve: Curve = "concave"
    budget: Budget = "near"
    placebo: bool = False
    follows_demand: bool = False
    delayed: bool = False


@dataclass(frozen=True)
class Channel:
    """What one channel of a world does; ``kappa`` in units of the median week with any spend."""

    pattern: str
    family: str
    kappa: float
    slope: float
    alpha: float
    delayed: bool

    @property
    def weights(self) -> Array:
        """Part of the effect in the week of the money and in each later one, shape ``(lag,)``."""
        lags = np.arange(MEMORY)
        found = self.alpha ** ((lags - 1.5) ** 2 if self.delayed else lags)
        return found / found.sum()

    def respond(self, media: Array) -> Array:
        """Return the response to media ``(geo, week)`` in units of the median week, nothing before the first."""
        stock = lfilter(self.weights, [1.0], media, axis=-1)
        if self.family == "logistic":
            return np.tanh(np.log(3.0) / 2 * stock / self.kappa)
        return stock**self.slope / (stock**self.slope + self.kappa**self.slope)


@dataclass(frozen=True)
class World:
    """A weekly table and what media truly do in it.

    Attributes:
        kind: what is peculiar about it.
        channels: by name.
        frame: ``week, geo, sales`` and a column of spend for each channel; one row per geo and week.
        spend: shape ``(channel, geo, week)``, currency.
        unit: spend of a channel per unit of its media, shape ``(channel, geo)``.
        coefficient: KPI per unit of response, shape ``(channel, geo)``.
    """

    kind: Kind
    channels: dict[str, Channel]
    frame: pd.DataFrame
    spend: Array
    unit: Array
    coefficient: Array

    @property
    def columns(self) -> PanelColumns:
        """Which column holds what."""
        geo = "geo" if self.frame["geo"].nunique() > 1 else None
        return PanelColumns(week="week", geo=geo, kpi="sales", spend={name: name for name in self.channels})

    def contribution(self, channel: int, spend: Array) -> Array:
        """Return the KPI that a channel adds with spend ``(geo, week)``, the same shape."""
        media = spend / self.unit[channel, :, None]
        return self.coefficient[channel, :, None] * list(self.channels.values())[channel].respond(media)

    def total(self, factor: float) -> Array:
        """Return what each channel adds in all with ``factor`` times its spend, shape ``(channel,)``."""
        return np.array([self.contribution(c, factor * own).sum() for c, own in enumerate(self.spend)])

    @cached_property
    def roi(self) -> Array:
        """KPI per unit of spend, shape ``(channel,)``."""
        return self.total(1.0) / self.spend.sum(axis=(1, 2))

    @cached_property
    def mroi(self) -> Array:
        """KPI of the next unit of spend, spread as the others, shape ``(channel,)``."""
        return (self.total(1.005) - self.total(0.995)) / (0.01 * self.spend.sum(axis=(1, 2)))

    def returns(self, factors: Array, weeks: int) -> Array:
        """Return what each channel adds over a window that repeats the last ``weeks`` weeks with other money.

        Args:
            factors: on the spend of those weeks, shape ``(channel, point)``.
            weeks: length of the window; the carry-in is that before it, and the tail after it counts.

        Returns:
            Shape ``(channel, point)``, beside spending nothing in the window.
        """
        span = self.spend.shape[-1]
        window = self.spend[..., np.arange(-weeks, 0) % span]
        before = self.spend[..., max(span - weeks - MEMORY, 0) : max(span - weeks, 0)]
        after = np.zeros_like(window[..., :MEMORY])

        def added(channel: int, factor: float) -> float:
            parts = (before[channel], factor * window[channel], after[channel])
            return float(self.contribution(channel, np.concatenate(parts, axis=-1)).sum())

        return np.array([[added(c, f) - added(c, 0.0) for f in row] for c, row in enumerate(factors)])


def draw_kind(seed: int) -> Kind:
    """Return a kind of world: curves and budgets in turn, the rest by chance."""
    random = np.random.default_rng([seed, 1])
    curves, budgets = get_args(Curve), get_args(Budget)
    return Kind(
        curve=curves[seed % len(curves)],
        budget=budgets[seed // len(curves) % len(budgets)],
        placebo=bool(random.random() < 0.3),
        follows_demand=bool(random.random() < 0.25),
        delayed=bool(random.random() < 0.2),
    )


def make_world(kind: Kind, geos: int, weeks: int, channels: int, seed: int) -> World:
    """Make a world.

    Media bring 6 to 45% of the KPI, and a unit of money 0.3 to 10 units of KPI in the mean.

    Args:
        kind: what is peculiar about it.
        geos: number of geos; 1 is a national series.
        weeks: number of weeks.
        channels: number of channels.
        seed: decides all that is random.
    """
    random = np.random.default_rng([seed, geos, weeks, channels])
    dates = pd.date_range("2021-01-04", periods=weeks, freq="7D")
    size = np.exp(random.normal(0, 0.6, (geos, 1)))
    demand = _demand(random, geos, dates)
    noise = random.uniform(0.015, 0.05) * random.standard_normal((geos, weeks)) + 0.01 * random.standard_normal(weeks)
    base = UNIT * size * demand * np.exp(noise)
    made = _channels(random, kind, channels)
    media = np.stack([size * _media(random, one.pattern, demand, dates) for one in made.values()])
    unit = size[:, 0] * np.array([[np.median((own / size)[own > 0])] for own in media])
    weight = size[:, 0] * np.exp(random.uniform(0.0, 0.3) * random.standard_normal((channels, geos)) * (geos > 1))
    scaled = media / unit[:, :, None]
    response = np.stack([one.respond(own) for one, own in zip(made.values(), scaled, strict=True)])
    money, gained = _money(random, base.sum(), _roi(random, kind, list(made.values()), scaled, weight))
    coefficient = (gained / (weight[:, :, None] * response).sum(axis=(1, 2)))[:, None] * weight
    price = money / media.sum(axis=(1, 2))
    spend = price[:, None, None] * media
    kpi = base + (coefficient[:, :, None] * response).sum(axis=0)
    return World(kind, made, _table(kpi, spend, dates, list(made)), spend, price[:, None] * unit, coefficient)


def _money(random: np.random.Generator, base: float, roi: Array) -> tuple[Array, Array]:
    """Return the money of each channel and the KPI that it brings, both ``(channel,)``; ``roi`` beside each other."""
    share, level = random.uniform(0.06, 0.45), np.exp(random.uniform(*np.log([0.3, 10])))
    split = np.maximum(random.dirichlet(np.full(len(roi), 2.0)), 0.015)
    gained = split * roi / float(split @ roi) * share / (1 - share) * base
    return split / split.sum() * gained.sum() / max(level, 2 * share), gained


def _demand(random: np.random.Generator, geos: int, dates: pd.DatetimeIndex) -> Array:
    """Return relative demand ``(geo, week)``: season, a Christmas that is told nowhere, trend, and what wanders."""
    year, years = dates.dayofyear.to_numpy() / YEAR, np.arange(len(dates)) / 52
    season = random.uniform(0.03, 0.2) * np.cos(2 * np.pi * (year - random.uniform()))
    season += random.uniform(0, 0.08) * np.cos(4 * np.pi * (year - random.uniform()))
    christmas = random.uniform(0.1, 0.4) * np.exp(-0.5 * ((year - 0.955) / 0.018) ** 2) * (random.random() < 0.4)
    trend = random.uniform(-0.05, 0.12) * years
    own = _wander(random, random.uniform(0.003, 0.02), float(random.choice([0.9, 0.97, 1.0])), (geos, len(dates)))
    shared = _wander(random, random.uniform(0.0, 0.008), 0.95, (1, len(dates)))
    return np.exp(season + christmas + trend + own + shared)


def _wander(random: np.random.Generator, step: float, persistence: float, shape: tuple[int, int]) -> Array:
    """Return processes ``(geo, week)`` that remember their last week; stationary below a persistence of 1."""
    steps = step * random.standard_normal(shape)
    if persistence < 1:
        steps[:, 0] /= np.sqrt(1 - persistence**2)
    return lfilter([1.0], [1.0, -persistence], steps, axis=1)


def _channels(random: np.random.Generator, kind: Kind, count: int) -> dict[str, Channel]:
    """Draw how each channel is planned and what it does."""
    followers = random.choice(count, max(1, count // 4), replace=False) if kind.follows_demand else ()
    return {f"channel {c + 1}": _channel(random, kind, c in followers) for c in range(count)}


def _channel(random: np.random.Generator, kind: Kind, follows: bool) -> Channel:
    curve = str(random.choice(["concave", "s_shaped", "saturated"])) if kind.curve == "mixed" else kind.curve
    kappa = {"s_shaped": (0.5, 1.5), "saturated": (0.15, 0.45), "logistic": (0.5, 2.0)}.get(curve, (0.6, 3.0))
    slope = {"s_shaped": (1.7, 3.0), "saturated": (0.8, 1.3)}.get(curve, (0.8, 1.2))
    pattern = str(random.choice(["steady", "flights", "season", "bursts"], p=[0.4, 0.3, 0.15, 0.15]))
    return Channel(
        pattern="demand" if follows else pattern,
        family="logistic" if curve == "logistic" else "hill",
        kappa=random.uniform(*kappa),
        slope=random.uniform(*slope),
        alpha=random.uniform(0.05, 0.75),
        delayed=bool(kind.delayed and random.random() < 0.5),
    )


def _media(random: np.random.Generator, pattern: str, demand: Array, dates: pd.DatetimeIndex) -> Array:
    """Return the media of one channel ``(geo, week)`` in any unit."""
    own, spread = random.uniform(0.4, 0.9), random.uniform(0.2, 0.5)
    wobble = _wander(random, 0.6, 0.8, demand.shape)
    if len(demand) > 1:
        shared = _wander(random, 0.6, 0.8, (1, len(dates)))
        wobble = np.sqrt(own) * wobble + np.sqrt(1 - own) * shared
    lean = np.exp(0.15 * random.standard_normal((len(demand), 1)))
    silent = {"flights": random.uniform(0.35, 0.65), "bursts": random.uniform(0.7, 0.85)}.get(pattern, 0.0)
    if silent:
        return lean * np.where(wobble > np.quantile(wobble, silent, axis=1, keepdims=True), np.exp(0.35 * wobble), 0.0)
    if pattern == "season":
        year = dates.dayofyear.to_numpy() / YEAR
        return lean * np.exp(0.8 * np.cos(2 * np.pi * (year - random.uniform())) + spread * wobble)
    if pattern == "demand":
        return lean * demand ** random.uniform(1, 2) * np.exp(0.2 * wobble)
    return lean * np.exp(spread * wobble)


def _roi(random: np.random.Generator, kind: Kind, channels: list[Channel], media: Array, weight: Array) -> Array:
    """Draw the channels' ROI beside each other, shape ``(channel,)``; their level is set later."""
    if kind.budget == "best":

        def total(c: int, factor: float) -> float:
            return float((channels[c].respond(factor * media[c]) * weight[c][:, None]).sum())

        marginal = [(total(c, 1.01) / total(c, 1.0) - 1) / 0.01 for c in range(len(channels))]
        roi = np.exp(0.12 * random.standard_normal(len(channels))) / np.maximum(marginal, 0.05)
    else:
        roi = np.exp({"near": 0.3, "far": 0.8}[kind.budget] * random.standard_normal(len(channels)))
    if kind.placebo:
        roi[random.integers(len(channels))] = 0.0
    return roi


def _table(kpi: Array, spend: Array, dates: pd.DatetimeIndex, names: list[str]) -> pd.DataFrame:
    geos = [f"geo {g + 1:02d}" for g in range(len(kpi))]
    table = {"week": np.tile(dates, len(geos)), "geo": np.repeat(geos, len(dates)), "sales": kpi.ravel()}
    return pd.DataFrame(table | {name: own.ravel() for name, own in zip(names, spend, strict=True)})
