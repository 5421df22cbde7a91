"""Which totals a set of limits can reach, exactly: sums of intervals of whole units."""

from itertools import pairwise

Totals = list[tuple[int, int]]
"""Ascending, disjoint ranges of reachable totals in whole units; within a range, every multiple of the step."""

MANY = 4_000
"""Ranges beyond this count are joined across the smallest gaps; only the error message grows less sharp."""


def add(a: Totals, b: Totals, step: int) -> Totals:
    """Return the totals that one part in ``a`` and one in ``b`` reach together."""
    found: Totals = []
    for low, high in sorted((p + r, q + s) for p, q in a for r, s in b):
        if found and low <= found[-1][1] + step:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    if len(found) <= MANY:
        return found
    widest = sorted(range(1, len(found)), key=lambda i: found[i - 1][1] - found[i][0])[: MANY - 1]
    return [(found[i][0], found[j - 1][1]) for i, j in pairwise([0, *sorted(widest), len(found)])]


def clip(totals: Totals, lower: float, upper: float, step: int) -> Totals:
    """Keep the totals in ``[lower, upper]``."""
    found: Totals = []
    for low, high in totals:
        low += -int((low - lower) // step) * step if low < lower else 0
        high -= -int((upper - high) // step) * step if high > upper else 0
        if low <= high:
            found.append((low, high))
    return found


def neighbours(totals: Totals, total: float, step: int) -> tuple[int | None, int | None]:
    """Return the nearest reachable totals at or below and at or above ``total``."""
    below, above = clip(totals, -float("inf"), total, step), clip(totals, total, float("inf"), step)
    return (below[-1][1] if below else None, above[0][0] if above else None)
