"""What the lines that cannot be used are worth: a warning, or a reason to stop."""

import warnings
from collections.abc import Mapping

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from mmm_bayes.config import TransactionColumns
from mmm_bayes.errors import DataError
from mmm_bayes.findings import Finding, MMMWarning
from mmm_bayes.prepare.read import MALFORMED, SECTION, Source
from mmm_bayes.tables.files import LOST, lost_letter

NO_LOSS = (
    *("exact_duplicate", "code_that_is_no_product", "before_start", "after_end"),  # left out because somebody said so
    *("quantity_of_zero", "price_of_zero", "blank_or_total"),  # worth nothing
)
MOST_REPEATED = 0.01
"""Share of the money in exact duplicates from which on somebody must say whether it was earned twice."""

DEFAULT_REMEDY = "check 'transactions.columns'"
REMEDIES = {
    "malformed_line": "check 'transactions.separator' and the quotes in these lines",
    "missing_or_unparseable_date": "write days such as 2023-01-31, or give their 'transactions.date_format'",
    "stray_date": "check 'transactions.date_format', or give 'transactions.start' and 'transactions.end'",
    "missing_or_unparseable_quantity": "give 'transactions.decimal', or correct them",
    "missing_or_unparseable_price": "give 'transactions.decimal', or correct them",
    "negative_price": "book what is taken back with a negative quantity",
}


def require_whole_names(cells: pd.DataFrame, source: Source) -> None:
    """No geo has a letter that was lost when the file was read or written.

    Raises:
        DataError: one has.
    """
    for geo in cells["geo"][cells["geo"].str.contains(LOST)]:
        raise DataError(f"{source.path}: the geo {lost_letter(geo, SECTION)}")


def require_no_question(cells: pd.DataFrame, source: Source) -> None:
    """Lines that repeat another one exactly are dropped unasked only while they carry next to no money.

    Raises:
        DataError: they carry more.
    """
    repeated = cells[cells["reason"] == "exact_duplicate"]
    share = _share(repeated, cells)
    if source.table.duplicates == "ask" and share > MOST_REPEATED:
        raise DataError(
            f"{source.path}: {repeated['lines'].sum():,} of {cells['lines'].sum():,} lines, with {share:.1%} of the "
            f"money ({abs(repeated['revenue'].sum()):,.2f}), repeat another one exactly; say 'transactions.duplicates: "
            "keep' if the same was sold several times, 'drop' if it was exported several times.",
            option=f"{SECTION}.duplicates",
            answers=("drop", "keep"),
        )


def judge_losses(
    cells: pd.DataFrame, source: Source, invoices: DataFrame, columns: TransactionColumns
) -> tuple[Finding, ...]:
    """Return what to say of the lines that cannot be used, where they are more than a few.

    Their share is that of the lines or that of the money, whichever is larger. The money of a line whose price or
    quantity cannot be read is estimated, see `mmm_bayes.prepare.weeks.total`.

    Args:
        cells: see `mmm_bayes.prepare.weeks.total`.
        source: where the lines come from.
        invoices: see `mmm_bayes.prepare.weeks.add_up`, for an example.
        columns: what the columns of the file are called.

    Raises:
        DataError: they are so many that a panel without them would be wrong.
        MMMWarning: warned of, they are more than a few.
    """
    lost = cells[cells["reason"].notna() & ~cells["reason"].isin(NO_LOSS)]
    read, number = int(cells["lines"].sum()), int(lost["lines"].sum())
    money = _share(lost, cells)
    share = max(number / max(read, 1), money)
    if share <= source.table.warn_above:
        return ()
    worst = lost.groupby("reason")["lines"].sum().sort_values(ascending=False, kind="stable")
    if share > source.table.stop_above:
        reason = str(worst.index[0])
        raise DataError(
            f"{source.path}: {number:,} of {read:,} lines ({number / read:.1%}, with {money:.1%} of the money as far "
            f"as that can be told) cannot be used, {worst.iloc[0]:,} of them for this reason: "
            f"{reason.replace('_', ' ')}{_example(invoices, reason, columns)}; {REMEDIES.get(reason, DEFAULT_REMEDY)}, "
            "or raise 'transactions.stop_above' to go on without them."
        )
    shares = {"share": number / read, "money_share": money}
    found = Finding("data.unusable", {"lines": number, "read": read, **shares, "reasons": list(worst.index)})
    warnings.warn(MMMWarning(found), stacklevel=2)
    return (found,)


def _share(part: pd.DataFrame, cells: pd.DataFrame) -> float:
    """Return the share of the money that some cells hold, what was taken back counting as much as what was sold."""
    worth = {name: float(rows["revenue"].sum()) for name, rows in cells.groupby("reason", dropna=False)}
    own = sum(abs(worth[reason]) for reason in part["reason"].unique()) + part["estimate"].sum()
    whole = sum(map(abs, worth.values())) + cells["estimate"].sum()
    return float(own / whole) if whole else 0.0


def _example(invoices: DataFrame, reason: str, columns: TransactionColumns) -> str:
    """Return the cell of a line that was put aside for a reason, where one cell is to blame."""
    blamed: Mapping[str, str] = {
        "malformed_line": MALFORMED,
        "missing_or_unparseable_date": columns.date,
        "missing_or_unparseable_quantity": columns.quantity,
        "missing_or_unparseable_price": columns.price,
    }
    if reason not in blamed:
        return ""
    cell = F.col("raw")[blamed[reason]].cast("string")
    found = invoices.where((F.col("reason") == reason) & cell.isNotNull()).select(cell).first()
    return f", such as {found[0]!r}" if found else ""
