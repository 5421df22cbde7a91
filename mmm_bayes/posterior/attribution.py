"""What the posterior says in the reader's units: contributions, ROI, marginal ROI and response curves."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import xarray as xr

from mmm_bayes.config import Allocate
from mmm_bayes.curves import PaidMedia, ResponseCurves, make_curves, planned_media, usual_worth
from mmm_bayes.intervals import Interval
from mmm_bayes.posterior import Posterior, by_chunks
from mmm_bayes.posterior.parts import CHANNEL, DRIFT, LEVEL, parts_of
from mmm_bayes.posterior.predictions import one_week_ahead, predictive_interval
from mmm_bayes.transforms import Array

DRAWS = 400
"""Draws that response curves, drift and predictions are computed from."""

MARGINAL_DRAWS = 1000
"""Draws that the marginal ROI is computed from."""

STEP = 1e-4
"""Relative change of spend for the marginal ROI (central difference)."""


@dataclass(frozen=True)
class Media:
    """Media's part of the KPI over the panel.

    Attributes:
        worth: contribution in currency, shape ``(draw, channel)``.
        marginal: derivative of ``worth`` with respect to a common factor on the media, for at most 1,000 of the draws,
            shape ``(draw, channel)``.
    """

    worth: Array
    marginal: Array


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
    return response * posterior.media_coefficient(channel, rows)[:, :, None]


def media_contributions(posterior: Posterior) -> Media:
    """Return contributions of all channels and how they change with their media."""
    return Media(posterior.kpi_value * posterior["contribution_share"] * posterior.misfit(), _marginal(posterior))


def _marginal(posterior: Posterior) -> Array:
    """Return `Media.marginal`."""
    money, draws = posterior.data["money"].to_numpy(), posterior.thinned(MARGINAL_DRAWS)

    def change(c: int, rows: Array) -> Array:
        up, down = (media_response(posterior, c, rows, 1 + sign * STEP) for sign in (1, -1))
        return np.einsum("dgt,gt->d", up - down, money) / (2 * STEP)

    channels = range(len(posterior.channels))
    found = [np.concatenate(by_chunks(partial(change, c), draws, money.size)) for c in channels]
    return np.stack(found, axis=1) * posterior.misfit(draws)


def unseen_share(posterior: Posterior) -> Array:
    """Return which share of each channel's contribution rests on spends below the lowest week ever seen.

    ROI asks what would have been without any spend; where a channel never rested, the curve down there is a guess. What
    the lowest week of each geo alone would bring if it ran on, over what the channel brought, mean over the draws.

    Returns:
        Shape ``(channel,)``; 0 for a channel that has rested in each geo.
    """
    data, rows = posterior.data, posterior.thinned(DRAWS)
    media, weeks = data["media"].to_numpy(), data.sizes["week"]
    lowest, worth = media[..., -weeks:].min(axis=-1), data["money"].to_numpy().sum(axis=1)
    found = np.zeros(len(lowest))
    for c in np.flatnonzero(lowest.any(axis=1)):
        steady = np.repeat(lowest[c][:, None], posterior.shape.l_max, axis=1)
        response = posterior.shape.respond(steady, posterior.parameters(int(c), rows))[..., -1]
        brought = posterior.kpi_value * posterior["contribution_share"][rows, c]
        found[c] = ((response * posterior.media_coefficient(int(c), rows)) @ worth / brought).mean()
    return np.minimum(found, 1.0)


# --- ROI ----------------------------------------------------------------------------------------


def roi_table(posterior: Posterior, media: Media, prior: Interval[Array], ci_prob: float) -> pd.DataFrame:
    """Return one row per channel as in ``roi.csv``; organic channels have a contribution but no ROI.

    Args:
        posterior: the fit.
        media: its contributions.
        prior: prior interval of the ROI, arrays of shape ``(channel,)``.
        ci_prob: mass of the central intervals.
    """
    import arviz_stats as azs  # takes longer to import than to use, and few who read draws need it

    roi, mroi = (Interval.of(posterior.per_spend(draws), ci_prob) for draws in (media.worth, media.marginal))
    contribution = media.worth.mean(axis=0)
    draws = posterior.tree["posterior"].to_dataset()[["contribution_share"]]
    return pd.DataFrame(
        {
            "channel": posterior.channels,
            "spend": posterior.spend,
            "contribution": contribution,
            "contribution_share": contribution / posterior.kpi_value,
            **roi.columns("roi"),
            "ci_prob": ci_prob,
            **mroi.columns("mroi"),
            **prior.columns("prior_roi"),
            "unseen_share": unseen_share(posterior),
            "rhat": azs.rhat(draws)["contribution_share"].to_numpy(),
            "ess_bulk": azs.ess(draws, method="bulk")["contribution_share"].to_numpy(),
        }
    )


# --- decomposition ------------------------------------------------------------------------------


def decomposition(posterior: Posterior, geo: str | None = None) -> pd.DataFrame:
    """Return week by component in KPI units, of one geo or summed over all; components add up to ``prediction``.

    Channels are called ``channel:<name>`` and controls ``control:<name>``, so that they may have any name.
    ``baseline`` is the KPI of an ordinary week without media, shocks common to all geos included; ``drift``
    the wandering of demand as it was predicted a week ahead.
    """
    data = posterior.data
    parts, media, own = _baseline_parts(posterior), mean_contributions(posterior), _own_part(posterior)
    seeming = media / own[:, None, None]
    parts[LEVEL] = parts[LEVEL] - seeming.mean(axis=2).sum(axis=0)[:, None] + (seeming - media).sum(axis=0)
    parts[DRIFT] = one_week_ahead(posterior, posterior.thinned(DRAWS)).drift.mean(axis=0)
    parts |= {f"{CHANNEL}{name}": own for name, own in zip(posterior.channels, media, strict=True)}
    scale = data["scale"].to_numpy()[:, None]
    rows = slice(None) if geo is None else [data["geo"].to_numpy().tolist().index(geo)]
    scale = scale * (data["money"].to_numpy() > 0)  # nothing is of a geo before it opens
    columns = {name: (scale * part)[rows].sum(axis=0) for name, part in parts.items()}
    frame = pd.DataFrame({"week": data["week"].to_numpy(), **columns})
    frame["prediction"] = frame[list(columns)].sum(axis=1)
    frame["observed"] = (scale * data["y"].to_numpy())[rows].sum(axis=0)
    return frame


def mean_contributions(posterior: Posterior, rows: Array | None = None) -> Array:
    """Return the posterior mean of each channel's contribution in scaled KPI, shape ``(channel, geo, week)``.

    Args:
        posterior: the fit.
        rows: places of the draws that are averaged; all where they are not given.
    """

    def add_up(c: int, rows: Array) -> Array:
        return media_response(posterior, c, rows).sum(axis=0)

    every, size = np.arange(posterior.draws) if rows is None else rows, posterior.data["money"].size
    channels = range(len(posterior.channels))
    seeming = np.stack([sum(by_chunks(partial(add_up, c), every, size)) / len(every) for c in channels])
    return _own_part(posterior)[:, None, None] * seeming


def _own_part(posterior: Posterior) -> Array:
    """Return which part of what channels seem to bring is their own in the mean, ``(channel,)``."""
    share = posterior["contribution_share"]
    return (posterior.misfit() * share).mean(axis=0) / share.mean(axis=0)


def _baseline_parts(posterior: Posterior) -> dict[str, Array]:
    """Return posterior means of level and parts by column of ``contributions.csv``, each ``(geo or 1, week)``."""
    data = posterior.data
    level, shock = posterior["level"].mean(axis=0), posterior["week_effect"].mean(axis=0)
    parts = {LEVEL: level[:, None] + shock}
    for part in parts_of(data):
        own = posterior.coefficients(part, slice(None)).mean(axis=0)[:, :, None] * part.features(data)
        for name, values in zip(part.components(data), own, strict=True):
            parts[name] = parts.get(name, 0.0) + values
    return parts


def fit_table(posterior: Posterior, ci_prob: float) -> pd.DataFrame:
    """Return one row per geo and week as in ``fit.csv``: observed, predicted a week ahead, and its interval."""
    data = posterior.data
    rows = posterior.thinned(DRAWS)
    predicted = predictive_interval(posterior, rows, one_week_ahead(posterior, rows), ci_prob, seed=0)
    observed = np.where(posterior.observed, data["y"].to_numpy() * data["scale"].to_numpy()[:, None], np.nan)
    geo = np.repeat(data["geo"].to_numpy(), data.sizes["week"])
    week = np.tile(data["week"].to_numpy(), data.sizes["geo"])
    columns = {"observed": observed, "predicted": predicted.mean, "low": predicted.low, "high": predicted.high}
    return pd.DataFrame({"geo": geo, "week": week, **{name: values.ravel() for name, values in columns.items()}})


# --- response curves ----------------------------------------------------------------------------


def response_curves(
    posterior: Posterior, settings: Allocate, stretch: int = 1, planned: xr.Dataset | None = None
) -> ResponseCurves:
    """Return what each paid channel would return over the next ``settings.weeks`` weeks, for a sample of draws.

    Args:
        posterior: the fit.
        settings: length of the window, flighting, limits, and whether each geo is an arm of its own.
        stretch: how many times as far as the limits ask the curves go.
        planned: the weeks after the panel, see `panel.planned`; the window, unless another length is asked for.
    """
    data = posterior.data
    held = tuple(map(str, data["channel"].to_numpy()[data["follows_demand"]])) if "follows_demand" in data else ()
    paid = paid_media(posterior, posterior.thinned(DRAWS), planned)
    return make_curves(paid, settings, "bayesian", stretch, held)


def paid_media(posterior: Posterior, rows: Array, planned: xr.Dataset | None) -> PaidMedia:
    """Return what response curves of the paid channels are made of, for some draws."""
    data = posterior.data
    paid = np.flatnonzero(data["paid"].to_numpy())
    coefficient = np.stack([posterior.return_coefficient(int(c), rows) for c in paid], axis=1)
    parameters = [posterior.parameters(int(c), rows) for c in paid]
    money, ahead = data["money"].to_numpy(), None
    if planned is not None:
        money = data["scale"].to_numpy()[:, None] * planned["value"].transpose("geo", "week").to_numpy()
        ahead = planned_media(planned, paid, data["media_scale"].to_numpy())
    return PaidMedia(
        channels=[posterior.channels[c] for c in paid],
        geos=[str(g) for g in data["geo"].to_numpy()],
        spend=data["spend"].to_numpy()[paid],
        media=data["media"].to_numpy()[paid],
        coefficient=coefficient * usual_worth(money),
        carried=lambda c, media: posterior.shape.carried(media, parameters[c]),
        respond=lambda c, carried: posterior.shape.saturated(carried, parameters[c]),
        planned=ahead,
    )
