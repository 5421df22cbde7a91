"""Tables of the planned weeks: plans side by side, and the KPI week by week and geo by geo."""

from typing import Any

from mmm_bayes.ahead import Ahead
from mmm_bayes.report.numbers import NONE, Money, chance, day
from mmm_bayes.report.tables.table import Table, column_heads
from mmm_bayes.report.words import label, say


def plans_ahead(ahead: Ahead, money: Money, write: Any) -> Table:
    """Return what each plan spends and what the KPI will be; ``write`` shows an amount of the KPI."""
    rows = []
    for name, plan in ahead.summary["plans"].items():
        kpi, more = plan["kpi"], plan["over_today"]
        rows.append(
            [
                label(name, "ahead"),
                *(money.full(plan["spend"]), write(kpi["mean"]), _span(kpi, write)),
                *((NONE,) * 3 if more is None else (write(more["mean"]), _span(more, write), chance(more["chance"]))),
            ]
        )
    columns = ("ahead", "spend", "forecast", "interval_at", "over_today", "interval_at", "chance_of_more")
    heads = column_heads(*columns, level=ahead.summary["ci_prob"])
    return Table(heads, rows, title=say("table.ahead", weeks=ahead.summary["weeks"]))


def weeks_ahead(ahead: Ahead, money: Money, write: Any) -> Table:
    """Return the forecast of the KPI week by week under the plan, and what other plans change."""
    weeks = ahead.weeks.pivot(index="week", columns="plan", values="kpi")
    planned = ahead.weeks[ahead.weeks["plan"] == "planned"]
    others = [name for name in ahead.summary["plans"] if name != "planned"]
    rows = [
        [
            day(row.week),
            *(money.full(row.spend), write(row.kpi), _span({"low": row.kpi_low, "high": row.kpi_high}, write)),
            *(write(weeks.at[row.week, name]) for name in others),
        ]
        for row in planned.itertuples()
    ]
    best = ["best_ahead"] if "best" in others else []
    heads = column_heads(
        "week", "planned_spend", "planned_ahead", "interval_at", "today_ahead", *best, level=ahead.summary["ci_prob"]
    )
    return Table(heads, rows, title=say("table.weeks_ahead"))


def geos_ahead(ahead: Ahead, money: Money, write: Any) -> Table | None:
    """Return the forecast of each geo's KPI, all weeks together; None where there are no geos."""
    if not (geos := ahead.summary.get("geos")):
        return None
    others = [name for name in ahead.summary["plans"] if name != "planned"]
    rows = [
        [
            geo,
            *(money.full(plans["planned"]["spend"]), write(plans["planned"]["kpi"]["mean"])),
            _span(plans["planned"]["kpi"], write),
            *(write(plans[name]["kpi"]["mean"]) for name in others),
        ]
        for geo, plans in geos.items()
    ]
    best = ["best_ahead"] if "best" in others else []
    heads = column_heads(
        "geo", "planned_spend", "planned_ahead", "interval_at", "today_ahead", *best, level=ahead.summary["ci_prob"]
    )
    return Table(heads, rows, title=say("table.geos_ahead"))


def _span(interval: Any, write: Any) -> str:
    return say("cell.span", low=write(interval["low"]), high=write(interval["high"]))
