"""`write_report`: read what the steps left, compute, draw, write."""

from pathlib import Path

from markupsafe import Markup

from mmm_bayes.config import Config
from mmm_bayes.report.context import FILTERS, make_cards, make_context
from mmm_bayes.report.figures import draw_figures
from mmm_bayes.report.numbers import Money
from mmm_bayes.report.render import image, table, to_html, to_markdown
from mmm_bayes.report.results import Results, load_results
from mmm_bayes.report.words import channel_of
from mmm_bayes.workspace import Workspace, writing


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
    results = load_results(config, workspace)
    channels = channel_of(results.panel)
    money = Money.fitting(config.currency, float(results.panel.data["spend"].sum()))
    figures = draw_figures(results, money, channels)
    context = make_context(results, money, channels)
    functions = {
        "table": table,
        "figures": figures,
        "figure": lambda name, description: image(name, description, figures),
        "absent": lambda step, what: absent(results, step, what),
    }
    markdown = to_markdown("report.md", context | functions, FILTERS)
    head = {"title": context["title"], "verdict": context["verdict"], "cards": make_cards(context)}
    return _save(workspace.reports, markdown, to_html(markdown, figures, head), figures)


def absent(results: Results, step: str, what: str) -> Markup:
    """Return the sentence that stands for a section whose step has not run, or has run on something else since."""
    missing = "fit" if results.fit is None else step
    command = Markup(f"Run `mmm-bayes {missing} CONFIG` to")
    if missing not in results.outdated:
        return command + f" add {what}."
    changed = "panel has changed since the fit" if missing == "fit" else "fit is newer"
    return Markup(f"The {changed}. ") + command + f" renew {what}."


def _save(folder: Path, markdown: str, html: str, figures: dict[str, bytes]) -> Path:
    with writing(folder / "figures") as temporary:
        temporary.mkdir()
        for name, content in figures.items():
            (temporary / f"{name}.png").write_bytes(content)
    for name, text in (("report.md", markdown), ("report.html", html)):
        with writing(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return folder / "report.html"
