"""The data-quality summary: what came in, what was put aside and why, what became of it."""

from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from mmm_bayes.config import Transactions
from mmm_bayes.findings import Finding
from mmm_bayes.panel.holidays import Holidays
from mmm_bayes.prepare.geos import Grouping
from mmm_bayes.prepare.spend import Spend
from mmm_bayes.prepare.weeks import Counts


@dataclass(frozen=True)
class Story:
    """Everything that happened on the way."""

    path: str
    table: Transactions
    counts: Counts
    found: tuple[Finding, ...]
    grouping: Grouping
    holidays: Holidays
    spend: Spend | None


def summarise(story: Story) -> dict[str, Any]:
    """Return the summary, ready for JSON.

    ``raw`` holds facts about all lines before any filter, ``days`` counts those with kept lines. ``waterfall`` leads
    from the lines read to those in the panel: rows with ``total`` are states, those between them add up from one state
    to the next. ``revenue`` is what is known; ``unknown`` counts the lines of which it is not, ``estimate`` is what
    these may be worth.
    """
    counts, frame = story.counts, story.holidays.frame
    panel = frame[frame["revenue"].notna()]
    cancelled = counts.kept["lines"] - counts.kept["sales_lines"]
    aside = counts.cells.groupby("reason")[["lines", "revenue"]].sum()
    return {
        "source": story.path,
        "lines_read": int(counts.cells["lines"].sum()),
        "days": len(counts.days),
        "raw": _raw(counts),
        "waterfall": _waterfall(counts, story.table),
        "quarantine": {
            reason: {"lines": int(row["lines"]), "revenue": float(row["revenue"])} for reason, row in aside.iterrows()
        },
        "cancellations": {
            "treatment": story.table.cancellations,
            "lines": int(cancelled.sum()),
            "revenue": float((counts.kept["revenue"] - counts.kept["sales_revenue"]).sum()),
            "unmatched": int(counts.kept["unmatched"].sum()),
        },
        "geos": {**story.grouping.summary(), "names": sorted(set(counts.kept["geo"]) - {""})},
        "weeks": _weeks(story),
        "totals": {
            "revenue": float(counts.inside["revenue"].sum()),
            "orders": int(panel["orders"].sum()),
            "units": float(panel["units"].sum()),
        },
        "holidays": {"columns": story.holidays.columns, "countries": story.holidays.countries},
        "spend": story.spend.summary if story.spend else None,
        "notes": [asdict(note) for note in (*_notes(story), *(story.spend.notes if story.spend else ()))],
    }


def _raw(counts: Counts) -> dict[str, int | float]:
    whole = ("lines", "lines_without_customer", "cancellation_lines", "exact_duplicates", "sales_lines")
    facts: dict[str, int | float] = {name: int(counts.cells[name].sum()) for name in whole}
    facts |= {name: float(counts.cells[name].sum()) for name in ("revenue", "sales_revenue")}
    return facts | {"invoices": counts.invoices, "customers": counts.customers}


def _waterfall(counts: Counts, table: Transactions) -> list[dict[str, Any]]:
    aside = counts.cells.groupby("reason")[["lines", "revenue"]].sum().sort_values("lines", ascending=False)
    edges = counts.kept.drop(counts.inside.index)
    days = {"before_start": str(table.start), "after_end": str(table.end)}
    return [
        _step(Finding("lines.read"), counts.cells, total=True),
        *(
            _step(Finding(f"reason.{name}", {"day": days.get(name, "")}), counts.cells[counts.cells["reason"] == name])
            for name in aside.index
        ),
        _step(Finding("lines.kept"), counts.kept, total=True),
        *(_step(Finding("lines.partial_week", {"week": str(w)}), cells) for w, cells in edges.groupby("week")),
        _step(Finding("lines.in_panel"), counts.inside, total=True),
    ]


def _step(what: Finding, cells: pd.DataFrame, total: bool = False) -> dict[str, Any]:
    sign = 1 if total else -1
    lines, revenue = int(cells["lines"].sum()), float(cells["revenue"].sum())
    unknown, estimate = int(cells["unknown"].sum()), float(cells["estimate"].sum())
    return {
        **asdict(what),
        "total": total,
        "lines": sign * lines,
        "revenue": sign * revenue + 0.0,
        "unknown": sign * unknown,
        "estimate": sign * estimate + 0.0,
    }


def _weeks(story: Story) -> dict[str, Any]:
    counts, frame = story.counts, story.holidays.frame
    panel = frame[frame["revenue"].notna()]
    traded = set(counts.kept["week"])
    return {
        "first": str(counts.span[0]),
        "last": str(counts.span[1]),
        "count": counts.number_of_weeks,
        "filled": [str(week) for week in sorted(set(panel["week"].dt.date) - traded)],
        "filled_geo_weeks": {geo: int(n) for geo, n in panel.groupby("geo")["filled"].sum().items() if n},
        "dropped_partial": [str(week) for week in sorted(traded - set(panel["week"].dt.date))],
        "first_line": str(counts.kept["first"].min()),
        "last_line": str(counts.kept["last"].max()),
    }


def _notes(story: Story) -> list[Finding]:
    counts, table, weeks, raw = story.counts, story.table, _weeks(story), _raw(story.counts)
    notes = [*story.found]
    if 0 < (without := raw["lines_without_customer"]) < raw["lines"]:
        notes.append(Finding("data.no_customer", {"lines": without}))
    if weeks["dropped_partial"]:
        notes.append(Finding("data.partial_weeks", {"weeks": weeks["dropped_partial"]}))
    if weeks["filled"]:
        notes.append(Finding("data.empty_weeks", {"weeks": weeks["filled"]}))
    if quiet := list(story.grouping.quiet):
        notes.append(Finding("data.quiet_geos", {"geos": quiet, "share": table.min_active, "rest": table.rest}))
    if table.cancellations == "order_week":
        notes.append(Finding("data.unmatched", {"lines": int(counts.kept["unmatched"].sum())}))
    return [*notes, *story.holidays.notes]
