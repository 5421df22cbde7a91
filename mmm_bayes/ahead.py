"""What lies ahead: the KPI of the planned weeks under the plan, under today's spend and under the best plan."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmm_bayes.config import Allocate, Model
from mmm_bayes.curves import PaidMedia, Window, last_weeks, planning_arms, window_of
from mmm_bayes.findings import Finding
from mmm_bayes.intervals import Interval
from mmm_bayes.panel import Panel
from mmm_bayes.posterior import Posterior
from mmm_bayes.posterior.attribution import paid_media
from mmm_bayes.posterior.predictions import change_of_kpi, forecast
from mmm_bayes.transforms import Array
from mmm_bayes.workspace import read_csv, write_csv, write_json

CSV, GEOS, JSON = "forecast.csv", "forecast_geos.csv", "forecast.json"
PLANNED, TODAY, BEST = "planned", "today", "best"
DRAWS = 1000
"""Draws that forecasts are computed from."""


@dataclass(frozen=True)
class Ahead:
    """A forecast of the planned weeks.

    Attributes:
        summary: what ``forecast.json`` holds: ``weeks, first, last, ci_prob``, by plan its ``spend``, the whole ``kpi``
            with its interval and what that is ``over_today`` with the ``chance`` to be more, ``best_over_planned``, by
            geo (of several) and plan ``spend`` and ``kpi``, the ``backtest`` and ``notes``.
        weeks: what ``forecast.csv`` holds: ``plan, week, spend, kpi, kpi_low, kpi_high``, summed over geos.
        geos: what ``forecast_geos.csv`` holds: the same of each ``geo``; None where there is one.
    """

    summary: dict[str, Any]
    weeks: pd.DataFrame
    geos: pd.DataFrame | None


@dataclass(frozen=True)
class Spending:
    """Money and scaled media of one plan, each of paid channels, shape ``(channel, geo, week)``."""

    spend: Array
    driver: Array


def look_ahead(
    posterior: Posterior, panel: Panel, settings: Allocate, best: Mapping[str, float] | None, ci_prob: float, seed: int
) -> Ahead:
    """Forecast the KPI of the planned weeks.

    The weeks are forecast at today's spend as a holdout is. What another plan changes is added draw by draw, with the
    misfit of each channel's return; carry-over into weeks after the last planned one is left out.

    Args:
        posterior: the fit to the panel.
        panel: with planned weeks.
        settings: the budget question that ``best`` answers.
        best: spend of a plan for these weeks by arm, None where there is none.
        ci_prob: mass of the intervals.
        seed: of the simulated shocks.
    """
    from mmm_bayes.model.design import build_design  # brings PyMC, which who only reads a forecast does not need

    assert panel.planned is not None
    rows, weeks = posterior.thinned(DRAWS), panel.planned.sizes["week"]
    paid = paid_media(posterior, rows, panel.planned)
    plans = spendings(paid, settings, best)
    whole = panel.with_planned()
    model = Model.model_validate(posterior.settings).model_copy(update={"lift_tests": ()})
    data = build_design(whole, model, len(panel.weeks)).data
    media = {name: _media(data["media"].to_numpy(), data["paid"].to_numpy(), s) for name, s in plans.items()}
    at_today = data.assign(media=(data["media"].dims, media[TODAY]))
    base = forecast(posterior, at_today, rows, seed)
    kpi = {name: base + change_of_kpi(posterior, rows, media[TODAY], m, weeks) for name, m in media.items()}
    totals = {name: draws.sum(axis=1) for name, draws in kpi.items()}
    spent = {name: s.spend.sum(axis=(0, 1)) for name, s in plans.items()}
    dates = pd.DatetimeIndex(panel.planned["week"].to_numpy())
    geos, by_geo = _of_geos(panel.geos, kpi, plans, dates, ci_prob)
    summary = _summary(totals, spent, dates, ci_prob) | {"geos": geos}
    return Ahead(summary, _by_week(totals, spent, dates, ci_prob), by_geo)


def spendings(paid: PaidMedia, settings: Allocate, best: Mapping[str, float] | None) -> dict[str, Spending]:
    """Return what is spent in the planned weeks as planned, as today, and by a plan."""
    assert paid.planned is not None
    planned, price = paid.planned
    weeks = planned.shape[-1]
    usual = last_weeks(paid.spend, weeks)
    found = {name: Spending(spend, spend / price) for name, spend in ((PLANNED, planned), (TODAY, usual))}
    if best is not None:
        found[BEST] = _by_plan(paid, window_of(paid, settings.over(weeks)), best, settings.by_geo)
    return found


def _by_plan(paid: PaidMedia, window: Window, plan: Mapping[str, float], by_geo: bool) -> Spending:
    """Spread a plan's money over geos and weeks as its response curves do."""
    factor = np.zeros(window.spend.shape[:2])
    for name, c, geos in planning_arms(paid.channels, paid.geos, window.spend.sum(axis=-1), by_geo):
        factor[c, geos] = plan[name] / window.spend[c, geos].sum()
    return Spending(*(values * factor[..., None] for values in (window.spend, window.driver)))


def _media(media: Array, paid: Array, plan: Spending) -> Array:
    """Return scaled media whose last weeks, of paid channels, are those of a plan."""
    found = media.copy()
    found[paid, :, -plan.driver.shape[-1] :] = plan.driver
    return found


# --- what is found ------------------------------------------------------------------------------


def _summary(
    totals: Mapping[str, Array], spent: Mapping[str, Array], dates: pd.DatetimeIndex, ci_prob: float
) -> dict[str, Any]:
    whole = {name: draws.sum(axis=1) for name, draws in totals.items()}
    plans = {
        name: {
            "spend": float(spent[name].sum()),
            "kpi": asdict(Interval.of_one(draws, ci_prob)),
            "over_today": None if name == TODAY else _more(draws - whole[TODAY], ci_prob),
        }
        for name, draws in whole.items()
    }
    return {
        "weeks": len(dates),
        "first": f"{dates[0]:%Y-%m-%d}",
        "last": f"{dates[-1]:%Y-%m-%d}",
        "ci_prob": ci_prob,
        "plans": plans,
        "best_over_planned": _more(whole[BEST] - whole[PLANNED], ci_prob) if BEST in whole else None,
    }


def _of_geos(
    names: list[str], kpi: Mapping[str, Array], plans: Mapping[str, Spending], dates: pd.DatetimeIndex, ci_prob: float
) -> tuple[dict[str, Any], pd.DataFrame | None]:
    """Return what is found of each geo, all weeks together and week by week; nothing where there is one."""
    if len(names) == 1:
        return {}, None
    whole, tables = {}, []
    for g, geo in enumerate(names):
        own = {name: draws[:, g] for name, draws in kpi.items()}
        spent = {name: plan.spend[:, g].sum(axis=0) for name, plan in plans.items()}
        found = _summary(own, spent, dates, ci_prob)["plans"]
        whole[geo] = {name: {key: plan[key] for key in ("spend", "kpi")} for name, plan in found.items()}
        weeks = _by_week(own, spent, dates, ci_prob)
        weeks.insert(0, "geo", geo)
        tables.append(weeks)
    return whole, pd.concat(tables, ignore_index=True)


def _more(draws: Array, ci_prob: float) -> dict[str, float]:
    """Return the interval of a difference, and the chance that it is above 0 (no difference counts half)."""
    chance = float(np.mean(np.where(draws == 0, 0.5, draws > 0)))
    return {**asdict(Interval.of_one(draws, ci_prob)), "chance": chance}


def _by_week(
    totals: Mapping[str, Array], spent: Mapping[str, Array], dates: pd.DatetimeIndex, ci_prob: float
) -> pd.DataFrame:
    tables = []
    for name, draws in totals.items():
        kpi = Interval.of(draws, ci_prob)
        columns = {"spend": spent[name], "kpi": kpi.mean, "kpi_low": kpi.low, "kpi_high": kpi.high}
        tables.append(pd.DataFrame({"plan": name, "week": dates, **columns}))
    return pd.concat(tables, ignore_index=True)


def backtest(holdout: pd.DataFrame, ci_prob: float) -> dict[str, float]:
    """Return how good forecasts of the same kind were on the holdout, summed over geos.

    Args:
        holdout: as in ``holdout.csv``.
        ci_prob: what its intervals claim to hold.

    Returns:
        ``weeks``, ``wmape`` (absolute error over the KPI), ``coverage`` of the intervals and ``ci_prob``.
    """
    observed = holdout["observed"]
    inside = observed.between(holdout["bayesian_low"], holdout["bayesian_high"])
    miss = (holdout["bayesian"] - observed).abs().sum() / observed.abs().sum()
    return {"weeks": len(holdout), "wmape": float(miss), "coverage": float(inside.mean()), "ci_prob": ci_prob}


def save_ahead(ahead: Ahead, folder: Path, tested: Mapping[str, float] | None, notes: tuple[Finding, ...]) -> Ahead:
    """Write the files of a forecast, with what the backtest said and what else is to be known of it."""
    summary = {**ahead.summary, "backtest": tested, "notes": [asdict(note) for note in notes]}
    write_csv(folder / CSV, ahead.weeks)
    if ahead.geos is not None:
        write_csv(folder / GEOS, ahead.geos)
    write_json(folder / JSON, summary)
    return Ahead(summary, ahead.weeks, ahead.geos)


def load_ahead(folder: Path) -> Ahead:
    """Read what `save_ahead` wrote."""
    summary = json.loads((folder / JSON).read_text(encoding="utf-8"))
    weeks, *geos = (
        read_csv(folder / file).astype({"week": "datetime64[ns]"}) for file in (CSV, GEOS) if (folder / file).exists()
    )
    return Ahead(summary, weeks, geos[0] if geos else None)
