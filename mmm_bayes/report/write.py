"""`write_report`: a run's content as Markdown, figures and one HTML page."""

from pathlib import Path

from mmm_bayes.config import Config
from mmm_bayes.provenance import step
from mmm_bayes.report.content import gather
from mmm_bayes.report.context import make_cards
from mmm_bayes.report.render import to_html
from mmm_bayes.workspace import Workspace


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
        markdown = content.fill("report.md")
        head = {"title": context["title"], "verdict": context["verdict"], "cards": make_cards(context)}
        _save(work.folder, markdown, to_html(markdown, content.figures, head), content.figures)
    return workspace.reports / "report.html"


def _save(folder: Path, markdown: str, html: str, figures: dict[str, bytes]) -> None:
    (folder / "figures").mkdir()
    for name, content in figures.items():
        (folder / "figures" / f"{name}.png").write_bytes(content)
    for name, text in (("report.md", markdown), ("report.html", html)):
        (folder / name).write_text(text, encoding="utf-8")
