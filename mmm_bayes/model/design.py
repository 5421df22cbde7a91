"""From a `Panel` to the scaled arrays of the model (`Design`): no parameters yet, no PyMC."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from mmm_bayes.config import Model
from mmm_bayes.model.smooth import smooth_features
from mmm_bayes.panel import Panel
from mmm_bayes.posterior.lift import lift_data, within
from mmm_bayes.priors import carrier
from mmm_bayes.transforms import Array, media_scale, with_history

YEAR = 365.25


@dataclass(frozen=True)
class Design:
    """What the model is built on, as a dataset that goes into ``posterior.nc`` as it is.

    Attributes:
        data: variables

            * ``y (geo, week)``: KPI over its geo mean,
            * ``scale (geo)``: that mean, in KPI units,
            * ``money (geo, week)``: currency per unit of ``y`` (scale times value of a KPI unit),
            * ``media (channel, geo, time)``: driver per person over its median non-zero week, preceded
              by ``l_max - 1`` weeks of history,
            * ``media_scale (channel, geo)``: driver per unit of ``media``,
            * ``spend (channel, geo, week)`` in currency,
            * ``feature_values (feature, geo, week)``: trend, season, sines of a smooth baseline, holidays and controls,
              centred over weeks, with the coordinates ``component (feature)`` (its name in reports) and ``group
              (feature)`` (its kind),
            * ``total (channel)``: what a contribution is divided by to give the quantity that carries the
              prior: the spend (ROI), or all KPI in currency (contribution share),
            * the variables of `model.lift.lift_data`, where there are lift tests.
    """

    data: xr.Dataset

    @property
    def common(self) -> Array:
        """Whether a feature is the same in every geo, shape ``(feature,)``."""
        values = self.data["feature_values"].to_numpy()
        return (values == values[:, :1]).all(axis=(1, 2))

    @property
    def departs(self) -> Array:
        """Whether geos differ in a feature's coefficient, shape ``(feature,)``: several geos, some features not."""
        return ~np.isin(self.data["group"], ("holidays", "smooth")) & (self.data.sizes["geo"] > 1)

    @property
    def smooth(self) -> Array:
        """Places of the features of a smooth baseline."""
        return np.flatnonzero(self.data["group"].to_numpy() == "smooth")


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
    carriers = [carrier(c, bool(p), model.priors) for c, p in zip(panel.channels, paid, strict=True)]
    by_share = np.array(carriers) == "contribution_share"
    everything = (kpi / scale[:, None] * money)[:, :train].sum()
    features, component, group = _features(panel, model, train)
    full = ("geo", "week")
    return _with_lift_tests(
        xr.Dataset(
            {
                "y": (full, kpi / scale[:, None]),
                "scale": ("geo", scale),
                "money": (full, money),
                "media": (("channel", "geo", "time"), with_history(driver / unit, model.l_max, past / unit)),
                "media_scale": (("channel", "geo"), unit[:, :, 0]),
                "spend": (("channel", *full), spend),
                "total": ("channel", np.where(by_share, everything, spend[..., :train].sum(axis=(1, 2)))),
                "feature_values": (("feature", *full), features),
            },
            coords={
                "geo": panel.geos,
                "week": panel.weeks,
                "channel": panel.channels,
                "paid": ("channel", paid),
                "by_share": ("channel", by_share),
                "component": ("feature", np.array(component, dtype=str)),
                "group": ("feature", np.array(group, dtype=str)),
            },
        ),
        model,
        train,
    )


def _with_lift_tests(data: xr.Dataset, model: Model, train: int) -> Design:
    """Return the design with the tests that the model sees: those that ended within the training weeks."""
    known = within(model.lift_tests, data["week"].to_numpy()[:train])
    if len(known) < len(model.lift_tests):
        lift_data(data, model.lift_tests, model.l_max, len(data["week"]))  # tests outside of the panel are an error
    return Design(data.assign(lift_data(data, known, model.l_max, train)) if known else data)


def head(design: Design, weeks: int, l_max: int) -> Design:
    """Return the first ``weeks`` weeks of a design."""
    return Design(design.data.isel(week=slice(0, weeks), time=slice(0, weeks + l_max - 1)))


def _features(panel: Panel, model: Model, train: int) -> tuple[Array, list[str], list[str]]:
    """Stack all features to ``(feature, geo, week)`` with the name and group of each.

    All are centred over the training weeks, so that the level is the mean KPI of an ordinary week.
    """
    trend = trend_features(len(panel.weeks), train, model.trend)
    order = model.fourier if model.fourier is not None else 3
    season = fourier_features(panel.weeks.dayofyear.to_numpy() / YEAR, order)
    shape = (len(panel.geos), len(panel.weeks))
    smooth = smooth_features(len(panel.weeks), train) if model.baseline == "smooth" else trend[:0]
    common = np.concatenate([trend, season, smooth])[:, None, :] * np.ones((1, *shape))
    holidays = panel.data["holidays"].transpose("holiday", "geo", "week").to_numpy()
    controls = panel.data["controls"].transpose("control", "geo", "week").to_numpy()
    common, holidays, controls = (_centred(values, train) for values in (common, holidays, controls))
    spread = controls[..., :train].std(axis=(1, 2), keepdims=True)
    controls = controls / np.where(spread > 0, spread, 1.0)
    kinds = {"trend": trend, "season": season, "smooth": smooth, "holidays": holidays, "controls": controls}
    group = [kind for kind, values in kinds.items() for _ in values]
    component = ["baseline" if kind == "smooth" else kind for kind in group]
    component[len(group) - len(controls) :] = [str(c) for c in panel.data["control"].to_numpy()]
    return np.concatenate([common, holidays, controls]), component, group


def _centred(features: Array, train: int) -> Array:
    return features - features[..., :train].mean(axis=-1, keepdims=True)


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
    knots = np.arange(26, train - 13, 26)
    return np.stack([line, *(2 * np.maximum(time - knot, 0) / (train - 1) for knot in knots)])


def fourier_features(year: Array, order: int) -> Array:
    """Return yearly sines and cosines, shape ``(2 * order, week)``; ``year`` is time in years, shape ``(week,)``."""
    angle = 2 * np.pi * np.arange(1, order + 1)[:, None] * year
    return np.stack([np.sin(angle), np.cos(angle)], axis=1).reshape(2 * order, len(year))
