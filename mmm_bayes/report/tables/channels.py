"""Tables of what channels returned, and of what that rests on."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from mmm_bayes.report.facts import Headline, contradictions, roi_draws
from mmm_bayes.report.language import local
from mmm_bayes.report.numbers import NONE, Money, between, chance, formatted, percent, ratio
from mmm_bayes.report.results import Fit
from mmm_bayes.report.tables.table import Table, column_heads
from mmm_bayes.report.words import judged, label, say


def roi(fit: Fit, head: Headline, kpi: float, break_even: float, money: Money) -> Table:
    """Return what each channel cost and returned, the total last."""
    level = float(fit.roi["ci_prob"].iloc[0])
    returns, disputed = roi_draws(fit, kpi), [finding.values["channel"] for finding in contradictions(fit)]
    other = None if fit.second is None else fit.second.set_index("channel")["roi_mean"]
    rows = [
        [
            row.channel,
            money.full(row.spend) if row.spend else NONE,
            money.full(row.contribution),
            percent(row.contribution_share),
            ratio(row.roi_mean),
            between(row.roi_low, row.roi_high),
            *([_second(row.channel, other, disputed)] if other is not None else []),
            chance(np.mean(returns[:, c] > break_even)) if row.spend else NONE,
            ratio(row.mroi_mean),
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
        *([""] if other is not None else []),
        chance(np.mean(paid @ weights > break_even)),
        *[""] * 3,
    ]
    heads = column_heads(
        *("channel", "spend", "contribution", "share", "roi", "interval_at"),
        *(["lightgbm_roi"] if other is not None else []),
        *("chance_over", "marginal_roi", "prior", "says"),
        level=level,
        break_even=ratio(break_even).removesuffix(local(".00")),
    )
    return Table(heads, [*rows, total], bold=[len(rows)], title=say("table.roi", window=fit.window))


def _second(channel: str, other: pd.Series, disputed: list[str]) -> str:
    """Return the ROI of the second model, and whether it contradicts the first."""
    text = ratio(other.get(channel))
    return say("cell.contradicts", roi=text) if channel in disputed else text


def checks(fit: Fit, money: Money) -> Table:
    """Return every check of the fit."""
    found = [judged(reason, money) for reason in fit.diagnostics["reasons"]]
    rows = [[r.check, label(r.status, "status"), r.message, r.remedy] for r in found]
    return Table(column_heads("check", "result", "found", "remedy"), rows, text=4, title=say("table.checks"))


def foundations(fit: Fit) -> Table:
    """Return what each channel's ROI rests on: what the data say, and how far prior and data move it."""
    found, unseen = fit.diagnostics, fit.roi.set_index("channel")["unseen_share"]
    rows = [
        [
            channel,
            label(found["learning"][channel]["says"], "says"),
            label(moved["talks"], "talks"),
            *(formatted(moved[side], ".2f") for side in ("prior", "likelihood")),
            label("yes" if found["demand"][channel]["follows"] else "no", "answer"),
            percent(unseen[channel]),
        ]
        for channel, moved in found["sensitivity"].items()
    ]
    heads = column_heads("channel", "says", "talks", "prior_moves", "data_move", "follows_demand", "unseen")
    return Table(heads, rows, text=3, title=say("table.foundations", window=fit.window))


def lift_tests(lift: pd.DataFrame, money: Money, write: Any) -> Table:
    """Return what each lift test found beside what the model says, without the tests and with them."""
    rows = [
        [
            *(row.channel, row.start, row.end, row.geos, money.full(row.spend_change)),
            f"{write(row.incremental_kpi)} \N{PLUS-MINUS SIGN} {write(row.standard_error)}",
            say("cell.held", mean=write(row.before_mean), low=write(row.before_low), high=write(row.before_high)),
            say(
                "cell.held",
                mean=write(row.predicted_mean),
                low=write(row.predicted_low),
                high=write(row.predicted_high),
            ),
        ]
        for row in lift.itertuples()
    ]
    heads = column_heads("channel", "from", "to", "geos", "spend_change", "test_found", "without_test", "with_test")
    return Table(heads, rows, text=4, title=say("table.lift_tests"))


def lift_roi(lift: pd.DataFrame, window: tuple[date, date]) -> Table:
    """Return the ROI of the tested channels over the panel's window, without the tests and with them."""
    rows = [
        [
            *(row.channel, ratio(row.roi_before_mean), between(row.roi_before_low, row.roi_before_high)),
            *(ratio(row.roi_mean), between(row.roi_low, row.roi_high)),
        ]
        for row in lift.drop_duplicates("channel").itertuples()
    ]
    heads = column_heads("channel", "roi_without", "interval", "roi_with", "interval")
    return Table(heads, rows, title=say("table.lift_roi", window=window))


def decomposition(parts: pd.DataFrame, write: Any) -> Table:
    """Return what each part brought of the KPI over some weeks, see `facts.parts_of`; ``write`` shows an amount."""
    names = [label(part, "part") for part in parts["part"]]
    rows = [
        [name, write(amount), percent(share)]
        for name, amount, share in zip(names, parts["amount"], parts["share"], strict=True)
    ]
    return Table(column_heads("part", "contribution", "share"), rows, bold=[len(rows) - 1])
