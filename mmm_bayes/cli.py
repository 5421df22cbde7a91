"""The command line: it translates options into the functions of `mmm_bayes.pipeline`, and errors into sentences.

Each command imports what it needs when it runs, so that ``mmm-bayes --help`` answers at once.
"""

import logging
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmm_bayes import __version__
from mmm_bayes.errors import MMMError

if TYPE_CHECKING:
    from mmm_bayes.config import Config
    from mmm_bayes.console import Terminal

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


class Setting(click.ParamType[tuple[str, str]]):
    """A setting of Spark with its value: ``spark.driver.memory=8g``."""

    name = "key=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Return its name and its value."""
        name, sign, what = str(value).partition("=")
        if not sign:
            self.fail(f"'{value}' sets nothing; write it as spark.driver.memory=8g.", param, ctx)
        return name.strip(), what.strip()


class Ordered(click.Group):
    """A group that lists its commands in the order of the path."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names as defined."""
        return list(self.commands)


@click.group(cls=Ordered, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="mmm-bayes")
def app() -> None:
    """From raw transactions to a defended budget: what each channel returned, how sure we are, where the next goes.

    \b
    Example: mmm-bayes demo
             mmm-bayes run config/online_retail.yaml
    """


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
    language = click.Choice(["en", "fr"])
    return click.option("--language", type=language, help="Of report and terminal; the configuration's by default.")(
        command
    )


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


@app.command()
@click.argument("files", metavar="FILE [FILE]", nargs=-1)
@click.option("--to", type=click.Path(path_type=Path), help="The file to write; named as the first FILE by default.")
@click.option(
    "--template", help="A form that comes along, instead: weekly_panel, online_retail, reference (all options)."
)
@click.option("--quiet", is_flag=True, help="Show nothing but errors.")
def init(files: tuple[str, ...], to: Path | None, template: str | None, quiet: bool) -> None:
    """Write a configuration that runs, from a look at transactions, their spend or a weekly table.

    What has several readings stands in it as a question. No file is ever overwritten.

    \b
    Example: mmm-bayes init weekly.csv
             mmm-bayes init lines.csv.gz spend.xlsx --to shop.yaml
    """
    from mmm_bayes.draft import write_draft, write_template

    if (template is None) == (len(files) not in (1, 2)):
        raise click.UsageError("Give one file, two of which one holds spend, or --template with a name.")
    terminal = _terminal({"quiet": quiet})
    write_draft(files, to, terminal) if template is None else write_template(template, to, terminal)


@app.command()
@configured
@with_spark
@told
def prepare(**options: Any) -> None:
    """Turn transactions (with Spark) or a table of your own into a checked weekly panel.

    \b
    Example: mmm-bayes prepare config/online_retail.yaml --data retail.csv.gz
    """
    _steps(("prepare",), options)


@app.command()
@configured
@told
@sampled
def fit(**options: Any) -> None:
    """Fit the Bayesian model and the LightGBM baseline to the panel.

    \b
    Example: mmm-bayes fit config/online_retail.yaml --draws 1000 --seed 7
    """
    _steps(("fit",), options)


@app.command()
@configured
@told
def compare(**options: Any) -> None:
    """Judge both models on the same last weeks, and on the truth where it is known.

    \b
    Example: mmm-bayes compare config/online_retail.yaml
    """
    _steps(("compare",), options)


@app.command()
@configured
@told
@budgeted
@click.option("--what-if", help="Evaluate this change instead of the best one: 'tv=-20%,search=+50000'.")
@click.option("--model", type=click.Choice(["bayesian", "lightgbm"]), default="bayesian", show_default=True)
@click.option("--force", is_flag=True, help="Plan although the model failed a check.")
def allocate(**options: Any) -> None:
    """Find the best budget, or evaluate one, and say how sure it is.

    \b
    Example: mmm-bayes allocate config/online_retail.yaml --budget 250000 --weeks 26
             mmm-bayes allocate config/online_retail.yaml --what-if "tv=-20%,search=+50000"
             mmm-bayes allocate config/online_retail.yaml --weeks 26 --schedule
    """
    _steps(("allocate",), options)


@app.command()
@configured
@told
@click.option("--spend", help="A file of planned spend: weeks and channels, named as in the panel.")
@click.option("--budget", type=Money(), help="Currency of the best plan; what is planned by default.")
def forecast(**options: Any) -> None:
    """Forecast the KPI of planned weeks: under the plan, under today's spend and under the best plan.

    \b
    Example: mmm-bayes forecast config/weekly_panel.yaml
             mmm-bayes forecast config/weekly_panel.yaml --spend plan.csv
    """
    _steps(("forecast",), options)


@app.command()
@configured
@told
def report(**options: Any) -> None:
    """Write report.html and report.md from what the other steps found.

    \b
    Example: mmm-bayes report config/online_retail.yaml
             mmm-bayes report config/online_retail.yaml --language fr
    """
    _steps(("report",), options)


@app.command()
@click.argument("configs", metavar="CONFIG...", nargs=-1, required=True, type=click.Path(path_type=Path))
@OUTPUT
@click.option("--port", type=click.IntRange(1, 65535), help="The next free one from 8501 on by default.")
def dashboard(configs: tuple[Path, ...], output: Path, port: int | None) -> None:
    """Serve what the other steps found on this machine, with a planner, until stopped with Ctrl-C.

    Several runs stand side by side.

    \b
    Example: mmm-bayes dashboard config/online_retail.yaml --port 8600
    """
    from mmm_bayes.dashboard.serve import serve

    serve(configs, output, port)


@app.command()
@configured
@with_spark
@told
@sampled
@budgeted
@click.option("--force", "anew", is_flag=True, help="Also do what has been done on the same settings and data.")
def run(**options: Any) -> None:
    """Do all five steps, and end with the ROI table, the plan and where the report is.

    A step whose settings and data are what they were is not done again.

    \b
    Example: mmm-bayes run config/online_retail.yaml --output /tmp/retail
    """
    from mmm_bayes.pipeline import STEPS

    _steps(STEPS, options)


@app.command()
@configured
@with_spark
@click.pass_context
def check(context: click.Context, /, **options: Any) -> None:
    """List every mistake of a configuration, and of the data against it, at once; nothing is fitted or written.

    \b
    Example: mmm-bayes check config/online_retail.yaml
    """
    from mmm_bayes.pipeline.check import examine
    from mmm_bayes.report.words import say, word

    terminal = _terminal(options)
    with terminal.warnings():
        panel, found = examine(options["config"], options["data"], options["output"], dict(options["conf"]))
    for sentence in found:
        _fail(sentence)
    if found:
        context.exit(1)
    if panel is not None:
        size = {"geos": len(panel.geos), "weeks": len(panel.weeks), "channels": len(panel.channels)}
        terminal.say(say("terminal.no_mistakes", **size))
        for note in panel.notes:
            terminal.say(word(note))


@app.command()
@configured
def status(**options: Any) -> None:
    """Say what each step has left, how old that is, and whether it still holds.

    \b
    Example: mmm-bayes status config/online_retail.yaml
    """
    from mmm_bayes.config import load_config
    from mmm_bayes.summary import status as states
    from mmm_bayes.workspace import Workspace

    config = load_config(options["config"], options["data"])
    _terminal(options).table(states(config, Workspace(config.name, options["output"])))


@app.command()
@placed
@told
@click.option("--lines", type=click.IntRange(min=1000), default=250_000, show_default=True, help="Transaction lines.")
def demo(**options: Any) -> None:
    """Write a shop's (deliberately dirty) transactions and do all five steps on them.

    \b
    Example: mmm-bayes demo --lines 50000
    """
    from mmm_bayes import pipeline
    from mmm_bayes.config import override

    terminal = _terminal(options)
    with terminal.step("sample") as step:
        config = pipeline.demo(options["output"], options["lines"], options["seed"], step)
        config = override(config, options["language"])
        step.summary = f"{options['lines']:,} transaction lines"
    _run(pipeline.STEPS, config, options, terminal)


@app.command()
@click.pass_context
def doctor(context: click.Context) -> None:
    """Check that this machine has what the steps need, and say what to do where it has not.

    \b
    Example: mmm-bayes doctor
    """
    from mmm_bayes.console import Terminal
    from mmm_bayes.doctor import examine

    context.exit(0 if examine(Terminal()) else 1)


def _terminal(options: dict[str, Any]) -> "Terminal":
    from mmm_bayes.console import Terminal

    return Terminal(quiet=options["quiet"])


def _steps(names: Sequence[str], options: dict[str, Any]) -> None:
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
    _run(names, config, options, _terminal(options))


def _run(names: Sequence[str], config: "Config", options: dict[str, Any], terminal: "Terminal") -> None:
    """Run the steps with a line each, of several those that would find something new, then show what they found."""
    from mmm_bayes import pipeline
    from mmm_bayes.provenance import held
    from mmm_bayes.report.language import spoken
    from mmm_bayes.report.words import say
    from mmm_bayes.summary import LINES, show
    from mmm_bayes.workspace import Workspace

    arguments: dict[str, dict[str, Any]] = {
        "allocate": {key: options[key] for key in ("what_if", "model", "force") if key in options},
        "schedule": {"what_if": options.get("what_if") is not None},
        "forecast": {"spend": options.get("spend")},
    }
    whole = len(names) > 1 and not options.get("anew")
    results: dict[str, Any] = {}
    with spoken(config.language), terminal.warnings(), held(Workspace(config.name, options["output"])):
        for name in pipeline.chosen(config, names):
            if len(names) > 1 and not pipeline.has_work(config, name, options["output"]):
                continue
            if whole and (since := pipeline.finished(config, name, options["output"])) is not None:
                terminal.skipped(name, say("terminal.skipped", since=since))
                results[name] = None
                continue
            with terminal.step(name) as step:
                results[name] = getattr(pipeline, name)(config, options["output"], step, **arguments.get(name, {}))
                step.summary = LINES[name](results[name])
        show(terminal, results, config, options["output"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, 1 for errors, 2 for usage, 130 when interrupted."""
    if arguments is None:
        _silence()
    try:
        code = app.main(args=arguments, prog_name="mmm-bayes", standalone_mode=False)
    except MMMError as error:
        return _fail(str(error))
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("Stopped; what earlier steps wrote is kept.", err=True)
        return 130
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}." if error.filename else f"{error}.")
    return code or 0


def _silence() -> None:
    """Keep what libraries say to programmers from the user; ``python -W default`` brings warnings back."""
    logging.disable()
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


def _fail(sentence: str) -> int:
    click.echo(f"Error: {sentence}", err=True)
    return 1
