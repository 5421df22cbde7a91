"""`Table`: a table ready to print."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from markupsafe import escape

from mmm_bayes.report.words import say


@dataclass(frozen=True)
class Table:
    """A table ready to print.

    Attributes:
        heads: titles of the columns.
        rows: texts.
        text: how many columns from the left are text; the others are numbers and stand to the right.
        bold: places of rows that are totals.
        title: what the table is of, for where no text says so.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    text: int = 1
    bold: Sequence[int] = ()
    title: str = ""

    def without(self, *codes: str, level: float = math.nan) -> "Table":
        """Return the table without some columns, for where there is less room."""
        dropped = column_heads(*codes, level=level)
        if not set(dropped) <= set(self.heads):
            raise KeyError(f"the table has only {self.heads}")
        kept = [i for i, head in enumerate(self.heads) if head not in dropped]
        return replace(
            self,
            heads=[self.heads[i] for i in kept],
            rows=[[row[i] for i in kept] for row in self.rows],
            text=sum(i < self.text for i in kept),
        )

    def _repr_html_(self) -> str:
        """Return the table as a notebook shows it."""
        lines = [(self.heads, "th"), *((row, "th" if at in self.bold else "td") for at, row in enumerate(self.rows))]
        body = "".join(f"<tr>{''.join(self._cells(line, tag))}</tr>" for line, tag in lines)
        return f"<table><caption>{escape(self.title)}</caption>{body}</table>"

    def _cells(self, line: Sequence[str], tag: str) -> Iterator[str]:
        for place, cell in enumerate(line):
            yield f'<{tag} style="text-align: {"left" if place < self.text else "right"}">{escape(cell)}</{tag}>'


def column_heads(*codes: str, level: float = math.nan, break_even: str = "", unit: str = "") -> list[str]:
    """Return heads of columns; some name the probability of an interval, the ROI from which on it pays, or a unit."""
    return [say(f"column.{code}", level=level, break_even=break_even, unit=unit) for code in codes]
