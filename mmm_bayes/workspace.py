"""Where each step leaves its files, and how a file is written whole or not at all."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm_bayes.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Workspace:
    """The two folders of one run below ``root``: ``data/<name>`` and ``reports/<name>``."""

    name: str
    root: Path = Path()

    @property
    def data(self) -> Path:
        """Folder of the files that commands hand to each other."""
        return self.root / "data" / self.name

    @property
    def reports(self) -> Path:
        """Folder of what people read."""
        return self.root / "reports" / self.name

    def needs(self, file: str, command: str) -> Path:
        """Return ``data/<name>/<file>``, or say which command makes it when it is missing."""
        path = self.data / file
        if not path.exists():
            raise DataError(f"{path} does not exist yet: run 'mmm-bayes {command}' first.")
        return path


def digest(path: Path) -> str:
    """Return what tells one file from another, such as the panel of a fit in ``diagnostics.json``."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside ``path``; on success it replaces ``path``, on failure it is removed.

    Works for files and folders, so that nothing half-written is ever left under the final name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial")
    _remove(temporary)
    try:
        yield temporary
        if temporary.is_dir() or path.is_dir():
            _remove(path)
        temporary.replace(path)
    finally:
        _remove(temporary)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` as JSON with an indent of 2; numbers that JSON cannot hold (NaN) are an error."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False, default=str)
    with writing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def write_csv(path: Path, frame: "pd.DataFrame") -> None:
    """Write a table as CSV without its index, numbers with 12 significant digits."""
    with writing(path) as temporary:
        frame.to_csv(temporary, index=False, float_format="%.12g", lineterminator="\n", date_format="%Y-%m-%d")


def read_csv(path: Path) -> "pd.DataFrame":
    """Read what `write_csv` wrote; a channel or geo may be called NA or 7."""
    import pandas as pd

    return pd.read_csv(path, keep_default_na=False, na_values=[""], dtype={"channel": str, "geo": str})
