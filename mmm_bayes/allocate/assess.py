"""From spends to a `Plan`: gains draw by draw, intervals, extrapolation, all rounded so that totals agree."""

from dataclasses import dataclass, replace

import numpy as np

from mmm_bayes.allocate.limits import Bounds, digits
from mmm_bayes.allocate.plan import ChannelPlan, Gain, Interval, Plan
from mmm_bayes.allocate.uncertainty import DrawPlans, respond
from mmm_bayes.config import Allocate
from mmm_bayes.curves import ResponseCurves
from mmm_bayes.transforms import Array


@dataclass(frozen=True)
class Outcome:
    """What a plan does in each draw, rounded nowhere.

    Attributes:
        now, plan: KPI value per arm at today's spend and at the plan, shape ``(draw, arm)``, currency.
        kpi_gain: shape ``(draw,)``, currency.
        profit_gain: shape ``(draw,)``, currency.
    """

    now: Array
    plan: Array
    kpi_gain: Array
    profit_gain: Array


def outcome(curves: ResponseCurves, today: Array, spend: Array, margin: float) -> Outcome:
    """Return what a plan does in each draw."""
    now, plan = respond(curves, today), respond(curves, spend)
    gain = plan.sum(axis=1) - now.sum(axis=1)
    return Outcome(now, plan, gain, margin * gain - float(spend.sum() - today.sum()))


def describe(curves: ResponseCurves, bounds: Bounds, spend: Array, settings: Allocate, ci_prob: float) -> Plan:
    """Return the plan for given spends, without certificate, spread or value of information.

    Args:
        curves: the response of each channel, draw by draw.
        bounds: the limits, or just today's spend and the digits where there are none.
        spend: currency, shape ``(arm,)``, rounded to the digits of ``bounds``.
        settings: the budget question.
        ci_prob: probability of the intervals.
    """
    happens = outcome(curves, bounds.today, spend, settings.margin)
    figures = digits(float(np.abs(happens.plan.mean(axis=0)).sum()))
    mroi = marginal(curves, spend)
    beyond = np.maximum(spend - np.maximum(curves.observed, 0.0), 0.0)
    rows = []
    for c, name in enumerate(curves.channels):
        rows.append(
            ChannelPlan(
                channel=name,
                spend_now=float(bounds.today[c]),
                spend_plan=float(spend[c]),
                lower=float(bounds.lower[c]),
                upper=float(bounds.upper[c]),
                contribution_now=interval(happens.now[:, c], ci_prob, figures),
                contribution_plan=interval(happens.plan[:, c], ci_prob, figures),
                mroi=interval(mroi[:, c], ci_prob),
                interior=bool(max(bounds.lower[c], bounds.useful[c]) < spend[c] < bounds.upper[c]),
                observed=float(curves.observed[c]),
                extrapolation=_share(beyond[c], spend[c]),
                best_spend=None,
                value_of_information=None,
            )
        )
    profit = settings.scenario == "profit"
    before = _total(happens.now, [r.contribution_now.mean for r in rows], ci_prob, figures)
    after = _total(happens.plan, [r.contribution_plan.mean for r in rows], ci_prob, figures)
    more, cost = after.mean - before.mean, float(spend.sum() - bounds.today.sum())
    gains = {
        "kpi": gain(happens.kpi_gain, more, ci_prob, figures),
        "profit": gain(happens.profit_gain, settings.margin * more - cost, ci_prob, figures),
    }
    share = _share(float(beyond.sum()), float(spend.sum()))
    return Plan(
        scenario=settings.scenario,
        objective=settings.objective,
        level=settings.level,
        model=curves.model,
        weeks=curves.weeks,
        ci_prob=ci_prob,
        channels=tuple(rows),
        budget=bounds.budget,
        spend_now=round(float(bounds.today.sum()), bounds.decimals),
        spend_plan=round(float(spend.sum()), bounds.decimals),
        unspent=max(0.0, round((bounds.budget or 0.0) - float(spend.sum()), bounds.decimals)),
        contribution_now=before,
        contribution_plan=after,
        gain=gains["profit" if profit else "kpi"],
        gain_in="profit" if profit else "kpi",
        profit_gain=gains["profit"],
        objective_value=after.mean,
        upper_bound=None,
        certified_gap=None,
        method="given",
        regret=None,
        regret_now=None,
        extrapolation=share,
        extrapolation_limit=settings.extrapolation,
        spread_draws=0,
        notes=(*bounds.notes, *_beyond(curves, beyond, share, settings.extrapolation)),
    )


def with_spread(plan: Plan, draws: DrawPlans, decimals: int) -> Plan:
    """Add to each channel where the draws by themselves would put it."""
    rows = [
        replace(row, best_spend=interval(draws.spend[:, c], plan.ci_prob, decimals))
        for c, row in enumerate(plan.channels)
    ]
    return replace(plan, channels=tuple(rows), spread_draws=len(draws.draws))


def interval(values: Array, ci_prob: float, decimals: int | None = None) -> Interval:
    """Return mean, median and central interval of draws, rounded where ``decimals`` says so."""
    low, median, high = np.quantile(values, [(1 - ci_prob) / 2, 0.5, (1 + ci_prob) / 2])
    found = [float(v) for v in (values.mean(), median, low, high)]
    return Interval(*(found if decimals is None else (round(v, decimals) + 0.0 for v in found)))


def gain(values: Array, mean: float, ci_prob: float, decimals: int) -> Gain:
    """Return the distribution of a gain with the ``mean`` that its totals give; less than the last digit is a tie."""
    found = interval(values, ci_prob, decimals)
    tie = np.abs(values) < 0.5 * 10.0**-decimals
    probability = float(np.mean(np.where(tie, 0.5, values > 0)))
    percentiles = np.round(np.percentile(values, np.arange(101)), decimals) + 0.0
    return Gain(
        round(mean, decimals) + 0.0, found.median, found.low, found.high, probability, tuple(percentiles.tolist())
    )


def marginal(curves: ResponseCurves, spend: Array) -> Array:
    """Return the KPI value of the next unit of currency per draw, shape ``(draw, arm)``.

    At a point of the curve the mean of the slopes on both sides; beyond either end the slope of the last piece.
    """
    found = np.zeros((len(curves.response), len(spend)))
    for c, s in enumerate(spend):
        grid = curves.spend[c]
        width = np.diff(grid)
        if width[-1] <= 0:
            continue
        near = 1e-9 * grid[-1]
        right = int(np.clip(np.searchsorted(grid, s + near, side="right") - 1, 0, len(width) - 1))
        left = int(np.clip(np.searchsorted(grid, s - near, side="left") - 1, 0, len(width) - 1))
        slopes = np.diff(curves.response[:, c])[:, [left, right]] / width[[left, right]]
        found[:, c] = slopes.mean(axis=1)
    return found


def _total(values: Array, means: list[float], ci_prob: float, decimals: int) -> Interval:
    """Return the interval of a sum over channels whose mean is the sum of the rounded means."""
    return replace(interval(values.sum(axis=1), ci_prob, decimals), mean=round(sum(means), decimals))


def _share(part: float, whole: float) -> float:
    return round(float(part / whole), 6) if whole > 0 else 0.0


def _beyond(curves: ResponseCurves, beyond: Array, share: float, limit: float) -> tuple[str, ...]:
    if share <= limit:
        return ()
    order = [int(c) for c in np.argsort(-beyond, kind="stable")[:3] if beyond[c] > 0]
    return (
        f"{share:.0%} of the plan lies beyond the spend ever observed (most of it in "
        f"{', '.join(curves.channels[c] for c in order)}): there the curves are a guess of the model, not of the data.",
    )
