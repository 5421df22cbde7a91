"""What cannot be used is shown in lines and money, warned of, or a reason to stop; nothing is lost on the way."""

import csv
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import prepare_reference as reference
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from mmm_bayes.config import make_config
from mmm_bayes.errors import DataError
from mmm_bayes.findings import Finding, MMMWarning
from mmm_bayes.prepare import Prepared, weekly_table
from mmm_bayes.report.words import word

FIRST = date(2023, 1, 2)
WEEKS = 21
LINES = 1000


def sales() -> list[list[str]]:
    """Return lines of 2 pieces at 3.00 each, on the days in turn."""
    days = [FIRST + timedelta(days=n % (7 * WEEKS)) for n in range(LINES)]
    when = [f"{day.month}/{day.day}/{day.year} 9:00" for day in days]
    return [[f"{i}", "20007", "MUG", "2", day, "3", "", "France"] for i, day in enumerate(when)]


def prepare(rows: list[list[str]], folder: Path, **transactions: Any) -> Prepared:
    with (folder / "lines.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([reference.HEADER, *rows])
    source = {"path": str(folder / "lines.csv"), "preset": "online_retail", **transactions}
    return weekly_table(make_config({"name": "test", "transactions": source}), folder / "quarantine.parquet")


def spoilt(number: int, **cells: str) -> list[list[str]]:
    """Return the lines, the middle ones with other cells."""
    rows = sales()
    for row in rows[400 : 400 + number]:
        for name, cell in cells.items():
            row[reference.HEADER.index(name)] = cell
    return rows


# --- warned of, or a reason to stop -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "cells", "share", "estimate"),
    [
        (6, {"UnitPrice": "free"}, 0.006, 6 * 6.0),
        (30, {"Quantity": "two"}, 0.03, 30 * 6.0),
        (1, {"InvoiceNo": "", "Quantity": "40"}, 0.0196, 0.0),  # 0.1% of the lines, 2% of the money
        (10, {"UnitPrice": "", "Quantity": "a"}, 0.01, 0.0),
    ],
)
def test_more_than_a_few_are_warned_of(
    spark: SparkSession, tmp_path: Path, number: int, cells: dict[str, str], share: float, estimate: float
) -> None:
    with pytest.raises(MMMWarning) as caught:
        prepare(spoilt(number, **cells), tmp_path)
    values = caught.value.finding.values
    assert values["lines"] == number
    assert max(values["share"], values["money_share"]) == pytest.approx(share, rel=0.02)
    assert word(caught.value.finding).startswith(f"{number} of 1,000 lines ({values['share']:.1%}, with ")
    prepared = prepare(spoilt(number, **cells), tmp_path, warn_above=share + 0.001)
    aside = [step for step in prepared.quality["waterfall"] if step["code"].startswith("reason.")]
    assert [step["lines"] for step in aside] == [-number]
    assert aside[0]["estimate"] == pytest.approx(-estimate)


STOPS = [
    (
        {"InvoiceDate": "13.01.2023"},
        "missing or unparseable date, such as '13.01.2023'; write days such as 2023-01-31, or give ",
    ),
    ({"UnitPrice": "3.0.0"}, "missing or unparseable price, such as '3.0.0'; "),
    ({"UnitPrice": "-3"}, "negative price; book what is taken back with a negative quantity"),
    ({"StockCode": " "}, "missing product; check 'transactions.columns'"),
]


@pytest.mark.parametrize(("cells", "reason"), STOPS)
def test_many_stop_with_the_reason(spark: SparkSession, tmp_path: Path, cells: dict[str, str], reason: str) -> None:
    with pytest.raises(DataError) as caught:
        prepare(spoilt(60, **cells), tmp_path)
    message = str(caught.value)
    assert "60 of 1,000 lines (6.0%, with " in message
    assert f"60 of them for this reason: {reason}" in message
    assert message.endswith("or raise 'transactions.stop_above' to go on without them.")
    assert not (tmp_path / "quarantine.parquet").exists()


def test_what_was_asked_for_or_is_worth_nothing_is_no_loss(spark: SparkSession, tmp_path: Path) -> None:
    rows = spoilt(200, UnitPrice="0")
    rows[:100] = [[*row[:1], "POST", *row[2:]] for row in rows[:100]]
    prepared = prepare(rows, tmp_path, end=FIRST + timedelta(days=7 * WEEKS - 8))
    assert set(prepared.quality["quarantine"]) == {"price_of_zero", "code_that_is_no_product", "after_end"}


@pytest.mark.parametrize(
    "below",
    [
        [[""] * 8] * 120,
        [["Total", "", "", "2000", "", "6000", "", ""]],
        [[""] * 8, ["", "", "Grand total", "2000", "", "", "", ""], [""] * 8],
    ],
    ids=["blank rows", "total", "total among blank rows"],
)
def test_blank_rows_and_totals_are_no_lines(spark: SparkSession, tmp_path: Path, below: list[list[str]]) -> None:
    prepared = prepare([*sales(), *below], tmp_path)
    assert {reason: part["lines"] for reason, part in prepared.quality["quarantine"].items()} == {
        "blank_or_total": len(below)
    }
    assert prepared.quality["waterfall"][-1]["revenue"] == 6.0 * LINES


@pytest.mark.parametrize(
    "written",
    [("£3.00", "$1,200.50"), ("3.00 EUR", "1 200.50 EUR"), ("3", "1'200.50")],
    ids=["signs before", "codes behind", "apostrophes"],
)
def test_prices_as_people_write_them(spark: SparkSession, tmp_path: Path, written: tuple[str, str]) -> None:
    rows = [[*row[:5], written[0], *row[6:]] for row in sales()]
    rows[500][5] = written[1]
    prepared = prepare(rows, tmp_path)
    assert prepared.quality["waterfall"][0]["revenue"] == 6.0 * (LINES - 1) + 2401.0


# --- duplicates -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("again", "cells"),
    [(range(0, 40), {}), (range(500, 511), {}), (range(7, 8), {"Quantity": "40"})],
    ids=["scanned twice", "a little over 1%", "one dear line"],
)
def test_money_in_duplicates_is_asked_about(
    spark: SparkSession, tmp_path: Path, again: range, cells: dict[str, str]
) -> None:
    rows = sales()
    for i in again:
        for name, cell in cells.items():
            rows[i][reference.HEADER.index(name)] = cell
    rows += [rows[i] for i in again]
    worth = sum(float(rows[i][3]) * float(rows[i][5]) for i in again)
    with pytest.raises(DataError) as caught:
        prepare(rows, tmp_path)
    assert f"{len(again)} of {len(rows):,} lines, with " in str(caught.value)
    assert f"of the money ({worth:,.2f}), repeat another one exactly" in str(caught.value)
    assert "say 'transactions.duplicates: keep'" in str(caught.value)
    dropped, kept = (prepare(rows, tmp_path, duplicates=answer) for answer in ("drop", "keep"))
    assert kept.frame["revenue"].sum() - dropped.frame["revenue"].sum() == pytest.approx(worth)


def test_few_duplicates_are_dropped(spark: SparkSession, tmp_path: Path) -> None:
    prepared = prepare([*sales(), *sales()[:9]], tmp_path)
    assert prepared.quality["quarantine"] == {"exact_duplicate": {"lines": 9, "revenue": 54.0}}


# --- the books balance ------------------------------------------------------------------------------

CELLS = {
    "InvoiceNo": st.sampled_from(["7", "C8", "", " \t"]),
    "StockCode": st.sampled_from(["20007", "POST", "", "\u00a0"]),
    "Description": st.sampled_from(["MUG", 'a "b"', "x,\ny", ""]),
    "Quantity": st.sampled_from(["1", "-2", "0", "1.5", "two", "", "NaN", "1e2", "99999999"]),
    "InvoiceDate": st.sampled_from(["2/1/2023 9:00", "13/1/2023 9:00", "", "1/1/1900 0:00", "1/2/2023 0:00", "x"]),
    "UnitPrice": st.sampled_from(["1", "0.015", "0", "-3", "3.", "", "free"]),
    "CustomerID": st.sampled_from(["12", "", "\ufeff"]),
    "Country": st.sampled_from(["France", "FRANCE ", "", "Peru"]),
}


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(dirty=st.lists(st.tuples(*CELLS.values()).map(list), max_size=40), duplicates=st.sampled_from(["keep", "drop"]))
def test_the_books_balance(spark: SparkSession, tmp_path: Path, dirty: list[list[str]], duplicates: str) -> None:
    """Every line and every penny that was read is in the panel, in a partial week, or put aside for one reason."""
    rows = [*sales(), *dirty]
    prepared = prepare(rows, tmp_path, duplicates=duplicates, warn_above=1.0, stop_above=1.0)
    read, *parts, panel = [
        (step["lines"], Decimal(str(step["revenue"])), step["unknown"])
        for step in prepared.quality["waterfall"]
        if step["code"] != "lines.kept"
    ]
    assert read[0] == len(rows)
    assert tuple(map(sum, zip(read, *parts, strict=True))) == panel
    lines = reference.judge(rows, duplicates=duplicates)
    assert read[1] == sum(line.revenue for line in lines)
    assert read[2] == sum(line.quantity is None or line.price is None for line in lines)
    assert float(panel[1]) == pytest.approx(prepared.frame["revenue"].sum())
    aside = pd.read_parquet(tmp_path / "quarantine.parquet")
    partial = sum(-step["lines"] for step in prepared.quality["waterfall"] if step["code"] == "lines.partial_week")
    assert len(aside) == len(rows) - panel[0] - partial
    assert aside["reason"].value_counts().to_dict() == {
        reason: part["lines"] for reason, part in prepared.quality["quarantine"].items()
    }


def test_a_finding_names_every_reason(spark: SparkSession, tmp_path: Path) -> None:
    rows = spoilt(9, UnitPrice="")
    rows[10][3] = "x"
    with pytest.raises(MMMWarning) as caught:
        prepare(rows, tmp_path)
    assert word(caught.value.finding).endswith(
        "cannot be used: missing or unparseable price, missing or unparseable quantity."
    )
    prepared = prepare(rows, tmp_path, warn_above=0.02)
    assert Finding(**prepared.quality["notes"][0]).code != "data.unusable"
