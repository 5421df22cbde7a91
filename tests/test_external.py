"""External tables and events: their weeks against slow sums over days, and what each gap and slip is told as."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mmm_bayes import pipeline
from mmm_bayes.config import make_config
from mmm_bayes.errors import ConfigError, DataError
from mmm_bayes.external import Places, read_external, weekly_controls
from mmm_bayes.findings import Finding
from mmm_bayes.report.words import word

FIRST = date(2023, 1, 2)  # a Monday
WEEKS = 30
LAST = FIRST + timedelta(days=7 * WEEKS - 1)
GEOS = ("North", "South")

Daily = Callable[[date, str], float]


def panel(folder: Path, geos: tuple[str, ...] = GEOS) -> dict[str, Any]:
    """Write a weekly panel; return its section of the configuration."""
    generator = np.random.default_rng(2)
    rows = [
        (FIRST + timedelta(days=7 * t), geo, 1000 + 100 * generator.standard_normal(), 50 * generator.random() + 10)
        for geo in geos
        for t in range(WEEKS)
    ]
    pd.DataFrame(rows, columns=["week", "geo", "kpi", "tv"]).to_csv(folder / "weekly.csv", index=False)
    return {"path": "weekly.csv", "geo": "geo" if len(geos) > 1 else None, "kpi": "kpi", "spend": {"tv": "tv"}}


def prepared(folder: Path, geos: tuple[str, ...] = GEOS, **sections: Any) -> pd.DataFrame:
    """Return the external controls of a prepared panel by geo and week."""
    config = make_config({"name": "test", "panel": panel(folder, geos), **sections}, folder=folder)
    made = pipeline.prepare(config, folder)
    return made.data["controls"].to_series().unstack("control").sort_index()


def of(table: pd.DataFrame, folder: Path, name: str = "outside.csv", **settings: Any) -> dict[str, Any]:
    """Write a table; return the section ``external`` that reads it."""
    table.to_csv(folder / name, index=False, **settings)
    return {"path": name, "date": "day"}


def days(first: date = FIRST, last: date = LAST) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def by_week(daily: Daily, how: Callable[[list[float]], float]) -> dict[tuple[str, date], float]:
    """Return the value of each geo and week from those of its days."""
    starts = [FIRST + timedelta(days=7 * t) for t in range(WEEKS)]
    return {(g, s): how([daily(s + timedelta(days=n), g) for n in range(7)]) for g in GEOS for s in starts}


def require_same(found: pd.Series, expected: dict[tuple[str, date], float]) -> None:
    assert len(found) == len(expected)
    for (geo, week), value in found.items():
        assert value == pytest.approx(expected[geo, week.date()], rel=1e-12), (geo, week)


WAYS = {"mean": lambda v: sum(v) / 7, "sum": sum, "last": lambda v: v[-1], "max": max}


@pytest.mark.parametrize("way", WAYS)
def test_days_become_weeks(way, tmp_path):
    generator = np.random.default_rng(1)
    known = {(d, g): float(generator.normal(10, 5)) for d in days() for g in GEOS}
    table = pd.DataFrame([(d, g, v) for (d, g), v in known.items()], columns=["day", "region", "celsius"])
    section = of(table.sample(frac=1, random_state=1), tmp_path) | {"geo": "region", "columns": {"celsius": way}}
    found = prepared(tmp_path, external={"weather": section})
    require_same(found["weather_celsius"], by_week(lambda d, g: known[d, g], WAYS[way]))


def test_a_national_table_stands_in_all_geos(tmp_path):
    table = pd.DataFrame({"day": days(), "price": np.arange(7 * WEEKS) / 7})
    found = prepared(tmp_path, external={"rival": of(table, tmp_path) | {"columns": {"price": "mean"}}})
    require_same(found["rival_price"], by_week(lambda d, g: (d - FIRST).days / 7, WAYS["mean"]))


def test_trading_days_are_enough_for_all_but_sums(tmp_path):
    table = pd.DataFrame({"day": [d for d in days() if d.weekday() < 5]})
    table["index"] = np.arange(len(table), dtype=float)
    section = of(table, tmp_path)
    found = prepared(tmp_path, external={"stocks": section | {"columns": {"index": "last"}}})
    assert found["stocks_index"].loc["North"].tolist() == [5.0 * t + 4 for t in range(WEEKS)]
    with pytest.raises(DataError, match=r"'index' lacks 30 of the panel's 30 weeks .*; add rows for them"):
        prepared(tmp_path, external={"stocks": section | {"columns": {"index": "sum"}}})


# --- weeks, months and quarters -----------------------------------------------------------------

MONTHS = [
    "2022-12-01",
    "2023-01-01",
    "2023-02-01",
    "2023-03-01",
    "2023-04-01",
    "2023-05-01",
    "2023-06-01",
    "2023-07-01",
]
WRITTEN = {
    "first days": lambda m: m,
    "last days": lambda m: (pd.Timestamp(m) + pd.offsets.MonthEnd(0)).date(),
    "names": lambda m: f"{pd.Timestamp(m):%b %Y}",
    "years and months": lambda m: m[:7],
}


def month(d: date) -> int:
    """Return the place of a day's month in `MONTHS`."""
    return 12 * (d.year - 2023) + d.month


@pytest.mark.parametrize("written", WRITTEN)
def test_months_are_repeated(written, tmp_path):
    table = pd.DataFrame({"day": [WRITTEN[written](m) for m in MONTHS], "cpi": [100.0 + k**2 for k in range(8)]})
    found = prepared(tmp_path, external={"economy": of(table, tmp_path) | {"columns": {"cpi": "mean"}}})
    require_same(found["economy_cpi"], by_week(lambda d, g: 100.0 + month(d) ** 2, WAYS["mean"]))


def test_months_are_interpolated_from_middle_to_middle(tmp_path):
    values = [100.0 + k**2 for k in range(8)]
    table = pd.DataFrame({"day": MONTHS, "cpi": values})
    section = of(table, tmp_path) | {"columns": {"cpi": "mean"}, "between": "interpolate"}
    found = prepared(tmp_path, external={"economy": section})
    sizes = [31, 31, 28, 31, 30, 31, 30, 31]
    middles = [sum(sizes[:k]) + (sizes[k] - 1) / 2 for k in range(8)]

    def on_the_line(d: date, _: str) -> float:
        at = (d - date(2022, 12, 1)).days
        if at >= middles[-1]:
            return values[-1]
        k = max(k for k in range(8) if middles[k] <= at)
        return values[k] + (values[k + 1] - values[k]) * (at - middles[k]) / (middles[k + 1] - middles[k])

    require_same(found["economy_cpi"], by_week(on_the_line, WAYS["mean"]))


def test_sums_of_months_are_divided_among_their_days(tmp_path):
    table = pd.DataFrame({"day": MONTHS, "loans": [310.0, 620.0, 280.0, 310.0, 300.0, 310.0, 300.0, 310.0]})
    found = prepared(tmp_path, external={"bank": of(table, tmp_path) | {"columns": {"loans": "sum"}}})
    require_same(found["bank_loans"], by_week(lambda d, g: 20.0 if month(d) == 1 else 10.0, sum))


@pytest.mark.parametrize("written", ["{0}-{1:02}-01", "{0}-Q{2}", "Q{2}/{0}", "{0} q{2}"])
def test_quarters_count_in_all_of_their_months(written, tmp_path):
    starts = [written.format(2023, 3 * q - 2, q) for q in (1, 2, 3)]
    table = pd.DataFrame({"day": starts, "gdp": [1.0, 2.0, 4.0]})
    found = prepared(tmp_path, external={"economy": of(table, tmp_path) | {"columns": {"gdp": "mean"}}})
    require_same(found["economy_gdp"], by_week(lambda d, g: {0: 1.0, 1: 2.0, 2: 4.0}[(d.month - 1) // 3], WAYS["mean"]))


def test_weekly_rows_of_other_weekdays_are_asked_about_and_divided(tmp_path):
    sundays = [FIRST + timedelta(days=7 * t - 1) for t in range(WEEKS + 2)]
    table = pd.DataFrame({"day": sundays, "searches": [7.0 * t for t in range(WEEKS + 2)]})
    section = of(table, tmp_path) | {"columns": {"searches": "sum"}}
    with pytest.raises(DataError, match=r"dated on Sundays, .*; give 'external.trends.week_date' as first or last"):
        prepared(tmp_path, external={"trends": section})
    found = prepared(tmp_path, external={"trends": section | {"week_date": "last"}})
    assert found["trends_searches"].loc["South"].tolist() == [7.0 * (t + 1) for t in range(WEEKS)]
    found = prepared(tmp_path, external={"trends": section | {"week_date": "first"}})
    assert found["trends_searches"].loc["South"].tolist() == [6.0 * t + (t + 1) for t in range(WEEKS)]


def test_rates_that_change_now_and_then_hold_until_the_next(tmp_path):
    table = pd.DataFrame(
        {"day": ["2022-12-21", "2023-02-08", "2023-05-11", "2023-09-01"], "rate": [3.5, 4.0, 4.5, 5.0]}
    )
    section = of(table, tmp_path) | {"columns": {"rate": "last"}}
    found = prepared(tmp_path, external={"bank": section | {"between": "repeat"}})

    def rate(d: date, _: str) -> float:
        return 3.5 if d < date(2023, 2, 8) else 4.0 if d < date(2023, 5, 11) else 4.5

    require_same(found["bank_rate"], by_week(rate, WAYS["last"]))
    with pytest.raises(DataError, match=r"lacks 28 of .*; add rows, or give 'external.bank.between' as repeat"):
        prepared(tmp_path, external={"bank": section})


# --- files of any program -----------------------------------------------------------------------


def test_a_german_export_and_a_workbook_are_read_as_every_other_table(tmp_path):
    table = pd.DataFrame(
        {
            "Tag": [f"{d:%d.%m.%Y}" for d in days()],
            "Regen": [f"{n / 10:.1f}".replace(".", ",") for n in range(7 * WEEKS)],
        }
    )
    table.to_csv(tmp_path / "wetter.csv", sep=";", index=False, encoding="cp1252")
    cpi = pd.DataFrame(
        [["Consumer prices", None], ["month", "index"], *zip(pd.to_datetime(MONTHS), range(8), strict=True)]
    )
    cpi.to_excel(tmp_path / "cpi.xlsx", header=False, index=False)
    found = prepared(
        tmp_path,
        external={
            "wetter": {"path": "wetter.csv", "date": "Tag", "columns": {"Regen": "sum"}, "encoding": "cp1252"},
            "cpi": {"path": "cpi.xlsx", "date": "month", "columns": {"index": "last"}, "skip_rows": 1},
        },
    )
    require_same(found["wetter_Regen"], by_week(lambda d, g: (d - FIRST).days / 10, sum))
    require_same(found["cpi_index"], by_week(lambda d, g: float(month(d)), WAYS["last"]))


# --- gaps and slips -----------------------------------------------------------------------------


def broken(change: Callable[[pd.DataFrame], pd.DataFrame], tmp_path: Path, **settings: Any) -> str:
    """Return what is said of a daily table by geo after a change."""
    table = pd.DataFrame([(d, g, 1.0 + d.day) for d in days() for g in GEOS], columns=["day", "region", "celsius"])
    section = of(change(table), tmp_path) | {"geo": "region", "columns": {"celsius": "mean"}} | settings
    with pytest.raises((DataError, ConfigError)) as caught:
        prepared(tmp_path, external={"weather": section})
    assert not (tmp_path / "data" / "test" / "panel.parquet").exists()
    return str(caught.value)


SLIPS: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "a gap": (
        lambda t: t[~t["day"].between(date(2023, 2, 6), date(2023, 2, 26))],
        "'celsius' of North lacks 3 of the panel's 30 weeks (2023-02-06, 2023-02-13, 2023-02-20); add rows, or give "
        "'external.weather.between' as repeat (the value before) or interpolate (a line).",
    ),
    "the end": (
        lambda t: t[t["day"] < date(2023, 6, 5)],
        "'celsius' of North lacks 8 of the panel's 30 weeks (2023-06-05, 2023-06-12, 2023-06-19, ...); add rows for "
        "them, or begin and end the panel where the table does.",
    ),
    "empty cells": (
        lambda t: t.assign(celsius=t["celsius"].mask((t["region"] == "South") & (t["day"] < date(2023, 1, 9)))),
        "'celsius' of South lacks 1 of the panel's 30 weeks (2023-01-02); add rows for them",
    ),
    "a geo": (
        lambda t: t.replace({"South": "Souht"}),
        "has no rows of the geo 'South' in the weeks of the panel (did you mean 'Souht'?); add them, or give one row "
        "for each date and leave out 'external.weather.geo'.",
    ),
    "twice": (
        lambda t: pd.concat([t, t.iloc[[4]]]),
        "row 422 is for 2023-01-04 of North, as another row is; keep one row for each date.",
    ),
    "a text": (lambda t: t.astype(object).replace({32.0: "warm"}), "column 'celsius', row 60: 'warm' is no number"),
    "another decade": (
        lambda t: t.assign(day=[d.replace(year=2013) for d in t["day"]]),
        "has no rows of the geo 'North' in the weeks of the panel",
    ),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_what_is_lacking_is_named_with_its_remedy(slip, tmp_path):
    change, sentence = SLIPS[slip]
    assert sentence in broken(change, tmp_path)


def test_rows_of_all_geos_without_the_column_of_geos(tmp_path):
    said = broken(lambda t: t, tmp_path, geo=None)
    assert said.endswith("keep one row for each date, or name the column of the geos as 'external.weather.geo'.")


def test_a_column_that_is_none_and_a_name_that_is_taken(tmp_path):
    assert "has no column 'Celsius' (named under 'external.weather'); did you mean 'celsius'?" in broken(
        lambda t: t, tmp_path, columns={"Celsius": "mean"}
    )
    with pytest.raises(ConfigError, match="'tv' of 'external' or 'events' is a column of the panel already; rename it"):
        prepared(tmp_path, events={"tv": {"days": ["2023-03-03"]}})


CONFIG: dict[str, tuple[dict[str, Any], str]] = {
    "neither": ({}, "'external.x': give either 'columns' (column: mean, sum, last or max) or 'event'"),
    "both": ({"columns": {"a": "mean"}, "event": "b"}, "'external.x': give either 'columns'"),
    "way": ({"columns": {"a": "average"}}, "'external.x.columns.a' must be 'mean', 'sum', 'last' or 'max'"),
    "shape": ({"columns": {"a": "mean"}, "before": 3}, "'external.x.before' belongs to a table of a list of events"),
    "line": ({"event": "a", "between": "repeat"}, "'external.x.between' belongs to a table of values by 'columns'"),
    "sums": (
        {"columns": {"a": "sum"}, "between": "interpolate"},
        "'external.x.between' is interpolate, which keeps no",
    ),
    "roles": ({"columns": {"day": "sum"}}, "'external.x': the column 'day' has two roles"),
}


@pytest.mark.parametrize("case", CONFIG)
def test_contradictions_are_said_when_the_configuration_is_loaded(case):
    given, sentence = CONFIG[case]
    base = {"name": "t", "panel": {"path": "w.csv", "kpi": "kpi", "spend": {"tv": "tv"}}}
    with pytest.raises(ConfigError) as caught:
        make_config({**base, "external": {"x": {"path": "x.csv", "date": "day", **given}}})
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("24.11.2023", "'events.sale.days' has '24.11.2023', which is no day; give a day such as 2024-11-29, or"),
        ("2023-02-30", "which is no day"),
        ("2023-11-30 to 2023-11-24", "which ends before it begins; exchange the two days"),
        ("Black Friday", "which is no day"),
    ],
)
def test_days_of_events_that_are_none(text, sentence):
    base = {"name": "t", "panel": {"path": "w.csv", "kpi": "kpi", "spend": {"tv": "tv"}}}
    with pytest.raises(ConfigError) as caught:
        make_config({**base, "events": {"sale": {"days": [text]}}})
    assert sentence in str(caught.value)


# --- events -------------------------------------------------------------------------------------


def test_events_of_the_configuration_and_their_shape(tmp_path):
    event = {
        "days": [date(2023, 3, 3), "2023-06-28 to 2023-07-04", "2023-07-03 to 2023-07-05"],
        "before": 3,
        "after": 9,
    }
    found = prepared(tmp_path, events={"sale": event})
    spans = [(date(2023, 3, 3), date(2023, 3, 3)), (date(2023, 6, 28), date(2023, 7, 4))]
    spans.append((date(2023, 7, 3), date(2023, 7, 5)))

    def of_shape(apart: Callable[[date, date, date], int], size: int) -> Daily:
        def value(d: date, _: str) -> float:
            if any(a <= d <= b for a, b in spans):
                return 0.0
            return max(max(1 - n / (size + 1), 0.0) if (n := apart(d, *span)) > 0 else 0.0 for span in spans)

        return value

    require_same(found["sale"], by_week(lambda d, g: float(any(a <= d <= b for a, b in spans)), sum))
    require_same(found["sale_before"], by_week(of_shape(lambda d, a, b: (a - d).days, 3), sum))
    require_same(found["sale_after"], by_week(of_shape(lambda d, a, b: (d - b).days, 9), sum))
    assert found["sale_before"].max() == pytest.approx(0.75 + 0.5 + 0.25)


def test_events_of_one_geo_and_of_none(tmp_path):
    found = prepared(tmp_path, events={"fair": {"days": ["2023-05-05"], "geos": ["south"]}})
    assert found["fair"].loc["North"].sum() == 0
    assert found["fair"].loc["South"].sum() == 1
    with pytest.raises(
        ConfigError, match=r"'events.fair.geos' names 'Suoth', which is no geo .* did you mean 'South'\?"
    ):
        prepared(tmp_path, events={"fair": {"days": ["2023-05-05"], "geos": ["Suoth"]}})


def test_a_list_of_events_from_a_file(tmp_path):
    rows = [
        ("2023-02-13", "2023-02-14", "Valentine", ""),
        ("2023-02-14", "2023-02-16", "Valentine", "North"),
        ("2023-04-10", "", "Easter Sale", "South"),
        ("2031-01-01", "", "Jubilee", ""),
        ("2023-04-10", "", "Easter Sale", "Overseas"),
    ]
    table = pd.DataFrame(rows, columns=["day", "until", "what", "where"])
    section = of(table, tmp_path) | {"event": "what", "until": "until", "geo": "where"}
    found = prepared(tmp_path, external={"promotions": section})
    assert sorted(found) == ["promotions_Easter Sale", "promotions_Valentine"]
    valentine = found["promotions_Valentine"]
    assert (valentine["North"].sum(), valentine["South"].sum()) == (4, 2)  # the 14th once
    assert found["promotions_Easter Sale"].unstack("geo").sum().to_dict() == {"North": 0, "South": 1}
    config = make_config(
        {"name": "test", "panel": panel(tmp_path), "external": {"promotions": section}}, folder=tmp_path
    )
    controls = weekly_controls(read_external(config), pd.date_range(FIRST, periods=WEEKS, freq="7D"), Places.same(GEOS))
    assert [note.code for note in controls.notes] == ["external.events", "external.outside", "external.unknown_geos"]
    assert "promotions_Jubilee" in word(controls.notes[1])
    assert "Overseas" in word(controls.notes[2])
    section["before"] = 7
    assert "promotions_Valentine_before" in prepared(tmp_path, external={"promotions": section})


def test_an_event_that_ends_before_it_begins(tmp_path):
    table = pd.DataFrame({"day": ["2023-03-01"], "until": ["2023-02-01"], "what": ["Sale"]})
    with pytest.raises(DataError, match=r"row 2: the event ends before it begins"):
        prepared(tmp_path, external={"p": of(table, tmp_path) | {"event": "what", "until": "until"}})


# --- geos that are several ----------------------------------------------------------------------


def test_geos_of_a_table_that_are_one_in_the_panel_are_averaged_by_weight(tmp_path):
    table = pd.DataFrame(
        [(d, g, v) for d in days() for g, v in (("a", 1.0), ("b", 4.0), ("North", 9.0))], columns=["day", "g", "v"]
    )
    base = {"name": "t", "panel": panel(tmp_path)}
    section = of(table, tmp_path) | {"geo": "g", "columns": {"v": "mean"}}
    event = {"days": ["2023-05-05"], "geos": ["B"]}
    config = make_config({**base, "external": {"x": section}, "events": {"fair": event}}, folder=tmp_path)
    members = pd.DataFrame(
        {"name": ["A", "B", "c", "north"], "geo": ["Rest"] * 3 + ["North"], "weight": [3.0, 1.0, 4.0, 2.0]}
    )
    weeks = pd.date_range(FIRST, periods=WEEKS, freq="7D")
    found = weekly_controls(read_external(config), weeks, Places.of(("North", "Rest"), members)).frame
    assert found["x_v"].unstack("geo").drop_duplicates().to_dict("records") == [{"North": 9.0, "Rest": 1.75}]
    assert found["fair"].unstack("geo").sum().to_dict() == {"North": 0.0, "Rest": 0.125}


def test_a_gap_of_one_of_several_geos_is_none_of_the_others_to_fill(tmp_path):
    rows = [(d, g, v) for d in days() for g, v in (("a", 1.0), ("b", 4.0)) if g == "a" or d.month != 4]
    section = of(pd.DataFrame(rows, columns=["day", "g", "v"]), tmp_path) | {"geo": "g", "columns": {"v": "mean"}}
    config = make_config({"name": "t", "panel": panel(tmp_path), "external": {"x": section}}, folder=tmp_path)
    members = pd.DataFrame({"name": ["a", "b"], "geo": "Rest", "weight": 1.0})
    weeks = pd.date_range(FIRST, periods=WEEKS, freq="7D")
    with pytest.raises(DataError, match=r"'v' of Rest lacks 4 of the panel's 30 weeks \(2023-04-03, "):
        weekly_controls(read_external(config), weeks, Places.of(("Rest",), members))


@pytest.mark.parametrize("between", [None, "repeat", "interpolate"])
def test_a_column_without_any_value(between, tmp_path):
    table = pd.DataFrame({"day": MONTHS, "cpi": [""] * 8, "rate": range(8)})
    section = of(table, tmp_path) | {"columns": {"rate": "mean", "cpi": "mean"}, "between": between}
    with pytest.raises(DataError, match=r"'cpi' lacks 30 of the panel's 30 weeks .*; add rows for them"):
        prepared(tmp_path, external={"economy": section})


def test_national_series_take_national_tables(tmp_path):
    table = pd.DataFrame({"day": MONTHS, "cpi": range(8)})
    found = prepared(tmp_path, ("all",), external={"e": of(table, tmp_path) | {"columns": {"cpi": "mean"}}})
    assert len(found) == WEEKS
    assert found["e_cpi"].is_monotonic_increasing


def test_planned_weeks_have_what_is_known_of_them(tmp_path):
    """Events are known ahead; of a table the planned weeks may lack, and are then as last year."""
    section = panel(tmp_path)
    weekly = pd.read_csv(tmp_path / "weekly.csv")
    weekly["kpi"] = weekly["kpi"].mask(weekly["week"] > "2023-06-25")
    weekly.to_csv(tmp_path / "weekly.csv", index=False)
    table = pd.DataFrame({"day": MONTHS[:7], "cpi": range(7)})
    sections = {"economy": of(table, tmp_path) | {"columns": {"cpi": "mean"}}}
    event = {"days": ["2023-03-03", "2023-07-05"]}
    config = make_config({"name": "t", "panel": section, "external": sections, "events": {"e": event}}, folder=tmp_path)
    pipeline.prepare(config, tmp_path)
    frame = pd.read_parquet(tmp_path / "data" / "t" / "panel.parquet").set_index(["geo", "week"]).loc["North"]
    assert len(frame) == WEEKS
    assert frame["e"].loc["2023-07-03"] == 1
    assert frame["economy_cpi"].isna().tolist() == [False] * 25 + [False] + [True] * 4
    sections["economy"]["columns"] = {"cpi": "sum"}
    pipeline.prepare(make_config({"name": "t", "panel": section, "external": sections}, folder=tmp_path), tmp_path)


# --- the whole way ------------------------------------------------------------------------------


def test_check_sees_them_and_a_changed_table_makes_the_panel_stale(tmp_path):
    from mmm_bayes.pipeline.check import examine
    from mmm_bayes.provenance import load_manifest
    from mmm_bayes.workspace import Workspace

    table = pd.DataFrame({"day": MONTHS, "cpi": range(8)})
    section = of(table, tmp_path) | {"columns": {"cpi": "mean"}}
    raw = {"name": "test", "panel": panel(tmp_path), "external": {"economy": section}}
    config = make_config(raw, folder=tmp_path)
    pipeline.prepare(config, tmp_path)
    manifest = load_manifest(Workspace("test", tmp_path))
    assert manifest.stands("prepare", config)
    assert not manifest.stale("prepare", config)
    assert not manifest.stands(
        "prepare", make_config({**raw, "events": {"e": {"days": ["2023-02-02"]}}}, folder=tmp_path)
    )
    (change,) = manifest.stale(
        "prepare", make_config({**raw, "external": {"economy": section | {"between": "repeat"}}}, folder=tmp_path)
    )
    assert "external.economy.between was not set" in change.what
    table.assign(cpi=range(1, 9)).to_csv(tmp_path / "outside.csv", index=False)
    (change,) = manifest.stale("prepare", config)
    assert change.what == "the file outside.csv has changed since the panel was prepared"
    table.iloc[:4].to_csv(tmp_path / "outside.csv", index=False)
    (tmp_path / "c.yaml").write_text(
        "name: test\npanel: {path: weekly.csv, geo: geo, kpi: kpi, spend: {tv: tv}}\n"
        "external: {economy: {path: outside.csv, date: day, columns: {cpi: mean}}}\n"
    )
    _, found = examine(tmp_path / "c.yaml", root=tmp_path)
    assert len(found) == 1
    assert "'cpi' lacks 17 of the panel's 30 weeks (2023-04-03" in found[0]


def test_every_note_has_words():
    controls = [{"control": "a", "way": "mean"}, {"control": "b", "way": "sum"}]
    for rhythm in ("day", "week", "month", "months", "span"):
        for between in (None, "repeat", "interpolate"):
            values = {"table": "x", "controls": controls, "rhythm": rhythm, "between": between}
            said = word(Finding("external.values", values))
            assert said.startswith("External controls from 'x': a (mean of a week's days), b (sum of a week's days).")
            assert said.endswith(".")
