"""Where compiled code is kept between runs: the user's folder, or a temporary one."""

import atexit
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path


def compile_cache() -> Path:
    """Return the folder of PyTensor's compiled code, and see to it that it can be written.

    PyTensor compiles to ``~/.pytensor`` (or ``base_compiledir`` in ``PYTENSOR_FLAGS``) and fails on import where
    that cannot be written, as in containers whose home is read-only. Must be called before that import.
    """
    flags = os.environ.get("PYTENSOR_FLAGS", "")
    given = dict(f.split("=", 1) for f in flags.split(",") if "=" in f).get("base_compiledir")
    if given:
        return Path(given).expanduser()
    usual = Path("~/.pytensor").expanduser()
    if _writable(usual):
        return usual
    spare = Path(tempfile.gettempdir()) / f"mmm_bayes-{os.getuid()}"
    os.environ["PYTENSOR_FLAGS"] = ",".join(filter(None, [flags, f"base_compiledir={spare}"]))
    return spare


def own_folder() -> Path:
    """Return the folder of what this package has compiled: the kept one, or one that serves this process alone."""
    return kept_folder() or _fresh()


def kept_folder() -> Path | None:
    """Return the user's own folder of what is run again, made if need be; None where others could write to it."""
    folder = compile_cache() / "mmm_bayes"
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
        if found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return folder
    return None


@cache
def _fresh() -> Path:
    folder = tempfile.mkdtemp(prefix="mmm_bayes-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _writable(folder: Path) -> bool:
    """Whether a file can be made in ``folder``; root may write where the permissions say otherwise, so try."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
