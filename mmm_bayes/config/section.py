"""What every section of a configuration is: frozen, and strict about its keys."""

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

Fraction = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


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
