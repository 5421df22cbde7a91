"""`ResponseCurves`: what each channel would return at each spend over one window, draw by draw."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mmm_bayes.transforms import Array

BY_GEO = " | "
"""Parts the channel from the geo in the name of an arm."""


def arm_of(channel: str, geo: str) -> str:
    """Return the name of a channel's arm in one geo."""
    return f"{channel}{BY_GEO}{geo}"


def channel_of(arm: str) -> str:
    """Return the channel of an arm, which may be an arm of one geo."""
    return arm.partition(BY_GEO)[0]


@dataclass(frozen=True)
class ResponseCurves:
    """Response of every channel over one planning window, draw by draw.

    Attributes:
        channels: names of the arms; ``channel`` or ``channel | geo`` for plans by geo.
        spend: shape ``(channel, point)``, currency over the window, ascending from 0.
        response: shape ``(draw, channel, point)``, incremental KPI value in currency, carry-in before the window
            excluded and the tail after it counted; non-decreasing along ``point``, 0 at spend 0.
        today: shape ``(channel,)``, spend of the window if nothing changes, currency.
        observed: shape ``(channel,)``, the highest spend seen in a window of this length, currency.
        weeks: length of the window.
        model: ``bayesian`` or ``lightgbm``.
        held: channels that are not to be moved along their curves, since their media follow demand.
        planned: whether the window is that of planned weeks; ``today`` is then what is planned for them.

    Between points the response is linear.
    """

    channels: tuple[str, ...]
    spend: Array
    response: Array
    today: Array
    observed: Array
    weeks: int
    model: str = "bayesian"
    held: tuple[str, ...] = ()
    planned: bool = False

    def along(self, arm: int, spend: Array) -> Array:
        """Return the response of one arm at each ``spend (k,)``, shape ``(draw, k)``, held beyond the ends."""
        return interpolate(spend, self.spend[arm], self.response[:, arm])

    def at(self, spend: Array) -> Array:
        """Return the response at a plan ``(channel,)``, shape ``(draw, channel)``, currency, held beyond the ends."""
        return np.concatenate([self.along(c, np.array([s])) for c, s in enumerate(spend)], axis=1)

    def marginal(self, spend: Array) -> Array:
        """Return the response to the next unit of currency at a plan ``(channel,)``, shape ``(draw, channel)``.

        At a point of the curve the mean of the slopes on both sides; beyond either end the slope of the last piece.
        """
        found = np.zeros((len(self.response), len(spend)))
        for c, (grid, s) in enumerate(zip(self.spend, spend, strict=True)):
            width = np.diff(grid)
            if width[-1] > 0:
                near = 1e-9 * grid[-1]
                places = [np.searchsorted(grid, s + near, side="right"), np.searchsorted(grid, s - near, side="left")]
                pieces = np.clip(np.array(places) - 1, 0, len(width) - 1)[::-1]
                found[:, c] = (np.diff(self.response[:, c])[:, pieces] / width[pieces]).mean(axis=1)
        return found

    @property
    def mean(self) -> Array:
        """Expected response, shape ``(channel, point)``, currency."""
        return self.response.mean(axis=0)

    def pick(self, arms: Sequence[int]) -> "ResponseCurves":
        """Return the curves of some arms, given by their places, in that order."""
        places = list(arms)
        return replace(
            self,
            channels=tuple(self.channels[place] for place in places),
            spend=self.spend[places],
            response=self.response[:, places],
            today=self.today[places],
            observed=self.observed[places],
        )


def interpolate(x: Array, grid: Array, values: Array) -> Array:
    """Return ``values (draw, point)`` at each ``x (k,)`` by linear interpolation, held beyond the ends of the grid."""
    right = np.clip(np.searchsorted(grid, x), 1, len(grid) - 1)
    width = grid[right] - grid[right - 1]
    share = np.clip(np.divide(x - grid[right - 1], width, out=np.zeros_like(x), where=width > 0), 0.0, 1.0)
    return values[:, right - 1] * (1 - share) + values[:, right] * share
