"""The whole way from transaction lines to the weekly table, in one Spark session."""

from collections.abc import Collection, Mapping
from contextlib import ExitStack
from datetime import date
from functools import partial
from pathlib import Path

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from mmm_bayes.config import Config, PanelColumns, SourceTable, Transactions
from mmm_bayes.external import read_external, weekly_controls
from mmm_bayes.findings import Finding
from mmm_bayes.panel.holidays import add_holidays
from mmm_bayes.prepare.clean import book_cancellations, judge, keep_on_disk, read_lines
from mmm_bayes.prepare.costs import about_costs, read_costs, summarise_costs, with_margin
from mmm_bayes.prepare.failures import spark_errors
from mmm_bayes.prepare.gaps import strays
from mmm_bayes.prepare.geos import Grouping, group_geos
from mmm_bayes.prepare.increment import NOTHING_KEPT, Increment, find_increment, keep, large_of, single_lined
from mmm_bayes.prepare.losses import judge_losses, require_no_question, require_whole_names
from mmm_bayes.prepare.outliers import find_outliers, from_amount, large_lines
from mmm_bayes.prepare.prepared import FURTHER, KPI_VALUE, MEASURES, Prepared
from mmm_bayes.prepare.presets import layout
from mmm_bayes.prepare.quality import Story, summarise
from mmm_bayes.prepare.quarantine import write_quarantine
from mmm_bayes.prepare.read import find_source
from mmm_bayes.prepare.sources import cells_of, open_tables
from mmm_bayes.prepare.spend import Spend, read_spend, weekly_spend
from mmm_bayes.prepare.weeks import WEEKDAYS, Counts, add_up, buyers, by_geo_week, count, total
from mmm_bayes.progress import Progress, silent


def weekly_table(
    config: Config,
    quarantine: Path,
    progress: Progress = silent,
    session: SparkSession | None = None,
    given: Mapping[str, DataFrame] | None = None,
    before: Path | None = None,
) -> Prepared:
    """Turn the raw transactions of a configuration into a weekly table.

    Args:
        config: with a section ``transactions`` and perhaps ``spend``.
        quarantine: folder of Parquet files to write: each line that is not used, as it was read, with its ``reason``.
        progress: told what is being done and the share that is done.
        session: of Spark, where the caller has one.
        given: DataFrames in place of what ``transactions`` and ``spend`` name.
        before: folder of what an earlier run has kept of its lines; of an incremental table this one leaves its own
            beside the quarantine.

    Raises:
        ConfigError: a date format, a holiday code or a geo that does not exist.
        DataError: files or columns that are missing or cannot be read, no usable line, or fewer than 20 whole weeks.
        MMMError: Spark or Java does not start.
    """
    table = config.transactions
    assert table is not None
    how = layout(table)
    by_spark = {name for name in ("transactions", "spend") if name in (given or {}) or _is_by_spark(config, name)}
    columns_read = how.columns.model_dump().values()
    known = single_lined(before) if table.incremental else ()
    source = find_source(config.find(table.path), table, columns_read, "transactions" in by_spark, known)
    spend_lines = read_spend(config) if config.spend and "spend" not in by_spark else None
    costs = read_costs(config)
    tables = read_external(config, WEEKDAYS.index(table.week_start))
    progress("starting Spark", None)
    with (
        open_tables(config, session, given or {}, before) as (spark, opened),
        ExitStack() as kept,
        spark_errors(f"{source.path}: cannot be prepared"),
    ):
        if "spend" in opened:
            spend_lines = read_spend(config, cells_of(opened["spend"]))
        progress("judging transaction lines", 0.2)
        read = read_lines(spark, source, how, opened.get("transactions"))
        increment = find_increment(read, config, before) if table.incremental else NOTHING_KEPT

        def judged(stray_weeks: Collection[date], increment: Increment) -> tuple[DataFrame, ...]:
            earlier = increment.earlier
            part, seen = (read, None) if earlier is None else (earlier.added, earlier.seen)
            lines = with_margin(judge(part, stray_weeks, seen), costs)
            rows = keep_on_disk(add_up(_booked(lines, table), table.week_start), kept)
            return lines, rows, (rows if earlier is None else earlier.invoices.unionByName(rows)).drop("prints")

        lines, rows, invoices = judged((), increment)
        cells = total(invoices, how.cancellation_prefix)
        if odd := strays(cells[cells["reason"].isna()].groupby("week")["lines"].sum()):
            increment = increment.of_all_lines(Finding("increment.strays")) if table.incremental else increment
            lines, rows, invoices = judged(odd, increment)
            cells = total(invoices, how.cancellation_prefix)
        progress("adding up weeks", 0.7)
        require_whole_names(cells, source)
        require_no_question(cells, source)
        losses = judge_losses(cells, source, invoices, how.columns)
        counts = count(invoices, cells, table.week_start, read.clock.weeks)
        large = partial(large_lines, lines, week_start=table.week_start)
        if increment.can_keep:
            worth, limit = large_of(increment, lines, rows, read, counts)
            keep(increment, rows, worth, limit, quarantine.parent)
            large = partial(from_amount, worth)
        odd_lines = [] if counts.by_week else find_outliers(large, counts, table)
        grouping = group_geos(counts.inside, table)
        spend = weekly_spend(spend_lines, table.week_start, counts.span, grouping) if spend_lines else None
        external = weekly_controls(tables, _weeks(counts), grouping.places)
        external.require_new((*FURTHER, KPI_VALUE))
        cells = by_geo_week(counts.inside, grouping).join(buyers(invoices, grouping))
        of_costs = summarise_costs(counts.kept, invoices)
        frame = _fill(_of_customers(cells, how.columns.customer), grouping, counts, spend)
        holidays = add_holidays(frame, table.holidays, grouping.largest)
        progress("writing the quarantine", 0.9)
        write_quarantine(invoices, quarantine)
    kept_notes = [increment.note] if increment.note else []
    found = (*read.notes, *kept_notes, *losses, *odd_lines, *external.notes, *about_costs(of_costs))
    story = Story(source.path, table, counts, found, grouping, holidays, spend)
    quality = summarise(story) | ({} if of_costs is None else {"costs": of_costs})
    columns = _columns(holidays.frame, table, spend, list(holidays.columns))
    return Prepared(*external.beside(holidays.frame, columns), quality)


def _is_by_spark(config: Config, section: str) -> bool:
    table = config.files.get(section)
    return isinstance(table, SourceTable) and table.by_spark


def _booked(lines: DataFrame, table: Transactions) -> DataFrame:
    if table.cancellations == "order_week":
        return book_cancellations(lines)
    return lines.withColumns({"booked": F.col("at"), "unmatched": F.lit(False)})


def _of_customers(cells: pd.DataFrame, column: str | None) -> pd.DataFrame:
    """Part the customers of each week and geo into new and returning ones, where a column names them."""
    if column is None:
        return cells.drop(columns="new_customers")
    return cells.assign(returning_customers=cells["customers"] - cells["new_customers"])


def _weeks(counts: Counts) -> pd.DatetimeIndex:
    return pd.date_range(*counts.span, freq="7D", unit="ns")


def _fill(known: pd.DataFrame, grouping: Grouping, counts: Counts, spend: Spend | None) -> pd.DataFrame:
    """Return every week of every geo in order.

    Weeks without lines get zeros and the price of the week before; weeks before the first of revenue, kept for
    their spend, get no measures.
    """
    first = spend.first if spend else counts.span[0]
    weeks = pd.date_range(first, counts.span[1], freq="7D", name="week", unit="ns")
    every = pd.MultiIndex.from_product([grouping.names, weeks], names=["geo", "week"])
    if spend:
        known = known.join(spend.weekly, how="outer")
    frame = known.reindex(every).reset_index()
    before = frame["week"] < pd.Timestamp(counts.span[0])
    filled = frame["revenue"].isna() & ~before
    prices = frame.groupby("geo", sort=False)["average_price"]
    frame["average_price"] = prices.ffill().fillna(prices.bfill())
    frame = frame.fillna(dict.fromkeys(frame.columns[2:], 0.0)).assign(filled=filled)
    frame["trading_days"] = frame["week"].map(counts.trading_days)
    measures = [*MEASURES, *(name for name in FURTHER if name in frame)]
    frame[measures] = frame[measures].mask(before)
    return frame[["week", "geo", *measures, "filled", *(spend.columns.values() if spend else ())]]


def _columns(frame: pd.DataFrame, table: Transactions, spend: Spend | None, holidays: list[str]) -> PanelColumns:
    return PanelColumns(
        geo="geo",
        kpi="revenue",
        spend=spend.columns if spend else {},
        controls=tuple(name for name in table.controls if frame[name].nunique() > 1),
        holidays=tuple(holidays),
    )
