"""Sampling with nutpie: safe starts, one seed one answer, and derived quantities for `Posterior`."""

from contextlib import closing
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

import mmm_bayes
from mmm_bayes.config import Model, Sampler
from mmm_bayes.model.arrays import zero_sum_basis
from mmm_bayes.model.chains import growing
from mmm_bayes.model.compiled import compiled_model
from mmm_bayes.model.design import Design
from mmm_bayes.model.smooth import amplitudes
from mmm_bayes.posterior import Posterior, by_chunks
from mmm_bayes.posterior.checks import unconverged
from mmm_bayes.progress import Progress
from mmm_bayes.transforms import Array, effect_scale


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
    with closing(growing(compiled, sampler, progress)) as traces:
        for trace in traces:
            failed = unconverged(trace)
            if not failed:
                posterior = assemble(trace, design, model, sampler)
                if not unconverged(posterior.tree, ["contribution_share"]):
                    return posterior
            if failed.get("divergences") == "FAIL" or failed.keys() == {"divergences"}:
                break  # more draws are no remedy
    return assemble(trace, design, model, sampler)


# --- from raw draws to a Posterior --------------------------------------------------------------

RAW = ("z", "level_turned", "week_raw", "departure", "coefficient", "xi_common", "xi_local")


def assemble(trace: xr.DataTree, design: Design, model: Model, sampler: Sampler) -> Posterior:
    """Turn raw draws into a `Posterior` with coefficients, week effects, ROI and contribution shares."""
    raw = _with_smooth(trace["posterior"].to_dataset(), design)
    draws = raw.drop_vars([v for v in raw.data_vars if v in RAW])
    draws = draws.assign(_geo_effect(raw, design)).assign(_baseline(raw, design))
    draws = draws.drop_vars([c for c in draws.coords if c not in ("chain", "draw")])
    draws = draws.assign_coords(design.data.coords)
    attributes = {
        "model": model.model_dump_json(),
        "sampler": sampler.model_dump_json(),
        "version": mmm_bayes.__version__,
    }
    tree = xr.DataTree.from_dict(
        {
            "posterior": draws,
            "sample_stats": _statistics(trace),
            "constant_data": design.data,
            "observed_data": design.data[["y"]],
        }
    )
    tree.attrs = attributes
    return with_roi(Posterior(tree))


def _with_smooth(raw: xr.Dataset, design: Design) -> xr.Dataset:
    """Return draws whose coefficients of a smooth baseline are scaled, as `build` does it in the graph."""
    if not len(design.smooth):
        return raw
    gamma = raw["gamma"].copy(deep=True)
    scale, length = (raw[name].to_numpy() for name in ("smooth_scale", "smooth_length"))
    gamma[..., design.smooth] *= amplitudes(scale, length, design.data.sizes["week"])
    return raw.assign(gamma=gamma)


def _statistics(trace: xr.DataTree) -> xr.Dataset:
    kept = ("diverging", "energy", "n_steps", "depth", "step_size", "logp", "maxdepth_reached")
    stats = trace["sample_stats"].to_dataset()
    return stats[[name for name in kept if name in stats]]


def _geo_effect(raw: xr.Dataset, design: Design) -> dict[str, Any]:
    """Return the factor by which each geo departs, ``(chain, draw, channel, geo)``."""
    if "z" in raw:
        return {"geo_effect": np.exp(raw["eta"] * raw["z"])}
    ones = np.ones((*raw["log_effect"].shape, design.data.sizes["geo"]))
    return {"geo_effect": xr.DataArray(ones, dims=("chain", "draw", "channel", "geo"))}


def _baseline(raw: xr.Dataset, design: Design) -> dict[str, Any]:
    """Return coefficients per geo and feature, and no week effect where there is one geo alone."""
    common, departs = design.common, design.departs
    geos = design.data.sizes["geo"]
    gamma = raw["gamma"].to_numpy()
    coefficient = np.repeat(gamma[:, :, None, :], geos, axis=2)
    if "departure" in raw:
        scaled = raw["departure"].to_numpy() * raw["xi_common"].to_numpy()[:, :, None]
        coefficient[..., common & departs] += np.einsum("hg,cdhf->cdgf", zero_sum_basis(geos), scaled)
    if "coefficient" in raw:
        coefficient[..., ~common & departs] = np.swapaxes(raw["coefficient"].to_numpy(), 2, 3)
    found: dict[str, Any] = {"coefficient": (("chain", "draw", "geo", "feature"), coefficient)}
    if "week_effect" not in raw:
        found["week_effect"] = (("chain", "draw", "week"), np.zeros((*gamma.shape[:2], design.data.sizes["week"])))
    return found


def with_roi(posterior: Posterior) -> Posterior:
    """Add ``beta``, ``roi`` and ``contribution_share`` (channel) to the draws; organic channels have no ROI."""
    data = posterior.data
    media, money = data["media"].to_numpy(), data["money"].to_numpy()
    effect, geo = np.exp(posterior["log_effect"]), posterior["geo_effect"]

    def scaled(c: int, rows: Array) -> tuple[Array, Array]:
        response = posterior.shape.respond(media[c], posterior.parameters(c, rows)) * geo[rows, c, :, None]
        spread, value = effect_scale(response, money)
        return effect[rows, c] / spread, effect[rows, c] / spread * value

    every = np.arange(posterior.draws)
    channels = [np.concatenate(by_chunks(partial(scaled, c), every, money.size), axis=1) for c in range(len(media))]
    beta, worth = np.stack(channels, axis=-1)
    sizes = posterior.tree["posterior"].sizes
    lead, dims = (sizes["chain"], sizes["draw"], len(media)), ("chain", "draw", "channel")
    added = {"beta": beta, "roi": posterior.per_spend(worth), "contribution_share": worth / posterior.kpi_value}
    draws = posterior.tree["posterior"].to_dataset().assign({k: (dims, v.reshape(lead)) for k, v in added.items()})
    tree = posterior.tree.copy()
    tree["posterior"] = xr.DataTree(draws)
    return Posterior(tree)
