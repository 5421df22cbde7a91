"""Max-plus dynamic programming over a tree of channels, for many problems at once."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mmm_bayes.allocate.solver.tree import Node
from mmm_bayes.transforms import Array


@dataclass(frozen=True)
class Profile:
    """The best value for every number of steps that some channels take together.

    Attributes:
        values: shape ``(problem, steps)``; ``-inf`` where the limits forbid it.
        base: the spend of these channels at zero steps.
        tail: how much more than its steps say they may spend together.
        key: the channel (or None for a joint arm) of a leaf; meaningless in a node.
        parts: the profiles that were combined.
        prefixes: ``values`` after the first, second, ... part and before the node's own limits.
    """

    values: Array
    base: float
    tail: float = 0.0
    key: int | None = None
    parts: tuple["Profile", ...] = ()
    prefixes: tuple[Array, ...] = ()


def combine(a: Array, b: Array, size: int) -> Array:
    """Return ``out[t] = max over k of a[t - k] + b[k]`` for ``t < size``, per problem (max-plus convolution)."""
    used_a, used_b = possible(a), possible(b)
    if len(used_b) > len(used_a):
        a, b, used_b = b, a, used_a
    size = min(size, a.shape[1] + b.shape[1] - 1)
    out = np.full((len(a), size), -np.inf)
    buffer = np.empty_like(a)
    for k in used_b[used_b < size]:
        n = min(a.shape[1], size - k)
        shifted = np.add(a[:, :n], b[:, k : k + 1], out=buffer[:, :n])
        np.maximum(out[:, k : k + n], shifted, out=out[:, k : k + n])
    return out


def possible(values: Array) -> np.ndarray:
    """Return the steps that some problem allows."""
    return np.flatnonzero((values > -np.inf).any(axis=0))


def profile_of(
    node: Node, leaves: Callable[[Node], list[Profile]], step: float, price: Callable[[Node], float]
) -> Profile:
    """Build the profile of a node from those of its channels and groups.

    A number of steps ``t`` stands for every sum in ``[base + t step, base + t step + tail]``; it is allowed where
    that range meets the node's limits, and ``price(node)`` times the best sum in both is added.

    Args:
        node: the tree.
        leaves: the profiles of a node's own channels.
        step: currency per step.
        price: price of the node's limit.
    """
    parts = [*leaves(node), *(profile_of(group, leaves, step, price) for group in node.groups)]
    base, tail = sum(p.base for p in parts), sum(p.tail for p in parts)
    size = max(1, int(np.floor((node.upper - base) / step + 1e-6)) + 1)
    prefixes = [parts[0].values[:, :size]]
    for part in parts[1:]:
        prefixes.append(combine(prefixes[-1], part.values, size))
    start = base + step * np.arange(prefixes[-1].shape[1])
    low, high = np.maximum(node.lower, start), np.minimum(node.upper, start + tail)
    own = price(node)
    term = np.where(low <= high + 1e-6 * step, own * (high if own > 0 else low), -np.inf)
    return Profile(prefixes[-1] + term, base, tail, parts=tuple(parts), prefixes=tuple(prefixes))


def trace(profile: Profile, steps: np.ndarray) -> dict[int, np.ndarray]:
    """Return for each channel how many steps it takes, shape ``(problem,)``, when ``profile`` takes ``steps``."""
    if not profile.parts:
        return {} if profile.key is None else {profile.key: steps}
    found: dict[int, np.ndarray] = {}
    rows = np.arange(len(steps))
    for i in range(len(profile.parts) - 1, 0, -1):
        values, before = profile.parts[i].values, profile.prefixes[i - 1]
        k = np.arange(values.shape[1])
        t = steps[:, None] - k
        known = (t >= 0) & (t < before.shape[1])
        total = np.where(known, before[rows[:, None], np.where(known, t, 0)] + values, -np.inf)
        taken = total.argmax(axis=1)
        found |= trace(profile.parts[i], taken)
        steps = steps - taken
    return found | trace(profile.parts[0], steps)
