"""Figures as SVG: text stays text, colours follow the page in light and dark, values show on hover and focus."""

import io
import re
import textwrap
from collections.abc import Iterator
from xml.etree import ElementTree as Tree

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mmm_bayes.report.figures.style import PALETTE, SMALL

NAMESPACE = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"
TIP = "tip:"
"""Begins the name of an artist that shows a value; the rest of the name is the value."""

COLOUR = re.compile(r"#[0-9a-f]{6}\b")
FONT = re.compile(r" *font-family: [^;]*;")
DIGITS = re.compile(r"-?\d+\.\d{3,}")
VARIABLE = {light.lower(): f"var(--{name}, {light.lower()})" for name, (light, _) in PALETTE.items()}
LINE = 1.35 * SMALL
LETTERS = 62
"""So many letters fit into a line below a figure."""


def tip(axes: Axes, x: tuple[float, float], y: tuple[float, float], text: str) -> None:
    """Let a part of a figure say its value when it is pointed at or has the focus.

    Args:
        axes: where.
        x: from and to, in data.
        y: the same.
        text: a line or two.
    """
    (left, right), (low, high) = x, y
    area = Rectangle((left, low), right - left, high - low, fc="none", ec="none", zorder=20, gid=TIP + text)
    area.set_in_layout(False)
    axes.add_artist(area)


def svg(figure: Figure, name: str) -> str:
    """Return a figure as SVG, the same text for the same figure.

    Args:
        figure: as it is to be.
        name: tells its parts from those of other figures on the page.
    """
    if engine := figure.get_layout_engine():
        engine.execute(figure)
    figure.set_layout_engine("none")
    stream = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        FigureCanvasSVG(figure).print_svg(stream, metadata=nothing)  # `savefig` draws twice
    root = Tree.fromstring(stream.getvalue())
    for metadata in root.findall(f"{NAMESPACE}metadata"):
        root.remove(metadata)
    _rename(root, name)
    for element in root.iter():
        _restyle(element)
    _show_values(root)
    for old in ("width", "height", "version"):
        root.attrib.pop(old)
    root.set("font-family", "'DejaVu Sans', Verdana, sans-serif")
    Tree.register_namespace("", NAMESPACE[1:-1])
    return Tree.tostring(root, encoding="unicode")


def _rename(root: Tree.Element, name: str) -> None:
    """Keep only the ids that something refers to, and make them the figure's own."""
    used = set(re.findall(r"url\(#([^)]+)\)", " ".join(v for e in root.iter() for v in e.attrib.values())))
    used |= {element.attrib[LINK][1:] for element in root.iter() if LINK in element.attrib}
    for element in root.iter():
        if link := element.attrib.pop(LINK, ""):
            element.set("href", f"#{name}-{link[1:]}")
        for key, value in element.attrib.items():
            element.set(key, re.sub(r"url\(#", f"url(#{name}-", value))
        own = element.attrib.get("id", "")
        if own in used:
            element.set("id", f"{name}-{own}")
        elif own and not own.startswith(TIP):
            del element.attrib["id"]


def _restyle(element: Tree.Element) -> None:
    """Let the page choose colours and font, and leave out digits that nobody sees."""
    if style := element.get("style"):
        element.set("style", COLOUR.sub(lambda found: VARIABLE.get(found[0], found[0]), FONT.sub("", style)))
    for key in {"d", "x", "y", "transform", "points"} & element.attrib.keys():
        element.set(key, DIGITS.sub(lambda found: f"{float(found[0]):.2f}", element.attrib[key]))


def _show_values(root: Tree.Element) -> None:
    """Make the parts with values focusable, name them, and make room below for the value of one at a time."""
    tips = [element for element in root.iter() if element.get("id", "").startswith(TIP)]
    left, top, width, height = map(float, root.attrib["viewBox"].split())
    lines = [textwrap.wrap(element.attrib["id"].removeprefix(TIP), LETTERS) for element in tips]
    room = LINE * max(map(len, lines), default=0) + (6 if tips else 0)
    root.set("viewBox", f"{left:g} {top:g} {width:g} {height + room:g}")
    paper = Tree.Element(f"{NAMESPACE}rect", {"width": f"{width:g}", "height": f"{height + room:g}"})
    paper.set("style", f"fill: {VARIABLE[PALETTE['paper'][0].lower()]}")
    root.insert(0, paper)
    for element, text in zip(tips, lines, strict=True):
        own = element.attrib.pop("id").removeprefix(TIP)
        element.attrib |= {"class": "tip", "tabindex": "0", "role": "img", "aria-label": own}
        element[:] = [*_said(own, text, height), *element]


def _said(own: str, lines: list[str], height: float) -> Iterator[Tree.Element]:
    """Return the value of a part: as a title, and as the text that a page shows below the figure when asked for."""
    title = Tree.Element(f"{NAMESPACE}title")
    title.text = own
    yield title
    for i, line in enumerate(lines):
        place = {"x": "6", "y": f"{height + LINE * (i + 0.8):.1f}", "class": "said", "display": "none"}
        text = Tree.Element(f"{NAMESPACE}text", place)
        text.set("style", f"font-size: {SMALL:g}px; fill: {VARIABLE[PALETTE['ink'][0].lower()]}")
        text.text = line
        yield text
