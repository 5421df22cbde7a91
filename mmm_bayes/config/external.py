"""Sections on what moves the KPI besides media: external tables, and events by their dates."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from mmm_bayes.config.file import TableFile
from mmm_bayes.config.section import Mistake, Section, Whole

SPAN = re.compile(r"(\d{4}-\d\d-\d\d)(?:\s*(?:to|/)\s*(\d{4}-\d\d-\d\d))?")
DAYS = "a day such as 2024-11-29, or the first and the last of several, such as 2024-11-29 to 2024-12-02"

Around = Annotated[Whole, Field(ge=0, le=182)]
"""Days before or after an event."""

ByWeek = Literal["mean", "sum", "last", "max"]
"""How the days of a week become its value."""


def _as_text(given: Any) -> Any:
    return str(given) if isinstance(given, date) else given


class Event(Section):
    """Days on which something happens that moves the KPI, in all geos or some.

    A week counts the days of the event in it. With ``before`` or ``after``, so many days around it get a control of
    their own, which falls evenly from next to the event: people wait for it, or have stocked up.
    """

    days: tuple[Annotated[str, BeforeValidator(_as_text)], ...]
    geos: tuple[str, ...] | None = None
    before: Around = 0
    after: Around = 0

    @property
    def spans(self) -> list[tuple[date, date]]:
        """First and last day of each time that it happens."""
        return [span for text in self.days if (span := _span(text)) is not None]

    def mistakes(self) -> Iterator[Mistake]:
        """Yield no day at all, texts that are none, and spans that end before they begin."""
        if not self.days:
            yield "days", f"names none; give {DAYS}"
        for text in self.days:
            span = _span(text)
            if span is None:
                yield "days", f"has '{text:.40}', which is no day; give {DAYS}"
            elif span[1] < span[0]:
                yield "days", f"has '{text}', which ends before it begins; exchange the two days"
        if self.geos is not None and not self.geos:
            yield "geos", "names no geo; name some, or leave it out for all"


def _span(text: str) -> tuple[date, date] | None:
    found = SPAN.fullmatch(text.strip())
    try:
        return (date.fromisoformat(found[1]), date.fromisoformat(found[2] or found[1])) if found else None
    except ValueError:
        return None


class ExternalFile(TableFile):
    """A table beside the KPI and the media: values by day, week or month, or a list of events.

    ``columns`` names those of its values that become controls, each with how the days of a week become its value. Rows
    by week or month count on each of their days (their sums are divided among them). ``between`` says what stands
    between the rows: ``repeat`` the last value before, ``interpolate`` a line from the middle of one to that of the
    next. A list of events has the column of their names, ``event``, instead; ``until`` is that of their last days.
    """

    date: str
    week_date: Literal["first", "last"] | None = None
    geo: str | None = None
    columns: dict[str, ByWeek] = {}
    between: Literal["repeat", "interpolate"] | None = None
    event: str | None = None
    until: str | None = None
    before: Around = 0
    after: Around = 0

    def mistakes(self) -> Iterator[Mistake]:
        """Yield neither values nor events, both of them, and what belongs to the other."""
        yield from super().mistakes()
        if (self.event is None) == (not self.columns):
            yield "", "give either 'columns' (column: mean, sum, last or max) or 'event' (the column of their names)"
            return
        of_others = ("week_date", "between") if self.event is not None else ("until", "before", "after")
        for name in (name for name in of_others if getattr(self, name)):
            what = "of values by 'columns'" if self.event is not None else "of a list of events (with 'event')"
            yield name, f"belongs to a table {what}; leave it out"
        roles = [name for name in (self.date, self.until, self.geo, self.event, *self.columns) if name is not None]
        if twice := [name for place, name in enumerate(roles) if name in roles[:place]]:
            yield "", f"the column '{twice[0]}' has two roles; leave one of them out"
        if self.between == "interpolate" and "sum" in self.columns.values():
            yield "between", "is interpolate, which keeps no sums; use mean, or leave it out so that sums are divided"
