"""Tables of what the configuration came to on trial."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from mmm_bayes.report.language import local
from mmm_bayes.report.numbers import change, fixed, percent, ratio
from mmm_bayes.report.tables.table import Table, column_heads
from mmm_bayes.report.words import label, say

Summary = Mapping[str, Any]


def validation(summary: Summary) -> list[Table]:
    """Return the tables of the checks that were made."""
    made = {"recovery": _recovery, "sbc": _ranks}
    found = [made[name](summary[name]) for name in made if summary.get(name, {}).get("replicates")]
    moved = list(_moved(summary))
    return [*found, *([_moves(moved)] if moved else [])]


def _recovery(found: Summary) -> Table:
    """Return per channel how often intervals held the truth, and how far medians were off."""
    own = {**found["channels"], say("cell.all_channels"): found["all"]}
    rows = [
        [
            channel,
            *(percent(one["roi"]["held"][level]) for level in ("50", "80", "90")),
            percent(one["mroi"]["held"]["90"]),
            f"\u00d7 {ratio(float(np.exp(one['roi']['error'])))}",
            change(float(np.expm1(one["roi"]["bias"]))),
            percent(one["width"]),
        ]
        for channel, one in own.items()
    ]
    heads = column_heads("channel", "held_half", "held_most", "held_nearly", "held_marginal", "off", "bias", "of_prior")
    return Table(heads, rows, bold=[len(rows) - 1], title=say("table.recovery", replicates=found["replicates"]))


def _ranks(found: Summary) -> Table:
    """Return per quantity how far the ranks of the truth are from a uniform distribution."""
    rows = [
        [
            label(name, "ranked"),
            say("cell.yes") if own["inside"] else say("cell.no"),
            local(fixed(own["mean"], 2)),
            local(fixed(own["difference"], 3)),
            local(fixed(own["band"], 3)),
        ]
        for name, own in found["quantities"].items()
    ]
    heads = column_heads("quantity", "in_band", "mean_rank", "difference", "band")
    return Table(heads, rows, text=2, title=say("table.ranks", replicates=found["replicates"]))


def _moved(summary: Summary) -> Iterator[list[str]]:
    """Yield what each variant of the data or of the priors moves."""
    for check in ("refresh", "perturbation", "sensitivity"):
        for own in summary.get(check, {}).get("variants", ()):
            yield [
                _variant(own["variant"]),
                percent(own["roi"]),
                f"{change(own['worst'])} ({own['channel']})",
                str(own["outside"]),
                percent(own["plan"]),
            ]


def _moves(rows: list[list[str]]) -> Table:
    heads = column_heads("changed", "roi_moves", "most_of_all", "left", "plan_moves")
    return Table(heads, rows, title=say("table.moves"))


def _variant(code: str) -> str:
    """Return what a variant is called: ``weeks_3``, ``errors_2``, ``roi_alone``, ``alpha_wide``."""
    name, _, what = code.rpartition("_")
    if name == "weeks":
        return say("cell.without_weeks", weeks=int(what))
    if name == "errors":
        return say("cell.errors", number=int(what))
    if name == "roi":
        return say("cell.roi_alone")
    shape = label(name, "shape")
    return say("cell.prior_wide", name=shape) if what == "wide" else say("cell.prior_narrow", name=shape)
