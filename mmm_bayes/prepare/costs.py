"""What a piece costs: a column of the lines, or a table of products and the days from which their costs hold."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from mmm_bayes.config import Config, ProductCosts
from mmm_bayes.errors import DataError
from mmm_bayes.findings import Finding
from mmm_bayes.tables import all_there, find_notation, keys, numbers, read_days, read_table

SECTION = "transactions.costs"
ALWAYS, NEVER = date(1, 1, 1), date(9999, 12, 31)
DECIMALS = 6
"""As prices have them, see `mmm_bayes.prepare.clean.AMOUNT`."""

SHOWN = 5
"""Most products that are named."""


@dataclass(frozen=True)
class Costs:
    """Checked rows of the table: ``product, since, until, cost``; a cost holds from ``since`` to before ``until``."""

    frame: pd.DataFrame


def read_costs(config: Config) -> Costs | None:
    """Read the table of costs and check it, before anything that takes time; None where there is none.

    Raises:
        DataError: a missing column, a cost or a day that cannot be read, a cost below zero, two of a product on a day.
    """
    table = config.transactions.costs if config.transactions else None
    if table is None:
        return None
    path = config.find(table.path)
    columns = [name for name in (table.product, table.cost, table.valid_from) if name is not None]
    raw = read_table(table, path, SECTION, columns)
    try:
        return Costs(_by_product(raw, table))
    except DataError as error:
        raise error.within(path) from None


def _by_product(raw: pd.DataFrame, table: ProductCosts) -> pd.DataFrame:
    cost = all_there(
        numbers(raw[table.cost], find_notation([raw[table.cost]], table, SECTION), SECTION),
        "the cost is missing; fill it in, or take the row out",
    )
    for row in cost.index[~((cost >= 0) & np.isfinite(cost))]:
        raise DataError(f"column '{table.cost}', row {row}: the cost is {cost[row]:g}; write what a piece costs.")
    product = all_there(keys(raw[table.product], SECTION), "the product is missing; fill it in, or take the row out")
    since = pd.Series(ALWAYS, raw.index, dtype=object)
    if table.valid_from is not None:
        days = all_there(read_days(raw[table.valid_from], table, SECTION).first, "the date is missing; fill it in")
        since = days.dt.date
    frame = pd.DataFrame({"product": product, "since": since, "cost": cost}).drop_duplicates()
    twice = frame.duplicated(["product", "since"])
    for row in frame.index[twice]:
        day = "" if table.valid_from is None else f" from {frame['since'][row]} on"
        raise DataError(f"row {row}: product '{product[row]}' has another cost{day} already; keep one of them.")
    frame = frame.sort_values(["product", "since"], kind="stable")
    return frame.assign(until=frame.groupby("product")["since"].shift(-1).fillna(NEVER))


def with_margin(lines: DataFrame, costs: Costs | None) -> DataFrame:
    """Add ``margin``, what a line earns beyond the cost of its pieces, null where nobody knows that; or change nothing.

    What is taken back gives its margin back, at the cost of the day on which it is. A cost below zero is none.

    Args:
        lines: see `mmm_bayes.prepare.clean.judge`, with ``cost`` where a column of them holds it.
        costs: the table, where there is one.
    """
    if costs is not None:
        lines = _with_table(lines, costs.frame)
    if "cost" not in lines.columns:
        return lines
    cost = F.when(F.col("cost") >= 0, F.col("cost"))
    return lines.withColumn("margin", F.col("quantity") * (F.col("price") - cost)).drop("cost")


def _with_table(lines: DataFrame, frame: pd.DataFrame) -> DataFrame:
    exact = [Decimal(f"{cost:.{DECIMALS}f}") for cost in frame["cost"]]
    rows = {
        "of_product": pa.array(frame["product"], pa.string()),
        "since": pa.array(frame["since"], pa.date32()),
        "until": pa.array(frame["until"], pa.date32()),
        "cost": pa.array(exact, pa.decimal128(18, DECIMALS)),
    }
    table, day = lines.sparkSession.createDataFrame(pa.table(rows)), F.to_date("at")
    holds = (F.col("product") == F.col("of_product")) & (day >= F.col("since")) & (day < F.col("until"))
    return lines.join(F.broadcast(table), holds, "left").drop("of_product", "since", "until")


def summarise_costs(kept: pd.DataFrame, invoices: DataFrame) -> dict[str, Any] | None:
    """Return how many kept lines, with how much money and of which products, have no cost; None without any costs.

    Args:
        kept: see `mmm_bayes.prepare.weeks.total`, of kept lines.
        invoices: see `mmm_bayes.prepare.weeks.add_up`.
    """
    if "costless" not in kept:
        return None
    lines, revenue = int(kept["costless"].sum()), float(kept["costless_revenue"].sum())
    shares = lines / int(kept["lines"].sum()), abs(revenue / (float(kept["revenue"].sum()) or 1.0))
    products: list[str] = []
    if lines:
        without = invoices.where(F.col("reason").isNull() & (F.col("costless") > 0)).groupBy("costless_product")
        most = without.agg(F.sum("costless").alias("lines")).orderBy(F.desc("lines"), "costless_product").limit(SHOWN)
        products = [str(row[0]) for row in most.collect()]
    return {"lines": lines, "share": shares[0], "revenue": revenue, "money_share": shares[1], "products": products}


def about_costs(summary: dict[str, Any] | None) -> tuple[Finding, ...]:
    """Return what to say of lines without a cost."""
    if not summary or not summary["lines"]:
        return ()
    told = {"lines": summary["lines"], "revenue": summary["revenue"], "products": summary["products"]}
    shares = {"share": summary["share"], "money_share": summary["money_share"]}
    return (Finding("data.no_cost", {**told, **shares}),)
