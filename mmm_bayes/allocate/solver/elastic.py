"""The smallest change of limits that lets a sum reach a total: an elastic linear program."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy.optimize import linprog

from mmm_bayes.allocate.solver.tree import Node
from mmm_bayes.transforms import Array

NOTHING = 1e-9
"""A limit that moves by less than this share of the total stays where it is."""


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
