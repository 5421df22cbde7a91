"""Gaps between the weeks that have lines: stray dates beyond them, closed seasons, or dates that are read wrongly."""

from datetime import date, timedelta
from itertools import pairwise

import pandas as pd

from mmm_bayes.errors import DataError

WEEK = timedelta(days=7)
LONG = 5
"""Weeks from one with lines to the next from which on there is a gap; what is shorter is a quiet time."""

FEW = 0.02
"""Largest share of the lines beyond a gap that is called stray."""

SEASON = 8
"""Fewest weeks, quiet ones included, that are a season of trade."""

CLOSED = 44
"""Most weeks between two seasons."""

DENSE = 0.75
"""Smallest share of the weeks of seasons that have lines, and of weeks with lines that are in a season."""


def strays(lines: pd.Series) -> list[date]:
    """Return the weeks whose lines are dated wrongly: few lines at either end, beyond a gap longer than they last.

    Args:
        lines: number of kept lines by week (its first day), in order.
    """
    found: list[date] = []
    for order in (1, -1):
        runs = _runs(list(lines.index.difference(found)))[::order]
        while len(runs) > 1:
            gap = abs(runs[1][::order][0] - runs[0][::order][-1]) // WEEK - 1
            if _lasts(runs[0]) >= gap or lines[runs[0]].sum() > FEW * lines.sum():
                break
            found += runs.pop(0)
    return sorted(found)


def require_dense(weeks: list[date]) -> None:
    """Weeks without lines are few or a closed season; else the dates are wrong, not the trade quiet.

    Args:
        weeks: those with lines, in order.

    Raises:
        DataError: they are neither.
    """
    runs = _runs(weeks)
    seasons = [run for run in runs if _lasts(run) >= SEASON] or runs[:1]
    traded = sum(map(len, seasons))
    start, end = max(pairwise(weeks), key=lambda pair: pair[1] - pair[0], default=(weeks[0], weeks[0]))
    dense = traded >= DENSE * max(sum(map(_lasts, seasons)), len(weeks))
    if dense and (end - start) // WEEK - 1 <= CLOSED:
        return
    raise DataError(
        f"the lines span {_lasts(weeks):,} weeks but only {len(weeks):,} have any; the largest gap lies between the "
        f"weeks of {start} and {end}: leave out stray dates with 'transactions.start' or 'transactions.end'."
    )


def _runs(weeks: list[date]) -> list[list[date]]:
    """Return the weeks in parts, with gaps between them."""
    ends = [i + 1 for i, (week, later) in enumerate(pairwise(weeks)) if later - week >= LONG * WEEK]
    return [weeks[start:end] for start, end in pairwise([0, *ends, len(weeks)])]


def _lasts(weeks: list[date]) -> int:
    return (weeks[-1] - weeks[0]) // WEEK + 1
