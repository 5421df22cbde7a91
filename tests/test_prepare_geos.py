"""Which geos stand by themselves, on small tables."""

from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pytest

from mmm_bayes.config import Transactions
from mmm_bayes.prepare.geos import Grouping, group_geos


def cells(**geos: tuple[float, int, int]) -> pd.DataFrame:
    """Give each geo a weekly revenue, a number of weeks with sales and one of weeks with cancellations alone."""
    rows = []
    for name, (revenue, sold, cancelled) in geos.items():
        for week in range(sold + cancelled):
            money = Decimal(str(revenue if week < sold else -revenue / 10))
            day = date(2023, 1, 2) + timedelta(weeks=week)
            rows.append({"geo": name, "week": day, "lines": 5, "sales_lines": 4 * (week < sold), "revenue": money})
    return pd.DataFrame(rows)


def group(table: pd.DataFrame, **settings: object) -> Grouping:
    return group_geos(table, Transactions(path="x", preset="online_retail", **settings))


def test_largest_that_trade_most_weeks_stand_alone() -> None:
    found = group(cells(a=(5, 10, 0), b=(9, 8, 0), c=(100, 7, 0), d=(1, 10, 0)), top_n=3)
    assert found.names == ("b", "a", "Rest")
    assert found.groups == {"a": "a", "b": "b", "c": "Rest", "d": "Rest"}
    assert found.quiet == ("c",)
    assert found.largest == "c"
    assert found.shares == pytest.approx({"b": 72 / 832, "a": 50 / 832, "Rest": 710 / 832})


def test_weeks_with_cancellations_alone_are_no_trade() -> None:
    assert group(cells(a=(5, 10, 0), b=(9, 7, 3)), top_n=2).quiet == ("b",)
    assert group(cells(a=(5, 10, 0), b=(9, 8, 2)), top_n=2).quiet == ()


def test_weeks_in_which_nobody_sold_count_for_nobody() -> None:
    """A shop that opens for two seasons of 6 weeks, with 20 weeks between them."""
    table = cells(a=(5, 12, 0), b=(9, 12, 0), c=(7, 9, 0))
    table["week"] += [timedelta(weeks=20 * (day >= date(2023, 2, 13))) for day in table["week"]]
    assert group(table, top_n=3).quiet == ("c",)


def test_spellings_are_one_geo() -> None:
    table = cells(France=(5, 6, 0), FRANCE=(5, 4, 0), france=(5, 2, 0), Peru=(8, 10, 0))
    table.loc[table["geo"] == "FRANCE", "week"] += timedelta(weeks=6)
    found = group(table, top_n=2)
    assert found.names == ("Peru", "France")
    assert set(found.groups) == {"France", "FRANCE", "france", "Peru"}
    assert [part["raw_geos"] for part in found.summary()["groups"]] == [1, 1]


def test_lines_without_a_geo_and_losses_join_the_rest() -> None:
    found = group(cells(**{"": (50, 10, 0), "a": (5, 10, 0), "b": (-5, 10, 0)}), top_n=None, rest="Others")
    assert found.groups == {"": "Others", "a": "a", "b": "Others"}
    assert found.names == ("a", "Others")


def test_no_geo_at_all_is_national() -> None:
    assert group(cells(**{"": (5, 10, 0)})).names == ("national",)
    found = group(cells(a=(5, 10, 0), b=(9, 10, 0)), geo_level="national")
    assert found.groups == {"a": "national", "b": "national"}
    assert found.largest == "b"


def test_nothing_left_over_is_no_rest() -> None:
    assert group(cells(a=(5, 10, 0), b=(9, 10, 0)), top_n=5).names == ("b", "a")
