"""External tables beside transactions: joined in Spark by week and geo, the rest's by revenue, against pandas."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from mmm_bayes.config import make_config
from mmm_bayes.errors import ConfigError, DataError
from mmm_bayes.findings import Finding
from mmm_bayes.panel import panel_from_frame
from mmm_bayes.prepare import Prepared, weekly_table
from mmm_bayes.report.words import word

FIRST = date(2023, 1, 2)
WEEKS = 24
QUIET = FIRST + timedelta(weeks=7)
"""A week without a line."""

COLUMNS = {"invoice": "i", "product": "p", "quantity": "q", "price": "v", "date": "d", "geo": "g"}
PRICES = {"North": 6.0, "South": 3.0, "East": 0.75, "West": 0.25}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sales, spend from 4 weeks before them, and weather by geo on every day of all."""
    place = tmp_path_factory.mktemp("external")
    days = [FIRST + timedelta(days=n) for n in range(-28, 7 * WEEKS)]
    sold = [d for d in days if d >= FIRST and not QUIET <= d < QUIET + timedelta(days=7)]
    rows = [(f"{g}{d}", "1", 1, p * (1 + d.day / 40), d, g) for d in sold for g, p in PRICES.items()]
    pd.DataFrame(rows, columns=list("ipqvdg")).to_csv(place / "sales.csv", index=False)
    pd.DataFrame({"day": days, "tv": 5.0}).to_csv(place / "spend.csv", index=False)
    generator = np.random.default_rng(4)
    weather = [(d, g.upper(), generator.normal()) for d in days for g in (*PRICES, "Abroad")]
    pd.DataFrame(weather, columns=["day", "where", "sun"]).to_csv(place / "weather.csv", index=False)
    return place


def prepare(folder: Path, **given: Any) -> Prepared:
    transactions = {"path": "sales.csv", "columns": COLUMNS, "top_n": 2, "holidays": "none"}
    transactions |= given.pop("transactions", {})
    spend = {"path": "spend.csv", "layout": "wide", "date": "day", "channels": {"tv": "tv"}}
    sections = {
        "external": {"weather": {"path": "weather.csv", "date": "day", "geo": "where", "columns": {"sun": "mean"}}}
    }
    config = make_config(
        {"name": "test", "transactions": transactions, "spend": spend, **sections, **given}, folder=folder
    )
    return weekly_table(config, folder / "quarantine.parquet")


def weekly(folder: Path, weights: dict[str, float]) -> pd.Series:
    """Return the weighted mean of the weather of some geos by week."""
    weather = pd.read_csv(folder / "weather.csv", parse_dates=["day"])
    weather = weather[weather["where"].isin(weights) & (weather["day"] >= pd.Timestamp(FIRST))]
    daily = (weather["sun"] * weather["where"].map(weights)).groupby(weather["day"]).sum() / sum(weights.values())
    return daily.groupby((daily.index - pd.Timestamp(FIRST)).days // 7).mean()


def test_each_group_has_the_weather_of_its_geos_by_revenue(spark: SparkSession, folder: Path) -> None:
    prepared = prepare(folder, events={"fair": {"days": [QUIET, "2023-05-03 to 2023-05-04"], "geos": ["East"]}})
    assert prepared.columns.controls == ("trading_days", "weather_sun", "fair")
    frame = prepared.frame
    panel = frame[frame["revenue"].notna()].set_index("geo")
    assert list(dict.fromkeys(panel.index)) == ["North", "South", "Rest"]
    for geo, members in (("North", {"NORTH": 1.0}), ("South", {"SOUTH": 1.0}), ("Rest", {"EAST": 0.75, "WEST": 0.25})):
        np.testing.assert_allclose(panel.loc[geo, "weather_sun"], weekly(folder, members), rtol=1e-9)
    quiet = panel[panel["filled"]]
    assert set(quiet["week"]) == {pd.Timestamp(QUIET)}
    assert quiet["weather_sun"].notna().all()  # weeks without a line have their weather
    assert panel.groupby(level=0)["fair"].sum().to_dict() == {"North": 0.0, "South": 0.0, "Rest": pytest.approx(2.25)}
    before = frame[frame["revenue"].isna()]
    assert len(before) == 3 * 4
    assert before[["weather_sun", "fair"]].isna().all(axis=None)
    assert panel_from_frame(frame, prepared.columns, "test").data.sizes["control"] == 3
    assert {"external.values", "external.events"} <= {note["code"] for note in prepared.quality["notes"]}
    (average,) = [note for note in prepared.quality["notes"] if note["code"] == "external.average"]
    assert average["values"] == {"table": "weather", "geo": "Rest", "parts": ["east", "west"], "share": 1.0}
    said = word(Finding(**{**average, "values": {**average["values"], "share": 0.62}}))
    assert said.startswith("In Rest the controls from 'weather' are the mean of east and west by revenue, 62% of it;")


def test_one_national_series_has_the_mean_by_revenue(spark: SparkSession, folder: Path) -> None:
    frame = prepare(folder, transactions={"geo_level": "national"}).frame
    found = frame[frame["revenue"].notna()]["weather_sun"]
    np.testing.assert_allclose(found, weekly(folder, {g.upper(): p for g, p in PRICES.items()}), rtol=1e-9)


def test_gaps_and_names_are_told_before_a_panel_is_made(spark: SparkSession, folder: Path) -> None:
    weather = {"path": "weather.csv", "date": "day", "geo": "where", "columns": {"sun": "mean"}}
    table = pd.read_csv(folder / "weather.csv")
    table[table["day"] < "2023-06-01"].to_csv(folder / "short.csv", index=False)
    with pytest.raises(DataError, match=r"'sun' of North lacks 2 of the panel's 24 weeks \(2023-06-05, 2023-06-12\)"):
        prepare(folder, external={"weather": weather | {"path": "short.csv"}})
    with pytest.raises(ConfigError, match="'revenue' of 'external' or 'events' is a column of the panel already"):
        prepare(folder, events={"revenue": {"days": ["2023-03-03"]}})
    with pytest.raises(ConfigError, match=r"'events.fair.geos' names 'Norht', which is no geo .* did you mean 'North'"):
        prepare(folder, events={"fair": {"days": ["2023-03-03"], "geos": ["Norht"]}})
