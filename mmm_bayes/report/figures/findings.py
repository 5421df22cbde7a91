"""What each figure of a report shows, for those who cannot see it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mmm_bayes.ahead import Ahead
from mmm_bayes.allocate.plan import Plan
from mmm_bayes.findings import Finding
from mmm_bayes.report.facts import kpi_parts, most_profitable, moves, next_units, plan_by_channel, totals_of
from mmm_bayes.report.results import Comparison, Fit, Results


def figure_findings(results: Results, channels: Mapping[str, str]) -> dict[str, Finding]:
    """Return what each figure that can be drawn shows, by its name; ``channels`` is `facts.channel_of`."""
    if results.fit is None:
        return {}
    found = _of_fit(results, results.fit)
    found["curves"] = Finding("figure.curves", {"rows": list(next_units(results.fit, channels).items())})
    if results.comparison is not None:
        found |= _of_comparison(results.comparison)
    if results.plan is not None:
        found |= _of_plan(results, results.plan, channels)
    if results.ahead is not None:
        found["ahead"] = _of_ahead(results, results.ahead)
    return found


def _of_fit(results: Results, fit: Fit) -> dict[str, Finding]:
    level, kpi, weeks = results.config.ci_prob, results.kpi_name, fit.weeks
    paid = fit.roi.dropna(subset="roi_mean").sort_values("roi_mean", ascending=False, kind="stable")
    returns: list[dict[str, Any]] = [
        {"channel": row.channel, "roi": row.roi_mean, "low": row.roi_low, "high": row.roi_high}
        for row in paid.itertuples()
    ]
    sure = [row["channel"] for row in returns if row["low"] > 1 / results.config.allocate.margin]
    largest = fit.roi.sort_values("contribution_share", ascending=False, kind="stable")
    shares = list(zip(largest["channel"], largest["contribution_share"], strict=True))
    total = float(fit.roi["contribution_share"].sum())
    held = float(weeks["observed"].between(weeks["low"], weeks["high"]).mean())
    parts = kpi_parts(fit.contributions).set_index("part")["share"]
    missed = float(parts.get("unexplained", 0.0))
    return {
        "roi": Finding("figure.roi", {"rows": returns, "sure": sure, "level": level}),
        "contributions": Finding("figure.contributions", {"shares": shares, "total": total, "kpi": kpi}),
        "waterfall": Finding("figure.waterfall", {"share": total, "kpi": kpi, "missed": missed}),
        "decomposition": Finding("figure.decomposition", {"share": total, "kpi": kpi}),
        "fit": Finding("figure.fit", {"held": held, "level": level}),
    }


def _of_comparison(comparison: Comparison) -> dict[str, Finding]:
    missed = [(model, e["wmape_total"]) for model, e in comparison.summary["errors"].items()]
    apart = comparison.roi["channel"][comparison.roi["contradict"]].tolist()
    return {
        "holdout": Finding("figure.holdout", {"weeks": comparison.summary["holdout_weeks"], "errors": missed}),
        "models": Finding("figure.models", {"apart": apart}),
    }


def _of_plan(results: Results, plan: Plan, channels: Mapping[str, str]) -> dict[str, Finding]:
    up, down = moves(plan_by_channel(plan, channels))
    lost = float(np.mean(np.array(plan.gain.percentiles) < 0))
    uneven = [schedule.channel for schedule in results.schedules if schedule.gain.mean]
    found = {
        "plan": Finding("figure.plan", {"up": up, "down": down}),
        "gain": Finding("figure.gain", {"mean": plan.gain.mean, "lost": lost}),
        "schedule": Finding("figure.schedule", {"channels": uneven}) if uneven else Finding("schedule.evenly"),
    }
    if results.frontier is not None:
        best = most_profitable(totals_of(results.frontier, plan))
        found["frontier"] = Finding("figure.frontier", {"total": best["total"], "now": plan.spend_now})
    return found


def _of_ahead(results: Results, ahead: Ahead) -> Finding:
    plans = [(name, plan["kpi"]["mean"]) for name, plan in ahead.summary["plans"].items()]
    return Finding("figure.ahead", {"plans": plans, "kpi": results.kpi_name, "weeks": ahead.summary["weeks"]})
