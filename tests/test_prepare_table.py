"""The weekly table against a line-by-line recomputation, and the summary that comes with it."""

import csv
import gzip
import json
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import prepare_reference as reference
import pytest
from pyspark.sql import SparkSession

from mmm_bayes.config import Config, make_config
from mmm_bayes.findings import Finding
from mmm_bayes.panel import save_panel
from mmm_bayes.prepare import Prepared, weekly_table
from mmm_bayes.report.words import word
from mmm_bayes.simulate.transactions import write_sample

pytestmark = pytest.mark.usefixtures("compiled")

START = date(2022, 9, 2)
DIRTY = [  # invoice, product, text, quantity, date, price, customer, country, reason
    ("510001", "20007", "MUG", "2", "11/7/2022 9:00", "3.5", "12100", "United Kingdom", None),
    ("510001", "20007", "MUG", "2", "11/7/2022 9:00", "3.5", "12100", "United Kingdom", "exact_duplicate"),
    ("510001", "20007", "MUG", "2", "11/7/2022 9:00", "3.50", "12100", "United Kingdom", None),
    ("510002", "20007", "MUG", "2", "13/7/2022 9:00", "3.5", "12100", "France", "missing_or_unparseable_date"),
    ("510002", "20007", "MUG", "2", "", "3.5", "12100", "France", "missing_or_unparseable_date"),
    ("510002", "20007", "MUG", "2", "2/29/2023 9:00", "3.5", "12100", "France", "missing_or_unparseable_date"),
    ("", "20007", "MUG", "2", "11/7/2022 9:01", "3.5", "12100", "France", "missing_invoice"),
    ("  ", "20007", "MUG", "2", "11/7/2022 9:01", "3.5", "12100", "France", "missing_invoice"),
    ("510003", "", "MUG", "2", "11/7/2022 9:02", "3.5", "12100", "France", "missing_product"),
    ("510003", "20007", "MUG", "two", "11/7/2022 9:02", "3.5", "", "France", "missing_or_unparseable_quantity"),
    ("510003", "20007", "MUG", "NaN", "11/7/2022 9:02", "3.5", "", "France", "missing_or_unparseable_quantity"),
    ("510003", "20007", "MUG", "2", "11/7/2022 9:02", "3,5", "", "France", "missing_or_unparseable_price"),
    ("510003", "20007", "MUG", "2", "11/7/2022 9:02", "", "", "France", "missing_or_unparseable_price"),
    ("510003", "20007", "MUG", "0", "11/7/2022 9:02", "3.5", "", "France", "quantity_of_zero"),
    ("510003", "20007", "MUG", "1", "11/7/2022 9:02", "-3.5", "", "France", "negative_price"),
    ("510003", "20007", "MUG", "1", "11/7/2022 9:02", "0.00", "", "France", "price_of_zero"),
    ("510004", "POST", "POSTAGE", "1", "11/7/2022 9:03", "18", "", "France", "code_that_is_no_product"),
    ("510004", " m ", "Manual", "1", "11/7/2022 9:03", "18", "", "France", "code_that_is_no_product"),
    ("510004", "gift_0001_10", "Voucher", "1", "11/7/2022 9:03", "8.3", "", "France", "code_that_is_no_product"),
    ("510004", "POSTCARD", "Postcard", "1", "11/7/2022 9:03", "0.3", "", "France", None),
    ("510005", "20007", "MUG", "1", "1/1/1900 0:00", "3.5", "", "France", "before_start"),
    ("510005", "20007", "MUG", "1", "9/1/2022 23:59", "3.5", "", "France", "before_start"),
    ("510005", "20007", "MUG", "1", "9/2/2022 0:00", "3.5", "", "France", None),
    ("510005", "20007", "MUG", "1", "3/5/2023 23:59", "3.5", "", "France", None),  # see the test of 'end'
    ("510005", "20007", "MUG", "1", "3/6/2023 0:00", "3.5", "", "France", None),
    ("510006", "20007", 'MUG, "BIG"', " 3 ", " 11/8/2022 9:00 ", " 3.25 ", "", "  FRANCE ", None),
    ("C510007", "20007", "MUG", "-2", "11/16/2022 9:00", "3.5", "12100", "United Kingdom", None),
    ("C510008", "20007", "MUG", "2", "11/17/2022 9:00", "3.5", "12100", "united  kingdom", None),
    ("C510009", "20007", "MUG", "-2", "11/6/2022 9:00", "3.5", "12100", "United Kingdom", None),
    ("510010", "20007", "MUG", "-1", "11/18/2022 9:00", "3.5", "", "United Kingdom", None),
    ("510011", "20014", "TIN", "1.5", "11/18/2022 9:00", "0.0125", "12101", "", None),
]


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    path = write_sample(tmp_path_factory.mktemp("sample") / "sample.csv.gz", lines=4000, weeks=30, seed=3)
    return reference.read_rows(path) + [list(line[:8]) for line in DIRTY]


@pytest.fixture(scope="session")
def file(rows: list[list[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("dirty") / "lines.csv.gz", rows)


@pytest.fixture(scope="module")
def prepared(compiled: None, file: Path) -> Prepared:
    return prepare(file, file.parent)


def write_rows(path: Path, rows: list[list[str]], **settings: Any) -> Path:
    with gzip.open(path, "wt", encoding="utf-8", newline="") as target:
        csv.writer(target, lineterminator="\n", **settings).writerows([reference.HEADER, *rows])
    return path


def config(path: Path | str, **transactions: Any) -> Config:
    known = {"duplicates": "drop", "warn_above": 0.5, "stop_above": 0.5}  # the lines are dirty on purpose
    settings = {"path": str(path), "preset": "online_retail", "start": START, **known, **transactions}
    return make_config({"name": "test", "transactions": settings})


def notes(prepared: Prepared) -> list[str]:
    """Return the notes of a summary in words."""
    return [word(Finding(**note)) for note in prepared.quality["notes"]]


def prepare(path: Path | str, folder: Path, **transactions: Any) -> Prepared:
    return weekly_table(config(path, **transactions), folder / "quarantine.parquet")


def assert_same(prepared: Prepared, expected: reference.Table) -> None:
    """Every measure of every geo and week, exactly."""
    frame = prepared.frame
    assert sorted(frame["geo"].unique()) == expected.geos
    assert len(frame) == len(expected.geos) * len(expected.weeks)
    for row in frame.to_dict("records"):
        week = row["week"].date()
        cell = expected.cells.get((row["geo"], week), reference.Cell())
        assert row["filled"] == (cell.lines == 0)
        assert row["revenue"] == float(cell.revenue)
        assert row["units"] == float(cell.units)
        assert row["orders"] == len(cell.orders)
        assert row["customers"] == len(cell.customers - {""})
        assert row["trading_days"] == len(expected.open_days[week])
        if cell.sold_units:
            assert row["average_price"] == pytest.approx(float(cell.sold_revenue / cell.sold_units), rel=1e-12)
        else:
            assert row["average_price"] > 0


def by_step(prepared: Prepared) -> dict[str, tuple[int, Decimal]]:
    return {
        word(Finding(step["code"], step["values"])): (step["lines"], Decimal(str(step["revenue"])))
        for step in prepared.quality["waterfall"]
    }


def test_table_equals_line_by_line_recomputation(prepared: Prepared, rows: list, file: Path) -> None:
    lines = reference.judge(rows, START)
    expected = reference.tabulate(lines)
    assert_same(prepared, expected)
    assert prepared.columns.kpi == "revenue"
    assert prepared.columns.geo == "geo"
    assert prepared.columns.controls == ("trading_days",)
    assert prepared.frame["geo"].iloc[0] == "United Kingdom"
    assert prepared.frame["geo"].iloc[-1] == "Rest"
    assert prepared.quality["weeks"]["count"] == len(expected.weeks) == 30
    assert prepared.quality["weeks"]["filled"] == ["2022-12-26"]


def test_each_line_is_kept_or_put_aside_once(prepared: Prepared, rows: list, file: Path) -> None:
    lines = reference.judge(rows, START)
    aside = pd.read_parquet(file.parent / "quarantine.parquet")
    assert list(aside.columns) == [*reference.HEADER, "_corrupt_record", "reason"]
    found = Counter(
        (row["reason"], *(row[name] or "" for name in reference.HEADER))
        for row in aside.to_dict("records")
        if row["reason"] != "malformed_line"
    )
    wanted = Counter((line.reason, *line.raw) for line in lines if line.reason not in (None, "malformed_line"))
    assert found == wanted
    malformed = aside[aside["reason"] == "malformed_line"]["_corrupt_record"]
    assert sorted(malformed) == sorted(",".join(line.raw) for line in lines if line.reason == "malformed_line")
    counts = Counter(line.reason for line in lines if line.reason)
    assert {reason: part["lines"] for reason, part in prepared.quality["quarantine"].items()} == counts
    for *raw, reason in DIRTY:
        assert reason is None or (reason, *raw) in found


def test_waterfall_adds_up_exactly(prepared: Prepared, rows: list, file: Path) -> None:
    steps = prepared.quality["waterfall"]
    lines, revenue = 0, Decimal(0)
    for step in steps:
        if step["total"] and step is not steps[0]:
            assert (step["lines"], Decimal(str(step["revenue"]))) == (lines, revenue)
        else:
            lines, revenue = lines + step["lines"], revenue + Decimal(str(step["revenue"]))
    judged = reference.judge(rows, START)
    assert steps[0]["lines"] == len(judged)
    assert Decimal(str(steps[0]["revenue"])) == sum(line.revenue for line in judged)
    expected = reference.tabulate(judged)
    assert steps[-1]["lines"] == sum(cell.lines for cell in expected.cells.values())
    assert prepared.frame["revenue"].sum() == pytest.approx(steps[-1]["revenue"], rel=1e-12)
    partial = {step["values"]["week"]: -step["lines"] for step in steps if step["code"] == "lines.partial_week"}
    assert partial == {str(week): count for week, count in expected.outside.items()}


def test_raw_facts_before_any_filter(prepared: Prepared, rows: list, file: Path) -> None:
    raw = prepared.quality["raw"]
    lines = reference.judge(rows, START)
    sales = [x for x in lines if not x.cancelled and (x.quantity or 0) > 0 and (x.price or 0) > 0]
    assert raw["invoices"] == len({line.invoice for line in lines} - {""})
    assert raw["customers"] == len({line.customer for line in lines} - {""})
    assert raw["lines_without_customer"] == sum(not line.customer for line in lines)
    assert raw["cancellation_lines"] == sum(line.invoice.startswith("C") for line in lines)
    assert raw["exact_duplicates"] == sum(line.repeated for line in lines)
    assert raw["sales_lines"] == len(sales)
    assert Decimal(str(raw["sales_revenue"])) == sum(line.revenue for line in sales)


def test_cancellations_in_the_week_of_their_order(prepared: Prepared, rows: list, file: Path, tmp_path: Path) -> None:
    own, prepared = prepared, prepare(file, tmp_path, cancellations="order_week")
    lines = reference.judge(rows, START)
    unmatched = reference.book(lines)
    assert_same(prepared, reference.tabulate(lines))
    cancellations = prepared.quality["cancellations"]
    kept = [line for line in lines if line.reason is None and line.cancelled]
    assert cancellations["unmatched"] == unmatched > 0
    assert cancellations["lines"] == len(kept) > unmatched
    assert Decimal(str(cancellations["revenue"])) == sum(line.revenue for line in kept)
    assert any("match no order" in note for note in notes(prepared))
    assert own.quality["cancellations"]["unmatched"] == 0
    assert own.frame["revenue"].tolist() != prepared.frame["revenue"].tolist()


@pytest.mark.parametrize(("name", "number"), [("sunday", 6), ("thursday", 3)])
def test_week_start(spark: SparkSession, rows: list, file: Path, tmp_path: Path, name: str, number: int) -> None:
    prepared = prepare(file, tmp_path, week_start=name)
    assert_same(prepared, reference.tabulate(reference.judge(rows, START), first_weekday=number))
    assert set(prepared.frame["week"].dt.dayofweek) == {number}


def test_options_of_grouping(spark: SparkSession, rows: list, file: Path, tmp_path: Path) -> None:
    lines = reference.judge(rows, START)
    assert_same(prepare(file, tmp_path, top_n=2), reference.tabulate(lines, top_n=2))
    everyone = prepare(file, tmp_path, top_n=None, min_active=0.01)
    assert_same(everyone, reference.tabulate(lines, top_n=99, min_active=0.01))
    assert "Rest" in set(everyone.frame["geo"])  # of the line without a country
    national = prepare(file, tmp_path, geo_level="national")
    assert_same(national, reference.tabulate(lines, national=True))
    assert national.quality["holidays"]["countries"] == {"national": "GB-ENG"}


def test_quiet_geos_join_the_rest(spark: SparkSession, rows: list, file: Path, tmp_path: Path) -> None:
    lines = reference.judge(rows, START)
    expected = reference.tabulate(lines, top_n=9, min_active=0.9)
    prepared = prepare(file, tmp_path, top_n=9, min_active=0.9, rest="Others")
    expected.cells = {("Others" if geo == "Rest" else geo, week): cell for (geo, week), cell in expected.cells.items()}
    expected.geos = sorted("Others" if geo == "Rest" else geo for geo in expected.geos)
    assert_same(prepared, expected)
    assert prepared.quality["geos"]["too_quiet"]
    assert any("joined 'Others'" in note for note in notes(prepared))
    shares = [group["revenue_share"] for group in prepared.quality["geos"]["groups"]]
    assert sum(shares) == pytest.approx(1)


def test_duplicates_and_codes_can_be_kept(spark: SparkSession, rows: list, file: Path, tmp_path: Path) -> None:
    prepared = prepare(file, tmp_path, duplicates="keep", non_product_codes=["nothing*"])
    assert "exact_duplicate" not in prepared.quality["quarantine"]
    assert "code_that_is_no_product" not in prepared.quality["quarantine"]
    lines = [line for line in reference.judge(rows, START, duplicates="keep")]
    for line in lines:
        line.reason = None if line.reason == "code_that_is_no_product" else line.reason
    assert_same(prepared, reference.tabulate(lines))


def test_own_columns_have_no_hidden_rules(spark: SparkSession, rows: list, tmp_path: Path) -> None:
    """Without a preset no invoice is a cancellation for its first letter, and no code is dropped."""
    usable = [row for row in rows if len(row) == 8]
    path = write_rows(tmp_path / "lines.csv.gz", usable, delimiter=";")
    columns = {"invoice": "InvoiceNo", "product": "StockCode", "quantity": "Quantity", "date": "InvoiceDate"}
    columns |= {"price": "UnitPrice"}
    prepared = prepare(path, tmp_path, preset=None, columns=columns, date_format="%m/%d/%Y %H:%M", separator=";")
    lines = reference.judge(usable, START)
    for line in lines:
        line.reason = None if line.reason == "code_that_is_no_product" else line.reason
        line.cancelled = line.quantity is not None and line.raw[3].strip().startswith("-")
        line.quantity = (
            -line.quantity if line.quantity is not None and not line.cancelled and line.quantity < 0 else line.quantity
        )
        line.geo = line.customer = ""
    assert_same(prepared, reference.tabulate(lines, national=True))
    assert prepared.columns.holidays == ()
    assert any("No country is known" in note for note in notes(prepared))


def test_end_leaves_out_later_lines(spark: SparkSession, rows: list, file: Path, tmp_path: Path) -> None:
    prepared = prepare(file, tmp_path, end=date(2023, 3, 5))
    lines = reference.judge(rows, START)
    for line in lines:
        if line.reason is None and line.at.date() > date(2023, 3, 5):
            line.reason = "after_end"
    assert_same(prepared, reference.tabulate(lines))
    assert prepared.quality["weeks"]["last"] == "2023-02-27"
    assert prepared.quality["quarantine"]["after_end"]["lines"] > 0


def test_summary_is_json_and_panel_can_be_saved(prepared: Prepared, tmp_path: Path) -> None:
    assert json.loads(json.dumps(prepared.quality, allow_nan=False)) == prepared.quality
    frame = prepared.frame.assign(spend_tv=prepared.frame["revenue"].clip(lower=0) * 0.1)
    columns = prepared.columns.model_copy(update={"spend": {"tv": "spend_tv"}})
    panel = save_panel(frame, columns, tmp_path, "test")
    assert panel.weeks[0] == pd.Timestamp("2022-09-05")
    assert np.isfinite(panel.data["holidays"]).all()


def test_second_run_gives_the_same_and_tells_progress(prepared: Prepared, file: Path, tmp_path: Path) -> None:
    told = []
    again = weekly_table(config(file), tmp_path / "q.parquet", lambda message, done: told.append((message, done)))
    assert again.frame.to_csv() == prepared.frame.to_csv()
    assert again.quality == prepared.quality
    assert told[0] == ("starting Spark", None)
    assert all(done is None or 0 <= done <= 1 for _, done in told)


def test_edges_that_are_whole_weeks_stay(spark: SparkSession, tmp_path: Path) -> None:
    days = [date(2023, 1, 2) + timedelta(days=n) for n in range(7 * 20)]  # a Monday to a Sunday
    rows = [[f"{i}", "1", "x", "1", f"{d.month}/{d.day}/{d.year} 8:00", "2", "", "France"] for i, d in enumerate(days)]
    prepared = prepare(write_rows(tmp_path / "days.csv.gz", rows), tmp_path)
    assert prepared.quality["weeks"]["count"] == 20
    assert prepared.quality["weeks"]["dropped_partial"] == []
    assert prepared.frame["trading_days"].eq(7).all()
    assert prepared.columns.controls == ()  # it never changes
    assert list(prepared.frame["geo"].unique()) == ["France"]
