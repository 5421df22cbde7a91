"""Fit worlds that break one assumption each, and print whether the answer held and what the verdict said.

Each world of `mmm_bayes.simulate.breaks` is fitted and planned with default settings. An answer is *wrong* where fewer
90% intervals of the ROIs hold the truth than happens by chance in one of twenty cases, or where a plan that claims
more than 90% loses money. Wrong with a PASS is a silent failure; right with anything else a false alarm. The verdict is
that of the Bayesian model alone, without the second opinion of LightGBM.
"""

from typing import Any

import click
import numpy as np
import pandas as pd
from benchmark_plans import true_curves
from scipy import stats

from mmm_bayes.allocate import allocate
from mmm_bayes.allocate.regret import against_truth
from mmm_bayes.config import Allocate, Model, Sampler
from mmm_bayes.intervals import Interval
from mmm_bayes.model import fit, prior_quantity
from mmm_bayes.panel import panel_from_frame
from mmm_bayes.posterior.attribution import media_contributions, response_curves
from mmm_bayes.posterior.checks import diagnose
from mmm_bayes.simulate.breaks import BREAKS, broken

QUESTION, CI_PROB = Allocate(relative=(0.0, 2.0)), 0.9
CHANCE = 0.05
"""Of so few intervals that hold, where each does so with its probability."""


def judge(name: str, seed: int) -> dict[str, Any]:
    """Fit and plan a world; return a row."""
    case = broken(name, seed)
    posterior = fit(panel_from_frame(case.frame, case.columns, name), Model(), Sampler())
    media = media_contributions(posterior)
    judged = diagnose(posterior, media, prior_quantity(posterior, Model(), CI_PROB), CI_PROB)
    roi = Interval.of(posterior.per_spend(media.worth), CI_PROB)
    held = (roi.low <= case.roi) & (case.roi <= roi.high)
    wrong = stats.binom.cdf(held.sum(), len(held), CI_PROB) < CHANCE
    plan = {"claimed": np.nan, "true_gain": np.nan, "claimed_gain": np.nan}
    if case.world is not None:
        curves = response_curves(posterior, QUESTION)
        plan |= against_truth(allocate(curves, QUESTION, CI_PROB), true_curves(case.world, curves), QUESTION)
    positive = case.roi > 0
    error = np.log(roi.median[positive] / case.roi[positive])
    return {
        "world": name,
        "held": int(held.sum()),
        "channels": len(held),
        "error": float(np.exp(np.abs(error).mean())),
        **{key: plan[key] for key in ("claimed", "claimed_gain", "true_gain")},
        "wrong": bool(wrong or (plan["claimed"] > CI_PROB and plan["true_gain"] < 0)),
        "verdict": judged["verdict"],
        "open": [reason["check"] for reason in judged["reasons"] if reason["status"] != "PASS"],
    }


def outcome(wrong: bool, verdict: str) -> str:
    """Return what an answer and its verdict come to."""
    if wrong:
        return "**silent failure**" if verdict == "PASS" else "wrong, and said so"
    return "right" if verdict == "PASS" else "right, alarm"


def rows(found: pd.DataFrame) -> list[list[str]]:
    """Return a row of the table for each kind of world, over its seeds."""

    def share(values: pd.Series) -> str:
        return "-" if values.isna().all() else f"{values.mean():+.1%}"

    table = []
    for name, own in found.groupby("world", sort=False):
        outcomes = [outcome(w, v) for w, v in zip(own["wrong"], own["verdict"], strict=True)]
        counted = ", ".join(f"{outcomes.count(o)} {o}" for o in dict.fromkeys(outcomes))
        said = pd.Series([check for checks in own["open"] for check in checks]).value_counts()
        table.append(
            [
                str(name),
                f"{own['held'].sum()} of {own['channels'].sum()}",
                f"{own['error'].mean():.2f}",
                "-" if own["claimed"].isna().all() else f"{own['claimed'].mean():.0%}",
                share(own["claimed_gain"]),
                share(own["true_gain"]),
                counted,
                ", ".join(f"{check} {count}" for check, count in said.items()) or "-",
            ]
        )
    return table


HEADS = ["world", "ROI inside 90%", "median off by", "claimed", "claimed gain", "true gain", "outcome", "open checks"]


@click.command()
@click.option("--seeds", type=click.IntRange(1), default=3, show_default=True, help="Worlds of each kind.")
@click.option("--first", type=click.IntRange(0), default=7000, show_default=True, help="First seed.")
@click.option("--only", type=click.Choice(list(BREAKS)), multiple=True, help="Some kinds of worlds.")
def main(seeds: int, first: int, only: tuple[str, ...]) -> None:
    """Print a row for each kind of world."""
    found = []
    for name in only or BREAKS:
        for seed in range(first, first + seeds):
            found.append(judge(name, seed))
            click.echo(f"{name} {seed}: {found[-1]}", err=True)
    click.echo("| " + " | ".join(HEADS) + " |\n|" + "---|" * len(HEADS))
    for row in rows(pd.DataFrame(found)):
        click.echo("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
