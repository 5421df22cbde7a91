"""Tables that Spark reads by its own rules: of its catalogs, of SQL, of any format, or handed in as DataFrames."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DecimalType

from mmm_bayes.config import Config, SourceTable
from mmm_bayes.prepare.failures import spark_errors
from mmm_bayes.prepare.size import is_long
from mmm_bayes.prepare.spark import our_rules, spark_session


@contextmanager
def open_tables(
    config: Config, session: SparkSession | None, given: Mapping[str, DataFrame], before: Path | None = None
) -> Iterator[tuple[SparkSession, dict[str, DataFrame]]]:
    """Yield a session that follows our rules, and the tables of a configuration that Spark reads, by section.

    They are opened as the session is set up by its owner: their SQL, their time zone and their names count there.

    Args:
        config: names them.
        session: where the caller has one; that of a DataFrame otherwise.
        given: DataFrames that stand for what the configuration names, by section.
        before: see `mmm_bayes.prepare.size.is_long`.

    Raises:
        DataError: a table, a column of a query or a format that Spark does not find.
    """
    session = session or next((frame.sparkSession for frame in given.values()), None)
    with ExitStack() as block:
        spark = block.enter_context(spark_session(config.spark, session, is_long(config, before)))
        opened = {}
        for name, table in config.files.items():
            if isinstance(table, SourceTable) and (name in given or table.by_spark):
                with spark_errors(f"{table.place}: cannot be read"):
                    frame = given[name] if name in given else _read(spark, config, table)
                    opened[name] = block.enter_context(_as_analysed(frame))
        block.enter_context(our_rules(spark))
        yield spark, opened


def fetch(config: Config, section: str, session: Any = None, given: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """Return a whole table that Spark reads; arguments and errors as `open_tables` has them."""
    with open_tables(config, session, given or {}) as (_, opened), spark_errors(f"{section}: cannot be read"):
        return cells_of(opened[section])


def cells_of(frame: DataFrame) -> pd.DataFrame:
    """Return the rows of a table of Spark, exact decimals as floating numbers."""
    columns = [
        F.col(f"`{field.name.replace('`', '``')}`").cast("double").alias(field.name)
        if isinstance(field.dataType, DecimalType)
        else F.col(f"`{field.name.replace('`', '``')}`")
        for field in frame.schema
    ]
    return frame.select(*columns).toArrow().to_pandas()


def _read(spark: SparkSession, config: Config, table: SourceTable) -> DataFrame:
    reader = spark.read.options(**{name: config.filled(value) for name, value in table.options.items()})
    if table.query:
        return spark.sql(table.query)
    if table.table:
        return reader.table(table.table)
    reader = reader.format(str(table.format))
    return reader.load(config.find(table.path)) if table.path else reader.load()


@contextmanager
def _as_analysed(frame: DataFrame) -> Iterator[DataFrame]:
    """Yield a table as it is understood now: Spark Connect would analyse it anew by the settings of later."""
    name = f"mmm_bayes_{uuid4().hex}"
    frame.createOrReplaceTempView(name)
    try:
        yield frame.sparkSession.table(name)
    finally:
        frame.sparkSession.catalog.dropTempView(name)
