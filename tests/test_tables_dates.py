"""The days of a column: what programs write, what one format decides, and what is asked."""

from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from mmm_bayes.config import TableFile
from mmm_bayes.errors import DataError
from mmm_bayes.tables import Days, read_days
from mmm_bayes.tables.months import LANGUAGES, _name_of

MONDAYS = pd.date_range("2022-10-03", periods=70, freq="7D")


def read(cells, date_format=None, timezone=None) -> Days:
    file = TableFile(path="", date_format=date_format, timezone=timezone)
    return read_days(pd.Series(cells, range(2, 2 + len(cells)), name="day"), file, "spend")


def days(cells, date_format=None, timezone=None) -> list[str]:
    return [str(day.date()) for day in read(cells, date_format, timezone).first]


FRENCH = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
]
SHORT = ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."]
GERMAN = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
]
SPANISH = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
]
ITALIAN = ["gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic"]

WRITTEN = {
    "French": lambda d: f"{d.day}{'er' if d.day == 1 else ''} {FRENCH[d.month - 1]} {d.year}",
    "French and short": lambda d: f"{d.day:02} {SHORT[d.month - 1]} {d.year}",
    "German names": lambda d: f"{d.day}. {GERMAN[d.month - 1]} {d.year}",
    "Spanish": lambda d: f"{d.day} de {SPANISH[d.month - 1]} de {d.year}",
    "Italian and short": lambda d: f"{d.day}-{ITALIAN[d.month - 1]}-{d.year % 100:02}",
    "ISO": lambda d: d.strftime("%Y-%m-%d"),
    "ISO with offsets": lambda d: d.strftime("%Y-%m-%dT00:00:00") + ("+02:00" if 4 <= d.month <= 10 else "+01:00"),
    "SQL with zone": lambda d: d.strftime("%Y-%m-%d 00:00:00.000 UTC"),
    "German": lambda d: f"{d.day:02}.{d.month:02}.{d.year % 100:02}",
    "Dutch": lambda d: f"{d.day}-{d.month}-{d.year}",
    "British": lambda d: f"{d.day:02}/{d.month:02}/{d.year}",
    "British and short": lambda d: f"{d.day:02}/{d.month:02}/{d.year % 100:02}",
    "American with time": lambda d: f"{d.month}/{d.day}/{d.year} 12:00:00 AM",
    "Japanese": lambda d: d.strftime("%Y/%m/%d"),
    "short and year first": lambda d: d.strftime("%y-%m-%d"),
    "digits": lambda d: d.strftime("%Y%m%d"),
    "named months": lambda d: f"{d:%b} {d.day}, {d.year}",
    "named in full": lambda d: f"{d.day} {d:%B} {d.year}",
    "Oracle": lambda d: d.strftime("%d-%b-%y").upper(),
    "with weekdays": lambda d: d.strftime("%a, %d %b %Y"),
    "ISO weeks": lambda d: f"{d.isocalendar().year}-W{d.isocalendar().week:02}",
    "calendar weeks": lambda d: f"KW {d.isocalendar().week}/{d.isocalendar().year}",
    "serials": lambda d: (d - pd.Timestamp("1899-12-30")).days,
    "serials with time": lambda d: str((d - pd.Timestamp("1899-12-30")).days + 0.5),
    "seconds": lambda d: int(d.timestamp()),
    "milliseconds": lambda d: str(int(d.timestamp()) * 1000),
    "nanoseconds": lambda d: d.value,
    "dates of a workbook": lambda d: d.date(),
    "times with a zone": lambda d: d.tz_localize("America/New_York"),
}


@pytest.mark.parametrize("way", WRITTEN)
def test_whatever_wrote_it_the_days_are_read(way):
    np.testing.assert_array_equal(read([WRITTEN[way](day) for day in MONDAYS]).first, MONDAYS)


@pytest.mark.parametrize("way", ["ISO", "British", "named months", "named in full", "German"])
@pytest.mark.parametrize("between", [" - ", " – ", " to "])
def test_ranges_have_a_first_and_a_last_day(way, between):
    cells = [between.join(WRITTEN[way](d) for d in (day, day + timedelta(days=6))) for day in MONDAYS]
    found = read(cells)
    np.testing.assert_array_equal(found.first, MONDAYS)
    np.testing.assert_array_equal(found.last, MONDAYS + timedelta(days=6))


def test_ranges_without_space_are_read():
    assert str(read(["2023-01-02/2023-01-08", "2023-01-09/2023-01-15"]).last.iloc[1].date()) == "2023-01-15"


@pytest.mark.parametrize(
    ("cells", "date_format", "expected"),
    [
        (["03/01/2022"], "%d/%m/%Y", "2022-01-03"),
        (["03/01/2022"], "%m/%d/%Y", "2022-03-01"),
        (["202301", "202352"], "%G%V", "2023-01-02"),
        (["2023-01"], "%Y-%W", "2023-01-02"),
        (["2023 01"], "%Y %U", "2023-01-01"),
        (["Week 01 of 2023"], "Week %V of %G", "2023-01-02"),
        (["3 Jan 2022 09:30 +0100", "10 Jan 2022 23:30 -0500"], "%d %b %Y %H:%M %z", "2022-01-03"),
    ],
)
def test_a_stated_format_decides(cells, date_format, expected):
    assert days(cells, date_format)[0] == expected


BAD = {
    "day or month": (
        ["01/02/2023", "03/02/2023"],
        "row 2: '01/02/2023' may be 2023-02-01 or 2023-01-02; give 'spend.date_format' as %d/%m/%Y or %m/%d/%Y.",
    ),
    "day or month, with dots": (
        ["05.05.23", "06.05.23"],
        "row 3: '06.05.23' may be 2023-05-06 or 2023-06-05; give 'spend.date_format' as %d.%m.%y or %m.%d.%y.",
    ),
    "months alone": (
        ["1-3-2022", "1-4-2022"],
        "row 2: '1-3-2022' may be 2022-03-01 or 2022-01-03; give 'spend.date_format' as %d-%m-%Y or %m-%d-%Y.",
    ),
    "no date": (
        ["13.02.2023", "14.02.2023", "soon"],
        "row 4: 'soon' is no date as '13.02.2023' is; correct it, or take the row out.",
    ),
    "two formats": (
        ["13/02/2023", "02/14/2023", "15/02/2023"],
        "row 3: '02/14/2023' is no date as '13/02/2023' is; correct it, or take the row out.",
    ),
    "half a workbook": (
        [datetime(2023, 1, 2), "16/01/2023"],
        " holds dates, and texts such as '16/01/2023' (row 3): a program has read some cells as dates, perhaps with "
        "day and month exchanged; give the whole column one format there.",
    ),
    "weeks of no year": (
        ["1", "2", "53"],
        " counts from 1 to 53 and names no year; write the first day of each week, such as 2023-01-02, or year and "
        "week, such as 2023-W01.",
    ),
    "weeks that say so": (
        ["Week 1", "Week 2", "week 53"],
        " counts from 1 to 53 and names no year; write the first day of each week, such as 2023-01-02, or year and "
        "week, such as 2023-W01.",
    ),
    "one among seconds": (
        ["1672617600", "16732x2400", "1673827200"],
        "row 3: '16732x2400' is no date as '1672617600' is; correct it, or take the row out.",
    ),
    "one among serials": (
        [44928, 44935, 4494],
        "row 4: '4494' is no date as '44928' is; correct it, or take the row out.",
    ),
    "one among weeks": (
        ["2023-W01", "2023-W02", "2023-W"],
        "row 4: '2023-W' is no date as '2023-W01' is; correct it, or take the row out.",
    ),
    "one among ranges": (
        ["2023-01-02 - 2023-01-08", "2023-01-09 2023-01-15", "2023-01-16 - 2023-01-22"],
        "row 3: '2023-01-09 2023-01-15' is no date as '2023-01-02 - 2023-01-08' is; correct it, or take the row out.",
    ),
    "no date at all": (
        ["Monday", "Tuesday"],
        "row 2: 'Monday' is no date; use YYYY-MM-DD, or give 'spend.date_format' (such as %d/%m/%Y).",
    ),
    "halves": (
        ["2023-H1", "2023-H2"],
        "row 2: '2023-H1' is no date; give the day, such as 2023-01-02, on which a week or a day begins.",
    ),
    "years": (
        [2021, 2022],
        "row 2: '2021' is no date; give the day, such as 2023-01-02, on which a week or a day begins.",
    ),
    "months in Polish": (
        ["2 stycznia 2023", "9 stycznia 2023"],
        "row 2: '2 stycznia 2023' is no date; use YYYY-MM-DD; names of months are read in English, German, Spanish, "
        "French, Italian, Dutch and Portuguese.",
    ),
    "year and week": (
        [202301, 202352],
        " holds years and weeks such as 202301, which are counted in several ways; give 'spend.date_format' as "
        "%G%V (ISO), %Y%W (from the first Monday) or %Y%U (from the first Sunday).",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_date_or_two_is_one_sentence(case):
    cells, message = BAD[case]
    with pytest.raises(DataError) as caught:
        read(cells)
    assert str(caught.value) == f"column 'day'{message if message[0] == ' ' else f', {message}'}"


def test_a_format_that_does_not_fit_is_named():
    with pytest.raises(DataError) as caught:
        read(["2023-01-02", "02/01/2023"], "%Y-%m-%d")
    assert str(caught.value) == (
        "column 'day', row 3: '02/01/2023' is no date in the format %Y-%m-%d; correct the cell, or 'spend.date_format'."
    )


def test_weeks_and_months_have_a_last_day():
    for cells, ends in (
        (["2023-W01", "2023-W02"], ["2023-01-08", "2023-01-15"]),
        (["Jan 2023", "Feb 2023"], ["2023-01-31", "2023-02-28"]),
        (["2024-02", "2024-03"], ["2024-02-29", "2024-03-31"]),
        (["Jan 2023 - Mar 2023", "Apr 2023 - Jun 2023"], ["2023-03-31", "2023-06-30"]),
        (["2023-Q1", "2023-Q4"], ["2023-03-31", "2023-12-31"]),
        (["Q2/2024", "Q3/2024"], ["2024-06-30", "2024-09-30"]),
    ):
        assert read(cells).last.dt.strftime("%Y-%m-%d").tolist() == ends
    assert read(["202301", "202302"], "%G%V").last.dt.strftime("%Y-%m-%d").tolist() == ["2023-01-08", "2023-01-15"]
    assert read(["2023-01-02"]).last is None


@pytest.mark.parametrize("cells", [["02/01/2023 10:00 UTC"], ["2 Jan 2023 23:30:00Z"], ["1/2/2023 10:00 +0000"]])
def test_times_of_utc_in_another_format_ask_for_both(cells):
    with pytest.raises(DataError, match=r"depends on a zone; give 'spend\.date_format' .* and 'spend\.timezone'"):
        read(cells)


BERLIN = MONDAYS.tz_localize("Europe/Berlin").tz_convert("UTC")
OF_UTC = {
    "Parquet": BERLIN,
    "texts": BERLIN.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "SQL": BERLIN.strftime("%Y-%m-%d %H:%M:%S UTC"),
    "seconds": BERLIN.astype("int64") // 10**9,
    "milliseconds": (BERLIN.astype("int64") // 10**6).astype(str),
}


@pytest.mark.parametrize("way", OF_UTC)
def test_midnights_of_another_zone_are_asked_about(way):
    cells = OF_UTC[way]
    with pytest.raises(DataError) as caught:
        read(cells)
    assert str(caught.value) == (
        "column 'day' holds times of UTC, such as 2022-10-02 22:00; give 'spend.timezone', by which its days begin, "
        "such as America/Los_Angeles (or UTC)."
    )
    np.testing.assert_array_equal(read(cells, timezone="Europe/Berlin").first, MONDAYS)
    assert str(read(cells, timezone="UTC").first.iloc[0].date()) == "2022-10-02"


@pytest.mark.parametrize(
    ("cells", "date_format"),
    [
        (["2022-10-02 22:00", "2022-10-09T22:00:00"], None),
        (["2022-10-03T00:00:00+02:00", "2022-10-10T06:00:00+08:00"], None),
        (["02/10/2022 22:00", "09/10/2022 22:00"], "%d/%m/%Y %H:%M"),
        (["02/10/2022 22:00 UTC", "09/10/2022 22:00 UTC"], "%d/%m/%Y %H:%M %z"),
        (["02/10/2022 17:00 -0500", "09/10/2022 22:00 +0000"], "%d/%m/%Y %H:%M %z"),
    ],
)
def test_a_zone_tells_the_day_of_a_time(cells, date_format):
    assert days(cells, date_format, "Europe/Berlin") == ["2022-10-03", "2022-10-10"]


def test_days_without_a_time_are_the_same_in_every_zone():
    assert days(["2022-10-03", "2022-10-10"], timezone="America/Los_Angeles") == ["2022-10-03", "2022-10-10"]


def test_empty_cells_have_no_day():
    assert read(["2023-01-02", None, " "]).first.isna().tolist() == [False, True, True]
    assert read([date(2023, 1, 2), None]).first.isna().tolist() == [False, True]
    assert read([]).first.empty


DATES = st.lists(st.dates(date(1995, 1, 1), date(2035, 1, 1)), min_size=1, max_size=8)


@given(DATES, st.sampled_from(["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y", "%m-%d-%y"]))
def test_dates_are_read_as_written_or_asked_about(given_dates, date_format):
    cells = [day.strftime(date_format) for day in given_dates]
    expected = [datetime.strptime(cell, date_format) for cell in cells]
    assert read(cells, date_format).first.tolist() == expected
    short = "%y" in date_format and np.ptp([day.year for day in given_dates]) > 15
    try:
        found = read(cells).first
    except DataError as error:
        assert short or any(read(cells, answer).first.tolist() == expected for answer in error.answers)
    else:
        assert short or found.tolist() == expected


def test_no_month_of_one_language_is_another_of_another():
    named = [
        (_name_of(name), month)
        for language in LANGUAGES
        for lengths in Locale.parse(language).months.values()
        for length in ("wide", "abbreviated")
        for month, name in lengths[length].items()
    ]
    assert len({name for name, _ in named}) == len(set(named))
