"""The commands: each imports what it needs when it runs, so that ``mmm-bayes --help`` answers at once."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from mmm_bayes import __version__
from mmm_bayes.cli.options import OUTPUT, Money, Names, Ordered, budgeted, configured, placed, sampled, told, with_spark
from mmm_bayes.cli.steps import fail, print_json, run_chosen, run_steps, terminal_of


@click.group(cls=Ordered, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="mmm-bayes")
def app() -> None:
    """From raw transactions to a defended budget: what each channel returned, how sure we are, where the next goes.

    \b
    Example: mmm-bayes demo
             mmm-bayes run config/online_retail.yaml
    """


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
    terminal = terminal_of({"quiet": quiet})
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
    run_steps(("prepare",), options)


@app.command()
@configured
@told
@sampled
def fit(**options: Any) -> None:
    """Fit the Bayesian model and the LightGBM baseline to the panel.

    \b
    Example: mmm-bayes fit config/online_retail.yaml --draws 1000 --seed 7
    """
    run_steps(("fit",), options)


@app.command()
@configured
@told
def compare(**options: Any) -> None:
    """Judge both models on the same last weeks, and on the truth where it is known.

    \b
    Example: mmm-bayes compare config/online_retail.yaml
    """
    run_steps(("compare",), options)


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
    run_steps(("allocate",), options)


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
    run_steps(("forecast",), options)


@app.command()
@configured
@with_spark
@told
@click.option("--replicates", type=click.IntRange(min=1), help="Simulated panels of each check; 50 by default.")
@click.option("--only", type=Names(), default="", help="Some of recovery,sbc,placebo,refresh,perturbation,sensitivity.")
def validate(**options: Any) -> None:
    """Put the configuration on trial: what would it find, and its plans be worth, if the truth were known.

    Known truths with this panel's calendar, spend and noise are simulated and fitted side by side on Spark; placebos,
    other weeks, other spend and other priors are tried on the panel itself. A run that was cut off goes on where it
    was.

    \b
    Example: mmm-bayes validate config/online_retail.yaml
             mmm-bayes validate config/online_retail.yaml --only recovery --replicates 200
    """
    run_steps(("validate",), options)


@app.command()
@configured
@told
def report(**options: Any) -> None:
    """Write report.html and report.md from what the other steps found.

    \b
    Example: mmm-bayes report config/online_retail.yaml
             mmm-bayes report config/online_retail.yaml --language fr
    """
    run_steps(("report",), options)


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

    run_steps(STEPS, options)


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

    terminal = terminal_of(options)
    with terminal.warnings():
        panel, found = examine(options["config"], options["data"], options["output"], dict(options["conf"]))
    if options["as_json"]:
        notes = [] if panel is None else [word(note) for note in panel.notes]
        print_json({"mistakes": found, "notes": notes})
        context.exit(1 if found else 0)
    for sentence in found:
        fail(sentence)
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
    from mmm_bayes.summary import states_of, status_table
    from mmm_bayes.workspace import Workspace

    config = load_config(options["config"], options["data"])
    states = states_of(config, Workspace(config.name, options["output"]))
    print_json([asdict(state) for state in states]) if options["as_json"] else terminal_of(options).table(
        status_table(states)
    )


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

    terminal = terminal_of(options)
    with terminal.step("sample") as step:
        config = pipeline.demo(options["output"], options["lines"], options["seed"], step)
        config = override(config, options["language"])
        step.summary = f"{options['lines']:,} transaction lines"
    run_chosen(pipeline.STEPS, config, options, terminal)


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
