"""Fit simulated panels with Numba and with JAX, which takes a GPU where there is one, and hold the posteriors together.

Each fit is a process of its own with its share of the time; all take less than eight minutes by default. Seconds are
from the panel to the draws (JAX compiles while it samples, Numba before); effective draws are the median over all
parameters. Both posteriors are the same where means of log ROI are apart by no more than Monte Carlo error, say four
standard errors at most.
"""

import json
import subprocess
import sys
import time
from typing import Any, Literal

import arviz_stats as azs
import click
import numpy as np
from benchmark_recovery import median_ess

from mmm_bayes.config import Model, Sampler, SimulatedChannel
from mmm_bayes.model.compiled import compiled_model
from mmm_bayes.model.design import build_design
from mmm_bayes.model.sample import sample_compiled
from mmm_bayes.panel import panel_from_frame
from mmm_bayes.progress import silent
from mmm_bayes.simulate import PanelSpec, simulate_panel

SHAPES = ("20x156x4", "100x156x10", "208x50x30")
"""Geos, weeks and channels."""

BACKENDS = ("numba", "jax")
HEADS = ["geos x weeks x channels", "backend", "device", "s", "before sampling", "ESS", "ESS/s", "log ROI apart by"]


def fitted(shape: str, backend: Literal["numba", "jax"], draws: int, chains: int) -> dict[str, Any]:
    """Fit a panel and return what is printed of it, with the mean of log ROI by channel and its standard error."""
    geos, weeks, count = map(int, shape.split("x"))
    kinds: tuple[Literal["flighted", "always_on"], ...] = ("flighted", "always_on")
    channels = {
        f"channel {n}": SimulatedChannel(
            pattern=kinds[n % 2], share=0.15 / count, roi=1 + n % 3, alpha=0.4, kappa=1.0, slope=1.2
        )
        for n in range(count)
    }
    simulated = simulate_panel(PanelSpec(geos=geos, weeks=weeks, channels=channels, seed=1))
    panel = panel_from_frame(simulated.frame, simulated.columns, shape)
    sampler = Sampler(draws=draws, tune=draws, chains=chains, backend=backend)
    started = time.perf_counter()
    design = build_design(panel, Model())
    compiled = compiled_model(design, Model(), backend)
    ready = time.perf_counter()
    posterior = sample_compiled(compiled, design, Model(), sampler, silent)
    seconds = time.perf_counter() - started
    roi = np.log(posterior.tree["posterior"]["roi"])
    error = roi.std(("chain", "draw")) / np.sqrt(azs.ess(roi.to_dataset(name="roi"), method="mean")["roi"])
    return {
        "device": _device() if backend == "jax" else "cpu",
        "s": seconds,
        "before": ready - started,
        "ess": median_ess(posterior),
        "mean": roi.mean(("chain", "draw")).to_numpy().tolist(),
        "error": error.to_numpy().tolist(),
    }


def _device() -> str:
    import jax

    return str(jax.devices()[0].device_kind)


def row(shape: str, backend: str, found: dict[str, Any] | None, other: dict[str, Any] | None, limit: int) -> list[str]:
    """Return a line of the table; ``other`` is the fit that this one is held against."""
    if found is None:
        return [shape, backend, "-", f"> {limit}", *["-"] * 4]
    seconds, effective = found["s"], found["ess"]
    numbers = [f"{seconds:.1f}", f"{found['before']:.1f}", f"{effective:.0f}", f"{effective / seconds:.2f}"]
    apart = "-"
    if other is not None:
        distance = np.subtract(found["mean"], other["mean"]) / np.hypot(found["error"], other["error"])
        apart = f"{np.abs(distance).max():.1f} standard errors at most"
    return [shape, backend, found["device"], *numbers, apart]


@click.command()
@click.option("--shape", multiple=True, default=SHAPES, show_default=True, help="Geos, weeks and channels.")
@click.option("--draws", default=300, show_default=True, help="Draws of each chain, after as many to tune.")
@click.option("--chains", default=4, show_default=True)
@click.option("--limit", default=75, show_default=True, help="Seconds that a fit may take.")
@click.option("--as-json", type=click.Choice(BACKENDS), hidden=True)
def main(shape: tuple[str, ...], draws: int, chains: int, limit: int, as_json: Any) -> None:
    """Print both backends' seconds and effective draws a second."""
    if as_json:
        click.echo(json.dumps(fitted(shape[0], as_json, draws, chains)))
        return
    click.echo("| " + " | ".join(HEADS) + " |\n|" + "---|" * len(HEADS))
    for one in shape:
        first = None
        for backend in BACKENDS:
            options = ["--shape", one, "--draws", str(draws), "--chains", str(chains), "--as-json", backend]
            found = None
            try:
                command = [sys.executable, __file__, *options]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=limit)
                found = json.loads(done.stdout.splitlines()[-1])
            except subprocess.TimeoutExpired:
                pass
            click.echo("| " + " | ".join(row(one, backend, found, first, limit)) + " |")
            first = found


if __name__ == "__main__":
    main()
