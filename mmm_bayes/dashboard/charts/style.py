"""What charts share: channels that keep their colour, axes of money, intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from mmm_bayes.report.numbers import Money

Chart = Any
"""A chart of Altair, which has a class for each way to put charts together."""

Drawn = Sequence[Chart]
"""The charts of one figure."""

Live = Mapping[str, Any]
"""A chart as Vega-Lite takes it, made once; its data `LIVE` are laid on it each time, which takes no time."""

LIVE = "live"

NEUTRAL, PALE = "#7D8590", "#9AA3AD"
"""Greys that stand out from light and dark pages alike."""

GOOD, BAD = "#2E8FAF", "#D0604F"
HIGH, FLAT, SMALL = 360, 260, 150
"""Pixels, title and axes among them: of a chart by itself, of one among several, of one without titles."""

ROW, HEAD = 32, 100
"""Pixels of a row with one bar, and of what stands above and below all rows."""


@dataclass(frozen=True)
class Look:
    """What all charts of a run share.

    Attributes:
        channels: in the order of the panel; their place decides their colour.
        money: currency and decimals.
        ci_prob: mass of the intervals.
        break_even: the ROI from which a channel pays for itself.
        kpi: what is counted.
    """

    channels: tuple[str, ...]
    money: Money
    ci_prob: float
    break_even: float
    kpi: str

    @property
    def interval(self) -> str:
        """How an interval is called."""
        return f"{self.ci_prob:.0%} interval"

    @property
    def scale(self) -> alt.Scale:
        """The colours of channels, which the page has."""
        return alt.Scale(domain=list(self.channels))

    def in_money(self, what: str) -> str:
        """Return the title of an axis of money."""
        return f"{what}, {self.money.currency}" if self.money.currency else what

    @property
    def colour(self) -> alt.Color:
        """The encoding of a channel's colour, of tables that have a column ``channel``."""
        return alt.Color("channel:N", scale=self.scale, legend=None)


def amounts(field: str, title: str = "", axis: str = "x", **scale: Any) -> Any:
    """Return the encoding of a large number on an axis, such as ``20k``."""
    encoding = alt.X if axis == "x" else alt.Y
    return encoding(
        f"{field}:Q",
        title=title or None,
        axis=alt.Axis(format="~s", tickCount=5),
        scale=alt.Scale(**scale) if scale else alt.Undefined,
    )


def rows(field: str, names: Sequence[str]) -> alt.Y:
    """Return the encoding of names under each other, in their order."""
    return alt.Y(f"{field}:N", sort=list(names), title=None, axis=alt.Axis(labelLimit=160))


def finish(layers: Sequence[Chart], title: str, height: int, subtitle: str = "") -> Chart:
    """Return layers as one chart with its title, if it has one."""
    chart = alt.layer(*layers).properties(height=height)
    head = alt.TitleParams(title, subtitle=subtitle, subtitleColor=NEUTRAL) if subtitle else title
    return chart.properties(title=head) if title else chart


def live(chart: Chart) -> Live:
    """Return a chart that waits for its data `LIVE`."""
    return chart.to_dict()


def laid_on(chart: Live, data: pd.DataFrame) -> dict[str, Any]:
    """Return a live chart with its data."""
    return {**chart, "datasets": {**chart.get("datasets", {}), LIVE: data}}
