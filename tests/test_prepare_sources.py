"""The same lines out of ORC, a database, a catalog, SQL, a DataFrame or Spark Connect give the same table."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - its customary name

from mmm_bayes import pipeline
from mmm_bayes.config import Config, make_config
from mmm_bayes.errors import ConfigError, DataError, MMMError
from mmm_bayes.prepare import Prepared, start, weekly_table
from mmm_bayes.prepare.spark import spark_session
from mmm_bayes.simulate.transactions import write_sample

COLUMNS = {"invoice": "InvoiceNo", "product": "StockCode", "quantity": "Quantity", "date": "InvoiceDate"}
COLUMNS |= {"price": "UnitPrice", "customer": "CustomerID", "geo": "Country"}


pytestmark = pytest.mark.usefixtures("compiled")  # as those of users, whose views and catalogs it is about


def settings(**source: Any) -> Config:
    known = {"columns": COLUMNS, "top_n": 2, "duplicates": "drop", "stop_above": 1, "warn_above": 1}
    return make_config({"name": "sources", "transactions": {**known, **source}})


@pytest.fixture(scope="module")
def typed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> DataFrame:
    """The lines with types, as a warehouse holds them."""
    path = write_sample(tmp_path_factory.mktemp("lines") / "lines.csv.gz", lines=1200, weeks=22, seed=4)
    raw = spark.read.option("header", True).csv(str(path))
    at = F.try_to_timestamp("InvoiceDate", F.lit("M/d/yyyy H:mm")).cast("timestamp_ntz")
    return raw.select(
        "InvoiceNo", "StockCode", F.expr("try_cast(Quantity AS int) Quantity"), at.alias("InvoiceDate"),
        F.expr("try_cast(UnitPrice AS decimal(10,4)) UnitPrice"), "CustomerID", "Country",
    ).where("InvoiceDate IS NOT NULL")  # fmt: skip


@pytest.fixture(scope="module")
def expected(typed: DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("expected")
    typed.write.parquet(str(folder / "lines.parquet"))
    return weekly_table(settings(path=str(folder / "lines.parquet")), folder / "quarantine.parquet")


def same(prepared: Prepared, expected: Prepared) -> bool:
    pd.testing.assert_frame_equal(prepared.frame, expected.frame)
    differs = {"source"}
    return all(value == expected.quality[name] for name, value in prepared.quality.items() if name not in differs)


def test_orc(typed: DataFrame, expected: Prepared, tmp_path: Path) -> None:
    typed.write.orc(str(tmp_path / "lines"))
    found = weekly_table(settings(path=str(tmp_path / "lines"), format="orc"), tmp_path / "quarantine.parquet")
    assert same(found, expected)


def test_a_database(
    spark: SparkSession, typed: DataFrame, expected: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Derby comes with Spark; names in it are quoted, as those with capitals are elsewhere."""
    monkeypatch.setenv("SHOP", str(tmp_path / "shop"))
    start.JAVA[0].gateway.jvm.System.setProperty("derby.stream.error.file", str(tmp_path / "derby.log"))
    options = {"url": f"jdbc:derby:{tmp_path / 'shop'};create=true", "dbtable": "lines"}
    options["driver"] = "org.apache.derby.iapi.jdbc.AutoloadedDriver"
    typed.withColumn("InvoiceDate", F.col("InvoiceDate").cast("timestamp")).write.format("jdbc").options(
        **options
    ).save()
    options["url"] = "jdbc:derby:${SHOP}"
    config = settings(format="jdbc", options=options, timezone="UTC")
    assert same(weekly_table(config, tmp_path / "quarantine.parquet"), expected)
    assert str(tmp_path) not in config.model_dump_json()  # nor would a password be
    monkeypatch.delenv("SHOP")
    with pytest.raises(ConfigError, match=r"'jdbc:derby:\$\{SHOP\}': the environment variable SHOP is not set"):
        weekly_table(config, tmp_path / "quarantine.parquet")


def test_a_table_a_view_and_sql(typed: DataFrame, expected: Prepared, tmp_path: Path) -> None:
    """SQL counts as its session understands it: names in any case, the session's own day."""
    typed.createOrReplaceTempView("shop_lines")
    before = {table.name for table in typed.sparkSession.catalog.listTables()}
    assert same(weekly_table(settings(table="shop_lines"), tmp_path / "a.parquet"), expected)
    typed.sparkSession.conf.set("spark.sql.caseSensitive", "false")
    try:
        query = "SELECT *, INVOICEDATE AS again FROM Shop_Lines WHERE stockcode IS NOT NULL OR true"
        found = weekly_table(settings(query=query), tmp_path / "b.parquet")
        assert typed.sparkSession.conf.get("spark.sql.caseSensitive") == "false"
    finally:
        typed.sparkSession.conf.set("spark.sql.caseSensitive", "true")
    pd.testing.assert_frame_equal(found.frame, expected.frame)
    assert {table.name for table in typed.sparkSession.catalog.listTables()} == before, "a view was left behind"


def test_what_is_not_there(spark: SparkSession, tmp_path: Path) -> None:
    for source, said in (
        ({"table": "no.such.lines"}, "no.such.lines: cannot be read: "),
        ({"query": "SELECT nothing FROM nowhere"}, "the query 'SELECT nothing FROM nowhere': cannot be read: "),
        (
            {"path": "x", "format": "iceberg"},
            "x: cannot be read: Spark has no driver for it (iceberg.DefaultSource); add its",
        ),
        (
            {"format": "jdbc", "options": {"url": "jdbc:none:x", "dbtable": "a"}},
            "the jdbc source: cannot be read: Spark has no driver",
        ),
    ):
        with pytest.raises(DataError) as caught:
            weekly_table(settings(**source), tmp_path / "quarantine.parquet")
        assert str(caught.value).startswith(said)
        assert "\n" not in str(caught.value) and "Exception" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({}, "'transactions': names no data; give 'path' (files), or 'table' or 'query' of Spark."),
        ({"path": "a", "table": "b"}, "'transactions.table' names the data, as 'path' does; leave one of them out."),
        ({"path": "a", "format": "exel"}, "'transactions.format' is exel; did you mean 'excel'?"),
        ({"path": "a", "options": {"x": "y"}}, "'transactions.options' are those of a format; name it in 'format'."),
        ({"query": "SELECT 1", "format": "orc"}, "'transactions.format' is known of a table; leave it out."),
    ],
)
def test_sources_that_contradict_themselves(source: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(**source)
    assert str(caught.value) == f"configuration: {said}"


def test_dataframes_and_a_session_from_python(
    spark: SparkSession, typed: DataFrame, expected: Prepared, tmp_path: Path
) -> None:
    spend = spark.sql(
        "SELECT explode(sequence(DATE'2020-01-06', DATE'2026-01-05', INTERVAL 7 DAYS)) week, "
        "CAST(12.5 AS decimal(9,2)) cost, 'tv' channel"
    )
    raw = settings(table="handed_in").model_dump(exclude_unset=True, exclude={"folder"})
    wanted = {"table": "costs", "layout": "long", "date": "week", "channel": "channel", "spend": "cost"}
    config = make_config({**raw, "spend": wanted})
    before = spark.conf.get("spark.sql.shuffle.partitions")
    panel = pipeline.prepare(config, tmp_path, session=spark, transactions=typed, spend=spend)
    assert float(panel.data["kpi"].sum()) == pytest.approx(expected.frame["revenue"].sum())
    weekly = panel.data["spend"].sum("geo").squeeze().to_numpy()
    assert weekly == pytest.approx([12.5] * len(weekly))
    assert spark.conf.get("spark.sql.shuffle.partitions") == before
    with pytest.raises(ConfigError, match="a DataFrame for 'panel' needs that section in the configuration"):
        pipeline.prepare(config, tmp_path, panel=typed)


def test_another_thread(typed: DataFrame, expected: Prepared, tmp_path: Path) -> None:
    """A session of this Python is found in each of its threads; they take turns."""
    typed.write.parquet(str(tmp_path / "lines.parquet"))
    config = settings(path=str(tmp_path / "lines.parquet"))
    with ThreadPoolExecutor(2) as threads:
        parts = [threads.submit(weekly_table, config, tmp_path / f"{n}.parquet") for n in range(2)]
    assert all(same(part.result(), expected) for part in parts)


def test_settings_of_a_session_that_runs(spark: SparkSession) -> None:
    before = spark.conf.get("spark.sql.shuffle.partitions")
    with spark_session({"spark.sql.shuffle.partitions": "7"}) as running:
        assert running.conf.get("spark.sql.shuffle.partitions") == "7"
    assert spark.conf.get("spark.sql.shuffle.partitions") == before
    with (
        pytest.raises(MMMError, match=r"that runs already cannot change spark\.executor\.memory to 9g; set it where"),
        spark_session({"spark.executor.memory": "9g"}),
    ):
        pass
    with pytest.raises(ConfigError, match=r"'spark': spark\.sql\.ansi\.enabled is true for all that we compute"):
        spark_session({"spark.sql.ansi.enabled": "false"}).__enter__()


CONNECT = """
import sys
from pathlib import Path
from pyspark.sql import SparkSession
from mmm_bayes.config import load_config
from mmm_bayes.prepare import weekly_table
spark = SparkSession.builder.remote("local[2]").getOrCreate()
assert ".connect." in type(spark).__module__
spark.read.parquet(sys.argv[1]).createOrReplaceTempView("lines")
prepared = weekly_table(load_config(sys.argv[2]), Path(sys.argv[3]), session=spark)
print(spark.conf.get("spark.sql.ansi.enabled"), spark.catalog.listTables())
prepared.frame.to_parquet(sys.argv[4])
spark.stop()
"""


@pytest.fixture
def config_file(tmp_path: Path) -> Iterator[Path]:
    from mmm_bayes.config import as_yaml

    raw = settings(table="lines").model_dump(mode="json", exclude_unset=True, exclude={"folder"})
    path = tmp_path / "c.yaml"
    path.write_text(as_yaml(raw))
    yield path


def test_spark_connect(typed: DataFrame, expected: Prepared, config_file: Path, tmp_path: Path) -> None:
    typed.write.parquet(str(tmp_path / "lines.parquet"))
    lines, aside, frame = (str(tmp_path / name) for name in ("lines.parquet", "q.parquet", "f.parquet"))
    places = [lines, str(config_file), aside, frame]
    quick = {**os.environ, "JDK_JAVA_OPTIONS": start.LOCAL[start.JAVA_OPTIONS]}  # starts as ours does
    done = subprocess.run(
        [sys.executable, "-c", CONNECT, *places], capture_output=True, text=True, timeout=300, check=False, env=quick
    )
    assert done.returncode == 0, done.stderr
    pd.testing.assert_frame_equal(pd.read_parquet(frame), expected.frame)
    assert len(pd.read_parquet(aside)) == sum(step["lines"] for step in expected.quality["quarantine"].values())
