"""Sampling with nutpie: safe starts, one seed one answer, and derived quantities for `Posterior`."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any

import numpy as np
import xarray as xr

import mmm_bayes
from mmm_bayes.config import Model, Sampler
from mmm_bayes.model.arrays import NORMALS
from mmm_bayes.model.chains import LONGEST, PATIENCE, growing
from mmm_bayes.model.compiled import compiled_model
from mmm_bayes.model.design import Design
from mmm_bayes.posterior import Posterior
from mmm_bayes.posterior.checks import Reason, unconverged
from mmm_bayes.posterior.draws import kpi_value, total_spend
from mmm_bayes.progress import Progress

SURELY = 0.7
"""Chains are not looked at before this share of the draws that they seem to need: how many is known to a third."""

FARTHEST = 2.0
"""How many times as many draws they are looked at again at the latest, for at first they seem to need too many."""


def sample_design(design: Design, model: Model, sampler: Sampler, progress: Progress) -> Posterior:
    """Draw from the posterior of a scaled panel until the chains agree, or have run on to `chains.LONGEST`.

    Args:
        design: scaled panel.
        model: what is assumed.
        sampler: least draws, chains and seed.
        progress: told what is being done and which share of it is done.

    Raises:
        FitError: the sampler could not start.
    """
    progress("compiling (a second when it was done before)", None)
    return sample_compiled(compiled_model(design, model, sampler.backend), design, model, sampler, progress)


def sample_compiled(compiled: Any, design: Design, model: Model, sampler: Sampler, progress: Progress) -> Posterior:
    """Draw from the posterior of a panel whose data a compiled model holds; see `sample_design`."""
    again = 1.0
    with closing(growing(compiled, sampler, progress)) as looks:
        for times, take in looks:
            if times < again:
                continue
            posterior = assemble(take(), design, model, sampler)
            failed = unconverged(posterior.tree)
            if is_enough(failed, times):
                break
            again = next_look(failed, times)
    return posterior


def is_enough(failed: Mapping[str, Reason], times: float) -> bool:
    """Return whether more draws are not needed, or no remedy.

    Args:
        failed: checks of convergence that are not passed, see `checks.unconverged`.
        times: the draws asked for that there are.
    """
    statuses = {check: reason.status for check, reason in failed.items()}
    if not failed or statuses.get("divergences") == "FAIL" or failed.keys() == {"divergences"}:
        return True
    return times >= PATIENCE and "FAIL" in statuses.values()


def next_look(failed: Mapping[str, Reason], times: float) -> float:
    """Return how many times the draws asked for are worth another look: effective draws grow as draws do.

    Args:
        failed: checks of convergence that are not passed, see `checks.unconverged`.
        times: the draws asked for that there are.
    """
    far = any(reason.status == "FAIL" for reason in failed.values())
    missing = (reason.threshold / reason.value for check, reason in failed.items() if check.endswith("ess"))
    more = min(SURELY * max(missing, default=1.0), FARTHEST)
    return min(times * more, PATIENCE if far else LONGEST)


def assemble(trace: xr.DataTree, design: Design, model: Model, sampler: Sampler) -> Posterior:
    """Turn draws into a `Posterior`: with the data that they were drawn for, contribution shares and ROI."""
    draws = trace["posterior"].to_dataset()
    hidden = [name for name in draws if str(name).endswith(NORMALS)]
    draws = draws.drop_vars([*hidden, *(draws.coords.keys() - {"chain", "draw"})]).assign_coords(design.data.coords)
    contribution, spend = draws["contribution"], total_spend(design.data)
    draws = draws.drop_vars("contribution").assign(
        roi=contribution / np.where(spend > 0, spend, np.nan),
        contribution_share=contribution / kpi_value(design.data),
    )
    tree = xr.DataTree.from_dict(
        {
            "posterior": draws,
            "sample_stats": _statistics(trace),
            "constant_data": design.data,
            "observed_data": design.data[["y"]],
        }
    )
    tree.attrs = {
        "model": model.model_dump_json(),
        "sampler": sampler.model_dump_json(),
        "version": mmm_bayes.__version__,
    }
    return Posterior(tree)


def _statistics(trace: xr.DataTree) -> xr.Dataset:
    kept = ("diverging", "energy", "n_steps", "depth", "step_size", "logp", "maxdepth_reached")
    stats = trace["sample_stats"].to_dataset()
    return stats[[name for name in kept if name in stats]]
