"""Print how long a first fit takes beside a repeated one: an empty cache, the same panel again, and other shapes of it.

Each fit is a whole process until its files stand. A round begins with an empty cache, so that every other shape meets
one that knows the first panel alone. Printed are medians of the rounds, and their ratios to the repeated fit.
"""

import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from subprocess import DEVNULL, Popen
from typing import Any

import click
import pandas as pd
import yaml
from benchmark import PROGRAM
from benchmark_peers import compiled

from mmm_bayes.config import SimulatedChannel
from mmm_bayes.simulate import PanelSpec, simulate_panel

CHANNELS = {
    name: SimulatedChannel(pattern=pattern, share=0.03, roi=roi, alpha=0.4, kappa=1.0, slope=1.2)
    for name, pattern, roi in (
        ("tv", "flighted", 2.0),
        ("search", "always_on", 3.0),
        ("social", "flighted", 1.5),
        ("display", "always_on", 1.0),
        ("radio", "flighted", 1.5),
    )
}


def write_panel(folder: Path, name: str, geos: int, weeks: int, channels: int, model: Mapping[str, Any]) -> Path:
    """Write a panel and its configuration, and return the path of the latter."""
    chosen = dict([*CHANNELS.items()][:channels])
    simulated = simulate_panel(PanelSpec(geos=geos, weeks=weeks, channels=chosen, seed=1))
    simulated.frame.to_csv(folder / f"{name}.csv", index=False)
    panel = {"path": f"{name}.csv", **simulated.columns.model_dump(mode="json", exclude_none=True)}
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({"name": name, "panel": panel, "model": dict(model)}), encoding="utf-8")
    return path


def seconds(command: str, config: Path, cache: Path) -> tuple[float, float]:
    """Return wall and processor seconds of a command as a whole process."""
    variables = os.environ | compiled(cache)
    started = time.perf_counter()
    process = Popen([PROGRAM, command, config, "--quiet", "--output", config.parent], stdout=DEVNULL, env=variables)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"mmm-bayes {command} {config.name} failed")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime


def shapes(geos: int, weeks: int) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return what is fitted in a round by what the table calls it: a name, and what is other about the panel."""
    usual = {"geos": geos, "weeks": weeks, "channels": 4, "model": {}}
    more = {
        "a week more": ("longer", {"weeks": weeks + 1}),
        "a channel more": ("wider", {"channels": 5}),
        "other priors": (
            "priors",
            {"model": {"priors": {"alpha": {"tv": [0.1, 0.6]}, "kappa": {"default": [0.3, 4.0]}}}},
        ),
    }
    if geos > 1:
        more["a geo fewer"] = ("fewer", {"geos": geos - 1})
    same = {"an empty cache": ("first", {}), "the same again": ("first", {})}
    return {label: (name, usual | other) for label, (name, other) in (same | more).items()}


@click.command()
@click.option("--rounds", default=3, show_default=True, help="Rounds; each begins with an empty cache.")
@click.option("--geos", default=20, show_default=True)
@click.option("--weeks", default=156, show_default=True)
def main(rounds: int, geos: int, weeks: int) -> None:
    """Print a Markdown table."""
    measured = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as place:
            folder, cache = Path(place), Path(place) / "cache"
            for label, (name, panel) in shapes(geos, weeks).items():
                config = write_panel(folder, name, **panel)
                seconds("prepare", config, cache)
                measured.append((f"fit: {label}", *seconds("fit", config, cache)))
            measured.append(("compare, after the fit", *seconds("compare", folder / "first.yaml", cache)))
            measured.append(("compare, again", *seconds("compare", folder / "first.yaml", cache)))
    table = pd.DataFrame(measured, columns=["what", "seconds", "processor"]).groupby("what", sort=False).agg(median)
    print(f"{geos} geos x {weeks} weeks x 4 channels, medians of {rounds}\n")
    print("| | s | processor s | times the repeated fit |\n|---|---|---|---|")
    for what, row in table.iterrows():
        base = table.loc["compare, again" if str(what).startswith("compare") else "fit: the same again", "seconds"]
        print(f"| {what} | {row['seconds']:.1f} | {row['processor']:.1f} | {row['seconds'] / base:.2f} |")


if __name__ == "__main__":
    main()
