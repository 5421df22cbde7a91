"""Fit two panels whose truth is known with mmm_bayes, Meridian and PyMC-Marketing, and print what each took and found.

Each fit is a whole process. We and each peer get an environment of our own below ``.bench/``, made on the first call,
with what the package asks for and no more. They are fitted in turns, so that a slow minute of the machine meets all:
first with nothing compiled, then the same again, at last a panel of a shape that none has met.
"""

import json
import os
import platform
import re
import tempfile
import time
import venv
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from subprocess import PIPE, CalledProcessError, Popen
from typing import Any

import click
import pandas as pd
import yaml

ROOT = Path(__file__).parents[1]
BENCH = ROOT / ".bench"
REPORT = ROOT / "reports" / "benchmarks.md"
BEGIN, END = "<!-- peers: begin -->", "<!-- peers: end -->"
PANELS = {"geo_media": "20 geos x 156 weeks x 4 channels", "national_media": "national, 156 weeks x 4 channels"}
OURS = "mmm_bayes"
HEADER = [
    *(
        "fitted with",
        "s: the same again",
        "s: a new shape",
        "s: an empty cache",
        "GiB",
        "min bulk ESS of ROIs",
        "ESS/s",
    ),
    *("max R-hat", "divergences", "ROI medians", "truth in 90%", "time beside ours", "our ESS/s beside it"),
]


@dataclass(frozen=True)
class Peer:
    """A package to fit with.

    Attributes:
        title: what the table calls it.
        environment: its folder below ``.bench/``.
        packages: what is installed there, by name.
        draws: kept draws of each of four chains, and so many before those (Meridian: of each of its two phases).
        options: more arguments of its script, ``scripts/peers/fit_<environment>.py``.
    """

    title: str
    environment: str
    packages: tuple[str, ...]
    draws: int
    options: tuple[str, ...] = ()


LOGISTIC = Peer("PyMC-Marketing, logistic", "pymc_marketing", ("pymc-marketing", "nutpie"), 1000)
PEERS = {
    "meridian": Peer("Meridian, JAX", "meridian", ("google-meridian",), 500),
    "pymc_marketing": LOGISTIC,
    "pymc_marketing_hill": replace(LOGISTIC, title="PyMC-Marketing, Hill", options=("--saturation=hill",)),
}


@dataclass(frozen=True)
class Fit:
    """One fit, a process of its own.

    Attributes:
        seconds: from the start of the process to its end.
        memory: GiB at the peak.
        found: ROI (``median, low, high``) of each ``channel``, ``ess, rhat, divergences, draws, versions``.
    """

    seconds: float
    memory: float
    found: dict[str, Any]


def measure(command: list[Any], log: Path, **variables: str) -> tuple[float, float, str]:
    """Return seconds, peak memory (GiB) and output of a command; its messages go to a file.

    Raises:
        CalledProcessError: it failed; holds the path of its messages.
    """
    log.parent.mkdir(exist_ok=True)
    started = time.perf_counter()
    with log.open("w", encoding="utf-8") as messages:
        process = Popen(command, stdout=PIPE, stderr=messages, text=True, env=os.environ | variables)
        output, (_, status, usage) = process.stdout.read(), os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise CalledProcessError(process.returncode, command, stderr=str(log.relative_to(ROOT)))
    return time.perf_counter() - started, usage.ru_maxrss / 2**20, output


def environment(name: str, *packages: str) -> Path:
    """Return the interpreter of an environment, after making it where it is not yet."""
    folder = BENCH / name
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        click.echo(f"installing {packages[-1]} into {folder.relative_to(ROOT)}", err=True)
        venv.create(folder, clear=True, with_pip=True)
        measure([python, "-m", "pip", "install", "--quiet", *packages], BENCH / f"{name}-pip.log")
        ready.touch()
    return python


@dataclass(frozen=True)
class Fits:
    """The fits of one panel with one package: the medians of those that met their own shape again, and the others."""

    again: Fit
    shape: Fit
    empty: Fit


def compiled(cache: Path) -> dict[str, str]:
    """Return the variables by which what is compiled is kept in a folder."""
    return {"PYTENSOR_FLAGS": f"base_compiledir={cache}", "NUMBA_CACHE_DIR": ""}


def fit_peer(peer: Peer, panel: Path, cache: Path, quick: bool) -> Fit:
    """Fit a panel with a peer, what it compiles in a folder."""
    draws, script = 10 if quick else peer.draws, ROOT / "scripts" / "peers" / f"fit_{peer.environment}.py"
    seconds, memory, output = measure(
        [
            environment(peer.environment, *peer.packages),
            script,
            panel,
            f"--tune={draws}",
            f"--draws={draws}",
            *peer.options,
        ],
        BENCH / f"{peer.environment}-{panel.stem}.log",
        MERIDIAN_BACKEND="jax",
        **compiled(cache),
    )
    return Fit(seconds, memory, json.loads(output.strip().splitlines()[-1]))


def configure(panel: Path, folder: Path) -> Path:
    """Write the configuration of a panel, all defaults but the names of the columns, and return its path."""
    columns = pd.read_csv(panel, nrows=0).columns
    spend = {c.removesuffix("_spend"): c for c in columns if c.endswith("_spend")}
    source: dict[str, Any] = {
        "path": str(panel),
        "week": "time",
        "kpi": "conversions",
        "kpi_value": "revenue_per_conversion",
    }
    source |= {c: c for c in ("geo", "population") if c in columns}
    source |= {"spend": spend, "controls": [c for c in columns if c.endswith("_control")]}
    path = folder / f"{panel.stem}.yaml"
    path.write_text(yaml.safe_dump({"name": panel.stem, "panel": source}), encoding="utf-8")
    return path


def fit_ours(panel: Path, cache: Path, quick: bool) -> Fit:
    """Prepare a panel, then measure ``mmm-bayes fit`` on it, what it compiles in a folder."""
    python = environment(OURS, f"--constraint={ROOT / 'constraints.txt'}", f"--editable={ROOT}")
    config, program = configure(panel, cache), python.with_name("mmm-bayes")
    common, log = [config, "--quiet", "--output", cache], BENCH / f"{OURS}-{panel.stem}.log"
    measure([program, "prepare", *common], log)
    few = ["--tune=100", "--draws=100"] if quick else []
    seconds, memory, _ = measure([program, "fit", *common, *few], log, **compiled(cache))
    data = cache / "data" / panel.stem
    roi, sampler = pd.read_csv(data / "roi.csv"), json.loads((data / "diagnostics.json").read_text())["sampler"]
    found = {name.removeprefix("roi_"): roi[name].tolist() for name in ("channel", "roi_median", "roi_low", "roi_high")}
    found |= {"ess": roi["ess_bulk"].min(), "rhat": roi["rhat"].max(), "draws": sampler["draws"] * sampler["chains"]}
    versions = "from importlib.metadata import version; import json, sys; "
    versions += "print(json.dumps({name: version(name) for name in sys.argv[1:]}))"
    used = json.loads(measure([python, "-c", versions, OURS, "pymc", "nutpie", "arviz"], log)[2])
    found |= {"divergences": sampler["divergences"], "versions": used}
    return Fit(seconds, memory, found)


def a_week_fewer(panel: Path, folder: Path) -> Path:
    """Write a panel without its last week into a folder, and return its path."""
    frame = pd.read_csv(panel)
    path = folder / f"{panel.stem}_shorter.csv"
    frame[frame["time"] < frame["time"].max()].to_csv(path, index=False)
    return path


def compare(panel: Path, peers: list[Peer], runs: int, quick: bool) -> dict[str, Fits | str]:
    """Return our fits of a panel and those of the peers, or how they failed, by title.

    Args:
        panel: the CSV.
        peers: beside whom.
        runs: rounds in which each meets the panel again.
        quick: few draws, to see that all works.
    """
    fitters: dict[str, Callable[[Path, Path, bool], Fit]] = {OURS: fit_ours}
    fitters |= {peer.title: partial(fit_peer, peer) for peer in peers}
    fits: dict[str, list[Fit]] = {title: [] for title in fitters}
    failed: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for one in (panel, *[panel] * runs, a_week_fewer(panel, folder)):
            for title, fitted in fitters.items():
                if title in failed:
                    continue
                click.echo(f"{one.stem}: {title}", err=True)
                cache = folder / re.sub(r"\W+", "_", title)  # PyTensor parts its flags at commas
                cache.mkdir(exist_ok=True)
                try:
                    fits[title].append(fitted(one, cache, quick))
                except CalledProcessError as error:
                    if title == OURS:
                        raise
                    failed[title] = f"failed with code {error.returncode}, see {error.stderr}"
    return {title: failed.get(title) or Fits(middle(own[1:-1]), own[-1], own[0]) for title, own in fits.items()}


def middle(fits: list[Fit]) -> Fit:
    """Return the last fit with the medians of all for time and memory."""
    return replace(fits[-1], **{name: median(getattr(f, name) for f in fits) for name in ("seconds", "memory")})


def row(title: str, fits: dict[str, Fits | str], truth: dict[str, float]) -> list[str]:
    """Return a line of the table, see `HEADER`."""
    own, ours = fits[title], fits[OURS]
    if isinstance(own, str) or isinstance(ours, str):
        return [title, str(own), *["-"] * (len(HEADER) - 2)]
    fit, best = own.again, ours.again
    f, rate = fit.found, fit.found["ess"] / fit.seconds
    covered = [low <= truth[c] <= high for c, low, high in zip(f["channel"], f["low"], f["high"], strict=True)]
    return [
        title,
        *(f"{value:.1f}" for value in (fit.seconds, own.shape.seconds, own.empty.seconds, fit.memory)),
        f"{f['ess']:,.0f} of {f['draws']:,}",
        f"{rate:.2f}",
        f"{f['rhat']:.3f}",
        str(f["divergences"]),
        " ".join(f"{m:.2f}" for m in f["median"]),
        f"{sum(covered)} of {len(covered)}",
        f"{fit.seconds / best.seconds:.1f}",
        f"{best.found['ess'] / best.seconds / rate:.1f}",
    ]


def markdown(tables: dict[str, dict[str, Fits | str]], truth: dict[str, float]) -> str:
    """Return all tables, with what they were made with."""
    fits = {title: own.again for table in tables.values() for title, own in table.items() if isinstance(own, Fits)}
    versions = {t: ", ".join(f"{name} {v}" for name, v in fit.found["versions"].items()) for t, fit in fits.items()}
    lines = [f"{os.cpu_count()} cores.", "", *(f"- {title}: {used}" for title, used in versions.items())]
    for name, table in tables.items():
        rows = [row(title, table, truth) for title in table]
        body = ("| " + " | ".join(line) + " |" for line in [HEADER, ["---"] * len(HEADER), *rows])
        lines += ["", f"**{name}**: {PANELS[name]}", "", *body]
    return "\n".join(lines)


def write(text: str) -> None:
    """Put the tables between the markers of the report."""
    before, after = re.split(f"{BEGIN}.*{END}", REPORT.read_text(encoding="utf-8"), flags=re.DOTALL)
    REPORT.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


@click.command()
@click.option("--data", type=click.Path(exists=True, path_type=Path), default=ROOT.parent / "shared" / "data")
@click.option("--runs", type=click.IntRange(1), default=3, show_default=True, help="Runs of each, for medians.")
@click.option("--peer", "names", type=click.Choice([*PEERS]), multiple=True, default=["meridian", "pymc_marketing"])
@click.option("--panel", "panels", type=click.Choice([*PANELS]), multiple=True, default=[*PANELS])
@click.option("--quick", is_flag=True, help="A few draws of each, to see that all of it runs.")
@click.option("--write", "keep", is_flag=True, help=f"Put the tables into {REPORT.name}.")
def main(data: Path, runs: int, names: list[str], panels: list[str], quick: bool, keep: bool) -> None:
    """Fit panels whose truth is known with mmm_bayes and its peers; print what each took and found."""
    if quick and keep:
        raise click.UsageError("--quick measures nothing worth writing: leave out --write.")
    folder, peers = data / "meridian", [PEERS[name] for name in names]
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["roi"]
    tables = {name: compare(folder / f"{name}.csv", peers, runs, quick) for name in panels}
    made = f"`python scripts/benchmark_peers.py --runs {runs}`, medians of so many runs"
    text = f"{made}, Python {platform.python_version()}, {markdown(tables, truth)}"
    click.echo(text)
    if keep:
        write(text)


if __name__ == "__main__":
    main()
