"""Several KPIs from one pass: margin by a column or a dated table, new and returning customers, against pandas."""

import csv
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from mmm_bayes import pipeline
from mmm_bayes.cli import main
from mmm_bayes.config import Config, as_yaml, make_config
from mmm_bayes.errors import ConfigError, DataError
from mmm_bayes.findings import Finding
from mmm_bayes.prepare import Prepared, load_prepared, table, weekly_table
from mmm_bayes.provenance import load_manifest
from mmm_bayes.report.words import word
from mmm_bayes.workspace import Workspace

FIRST, WEEKS = date(2023, 1, 2), 22
PRODUCTS, GEOS = ("P1", "P2", "P3"), ("North", "South")
COLUMNS = {name: name for name in ("invoice", "product", "quantity", "date", "price", "customer", "geo")}
COSTS = [("P1", date(2023, 1, 1), "1.5"), ("P1", date(2023, 3, 1), "2.25"), ("P2", date(2022, 6, 1), "0.10")]
COSTS += [("P3", date(2023, 1, 15), "3"), ("P3", date(2023, 1, 20), "0"), ("P3", date(2023, 4, 30), "7.125")]


@dataclass(frozen=True)
class Line:
    invoice: str
    product: str
    quantity: int
    date: datetime
    price: str
    customer: str
    geo: str
    cost: str = ""


def usual(a_week: int = 1) -> list[Line]:
    """A sale of each week, product and geo, by a customer of its own."""
    return [
        Line(f"A{week}{geo}{n}", product, 2, day(7 * week + n), "5.00", f"u{geo}{week % 7}", geo, "2")
        for week in range(WEEKS)
        for geo in GEOS
        for n, product in enumerate(PRODUCTS[: a_week + 2])
    ]


def day(after: int, hour: int = 9) -> datetime:
    return datetime(FIRST.year, FIRST.month, FIRST.day, hour) + timedelta(days=after)


def write(folder: Path, lines: list[Line], costs: list[tuple[str, date, str]] = COSTS) -> None:
    with (folder / "lines.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([[*COLUMNS, "cost"], *(list(vars(line).values()) for line in lines)])
    with (folder / "costs.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["sku", "from", "unit"], *costs])


BY_TABLE = {"costs": {"path": "costs.csv", "product": "sku", "valid_from": "from", "cost": "unit"}}
BY_COLUMN = {"columns": {**COLUMNS, "cost": "cost"}}
OWN_GEOS = {"top_n": None, "min_active": 0.01, "duplicates": "keep", "holidays": "none"}


def config(folder: Path, **transactions: Any) -> Config:
    known = {"path": "lines.csv", "columns": COLUMNS, **OWN_GEOS}
    raw = {"name": "kpis", "transactions": {**known, **transactions}, "simulate": {"channels": {"tv": {"share": 0.02}}}}
    return make_config(raw if transactions.get("kpi_value") is None else {**raw, "simulate": None}, folder=folder)


def prepared(folder: Path, **transactions: Any) -> Prepared:
    return weekly_table(config(folder, **transactions), folder / "quarantine.parquet")


# --- the numbers --------------------------------------------------------------------------------


def by_pandas(lines: list[Line], costs: list[tuple[str, date, str]] | None) -> pd.DataFrame:
    """Every KPI by week and geo, with another algorithm: sorted lines, costs looked up by `merge_asof`."""
    frame = pd.DataFrame([vars(line) for line in lines]).sort_values(["date", "geo"], kind="stable")
    frame["week"] = frame["date"].dt.to_period("W").dt.start_time
    frame["day"] = frame["date"].dt.normalize().astype("datetime64[ns]")
    if costs is not None:
        known = pd.DataFrame(costs, columns=["product", "since", "cost"]).astype({"since": "datetime64[ns]"})
        looked_up = pd.merge_asof(
            frame.drop(columns="cost"), known.sort_values("since"), left_on="day", right_on="since", by="product"
        )
        frame = frame.assign(cost=looked_up["cost"].fillna("").to_numpy())
    exact = [
        (Decimal(q) * Decimal(p), Decimal(q) * (Decimal(p) - Decimal(c)) if c else Decimal(0))
        for q, p, c in zip(frame["quantity"], frame["price"], frame["cost"], strict=True)
    ]
    frame[["revenue", "margin"]] = pd.DataFrame(exact, frame.index)
    bought = frame[(frame["quantity"] > 0) & (frame["customer"] != "")]
    buyers = bought.groupby(["week", "geo"])["customer"].agg(set)
    named = frame[frame["customer"] != ""]
    debut = named.groupby("customer")[["week", "geo"]].first()
    rows = []
    for (week, geo), part in frame.groupby(["week", "geo"]):
        here = buyers.get((week, geo), set())
        new = {c for c in here if tuple(debut.loc[c]) == (week, geo)}
        row = {"week": week, "geo": geo, "revenue": float(sum(part["revenue"])), "margin": float(sum(part["margin"]))}
        row |= {"orders": part.loc[part["quantity"] > 0, "invoice"].nunique(), "units": float(part["quantity"].sum())}
        rows.append(row | {"new_customers": len(new), "returning_customers": len(here - new)})
    return pd.DataFrame(rows).set_index(["geo", "week"]).sort_index().astype(float)


drawn = st.builds(
    Line,
    invoice=st.sampled_from(["B1", "B2", "B3", "B4"]),
    product=st.sampled_from(PRODUCTS),
    quantity=st.integers(-3, 4).filter(bool),
    date=st.builds(day, st.integers(0, 7 * WEEKS - 1), st.integers(0, 23)),
    price=st.sampled_from(["0.01", "2.5", "5.00"]),
    customer=st.sampled_from(["", "c1", "c2", "c3", "uNorth1"]),
    geo=st.sampled_from(GEOS),
    cost=st.sampled_from(["", "0", "1.999", "2"]),
)


@pytest.mark.parametrize("way", ["column", "table"])
@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(more=st.lists(drawn, min_size=5, max_size=30))
def test_every_kpi_is_that_of_pandas(spark: SparkSession, tmp_path: Path, way: str, more: list[Line]) -> None:
    end = Line("Z", "P1", 1, day(7 * WEEKS - 1, 23), "5.00", "", "North", "2")
    lines = [*usual(), *more, end]
    write(tmp_path, lines)
    found = prepared(tmp_path, stop_above=1, **(BY_TABLE if way == "table" else BY_COLUMN))
    expected = by_pandas(lines, COSTS if way == "table" else None)
    frame = found.frame.set_index(["geo", "week"]).sort_index()
    pd.testing.assert_frame_equal(frame[list(expected)].astype(float), expected, check_index_type=False, atol=0, rtol=0)
    whole = frame["new_customers"] + frame["returning_customers"]
    assert whole.tolist() == frame["customers"].tolist()
    assert frame["new_customers"].sum() <= len({line.customer for line in lines} - {""})
    without = found.quality["costs"]
    margins = [line for line in lines if _cost(line, way) == ""]
    assert without["lines"] == len(margins)
    assert without["revenue"] == pytest.approx(sum(line.quantity * float(line.price) for line in margins))
    assert set(without["products"]) <= {line.product for line in margins}


def _cost(line: Line, way: str) -> str:
    if way == "column":
        return line.cost
    return next(
        (c for p, since, c in sorted(COSTS, reverse=True) if p == line.product and since <= line.date.date()), ""
    )


def test_a_customer_is_new_once_and_lines_of_nobody_tell_of_none(spark: SparkSession, tmp_path: Path) -> None:
    partly = Line("P", "P1", 1, day(-3), "5.00", "before", "North")  # a week that is no whole one
    more = [
        partly,
        Line("B1", "P1", 1, day(7), "5.00", "before", "North"),
        Line("B2", "P1", 1, day(8), "5.00", "once", "South"),
        Line("B3", "P1", 1, day(9), "5.00", "once", "North"),
        Line("B4", "P1", 1, day(8), "5.00", "", "South"),
        Line("B5", "P1", -1, day(8), "5.00", "returns", "South"),
        Line("B6", "P1", 1, day(15), "5.00", "returns", "South"),
    ]
    plain, found = [], []
    for lines, into in ((usual(), plain), ([*usual(), *more], found)):
        write(tmp_path, lines)
        into.append(prepared(tmp_path).frame.set_index(["geo", "week"])[["new_customers", "returning_customers"]])
    change = found[0] - plain[0].reindex(found[0].index)
    told = {(geo, f"{week:%m-%d}"): tuple(row) for (geo, week), row in change.T.items() if any(row)}
    assert told == {("North", "01-09"): (0, 2), ("South", "01-09"): (1, 0), ("South", "01-16"): (0, 1)}


def test_lines_without_a_cost_are_named_and_stop_the_margin(spark: SparkSession, tmp_path: Path) -> None:
    write(tmp_path, usual(), [row for row in COSTS if row[0] != "P2"])
    config_of_revenue = config(tmp_path, **BY_TABLE)
    found = weekly_table(config_of_revenue, tmp_path / "quarantine.parquet")
    note = next(Finding(**note) for note in found.quality["notes"] if note["code"] == "data.no_cost")
    early = 2 * 2  # P3 before the day of its first cost
    assert note.values["lines"] == 2 * WEEKS + early and note.values["products"] == ["P2", "P3"]
    assert note.values["revenue"] == 10.0 * note.values["lines"]
    assert "48 lines" in word(note) and "480" in word(note) and "P2, P3" in word(note)
    assert found.panel(config_of_revenue.transactions)[1].kpi == "revenue"
    with pytest.raises(
        DataError, match=r"48 of the kept lines \(36\.4%.* those of P2, P3 among them.* add their costs"
    ):
        found.panel(config(tmp_path, **BY_TABLE, kpi="margin").transactions)
    frame, columns = found.panel(config(tmp_path, **BY_TABLE, kpi="margin", stop_above=0.4).transactions)
    assert columns.kpi == "margin" and "new_customers" not in frame


@pytest.mark.parametrize(
    ("costs", "told"),
    [
        ([("P1", "2023-01-01", "-1")], "row 2: the cost is -1; write what a piece costs"),
        ([("P1", "2023-01-01", "")], "row 2: the cost is missing; fill it in, or take the row out"),
        ([("", "2023-01-01", "1")], "row 2: the product is missing"),
        ([("P1", "", "1"), ("P1", "2023-01-01", "1")], "row 2: the date is missing; fill it in"),
        (
            [("P1", "2023-01-01", "1"), ("P1", "2023-01-01", "2")],
            "row 3: product 'P1' has another cost from 2023-01-01 on already; keep one of them",
        ),
    ],
)
def test_costs_that_cannot_be_meant(costs: list, told: str, tmp_path: Path) -> None:
    write(tmp_path, usual(), costs)
    with pytest.raises(DataError, match=f"costs.csv.*{told}"):
        prepared(tmp_path, **BY_TABLE)


# --- the configuration --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"kpi": "margin"}, "'transactions.kpi' is margin, which needs what a piece costs; give its column"),
        ({"kpi": "orders"}, "'transactions.kpi_value' is missing: orders are no money; give the currency that one"),
        ({"kpi_value": 3}, "'transactions.kpi_value' is of no use: revenue is money already; leave it out"),
        ({**BY_COLUMN, **BY_TABLE}, "'transactions.costs' says what 'columns.cost' does; leave one of them out"),
        ({"kpi": "profit"}, "'transactions.kpi' must be 'revenue', 'margin', 'orders'"),
        (
            {"kpi": "new_customers", "kpi_value": 30, "columns": {k: v for k, v in COLUMNS.items() if k != "customer"}},
            "'transactions.kpi' is new_customers, which needs to know who bought; name the column",
        ),
    ],
)
def test_a_kpi_that_cannot_be_had(wrong: dict, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        config(Path(), **wrong)


def test_a_kpi_that_does_not_go_with_the_rest() -> None:
    lines = {"path": "lines.csv", "columns": COLUMNS}
    with pytest.raises(ConfigError, match=r"'transactions\.kpi' is orders, but 'simulate' needs a KPI in currency"):
        make_config({"name": "x", "transactions": {**lines, "kpi": "orders", "kpi_value": 2}, "simulate": {}})
    margin = {**lines, **BY_TABLE, "kpi": "margin"}
    with pytest.raises(ConfigError, match=r"'allocate\.margin' is of no use: the KPI is the margin already"):
        make_config({"name": "x", "transactions": margin, "allocate": {"margin": 0.4}})


# --- another KPI without another pass -----------------------------------------------------------


def no_pass(*_: Any, **__: Any) -> None:
    raise AssertionError("the lines were read again")


def panel_files(root: Path) -> dict[str, bytes]:
    folder = root / "data" / "kpis"
    return {name: (folder / name).read_bytes() for name in ("panel.parquet", "panel.json", "features.parquet")}


def test_another_kpi_needs_no_new_pass(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, varied())
    once, fresh = tmp_path / "once", tmp_path / "fresh"
    pipeline.prepare(config(tmp_path, **BY_TABLE, stop_above=0.9), once)
    of_margin = config(tmp_path, **BY_TABLE, stop_above=0.9, kpi="margin")
    pipeline.prepare(of_margin, fresh)
    (change,) = load_manifest(Workspace("kpis", once)).stale("prepare", of_margin)
    assert change.what == "transactions.kpi was 'revenue' when the panel was prepared, now it is 'margin'"
    assert pipeline.finished(of_margin, "prepare", once) is None
    with monkeypatch.context() as patched:
        patched.setattr(table, "read_lines", no_pass)
        panel = pipeline.prepare(of_margin, once)
    assert panel.kpi_name == "margin"
    assert pipeline.finished(of_margin, "prepare", once) is not None
    assert panel_files(once) == panel_files(fresh)
    kept, anew = (load_prepared(root / "data" / "kpis") for root in (once, fresh))
    pd.testing.assert_frame_equal(kept.frame, anew.frame)
    assert (kept.columns, kept.quality) == (anew.columns, anew.quality)
    for name in ("quarantine.parquet", "weekly.parquet", "quality.json"):
        assert (once / "data" / "kpis" / name).exists()


@pytest.mark.parametrize("what", ["lines", "costs", "a setting", "an edited file", "a DataFrame"])
def test_what_else_has_changed_needs_a_new_pass(
    spark: SparkSession, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, varied())
    pipeline.prepare(config(tmp_path, **BY_TABLE, stop_above=0.9), tmp_path)
    changed, instead = {"kpi": "margin", "stop_above": 0.9}, {}
    if what == "lines":
        write(tmp_path, varied()[:-1])
    elif what == "costs":
        write(tmp_path, varied(), COSTS[:-1])
    elif what == "a setting":
        changed["top_n"] = 1
    elif what == "an edited file":
        load_prepared(tmp_path / "data" / "kpis").save(tmp_path)
        (tmp_path / "data" / "kpis" / "weekly.parquet").write_bytes(b"PAR1")
    else:
        instead = {"transactions": spark.read.option("header", True).csv(str(tmp_path / "lines.csv"))}
    monkeypatch.setattr(table, "read_lines", no_pass)
    with pytest.raises(AssertionError, match="read again"):
        pipeline.prepare(config(tmp_path, **BY_TABLE, **changed), tmp_path, **instead)


def test_what_a_dataframe_made_is_not_taken_for_the_file(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, varied())
    lines = spark.read.option("header", True).csv(str(tmp_path / "lines.csv"))
    of_revenue = config(tmp_path, **BY_TABLE, stop_above=0.9)
    pipeline.prepare(of_revenue, tmp_path, transactions=lines.where("product <> 'P1'"))
    assert pipeline.finished(of_revenue, "prepare", tmp_path) is None
    monkeypatch.setattr(table, "read_lines", no_pass)
    with pytest.raises(AssertionError, match="read again"):
        pipeline.prepare(of_revenue, tmp_path)


def varied() -> list[Line]:
    """Lines of which every KPI changes from week to week."""
    later = [
        Line(f"C{week}{n}", PRODUCTS[n % 3], 1 + n % 4, day(7 * week + n % 5), "4.50", f"c{week * n % 31}", GEOS[n % 2])
        for week in range(WEEKS)
        for n in range(5 + week * 7 % 6)
    ]
    return [*usual(), *later, Line("Z", "P1", 1, day(7 * WEEKS - 1, 23), "5.00", "", "North", "2")]


def test_a_kpi_that_is_no_money_has_its_worth(spark: SparkSession, tmp_path: Path) -> None:
    write(tmp_path, varied())
    (tmp_path / "spend.csv").write_text(
        "day,tv\n" + "".join(f"{FIRST + timedelta(days=7 * w)},{100 + w}\n" for w in range(WEEKS)), encoding="utf-8"
    )
    spend = {"path": "spend.csv", "layout": "wide", "date": "day", "channels": {"tv": "tv"}}
    lines = {"path": "lines.csv", "columns": COLUMNS, **OWN_GEOS, "kpi": "new_customers", "kpi_value": 40}
    file = tmp_path / "kpis.yaml"
    file.write_text(as_yaml({"name": "kpis", "transactions": lines, "spend": spend}), encoding="utf-8")
    assert main(["prepare", str(file), "--output", str(tmp_path), "--quiet"]) == 0
    meta = Workspace("kpis", tmp_path).data
    weekly = load_prepared(meta).frame
    panel = pipeline.prepare(
        make_config({"name": "kpis", "transactions": lines, "spend": spend}, folder=tmp_path), tmp_path
    )
    assert panel.kpi_name == "new_customers"
    assert panel.kpi_value == 40 * weekly["new_customers"].sum() > 0
    written = pd.read_parquet(meta / "panel.parquet")
    assert "returning_customers" not in written and "margin" not in written
