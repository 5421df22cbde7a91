"""What a panel can and cannot tell of each channel, before a model sees it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmm_bayes.config import ChannelPriors
from mmm_bayes.findings import Finding
from mmm_bayes.panel import Panel
from mmm_bayes.pool import roi_range, usual_return
from mmm_bayes.priors import carrier, prior_of
from mmm_bayes.transforms import PARAMETERS, Array, adstock, geometric_weights

LAGS = 8
"""Weeks that media act in this rough look, at the usual retention."""

HARMONICS = 2
LITTLE = 0.6
"""Width of what will be known after the data over that before, from which a channel is said to rest on its prior."""

ALIKE = 0.8
"""Correlation of two channels' media from which they are named."""

FEW = 5.0
"""Weeks of a geo for each parameter below which the panel is said to be short."""

GROWS = 5.0
"""Level of the KPI at the end over that at the start, by quarters, from which it is named."""

STEADY = 0.1
"""Standard deviation over mean below which a channel hardly varies."""

DEARER = 1.5
"""Change of the cost of an exposure, from the first third of the weeks to the last, from which it is named."""


@dataclass(frozen=True)
class Evidence:
    """What the data say of a channel.

    Attributes:
        channel: its name.
        spend: currency, 0 for organic media.
        share: of all spend.
        weeks: with any media.
        variation: standard deviation over mean of its weekly media, within the geos.
        inflation: variance inflation factor against the other channels, trend, season, holidays and controls; None
            where they determine it.
        nearest: the channel whose media are most like its own, None where it is the only one.
        correlation: with that one, within the geos.
        cost_change: cost of an exposure in the last third of the weeks over that in the first; None without exposure.
        error: standard error of its ROI (of its share of the KPI where that carries the prior) by least squares; None
            where there are too few weeks.
        rests: whether the result will rest on the prior: by that error, or with media in fewer weeks than they act.
    """

    channel: str
    spend: float
    share: float
    weeks: int
    variation: float
    inflation: float | None
    nearest: str | None
    correlation: float
    cost_change: float | None
    error: float | None
    rests: bool


def evidence(panel: Panel, priors: ChannelPriors) -> list[Evidence]:
    """Return what can be learnt of each channel, by least squares on the carried-over media.

    The KPI's worth is regressed on media with the usual carry-over, on trend, yearly season, holidays and controls,
    each geo with its own; with the prior of the channel the standard error says how far the data will move it. Rough on
    purpose: no saturation, and errors that do not know of each other.
    """
    media = panel.driver
    seen = panel.data["observed"].transpose("geo", "week").to_numpy()
    known = _features(panel) * seen[..., None]  # a row of zeros teaches nothing
    moved, worth = _without(_carried(media) * seen, known), _without(_worth(panel)[None] * seen, known)[0]
    errors = _errors(moved, worth, seen.sum() - known.shape[-1] * len(seen))
    alike, inflation = _correlations(media), _inflation(media, moved)
    spend = panel.data["spend"].sum(["geo", "week"]).to_numpy()
    weeks = weeks_on(panel)
    found = []
    for c, channel in enumerate(panel.channels):
        ratio, error = _learnt(panel, c, errors, priors)
        others = np.delete(np.arange(len(media)), c)
        nearest = int(others[np.argmax(np.abs(alike[c, others]))]) if len(others) else None
        found.append(
            Evidence(
                channel=channel,
                spend=float(spend[c]),
                share=float(spend[c] / spend.sum()),
                weeks=weeks[c],
                variation=float(_centred(media[c]).std() / media[c].mean()),
                inflation=inflation[c],
                nearest=None if nearest is None else panel.channels[nearest],
                correlation=0.0 if nearest is None else float(alike[c, nearest]),
                cost_change=_cost_change(panel, c),
                error=error,
                rests=ratio > LITTLE or weeks[c] < LAGS,
            )
        )
    return found


def weeks_on(panel: Panel) -> list[int]:
    """Return the weeks in which each channel has media."""
    return (panel.driver.sum(axis=1) > 0).sum(axis=1).tolist()


def doubts(panel: Panel, found: list[Evidence]) -> Iterator[Finding]:
    """Yield what the data cannot tell, and what makes it harder: a channel, two alike, few weeks, a break."""
    resting = [one.channel for one in found if one.rests]
    if resting:
        yield Finding("evidence.rests_on_prior", {"channels": resting})
    told: set[frozenset[str]] = set()
    for one in found:
        if (
            one.nearest is not None
            and one.correlation > ALIKE
            and (pair := frozenset({one.channel, one.nearest})) not in told
        ):
            told.add(pair)
            values = {"first": one.channel, "second": one.nearest, "correlation": one.correlation}
            yield Finding("evidence.alike", values)
    yield from _like_controls(panel)
    if steady := [one.channel for one in found if one.variation < STEADY]:
        yield Finding("evidence.steady", {"channels": steady})
    for one in found:
        if one.cost_change is not None and not 1 / DEARER < one.cost_change < DEARER:
            yield Finding("evidence.cost", {"channel": one.channel, "change": one.cost_change})
    weeks, parameters = panel.data["kpi"].size, _parameters(panel)
    if weeks / parameters < FEW:
        yield Finding("evidence.few_weeks", {"weeks": weeks, "parameters": parameters})
    yield from _growth(panel)
    yield from breaks(panel)


def _like_controls(panel: Panel) -> Iterator[Finding]:
    """Yield the channels whose media move as a control or a holiday does."""
    media = _centred(panel.driver).reshape(len(panel.channels), -1)
    for kind in ("control", "holiday"):
        known = _centred(panel.data[f"{kind}s"].transpose(kind, "geo", "week").to_numpy())
        for name, own in zip(panel.data[kind].values, known.reshape(len(known), media.shape[1]), strict=True):
            size = np.sqrt((own @ own) * (media**2).sum(axis=1))
            together = np.divide(media @ own, size, out=np.zeros(len(media)), where=size > 0)
            for channel, correlation in zip(panel.channels, together, strict=True):
                if abs(correlation) > ALIKE:
                    values = {"channel": channel, "control": str(name), "correlation": float(correlation)}
                    yield Finding("evidence.like_control", values)


def _growth(panel: Panel) -> Iterator[Finding]:
    """Yield the geos that grow or shrink so far that the usual trend cannot follow."""
    for geo, series in zip(panel.geos, panel.data["kpi"].transpose("geo", "week").to_numpy(), strict=True):
        first, last = (float(series[part].mean()) for part in (slice(0, 13), slice(-13, None)))
        if min(first, last) > 0 and not 1 / GROWS < last / first < GROWS:
            yield Finding("evidence.growth", {"geo": geo, "times": last / first})


def summary(panel: Panel, found: list[Evidence]) -> dict[str, Any]:
    """Return all of it as JSON holds it."""
    notes = [{"code": note.code, "values": dict(note.values)} for note in doubts(panel, found)]
    size = {"weeks": int(panel.data["kpi"].size), "parameters": _parameters(panel)}
    return {"channels": [vars(one) for one in found], **size, "notes": notes}


def _parameters(panel: Panel) -> int:
    """Return how many quantities the usual model finds: four of each channel, and the baseline."""
    sizes = panel.data.sizes
    return int(4 * sizes["channel"] + sizes["control"] + sizes["holiday"] + 2 * sizes["geo"] + 6)


# --- least squares ------------------------------------------------------------------------------


def _features(panel: Panel) -> Array:
    """Return what is no media, shape ``(geo, week, feature)``."""
    sizes = panel.data.sizes
    time = np.arange(sizes["week"])
    angle = 2 * np.pi * time / 52.18
    season = [f(k * angle) for k in range(1, HARMONICS + 1) for f in (np.sin, np.cos)] if sizes["week"] >= 52 else []
    common = np.stack([np.ones(len(time)), time / len(time), *season], axis=1)
    own = [panel.data[v].transpose("geo", "week", ...).to_numpy() for v in ("controls", "holidays")]
    return np.concatenate([np.broadcast_to(common, (sizes["geo"], *common.shape)), *own], axis=2)


def _worth(panel: Panel) -> Array:
    return (panel.data["kpi"] * panel.data["value"]).transpose("geo", "week").to_numpy()


def _carried(media: Array) -> Array:
    """Return media with the usual carry-over, shape as given."""
    weights = geometric_weights(np.array(PARAMETERS["alpha"].usual), LAGS)
    return adstock(np.concatenate([np.zeros((*media.shape[:2], LAGS - 1)), media], axis=-1), weights, LAGS)


def _without(series: Array, features: Array) -> Array:
    """Return ``(series, geo, week)`` without what features ``(geo, week, feature)`` explain of it, geo by geo."""
    left = [
        s - f @ np.linalg.lstsq(f, s, rcond=None)[0] for s, f in zip(np.moveaxis(series, 0, -1), features, strict=True)
    ]
    return np.moveaxis(np.stack(left), -1, 0)


def _errors(media: Array, worth: Array, rows: int) -> Array:
    """Return the standard error of what a unit of each channel's media is worth; infinite where nothing is left.

    Args:
        media: what other features do not explain of it, shape ``(channel, geo, week)``.
        worth: the same of the KPI, shape ``(geo, week)``.
        rows: cells with a KPI, without as many as these features have coefficients.
    """
    scale = np.maximum(worth.std(axis=-1, keepdims=True), 1e-300)  # geos count as they are precise
    x, y = (media / scale).reshape(len(media), -1).T, (worth / scale).ravel()
    left = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    free = rows - x.shape[1]
    size = np.sqrt((x**2).sum(axis=0))
    if free < 1 or not size.all():
        return np.full(len(media), np.inf)
    inverse = np.linalg.pinv((x / size).T @ (x / size), hermitian=True)
    fixed = np.diag(inverse) > 0
    return np.where(fixed, np.sqrt(np.maximum(np.diag(inverse), 0) * (left @ left) / free) / size, np.inf)


def _learnt(panel: Panel, c: int, errors: Array, priors: ChannelPriors) -> tuple[float, float | None]:
    """Return how much of the prior's width will be left, and the standard error of what carries the prior."""
    channel, total = panel.channels[c], panel.driver[c].sum()
    quantity = carrier(channel, panel.paid[channel], priors)
    worth = float(_worth(panel).sum()) if quantity == "contribution_share" else float(panel.data["spend"][..., c].sum())
    if quantity == "pool":
        low, high = roi_range(usual_return(float(_worth(panel).sum()), float(panel.data["spend"].sum())))
    else:
        low, high = prior_of(quantity, channel, priors).frozen().ppf([0.05, 0.95])
    error, before = float(errors[c] * total / worth), float(high - low) / 3.29
    if not np.isfinite(error):
        return 1.0, None
    return float(1 / np.sqrt(1 + (before / error) ** 2)) if error > 0 else 0.0, error


def _centred(values: Array) -> Array:
    return values - values.mean(axis=-1, keepdims=True)


def _correlations(media: Array) -> Array:
    """Return the correlations of the channels over time, within the geos."""
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(np.atleast_2d(np.corrcoef(_centred(media).reshape(len(media), -1))))


def _inflation(media: Array, moved: Array) -> list[float | None]:
    """Return by how much everything else inflates the variance of each channel's effect."""
    flat, found = moved.reshape(len(moved), -1), []
    for c, own in enumerate(flat):
        others = np.delete(flat, c, axis=0).T
        left = own - others @ np.linalg.lstsq(others, own, rcond=None)[0] if others.size else own
        whole, rest = float((_centred(_carried(media[[c]])) ** 2).sum()), float(left @ left)
        found.append(whole / rest if rest > 1e-9 * whole else None)
    return found


def _cost_change(panel: Panel, c: int) -> float | None:
    """Return the cost of an exposure late over early, None where money itself is the media or a third has none."""
    is_open = panel.data["value"].transpose("geo", "week").to_numpy() > 0
    spend, media = (
        panel.data["spend"].transpose("channel", "geo", "week").to_numpy()[c].sum(axis=0),
        (panel.driver[c] * is_open).sum(axis=0),
    )
    third = len(spend) // 3
    early, late = ((spend[part].sum(), media[part].sum()) for part in (slice(0, third), slice(-third, None)))
    if np.allclose(spend, media) or not (early[0] > 0 and early[1] > 0 and late[1] > 0):
        return None
    return float(late[0] / late[1] / (early[0] / early[1]))


# --- breaks -------------------------------------------------------------------------------------

BESIDE = 8
"""Weeks on either side of a break."""

STEP = 0.25
"""Smallest step of the logarithm that is called a break."""


def breaks(panel: Panel) -> Iterator[Finding]:
    """Yield the week of each geo in which the level of the KPI jumps once for all."""
    for geo, series in zip(panel.geos, panel.data["kpi"].transpose("geo", "week").to_numpy(), strict=True):
        if series.min() <= 0:
            continue
        level = np.log(series)
        change = np.diff(level)
        usual = 1.4826 * np.median(np.abs(change - np.median(change)))
        steps = _steps(level)
        large = np.flatnonzero(np.abs(steps) > max(STEP, 5 * usual))
        at = max(large.tolist(), key=lambda t: abs(change[t - 1]), default=None)
        if at is not None and change[at - 1] / steps[at] > 0.6 and not _seasonal(steps, at):
            yield Finding(
                "evidence.break",
                {"geo": geo, "week": f"{panel.weeks[at]:%Y-%m-%d}", "change": float(np.expm1(steps[at]))},
            )


def _steps(level: Array) -> Array:
    """Return by how much the level differs from each week on, shape ``(week,)``.

    0 where three quarters of the weeks beside do not agree on it, and close to the ends.
    """
    found = np.zeros(len(level))
    if len(level) < 2 * BESIDE:
        return found
    windows = np.lib.stride_tricks.sliding_window_view(level, BESIDE)
    low, middle, high = np.quantile(windows, [0.25, 0.5, 0.75], axis=1)
    apart = (low[BESIDE:] > high[:-BESIDE]) | (high[BESIDE:] < low[:-BESIDE])
    found[BESIDE : len(level) - BESIDE + 1] = np.where(apart, middle[BESIDE:] - middle[:-BESIDE], 0.0)
    return found


def _seasonal(steps: Array, at: int) -> bool:
    """Whether the level jumps about as much a year before or after."""
    near = [t + d for t in (at - 52, at + 52) for d in (-1, 0, 1) if 0 <= t + d < len(steps)]
    return any(steps[t] / steps[at] > 0.5 for t in near)
