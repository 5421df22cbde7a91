"""Steps of a run with a line each, and what they found."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mmm_bayes.config import Config
    from mmm_bayes.console import Terminal


LOG = "log.txt"
"""Beside the report: what was done when."""


def terminal_of(options: dict[str, Any]) -> "Terminal":
    """Return what shows the work of a command."""
    from mmm_bayes.console import Terminal

    return Terminal(quiet=options["quiet"])


def run_steps(names: Sequence[str], options: dict[str, Any]) -> None:
    """Load the configuration, put the options over it and run the steps."""
    from mmm_bayes.config import load_config, override

    def given(*keys: str) -> dict[str, Any]:
        return {key: options.get(key) for key in keys}

    config = override(
        load_config(options["config"], options["data"]),
        options["language"],
        sampler=given("seed", "draws", "tune", "chains", "backend"),
        allocate=given("budget", "weeks", "schedule"),
        spark=dict(options.get("conf", ())),
    )
    run_chosen(names, config, options, terminal_of(options))


def run_chosen(names: Sequence[str], config: "Config", options: dict[str, Any], terminal: "Terminal") -> None:
    """Run the steps with a line each, of several those that would find something new, then show what they found."""
    from mmm_bayes import __version__, pipeline
    from mmm_bayes.console import Log
    from mmm_bayes.provenance import held
    from mmm_bayes.report.language import spoken
    from mmm_bayes.report.words import say
    from mmm_bayes.summary import LINES, left, show
    from mmm_bayes.workspace import Workspace

    arguments: dict[str, dict[str, Any]] = {
        "allocate": {key: options[key] for key in ("what_if", "model", "force") if key in options},
        "schedule": {"what_if": options.get("what_if") is not None},
        "forecast": {"spend": options.get("spend")},
        "validate": {key: options[key] for key in ("replicates", "only") if key in options},
    }
    whole = len(names) > 1 and not options.get("anew")
    results: dict[str, Any] = {}
    space = Workspace(config.name, options["output"])
    terminal = replace(terminal, log=Log(space.reports / LOG))
    terminal.log(f"mmm-bayes {__version__}: {', '.join(names)}")
    with spoken(config.language), terminal.warnings(), held(space):
        chosen = pipeline.chosen(config, names)
        for place, name in enumerate(chosen, 1):
            if len(names) > 1 and not pipeline.has_work(config, name, options["output"]):
                continue
            if whole and (since := pipeline.finished(config, name, options["output"])) is not None:
                terminal.skipped(name, say("terminal.skipped", since=since))
                results[name] = None
                continue
            with terminal.step(name, f"{place} of {len(chosen)}" if len(chosen) > 1 else "") as step:
                results[name] = getattr(pipeline, name)(config, options["output"], step, **arguments.get(name, {}))
                step.summary = LINES[name](results[name])
        if options["as_json"]:
            print_json(left(results, space, arguments["schedule"]["what_if"]))
        else:
            show(terminal, results, config, options["output"])


def print_json(content: Any) -> None:
    """Print what a program is to read."""
    click.echo(json.dumps(content, indent=2, ensure_ascii=False, default=str))


def fail(sentence: str) -> int:
    """Say what went wrong, and return the exit code of errors."""
    click.echo(f"Error: {sentence}", err=True)
    return 1
