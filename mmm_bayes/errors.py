"""Errors that a person can act on: what is wrong, where, and what to do."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any


class MMMError(Exception):
    """Anything the user can mend; the command line prints it as one sentence and exits with 1.

    Further arguments are further mistakes of the same thing, for who wants to know all of them. Where a setting decides
    between several readings, ``option`` is its dotted name and ``answers`` are its values.
    """

    def __init__(self, *sentences: str, option: str = "", answers: Sequence[Any] = ()) -> None:
        super().__init__(*sentences)
        self.option, self.answers = option, answers

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class ConfigError(MMMError):
    """The configuration names something that does not exist or cannot hold; ``parts`` are the dotted keys at fault."""

    def __init__(
        self, *sentences: str, parts: Sequence[str] = (), option: str = "", answers: Sequence[Any] = ()
    ) -> None:
        super().__init__(*sentences, option=option, answers=answers)
        self.parts = parts


class DataError(MMMError):
    """The data cannot be used as they are."""

    def within(self, path: str) -> "DataError":
        """Return the same of a file."""
        return DataError(f"{path}: {self}", option=self.option, answers=self.answers)


class FitError(MMMError):
    """The model could not be fitted, or its posterior must not be used."""


class AllocationError(MMMError):
    """The limits of a budget contradict each other, or the curves cannot carry a plan."""


class ExtraError(MMMError):
    """A part that this needs is not installed."""


def close(name: str, valid: list[str]) -> str | None:
    """Return the valid name that ``name`` may be meant for, whatever the case of its letters; the same start counts."""
    lowered = {other.lower(): other for other in valid}
    found = get_close_matches(name.lower(), lowered, n=3, cutoff=0.6)
    start = name.lower().partition("_")[0]
    return lowered[min(found, key=lambda other: not other.startswith(f"{start}_"))] if found else None


def nearest(name: str, valid: list[str]) -> str:
    """Return ``did you mean 'x'?`` for the closest valid name, or else the list of valid names."""
    if (found := close(name, valid)) is not None:
        return f"did you mean '{found}'?"
    return "valid are " + ", ".join(sorted(valid)) + "."
