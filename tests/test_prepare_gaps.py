"""Weeks without lines: stray dates, closed seasons and dates that are wrong, on numbers of lines by week."""

from datetime import date, timedelta

import pandas as pd
import pytest

from mmm_bayes.errors import DataError
from mmm_bayes.prepare.gaps import require_dense, strays

FIRST = date(2021, 11, 1)


def lines(*parts: tuple[int, int], count: int = 50) -> pd.Series:
    """Give weeks ``count`` lines: each part is a number of weeks without, then one of weeks with lines."""
    weeks, at = {}, 0
    for empty, full in parts:
        at += empty
        weeks |= {FIRST + timedelta(weeks=at + n): count for n in range(full)}
        at += full
    return pd.Series(weeks)


def week(number: int) -> date:
    return FIRST + timedelta(weeks=number)


@pytest.mark.parametrize("ahead", [4, 20, 4000])
def test_few_lines_beyond_a_gap_are_stray(ahead: int) -> None:
    table = lines((0, 60))
    table[week(60 + ahead)] = 1
    assert strays(table) == [week(60 + ahead)]
    table[week(61 + ahead)] = 1
    assert strays(table) == [week(60 + ahead), week(61 + ahead)]


def test_stray_dates_of_several_years_on_both_sides() -> None:
    table = lines((0, 60))
    found = [week(n) for n in (-6000, -300, 90, 500, 4000)]
    for day in found:
        table[day] = 3
    assert strays(table.sort_index()) == found


@pytest.mark.parametrize(
    "table",
    [
        lines((0, 60)),
        lines((0, 30), (22, 30), (22, 3)),  # the next season has begun
        lines((0, 57), (3, 1)),
        lines((0, 30), (6, 10)),
        lines((0, 1), (9, 20), count=2),  # too few in all to tell
    ],
)
def test_trade_is_not_stray(table: pd.Series) -> None:
    assert strays(table) == []


@pytest.mark.parametrize(
    "parts",
    [
        [(0, 30), (22, 30), (22, 30)],  # skiing from November to May
        [(0, 10), (42, 10), (42, 10)],  # Christmas trees
        [(0, 3), (12, 40), (12, 40)],  # shut in summer, the file begins shortly before
        [(0, 20), (1, 20), (2, 20)],
        [(0, 30), (10, 1), (11, 30)],  # one order while it was shut
        [(0, 13)],
        [(0, 1)],
    ],
)
def test_closed_seasons_are_dense(parts: list[tuple[int, int]]) -> None:
    require_dense(list(lines(*parts).index))


@pytest.mark.parametrize(
    ("parts", "gap"),
    [
        ([(4, 1)] * 24, (4, 9)),  # one day a month, or day and month exchanged
        ([(12, 1)] * 10, (12, 25)),
        ([(0, 30), (60, 30)], (29, 90)),  # a year is missing
        ([(1, 1)] * 30, (1, 3)),
        ([(0, 5), (30, 5), (30, 5)], (4, 35)),
    ],
)
def test_other_gaps_are_named(parts: list[tuple[int, int]], gap: tuple[int, int]) -> None:
    with pytest.raises(DataError, match=rf"lies between the weeks of {week(gap[0])} and {week(gap[1])}: leave out"):
        require_dense(list(lines(*parts).index))
