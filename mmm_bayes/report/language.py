"""The language that is written in: its folder of words, and how it writes numbers, money and dates."""

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date
from babel.numbers import get_decimal_symbol, get_group_symbol

WORDS = Path(__file__).parent / "words"
_SPOKEN = ContextVar("language", default="en")


@contextmanager
def spoken(language: str) -> Iterator[None]:
    """Write in a language, ``en`` or ``fr``, while the block runs."""
    before = _SPOKEN.set(language)
    try:
        yield
    finally:
        _SPOKEN.reset(before)


def language() -> str:
    """Return the language that is written in."""
    return _SPOKEN.get()


def folder() -> Path:
    """Return where its words are."""
    return WORDS / language()


def catalogue() -> Mapping[str, str]:
    """Return every template of the language by its code."""
    return _catalogue(language())


@cache
def _catalogue(language: str) -> dict[str, str]:
    files = sorted((WORDS / language).glob("*.toml"))
    return dict(_flat({file.stem: tomllib.loads(file.read_text(encoding="utf-8")) for file in files}))


def _flat(tree: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, below in tree.items():
        if isinstance(below, str):
            yield before + name, below
        else:
            yield from _flat(below, f"{before}{name}.")


def phrase(code: str) -> str:
    """Return words that take no values."""
    return catalogue()[code]


# --- numbers, money and dates -------------------------------------------------------------------


def local(text: str) -> str:
    """Return a number that was written as ``1,234.5%`` as the language writes it: ``1 234,5 %``."""
    return text.translate(_signs(language()))


@cache
def _signs(language: str) -> dict[int, str]:
    locale = Locale.parse(language)
    percent = locale.percent_formats[None].suffix[0]
    return str.maketrans({",": get_group_symbol(locale), ".": get_decimal_symbol(locale), "%": percent})


@cache
def _money_first(language: str) -> bool:
    return bool(Locale.parse(language).currency_formats["standard"].pattern.startswith("\N{CURRENCY SIGN}"))


def money_first() -> bool:
    """Whether a currency stands before its amount."""
    return _money_first(language())


def plural(number: int) -> str:
    """Return the form of a noun beside a number: ``one`` or ``other``."""
    return "one" if Locale.parse(language()).plural_form(abs(number)) == "one" else "other"


def dated(value: date, pattern: str) -> str:
    """Return a day by a pattern of CLDR: ``d MMM y`` is ``3 Jan 2024``, ``3 janv. 2024``."""
    return format_date(value, pattern, language())
