"""Judge every transaction line: kept, or put aside for one stated reason."""

import re
from collections.abc import Collection, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import date

from py4j.protocol import Py4JError
from pyspark import StorageLevel
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, IntegralType, StringType

from mmm_bayes.config import Transactions
from mmm_bayes.errors import DataError
from mmm_bayes.findings import Finding
from mmm_bayes.prepare.numbers import number
from mmm_bayes.prepare.presets import Layout
from mmm_bayes.prepare.read import MALFORMED, SECTION, Source, column, read, sample, text
from mmm_bayes.prepare.spark import has_no_executors, holding
from mmm_bayes.prepare.times import Clock, find_clock, timestamp
from mmm_bayes.prepare.weeks import week_of
from mmm_bayes.tables import Notation, find_notation

AMOUNT = "decimal(18,6)"
"""Prices and quantities are exact, so that their sums are, in whatever order Spark adds."""

INVOICE, COPIES, COPY, REPEATED, PRINT, SEEN = (
    f"mmm_bayes.{name}" for name in ("invoice", "copies", "copy", "repeated", "print", "seen")
)
"""Stand beside the columns of the file, which may have any name."""

ONE_PASS = {"spark.sql.execution.bypassPartialAggregation": "true"}
"""Lines of one invoice lie together already: sums of each part of them would be all sums, made twice."""


@dataclass(frozen=True)
class Lines:
    """The lines as they were read, and what is known of them.

    Attributes:
        raw: their cells.
        source: where they come from.
        layout: columns, cancellations and codes.
        clock: how their times are written.
        notation: how their numbers are written.
    """

    raw: DataFrame
    source: Source
    layout: Layout
    clock: Clock
    notation: Notation

    @property
    def notes(self) -> tuple[Finding, ...]:
        """What was found out of the dates, if nobody had said it."""
        if self.clock.weeks:
            return (Finding("data.weeks", {"column": self.layout.columns.date}),)
        found = self.clock.date_format
        if found is None or found == self.layout.date_format:
            return ()
        return (Finding("data.date_format", {"column": self.layout.columns.date, "date_format": found}),)


def read_lines(spark: SparkSession, source: Source, layout: Layout, opened: DataFrame | None = None) -> Lines:
    """Read the lines and find out how they are written.

    Args:
        spark: the session.
        source: where they are.
        layout: columns, date format, cancellations and codes.
        opened: their table, where Spark reads it by its own rules.

    Raises:
        DataError: a column is missing, or dates or numbers can be read in two ways.
    """
    raw, columns = read(spark, source) if opened is None else opened, layout.columns
    for name in source.columns:
        column(raw, name, source)
    clock = find_clock(raw, columns.date, layout.date_format, source)
    numbers = [name for name in (columns.quantity, columns.price, columns.cost) if name]
    texts = [name for name in numbers if raw.schema[name].dataType == StringType()]
    try:
        notation = find_notation([sample(raw, name, source) for name in texts], source.table, SECTION)
    except DataError as error:
        raise error.within(source.path) from None
    return Lines(raw, source, layout, clock, notation)


def judge(lines: Lines, strays: Collection[date] = (), seen: DataFrame | None = None) -> DataFrame:
    """Add to each raw line what it means and why it cannot be used.

    Lines of one invoice come together once; then its copies lie side by side, and so do its sums (see
    `mmm_bayes.prepare.weeks.add_up`).

    Args:
        lines: as they were read.
        strays: first days of weeks whose lines are dated wrongly.
        seen: ``invoice, print`` of lines that were read before, once each: their copies are repeated, too.

    Returns:
        One row per raw line: ``invoice, product, customer, geo`` (text), ``at`` (timestamp), ``quantity, price,
        revenue`` (decimal, negative for cancellations, null where unknown), ``cost`` (decimal) where a column holds it,
        ``sold, cancelled, repeated`` (true or false), ``reason`` (null for a kept line) and ``raw`` (the line as it was
        read, null for a kept line). Of an incremental table also ``print``, a number that no other line of the same
        invoice has but its copies.
    """
    typed = _typed(_together(lines, seen), lines)
    reasons = _reasons(lines.source.table, lines.layout, strays).items()
    typed = typed.withColumn("reason", F.coalesce(*[F.when(found, reason) for reason, found in reasons]))
    return typed.withColumn("raw", F.when(F.col("reason").isNotNull(), F.col("raw"))).drop("malformed", "undated")


def _together(lines: Lines, seen: DataFrame | None) -> DataFrame:
    """Return the raw lines, those of one invoice together, with `INVOICE`, `REPEATED` and, where asked for, `PRINT`."""
    raw, source, columns = lines.raw, lines.source, lines.layout.columns
    shared = [name for name in (columns.invoice, columns.date, columns.customer, columns.geo) if name]
    cells = [column(raw, name, source) for name in dict.fromkeys([*shared, *raw.columns])]
    keys = [text(column(raw, columns.invoice, source), source).alias(INVOICE), *cells]  # what repeats first: it packs
    if source.table.incremental:
        keys.append(_print(cells).alias(PRINT))
    chosen, pieces = raw.select(*keys), source.pieces(raw.sparkSession)
    moved = chosen.repartition(pieces, _own(INVOICE)) if pieces else chosen.repartition(_own(INVOICE))
    different = moved.groupBy(*map(_own, moved.columns)).agg(F.count("*").alias(COPIES))
    together = different.withColumn(COPY, F.explode(F.sequence(F.lit(1), _own(COPIES))))
    repeated = _own(COPY) > 1
    if seen is not None:
        seen = seen.select(F.col("invoice").alias(f"{SEEN}.invoice"), F.col("print").alias(SEEN))
        same = _own(INVOICE).eqNullSafe(_own(f"{SEEN}.invoice")) & (_own(PRINT) == _own(SEEN))
        together, repeated = together.join(seen, same, "left"), repeated | _own(SEEN).isNotNull()
    return together.withColumn(REPEATED, repeated)


def keep_on_disk(frame: DataFrame, kept: ExitStack) -> DataFrame:
    """Return the table so that it is computed once, when first needed, and then read from Spark's own disk.

    Within one process as rows: a third of the processor time of Spark's columnar cache, and no memory. On a cluster in
    that cache, as what an executor takes with it when it is lost can be computed again from there alone.

    Args:
        frame: the table.
        kept: until it closes, the cache has it.
    """
    with holding(frame.sparkSession, ONE_PASS):
        if has_no_executors(frame.sparkSession):
            return frame.localCheckpoint(eager=False, storageLevel=StorageLevel.DISK_ONLY)
        cached = frame.persist(StorageLevel.DISK_ONLY)
    kept.callback(_forget, cached)
    return cached


def _forget(cached: DataFrame) -> None:
    with suppress(PySparkException, Py4JError, OSError):  # its session may have died
        cached.unpersist()


def book_cancellations(lines: DataFrame) -> DataFrame:
    """Add ``booked``: when a line counts; for a cancellation the time of the order that it cancels.

    That is the latest kept line up to then with the same customer, product and number. A cancellation without
    one counts when it was written and is true in ``unmatched``.
    """
    same = Window.partitionBy("customer", "product", F.abs("quantity")).orderBy("at", "cancelled")
    kept = F.col("reason").isNull()
    ordered = F.last(F.when(kept & ~F.col("cancelled"), F.col("at")), ignorenulls=True).over(same)
    order = F.when(kept & F.col("cancelled") & F.col("customer").isNotNull(), ordered)
    return lines.withColumns(
        {"booked": F.coalesce(order, "at"), "unmatched": kept & F.col("cancelled") & order.isNull()}
    )


def _print(cells: Sequence[Column]) -> Column:
    """Return 64 bits of what a line holds; where it holds nothing counts, too, which the hash passes over."""
    return F.xxhash64(*cells, *(cell.isNull() for cell in cells))


def invoices_of(lines: Lines) -> DataFrame:
    """Return the different ``invoice`` numbers of lines, null where one is missing."""
    invoice = text(column(lines.raw, lines.layout.columns.invoice, lines.source), lines.source)
    return lines.raw.select(invoice.alias("invoice")).distinct()


def _own(name: str) -> Column:
    return F.col(f"`{name.replace('`', '``')}`")


def _typed(frame: DataFrame, lines: Lines) -> DataFrame:
    source, layout, names = lines.source, lines.layout, lines.raw.columns
    columns = layout.columns

    def optional(name: str | None) -> Column:
        return text(column(frame, name, source), source) if name else F.lit(None).cast("string")

    malformed = F.col(MALFORMED).isNotNull() if MALFORMED in names else F.lit(False)

    def amount(name: str) -> Column:  # of a malformed line nobody knows which of its columns is which
        if isinstance(lines.raw.schema[name].dataType, IntegralType | DoubleType):  # a text of it would say the same
            return F.when(~malformed, column(frame, name, source).try_cast(AMOUNT))
        return F.when(~malformed, number(optional(name), lines.notation, AMOUNT))

    typed = frame.select(
        F.struct(*[column(frame, name, source) for name in names]).alias("raw"),
        _own(REPEATED).alias("repeated"),
        malformed.alias("malformed"),
        _own(INVOICE).alias("invoice"),
        optional(columns.product).alias("product"),
        column(frame, columns.date, source).isNull().alias("undated"),
        timestamp(frame, columns.date, lines.clock, source).alias("at"),
        amount(columns.quantity).alias("quantity"),
        amount(columns.price).alias("price"),
        *([amount(columns.cost).alias("cost")] if columns.cost else []),
        *([_own(PRINT).alias("print")] if source.table.incremental else []),
        optional(columns.customer).alias("customer"),
        optional(columns.geo).alias("geo"),
    )
    cancelled = F.col("quantity") < 0
    if layout.cancellation_prefix:
        cancelled |= F.col("invoice").startswith(layout.cancellation_prefix)
    cancelled = F.coalesce(cancelled, F.lit(False))
    quantity = F.when(cancelled, -F.abs("quantity")).otherwise(F.col("quantity"))
    sold = ~cancelled & (F.col("quantity") > 0) & (F.col("price") > 0)
    typed = typed.withColumns({"cancelled": cancelled, "sold": F.coalesce(sold, F.lit(False)), "quantity": quantity})
    return typed.withColumn("revenue", F.col("quantity") * F.col("price"))


def _reasons(table: Transactions, layout: Layout, strays: Collection[date]) -> dict[str, Column]:
    """Return the reasons to put a line aside, of which the first that applies counts."""
    undated = F.col("at").isNull() & F.col("undated")
    reasons = {
        "malformed_line": F.col("malformed"),
        "blank_or_total": undated & F.col("product").isNull(),
        "missing_or_unparseable_date": F.col("at").isNull(),
        "missing_invoice": F.col("invoice").isNull(),
        "missing_product": F.col("product").isNull(),
        "missing_or_unparseable_quantity": F.col("quantity").isNull(),
        "missing_or_unparseable_price": F.col("price").isNull(),
        "quantity_of_zero": F.col("quantity") == 0,
        "price_of_zero": F.col("price") == 0,
    }
    if strays:
        reasons["stray_date"] = week_of(F.to_date("at"), table.week_start).isin(*strays)
    if table.duplicates != "keep":
        reasons["exact_duplicate"] = F.col("repeated")
    if layout.non_product_codes:
        reasons["code_that_is_no_product"] = F.col("product").rlike(_pattern(layout.non_product_codes))
    reasons["negative_price"] = F.col("price") < 0
    if table.start:
        reasons["before_start"] = F.col("at") < F.lit(table.start)
    if table.end:
        reasons["after_end"] = F.col("at") >= F.date_add(F.lit(table.end), 1)
    return reasons


def _pattern(codes: tuple[str, ...]) -> str:
    """Return a regular expression for codes in which ``*`` stands for any characters, whatever their case."""
    alternatives = (re.escape(code).replace(r"\*", ".*") for code in codes)
    return f"(?i)^(?:{'|'.join(alternatives)})$"
