"""Chains that grow until they agree: nutpie in the background, looked at again and again."""

from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import numpy as np
import nutpie
import xarray as xr

from mmm_bayes.config import Sampler
from mmm_bayes.errors import FitError
from mmm_bayes.progress import Progress

LONGEST = 8
"""Chains that nearly agree go on to this many times the draws asked for."""

PATIENCE = 4
"""Chains that are far from agreeing go on to this many times, for longer tuning is their remedy."""

DEPTH = 7
"""Doublings of a trajectory at most: 127 steps. Draws need 15 to 63; only the first ones of a chain would take more."""

LOOKS = 10
"""How often they may be looked at, after ever more draws: the first time after those asked for."""


def growing(compiled: Any, sampler: Sampler, progress: Progress) -> Generator[tuple[float, Callable[[], xr.DataTree]]]:
    """Sample a compiled model and yield, each time that a look may be worth it, what takes the draws so far.

    All chains are cut to the same number of draws, so that what is taken depends on the seed alone. To take them the
    chains pause. The iterator must be closed, for the chains live in threads.

    Args:
        compiled: see `compiled.compiled_model`.
        sampler: draws of the first look, chains and seed.
        progress: told what is being done and which share of it is done.

    Yields:
        How many times the draws asked for there are, from 1 to `LONGEST`, and a function that returns them.

    Raises:
        FitError: no chain found a point to start from.
    """
    wanted = [round(factor * sampler.draws) for factor in np.geomspace(1, LONGEST, LOOKS)]
    finished = [-sampler.tune] * sampler.chains

    def show(chains: list[Any]) -> None:
        finished[:] = (chain.finished_draws - sampler.tune for chain in chains)
        divergences = sum(chain.divergences for chain in chains)
        note = f", {divergences} divergences" if divergences else ""
        until = next((draws for draws in wanted if draws > min(finished)), wanted[-1])
        doing = "sampling" if until == wanted[0] else "not yet agreed, going on with"
        done = (min(finished) + sampler.tune) / (until + sampler.tune)
        progress(f"{doing} {sampler.chains} chains{note}", done)

    run = nutpie.sample(
        compiled,
        draws=wanted[-1],
        tune=sampler.tune,
        chains=sampler.chains,
        cores=sampler.chains,
        seed=sampler.seed,
        target_accept=sampler.target_accept,
        maxdepth=DEPTH,
        save_warmup=False,
        progress_bar=False,
        progress_rate=50,
        progress_callback=show,
        blocking=False,
    )
    whole = None
    try:
        for draws in wanted:
            while whole is None and min(finished) < draws:
                whole = _result(run)
            yield draws / sampler.draws, partial(_taken, run, whole, draws)
            run.resume()
    finally:
        run.cancel()


def _result(run: Any) -> xr.DataTree | None:
    """Let the chains run on for a moment, and return their draws if all have ended."""
    try:
        return run.wait(timeout=0.05)
    except TimeoutError:
        return None
    except RuntimeError as error:
        first = str(error).strip().splitlines()[0]
        raise FitError(f"the sampler could not start ({first}); check the units of the panel and the priors.") from None


def _taken(run: Any, whole: xr.DataTree | None, draws: int) -> xr.DataTree:
    """Return as many draws of each chain, of all where they have ended."""
    if whole is not None:
        return _cut(whole, draws)
    run.pause()
    return _cut(run.inspect(), draws)


def _cut(trace: xr.DataTree, draws: int) -> xr.DataTree:
    groups = {name: trace[name].to_dataset().isel(draw=slice(draws)) for name in ("posterior", "sample_stats")}
    return xr.DataTree.from_dict(groups)
