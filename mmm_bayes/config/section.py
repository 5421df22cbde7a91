"""What every section of a configuration is: frozen, and strict about its keys."""

from collections.abc import Collection, Iterator
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

Fraction = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def one_of(choices: Collection[str]) -> AfterValidator:
    """Return the check that a text is one of the names of things that are defined elsewhere."""
    *first, last = [f"'{choice}'" for choice in choices]
    expected = f"{', '.join(first)} or {last}"

    def check(given: str) -> str:
        if given not in choices:
            raise PydanticCustomError("literal_error", "must be {expected}", {"expected": expected})
        return given

    return AfterValidator(check)


TAGS = ("by name", "by range", "one for all", "by geo")
"""What pydantic puts into the place of a value that may have two forms; none of it is a key."""

Mistake = tuple[str, str]
"""The key below a section, '' for the section itself, and a sentence that reads on from it, without a full stop."""


class Section(BaseModel):
    """A frozen part of the configuration that refuses unknown keys, and values that contradict each other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def mistakes(self) -> Iterator[Mistake]:
        """Yield what is wrong with values that are possible by themselves: what it is, and after ``;`` the remedy."""
        yield from ()

    @model_validator(mode="after")
    def _has_no_mistakes(self) -> Self:
        if found := list(self.mistakes()):
            text = "; ".join(f"{key} {sentence}".strip() for key, sentence in found)
            raise PydanticCustomError("mistakes", "{text}", {"text": text, "found": found})
        return self


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
