"""The pages of a run: Jinja templates give Markdown, and the same Markdown dressed gives the HTML page."""

import base64
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, DictLoader, Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

from mmm_bayes.config import Config
from mmm_bayes.findings import Finding
from mmm_bayes.provenance import step
from mmm_bayes.report.content import Content, gather, make_cards
from mmm_bayes.report.results import Results
from mmm_bayes.report.tables import Table
from mmm_bayes.report.words import FILTERS, FOLDER, catalogue, say
from mmm_bayes.workspace import Workspace

TEMPLATES = Path(__file__).parent / "templates"
SPECIAL = re.compile(r"([\\`*\[\]<>|~]|(?<!\w)_|_(?!\w)|&(?=#?\w+;))|^[-+#=](?=\s|$)")
SPACE = re.compile(r"[ \t\r\n\f\v]+")
NUMBERED = re.compile(r"^(\d+)([.)])(?=\s|$)")


def write_report(config: Config, workspace: Workspace) -> Path:
    """Write ``report.md``, ``figures/*.png`` and the self-contained ``report.html``; return the path of the last.

    Sections whose files are missing, or were made from another panel or fit, name the command that makes them.
    The same files give the same bytes.

    Args:
        config: the run.
        workspace: its folders.

    Raises:
        DataError: there is no panel yet.
    """
    with step(workspace, "report", config) as work:
        content = gather(config, workspace)
        context = content.context
        markdown = fill(content, "report.md")
        head = {"title": context["title"], "verdict": context["verdict"], "cards": make_cards(context)}
        _save(work.folder, markdown, to_html(markdown, content.figures, head), content.figures)
    return workspace.reports / "report.html"


def _save(folder: Path, markdown: str, html: str, figures: Mapping[str, bytes]) -> None:
    (folder / "figures").mkdir()
    for name, content in figures.items():
        (folder / "figures" / f"{name}.png").write_bytes(content)
    for name, text in (("report.md", markdown), ("report.html", html)):
        (folder / name).write_text(text, encoding="utf-8")


# --- Markdown -----------------------------------------------------------------------------------


def fill(content: Content, template: str) -> str:
    """Return a template, such as ``returns.md``, filled in as Markdown."""
    functions = {
        "table": markdown_table,
        "fenced": fenced,
        "figures": content.figures,
        "figure": lambda name, description: image(name, description, content.figures),
        "absent": lambda step, what: absent(content.results, step, what),
    }
    return to_markdown(template, content.context | functions)


def to_markdown(name: str, context: Mapping[str, Any]) -> str:
    """Fill in a Markdown template; every value is escaped, whatever it holds.

    Args:
        name: of the template.
        context: values; a name that the template uses and that is missing is an error.
    """
    templates = Environment(
        loader=ChoiceLoader([FileSystemLoader(FOLDER), DictLoader(catalogue())]),
        undefined=StrictUndefined,
        autoescape=True,
        finalize=literal,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )

    def in_markdown(finding: Finding) -> Markup:
        """Return the sentence of a finding with its emphasis; its values are escaped."""
        return Markup(templates.get_template(finding.code).render({"money": context["money"], **finding.values}))

    templates.filters |= {**FILTERS, "said": in_markdown}
    text = templates.get_template(name).render(context)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def literal(value: Any) -> Markup:
    """Return a value as Markdown that shows it as it is; what is `Markup` already stays."""
    if hasattr(value, "__html__"):
        return value
    text = SPECIAL.sub(lambda found: f"\\{found[0]}", SPACE.sub(" ", str(value)).strip())
    return Markup(NUMBERED.sub(r"\1\\\2", text))


def markdown_table(content: Table) -> Markup:
    """Return a table in Markdown, below its title."""
    marks = [":--" if column < content.text else "--:" for column in range(len(content.heads))]
    lines: list[list[str]] = [[literal(head) for head in content.heads], marks]
    for i, row in enumerate(content.rows):
        lines.append([f"**{literal(cell)}**" if i in content.bold and cell else literal(cell) for cell in row])
    title = f"*{literal(content.title)}*\n\n" if content.title else ""
    return Markup(title + "\n".join(f"| {' | '.join(line)} |" for line in lines))


def fenced(text: str, language: str) -> Markup:
    """Return a block of code, with a fence longer than any in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return Markup(f"{fence}{language}\n{text.strip()}\n{fence}")


def image(name: str, description: str, figures: Mapping[str, Any]) -> Markup:
    """Return a figure in Markdown; one that was not drawn is an error."""
    if name not in figures:
        raise KeyError(f"there is no figure '{name}'")
    return Markup(f"![{literal(description)}](figures/{name}.png)")


def absent(results: Results, step: str, what: str) -> Markup:
    """Return the sentence that stands for a section whose step has not run, or has run on something else since."""
    missing = "fit" if results.fit is None else step
    if missing not in results.outdated:
        return Markup(say("absent.missing", command=f"mmm-bayes {missing}", what=what))
    changed = results.outdated[missing]
    return Markup(say("absent.outdated", changed=literal(changed.what), commands=changed.commands(missing), what=what))


# --- HTML ---------------------------------------------------------------------------------------


def to_html(markdown: str, figures: Mapping[str, bytes], context: Mapping[str, Any]) -> str:
    """Dress a report as a page of its own: styles and figures inside, nothing from elsewhere.

    Args:
        markdown: the report.
        figures: PNG by name.
        context: ``title``, ``verdict`` and ``cards`` (label, value, detail) for the head of the page.
    """
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    tokens = parser.parse(markdown)
    sections = [_name_section(tokens, i) for i, token in enumerate(tokens) if token.tag == "h2" and token.nesting == 1]
    for before, inline, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        children = inline.children or []
        if [child.type for child in children] == ["image"]:
            before.hidden = after.hidden = True
            _embed(children[0], figures)
    start = next(i for i, token in enumerate(tokens) if token.tag == "h1" and token.nesting == -1) + 1
    first = next(i for i, token in enumerate(tokens) if token.tag == "h2")
    lead, body = (parser.renderer.render(part, parser.options, {}) for part in (tokens[start:first], tokens[first:]))
    page = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    page.filters |= FILTERS
    body = body.replace("<table>", '<div class="table"><table>').replace("</table>", "</table></div>")
    style = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    return page.get_template("page.html").render(
        **context, say=say, lead=Markup(lead), body=Markup(body), style=Markup(style), sections=sections
    )


def _name_section(tokens: list[Token], place: int) -> tuple[str, str]:
    """Give a heading an anchor; return it with its text."""
    text = "".join(child.content for child in tokens[place + 1].children or [])
    anchor = re.sub(r"\W+", "-", text.lower()).strip("-")
    tokens[place].attrSet("id", anchor)
    return anchor, text


def _embed(token: Token, figures: Mapping[str, bytes]) -> None:
    """Turn an image into a figure that holds its PNG."""
    content = figures[Path(str(token.attrs["src"])).stem]
    data = base64.b64encode(content).decode()
    token.type = "html_inline"
    token.content = f'<figure><img alt="{escape(token.content)}" src="data:image/png;base64,{data}"></figure>'
