"""Runs that read only new files find, to the cent, what one run over all files finds; else they read all of them."""

import csv
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from mmm_bayes import pipeline
from mmm_bayes.config import Config, make_config
from mmm_bayes.errors import ConfigError, DataError
from mmm_bayes.findings import Finding
from mmm_bayes.prepare import increment, load_prepared, read
from mmm_bayes.prepare.read import Source
from mmm_bayes.report.words import word

FIRST, WEEKS = datetime(2023, 1, 2, 9), 22
COLUMNS = {name: name for name in ("invoice", "product", "quantity", "date", "price", "customer", "geo")}
Row = tuple[str, ...]


def at(days: float) -> str:
    return f"{FIRST + timedelta(days=days):%Y-%m-%d %H:%M}"


def usual(first: int = 0, weeks: int = WEEKS, seed: int = 1) -> list[Row]:
    """Weeks of a shop with two geos, some customers without a name and some lines that cannot be used."""
    rng = np.random.default_rng([seed, first])
    rows: list[Row] = []
    for day in range(7 * first, 7 * (first + weeks)):
        for n in range(int(rng.integers(4, 8))):
            customer, geo = f"c{rng.integers(60)}" if rng.random() < 0.8 else "", ("North", "South", " south ")[n % 3]
            for _ in range(int(rng.integers(1, 4))):
                quantity, price = str(rng.integers(1, 6)), f"{rng.integers(1, 900) / 100:.2f}"
                rows.append((f"I{day}-{n}", f"P{rng.integers(9)}", quantity, at(day + n / 24), price, customer, geo))
        if rng.random() < 0.3:
            rows.append((f"I{day}-0", "POST", "1", at(day), "4.90", "", "North"))
            rows.append((f"C{day}", "P1", "-2", at(day), "3.00", "c1", "South"))
            rows.append((f"I{day}-x", "P1", "0", at(day), "oops", "c1", "South"))
    return rows


ENOUGH = usual()


def write(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([list(COLUMNS), *rows])


@dataclass
class Shop:
    """A folder of files and the runs over it."""

    root: Path

    def add(self, name: str, rows: list[Row]) -> None:
        write(self.root / "lines" / name, rows)

    def config(self, **transactions: Any) -> Config:
        known = {"path": "lines", "columns": COLUMNS, "duplicates": "drop", "non_product_codes": ["POST"]}
        known |= {"min_active": 0.1, "stop_above": 1, "warn_above": 1, "incremental": True}
        raw = {"name": "shop", "transactions": {**known, **transactions}, "simulate": {}}
        return make_config(raw, folder=self.root)

    def run(self, root: str = "step_by_step", **transactions: Any) -> Path:
        pipeline.prepare(self.config(**transactions), self.root / root)
        return self.root / root / "data" / "shop"

    def told(self) -> list[str]:
        quality = json.loads((self.root / "step_by_step/data/shop/quality.json").read_text(encoding="utf-8"))
        found = [Finding(**note) for note in quality["notes"] if note["code"].startswith("increment.")]
        return [word(one) for one in found]

    def assert_same(self, **transactions: Any) -> None:
        """What the runs have come to is what one run over all files comes to."""
        shutil.rmtree(self.root / "whole", ignore_errors=True)
        found, expected = self.root / "step_by_step/data/shop", self.run("whole", **transactions)
        assert (found / "panel.parquet").read_bytes() == (expected / "panel.parquet").read_bytes()
        pd.testing.assert_frame_equal(load_prepared(found).frame, load_prepared(expected).frame)
        kinds = ("increment.", "data.since")
        of_runs, of_one = (json.loads((folder / "quality.json").read_text()) for folder in (found, expected))
        for quality in (of_runs, of_one):
            quality["notes"] = [note for note in quality["notes"] if not note["code"].startswith(kinds)]
        assert of_runs == of_one
        pd.testing.assert_frame_equal(put_aside(found), put_aside(expected))


def put_aside(folder: Path) -> pd.DataFrame:
    table = pd.read_parquet(folder / "quarantine.parquet").astype(object).fillna("")
    return table.sort_values(list(table), ignore_index=True)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop(tmp_path)
    made.add("2023-01.csv", ENOUGH)
    return made


@pytest.fixture
def read_files(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files that were read as new ones."""
    names: list[str] = []
    before = increment.only

    def noted(source: Source, files: list[str]) -> Source:
        names.extend(Path(file).name for file in files)
        return before(source, files)

    monkeypatch.setattr(increment, "only", noted)
    return names


def test_late_lines_copies_and_new_geos_come_to_the_same(
    spark: SparkSession, shop: Shop, read_files: list[str]
) -> None:
    broken = ("I5-0", "a line that broke off")
    moved = ("I5-0", "P7", "1", at(5), "3.33")
    shop.add("2023-01.csv", [*ENOUGH, broken, (*moved, "North", "")])
    shop.run()
    assert shop.told() == []
    first = ENOUGH[0]
    late: list[Row] = [
        broken,
        (*moved, "", "North"),  # the same in another column is no copy
        *ENOUGH[10:15],  # a transfer that was made again
        *ENOUGH[10:12],  # and once more
        (first[0], "P8", "3", at(0.9), "2.00", first[5], first[6]),  # of an old invoice, in an old week
        ("L1", "P3", "1", at(3), "9.00", "late", "North"),  # somebody's first, in an old week
        ("L2", "P3", "-1", at(30), "9.00", "late", "North"),
        ("L3", "P3", "5000", at(40), "3.00", "", "North"),  # worth more than weeks
        ("", "P3", "1", at(40), "3.00", "", "North"),
        ("", "P3", "1", at(40), "3.00", "", "North"),
    ]
    shop.add("2023-02.csv", [*usual(WEEKS, 2), *late])
    shop.run()
    assert read_files == ["2023-02.csv"]
    assert shop.told() == ["Of 2 files 1 was new and read; what the others come to was kept from the last run."]
    shop.assert_same()
    read_files.clear()
    again = [
        ("", "P3", "1", at(40), "3.00", "", "North"),
        ("N1", "P1", "9", at(160), "8.00", "late", "New Land"),
        *late,
    ]
    shop.add("2023-03.csv", [*usual(WEEKS + 2, 1), *again])
    shop.add("2023-00.csv", [("E1", "P3", "1", at(1), "9.00", "late", "South"), *ENOUGH[:3]])  # before all others
    shop.run()
    assert sorted(read_files) == ["2023-00.csv", "2023-03.csv"]
    shop.assert_same()
    read_files.clear()
    shop.run(top_n=1)  # which judges no line
    assert read_files == [] and "Of 4 files 0 were new" in shop.told()[0]
    shop.assert_same(top_n=1)


late_rows = st.tuples(
    st.sampled_from(["I3-0", "I3-1", "I50-2", "X1", "X2", ""]),
    st.sampled_from(["P1", "P2", "POST", ""]),
    st.sampled_from(["1", "2", "-1", "0", "", "3000"]),
    st.sampled_from([at(3), at(3.5), at(50), at(153), "", "soon"]),
    st.sampled_from(["1.00", "2.5", "-3", ""]),
    st.sampled_from(["c1", "x1", ""]),
    st.sampled_from(["North", "SOUTH", "West", ""]),
)


def grown(root: Path, files: list[list[Row]], duplicates: str) -> None:
    """Runs after each of several files come to what one run comes to, be it a sentence on why there is no panel."""
    shop = Shop(Path(tempfile.mkdtemp(dir=root)))
    built_upon, said = False, ""
    for number, rows in enumerate([[*ENOUGH, *files[0]], *files[1:]]):
        shop.add(f"{number}.csv", rows)
        said = refusal(shop, "step_by_step", duplicates)
        assert said or built_upon == any("new and read" in told for told in shop.told())
        built_upon |= not said
    assert said == refusal(shop, "whole", duplicates)
    if not said:
        shop.assert_same(duplicates=duplicates)


def refusal(shop: Shop, root: str, duplicates: str) -> str:
    try:
        shop.run(root, duplicates=duplicates)
    except DataError as error:
        return str(error)
    return ""


any_files = st.lists(st.lists(late_rows, max_size=12), min_size=2, max_size=3), st.sampled_from(["drop", "keep"])
unhurried = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=1)


@unhurried
@given(*any_files)
def test_whatever_comes_late_comes_to_the_same(
    spark: SparkSession, tmp_path: Path, files: list[list[Row]], duplicates: str
) -> None:
    grown(tmp_path, files, duplicates)


@pytest.mark.slow
@settings(unhurried, max_examples=25)
@given(*any_files)
def test_whatever_comes_late_comes_to_the_same_often(
    spark: SparkSession, tmp_path: Path, files: list[list[Row]], duplicates: str
) -> None:
    grown(tmp_path, files, duplicates)


CHANGES: dict[str, tuple[Callable[[Shop], Any], dict[str, Any], str]] = {
    "an old file": (lambda s: s.add("2023-01.csv", ENOUGH[5:]), {}, "2023-01.csv has changed since the last run"),
    "a file less": (lambda s: (s.root / "lines/2023-02.csv").unlink(), {}, "2023-02.csv is no longer among the files"),
    "a setting": (lambda _: None, {"non_product_codes": ["P1"]}, "Settings that decide how lines are judged"),
    "duplicates": (lambda _: None, {"duplicates": "keep"}, "Settings that decide how lines are judged"),
    "other spaces": (
        lambda s: s.add("2023-00.csv", [("N", "P1", "1", at(3), "1.5", "", "\u00a0North")]),
        {},
        "the way in which files are written",
    ),
    "what was kept is damaged": (
        lambda s: (s.root / "step_by_step/data/shop/kept.json").write_text("{}"),
        {},
        "",
    ),
}


MAIN = ["an old file", "a file less", "a setting"]


@pytest.mark.parametrize(
    "change", [*MAIN, *(pytest.param(name, marks=pytest.mark.slow) for name in CHANGES if name not in MAIN)]
)
def test_what_cannot_be_built_upon_is_read_again(
    change: str, spark: SparkSession, shop: Shop, read_files: list[str]
) -> None:
    shop.add("2023-02.csv", usual(WEEKS, 1))
    shop.run()
    make, settings, told = CHANGES[change]
    make(shop)
    shop.run(**settings)
    assert read_files == []
    assert told in "".join(shop.told())
    shop.assert_same(**settings)
    shop.add("2023-03.csv", usual(WEEKS + 1, 1))
    shop.run(**settings)
    assert read_files == ["2023-03.csv"]
    shop.assert_same(**settings)


def test_line_breaks_in_a_new_file_alone_are_found(
    spark: SparkSession, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.run()
    looked_at: list[str] = []
    look = read._may_break_lines
    monkeypatch.setattr(read, "_may_break_lines", lambda file: looked_at.append(Path(file).name) or look(file))
    shop.add("2023-02.csv", usual(WEEKS, 1))
    shop.run()
    assert looked_at == ["2023-02.csv"]
    shop.add("2023-03.csv", [*usual(WEEKS + 1, 1), ("B1", 'P "1"\nof two lines', "1", at(160), "3.00", "", "North")])
    shop.run()
    assert looked_at == ["2023-02.csv", "2023-03.csv"] and "the way in which files are written" in shop.told()[0]
    shop.assert_same()


def test_stray_dates_are_found_over_all_weeks(spark: SparkSession, shop: Shop) -> None:
    shop.run()
    shop.add("2023-02.csv", [*usual(WEEKS, 1), ("S", "P1", "1", "1999-01-01 10:00", "1.00", "", "North")])
    shop.run()
    assert "Dates are stray" in shop.told()[0]
    shop.assert_same()
    assert not (shop.root / "step_by_step/data/shop/kept.parquet").exists()
    shop.add("2023-03.csv", usual(WEEKS + 1, 1))
    shop.run()
    assert "Dates are stray" in shop.told()[0]
    shop.assert_same()


def test_what_becomes_large_as_the_usual_week_becomes_small_is_found(
    spark: SparkSession, tmp_path: Path, read_files: list[str]
) -> None:
    shop = Shop(tmp_path)
    week = sum(float(row[2]) * float(row[4]) for row in ENOUGH if "P" in row[1] and row[4] != "oops") / WEEKS
    shop.add("1.csv", [*ENOUGH, ("M", "P5", "1", at(60), f"{week / 8:.2f}", "", "North")])
    shop.run()
    cheap = [(*row[:4], f"{float(row[4]) / 10:.2f}", *row[5:]) for row in usual(WEEKS, 80) if row[4] != "oops"]
    shop.add("2.csv", cheap)
    shop.run()
    assert read_files == ["2.csv"]
    shop.assert_same()
    quality = json.loads((shop.root / "step_by_step/data/shop/quality.json").read_text())
    large = next(note for note in quality["notes"] if note["code"] == "data.large_lines")
    assert large["values"]["lines"][0]["invoice"] == "M"


def test_parquet_of_other_columns_and_without_any_new_file(
    spark: SparkSession, tmp_path: Path, read_files: list[str]
) -> None:
    shop = Shop(tmp_path)
    (tmp_path / "lines").mkdir()
    table = pd.DataFrame(ENOUGH, columns=list(COLUMNS))
    table.to_parquet(tmp_path / "lines/a.parquet", index=False)
    shop.run()
    pd.DataFrame(usual(WEEKS, 1), columns=list(COLUMNS)).to_parquet(tmp_path / "lines/b.parquet", index=False)
    shop.run()
    assert read_files == ["b.parquet"]
    shop.assert_same()
    more = pd.DataFrame(usual(WEEKS + 1, 1), columns=list(COLUMNS)).assign(shop="A")
    more.to_parquet(tmp_path / "lines/c.parquet", index=False)
    shop.run()
    assert shop.told() == ["New files have other columns than those before, so all lines were read again."]
    shop.assert_same()


def test_what_spark_does_not_read_by_itself_is_read_as_a_whole(spark: SparkSession, tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    (tmp_path / "lines").mkdir()
    pd.DataFrame(ENOUGH, columns=list(COLUMNS)).to_excel(tmp_path / "lines/a.xlsx", index=False, engine="xlsxwriter")
    shop.run()
    assert shop.told()[0].startswith("Nothing is kept for the next run")
    assert not (tmp_path / "step_by_step/data/shop/kept.json").exists()


def test_costs_that_change_are_other_margins(spark: SparkSession, shop: Shop, read_files: list[str]) -> None:
    costs = {"path": "costs.csv", "product": "product", "cost": "cost"}
    (shop.root / "costs.csv").write_text("product,cost\n" + "".join(f"P{n},0.25\n" for n in range(9)))
    shop.run(costs=costs)
    shop.run(costs=costs, kpi="margin")  # another KPI, and what was kept is still there
    shop.add("2023-02.csv", usual(WEEKS, 1))
    shop.run(costs=costs, kpi="margin")
    assert read_files == ["2023-02.csv"]
    shop.assert_same(costs=costs, kpi="margin")
    (shop.root / "costs.csv").write_text("product,cost\n" + "".join(f"P{n},0.5\n" for n in range(8)))
    shop.run(costs=costs, kpi="margin")
    assert "the costs or the version" in shop.told()[0]
    shop.assert_same(costs=costs, kpi="margin")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"cancellations": "order_week"}, r"cannot be had with 'cancellations' as order_week, which needs all lines"),
        ({"format": "orc"}, r"is for files, and Spark reads these data by its own rules; leave it out"),
    ],
)
def test_what_cannot_be_incremental(wrong: dict[str, Any], told: str, shop: Shop) -> None:
    with pytest.raises(ConfigError, match=rf"'transactions\.incremental' {told}"):
        shop.config(**wrong)


# --- beside the last run ------------------------------------------------------------------------


def since(folder: Path) -> dict[str, Any] | None:
    notes = json.loads((folder / "quality.json").read_text(encoding="utf-8"))["notes"]
    return next((note["values"] for note in notes if note["code"] == "data.since"), None)


@pytest.mark.parametrize("incremental", [True, False])
def test_what_is_new_since_the_last_run_is_told(incremental: bool, spark: SparkSession, shop: Shop) -> None:
    assert since(shop.run(incremental=incremental)) is None
    assert since(shop.run(incremental=incremental)) is None  # nothing is new
    more = [(f"N{n}", "P1", "1", at(155 + n % 7), "8.00", "c1", "New Land") for n in range(400)]
    more += [(f"N{n}", "gift_9", "1", at(155), "8.00", "c1", "North") for n in range(3)]
    shop.add("2023-02.csv", more)
    codes = ["POST", "gift_*"]
    folder = shop.run(incremental=incremental, non_product_codes=codes)
    told = since(folder)
    assert told is not None and told["geos"] == ["New Land"] and told["codes"] == ["gift_9"]
    for lines, aside, rows in (("lines_then", "aside_then", ENOUGH), ("lines_now", "aside_now", [*ENOUGH, *more])):
        table = pd.DataFrame(rows, columns=list(COLUMNS)).drop_duplicates()
        kept = table[
            ~table["product"].isin(["POST", "gift_9"]) & (table["price"] != "oops") & (table["quantity"] != "0")
        ]
        assert told[lines] == round(len(kept) / kept["date"].str[:10].nunique())
        assert told[aside] == pytest.approx(1 - len(kept) / len(rows))
    assert "new geos: New Land; new codes that are no products: gift_9." in word(Finding("data.since", told))
    assert since(shop.run(incremental=incremental, non_product_codes=codes, top_n=1)) is None
