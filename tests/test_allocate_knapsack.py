"""The knapsack against references that share no code with it: HiGHS's branch and bound, and brute force."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from mmm_bayes.allocate.arms import Arm, cells, hull, is_concave, restrict, stretch
from mmm_bayes.allocate.knapsack import solve, worth
from mmm_bayes.allocate.tree import Node, build_tree, round_spend, within

SHAPES = ("hill", "s_shaped", "staircase", "random")


def curve(rng: np.random.Generator, shape: str, points: int = 9) -> tuple[np.ndarray, np.ndarray]:
    x = np.concatenate([[0.0], np.cumsum(rng.uniform(0.2, 1.0, points - 1))])
    if shape == "staircase":
        y = np.repeat(rng.uniform(0, 1, points) * (rng.uniform(size=points) < 0.6), 1)
        return x, np.cumsum(np.concatenate([[0.0], y[1:]]))
    if shape == "random":
        return x, np.concatenate([[0.0], np.cumsum(rng.exponential(1.0, points - 1))])
    slope = rng.uniform(0.5, 1.0) if shape == "hill" else rng.uniform(1.5, 6.0)
    kappa = rng.uniform(0.2, 1.0) * x[-1]
    return x, rng.lognormal(0, 1) * x**slope / (x**slope + kappa**slope)


def problem(seed: int, count: int) -> tuple[list[Arm], Node]:
    """Random arms (some with a smallest useful spend) under a budget and nested groups that can be met."""
    rng = np.random.default_rng(seed)
    arms, inner = [], []
    for _ in range(count):
        x, y = curve(rng, rng.choice(SHAPES))
        low = 0.0 if rng.uniform() < 0.6 else rng.uniform(0, 0.4) * x[-1]
        high = rng.uniform(max(low, 0.5 * x[-1]), x[-1])
        useful = rng.uniform(0.2, 0.9) * high if low == 0 and rng.uniform() < 0.4 else 0.0
        arms.append(restrict(x, y, low, high, useful))
        inner.append(rng.choice(arms[-1].x) if arms[-1].hole else rng.uniform(low, high))
    spend = np.array(inner)
    spans = []
    if count > 2 and rng.uniform() < 0.7:
        members = (0, 1, 2)[: rng.integers(2, 4)]
        spans.append(span(spend, members, rng, "outer"))
        if len(members) == 3 and rng.uniform() < 0.5:
            spans.append(span(spend, (0, 2), rng, "inner"))
    total = spend.sum()
    tree = build_tree(count, spans, total, total if rng.uniform() < 0.7 else total * 1.2)
    return arms, tree


def span(spend: np.ndarray, members: tuple[int, ...], rng: np.random.Generator, name: str) -> Node:
    total = spend[list(members)].sum()
    return Node(members, lower=total * rng.uniform(0, 1), upper=total * rng.uniform(1, 1.5), name=name)


def reference(arms: list[Arm], tree: Node) -> float:
    """The optimum by mixed-integer programming: one binary per piece, a convex combination of its ends."""
    owner, ends, values = [], [], []
    for c, arm in enumerate(arms):
        first = [(arm.x[0], arm.x[0], arm.y[0], arm.y[0])] if arm.hole or len(arm.x) == 1 else []
        start = 1 if arm.hole else 0
        pieces = first + [
            (arm.x[i], arm.x[i + 1], arm.y[i], arm.y[i + 1]) for i in range(start, len(arm.x) - 1)
        ]
        for a, b, ya, yb in pieces:
            owner.append(c), ends.append((a, b)), values.append((ya, yb))
    owner, ends, values = np.array(owner), np.array(ends), np.array(values)
    n = len(owner)
    objective = -np.concatenate([values[:, 0], values[:, 1], np.zeros(n)])
    rows = [np.concatenate([owner == c, owner == c, np.zeros(n)]) for c in range(len(arms))]
    constraints = [LinearConstraint(csr_array(np.array(rows, dtype=float)), 1, 1)]
    eye = np.eye(n)
    constraints.append(LinearConstraint(csr_array(np.hstack([eye, eye, -eye])), 0, 0))
    for node in tree.walk():
        inside = np.isin(owner, node.members)
        row = np.concatenate([ends[:, 0] * inside, ends[:, 1] * inside, np.zeros(n)])
        constraints.append(LinearConstraint(row[None], node.lower - 1e-9, node.upper + 1e-9))
    integrality = np.concatenate([np.zeros(2 * n), np.ones(n)])
    found = milp(objective, constraints=constraints, integrality=integrality, bounds=Bounds(0, 1), options={"mip_rel_gap": 1e-9})
    assert found.status == 0, found.message
    return -found.fun


@given(st.integers(0, 10**6), st.integers(1, 7))
@settings(max_examples=150, deadline=None)
def test_optimum_and_bound_agree_with_branch_and_bound(seed: int, count: int) -> None:
    arms, tree = problem(seed, count)
    best = reference(arms, tree)
    found = solve(arms, tree)
    assert found is not None
    assert within(tree, found.spend, 1e-6)
    assert all(arm.x[0] - 1e-9 <= s <= arm.x[-1] + 1e-9 for arm, s in zip(arms, found.spend, strict=True))
    assert all(not arm.hole or s <= arm.x[0] + 1e-9 or s >= arm.x[1] - 1e-9 for arm, s in zip(arms, found.spend, strict=True))
    assert found.value == pytest.approx(worth(arms, found.spend))
    assert found.value <= best * (1 + 1e-6) + 1e-9
    assert found.bound >= best * (1 - 1e-6) - 1e-9
    assert found.bound - found.value <= 1e-3 * found.value + 1e-9
