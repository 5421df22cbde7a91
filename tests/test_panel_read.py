"""A weekly table as it is exported becomes the same panel, however its weeks and cells are written."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mmm_bayes import pipeline
from mmm_bayes.config import load_config, make_config
from mmm_bayes.errors import MMMError
from mmm_bayes.panel import read_panel
from mmm_bayes.report.words import word

WEEKS = 30
INPUTS = Path("../shared/data/inputs")
"""Small inputs of other people, kept beside the project."""


def table(first: str = "2023-01-02", days: int = 7, rows: int = WEEKS) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    dates = pd.date_range(first, periods=rows, freq=f"{days}D")
    spend = {channel: rng.gamma(2.0, 900.0, rows).round(2) for channel in ("tv", "search")}
    return pd.DataFrame({"week": dates.strftime("%Y-%m-%d"), **spend, "revenue": rng.gamma(40.0, 900.0, rows).round(2)})


def config(path: Path, **settings):
    panel = {"path": str(path), "kpi": "revenue", "spend": {"tv": "tv", "search": "search"}, **settings}
    return make_config({"name": "shop", "panel": panel})


def prepare(frame: pd.DataFrame, folder: Path, **settings):
    frame.to_csv(folder / "weekly.csv", index=False)
    return pipeline.prepare(config(folder / "weekly.csv", **settings), folder)


def notes(folder: Path, **settings) -> list[str]:
    source = config(folder / "weekly.csv", **settings).panel
    return [word(note) for note in read_panel(source, source.path).notes]


def german(amount: float) -> str:
    return f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))


NOTATIONS = {
    "plain": str,
    "german": german,
    "thousands": "{:,.2f}".format,
    "euro": "€ {:.2f}".format,
    "dollars": "{:.2f} USD".format,
}


@pytest.mark.parametrize("write", NOTATIONS.values(), ids=NOTATIONS)
def test_numbers_of_any_country_give_the_same_panel(write, tmp_path):
    expected = prepare(table(), tmp_path)
    written = table()
    for name in ("tv", "search", "revenue"):
        written[name] = written[name].map(write)
    assert prepare(written, tmp_path).data.identical(expected.data)


@pytest.mark.parametrize("geos", [("NA", "EMEA"), ("01", "2"), ("None", "null"), ("1e5", "TRUE")])
def test_geos_are_texts_as_written(geos, tmp_path):
    frame = pd.concat([table().assign(region=geo) for geo in geos])
    assert sorted(prepare(frame, tmp_path, geo="region").geos) == sorted(geos)


# --- the day that dates a week ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "weekday"), [("2023-01-08", "Sunday"), ("2023-01-07", "Saturday"), ("2023-01-06", "Friday")]
)
def test_weeks_dated_by_either_end_are_asked_about(first, weekday, tmp_path):
    with pytest.raises(MMMError) as caught:
        prepare(table(first), tmp_path)
    assert str(caught.value) == (
        f"column 'week': all weeks are dated on {weekday}s, which may be their first or their last day; "
        "give 'panel.week_date' as first or last."
    )
    assert str(prepare(table(first), tmp_path, week_date="first").weeks[0].date()) == first
    assert prepare(table(first), tmp_path, week_date="last").weeks[0] == pd.Timestamp(first) - pd.Timedelta(6, unit="D")


def test_a_column_of_last_days_may_be_named_as_such(tmp_path):
    frame = table("2023-01-08").rename(columns={"week": "ends"})
    assert str(prepare(frame, tmp_path, week_ending="ends").weeks[0].date()) == "2023-01-02"
    for other in ("week", "week_date"):
        with pytest.raises(MMMError, match=f"'panel.week_ending' says what '{other}' does; leave one of them out"):
            prepare(frame, tmp_path, week_ending="ends", **{other: "first"})


def test_a_name_that_speaks_of_an_end_is_asked_about_and_one_of_a_start_is_not(tmp_path):
    ending = table().rename(columns={"week": "week ending"})
    with pytest.raises(MMMError, match=r"give 'panel\.week_date' as first or last"):
        prepare(ending, tmp_path, week="week ending")
    starting = table("2023-01-08").rename(columns={"week": "week_start"})
    assert str(prepare(starting, tmp_path, week="week_start").weeks[0].date()) == "2023-01-08"


def test_holidays_are_in_the_week_that_ends_after_them(tmp_path):
    frame = table("2023-01-08", rows=60)
    panel = prepare(frame, tmp_path, week_date="last", public_holidays="US")
    flags = panel.data["holidays"].sel(holiday="holiday_thanksgiving_day").squeeze()
    assert flags["week"][flags.values == 1].dt.strftime("%Y-%m-%d").values.tolist() == ["2023-11-20"]


def test_ranges_say_both_ends(tmp_path):
    frame = table("2023-01-08")
    first = pd.to_datetime(frame["week"])
    ranges = first.dt.strftime("%b %d, %Y") + " - " + (first + pd.Timedelta(6, unit="D")).dt.strftime("%b %d, %Y")
    assert str(prepare(frame.assign(week=ranges), tmp_path).weeks[0].date()) == "2023-01-08"
    long = first.dt.strftime("%Y-%m-%d") + " - " + (first + pd.Timedelta(7, unit="D")).dt.strftime("%Y-%m-%d")
    with pytest.raises(MMMError, match="row 2: the days from 2023-01-08 to 2023-01-15 are not one week"):
        prepare(frame.assign(week=long), tmp_path)


# --- months and days ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("freq", "often"),
    [("MS", "a month"), ("ME", "a month"), ("QS", "a quarter"), ("28D", "every 28 days"), ("14D", "every 14 days")],
)
@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d %b %Y"])
def test_months_are_refused_with_the_reason(freq, often, form, tmp_path):
    months = pd.date_range("2019-01-01", periods=WEEKS, freq=freq).strftime(form)
    with pytest.raises(MMMError, match=rf"has a row {often} \(30, 2019-.* media act within weeks"):
        prepare(table().assign(week=months), tmp_path)


def daily(first: str = "2023-01-01") -> pd.DataFrame:
    return table(first, days=1, rows=7 * WEEKS + 3).rename(columns={"week": "day"})


def test_days_are_added_up_to_weeks(tmp_path):
    frame = pd.concat(
        [daily().assign(region=geo, tv=size * daily()["tv"]) for geo, size in (("North", 1), ("South", 2))]
    )
    frame["price"], frame["promotion"] = np.linspace(1, 2, len(frame)), (np.arange(len(frame)) % 7 == 3) * 1
    frame["day off"] = frame["promotion"]
    given = {"week": "day", "geo": "region", "kpi_value": "price", "controls": ["promotion"], "holidays": ["day off"]}
    data = prepare(frame, tmp_path, **given).data
    monday = pd.to_datetime(frame["day"]) - pd.to_timedelta(pd.to_datetime(frame["day"]).dt.dayofweek, unit="D")
    for (geo, week), days in frame.groupby(["region", monday]):
        if len(days) < 7:
            assert week not in data["week"].to_index()
            continue
        cell = data.sel(geo=geo, week=week)
        assert cell["kpi"].item() == pytest.approx(days["revenue"].sum())
        assert cell["spend"].values == pytest.approx([days["tv"].sum(), days["search"].sum()])
        assert cell["value"].item() == pytest.approx((days["price"] * days["revenue"]).sum() / days["revenue"].sum())
        assert cell["controls"].item() == pytest.approx(1 / 7)
        assert cell["holidays"].item() == 1
    assert notes(tmp_path, **given) == [
        "213 days were added up to 30 weeks from Monday to Sunday: amounts are sums, controls are averages, a holiday "
        "counts in the week that has it; 6 rows of weeks that the days cover in part are left out."
    ]


def test_reach_is_summed_and_frequency_weighted(tmp_path):
    frame = daily("2023-01-02").assign(
        reach=lambda f: np.arange(len(f)) % 5 * 10.0, times=lambda f: 1 + np.arange(len(f)) % 3
    )
    data = prepare(frame, tmp_path, week="day", reach_frequency={"tv": {"reach": "reach", "frequency": "times"}}).data
    views = (frame["reach"] * frame["times"]).to_numpy()[: 7 * WEEKS].reshape(WEEKS, 7).sum(axis=1)
    media = (data["media"] * data["frequency"]).sel(channel="tv").squeeze().to_numpy()
    np.testing.assert_allclose(media, views)


def test_weeks_of_days_without_a_kpi_are_history(tmp_path):
    frame = daily("2023-01-02")
    frame.loc[:17, "revenue"] = np.nan
    panel = prepare(frame, tmp_path, week="day")
    assert str(panel.weeks[0].date()) == "2023-01-23"
    assert panel.data["history"].sel(channel="tv").squeeze().values.tolist() == pytest.approx(
        frame["tv"].to_numpy()[:21].reshape(3, 7).sum(axis=1).tolist()
    )


def test_days_that_lack_or_come_twice_are_named(tmp_path):
    with pytest.raises(
        MMMError, match="column 'day': national lacks 2 of 210 days, the first 2023-01-15; add their rows"
    ):
        prepare(daily("2023-01-02").drop(index=[13, 20]), tmp_path, week="day")
    with pytest.raises(MMMError, match="column 'day', row 5: national has 2023-01-04 twice; keep one row for each day"):
        prepare(daily("2023-01-02").loc[[0, 1, 2, 2, *range(3, 213)]], tmp_path, week="day")


# --- edges --------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["Total", "Gesamt", ""])
def test_a_row_of_totals_is_left_out_and_said(label, tmp_path):
    frame = table()
    total = {"week": label, **frame[["tv", "search", "revenue"]].sum().round(2).to_dict()}
    assert len(prepare(pd.concat([frame, pd.DataFrame([total])]), tmp_path).weeks) == WEEKS
    (said,) = notes(tmp_path)
    assert "is the sum of those above it and was left out" in said


def test_a_last_row_of_other_numbers_is_named(tmp_path):
    frame = pd.concat([table(), pd.DataFrame([{"week": "Average", "tv": 1.0, "search": 1.0, "revenue": 1.0}])])
    with pytest.raises(MMMError, match="column 'week', row 32: 'Average' is no date"):
        prepare(frame, tmp_path)


@pytest.mark.parametrize("first", ["2022-01-03", "2023-01-02", "2023-05-01"])
def test_days_and_months_that_a_spreadsheet_exchanged_are_named(first, tmp_path):
    frame = table(first)
    exchanged = [day.strftime("%Y-%d-%m" if day.day <= 12 else "%Y-%m-%d") for day in pd.to_datetime(frame["week"])]
    with pytest.raises(
        MMMError, match=r"day and month of \d+ weeks have changed places, such as .* export the file again"
    ):
        prepare(frame.assign(week=exchanged), tmp_path)


@pytest.mark.parametrize("where", ["folder", "glob"])
def test_a_folder_of_files_is_one_table(where, tmp_path):
    expected = prepare(table(), tmp_path)
    parts = tmp_path / "parts"
    parts.mkdir()
    for part in range(3):
        table().iloc[part * 10 : part * 10 + 10].to_csv(parts / f"{part}.csv", index=False)
    path = parts if where == "folder" else parts / "*.csv"
    assert pipeline.prepare(config(path), tmp_path).data.identical(expected.data)
    (parts / "1.csv").write_text((parts / "1.csv").read_text().replace("2023-03-20", "soon"))
    with pytest.raises(MMMError, match=r"column 'week', row 3 of 1\.csv: 'soon' is no date"):
        pipeline.prepare(config(path), tmp_path)


def test_empty_weeks_are_named(tmp_path):
    with pytest.raises(MMMError, match="column 'week', row 5: the week is missing; date it"):
        prepare(table().assign(week=lambda f: f["week"].where(f.index != 3)), tmp_path)


# --- inputs of other people ---------------------------------------------------------------------

RIGHT = {
    "cells/thousand": ({}, 60, "2022-01-03", 7482181.27),
    "german_csv/a": ({"encoding": "cp1252"}, 60, "2022-01-03", 7760886.43),
    "german_csv/c": ({}, 60, "2022-01-03", 7760886.43),
    "german_csv/d": ({}, 60, "2022-01-03", 7760886.43),
    "offset_weeks/c": ({}, 30, "2024-01-01", None),
    "region_na/na": ({}, 90, "2022-01-03", None),
    "region_na/lift": ({}, 90, "2022-01-03", None),
    "layouts/pre": ({"skip_rows": 2}, 60, "2022-01-03", 7482181.27),
    "layouts/total": ({}, 60, "2022-01-03", 7482181.27),
    "layouts/trail": ({}, 60, "2022-01-03", 7482181.27),
    "week_ending/w": ({}, 60, "2023-01-02", None),
    "week_notations/epoch": ({}, 60, "2023-01-02", 7482181.27),
    "week_notations/epochms": ({}, 60, "2023-01-02", 7482181.27),
    "week_notations/isoweek": ({}, 60, "2023-01-02", 7482181.27),
    "week_notations/serial": ({}, 60, "2023-01-02", 7482181.27),
}
SAID = {
    "german_csv/a": "it has 'Köln' there); give 'panel.encoding'",
    "layouts/pre": "has its columns in line 3; give 'panel.skip_rows' as 2",
    "layouts/dupcol": "the columns 2 and 3 are all called 'tv'; give each its own name",
    "week_notations/weekno": "counts from 1 to 60 and names no year; write the first day of each week",
    "monthly/c": "has a row a month (60, 2019-01-01 to 2023-12-01)",
}


@pytest.mark.real_data
@pytest.mark.parametrize("case", RIGHT)
def test_inputs_of_others_are_read(case, tmp_path):
    options, rows, first, revenue = RIGHT[case]
    file = INPUTS / f"{case}.yaml"
    if not file.exists():
        pytest.skip("the inputs are not beside the project")
    given = load_config(file)
    given = given.model_copy(update={"panel": given.panel.model_copy(update=options)})
    data = pipeline.prepare(given, tmp_path).data
    assert (data["kpi"].size, str(data["week"].values[0])[:10]) == (rows, first)
    if revenue is not None:
        assert data["kpi"].sum().item() == pytest.approx(revenue, abs=0.01)


@pytest.mark.real_data
@pytest.mark.parametrize("case", SAID)
def test_inputs_of_others_name_their_remedy(case, tmp_path):
    file = INPUTS / f"{case}.yaml"
    if not file.exists():
        pytest.skip("the inputs are not beside the project")
    with pytest.raises(MMMError) as caught:
        pipeline.prepare(load_config(file), tmp_path)
    assert SAID[case] in str(caught.value)
    assert not list((tmp_path / "data").rglob("*.parquet"))
