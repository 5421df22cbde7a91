"""Worlds that break one assumption each, with the true ROI of every channel: what any answer is held against.

A break takes a `World` and changes its table: the baseline, the spend or what media do. Its truth is the zero-out
counterfactual of the table without noise: what each channel added, over what it cost.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mmm_bayes.config import PanelColumns
from mmm_bayes.simulate.worlds import Kind, World, make_world
from mmm_bayes.transforms import Array

NATIONAL, GEO = (1, 156, 5), (8, 104, 4)
"""Geos, weeks and channels."""


@dataclass(frozen=True)
class Case:
    """A weekly table and its truth.

    Attributes:
        frame: ``week, geo, sales``, spend by channel and what else the break brings.
        columns: which column holds what.
        roi: true ROI of each channel, shape ``(channel,)``.
        world: whose curves are true of today's money; None where a break has changed them.
    """

    frame: pd.DataFrame
    columns: PanelColumns
    roi: Array
    world: World | None

    @property
    def sales(self) -> Array:
        """The KPI, shape ``(geo, week)``."""
        return self.frame["sales"].to_numpy().reshape(self.frame["geo"].nunique(), -1)


def added(world: World) -> Array:
    """Return what each channel adds, shape ``(channel, geo, week)``."""
    return np.stack([world.contribution(c, own) for c, own in enumerate(world.spend)])


def base(world: World) -> Array:
    """Return what is sold without media, shape ``(geo, week)``."""
    return world.frame["sales"].to_numpy().reshape(world.spend.shape[1:]) - added(world).sum(axis=0)


def as_it_is(world: World) -> Case:
    """Return a world as a case."""
    return Case(world.frame, world.columns, world.roi, world)


def with_sales(world: World, sales: Array) -> Case:
    """Return a world with another KPI ``(geo, week)`` on which media do what they did."""
    return replace(as_it_is(world), frame=world.frame.assign(sales=sales.ravel()))


def with_media(world: World, media: Array) -> Case:
    """Return a world whose channels add ``media (channel, geo, week)``."""
    frame = world.frame.assign(sales=(base(world) + media.sum(axis=0)).ravel())
    return Case(frame, world.columns, media.sum(axis=(1, 2)) / world.spend.sum(axis=(1, 2)), None)


def with_spend(world: World, spend: Array, baseline: Array) -> Case:
    """Return a world with other spend ``(channel, geo, week)``, which acts by the same curves, on a baseline."""
    own = replace(world, spend=spend)
    named = {name: spend[c].ravel() for c, name in enumerate(world.channels)}
    sales = baseline + added(own).sum(axis=0)
    frame = world.frame.assign(sales=sales.ravel(), **named)
    own = replace(own, frame=frame)
    return Case(frame, own.columns, own.roi, own)


# --- the baseline -------------------------------------------------------------------------------


def strong_media(world: World) -> Case:
    """Let media bring 40% of the KPI."""
    media = added(world).sum()
    return with_sales(world, added(world).sum(axis=0) + base(world) * (1.5 * media / base(world).sum()))


def step(world: World) -> Case:
    """Sell 80% more without media from the middle on: a store opened."""
    level = np.where(np.arange(world.spend.shape[-1]) < world.spend.shape[-1] // 2, 1.0, 1.8)
    return with_sales(world, added(world).sum(axis=0) + base(world) * level)


def outage(world: World) -> Case:
    """Sell nearly nothing for three weeks, whatever is spent."""
    sales, middle = world.frame["sales"].to_numpy().reshape(world.spend.shape[1:]).copy(), world.spend.shape[-1] // 2
    sales[:, middle : middle + 3] *= 0.2
    return with_sales(world, sales)


def _week_of_year(world: World) -> Array:
    weeks = pd.DatetimeIndex(world.frame["week"].iloc[: world.spend.shape[-1]])
    return weeks.isocalendar().week.to_numpy()


def christmas(world: World) -> Case:
    """Sell 40% more in four weeks before Christmas, told nowhere; channels spend half as much again in them."""
    peak = np.isin(_week_of_year(world), (48, 49, 50, 51))
    spend = world.spend * np.where(peak, 1.5, 1.0)
    return with_spend(world, spend, base(world) * np.where(peak, 1.4, 1.0))


def christmas_told(world: World) -> Case:
    """Tell the same as a holiday."""
    case = christmas(world)
    peak = np.isin(_week_of_year(world), (48, 49, 50, 51)).astype(float)
    columns = case.columns.model_copy(update={"holidays": ("christmas",)})
    return replace(case, frame=case.frame.assign(christmas=np.tile(peak, len(case.sales))), columns=columns)


def wrong_season(world: World) -> Case:
    """Let demand peak seven times a year, which few yearly waves do not follow."""
    angle = 2 * np.pi * 7 * np.arange(world.spend.shape[-1]) / 52.18
    return with_sales(world, added(world).sum(axis=0) + base(world) * np.exp(0.12 * np.sin(angle)))


def heavy_tails(world: World) -> Case:
    """Add noise of two degrees of freedom that grows with the level."""
    random = np.random.default_rng(len(world.frame))
    noise = 0.03 * random.standard_t(2, world.spend.shape[1:])
    return with_sales(world, added(world).sum(axis=0) + base(world) * np.exp(np.clip(noise, -0.7, 0.7)))


def useless_controls(world: World) -> Case:
    """Add fifteen controls that have nothing to do with anything."""
    random = np.random.default_rng(len(world.frame))
    names = tuple(f"control {i + 1}" for i in range(15))
    frame = world.frame.assign(**{name: random.standard_normal(len(world.frame)) for name in names})
    case = as_it_is(world)
    return replace(case, frame=frame, columns=case.columns.model_copy(update={"controls": names}))


# --- what media do ------------------------------------------------------------------------------


def fading(world: World) -> Case:
    """Let the effect of the first channel fall to a quarter of what it was, week by week."""
    media = added(world)
    media[0] = media[0] * np.linspace(1.0, 0.25, media.shape[-1])
    return with_media(world, media)


def negative(world: World) -> Case:
    """Let the first channel take away a third of what it brought: deep discounts that pull sales forward."""
    media = added(world)
    media[0] = -media[0] / 3
    return with_media(world, media)


def synergy(world: World) -> Case:
    """Let the second channel bring up to as much again while the first is on air, which both are owed."""
    media = added(world)
    first = media[0] / media[0].max()
    lifted = media[1] * first
    sales = base(world) + media.sum(axis=0) + lifted
    money = world.spend.sum(axis=(1, 2))
    own = media.sum(axis=(1, 2)) + np.where(np.arange(len(media)) < 2, lifted.sum(), 0.0)
    return Case(world.frame.assign(sales=sales.ravel()), world.columns, own / money, None)


# --- the spend ----------------------------------------------------------------------------------


def in_step(world: World) -> Case:
    """Spend the second channel as the first is, but for 3%."""
    random, spend = np.random.default_rng(world.spend.size), world.spend.copy()
    shape = spend[0] / spend[0].sum() * spend[1].sum()
    spend[1] = shape * np.exp(0.03 * random.standard_normal(shape.shape))
    return with_spend(world, spend, base(world))


def typing_error(world: World) -> Case:
    """Write one week of the first channel down with twenty times its spend."""
    case, spend = as_it_is(world), world.spend[0].copy()
    place = np.unravel_index(int(np.argsort(spend.ravel())[spend.size // 2]), spend.shape)
    spend[place] = 20 * max(spend[place], float(spend.mean()))
    return replace(case, frame=case.frame.assign(**{next(iter(world.channels)): spend.ravel()}))


def capture(world: World) -> Case:
    """Buy the second channel, search, as demand and the first channel bring people; neither is told."""
    media, demand = added(world), base(world)
    interest = (demand / demand.mean(axis=1, keepdims=True)) ** 2 * (1 + media[0] / media[0].mean())
    spend = world.spend.copy()
    spend[1] = interest / interest.sum() * spend[1].sum()
    return with_spend(world, spend, demand)


def by_last_month(world: World) -> Case:
    """Let the first channel's money of a week follow what was sold in the four weeks before."""
    spend, demand = world.spend.copy(), base(world)
    random = np.random.default_rng(world.spend.size)
    sold, total = demand.copy(), spend[0].sum()
    for _ in range(20):  # spend moves sales, which move spend: the fixed point
        before = np.stack([sold[:, np.maximum(np.arange(sold.shape[1]) - lag, 0)] for lag in range(1, 5)]).mean(axis=0)
        own = (before / before.mean(axis=1, keepdims=True)) ** 3 * world.spend[0].mean(axis=1, keepdims=True)
        spend[0] = own / own.sum() * total
        sold = demand + added(replace(world, spend=spend)).sum(axis=0)
    spend[0] *= np.exp(0.05 * random.standard_normal(sold.shape))
    return with_spend(world, spend, demand)


Break = tuple[Kind, tuple[int, int, int], Callable[[World], Case]]

BREAKS: Mapping[str, Break] = {
    "clean, by geo": (Kind(), GEO, as_it_is),
    "clean, national": (Kind(budget="far"), NATIONAL, as_it_is),
    "national, budget at its best": (Kind(budget="best"), NATIONAL, as_it_is),
    "strong media, national": (Kind(), NATIONAL, strong_media),
    "S-shaped": (Kind(curve="s_shaped"), GEO, as_it_is),
    "logistic": (Kind(curve="logistic"), GEO, as_it_is),
    "delayed peak": (Kind(delayed=True), GEO, as_it_is),
    "fading effect": (Kind(), GEO, fading),
    "demand-following spend, national": (Kind(follows_demand=True), NATIONAL, as_it_is),
    "capture by search": (Kind(), GEO, capture),
    "a channel without effect": (Kind(placebo=True), GEO, as_it_is),
    "negative effect": (Kind(), GEO, negative),
    "channels in step": (Kind(), GEO, in_step),
    "one huge week (typing error)": (Kind(), GEO, typing_error),
    "a step in the level": (Kind(), GEO, step),
    "an outage": (Kind(), GEO, outage),
    "Christmas not told": (Kind(), NATIONAL, christmas),
    "Christmas told": (Kind(), NATIONAL, christmas_told),
    "wrong season": (Kind(), GEO, wrong_season),
    "useless controls": (Kind(), GEO, useless_controls),
    "heavy tails": (Kind(), GEO, heavy_tails),
    "synergy": (Kind(), GEO, synergy),
    "spend by last month's sales": (Kind(), GEO, by_last_month),
}
"""Kind and size of the world that each breaks."""


def broken(name: str, seed: int) -> Case:
    """Return a case by the name of its break."""
    kind, shape, change = BREAKS[name]
    return change(make_world(kind, *shape, seed))
