"""What is said of limits that cannot be met: which they are, and the smallest change that helps."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from mmm_bayes.allocate.solver import Conflict, Feasible, Node, smallest_change


def money(amount: float) -> str:
    """Return an amount as a person would write it."""
    if amount and abs(amount) < 0.01:
        return f"{amount:.3g}"
    return f"{amount:,.2f}".removesuffix(".00")


def group_conflict(found: Conflict, names: Sequence[str], limits: Feasible) -> str:
    """Return one sentence on a group whose channels cannot add up to its limits."""
    node = found.node
    members = ", ".join(names[c] for c in node.members)
    if found.most < node.lower:
        return (
            f"{node.name}: its lower limit {money(node.lower)} is more than {members} can reach within their own "
            f"limits; lower it to {money(found.most)}, or raise {_moves(node, names, limits, 'upper', node.lower)}."
        )
    if found.least > node.upper:
        return (
            f"{node.name}: its upper limit {money(node.upper)} is less than the lower limits of {members} add up to; "
            f"raise it to {money(found.least)}, or reduce {_moves(node, names, limits, 'lower', node.upper)}."
        )
    return (
        f"{node.name}: with the smallest useful spends and the step of {members} no total between {money(node.lower)} "
        f"and {money(node.upper)} can be reached; set its 'lower' to {money(found.below or 0)} or its 'upper' to "
        f"{money(found.above or 0)}."
    )


def _moves(node: Node, names: Sequence[str], limits: Feasible, side: Literal["lower", "upper"], total: float) -> str:
    """Return which limits inside a group to move, and by how much in total."""
    found = smallest_change(node, getattr(limits, side), side, total)
    amount = money(round(sum(move for _, move in found), limits.decimals))
    if not node.groups:
        return f"their {side} limits by {amount} in total"
    who = ", ".join(n.name if isinstance(n, Node) else names[n] for n, _ in found)
    return f"the {side} limit of {who} by {amount}" + (" in total" if len(found) > 1 else "")


def too_small(budget: float, least: float, names: Sequence[str], limits: Feasible) -> str:
    """Return one sentence on a budget below what the lower limits demand."""
    tree, lower = limits.tree, limits.lower
    largest = np.argsort(-lower, kind="stable")[:3]
    who = ", ".join(f"{names[c]} {money(float(lower[c]))}" for c in largest if lower[c] > 0)
    groups = ", ".join(n.name for n in tree.walk() if n is not tree and n.lower > lower[list(n.members)].sum() + 1e-9)
    demands = " and ".join(part for part in (f"the largest: {who}" if who else "", groups) if part)
    change = sum(move for _, move in smallest_change(tree, lower, "lower", budget))
    return (
        f"allocate.budget: the lower limits add up to {money(least)} ({demands}), more than the budget of "
        f"{money(budget)}; raise the budget to {money(least)}, or reduce the lower limits by "
        f"{money(round(change, limits.decimals))} in total (allocate.relative and allocate.limits)."
    )


def between(budget: float, below: float, above: float) -> str:
    """Return one sentence on a budget that no plan spends, though less and more can be spent."""
    return (
        f"allocate.budget: exactly {money(budget)} cannot be spent: smallest useful spends and limits leave a gap "
        f"between {money(below)} and {money(above)}; set the budget to one of these, "
        f"or lower a minimum_useful by {money(above - budget)}."
    )
