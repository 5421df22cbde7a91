"""From judged lines to weeks and geos: what Spark adds up."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from mmm_bayes.errors import DataError
from mmm_bayes.panel import MIN_WEEKS
from mmm_bayes.prepare.gaps import WEEK, require_dense
from mmm_bayes.prepare.geos import Grouping
from mmm_bayes.prepare.read import SPACE

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def week_of(day: Column | str, week_start: str) -> Column:
    """Return the first day of the week that ``day`` lies in."""
    return F.date_sub(day, F.pmod(F.weekday(day) - WEEKDAYS.index(week_start), F.lit(7)))


def first_day(day: date, week_start: str) -> date:
    """Return the same as `week_of`, of one day."""
    return day - timedelta(days=(day.weekday() - WEEKDAYS.index(week_start)) % 7)


def add_up(lines: DataFrame, week_start: str) -> DataFrame:
    """Add lines up to invoices: a table some twenty times shorter, from which everything else is told.

    Args:
        lines: see `mmm_bayes.prepare.clean.judge`, with ``booked`` (when the line counts) and ``unmatched``; with
            ``margin`` where costs are known.
        week_start: name of a weekday.

    Returns:
        One row per ``reason, raw, sold, week, day, geo, invoice, customer`` (a line that is put aside so keeps what was
        read) with ``lines, revenue, units``, the number of ``repeats`` and of ``unmatched`` cancellations, the
        ``first`` and ``last`` time, the revenue of the ``largest`` line whatever its sign, the number of lines of
        ``unknown`` revenue, and of these the pieces ``without_price`` and the prices ``without_quantity``. Where costs
        are known the ``margin``, the number of lines that are ``costless``, ``costless_revenue`` and one
        ``costless_product`` of them. Of an incremental table the ``prints`` of the lines.
    """
    day = F.to_date("booked")
    keys = [week_of(day, week_start).alias("week"), day.alias("day"), F.coalesce("geo", F.lit("")).alias("geo")]
    invoices = lines.groupBy("reason", "raw", "sold", *keys, "invoice", "customer").agg(
        F.count("*").alias("lines"),
        _sum("revenue"),
        _sum("quantity").alias("units"),
        F.max(F.abs("revenue").cast("double")).alias("largest"),
        F.count_if("repeated").alias("repeats"),
        F.count_if("unmatched").alias("unmatched"),
        F.min("at").alias("first"),
        F.max("at").alias("last"),
        F.count_if(F.col("revenue").isNull()).alias("unknown"),
        F.max(F.when(F.col("price").isNull(), F.abs("quantity"))).alias("without_price"),
        F.max(F.when(F.col("quantity").isNull(), F.abs("price"))).alias("without_quantity"),
        *(_of_costs() if "margin" in lines.columns else ()),
        *([F.collect_list("print").alias("prints")] if "print" in lines.columns else []),
    )
    # lines of unknown revenue are put aside: those of one row are copies
    copies = {name: F.col("lines") * F.col(name) for name in ("without_price", "without_quantity")}
    return invoices.withColumns({"geo": F.trim(F.regexp_replace("geo", f"[{SPACE}]+", " ")), **copies})


def _of_costs() -> Iterator[Column]:
    costless = F.col("margin").isNull() & F.col("revenue").isNotNull()
    yield _sum("margin")
    yield F.count_if(costless).alias("costless")
    yield _sum("revenue", costless).alias("costless_revenue")
    yield F.min(F.when(costless, F.col("product"))).alias("costless_product")


@dataclass(frozen=True)
class Counts:
    """What there is, before the table is made.

    Attributes:
        cells: see `total`.
        span: first and last whole week.
        invoices: number of different invoices in all lines.
        customers: number of different customers in all lines.
        days: ``lines`` and ``orders`` of each day that has kept lines.
        by_week: whether lines tell their week alone, and no day.
    """

    cells: pd.DataFrame
    span: tuple[date, date]
    invoices: int
    customers: int
    days: pd.DataFrame
    by_week: bool = False

    @property
    def number_of_weeks(self) -> int:
        """Number of whole weeks from the first to the last, with or without lines."""
        return (self.span[1] - self.span[0]) // WEEK + 1

    @property
    def trading_days(self) -> pd.Series:
        """Days with a sale in any geo, by whole week; missing where nobody knows the days."""
        weeks = pd.date_range(*self.span, freq="7D", unit="ns")
        if self.by_week:
            return pd.Series(np.nan, weeks)
        days = self.inside.groupby("week")["open"].agg(lambda bits: np.bitwise_or.reduce(bits.to_numpy()))
        return days.map(int.bit_count).rename(pd.Timestamp).reindex(weeks, fill_value=0)

    @property
    def kept(self) -> pd.DataFrame:
        """The cells of kept lines."""
        return self.cells[self.cells["reason"].isna()]

    @property
    def inside(self) -> pd.DataFrame:
        """The cells of kept lines in whole weeks."""
        return self.kept[self.kept["week"].between(*self.span)]


def total(invoices: DataFrame, prefix: str) -> pd.DataFrame:
    """Add everything up by ``reason, week, geo`` as they stand in the lines; money is exact (`Decimal`).

    Args:
        invoices: see `add_up`.
        prefix: what the numbers of cancellations start with, or ''.

    Returns:
        One row each, with numbers of lines and money. ``estimate`` is what the lines of ``unknown`` revenue may be
        worth: their pieces at the usual price, their prices at the usual number of pieces, nothing where both lack.
    """
    cells = _cells(invoices, prefix).toArrow().to_pandas()
    cells = cells.sort_values(["reason", "week", "geo"], ignore_index=True)  # whatever order Spark has them in
    lines, units, revenue = (float(cells[f"sales_{name}"].sum()) for name in ("lines", "units", "revenue"))
    price, pieces = (revenue / units, units / lines) if units else (0.0, 0.0)
    known = cells[["without_price", "without_quantity"]].astype(float)
    return cells.assign(estimate=known["without_price"] * price + known["without_quantity"] * pieces)


def count(invoices: DataFrame, cells: pd.DataFrame, week_start: str, by_week: bool = False) -> Counts:
    """Count whole weeks, invoices and customers.

    Args:
        invoices: see `add_up`.
        cells: see `total`.
        week_start: name of a weekday.
        by_week: whether a line is for all days of the week that its day begins.

    Raises:
        DataError: no line can be used, most weeks are empty, or there are fewer than 20 whole ones.
    """
    _require_usable(cells)
    kept = cells[cells["reason"].isna()]
    require_dense(sorted(kept["week"].unique()))
    first, last = kept["first"].min().date(), kept["last"].max().date() + timedelta(days=6 if by_week else 0)
    start = first_day(first + timedelta(days=6), week_start)
    end = first_day(last + timedelta(days=1), week_start) - WEEK
    counts = Counts(cells, (start, end), *_numbers(invoices), by_week)
    if counts.number_of_weeks < MIN_WEEKS:
        raise DataError(
            f"the lines from {first} to {last} hold {max(counts.number_of_weeks, 0)} whole weeks; at least {MIN_WEEKS} "
            "are needed to tell channels from season."
        )
    return counts


def _numbers(invoices: DataFrame) -> tuple[int, int, pd.DataFrame]:
    """Return the numbers of invoices and of customers, and the table of days, from one job."""
    daily = invoices.where(F.col("reason").isNull()).groupBy("day").agg(_sum("lines"), _different("invoice", "orders"))
    whole = [invoices.agg(_different(name, name)) for name in ("invoice", "customer")]
    rows = reduce(_under, whole, daily).toArrow().to_pandas().set_index("day")
    days = rows.loc[rows.index.notna(), ["lines", "orders"]].astype(int).sort_index()
    return int(rows["invoice"].max()), int(rows["customer"].max()), days.set_index(pd.DatetimeIndex(days.index))


def _different(name: str, alias: str) -> Column:
    return F.count_distinct(name).alias(alias)


def _under(rows: DataFrame, more: DataFrame) -> DataFrame:
    """Return two tables of counts as one. Each is counted by itself: of two at once Spark writes a row for each."""
    return rows.unionByName(more, allowMissingColumns=True)


def _cells(invoices: DataFrame, prefix: str) -> DataFrame:
    sold, marked = F.col("sold"), F.col("invoice").startswith(prefix) if prefix else F.lit(False)
    bit_of_day = F.expr("shiftleft(1, weekday(day))")  # one aggregation instead of a distinct count over all geos
    return invoices.groupBy("reason", "week", "geo").agg(
        _sum("lines"),
        *(_sum(name) for name in ("revenue", "units", "margin") if name in invoices.columns),
        _sum("lines", sold).alias("sales_lines"),
        _sum("revenue", sold).alias("sales_revenue"),
        _sum("units", sold).alias("sales_units"),
        _sum("lines", marked).alias("cancellation_lines"),
        _sum("lines", F.col("customer").isNull()).alias("lines_without_customer"),
        _sum("repeats").alias("exact_duplicates"),
        *map(_sum, ("unmatched", "unknown", "without_price", "without_quantity")),
        *(_sum(name) for name in ("costless", "costless_revenue") if name in invoices.columns),
        F.coalesce(F.bit_or(F.when(sold, bit_of_day)), F.lit(0)).alias("open"),
        F.max("largest").alias("largest"),
        F.min("first").alias("first"),
        F.max("last").alias("last"),
    )


def _require_usable(cells: pd.DataFrame) -> None:
    if cells.empty:
        raise DataError("there are no lines below the names of the columns; give a file with data.")
    if cells["reason"].notna().all():
        reasons = cells.groupby("reason")["lines"].sum()
        raise DataError(
            f"none of the {cells['lines'].sum():,} lines can be used, {reasons.max():,} for this reason: "
            f"{reasons.idxmax().replace('_', ' ')}; check the columns, the date format and the filters."
        )


def by_geo_week(cells: pd.DataFrame, grouping: Grouping) -> pd.DataFrame:
    """Return the weekly sums of each group of geos.

    Args:
        cells: see `total`, of kept lines of whole weeks.
        grouping: which geo goes where.

    Returns:
        ``geo, week`` (the index), one row per group and week that has lines: ``revenue, units``, the ``average_price``
        of a unit of what was sold, missing where nothing was, and ``margin`` where costs are known.
    """
    names = [name for name in ("revenue", "units", "margin", "sales_revenue", "sales_units") if name in cells]
    groups = [cells["geo"].map(grouping.groups), pd.to_datetime(cells["week"])]
    sums = cells[names].groupby(groups).sum().astype(float)
    price = sums.pop("sales_revenue") / sums.pop("sales_units").replace(0.0, np.nan)
    return sums.assign(average_price=price)


def buyers(invoices: DataFrame, grouping: Grouping) -> pd.DataFrame:
    """Count orders and customers.

    A customer is new in the week and geo of the first kept line of all, if there was bought then: each is new once, and
    returns in another geo of the same week. Of lines of the same moment the first geo by its name counts. Lines that
    name no customer tell of none.

    Args:
        invoices: see `add_up`.
        grouping: which geo goes where; what lies elsewhere is not counted.

    Returns:
        ``geo, week`` (the index), one row per group and week that has some: ``orders, customers, new_customers``.
    """
    table = F.broadcast(grouping.table(invoices.sparkSession))
    kept = invoices.where(F.col("reason").isNull())
    sold = kept.where("sold").join(table, "geo").groupBy("group", "week")
    visits = (
        kept.where(F.col("customer").isNotNull())
        .repartition("customer")  # once: all that follows lies by customer
        .groupBy("customer", "week", "geo")
        .agg(F.min("first").alias("first"), F.max("sold").alias("bought"))
    )
    order = Window.partitionBy("customer").orderBy("first", "geo", "week")
    bought = visits.withColumn("new", F.row_number().over(order) == 1).where("bought").join(table, "geo")
    customers = bought.groupBy("customer", "group", "week").agg(F.max("new").alias("new")).groupBy("group", "week")
    counted = customers.agg(F.count("*").alias("customers"), F.count_if("new").alias("new_customers"))
    rows = _under(sold.agg(_different("invoice", "orders")), counted).toArrow().to_pandas()
    groups = [rows.pop("group").rename("geo"), pd.to_datetime(rows.pop("week"))]
    return rows.groupby(groups).sum().astype(int)


def _sum(name: str, where: Column | None = None) -> Column:
    """Sum of a column, zero where there is nothing to add."""
    values = F.col(name) if where is None else F.when(where, F.col(name))
    return F.coalesce(F.sum(values), F.lit(0)).alias(name)
