"""docs/daily_table.md is what holds: its configuration reads a table by day and geo, and each breach is a sentence."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from pyspark.sql import SparkSession

from mmm_bayes import pipeline
from mmm_bayes.cli import main
from mmm_bayes.config import Config, PanelColumns, as_yaml, make_config
from mmm_bayes.panel import Panel
from mmm_bayes.pipeline.check import examine

PAGE = Path("docs/daily_table.md").read_text(encoding="utf-8")
DOCUMENTED = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)[0])


def daily(days: int = 170) -> pd.DataFrame:
    """Two regions from a Wednesday on."""
    rng = np.random.default_rng(3)
    frame = pd.MultiIndex.from_product(
        [pd.date_range("2023-03-01", periods=days), ["North", "South"]], names=["day", "region"]
    ).to_frame(index=False)
    money = {name: rng.gamma(2.0, 50.0, len(frame)).round(2) for name in ("revenue", "tv", "search", "clicks")}
    return frame.assign(day=frame["day"].dt.date, **money, price=rng.normal(100, 2, len(frame)))


def config_of(**panel: Any) -> Config:
    own = {key: value for key, value in DOCUMENTED["panel"].items() if key != "query"}
    return make_config({"name": "shop", "panel": {**own, **panel}})


def prepared(spark: SparkSession, frame: pd.DataFrame, folder: Path) -> Panel:
    return pipeline.prepare(config_of(table="daily"), folder, panel=spark.createDataFrame(frame))


def test_the_documented_query_and_a_dataframe_give_the_weeks(spark: SparkSession, tmp_path: Path) -> None:
    frame = daily()
    spark.createDataFrame(frame).createOrReplaceTempView("shop_days")
    exact = "SELECT day, region, CAST(revenue AS decimal(12,2)) revenue, tv, search, clicks, price FROM shop_days"
    panel = pipeline.prepare(config_of(query=exact), tmp_path)
    day = pd.to_datetime(frame["day"])
    weeks = frame.groupby([day.dt.to_period("W-SUN").dt.start_time, "region"])["revenue"].agg(["sum", "size"])
    whole = weeks[weeks["size"] == 7]["sum"].unstack("region")
    assert panel.weeks.tolist() == whole.index.tolist()
    found = panel.data["kpi"].transpose("week", "geo").sel(geo=["North", "South"])
    np.testing.assert_allclose(found, whole)
    again = prepared(spark, frame, tmp_path / "again")
    np.testing.assert_allclose(again.data["spend"], panel.data["spend"])
    spark.catalog.dropTempView("shop_days")


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda f: f.drop(index=40), "lacks 1 of 161 days, the first 2023-03-21; add their rows"),
        (lambda f: pd.concat([f, f.tail(1)]), "South has 2023-08-17 twice; keep one row for each day"),
        (lambda f: f.rename(columns={"tv": "television"}), "daily: has no column 'tv' (named under 'panel')"),
        (lambda f: f.assign(search=-f["search"]), "(North) is negative; correct it."),
        (lambda f: f.assign(region=f["region"].where(f.index != 9)), "row 10: the geo is missing; name it"),
        (lambda f: f[:60], "weeks"),
    ],
)
def test_check_names_each_breach(spark: SparkSession, tmp_path: Path, broken: Any, said: str) -> None:
    spark.createDataFrame(broken(daily()).reset_index(drop=True)).createOrReplaceTempView("daily")
    raw = config_of(table="daily").model_dump(mode="json", exclude_unset=True, exclude={"folder"})
    (tmp_path / "c.yaml").write_text(as_yaml(raw))
    _, found = examine(tmp_path / "c.yaml", root=tmp_path)
    assert any(said in sentence for sentence in found), found
    assert not (tmp_path / "data").exists()


def test_check_accepts_what_holds(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spark.createDataFrame(daily()).createOrReplaceTempView("daily")
    raw = config_of(table="daily").model_dump(mode="json", exclude_unset=True, exclude={"folder"})
    (tmp_path / "c.yaml").write_text(as_yaml(raw))
    monkeypatch.chdir(tmp_path)
    assert main(["check", "c.yaml", "--conf", "spark.sql.shuffle.partitions=3"]) == 0
    assert "2 geos x 23 weeks" in capsys.readouterr().out


def test_the_page_names_every_column() -> None:
    make_config(DOCUMENTED)
    rows = set(re.findall(r"`([a-z_]+)`", " ".join(re.findall(r"^\| (`.*?) \|", PAGE, flags=re.MULTILINE))))
    assert rows == PanelColumns.model_fields.keys() - {"exposure_cost"}  # of planned weeks only
