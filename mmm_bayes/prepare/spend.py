"""Real spend from a file, added up to the weeks and geos of the panel."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from mmm_bayes.config import Config, SpendFile
from mmm_bayes.errors import DataError, nearest
from mmm_bayes.findings import Finding
from mmm_bayes.panel import NATIONAL
from mmm_bayes.prepare.clean import AMOUNT
from mmm_bayes.prepare.gaps import WEEK
from mmm_bayes.prepare.geos import Grouping
from mmm_bayes.prepare.read import MALFORMED, Source, column, find_source, read, text, timestamp
from mmm_bayes.prepare.weeks import WEEKDAYS, week_of

HISTORY = 52
"""Most weeks before the first of the panel that are kept, so that their spend enters the lags."""


@dataclass(frozen=True)
class Spend:
    """Spend per week and geo.

    Attributes:
        weekly: ``week, geo`` and one column per channel; weeks and geos without spend are missing.
        columns: column by channel.
        first: first week to keep, before that of the panel where the file has history.
        summary: facts for the data-quality summary.
        notes: what a reader should know.
    """

    weekly: DataFrame
    columns: dict[str, str]
    first: date
    summary: dict[str, Any]
    notes: tuple[Finding, ...]


@dataclass(frozen=True)
class SpendLines:
    """Checked lines of the spend file: ``at, channel, geo, spend``, where they come from, and how many are credits."""

    frame: DataFrame
    table: SpendFile
    source: Source
    credits: int


def read_spend(spark: SparkSession, config: Config) -> SpendLines:
    """Read the spend file and check it, before anything that takes time.

    Args:
        spark: the session.
        config: with a section ``spend``.

    Raises:
        DataError: a missing column, no rows, a date or an amount that cannot be read.
    """
    assert config.spend is not None
    source = find_source(config, config.spend, "spend")
    frame = _lines(read(spark, source), config.spend, source)
    return SpendLines(frame, config.spend, source, _require_usable(frame, config.spend, source))


def weekly_spend(lines: SpendLines, week_start: str, weeks: tuple[date, date], grouping: Grouping) -> Spend:
    """Add the spend up.

    Args:
        lines: see `read_spend`.
        week_start: name of a weekday.
        weeks: first and last week of the panel.
        grouping: which geo goes where; spend without a geo is split by share of revenue.

    Raises:
        DataError: spend for a geo that the transactions do not have, or credits of more than was spent in a week.
    """
    split = lines.table.geo is None or grouping.names == (NATIONAL,)
    places = _split(grouping) if split else _places(lines, grouping)
    frame = lines.frame.withColumn("geo", F.lit("")) if split else lines.frame
    frame = frame.withColumn("week", week_of(F.to_date("at"), week_start))
    credit = _net_credits(frame, lines.source) if lines.credits else 0
    found = _by_channel(frame)
    first = min(weeks[0], max(min(row["first"] for row in found), weeks[0] - HISTORY * WEEK))
    outside = frame.where(~F.col("week").between(first, weeks[1]))
    lost = outside.agg(F.count("*").alias("rows"), F.coalesce(F.sum("spend"), F.lit(0)).alias("spend")).collect()[0]
    columns = {channel: f"spend_{channel}" for channel in lines.table.channels or [row["channel"] for row in found]}
    summary = {
        "path": lines.source.path,
        "channels": {row["channel"]: float(row["spend"]) for row in found},
        "first_week": str(min(row["first"] for row in found)),
        "last_week": str(max(row["last"] for row in found)),
        "split_by_revenue": split and len(grouping.names) > 1,
        "history_weeks": (weeks[0] - first) // WEEK,
        "outside": {"rows": lost["rows"], "spend": float(lost["spend"])},
    }
    notes = _notes(summary, found, weeks, week_start)
    if lines.credits:
        notes = (*notes, Finding("spend.credits", {"rows": lines.credits, "spend": float(credit)}))
    return Spend(_weekly(frame, places, columns), columns, first, summary, notes)


def _lines(raw: DataFrame, table: SpendFile, source: Source) -> DataFrame:
    """Return ``at, channel, geo, spend, malformed`` with the texts ``date_text, spend_text``, whatever the layout."""
    if table.layout == "long":
        assert table.channel is not None and table.spend is not None
        pairs = [_pair(text(column(raw, table.channel, source)), column(raw, table.spend, source))]
    else:
        pairs = [_pair(F.lit(name), column(raw, own, source)) for name, own in table.channels.items()]
    lines = raw.select(
        timestamp(raw, table.date, table.date_format, source).alias("at"),
        column(raw, table.date, source).cast("string").alias("date_text"),
        (F.col(MALFORMED) if MALFORMED in raw.columns else F.lit(None).cast("string")).alias("malformed"),
        (text(column(raw, table.geo, source)) if table.geo else F.lit("")).alias("geo"),
        F.explode(F.array(*pairs)).alias("pair"),
    )
    return lines.select("*", "pair.*", F.col("pair.spend_text").try_cast(AMOUNT).alias("spend")).drop("pair")


def _pair(channel: Column, spend: Column) -> Column:
    return F.struct(channel.alias("channel"), text(spend).alias("spend_text"))


def _net_credits(lines: DataFrame, source: Source) -> Decimal:
    """Return the sum of the credits, which are netted in their weeks.

    Raises:
        DataError: one of the weeks falls below zero.
    """
    credit = F.sum(F.when(F.col("spend") < 0, F.col("spend"))).alias("credit")
    weeks = lines.groupBy("channel", "geo", "week").agg(F.sum("spend").alias("spend"), credit)
    least = F.min_by(F.struct("channel", "geo", "week", "spend"), "spend")
    worst, whole = weeks.where("credit < 0").agg(least, F.sum("credit")).collect()[0]
    if worst["spend"] < 0:
        place = f" ({worst['geo']})" if worst["geo"] else ""
        raise DataError(
            f"{source.path}: credits bring the spend of {worst['channel']}{place} in the week of {worst['week']} to "
            f"{worst['spend'].normalize():f}; date them in the week of the spend that they take back."
        )
    return whole


def _require_usable(lines: DataFrame, table: SpendFile, source: Source) -> int:
    """Return the number of credits.

    Unlike a transaction among half a million, a spend that cannot be read is not put aside: it is an error.
    """
    problems = {
        "the line {malformed!r} does not have the columns of the first line; correct it": F.col(
            "malformed"
        ).isNotNull(),
        f"the date {{date_text!r}} (column '{table.date}') is no date; use YYYY-MM-DD or give 'spend.date_format'": (
            F.col("at").isNull()
        ),
        "a row of {date_text} names no channel; fill it in": F.col("channel").isNull(),
        f"a row of {{date_text}} names no geo (column '{table.geo}'); fill it in": F.col("geo").isNull(),
        "the spend {spend_text!r} of {channel} on {date_text} is no number; correct it (0 where none was spent)": (
            F.col("spend").isNull()
        ),
    }
    problem = F.coalesce(*[F.when(found, sentence) for sentence, found in problems.items()])
    first = F.first(F.when(problem.isNotNull(), F.struct(problem.alias("problem"), "*")), ignorenulls=True)
    number, bad, credits = lines.agg(F.count("*"), first, F.count_if(F.col("spend") < 0)).collect()[0]
    if number == 0:
        raise DataError(f"{source.path}: holds no spend; give a file with rows, or leave out the section 'spend'.")
    if bad is not None:
        raise DataError(f"{source.path}: {bad['problem'].format(**bad.asDict())}.")
    return int(credits)


def _split(grouping: Grouping) -> pa.Table:
    """Every amount goes to all groups, by their share of the revenue."""
    names = list(grouping.names)
    return pa.table({"geo": [""] * len(names), "group": names, "share": [grouping.shares[n] for n in names]})


def _places(lines: SpendLines, grouping: Grouping) -> pa.Table:
    """Every amount goes to the group of its geo, whatever the case of its name."""
    groups = {geo.lower(): group for geo, group in grouping.groups.items()}
    geos = sorted(row["geo"] for row in lines.frame.select("geo").distinct().collect())
    if unknown := [geo for geo in geos if geo.lower() not in groups]:
        hint = nearest(unknown[0], [geo for geo in grouping.groups if geo])
        raise DataError(f"{lines.source.path}: the transactions have no geo '{unknown[0]}'; {hint}")
    return pa.table({"geo": geos, "group": [groups[geo.lower()] for geo in geos], "share": [1.0] * len(geos)})


def _by_channel(lines: DataFrame) -> list[Row]:
    days = F.collect_set(F.weekday("at")).alias("weekdays")
    ends = (F.min("week").alias("first"), F.max("week").alias("last"))
    return lines.groupBy("channel").agg(F.sum("spend").alias("spend"), *ends, days).orderBy("channel").collect()


def _weekly(lines: DataFrame, places: pa.Table, columns: dict[str, str]) -> DataFrame:
    placed = lines.join(F.broadcast(lines.sparkSession.createDataFrame(places)), "geo")
    amount = F.sum(F.col("spend").cast("double") * F.col("share"))
    weekly = placed.groupBy("week", "group").pivot("channel", list(columns)).agg(amount)
    return weekly.toDF("week", "geo", *columns.values())


def _notes(summary: dict[str, Any], found: list[Row], weeks: tuple[date, date], week_start: str) -> tuple[Finding, ...]:
    notes = []
    if summary["split_by_revenue"]:
        notes.append(Finding("spend.split_by_revenue"))
    first, last = map(str, weeks)
    if summary["first_week"] > first or summary["last_week"] < last:
        covered = {"first": summary["first_week"], "last": summary["last_week"]}
        notes.append(Finding("spend.other_weeks", {**covered, "panel_first": first, "panel_last": last}))
    if outside := summary["outside"]["rows"]:
        notes.append(Finding("spend.outside", {"rows": outside, "spend": summary["outside"]["spend"]}))
    weekdays = {day for row in found for day in row["weekdays"]}
    if len(weekdays) == 1 and (day := WEEKDAYS[weekdays.pop()]) != week_start:
        notes.append(Finding("spend.other_weekday", {"day": day, "start": week_start}))
    return tuple(notes)
