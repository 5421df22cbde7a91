"""A plan that somebody else has in mind, judged by the same table."""

import re

import numpy as np

from mmm_bayes.allocate.conflicts import money
from mmm_bayes.allocate.groups import arms_of
from mmm_bayes.allocate.limits import Bounds, check_curves, digits
from mmm_bayes.allocate.plan import Plan
from mmm_bayes.allocate.planner import Answer, make_plan
from mmm_bayes.allocate.solver import Node
from mmm_bayes.config import Allocate
from mmm_bayes.curves import ResponseCurves
from mmm_bayes.errors import AllocationError, nearest
from mmm_bayes.transforms import Array

CHANGE = re.compile(r"(?P<sign>[+-]?)(?P<number>\d+(\.\d*)?|\.\d+)(?P<percent>%?)")


FARTHEST = 20
"""Times as far as the limits ask that curves are stretched for a what-if; beyond it is taken for a slip."""


def parse_what_if(text: str, curves: ResponseCurves) -> Array:
    """Return the spends that ``"tv=-20%,search=+50000,radio=30000"`` asks for, shape ``(arm,)``, currency.

    A sign changes today's spend, no sign replaces it; channels not named stay as they are. In curves by geo the
    name of a channel speaks for all its geos, an amount being shared out like today's spend.

    Raises:
        AllocationError: naming the part that cannot be read, or a spend below zero.
    """
    spend = curves.today.astype(float).copy()
    named: set[str] = set()
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, _, change = (piece.strip() for piece in part.partition("="))
        found = CHANGE.fullmatch(change)
        if not found:
            raise AllocationError(f"--what-if '{part}': write CHANNEL=CHANGE, for instance tv=-20% or search=+50000.")
        arms = list(arms_of(curves.channels, (name,)))
        if not arms:
            raise AllocationError(
                f"--what-if '{part}': there is no channel '{name}'; {nearest(name, list(curves.channels))}"
            )
        if name in named:
            raise AllocationError(f"--what-if: '{name}' is named twice; keep one of them.")
        named.add(name)
        spend[arms] = _changed(curves.today[arms], found)
        if np.any(spend[arms] < 0):
            raise AllocationError(
                f"--what-if '{part}': takes more than the {money(curves.today[arms].sum())} spent today."
            )
    if not named:
        raise AllocationError("--what-if: names no channel; write for instance tv=-20%,search=+50000.")
    return spend


def _changed(today: Array, change: re.Match[str]) -> Array:
    """Return the spends of some arms after one change."""
    number = float(change["number"]) * (-1.0 if change["sign"] == "-" else 1.0)
    if change["percent"]:
        return today * (number / 100.0 + (1.0 if change["sign"] else 0.0))
    return (today if change["sign"] else 0.0) + number * shares(today)


def shares(spend: Array) -> Array:
    """Return each arm's part of the whole, shape ``(arm,)``; equal parts where nothing is spent."""
    total = float(spend.sum())
    return spend / total if total > 0 else np.full(len(spend), 1.0 / len(spend))


def stretch_needed(curves: ResponseCurves, spend: Array) -> int:
    """Return how many times as far as they do the curves must go to answer a plan; 1 where they will do.

    Far beyond anything (`FARTHEST`) they are left as they are, and `evaluate_plan` refuses.
    """
    ends = curves.spend[:, -1]
    needed = int(np.ceil((spend / np.where(ends > 0, ends, np.inf)).max() * (1 - 1e-9)))
    return needed if 1 < needed <= FARTHEST else 1


def evaluate_plan(curves: ResponseCurves, spend: Array, settings: Allocate | None = None, ci_prob: float = 0.9) -> Plan:
    """Return what given spends would bring: the table of `allocate`, with nothing optimised.

    Args:
        curves: the response of each channel over the planning window, draw by draw.
        spend: currency, shape ``(arm,)``, in the order of the curves.
        settings: for the margin and the limit of extrapolation; limits on spend are not applied.
        ci_prob: probability of the intervals.

    Raises:
        AllocationError: for a spend that is negative, not a number, or beyond the end of its curve.
    """
    check_curves(curves)
    settings = settings or Allocate()
    spend = np.asarray(spend, dtype=float)
    if spend.shape != curves.today.shape:
        raise AllocationError(f"a plan needs one spend for each of the {len(curves.channels)} channels.")
    for name, s, end in zip(curves.channels, spend, curves.spend[:, -1], strict=True):
        if not (np.isfinite(s) and s >= 0):
            raise AllocationError(f"{name}: the planned spend {s:g} is no amount of money; give one from 0 up.")
        if s > end * (1 + 1e-9):
            raise AllocationError(
                f"{name}: the planned spend {money(s)} lies beyond the end of its response curve; "
                f"plan at most {money(end)}, or give allocate.limits.{name}.upper for a longer curve."
            )
    decimals = digits(float(max(curves.today.sum(), spend.sum())))
    spend, today = spend.round(decimals), curves.today.round(decimals)
    total = float(spend.sum())
    everything = Node(tuple(range(len(spend))), lower=total, upper=total)
    bounds = Bounds(spend, spend, np.zeros(len(spend)), everything, [], None, decimals, today, round(total, decimals))
    given = settings.model_copy(update={"scenario": "what_if", "objective": "mean"})
    return make_plan(curves, bounds, given, ci_prob, Answer(spend))
