"""Situations of real exports: what each must become, or be asked."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from mmm_bayes.config import load_config, override
from mmm_bayes.errors import ConfigError, DataError
from mmm_bayes.prepare import Prepared, weekly_table

INPUTS = Path(__file__).parents[2] / "shared" / "data" / "inputs"

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not INPUTS.exists(), reason="the inputs are not beside the project"),
]


def prepare(name: str, folder: Path, **transactions: Any) -> Prepared:
    config = override(load_config(INPUTS / name), transactions=transactions)
    prepared = weekly_table(config, folder / "quarantine.parquet")
    read, *parts, panel = [step for step in prepared.quality["waterfall"] if step["code"] != "lines.kept"]
    assert sum(step["lines"] for step in (read, *parts)) == panel["lines"]
    assert sum(step["revenue"] for step in (read, *parts)) == pytest.approx(panel["revenue"], abs=1e-6)
    assert prepared.frame["revenue"].sum() == pytest.approx(panel["revenue"], abs=1e-6)
    return prepared


def test_line_breaks(spark: SparkSession, tmp_path: Path) -> None:
    read = prepare("line_breaks/c.yaml", tmp_path).quality["waterfall"][0]
    assert (read["lines"], round(read["revenue"], 2), read["unknown"]) == (1000, 42_764.88, 0)
    assert pd.read_parquet(tmp_path / "quarantine.parquet").empty


def test_till(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"481 of 2,880 lines, with 17.0% of the money \(22,178.02\), repeat another one"
    ):
        prepare("till/c.yaml", tmp_path)
    kept = prepare("till/c.yaml", tmp_path, duplicates="keep").quality["waterfall"][0]
    assert (kept["lines"], round(kept["revenue"], 2)) == (2880, 130_646.88)


def test_ski_shop(spark: SparkSession, tmp_path: Path) -> None:
    frame = prepare("ski_shop/c.yaml", tmp_path).frame.set_index("week")
    assert (frame.loc["2021-06-07":"2021-10-25", "revenue"] == 0).all()
    assert (frame.loc["2021-11-01":"2022-05-30", "revenue"] > 0).all()


def test_time_zone(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"column 'ordered_at' holds times of UTC, .* give 'transactions.timezone'"):
        prepare("time_zone/p.yaml", tmp_path)
    frame = prepare("time_zone/p.yaml", tmp_path, timezone="America/Los_Angeles").frame
    raw = pd.read_parquet(INPUTS / "time_zone" / "utc.parquet")
    local = raw["ordered_at"].dt.tz_convert("America/Los_Angeles").dt.tz_localize(None)
    revenue = (raw["pieces"] * raw["unit_price"]).groupby(local.dt.to_period("W-SUN").dt.start_time).sum()
    assert frame["revenue"].tolist() == pytest.approx(revenue.tolist())


def test_us_states(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"countries or states of the United States: GA \(Gabon\), CA \(Canada\)"):
        prepare("us_states/c.yaml", tmp_path)
    frame = prepare("us_states/c.yaml", tmp_path, holidays={"GA": "US-GA", "CA": "US-CA"}).frame
    flagged = frame[frame["holiday_thanksgiving_day"] == 1]
    assert set(zip(flagged["geo"], flagged["week"].astype(str), strict=True)) == {
        (geo, "2023-11-20") for geo in ("CA", "TX", "NY", "GA")
    }
    assert not [name for name in frame if "canada" in name]


def test_credits(spark: SparkSession, tmp_path: Path) -> None:
    prepared = prepare("credits/c.yaml", tmp_path)
    assert prepared.frame.set_index("week").loc["2023-02-06", "spend_search"] == pytest.approx(587.50)
    (note,) = [note for note in prepared.quality["notes"] if note["code"] == "spend.credits"]
    assert note["values"] == {"rows": 1, "spend": -12.5}
