"""Tables that hold the models against each other, and against the truth where it is known."""

from datetime import date
from typing import Any

import numpy as np

from mmm_bayes.posterior.parts import CONTROL
from mmm_bayes.report.numbers import Money, between, percent, ratio
from mmm_bayes.report.results import Comparison, Fit, Truth
from mmm_bayes.report.tables.table import Table, column_heads
from mmm_bayes.report.words import label, say


def model_names() -> dict[str, str]:
    """Return what readers call each model, by its column."""
    return {name: label(name, "model_name") for name in ("bayesian", "lightgbm", "seasonal_naive")}


def errors(comparison: Comparison, write: Any) -> Table:
    """Return the errors of each model on the holdout; ``write`` shows an amount of the KPI."""
    found = comparison.summary["errors"]
    level = next(iter(found.values()))["ci_prob"]
    rows = [
        [
            label(model, "model_name"),
            percent(e["wmape"]),
            percent(e["wmape_total"]),
            change_with_tenths(e["bias"]),
            write(e["mae"]),
            write(e["crps"]),
            write(e["interval_score"]),
            percent(e["coverage"]),
            percent(e["width"]),
        ]
        for model, e in found.items()
    ]
    columns = (
        "model",
        "wmape",
        "wmape_total",
        "bias",
        "mean_error",
        "crps",
        "interval_score",
        "interval_held",
        "width",
    )
    heads = column_heads(*columns, level=level)
    return Table(heads, rows, title=say("table.errors", weeks=comparison.summary["holdout_weeks"]))


def change_with_tenths(share: float | None) -> str:
    """Return a small signed share: ``+1.3%``."""
    text = percent(share)
    return f"+{text}" if share is not None and share > 0 and text != percent(0.0) else text


def both_models(comparison: Comparison, window: tuple[date, date]) -> Table:
    """Return the ROI of both models over the panel's window, with the truth where it is known."""
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
    heads = column_heads(
        "channel", "bayesian_roi", "interval", "lightgbm_roi", "interval", *(["true_roi"] if known else [])
    )
    return Table(heads, rows, title=say("table.models", window=window))


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
                    ratio(row.roi_mean),
                ),
                *(between(row.roi_low, row.roi_high), money.full(true["contribution"]), money.full(row.contribution)),
            ]
        )
    heads = column_heads("channel", "inside", "true_roi", "estimate", "interval", "true_contribution", "estimate")
    return Table(heads, rows, text=2, title=say("table.truth", window=fit.window))


def factors(known: Truth, fit: Fit, money: Money) -> Table:
    """Return by how much the KPI of a week differs through each simulated factor, in truth and as estimated."""
    rows = []
    for name, true in known.factors.items():
        found = fit.contributions[f"{CONTROL}{name}"]
        rows.append([str(name), money.full(float(np.ptp(true))), money.full(float(np.ptp(found)))])
    return Table(column_heads("factor", "true_swing", "estimate"), rows, title=say("table.factors"))
