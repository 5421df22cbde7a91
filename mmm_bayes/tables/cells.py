"""What a written number means: one rule for every table, whatever country and program wrote it.

All expressions mean the same to Python, to Arrow (RE2) and to Spark (Java).
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from mmm_bayes.config import TableFile
from mmm_bayes.errors import DataError
from mmm_bayes.findings import Finding

SPACES = "\u0020\t\u00a0\u2007\u2009\u202f"
MARKS = {",": ",", ".": ".", " ": SPACES, "'": "'\u2019"}
"""What may part thousands, by the option that says so."""

CODES = (
    "AED|ARS|AUD|BGN|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|ISK|JPY|KES|KRW|MXN|MYR|NGN|NOK|"
    "NZD|PEN|PHP|PKR|PLN|RON|RUB|SAR|SEK|SGD|THB|TRY|TWD|UAH|USD|VND|ZAR|kr\\.?|zł|Kč|Ft|lei|Rs\\.?|Fr\\.?"
)
MONEY = f"(?:{CODES}|[A-Z]{{0,3}}[$¢-¥฿₠-₿])"
MINUS = "−-"
Sign = Literal[".", ","]
OTHER: dict[Sign, Sign] = {".": ",", ",": "."}
"""The signs that may stand before decimals, and what each leaves to thousands."""

MISSING = f"(?i)^[{SPACES}]*(?:|[-–—]{{1,3}}|n/?a|#n/a|nan|<na>|null|none)[{SPACES}]*$"
"""What stands where nothing is known."""


SOME = 1000
"""Cells that are looked at before all others."""

FEW = 2
"""Rows of which the last may be the sum of the others by chance."""

CENT = 0.01
"""What rounding may add to a sum by each row."""


SWITCH = "(?i)^(?:true|false)$"
"""What programs write for 1 and 0."""


@dataclass(frozen=True)
class Notation:
    """How the numbers of a table are written.

    Attributes:
        decimal: the sign before decimals.
        thousands: the key in `MARKS` of what parts thousands; all but the decimal sign may where it is None.
    """

    decimal: Sign = "."
    thousands: str | None = None

    @property
    def plain(self) -> str:
        """Expression of what programs read by themselves, exponents included; without decimals where these differ."""
        number = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?" if self.decimal == "." else "[0-9]+"
        return f"^[+-]?{number}$"

    @property
    def pattern(self) -> str:
        """Expression of a whole cell that holds a number: signs, money and percent signs included."""
        allowed = MARKS if self.thousands is None else {self.thousands: MARKS[self.thousands]}
        mark = f"[{''.join(signs for key, signs in allowed.items() if key != self.decimal)}]"
        space, sign, decimal = f"[{SPACES}]*", f"[+{MINUS}]?", re.escape(self.decimal)
        whole = f"(?:[0-9]{{1,3}}(?:{mark}[0-9]{{2,3}})*{mark}[0-9]{{3}}|[0-9]+)"
        number = f"(?:{whole}(?:{decimal}[0-9]*)?|{decimal}[0-9]+){space}%?{space}{MONEY}?"
        signed = f"(?:{sign}{space}{MONEY}?|{MONEY}{space}{sign}){space}{number}[{MINUS}]?"
        return f"^{space}(?:{signed}|\\({space}{MONEY}?{space}{number}{space}\\)){space}$"

    @property
    def below_zero(self) -> str:
        """Expression that is found in numbers below zero, such as ``-5``, ``5-`` and ``(5)``."""
        return f"[({MINUS}]"

    @property
    def no_digit(self) -> str:
        """Expression of all signs that are no digit and do not stand before decimals."""
        return f"[^0-9{re.escape(self.decimal)}]"


def find_notation(columns: Iterable[pd.Series], file: TableFile, section: str) -> Notation:
    """Return how numbers are written: as the configuration says, or as the first cell does that has one reading only.

    Args:
        columns: those that hold numbers; texts among them are looked at.
        file: with the options ``decimal`` and ``thousands``.
        section: its name, for messages.

    Raises:
        DataError: there are cells such as ``1,234``, and none that decides how to read them.
    """
    if file.decimal is not None:
        return Notation(file.decimal, file.thousands)
    if file.thousands == "," or file.thousands == ".":
        return Notation(OTHER[file.thousands], file.thousands)
    asked: tuple[str, str] | None = None
    for column in columns:
        if pd.api.types.is_numeric_dtype(column):
            continue
        texts = _texts(column)
        for decimal in OTHER:
            if _first(texts, _decisive(decimal)) is not None:
                return Notation(decimal, file.thousands)
            if asked is None and (cell := _first(texts, _of_two_readings(decimal))) is not None:
                asked = (str(column.name), cell)
    if asked is None:
        return Notation(".", file.thousands)
    name, cell = asked
    mark = next(sign for sign in OTHER if sign in cell)
    whole, broken = cell.replace(mark, ""), cell.replace(mark, ".")
    raise DataError(
        f"column '{name}': '{cell:.40}' may be {whole} or {broken}, and no other number tells which; give "
        f"'{section}.decimal' as '{OTHER[mark]}' for {whole} or as '{mark}' for {broken}.",
        option=f"{section}.decimal",
        answers=(OTHER[mark], mark),
    )


def numbers(values: pd.Series, notation: Notation, section: str) -> pd.Series:
    """Return the numbers that cells hold, NaN for cells that hold nothing.

    Args:
        values: texts, numbers or both; the index counts rows for messages.
        notation: see `find_notation`.
        section: of the configuration, for messages.

    Raises:
        DataError: a cell that holds something else.
    """
    if pd.api.types.is_numeric_dtype(values):
        return values.astype(float)
    texts = _texts(values)
    found = pd.Series(_parsed(texts, notation).to_numpy(zero_copy_only=False), values.index, float, values.name)
    if values.dtype == object:  # of a workbook: numbers among the texts
        found = found.fillna(pd.to_numeric(values.mask(_are_texts(values)), errors="coerce"))
    bad = found.isna().to_numpy() & values.notna().to_numpy()
    if bad.any():
        bad &= ~pc.match_substring_regex(texts, MISSING).fill_null(False).to_numpy(zero_copy_only=False)
    if bad.any():
        row, cell = values.index[bad.argmax()], str(values.iloc[bad.argmax()])
        raise DataError(f"column '{values.name}', row {row}: '{cell:.40}' {_remedy(cell, notation, section)}")
    return found


def all_there(values: pd.Series, problem: str) -> pd.Series:
    """Return the values of a column.

    Args:
        values: the index counts rows for messages.
        problem: what is wrong where one is missing, and the remedy.

    Raises:
        DataError: one is missing.
    """
    if values.isna().any():
        raise DataError(f"column '{values.name}', row {values.index[values.isna()][0]}: {problem}.")
    return values


def without_total(
    table: pd.DataFrame, key: str, amounts: list[str], file: TableFile, section: str
) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """Leave out a last row that names no day and holds the sum of each amount above it.

    Args:
        table: as read.
        key: the column of the days.
        amounts: columns that such a row adds up.
        file: see `find_notation`.
        section: of the configuration, for messages.
    """
    label = table[key].iloc[-1]
    if len(table) <= FEW or (not pd.isna(label) and re.search("[0-9]", str(label))):
        return table, ()
    notation = find_notation([table[name] for name in amounts], file, section)
    for name in amounts:
        column = numbers(table[name], notation, section)
        above, last = column.iloc[:-1].sum(), column.iloc[-1]
        if not abs(last - above) <= CENT * len(table) + 1e-9 * abs(above):
            return table, ()
    return table.iloc[:-1], (Finding("file.total_row", {"label": "" if pd.isna(label) else str(label)}),)


def _parsed(texts: pa.Array, notation: Notation) -> pa.Array:
    """Return numbers, null for texts that are none."""
    if notation.decimal == ".":
        with suppress(pa.ArrowInvalid):
            return pc.cast(texts, pa.float64())
    bare = pc.replace_substring(pc.replace_substring_regex(texts, notation.no_digit, ""), notation.decimal, ".")
    written = pc.match_substring_regex(texts, notation.pattern)
    size = pc.cast(pc.if_else(written, bare, None), pa.float64())
    size = pc.if_else(pc.match_substring_regex(texts, notation.below_zero), pc.negate(size), size)
    size = pc.if_else(pc.match_substring(texts, "%"), pc.divide(size, 100.0), size)
    plain = pc.cast(pc.if_else(pc.match_substring_regex(texts, notation.plain), texts, None), pa.float64())
    switch = pc.if_else(pc.match_substring_regex(texts, SWITCH), pc.match_substring_regex(texts, "^[tT]"), None)
    return pc.coalesce(plain, size, pc.cast(switch, pa.float64()))


def _remedy(cell: str, notation: Notation, section: str) -> str:
    other = OTHER[notation.decimal]
    if re.match(Notation(other).pattern, cell):
        return (
            f"is no number where '{notation.decimal}' stands before the decimals, as in the rest of the table; "
            f"write all numbers alike, or give '{section}.decimal' as '{other}'."
        )
    return "is no number; correct it (0 if none)."


def _decisive(decimal: Sign) -> str:
    """Expression of a cell that can be read only with this sign before decimals."""
    one, other = re.escape(decimal), re.escape(OTHER[decimal])
    neither, space = "[^.,]*", f"[{SPACES}'\u2019]"
    return "|".join(
        (
            f"^[^{one}]*{other}[^{one}]*{one}{neither}$",
            f"^{neither}{other}{neither}{other}[^{one}]*$",
            f"^(?:{neither}[0-9])?{one}(?:[0-9]{{1,2}}|[0-9]{{4,}})(?:[^.,0-9]{neither})?$",
            f"^[^.,0-9]*(?:0|[0-9]{{4,}}|{neither}[0-9]{space}[0-9]{{3}}){one}[0-9]{{3}}[^.,0-9]*$",
        )
    )


def _of_two_readings(sign: Sign) -> str:
    return f"^[^.,0-9]*[1-9][0-9]{{0,2}}{re.escape(sign)}[0-9]{{3}}[^.,0-9]*$"


def _first(texts: pa.Array, pattern: str) -> str | None:
    for part in (texts[:SOME], texts[SOME:]):
        if (found := pc.index(pc.match_substring_regex(part, pattern), True).as_py()) >= 0:
            return part[found].as_py()
    return None


def _texts(values: pd.Series) -> pa.Array:
    """Return texts; what is none is null."""
    if values.dtype == object:
        values = values.where(_are_texts(values), None)
    elif not pd.api.types.is_string_dtype(values):
        return pa.nulls(len(values), pa.string())
    texts = pa.array(values, pa.string(), from_pandas=True)
    return texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts


def _are_texts(values: pd.Series) -> pd.Series:
    return values.map(lambda value: isinstance(value, str)).astype(bool)
