"""Plan in worlds of many kinds that the model was not tuned to, and print whether plans win as often as they claim.

Each world (`mmm_bayes.simulate.worlds`) is fitted and planned with default settings, today's total and limits of 0 to 2
times today. ``--first`` names the seeds: a set that was looked at while the model was changed proves nothing any more.
"""

from collections.abc import Iterator
from typing import Any

import click
import numpy as np
import pandas as pd

from mmm_bayes.allocate import allocate
from mmm_bayes.allocate.regret import against_truth
from mmm_bayes.config import Allocate, Model, Sampler
from mmm_bayes.curves import ResponseCurves
from mmm_bayes.intervals import points
from mmm_bayes.model import fit
from mmm_bayes.panel import panel_from_frame
from mmm_bayes.posterior.attribution import media_contributions, response_curves
from mmm_bayes.simulate.worlds import World, draw_kind, make_world

SHAPES = {
    "national": ((1, 104, 5), (1, 156, 8), (1, 208, 12), (1, 60, 3)),
    "geo": ((8, 104, 5), (4, 80, 4), (15, 104, 6)),
}
"""Geos, weeks and channels of the panels, in turns: each shape is compiled once."""

QUESTION = Allocate(relative=(0.0, 2.0))
CI_PROB = 0.9
COUNTS = ("panels", "move money", "claimed above 90%", "clear")


def judge(group: str, seed: int) -> tuple[dict[str, Any], pd.DataFrame]:
    """Fit and plan one world; return a row on the plan, and one per channel on its ROI and marginal ROI."""
    shape = SHAPES[group][seed % len(SHAPES[group])]
    world = make_world(draw_kind(seed), *shape, seed)
    panel = panel_from_frame(world.frame, world.columns, f"world {seed}")
    posterior = fit(panel, Model(), Sampler())
    curves = response_curves(posterior, QUESTION)
    plan = allocate(curves, QUESTION, CI_PROB)
    about = {"group": group, "seed": seed} | vars(world.kind)
    judged = against_truth(plan, true_curves(world, curves), QUESTION)
    inside = judged["gain_held_90"] if plan.moves else np.nan
    found = {
        "moves": plan.moves,
        "decision": plan.decision,
        **{"claimed": plan.gain.probability, "wins": judged["wins"]},
        **{"claimed gain": judged["claimed_gain"], "true gain": judged["true_gain"], "oracle": judged["best_gain"]},
        "gain inside": inside,
    }
    return about | found, channels(world, media_contributions(posterior)).assign(**about)


def true_curves(world: World, curves: ResponseCurves) -> ResponseCurves:
    """Return the true response at the spends of some curves, whose last point is that of the longest factor."""
    factors = curves.spend / np.maximum(curves.today, 1e-12)[:, None]
    response = world.returns(factors, curves.weeks)[None]
    return ResponseCurves(curves.channels, curves.spend, response, curves.today, curves.observed, curves.weeks, "truth")


def channels(world: World, media: Any) -> pd.DataFrame:
    """Return per channel whether ROI and marginal ROI lie inside their intervals, and the log error of the medians."""
    money = world.spend.sum(axis=(1, 2))
    table = pd.DataFrame({"acts": world.roi > 0})
    for name, draws, truth in (("roi", media.worth, world.roi), ("mroi", media.marginal, world.mroi)):
        median, low, high = np.quantile(draws / money, points(CI_PROB), axis=0)
        table[f"{name} inside"] = (low <= truth) & (truth <= high)
        table[f"{name} error"] = np.log(median / np.where(truth > 0, truth, np.nan))
    return table


def summary(plans: pd.DataFrame, media: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return a row for each value of ``by``: claims beside what became of them."""
    means = ("claimed", "wins", "claimed gain", "true gain", "oracle", "gain inside")
    table = plans.groupby(by).agg(**{"panels": ("seed", "size")} | {name: (name, "mean") for name in means})
    table["worst"] = plans.groupby(by)["true gain"].min()
    table["kept"] = plans.groupby(by)["true gain"].sum() / plans.groupby(by)["oracle"].sum()
    chosen = {
        "move money": plans["moves"],
        "claimed above 90%": plans["claimed"] > 0.9,
        "clear": plans["decision"] == "clear",
    }
    for name, those in chosen.items():
        own = plans[those].groupby(by)["wins"]
        table[name], table[f"{name}: win"] = own.size(), own.mean()
    acting = media[media["acts"]].groupby(by)
    for name in ("roi inside", "mroi inside"):
        table[name] = acting[name].mean()
    for name in ("roi error", "mroi error"):
        table[f"{name}, log"] = acting[name].mean()
    return table


def shown(table: pd.DataFrame, title: str) -> str:
    """Return a table as Markdown; what nothing was found for is a dash."""

    def cell(value: float, column: str) -> str:
        form = "{:.2f}" if "log" in column else "{:.0f}" if column in COUNTS else "{:.1%}"
        return "-" if np.isnan(value) else form.format(value)

    cells = [[cell(value, column) for value in table[column]] for column in table.columns]
    rows = [[title, *table.columns], ["---"] * (1 + len(table.columns)), *zip(table.index, *cells, strict=True)]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)


def tables(plans: pd.DataFrame, media: pd.DataFrame) -> Iterator[str]:
    """Yield what was found, in all and by kind of world."""
    for group, own in plans.groupby("group"):
        about = media[media["group"] == group]
        for by in ("group", "curve", "budget", "follows_demand", "placebo"):
            yield shown(summary(own, about, by), f"{group}: {by}")
        fifth = pd.qcut(own["claimed"].rank(method="first"), 5, labels=range(1, 6)).rename("fifth")
        yield shown(
            own.groupby(fifth, observed=True)[["claimed", "wins", "true gain"]].mean(), f"{group}: fifth of the claims"
        )


@click.command()
@click.option("--national", type=click.IntRange(0), default=100, show_default=True, help="Worlds of one series.")
@click.option("--geo", type=click.IntRange(0), default=60, show_default=True, help="Worlds by geo.")
@click.option("--first", type=click.IntRange(0), default=1000, show_default=True, help="First seed.")
def main(national: int, geo: int, first: int) -> None:
    """Plan in worlds of many kinds, and print whether plans win as often as they claim."""
    plans, media = [], []
    for group, count in (("national", national), ("geo", geo)):
        for seed in range(first, first + count):
            plan, about = judge(group, seed)
            plans.append(plan)
            media.append(about)
            gain = f"claims {plan['claimed gain']:+.1%} at {plan['claimed']:.0%}, truly {plan['true gain']:+.1%}"
            click.echo(f"{group} {seed}: {gain}", err=True)
    click.echo(f"`python scripts/benchmark_plans.py --national {national} --geo {geo} --first {first}`")
    for text in tables(pd.DataFrame(plans), pd.concat(media, ignore_index=True)):
        click.echo(f"\n{text}")


if __name__ == "__main__":
    main()
