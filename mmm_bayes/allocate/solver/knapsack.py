"""The exact best budget for curves of any shape, with a certificate.

The expected response is a sum of one curve per channel: a separable knapsack. Three steps, each cheap:

1. *Bound.* For any prices of the limits, no plan has more than the sum of every channel's best objective
   net of its price, plus the priced limits (Lagrange). On concave curves this bound is the optimum.
2. *Cells.* Where it is not, each channel's range is cut into cells of one step; a cell has the best
   objective net of price inside it, and dynamic programming over channels finds the best combination
   of cells whose ranges can meet the limits. Every plan lies in some combination of cells, so that is a bound, too.
   Near the optimum objectives net of price are flat: the bound tightens with the square of the step.
3. *Polish.* Every channel is held to the concave part of its curve that the cells chose, and what remains
   is solved exactly. The result is a plan, and the distance to the bound is its certificate.

The step shrinks until the certificate is good enough.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np

from mmm_bayes.allocate.solver.arms import (
    STRAIGHT,
    Arm,
    cells,
    concave_part,
    cut,
    hull,
    is_concave,
    restrict,
    value_of,
    values_at,
)
from mmm_bayes.allocate.solver.concave import SLACK, fill, merged, prices
from mmm_bayes.allocate.solver.grid import best_on_grid, make_grid
from mmm_bayes.allocate.solver.maxplus import Profile, possible, profile_of, trace
from mmm_bayes.allocate.solver.problem import Problem, Solution
from mmm_bayes.allocate.solver.tree import Node
from mmm_bayes.transforms import Array

TOLERANCE = 1e-4
"""A certificate as good as this share of the optimum ends the search."""

STEPS = (250, 1_000, 4_000, 16_000, 64_000, 256_000)
"""Cells that the budget's free range is cut into, coarse to fine."""

POLISH = 20
"""Times that a plan may move on to neighbouring parts."""

WORK, MEMORY = 1e10, 5e7
"""Additions that one cut into cells may cost, and numbers that it may hold; finer ones are not tried."""


def solve(problem: Problem, start: Array) -> Solution | None:
    """Return the best plan that is allowed, rounded like its limits, with its certificate.

    Args:
        problem: of one curve per arm.
        start: a plan that the answer does not fall behind, and which it is among equals, where it is allowed.

    Returns:
        The solution, or None where no plan that keeps the limits was found.
    """
    allowed = problem.allowed
    if allowed.step is not None and (exact := _on_steps(problem)) is not None:
        return exact
    net = problem.y - problem.price * problem.x
    limited = zip(problem.x, net, allowed.lower, allowed.upper, allowed.useful, strict=True)
    arms = [restrict(x, y, low, high, useful) for x, y, low, high, useful in limited]
    found = solve_arms(arms, allowed.tree, [start])
    if found is None:
        return None
    spend = allowed.rounded(found.spend, partial(values_at, arms))
    value = value_of(arms, spend)
    if allowed.allows(start) and (known := value_of(arms, start)) >= value:
        spend, value = start, known
    return Solution(spend, value, max(found.bound, value))


def _on_steps(problem: Problem) -> Solution | None:
    """Return the exact best plan in multiples of the step, or None where there are too many."""
    net = replace(problem, y=(problem.y - problem.price * problem.x)[None], price=0.0)
    grid = make_grid(problem.allowed)
    if sum(len(spends) for spends in grid.spends) ** 2 > WORK:
        return None
    spend, value = best_on_grid(net, grid)
    return Solution(spend[0].round(problem.allowed.decimals), float(value[0]), float(value[0]))


def solve_arms(arms: Sequence[Arm], tree: Node, starts: Sequence[Array] = ()) -> Solution | None:
    """Return the best plan, rounded nowhere, for a sum of curves within limits, with its certificate.

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
    relaxed = _relaxed(arms, tree)
    if relaxed is None:
        return None
    spend, price, limit = relaxed
    bound = lagrange(arms, tree, price, limit)
    best = _best(_polish(arms, tree, s, price) for s in (spend, *starts))
    for count, near in product(STEPS, (True, False)):
        slack = np.inf
        if best is not None:
            if bound - best.value <= TOLERANCE * abs(best.value):
                break
            price, limit = _prices(arms, tree, best, near)
            slack = (lagrange(arms, tree, price, limit) - best.value) * (1 + STRAIGHT) + STRAIGHT
            arms = _trim(arms, price, slack)
        found = _from_cells(arms, tree, count, price, limit, slack)
        if found is None:
            continue
        value, start = found
        best = _best((best, _polish(arms, tree, start, price)))
        bound = min(bound, max(value, best.value if best else -np.inf))
    return None if best is None else Solution(best.spend, best.value, max(bound, best.value))


def _relaxed(arms: Sequence[Arm], tree: Node) -> tuple[Array, Array, Mapping[Node, float]] | None:
    """Return the exact plan of the concave covers of the arms, and its prices; None where limits contradict."""
    covers = [hull(arm) for arm in arms]
    spend = fill(covers, tree)
    return None if spend is None else (spend, *prices(covers, tree, spend))


def _prices(arms: Sequence[Arm], tree: Node, best: Solution, near: bool) -> tuple[Array, Mapping[Node, float]]:
    """Return prices for the cells: those around the best plan, or those of the covers; neither is always better."""
    relaxed = None if near else _relaxed(arms, tree)
    return prices(_concave_parts(arms, best.spend), tree, best.spend) if relaxed is None else relaxed[1:]


def _best(plans: Iterable[Solution | None]) -> Solution | None:
    """Return the most valuable plan (the first of equals), if there is any."""
    return max((p for p in plans if p is not None), key=lambda p: p.value, default=None)


def lagrange(arms: Sequence[Arm], tree: Node, price: Array, limit: Mapping[Node, float]) -> float:
    """Return what no plan within the limits can exceed, at given prices (weak duality)."""
    net = sum(float(np.max(arm.y - p * arm.x)) for arm, p in zip(arms, price, strict=True))
    return net + sum(max(limit[n] * n.lower, limit[n] * n.upper) for n in tree.walk())


def _trim(arms: Sequence[Arm], price: Array, slack: float) -> list[Arm]:
    """Drop the ends of arms that cost more than ``slack``: no plan better than the best known goes there."""
    return [_trim_arm(arm, arm.y - p * arm.x, slack) for arm, p in zip(arms, price, strict=True)]


def _trim_arm(arm: Arm, net: Array, slack: float) -> Arm:
    kept = np.flatnonzero(net >= net.max() - slack)
    first, last = int(kept[0]), int(kept[-1])
    if not (arm.hole and first == 1):
        first = max(first - 1, 0)
    if not (arm.hole and last == 0):
        last = min(last + 1, len(arm.x) - 1)
    part = slice(first, last + 1)
    return Arm(arm.x[part], arm.y[part], arm.hole and first == 0 and last > 0)


def _from_cells(
    arms: Sequence[Arm], tree: Node, count: int, price: Array, limit: Mapping[Node, float], slack: float
) -> tuple[float, Array] | None:
    """Return the bound of the cells and the plan they point to, or None where that would cost too much.

    Cells that are more than ``slack`` worse than the best of their arm are left out: no plan better than the best
    known has its spend there. So are those where spending more brings nothing, if what is saved can always be spent
    elsewhere: no arm has a hole, no group demands spend.
    """
    arms = _within_sums(arms, tree)
    least = {node: sum(float(arms[c].x[0]) for c in node.members) for node in tree.walk()}
    demanding = any(node.lower > least[node] + SLACK for node in tree.walk() if node is not tree)
    frugal = not demanding and not any(arm.hole for arm in arms)
    root = replace(tree, lower=least[tree]) if frugal else tree
    free = tree.upper - least[tree]
    step = max(min(free, sum(arm.width for arm in arms)), SLACK) / count
    bent = [c for c, arm in enumerate(arms) if not is_concave(arm)]
    where: dict[int, Array] = {}
    leaves: dict[Node, list[Profile]] = {}
    for node in root.walk():
        smooth = [c for c in node.arms if c not in bent]
        own: list[tuple[int | None, Arm]] = [(c, arms[c]) for c in node.arms if c in bent]
        leaves[node] = []
        for key, arm in own + ([(None, merged(arms, smooth))] if smooth else []):
            best, at = cells(arm, price[node.arms[0]], step, frugal)
            best[best < best.max() - slack] = -np.inf
            leaves[node].append(Profile(best[None], float(arm.x[0]), min(step, arm.width), key))
            if key is not None:
                where[key] = at
    used = [len(possible(t.values)) for tables in leaves.values() for t in tables]
    if count * sum(used) > WORK or count * len(used) > MEMORY:
        return None
    profile = profile_of(root, leaves.__getitem__, step, {**limit, root: limit[tree]}.__getitem__)
    top = profile.values[0]
    steps = trace(profile, np.array([int(top.argmax())]))
    start = np.array([where[c][steps[c][0]] if c in steps else arm.x[0] for c, arm in enumerate(arms)])
    return float(top.max()), start


def _within_sums(arms: Sequence[Arm], tree: Node) -> list[Arm]:
    """Leave off the spends that break a limit on a sum whatever the other arms do."""
    found = list(arms)
    for node in tree.walk():
        most = sum(float(found[c].x[-1]) for c in node.members)
        for c in node.members:
            found[c] = cut(found[c], node.lower - most + float(found[c].x[-1]) - SLACK, np.inf)
    for node in tree.walk():
        least = sum(float(found[c].x[0]) for c in node.members)
        for c in node.members:
            found[c] = cut(found[c], -np.inf, node.upper - least + float(found[c].x[0]) + SLACK)
    return found


def _concave_parts(arms: Sequence[Arm], spend: Array, price: Array | float = 0.0) -> list[Arm]:
    faced = np.broadcast_to(price, spend.shape)
    return [concave_part(arm, s, p) for arm, s, p in zip(arms, spend, faced, strict=True)]


def _polish(arms: Sequence[Arm], tree: Node, start: Array, price: Array) -> Solution | None:
    """Return the best plan with every arm on the concave part where it is, moving on while that helps."""
    best = None
    parts = _concave_parts(arms, start, price)
    for _ in range(POLISH):
        spend = fill(parts, tree)
        if spend is None and best is None:
            spend = fill([_side(arm, s) for arm, s in zip(arms, start, strict=True)], tree)
        if spend is None:
            break
        value = value_of(arms, spend)
        if best is not None and value <= best.value:
            break
        best = Solution(spend, value, np.inf)
        price, _ = prices(parts, tree, spend)
        parts = _concave_parts(arms, spend, price)
    return best


def _side(arm: Arm, spend: float) -> Arm:
    """Return the concave cover of an arm on the side of its hole where ``spend`` is."""
    if not arm.hole:
        return hull(arm)
    low = spend <= (arm.x[0] + arm.x[1]) / 2
    return Arm(arm.x[:1], arm.y[:1]) if low else hull(Arm(arm.x[1:], arm.y[1:]))
