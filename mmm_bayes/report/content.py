"""`Content`: results, figures and the words around them, ready for a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from mmm_bayes.config import Config
from mmm_bayes.report.context import make_context
from mmm_bayes.report.facts import channel_of, money_of
from mmm_bayes.report.figures import draw_figures
from mmm_bayes.report.numbers import Money
from mmm_bayes.report.render import image, literal, markdown_table, to_markdown
from mmm_bayes.report.results import Results, load_results
from mmm_bayes.workspace import Workspace


@dataclass(frozen=True)
class Content:
    """What the pages of a run are made of.

    Attributes:
        results: what the steps left.
        channels: the channel by arm, see `facts.channel_of`.
        money: currency and decimals.
        figures: PNG by name.
        context: values and functions of the templates.
    """

    results: Results
    channels: Mapping[str, str]
    money: Money
    figures: dict[str, bytes]
    context: dict[str, Any]

    def fill(self, template: str) -> str:
        """Return a template, such as ``returns.md``, filled in as Markdown."""
        return to_markdown(template, self.context)


def gather(config: Config, workspace: Workspace) -> Content:
    """Read what the steps left, compute and draw.

    Raises:
        DataError: there is no panel yet.
    """
    results = load_results(config, workspace)
    channels = channel_of(results.panel)
    money = money_of(results)
    figures = draw_figures(results, money, channels)
    functions = {
        "table": markdown_table,
        "figures": figures,
        "figure": lambda name, description: image(name, description, figures),
        "absent": lambda step, what: absent(results, step, what),
    }
    return Content(results, channels, money, figures, make_context(results, money, channels) | functions)


def absent(results: Results, step: str, what: str) -> Markup:
    """Return the sentence that stands for a section whose step has not run, or has run on something else since."""
    missing = "fit" if results.fit is None else step
    command = Markup(f"Run `mmm-bayes {missing} CONFIG` to")
    if missing not in results.outdated:
        return command + f" add {what}."
    changed = results.outdated[missing]
    commands = " and ".join(f"`{name} CONFIG`" for name in changed.commands(missing))
    return Markup(f"Out of date: {literal(changed.what)}. Run {commands} to renew {what}.")
