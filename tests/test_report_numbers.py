"""How a report shows numbers."""

import re
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmm_bayes.report import numbers
from mmm_bayes.report.figures.layout import shortened, spread, wrapped
from mmm_bayes.report.figures.style import channel_colours
from mmm_bayes.report.numbers import Money


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *((2.7352, "2.74"), (0.5207, "0.52"), (12.345, "12.3"), (123.4, "123"), (1234.5, "1,234"), (0.0834, "0.083")),
        *((0, "0"), (-0.5, "−0.50"), (float("nan"), "–"), (None, "–"), (0.00123, "0.0012"), (-1e-9, "0")),
    ],
)
def test_ratios_have_two_to_three_digits(value, shown):
    assert numbers.ratio(value) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.2521, "25%"), (0.0766, "7.7%"), (0.0996, "10%"), (0.0, "0%"), (1.5, "150%"), (-0.013, "−1.3%"), (None, "–")],
)
def test_shares_are_percentages(share, shown):
    assert numbers.percent(share) == shown


@pytest.mark.parametrize(
    ("share", "shown"), [(0.354, "+35%"), (-0.04, "−4%"), (0.001, "0%"), (-0.001, "0%"), (float("nan"), "–")]
)
def test_changes_have_a_sign(share, shown):
    assert numbers.change(share) == shown


@pytest.mark.parametrize(("p", "shown"), [(1.0, "over 99%"), (0.0, "under 1%"), (0.934, "93%"), (0.5, "50%")])
def test_a_probability_is_never_certain(p, shown):
    assert numbers.chance(p) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *(
            (27_156_895, "27.2m"),
            (450_000, "450k"),
            (1_234, "1.23k"),
            (999.9, "1.00k"),
            (12.34, "12.3"),
            (0.5, "0.500"),
        ),
        *((-2_500_000_000, "−2.50bn"), (7e15, "7,000tn"), (0, "0"), (0.00001, "0.000010"), (1e-9, "0")),
    ],
)
def test_short_numbers_have_three_digits(value, shown):
    assert numbers.compact(value) == shown


def test_amounts_carry_their_currency_between_sign_and_digits():
    assert Money("£", 0).full(-20.4) == "−£20"
    assert Money("£", 0).full(-0.4) == "£0"
    assert Money("EUR", 2).full(1234.5) == "EUR\N{NO-BREAK SPACE}1,234.50"
    assert Money("", 0).unit == "1 spent"
    assert Money("$", 0).cents(9_747_747.934) == "$9,747,747.93"
    assert Money("€", 0).between(139_000, 418_000) == "€139k–€418k"
    assert Money("€", 0).between(float("nan"), 1.0) == "–"


@pytest.mark.parametrize(
    ("largest", "decimals"), [(3e9, 0), (10_000, 0), (9_999, 2), (50, 2), (0, 2), (0.5, 4), (1e-9, 6)]
)
def test_decimals_fit_the_size_of_the_amounts(largest, decimals):
    assert Money.fitting("£", largest).decimals == decimals


def test_words_are_listed_and_counted():
    assert numbers.listed(["a"]) == "a"
    assert numbers.listed(["a", "b", "c"]) == "a, b and c"
    assert numbers.listed(list("abcdef"), most=4) == "a, b, c and 3 more"
    assert numbers.count(1, "week") == "1 week"
    assert numbers.count(-5_263) == "−5,263"
    assert numbers.count(2, "other channel") == "2 other channels"
    assert numbers.day(date(2024, 1, 5)) == "5 Jan 2024"
    assert numbers.span([1.391, 1.394]) == "1.39"
    assert numbers.span([1.42, 1.39]) == "1.39 to 1.42"


@pytest.mark.parametrize("gap", [0.0, 1e-9, 0.00012, 0.031])
def test_a_certified_gap_is_never_zero(gap):
    assert 0 < float(numbers.tiny(gap).rstrip("%")) / 100 >= gap * 0.95


@given(st.integers(-5, 5), st.sampled_from([1, 2, 2.5, 5]), st.integers(-6, 14), st.integers(2, 7))
def test_labels_of_an_axis_differ_and_say_their_values(start, step, power, parts):
    size = step * 10.0**power
    values = [size * (start + k) for k in range(parts)]
    labels = numbers.ticks(values)
    assert len(set(labels)) == len(labels)
    units = {"": 1.0} | {unit: value for value, unit in numbers.units()}
    for value, label in zip(values, labels, strict=True):
        found = re.fullmatch(r"(−?)([\d,.]+)(?:e−(\d+)|([a-z]*))", label)
        unit = 10.0 ** -int(found[3]) if found[3] else units[found[4]]
        shown = float(found[2].replace(",", "")) * unit * (-1 if found[1] else 1)
        assert shown == pytest.approx(value, abs=0.06 * size)


def test_one_unit_for_a_whole_axis():
    assert numbers.ticks([0, 500_000, 1_000_000], "£") == ["£0", "£0.5m", "£1m"]
    assert numbers.ticks([-2e6, 0], "£") == ["−£2m", "£0"]
    assert numbers.ticks([0, 5e-8, 1e-7]) == ["0", "0.5e−7", "1e−7"]


# --- labels -------------------------------------------------------------------------------------


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.01, 0.2))
def test_labels_are_spread_without_overlap_and_in_order(places, gap):
    moved = np.array(spread(places, gap, 0.0, 1.0))
    order = np.argsort(places, kind="stable")
    assert (np.diff(moved[order]) >= gap - 1e-9).all()
    if gap * (len(places) - 1) <= 1:
        assert moved.min() >= -1e-9
        assert moved.max() <= 1 + 1e-9


def test_labels_that_do_not_collide_stay_where_they_are():
    assert spread([0.1, 0.9, 0.5], 0.1, 0.0, 1.0) == [0.1, 0.9, 0.5]


@given(st.text(min_size=1, max_size=80).filter(str.strip))
def test_names_take_two_lines_at_most(name):
    assert wrapped(name, 24).count("\n") <= 1
    assert len(shortened(name, 22)) <= 22


def test_a_long_name_keeps_both_ends():
    assert shortened("Facebook prospecting: video", 16) == "Facebook…: video"
    assert shortened("Radio", 16) == "Radio"


def test_the_largest_channels_keep_a_colour_of_their_own():
    names = [f"channel {c}" for c in range(12)]
    colours = channel_colours(names, range(12))
    own = [colours[name] for name in names[4:]]
    assert len(set(own)) == 8
    assert len({colours[name] for name in names[:4]}) == 1
    assert colours[names[0]] not in own
