"""Tables of a report: the numbers of the steps' files, with units and few digits."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mmm_bayes.allocate.decision import decision_of
from mmm_bayes.allocate.plan import Plan
from mmm_bayes.allocate.schedule import Schedule
from mmm_bayes.evidence import Evidence
from mmm_bayes.findings import Finding
from mmm_bayes.report.facts import Headline, roi_draws
from mmm_bayes.report.numbers import NONE, Money, between, chance, change, count, percent, ratio
from mmm_bayes.report.results import Comparison, Fit, Truth
from mmm_bayes.report.words import judged, label, say, word

MODEL_NAMES = {name: label(name, "model_name") for name in ("bayesian", "lightgbm", "seasonal_naive")}


@dataclass(frozen=True)
class Table:
    """A table ready to print.

    Attributes:
        heads: titles of the columns.
        rows: texts.
        text: how many columns from the left are text; the others are numbers and stand to the right.
        bold: places of rows that are totals.
        title: what the table is of, for where no text says so.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    text: int = 1
    bold: Sequence[int] = ()
    title: str = ""

    def without(self, *codes: str) -> "Table":
        """Return the table without some columns, for where there is less room."""
        dropped = _heads(*codes)
        if not set(dropped) <= set(self.heads):
            raise KeyError(f"the table has only {self.heads}")
        kept = [i for i, head in enumerate(self.heads) if head not in dropped]
        return replace(
            self,
            heads=[self.heads[i] for i in kept],
            rows=[[row[i] for i in kept] for row in self.rows],
            text=sum(i < self.text for i in kept),
        )


def _heads(*codes: str, level: float = math.nan, break_even: str = "") -> list[str]:
    """Return heads of columns; some name the probability of an interval, or the ROI from which on a channel pays."""
    return [say(f"column.{code}", level=level, break_even=break_even) for code in codes]


def roi(fit: Fit, head: Headline, kpi: float, break_even: float, money: Money) -> Table:
    """Return what each channel cost and returned, the total last."""
    level = float(fit.roi["ci_prob"].iloc[0])
    returns = roi_draws(fit, kpi)
    rows = [
        [
            row.channel,
            money.full(row.spend) if row.spend else NONE,
            money.full(row.contribution),
            percent(row.contribution_share),
            ratio(row.roi_median),
            between(row.roi_low, row.roi_high),
            chance(np.mean(returns[:, c] > break_even)) if row.spend else NONE,
            ratio(row.mroi_median),
            between(row.prior_roi_low, row.prior_roi_high),
            label(fit.diagnostics["learning"][row.channel]["says"], "says"),
        ]
        for c, row in enumerate(fit.roi.itertuples())
    ]
    paid = returns[:, (fit.roi["spend"] > 0).to_numpy()]
    weights = fit.roi.loc[fit.roi["spend"] > 0, "spend"].to_numpy() / head.spend
    total = [
        say("cell.all_channels"),
        money.full(head.spend),
        money.full(head.contribution.mean),
        percent(head.share.mean),
        ratio(head.roi.mean),
        between(head.roi.low, head.roi.high),
        chance(np.mean(paid @ weights > break_even)),
        *[""] * 3,
    ]
    heads = _heads(
        *("channel", "spend", "contribution", "share", "roi", "interval_at"),
        *("chance_over", "marginal_roi", "prior", "says"),
        level=level,
        break_even=ratio(break_even).removesuffix(".00"),
    )
    return Table(heads, [*rows, total], bold=[len(rows)], title=say("table.roi"))


def checks(fit: Fit) -> Table:
    """Return every check of the fit."""
    found = [judged(reason) for reason in fit.diagnostics["reasons"]]
    rows = [[r.check, r.status, r.message, r.remedy] for r in found]
    return Table(_heads("check", "result", "found", "remedy"), rows, text=4)


def foundations(fit: Fit) -> Table:
    """Return what each channel's ROI rests on: what the data say, and how far prior and data move it."""
    found, unseen = fit.diagnostics, fit.roi.set_index("channel")["unseen_share"]
    rows = [
        [
            channel,
            label(found["learning"][channel]["says"], "says"),
            label(moved["talks"], "talks"),
            *(f"{moved['prior']:.2f}", f"{moved['likelihood']:.2f}"),
            label("yes" if found["demand"][channel]["follows"] else "no", "answer"),
            percent(unseen[channel]),
        ]
        for channel, moved in found["sensitivity"].items()
    ]
    heads = _heads("channel", "says", "talks", "prior_moves", "data_move", "follows_demand", "unseen")
    return Table(heads, rows, text=3)


def lift_tests(lift: pd.DataFrame, money: Money, write: Any) -> Table:
    """Return what each lift test found beside what the model says, without the tests and with them."""
    rows = [
        [
            *(row.channel, row.start, row.end, row.geos, money.full(row.spend_change)),
            f"{write(row.incremental_kpi)} \N{PLUS-MINUS SIGN} {write(row.standard_error)}",
            f"{write(row.before_median)} ({write(row.before_low)} to {write(row.before_high)})",
            f"{write(row.predicted_median)} ({write(row.predicted_low)} to {write(row.predicted_high)})",
        ]
        for row in lift.itertuples()
    ]
    heads = _heads("channel", "from", "to", "geos", "spend_change", "test_found", "without_test", "with_test")
    return Table(heads, rows, text=4)


def lift_roi(lift: pd.DataFrame) -> Table:
    """Return the ROI of the tested channels without the tests and with them."""
    rows = [
        [
            *(row.channel, ratio(row.roi_before_median), between(row.roi_before_low, row.roi_before_high)),
            *(ratio(row.roi_median), between(row.roi_low, row.roi_high)),
        ]
        for row in lift.drop_duplicates("channel").itertuples()
    ]
    return Table(_heads("channel", "roi_without", "interval", "roi_with", "interval"), rows)


def errors(comparison: Comparison, write: Any) -> Table:
    """Return the errors of each model on the holdout; ``write`` shows an amount of the KPI."""
    found = comparison.summary["errors"]
    level = next(iter(found.values()))["ci_prob"]
    rows = [
        [
            MODEL_NAMES.get(model, model),
            percent(e["wmape"]),
            percent(e["wmape_total"]),
            change_with_tenths(e["bias"]),
            write(e["mae"]),
            write(e["crps"]),
            percent(e["coverage"]),
            percent(e["width"]),
        ]
        for model, e in found.items()
    ]
    columns = ("model", "wmape", "wmape_total", "bias", "mean_error", "crps", "interval_held", "width")
    heads = _heads(*columns, level=level)
    return Table(heads, rows)


def change_with_tenths(share: float | None) -> str:
    """Return a small signed share: ``+1.3%``."""
    text = percent(share)
    return f"+{text}" if share is not None and share > 0 and text != "0%" else text


def both_models(comparison: Comparison) -> Table:
    """Return the ROI of both models, with the truth where it is known."""
    table = comparison.roi
    known = table["true_roi"].notna().any()
    rows = [
        [
            row.channel,
            *(ratio(row.bayesian_roi), between(row.bayesian_low, row.bayesian_high)),
            *(ratio(row.lightgbm_roi), between(row.lightgbm_low, row.lightgbm_high)),
            *([ratio(row.true_roi)] if known else []),
        ]
        for row in table.itertuples()
    ]
    heads = _heads("channel", "bayesian_roi", "interval", "lightgbm_roi", "interval", *(["true_roi"] if known else []))
    return Table(heads, rows)


def plan(table: pd.DataFrame, whole: Plan, money: Money) -> Table:
    """Return the plan beside today, the total last; a plan of somebody else's has no limits."""
    limited = whole.scenario != "what_if"
    rows = [
        [
            row.channel,
            *_changed(row.now, row.plan, money),
            *([money.between(row.lower, row.upper)] if limited else []),
            *(money.full(row.contribution_now), money.full(row.contribution_plan), ratio(row.mroi)),
        ]
        for row in table.itertuples()
    ]
    total = [
        say("cell.total"),
        *_changed(whole.spend_now, whole.spend_plan, money),
        *([""] if limited else []),
        *(money.full(whole.contribution_now.mean), money.full(whole.contribution_plan.mean), ""),
    ]
    limits = ["limits"] if limited else []
    columns = ("channel", "today", "plan", "change", *limits, "contribution_today", "contribution_plan", "marginal_roi")
    heads = _heads(*columns)
    return Table(heads, [*rows, total], bold=[len(rows)], title=say("table.plan", weeks=whole.weeks))


def _changed(now: float, planned: float, money: Money) -> list[str]:
    relative = change(planned / now - 1) if now else say("cell.new") if planned else NONE
    return [money.full(now), money.full(planned), relative]


def plan_by_geo(whole: Plan, channels: Mapping[str, str], money: Money) -> Table:
    """Return today's spend and the plan by geo, over all channels."""
    sums: dict[str, list[float]] = {}
    for arm in whole.channels:
        geo = arm.channel.removeprefix(f"{channels[arm.channel]} | ")
        now, planned = sums.get(geo, (0.0, 0.0))
        sums[geo] = [now + arm.spend_now, planned + arm.spend_plan]
    rows = [[geo, *_changed(now, planned, money)] for geo, (now, planned) in sums.items()]
    return Table(_heads("geo", "today", "plan", "change"), rows, title=say("table.geos"))


def plan_doubts(table: pd.DataFrame, whole: Plan, money: Money) -> Table:
    """Return how sure each channel's part of the plan is, and what a test of it is worth."""
    rows = [
        [
            row.channel,
            money.full(row.plan),
            *_move(row.probability),
            money.between(row.best_low, row.best_high),
            money.full(row.observed),
            percent(row.beyond / row.plan) if row.plan else NONE,
            money.full(row.information),
        ]
        for row in table.itertuples()
    ]
    columns = ("channel", "plan", "decision", "move_right", "best_in_draws", "observed", "beyond", "worth_of_test")
    heads = _heads(*columns, level=whole.ci_prob)
    return Table(heads, rows, title=say("table.doubts"))


def _move(probability: float) -> tuple[str, str]:
    """Return the verdict on a move that is right with a probability, and that; a channel that stays has neither."""
    if np.isnan(probability):
        return NONE, NONE
    return label(decision_of(probability), "decision"), percent(probability)


def frontier(table: pd.DataFrame, whole: Plan, money: Money) -> Table:
    """Return the best plan for some totals, today's and the most profitable among them.

    Args:
        table: see `facts.totals_of`.
        whole: the plan.
        money: currency and decimals.
    """
    ends = {0, len(table) - 1, int(table["profit"].to_numpy().argmax())}
    shown = [i for i in range(len(table)) if i % 4 == 0 or i in ends or table["today"].iloc[i]]
    rows = [
        [
            money.full(row.total),
            say("cell.todays_total")
            if row.today
            else change(row.total / whole.spend_now - 1)
            if whole.spend_now
            else NONE,
            money.full(row.response_mean),
            money.between(row.response_low, row.response_high),
            ratio(row.roi),
            ratio(row.mroi),
            money.short(row.profit_gain_median),
            money.between(row.profit_gain_low, row.profit_gain_high),
            percent(row.beyond),
        ]
        for row in table.iloc[shown].itertuples()
    ]
    heads = _heads(
        *("total", "against_today", "contribution", "interval_at", "roi", "marginal_roi"),
        *("profit", "interval_at", "beyond_observed"),
        level=whole.ci_prob,
    )
    return Table(heads, rows, bold=[i for i, at in enumerate(shown) if table["today"].iloc[at]])


def schedule(schedules: Sequence[Schedule], table: pd.DataFrame, money: Money) -> Table:
    """Return the best weeks of each channel and what they gain over even ones.

    Args:
        schedules: one per channel.
        table: the plan, see `facts.plan_by_channel`.
        money: currency and decimals.
    """
    planned = dict(zip(table["channel"], table["contribution_plan"], strict=True))
    heads = _heads("channel", "best_weeks", "spend", "as_planned", "evenly")
    rows = [
        [s.channel, word(s.pattern), *map(money.full, (s.total, planned[s.channel], s.response_even))]
        for s in schedules
    ]
    if any(s.gain.mean for s in schedules):
        heads += _heads("gain_of_weeks", "interval", "probability")
        rows = [[*row, *_gained(s, money)] for row, s in zip(rows, schedules, strict=True)]
    return Table(heads, rows, text=2, title=say("table.schedule"))


def _gained(found: Schedule, money: Money) -> list[str]:
    gain = found.gain
    if not gain.mean:
        return [NONE] * 3
    return [money.short(gain.median), money.between(gain.low, gain.high), chance(gain.probability)]


def waterfall(quality: dict[str, Any], money: Money) -> Table:
    """Return what became of the lines that were read."""
    steps = quality["waterfall"]
    rows = [[word(Finding(s["code"], s["values"])), count(s["lines"]), _worth(s, money)] for s in steps]
    totals = [i for i, s in enumerate(steps) if s["total"]]
    return Table(_heads("step", "lines", "revenue"), rows, bold=totals, title=say("table.waterfall"))


def evidence(found: Sequence[Evidence], money: Money) -> Table:
    """Return what the data can tell of each channel."""
    rows = [
        [
            one.channel,
            money.full(one.spend) if one.spend else NONE,
            percent(one.share) if one.spend else NONE,
            count(one.weeks),
            percent(one.variation),
            NONE if one.inflation is None else ratio(one.inflation),
            NONE if one.nearest is None else f"{ratio(one.correlation)} ({one.nearest})",
            NONE if one.cost_change is None else ratio(one.cost_change),
            NONE if one.error is None else ratio(one.error),
            say("cell.yes") if one.rests else say("cell.no"),
        ]
        for one in found
    ]
    heads = _heads(
        *("channel", "spend", "share", "weeks_on", "variation", "inflation", "most_like", "cost_change"),
        *("likely_error", "rests"),
    )
    return Table(heads, rows, title=say("table.evidence"))


def _worth(step: Mapping[str, Any], money: Money) -> str:
    """Return the money of some lines: what is known, and of the others what they may be worth."""
    if not step["unknown"]:
        return money.cents(step["revenue"])
    estimate = step["estimate"]
    more = say("cell.about", amount=money.short(estimate)) if estimate else say("cell.unknown")
    if step["unknown"] == step["lines"]:
        return more
    return say("cell.and_more", known=money.cents(step["revenue"]), more=more)


def truth(known: Truth, fit: Fit, money: Money) -> Table:
    """Return the true return and contribution of each simulated channel beside the estimate."""
    rows = []
    for row in fit.roi.itertuples():
        true = known.channels.loc[row.channel]
        inside = row.roi_low <= true["roi"] <= row.roi_high
        rows.append(
            [
                *(
                    row.channel,
                    say("cell.yes") if inside else say("cell.no"),
                    ratio(true["roi"]),
                    ratio(row.roi_median),
                ),
                *(between(row.roi_low, row.roi_high), money.full(true["contribution"]), money.full(row.contribution)),
            ]
        )
    heads = _heads("channel", "inside", "true_roi", "estimate", "interval", "true_contribution", "estimate")
    return Table(heads, rows, text=2)
