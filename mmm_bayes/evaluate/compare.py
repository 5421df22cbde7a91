"""Both models side by side: the same holdout, ROI with one estimand, and the truth where it is known."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmm_bayes.errors import DataError
from mmm_bayes.evaluate.forecast import Forecast, Split
from mmm_bayes.evaluate.metrics import errors
from mmm_bayes.findings import Finding
from mmm_bayes.workspace import write_csv, write_json

Errors = Mapping[str, Mapping[str, float | None]]


@dataclass(frozen=True)
class Comparison:
    """What a comparison found.

    Attributes:
        summary: what ``comparison.json`` holds: ``holdout_weeks, train_weeks, first_week, errors, notes``.
        holdout: observed and forecast by week, summed over geos, as in ``holdout.csv``.
        roi: ROI of both models by channel, as in ``comparison.csv``.
    """

    summary: dict[str, Any]
    holdout: pd.DataFrame
    roi: pd.DataFrame


def compare(split: Split, forecasts: Mapping[str, Forecast], roi: pd.DataFrame, ci_prob: float) -> Comparison:
    """Judge forecasts of the same holdout, and find what they and the ROIs show.

    Args:
        split: the panel and how it was split.
        forecasts: by model: ``bayesian``, ``lightgbm``, ``seasonal_naive``.
        roi: see `roi_table`.
        ci_prob: what the intervals claim to hold.

    Raises:
        DataError: a forecast does not fit the holdout, or holds numbers that are not finite.
    """
    observed = split.panel.data["kpi"].transpose("geo", "week").to_numpy()[:, -split.holdout :]
    weeks = split.panel.weeks[-split.holdout :]
    if not (seen := split.seen).all():
        observed, weeks = observed[:, seen], weeks[seen]
        forecasts = {model: forecast.of(seen) for model, forecast in forecasts.items()}
    for model, forecast in forecasts.items():
        ends = np.stack([forecast.low, forecast.mean, forecast.high])
        if ends.shape[1:] != observed.shape or not np.isfinite(ends).all():
            raise DataError(
                f"the forecast of '{model}' has shape {forecast.mean.shape} or is not finite; "
                f"the holdout has {observed.shape[0]} geos and {observed.shape[1]} weeks."
            )
    found = {model: errors(observed, forecast, ci_prob) for model, forecast in forecasts.items()}
    notes = [*split.notes, *_forecast_notes(found, split.holdout), *_roi_notes(roi, ci_prob)]
    summary = {
        "holdout_weeks": split.holdout,
        "train_weeks": len(split.train.weeks),
        "first_week": f"{weeks[0]:%Y-%m-%d}",
        "errors": found,
        "notes": [asdict(note) for note in notes],
    }
    return Comparison(summary, _holdout(weeks, observed, forecasts, ci_prob), roi)


def over_folds(folds: Sequence[Comparison]) -> Comparison:
    """Return several comparisons as one: errors are means over them, ``holdout`` has the weeks of all.

    Args:
        folds: the latest first; its notes and ROIs are kept. Their own errors stand in ``folds`` of the summary.
    """
    latest = folds[0]
    if len(folds) == 1:
        return latest
    each = [fold.summary["errors"] for fold in folds]
    errors = {model: _means([found[model] for found in each]) for model in each[0]}
    own = [note for note in latest.summary["notes"] if note["code"] not in OF_FORECASTS]
    notes = [*_forecast_notes(errors, latest.summary["holdout_weeks"]), _fold_note(each)]
    kept = ("first_week", "train_weeks", "errors")
    summary = {
        **latest.summary,
        "errors": errors,
        "notes": [*(asdict(note) for note in notes), *own],
        "folds": [{name: fold.summary[name] for name in kept} for fold in folds],
    }
    weeks = pd.concat([fold.holdout for fold in reversed(folds)], ignore_index=True)
    return Comparison(summary, weeks, latest.roi)


def _means(found: Sequence[Mapping[str, float | None]]) -> dict[str, float | None]:
    """Return the mean of each error over those folds that have it."""
    known = {name: [e for one in found if (e := one[name]) is not None] for name in found[0]}
    return {name: sum(errors) / len(errors) if errors else None for name, errors in known.items()}


def _fold_note(each: Sequence[Errors]) -> Finding:
    """Return in how many folds each model forecast best."""
    best = [min(size, key=size.__getitem__, default=None) for size in map(_sizes, each)]
    counts = [[model, best.count(model)] for model in each[0]]
    return Finding("comparison.folds", {"folds": len(each), "best": counts})


APART = 2.0
"""Ratio of median ROIs above which two models contradict each other, as they do where their intervals lie apart."""


def conflicts(bayesian: pd.DataFrame, lightgbm: pd.DataFrame) -> list[Finding]:
    """Return for which paid channels both models contradict each other; arguments as for `roi_table`."""
    both = bayesian.merge(lightgbm, on="channel", suffixes=("", "_other")).dropna(subset="roi_mean")
    medians = both[["roi_median", "roi_median_other"]]
    far = medians.max(axis=1) > APART * medians.min(axis=1)
    apart = (both["roi_high"] < both["roi_low_other"]) | (both["roi_high_other"] < both["roi_low"])
    return [
        Finding("media.models_contradict", {"channel": row.channel, "own": row.roi_mean, "other": row.roi_mean_other})
        for row in both[far | apart].itertuples()
    ]


def roi_table(bayesian: pd.DataFrame, lightgbm: pd.DataFrame, truth: Mapping[str, float] | None = None) -> pd.DataFrame:
    """Put the ROI of both models side by side.

    Args:
        bayesian: as in ``roi.csv``.
        lightgbm: as in ``lightgbm_roi.csv``.
        truth: true ROI by channel, where known.

    Returns:
        ``channel, spend, bayesian_roi, bayesian_low, bayesian_high, lightgbm_roi, lightgbm_low, lightgbm_high,
        contradict, true_roi, bayesian_covers, lightgbm_covers`` of the paid channels; the last three empty where the
        truth is not known. ROIs are means; ``contradict`` is whether the channel is among the `conflicts`.
    """
    names = {"roi_mean": "roi", "roi_low": "low", "roi_high": "high"}
    own, other = (
        frame.set_index("channel")[list(names)].rename(columns={k: f"{model}_{v}" for k, v in names.items()})
        for model, frame in (("bayesian", bayesian), ("lightgbm", lightgbm))
    )
    table = bayesian.set_index("channel")[["spend"]].join([own, other]).dropna(subset="bayesian_roi")
    table["contradict"] = table.index.isin([finding.values["channel"] for finding in conflicts(bayesian, lightgbm)])
    table["true_roi"] = pd.Series(dict(truth or {}), dtype=float).reindex(table.index)
    for model in ("bayesian", "lightgbm"):
        inside = table["true_roi"].between(table[f"{model}_low"], table[f"{model}_high"])
        known = table["true_roi"].notna() & table[f"{model}_low"].notna()
        table[f"{model}_covers"] = inside.astype("boolean").where(known)
    return table.reset_index()


def save_comparison(comparison: Comparison, folder: Path) -> None:
    """Write ``comparison.json``, ``comparison.csv`` and ``holdout.csv``."""
    write_csv(folder / "holdout.csv", comparison.holdout)
    write_csv(folder / "comparison.csv", comparison.roi)
    write_json(folder / "comparison.json", comparison.summary)


def _holdout(
    weeks: pd.DatetimeIndex, observed: np.ndarray, forecasts: Mapping[str, Forecast], ci_prob: float
) -> pd.DataFrame:
    columns: dict[str, Any] = {"week": weeks, "observed": observed.sum(axis=0)}
    for model, forecast in forecasts.items():
        total = forecast.total(ci_prob)
        columns[model] = total.mean[0]
        if model != "seasonal_naive":
            columns |= {f"{model}_low": total.low[0], f"{model}_high": total.high[0]}
    return pd.DataFrame(columns)


# --- what is to be known ------------------------------------------------------------------------


OF_FORECASTS = ("comparison.missed", "comparison.no_better_than_last_year", "comparison.too_narrow")
"""Codes of what `_forecast_notes` finds."""


def _sizes(found: Errors) -> dict[str, float]:
    """Return the relative error of each model that has one."""
    return {model: e["wmape"] for model, e in found.items() if e["wmape"] is not None}


def _forecast_notes(found: Errors, holdout: int) -> list[Finding]:
    size = _sizes(found)
    missed = sorted(size.items(), key=lambda item: item[1])
    notes = [Finding("comparison.missed", {"weeks": holdout, "missed": [list(one) for one in missed]})]
    if missed and missed[0][0] == "seasonal_naive":
        notes.append(Finding("comparison.no_better_than_last_year"))
    for model, e in found.items():
        claimed, held = e["ci_prob"] or 0.0, e["coverage"] or 0.0
        if model != "seasonal_naive" and held < claimed - 0.15:
            notes.append(Finding("comparison.too_narrow", {"model": model, "claimed": claimed, "held": held}))
    return notes


def _roi_notes(roi: pd.DataFrame, ci_prob: float) -> list[Finding]:
    notes = [Finding("comparison.attribution")]
    if roi["contradict"].any():
        notes.append(Finding("comparison.contradiction", {"channels": roi["channel"][roi["contradict"]].tolist()}))
    if roi["bayesian_covers"].notna().any():
        covers = {model: roi[f"{model}_covers"].dropna() for model in ("bayesian", "lightgbm")}
        models = [[model, int(held.sum()), len(held)] for model, held in covers.items()]
        notes.append(Finding("comparison.truth", {"level": ci_prob, "models": models}))
    return notes
