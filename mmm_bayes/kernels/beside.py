"""Kernels are compiled before the code that calls them, by two processes at once, and kept for the next structure.

As a program this is the second of the two. It is given the folder of a structure, that of the kernels, and the name of
the structure's last module. When its input ends, the modules are there: it compiles the gradients of the kernels, says
so, and goes on with what is kept of a draw.
"""

import gc
import runpy
import sys
from pathlib import Path
from typing import Any

import numba
import numba.core.types


def compile_kept(kernel: Any, *arguments: tuple[str, int]) -> None:
    """Compile a kernel, or load its machine code, for arrays of so many dimensions that lie in memory row by row."""
    kernel.enable_caching()
    types = numba.core.types
    kernel.compile(tuple(types.Array(getattr(types, kind), dimensions, "C") for kind, dimensions in arguments))


def run_kept(module: Path, kept: Path) -> None:
    """Run a module that compiles kernels; their machine code is kept in a folder."""
    usual, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(kept)
    try:
        runpy.run_path(str(module))
    finally:
        numba.config.CACHE_DIR = usual


def main() -> None:
    """Do the second half of a compilation."""
    from mmm_bayes.kernels import drift, features, fused  # noqa: F401  while the first process writes

    folder, kept, name = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    sys.stdin.read()
    gc.disable()
    run_kept(folder / "gradients.py", kept)
    print("done", flush=True)
    run_kept(folder / "kernels.py", kept)
    runpy.run_path(str(folder / "expand.py"), run_name=name)


if __name__ == "__main__":
    main()
