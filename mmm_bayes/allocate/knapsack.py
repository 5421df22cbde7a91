"""The exact best budget for curves of any shape, with a certificate.

The expected response is a sum of one curve per channel: a separable knapsack. Three steps, each cheap:

1. *Bound.* For any prices of the limits, no plan is worth more than the sum of every channel's best objective
   net of its price, plus the priced limits (Lagrange). On concave curves this bound is the optimum.
2. *Table.* Where it is not, each channel's range is cut into cells of one step; a cell is worth the best
   objective net of price inside it, and dynamic programming over channels finds the best combination
   of cells whose ranges can meet the limits. Every plan lies in some combination of cells, so that is a bound, too.
   Near the optimum objectives net of price are flat: the bound tightens with the square of the step.
3. *Polish.* Every channel is held to the concave stretch of its curve that the table chose, and what remains
   is solved exactly. The result is a plan, and the distance to the bound is its certificate.

The step shrinks until the certificate is good enough.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mmm_bayes.allocate.arms import STRAIGHT, Arm, cells, hull, is_concave, stretch
from mmm_bayes.allocate.concave import SLACK, fill, merged, prices
from mmm_bayes.allocate.table import Table, tabulate, trace
from mmm_bayes.allocate.tree import Node
from mmm_bayes.transforms import Array

TOLERANCE = 1e-4
"""A certificate as good as this share of the optimum ends the search."""

STEPS = (250, 1_000, 4_000, 16_000)
"""Cells that the budget's free range is cut into, coarse to fine."""

POLISH = 20
"""Times that a plan may move on to neighbouring stretches."""

WORK = 3e9
"""Additions that one table may cost; finer tables are not tried."""


@dataclass(frozen=True)
class Solution:
    """A plan, what it is worth, and a value that no plan within the limits can exceed."""

    spend: Array
    value: float
    bound: float


def worth(arms: Sequence[Arm], spend: Array) -> float:
    """Return the objective of a plan."""
    return float(sum(arm.at(s) for arm, s in zip(arms, spend, strict=True)))


def solve(arms: Sequence[Arm], tree: Node, starts: Sequence[Array] = ()) -> Solution | None:
    """Return the best plan for a sum of curves within limits, with its certificate.

    Args:
        arms: one per channel.
        tree: the limits on sums, the budget at its root; all finite.
        starts: plans that the answer must not fall behind, where the limits allow them.

    Returns:
        The solution, or None where no plan that keeps the limits was found.
    """
    unit, size = _power_of_two(max(float(a.x[-1]) for a in arms)), _power_of_two(max(float(np.ptp(a.y)) for a in arms))
    scaled = [Arm(a.x / unit, a.y / size, a.hole) for a in arms]
    found = _search(scaled, _rescale(tree, unit), [s / unit for s in starts])
    if found is None:
        return None
    return Solution(found.spend * unit, found.value * size, found.bound * size)


def _power_of_two(scale: float) -> float:
    return float(2.0 ** np.ceil(np.log2(scale))) if scale > 0 else 1.0


def _rescale(node: Node, unit: float) -> Node:
    groups = tuple(_rescale(group, unit) for group in node.groups)
    return replace(node, lower=node.lower / unit, upper=node.upper / unit, groups=groups)


def _search(arms: Sequence[Arm], tree: Node, starts: Sequence[Array]) -> Solution | None:
    hulls = [hull(arm) for arm in arms]
    relaxed = fill(hulls, tree)
    if relaxed is None:
        return None
    price, limit = prices(hulls, tree, relaxed)
    bound = lagrange(arms, tree, price, limit)
    best = _best(_polish(arms, tree, s, price) for s in (relaxed, *starts))
    for count in STEPS:
        if best is not None:
            if bound - best.value <= TOLERANCE * abs(best.value):
                break
            arms = _trim(arms, price, lagrange(arms, tree, price, limit) - best.value)
            price, limit = prices(_stretches(arms, best.spend, price), tree, best.spend)
        table = _cell_table(arms, tree, count, price, limit)
        if table is None:
            break
        values, start = table
        best = _best((best, _polish(arms, tree, start, price)))
        bound = min(bound, max(values, best.value if best else -np.inf))
    return None if best is None else Solution(best.spend, best.value, max(bound, best.value))


def _best(plans: Iterable[Solution | None]) -> Solution | None:
    """Return the most valuable plan (the first of equals), if there is any."""
    return max((p for p in plans if p is not None), key=lambda p: p.value, default=None)


def lagrange(arms: Sequence[Arm], tree: Node, price: Array, limit: Mapping[Node, float]) -> float:
    """Return what no plan within the limits can exceed, at given prices (weak duality)."""
    net = sum(float(np.max(arm.y - p * arm.x)) for arm, p in zip(arms, price, strict=True))
    return net + sum(max(limit[n] * n.lower, limit[n] * n.upper) for n in tree.walk())


def _trim(arms: Sequence[Arm], price: Array, slack: float) -> list[Arm]:
    """Drop the ends of arms that cost more than ``slack``: no plan better than the best known goes there."""
    return [_trim_arm(arm, arm.y - p * arm.x, slack * (1 + STRAIGHT)) for arm, p in zip(arms, price, strict=True)]


def _trim_arm(arm: Arm, net: Array, slack: float) -> Arm:
    kept = np.flatnonzero(net >= net.max() - slack)
    first, last = int(kept[0]), int(kept[-1])
    if not (arm.hole and first == 1):
        first = max(first - 1, 0)
    if not (arm.hole and last == 0):
        last = min(last + 1, len(arm.x) - 1)
    part = slice(first, last + 1)
    return Arm(arm.x[part], arm.y[part], arm.hole and first == 0 and last > 0)


def _cell_table(
    arms: Sequence[Arm], tree: Node, count: int, price: Array, limit: Mapping[Node, float]
) -> tuple[float, Array] | None:
    """Return the bound of the cells and the plan they point to, or None where the table would cost too much."""
    lowest = sum(float(arm.x[0]) for arm in arms)
    free = min(tree.upper, sum(float(arm.x[-1]) for arm in arms)) - lowest
    step = max(free, SLACK) / count
    bent = [c for c, arm in enumerate(arms) if not is_concave(arm)]
    if count * sum(arms[c].width / step for c in bent) > WORK:
        return None
    where: dict[int, Array] = {}

    def leaves(node: Node) -> list[Table]:
        tables = []
        smooth = [c for c in node.arms if c not in bent]
        own: list[tuple[int | None, Arm]] = [(c, arms[c]) for c in node.arms if c in bent]
        if smooth:
            own.append((None, merged(arms, smooth)))
        for key, arm in own:
            best, at = cells(arm, price[node.arms[0]], step)
            tables.append(Table(best[None], float(arm.x[0]), min(step, arm.width), key))
            if key is not None:
                where[key] = at
        return tables

    table = tabulate(tree, leaves, step, limit.__getitem__)
    top = table.values[0]
    steps = trace(table, np.array([int(top.argmax())]))
    start = np.array([where[c][steps[c][0]] if c in steps else arm.x[0] for c, arm in enumerate(arms)])
    return float(top.max()), start


def _stretches(arms: Sequence[Arm], spend: Array, price: Array) -> list[Arm]:
    return [stretch(arm, s, p) for arm, s, p in zip(arms, spend, price, strict=True)]


def _polish(arms: Sequence[Arm], tree: Node, start: Array, price: Array) -> Solution | None:
    """Return the best plan with every arm on the concave stretch where it is, moving on while that helps."""
    best = None
    parts = _stretches(arms, start, price)
    for _ in range(POLISH):
        spend = fill(parts, tree)
        if spend is None and best is None:
            spend = fill([_side(arm, s) for arm, s in zip(arms, start, strict=True)], tree)
        if spend is None:
            break
        value = worth(arms, spend)
        if best is not None and value <= best.value:
            break
        best = Solution(spend, value, np.inf)
        price, _ = prices(parts, tree, spend)
        parts = _stretches(arms, spend, price)
    return best


def _side(arm: Arm, spend: float) -> Arm:
    """Return the concave cover of an arm on the side of its hole where ``spend`` is."""
    if not arm.hole:
        return hull(arm)
    low = spend <= (arm.x[0] + arm.x[1]) / 2
    return Arm(arm.x[:1], arm.y[:1]) if low else hull(Arm(arm.x[1:], arm.y[1:]))
