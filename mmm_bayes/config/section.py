"""What every section of a configuration is: frozen, and strict about its keys."""

import re
from collections.abc import Collection, Iterator
from typing import Annotated, Any, Self, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

THOUSANDS = re.compile(r"([+-]?)[$£€]?(\d{1,3}(?:([,_' \u00a0\u202f\u2019])\d{3})(?:\3\d{3})*(?:\.\d+)?|\d+(?:\.\d+)?)")
PERCENT = re.compile(r"([+-]?)(\d+(?:\.\d+)?)\s?%")


def as_number(given: Any) -> Any:
    """Return a text that is a number as people write it (``250,000``, ``1 000.50``) as what Python reads."""
    found = THOUSANDS.fullmatch(given.strip()) if isinstance(given, str) else None
    return found[1] + re.sub(r"[^\d.]", "", found[2]) if found else given


def as_share(given: Any) -> Any:
    """Return the same, and of a text such as ``20%`` the part of one that it is."""
    found = PERCENT.fullmatch(given.strip()) if isinstance(given, str) else None
    return float(f"{found[1]}{found[2]}") / 100 if found else as_number(given)


def as_multiple(given: Any) -> Any:
    """Return the same, and of a change such as ``-20%`` or ``+20%`` the multiple that it leads to."""
    signed = isinstance(given, str) and given.strip()[:1] in ("+", "-") and given.strip().endswith("%")
    share = as_share(given)
    return round(1 + share, 12) if signed and isinstance(share, float) else share


Number = Annotated[float, BeforeValidator(as_number)]
Finite = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(as_number)]
Positive = Annotated[Finite, Field(gt=0)]
NonNegative = Annotated[Finite, Field(ge=0)]
Whole = Annotated[int, BeforeValidator(as_number)]
Share = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(as_share)]
Fraction = Annotated[Share, Field(gt=0, lt=1)]
Multiple = Annotated[float, Field(ge=0, allow_inf_nan=False), BeforeValidator(as_multiple)]
"""Of today's spend; see `as_multiple`."""


def one_of(choices: Collection[str]) -> AfterValidator:
    """Return the check that a text is one of the names of things that are defined elsewhere."""
    *first, last = [f"'{choice}'" for choice in choices]
    expected = f"{', '.join(first)} or {last}"

    def check(given: str) -> str:
        if given not in choices:
            raise PydanticCustomError("literal_error", "must be {expected}", {"expected": expected})
        return given

    return AfterValidator(check)


TAGS = ("by name", "by range", "one for all", "by geo", "by channel")
"""What pydantic puts into the place of a value that may have two forms; none of it is a key."""

Mistake = tuple[str, str]
"""The key below a section, '' for the section itself, and a sentence that reads on from it, without a full stop."""


class Section(BaseModel):
    """A frozen part of the configuration that refuses unknown keys, and values that contradict each other.

    A key without a value is as if it were not there, where its default is something. A number where a text is meant
    is the text that stands in the file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    def mistakes(self) -> Iterator[Mistake]:
        """Yield what is wrong with values that are possible by themselves: what it is, and after ``;`` the remedy."""
        yield from ()

    @model_validator(mode="before")
    @classmethod
    def _without_empty_keys(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {key: value for key, value in given.items() if value is not None or not cls._is_filled(key)}

    @classmethod
    def _is_filled(cls, key: Any) -> bool:
        """Whether a key that is left out is something."""
        field = cls.model_fields.get(key)
        return field is not None and not field.is_required() and type(None) not in get_args(field.annotation)

    @model_validator(mode="after")
    def _has_no_mistakes(self) -> Self:
        if found := list(self.mistakes()):
            raise mistaken(*found)
        return self


def mistaken(*found: Mistake) -> PydanticCustomError:
    """Return mistakes as an error that pydantic puts into its place."""
    text = "; ".join(f"{key} {sentence}".strip() for key, sentence in found)
    return PydanticCustomError("mistakes", "{text}", {"text": text, "found": list(found)})


def in_words(place: str, key: str, sentence: str) -> str:
    """Return a mistake of the section at ``place`` as a whole sentence."""
    where = ".".join(filter(None, (place, key)))
    text = f"'{where}' {sentence}" if key else f"'{place}': {sentence}" if place else sentence
    return text if text.endswith("?") else f"{text}."


def falls(key: str, limits: tuple[float, float] | None) -> Iterator[Mistake]:
    """Yield a mistake if the lower end of a range stands behind the upper one."""
    if limits is not None and limits[0] > limits[1]:
        yield key, f"is [{amount(limits[0])}, {amount(limits[1])}], which falls; give the lower end first"


def amount(value: float) -> str:
    """Return an amount of money as sentences show it: ``1,234,567.5``."""
    return f"{value:,.12g}"
