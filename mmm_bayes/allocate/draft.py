"""`Draft`: a budget that somebody is writing, and what it asks of `allocate`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from mmm_bayes.allocate.conflicts import money
from mmm_bayes.allocate.limits import digits
from mmm_bayes.allocate.plan import Plan, plan_table
from mmm_bayes.allocate.what_if import shares
from mmm_bayes.config import Allocate, Limits
from mmm_bayes.curves import ResponseCurves
from mmm_bayes.errors import AllocationError
from mmm_bayes.transforms import Array

Range = tuple[float | None, float | None]


@dataclass(frozen=True)
class Draft:
    """A budget that somebody is writing; all currency is for the whole window.

    Attributes:
        weeks: length of the planning window.
        spend: by arm, in the order of the curves.
        locked: arms whose money stays as it is written.
        limits: least and most by arm, or by channel over its geos, None where not given; they bind the best plan and
            a new total, not what is written.
        decimals: digits behind the point at most, those of today's budget; larger ones have fewer.
    """

    weeks: int
    spend: Mapping[str, float]
    locked: frozenset[str] = frozenset()
    limits: Mapping[str, Range] = field(default_factory=dict)
    decimals: int = 2

    @property
    def total(self) -> float:
        """What is spent in all, to the digit that is planned with."""
        total = sum(self.spend.values())
        return round(total, min(digits(total), self.decimals))

    @property
    def amounts(self) -> Array:
        """The spends, shape ``(arm,)``."""
        return np.array(list(self.spend.values()), dtype=float)

    @property
    def reach(self) -> Array:
        """How far the curves must go to answer it, shape ``(arm,)``, currency."""
        return np.array(
            [max(amount, self.limits.get(arm, (None, None))[1] or 0.0) for arm, amount in self.spend.items()]
        )

    def with_amounts(self, amounts: Array, free: Array | bool = True) -> "Draft":
        """Return the draft with other spends ``(arm,)``, whose total holds when each is rounded.

        What rounding leaves goes to the largest of those that are ``free``.
        """
        total = float(amounts.sum())
        decimals = min(digits(total), self.decimals)
        found = np.round(amounts, decimals) + 0.0
        largest = int(np.argmax(np.where(free, found, -1.0)))
        found[largest] = round(found[largest] + round(total, decimals) - float(found.sum()), decimals)
        return replace(self, spend=dict(zip(self.spend, found.tolist(), strict=True)))

    def with_spend(self, arms: Collection[str], amount: float) -> "Draft":
        """Return the draft with ``amount`` on some arms together, shared out among them as it is now."""
        inside = np.array([arm in arms for arm in self.spend])
        amounts = self.amounts
        amounts[inside] = amount * shares(amounts[inside])
        return self.with_amounts(amounts, inside)

    def with_total(self, total: float) -> "Draft":
        """Return the draft with another total: what is not locked changes in proportion, as far as limits allow.

        Raises:
            AllocationError: locks and limits do not allow the total.
        """
        amounts = self.amounts
        fixed = np.array([arm in self.locked for arm in self.spend])
        given = np.array([self.limits.get(arm, (None, None)) for arm in self.spend], dtype=float).T
        low, high = (
            np.where(fixed, amounts, np.nan_to_num(ends, nan=open_))
            for ends, open_ in zip(given, (0.0, np.inf), strict=True)
        )
        if not low.sum() <= total * (1 + 1e-9) or not total <= high.sum() * (1 + 1e-9):
            what, end = ("at least", low.sum()) if total < low.sum() else ("at most", high.sum())
            raise AllocationError(
                f"the total {money(total)} cannot be had: what is locked and the limits come to {what} "
                f"{money(float(end))}; unlock a channel, or widen a limit."
            )
        like = np.where(fixed, 0.0, amounts)
        found = _in_proportion(like, total, low, high)
        if found.sum() < total:  # what has no money yet grows in no proportion: it takes what is left, evenly
            found = _in_proportion(np.where(fixed, 0.0, 1.0), total, found, high)
        return self.with_amounts(found, (found > low) & (found < high))


def _in_proportion(like: Array, total: float, low: Array, high: Array) -> Array:
    """Return ``factor * like`` between the ends, with the one factor that makes it add up to ``total``."""
    known = like > 0
    most = total / like[known].min() if known.any() else 1.0
    ends = np.concatenate([low[known] / like[known], high[known] / like[known]])
    knots = np.unique(np.clip(np.append(ends, (0.0, most)), 0.0, most))
    totals = np.clip(knots[:, None] * like, low, high).sum(axis=1)
    return np.clip(np.interp(total, totals, knots) * like, low, high)


def draft_of_today(curves: ResponseCurves) -> Draft:
    """Return what is spent if nothing changes, as a draft."""
    decimals = digits(float(curves.today.sum()))
    today = np.round(curves.today, decimals).tolist()
    return Draft(curves.weeks, dict(zip(curves.channels, today, strict=True)), decimals=decimals)


def draft_of_plan(plan: Plan) -> Draft:
    """Return the spends of a plan as a draft."""
    spend = {row.channel: row.spend_plan for row in plan.channels}
    return Draft(plan.weeks, spend, decimals=digits(max(plan.spend_now, plan.spend_plan)))


def over_window(draft: Draft, before: ResponseCurves, after: ResponseCurves) -> Draft:
    """Return a draft for another window: money and limits keep their ratio to today's spend of the window.

    Args:
        draft: for the window of ``before``.
        before: the curves of its window.
        after: those of the other; an arm without spend today gets money in proportion to the weeks.
    """
    weeks = np.full(len(before.today), after.weeks / before.weeks)
    ratio = np.divide(after.today, before.today, out=weeks, where=(before.today > 0) & (after.today > 0))
    factor = dict(zip(draft.spend, ratio.tolist(), strict=True))

    def scaled(name: str, end: float | None) -> float | None:
        return None if end is None else end * factor.get(name, after.weeks / before.weeks)

    limits = {name: (scaled(name, low), scaled(name, high)) for name, (low, high) in draft.limits.items()}
    amounts = np.round(draft.amounts * ratio, draft_of_today(after).decimals).tolist()
    return replace(draft, weeks=after.weeks, limits=limits, spend=dict(zip(draft.spend, amounts, strict=True)))


def asked(draft: Draft, settings: Allocate) -> Allocate:
    """Return the question which plan is best with a draft's total, weeks, locks and limits.

    Args:
        draft: whose spends count as far as they are locked.
        settings: all else that is asked, such as scenario, margin and limits of channels without limits of their own.
    """
    own = {name: _limits(settings.limits.get(name), given) for name, given in draft.limits.items()}
    locked = {arm: Limits(lower=draft.spend[arm], upper=draft.spend[arm]) for arm in draft.locked}
    limits = {**settings.limits, **own, **locked}
    return settings.model_copy(update={"weeks": draft.weeks, "budget": draft.total, "limits": limits})


def _limits(before: Limits | None, given: Range) -> Limits:
    """Return limits with ends that were given over what stood there; `allocate` says where nothing lies between."""
    kept = {} if before is None else before.model_dump(exclude={"fixed"}, exclude_none=True)
    found = kept | {name: end for name, end in zip(("lower", "upper"), given, strict=True) if end is not None}
    return Limits.model_construct(**found)


def as_section(draft: Draft, settings: Allocate) -> dict[str, Any]:
    """Return the section ``allocate`` of a configuration that leaves `allocate` no plan but the draft.

    What could contradict it, such as groups and a step, is left out; margin, flighting and what else decides the
    figures of the plan is kept.
    """
    kept = settings.model_dump(mode="json", exclude_defaults=True)
    dropped = ("scenario", "target", "budget", "weeks", "limits", "groups", "step", "relative", "schedule", "weekly")
    limits = {arm: {"lower": amount, "upper": amount} for arm, amount in draft.spend.items()}
    kept = {name: value for name, value in kept.items() if name not in dropped}
    return {"scenario": "fixed", "weeks": draft.weeks, "budget": draft.total, **kept, "limits": limits}


# --- side by side -------------------------------------------------------------------------------


def plans_table(plans: Mapping[str, Plan]) -> pd.DataFrame:
    """Return one row per plan: ``name, weeks``, its totals and gains in currency, its probabilities and decision."""
    return pd.DataFrame([{"name": name, **_totals(plan)} for name, plan in plans.items()])


def _totals(plan: Plan) -> dict[str, Any]:
    intervals = {
        "contribution": plan.contribution_plan,
        "gain": plan.gain,
        "profit_gain": plan.profit_gain,
    }
    spread = {
        f"{what}_{end}": getattr(interval, end)
        for what, interval in intervals.items()
        for end in ("mean", "median", "low", "high")
    }
    chances = {"probability": plan.gain.probability, "profit_probability": plan.profit_gain.probability}
    spend = {"weeks": plan.weeks, "spend_now": plan.spend_now, "spend_plan": plan.spend_plan}
    return spend | spread | chances | {"decision": plan.decision}


def plans_by_channel(plans: Mapping[str, Plan]) -> pd.DataFrame:
    """Return the rows of `plan_table` of each plan under each other, the first columns ``name`` and ``weeks``."""
    tables = [
        plan_table(plan).dropna(axis="columns", how="all").assign(name=name, weeks=plan.weeks)
        for name, plan in plans.items()
    ]
    found = pd.concat(tables, ignore_index=True)
    return found[["name", "weeks", *(column for column in found if column not in ("name", "weeks"))]]
