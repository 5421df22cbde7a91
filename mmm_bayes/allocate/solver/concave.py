"""The exact best plan where every return diminishes: take the best pieces first, group by group."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmm_bayes.allocate.solver.arms import Arm
from mmm_bayes.allocate.solver.tree import Node
from mmm_bayes.transforms import Array

SLACK = 1e-9
"""Sums of spends that differ by less are equal; arms come scaled so that their highest spend is about 1."""


@dataclass(frozen=True)
class Pieces:
    """Pieces of curves still to be bought, the best first, above a sum that is bought already."""

    base: float
    owner: np.ndarray
    width: Array
    slope: Array

    def sorted(self) -> "Pieces":
        """Put the best first, equals in the order given."""
        order = np.argsort(-self.slope, kind="stable")
        return Pieces(self.base, self.owner[order], self.width[order], self.slope[order])

    def split(self, amount: float) -> tuple["Pieces", "Pieces"]:
        """Buy the first ``amount`` of spend; return what was bought and what is left."""
        before = np.concatenate([[0.0], np.cumsum(self.width)[:-1]]) if len(self.width) else self.width
        taken = np.clip(amount - before, 0.0, self.width)
        left = self.width - taken
        bought, rest = taken > 0, left > 0
        return (
            Pieces(self.base, self.owner[bought], taken[bought], self.slope[bought]),
            Pieces(self.base + float(taken.sum()), self.owner[rest], left[rest], self.slope[rest]),
        )


def fill(arms: Sequence[Arm], tree: Node) -> Array | None:
    """Return the best spends of concave arms within the limits of a tree, or None where there are none."""
    return fill_pieces(pieces(arms, range(len(arms))), np.array([arm.x[0] for arm in arms]), tree)


def fill_pieces(offer: Pieces, lowest: Array, tree: Node) -> Array | None:
    """Return the best spends, shape ``(arm,)``, when pieces of concave arms are on offer above ``lowest``.

    Money goes to the piece with the highest slope first. A group buys its lower limit by itself and offers
    its parent the rest up to its upper limit; for sums nested in each other this greedy choice is exact
    (Federgruen and Groenevelt 1986, "The greedy procedure for resource allocation problems").
    """
    spend = lowest.copy()
    rest = _buy(offer, lowest, tree, spend)
    if rest is None:
        return None
    gainful = float(rest.width[rest.slope > 0].sum())
    _add(spend, rest.split(gainful)[0])
    return spend


def pieces(arms: Sequence[Arm], owners: Sequence[int]) -> Pieces:
    """Return the pieces of some arms, the best first (ties in the order of the arms)."""
    chosen = [arms[c] for c in owners]
    owner = np.repeat(np.array(owners, dtype=int), [len(a.x) - 1 for a in chosen])
    width = np.concatenate([np.diff(a.x) for a in chosen] or [np.empty(0)])
    slope = np.concatenate([a.slopes for a in chosen] or [np.empty(0)])
    return Pieces(sum(float(a.x[0]) for a in chosen), owner, width, slope).sorted()


def merged(arms: Sequence[Arm], owners: Sequence[int]) -> Arm:
    """Return the best joint objective of some concave arms at each sum of their spends, as one arm."""
    all_pieces = pieces(arms, owners)
    x = all_pieces.base + np.concatenate([[0.0], np.cumsum(all_pieces.width)])
    y = sum(arms[c].y[0] for c in owners) + np.concatenate([[0.0], np.cumsum(all_pieces.width * all_pieces.slope)])
    return Arm(x, y)


def _buy(offer: Pieces, lowest: Array, node: Node, spend: Array) -> Pieces | None:
    """Add to ``spend`` what the lower limits of ``node`` demand; return what is offered beyond."""
    mine = np.zeros(len(lowest), dtype=bool)
    mine[list(node.arms)] = True
    own = mine[offer.owner]
    parts = [Pieces(float(lowest[mine].sum()), offer.owner[own], offer.width[own], offer.slope[own])]
    for group in node.groups:
        offered = _buy(offer, lowest, group, spend)
        if offered is None:
            return None
        parts.append(offered)
    owner, width, slope = (np.concatenate([getattr(p, name) for p in parts]) for name in ("owner", "width", "slope"))
    everything = Pieces(sum(p.base for p in parts), owner, width, slope).sorted()
    most = everything.base + float(width.sum())
    slack = SLACK * abs(most)
    if everything.base > node.upper + slack or most < node.lower - slack:
        return None
    bought, rest = everything.split(max(0.0, node.lower - everything.base))
    _add(spend, bought)
    return rest.split(max(0.0, node.upper - rest.base))[0]


def _add(spend: Array, bought: Pieces) -> None:
    np.add.at(spend, bought.owner, bought.width)


def prices(arms: Sequence[Arm], tree: Node, spend: Array) -> tuple[Array, dict[Node, float]]:
    """Return what the next unit of spend adds in each arm and each group at an optimal plan.

    Returns:
        The price each arm faces, shape ``(arm,)``, and the price of each node's limit alone
        (the price inside less the price outside; the root's own price is its limit's).
    """
    rests: dict[Node, tuple[float, float]] = {}
    _rest(arms, tree, spend, rests)
    right, left = rests[tree]
    known = [v for v in (right, left) if np.isfinite(v)]
    outside = 0.0 if tree.lower < tree.upper or not known else sum(known) / len(known)
    price = np.zeros(len(arms))
    limit: dict[Node, float] = {}

    def hand_down(node: Node, outside: float, above: float) -> None:
        right, left = rests[node]
        own = min(max(outside, right), left)
        limit[node] = own - above
        price[list(node.arms)] = own
        for group in node.groups:
            hand_down(group, own, own)

    hand_down(tree, outside, 0.0)
    return price, limit


def _rest(arms: Sequence[Arm], node: Node, spend: Array, rests: dict[Node, tuple[float, float]]) -> tuple[float, float]:
    """Return between which prices the parts of ``node`` stay as they are: what their next and last units add."""
    parts = [_marginal(arms[c], spend[c]) for c in node.arms]
    parts += [_rest(arms, group, spend, rests) for group in node.groups]
    right, left = max(r for r, _ in parts), min(v for _, v in parts)
    rests[node] = (right, left)
    total = float(spend[list(node.members)].sum())
    return (-np.inf if total >= node.upper - SLACK else right, np.inf if total <= node.lower + SLACK else left)


def _marginal(arm: Arm, spend: float) -> tuple[float, float]:
    """Return what the next and the last unit of spend add, infinite where a limit stops it."""
    slopes = np.concatenate([[np.inf], arm.slopes, [-np.inf]])
    right = int(np.searchsorted(arm.x, spend + SLACK, side="right"))
    left = int(np.searchsorted(arm.x, spend - SLACK, side="left"))
    return float(slopes[right]), float(slopes[left])
