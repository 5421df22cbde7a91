"""Tables of what the data are."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmm_bayes.evidence import Evidence
from mmm_bayes.findings import Finding
from mmm_bayes.report.numbers import NONE, Money, count, percent, ratio
from mmm_bayes.report.tables.table import Table, column_heads
from mmm_bayes.report.words import say, word


def waterfall(quality: dict[str, Any], money: Money) -> Table:
    """Return what became of the lines that were read."""
    steps = quality["waterfall"]
    rows = [[word(Finding(s["code"], s["values"])), count(s["lines"]), _worth(s, money)] for s in steps]
    totals = [i for i, s in enumerate(steps) if s["total"]]
    return Table(column_heads("step", "lines", "revenue"), rows, bold=totals, title=say("table.waterfall"))


def evidence(found: Sequence[Evidence], money: Money) -> Table:
    """Return what the data can tell of each channel."""
    rows = [
        [
            one.channel,
            money.full(one.spend) if one.spend else NONE,
            percent(one.share) if one.spend else NONE,
            count(one.weeks),
            percent(one.variation),
            NONE if one.inflation is None else ratio(one.inflation),
            NONE if one.nearest is None else f"{ratio(one.correlation)} ({one.nearest})",
            NONE if one.cost_change is None else ratio(one.cost_change),
            NONE if one.error is None else ratio(one.error),
            say("cell.yes") if one.rests else say("cell.no"),
        ]
        for one in found
    ]
    heads = column_heads(
        *("channel", "spend", "share", "weeks_on", "variation", "inflation", "most_like", "cost_change"),
        *("likely_error", "rests"),
    )
    return Table(heads, rows, title=say("table.evidence"))


def _worth(step: Mapping[str, Any], money: Money) -> str:
    """Return the money of some lines: what is known, and of the others what they may be worth."""
    if not step["unknown"]:
        return money.cents(step["revenue"])
    estimate = step["estimate"]
    more = say("cell.about", amount=money.short(estimate)) if estimate else say("cell.unknown")
    if step["unknown"] == step["lines"]:
        return more
    return say("cell.and_more", known=money.cents(step["revenue"]), more=more)
