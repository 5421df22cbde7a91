"""The pages of a run: Jinja templates give Markdown, and the same Markdown is dressed as a page of HTML."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, DictLoader, Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from mmm_bayes.config import Config
from mmm_bayes.findings import Finding
from mmm_bayes.provenance import step
from mmm_bayes.report.content import Content, gather, make_cards
from mmm_bayes.report.html import to_html
from mmm_bayes.report.language import catalogue, folder, spoken
from mmm_bayes.report.results import Results
from mmm_bayes.report.tables import Table
from mmm_bayes.report.words import FILTERS, say
from mmm_bayes.report.workbook import write_workbook
from mmm_bayes.workspace import Workspace

SPECIAL = re.compile(r"([\\`*\[\]<>|~]|(?<!\w)_|_(?!\w)|&(?=#?\w+;))|^[-+#=](?=\s|$)")
SPACE = re.compile(r"[ \t\r\n\f\v]+")
NUMBERED = re.compile(r"^(\d+)([.)])(?=\s|$)")
FOLDERS = re.compile(r"""(['"])/(?:(?:(?!\1).)*/)?""")
"""Of this machine, before the name of a file: no reader of a report has them."""


def write_report(config: Config, workspace: Workspace) -> Path:
    """Write ``report.md`` with its figures, ``allocation.xlsx`` and ``report.html``, in the configuration's language.

    Sections whose files are missing, or were made from another panel or fit, name the command that makes them.
    The same files give the same bytes.

    Args:
        config: the run.
        workspace: its folders.

    Raises:
        DataError: there is no panel yet.
    """
    with spoken(config.language), step(workspace, "report", config) as work:
        content = gather(config, workspace)
        context = content.context
        markdown = fill(content, "report.md")
        head = {name: context[name] for name in ("title", "verdict", "made")} | {"cards": make_cards(context)}
        write_workbook(work.folder / "allocation.xlsx", context)
        _save(work.folder, markdown, to_html(markdown, content.figures, head), content.figures)
    return workspace.reports / "report.html"


def _save(folder: Path, markdown: str, html: str, figures: Mapping[str, str]) -> None:
    (folder / "figures").mkdir()
    for name, svg in figures.items():
        (folder / "figures" / f"{name}.svg").write_text(svg, encoding="utf-8")
    for name, text in (("report.md", markdown), ("report.html", html)):
        (folder / name).write_text(text, encoding="utf-8")


# --- Markdown -----------------------------------------------------------------------------------


def fill(content: Content, template: str) -> str:
    """Return a template, such as ``returns.md``, filled in as Markdown."""
    functions = {
        "table": markdown_table,
        "fenced": fenced,
        "figures": content.figures,
        "figure": lambda name: image(name, content),
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
        loader=ChoiceLoader([FileSystemLoader(folder()), DictLoader(catalogue())]),
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


def image(name: str, content: Content) -> Markup:
    """Return a figure in Markdown, with what it shows; one that was not drawn is an error."""
    if name not in content.figures:
        raise KeyError(f"there is no figure '{name}'")
    return Markup(f"![{literal(content.findings[name])}](figures/{name}.svg)")


def absent(results: Results, step: str, what: str) -> Markup:
    """Return the sentence that stands for a section whose step has not run, or has run on something else since."""
    missing = "fit" if results.fit is None else step
    if missing not in results.outdated:
        return Markup(say("absent.missing", command=f"mmm-bayes {missing}", what=what))
    change = results.outdated[missing]
    changed = literal(FOLDERS.sub(r"\1…/", change.what))
    return Markup(say("absent.outdated", changed=changed, commands=change.commands(missing), what=what))
