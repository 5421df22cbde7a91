"""Names of months in the languages of those who export tables."""

import re
from calendar import month_abbr
from functools import cache

import pandas as pd
from babel import Locale

LANGUAGES = ("en", "de", "es", "fr", "it", "nl", "pt")
"""Those whose names of months are read; none of them calls a month what another calls a different one."""

WORD = re.compile(r"[^\W\d_]{3,}\.?")
BETWEEN = re.compile(r"(?i)(?<=\d)er\b|\bde\s+")
"""What stands between day, month and year: the 1er, and 6 de febrero de 2023."""


def in_english(texts: pd.Series) -> pd.Series:
    """Return texts whose names of months are English and short, whichever of `LANGUAGES` they are written in."""
    if not texts.str.contains(WORD).any():
        return texts
    plain, known = texts.str.replace(BETWEEN, "", regex=True), _months()
    return plain.str.replace(WORD, lambda found: known.get(_name_of(found[0]), found[0]), regex=True)


def unknown_words(text: str) -> bool:
    """Return whether a text has words, but the name of no month."""
    words = WORD.findall(text)
    return bool(words) and not _months().keys() & {*map(_name_of, words)}


def languages() -> list[str]:
    """Return the English names of `LANGUAGES`."""
    return [str(Locale.parse(language).get_display_name("en")) for language in LANGUAGES]


@cache
def _months() -> dict[str, str]:
    """Return the short English name of each month by its names in `LANGUAGES`."""
    spoken = (Locale.parse(language).months for language in LANGUAGES)
    named = (
        names for forms in spoken for lengths in forms.values() for names in (lengths["wide"], lengths["abbreviated"])
    )
    return {_name_of(name): month_abbr[month] for names in named for month, name in names.items()}


def _name_of(word: str) -> str:
    return word.rstrip(".").lower()
