"""Whose public holidays count, as a configuration says it."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Discriminator, Tag

from mmm_bayes.config.section import Mistake

Holidays = Annotated[
    Annotated[str, Tag("one for all")] | Annotated[dict[str, str], Tag("by geo")],
    Discriminator(lambda given: "by geo" if isinstance(given, dict) else "one for all"),
]
"""``auto``, ``none`` or a country's code for all geos; or geo: code."""


def unknown_countries(key: str, setting: str | Mapping[str, str]) -> Iterator[Mistake]:
    """Yield codes of countries (or their subdivisions) of which no holidays are known."""
    from holidays import country_holidays

    for code in [setting] if isinstance(setting, str) else setting.values():
        country, _, subdivision = code.upper().partition("-")
        try:
            country_holidays(country, subdiv=subdivision or None)
        except NotImplementedError:
            yield key, f"is {code}, of which no holidays are known; use an ISO code such as GB, GB-ENG or DE"
