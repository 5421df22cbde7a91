"""`Plan`: where the money should go, what that returns, how sure we are, and what to find out next.

A plan holds plain numbers only: what `save_plan` writes to ``allocation.json`` is all of it, so
`load_plan` gives the same plan back. All currency is for the whole planning window.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmm_bayes.allocate.decision import Decision, decision_of
from mmm_bayes.errors import DataError
from mmm_bayes.findings import Finding
from mmm_bayes.intervals import Interval
from mmm_bayes.transforms import Array
from mmm_bayes.workspace import write_csv, write_json

CSV, JSON = "allocation.csv", "allocation.json"

COLUMNS = [
    *("channel", "spend_now", "spend_plan", "lower", "upper", "contribution_now.mean", "contribution_plan.mean"),
    *("contribution_now.low", "contribution_now.high", "contribution_plan.low", "contribution_plan.high"),
    *("mroi.mean", "mroi.low", "mroi.high", "best_spend.median", "best_spend.low", "best_spend.high"),
    *("extrapolation", "probability", "decision", "value_of_information"),
]
"""What ``allocation.csv`` holds of a channel's row, interval ends after a dot."""


@dataclass(frozen=True)
class Gain(Interval[float]):
    """What a plan brings over today's spend, computed draw by draw, currency.

    Attributes:
        probability: share of draws in which the plan beats today (ties count half).
        percentiles: the 0th to 100th percentile, 101 values, currency.
    """

    probability: float
    percentiles: tuple[float, ...]

    @classmethod
    def of_draws(cls, draws: Array, mean: float, ci_prob: float, decimals: int) -> "Gain":
        """Return the distribution of gains ``(draw,)`` whose ``mean`` is known from totals, rounded.

        A gain of less than half the last digit is a tie.
        """
        found = Interval.of_one(draws, ci_prob, decimals)
        tie = np.abs(draws) < 0.5 * 10.0**-decimals
        percentiles = np.round(np.percentile(draws, np.arange(101)), decimals) + 0.0
        return cls(
            mean=round(mean, decimals) + 0.0,
            median=found.median,
            low=found.low,
            high=found.high,
            probability=float(np.mean(np.where(tie, 0.5, draws > 0))),
            percentiles=tuple(percentiles.tolist()),
        )

    @classmethod
    def of_json(cls, raw: Mapping[str, Any]) -> "Gain":
        """Return what ``asdict`` made of a gain on its way to a file."""
        return cls(**{**raw, "percentiles": tuple(raw["percentiles"])})


@dataclass(frozen=True)
class ChannelPlan:
    """One row of a plan.

    Attributes:
        channel: name of the arm (``channel`` or ``channel | geo``).
        spend_now, spend_plan, lower, upper: currency.
        contribution_now, contribution_plan: incremental KPI value, currency.
        mroi: KPI value of the next unit of currency at the plan.
        interior: the plan lies inside the channel's own limits: such channels have equal expected ``mroi``, groups and
            steps aside, as far as the points of the curves are close.
        observed: the highest spend ever seen in a window of this length, currency.
        extrapolation: share of the channel's planned spend that lies beyond ``observed``.
        probability: how probable it is that the money moved is better so, see `decision.move_probabilities`; None where
            none is.
        best_spend: where each posterior draw by itself would put this channel; None for a what-if.
        value_of_information: expected gain from a lift test of this channel, currency; None where not computed.
    """

    channel: str
    spend_now: float
    spend_plan: float
    lower: float
    upper: float
    contribution_now: Interval[float]
    contribution_plan: Interval[float]
    mroi: Interval[float]
    interior: bool
    observed: float
    extrapolation: float
    probability: float | None
    best_spend: Interval[float] | None
    value_of_information: float | None

    @property
    def decision(self) -> Decision:
        """Whether the move is clear, leaning or not yet to be made."""
        return decision_of(self.probability)


@dataclass(frozen=True)
class Plan:
    """A budget, its expected return, and how far either can be trusted.

    Attributes:
        scenario: ``fixed``, ``profit``, ``target_roi``, ``target_mroi`` or ``what_if``.
        objective: ``mean``, ``quantile``, ``cvar`` or ``probability``; ``level`` belongs to the middle two.
        model: ``bayesian`` or ``lightgbm``.
        weeks: length of the planning window.
        ci_prob: probability of every interval in the plan.
        channels: one row per arm, in the order of the curves.
        budget: what was to be spent (at most, unless the scenario is ``fixed``); None where the total was free.
        spend_now, spend_plan: totals of the rows, to the cent.
        unspent: budget that the upper limits or the step left over.
        contribution_now, contribution_plan: totals over channels; their means are the sums of the rows' means.
        gain: in KPI value, or in profit when the scenario is ``profit`` (see ``gain_in``).
        gain_in: ``kpi`` or ``profit``.
        profit_gain: the gain in ``margin * KPI value - spend``, whatever the scenario.
        objective_value: the objective at the plan, currency (or a probability).
        upper_bound: no plan within the limits has a higher objective; None where no bound is had.
        certified_gap: ``(upper_bound - objective_value) / objective_value``; None where no bound is had.
        method: ``exact`` (the best plan, up to the certified gap), ``local`` (a local optimum) or ``given``.
        regret: expected loss against knowing the truth before spending, currency; None for a what-if.
        regret_now: the same for today's spend; None where the limits forbid it.
        extrapolation: share of the planned spend beyond what was ever observed.
        extrapolation_limit: share above which a note warns.
        spread_draws: posterior draws behind ``best_spend`` and ``regret``.
        notes: what a reader must know.
        planned: whether the window is that of planned weeks, and "now" what is planned for them.
    """

    scenario: str
    objective: str
    level: float
    model: str
    weeks: int
    ci_prob: float
    channels: tuple[ChannelPlan, ...]
    budget: float | None
    spend_now: float
    spend_plan: float
    unspent: float
    contribution_now: Interval[float]
    contribution_plan: Interval[float]
    gain: Gain
    gain_in: str
    profit_gain: Gain
    objective_value: float
    upper_bound: float | None
    certified_gap: float | None
    method: str
    regret: float | None
    regret_now: float | None
    extrapolation: float
    extrapolation_limit: float
    spread_draws: int
    notes: tuple[Finding, ...]
    planned: bool = False

    @property
    def moves(self) -> bool:
        """Whether any money moves."""
        return any(row.spend_plan != row.spend_now for row in self.channels)

    @property
    def chance(self) -> float:
        """Probability that the plan beats today: in return, or in profit where it costs another sum."""
        return (self.gain if self.spend_plan == self.spend_now else self.profit_gain).probability

    @property
    def decision(self) -> Decision:
        """Whether the plan is clear, leaning or not yet to be made."""
        return decision_of(self.chance if self.moves else None)


def plan_table(plan: Plan) -> pd.DataFrame:
    """Return one row per channel, the columns of ``allocation.csv``; a mean goes by the name of its quantity."""
    rows = pd.json_normalize([asdict(row) | {"decision": row.decision} for row in plan.channels]).reindex(
        columns=COLUMNS
    )
    return rows.rename(columns=lambda name: name.removesuffix(".mean").replace(".", "_"))


def save_plan(plan: Plan, folder: Path) -> None:
    """Write ``allocation.csv`` and ``allocation.json`` into ``folder``."""
    write_csv(folder / CSV, plan_table(plan))
    write_json(folder / JSON, asdict(plan))


def load_plan(folder: Path) -> Plan:
    """Read the plan that `save_plan` wrote into ``folder``.

    Raises:
        DataError: when the file is missing or not a plan.
    """
    path = folder / JSON
    try:
        return _plan(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); run 'mmm-bayes allocate' first.") from None
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{path}: is not a plan of this version; run 'mmm-bayes allocate' again.") from None


def _plan(raw: dict[str, Any]) -> Plan:
    totals = {name: Interval(**raw[name]) for name in ("contribution_now", "contribution_plan")}
    gains = {name: Gain.of_json(raw[name]) for name in ("gain", "profit_gain")}
    notes = tuple(Finding(**note) for note in raw["notes"])
    return Plan(**{**raw, **totals, **gains, "channels": tuple(map(_row, raw["channels"])), "notes": notes})


def _row(raw: dict[str, Any]) -> ChannelPlan:
    known = {name: Interval(**raw[name]) for name in ("contribution_now", "contribution_plan", "mroi")}
    best = None if raw["best_spend"] is None else Interval(**raw["best_spend"])
    return ChannelPlan(**{**raw, **known, "best_spend": best})
