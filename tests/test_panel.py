"""A panel is right or refused: one sentence that names the thing, the place and the remedy."""

import numpy as np
import pandas as pd
import pytest

from mmm_bayes.config import PanelColumns, PanelSource, ReachFrequency
from mmm_bayes.errors import DataError
from mmm_bayes.panel import load_panel, panel_from_frame, save_panel
from mmm_bayes.report.words import word

COLUMNS = PanelColumns(
    geo="region",
    kpi="sales",
    kpi_value="price",
    population="people",
    spend={"tv": "tv_cost", "search": "search_cost"},
    exposure={"tv": "tv_grps"},
    organic={"email": "mails"},
    controls=("temperature",),
    holidays=("easter",),
)


def frame(weeks: int = 30) -> pd.DataFrame:
    """Two geos; the rows of a geo are in order, the geos are not sorted by name."""
    rng = np.random.default_rng(3)
    size = 2 * weeks
    return pd.DataFrame(
        {
            "region": np.repeat(["West", "East"], weeks),
            "week": list(pd.date_range("2023-01-02", periods=weeks, freq="7D").strftime("%Y-%m-%d")) * 2,
            "sales": rng.gamma(20.0, 50.0, size),
            "price": 2.0,
            "people": np.repeat([1000.0, 500.0], weeks),
            "tv_cost": rng.gamma(2.0, 10.0, size),
            "tv_grps": rng.gamma(2.0, 1.0, size),
            "search_cost": rng.gamma(2.0, 5.0, size),
            "mails": rng.poisson(100, size),
            "temperature": rng.normal(10, 5, size),
            "easter": ([0] * 13 + [1] + [0] * (weeks - 14)) * 2,
        }
    )


def change(column, value, row: int | range | None = None) -> pd.DataFrame:
    table = frame()
    if row is None:
        table[column] = value
    else:
        table[column] = table[column].astype(object)
        table.loc[row, column] = value
    return table


def columns(**changes) -> PanelColumns:
    return PanelColumns(**{**COLUMNS.model_dump(), **changes})


UNKNOWN = "Where nobody knows the KPI, leave it empty and fill in what was spent: nothing is learnt from such a week."

BAD = {
    "no rows": (frame().head(0), COLUMNS, "the panel has no rows; check the file and the filters that made it."),
    "missing column": (
        frame().rename(columns={"sales": "sale"}),
        COLUMNS,
        "the panel has no column 'sales'; did you mean 'sale'?",
    ),
    "no such control": (
        frame(),
        columns(controls=("zzz",)),
        "the panel has no column 'zzz'; valid are easter, mails, people, price, region, sales, search_cost, "
        "temperature, tv_cost, tv_grps, week.",
    ),
    "missing reach": (
        frame(),
        columns(reach_frequency={"search": ReachFrequency(reach="mail", frequency="price")}),
        "the panel has no column 'mail'; did you mean 'mails'?",
    ),
    "no channel": (
        frame(),
        columns(spend={}, exposure={}, organic={}),
        "'spend' names no channel; list at least one (organic media alone have no ROI and leave no budget to plan).",
    ),
    "organic media alone": (
        frame(),
        columns(spend={}, exposure={}),
        "'spend' names no channel; list at least one (organic media alone have no ROI and leave no budget to plan).",
    ),
    "exposure of no channel": (
        frame(),
        columns(exposure={"serch": "mails"}),
        "'exposure.serch' is of a channel that 'spend' does not name; did you mean 'search'?",
    ),
    "a date that is none": (
        change("week", "soon", 7),
        COLUMNS,
        "column 'week', row 8: 'soon' is no date as '2023-01-02' is; correct it, or take the row out.",
    ),
    "numbers for dates": (
        frame().assign(week=list(range(30)) * 2),
        COLUMNS,
        "column 'week' counts from 0 to 29 and names no year; write the first day of each week, such as 2023-01-02, "
        "or year and week, such as 2023-W01.",
    ),
    "duplicate geo-week": (
        pd.concat([frame(), frame().iloc[[31]]]),
        COLUMNS,
        "1 duplicate geo-weeks, the first East, 2023-01-09; keep one row for each geo and week.",
    ),
    "daily rows": (
        frame().assign(week=list(pd.date_range("2023-01-02", periods=30).strftime("%Y-%m-%d")) * 2),
        COLUMNS,
        "weeks must be seven days apart: 2023-01-02 is followed by 2023-01-03 (1 days); "
        "aggregate to weeks and fill the gaps.",
    ),
    "a week that no geo has": (
        frame().drop(index=[4, 34]),
        COLUMNS,
        "no row for the 1 week between 2023-01-23 and 2023-02-06; add them, with the spend (0 if none) and the KPI. "
        f"{UNKNOWN}",
    ),
    "a week that one geo lacks": (
        frame().drop(index=[34, 40]),
        COLUMNS,
        "geo 'East' has no row in 2 weeks between others, the first 2023-01-30; add what was sold and spent (0 only "
        "if nothing was). A geo may lack the KPI of one week in five, not its spend.",
    ),
    "a geo whose rows begin too late": (
        frame().drop(index=range(30, 42)),
        COLUMNS,
        "the KPI 'sales' of East is missing before 2023-03-27, as one that opened late; it enters then, but needs 20 "
        "weeks with a KPI, so leave 'East' out.",
    ),
    "a geo whose KPI begins too late": (
        frame().assign(sales=lambda f: f["sales"].mask((f["region"] == "West") & (f["week"] < "2023-03-27"))),
        COLUMNS,
        "the KPI 'sales' of West is missing before 2023-03-27, as one that opened late; it enters then, but needs 20 "
        "weeks with a KPI, so leave 'West' out.",
    ),
    "a geo that is reported late": (
        change("sales", np.nan, 59),
        COLUMNS,
        "the KPI 'sales' of East is missing after 2023-07-17, as one that closed early or is reported late; a geo "
        "needs all weeks, so end the panel there (leave out the later rows of all geos), or leave 'East' out.",
    ),
    "a geo without any KPI": (
        frame().assign(sales=lambda f: f["sales"].mask(f["region"] == "West")),
        COLUMNS,
        "the KPI 'sales' of West is empty in all weeks; fill it, or leave that geo out.",
    ),
    "three weeks that no geo has": (
        frame().drop(index=[4, 5, 6, 34, 35, 36]),
        COLUMNS,
        "no row for the 3 weeks between 2023-01-23 and 2023-02-20; add them, with the spend (0 if none) and the KPI. "
        + UNKNOWN,
    ),
    "too few weeks": (
        frame(19),
        COLUMNS,
        "the panel has 19 weeks; at least 20 are needed to tell channels from season.",
    ),
    "text among numbers": (
        change("tv_cost", "12 spots", 3),
        COLUMNS,
        "column 'tv_cost', row 4: '12 spots' is no number; correct it (0 if none).",
    ),
    "NaN spend": (
        change("search_cost", np.nan, 33),
        COLUMNS,
        "spend of 'search' in the week of 2023-01-23 (East) is missing or infinite; fill it (0 if none).",
    ),
    "infinite spend": (
        change("search_cost", np.inf, 33),
        COLUMNS,
        "spend of 'search' in the week of 2023-01-23 (East) is missing or infinite; fill it (0 if none).",
    ),
    "negative spend": (
        change("search_cost", -1.0, 33),
        COLUMNS,
        "spend of 'search' in the week of 2023-01-23 (East) is negative; correct it.",
    ),
    "negative exposure": (
        change("tv_grps", -1.0, 2),
        COLUMNS,
        "media of 'tv' in the week of 2023-01-16 (West) is negative; correct it.",
    ),
    "NaN control": (
        change("temperature", np.nan, 0),
        COLUMNS,
        "controls of 'temperature' in the week of 2023-01-02 (West) is missing or infinite; write its value there.",
    ),
    "NaN KPI in too many weeks": (
        change("sales", np.nan, range(12, 19)),
        COLUMNS,
        "the KPI 'sales' of West is missing in 7 weeks between others, the first 2023-03-27; add what was sold and "
        "spent (0 only if nothing was). A geo may lack the KPI of one week in five, not its spend.",
    ),
    "no KPI at all": (
        change("sales", np.nan),
        COLUMNS,
        "the KPI 'sales' is empty in all rows; name another column, or fill it.",
    ),
    "negative price": (
        change("price", -2.0, 1),
        COLUMNS,
        "column 'price' in the week of 2023-01-09 (West) is negative; correct it.",
    ),
    "a channel without spend": (
        change("search_cost", 0.0),
        COLUMNS,
        "channel 'search' has no spend in any week; leave it out of the panel.",
    ),
    "spend without exposure": (
        change("tv_grps", 0.0),
        COLUMNS,
        "channel 'tv' has spend and no exposure in any week; fill in its exposure, or leave that column out of the "
        "configuration and let the spend count.",
    ),
    "organic media that never ran": (
        change("mails", 0),
        COLUMNS,
        "channel 'email' has no media in any week; leave it out of the panel.",
    ),
    "a planned week that is missing": (
        change("sales", np.nan, [*range(26, 30), *range(56, 60)]).drop(index=[27, 57]),
        COLUMNS,
        "no row for the 1 week between 2023-07-03 and 2023-07-17; add them, with the spend that is planned "
        "(0 if none).",
    ),
    "exposure without spend": (
        change("tv_cost", 0.0),
        COLUMNS,
        "channel 'tv' has exposure but no spend; list it under 'organic'.",
    ),
    "constant KPI": (
        frame().assign(sales=lambda f: f["sales"].where(f["region"] == "West", 5.0)),
        COLUMNS,
        "the KPI 'sales' of East never changes; there is nothing to explain.",
    ),
    "more returned than sold": (
        frame().assign(sales=lambda f: f["sales"].where(f["region"] == "West", -f["sales"])),
        COLUMNS,
        "the KPI 'sales' of East is not positive on average; leave that geo out.",
    ),
    "nobody lives there": (
        change("people", 0.0),
        COLUMNS,
        "column 'people': every geo needs a positive population.",
    ),
    "population missing": (
        change("people", np.nan, 3),
        COLUMNS,
        "column 'people': every geo needs a positive population.",
    ),
    "a geo without a name": (
        change("region", None, 3),
        COLUMNS,
        "column 'region', row 4: the geo is missing; name it.",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence(case, tmp_path):
    table, wanted, message = BAD[case]
    with pytest.raises(DataError) as caught:
        save_panel(table, wanted, tmp_path, "shop")
    assert str(caught.value) == message
    assert not list(tmp_path.iterdir())


def test_values_land_where_they_belong():
    table = frame()
    panel = panel_from_frame(table.sample(frac=1, random_state=1), COLUMNS, "shop", "£")
    assert panel.channels == ["tv", "search", "email"]
    assert sorted(panel.geos) == ["East", "West"]
    assert panel.data["paid"].values.tolist() == [True, True, False]
    for _, row in table.iterrows():
        cell = panel.data.sel(geo=row["region"], week=row["week"])
        assert cell["kpi"] == row["sales"]
        assert cell["spend"].values.tolist() == [row["tv_cost"], row["search_cost"], 0.0]
        assert cell["media"].values.tolist() == [row["tv_grps"], row["search_cost"], row["mails"]]
        assert cell["controls"].values.tolist() == [row["temperature"]]
    assert panel.data["population"].sel(geo="West") == 1000


def test_without_geo_and_options_there_is_one_national_series():
    wanted = PanelColumns(kpi="sales", spend={"tv": "tv_cost"})
    panel = panel_from_frame(frame().query("region == 'East'"), wanted, "shop")
    assert panel.geos == ["national"]
    assert (panel.data["value"] == 1).all()
    assert panel.data["population"].item() == pytest.approx(panel.data["kpi"].mean().item())
    assert panel.data["controls"].shape == (1, 30, 0)


def with_reach(table):
    return table.assign(seen=table["mails"], often=2.0)


def test_reach_drives_and_frequency_stands_beside():
    wanted = columns(reach_frequency={"search": ReachFrequency(reach="seen", frequency="often")})
    data = panel_from_frame(with_reach(frame()), wanted, "shop").data
    assert (data["media"].sel(channel="search") == data["media"].sel(channel="email")).all()
    assert (data["frequency"].sel(channel="search") == 2.0).all()
    assert (data["frequency"].sel(channel="tv") == 1.0).all()


@pytest.mark.parametrize("planned", [1, 4, 9])
def test_weeks_after_the_last_kpi_are_a_plan_and_left_out(planned, tmp_path):
    table = frame()
    later = table["week"] >= sorted(table["week"].unique())[-planned]
    table.loc[later, ["sales", "temperature"]] = np.nan
    panel = save_panel(table, COLUMNS, tmp_path, "shop")
    assert len(panel.weeks) == 30 - planned
    assert word(panel.notes[0]).startswith(f"{planned} week")
    assert "are a plan: left out of the fit" in word(panel.notes[0])
    assert load_panel(tmp_path).data.identical(panel.data)


def test_weeks_before_the_first_kpi_become_history():
    table = frame()
    early = table["week"] < "2023-01-23"
    panel = panel_from_frame(table.assign(sales=table["sales"].mask(early)), COLUMNS, "shop")
    assert panel.weeks[0] == pd.Timestamp("2023-01-23")
    assert panel.data.sizes["past"] == 3
    expected = table.query("region == 'East'")["search_cost"].head(3)
    assert panel.data["history"].sel(geo="East", channel="search").values.tolist() == expected.tolist()


def test_history_counts_reach_as_often_as_it_was_seen():
    table = frame()
    early = table["week"] < "2023-01-23"
    wanted = columns(reach_frequency={"search": ReachFrequency(reach="seen", frequency="often")})
    history = panel_from_frame(with_reach(table).assign(sales=table["sales"].mask(early)), wanted, "shop").data[
        "history"
    ]
    np.testing.assert_array_equal(history.sel(channel="search"), 2.0 * history.sel(channel="email"))


def test_a_gap_in_the_history_is_refused():
    table = frame()
    table.loc[table["week"] < "2023-01-23", "sales"] = np.nan
    table.loc[0, "search_cost"] = np.nan
    with pytest.raises(DataError, match="before the first KPI value"):
        panel_from_frame(table, COLUMNS, "shop")


def test_oddities_become_notes():
    table = frame().assign(search_cost=lambda f: 3 * f["tv_grps"])
    table.loc[0, "sales"] = -5.0
    notes = panel_from_frame(table, COLUMNS, "shop").notes
    assert tuple(map(word, notes)) == (
        "The KPI 'sales' is negative in 1 geo-weeks (more returned than sold).",
        "Channels 'tv' and 'search' move in step and cannot be told apart.",
    )


def test_a_saved_panel_comes_back_the_same(tmp_path):
    saved = save_panel(frame(), COLUMNS, tmp_path, "shop", "£", source="a file")
    loaded = load_panel(tmp_path)
    assert (loaded.name, loaded.currency, loaded.kpi_name) == ("shop", "£", "sales")
    assert loaded.data.identical(saved.data)
    assert loaded.notes == saved.notes


def test_dates_in_a_stated_format_survive_the_round_trip(tmp_path):
    day_first = frame().assign(week=lambda f: pd.to_datetime(f["week"]).dt.strftime("%d/%m/%Y"))
    source = PanelSource(**COLUMNS.model_dump(), path="x.csv", date_format="%d/%m/%Y")
    saved = save_panel(day_first, source, tmp_path, "shop")
    assert saved.data.identical(panel_from_frame(frame(), COLUMNS, "shop").data)
    assert load_panel(tmp_path).data.identical(saved.data)


def test_dates_may_be_numbers_of_eight_digits():
    compact = frame().assign(week=lambda f: pd.to_datetime(f["week"]).dt.strftime("%Y%m%d").astype(int))
    assert panel_from_frame(compact, COLUMNS, "shop").weeks[1] == pd.Timestamp("2023-01-09")


def test_the_head_of_a_panel_is_its_first_weeks():
    panel = panel_from_frame(frame(), COLUMNS, "shop")
    head = panel.head(22)
    assert head.weeks.equals(panel.weeks[:22])
    assert head.data["kpi"].equals(panel.data["kpi"][:, :22])
