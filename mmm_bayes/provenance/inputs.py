"""What goes into a step besides files of earlier ones: settings by their values, source data by a digest, versions."""

import hashlib
import platform
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import mmm_bayes
from mmm_bayes.config import Config, is_address
from mmm_bayes.errors import ConfigError

CONTENT = 256 * 2**20
"""Sources up to this many bytes are known by their content, larger ones by names, sizes and times of writing."""

BLOCK = 2**20
LONGEST = 70
"""Characters of a value in a sentence."""


# --- settings -----------------------------------------------------------------------------------


def settings(config: Config, paths: Iterable[str]) -> dict[str, Any]:
    """Return the values of parts of a configuration by dotted name: ``{"model.priors.roi.tv": [0.5, 3.0]}``."""
    return _below(_flat(config.model_dump(mode="json", exclude={"folder"})), paths)


def given(config: Config, paths: Iterable[str]) -> set[str]:
    """Return the dotted names whose values are not the defaults."""
    return set(_below(_flat(config.model_dump(mode="json", exclude={"folder"}, exclude_defaults=True)), paths))


def kept(config: Config) -> dict[str, Any]:
    """Return a configuration as its run keeps it: what was given, and the folder that its paths start from.

    Settings of Spark stay out: they are of a machine, and may hold its keys.
    """
    raw = config.model_dump(mode="json", exclude_unset=True, exclude={"folder", "spark"})
    return {"folder": str(config.folder.absolute()), "given": raw}


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """Return the leaves of nested mappings; items of a list that are mappings themselves are leaves, ``name[0]``."""
    if isinstance(value, dict):
        return {k: v for key, below in value.items() for k, v in _flat(below, f"{name}.{key}" if name else key).items()}
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return {f"{name}[{place}]": item for place, item in enumerate(value)}
    return {name: value}


def _below(values: Mapping[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if is_below(name, paths)}


def is_below(name: str, paths: Iterable[str]) -> bool:
    """Whether a dotted name is one of these, or a part of one."""
    return any(name == path or name.startswith((f"{path}.", f"{path}[")) for path in paths)


def said(value: Any) -> str:
    """Return a value of a configuration as a sentence has it: ``[0.5, 3]``, ``'sales'``, ``not set``."""
    text = "not set" if value is None else _written(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_written(v)}" for k, v in value.items() if v is not None) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return f"{value:g}" if isinstance(value, float) else repr(value)


# --- source data --------------------------------------------------------------------------------


def sources(config: Config) -> dict[str, str]:
    """Return the paths of the source data as they are found now, by the setting that names them.

    A path whose environment variable is not set, or that an address of a store stands for, is left out.
    """
    found = {}
    for name, section in config.files.items():
        if section.path and not is_address(section.path):
            try:
                found[f"{name}.path"] = str(Path(config.find(section.path)).absolute())
            except ConfigError:
                continue
    return found


def fingerprint(path: str) -> dict[str, Any] | None:
    """Return what tells the state of a file, a folder or a glob from another; None where nothing is there.

    ``listing`` stands for names, sizes and times of writing, and is looked at first; ``content`` is the digest of
    all bytes, None for more than `CONTENT` of them.
    """
    files = _files(path)
    if not files:
        return None
    size, listing = _listed(files)
    return {
        "path": path,
        "bytes": size,
        "listing": listing,
        "content": _content(files, listing) if size <= CONTENT else None,
    }


def has_changed(then: Mapping[str, Any], path: str) -> bool | None:
    """Whether source data differ from those of an earlier `fingerprint`; None where nothing is there now."""
    files = _files(path)
    if not files:
        return None
    size, listing = _listed(files)
    if listing == then["listing"]:
        return False
    return size != then["bytes"] or then["content"] is None or _content(files, listing) != then["content"]


@lru_cache(maxsize=16)
def _content(files: tuple[Path, ...], listing: str) -> str:
    """Return the digest of all bytes; they are read again when the listing is another."""
    return digest_of(files)


def _listed(files: tuple[Path, ...]) -> tuple[int, str]:
    """Return the bytes of files together, and what stands for their names, sizes and times of writing."""
    states = [(file.name, *(getattr(file.stat(), key) for key in ("st_size", "st_mtime_ns"))) for file in files]
    return sum(size for _, size, _ in states), _hashed(repr(states).encode())


def _files(path: str) -> tuple[Path, ...]:
    """Return the files behind a path, a folder or a glob; hidden ones do not count."""
    place = Path(path)
    anchor = Path(place.anchor)
    found = [place] if place.exists() else anchor.glob(str(place.relative_to(anchor)))
    every = [file for one in found for file in (one.rglob("*") if one.is_dir() else (one,))]
    return tuple(sorted(file for file in every if file.is_file() and not file.name.startswith((".", "_"))))


# --- versions -----------------------------------------------------------------------------------

LIBRARIES = ("lightgbm", "numpy", "nutpie", "pandas", "pymc", "pyspark", "pytensor")


def versions() -> dict[str, str]:
    """Return the versions of what a step runs on, by name; those that are not installed are left out."""
    found = {"mmm_bayes": mmm_bayes.__version__, "python": platform.python_version()}
    for library in LIBRARIES:
        with suppress(PackageNotFoundError):
            found[library] = version(library)
    return found


# --- digests ------------------------------------------------------------------------------------


def digest(path: Path) -> str:
    """Return what tells one file from another; a folder is known by the names and sizes of its files."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        return _hashed(repr([(str(file.relative_to(path)), file.stat().st_size) for file in files]).encode())
    state = path.stat()
    return _digest_once(path, state.st_size, state.st_mtime_ns, state.st_ino)


@lru_cache(maxsize=256)
def _digest_once(path: Path, *state: int) -> str:
    """Return the digest of a file; it is read again when its state is another."""
    return digest_of([path])


def digest_of(files: Iterable[Path]) -> str:
    """Return the digest of the bytes of files, one after the other."""
    total = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(BLOCK):
                total.update(block)
    return total.hexdigest()[:16]


def _hashed(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
