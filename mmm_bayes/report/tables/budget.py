"""Tables of plans, of other totals and of weeks."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mmm_bayes.allocate.decision import decision_of
from mmm_bayes.allocate.plan import Plan
from mmm_bayes.allocate.schedule import Schedule
from mmm_bayes.report.numbers import NONE, Money, between, chance, change, percent, ratio
from mmm_bayes.report.tables.table import Table, column_heads
from mmm_bayes.report.words import label, say, word


def first_moves(table: pd.DataFrame, whole: Plan, money: Money) -> Table:
    """Return the plan as somebody needs it who has to decide: the money to move, and how sure each move is."""
    rows = [
        [
            row.channel,
            *map(money.full, (row.now, row.plan)),
            money.signed(row.plan - row.now),
            _move(row.probability)[0],
        ]
        for row in table.itertuples()
    ]
    total = [say("cell.total"), money.full(whole.spend_now), money.full(whole.spend_plan)]
    total += [money.signed(whole.spend_plan - whole.spend_now), ""]
    heads = column_heads("channel", "today", "plan", "move", "how_sure")
    return Table(heads, [*rows, total], bold=[len(rows)], title=say("table.first", weeks=whole.weeks))


def first_stays(table: pd.DataFrame, next_units: Mapping[str, float], whole: Plan, money: Money) -> Table:
    """Return what today's money does, for somebody who is to leave it where it is; ``next_units`` by channel."""
    rows = [
        [row.channel, money.full(row.now), money.ratio(next_units.get(row.channel)), money.full(row.information)]
        for row in table.itertuples()
    ]
    heads = column_heads("channel", "today", "next_unit", "worth_of_test", unit=money.unit)
    total = [say("cell.total"), money.full(whole.spend_now), "", ""]
    return Table(heads, [*rows, total], bold=[len(rows)], title=say("table.first", weeks=whole.weeks))


def plan(table: pd.DataFrame, whole: Plan, money: Money) -> Table:
    """Return the plan beside today, the total last; that of somebody else has no limits, but verdicts on its moves."""
    limited = whole.scenario != "what_if"
    rows = [
        [
            row.channel,
            *_changed(row.now, row.plan, money),
            *([money.between(row.lower, row.upper)] if limited else []),
            *(money.full(row.contribution_now), money.full(row.contribution_plan), ratio(row.mroi)),
            *([] if limited else _move(row.probability)),
        ]
        for row in table.itertuples()
    ]
    total = [
        say("cell.total"),
        *_changed(whole.spend_now, whole.spend_plan, money),
        *([""] if limited else []),
        *(money.full(whole.contribution_now.mean), money.full(whole.contribution_plan.mean), ""),
        *([] if limited else (label(whole.decision, "decision") if whole.moves else NONE, "")),
    ]
    limits = ["limits"] if limited else []
    moves = [] if limited else ["decision", "move_right"]
    now = "as_now_planned" if whole.planned else "today"
    columns = ("channel", now, "plan", "change", *limits, "contribution_today", "contribution_plan", "marginal_roi")
    heads = column_heads(*columns, *moves)
    return Table(heads, [*rows, total], bold=[len(rows)], title=say("table.plan", weeks=whole.weeks))


def drafts(table: pd.DataFrame, spends: pd.DataFrame, money: Money) -> Table:
    """Return plans side by side: what each gains, how sure that is, and where its money goes.

    Args:
        table: one row per plan, see `allocate.plans_table`.
        spends: planned spend by channel, one column per plan.
        money: currency and decimals.
    """
    heads = [
        *column_heads("scenario", "weeks", "spend", "gain", "interval", "chance", "profit", "decision"),
        *spends.index,
    ]
    rows = [
        [
            row.name,
            str(row.weeks),
            money.full(row.spend_plan),
            money.short(row.gain_mean),
            money.between(row.gain_low, row.gain_high),
            chance(row.probability),
            money.short(row.profit_gain_mean),
            label(row.decision, "decision"),
            *map(money.full, spends[row.name]),
        ]
        for row in table.itertuples(index=False)
    ]
    return Table(heads, rows)


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
    return Table(column_heads("geo", "today", "plan", "change"), rows, title=say("table.geos", weeks=whole.weeks))


def staying(table: pd.DataFrame, whole: Plan, money: Money) -> Table:
    """Return what today's budget brings where nothing is to move: its next unit, its doubts, what a test is worth."""
    rows = [
        [
            row.channel,
            money.full(row.now),
            money.full(row.contribution_now),
            ratio(row.mroi),
            between(row.mroi_low, row.mroi_high),
            money.between(row.best_low, row.best_high),
            money.full(row.observed),
            money.full(row.information),
        ]
        for row in table.itertuples()
    ]
    total = [say("cell.total"), money.full(whole.spend_now), money.full(whole.contribution_now.mean), *[""] * 5]
    columns = ("channel", "today", "contribution_today", "marginal_roi", "interval_at", "best_in_draws", "observed")
    heads = column_heads(*columns, "worth_of_test", level=whole.ci_prob)
    return Table(heads, [*rows, total], bold=[len(rows)], title=say("table.staying", weeks=whole.weeks))


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
    heads = column_heads(*columns, level=whole.ci_prob)
    return Table(heads, rows, title=say("table.doubts", weeks=whole.weeks))


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
    best = int(table["profit"].to_numpy().argmax())
    ends = {0, len(table) - 1, best}
    shown = [i for i in range(len(table)) if i % 4 == 0 or i in ends or table["today"].iloc[i]]
    some = table.iloc[shown]
    added = (some["response_mean"].diff() / some["total"].diff()).tolist()
    rows = [
        [
            money.full(row.total),
            _against(row, whole.spend_now, best),
            money.full(row.response_mean),
            money.between(row.response_low, row.response_high),
            ratio(row.roi),
            ratio(mroi),
            money.short(row.profit_gain_mean),
            money.between(row.profit_gain_low, row.profit_gain_high),
            percent(row.beyond),
        ]
        for row, mroi in zip(some.itertuples(), added, strict=True)
    ]
    heads = column_heads(
        *("total", "against_today", "contribution", "interval_at", "roi", "marginal_roi"),
        *("profit", "interval_at", "beyond_observed"),
        level=whole.ci_prob,
    )
    bold = [i for i, at in enumerate(shown) if table["today"].iloc[at] or at == best]
    return Table(heads, rows, bold=bold, title=say("table.frontier", weeks=whole.weeks))


def _against(row: Any, now: float, best: int) -> str:
    """Return a total beside today's, and whether its profit is the highest."""
    text = say("cell.todays_total") if row.today else change(row.total / now - 1) if now else NONE
    return say("cell.most_profitable", total=text) if row.Index == best else text


def schedule(schedules: Sequence[Schedule], table: pd.DataFrame, money: Money) -> Table:
    """Return the best weeks of each channel and what they gain over even ones.

    Args:
        schedules: one per channel.
        table: the plan, see `facts.plan_by_channel`.
        money: currency and decimals.
    """
    planned = dict(zip(table["channel"], table["contribution_plan"], strict=True))
    heads = column_heads("channel", "best_weeks", "spend", "as_planned", "evenly")
    rows = [
        [s.channel, word(s.pattern), *map(money.full, (s.total, planned[s.channel], s.response_even))]
        for s in schedules
    ]
    if any(s.gain.mean for s in schedules):
        heads += column_heads("gain_of_weeks", "interval", "probability")
        rows = [[*row, *_gained(s, money)] for row, s in zip(rows, schedules, strict=True)]
    return Table(heads, rows, text=2, title=say("table.schedule", weeks=len(schedules[0].spend)))


def _gained(found: Schedule, money: Money) -> list[str]:
    gain = found.gain
    if not gain.mean:
        return [NONE] * 3
    return [money.short(gain.mean), money.between(gain.low, gain.high), chance(gain.probability)]
