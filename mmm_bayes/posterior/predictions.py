"""Predictions: one week ahead over the panel, and many weeks ahead beyond it. No PyMC, a loop over weeks."""

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from scipy import special

from mmm_bayes.intervals import Interval
from mmm_bayes.posterior import Posterior, by_chunks
from mmm_bayes.posterior.parts import parts_of
from mmm_bayes.transforms import Array, drift_step, drift_weights, first_week_ratio, weeks_unseen


@dataclass(frozen=True)
class OneWeekAhead:
    """Predictions of every week from the weeks before, in scaled KPI, each ``(draw, geo, week)``.

    Attributes:
        explained: what the model explains without the past of the KPI.
        drift: the wandering of demand, as predicted from the week before.
    """

    explained: Array
    drift: Array


def one_week_ahead(posterior: Posterior, rows: Array) -> OneWeekAhead:
    """Return predictions over the panel for some draws."""
    explained = explain(posterior, rows, posterior.data)
    explained += posterior["week_effect"][rows][:, None, :]
    residual = posterior.data["y"].to_numpy() - explained
    _, weight = drift_weights(*_persistence(posterior, rows))
    return OneWeekAhead(explained, weight[..., None] * _drift(posterior, rows, residual)[..., :-1])


def explain(posterior: Posterior, rows: Array, data: xr.Dataset) -> Array:
    """Return level, features and media of a panel, without week effects and drift; shape ``(draw, geo, week)``.

    Args:
        posterior: the fit, whose mean saturation over its own weeks centres the media.
        rows: places of the draws.
        data: scaled as in `model.design.Design`, with at least the posterior's weeks.
    """
    weeks = posterior.data.sizes["week"]
    total = np.repeat(posterior["level"][rows][:, :, None], data["media"].shape[-1] - posterior.shape.l_max + 1, axis=2)
    for part in parts_of(posterior.data):
        total += np.einsum("dfg,fgt->dgt", posterior.coefficients(part, rows), part.features(data), optimize=True)
    for c, media in enumerate(data["media"].to_numpy()):
        response = posterior.shape.respond(media, posterior.parameters(c, rows))
        response -= response[..., :weeks].mean(axis=-1, keepdims=True)
        total += posterior.media_coefficient(c, rows)[:, :, None] * response
    return total


def forecast(posterior: Posterior, data: xr.Dataset, rows: Array, seed: int) -> Array:
    """Draw the KPI of the weeks after the posterior's own, knowing media and controls but no KPI there.

    Args:
        posterior: fit to the first weeks of ``data``.
        data: the whole panel, scaled by its first weeks (see `model.design.build_design`).
        rows: places of the draws.
        seed: of the simulated shocks.

    Returns:
        KPI units, shape ``(draw, geo, week)``, later weeks only.
    """
    weeks = posterior.data.sizes["week"]
    explained = explain(posterior, rows, data)
    past = posterior.data["y"].to_numpy() - explained[..., :weeks] - posterior["week_effect"][rows][:, None, :]
    out = explained[..., weeks:].copy()
    out += _wandering(posterior, rows, _drift(posterior, rows, past)[..., -1], out.shape, seed)
    return out * posterior.data["scale"].to_numpy()[:, None]


def simulate(posterior: Posterior, rows: Array, seed: int) -> Array:
    """Draw the KPI of the posterior's own weeks anew, by its parameters alone; the weeks before them say nothing.

    Returns:
        Scaled KPI, shape ``(draw, geo, week)``.
    """
    out = explain(posterior, rows, posterior.data)
    nothing = np.zeros(out.shape[:2])
    return out + _wandering(posterior, rows, nothing, out.shape, seed, first=_first_week(posterior, rows))


def _wandering(
    posterior: Posterior, rows: Array, state: Array, shape: tuple[int, ...], seed: int, first: Array | float = 1.0
) -> Array:
    """Draw what no parameter explains: drift on from a state, surprises, and the shocks that geos share.

    Args:
        posterior: the fit.
        rows: places of the draws.
        state: of the drift before the first week, shape ``(draw, geo)``.
        shape: of the result, ``(draw, geo, week)``.
        seed: of all that is random.
        first: factor on the first week's surprise, see `transforms.first_week_ratio`.
    """
    random = np.random.default_rng(seed)
    decay, weight = drift_weights(*_persistence(posterior, rows))
    out = np.empty(shape)
    for t in range(shape[-1]):
        surprise = posterior["sigma"][rows] * _standard_shocks(posterior, rows, state.shape, random)
        residual = weight * state + (surprise if t else first * surprise)
        out[..., t] = residual
        state = drift_step(state, residual, decay)
    if "tau" in posterior:
        out += posterior["tau"][rows][:, None, None] * random.standard_normal((shape[0], 1, shape[-1]))
    return out


def change_of_kpi(posterior: Posterior, rows: Array, media: Array, other: Array, weeks: int) -> Array:
    """Return what other media would add to the KPI of the last weeks, the misfit of each channel's return in it.

    Args:
        posterior: the fit.
        rows: places of the draws.
        media: scaled, with history, shape ``(channel, geo, time)``.
        other: media to hold against these.
        weeks: how many.

    Returns:
        KPI units, shape ``(draw, geo, week)``.
    """
    found, span = np.zeros((len(rows), media.shape[1], weeks)), weeks + posterior.shape.l_max - 1
    for c in np.flatnonzero((media != other).any(axis=(1, 2))):
        parameters = posterior.parameters(int(c), rows)
        before, after = (posterior.shape.respond(m[c, :, -span:], parameters) for m in (media, other))
        found += posterior.return_coefficient(int(c), rows)[:, :, None] * (after - before)
    return found * posterior.data["scale"].to_numpy()[:, None]


def predictive_interval(
    posterior: Posterior, rows: Array, ahead: OneWeekAhead, ci_prob: float, seed: int
) -> Interval[Array]:
    """Return the one-week-ahead predictive distribution, KPI units, arrays of shape ``(geo, week)``.

    Its mean is that of the predictions, free of the noise of simulated surprises.

    Args:
        posterior: the fit.
        rows: places of the draws.
        ahead: their predictions, see `one_week_ahead`.
        ci_prob: mass of the interval.
        seed: of the simulated surprises.
    """
    mean = ahead.explained + ahead.drift
    random = np.random.default_rng(seed)
    drawn = mean + _spread(posterior, rows) * _standard_shocks(posterior, rows, mean.shape, random)
    found = replace(Interval.of(drawn, ci_prob), mean=mean.mean(axis=0))
    return found.times(posterior.data["scale"].to_numpy()[:, None])


def log_likelihood(posterior: Posterior, rows: Array) -> Array:
    """Return the log likelihood of the panel for some draws, shape ``(draw,)``, in chunks of draws."""
    y = posterior.data["y"].to_numpy()

    def of_draws(part: Array) -> Array:
        ahead = one_week_ahead(posterior, part)
        sigma = _spread(posterior, part)
        surprise = (y - ahead.explained - ahead.drift) / sigma
        density = posterior.likelihood.log_density(surprise, *_tails(posterior, part, 3), gammaln=special.gammaln)
        return (density - np.log(sigma)).sum(axis=(1, 2), where=posterior.observed)

    return np.concatenate(by_chunks(of_draws, rows, y.size))


def _persistence(posterior: Posterior, rows: Array) -> tuple[Array, Array]:
    """Return ``rho`` and ``gain`` of the drift, each ``(draw, geo)``; zeros for white residuals."""
    shape = posterior["sigma"][rows].shape
    if "rho" not in posterior:
        return np.zeros(shape), np.zeros(shape)
    rho = np.broadcast_to(posterior["rho"][rows][:, None], shape)
    return rho, posterior["gain"][rows] if "gain" in posterior else np.ones(shape)


def _first_week(posterior: Posterior, rows: Array) -> Array:
    """Return the standard deviation of the first week's surprise over that of the others, ``(draw, geo)``."""
    return np.sqrt(first_week_ratio(*_persistence(posterior, rows)))


def _spread(posterior: Posterior, rows: Array) -> Array:
    """Return the standard deviation of each week's surprise, ``(draw, geo, week)``."""
    rho, gain = (values[..., None] for values in _persistence(posterior, rows))
    ratio = first_week_ratio(rho, gain, weeks_unseen(posterior.observed))
    return posterior["sigma"][rows][..., None] * np.sqrt(ratio)


def _drift(posterior: Posterior, rows: Array, residual: Array) -> Array:
    """Return the state of the drift before every week and after the last, ``(draw, geo, week + 1)``."""
    decay, weight = drift_weights(*_persistence(posterior, rows))
    state = np.zeros((*residual.shape[:2], residual.shape[2] + 1))
    for t, seen in enumerate(posterior.observed.T):
        known = np.where(seen, residual[..., t], weight * state[..., t])
        state[..., t + 1] = drift_step(state[..., t], known, decay)
    return state


def _standard_shocks(posterior: Posterior, rows: Array, shape: tuple[int, ...], random: np.random.Generator) -> Array:
    """Return surprises of unit scale, as fitted."""
    return posterior.likelihood.draw(random, shape, *_tails(posterior, rows, len(shape)))


def _tails(posterior: Posterior, rows: Array, ndim: int) -> list[Array]:
    """Return the parameters of the likelihood beside its scale, shape ``(draw, 1, ...)`` with ``ndim`` dims."""
    names = [parameter.name for parameter in posterior.likelihood.parameters]
    return [posterior[name][rows].reshape(-1, *[1] * (ndim - 1)) for name in names]
