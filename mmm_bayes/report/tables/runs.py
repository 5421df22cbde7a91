"""Tables of several runs side by side."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mmm_bayes.report.numbers import NONE, between, count, percent, ratio
from mmm_bayes.report.tables.table import Table, column_heads
from mmm_bayes.report.words import label


def runs(contexts: Mapping[str, Mapping[str, Any]]) -> Table:
    """Return one row per run: its data, the verdict on it, what media returned, what its plan gains.

    Args:
        contexts: by the name of the run, see `content.make_context`.
    """
    rows = [
        [
            name,
            label(c["verdict"], "verdict") if c["verdict"] else NONE,
            f"{c['first']:%Y-%m-%d} \N{EN DASH} {c['last']:%Y-%m-%d}",
            count(c["weeks"]),
            count(c["geos"]),
            *_returned(c),
            *_planned(c),
        ]
        for name, c in contexts.items()
    ]
    heads = column_heads(
        *("run", "verdict", "data", "weeks", "geos", "share", "interval", "roi", "interval", "best"),
        *("plan", "gain", "chance", "decision"),
    )
    return Table(heads, rows, text=3)


def _returned(context: Mapping[str, Any]) -> list[str]:
    head = context["head"]
    if head is None:
        return [NONE] * 5
    share, roi = head.share, head.roi
    best = head.best if head.best_chance >= context["sure_of_best"] else NONE
    shares = f"{percent(share.low)} \N{EN DASH} {percent(share.high)}"
    return [percent(share.mean), shares, ratio(roi.mean), between(roi.low, roi.high), best]


def _planned(context: Mapping[str, Any]) -> list[str]:
    plan, money = context["plan"], context["money"]
    if plan is None:
        return [NONE] * 4
    gain, decision = plan.gain, label(plan.decision, "decision")
    return [money.short(plan.spend_plan), money.short(gain.mean), percent(gain.probability), decision]


def roi_of_runs(table: pd.DataFrame) -> Table:
    """Return the ROI of each channel in each run, see `facts.roi_of_runs`."""
    names = list(dict.fromkeys(table["run"]))
    cells = {(row.channel, row.run): f"{ratio(row.mean)} ({between(row.low, row.high)})" for row in table.itertuples()}
    channels = list(dict.fromkeys(table["channel"]))
    rows = [[channel, *(cells.get((channel, name), NONE) for name in names)] for channel in channels]
    return Table([*column_heads("channel"), *names], rows)
