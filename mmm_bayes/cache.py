"""Where compiled code is kept between runs: the user's folder, or a temporary one."""

import os
import tempfile
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


def _writable(folder: Path) -> bool:
    """Whether a file can be made in ``folder``; root may write where the permissions say otherwise, so try."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
