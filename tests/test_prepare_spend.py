"""Real spend: long or wide, daily or weekly, with or without geos, against sums in pandas."""

import csv
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from mmm_bayes.config import Config, load_config, make_config
from mmm_bayes.errors import ConfigError, DataError
from mmm_bayes.findings import Finding
from mmm_bayes.panel import panel_from_frame
from mmm_bayes.prepare import Prepared, weekly_table
from mmm_bayes.prepare.spend import read_spend
from mmm_bayes.report.words import word

FIRST = date(2023, 1, 2)  # a Monday
WEEKS = 22
COLUMNS = {"invoice": "i", "product": "p", "quantity": "q", "price": "v", "date": "d", "geo": "g"}
PRICES = {"North": 6.0, "south": 3.0, "East": 1.0}


@pytest.fixture(scope="session")
def sales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One line a day in each of three geos that sell 60%, 30% and 10%, dearer on Fridays in May."""
    days = [FIRST + timedelta(days=n) for n in range(7 * WEEKS)]
    dear = {day: 2.0 if day.month == 5 and day.weekday() == 4 else 1.0 for day in days}
    rows = [(f"{g}{d}", "1", 1, p * dear[d], d, g) for d in days for g, p in PRICES.items()]
    path = tmp_path_factory.mktemp("sales") / "sales.csv"
    pd.DataFrame(rows, columns=list("ipqvdg")).to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def daily() -> pd.DataFrame:
    """Spend by day, channel and geo, from 8 weeks before the sales to 2 weeks after them."""
    generator = np.random.default_rng(1)
    days = pd.date_range(FIRST - timedelta(weeks=8), FIRST + timedelta(weeks=WEEKS + 2), inclusive="left")
    index = pd.MultiIndex.from_product([days, ["tv", "search"], ["north", "SOUTH", "East"]], names=["day", "ch", "geo"])
    return pd.DataFrame({"cost": generator.uniform(0, 100, len(index)).round(2)}, index=index).reset_index()


def config(sales: Path, file: Path | str, **settings: Any) -> Config:
    transactions = {"path": str(sales), "columns": COLUMNS, "top_n": 2, "holidays": "none"}
    transactions |= settings.pop("transactions", {})
    given = {"path": str(file), "layout": "long", "date": "day", "channel": "ch", "spend": "cost", **settings}
    return make_config({"name": "test", "transactions": transactions, "spend": given})


def notes(prepared: Prepared) -> list[str]:
    """Return the notes of a summary in words."""
    return [word(Finding(**note)) for note in prepared.quality["notes"]]


def prepare(sales: Path, file: Path | str, **settings: Any) -> Prepared:
    return weekly_table(config(sales, file, **settings), sales.parent / "quarantine.parquet")


def weekly(daily: pd.DataFrame, by: list[str]) -> pd.Series:
    """Sum by week and ``by``, with the groups of the panel as geos."""
    groups = daily["geo"].map({"north": "North", "SOUTH": "south", "East": "Rest"})
    week = daily["day"] - pd.to_timedelta(daily["day"].dt.dayofweek.to_numpy(), unit="D")
    return daily.assign(geo=groups, week=week).groupby(by)["cost"].sum()


def test_long_with_geos(spark: SparkSession, sales: Path, daily: pd.DataFrame, tmp_path: Path) -> None:
    daily.to_csv(tmp_path / "spend.csv", index=False)
    prepared = prepare(sales, tmp_path / "spend.csv", geo="geo")
    frame = prepared.frame
    assert prepared.columns.spend == {"search": "spend_search", "tv": "spend_tv"}
    expected = weekly(daily, ["week", "geo", "ch"]).unstack("ch")
    found = frame.set_index(["week", "geo"])[["spend_search", "spend_tv"]]
    assert list(dict.fromkeys(frame["geo"])) == ["North", "south", "Rest"]
    assert len(found) == 3 * (WEEKS + 8)
    np.testing.assert_allclose(found, expected.loc[found.index, ["search", "tv"]], rtol=1e-12)
    summary = prepared.quality["spend"]
    late = daily[daily["day"] >= pd.Timestamp(FIRST) + pd.Timedelta(7 * WEEKS, unit="D")]
    assert summary["outside"] == {"rows": len(late), "spend": pytest.approx(late["cost"].sum())}
    assert summary["channels"] == pytest.approx(daily.groupby("ch")["cost"].sum().to_dict())
    assert not summary["split_by_revenue"]
    assert any("lie outside the panel's weeks" in note for note in notes(prepared))


def test_weeks_before_the_sales_become_history(
    spark: SparkSession, sales: Path, daily: pd.DataFrame, tmp_path: Path
) -> None:
    daily.to_parquet(tmp_path / "spend.parquet")
    prepared = prepare(sales, tmp_path / "spend.parquet", geo="geo")
    before = prepared.frame[prepared.frame["week"] < pd.Timestamp(FIRST)]
    assert before["revenue"].isna().all()
    assert not before["filled"].any()
    assert prepared.quality["spend"]["history_weeks"] == 8
    panel = panel_from_frame(prepared.frame, prepared.columns, "test")
    assert panel.weeks[0] == pd.Timestamp(FIRST)
    assert panel.data.sizes["past"] == 8
    assert (panel.data["history"] > 0).all()
    assert prepared.quality["totals"]["revenue"] == pytest.approx(10.0 * (7 * WEEKS + 4))


def test_wide_without_geos_is_split_by_revenue(
    spark: SparkSession, sales: Path, daily: pd.DataFrame, tmp_path: Path
) -> None:
    wide = daily.groupby(["day", "ch"])["cost"].sum().unstack("ch")
    wide.rename(columns={"tv": "TV cost (£)", "search": "a.b`c"}).to_csv(tmp_path / "spend.csv")
    channels = {"tv": "TV cost (£)", "search": "a.b`c"}
    prepared = prepare(sales, tmp_path / "spend.csv", layout="wide", channels=channels, channel=None, spend=None)
    assert list(prepared.columns.spend) == ["tv", "search"]
    expected = weekly(daily, ["week", "ch"]).unstack("ch")
    for geo, share in (("North", 0.6), ("south", 0.3), ("Rest", 0.1)):
        found = prepared.frame[prepared.frame["geo"] == geo].set_index("week")
        for channel in channels:
            np.testing.assert_allclose(found[f"spend_{channel}"], share * expected.loc[found.index, channel])
    assert prepared.quality["spend"]["split_by_revenue"]
    assert any("share of the revenue" in note for note in notes(prepared))


def test_national_sales_take_all_spend(spark: SparkSession, sales: Path, daily: pd.DataFrame, tmp_path: Path) -> None:
    daily.to_csv(tmp_path / "spend.csv", index=False)
    prepared = prepare(sales, tmp_path / "spend.csv", geo="geo", transactions={"geo_level": "national"})
    found = prepared.frame.set_index("week")["spend_tv"]
    np.testing.assert_allclose(found, weekly(daily, ["ch", "week"])["tv"].loc[found.index])
    assert not any("share of the revenue" in note for note in notes(prepared))


def weekly_file(path: Path, first: date, weeks: int) -> None:
    days = [first + timedelta(days=7 * n) for n in range(weeks)]
    pd.DataFrame({"day": days, "ch": "tv", "cost": 70.0}).to_csv(path, index=False)


def test_weekly_spend_on_another_weekday_is_asked_about(sales: Path, tmp_path: Path) -> None:
    for day, name in ((6, "Sunday"), (5, "Saturday"), (2, "Wednesday")):
        weekly_file(tmp_path / "spend.csv", FIRST + timedelta(days=day), WEEKS)
        with pytest.raises(DataError) as caught:
            read_spend(config(sales, tmp_path / "spend.csv"))
        assert str(caught.value) == (
            f"{tmp_path / 'spend.csv'}: column 'day': the spend is weekly and dated on {name}s, which may be the first "
            "or the last day of its weeks; give 'spend.week_date' as first or last."
        )


def test_weeks_dated_by_their_last_day(spark: SparkSession, sales: Path, tmp_path: Path) -> None:
    weekly_file(tmp_path / "spend.csv", FIRST + timedelta(days=6 + 14), WEEKS - 3)
    national = {"geo_level": "national"}
    prepared = prepare(sales, tmp_path / "spend.csv", transactions=national, week_date="last")
    assert prepared.frame["spend_tv"].tolist() == [0.0, 0.0, *[70.0] * (WEEKS - 3), 0.0]
    assert not any("divided" in note for note in notes(prepared))
    assert "weeks that the file lacks count as no spend" in " ".join(notes(prepared))


@pytest.mark.parametrize(("week_date", "day", "before"), [("first", 6, 60.0), ("last", 5, 60.0), ("first", 2, 20.0)])
def test_weeks_that_start_on_another_day_are_divided(
    spark: SparkSession, sales: Path, tmp_path: Path, week_date: str, day: int, before: float
) -> None:
    """Ten a day: of the first amount, ``before`` counts in the week after that of its first day."""
    weekly_file(tmp_path / "spend.csv", FIRST + timedelta(days=14 + day), 4)
    prepared = prepare(sales, tmp_path / "spend.csv", transactions={"geo_level": "national"}, week_date=week_date)
    spend = prepared.frame["spend_tv"].to_numpy()
    edge = 1 if week_date == "last" else 2
    assert spend.sum() == pytest.approx(280.0)
    assert spend[edge : edge + 5] == pytest.approx([70.0 - before, 70.0, 70.0, 70.0, before])
    assert any("divided evenly among its seven days" in note for note in notes(prepared))


@pytest.mark.parametrize(("end", "form"), [("MS", "%Y-%m-%d"), ("ME", "%d.%m.%Y"), ("ME", "%b %d, %Y")])
def test_monthly_spend_is_divided_among_its_days(
    spark: SparkSession, sales: Path, tmp_path: Path, end: str, form: str
) -> None:
    months = pd.date_range("2023-01-01", "2023-05-31", freq=end)
    radio = pd.DataFrame({"day": months, "ch": "radio", "cost": 3100.0})
    tv = pd.DataFrame({"day": pd.date_range("2023-01-02", periods=60), "ch": "tv", "cost": 1.0})
    file = pd.concat([tv, radio])
    file.assign(day=file["day"].dt.strftime(form)).to_csv(tmp_path / "spend.csv", index=False)
    prepared = prepare(sales, tmp_path / "spend.csv", transactions={"geo_level": "national"})
    sizes = [(month.replace(day=1), month.days_in_month) for month in months]
    days = pd.concat([pd.Series(3100 / size, pd.date_range(first, periods=size)) for first, size in sizes])
    expected = days.groupby(days.index - pd.to_timedelta(days.index.dayofweek, unit="D")).sum()
    found = prepared.frame.set_index("week")["spend_radio"]
    np.testing.assert_allclose(found, expected.loc[found.index])
    assert found.sum() == pytest.approx(5 * 3100.0)
    assert any("divided evenly among their days: radio." in note for note in notes(prepared))


GERMAN = ["Datum;Kanal;Region;Kosten", "02.01.23;TV;Nörd;1.234,50 €", "15.01.23;TV;Nörd;12,5", "28.06.23;TV;Nörd;-"]
WAYS = {
    "a spreadsheet of Windows": ("\r\n".join(["sep=;", *GERMAN[:3], ""]).encode("cp1252"), {"encoding": "cp1252"}),
    "UTF-16 with title lines": ("\n".join(["Kosten 2023", *GERMAN[:3], ""]).encode("utf-16"), {"skip_rows": 1}),
    "a row of totals": ("\n".join([*GERMAN[:3], "Summe;;;1.247,00 €", ";;;", ""]).encode(), {}),
    "spaces that do not break": ("\n".join(GERMAN[:3]).replace("TV", "\u00a0TV ").encode(), {"decimal": ","}),
}


@pytest.mark.parametrize("case", WAYS)
def test_a_file_as_it_was_exported(sales: Path, tmp_path: Path, case: str) -> None:
    content, options = WAYS[case]
    (tmp_path / "Kosten.csv").write_bytes(content)
    names = {"date": "Datum", "channel": "Kanal", "geo": "Region", "spend": "Kosten"}
    frame = read_spend(config(sales, tmp_path / "Kosten.csv", **names, **options)).frame
    assert frame["spend"].tolist() == [1234.5, 12.5]
    assert frame["first"].tolist() == [pd.Timestamp("2023-01-02"), pd.Timestamp("2023-01-15")]
    assert set(frame["geo"]) == {"Nörd"} and set(frame["channel"]) == {"TV"}


@pytest.mark.parametrize(("encoding", "option"), [("cp1252", "encoding"), ("utf-8", "skip_rows")])
def test_what_a_file_needs_is_named(sales: Path, tmp_path: Path, encoding: str, option: str) -> None:
    title = [] if option == "encoding" else ["Kosten 2023"]
    (tmp_path / "Kosten.csv").write_bytes("\n".join([*title, *GERMAN]).encode(encoding))
    names = {"date": "Datum", "channel": "Kanal", "geo": "Region", "spend": "Kosten"}
    with pytest.raises(DataError, match=f"give 'spend.{option}'"):
        read_spend(config(sales, tmp_path / "Kosten.csv", **names))


@pytest.mark.real_data
def test_spend_that_others_bill_by_the_month(spark: SparkSession, tmp_path: Path) -> None:
    file = Path("../shared/data/inputs/monthly_spend/c.yaml")
    if not file.exists():
        pytest.skip("the inputs are not beside the project")
    prepared = weekly_table(load_config(file), tmp_path / "quarantine.parquet")
    assert prepared.frame["spend_partner"].sum() == pytest.approx(480_000)
    assert prepared.frame["spend_partner"].max() == pytest.approx(7 * 40_000 / 28)


@pytest.mark.parametrize("cells", [["Jan 2023", "Feb 2023"], ["2023-01", "2023-02"], ["01/2023", "02/2023"]])
def test_months_without_a_day_are_whole_months(sales: Path, tmp_path: Path, cells: list[str]) -> None:
    pd.DataFrame({"day": cells, "ch": "tv", "cost": [31.0, 28.0]}).to_csv(tmp_path / "spend.csv", index=False)
    assert read_spend(config(sales, tmp_path / "spend.csv")).frame["days"].tolist() == [31, 28]


def test_a_column_is_one_channels_money(sales: Path) -> None:
    with pytest.raises(ConfigError, match=r"'spend\.channels\.search' names the column 'x', as another channel does"):
        config(sales, "spend.csv", layout="wide", channels={"tv": "x", "search": "x"}, channel=None, spend=None)


def test_ranges_of_days_are_divided(spark: SparkSession, sales: Path, tmp_path: Path) -> None:
    ranges = ["2023-01-30 - 2023-02-05", "2023-02-06 - 2023-02-19", "2023-02-22 - 2023-02-22"]
    pd.DataFrame({"day": ranges, "ch": "tv", "cost": [70.0, 280.0, 5.0]}).to_csv(tmp_path / "spend.csv", index=False)
    prepared = prepare(sales, tmp_path / "spend.csv", transactions={"geo_level": "national"})
    assert prepared.frame["spend_tv"].tolist()[4:8] == pytest.approx([70.0, 140.0, 140.0, 5.0])


BAD = [
    ({"cost": ""}, "column 'cost', row 3: the spend is missing; write 0 where none was spent."),
    ({"cost": "NaN"}, "column 'cost', row 3: the spend is missing; write 0 where none was spent."),
    ({"cost": "--"}, "column 'cost', row 3: the spend is missing; write 0 where none was spent."),
    ({"cost": "5 clicks"}, "column 'cost', row 3: '5 clicks' is no number; correct it (0 if none)."),
    ({"cost": "inf"}, "row 3: the spend is infinite; correct it."),
    (
        {"cost": "1,234"},
        "column 'cost': '1,234' may be 1234 or 1.234, and no other number tells which; give 'spend.decimal' as '.' for "
        "1234 or as ',' for 1.234.",
    ),
    (
        {"day": "03/01/23"},
        "column 'day', row 3: '03/01/23' is no date as '2023-01-02' is; correct it, or take the row out.",
    ),
    ({"day": ""}, "column 'day', row 3: the date is missing; fill it in."),
    ({"ch": " "}, "column 'ch', row 3: the channel is missing; fill it in."),
    ({"geo": ""}, "column 'geo', row 3: the geo is missing; fill it in."),
]


@pytest.mark.parametrize(("change", "message"), BAD, ids=[str(change) for change, _ in BAD])
def test_bad_spend(sales: Path, tmp_path: Path, change: dict[str, str], message: str) -> None:
    write_spend(tmp_path / "spend.csv", change)
    with pytest.raises(DataError) as caught:
        read_spend(config(sales, tmp_path / "spend.csv", geo="geo"))
    assert str(caught.value) == f"{tmp_path / 'spend.csv'}: {message}"


CREDITS = {  # what is credited by day and channel, and what that leaves of the 7 x 50 of its week
    "one": ({(9, "tv"): -12.5}, {("2023-01-09", "tv"): 287.5}),
    "the whole week": ({(14, "search"): -300.0}, {("2023-01-09", "search"): 0.0}),
    "several": (
        {(2, "tv"): -1.0, (3, "tv"): -2.0, (4, "search"): -0.25},
        {("2023-01-02", "tv"): 247.0, ("2023-01-02", "search"): 299.75},
    ),
}


@pytest.mark.parametrize("case", CREDITS)
def test_credits_are_netted_in_their_week(spark: SparkSession, sales: Path, tmp_path: Path, case: str) -> None:
    credits, left = CREDITS[case]
    days = pd.date_range(FIRST, periods=7 * WEEKS)
    spend = pd.DataFrame([(day, ch, 50.0) for day in days for ch in ("tv", "search")], columns=["day", "ch", "cost"])
    for (day, channel), amount in credits.items():
        spend.loc[(spend["day"] == f"2023-01-{day:02}") & (spend["ch"] == channel), "cost"] = amount
    spend.to_csv(tmp_path / "spend.csv", index=False)
    prepared = prepare(sales, tmp_path / "spend.csv", transactions={"geo_level": "national"})
    found = prepared.frame.set_index("week")
    for (week, channel), amount in left.items():
        assert found.loc[week, f"spend_{channel}"] == amount
    assert prepared.quality["spend"]["channels"]["tv"] == spend["cost"][spend["ch"] == "tv"].sum()
    told = f"The spend file holds {len(credits)} credit{'s' * (len(credits) > 1)} (\N{MINUS SIGN}"
    assert any(note.startswith(told) for note in notes(prepared))


@pytest.mark.parametrize("cost", ["-10.5", "-11", "-1000"])
def test_a_credit_of_more_than_its_week_is_asked_about(
    spark: SparkSession, sales: Path, tmp_path: Path, cost: str
) -> None:
    write_spend(tmp_path / "spend.csv", {"cost": cost})
    left = f"{float(cost) + 10:g}"
    with pytest.raises(DataError) as caught:
        prepare(sales, tmp_path / "spend.csv", geo="geo")
    assert str(caught.value) == (
        f"{tmp_path / 'spend.csv'}: credits bring the spend of tv (North) in the week of 2023-01-02 to {left}; date "
        "them in the week of the spend that they take back."
    )


def write_spend(path: Path, change: dict[str, str]) -> None:
    rows = [{"day": f"2023-01-0{n}", "ch": "tv", "cost": "5", "geo": "North"} for n in (2, 3, 4)]
    rows[1] |= change
    pd.DataFrame(rows).to_csv(path, index=False, quoting=csv.QUOTE_ALL)


def test_spend_with_a_comma_too_many(spark: SparkSession, sales: Path, tmp_path: Path) -> None:
    """A thousand without quotes would be read as one."""
    (tmp_path / "spend.csv").write_text("day,ch,cost\n2023-01-02,tv,500\n2023-01-03,tv,1,000\n")
    with pytest.raises(
        DataError, match=r"the line '2023-01-03,tv,1,000' has another number of cells \(4\) than the header \(3\)"
    ):
        read_spend(config(sales, tmp_path / "spend.csv"))


def test_spend_for_an_unknown_geo(spark: SparkSession, sales: Path, tmp_path: Path) -> None:
    write_spend(tmp_path / "spend.csv", {"geo": "Nort"})
    with pytest.raises(DataError, match=r"the transactions have no geo 'Nort'; did you mean 'North'\?"):
        prepare(sales, tmp_path / "spend.csv", geo="geo")


def test_bad_spend_files(spark: SparkSession, sales: Path, tmp_path: Path) -> None:
    (tmp_path / "spend.csv").write_text("day,ch,cost\n")
    with pytest.raises(DataError, match="holds no spend; give a file with rows, or leave out the section 'spend'"):
        prepare(sales, tmp_path / "spend.csv")
    with pytest.raises(DataError, match=r"has no column 'costs' \(named under 'spend'\); did you mean 'cost'\?"):
        prepare(sales, tmp_path / "spend.csv", spend="costs")
    with pytest.raises(DataError, match=r"there is no such file, folder or pattern; correct 'spend.path'"):
        prepare(sales, tmp_path / "no.csv")
    with pytest.raises(ConfigError, match="a long spend file names its channels itself"):
        config(sales, tmp_path / "spend.csv", channels={"tv": "x"})
