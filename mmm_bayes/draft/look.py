"""What the columns of a file hold, before anybody has said it: days, numbers or names."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from mmm_bayes.config import TableFile
from mmm_bayes.errors import DataError, MMMError
from mmm_bayes.tables import Notation, find_names, numbers, read_days, read_start

SECTION = "file"
DAY = re.compile(r"(?i)date|week|day|time|month|period|datum|woche|tag\b|monat|fecha|semaine|jour|^ds$|_at$|^dt$")
"""Names of columns of days; numbers count days in such columns only."""

CLOCK = re.compile(r"(?i)^(?:t|trend|day_?of_?(?:year|week|month)|year|month|quarter|week_?(?:of_?year|no|number))$")
"""Names of columns that count time: the model has a trend and a season of its own."""


@dataclass(frozen=True)
class Look:
    """A file of which nothing is known.

    Attributes:
        path: as given.
        frame: its first cells, rows without any left out.
    """

    path: str
    frame: pd.DataFrame

    @cached_property
    def days(self) -> list[str]:
        """Columns of days, those with such a name first."""
        found = [name for name in self.frame if not CLOCK.match(name) and _holds_days(self.frame[name])]
        return sorted(found, key=lambda name: not DAY.search(name))

    def require_days(self) -> None:
        """Say why a column with the name of one holds no days, where there are none.

        Raises:
            DataError: that of the reader.
        """
        for name in self.frame if not self.days else []:
            if DAY.search(name):
                _days_of(self.frame[name])

    @cached_property
    def numbers(self) -> pd.DataFrame:
        """Columns of numbers, in whichever notation they can be read."""
        others = [name for name in self.frame if name not in self.days]
        read = {name: _as_numbers(self.frame[name]) for name in others}
        return pd.DataFrame({name: values for name, values in read.items() if values is not None})

    @cached_property
    def names(self) -> list[str]:
        """Columns of names: of texts that come back."""
        texts = [name for name in self.frame if name not in self.days and name not in self.numbers]
        return [name for name in texts if 0 < self.frame[name].nunique() <= len(self.frame) / 2]


def look_at(path: str) -> Look:
    """Read what a file holds, of a large one the first rows.

    Raises:
        DataError: it cannot be read, or holds nothing.
    """
    frame = answered({}, lambda options: _cells(path, options))[0]
    if frame.empty:
        raise DataError(f"{path}: holds no rows below the names of its columns; give a file with data.")
    return Look(path, frame)


def answered[T](
    options: dict[str, Any], attempt: Callable[[dict[str, Any]], T]
) -> tuple[T, dict[str, Any], dict[str, str]]:
    """Do what may ask for options, and answer by the first of the answers that gets through.

    Args:
        options: by dotted name, those that are given already.
        attempt: takes options; a `MMMError` that names one asks for it.

    Returns:
        What was found; all options; the question that was asked for each.

    Raises:
        MMMError: what no answer helps against.
    """
    try:
        return attempt(options), options, {}
    except MMMError as error:
        if not error.option or error.option in options:
            raise
        question = error
    first: MMMError | None = None
    for answer in question.answers:
        try:
            found, given, asked = answered({**options, question.option: answer}, attempt)
            return found, given, {question.option: str(question), **asked}
        except MMMError as error:
            first = first or error
    raise first or question


def _cells(path: str, options: dict[str, Any]) -> pd.DataFrame:
    file = _as_told(path, options)
    return read_start(file, path, SECTION, find_names(file, path, SECTION))


def _holds_days(values: pd.Series) -> bool:
    if pd.api.types.is_datetime64_any_dtype(values):
        return True
    named = DAY.search(str(values.name)) is not None
    if values.isna().all() or (not named and _as_numbers(values) is not None):
        return False
    try:
        _days_of(values)
    except DataError:
        return False
    return True


def _days_of(values: pd.Series) -> None:
    """Read days, whatever format they need; a last row may be that of totals."""
    last = str(values.iloc[-1])
    rows = values if re.search(r"\d", last) else values.iloc[:-1]
    answered({}, lambda options: read_days(rows, _as_told("", options), SECTION))


def _as_told(path: str, options: dict[str, Any]) -> TableFile:
    return TableFile(path=path, **{name.removeprefix(f"{SECTION}."): value for name, value in options.items()})


def _as_numbers(values: pd.Series) -> pd.Series | None:
    if pd.api.types.is_datetime64_any_dtype(values) or values.isna().all():
        return None
    for decimal in (".", ","):
        try:
            return numbers(values, Notation(decimal), SECTION)
        except DataError:
            continue
    return None
