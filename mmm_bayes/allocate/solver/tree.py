"""`Node`: limits on sums of channels that lie within each other, with the budget at the root."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mmm_bayes.transforms import Array

NEAR = 1e-4
"""A spend within this share of the last digit counts as round: sums of floats are off by less."""


@dataclass(frozen=True)
class Node:
    """The sum over some channels, and the range it must stay in.

    Attributes:
        arms: indices of the channels that belong to no group further down.
        groups: the groups further down; together with ``arms`` they cover every channel once.
        lower, upper: limits on the sum, currency.
        name: what to call it in a message.
    """

    arms: tuple[int, ...]
    groups: tuple["Node", ...] = ()
    lower: float = 0.0
    upper: float = float("inf")
    name: str = "the budget"

    @property
    def members(self) -> tuple[int, ...]:
        """Indices of all channels below this node, ascending."""
        below = [c for group in self.groups for c in group.members]
        return tuple(sorted([*self.arms, *below]))

    def walk(self) -> Iterator["Node"]:
        """Yield this node and every group below it."""
        yield self
        for group in self.groups:
            yield from group.walk()


def build_tree(count: int, spans: Sequence[Node], lower: float, upper: float) -> Node:
    """Nest groups into a tree over ``count`` channels.

    Args:
        count: number of channels.
        spans: groups, the channels of each in ``arms``; of any two, one holds the other or they share nothing.
        lower: least that the root may spend, currency.
        upper: most that it may.
    """
    return _nest(tuple(range(count)), sorted(spans, key=lambda s: -len(s.arms)), lower, upper, "the budget")


def _nest(arms: tuple[int, ...], spans: Sequence[Node], lower: float, upper: float, name: str) -> Node:
    groups: list[Node] = []
    rest = list(spans)
    while rest:
        first = rest.pop(0)
        inside = [s for s in rest if set(s.arms) <= set(first.arms)]
        rest = [s for s in rest if s not in inside]
        groups.append(_nest(first.arms, inside, first.lower, first.upper, first.name))
    grouped = {c for group in groups for c in group.members}
    return Node(tuple(c for c in arms if c not in grouped), tuple(groups), lower, upper, name)


def within(node: Node, spend: Array, slack: float) -> bool:
    """Whether every sum in the tree stays in its range, up to ``slack``."""
    sums = [(n, float(spend[list(n.members)].sum())) for n in node.walk()]
    return all(n.lower - slack <= total <= n.upper + slack for n, total in sums)


def round_spend(node: Node, spend: Array, origin: Array, step: float, values: Callable[[Array], Array]) -> Array:
    """Round spends to ``origin`` plus multiples of ``step`` so that no sum in the tree leaves its range.

    Each spend and each sum goes to one of its two neighbours (controlled rounding; on a tree it always exists),
    so limits that are themselves such multiples stay kept. Up go those that gain most by it.

    Args:
        node: limits on sums.
        spend: shape ``(arm,)``.
        origin: a round spend of each arm, shape ``(arm,)``.
        step: distance between round spends.
        values: from spends to the objective of each arm, both of shape ``(arm,)``.
    """
    units = (spend - origin) / step
    nearest = np.rint(units)
    units = np.where(np.abs(units - nearest) < NEAR, nearest, units)
    gain = values(origin + np.ceil(units) * step) - values(origin + np.floor(units) * step)
    whole = np.zeros(len(spend), dtype=np.int64)
    _share(node, units, gain, int(np.rint(units.sum())), whole)
    return origin + whole * step


def _share(node: Node, units: Array, gain: Array, total: int, whole: np.ndarray) -> None:
    """Hand ``total`` whole units to the parts of ``node``, more to those that gain most by being rounded up."""
    parts = [(c,) for c in node.arms] + [group.members for group in node.groups]
    wanted = np.array([units[list(p)].sum() for p in parts])
    near = np.rint(wanted)
    floor = np.floor(np.where(np.abs(wanted - near) < NEAR, near, wanted)).astype(np.int64)
    split = wanted > floor + NEAR
    gains = np.where(split, [gain[list(p)].max() for p in parts], -np.inf)
    floor[np.argsort(-gains, kind="stable")[: total - int(floor.sum())]] += 1
    whole[list(node.arms)] = floor[: len(node.arms)]
    for group, given in zip(node.groups, floor[len(node.arms) :], strict=True):
        _share(group, units, gain, int(given), whole)
