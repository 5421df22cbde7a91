"""What must be said of a file so that it is read as it was meant."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar, Literal
from zoneinfo import available_timezones

from pydantic import Field

from mmm_bayes.config.section import Mistake, Section, Whole, one_of

FORMATS = ("csv", "excel", "json", "parquet")
"""Those whose notation we find out ourselves, in files of any program."""

OF_TIMES = ("%B", "%H", "%I", "%M", "%S", "%Y", "%b", "%d", "%f", "%m", "%p", "%y")
"""Python's notation of dates, as far as Spark can read them."""

OF_WEEKS = ("%A", "%G", "%U", "%V", "%W", "%a", "%j", "%u", "%w", "%z")
"""What smaller tables may have besides: weeks of a year, names of weekdays, zones."""


class TableFile(Section):
    """Where a table is, and what a look at it does not tell for certain.

    What is not given is found out: the format by the ending of the name, the separator by the header, the decimal sign
    by numbers that can be read in one way only, the date format by dates that fit one format only. ``decimal`` and
    ``thousands`` are the signs within numbers, ``skip_rows`` counts lines above the header, ``sheet`` names one of a
    workbook, ``date_format`` is in Python's notation (such as ``%d/%m/%Y``). Times of UTC, or with a zone,
    are told by the clock of ``timezone``.
    """

    directives: ClassVar[tuple[str, ...]] = tuple(sorted((*OF_TIMES, *OF_WEEKS)))
    """Of a ``date_format``."""

    path: str
    format: Annotated[str, one_of(FORMATS)] | None = None
    separator: Annotated[str, Field(min_length=1)] | None = None
    encoding: str | None = None
    skip_rows: Annotated[Whole, Field(ge=0)] = 0
    sheet: str | None = None
    date_format: str | None = None
    timezone: str | None = None
    decimal: Literal[".", ","] | None = None
    thousands: Literal[",", ".", " ", "'"] | None = None

    def mistakes(self) -> Iterator[Mistake]:
        """Yield signs that mean two things, and what nobody can read."""
        if self.decimal is not None and self.decimal == self.thousands:
            yield "thousands", f"is '{self.thousands}', as 'decimal' is; leave one of them out"
        if self.separator is not None and (len(self.separator.replace("\\t", "\t")) != 1 or self.separator in '"\n\r'):
            yield "separator", f"is '{self.separator}', but one sign parts columns; give it, such as ';' or '\\t'"
        if self.encoding is not None and not _is_encoding(self.encoding):
            yield "encoding", f"is {self.encoding}, which is none; use a name such as utf-8, cp1252 or utf-16"
        if self.timezone is not None and self.timezone not in available_timezones():
            yield "timezone", f"is {self.timezone}, which is none; use a name such as Europe/Berlin or UTC"
        yield from self._unreadable_dates()

    def _unreadable_dates(self) -> Iterator[Mistake]:
        if self.date_format is None:
            return
        found = re.findall("%.?", self.date_format)
        if not found:
            yield "date_format", f"is {self.date_format}, without a directive such as %Y, %m and %d; add them"
        for directive in found:
            if directive not in self.directives:
                yield "date_format", f"has {directive}, which cannot be read; use {' '.join(self.directives)}"


def is_address(path: str) -> bool:
    """Whether a path is that of a store, such as ``s3a://sales/lines`` or ``dbfs:/sales``, and none of this machine."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", path) is not None


def places_of(path: str | Path) -> Iterator[Path]:
    """Yield the files and folders that a path of this machine means: itself, or the matches of a glob."""
    given = Path(path)
    yield from [given] if given.exists() else Path(given.anchor).glob(str(given.relative_to(given.anchor)))


def files_of(path: str) -> list[Path]:
    """Return the visible files that a path of this machine means: itself, those in a folder, the matches of a glob."""
    places = sorted(places_of(path))
    files = [file for place in places for file in (sorted(place.rglob("*")) if place.is_dir() else [place])]
    return [file for file in files if file.is_file() and not file.name.startswith((".", "_"))]


def _is_encoding(name: str) -> bool:
    """Whether texts can be decoded by a name; others of Python's codecs pack bytes."""
    try:
        "a".encode(name).decode(name)
    except (LookupError, ValueError):
        return False
    return True
