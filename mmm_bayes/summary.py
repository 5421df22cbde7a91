"""What a step found, in a line and in a table of the report."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm_bayes.console import Terminal
from mmm_bayes.errors import DataError
from mmm_bayes.evidence import doubts, evidence
from mmm_bayes.provenance import STEPS, Manifest, load_manifest
from mmm_bayes.report import facts, numbers, tables
from mmm_bayes.report.numbers import NONE
from mmm_bayes.report.results import Results, load_results
from mmm_bayes.report.tables import Table
from mmm_bayes.report.words import label, say, verdict, word
from mmm_bayes.workspace import Workspace, read_csv

if TYPE_CHECKING:
    from mmm_bayes.ahead import Ahead
    from mmm_bayes.allocate import Plan, Schedule
    from mmm_bayes.config import Config
    from mmm_bayes.evaluate import Comparison
    from mmm_bayes.panel import Panel
    from mmm_bayes.pipeline import Fitted
    from mmm_bayes.validate.files import Validation

Found = Mapping[str, Any]
"""What each step found, by its name."""


def prepared(panel: "Panel") -> str:
    """Return the size of a panel."""
    return say("terminal.prepared", geos=len(panel.geos), weeks=len(panel.weeks), channels=len(panel.channels))


def fitted(found: "Fitted") -> str:
    """Return what the checks of the model come to."""
    return verdict(found.diagnostics)


def compared(found: "Comparison") -> str:
    """Return the error of each model on the holdout."""
    missed = [(model, e["wmape"]) for model, e in found.summary["errors"].items()]
    return say("terminal.compared", weeks=found.summary["holdout_weeks"], missed=missed)


def planned(plan: "Plan") -> str:
    """Return what a plan brings."""
    return say("terminal.planned", decision=label(plan.decision, "decision"), moves=plan.moves, probability=plan.chance)


def scheduled(found: "list[Schedule]") -> str:
    """Return for how many channels other weeks do better than even ones."""
    return say("terminal.scheduled", better=sum(s.gain.mean > 0 for s in found), channels=len(found))


def looked_ahead(ahead: "Ahead") -> str:
    """Return what the KPI will be as planned."""
    planned, weeks = ahead.summary["plans"]["planned"], ahead.summary["weeks"]
    kpi, more = (numbers.compact(planned[name]["mean"]) for name in ("kpi", "over_today"))
    return say("terminal.forecast", weeks=weeks, kpi=kpi, more=more)


def on_trial(found: "Validation") -> str:
    """Return how many fits a validation has made."""
    fits = found.outcomes.groupby(["check", "replicate"]).ngroups
    return say("terminal.validated", fits=fits, checks=list(found.summary))


LINES: dict[str, Callable[[Any], str]] = {
    "prepare": prepared,
    "fit": fitted,
    "compare": compared,
    "allocate": planned,
    "schedule": scheduled,
    "forecast": looked_ahead,
    "validate": on_trial,
    "report": str,
}
"""How to say in a line what a step found."""


def show(terminal: Terminal, found: Found, config: "Config", root: Path) -> None:
    """Print what the steps found: tables of the report without some of their columns, and its sentences.

    A step that was not done anew has found None; what it left is shown.
    """
    shown = [parts for name, parts in TABLES.items() if name in found]
    if shown and not terminal.quiet:
        results = load_results(config, Workspace(config.name, root))
        for part in chain.from_iterable(parts(found, results) for parts in shown):
            terminal.table(part) if isinstance(part, Table) else terminal.say(part)
    if "report" in found:
        terminal.say(
            say("terminal.report", path=found["report"] or Workspace(config.name, root).reports / "report.html")
        )


def of_panel(found: Found, results: Results) -> Iterator[Table | str]:
    """Return what became of the lines of transactions, and what to know of the data."""
    money = facts.money_of(results)
    if "waterfall" in results.quality:
        yield tables.waterfall(results.quality, money)
    for note in facts.notes_of(results):
        yield word(note, money)
    seen = evidence(results.panel, results.config.model.priors)
    yield tables.evidence(seen, money).without("share", "most_like", "cost_change", "likely_error")
    for doubt in doubts(results.panel, seen):
        yield word(doubt)


def of_fit(found: Found, results: Results) -> Iterator[Table | str]:
    """Return what each channel returned."""
    fit, config = results.fit, results.config
    if fit is not None:
        head = facts.headline(fit, results.kpi, config.ci_prob)
        table = tables.roi(fit, head, results.kpi, 1 / config.allocate.margin, facts.money_of(results))
        yield table.without("contribution", "share", "marginal_roi", "prior")
        for note in (*facts.without_effect(fit), *facts.rests_on_prior(fit, results.panel)):
            yield word(note, facts.money_of(results))


def of_plan(found: Found, results: Results) -> Iterator[Table | str]:
    """Return a plan, or a what-if, beside today, what may be said for and against it, and what to test next."""
    plan: Plan = found["allocate"] or results.plan  # type: ignore[assignment]
    money, channels = facts.money_of(results), facts.channel_of(results.panel)
    rows = facts.plan_by_channel(plan, channels)
    if facts.unchanged(rows):
        yield tables.staying(rows, plan, money).without("best_in_draws", "observed", level=plan.ci_prob)
    else:
        yield tables.plan(rows, plan, money).without("contribution_today", "contribution_plan")
        if len(plan.channels) > len(rows):
            yield tables.plan_by_geo(plan, channels, money)
        yield tables.plan_doubts(rows, plan, money).without("plan")
    test = facts.next_test(rows, results.config.allocate.test_error)
    judged = results.fit.diagnostics["verdict"] if results.fit else ""
    decided = facts.decision_on(plan, rows, results.config.allocate.test_error, judged)
    decision = [] if plan.scenario == "what_if" else [decided]
    gain = [facts.gain_of(plan)] if plan.moves or not decision else []
    for finding in (*decision, *gain, *facts.about_plan(plan, rows), *([test] if test else [])):
        yield word(finding, money)


def of_schedule(found: Found, results: Results) -> Iterator[Table | str]:
    """Return the weeks of a plan."""
    plan: Plan = found["allocate"] or results.plan  # type: ignore[assignment]
    money = facts.money_of(results)
    schedules = found["schedule"] or results.schedules
    if any(s.gain.mean for s in schedules):
        rows = facts.plan_by_channel(plan, facts.channel_of(results.panel))
        yield tables.schedule(schedules, rows, money).without("as_planned", "evenly")
    yield word(facts.best_weeks(schedules), money)


def of_forecast(found: Found, results: Results) -> Iterator[Table | str]:
    """Return what lies ahead under each plan, week by week, and how far to trust it."""
    ahead: Ahead = found["forecast"] or results.ahead  # type: ignore[assignment]
    money = facts.money_of(results)
    write = money.short if results.kpi_is_money else numbers.compact
    yield tables.plans_ahead(ahead, money, write)
    yield tables.weeks_ahead(ahead, money, write)
    if (by_geo := tables.geos_ahead(ahead, money, write)) is not None:
        yield by_geo
    for finding in facts.about_ahead(ahead.summary, write):
        yield word(finding, money)


def of_validation(found: Found, results: Results) -> Iterator[Table | str]:
    """Return what to expect with data like these."""
    summary = found["validate"].summary
    yield from tables.validation(summary)
    plans = facts.worth_of_plans(summary)
    for finding in (*facts.about_validation(summary), *([plans] if plans else [])):
        yield word(finding)


@dataclass(frozen=True)
class State:
    """What has become of what a step left.

    Attributes:
        step: its command.
        finished: when it was done; None where it was not.
        holds: whether it would find the same now.
        reason: why not, in a sentence; empty where it holds or was not done.
    """

    step: str
    finished: datetime | None
    holds: bool
    reason: str = ""


def states_of(config: "Config", space: Workspace) -> list[State]:
    """Return what each step has left, when, and whether it still holds; optional steps only where they were done."""
    manifest, found = load_manifest(space), []
    for name, known in STEPS.items():
        if name in manifest.steps:
            reason = _outdated(manifest, name, config)
            done = datetime.fromisoformat(manifest.steps[name]["finished"])
            found.append(State(known.command, done, not reason, reason))
        elif name in ("prepare", "fit", "compare", "allocate", "report"):
            found.append(State(known.command, None, holds=False))
    return found


def _outdated(manifest: Manifest, name: str, config: "Config") -> str:
    """Return why what a step left does not hold, empty where it does."""
    try:
        manifest.checked(name)
    except DataError as error:
        return str(error)
    changes = manifest.stale(name, config)
    return say("cell.outdated", changed=changes[0].what, commands=changes[0].commands(name)) if changes else ""


def status_table(states: Sequence[State]) -> Table:
    """Return the states of all steps for the terminal."""
    rows = [[state.step, *_told(state)] for state in states]
    return Table([say("column.step"), say("column.made"), say("column.state")], rows, text=3)


def _told(state: State) -> tuple[str, str]:
    if state.finished is None:
        return NONE, say("cell.not_run")
    made = say("cell.made", day=state.finished, ago=numbers.duration(datetime.now(UTC) - state.finished))
    return made, state.reason or say("cell.holds")


def left(found: Found, space: Workspace, what_if: bool = False) -> dict[str, Any]:
    """Return what the steps that were done, or stood, have left, for programs.

    Args:
        found: by the names of the steps.
        space: the folders of the run.
        what_if: whether a plan that somebody named was evaluated.

    Returns:
        By step, the paths of its ``files``, the content of those in JSON and, of a fit, the rows of ``roi.csv``.
    """
    manifest, told = load_manifest(space), {}
    for name in found:
        step = {"allocate": "what_if", "schedule": "what_if_schedule"}.get(name, name) if what_if else name
        home = STEPS[step].home(space)
        paths = [home / file for file in manifest.steps[step]["files"]]
        content = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths if path.suffix == ".json"}
        if name == "fit":
            content["roi"] = json.loads(read_csv(home / "roi.csv").to_json(orient="records", double_precision=15))
        told[name] = {"files": [str(path) for path in paths], **content}
    return told


TABLES: dict[str, Callable[[Found, Results], Iterator[Table | str]]] = {
    "prepare": of_panel,
    "fit": of_fit,
    "allocate": of_plan,
    "schedule": of_schedule,
    "forecast": of_forecast,
    "validate": of_validation,
}
"""What to show at the end of what a step found."""
