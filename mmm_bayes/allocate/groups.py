"""Limits on sums of channels: groups, and a channel over its geos. They must lie inside each other or apart."""

import math
from collections.abc import Sequence
from dataclasses import replace

from mmm_bayes.allocate.conflicts import money
from mmm_bayes.allocate.solver import Node
from mmm_bayes.config import Allocate, Limits
from mmm_bayes.curves import arm_of, channel_of
from mmm_bayes.errors import AllocationError, nearest
from mmm_bayes.transforms import Array


def spans(names: Sequence[str], today: Array, settings: Allocate) -> list[Node]:
    """Return the groups of the configuration, and limits on a channel over its geos, as limits on sums.

    Args:
        names: of the arms.
        today: spend of the window if nothing changes, currency, shape ``(arm,)``.
        settings: the budget question.

    Raises:
        AllocationError: naming an unknown channel, or two groups that overlap.
    """
    require_known(names, settings)
    found: dict[frozenset[int], Node] = {}
    for name, limits in settings.limits.items():
        if name not in names:
            arms = arms_of(names, (name,))
            _add_span(found, Node(arms, (), *_sum_range(name, float(today[list(arms)].sum()), limits), f"'{name}'"))
    for group in settings.groups:
        label = f"group '{group.name or ' + '.join(group.channels)}'"
        upper = math.inf if group.upper is None else group.upper
        _add_span(found, Node(arms_of(names, group.channels), (), group.lower, upper, label))
    spans = list(found.values())
    for i, a in enumerate(spans):
        if a.lower > a.upper:
            raise AllocationError(
                f"{a.name}: its lower limit {money(a.lower)} is above its upper limit {money(a.upper)}."
            )
        for b in spans[:i]:
            _check_nested(a, b, names)
    return spans


def arms_of(names: Sequence[str], wanted: Sequence[str]) -> tuple[int, ...]:
    """Return the indices of the arms that names speak for: an arm's own, or a channel's for all its geos."""
    return tuple(c for c, name in enumerate(names) if name in wanted or channel_of(name) in wanted)


def _add_span(found: dict[frozenset[int], Node], span: Node) -> None:
    """Two limits on the same channels become one."""
    key = frozenset(span.arms)
    if key in found:
        other = found[key]
        name = f"{other.name} and {span.name}"
        span = replace(span, lower=max(span.lower, other.lower), upper=min(span.upper, other.upper), name=name)
    found[key] = span


def _sum_range(name: str, today: float, limits: Limits) -> tuple[float, float]:
    """Return the limits on a channel's sum over its geos."""
    if limits.minimum_useful is not None:
        raise AllocationError(
            f"allocate.limits.{name}.minimum_useful: cannot hold for a sum over geos; "
            f"give it per arm, '{arm_of(name, 'GEO')}'."
        )
    if limits.fixed:
        return today, today
    low, high = (0.0, math.inf) if limits.relative is None else (ratio * today for ratio in limits.relative)
    return low if limits.lower is None else limits.lower, high if limits.upper is None else limits.upper


def _check_nested(a: Node, b: Node, names: Sequence[str]) -> None:
    left, right = set(a.arms), set(b.arms)
    if left & right and not (left <= right or right <= left):
        shared = ", ".join(names[c] for c in sorted(left & right)[:3])
        raise AllocationError(
            f"{a.name} and {b.name} overlap in {shared} but neither holds the other; "
            f"split them so that groups lie inside each other or apart."
        )


def require_known(names: Sequence[str], settings: Allocate) -> None:
    """Refuse limits and groups of channels that are not planned.

    Raises:
        AllocationError: naming all of them.
    """
    known = sorted({*names, *(channel_of(name) for name in names)})
    asked = [(f"allocate.limits.{name}", name) for name in settings.limits]
    asked += [("allocate.groups", name) for group in settings.groups for name in group.channels]
    strange = [
        f"{place}: there is no channel '{name}'; {nearest(name, known)}" for place, name in asked if name not in known
    ]
    if strange:
        raise AllocationError(*strange)
