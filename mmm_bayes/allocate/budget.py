"""Fit the budget to the limits, or say which limits contradict it and the smallest change that helps."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mmm_bayes.allocate.solver.totals import Reach, add, clip, neighbours
from mmm_bayes.allocate.solver.tree import Node
from mmm_bayes.errors import AllocationError
from mmm_bayes.findings import Finding
from mmm_bayes.transforms import Array


def money(amount: float) -> str:
    """Return an amount as a person would write it."""
    if amount and abs(amount) < 0.01:
        return f"{amount:.3g}"
    return f"{amount:,.2f}".removesuffix(".00")


def tighten(node: Node, names: Sequence[str], arms: Sequence[Reach], step: int, scale: float) -> tuple[Node, Reach]:
    """Narrow every limit on a sum to what its channels can reach.

    Args:
        node: limits on sums, in currency.
        names: of the arms.
        arms: what each arm may spend, in whole units.
        step: units between neighbouring spends of an arm.
        scale: units per unit of currency.

    Returns:
        The narrowed tree and the totals that can be reached.

    Raises:
        AllocationError: when a group cannot keep its limits.
    """
    total: Reach = [(0, 0)]
    groups = []
    for group in node.groups:
        narrowed, reach = tighten(group, names, arms, step, scale)
        groups.append(narrowed)
        total = add(total, reach, step)
    for c in node.arms:
        total = add(total, arms[c], step)
    lower, upper = (round(v * scale) if math.isfinite(v) else v for v in (node.lower, node.upper))
    kept = clip(total, lower, upper, step)
    if not kept:
        raise AllocationError(_group_conflict(node, names, total, lower / scale, upper / scale, step, scale))
    return replace(node, groups=tuple(groups), lower=kept[0][0] / scale, upper=kept[-1][1] / scale), kept


def _group_conflict(
    node: Node, names: Sequence[str], reach: Reach, lower: float, upper: float, step: int, scale: float
) -> str:
    """One sentence on a group whose channels cannot add up to its limits."""
    members = ", ".join(names[c] for c in node.members)
    least, most = reach[0][0] / scale, reach[-1][1] / scale
    if most < lower:
        return (
            f"{node.name}: its lower limit {money(lower)} is more than {members} can reach within their own limits; "
            f"lower it to {money(most)}, or raise their upper limits by {money(lower - most)} in total."
        )
    if least > upper:
        return (
            f"{node.name}: its upper limit {money(upper)} is less than the lower limits of {members} add up to; "
            f"raise it to {money(least)}, or reduce their lower limits by {money(least - upper)} in total."
        )
    below, above = neighbours(reach, lower * scale, step)
    return (
        f"{node.name}: with the smallest useful spends and the step of {members} no total between {money(lower)} and "
        f"{money(upper)} can be reached; set its 'lower' to {money((below or 0) / scale)} or its 'upper' to "
        f"{money((above or 0) / scale)}."
    )


def fix_budget(
    tree: Node, names: Sequence[str], reach: Reach, lower: Array, budget: float, step: int, scale: float
) -> tuple[Node, list[Finding]]:
    """Set the root to the budget, or to what the upper limits and the step leave of it.

    Raises:
        AllocationError: when the budget is below the lower limits, or between what can be reached.
    """
    wanted = round(budget * scale)
    below, above = neighbours(reach, wanted, step)
    if below is None:
        raise AllocationError(too_small(tree, names, lower, budget, reach[0][0] / scale))
    spent = below / scale
    tree = replace(tree, lower=spent, upper=spent)
    if below == wanted:
        return tree, []
    left = (wanted - below) / scale
    if above is None:
        return tree, [Finding("plan.unspent_at_limits", {"left": left, "most": spent})]
    if wanted - below < step:
        return tree, [Finding("plan.unspent_below_step", {"left": left})]
    raise AllocationError(
        f"allocate.budget: exactly {money(budget)} cannot be spent: smallest useful spends and limits leave a gap "
        f"between {money(spent)} and {money(above / scale)}; set the budget to one of these, "
        f"or lower a minimum_useful by {money((above - wanted) / scale)}."
    )


def too_small(tree: Node, names: Sequence[str], lower: Array, budget: float, least: float) -> str:
    """One sentence on a budget below what the lower limits demand."""
    largest = np.argsort(-lower, kind="stable")[:3]
    who = ", ".join(f"{names[c]} {money(float(lower[c]))}" for c in largest if lower[c] > 0)
    groups = ", ".join(n.name for n in tree.walk() if n is not tree and n.lower > lower[list(n.members)].sum() + 1e-9)
    demands = " and ".join(part for part in (f"the largest: {who}" if who else "", groups) if part)
    return (
        f"allocate.budget: the lower limits add up to {money(least)} ({demands}), more than the budget of "
        f"{money(budget)}; raise the budget to {money(least)}, or reduce the lower limits by {money(least - budget)} "
        "in total (allocate.relative and allocate.limits)."
    )
