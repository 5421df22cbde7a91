"""One rule says what a written number means: in Arrow, in Spark, and beside a slow reading of each notation."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmm_bayes.config import TableFile
from mmm_bayes.errors import DataError
from mmm_bayes.tables import Notation, find_notation, numbers

CELLS = {
    "116,017.60": 116017.6,
    "1,16,017.60": 116017.6,  # lakh
    "18.505,14": 18505.14,
    "1.234.567": 1234567.0,
    "$5,212.48": 5212.48,
    "US$5.5": 5.5,
    "1 234,50 €": 1234.5,
    "1\u202f234,50\u00a0€": 1234.5,
    "CHF 1'234.50": 1234.5,
    "R$ 1.234,56": 1234.56,
    "1 250 kr": 1250.0,
    "2,5 zł": 2.5,
    "(123.45)": -123.45,
    "($1,234.50)": -1234.5,
    "−12,5": -12.5,
    "$-5.10": -5.1,
    "17.5-": -17.5,
    "5%": 0.05,
    "12,5 %": 0.125,
    "1.16E+05": 116000.0,
    " 7 ": 7.0,
    "TRUE": 1.0,
    "false": 0.0,
}
NOTHING = ["", "-", "--", "–", "n/a", "N/A", "NULL", "None", "NaN", None]
NO_NUMBERS = ["5k", "3 MIO", "#REF!", "1.2.3.4", "12.34.56", "3,14 and more", "½", "2023-01-02", "5 6", "()", "$"]
SECTION = "spend"


def column(*cells) -> pd.Series:
    return pd.Series(cells, range(2, 2 + len(cells)), dtype=object, name="cost")


def read(*cells, **options) -> list[float]:
    values = column(*cells)
    return numbers(values, find_notation([values], TableFile(path="", **options), SECTION), SECTION).tolist()


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_is_the_number_that_it_says(cell):
    assert read(cell) == [pytest.approx(CELLS[cell], rel=1e-15)]


@pytest.mark.parametrize("cell", NOTHING)
def test_signs_for_nothing_are_missing(cell):
    assert pd.isna(read(cell, "5")).tolist() == [True, False]


@pytest.mark.parametrize("cell", NO_NUMBERS)
def test_what_is_no_number_is_named_with_its_row(cell):
    with pytest.raises(DataError) as caught:
        read("5", cell)
    assert str(caught.value) == f"column 'cost', row 3: '{cell}' is no number; correct it (0 if none)."


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        (["0.5"], 1234.0),
        (["116,017.60"], 1234.0),
        (["12,5"], 1.234),
        (["1.000,00", "n/a"], 1.234),
        (["9876.543"], 1234),
    ],
)
def test_another_cell_tells_how_to_read_one_that_has_two_readings(others, expected):
    assert read("1,234", *others)[0] == expected
    alone, beside = column("1,234"), column(*others)
    notation = find_notation([alone, beside], TableFile(path=""), SECTION)
    assert numbers(alone, notation, SECTION).tolist() == [expected]


@pytest.mark.parametrize(
    ("cells", "whole", "broken"),
    [(["1,234"], ("1234", "."), ("1.234", ",")), (["985", "-12.345 €", "3"], ("-12345 €", ","), ("-12.345 €", "."))],
)
def test_where_nothing_tells_the_option_is_named(cells, whole, broken):
    with pytest.raises(DataError) as caught:
        read(*cells)
    shown = next(cell for cell in cells if "." in cell or "," in cell)
    assert str(caught.value) == (
        f"column 'cost': '{shown}' may be {whole[0]} or {broken[0]}, and no other number tells which; "
        f"give 'spend.decimal' as '{whole[1]}' for {whole[0]} or as '{broken[1]}' for {broken[0]}."
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [({"decimal": "."}, 1234.0), ({"decimal": ","}, 1.234), ({"thousands": ","}, 1234.0), ({"thousands": "."}, 1.234)],
)
def test_an_option_decides(options, expected):
    assert read("1,234", **options) == [expected]


def test_two_notations_in_a_table_are_refused():
    with pytest.raises(DataError) as caught:
        read("12.5", "12,5")
    assert str(caught.value) == (
        "column 'cost', row 3: '12,5' is no number where '.' stands before the decimals, as in the rest of the table; "
        "write all numbers alike, or give 'spend.decimal' as ','."
    )


def test_numbers_among_texts_keep_their_value():
    assert read(1.234, "1.234,5", 7) == [1.234, 1234.5, 7.0]
    assert read(1234, 2.5) == [1234.0, 2.5]


AMOUNTS = st.integers(-(10**9), 10**9).map(lambda cents: cents / 100)
WAYS = {"en": ",.", "de": ".,", "fr": "\u202f,", "ch": "'.", "plain": "..", "se": " ,"}


def written(amount: float, way: str) -> str:
    mark, decimal = WAYS[way]
    text = f"{abs(amount):,.2f}".replace(".", "#").replace(",", "" if way == "plain" else mark).replace("#", decimal)
    return f"-{text}" if amount < 0 else text


@given(st.lists(AMOUNTS, min_size=1), st.sampled_from(sorted(WAYS)), st.sampled_from(["{}", "€ {}", "{} EUR"]))
def test_what_a_country_writes_is_read_back(amounts, way, form):
    assert read(*[form.format(written(amount, way)) for amount in amounts]) == pytest.approx(amounts, rel=1e-12)


def test_spark_reads_the_same(spark):
    from pyspark.sql.functions import col

    from mmm_bayes.prepare.numbers import number

    cells = [
        *(CELLS.keys() - {"TRUE", "false"}),
        *NO_NUMBERS,
        *map(str, NOTHING),
        *(written(n, way) for n in (-1234.5, 0.25, 98765.0) for way in WAYS),
    ]
    frame = spark.createDataFrame([(cell.strip(),) for cell in cells], "cell string")
    for notation in (Notation("."), Notation(","), Notation(".", ","), Notation(",", " ")):
        found = [row[0] for row in frame.select(number(col("cell"), notation, "double")).collect()]
        for cell, value in zip(cells, found, strict=True):
            try:
                expected = numbers(column(cell.strip()), notation, SECTION).iloc[0]
            except DataError:
                expected = float("nan")
            assert (value is None and pd.isna(expected)) or value == pytest.approx(expected, rel=1e-12), (
                cell,
                notation,
            )
