"""UCI Online Retail, as gzipped CSV and as Parquet: totals to the cent, and the weekly table recomputed in pandas."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mmm_bayes.config import load_config
from mmm_bayes.findings import Finding
from mmm_bayes.prepare import Prepared, weekly_table
from mmm_bayes.report.words import word

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data" / "online_retail"
FILES = [DATA / "online-retail-dataset.csv.gz", DATA / "online_retail.parquet"]

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA.exists(), reason="the Online Retail data are not beside the project"),
]


@pytest.fixture(scope="module", params=FILES, ids=["csv.gz", "parquet"])
def prepared(request: pytest.FixtureRequest, compiled: None, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    config = load_config(ROOT / "config" / "online_retail.yaml", data=str(request.param))
    return weekly_table(config, tmp_path_factory.mktemp("real") / "quarantine.parquet")


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    """The kept lines by other means: pandas on the typed copy."""
    raw = pd.read_parquet(DATA / "online_retail.parquet")
    codes = "POST|DOT|C2|M|D|S|B|ADJUST.*|AMAZONFEE|BANK CHARGES|CRUK|PADS|GIFT_.*|TEST.*"
    product = raw["StockCode"].str.upper().str.fullmatch(codes)
    kept = raw[~raw.duplicated() & ~product & (raw["UnitPrice"] > 0)]
    week = kept["InvoiceDate"].dt.to_period("W-SUN").dt.start_time
    kept = kept.assign(revenue=kept["Quantity"] * kept["UnitPrice"], week=week)
    return kept[week.between("2010-12-06", "2011-11-28")]


def test_totals_before_any_filter(prepared: Prepared) -> None:
    raw = prepared.quality["raw"]
    assert raw["lines"] == 541_909
    assert raw["revenue"] == 9_747_747.934
    assert raw["invoices"] == 25_900
    assert raw["customers"] == 4_372
    assert raw["lines_without_customer"] == 135_080
    assert raw["cancellation_lines"] == 9_288
    assert raw["exact_duplicates"] == 5_268
    assert raw["sales_lines"] == 530_104
    assert round(raw["sales_revenue"], 2) == 10_666_684.54


def test_filters_are_itemised(prepared: Prepared, lines: pd.DataFrame) -> None:
    steps = {
        word(Finding(step["code"], step["values"])): (step["lines"], Decimal(str(step["revenue"])))
        for step in prepared.quality["waterfall"]
    }
    assert list(steps) == [
        "lines read",
        "exact duplicate",
        "code that is no product",
        "price of zero",
        "lines kept",
        "partial week of 2010-11-29",
        "partial week of 2011-12-05",
        "lines in the panel",
    ]
    assert steps["price of zero"] == (-2_515, 0)
    for first, total in (("lines read", "lines kept"), ("lines kept", "lines in the panel")):
        names = list(steps)[list(steps).index(first) : list(steps).index(total)]
        assert sum(steps[name][0] for name in names) == steps[total][0]
        assert sum(steps[name][1] for name in names) == steps[total][1]
    assert steps["lines in the panel"][0] == len(lines)
    assert float(steps["lines in the panel"][1]) == pytest.approx(lines["revenue"].sum(), abs=0.005)


def test_weeks_and_geos(prepared: Prepared) -> None:
    frame, weeks = prepared.frame, prepared.quality["weeks"]
    assert weeks["count"] == 52
    assert weeks["filled"] == ["2010-12-27"]
    assert list(frame["geo"].unique()) == ["United Kingdom", "EIRE", "Germany", "France", "Rest"]
    assert prepared.quality["geos"]["too_quiet"] == ["Netherlands"]
    assert frame["filled"].sum() == 5
    assert prepared.quality["holidays"]["countries"]["EIRE"] == "IE"
    assert frame.loc[frame["week"] == "2010-12-27", "trading_days"].eq(0).all()


def test_measures_equal_pandas(prepared: Prepared, lines: pd.DataFrame) -> None:
    geo = lines["Country"].where(lines["Country"].isin(prepared.frame["geo"]), "Rest")
    sold = lines[lines["Quantity"] > 0]
    expected = lines.groupby([geo, "week"])["revenue"].sum()
    found = prepared.frame[~prepared.frame["filled"]].set_index(["geo", "week"])
    expected = expected.rename_axis(["geo", "week"])
    np.testing.assert_allclose(found["revenue"], expected.loc[found.index], atol=0.005)
    for name, column in (("orders", "InvoiceNo"), ("customers", "CustomerID")):
        different = sold.groupby([geo.loc[sold.index], "week"])[column].nunique().rename_axis(["geo", "week"])
        assert found[name].tolist() == different.reindex(found.index, fill_value=0).tolist()
    days = sold.groupby("week")["InvoiceDate"].agg(lambda times: times.dt.date.nunique())
    assert found["trading_days"].tolist() == days.loc[found.index.get_level_values("week")].tolist()
