"""Density and gradient as machine code: compiled once for each structure of models and kept between runs.

A structure is which terms, distributions and options there are. Data, sizes and the parameters of priors are read when
the code runs, so a panel that has grown by a week or lost a geo finds what another one left. Where a later version of
PyTensor brings an operation that `mmm_bayes.model.code` does not know, the model is compiled in PyTensor's own way,
which serves one shape and is not kept.
"""

import gc
import hashlib
import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, c_double, c_int64, c_uint64, c_void_p
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numba.core.errors import NumbaError
from nutpie.compile_pymc import CompiledPyMCModel

from mmm_bayes.cache import own_folder
from mmm_bayes.config import Model
from mmm_bayes.kernels.beside import run_kept
from mmm_bayes.model.arrays import by_kind, coordinates, effect_kinds, graph_data, sizes_of
from mmm_bayes.model.design import Design
from mmm_bayes.model.jax_backend import compile_jax
from mmm_bayes.model.start import start_of, uphill
from mmm_bayes.transforms import Array
from mmm_bayes.workspace import writing

LIBRARIES = ("nutpie", "numba", "llvmlite", "pymc", "pytensor", "numpy")
KERNELS = ("transforms", "kernels/*")
"""Files that the kernels are made of."""

SOURCES = ("likelihoods", "priors", "pool", "posterior/parts", "posterior/lift", *KERNELS)
"""Files outside of this room that the graph and its code are made of."""

SECOND = "mmm_bayes.kernels.beside"
"""What a second process runs."""

PARTS = ("kernels", "gradients", "density", "expand")
"""The modules of a structure; the first two are run while it is compiled alone."""

WHOLE = "compiled"
"""File beside the modules of a structure, once all of them are."""

KEPT = 60
"""Structures kept in the cache; the oldest go first."""


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


def structure(design: Design, model: Model) -> str:
    """Return a digest of all that the code depends on: structure, sources and compiler."""
    data, sizes = graph_data(design, model), sizes_of(design.data, model)
    kinds = [[*by_kind(design.data, name, model.priors)] for name in model.shape.parameters]
    arrays = [(name, array.dims, array.dtype.kind) for name, array in data.items()]
    options = (model.shape, model.residual, model.likelihood, design.data.sizes["geo"] == 1)
    return _digest(
        repr((kinds, [*effect_kinds(design.data, model.priors)], arrays, options, [*sizes])), ("model/**/*", *SOURCES)
    )


def _digest(text: str, sources: Iterable[str]) -> str:
    """Return a digest of a text, of some of our sources, and of the compiler."""
    package = Path(__file__).parents[1]
    read = [path.read_bytes() for name in sources for path in sorted(package.glob(f"{name}.py"))]
    return hashlib.sha256(repr((text, [*map(version, LIBRARIES)])).encode() + b"".join(read)).hexdigest()[:32]


@dataclass(frozen=True)
class Code:
    """The modules of a structure, see `mmm_bayes.model.code.module.module_sources`."""

    density: ModuleType
    expand: ModuleType


def kept_code(design: Design, model: Model) -> Code | None:
    """Return the modules of a structure, from the cache or written and compiled; None if they cannot be made."""
    name = structure(design, model)
    folder = own_folder() / name
    if (folder / WHOLE).exists():
        try:
            folder.touch()
            return _code(name, folder)
        except Exception:  # whatever a damaged file does: it is written anew
            shutil.rmtree(folder, ignore_errors=True)
    try:
        return _new_code(name, folder, design, model)
    except NumbaError:  # of a later version: PyTensor knows how to write for that one
        return None
    finally:
        for old in sorted(folder.parent.iterdir(), key=lambda p: p.stat().st_mtime)[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True) if old.is_dir() else old.unlink(missing_ok=True)


def _new_code(name: str, folder: Path, design: Design, model: Model) -> Code | None:
    """Write and compile the modules of a structure; None where it has an operation that is not known."""
    with _second_process(name, folder) as second:
        sources = sources_of(design, model)
        if sources is None:
            return None
        for part in PARTS:
            with writing(folder / f"{part}.py") as temporary:
                temporary.write_text(sources[part], encoding="utf-8")
        _compile(name, folder, second)
    code = _code(name, folder)
    (folder / WHOLE).touch()  # one that is cut off is begun anew, by two processes
    return code


def _code(name: str, folder: Path) -> Code:
    return Code(*(_load(name, folder, part) for part in ("density", "expand")))


def _kernels(folder: Path) -> Path:
    """Return the folder of the kernels' machine code, which serves all structures."""
    return folder.parent / f"kernels_{_digest('', KERNELS)}"


@contextmanager
def _second_process(name: str, folder: Path) -> Iterator[Popen[bytes] | None]:
    """Start a process that compiles beside this one, see `mmm_bayes.kernels.beside`; None where none is to be had."""
    command = [sys.executable, "-P", "-m", SECOND, str(folder), str(_kernels(folder)), _known(name, "expand")]
    try:
        process = Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
    except OSError:
        yield None
        return
    with process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


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


@_no_garbage_collected()
def _compile(name: str, folder: Path, second: Popen[bytes] | None) -> None:
    """Compile what has been written; what a second process does not do is done here."""
    if second is not None and second.stdin and second.stdout:
        second.stdin.close()  # it may begin
        run_kept(folder / "kernels.py", _kernels(folder))
        second.stdout.readline()  # it has the gradients, or has died
    for part in ("kernels", "gradients"):
        run_kept(folder / f"{part}.py", _kernels(folder))
    _load(name, folder, "density")


@_no_garbage_collected()
def sources_of(design: Design, model: Model) -> dict[str, str] | None:
    """Return the sources of the modules of a structure; None where it has an operation that is not known."""
    from mmm_bayes.model.code.module import Layout, module_sources
    from mmm_bayes.model.code.scalars import NoLoopsError
    from mmm_bayes.model.graph import build_model, kept_variables

    graph, layout = build_model(design, model), Layout([*sizes_of(design.data, model)], graph_data(design, model))
    try:
        return module_sources(graph, layout, kept_variables(graph))
    except NoLoopsError:
        return None


def _known(name: str, part: str) -> str:
    return f"mmm_bayes.{part}_{name}"


def _load(name: str, folder: Path, part: str) -> ModuleType:
    """Return a module from its file; Numba keeps its machine code beside it."""
    known = _known(name, part)
    if known not in sys.modules:
        spec: Any = importlib.util.spec_from_file_location(known, folder / f"{part}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[known] = module
        try:
            with _no_garbage_collected():
                spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[known]
            raise
    return sys.modules[known]


def ordinary(design: Design, model: Model) -> Any:
    """Return the model compiled in PyTensor's own way, for this shape alone; nothing is kept."""
    import nutpie
    import pytensor

    from mmm_bayes.model.graph import build_model, kept_variables

    graph = build_model(design, model)
    with pytensor.config.change_flags(numba__fastmath=False), _no_garbage_collected():
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
