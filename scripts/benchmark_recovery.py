"""Fit panels of the public benchmark pymc-labs/mmm-param-recovery with default settings, and hold them to its truth.

FOLDER has a folder for each preset with ``panel`` and ``truth`` (``.csv`` or ``.parquet``) and ``truth.json``. Metrics
are its own: of the weekly contributions of each channel in each geo the error (RMSE over their mean), bias (over their
mean; the original has KPI units) and R2, means over all of these; effective draws a second, the median over all
parameters; memory. Each fit is a process of its own.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import arviz_stats as azs
import click
import numpy as np
import pandas as pd
from benchmark_peers import BENCH, measure

from mmm_bayes.config import Model, PanelColumns, Sampler
from mmm_bayes.intervals import Interval
from mmm_bayes.model import fit, prior_quantity
from mmm_bayes.panel import panel_from_frame
from mmm_bayes.posterior import Posterior
from mmm_bayes.posterior.attribution import mean_contributions, media_contributions
from mmm_bayes.posterior.checks import diagnose
from mmm_bayes.transforms import Array

PUBLISHED = {
    "PyMC-Marketing 0.15.1, nutpie": {
        "small": (0.41, 0.87, 22.97),
        "growing": (0.44, 0.88, 5.86),
        "medium": (0.15, 0.95, 17.44),
        "large": (None, None, 0.19),
    },
    "Meridian 1.1.6": {
        "small": (0.70, 0.73, 5.66),
        "growing": (0.70, 0.89, 2.18),
        "medium": (0.59, 0.74, 3.58),
    },
}
"""SRMSE, R2 and effective draws a second as that project has published them: 4 x 2,000 draws, 32 virtual cores."""

PRESETS = ("small", "growing", "medium", "large")
CI_PROB = 0.9
DERIVED = ("week_effect", "misfit", "contribution_share", "roi", "geo_effect")
"""Variables that are no parameters."""


def read(folder: Path, name: str) -> pd.DataFrame:
    """Return a table of a preset, whichever format it has."""
    path = next(folder.glob(f"{name}.[cp]*"))
    table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    return table.assign(date=pd.to_datetime(table["date"]))


def fitted(folder: Path) -> dict[str, Any]:
    """Fit a preset and return a row of the table."""
    frame = read(folder, "panel")
    channels, controls = ([c for c in frame if c[0] == letter and c[1].isdigit()] for letter in "xc")
    geo = "geo" if frame["geo"].nunique() > 1 else None
    spend = {channel: channel for channel in channels}
    columns = PanelColumns(week="date", geo=geo, kpi="y", spend=spend, controls=tuple(controls))
    started = time.perf_counter()
    posterior = fit(panel_from_frame(frame, columns, folder.name), Model(), Sampler())
    seconds = time.perf_counter() - started
    media = media_contributions(posterior)
    judged = diagnose(posterior, media, prior_quantity(posterior, Model(), CI_PROB), CI_PROB)
    total = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["contribution"]
    true, span = np.array([total[c] for c in posterior.channels]), Interval.of(media.worth, CI_PROB)
    return {
        **errors(posterior, read(folder, "truth")),
        "truth in 90%": f"{int(((span.low <= true) & (true <= span.high)).sum())} of {len(true)}",
        "ESS/s": median_ess(posterior) / seconds,
        "s": seconds,
        "verdict": judged["verdict"],
        "open": [reason["check"] for reason in judged["reasons"] if reason["status"] != "PASS"],
    }


def errors(posterior: Posterior, truth: pd.DataFrame) -> dict[str, float]:
    """Return error, bias and R2 of the contributions by week, means over channels and geos."""
    found = mean_contributions(posterior) * posterior.data["scale"].to_numpy()[:, None]
    weekly, geos = truth.pivot(index="date", columns="geo"), posterior.data["geo"].to_numpy()
    order = geos if len(geos) > 1 else truth["geo"].unique()  # a single series has no name of its own
    true = np.stack([weekly[f"contribution_{c}"][order].to_numpy().T for c in posterior.channels])
    size = np.abs(true.mean(axis=-1))

    def mean(values: Array) -> float:
        return float(np.where(size > 0, values / np.maximum(size, 1e-12), np.nan)[size > 0].mean())

    left, spread = ((found - true) ** 2).sum(axis=-1), true.var(axis=-1) * true.shape[-1]
    return {
        "SRMSE": mean(np.sqrt(((found - true) ** 2).mean(axis=-1))),
        "bias": mean((found - true).mean(axis=-1)),
        "R2": float((1 - left[spread > 0] / spread[spread > 0]).mean()),
    }


def median_ess(posterior: Posterior) -> float:
    """Return the median of the bulk effective draws of all parameters."""
    draws = posterior.tree["posterior"].to_dataset()
    found = azs.ess(draws.drop_vars([name for name in DERIVED if name in draws]), method="bulk")
    return float(np.nanmedian(np.concatenate([np.ravel(values) for values in found.values()])))


def rows(name: str, own: dict[str, Any]) -> list[list[str]]:
    """Return our row of a preset and the published ones."""
    numbers = [f"{own[key]:.3f}" for key in ("SRMSE", "bias", "R2")]
    rest = [f"{own['ESS/s']:.2f}", f"{own['s']:.0f}", f"{own['GiB']:.1f}"]
    found = [[name, "mmm_bayes", *numbers, own["truth in 90%"], *rest, ", ".join([own["verdict"], *own["open"]])]]
    for peer, of in PUBLISHED.items():
        error, fits, ess = of.get(name, (None, None, None))
        missing = "-" if name in of else "fails"
        shown = [missing if value is None else f"{value:.2f}" for value in (error, fits, ess)]
        found.append([name, f"{peer}, published", shown[0], "-", shown[1], "-", shown[2], "-", "-", "-"])
    return found


HEADS = ["preset", "fitted with", "SRMSE", "bias", "R2", "truth in 90%", "ESS/s", "s", "GiB", "verdict, what is open"]


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--preset", type=click.Choice(PRESETS), multiple=True, default=PRESETS[:3], show_default=True)
@click.option("--as-json", is_flag=True, hidden=True)
def main(folder: Path, preset: tuple[str, ...], as_json: bool) -> None:
    """Print our figures beside those published."""
    if as_json:
        click.echo(json.dumps(fitted(folder / preset[0])))
        return
    click.echo("| " + " | ".join(HEADS) + " |\n|" + "---|" * len(HEADS))
    for name in preset:
        command = [sys.executable, __file__, folder, "--preset", name, "--as-json"]
        _, memory, output = measure(command, BENCH / f"recovery-{name}.log")
        own = json.loads(output.splitlines()[-1]) | {"GiB": memory}
        for row in rows(name, own):
            click.echo("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
