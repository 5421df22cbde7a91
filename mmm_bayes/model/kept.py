"""Machine code of models: compiled once for each structure, by two processes, and kept between runs.

A structure is which terms, distributions and options there are. Data, sizes and the parameters of priors are read when
the code runs, so a panel that has grown by a week or lost a geo finds what another one left.
"""

import gc
import hashlib
import importlib.util
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from types import ModuleType
from typing import Any

from numba.core.errors import NumbaError

from mmm_bayes.cache import own_folder
from mmm_bayes.config import Model
from mmm_bayes.kernels.beside import run_kept
from mmm_bayes.model.arrays import by_kind, effect_kinds, graph_data, sizes_of
from mmm_bayes.model.design import Design
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
    kernels = folder.parent / f"kernels_{_digest('', KERNELS)}"  # which serve all structures
    with _second_process(name, folder, kernels) as second:
        sources = sources_of(design, model)
        if sources is None:
            return None
        for part in PARTS:
            with writing(folder / f"{part}.py") as temporary:
                temporary.write_text(sources[part], encoding="utf-8")
        _compile(name, folder, kernels, second)
    code = _code(name, folder)
    (folder / WHOLE).touch()  # one that is cut off is begun anew, by two processes
    return code


def _code(name: str, folder: Path) -> Code:
    return Code(*(_load(name, folder, part) for part in ("density", "expand")))


@contextmanager
def _second_process(name: str, folder: Path, kernels: Path) -> Iterator[Popen[bytes] | None]:
    """Start a process that compiles beside this one, see `mmm_bayes.kernels.beside`; None where none is to be had."""
    command = [sys.executable, "-P", "-m", SECOND, str(folder), str(kernels), _known(name, "expand")]
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
def no_garbage_collected() -> Iterator[None]:
    """Compilers make millions of objects that stay; to look for garbage among them takes a ninth of their time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@no_garbage_collected()
def _compile(name: str, folder: Path, kernels: Path, second: Popen[bytes] | None) -> None:
    """Compile what has been written; what a second process does not do is done here."""
    if second is not None and second.stdin:
        second.stdin.close()  # it may begin
    run_kept(folder / "kernels.py", kernels)
    if second is not None and second.stdout:
        second.stdout.readline()  # it has the gradients, or has died
    run_kept(folder / "gradients.py", kernels)
    _load(name, folder, "density")


@no_garbage_collected()
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
            with no_garbage_collected():
                spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[known]
            raise
    return sys.modules[known]
