"""The parts of the baseline beside its level: one list for the model's variables, the draws and the tables.

A part has features, known series over the weeks, and a coefficient for each of them that carries the part's own name:
``trend (bend)``, ``season (harmonic)``, ``holidays (holiday)``. Where geos depart from what they have in common, the
spread of their coefficients is ``<part>_spread`` and the coefficients themselves are ``<part>_geo (feature, geo)``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr

from mmm_bayes.transforms import Array

CHANNEL, CONTROL = "channel:", "control:"
"""What the names of channels and controls follow in ``contributions.csv``, whatever they are called."""

LEVEL, DRIFT = "baseline", "drift"
"""Columns of ``contributions.csv``: the KPI of an ordinary week without media, and the wandering of demand."""

Pooling = Literal["common", "departing", "centred"]


@dataclass(frozen=True)
class Part:
    """Features of one kind.

    Attributes:
        name: of the variable that holds the coefficients which geos have in common.
        dim: of its features.
        pooling: what several geos have of their own. ``common``: nothing; else departures that add up to zero,
            ``departing``: non-centred, for features that are the same in each geo; ``centred``: for features that
            differ by geo and whose coefficients the data therefore inform well.
        spread: prior standard deviation of the common coefficients, in shares of the mean KPI.
        component: column of ``contributions.csv`` that the part belongs to; None where each feature has its own.
    """

    name: str
    dim: str
    pooling: Pooling
    spread: float
    component: str | None

    @property
    def values(self) -> str:
        """Name of the variable of `model.design.Design` that holds the features, ``(feature, [geo,] week)``."""
        return f"{self.name}_values"

    @property
    def by_geo(self) -> str:
        """Name of the coefficients ``(feature, geo)`` of parts that differ by geo."""
        return f"{self.name}_geo"

    @property
    def spread_name(self) -> str:
        """Name of the standard deviation ``(feature)`` of the coefficients between geos."""
        return f"{self.name}_spread"

    def features(self, data: xr.Dataset) -> Array:
        """Return the features of a scaled panel, shape ``(feature, geo, week)``; one geo stands for all alike."""
        values = data[self.values]
        return values.to_numpy() if "geo" in values.dims else values.to_numpy()[:, None]

    def components(self, data: xr.Dataset) -> list[str]:
        """Return the column of ``contributions.csv`` for each feature."""
        names = data[self.dim].to_numpy()
        return [self.component or f"{CONTROL}{name}" for name in names]


PARTS = (
    Part("trend", "bend", "departing", 0.3, "trend"),
    Part("season", "harmonic", "departing", 0.3, "season"),
    # the sines of a smooth baseline; their spread is scaled to a process, see `model.smooth`
    Part("smooth", "wave", "common", 1.0, LEVEL),
    Part("holidays", "holiday", "common", 0.3, "holidays"),
    Part("national_controls", "national_control", "departing", 0.3, None),
    Part("controls", "control", "centred", 0.3, None),
)


def of_0_1(tree: xr.DataTree) -> xr.DataTree:
    """Return a posterior of version 0.1.0, whose features stood in one array with groups, with its parts apart."""
    data, draws = (tree[group].to_dataset() for group in ("constant_data", "posterior"))
    kinds, names = (data[name].to_numpy() for name in ("group", "component"))
    values, coefficient = data["feature_values"].to_numpy(), np.swapaxes(draws["coefficient"].to_numpy(), 2, 3)
    data, draws = data.drop_dims("feature"), draws.drop_dims("feature")
    carrier = np.where(data["by_share"], "contribution_share", "roi")
    data = data.drop_vars("by_share").assign_coords(carrier=("channel", carrier))
    for part in PARTS:
        at = np.flatnonzero(kinds == part.name)
        if len(at):
            coords = {part.dim: names[at] if part.component is None else np.arange(len(at))}
            data = data.assign({part.values: ((part.dim, "geo", "week"), values[at])}).assign_coords(coords)
            own = (("chain", "draw", part.dim, "geo"), coefficient[:, :, at])
            draws = draws.assign({part.by_geo: own}).assign_coords(coords)
    tree = tree.copy()
    tree["constant_data"], tree["posterior"] = xr.DataTree(data), xr.DataTree(draws)
    return tree


def parts_of(data: xr.Dataset) -> Iterator[Part]:
    """Yield the parts that a scaled panel has."""
    return (part for part in PARTS if part.values in data)


def all_features(data: xr.Dataset) -> Array:
    """Return the features of all parts, shape ``(feature, geo, week)``."""
    shape = (-1, data.sizes["geo"], data.sizes["week"])
    found = [part.features(data) for part in parts_of(data)]
    return np.concatenate([np.zeros((0, *shape[1:])), *(np.broadcast_to(f, (len(f), *shape[1:])) for f in found)])
