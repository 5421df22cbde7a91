"""Public holidays as columns of the weekly table."""

import logging
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from holidays import country_holidays
from holidays.registry import COUNTRIES

from mmm_bayes.config import PanelSource, in_words, unknown_countries
from mmm_bayes.errors import ConfigError
from mmm_bayes.findings import Finding
from mmm_bayes.panel.checks import NATIONAL

if TYPE_CHECKING:
    from country_converter import CountryConverter

NAMES = {
    "united kingdom": "GB-ENG",
    "great britain": "GB-ENG",
    "england": "GB-ENG",
    "uk": "GB-ENG",
    "scotland": "GB-SCT",
    "wales": "GB-WLS",
    "northern ireland": "GB-NIR",
    "eire": "IE",
    "holland": "NL",
}
"""Common names that no list of countries knows; most of the United Kingdom's people live by England's holidays."""

REGIONS = frozenset(("anz", "apac", "asean", "dach", "emea", "eu", "latam", "mena", "row"))
"""Beside one of these, NA is North America and SA South America."""

SAME_DAY = {"Second Day of Christmas": "Boxing Day", "Saint Stephen's Day": "Boxing Day"}
SEVERAL = 2
"""Countries that must keep a holiday for a column of its own, unless the largest geo keeps it."""

PREFIX = "holiday_"
OTHER = f"{PREFIX}other"


@dataclass(frozen=True)
class Holidays:
    """A weekly table with 0/1 columns of holidays.

    Attributes:
        frame: the table with the columns added.
        columns: what each new column stands for.
        countries: country code by geo, None where unknown.
        notes: which country each geo is taken for.
    """

    frame: pd.DataFrame
    columns: dict[str, list[str]]
    countries: dict[str, str | None]
    notes: tuple[Finding, ...]


def add_holidays(
    frame: pd.DataFrame, setting: str | Mapping[str, str], largest: str, key: str = "transactions.holidays"
) -> Holidays:
    """Add a column ``holiday_<name>`` for each public holiday, 1 in the weeks and geos that have it.

    Holidays that the largest geo does not keep, nor two countries, share the column ``holiday_other``; of holidays
    that always fall in the same weeks only the first gets a column.

    Args:
        frame: with the columns ``week`` (first day) and ``geo``, the largest geo first.
        setting: ``auto`` (by name of the geo), ``none``, a country code, or geo: code.
        largest: name of the country of geos that are not named (the rest, or one national series).
        key: where the setting stands.

    Raises:
        ConfigError: a country code or a geo that does not exist, or a geo that may be a country or a state.
    """
    countries = _countries(list(dict.fromkeys(frame["geo"])), setting, largest, key)
    weeks = pd.DatetimeIndex(sorted(frame["week"].unique()))
    for key, sentence in unknown_countries("holidays", {c: c for c in countries.values() if c}):
        raise ConfigError(in_words("", key, sentence))
    calendars = {code: _calendar(code, weeks) for code in dict.fromkeys(countries.values()) if code}
    own = _own_columns(list(calendars.values()))
    found = pd.DataFrame(
        [
            (geo, week, own.get(name, OTHER), name)
            for geo, code in countries.items()
            for week, name in calendars.get(code or "", [])
        ],
        columns=["geo", "week", "column", "name"],
    )
    flags = pd.crosstab([found["geo"], found["week"]], found["column"]).clip(upper=1)
    flags = flags.reindex(pd.MultiIndex.from_frame(frame[["geo", "week"]]), fill_value=0).set_axis(frame.index)
    columns: dict[str, list[str]] = {}
    for column in found["column"].unique():
        twin = next((other for other in columns if flags[other].equals(flags[column])), column)
        columns.setdefault(twin, []).extend(found["name"][found["column"] == column].unique())
    notes = () if setting == "none" else tuple(_notes(countries, key))
    return Holidays(frame.join(flags[list(columns)]), columns, countries, notes)


def with_public_holidays(
    frame: pd.DataFrame, source: PanelSource
) -> tuple[pd.DataFrame, PanelSource, tuple[Finding, ...]]:
    """Return a user's weekly table (typed) with the public holidays that it asks for, what its columns hold, and notes.

    Raises:
        ConfigError: a country or geo that does not exist, or columns of that name are there already.
    """
    geo = frame[source.geo] if source.geo else pd.Series(NATIONAL, frame.index)
    size = frame[source.kpi].groupby(geo).sum().sort_values(ascending=False)
    cells = pd.DataFrame({"week": frame[source.week], "geo": geo})
    ordered = cells.iloc[np.argsort(size.index.get_indexer(geo), kind="stable")]
    found = add_holidays(ordered, source.public_holidays, str(size.index[0]), "panel.public_holidays")
    added = found.frame[list(found.columns)].sort_index()
    if taken := [name for name in added if name in frame]:
        raise ConfigError(f"the table has a column '{taken[0]}' already; rename it, or leave out public_holidays.")
    return frame.join(added), source.model_copy(update={"holidays": (*source.holidays, *added)}), found.notes


def country_code(name: str) -> str | None:
    """Return the code of a country by its name or code, such as 'EIRE', 'DEU' or 'US-CA'; None when it is none."""
    plain, code = " ".join(name.casefold().split()), name.strip().upper()
    if plain in NAMES:
        return NAMES[plain]
    for key, (_, alpha2, *others) in COUNTRIES.items():
        if plain.replace(" ", "_") == key or code in (alpha2, *others):
            return alpha2
        if code.startswith(f"{alpha2}-") and not [*unknown_countries("", code)]:
            return code
    return None if re.search(r"[&+/]", name) else _by_expression(name)


def _by_expression(name: str) -> str | None:
    """Return the code of a country by the regular expressions for names that country_converter keeps."""
    found = _converter().convert(name, src="regex", to="ISO2", not_found="")
    return found if found in {alpha2 for _, alpha2, *_ in COUNTRIES.values()} - {name} else None


@cache
def _converter() -> "CountryConverter":
    from country_converter import CountryConverter

    logging.getLogger("country_converter").setLevel(logging.CRITICAL)  # it logs each name that is no country
    return CountryConverter()


def state_code(name: str) -> str | None:
    """Return the code of a state of the United States by its name or two letters, such as 'US-TX'; else None."""
    plain = " ".join(name.casefold().split())
    for code, names in country_holidays("US").get_subdivision_aliases().items():
        if plain in (code.casefold(), *map(str.casefold, names)):
            return f"US-{code}"
    return None


def country_name(code: str) -> str:
    """Return what a code stands for, such as ``Canada`` or ``United States (TX)``."""
    country, _, subdivision = code.upper().partition("-")
    name = next((key.replace("_", " ").title() for key, codes in COUNTRIES.items() if country in codes[1:]), country)
    return f"{name} ({subdivision})" if subdivision else name


def _countries(geos: list[str], setting: str | Mapping[str, str], largest: str, key: str) -> dict[str, str | None]:
    if setting == "none":
        return dict.fromkeys(geos)
    if isinstance(setting, str) and setting != "auto":
        return dict.fromkeys(geos, setting)
    given = {} if isinstance(setting, str) else dict(setting)
    if unknown := [geo for geo in given if geo not in geos]:
        raise ConfigError(f"'{key}' names the geo '{unknown[0]}'; valid are {', '.join(geos)}.")
    guessed = _guessed([geo for geo in dict.fromkeys((*geos, largest)) if geo not in given], key) | given
    return {geo: guessed[geo] or guessed[largest] for geo in geos}


def _guessed(names: Iterable[str], key: str) -> dict[str, str | None]:
    """Return the country of each name, or the state where all that are known can be states.

    Raises:
        ConfigError: some of these states can be countries, too.
    """
    countries, states = ({name: find(name) for name in names} for find in (country_code, state_code))
    guessed = {name: code or states[name] for name, code in countries.items()}
    if any(code and not code.startswith("US-") and not states[name] for name, code in countries.items()):
        abroad = {name for name in guessed if name.upper() in ("NA", "SA")}
        return guessed | (dict.fromkeys(abroad) if REGIONS & {name.casefold() for name in guessed} else {})
    if either := {name: state for name, state in states.items() if state and countries[name]}:
        what = ", ".join(f"{name} ({country_name(str(countries[name]))})" for name in either)
        answer = ", ".join(f"{name}: {state}" for name, state in either.items())
        raise ConfigError(
            f"'{key}' must say whether these geos are countries or states of the United States: {what}; name them, "
            f"such as {{{answer}}}, or give one code for all, such as US.",
            option=key,
            answers=(either, "US"),
        )
    return guessed


def _notes(countries: Mapping[str, str | None], key: str) -> Iterable[Finding]:
    """Yield which country each geo is taken for, and which for none."""
    if known := [{"geo": geo, "country": country_name(code)} for geo, code in countries.items() if code]:
        yield Finding("data.countries", {"countries": known})
    if unknown := [geo for geo, code in countries.items() if code is None]:
        yield Finding("data.no_country", {"geos": unknown, "key": key})


def _calendar(code: str, weeks: pd.DatetimeIndex) -> list[tuple[pd.Timestamp, str]]:
    """Return week and English name of each holiday of a country; days off in lieu count as well."""
    country, _, subdivision = code.upper().partition("-")
    last = weeks[-1] + timedelta(days=6)
    years = range(weeks[0].year, last.year + 1)
    found = country_holidays(country, subdiv=subdivision or None, years=years, language="en_US")
    calendar = []
    for day, names in sorted(found.items()):
        if weeks[0] <= pd.Timestamp(day) <= last:
            week = weeks[weeks.searchsorted(pd.Timestamp(day), side="right") - 1]
            plain = [re.sub(r" \((observed|estimated|in lieu).*\)$", "", name) for name in names.split("; ")]
            calendar += [(week, SAME_DAY.get(name, name)) for name in plain]
    return calendar


def _own_columns(calendars: list[list[tuple[pd.Timestamp, str]]]) -> dict[str, str]:
    """Return the column of each holiday that gets its own; the largest geo's calendar comes first."""
    names = [dict.fromkeys(name for _, name in calendar) for calendar in calendars]
    counts = Counter(name for kept in names for name in kept)
    own = [name for name, count in counts.items() if count >= SEVERAL or name in names[0]]
    return {name: PREFIX + re.sub(r"[^a-z0-9]+", "_", name.casefold().replace("'", "")).strip("_") for name in own}
