"""`Posterior`: draws, data, scaling and provenance in one file that ArviZ opens; needs no PyMC.

Everything reported is recomputed from these draws with the formulas of `transforms`, in chunks of draws,
so that memory stays bounded whatever the number of geos, weeks and channels.
"""

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from mmm_bayes.likelihoods import LIKELIHOODS, Likelihood
from mmm_bayes.pool import NEVER
from mmm_bayes.posterior.parts import Part, of_0_1
from mmm_bayes.transforms import Array, Shape
from mmm_bayes.workspace import writing

CHUNK = 400_000
"""Elements per array of a chunk: about 3 MB, what a processor's cache holds; larger ones are slower."""


@dataclass(frozen=True)
class Posterior:
    """Draws of one fit with the data that they were drawn for.

    Attributes:
        tree: groups ``posterior``, ``sample_stats``, ``constant_data`` (see `model.design.Design`) and
            ``observed_data``; attributes ``model`` (configuration), ``kpi``, ``currency``, ``version``.
    """

    tree: xr.DataTree

    @property
    def data(self) -> xr.Dataset:
        """The scaled data, see `model.design.Design`."""
        return self.tree["constant_data"].to_dataset()

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The model section of the configuration, as it was fitted."""
        return json.loads(self.tree.attrs["model"])

    @property
    def shape(self) -> Shape:
        """Adstock, saturation and their order."""
        return Shape(**{k: self.settings[k] for k in ("adstock", "saturation", "order", "l_max")})

    @property
    def likelihood(self) -> Likelihood:
        """The distribution of the surprises."""
        return LIKELIHOODS[self.settings["likelihood"]]

    @property
    def channels(self) -> list[str]:
        """Names of the channels."""
        return [str(c) for c in self.data["channel"].to_numpy()]

    @property
    def draws(self) -> int:
        """Number of draws over all chains."""
        sizes = self.tree["posterior"].sizes
        return int(sizes["chain"] * sizes["draw"])

    @property
    def observed(self) -> Array:
        """Which cells have a KPI, shape ``(geo, week)``; in others ``y`` is a guess that nothing was learnt from."""
        data = self.data
        return data["observed"].to_numpy() if "observed" in data else np.ones(data["y"].shape, dtype=bool)

    @property
    def kpi_value(self) -> float:
        """Value of the whole KPI, currency."""
        return kpi_value(self.data)

    @property
    def spend(self) -> Array:
        """Spend of each channel over the panel, shape ``(channel,)``."""
        return total_spend(self.data)

    def per_spend(self, worth: Array) -> Array:
        """Return what channels bring ``(..., channel)`` per unit of spend; NaN for organic ones."""
        return worth / np.where(self.spend > 0, self.spend, np.nan)

    def __getitem__(self, name: str) -> Array:
        """Return the draws of a variable with chains joined, shape ``(draw, ...)``."""
        values = self.tree["posterior"][name].to_numpy()
        return values.reshape(-1, *values.shape[2:])

    def __contains__(self, name: str) -> bool:
        """Whether the model has the variable."""
        return name in self.tree["posterior"]

    def coefficients(self, part: Part, rows: Any) -> Array:
        """Return the coefficients of a part for some draws, shape ``(draw, feature, geo)``; one geo stands for all."""
        return self[part.by_geo][rows] if part.by_geo in self else self[part.name][rows][..., None]

    def media_coefficient(self, channel: int, rows: Any) -> Array:
        """Return scaled KPI per unit of a channel's saturated media for some draws, shape ``(draw, geo)``."""
        return self["beta"][rows, channel, None] * self["geo_effect"][rows, channel]

    @property
    def demand(self) -> Array:
        """How likely it was before the fit that a channel follows demand, shape ``(channel,)``."""
        never = np.full(len(self.channels), NEVER)
        return self.data["demand"].to_numpy() if "demand" in self.data else never

    def misfit(self, rows: Any = slice(None)) -> Array:
        """Return the factor on each channel's return for what formulas miss and demand lends, ``(draw, channel)``."""
        return self["misfit"][rows] if "misfit" in self else np.ones_like(self["contribution_share"][rows])

    def return_coefficient(self, channel: int, rows: Any) -> Array:
        """Return `media_coefficient` with the misfit in it: for what a channel returns, not for what the KPI was."""
        return self.media_coefficient(channel, rows) * self.misfit(rows)[:, channel, None]

    def thinned(self, draws: int) -> Array:
        """Return the places of at most ``draws`` draws, evenly spread over all chains."""
        return np.unique(np.linspace(0, self.draws - 1, min(draws, self.draws)).round().astype(int))

    def parameters(self, channel: int, rows: Any) -> dict[str, Array]:
        """Return the shape parameters of one channel for some draws, each ``(draw, 1)``."""
        return {name: self[name][rows, channel, None] for name in self.shape.parameters}


def kpi_value(data: xr.Dataset) -> float:
    """Return the value of the whole KPI of a scaled panel (see `model.design.Design`), currency."""
    return float((data["y"] * data["money"]).sum())


def total_spend(data: xr.Dataset) -> Array:
    """Return the spend of each channel of a scaled panel, shape ``(channel,)``."""
    return data["spend"].sum(("geo", "week")).to_numpy()


def save_posterior(posterior: Posterior, path: Path) -> None:
    """Write ``posterior.nc``; the same draws give the same bytes whenever they were drawn."""
    tree = posterior.tree.copy()
    for group in tree.subtree:
        group.attrs = {name: value for name, value in group.attrs.items() if name != "created_at"}
    with writing(path) as temporary:
        tree.to_netcdf(temporary, engine="h5netcdf")


def load_posterior(path: Path) -> Posterior:
    """Read what `save_posterior` wrote, now or in version 0.1.0."""
    with xr.open_datatree(path, engine="h5netcdf") as tree:
        tree = tree.load()
    return Posterior(of_0_1(tree) if "feature_values" in tree["constant_data"] else tree)


def by_chunks(work: Callable[[Array], Any], rows: Array, elements: int) -> list[Any]:
    """Return what ``work`` makes of the draws, chunk by chunk and in order; NumPy does several at once.

    Args:
        work: called with the places of some draws.
        rows: places of all draws.
        elements: numbers per draw; those of a chunk stay within `CHUNK`.
    """
    step = max(1, CHUNK // max(elements, 1))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(work, (rows[start : start + step] for start in range(0, len(rows), step))))
