"""What a weekly schedule of one channel returns: its adstock and saturation applied week by week."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from mmm_bayes.config import Allocate
from mmm_bayes.curves import planning_window, window_response
from mmm_bayes.posterior import Posterior
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
        per_currency: scaled media that one unit of currency spent in a week brings to each geo, shape ``(geo,)``.
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
        flights = self.per_currency[:, None] * schedules[:, None, :]
        respond = partial(self.shape.respond, parameters=parameters)
        return window_response(respond, flights, self.carry, self.coefficient[rows])


def weekly_media(posterior: Posterior, channel: str, settings: Allocate) -> WeeklyMedia:
    """Return what the response to a schedule of one channel is made of, for a sample of draws.

    Money goes to geos in the shares, and at the price of exposure, of the planning window that the response curves
    assume; the carry-in is that of the curves, too.

    Args:
        posterior: the fit.
        channel: name of a paid channel.
        settings: for the length of the window.
    """
    data, rows, c = posterior.data, posterior.thinned(DRAWS), posterior.channels.index(channel)
    spend, media = data["spend"].to_numpy()[[c]], data["media"].to_numpy()[[c]]
    history, weeks = media.shape[-1] - spend.shape[-1], settings.weeks
    before = max(spend.shape[-1] - weeks, 0)
    flight, driver = (planning_window(values, weeks)[0].sum(axis=-1) for values in (spend, media[..., history:]))
    effect = posterior.return_coefficient(c, rows)
    return WeeklyMedia(
        shape=posterior.shape,
        parameters=posterior.parameters(c, rows),
        coefficient=effect * data["money"].to_numpy().mean(axis=1),
        per_currency=driver / float(flight.sum()),
        carry=media[0, :, before : before + history],
    )


def highest_week(posterior: Posterior, channel: str) -> float:
    """Return the most ever spent on a channel in one week, all geos together, currency."""
    spend = posterior.data["spend"].to_numpy()[posterior.channels.index(channel)]
    return float(np.max(spend.sum(axis=0)))
