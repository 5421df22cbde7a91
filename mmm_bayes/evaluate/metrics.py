"""How far a forecast is from what was observed."""

import numpy as np

from mmm_bayes.evaluate.forecast import Forecast
from mmm_bayes.transforms import Array


def errors(observed: Array, forecast: Forecast, ci_prob: float) -> dict[str, float | None]:
    """Return the errors of a forecast over all geo-weeks.

    Args:
        observed: shape ``(geo, week)``, KPI units.
        forecast: of the same weeks.
        ci_prob: what its interval claims to hold.

    Returns:
        ``wmape`` (absolute error over the KPI) and ``wmape_total`` (the same of the sum over geos), ``mape`` (over
        geo-weeks with a KPI), ``rmse``, ``mae`` and ``crps`` in KPI units, ``bias`` (mean error over the mean KPI),
        ``coverage`` of the interval, its ``width`` over the mean KPI and its ``interval_score`` in KPI units; None
        where there is nothing to divide by or no draws.
    """
    miss = forecast.mean - observed
    size = np.abs(observed)
    some = size > 0
    inside = (forecast.low <= observed) & (observed <= forecast.high)
    found = {
        "wmape": _ratio(np.abs(miss).sum(), size.sum()),
        "wmape_total": _ratio(np.abs(miss.sum(axis=0)).sum(), np.abs(observed.sum(axis=0)).sum()),
        "mape": _ratio((np.abs(miss[some]) / size[some]).sum(), float(some.sum())),
        "rmse": np.sqrt((miss**2).mean()),
        "mae": np.abs(miss).mean(),
        "crps": None if forecast.draws is None else crps(observed, forecast.draws).mean(),
        "bias": _ratio(miss.mean(), size.mean()),
        "coverage": inside.mean(),
        "interval_score": interval_score(observed, forecast.low, forecast.high, ci_prob).mean(),
        "width": _ratio((forecast.high - forecast.low).mean(), size.mean()),
        "ci_prob": ci_prob,
    }
    return {name: None if value is None else float(value) for name, value in found.items()}


def crps(observed: Array, draws: Array) -> Array:
    """Return the continuous ranked probability score ``E|X - y| - E|X - X'| / 2``.

    Gneiting and Raftery (2007), eq. 21, over the empirical distribution of the draws.

    Args:
        observed: shape ``(...)``.
        draws: shape ``(draw, ...)``.

    Returns:
        Shape ``(...)``, in the units of ``observed``; smaller is better.
    """
    count = len(draws)
    rank = (2 * np.arange(1, count + 1) - count - 1).reshape(-1, *(1 for _ in observed.shape))
    spread = (rank * np.sort(draws, axis=0)).sum(axis=0) / count**2
    return np.abs(draws - observed).mean(axis=0) - spread


def interval_score(observed: Array, low: Array, high: Array, ci_prob: float) -> Array:
    """Return the interval score of a central interval: its width, and a penalty for what it missed by.

    Gneiting and Raftery (2007), eq. 43: ``(u - l) + 2 / a * max(l - y, 0) + 2 / a * max(y - u, 0)`` with ``a`` the
    probability left outside. All of one shape, in the units of ``observed``; smaller is better.
    """
    missed = np.maximum(low - observed, 0.0) + np.maximum(observed - high, 0.0)
    return high - low + 2 / (1 - ci_prob) * missed


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None
