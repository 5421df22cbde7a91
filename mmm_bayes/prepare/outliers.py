"""What may be a slip although it can be read: lines worth half a week, days with hardly a line."""

from collections.abc import Callable
from datetime import timedelta
from math import inf
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from mmm_bayes.config import Transactions
from mmm_bayes.findings import Finding
from mmm_bayes.prepare.weeks import Counts, week_of

LARGE = 0.5
"""Of the revenue of the usual week, from which on one line is named."""

THIN = 0.1
"""Of the lines usual on its weekday around it, up to which a day is named."""

MANY = 20
"""Lines of a week, or orders of a day, from which on there is a usual."""

AROUND = 9
"""Days of the same weekday, the one in question in their middle, that say what is usual."""

SHOWN = 5
"""Most examples of one kind."""


COLUMNS = ["invoice", "product", "day", "week", "quantity", "revenue"]
"""What is told of a line."""


def find_outliers(large: Callable[[float], pd.DataFrame], counts: Counts, table: Transactions) -> tuple[Finding, ...]:
    """Return what stands out among the kept lines of whole weeks; nothing of it is left out.

    Args:
        large: returns the lines from an amount on, see `large_lines`.
        counts: what there is.
        table: the section of the configuration.
    """
    return (*_large_lines(large, counts, table), *_thin_days(counts))


def limit_of(counts: Counts) -> float:
    """Return the revenue from which on a line is named; infinite where no week is usual."""
    weekly = counts.inside.groupby("week")[["lines", "revenue"]].sum().astype(float)
    usual = float(weekly["revenue"].median())
    return LARGE * usual if weekly["lines"].median() >= MANY and usual > 0 else inf


def large_lines(lines: DataFrame, limit: float, week_start: str) -> pd.DataFrame:
    """Return the `COLUMNS` of the kept lines of at least so much revenue.

    Args:
        lines: see `mmm_bayes.prepare.clean.judge`.
        limit: of the revenue, whatever its sign.
        week_start: name of a weekday.
    """
    week, day = week_of(F.to_date("at"), week_start), F.to_date("at")
    large = lines.where(F.col("reason").isNull() & (F.abs("revenue") >= limit))
    frame = large.withColumns({"week": week, "day": day}).select(*COLUMNS).toArrow().to_pandas()
    return frame.astype({"quantity": float, "revenue": float})


def from_amount(large: pd.DataFrame, limit: float) -> pd.DataFrame:
    """Return those of some `large_lines` that are worth so much."""
    return large[large["revenue"].abs() >= limit]


def _large_lines(large: Callable[[float], pd.DataFrame], counts: Counts, table: Transactions) -> list[Finding]:
    limit = limit_of(counts)
    if float(counts.inside["largest"].max()) < limit:
        return []
    frame, usual = large(limit), limit / LARGE
    order = ["day", "invoice", "product", "revenue"]  # whatever order Spark has them in
    frame = frame[frame["week"].between(*counts.span)].sort_values(order, ignore_index=True)
    pairs = _pairs(frame)
    paired = {row for pair in pairs for row in pair}
    found = []
    if len(alone := frame.drop(index=list(paired))):
        largest = alone.loc[alone["revenue"].abs().sort_values(ascending=False).index]
        shown = [_told(row) for row in largest.head(SHOWN).itertuples()]
        found.append(Finding("data.large_lines", {"count": len(alone), "usual": usual, "lines": shown}))
    apart = [pair for pair in pairs if frame.loc[pair[0], "week"] != frame.loc[pair[1], "week"]]
    if apart and table.cancellations == "own_week":
        told = [{"sold": _told(frame.loc[a]), "back": _told(frame.loc[b])} for a, b in apart[:SHOWN]]
        found.append(Finding("data.taken_back", {"count": len(apart), "pairs": told}))
    return found


def _pairs(frame: pd.DataFrame) -> list[tuple[Any, Any]]:
    """Return the rows of what was sold and later taken back: the same product, and as much of it."""
    open_sales: dict[tuple[str, float], list[Any]] = {}
    found = []
    by_size = frame.sort_values("revenue", ascending=False, kind="stable")
    for row in by_size.sort_values("day", kind="stable").itertuples():
        waiting = open_sales.setdefault((str(row.product), abs(float(row.quantity))), [])
        if row.revenue > 0:
            waiting.append(row.Index)
        elif waiting:
            found.append((waiting.pop(), row.Index))
    return found


def _told(row: Any) -> dict[str, Any]:
    return {
        "invoice": str(row.invoice),
        "product": str(row.product),
        "day": str(row.day),
        "quantity": float(row.quantity),
        "revenue": float(row.revenue),
    }


def _thin_days(counts: Counts) -> list[Finding]:
    """Name days that have lines, but hardly any; those without one are closed."""
    days = counts.days.loc[str(counts.span[0]) : str(counts.span[1] + timedelta(days=6))].astype(float)
    usual = days.groupby(days.index.dayofweek).transform(
        lambda same: same.rolling(AROUND, center=True, min_periods=AROUND // 2).median()
    )
    thin = days[(usual["orders"] >= MANY) & (days["lines"] <= THIN * usual["lines"])]
    if thin.empty:
        return []
    return [Finding("data.thin_days", {"days": [f"{day:%Y-%m-%d}" for day in thin.index]})]
