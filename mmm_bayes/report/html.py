"""A report in Markdown dressed as a page of its own: what is to be decided first, all else in parts that unfold."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

from mmm_bayes.report.figures.style import PALETTE
from mmm_bayes.report.words import FILTERS, say

TEMPLATES = Path(__file__).parent / "templates"


def to_html(markdown: str, figures: Mapping[str, str], head: Mapping[str, Any]) -> str:
    """Return a report as a page: styles and figures inside, nothing from elsewhere.

    Args:
        markdown: the report.
        figures: SVG by name.
        head: ``title``, ``verdict``, ``made`` and ``cards`` (label, value, detail) for the head of the page.
    """
    parser = _parser()
    tokens = parser.parse(markdown)
    for before, inline, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        children = inline.children or []
        if [child.type for child in children] == ["image"]:
            before.hidden = after.hidden = True
            _embed(children[0], figures)
    start = next(i for i, token in enumerate(tokens) if token.tag == "h1" and token.nesting == -1) + 1
    places = [i for i, token in enumerate(tokens) if token.tag == "h2" and token.nesting == 1]

    def render(part: Sequence[Token]) -> Markup:
        html = str(parser.renderer.render(part, parser.options, {}))
        return Markup(
            html.replace("<table>", '<div class="table" tabindex="0"><table>').replace("</table>", "</table></div>")
        )

    lead = tokens[start : places[0]]
    first = next((i for i, token in enumerate(lead) if token.type == "paragraph_close"), -1) + 1
    sections = [
        {"title": _text(tokens[a + 1]), "anchor": _anchor(tokens[a + 1]), "body": render(tokens[a + 3 : b])}
        for a, b in zip(places, [*places[1:], len(tokens)], strict=True)
    ]
    page = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    page.filters |= FILTERS
    return page.get_template("page.html").render(
        **head,
        say=say,
        first=render(lead[:first]),
        lead=render(lead[first:]),
        sections=sections,
        style=Markup(_style()),
    )


def fragment(markdown: str) -> str:
    """Return a part of a report without figures, for a page that is there already."""
    return str(_parser().render(markdown))


def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}).enable("table")


def _style() -> str:
    """Return the style sheet, with the colours of the figures on light and on dark paper."""
    light, dark = (" ".join(f"--{name}: {pair[i]};" for name, pair in PALETTE.items()) for i in (0, 1))
    on_dark = f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}"
    return f":root {{ {light} }}\n{on_dark}\n" + (TEMPLATES / "page.css").read_text(encoding="utf-8")


def _text(heading: Token) -> str:
    return "".join(child.content for child in heading.children or [])


def _anchor(heading: Token) -> str:
    return re.sub(r"\W+", "-", _text(heading).lower()).strip("-")


def _embed(token: Token, figures: Mapping[str, str]) -> None:
    """Turn an image into a figure that holds its SVG."""
    svg = figures[Path(str(token.attrs["src"])).stem]
    token.type, finding = "html_inline", token.content
    token.content = f'<figure role="group" aria-label="{escape(finding)}">{svg}</figure>'
