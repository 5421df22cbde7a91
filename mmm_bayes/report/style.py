"""The look of the figures: one width, one palette safe for the colour-blind, labels that do not overlap."""

import io
import logging
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.ticker import Formatter, MaxNLocator

from mmm_bayes.report.numbers import Money, ticks

WIDTH = 7.6
"""Inches; every figure has the same, so that type has one size on the page."""

DPI = 200
INK, MUTED, LINE, GRID, SHADE = "#20242A", "#5F6873", "#B9C0C9", "#E8EAED", "#F1F3F5"
BASE, PRIOR, OTHER = "#D5DAE0", "#DDE1E6", "#868E99"
GOOD, BAD = "#1F6F8B", "#B5493A"
MODELS = {"bayesian": "#1F5A94", "lightgbm": "#D07C16", "seasonal_naive": "#868E99"}

CHANNELS = ("#332288", "#CC6677", "#44AA99", "#DDAA33", "#882255", "#66AADD", "#117733", "#AA4499")
"""Paul Tol's 'muted' scheme, which people with any colour vision can tell apart, a little darker on white."""

FAR_EAST = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans", "WenQuanYi Zen Hei", "PingFang SC", "Hiragino Sans"),
    *("Microsoft YaHei", "Yu Gothic", "Malgun Gothic"),
)
"""Fonts for names that the font of the figures lacks, where one is installed."""

SETTINGS: Any = {
    "font.size": 9.0,
    "text.parse_math": False,  # two dollar signs in a label are money, not a formula
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 8.5,
    "axes.edgecolor": LINE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.major.size": 0,
    "xtick.major.pad": 5,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
}


@dataclass(frozen=True)
class Look:
    """What all figures of a report share.

    Attributes:
        colour: by channel.
        money: currency and decimals.
        ci_prob: mass of the intervals.
        break_even: the ROI from which a channel pays for itself.
    """

    colour: Mapping[str, str]
    money: Money
    ci_prob: float
    break_even: float = 1.0

    @property
    def symbol(self) -> str:
        """What stands before the money of an axis."""
        return "" if self.money.code else self.money.currency

    def titled(self, title: str) -> str:
        """Return a title with the currency where the axes cannot show it."""
        return f"{title}, {self.money.code}" if self.money.code else title


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


def canvas(height: float, title: str, subtitle: str = "") -> Figure:
    """Return a figure of ``height`` inches with its title at the top left; its first half inch is taken."""
    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    figure.text(0.1 / WIDTH, 1 - 0.12 / height, title, size=11, weight="bold", va="top")
    figure.text(0.1 / WIDTH, 1 - 0.34 / height, subtitle, size=8.5, color=MUTED, va="top")
    return figure


def legend(figure: Figure, handles: Sequence[Any]) -> None:
    """Put a legend in one line below the title."""
    height = figure.get_size_inches()[1]
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.0, 1 - 0.5 / height),
        ncols=len(handles),
        columnspacing=1.1,
        handlelength=1.4,
        handletextpad=0.5,
        fontsize=8,
    )


def place(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Return axes at a place given in inches from the left and the top."""
    size = figure.get_size_inches()
    return figure.add_axes((left / size[0], 1 - (top + height) / size[1], width / size[0], height / size[1]))


def png(figure: Figure) -> bytes:
    """Return a figure as PNG, the same bytes for the same figure."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DPI, metadata={"Software": None})
    return stream.getvalue()


# --- labels and axes ----------------------------------------------------------------------------


def wrapped(name: str, width: int = 22) -> str:
    """Return a name on at most two lines."""
    return "\n".join(textwrap.wrap(name, width, max_lines=2, placeholder=" …", break_on_hyphens=True)) or name


def shortened(name: str, width: int = 22) -> str:
    """Return a name on one line, cut where it is longer than ``width``."""
    return name if len(name) <= width else name[: width - 1].rstrip() + "…"


def margin(names: Sequence[str], size: float = 9.0) -> float:
    """Return inches that the longest line of some names takes."""
    longest = max(len(line) for name in names for line in name.split("\n"))
    return 0.2 + longest * size * 0.0083


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move labels apart until they are ``gap`` away from each other, inside ``low`` and ``high`` where they fit."""
    order = np.argsort(places, kind="stable")
    moved = np.clip(np.asarray(places, dtype=float)[order], low, high)
    for _ in range(2):
        for i in range(1, len(moved)):
            moved[i] = max(moved[i], moved[i - 1] + gap)
        moved[-1:] = np.minimum(moved[-1:], max(high, low + gap * (len(moved) - 1)))
        for i in range(len(moved) - 2, -1, -1):
            moved[i] = min(moved[i], moved[i + 1] - gap)
    found = np.empty(len(moved))
    found[order] = moved
    return found.tolist()


def end_labels(axes: Axes, labels: Sequence[tuple[float, str, str]], size: float = 8.5) -> None:
    """Write labels ``(height in data, text, colour)`` to the right of the axes, apart from each other."""
    low, high = axes.get_ylim()
    inches = axes.bbox.height / DPI
    heights = [(height - low) / (high - low) for height, _, _ in labels]
    for at, (_, text, colour) in zip(spread(heights, 0.165 / inches, 0.02, 0.98), labels, strict=True):
        axes.text(1.012, at, text, color=colour, size=size, va="center", transform=axes.transAxes)


class Ticks(Formatter):
    """Labels of an axis in short numbers, see `numbers.ticks`."""

    def __init__(self, symbol: str = "") -> None:
        self.symbol = symbol

    def __call__(self, value: float, pos: int | None = None) -> str:
        """Return the label of one value."""
        return ticks([value], self.symbol)[0]

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Return all labels, which have to be told apart."""
        return ticks(values, self.symbol)


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Write a name beside each row of a horizontal chart, the first on top."""
    axes.set_yticks(range(len(names)), names, color=INK, fontsize=9)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(False, axis="y")


def number_axis(axes: Axes, which: str, symbol: str = "", parts: int = 5, zero: bool = True) -> None:
    """Show an axis in short numbers, of money where there is a symbol, in at most ``parts`` steps."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_formatter(Ticks(symbol))
    axis.set_major_locator(MaxNLocator(parts, steps=[1, 2, 2.5, 5, 10], prune=None if zero else "lower"))
