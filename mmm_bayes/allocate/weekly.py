"""What a weekly schedule of one channel returns: its adstock and saturation applied week by week."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import xarray as xr

from mmm_bayes.config import Allocate
from mmm_bayes.curves import window_of, window_response
from mmm_bayes.posterior import Posterior
from mmm_bayes.posterior.attribution import paid_media
from mmm_bayes.transforms import Array, Shape

DRAWS = 400
"""Draws that schedules are judged by."""


@dataclass(frozen=True)
class WeeklyMedia:
    """What the response to a weekly schedule of one channel is made of.

    Attributes:
        shape: adstock, saturation and their order.
        parameters: of the shape, by name, each of shape ``(draw, 1)``.
        coefficient: currency per unit of response, shape ``(draw, geo)``.
        per_currency: scaled media that one unit of currency spent in a week brings to each geo, shape ``(geo, week)``,
            ``(geo, 1)`` where all weeks have one price.
        carry: scaled media of the weeks before the first, shape ``(geo, l_max - 1)``.
    """

    shape: Shape
    parameters: dict[str, Array]
    coefficient: Array
    per_currency: Array
    carry: Array

    def value(self, schedules: Array, rows: np.ndarray | slice = slice(None)) -> Array:
        """Return what schedules add over spending nothing, the tail after the last week included.

        Args:
            schedules: currency, shape ``(schedule, week)``.
            rows: places of the draws.

        Returns:
            KPI value in currency, shape ``(draw, schedule)``.
        """
        parameters = {name: values[rows] for name, values in self.parameters.items()}
        flights = self.per_currency * schedules[:, None, :]
        respond = partial(self.shape.respond, parameters=parameters)
        return window_response(respond, flights, self.carry, self.coefficient[rows])


def weekly_media(
    posterior: Posterior, channel: str, settings: Allocate, planned: xr.Dataset | None = None
) -> WeeklyMedia:
    """Return what the response to a schedule of one channel is made of, for a sample of draws.

    Money goes to geos in the shares, and at the price of exposure, of the planning window that the response curves
    assume; the carry-in is that of the curves, too.

    Args:
        posterior: the fit.
        channel: name of a paid channel.
        settings: for the length of the window.
        planned: the weeks after the panel, see `panel.planned`.
    """
    rows, c = posterior.thinned(DRAWS), posterior.channels.index(channel)
    paid = paid_media(posterior, rows, planned)
    at = list(paid.channels).index(channel)
    window = window_of(paid, settings.model_copy(update={"flighting": "historical", "by_geo": False}))
    spend, driver = window.spend[at], window.driver[at]
    if window.planned and paid.planned is not None:
        per_currency = spend.sum(axis=-1, keepdims=True) / spend.sum() / paid.planned[1][at]
    else:
        per_currency = driver.sum(axis=-1, keepdims=True) / spend.sum()
    return WeeklyMedia(
        shape=posterior.shape,
        parameters=posterior.parameters(c, rows),
        coefficient=paid.coefficient[:, at],
        per_currency=per_currency,
        carry=window.carry[at],
    )


def highest_week(posterior: Posterior, channel: str) -> float:
    """Return the most ever spent on a channel in one week, all geos together, currency."""
    spend = posterior.data["spend"].to_numpy()[posterior.channels.index(channel)]
    return float(np.max(spend.sum(axis=0)))
