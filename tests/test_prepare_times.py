"""When a line was written: formats that are found out or asked about, numbers that count time, and the shop's clock."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from mmm_bayes.config import make_config
from mmm_bayes.config.file import OF_TIMES
from mmm_bayes.errors import ConfigError, DataError
from mmm_bayes.findings import Finding
from mmm_bayes.prepare import Prepared, weekly_table
from mmm_bayes.prepare.times import DIRECTIVES, spark_pattern
from mmm_bayes.report.words import word

COLUMNS = {"invoice": "i", "product": "p", "quantity": "q", "price": "v", "date": "d"}
START = datetime(2023, 1, 2, 8, 26)
MOMENTS = [START + timedelta(days=n, minutes=7 * n) for n in range(7 * 21)]


def write(folder: Path, dates: list[Any], name: str = "lines.csv") -> Path:
    frame = pd.DataFrame({"i": range(len(dates)), "p": "1", "q": 1, "v": 2.5, "d": dates})
    frame.to_parquet(folder / name) if name.endswith("parquet") else frame.to_csv(folder / name, index=False)
    return folder / name


def prepare(path: Path, **transactions: Any) -> Prepared:
    source = {"path": str(path), "columns": COLUMNS, "holidays": "none", **transactions}
    return weekly_table(make_config({"name": "test", "transactions": source}), path.parent / "quarantine.parquet")


def notes(prepared: Prepared) -> str:
    return " ".join(word(Finding(**note)) for note in prepared.quality["notes"])


def assert_read(prepared: Prepared, moments: list[datetime]) -> None:
    """Every line counts in its week."""
    assert not prepared.quality["quarantine"]
    days = pd.DatetimeIndex(moments).normalize()
    weeks = pd.Series(days - pd.to_timedelta(days.dayofweek, unit="D")).value_counts().sort_index()
    expected = (2.5 * weeks[weeks.index.isin(prepared.frame["week"])]).tolist()
    assert prepared.frame["revenue"].tolist() == expected
    assert len(expected) >= 20


# --- formats --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "date_format",
    ["%d/%m/%Y %H:%M", "%m/%d/%Y", "%d.%m.%y %H:%M", "%Y/%m/%d %H:%M:%S", "%d %b %Y", "%B %d, %Y", "%d-%m-%Y %I:%M %p"],
)
def test_a_format_that_alone_fits_is_found_and_told(spark: SparkSession, tmp_path: Path, date_format: str) -> None:
    prepared = prepare(write(tmp_path, [moment.strftime(date_format) for moment in MOMENTS]))
    assert_read(prepared, MOMENTS)
    assert f"The dates of column 'd' were read as {date_format}, the only format that they fit." in notes(prepared)


@pytest.mark.parametrize(
    ("texts", "readings"),
    [
        ([f"{month:02}/{day:02}/2023" for month in range(1, 13) for day in range(1, 13)], ("%d/%m/%Y", "%m/%d/%Y")),
        (
            [f"{day}.{month}.23 9:30" for month in range(1, 9) for day in (3, 7, 11)],
            ("%d.%m.%y %H:%M", "%m.%d.%y %H:%M"),
        ),
        ([f"{month}-{day}-2023" for month in range(1, 9) for day in (2, 5, 9, 12)], ("%d-%m-%Y", "%m-%d-%Y")),
    ],
)
def test_day_and_month_that_can_be_exchanged_are_asked_about(
    spark: SparkSession, tmp_path: Path, texts: list[str], readings: tuple[str, str]
) -> None:
    with pytest.raises(
        DataError, match=r"column 'd': '[^']+' may be 2023-\d\d-\d\d or 2023-\d\d-\d\d; give "
    ) as caught:
        prepare(write(tmp_path, texts))
    assert str(caught.value).endswith(f"give 'transactions.date_format' as {readings[0]} or {readings[1]}.")


def test_a_file_that_begins_within_twelve_days_is_looked_at_whole(spark: SparkSession, tmp_path: Path) -> None:
    moments = [START] * 20_000 + MOMENTS
    prepared = prepare(write(tmp_path, [moment.strftime("%d/%m/%Y") for moment in moments]), duplicates="keep")
    assert prepared.quality["lines_read"] == len(moments)
    assert "were read as %d/%m/%Y" in notes(prepared)


def test_a_format_for_a_tenth_of_the_dates_stops(spark: SparkSession, tmp_path: Path) -> None:
    path = write(tmp_path, [f"{m:%d/%m/%Y}" if n % 10 else f"{m:%Y-%m-%d}" for n, m in enumerate(MOMENTS)])
    with pytest.raises(DataError, match=r"cannot be used, .* for this reason: missing or unparseable date, such as '"):
        prepare(path, date_format="%Y-%m-%d")


def test_spark_has_a_letter_for_every_directive_that_a_configuration_may_use() -> None:
    assert sorted(DIRECTIVES) == sorted(OF_TIMES)
    assert spark_pattern("%Y%m%d um %H") == "yyyyMMdd 'um' HH"


# --- numbers --------------------------------------------------------------------------------------

EPOCH = datetime(1970, 1, 1)
COUNTS = {
    "seconds": lambda moment: int((moment - EPOCH).total_seconds()),
    "milliseconds": lambda moment: 1000 * int((moment - EPOCH).total_seconds()),
    "microseconds": lambda moment: 10**6 * int((moment - EPOCH).total_seconds()),
    "days of a spreadsheet": lambda moment: round((moment - datetime(1899, 12, 30)).total_seconds() / 86400, 6),
    "digits": lambda moment: f"{moment:%Y%m%d}",
}


@pytest.mark.parametrize("name", ["lines.csv", "lines.parquet"])
@pytest.mark.parametrize("count", COUNTS)
def test_numbers_that_count_time(spark: SparkSession, tmp_path: Path, count: str, name: str) -> None:
    prepared = prepare(write(tmp_path, [COUNTS[count](moment) for moment in MOMENTS], name), timezone="UTC")
    assert_read(prepared, MOMENTS)


# --- the clock of the shop ------------------------------------------------------------------------

SUNDAYS = [datetime(2023, 1, 8, 20, 30) + timedelta(weeks=n) for n in range(21)]
"""Evenings in the shop; what was sold then is of the week that ends."""

OF_UTC = {
    "Los Angeles": ("America/Los_Angeles", "lines.csv", "%Y-%m-%dT%H:%M:%SZ"),
    "Los Angeles, named": ("America/Los_Angeles", "lines.csv", "%Y-%m-%d %H:%M:%S UTC"),
    "Los Angeles, typed": ("America/Los_Angeles", "us.parquet", "us"),
    "New York, nanoseconds": ("America/New_York", "ns.parquet", "ns"),
    "Sao Paulo, offset": ("America/Sao_Paulo", "lines.csv", "%Y-%m-%dT%H:%M:%S+00:00"),
}


@pytest.mark.parametrize("case", OF_UTC)
def test_times_of_utc_are_asked_about_and_told_by_the_clock_of_the_shop(
    spark: SparkSession, tmp_path: Path, case: str
) -> None:
    zone, name, written = OF_UTC[case]
    instants = pd.DatetimeIndex(MOMENTS + SUNDAYS).tz_localize(zone).tz_convert("UTC")
    dates = instants.as_unit(written) if name.endswith("parquet") else instants.strftime(written)
    path = write(tmp_path, list(dates) if name.endswith("csv") else dates, name)
    with pytest.raises(
        DataError, match=r"column 'd' holds times of UTC, such as 2023-01-0.*; give 'transactions.timezone'"
    ):
        prepare(path)
    assert_read(prepare(path, timezone=zone), MOMENTS + SUNDAYS)


def test_times_without_a_zone_are_asked_nothing_and_told_as_they_are_written(
    spark: SparkSession, tmp_path: Path
) -> None:
    local = [f"{moment:%Y-%m-%dT%H:%M:%S}-08:00" for moment in MOMENTS + SUNDAYS]
    assert_read(prepare(write(tmp_path, local)), MOMENTS + SUNDAYS)
    compact = [f"{moment:%Y-%m-%d %H:%M:%S} -0800" for moment in MOMENTS + SUNDAYS]
    assert_read(prepare(write(tmp_path, compact)), MOMENTS + SUNDAYS)
    assert_read(prepare(write(tmp_path, pd.DatetimeIndex(MOMENTS + SUNDAYS), "a.parquet")), MOMENTS + SUNDAYS)
    days = pd.DatetimeIndex(MOMENTS).normalize().tz_localize("UTC").as_unit("us")
    assert_read(prepare(write(tmp_path, days, "b.parquet")), MOMENTS)


@pytest.mark.parametrize("zone", ["PST8", "Los Angeles", "utc+1", "Europe/Berlín"])
def test_a_zone_must_be_one(zone: str) -> None:
    with pytest.raises(ConfigError, match="is none; use a name such as Europe/Berlin or UTC"):
        prepare(Path("x.csv"), timezone=zone)


# --- weeks ----------------------------------------------------------------------------------------

WEEKS = [date.fromisocalendar(*(START + timedelta(weeks=n)).isocalendar()[:2], 1) for n in range(-120, 8)]
"""With the 53rd of 2020."""


@pytest.mark.parametrize(
    "written", ["{0}-W{1:02d}", "{0}W{1:02d}", "KW {1}/{0}", "W{1:02d}-{0}", "{0} cw {1}", "{0}/S{1:02d}"]
)
def test_weeks_of_a_year_are_weekly_lines(spark: SparkSession, tmp_path: Path, written: str) -> None:
    cells = [written.format(*week.isocalendar()).replace("cw", "CW") for week in WEEKS for _ in range(3)]
    prepared = prepare(write(tmp_path, cells))
    assert prepared.frame["week"].dt.date.tolist() == WEEKS  # the first and the last are whole
    assert (prepared.frame["revenue"] == 7.5).all()
    assert prepared.frame["trading_days"].isna().all()
    assert prepared.columns.controls == ()
    assert "tells the week of each line and not its day" in notes(prepared)


def test_weeks_that_are_none_are_put_aside(spark: SparkSession, tmp_path: Path) -> None:
    cells = [f"{week:%G-W%V}" for week in WEEKS for _ in range(9)] + ["2023-W53", "2022-W00", "2021-W77", "soon"]
    prepared = prepare(write(tmp_path, cells))
    assert prepared.quality["quarantine"]["missing_or_unparseable_date"]["lines"] == 4
    assert prepared.frame["week"].dt.date.tolist() == WEEKS


def test_weeks_do_not_fit_others_that_begin_elsewhere(spark: SparkSession, tmp_path: Path) -> None:
    path = write(tmp_path, [f"{week:%G-W%V}" for week in WEEKS])
    with pytest.raises(DataError) as caught:
        prepare(path, week_start="sunday")
    assert str(caught.value) == (
        f"{path}: column 'd' holds weeks such as 2020-W38, which begin on Mondays; leave out "
        "'transactions.week_start', or export the lines with their days."
    )
