"""The look of the figures: one width, one palette that is safe for the colour-blind, what all figures share."""

import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from PIL import Image

from mmm_bayes.report.numbers import Money

WIDTH = 5.0
"""Inches; every figure has the same, narrow enough for its type to be read on a telephone."""

DPI = 240
BIG, SMALL = 9.5, 9.0
INK, MUTED = "#20242A", "#5F6873"
"""The only two colours of text."""

OTHER, LINE, PRIOR, BASE, GRID, SHADE = "#868E99", "#B9C0C9", "#D0D6DD", "#D5DAE0", "#E8EAED", "#EEF0F3"
GOOD, BAD = "#1F6F8B", "#B5493A"
CHANNELS = ("#332288", "#E0265D", "#197E5A", "#D07C20", "#7A1F4F", "#328EDC", "#376316", "#AC319E")
"""Told apart with any colour vision, and from white by 3:1: Paul Tol's 'muted' scheme with its pale ones darker."""

MODELS = {"bayesian": "#1F5A94", "lightgbm": CHANNELS[3], "seasonal_naive": OTHER}

FAR_EAST = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans", "WenQuanYi Zen Hei", "PingFang SC", "Hiragino Sans"),
    *("Microsoft YaHei", "Yu Gothic", "Malgun Gothic"),
)
"""Fonts for names that the font of the figures lacks, where one is installed."""

SETTINGS: Any = {
    **dict.fromkeys(("axes.labelsize", "axes.titlesize", "xtick.labelsize", "ytick.labelsize"), SMALL),
    **dict.fromkeys(("axes.labelcolor", "xtick.color", "ytick.color"), MUTED),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "axes.spines.left", "legend.frameon"), False),
    **dict.fromkeys(("xtick.major.size", "ytick.major.size"), 0),
    "axes.axisbelow": True,
    "axes.edgecolor": LINE,
    "axes.grid": True,
    "axes.titlelocation": "left",
    "axes.titlepad": 5,
    "figure.constrained_layout.h_pad": 0.05,
    "figure.constrained_layout.w_pad": 0.08,
    "font.size": BIG,
    "grid.color": GRID,
    "legend.borderaxespad": 0.3,
    "legend.columnspacing": 1.1,
    "legend.fontsize": SMALL,
    "legend.handlelength": 1.4,
    "legend.handletextpad": 0.5,
    "text.color": INK,
    "text.parse_math": False,  # two dollar signs in a label are money, not a formula
    "xtick.major.pad": 5,
}


@dataclass(frozen=True)
class Look:
    """What all figures of a report share.

    Attributes:
        colour: by channel.
        money: currency and decimals.
        ci_prob: mass of the intervals.
        break_even: the ROI from which a channel pays for itself.
        kpi: what is counted.
        kpi_is_money: whether it is counted in currency.
    """

    colour: Mapping[str, str]
    money: Money
    ci_prob: float
    break_even: float = 1.0
    kpi: str = "revenue"
    kpi_is_money: bool = True

    @property
    def symbol(self) -> str:
        """What stands before the money of an axis."""
        return "" if self.money.code else self.money.currency

    @property
    def kpi_symbol(self) -> str:
        """What stands before the KPI of an axis."""
        return self.symbol if self.kpi_is_money else ""

    @property
    def interval(self) -> str:
        """How an interval is called."""
        return f"{self.ci_prob:.0%} interval"

    def titled(self, title: str) -> str:
        """Return a title with the currency where the axes cannot show it."""
        return f"{title}, {self.money.code}" if self.money.code else title

    @property
    def plain(self) -> Money:
        """Money as labels beside an axis show it."""
        return replace(self.money, currency=self.symbol)


def channel_colours(channels: Sequence[str], contribution: Sequence[float]) -> dict[str, str]:
    """Give the largest channels a colour each, in the order of the panel, and all others the same grey."""
    order = np.argsort(-np.asarray(contribution, dtype=float), kind="stable")
    largest = sorted(order[: len(CHANNELS)].tolist())
    colours = dict.fromkeys(channels, OTHER)
    return colours | {channels[c]: colour for c, colour in zip(largest, CHANNELS, strict=False)}


@contextmanager
def styled() -> Iterator[None]:
    """Draw with this look, whatever the user's own settings are."""
    log = logging.getLogger("matplotlib.font_manager")
    level = log.level
    log.setLevel(logging.ERROR)  # it would tell of weights that such a font lacks
    try:
        with mpl.rc_context():
            mpl.rcdefaults()
            installed = {font.name for font in fontManager.ttflist}
            mpl.rcParams.update(SETTINGS | {"font.family": ["DejaVu Sans", *(f for f in FAR_EAST if f in installed)]})
            yield
    finally:
        log.setLevel(level)


def png(figure: Figure) -> bytes:
    """Return a figure as PNG of 256 colours, a third as large as one of all, the same bytes for the same figure."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba()).convert("RGB")
    stream = io.BytesIO()
    picture.quantize(256, dither=Image.Dither.NONE).save(stream, "png")
    return stream.getvalue()
