"""The look of the figures: one width, one palette that is safe for the colour-blind, what all figures share."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.font_manager import fontManager

from mmm_bayes.report.numbers import Money
from mmm_bayes.report.words import say

WIDTH = 5.0
"""Inches; every figure has the same, narrow enough for its type to be read on a telephone."""

DPI = 240
BIG, SMALL = 9.5, 9.0
PALETTE = {
    **{"paper": ("#FFFFFF", "#181C21"), "ink": ("#20242A", "#E6E9ED"), "muted": ("#5F6873", "#A3ABB5")},
    **{"other": ("#868E99", "#858D98"), "line": ("#B9C0C9", "#56606C"), "prior": ("#D0D6DD", "#3F4853")},
    **{"base": ("#D5DAE0", "#39424C"), "grid": ("#E8EAED", "#2B3138"), "shade": ("#EEF0F3", "#242A31")},
    **{"good": ("#1F6F8B", "#5FB6D4"), "bad": ("#B5493A", "#EC8B7C"), "truth": ("#010101", "#FFFFFF")},
    **{"model": ("#1F5A94", "#7FB2E5"), "channel-1": ("#332288", "#9D8FF0"), "channel-2": ("#E0265D", "#FF6F97")},
    **{"channel-3": ("#197E5A", "#4CC79B"), "channel-4": ("#D07C20", "#E8A04F"), "channel-5": ("#7A1F4F", "#D77FB0")},
    **{"channel-6": ("#328EDC", "#6BB5F5"), "channel-7": ("#376316", "#93C36A"), "channel-8": ("#AC319E", "#DD86D2")},
}
"""Every colour, on light and on dark paper. Those of channels are told apart with any colour vision, and from white by
3:1: Paul Tol's 'muted' scheme with its pale ones darker."""

LIGHT = {name: light for name, (light, _) in PALETTE.items()}
INK, MUTED, PAPER, TRUTH = (LIGHT[name] for name in ("ink", "muted", "paper", "truth"))
"""The first two are the only colours of text."""

OTHER, LINE, PRIOR, BASE, GRID, SHADE, GOOD, BAD = (
    LIGHT[name] for name in ("other", "line", "prior", "base", "grid", "shade", "good", "bad")
)
CHANNELS = tuple(LIGHT[name] for name in PALETTE if name.startswith("channel-"))

PALE = ("line", "prior", "base", "grid", "shade")
"""Names of colours that stand behind others."""

MODELS = {"bayesian": LIGHT["model"], "lightgbm": CHANNELS[3], "seasonal_naive": OTHER}

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
        """What stands beside the money of an axis."""
        return "" if self.money.code else self.money.currency

    @property
    def kpi_symbol(self) -> str:
        """What stands beside the KPI of an axis."""
        return self.symbol if self.kpi_is_money else ""

    @property
    def interval(self) -> str:
        """How an interval is called."""
        return say("chart.interval", level=self.ci_prob)

    def titled(self, title: str) -> str:
        """Return a title with the currency where the axes cannot show it."""
        return say("chart.titled", title=title, unit=self.money.code) if self.money.code else title

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
