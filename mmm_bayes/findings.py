"""`Finding`: what a step noticed, as a code and its numbers; `report` has the words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """Something that a reader should know.

    Attributes:
        code: names the sentence.
        values: what the sentence is filled with: numbers, names, lists of them; all of it fits into JSON.
    """

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)


class MMMWarning(UserWarning):
    """A finding of which the user should know although the step goes on; the command line prints it at once."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"{finding.code}: {', '.join(f'{name}={value}' for name, value in finding.values.items())}")
        self.finding = finding
