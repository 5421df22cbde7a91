"""Holidays as columns, against dates that anybody can look up."""

import pandas as pd
import pytest

from mmm_bayes import pipeline
from mmm_bayes.config import make_config
from mmm_bayes.errors import ConfigError
from mmm_bayes.panel.holidays import Holidays, add_holidays, country_code
from mmm_bayes.report.words import word


def table(*geos: str, first: str = "2022-12-05", weeks: int = 60) -> pd.DataFrame:
    days = pd.date_range(first, periods=weeks, freq="7D")
    return pd.concat([pd.DataFrame({"week": days, "geo": geo}) for geo in geos], ignore_index=True)


def weeks(found: Holidays, column: str, geo: str) -> list[str]:
    frame = found.frame
    return frame.loc[(frame["geo"] == geo) & (frame[column] == 1), "week"].dt.strftime("%Y-%m-%d").tolist()


def test_weeks_of_known_holidays() -> None:
    found = add_holidays(table("United Kingdom", "Germany", "France"), "auto", "United Kingdom")
    assert found.countries == {"United Kingdom": "GB-ENG", "Germany": "DE", "France": "FR"}
    for geo in found.countries:
        assert weeks(found, "holiday_christmas_day", geo)[:1] == ["2022-12-19"]  # Sunday the 25th
        assert weeks(found, "holiday_easter_monday", geo) == ["2023-04-10"]
    assert weeks(found, "holiday_christmas_day", "United Kingdom") == ["2022-12-19", "2022-12-26", "2023-12-25"]
    assert weeks(found, "holiday_good_friday", "Germany") == ["2023-04-03"]
    assert weeks(found, "holiday_good_friday", "France") == []
    assert weeks(found, "holiday_spring_bank_holiday", "United Kingdom") == ["2023-05-29"]
    assert weeks(found, "holiday_spring_bank_holiday", "Germany") == []
    assert weeks(found, "holiday_ascension_day", "France") == ["2023-05-15"]
    assert set(found.frame.filter(like="holiday_").to_numpy().ravel()) == {0, 1}


def test_holidays_of_one_small_country_share_a_column() -> None:
    found = add_holidays(table("United Kingdom", "Germany", "France"), "auto", "United Kingdom")
    assert "German Unity Day" in found.columns["holiday_other"]
    assert "Armistice Day" in found.columns["holiday_other"]
    assert "2023-10-02" in weeks(found, "holiday_other", "Germany")  # Tuesday the 3rd
    assert weeks(found, "holiday_other", "United Kingdom") == []
    assert len(found.columns) <= 14


def test_holidays_that_always_fall_together_share_a_column() -> None:
    found = add_holidays(table("Germany", first="2023-06-12", weeks=30), "auto", "Germany")
    assert found.columns["holiday_christmas_day"] == ["Christmas Day", "Boxing Day"]
    assert "holiday_boxing_day" not in found.frame


def test_holidays_outside_the_weeks_have_no_column() -> None:
    found = add_holidays(table("Germany", first="2023-06-12", weeks=15), "auto", "Germany")
    assert found.columns == {}
    assert list(found.frame.columns) == ["week", "geo"]


def test_days_off_in_lieu_count() -> None:
    found = add_holidays(table("United Kingdom"), "auto", "")
    assert weeks(found, "holiday_new_years_day", "United Kingdom") == ["2022-12-26", "2023-01-02", "2024-01-01"]


def test_rest_and_national_follow_the_largest_geo() -> None:
    found = add_holidays(table("Germany", "Rest"), "auto", "Germany")
    assert found.countries == {"Germany": "DE", "Rest": "DE"}
    assert add_holidays(table("national"), "auto", "France").countries == {"national": "FR"}
    assert add_holidays(table("national"), "auto", "").countries == {"national": None}


def test_setting() -> None:
    frame = table("North", "South")
    assert add_holidays(frame, "none", "North").columns == {}
    assert add_holidays(frame, "US", "North").countries == {"North": "US", "South": "US"}
    assert "holiday_independence_day" in add_holidays(frame, "US", "North").columns
    assert add_holidays(frame, {"North": "NO"}, "North").countries == {"North": "NO", "South": "NO"}
    with pytest.raises(ConfigError, match=r"'transactions.holidays' names the geo 'Nort'; valid are North, South\."):
        add_holidays(frame, {"Nort": "NO"}, "North")
    with pytest.raises(
        ConfigError, match="'holidays' is XX, of which no holidays are known; use an ISO code such as GB"
    ):
        add_holidays(frame, "XX", "North")
    with pytest.raises(ConfigError, match="is DE-XX, of which no holidays are known"):
        add_holidays(frame, "DE-XX", "North")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("United Kingdom", "GB-ENG"),
        ("EIRE", "IE"),
        (" germany ", "DE"),
        ("Netherlands", "NL"),
        ("USA", "US"),
        ("United States", "US"),
        ("DEU", "DE"),
        ("ch", "CH"),
        ("RSA", "ZA"),
        ("Viet Nam", "VN"),
        ("UAE", "AE"),
        ("Republic of Ireland", "IE"),
        ("Türkiye", "TR"),
        ("Czech Republic", "CZ"),
        ("us-tx", "US-TX"),
        ("gb-eng", "GB-ENG"),
        ("US-XX", None),
        ("UK & Ireland", None),
        ("New Jersey", None),
        ("Rest of World", None),
        ("4", None),
        ("Channel Islands", None),
        ("Unspecified", None),
        ("", None),
    ],
)
def test_country_code(name: str, code: str | None) -> None:
    assert country_code(name) == code


def bring(folder, **panel) -> pipeline.Config:
    """Return the configuration of a weekly table of two regions that the user brings."""
    frame = table("South", "North")
    frame = frame.assign(kpi=[100.0 + i % 7 for i in range(len(frame))], tv=[1.0 + i % 3 for i in range(len(frame))])
    frame.to_csv(folder / "weekly.csv", index=False)
    source = {"path": str(folder / "weekly.csv"), "geo": "geo", "kpi": "kpi", "spend": {"tv": "tv"}}
    return make_config({"name": "own", "panel": source | panel})


def test_a_table_of_ones_own_gets_public_holidays_where_it_asks_for_them(tmp_path) -> None:
    none = pipeline.prepare(bring(tmp_path), tmp_path)
    assert none.data.sizes["holiday"] == 0
    panel = pipeline.prepare(bring(tmp_path, public_holidays={"North": "GB-SCT", "South": "GB-ENG"}), tmp_path)
    flags = panel.data["holidays"].sel(week="2023-11-27")
    assert flags.sel(geo="North").sum() == 1, "Saint Andrew's Day"
    assert flags.sel(geo="South").sum() == 0
    assert panel.data["holidays"].sel(week="2022-12-19", holiday="holiday_christmas_day").min() == 1
    assert (panel.data["kpi"].values == none.data["kpi"].values).all()


@pytest.mark.parametrize(
    ("panel", "sentence"),
    [
        ({"public_holidays": {"East": "GB"}}, "names the geo 'East'; valid are"),
    ],
)
def test_holidays_that_cannot_be_found_are_one_sentence(tmp_path, panel, sentence) -> None:
    config = bring(tmp_path, **panel)
    with pytest.raises(ConfigError, match=sentence):
        pipeline.prepare(config, tmp_path)
    assert not (tmp_path / "data" / "own" / "panel.parquet").exists()


STATES = [
    (("CA", "TX", "NY", "GA"), {"CA": "Canada", "GA": "Gabon"}),
    (("WA", "OR", "ID", "Rest"), {"ID": "Indonesia"}),
    (("DE",), {"DE": "Germany"}),
    (("California", "Georgia", "national"), {"Georgia": "Georgia"}),
]


@pytest.mark.parametrize(("geos", "either"), STATES)
def test_what_may_be_states_or_countries_is_asked(geos: tuple[str, ...], either: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="must say whether these geos are countries or states") as caught:
        add_holidays(table(*geos), "auto", geos[0])
    assert ", ".join(f"{geo} ({country})" for geo, country in either.items()) in str(caught.value)
    answers = {geo: f"US-{geo if len(geo) == 2 else 'GA'}" for geo in either}
    assert ", ".join(f"{geo}: {state}" for geo, state in answers.items()) in str(caught.value)
    found = add_holidays(table(*geos, first="2023-10-02", weeks=20), answers, geos[0])
    assert all(str(code).startswith("US-") for code in found.countries.values())
    for geo in geos:
        assert weeks(found, "holiday_thanksgiving_day", geo) == ["2023-11-20"]


@pytest.mark.parametrize(
    ("geos", "codes"),
    [
        (("TX", "NY", "FL"), ("US-TX", "US-NY", "US-FL")),
        (("Texas", "new  york", "Rest"), ("US-TX", "US-NY", "US-TX")),
        (("US-CA", "US-GA"), ("US-CA", "US-GA")),
        (("CA", "US", "MX"), ("CA", "US", "MX")),
        (("DE", "AT", "CH"), ("DE", "AT", "CH")),
        (("Georgia", "Armenia"), ("GE", "AM")),
        (("EMEA", "APAC", "NA"), (None, None, None)),
        (("NA", "ZA"), ("NA", "ZA")),
    ],
)
def test_the_geos_together_tell_states_from_countries(geos: tuple[str, ...], codes: tuple[str | None, ...]) -> None:
    assert tuple(add_holidays(table(*geos), "auto", geos[0]).countries.values()) == codes


def test_the_country_of_each_geo_is_told() -> None:
    told = add_holidays(table("TX", "Rest", "GB-SCT"), {"Rest": "CA"}, "TX").notes
    assert list(map(word, told)) == [
        "Public holidays: TX has those of United States (TX), Rest has those of Canada, GB-SCT has those of United "
        "Kingdom (SCT)."
    ]
    (unknown,) = add_holidays(table("North"), "auto", "North", "panel.public_holidays").notes
    assert word(unknown) == "No country is known for North: no holidays; name it in 'panel.public_holidays'."
    assert add_holidays(table("North"), "none", "North").notes == ()
