"""Where each step leaves its files, and how a file is written whole or not at all."""

import json
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside ``path``; on success it replaces ``path``, on failure it is removed.

    Works for files and folders, so that nothing half-written is ever left under the final name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        yield temporary
        if temporary.is_dir() or path.is_dir():
            remove(path)
        temporary.replace(path)
    finally:
        remove(temporary)


def remove(path: Path) -> None:
    """Remove a file or a folder, or nothing where there is none."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` as JSON with an indent of 2; numbers that JSON cannot hold (NaN) are an error."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False, default=str)
    with writing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""How a text begins that a spreadsheet would take for a formula, or that has been kept from it."""


def write_csv(path: Path, frame: "pd.DataFrame") -> None:
    """Write a table as CSV without its index, numbers with 12 significant digits, texts kept from being formulas."""
    with writing(path) as temporary:
        temporary.write_text(as_csv(frame), encoding="utf-8")


def as_csv(frame: "pd.DataFrame") -> str:
    """Return what `write_csv` writes: a text such as ``=1+1`` stands after an apostrophe, as spreadsheets know it."""
    safe = _texts(frame, lambda text: f"'{text}" if FORMULA.match(text) else text)
    return safe.to_csv(index=False, float_format="%.12g", lineterminator="\n", date_format="%Y-%m-%d")


def _texts(frame: "pd.DataFrame", change: Callable[[str], str]) -> "pd.DataFrame":
    """Return a table with all its texts changed, heads too."""

    def of(value: Any) -> Any:
        return change(value) if isinstance(value, str) else value

    texts = [name for name in frame if frame[name].dtype.kind not in "biufMm"]
    return frame.assign(**{name: frame[name].map(of) for name in texts}).rename(columns=of)


def read_csv(path: Path) -> "pd.DataFrame":
    """Read what `write_csv` wrote; a channel or geo may be called NA or 7."""
    import pandas as pd

    found = pd.read_csv(path, keep_default_na=False, na_values=[""], dtype={"channel": str, "geo": str})
    return _texts(found, lambda text: text[1:] if text.startswith("'") and FORMULA.match(text) else text)
