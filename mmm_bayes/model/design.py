"""From a `Panel` to the scaled arrays of the model (`Design`): no parameters yet, no PyMC."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from mmm_bayes.config import Model
from mmm_bayes.model.smooth import smooth_features
from mmm_bayes.panel import Panel
from mmm_bayes.pool import NEVER, usual_return
from mmm_bayes.posterior.confounding import by_calendar, in_step
from mmm_bayes.posterior.experiments import check_tests, lift_data, tested_channels, within
from mmm_bayes.posterior.parts import PARTS
from mmm_bayes.priors import carrier
from mmm_bayes.transforms import Array, media_scale, with_history, yearly_waves


@dataclass(frozen=True)
class Design:
    """What the model is built on, as a dataset that goes into ``posterior.nc`` as it is.

    Attributes:
        data: variables

            * ``y (geo, week)``: KPI over its geo mean,
            * ``scale (geo)``: that mean, in KPI units,
            * ``observed (geo, week)``: which of ``y`` are a KPI, where not all are,
            * ``money (geo, week)``: currency per unit of ``y`` (scale times value of a KPI unit),
            * ``media (channel, geo, time)``: driver per person over its median non-zero week, preceded
              by ``l_max - 1`` weeks of history,
            * ``media_scale (channel, geo)``: driver per unit of ``media``,
            * ``spend (channel, geo, week)`` in currency,
            * ``<part>_values (feature, [geo,] week)`` for each part of the baseline, such as ``trend_values`` or
              ``controls_values (control, geo, week)``, centred over weeks; see `posterior.parts`,
            * ``total (channel)``: what a contribution is divided by to give the quantity that carries the
              prior: the spend (ROI), or all KPI in currency (contribution share),
            * ``mean_media (channel)``: mean of ``media``, and ``usual_return``, a marginal ROI that is as likely as
              not: what the pool measures channels by, see `mmm_bayes.pool`,
            * ``demand (channel)``: how likely it is, by its calendar, that a channel of a single series follows demand,
            * the variables of `posterior.experiments.lift_data`, where there are lift tests.
    """

    data: xr.Dataset


def build_design(panel: Panel, model: Model, train: int | None = None) -> Design:
    """Scale a panel for the model.

    Args:
        panel: weekly data.
        model: adstock window, trend and season.
        train: number of weeks from the first whose means, medians and spreads do the scaling; all by default.

    Returns:
        Scaled arrays; shapes in `Design`.
    """
    data = panel.data
    train = train or len(panel.weeks)
    kpi = data["kpi"].transpose("geo", "week").to_numpy()
    scale = kpi[:, :train].mean(axis=1)
    driver, unit = panel.driver, media_scale(panel.driver[..., :train], data["population"].to_numpy())[..., None]
    past = data["history"].transpose("channel", "geo", "past").to_numpy()
    money = scale[:, None] * data["value"].transpose("geo", "week").to_numpy()
    spend = data["spend"].transpose("channel", "geo", "week").to_numpy()
    paid = data["paid"].to_numpy()
    carriers = np.array([carrier(c, bool(p), model.priors) for c, p in zip(panel.channels, paid, strict=True)])
    everything, cost = (kpi / scale[:, None] * money)[:, :train].sum(), spend[..., :train].sum(axis=(1, 2))
    full = ("geo", "week")
    scaled = xr.Dataset(
        {
            "y": (full, kpi / scale[:, None]),
            "scale": ("geo", scale),
            **_unobserved(data),
            "money": (full, money),
            "media": (("channel", "geo", "time"), with_history(driver / unit, model.l_max, past / unit)),
            "media_scale": (("channel", "geo"), unit[:, :, 0]),
            "spend": (("channel", *full), spend),
            "total": ("channel", np.where(carriers == "contribution_share", everything, cost)),
            "mean_media": ("channel", (driver / unit)[..., :train].mean(axis=(1, 2))),
            "usual_return": usual_return(everything, cost.sum() or everything),
            **_parts(panel, model, train),
        },
        coords={
            "geo": panel.geos,
            "week": panel.weeks,
            "channel": panel.channels,
            "paid": ("channel", paid),
            "carrier": ("channel", carriers),
        },
    )
    return _with_lift_tests(scaled, model, train)


def _with_lift_tests(data: xr.Dataset, model: Model, train: int) -> Design:
    """Return the design with the tests that ended within the training weeks, and with `demand`."""
    weeks, known = data["week"].to_numpy(), model.lift_tests
    if train < len(weeks):
        check_tests(data, known)
        known = within(known, weeks[:train])
    data = data.assign(demand=("channel", _demand(data, tested_channels(known), train)))
    return Design(data.assign(lift_data(data, known, model.l_max, train, model.test_aging)) if known else data)


def _demand(data: xr.Dataset, tested: set[str], train: int) -> Array:
    """Return ``demand`` of `Design`: the calendar is asked of a single series alone, of channels without a test."""
    channels = data["channel"].to_numpy()
    if data.sizes["geo"] > 1:
        return np.full(len(channels), NEVER)
    told = [str(c) in tested for c in channels]
    return np.where(told, NEVER, by_calendar(in_step(data, data["y"].to_numpy()[:, :train])[0]))


def _unobserved(data: xr.Dataset) -> dict[str, Any]:
    """Return which cells have a KPI, where not all have one."""
    seen = data["observed"].transpose("geo", "week").to_numpy() if "observed" in data else np.array(True)
    return {} if seen.all() else {"observed": (("geo", "week"), seen)}


def head(design: Design, weeks: int, l_max: int) -> Design:
    """Return the first ``weeks`` weeks of a design."""
    return Design(design.data.isel(week=slice(0, weeks), time=slice(0, weeks + l_max - 1)))


def _parts(panel: Panel, model: Model, train: int) -> dict[str, xr.DataArray]:
    """Return ``<part>_values`` of those parts of the baseline that panel and model ask for; see `posterior.parts`.

    All are centred over the training weeks, so that the level is the mean KPI of an ordinary week.
    """
    weeks, order = len(panel.weeks), model.fourier if model.fourier is not None else 3
    trend, smooth = trend_features(weeks, train, model.trend), smooth_features(weeks, train)
    season = yearly_waves(panel.weeks.dayofyear.to_numpy(), order)
    wave = np.arange(1, len(smooth) + 1) if model.baseline == "smooth" else np.arange(0)
    harmonic = [f"{kind} {k + 1}" for k in range(order) for kind in ("sin", "cos")]
    found = {
        "trend": _named("bend", knots(train)[: len(trend)], trend),
        "season": _named("harmonic", harmonic, season),
        "smooth": _named("wave", wave, smooth[: len(wave)]),
        "holidays": panel.data["holidays"].transpose("holiday", "geo", "week"),
        **_controls(panel.data["controls"].transpose("control", "geo", "week"), train),
    }
    return {part.values: _centred(found[part.name], train) for part in PARTS if len(found[part.name])}


def _named(dim: str, names: Any, values: Array) -> xr.DataArray:
    return xr.DataArray(values, dims=(dim, "week"), coords={dim: names})


def _controls(controls: xr.DataArray, train: int) -> dict[str, xr.DataArray]:
    """Return controls in units of their standard deviation; of several geos, those apart that are the same in each."""
    spread = _centred(controls, train)[..., :train].std(("geo", "week"))
    scaled = controls / spread.where(spread > 0, 1.0)
    alike = (controls == controls[:, 0]).all(("geo", "week")) & (controls.sizes["geo"] > 1)
    national = scaled[alike.to_numpy(), 0].drop_vars("geo").rename(control="national_control")
    return {"national_controls": national, "controls": scaled[~alike.to_numpy()]}


def _centred(values: xr.DataArray, train: int) -> xr.DataArray:
    return values - values[..., :train].mean("week")


def knots(train: int) -> Array:
    """Return the weeks at which a piecewise trend bends, the first one included."""
    return np.append(0, np.arange(26, train - 13, 26))


def trend_features(weeks: int, train: int, kind: str) -> Array:
    """Return the trend's columns, shape ``(feature, week)``.

    ``linear`` is a line from -1 to 1 over the training weeks; ``piecewise`` adds a bend every half year.
    """
    time = np.arange(weeks, dtype=float)
    if kind == "none":
        return np.zeros((0, weeks))
    line = 2 * time / (train - 1) - 1
    if kind == "linear":
        return line[None]
    return np.stack([line, *(2 * np.maximum(time - knot, 0) / (train - 1) for knot in knots(train)[1:])])
