"""Density and gradient as machine code: what nutpie samples from.

Where a later version of PyTensor brings an operation that `mmm_bayes.model.code` does not know, the model is compiled
in PyTensor's own way, which serves one shape and is not kept.
"""

from collections.abc import Callable, Mapping
from ctypes import CFUNCTYPE, POINTER, c_double, c_int64, c_uint64, c_void_p
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from nutpie.compile_pymc import CompiledPyMCModel

from mmm_bayes.config import Model
from mmm_bayes.model.arrays import coordinates, graph_data, sizes_of
from mmm_bayes.model.design import Design
from mmm_bayes.model.jax_backend import compile_jax
from mmm_bayes.model.kept import Code, kept_code, no_garbage_collected
from mmm_bayes.model.start import start_of, uphill
from mmm_bayes.transforms import Array


def compiled_model(design: Design, model: Model, backend: str) -> Any:
    """Return what nutpie samples from: machine code for models of this structure, with these data.

    Args:
        design: scaled panel.
        model: what is assumed.
        backend: ``numba``, or ``jax`` (which keeps nothing between runs).

    Raises:
        FitError: JAX was asked for and is not installed.
    """
    if backend == "jax":
        return compile_jax(design, model)
    code = kept_code(design, model)
    if code is None:
        return ordinary(design, model)
    data, sizes = graph_data(design, model), sizes_of(design.data, model)
    start = code.density.start(sizes, {name: array.to_numpy() for name, array in data.items()})
    return _placed(_with_data(code, data, sizes, design), start, design)


def ordinary(design: Design, model: Model) -> Any:
    """Return the model compiled in PyTensor's own way, for this shape alone; nothing is kept."""
    import nutpie
    import pytensor

    from mmm_bayes.model.graph import build_model, kept_variables

    graph = build_model(design, model)
    with pytensor.config.change_flags(numba__fastmath=False), no_garbage_collected():
        compiled = nutpie.compile_pymc_model(graph, var_names=kept_variables(graph), jitter_rvs=set())
    flat, places = compiled.initial_point_func(0), zip(*compiled.shape_info, strict=True)
    start = {name: flat[place].reshape(shape) for name, place, shape in places if place.stop <= len(flat)}
    return _placed(compiled, start, design)


# --- what nutpie reads --------------------------------------------------------------------------


@dataclass(frozen=True)
class Address:
    """Where a compiled function is."""

    address: int


def _with_data(code: Code, data: Mapping[str, xr.Variable], sizes: Mapping[str, int], design: Design) -> Any:
    """Return what nutpie samples from: compiled functions, and behind one pointer all that they read."""
    values, derived = code.density.VALUES, code.expand.DERIVED
    names = [*values, *derived]
    shapes = [tuple(sizes[dim] for dim in dims) for _, dims in names]
    ends = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes)]).tolist()
    whole, free = ends[-1], ends[len(values)]
    coords = {dim: pd.Index(values) for dim, values in coordinates(design.data, sizes).items()}
    arrays = contiguous(data)
    return CompiledPyMCModel(
        compiled_logp_func=Address(code.density.density.address),
        compiled_expand_func=Address(code.expand.expand.address),
        initial_point_func=lambda seed: np.zeros(free),
        shared_data=arrays,
        shared_var_keys={},
        user_data=numbers(arrays, sizes),
        n_expanded=whole,
        shape_info=([n for n, _ in names], [slice(*pair) for pair in pairwise(ends)], shapes),
        logp_func=None,
        expand_func=None,
        dims={name: dims for name, dims in names if dims},
        reparameterized_names=[],
        _n_dim=free,
        _shapes={name: shape for (name, _), shape in zip(names, shapes, strict=True)},
        _coords=coords | {"unconstrained_parameter": pd.RangeIndex(free)},
    )


def contiguous(data: Mapping[str, xr.Variable]) -> dict[str, Array]:
    """Return arrays as compiled code reads them: floats or whole numbers, row by row."""
    kinds = {name: np.float64 if array.dtype.kind == "f" else np.int64 for name, array in data.items()}
    return {name: np.array(array.to_numpy(), dtype=kinds[name], order="C") for name, array in data.items()}


def numbers(arrays: Mapping[str, Array], sizes: Mapping[str, int]) -> Array:
    """Return the sizes, then address and shape of each array, in the order in which the module reads them."""
    places = (number for array in arrays.values() for number in (array.ctypes.data, *array.shape))
    return np.array([*sizes.values(), *places], dtype=np.int64)


def _placed(compiled: Any, start: Mapping[str, Any], design: Design) -> Any:
    """Return the compiled model with its starting points; see `mmm_bayes.model.start`."""
    placed = start_of(design)
    base = np.concatenate([np.ravel(placed.get(name, value)) for name, value in start.items()])
    spread = np.concatenate([np.full(np.size(value), float(name not in placed)) for name, value in start.items()])
    density = _density(compiled)

    def point(seed: Any) -> Array:
        return uphill(density, base + spread * np.random.default_rng(seed).uniform(-1, 1, len(base)))

    return replace(compiled, initial_point_func=point)


def _density(compiled: Any) -> Callable[[Array], tuple[float, Array]]:
    """Return the log density and its gradient of a point, by the function that nutpie calls."""
    vector = POINTER(c_double)
    function = CFUNCTYPE(c_int64, c_uint64, vector, vector, vector, c_void_p)(compiled.compiled_logp_func.address)

    def density(point: Array) -> tuple[float, Array]:
        arrays = np.array(point), np.empty_like(point), np.empty(1)
        places = (array.ctypes.data_as(vector) for array in arrays)
        failed = function(len(point), *places, compiled.user_data.ctypes.data)  # it holds what these numbers point at
        _, gradient, value = arrays
        return np.nan if failed else float(value[0]), gradient

    return density
