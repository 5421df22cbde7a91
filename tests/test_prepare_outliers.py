"""Slips that can be read are named: lines worth half a week, sales taken back in another week, days that broke off."""

import csv
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from mmm_bayes.config import make_config
from mmm_bayes.findings import Finding
from mmm_bayes.prepare import weekly_table
from mmm_bayes.report.words import word

FIRST = date(2023, 1, 2)
COLUMNS = {name: name for name in ("invoice", "product", "quantity", "date", "price", "customer")}

Line = tuple[str, str, int, date, float, str]


def usual(days: int = 154, a_day: int = 25) -> list[Line]:
    rng = np.random.default_rng(2)
    return [
        (f"A{day}-{n}", f"P{n}", int(rng.integers(1, 5)), FIRST + timedelta(days=day), 10.0, f"c{n}")
        for day in range(days)
        for n in range(a_day)
    ]


def found(lines: list[Line], folder: Path, **settings: Any) -> dict[str, dict[str, Any]]:
    with (folder / "lines.csv").open("w", newline="") as file:
        csv.writer(file).writerows([list(COLUMNS), *lines])
    table = {"path": str(folder / "lines.csv"), "columns": COLUMNS, "duplicates": "keep", **settings}
    prepared = weekly_table(make_config({"name": "x", "transactions": table}), folder / "q.parquet")
    notes = {note["code"]: note["values"] for note in prepared.quality["notes"]}
    for code, values in notes.items():
        assert word(Finding(code, values)).endswith(".")
    return notes


def test_nothing_stands_out_in_a_usual_year(spark: SparkSession, tmp_path: Path) -> None:
    closed = [line for line in usual() if line[3].weekday() != 6]
    assert not {"data.large_lines", "data.taken_back", "data.thin_days"} & found(closed, tmp_path).keys()


def test_one_line_of_trillions(spark: SparkSession, tmp_path: Path) -> None:
    slip = ("B1", "P1", 1_000_000, FIRST + timedelta(days=40), 7_000_000.0, "c1")
    values = found([*usual(), slip], tmp_path)["data.large_lines"]
    assert values["count"] == 1
    assert values["usual"] == pytest.approx(25 * 7 * 2.5 * 10, rel=0.1)
    (line,) = values["lines"]
    assert (line["invoice"], line["day"], line["revenue"]) == ("B1", "2023-02-11", 7e12)


@pytest.mark.parametrize(("later", "named"), [(9, True), (1, False)])
def test_what_is_sold_and_taken_back(spark: SparkSession, tmp_path: Path, later: int, named: bool) -> None:
    """Within one week both even out; in two weeks one is too high and the other too low."""
    sold = ("B1", "P1", 80_995, FIRST + timedelta(days=35), 2.08, "c1")
    back = ("B2", "P1", -80_995, FIRST + timedelta(days=35 + later), 2.08, "c1")
    if not named:
        assert not {"data.large_lines", "data.taken_back"} & found([*usual(), sold, back], tmp_path).keys()
        return
    notes = found([*usual(), sold, back], tmp_path)
    assert "data.large_lines" not in notes
    (pair,) = notes["data.taken_back"]["pairs"]
    assert (pair["sold"]["quantity"], pair["sold"]["day"], pair["back"]["day"]) == (80_995, "2023-02-06", "2023-02-15")
    mended = found([*usual(), sold, back], tmp_path, cancellations="order_week")
    assert not {"data.large_lines", "data.taken_back"} & mended.keys()


def test_days_that_broke_off(spark: SparkSession, tmp_path: Path) -> None:
    """Two days, one of them the last but some; days without any line are closed and not named."""
    thin, closed = {date(2023, 3, 8), date(2023, 5, 30)}, date(2023, 4, 7)
    lines = [line for line in usual() if line[3] != closed and (line[3] not in thin or line[1] in ("P0", "P1"))]
    notes = found(lines, tmp_path)
    assert notes["data.thin_days"]["days"] == ["2023-03-08", "2023-05-30"]


def test_a_shop_of_few_lines_has_no_usual(spark: SparkSession, tmp_path: Path) -> None:
    lines = [line for line in usual(a_day=1) if line[3].weekday() < 2]
    assert "data.large_lines" not in found(lines, tmp_path)
