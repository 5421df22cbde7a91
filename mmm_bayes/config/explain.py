"""Mistakes in a configuration in one sentence each: where it is, what is wrong, what to do."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel, ValidationError

from mmm_bayes.config.section import TAGS, in_words
from mmm_bayes.errors import close, nearest

A_PRIOR = "a range such as [0.5, 3], or a distribution such as {distribution: lognormal, mu: 0.2, sigma: 0.9}"
KEYS = "keys with their values, one a line below it"
TWO = "a list of two, such as [0.5, 1.5]"
DAY = "a day such as 2024-01-31"
WHOLE, NUMBER, SWITCH = "a whole number", "a number", "true or false"

NEEDS: Mapping[str, str] = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), WHOLE),
    **dict.fromkeys(("float_type", "float_parsing"), NUMBER),
    **dict.fromkeys(("bool_type", "bool_parsing"), SWITCH),
    **dict.fromkeys(("model_type", "dict_type"), KEYS),
    **dict.fromkeys(
        ("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact", "date_parsing"), DAY
    ),
    "finite_number": "a finite number",
    "greater_than": "above {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "below {lt:g}",
    "less_than_equal": "at most {le:g}",
    "literal_error": "{expected}",
    "string_type": "a text, in quotes where it looks like something else",
    "string_pattern_mismatch": "letters and digits, and after the first also '.', '_' and '-'",
    "string_too_short": "a text of at least one character",
    "too_long": TWO,
    "tuple_type": "a list, such as [a, b]",
}
"""What a value must be, by the name that pydantic gives to the mistake; the numbers are pydantic's, too."""


class Told(NamedTuple):
    """A mistake: its dotted place, what to take out so that the rest can be looked at, and its sentence."""

    place: str
    part: str
    sentence: str


def sentences(error: ValidationError, config: type[BaseModel]) -> list[Told]:
    """Return every mistake that pydantic found, unknown keys first.

    Args:
        error: raised for the whole configuration.
        config: its class, for the names of the valid keys.
    """
    found = sorted(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    return [placed for one in found for placed in _explained(one, config)]


def _explained(one: Mapping[str, Any], config: type[BaseModel]) -> Iterator[Told]:
    parts = [str(part) for part in one["loc"] if part not in (*TAGS, "[key]")]
    place = ".".join(parts)
    if one["type"] == "mistakes":
        for key, sentence in one["ctx"]["found"]:
            full = ".".join(filter(None, (place, key)))
            between_keys = "." in place and "." not in key  # without one of them the other may be wrong, too
            yield Told(full, place if between_keys else full, in_words(place, key, sentence))
        return
    yield Told(place, place, _sentence(one, parts, place, config))


def _sentence(one: Mapping[str, Any], parts: list[str], place: str, config: type[BaseModel]) -> str:
    if one["type"] == "extra_forbidden":
        return f"unknown key '{place}'; {nearest(parts[-1], _keys(config, parts[:-1]))}"
    if one["type"] == "invalid_key" or "[key]" in one["loc"]:
        return f"'{place}': a name must be a text; write it in quotes."
    if one["type"] == "missing":
        return _missing(parts)
    need = NEEDS.get(one["type"], "another value").format(**one.get("ctx", {}))
    need = A_PRIOR if one["loc"][-1:] == (TAGS[0],) else need
    if one["input"] is None:
        return f"'{place}' is empty; it must be {need}."
    return f"'{place}' must be {need}{_given(one['input'])}.{_meant(one)}"


def _missing(parts: list[str]) -> str:
    """Say which key is missing, or that a list is too short."""
    *parents, last = parts
    return f"'{'.'.join(parents)}' must be {TWO}." if last.isdigit() else f"'{'.'.join(parts)}' is missing; add it."


def _given(value: Any) -> str:
    """Return the value as YAML shows it, where it fits into a sentence."""
    if isinstance(value, bool):
        return f" (given: {str(value).lower()})"
    if isinstance(value, date | int | float):
        return f" (given: {value})"
    return f" (given: {value!r})" if isinstance(value, str) else ""


def _meant(one: Mapping[str, Any]) -> str:
    """Return the choice that a misspelt one is close to."""
    if one["type"] != "literal_error" or not isinstance(one["input"], str):
        return ""
    found = close(one["input"], re.findall("'([^']*)'", one["ctx"]["expected"]))
    return f" Did you mean '{found}'?" if found else ""


def _keys(config: type[BaseModel], parents: list[str]) -> list[str]:
    """Return the valid keys of the section at ``parents``."""
    section = config
    for part in parents:
        if part in section.model_fields:
            section = _section_in(section.model_fields[part].annotation) or section
    return [name for name in section.model_fields if (section, name) != (config, "folder")]


def _section_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_section_in(part) for part in get_args(annotation))
    return next((section for section in found if section is not None), None)
