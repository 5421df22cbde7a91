"""`Content`: everything that the pages of a run tell, computed before a word is written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmm_bayes import __version__
from mmm_bayes.ahead import Ahead
from mmm_bayes.allocate.decision import LEANING
from mmm_bayes.allocate.plan import Plan
from mmm_bayes.config import Config, as_yaml
from mmm_bayes.evidence import doubts as doubts_of_data
from mmm_bayes.evidence import evidence
from mmm_bayes.findings import Finding
from mmm_bayes.intervals import Interval
from mmm_bayes.report import facts, numbers, tables
from mmm_bayes.report.figures import draw_figures
from mmm_bayes.report.figures.findings import figure_findings
from mmm_bayes.report.numbers import Money
from mmm_bayes.report.results import Comparison, Fit, Results, Truth, load_results
from mmm_bayes.report.words import doubts, judged, say, verdict, word
from mmm_bayes.workspace import Workspace

Draw = Callable[[Results, Money, Mapping[str, str]], Mapping[str, Any]]


@dataclass(frozen=True)
class Content:
    """What the pages of a run are made of.

    Attributes:
        results: what the steps left.
        channels: the channel by arm, see `facts.channel_of`.
        money: currency and decimals.
        figures: by name, SVG or what else they were drawn as.
        findings: what each shows, in a sentence.
        context: values of the templates.
    """

    results: Results
    channels: Mapping[str, str]
    money: Money
    figures: Mapping[str, Any]
    findings: Mapping[str, str]
    context: dict[str, Any]


def gather(config: Config, workspace: Workspace, draw: Draw = draw_figures) -> Content:
    """Read what the steps left, compute and draw.

    Args:
        config: the run.
        workspace: its folders.
        draw: makes the figures.

    Raises:
        DataError: there is no panel yet.
    """
    results = load_results(config, workspace)
    channels = facts.channel_of(results.panel)
    money = facts.money_of(results)
    context = make_context(results, money, channels)
    found = figure_findings(results, channels)
    findings = {name: word(finding, money) for name, finding in found.items()}
    return Content(results, channels, money, draw(results, money, channels), findings, context)


def make_context(results: Results, money: Money, channels: Mapping[str, str]) -> dict[str, Any]:
    """Return all values that the templates use.

    Args:
        results: what the steps left.
        money: currency and decimals.
        channels: the channel by arm, see `facts.channel_of`.
    """
    config, panel = results.config, results.panel
    kpi = results.kpi_name
    common = {
        "title": config.title or config.name,
        "kpi": kpi,
        "kpi_value": kpi if results.kpi_is_money else say("cell.kpi_value", kpi=kpi),
        "money": money,
        "level": numbers.formatted(config.ci_prob, ".0%"),
        "margin": config.allocate.margin,
        "channels": len(panel.channels),
        "weeks": len(panel.weeks),
        "geos": len(panel.geos),
        "first": panel.weeks[0],
        "last": panel.weeks[-1],
        "version": __version__,
        "made": results.made,
        "settings": settings(results),
        "sampler": results.fit.settings["sampler"] if results.fit else None,
    }
    return (
        common
        | _fit(results, results.fit, money)
        | _comparison(results, results.comparison, money)
        | _plan(results, results.plan, money, channels)
        | _ahead(results, results.ahead, money)
        | _data(results, money)
        | _truth(results.truth, results.fit, money)
        | _validation(results)
    )


def settings(results: Results) -> str:
    """Return the configuration as YAML, with the model and sampler that were fitted."""
    raw = results.config.model_dump(mode="json", exclude={"folder"}, exclude_none=True)
    fitted = results.fit.settings if results.fit else {}
    return as_yaml(_shareable(raw | fitted))


def _shareable(content: Any) -> Any:
    """Return settings with absolute paths of this machine cut to the names of their files."""
    match content:
        case dict():
            return {name: _shareable(value) for name, value in content.items()}
        case list():
            return [_shareable(value) for value in content]
        case str() if Path(content).is_absolute():
            return Path(content).name or content
    return content


def make_cards(context: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return the key figures for the head of the page: label, value, detail."""
    head, plan, money = context["head"], context["plan"], context["money"]
    if head is None:
        return []
    cards = [
        (
            say("card.share", kpi_value=context["kpi_value"]),
            numbers.percent(head.share.mean),
            _span(head.share, numbers.percent),
        ),
        (
            say("card.roi"),
            say("card.roi_value", roi=head.roi.mean, money=money),
            _span(head.roi, money.ratio),
        ),
    ]
    if context["paid"] > 1 and head.best_chance >= LEANING:
        cards.append((say("card.best"), head.best, say("card.best_detail", roi=head.best_roi.mean, money=money)))
    if plan is not None and context["to_make"]:
        detail = say("card.gain_detail", weeks=plan.weeks, probability=plan.gain.probability)
        cards.append((say("card.gain"), money.short(plan.gain.mean), detail))
    return cards


def _span(interval: Interval[float], show: Callable[[float], str]) -> str:
    return say("card.span", low=show(interval.low), high=show(interval.high))


# --- sections -----------------------------------------------------------------------------------


def _fit(results: Results, fit: Fit | None, money: Money) -> dict[str, Any]:
    if fit is None:
        return {"fit": None, "head": None, "verdict": None}
    head = facts.headline(fit, results.kpi, results.config.ci_prob)
    organic = fit.roi["spend"] == 0
    return {
        "fit": fit,
        "head": head,
        "verdict": fit.diagnostics["verdict"],
        "verdict_line": verdict(fit.diagnostics),
        "verdict_short": verdict(fit.diagnostics, named=False),
        "doubts": [judged(reason, money) for reason in doubts(fit.diagnostics["reasons"])],
        "paid": int((~organic).sum()),
        "organic": list(fit.roi["channel"][organic]),
        "foundations": [*facts.without_effect(fit), *facts.rests_on_prior(fit, results.panel)],
        "movers": [tables.part_name(part) for part in facts.movers(fit.contributions)],
        "roi_table": tables.roi(fit, head, results.kpi, 1 / results.config.allocate.margin, money),
        "contradictions": facts.contradictions(fit),
        "sure_of_best": LEANING,
        "checks_table": tables.checks(fit, money),
        **_lift(results, fit, money),
        "foundations_table": tables.foundations(fit),
        **_details(results, fit, money),
    }


def _details(results: Results, fit: Fit, money: Money) -> dict[str, Any]:
    write = money.short if results.kpi_is_money else numbers.compact
    return {
        "parts_table": tables.kpi_parts(facts.kpi_parts(fit.contributions), fit, write),
        "shares_table": tables.shares(fit, results.kpi_name, results.kpi_is_money, money),
        "time_table": tables.breakdown(fit, "time", money),
        "geo_table": tables.breakdown(fit, "geo", money),
        "carry_over_table": tables.carry_over(fit),
        "shape_table": tables.shape(fit),
    }


def _lift(results: Results, fit: Fit, money: Money) -> dict[str, Any]:
    lift = fit.lift
    if lift is None:
        return {"lift_table": None}
    write = money.short if results.kpi_is_money else numbers.compact
    aging = fit.settings["model"].get("test_aging", 0.0)
    return {
        "about_tests": facts.about_tests(lift, aging),
        "lift_table": tables.lift_tests(lift, money, write),
        "lift_roi_table": tables.lift_roi(lift, fit.window),
    }


def _comparison(results: Results, comparison: Comparison | None, money: Money) -> dict[str, Any]:
    if comparison is None or results.fit is None:
        return {"comparison": None}
    write = money.short if results.kpi_is_money else numbers.compact
    return {
        "comparison": comparison,
        "comparison_notes": [Finding(**raw) for raw in comparison.summary["notes"]],
        "errors_table": tables.errors(comparison, write),
        "models_table": tables.both_models(comparison, results.fit.window),
    }


def _plan(results: Results, plan: Plan | None, money: Money, channels: Mapping[str, str]) -> dict[str, Any]:
    if plan is None:
        return {"plan": None}
    table = facts.plan_by_channel(plan, channels)
    up, down = facts.moves(table)
    what_if, schedules = results.what_if, results.schedules
    several = results.frontier is not None and len(results.frontier) > 1
    totals = facts.totals_of(results.frontier, plan) if several else None
    return {
        "plan": plan,
        "about_plan": facts.about_plan(plan, table),
        "decision": facts.decision_on(plan, table, results.config.allocate.test_error, _verdict(results)),
        "gain": facts.gain_of(plan),
        "question": _question(results, plan, money),
        "unchanged": facts.unchanged(table),
        "to_make": facts.to_make(plan, _verdict(results)),
        "up": up,
        "down": down,
        "same_budget": np.isclose(plan.spend_plan, plan.spend_now, rtol=1e-6),
        "next_test": facts.next_test(table, results.config.allocate.test_error),
        "test_short": facts.one_test(table),
        "first_table": _first(results, plan, table, money, channels),
        "plan_table": tables.staying(table, plan, money) if facts.unchanged(table) else tables.plan(table, plan, money),
        "geos_table": tables.plan_by_geo(plan, channels, money) if len(plan.channels) > len(table) else None,
        "sure_table": tables.plan_doubts(table, plan, money),
        "top": None if totals is None else facts.most_profitable(totals),
        "totals_table": None if totals is None else tables.frontier(totals, plan, money),
        "schedules": schedules,
        "best_weeks": facts.best_weeks(schedules),
        "scheduled_even": sum(s.response_even for s in schedules),
        "flighting": results.config.allocate.flighting,
        "schedule_table": tables.schedule(schedules, table, money) if schedules else None,
        "what_if": None if what_if is None else facts.gain_of(what_if),
        "what_if_table": tables.plan(facts.plan_by_channel(what_if, channels), what_if, money) if what_if else None,
    }


def _first(
    results: Results, plan: Plan, table: pd.DataFrame, money: Money, channels: Mapping[str, str]
) -> tables.Table:
    """Return the table that stands first: what to move, or what the money does where it is."""
    if facts.to_make(plan, _verdict(results)) or results.fit is None:
        return tables.first_moves(table, plan, money)
    return tables.first_stays(table, facts.next_units(results.fit, channels), plan, money)


def _verdict(results: Results) -> str:
    return results.fit.diagnostics["verdict"] if results.fit else ""


def _question(results: Results, plan: Plan, money: Money) -> str:
    asked = results.config.allocate
    known = {
        "budget": money.full(plan.budget),
        "weeks": numbers.count(plan.weeks, "week"),
        "margin": numbers.percent(asked.margin),
        "target": numbers.ratio(asked.target),
        "level": numbers.percent(plan.level),
    }
    question = say(f"plan.question.{plan.scenario}", **known)
    return f"{question} {say(f'plan.objective.{plan.objective}', **known)}".strip()


def _ahead(results: Results, ahead: Ahead | None, money: Money) -> dict[str, Any]:
    if ahead is None:
        return {"ahead": None, "planned": results.panel.planned is not None}
    write = money.short if results.kpi_is_money else numbers.compact
    return {
        "ahead": ahead.summary,
        "planned": True,
        "about_ahead": facts.about_ahead(ahead.summary, write),
        "ahead_table": tables.plans_ahead(ahead, money, write),
        "ahead_weeks_table": tables.weeks_ahead(ahead, money, write),
        "ahead_geos_table": tables.geos_ahead(ahead, money, write),
    }


def _data(results: Results, money: Money) -> dict[str, Any]:
    quality = results.quality
    seen = evidence(results.panel, results.config.model.priors)
    found: dict[str, Any] = {
        **{"quality": quality, "source": _shareable(quality["source"]), "notes": facts.notes_of(results)},
        **{
            "evidence_table": tables.evidence(seen, money),
            "evidence_doubts": list(doubts_of_data(results.panel, seen)),
        },
    }
    if "waterfall" not in quality:
        return found
    filled = [f"{geo} {numbers.count(n, 'week')}" for geo, n in quality["weeks"]["filled_geo_weeks"].items()]
    shares = [f"{g['geo']} {numbers.percent(g['revenue_share'])}" for g in quality["geos"]["groups"]]
    return found | {
        "waterfall_table": tables.waterfall(quality, money),
        "filled": numbers.listed(filled) if filled else "",
        "geo_shares": numbers.listed(shares),
        "spend_total": sum(quality["spend"]["channels"].values()) if quality["spend"] else 0.0,
    }


def _validation(results: Results) -> dict[str, Any]:
    summary = results.validation
    return {
        "validation": summary,
        "worth_of_plans": facts.worth_of_plans(summary),
        "about_validation": list(facts.about_validation(summary or {})),
        "validation_tables": tables.validation(summary or {}),
    }


def _truth(truth: Truth | None, fit: Fit | None, money: Money) -> dict[str, Any]:
    if truth is None or fit is None:
        return {"truth": None}
    true = truth.channels["roi"].reindex(fit.roi["channel"]).to_numpy()
    held = pd.Series(true).between(fit.roi["roi_low"], fit.roi["roi_high"])
    return {
        "truth": truth,
        "truth_known": int(np.isfinite(true).sum()),
        "truth_held": int(held.sum()),
        "truth_table": tables.truth(truth, fit, money),
        "factors_table": tables.factors(truth, fit, money) if len(truth.factors.columns) else None,
    }
