"""What the posterior says in the reader's units: contributions, ROI, marginal ROI and response curves."""

from dataclasses import dataclass

import arviz_stats as azs
import numpy as np
import pandas as pd

from mmm_bayes.config import Allocate
from mmm_bayes.curves import ResponseCurves, highest_window, planning_window, window_response
from mmm_bayes.forecast import one_week_ahead
from mmm_bayes.posterior import Posterior, chunks
from mmm_bayes.transforms import Array

POINTS = 101
"""Points of a response curve."""

DRAWS = 400
"""Draws that response curves, drift and predictions are computed from."""

STEP = 1e-4
"""Relative change of spend for the marginal ROI (central difference)."""


@dataclass(frozen=True)
class Media:
    """Media's part of the KPI over the panel.

    Attributes:
        worth: contribution in currency, shape ``(draw, channel)``.
        marginal: derivative of ``worth`` with respect to a common factor on the media, shape ``(draw, channel)``.
        mean: posterior mean contribution in scaled KPI, shape ``(channel, geo, week)``.
    """

    worth: Array
    marginal: Array
    mean: Array


def media_response(posterior: Posterior, channel: int, rows: Array, factor: float = 1.0) -> Array:
    """Return one channel's contribution in scaled KPI, shape ``(draw, geo, week)``.

    Args:
        posterior: the fit.
        channel: place of the channel.
        rows: places of the draws.
        factor: on the media of every week, history included; 0 gives the zero-out counterfactual.
    """
    media = factor * posterior.data["media"].to_numpy()[channel]
    response = posterior.shape.respond(media, posterior.parameters(channel, rows))
    return response * (posterior["beta"][rows, channel, None] * posterior["geo_effect"][rows, channel])[:, :, None]


def media_contributions(posterior: Posterior) -> Media:
    """Return contributions of all channels, in one pass over chunks of draws."""
    money = posterior.data["money"].to_numpy()
    channels, draws = len(posterior.channels), posterior.draws
    worth, marginal = np.empty((draws, channels)), np.empty((draws, channels))
    mean = np.zeros((channels, *money.shape))
    for c in range(channels):
        for rows in chunks(np.arange(draws), money.size):
            response = media_response(posterior, c, rows)
            up, down = (media_response(posterior, c, rows, 1 + sign * STEP) for sign in (1, -1))
            worth[rows, c] = np.einsum("dgt,gt->d", response, money)
            marginal[rows, c] = np.einsum("dgt,gt->d", up - down, money) / (2 * STEP)
            mean[c] += response.sum(axis=0) / draws
    return Media(worth, marginal, mean)


# --- ROI ----------------------------------------------------------------------------------------


def roi_table(posterior: Posterior, media: Media, prior: Array, ci_prob: float) -> pd.DataFrame:
    """Return one row per channel as in ``roi.csv``; organic channels have a contribution but no ROI.

    Args:
        posterior: the fit.
        media: its contributions.
        prior: prior quantiles of the ROI, shape ``(channel, 3)``: median, low, high.
        ci_prob: mass of the central intervals.
    """
    data = posterior.data
    spend = data["spend"].sum(("geo", "week")).to_numpy()
    everything = float((data["y"] * data["money"]).sum())
    paid = np.where(spend > 0, spend, np.nan)
    roi, mroi = media.worth / paid, media.marginal / paid
    tails = [(1 - ci_prob) / 2, (1 + ci_prob) / 2]
    contribution = media.worth.mean(axis=0)
    draws = posterior.tree["posterior"].to_dataset()[["contribution_share"]]
    return pd.DataFrame(
        {
            "channel": posterior.channels,
            "spend": spend,
            "contribution": contribution,
            "contribution_share": contribution / everything,
            "roi_mean": roi.mean(axis=0),
            "roi_median": np.median(roi, axis=0),
            "roi_low": np.quantile(roi, tails[0], axis=0),
            "roi_high": np.quantile(roi, tails[1], axis=0),
            "ci_prob": ci_prob,
            "mroi_median": np.median(mroi, axis=0),
            "mroi_low": np.quantile(mroi, tails[0], axis=0),
            "mroi_high": np.quantile(mroi, tails[1], axis=0),
            "prior_roi_median": prior[:, 0],
            "prior_roi_low": prior[:, 1],
            "prior_roi_high": prior[:, 2],
            "rhat": azs.rhat(draws)["contribution_share"].to_numpy(),
            "ess_bulk": azs.ess(draws, method="bulk")["contribution_share"].to_numpy(),
        }
    )


# --- decomposition ------------------------------------------------------------------------------


def decomposition(posterior: Posterior, media: Media) -> pd.DataFrame:
    """Return week by component in KPI units, summed over geos; components add up to ``prediction``.

    ``baseline`` is the KPI of an ordinary week without media, shocks common to all geos included; ``drift``
    the wandering of demand as it was predicted a week ahead.
    """
    data = posterior.data
    parts = _baseline_parts(posterior)
    parts["baseline"] = parts["baseline"] - media.mean.mean(axis=2).sum(axis=0)[:, None]
    parts["drift"] = one_week_ahead(posterior, posterior.thinned(DRAWS)).drift.mean(axis=0)
    parts |= dict(zip(posterior.channels, media.mean, strict=True))
    scale = data["scale"].to_numpy()[:, None]
    columns = {name: (scale * part).sum(axis=0) for name, part in parts.items()}
    frame = pd.DataFrame({"week": data["week"].to_numpy(), **columns})
    frame["prediction"] = frame[list(columns)].sum(axis=1)
    frame["observed"] = (scale * data["y"].to_numpy()).sum(axis=0)
    return frame


def _baseline_parts(posterior: Posterior) -> dict[str, Array]:
    """Return posterior means of level, trend, season, holidays and controls by name, each ``(geo, week)``."""
    data = posterior.data
    level, shock = posterior["level"].mean(axis=0), posterior["week_effect"].mean(axis=0)
    parts = {"baseline": level[:, None] + shock}
    features = posterior["coefficient"].mean(axis=0).T[:, :, None] * data["feature_values"].to_numpy()
    for name, values in zip(data["component"].to_numpy(), features, strict=True):
        parts[str(name)] = parts.get(str(name), 0.0) + values
    return parts


# --- response curves ----------------------------------------------------------------------------


def response_curves(posterior: Posterior, settings: Allocate) -> ResponseCurves:
    """Return what each channel would return over the next ``settings.weeks`` weeks, for a sample of draws.

    Money goes to geos and weeks as it did (``historical``) or evenly (``steady``), at the same price of exposure.
    Organic channels are left out: nothing is spent on them.
    """
    data = posterior.data
    paid = np.flatnonzero(data["paid"].to_numpy())
    spend, media = data["spend"].to_numpy()[paid], data["media"].to_numpy()[paid]
    weeks, history = settings.weeks, posterior.shape.l_max - 1
    flight = planning_window(spend, weeks, settings.flighting)
    driver = planning_window(media[..., history:], weeks, settings.flighting)
    multipliers = np.linspace(0.0, _largest(settings, flight), POINTS)
    rows = posterior.thinned(DRAWS)
    worth = posterior["beta"][rows][:, paid, None] * posterior["geo_effect"][rows][:, paid]
    worth = worth * data["money"].to_numpy().mean(axis=1)
    arms, curves = [], []
    for i, c in enumerate(paid):
        parameters = posterior.parameters(int(c), rows)
        carry = media[i][:, -weeks - history : -weeks] if weeks < media.shape[2] - history else media[i][:, :history]
        for label, geos in _arms(posterior.channels[c], data["geo"].to_numpy(), settings.by_geo):
            arms.append((label, i, geos))
            respond = lambda x, p=parameters: posterior.shape.respond(x, p)  # noqa: E731 - bound to this channel
            curves.append(window_response(respond, driver[i, geos], carry[geos], multipliers, worth[:, i, geos]))
    today = spend[..., np.arange(-weeks, 0) % spend.shape[-1]]
    return ResponseCurves(
        channels=tuple(label for label, _, _ in arms),
        spend=np.stack([flight[i, geos].sum() * multipliers for _, i, geos in arms]),
        response=np.maximum.accumulate(np.stack(curves, axis=1), axis=2),
        today=np.array([today[i, geos].sum() for _, i, geos in arms]),
        observed=np.array([highest_window(spend[i : i + 1, geos], weeks)[0] for _, i, geos in arms]),
        weeks=weeks,
    )


def _largest(settings: Allocate, flight: Array) -> float:
    """Return the factor on today's spend that covers every limit the settings can ask for."""
    spend = flight.sum(axis=(1, 2))
    asked = [settings.relative[1], *(limit.relative[1] for limit in settings.limits.values() if limit.relative)]
    currency = [limit.upper for limit in settings.limits.values() if limit.upper is not None]
    return 1.001 * max([2.0, *asked, *(upper / spend.min() for upper in currency)])


def _arms(channel: str, geos: Array, by_geo: bool) -> list[tuple[str, Array]]:
    """Return the arms of one channel: its name with all geos, or one for each geo."""
    if by_geo and len(geos) > 1:
        return [(f"{channel} | {geo}", np.array([g])) for g, geo in enumerate(geos)]
    return [(channel, np.arange(len(geos)))]
