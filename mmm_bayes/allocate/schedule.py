"""When to spend: the weekly schedule of one channel that does best under its adstock and saturation.

With diminishing returns in every week money spread evenly does best; where the first money of a week does little,
bursts do. Even spending and bursts of many lengths and spacings are compared, and the best is improved week by week.
The search sees the mean of a few draws; the gain over an even schedule is then computed in all of them.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from mmm_bayes.allocate.conflicts import money
from mmm_bayes.allocate.limits import digits
from mmm_bayes.allocate.plan import Gain, Plan
from mmm_bayes.allocate.solver import Node, round_spend
from mmm_bayes.allocate.weekly import WeeklyMedia, highest_week, weekly_media
from mmm_bayes.config import Allocate
from mmm_bayes.curves import channel_of
from mmm_bayes.errors import AllocationError, nearest
from mmm_bayes.findings import Finding
from mmm_bayes.posterior import Posterior
from mmm_bayes.transforms import Array
from mmm_bayes.workspace import write_csv, write_json

CSV, JSON = "schedule.csv", "schedule.json"

LENGTHS = (1, 2, 3, 4, 6, 8, 13)
"""Lengths of bursts that are tried, in weeks."""

FEW_DRAWS = 50
"""Draws that the search sees."""

SHARES = (0.5, 0.2, 0.1, 0.05, 0.02)
"""Parts of an even week's spend that are moved from week to week to improve the best pattern."""

NOTICEABLE = 0.005
"""Other weeks than even ones are only proposed where they return more by this share: less is not worth the trouble."""

MOVES = 60
"""Moves of each size at most."""


@dataclass(frozen=True)
class Schedule:
    """The best weekly spends found for one channel.

    Attributes:
        channel: its name.
        spend: currency, one per week; they add up to ``total`` to the cent.
        even: the even schedule it is compared with.
        total: currency.
        lower, upper: weekly limits, currency.
        pattern: ``schedule.even``, or ``schedule.bursts`` with their number and length; improved week by week or not.
        response_even: mean KPI value of the even schedule, currency.
        gain: KPI value over the even schedule, draw by draw, currency.
    """

    channel: str
    spend: tuple[float, ...]
    even: tuple[float, ...]
    total: float
    lower: float
    upper: float
    pattern: Finding
    response_even: float
    gain: Gain


def best_schedule(
    channel: str, media: WeeklyMedia, total: float, weeks: int, limits: tuple[float, float], ci_prob: float = 0.9
) -> Schedule:
    """Return the weekly schedule of a channel that does best with a given total.

    Args:
        channel: its name.
        media: the response to a schedule.
        total: currency over all weeks.
        weeks: number of weeks.
        limits: least and most of one week, currency; "off" weeks of a burst spend the least.
        ci_prob: probability of the interval of the gain.

    Raises:
        AllocationError: when the weekly limits do not allow the total.
    """
    lower, upper = limits
    _check(channel, total, weeks, lower, upper)
    few = np.unique(np.linspace(0, len(media.coefficient) - 1, min(len(media.coefficient), FEW_DRAWS)).astype(int))

    def expected(schedules: Array) -> Array:
        return media.value(schedules, few).mean(axis=0)

    kinds, tries = patterns(total, weeks, lower, upper)
    first = int(expected(tries).argmax())
    spend = improve(expected, tries[first], lower, upper)
    decimals = digits(total)
    spend, even = (_cents(s, lower, upper, decimals) for s in (spend, tries[0]))
    response = media.value(np.stack([even, spend]))
    if response[:, 1].mean() <= response[:, 0].mean() * (1 + NOTICEABLE):
        spend, response, first = even, response[:, [0, 0]], 0
    better = response[:, 1] - response[:, 0]
    moved = np.abs(spend - tries[first]).sum() > 0.02 * total
    return Schedule(
        channel=channel,
        spend=tuple(spend.tolist()),
        even=tuple(even.tolist()),
        total=round(float(spend.sum()), decimals),
        lower=lower,
        upper=upper,
        pattern=replace(kinds[first], values={**kinds[first].values, "improved": bool(moved)}),
        response_even=float(response[:, 0].mean()),
        gain=Gain.of_draws(better, float(better.mean()), ci_prob, digits(float(np.abs(response[:, 0].mean())))),
    )


def schedule_plan(
    posterior: Posterior, plan: Plan, settings: Allocate, ci_prob: float = 0.9, planned: xr.Dataset | None = None
) -> list[Schedule]:
    """Return the best weekly schedule of every channel that a plan spends on.

    Weekly limits come from ``settings.weekly``; else a week may have nothing, or as much as the highest week ever.

    Args:
        posterior: the fit behind the plan.
        plan: of the same channels; plans by geo are added up over geos.
        settings: the budget question.
        ci_prob: probability of the intervals.
        planned: the weeks after the panel, see `panel.planned`.

    Raises:
        AllocationError: when the weekly limits of a channel do not allow its plan.
    """
    totals: dict[str, float] = {}
    for row in plan.channels:
        name = channel_of(row.channel)
        totals[name] = totals.get(name, 0.0) + row.spend_plan
    require_known_weekly(settings, list(totals))
    schedules = []
    for name, total in totals.items():
        even = total / plan.weeks
        limits = settings.weekly.get(name, (0.0, max(highest_week(posterior, name), even)))
        if total > 0:
            media = weekly_media(posterior, name, settings, planned)
            schedules.append(best_schedule(name, media, total, plan.weeks, limits, ci_prob))
    return schedules


def require_known_weekly(settings: Allocate, channels: list[str]) -> None:
    """Refuse weekly limits of a channel that is not planned.

    Raises:
        AllocationError: naming all of them.
    """
    strange = [name for name in settings.weekly if name not in channels]
    if strange:
        raise AllocationError(
            *(f"allocate.weekly.{name}: there is no channel '{name}'; {nearest(name, channels)}" for name in strange)
        )


def _check(channel: str, total: float, weeks: int, lower: float, upper: float) -> None:
    if not (0 <= lower <= upper) or not np.isfinite(total) or total < 0:
        raise AllocationError(f"{channel}: weekly limits {lower:g} to {upper:g} are no range of spend; mend them.")
    if total < lower * weeks * (1 - 1e-9):
        raise AllocationError(
            f"{channel}: {weeks} weeks of at least {money(lower)} need {money(lower * weeks)}, more than the total "
            f"{money(total)}; lower the weekly limit to {money(total / weeks)}."
        )
    if total > upper * weeks * (1 + 1e-9):
        raise AllocationError(
            f"{channel}: {weeks} weeks of at most {money(upper)} hold {money(upper * weeks)}, less than the total "
            f"{money(total)}; raise the weekly limit to {money(total / weeks)}."
        )


def patterns(total: float, weeks: int, lower: float, upper: float) -> tuple[list[Finding], Array]:
    """Return even spending and bursts, evenly spaced, that the weekly limits allow.

    Returns:
        What each is, and schedules, shape ``(pattern, week)``; the first is even.
    """
    kinds, found = [Finding("schedule.even", {"improved": False})], [np.full(weeks, total / weeks)]
    for length in LENGTHS:
        for bursts in range(1, weeks // length + 1):
            on = np.zeros(weeks, dtype=bool)
            starts = np.floor(np.arange(bursts) * weeks / bursts).astype(int)
            on[(starts[:, None] + np.arange(length)).ravel()] = True
            high = (total - lower * (weeks - on.sum())) / on.sum()
            if on.all() or high > upper or high < lower:
                continue
            kinds.append(Finding("schedule.bursts", {"bursts": bursts, "weeks": length, "improved": False}))
            found.append(np.where(on, high, lower))
    return kinds, np.stack(found)


def improve(expected: Callable[[Array], Array], spend: Array, lower: float, upper: float) -> Array:
    """Move money from the week that would miss it least to the one that would use it best, while that helps."""
    weeks = len(spend)
    now = float(expected(spend[None])[0])
    for share in SHARES:
        amount = share * float(spend.mean())
        for _ in range(MOVES):
            down, up = np.flatnonzero(spend - amount >= lower), np.flatnonzero(spend + amount <= upper)
            if len(down) == 0 or len(up) == 0:
                break
            step = amount * np.eye(weeks)
            then = expected(np.concatenate([spend - step[down], spend + step[up]]))
            source, sink = down[then[: len(down)].argmax()], up[then[len(down) :].argmax()]
            trial = spend - step[source] + step[sink]
            better = float(expected(trial[None])[0])
            if source == sink or better <= now * (1 + 1e-7):
                break
            spend, now = trial, better
    return spend


def _cents(spend: Array, lower: float, upper: float, decimals: int) -> Array:
    """Round a schedule so that it still adds up to its total."""
    total = round(float(spend.sum()), decimals)
    week = Node(tuple(range(len(spend))), lower=total, upper=total)
    scaled = spend * (total / spend.sum()) if total else spend
    rounded = round_spend(week, scaled, np.zeros(len(spend)), 10.0**-decimals, np.asarray)
    return np.clip(rounded, 0.0, None).round(decimals)


def save_schedules(schedules: Sequence[Schedule], folder: Path) -> None:
    """Write ``schedule.csv`` (channel, week, even, best) and ``schedule.json`` into ``folder``."""
    rows = [
        {"channel": s.channel, "week": week + 1, "even": even, "best": best}
        for s in schedules
        for week, (even, best) in enumerate(zip(s.even, s.spend, strict=True))
    ]
    write_csv(folder / CSV, pd.DataFrame(rows, columns=["channel", "week", "even", "best"]))
    write_json(folder / JSON, [asdict(s) for s in schedules])


def load_schedules(folder: Path) -> list[Schedule]:
    """Read what `save_schedules` wrote into ``folder``."""
    found = json.loads((folder / JSON).read_text(encoding="utf-8"))
    return [_schedule(raw) for raw in found]


def _schedule(raw: dict[str, Any]) -> Schedule:
    weeks = {name: tuple(raw[name]) for name in ("spend", "even")}
    return Schedule(**{**raw, **weeks, "pattern": Finding(**raw["pattern"]), "gain": Gain.of_json(raw["gain"])})
