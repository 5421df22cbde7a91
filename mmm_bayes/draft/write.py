"""A drafted configuration, or a form, becomes a file where none is."""

from collections.abc import Sequence
from pathlib import Path

from mmm_bayes.console import Terminal
from mmm_bayes.draft.draft import draft, name_of
from mmm_bayes.draft.templates import template
from mmm_bayes.errors import ConfigError
from mmm_bayes.report.words import say
from mmm_bayes.workspace import writing


def write_draft(files: Sequence[str], to: Path | None, terminal: Terminal) -> None:
    """Write the configuration of files; errors as `draft` has them, and where a file is."""
    path = to or Path(f"{name_of(files[0])}.yaml")
    _require_free(path)
    with terminal.step("init") as step:
        made = draft(files, path.parent, step)
        _save(made.text, path)
        size = {"geos": made.geos, "weeks": made.weeks, "channels": made.channels}
        step.summary = say("terminal.drafted", path=path, questions=made.questions, **size)
    terminal.say(say("terminal.try_it", path=path))


def write_template(name: str, to: Path | None, terminal: Terminal) -> None:
    """Write a form; errors as `template` has them, and where a file is."""
    path = to or Path(f"{name}.yaml")
    _save(template(name), path)
    terminal.say(say("terminal.template", path=path))


def _save(text: str, path: Path) -> None:
    _require_free(path)
    with writing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _require_free(path: Path) -> None:
    if path.exists():
        raise ConfigError(f"{path}: is there already and stays as it is; give another name with --to, or move it away.")
