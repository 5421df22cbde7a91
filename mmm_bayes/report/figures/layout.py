"""Where things stand in a figure: matplotlib's constrained layout makes room for titles, legends, labels and axes."""

import textwrap
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure
from matplotlib.layout_engine import LayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Annotation, Text
from matplotlib.ticker import Formatter, MaxNLocator
from matplotlib.transforms import ScaledTranslation

from mmm_bayes.report.figures.style import BASE, DPI, INK, LINE, MUTED, PAPER, SHADE, SMALL, WIDTH
from mmm_bayes.report.language import dated
from mmm_bayes.report.numbers import ticks

ROW = 0.46
"""Inches from one row of a horizontal chart to the next: a line of text with a bar below it."""

DAYS = 26
"""So many weeks are called by their days, more by their months."""


def canvas(title: str, subtitle: str = "", keys: Sequence[Artist] = ()) -> SubFigure:
    """Return a figure below its title, subtitle and legend; each stands in a figure of its own that makes room for it.

    Args:
        title: one line or more.
        subtitle: the same.
        keys: entries of the legend.
    """
    figure = Figure((WIDTH, WIDTH), DPI, facecolor=PAPER, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, x=0.016, ha="left", size=11, weight="bold", wrap=True)
    body = cast(SubFigure, figure.subfigures())
    if subtitle:
        body.suptitle(subtitle, x=0.016, ha="left", size=SMALL, color=MUTED, wrap=True)
        body = cast(SubFigure, body.subfigures())
    for columns in range(len(keys), 0, -1):
        legend = body.legend(handles=keys, ncols=columns, loc="outside upper left")
        if legend.get_window_extent().width < WIDTH * DPI or columns == 1:
            break
        legend.remove()
    return body


def panels(body: SubFigure, names: Sequence[str]) -> tuple[list[Axes], float]:
    """Return axes below their names, in two columns from two on, and how many inches high they should be together."""
    columns = min(2, len(names))
    rows = -(-len(names) // columns)
    grid = list(body.subplots(rows, columns, squeeze=False).ravel())
    for axes, name in zip(grid, names, strict=False):
        fit(axes.set_title(name), 0.72 * WIDTH / columns, wrapped)
    for axes in grid[len(names) :]:
        axes.remove()
    return grid[: len(names)], 1.25 * rows if columns > 1 else 2.0


def settled(body: SubFigure, inches: float = 0.0, per_width: float = 0.0) -> Figure:
    """Return the whole figure, as high as it must be for the axes below each other to be so high together.

    Args:
        body: has its axes.
        inches: their height.
        per_width: the same as a multiple of their width.
    """
    figure = body.get_figure(root=True)
    figure.set_figheight(2 * inches + 3)
    cast(LayoutEngine, figure.get_layout_engine()).execute(figure)
    column = [a.bbox for a in figure.axes if (spec := a.get_subplotspec()) and spec.colspan.start == 0]
    missing = inches + (per_width * column[0].width - sum(box.height for box in column)) / DPI
    figure.set_figheight(figure.get_figheight() + missing)
    return figure


# --- legends ------------------------------------------------------------------------------------


def line_key(label: str, **how: Any) -> Line2D:
    """Return the entry of a line."""
    return Line2D([], [], label=label, **dict[str, Any]({"color": INK, "lw": 1.8}) | how)


def dot_key(label: str, **how: Any) -> Line2D:
    """Return the entry of a marker."""
    return line_key(label, **dict[str, Any]({"ls": "", "marker": "o", "ms": 6.5}) | how)


def area_key(label: str, colour: str = BASE, **how: Any) -> Patch:
    """Return the entry of an area, with an edge where it is pale."""
    return Patch(fc=colour, ec=LINE if colour == SHADE else "none", lw=0.6, label=label, **how)


# --- labels -------------------------------------------------------------------------------------


def wrapped(name: str, width: int) -> str:
    """Return a name on at most two lines."""
    return "\n".join(textwrap.wrap(name, width, max_lines=2, placeholder=" …", break_on_hyphens=True)) or name


def shortened(name: str, width: int) -> str:
    """Return a name on one line; where it is longer than ``width``, its middle is left out."""
    end = (width - 1) // 2
    return name if len(name) <= width else f"{name[: width - 1 - end].rstrip()}…{name[len(name) - end :].lstrip()}"


def fit(label: Text, inches: float, cut: Callable[[str, int], str] = shortened) -> None:
    """Cut a label until it is at most so wide, whatever its letters."""
    name = label.get_text()
    for width in range(len(name), 2, -1):
        if label.get_window_extent().width <= inches * DPI:
            break
        label.set_text(cut(name, width))


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


def end_labels(axes: Axes, inches: float, labels: Sequence[tuple[float, str, str]]) -> None:
    """Write labels to the right of axes, apart from each other, with a square of their colour.

    Args:
        axes: their scale must be set.
        inches: how high they will be.
        labels: height in data, text, colour; an empty colour for no square.
    """
    low, high = axes.get_ylim()
    heights = [(height - low) / (high - low) for height, _, _ in labels]
    beside = axes.transAxes + ScaledTranslation(7 / 72, 0, axes.figure.dpi_scale_trans)
    for at, (_, text, colour) in zip(spread(heights, 0.165 / inches, 0.02, 0.98), labels, strict=True):
        if colour:
            axes.plot(1, at, "s", ms=6, color=colour, transform=beside, clip_on=False)
        place = (1, at), (13, 0), "axes fraction", "offset points"
        fit(axes.annotate(text, *place, size=SMALL, va="center_baseline"), 0.27 * WIDTH)


def name_rows(
    axes: Axes, names: Sequence[str], values: Sequence[str] = (), bold: Sequence[str] = (), tall: float = 1.0
) -> float:
    """Write above each row of a horizontal chart its name, and at the right what it comes to; the first is on top.

    Args:
        axes: rows are at heights 0, 1, ... and have room for bars from 0.2 above to 0.4 below.
        names: one line each, shortened where it would touch a value.
        values: end at the right.
        bold: a column before them.
        tall: height of a row as a multiple of `ROW`.

    Returns:
        How many inches high the axes have to be.
    """
    above, below = 0.72 / tall, len(names) - 0.6
    axes.set_ylim(below, -above)
    axes.set_yticks([])
    axes.grid(False, axis="y")
    room = WIDTH - 0.6
    place: tuple[float, Any, float] = (1, "axes fraction", 0)
    for texts, weight in ((values, "normal"), (bold, "bold")):
        if texts:
            column = _column(axes, texts, place, ha="right", weight=weight)
            widest = max(column, key=lambda label: label.get_window_extent().width)
            room -= widest.get_window_extent().width / DPI
            place = (0, widest, -7)
    for label in _column(axes, names, (0, "axes fraction", 0)):
        fit(label, room)
    return ROW * tall * (above + below)


def _column(axes: Axes, texts: Sequence[str], place: tuple[float, Any, float], **how: Any) -> list[Annotation]:
    """Write a text above each row, at an edge of something and so many points from it."""
    edge, beside, indent = place
    how |= {"bbox": {"fc": PAPER, "ec": "none", "pad": 0.5}, "va": "bottom", "zorder": 3}
    at = (indent, 7), (beside, "data"), "offset points"
    return [axes.annotate(text, (edge, y), *at, **how) for y, text in enumerate(texts)]


# --- axes ---------------------------------------------------------------------------------------


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


def number_axis(axes: Axes, which: str, symbol: str = "", parts: int = 5, zero: bool = True) -> None:
    """Show an axis in short numbers, of money where there is a symbol, in at most ``parts`` steps."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_formatter(Ticks(symbol))
    axis.set_major_locator(MaxNLocator(parts, steps=[1, 2, 2.5, 5, 10], prune=None if zero else "lower"))


def week_axis(axes: Axes, weeks: pd.Series, most: int = 6) -> None:
    """Show weeks from left to right with at most ``most`` labels: days of a few of them, else months and years."""
    axes.set_xlim(weeks.iloc[0], weeks.iloc[-1])
    axes.grid(False, axis="x")
    if len(weeks) <= DAYS:
        shown = weeks.iloc[:: -(-len(weeks) // most)]
        axes.set_xticks(shown, [dated(week, "d MMM") for week in shown])
        return
    months = pd.date_range(weeks.iloc[0], weeks.iloc[-1], freq="MS")
    since = 12 * months.year + months.month - 1
    step = next(s for s in (1, 2, 3, 4, 6, *range(12, 1200, 12)) if (since % s == 0).sum() <= most)
    shown = months[since % step == 0]
    january = (shown.month == 1).any()
    patterns = ["y" if m.month == 1 else "MMM" if k or january else "MMM y" for k, m in enumerate(shown)]
    axes.set_xticks(shown, [dated(m, pattern) for m, pattern in zip(shown, patterns, strict=True)])
