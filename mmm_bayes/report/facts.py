"""What a report tells, as numbers: what media brought, which channel was best, what the plan moves."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mmm_bayes.allocate.frontier import spend_column
from mmm_bayes.allocate.plan import ChannelPlan, Plan
from mmm_bayes.allocate.schedule import Schedule
from mmm_bayes.curves import ResponseCurves, arm_of
from mmm_bayes.evidence import LAGS, weeks_on
from mmm_bayes.findings import Finding
from mmm_bayes.intervals import Interval
from mmm_bayes.panel import Panel
from mmm_bayes.posterior.parts import CHANNEL, CONTROL, DRIFT, LEVEL, PARTS
from mmm_bayes.report.numbers import Money, count
from mmm_bayes.report.results import Fit, Results
from mmm_bayes.transforms import Array

TINY = 1e-9
"""Share of the KPI below which a part of it is none."""

NOTICEABLE = 0.02
"""Share of the total that a channel's budget must move by to be named."""

MOVERS = (*(c for c in dict.fromkeys(part.component for part in PARTS) if c not in (None, LEVEL)), DRIFT)
"""Columns of ``contributions.csv`` that move the baseline, beside the controls."""


@dataclass(frozen=True)
class Headline:
    """What media did over the panel.

    Attributes:
        spend: currency, all channels.
        contribution: currency, all channels.
        share: the same as a part of the KPI.
        roi: the same of the paid channels per unit of spend.
        best: the paid channel that most probably returned more per unit than any other.
        best_roi: what it returned.
        best_chance: probability that no other channel returned more; below `decision.LEANING` none is to be named best.
        little: channels of which the data say little.
    """

    spend: float
    contribution: Interval[float]
    share: Interval[float]
    roi: Interval[float]
    best: str
    best_roi: Interval[float]
    best_chance: float
    little: list[str]


def headline(fit: Fit, kpi: float, ci_prob: float) -> Headline:
    """Return what media did, from the draws of the channels' shares.

    Args:
        fit: the tables and draws.
        kpi: value of the KPI over the panel, currency.
        ci_prob: mass of the intervals.
    """
    roi, returns = fit.roi, roi_draws(fit, kpi)
    spend, paid = float(roi["spend"].sum()), (roi["spend"] > 0).to_numpy()
    wins = np.bincount(np.nanargmax(returns, axis=1), minlength=len(roi)) / len(returns)
    best = roi.iloc[int(wins.argmax())]
    share = Interval.of_one(fit.share.sum(axis=1), ci_prob)
    return Headline(
        spend=spend,
        contribution=replace(share.times(kpi), mean=float(roi["contribution"].sum())),
        share=replace(share, mean=float(roi["contribution_share"].sum())),
        roi=replace(
            Interval.of_one(kpi * fit.share[:, paid].sum(axis=1) / spend, ci_prob),
            mean=float(roi["contribution"][paid].sum()) / spend,
        ),
        best=best["channel"],
        best_roi=Interval(*best[["roi_mean", "roi_median", "roi_low", "roi_high"]]),
        best_chance=float(wins.max()),
        little=_little(fit),
    )


def _little(fit: Fit) -> list[str]:
    """Return the channels of which the data say little."""
    learning = fit.diagnostics["learning"]
    return [channel for channel in fit.roi["channel"] if learning[channel]["says"] == "little"]


def rests_on_prior(fit: Fit, panel: Panel) -> Iterator[Finding]:
    """Yield which channels the data say little of, and which are too new for them to say much."""
    if names := _little(fit):
        yield Finding("media.rests_on_prior", {"channels": names})
    weeks = dict(zip(panel.channels, weeks_on(panel), strict=True))
    if new := [channel for channel in panel.channels if weeks[channel] < LAGS and channel not in names]:
        yield Finding("evidence.new", {"channels": new, "weeks": [count(weeks[channel], "week") for channel in new]})


NO_EFFECT = 0.5
"""Probability from which on a channel is said to show no effect."""


def without_effect(fit: Fit) -> list[Finding]:
    """Return the channels of which the data show no effect, with the most that they may return."""
    idle = fit.diagnostics["idle"]
    rows = fit.roi.set_index("channel")["roi_high"]
    return [
        Finding("media.no_effect", {"channel": channel, "most": float(rows[channel])})
        for channel, probability in idle.items()
        if probability > NO_EFFECT
    ]


def roi_draws(fit: Fit, kpi: float) -> Array:
    """Return the ROI of each channel draw by draw, shape ``(draw, channel)``; NaN where nothing was spent."""
    spend = fit.roi["spend"].to_numpy()
    return kpi * fit.share / np.where(spend > 0, spend, np.nan)


def contributions_by_channel(fit: Fit, kpi: float, ci_prob: float) -> pd.DataFrame:
    """Return ``channel, spend, mean, low, high, share`` in currency, largest contribution first."""
    drawn = Interval.of(kpi * fit.share, ci_prob)
    table = fit.roi[["channel", "spend"]].assign(
        mean=fit.roi["contribution"], low=drawn.low, high=drawn.high, share=fit.roi["contribution_share"]
    )
    return table.sort_values("mean", ascending=False, kind="stable")


def movers(contributions: pd.DataFrame) -> dict[str, pd.Series]:
    """Return by week what moved the KPI besides media: trend, season, holidays, drift and all controls together."""
    controls = [c for c in contributions if c.startswith(CONTROL)]
    found = {c: contributions[c] for c in MOVERS if c in contributions}
    if controls:
        found["controls"] = contributions[controls].sum(axis=1)
    return {name: values for name, values in found.items() if np.ptp(values) > 0}


def parts_of(contributions: pd.DataFrame, channels: Sequence[str]) -> pd.DataFrame:
    """Return what the baseline and each channel brought of the KPI over some weeks, and what was predicted in all.

    Args:
        contributions: weeks of ``contributions.csv``.
        channels: their names.

    Returns:
        ``part, amount, share``, amounts in units of the KPI: ``baseline``, each channel, and ``prediction`` last.
    """
    sums = contributions.drop(columns="week").sum()
    media = {channel: float(sums[f"{CHANNEL}{channel}"]) for channel in channels}
    whole = float(sums["prediction"])
    amounts = {LEVEL: whole - sum(media.values()), **media, "prediction": whole}
    table = pd.DataFrame({"part": list(amounts), "amount": list(amounts.values())})
    return table.assign(share=table["amount"] / whole if whole else np.nan)


def kpi_parts(contributions: pd.DataFrame) -> pd.DataFrame:
    """Return what adds up to the KPI that was observed, which is last; see `parts_of` for the columns.

    The parts are the columns of ``contributions.csv``; ``unexplained`` is what the model missed in all.
    """
    sums = contributions.drop(columns="week").sum()
    whole = float(sums.pop("observed"))
    sums["unexplained"] = whole - float(sums.pop("prediction"))
    told = sums[sums.abs() > TINY * abs(whole)]
    table = pd.DataFrame({"part": [*told.index, "observed"], "amount": [*told, whole]})
    return table.assign(share=table["amount"] / whole if whole else np.nan)


def roi_of_runs(fits: Mapping[str, Fit]) -> pd.DataFrame:
    """Return ``run, channel, mean, low, high``: the ROI of each paid channel in each run, channels of all in turn."""
    names = {"roi_mean": "mean", "roi_low": "low", "roi_high": "high"}
    tables = [
        fit.roi.dropna(subset="roi_mean")[["channel", *names]].rename(columns=names).assign(run=run)
        for run, fit in fits.items()
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["run", "channel", *names.values()])


# --- verdict ------------------------------------------------------------------------------------


def contradictions(fit: Fit) -> list[Finding]:
    """Return where the second model contradicts the ROI of a channel."""
    found = (r["values"]["findings"] for r in fit.diagnostics["reasons"] if r["check"] == "second_opinion")
    return [Finding(**raw) for findings in found for raw in findings]


# --- plan ---------------------------------------------------------------------------------------


def money_of(results: Results) -> Money:
    """Return how amounts of the size of a run's spend are shown."""
    return Money.fitting(results.config.currency, float(results.panel.data["spend"].sum()))


def notes_of(results: Results) -> list[Finding]:
    """Return what is to be known of the data, each thing once."""
    told = [Finding(**raw) for raw in results.quality["notes"]]
    return [*told, *(note for note in results.panel.notes if note not in told)]


def channel_of(panel: Panel) -> dict[str, str]:
    """Return the channel by arm: a channel is its own, and in plans by geo ``channel | geo`` is one too."""
    arms = {arm_of(channel, geo): channel for channel in panel.channels for geo in panel.geos}
    return arms | {channel: channel for channel in panel.channels}


def plan_by_channel(plan: Plan, channels: Mapping[str, str]) -> pd.DataFrame:
    """Return one row per channel, in currency; plans by geo are added up over the geos.

    Args:
        plan: by channel or by geo.
        channels: see `channel_of`.

    Returns:
        ``channel, now, plan, lower, upper, observed, beyond, contribution_now, contribution_plan`` and, for plans by
        channel, ``mroi, mroi_low, mroi_high, best_low, best_high, information``.
    """
    arms = pd.DataFrame([_arm(c) for c in plan.channels])
    if len(set(arms["channel"].map(channels))) == len(arms):
        return arms
    sums = arms.drop(columns="channel").groupby(arms["channel"].map(channels), sort=False).sum()
    return sums.assign(
        **dict.fromkeys(
            ("mroi", "mroi_low", "mroi_high", "probability", "best_low", "best_high", "information"), np.nan
        )
    ).reset_index()


def _arm(row: ChannelPlan) -> dict[str, Any]:
    best, information = row.best_spend, row.value_of_information
    return {
        "channel": row.channel,
        "now": row.spend_now,
        "plan": row.spend_plan,
        "lower": row.lower,
        "upper": row.upper,
        "observed": row.observed,
        "beyond": row.extrapolation * row.spend_plan,
        "probability": np.nan if row.probability is None else row.probability,
        "contribution_now": row.contribution_now.mean,
        "contribution_plan": row.contribution_plan.mean,
        "mroi": row.mroi.mean,
        "mroi_low": row.mroi.low,
        "mroi_high": row.mroi.high,
        "best_low": np.nan if best is None else best.low,
        "best_high": np.nan if best is None else best.high,
        "information": np.nan if information is None else information,
    }


def curves_by_channel(curves: ResponseCurves, channels: Mapping[str, str]) -> ResponseCurves:
    """Return curves by channel; those by geo are added up, every geo moving in proportion."""
    names = list(dict.fromkeys(channels[arm] for arm in curves.channels))
    if len(names) == len(curves.channels):
        return curves
    belongs = np.array([[channels[arm] == name for arm in curves.channels] for name in names], dtype=float)
    return replace(
        curves,
        channels=tuple(names),
        spend=belongs @ curves.spend,
        response=np.einsum("na,dap->dnp", belongs, curves.response),
        today=belongs @ curves.today,
        observed=belongs @ curves.observed,
    )


def moves(table: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Return which channels of a `plan_by_channel` get noticeably more and which less, the largest move first."""
    change = (table["plan"] - table["now"]).set_axis(table["channel"])
    large = change[change.abs() > NOTICEABLE * table["plan"].sum()]
    large = large.sort_values(key=np.abs, ascending=False, kind="stable")
    return list(large.index[large > 0]), list(large.index[large < 0])


def totals_of(frontier: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Return a frontier with what a reader asks of each total.

    Returns:
        The columns of ``frontier.csv``, ``beyond`` (share of the spend beyond what was ever observed) and ``today``
        (whether the total is today's).
    """
    spend = frontier[[spend_column(c.channel) for c in plan.channels]].to_numpy()
    over = np.maximum(spend - [c.observed for c in plan.channels], 0.0).sum(axis=1)
    total = frontier["total"].to_numpy()
    return frontier.assign(
        beyond=np.divide(over, total, out=np.zeros_like(over), where=total > 0),
        today=np.isclose(total, plan.spend_now, rtol=1e-9),
    )


def most_profitable(table: pd.DataFrame) -> dict[str, Any]:
    """Return the row of a `totals_of` with the highest mean profit; it may be the ``first`` or the ``last``."""
    at = int(table["profit"].to_numpy().argmax())
    return dict(table.iloc[at]) | {"first": at == 0, "last": at == len(table) - 1}


def unchanged(table: pd.DataFrame) -> bool:
    """Whether the plan of a `plan_by_channel` is today's."""
    return np.allclose(table["plan"], table["now"], rtol=1e-6, atol=0.0)


def next_units(fit: Fit, channels: Mapping[str, str]) -> dict[str, float]:
    """Return what the next unit of currency returns on average in each channel at today's spend."""
    curves = curves_by_channel(fit.curves, channels)
    return dict(zip(curves.channels, curves.marginal(curves.today).mean(axis=0).tolist(), strict=True))


def to_make(plan: Plan, verdict: str) -> bool:
    """Whether a plan, on a model of this verdict, is to be made, all of it or in part."""
    return plan.decision != "not_yet" and verdict != "FAIL"


def decision_on(plan: Plan, table: pd.DataFrame, test_error: float, verdict: str = "") -> Finding:
    """Return what can be decided: make the plan, make part of it, or keep today's budget; and what to test first.

    Args:
        plan: the plan.
        table: its `plan_by_channel`.
        test_error: see `next_test`.
        verdict: that on the model; on one that failed nothing can be decided.
    """
    if verdict == "FAIL":
        return Finding("plan.decision.failed")
    test = next_test(table, test_error)
    first = None if test is None else test.values.get("first")
    values = {"probability": plan.chance, "moves": plan.moves, "test": first}
    return Finding(f"plan.decision.{plan.decision}", values)


def gain_of(plan: Plan) -> Finding:
    """Return what a plan, or a what-if, gains over today."""
    code = "plan.what_if" if plan.scenario == "what_if" else "plan.gain"
    return Finding(code, {"gain": plan.gain, "in_profit": plan.gain_in == "profit", "level": plan.ci_prob})


def about_plan(plan: Plan, table: pd.DataFrame) -> list[Finding]:
    """Return what may be said for and against a plan, its own notes last; ``table`` is its `plan_by_channel`."""
    found = []
    if plan.certified_gap is not None:
        code = "plan.certified" if plan.objective == "mean" else "plan.bounded"
        found.append(Finding(code, {"gap": plan.certified_gap}))
    if len(plan.channels) == len(table) and plan.scenario != "what_if":
        found += _limits(plan)
    if plan.unspent:
        found.append(Finding("plan.unspent", {"left": plan.unspent}))
    if plan.regret is not None and not unchanged(table):
        found.append(Finding("plan.regret", {"regret": plan.regret, "today": plan.regret_now}))
    return [*found, *plan.notes]


def _limits(plan: Plan) -> Iterator[Finding]:
    """Return which channels could still move, and which stand at a limit."""
    inside, outside = ([c for c in plan.channels if c.interior is within] for within in (True, False))
    if len(inside) > 1 and plan.objective == "mean":
        mroi = [c.mroi.mean for c in inside]
        yield Finding("plan.same_return", {"channels": [c.channel for c in inside], "mroi": mroi})
    if outside:
        yield Finding("plan.at_limit", {"channels": [c.channel for c in outside]})


def next_test(table: pd.DataFrame, test_error: float) -> Finding | None:
    """Return which lift test would teach most of a plan, None where that was not worked out.

    Args:
        table: see `plan_by_channel`.
        test_error: standard error of such a test, as a part of the ROI.
    """
    if not table["information"].notna().any():
        return None
    useful = table[table["information"] > 0].sort_values("information", ascending=False, kind="stable")
    if useful.empty:
        return Finding("plan.no_test")
    gains, names = useful["information"].tolist(), useful["channel"].tolist()
    second = len(gains) > 1 and gains[1] > gains[0] / 5
    values = {
        **{"first": names[0], "gain": gains[0], "test_error": test_error},
        **{"second": names[1] if second else None, "second_gain": gains[1] if second else None},
    }
    return Finding("plan.test_next", values)


def one_test(table: pd.DataFrame) -> Finding:
    """Return the one test that a reader without time should know of; arguments as for `next_test`."""
    best = table.loc[table["information"].idxmax()] if (table["information"] > 0).any() else None
    if best is None:
        return Finding("plan.no_test")
    return Finding("plan.one_test", {"channel": best["channel"], "gain": float(best["information"])})


def best_weeks(schedules: Sequence[Schedule]) -> Finding:
    """Return which channels do better in other weeks than even ones."""
    uneven = [s.channel for s in schedules if s.gain.mean]
    return Finding("schedule.uneven", {"channels": uneven}) if uneven else Finding("schedule.evenly")


def about_ahead(summary: Mapping[str, Any], write: Any) -> list[Finding]:
    """Return what a forecast of the planned weeks says, and how far to trust it.

    Args:
        summary: ``forecast.json``.
        write: shows an amount of the KPI.
    """
    plans, tested, more = summary["plans"], summary["backtest"], summary["best_over_planned"]
    planned = plans["planned"]

    def shown(of: Mapping[str, float]) -> dict[str, Any]:
        return {**{name: write(of[name]) for name in ("mean", "low", "high")}, "chance": of.get("chance")}

    found = [Finding("forecast.planned", {"kpi": shown(planned["kpi"]), "more": shown(planned["over_today"])})]
    found += [Finding("forecast.best", {"more": shown(more)})] if more is not None else []
    if tested is None:
        found.append(Finding("forecast.untested"))
    else:
        values = {**{name: tested[name] for name in ("weeks", "wmape", "coverage", "ci_prob")}}
        found.append(Finding("forecast.tested", values))
    return [*found, *(Finding(**note) for note in summary["notes"])]


def about_tests(lift: pd.DataFrame, aging: float) -> list[Finding]:
    """Return what was made of the results of lift tests: several channels at once, other units, age.

    Args:
        lift: ``lift.csv``.
        aging: relative error for each year between a test and the panel.
    """
    found = []
    for number, row in enumerate(lift.itertuples(), 1):
        if row.channels > 1:
            found.append(Finding("lift.together", {"number": number, "channels": row.channel}))
        if pd.notna(row.roas):
            found.append(Finding("lift.from_roas", {"number": number, "roas": float(row.roas)}))
        if pd.notna(row.path):
            found.append(Finding("lift.from_file", {"number": number, "path": str(row.path)}))
        if pd.notna(row.age):
            values = {"number": number, "years": float(row.age), "aging": aging, "start": str(row.start)}
            found.append(Finding("lift.outside", values))
    return found
