"""Whatever table and configuration come: afterwards the books balance to the cent, or one sentence says why not."""

import csv
import io
import re
import warnings
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmm_bayes.config import make_config
from mmm_bayes.errors import MMMError
from mmm_bayes.findings import MMMWarning
from mmm_bayes.prepare import Prepared, weekly_table
from mmm_bayes.tables.files import LOST

FIRST = date(2023, 1, 2)
ROLES = ("invoice", "product", "quantity", "date", "price", "customer", "geo")
NAMES = ("raw", "lines", "reason", "a.b", "`tick`", 'in "quotes"', "Größe €", " padded ", "week", "mmm_bayes.invoice")
DATES = {"iso": "%Y-%m-%d", "iso with time": "%Y-%m-%d %H:%M:%S", "%d/%m/%Y": "%d/%m/%Y", "%d.%m.%y": "%d.%m.%y"}
DIRT = {
    "invoice": ["", " ", "C1", "'", "=1+1", "\u00a0"],
    "product": ["", "POST", "x" * 300, '5" nail', "a;b,c"],
    "quantity": ["0", "-3", "1e3", "NaN", "two", "", "99999999999999", "1.5", "1,5", "-0"],
    "date": ["", "2023-02-30", "1900-01-01", "0", "soon", "2023-13-01", "99999999"],
    "price": ["0", "-1", "0.000001", "free", "", "£3", "1 200,50", "12%", "7e12", "Infinity"],
    "customer": ["", "0", "é", "None"],
    "geo": ["", "FRANCE", " france ", "Q\u200bue", "nowhere", "Rest"],
}


@dataclass(frozen=True)
class Case:
    """A table as it is written, and what is said of it."""

    rows: list[dict[str, str]]
    names: dict[str, str]
    kind: str
    separator: str
    encoding: str
    transactions: dict[str, Any]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    weeks, a_day = draw(st.integers(1, 40)), draw(st.integers(1, 3))
    closed = draw(st.sets(st.integers(0, weeks - 1), max_size=weeks // 2))
    form = draw(st.sampled_from(sorted(DATES)))
    geos = draw(st.lists(st.sampled_from(["France", "Peru", "Élan", "UK", "a,b"]), min_size=1, max_size=4, unique=True))
    rows = [
        {
            "invoice": f"{day}-{n % 2}",
            "product": f"P{n}",
            "quantity": str(1 + n),
            "date": datetime.combine(FIRST + timedelta(days=day), datetime.min.time()).strftime(DATES[form]),
            "price": "2.50" if n else "3",
            "customer": f"c{day % 5}",
            "geo": geos[(day + n) % len(geos)],
        }
        for day in range(7 * weeks)
        if day // 7 not in closed
        for n in range(a_day)
    ]
    for _ in range(draw(st.integers(0, 12))):
        role = draw(st.sampled_from(ROLES))
        rows[draw(st.integers(0, len(rows) - 1))][role] = draw(st.sampled_from(DIRT[role]))
    for at in draw(st.lists(st.integers(0, len(rows) - 1), max_size=5)):
        rows.append(dict(rows[at]))
    names = draw(st.lists(st.sampled_from([*ROLES, *NAMES]), min_size=7, max_size=7, unique_by=str.lower))
    wanted = draw(st.sampled_from([ROLES, ROLES, ROLES[:-1], ROLES[:5]]))
    given_names = dict(zip(ROLES, names, strict=True))
    said = {
        "columns": {role: given_names[role] for role in wanted},
        "duplicates": draw(st.sampled_from(["ask", "drop", "keep"])),
        "cancellations": draw(st.sampled_from(["own_week", "order_week"])),
        "geo_level": draw(st.sampled_from(["geo", "national"])),
        "week_start": draw(st.sampled_from(["monday", "sunday", "wednesday"])),
        "top_n": draw(st.sampled_from([1, 3, None])),
        "warn_above": draw(st.sampled_from([0.005, 1.0])),
        "stop_above": draw(st.sampled_from([0.05, 1.0])),
        "cancellation_prefix": draw(st.sampled_from(["", "C"])),
    }
    if draw(st.booleans()):
        said["date_format"] = DATES[form]
    if draw(st.booleans()):
        said["start"] = str(FIRST + timedelta(days=draw(st.integers(-10, 60))))
    kind = draw(st.sampled_from(["csv", "csv", "parquet", "json"]))
    return Case(
        rows,
        given_names,
        kind,
        draw(st.sampled_from([",", ";", "\t", "|"])),
        draw(st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"])),
        said,
    )


def write(case: Case, folder: Path) -> Path:
    path = folder / f"lines.{case.kind}"
    table = pd.DataFrame(case.rows).rename(columns=case.names)
    if case.kind == "parquet":
        pa.parquet.write_table(pa.Table.from_pandas(table, preserve_index=False), path)
    elif case.kind == "json":
        table.to_json(path, orient="records", lines=True, force_ascii=False)
    else:
        text = io.StringIO()
        writer = csv.writer(text, delimiter=case.separator)
        writer.writerows([list(table), *table.itertuples(index=False)])
        path.write_bytes(text.getvalue().encode(case.encoding, errors="replace"))
    return path


def prepare(case: Case, folder: Path) -> Prepared | str:
    """Return what came of it: the table, or the sentence."""
    source = {"path": str(write(case, folder)), **case.transactions}
    if case.kind == "csv":
        source |= {"separator": case.separator}
        source |= {"encoding": case.encoding} if case.encoding == "cp1252" else {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MMMWarning)
            return weekly_table(make_config({"name": "x", "transactions": source}), folder / "quarantine.parquet")
    except MMMError as error:
        return str(error)


@pytest.mark.slow
@settings(
    max_examples=500,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(case=cases())
def test_the_books_balance_or_one_sentence_says_why_not(compiled: None, tmp_path: Path, case: Case) -> None:
    found = prepare(case, tmp_path)
    if isinstance(found, str):
        assert found.endswith((".", "?", ")")) and "\n" not in found, found
        assert not re.search(r"Exception|Traceback|org\.|java|SQLSTATE|py4j", found), found
        return
    read, *parts, panel = [step for step in found.quality["waterfall"] if step["code"] != "lines.kept"]
    assert read["lines"] == len(case.rows)
    for what in ("lines", "revenue", "unknown"):
        assert sum((Decimal(str(step[what])) for step in parts), Decimal(str(read[what]))) == Decimal(str(panel[what]))
    measured = found.frame["revenue"].sum()
    assert measured == pytest.approx(panel["revenue"], rel=1e-9, abs=0.005)
    aside = pd.read_parquet(tmp_path / "quarantine.parquet")
    reason = "quarantine_reason" if "quarantine_reason" in aside else "reason"
    assert aside[reason].value_counts().to_dict() == {
        name: part["lines"] for name, part in found.quality["quarantine"].items()
    }
    assert not found.frame["geo"].str.contains(LOST).any()
