"""Options that commands share, and how their values are read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Command = Callable[..., Any]


class Money(click.ParamType[float]):
    """An amount as the configuration takes it: ``250000`` or ``250,000``."""

    name = "money"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the amount."""
        from mmm_bayes.config import as_number

        try:
            return float(as_number(value))
        except ValueError:
            self.fail(f"'{value}' is not a number; write it as 250000 or 250,000.", param, ctx)


class Language(click.ParamType[str]):
    """A language that there are words of."""

    name = "language"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return its code."""
        from mmm_bayes.config import LANGUAGES

        if value not in LANGUAGES:
            self.fail(f"'{value}' is none that there are words of; use {' or '.join(LANGUAGES)}.", param, ctx)
        return str(value)


class Setting(click.ParamType[tuple[str, str]]):
    """A setting of Spark with its value: ``spark.driver.memory=8g``."""

    name = "key=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Return its name and its value."""
        name, sign, what = str(value).partition("=")
        if not sign:
            self.fail(f"'{value}' sets nothing; write it as spark.driver.memory=8g.", param, ctx)
        return name.strip(), what.strip()


class Names(click.ParamType[tuple[str, ...]]):
    """Names with commas between them."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Return them."""
        return tuple(name.strip() for name in str(value).split(",") if name.strip())


class Ordered(click.Group):
    """A group that lists its commands in the order of the path."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names as defined."""
        return list(self.commands)


CONFIG = click.argument("config", type=click.Path(path_type=Path))


OUTPUT = click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Folder that data/ and reports/ are made in; the current one by default.",
)


def placed(command: Command) -> Command:
    """Add the options of every command that runs a step."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON, for programs."),
        click.option("--quiet", is_flag=True, help="Show nothing but errors."),
        click.option("--seed", type=click.IntRange(min=0), help="Seed of the sampler; one seed, one answer."),
        OUTPUT,
    ):
        command = option(command)
    return command


def configured(command: Command) -> Command:
    """Add the configuration and the options of every command that reads one."""
    data = click.option(
        "--data", envvar="MMM_BAYES_DATA", show_envvar=True, help="Replaces the path of the transactions or panel."
    )
    return CONFIG(data(placed(command)))


def with_spark(command: Command) -> Command:
    """Add the option of commands that may start Spark."""
    text = "A setting of Spark, such as spark.driver.memory=8g; may be given several times."
    return click.option("--conf", type=Setting(), multiple=True, help=text)(command)


def told(command: Command) -> Command:
    """Add the language of what a command tells."""
    text = "Of report and terminal, such as fr; the configuration's by default."
    return click.option("--language", type=Language(), help=text)(command)


def sampled(command: Command) -> Command:
    """Add the options of the sampler."""
    for name, text in (
        ("chains", "Independent chains."),
        ("tune", "Draws of each chain before those that are kept."),
        ("draws", "Kept draws of each chain at least; it goes on while the chains do not agree."),
    ):
        command = click.option(f"--{name}", type=int, help=text)(command)
    return click.option("--backend", type=click.Choice(["numba", "jax"]), help="What the model is compiled with.")(
        command
    )


def budgeted(command: Command) -> Command:
    """Add the options of the budget."""
    for option in (
        click.option(
            "--schedule", is_flag=True, default=None, help="Also find the weeks in which the money does best."
        ),
        click.option("--weeks", type=int, help="Length of the planning window."),
        click.option("--budget", type=Money(), help="Currency over the window; today's spend by default."),
    ):
        command = option(command)
    return command
