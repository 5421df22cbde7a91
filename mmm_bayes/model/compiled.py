"""Density and gradient as machine code, compiled once for each shape of panel and kept between runs.

Compiling takes most of the wait for a first fit. The machine code is therefore kept in the user's cache folder, under
a key of everything that it depends on; a later fit of the same shape loads it in a fraction of a second, and imports
neither PyMC nor the compiler. The data are not in the code: it reads them through pointers.
"""

import gc
import hashlib
import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import nutpie
from numba.core.registry import cpu_target
from numba.core.runtime import rtsys
from nutpie.compile_pymc import CompiledPyMCModel, make_user_data

from mmm_bayes.cache import compile_cache
from mmm_bayes.config import Model
from mmm_bayes.model.arrays import graph_data
from mmm_bayes.model.design import Design
from mmm_bayes.model.jax_backend import compile_jax
from mmm_bayes.model.start import start_of
from mmm_bayes.transforms import Array
from mmm_bayes.workspace import writing

LIBRARIES = ("nutpie", "numba", "llvmlite", "pymc", "pytensor", "numpy")
SOURCES = ("transforms.py", "likelihoods.py", "priors.py", "pool.py", "posterior/parts.py", "posterior/lift.py")
"""Files outside of this room that the graph is made of."""

KEPT = 60
"""Compiled models kept in the cache; the oldest go first."""


@dataclass(frozen=True)
class Callback:
    """Machine code of one function, and the library that keeps it alive."""

    library: Any
    address: int


@dataclass(frozen=True)
class Shared:
    """Name and rank of an array that the code reads through a pointer."""

    name: str
    ndim: int


def compiled_model(design: Design, model: Model, backend: str) -> Any:
    """Return what nutpie samples from: machine code for this shape of panel, with these data.

    Args:
        design: scaled panel.
        model: what is assumed.
        backend: ``numba``, or ``jax`` (which keeps nothing between runs).

    Raises:
        FitError: JAX was asked for and is not installed.
    """
    if backend == "jax":
        return compile_jax(design, model)
    path = compile_cache() / "mmm_bayes" / f"{cache_key(design, model)}.pkl"
    if path.exists():
        path.touch()
        return with_start(_load(pickle.loads(path.read_bytes())), design)
    compiled = _compile(design, model)
    if portable(compiled, graph_data(design)):
        with writing(path) as temporary:
            temporary.write_bytes(pickle.dumps(_pack(compiled)))
        for old in sorted(path.parent.glob("*.pkl"), key=lambda p: p.stat().st_mtime)[:-KEPT]:
            old.unlink(missing_ok=True)
    return with_start(compiled, design)


def cache_key(design: Design, model: Model) -> str:
    """Return a digest of all the code depends on: shape, assumptions, sources, compiler, processor."""
    data = design.data
    channels = list(zip(data["channel"].to_numpy().tolist(), data["carrier"].to_numpy().tolist(), strict=True))
    shapes = {name: values.shape for name, values in graph_data(design).items()}
    places = [data[name].to_numpy().tolist() for name in ("lift_channel", "lift_geo") if name in data]
    sources = [p.read_bytes() for p in sorted(Path(__file__).parent.rglob("*.py"))]
    sources += [(Path(__file__).parents[1] / name).read_bytes() for name in SOURCES]
    compiler = [version(name) for name in LIBRARIES], cpu_target.target_context.codegen().magic_tuple()
    text = repr((model.model_dump_json(exclude={"lift_tests", "misfit"}), channels, shapes, places, compiler)).encode()
    return hashlib.sha256(text + b"".join(sources)).hexdigest()[:32]


def _compile(design: Design, model: Model) -> Any:
    """Build the graph and compile it.

    Numba's fast mathematics is off: with it a cold and a warm cache give different draws for one seed.
    """
    import pytensor

    from mmm_bayes.model.graph import build_model, kept_variables

    graph = build_model(design, model)
    with pytensor.config.change_flags(numba__fastmath=False), _no_garbage_collected():
        return nutpie.compile_pymc_model(graph, backend="numba", var_names=kept_variables(graph), jitter_rvs=set())


@contextmanager
def _no_garbage_collected() -> Iterator[None]:
    """Compilers make millions of objects that stay; to look for garbage among them takes a ninth of their time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


# --- machine code on disk -----------------------------------------------------------------------


def portable(compiled: Any, data: Mapping[str, Array]) -> bool:
    """Whether the code can run in another process: no addresses of this one, no calls back into Python.

    It must read nothing but the panel's data, either, for `_load` gives it zeros for all else.
    """
    if not {variable.name for variable in compiled.shared_var_keys} <= data.keys():
        return False
    libraries = [compiled.compiled_logp_func._library, compiled.compiled_expand_func._library]
    return not any(library.has_dynamic_globals or b"objmode" in _object_code(library) for library in libraries)


def _object_code(library: Any) -> bytes:
    return library.serialize_using_object_code()[2][0]


def _pack(compiled: Any) -> dict[str, Any]:
    """Return everything but the data, ready to be pickled."""
    functions = {"logp": compiled.compiled_logp_func, "expand": compiled.compiled_expand_func}
    return {
        "code": {n: (f._library.serialize_using_object_code(), f._wrapper_name) for n, f in functions.items()},
        "shared": [(v.name, compiled.shared_data[k].shape) for v, k in compiled.shared_var_keys.items()],
        "start": compiled.initial_point_func(0),
        "fields": {
            name: getattr(compiled, name)
            for name in ("dims", "n_expanded", "shape_info", "reparameterized_names", "_n_dim", "_shapes", "_coords")
        },
    }


def _load(packed: Mapping[str, Any]) -> CompiledPyMCModel:
    """Return a compiled model from its machine code; the data are zeros until `with_data`."""
    context = cpu_target.target_context
    rtsys.initialize(context)
    callbacks = {}
    for name, (code, symbol) in packed["code"].items():
        library = context.codegen().unserialize_library(code)
        callbacks[name] = Callback(library, library.get_pointer_to_function(symbol))
    data = {name: np.zeros(shape) for name, shape in packed["shared"]}
    keys = {Shared(name, len(shape)): name for name, shape in packed["shared"]}
    return CompiledPyMCModel(
        compiled_logp_func=callbacks["logp"],
        compiled_expand_func=callbacks["expand"],
        initial_point_func=lambda seed: packed["start"],
        shared_data=data,
        shared_var_keys=keys,
        user_data=make_user_data(keys, data),
        logp_func=None,
        expand_func=None,
        **packed["fields"],
    )


# --- start --------------------------------------------------------------------------------------


def with_start(compiled: Any, design: Design) -> Any:
    """Return the compiled model with the panel's data and with its starting points.

    The nuisance parameters start where the data are, so that no chain wanders off in its first steps.
    """
    arrays = {name: values for name, values in graph_data(design).items() if values.size}
    base = compiled.initial_point_func(0).copy()
    spread, placed = np.ones_like(base), start_of(design)
    for name, place in zip(*compiled.shape_info[:2], strict=True):
        if name in placed and place.stop <= len(base):  # derived quantities follow after the parameters
            base[place], spread[place] = placed[name].ravel(), 0.0

    def start(seed: Any) -> Array:
        return base + spread * np.random.default_rng(seed).uniform(-1, 1, len(base))

    return replace(compiled.with_data(**arrays), initial_point_func=start)
