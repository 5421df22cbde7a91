"""Limits on sums: which totals they can reach, exactly, and what must give way where they cannot be met."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from scipy.optimize import linprog

from mmm_bayes.allocate.solver.tree import Node
from mmm_bayes.transforms import Array

Totals = list[tuple[int, int]]
"""Ascending, disjoint ranges of reachable totals in whole units; within a range, every multiple of the step."""

MANY = 4_000
"""Ranges beyond this count are joined across the smallest gaps; only the error message grows less sharp."""

NOTHING = 1e-9
"""A limit that moves by less than this share of the total stays where it is."""


@dataclass(frozen=True)
class Conflict:
    """A limit on a sum that its arms cannot meet within their own limits and those of the groups inside.

    Attributes:
        node: the sum and its limits.
        least, most: what the arms can spend together.
        below, above: the nearest totals that they can have, None where there is none on that side.
    """

    node: Node
    least: float
    most: float
    below: float | None
    above: float | None


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


def narrow(node: Node, arms: Sequence[Totals], unit: int, scale: float) -> "tuple[Node, Totals] | Conflict":
    """Return limits on sums narrowed to what can be reached, and the totals; or the first sum that cannot be met.

    Args:
        node: limits on sums, in currency.
        arms: what each arm may spend, in whole units.
        unit: whole units between neighbouring spends of an arm.
        scale: whole units per unit of currency.
    """
    total: Totals = [(0, 0)]
    groups = []
    for group in node.groups:
        found = narrow(group, arms, unit, scale)
        if isinstance(found, Conflict):
            return found
        groups.append(found[0])
        total = add(total, found[1], unit)
    for c in node.arms:
        total = add(total, arms[c], unit)
    lower, upper = (round(v * scale) if np.isfinite(v) else v for v in (node.lower, node.upper))
    kept = clip(total, lower, upper, unit)
    if not kept:
        near = [None if v is None else v / scale for v in neighbours(total, lower, unit)]
        limits = replace(node, lower=lower / scale, upper=upper / scale)
        return Conflict(limits, total[0][0] / scale, total[-1][1] / scale, *near)
    return replace(node, groups=tuple(groups), lower=kept[0][0] / scale, upper=kept[-1][1] / scale), kept


def smallest_change(
    node: Node, limits: Array, side: Literal["lower", "upper"], total: float
) -> list[tuple[Node | int, float]]:
    """Return which limits inside a sum to move, and how far, so that it can be ``total``; the least in all.

    Where limits lie inside each other several may have to move; the program finds those that do.

    Args:
        node: the sum; its own limits are passed over.
        limits: of each arm on the side in question, shape ``(arm,)``.
        side: ``upper`` limits go up where the sum is too low, ``lower`` ones down where it is too high.
        total: currency.

    Returns:
        Arms (by index) and groups whose limits move, each with its change, positive.
    """
    sign, members = 1.0 if side == "upper" else -1.0, node.members
    inside: Sequence[Node | int] = [*members, *(group for group in node.walk() if group is not node)]
    ends = sign * np.array([getattr(n, side) if isinstance(n, Node) else limits[n] for n in inside])
    sums = np.array([np.isin(members, n.members if isinstance(n, Node) else n) for n in inside], dtype=float)
    kept, moves = np.isfinite(ends), np.eye(len(inside))
    spends, reached = np.zeros(len(members)), np.concatenate([-np.ones(len(members)), np.zeros(len(inside))])
    found = linprog(
        np.concatenate([spends, np.ones(len(inside))]),
        A_ub=np.vstack([np.hstack([sums, -moves])[kept], reached]),
        b_ub=np.concatenate([ends[kept], [-sign * total]]),
        bounds=[(None, None)] * len(members) + [(0, None)] * len(inside),
    )
    moved = found.x[len(members) :]
    return [(n, float(m)) for n, m in zip(inside, moved, strict=True) if m > NOTHING * abs(total)]
