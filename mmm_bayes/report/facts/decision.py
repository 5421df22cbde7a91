"""What can be decided, what to test first, and what lies ahead."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mmm_bayes.allocate.plan import Plan
from mmm_bayes.findings import Finding


def to_make(plan: Plan, verdict: str) -> bool:
    """Whether a plan, on a model of this verdict, is to be made, all of it or in part."""
    return plan.decision != "not_yet" and verdict != "FAIL"


def decision_on(plan: Plan, table: pd.DataFrame, test_error: float, verdict: str = "") -> Finding:
    """Return what can be decided: make the plan, make part of it, or keep today's budget; and what to test first.

    Args:
        plan: the plan.
        table: its `plan_by_channel`.
        test_error: see `next_test`.
        verdict: that on the model; on one that failed nothing can be decided.
    """
    if verdict == "FAIL":
        return Finding("plan.decision.failed")
    test = next_test(table, test_error)
    first = None if test is None else test.values.get("first")
    values = {"probability": plan.chance, "moves": plan.moves, "test": first}
    return Finding(f"plan.decision.{plan.decision}", values)


def next_test(table: pd.DataFrame, test_error: float) -> Finding | None:
    """Return which lift test would teach most of a plan, None where that was not worked out.

    Args:
        table: see `plan_by_channel`.
        test_error: standard error of such a test, as a part of the ROI.
    """
    if not table["information"].notna().any():
        return None
    useful = table[table["information"] > 0].sort_values("information", ascending=False, kind="stable")
    if useful.empty:
        return Finding("plan.no_test")
    gains, names = useful["information"].tolist(), useful["channel"].tolist()
    second = len(gains) > 1 and gains[1] > gains[0] / 5
    values = {
        **{"first": names[0], "gain": gains[0], "test_error": test_error},
        **{"second": names[1] if second else None, "second_gain": gains[1] if second else None},
    }
    return Finding("plan.test_next", values)


def one_test(table: pd.DataFrame) -> Finding:
    """Return the one test that a reader without time should know of; arguments as for `next_test`."""
    best = table.loc[table["information"].idxmax()] if (table["information"] > 0).any() else None
    if best is None:
        return Finding("plan.no_test")
    return Finding("plan.one_test", {"channel": best["channel"], "gain": float(best["information"])})


def about_ahead(summary: Mapping[str, Any], write: Any) -> list[Finding]:
    """Return what a forecast of the planned weeks says, and how far to trust it.

    Args:
        summary: ``forecast.json``.
        write: shows an amount of the KPI.
    """
    plans, tested, more = summary["plans"], summary["backtest"], summary["best_over_planned"]
    planned = plans["planned"]

    def shown(of: Mapping[str, float]) -> dict[str, Any]:
        return {**{name: write(of[name]) for name in ("mean", "low", "high")}, "chance": of.get("chance")}

    found = [Finding("forecast.planned", {"kpi": shown(planned["kpi"]), "more": shown(planned["over_today"])})]
    found += [Finding("forecast.best", {"more": shown(more)})] if more is not None else []
    if tested is None:
        found.append(Finding("forecast.untested"))
    else:
        values = {**{name: tested[name] for name in ("weeks", "wmape", "coverage", "ci_prob")}}
        found.append(Finding("forecast.tested", values))
    return [*found, *(Finding(**note) for note in summary["notes"])]
