"""All files of a step change at once: written aside, then swapped; what was interrupted is finished by the next one.

A step writes into a folder of its own (``.fit-<unique>``), which is renamed to ``.fit.ready`` when all is in it: that
one rename decides whether the old results stand or the new ones. Then the files are moved to their places and
``run.json`` tells of them. Whoever comes next, to write or to read, finishes what a killed process left in between.
"""

import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from mmm_bayes.config import Config
from mmm_bayes.findings import Finding, MMMWarning
from mmm_bayes.provenance.inputs import digest, fingerprint, kept, settings, sources, versions
from mmm_bayes.provenance.manifest import FILE, Manifest, load_manifest
from mmm_bayes.provenance.steps import STEPS, parts
from mmm_bayes.workspace import Workspace, remove, write_json

LOCK, SWAP = ".lock", ".swap"


@dataclass(frozen=True)
class Work:
    """A step that is running: ``folder`` takes all its files, ``manifest`` knows those of the earlier steps."""

    folder: Path
    manifest: Manifest


@contextmanager
def step(space: Workspace, name: str, config: Config, **arguments: Any) -> Iterator[Work]:
    """Run a step: what the block writes into `Work.folder` takes the place of what the step had left, or nothing does.

    Args:
        space: the folders of the run.
        name: of `STEPS`.
        config: of the run.
        arguments: what else decides the result, kept in the manifest.

    Raises:
        DataError: an earlier step is missing or stale.
    """
    with held(space):
        manifest = load_manifest(space)
        manifest.require(config, name)
        started, inputs = _now(), _inputs(manifest, name, config)
        place = STEPS[name].aside(space)
        place.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=place))
        try:
            yield Work(folder, manifest)
            found = {"config": kept(config), "inputs": inputs, "arguments": arguments}
            found["files"] = _written(name, folder)
            write_json(folder / FILE, {**found, "versions": versions(), "started": started, "finished": _now()})
            with _swapping(space):
                folder.rename(_ready(space, name))
                _finish(space, name)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            _tidy(place)


@contextmanager
def snapshot(space: Workspace) -> Iterator[Manifest]:
    """Read a run: nothing is swapped while the block does so."""
    if not os.access(space.data, os.W_OK):  # there is none yet, or nobody writes here
        yield load_manifest(space)
        return
    with _swapping(space):
        for name in STEPS:
            _finish(space, name)
        yield load_manifest(space)


# --- locks --------------------------------------------------------------------------------------


@contextmanager
def held(space: Workspace) -> Iterator[None]:
    """Keep other processes from writing to a run; one that holds it already may enter again."""
    space.data.mkdir(parents=True, exist_ok=True)
    lock = FileLock(space.data / LOCK, is_singleton=True)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        busy = Finding("run.busy", {"name": space.name, "process": _holder(lock)})
        warnings.warn(MMMWarning(busy), stacklevel=3)
        _wait(space, lock)
    try:
        if lock.lock_counter == 1:
            Path(lock.lock_file).write_text(str(os.getpid()), encoding="utf-8")
            _recover(space)
        yield
    finally:
        _release(lock)
        _tidy(space.data)


@contextmanager
def _swapping(space: Workspace) -> Iterator[None]:
    """Wait until nobody swaps or reads files."""
    lock = FileLock(space.data / SWAP, is_singleton=True)
    lock.acquire()
    try:
        yield
    finally:
        _release(lock)


def _wait(space: Workspace, lock: FileLock) -> None:
    """Wait for a lock, even if who holds it fails and takes the folder of the run away."""
    while not lock.is_locked:
        space.data.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            lock.acquire()


def _holder(lock: FileLock) -> str:
    """Return the process that holds a lock, as far as it has said so yet."""
    with suppress(OSError):
        return Path(lock.lock_file).read_text(encoding="utf-8") or "unknown"
    return "unknown"


def _release(lock: FileLock) -> None:
    """Let go of a lock, and remove its file when that was the last hold; who waits for it makes a new one."""
    if lock.lock_counter == 1:
        Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()


# --- the swap -----------------------------------------------------------------------------------


def _ready(space: Workspace, name: str) -> Path:
    return STEPS[name].aside(space) / f".{name}.ready"


def _finish(space: Workspace, name: str) -> None:
    """Move the files of a step that is ready to their places and enter it in the manifest; may be done again."""
    ready, home = _ready(space, name), STEPS[name].home(space)
    if not ready.is_dir():
        return
    entry = json.loads((ready / FILE).read_text(encoding="utf-8"))
    steps = {step: kept for step, kept in load_manifest(space).steps.items() if step not in (name, *parts(name))}
    Manifest(space, steps).save()
    for file in STEPS[name].files:
        if file not in entry["files"]:
            remove(home / file)
    for part in parts(name):
        for file in STEPS[part].files:
            remove(STEPS[part].home(space) / file)
    _move(entry["files"], ready, home)
    steps[name] = entry
    Manifest(space, {step: steps[step] for step in STEPS if step in steps}).save()
    done = ready.with_name(f".{name}-done-{os.getpid()}")
    ready.rename(done)
    shutil.rmtree(done)


def _move(files: Iterable[str], source: Path, home: Path) -> None:
    """Move files to their places, where they are not there yet."""
    home.mkdir(parents=True, exist_ok=True)
    for file in files:
        if (source / file).exists():
            if (home / file).is_dir():
                remove(home / file)
            (source / file).replace(home / file)


def _recover(space: Workspace) -> None:
    """Finish the swaps and remove the temporary files of processes that were killed; nobody else writes here now."""
    with _swapping(space):
        for name in STEPS:
            _finish(space, name)
    for place in (space.data, space.reports):
        for name in STEPS:
            for left in place.glob(f".{name}-*"):
                remove(left)
        for left in place.glob(".*.partial"):
            remove(left)


def _tidy(folder: Path) -> None:
    """Remove the folder of a run, and the one around it, where nothing is in it: a first step has failed."""
    with suppress(OSError):
        folder.rmdir()
        folder.parent.rmdir()


# --- the entry ----------------------------------------------------------------------------------


def _inputs(manifest: Manifest, name: str, config: Config) -> dict[str, Any]:
    """Return what a step is about to read."""
    known = STEPS[name]
    found = sources(config) if name == "prepare" else {}
    return {
        "decided_by": settings(config, known.decided_by),
        "noted": settings(config, known.noted),
        "options": sorted(config.options),
        "files": manifest.inputs_now(name),
        "sources": {place: state for place, path in found.items() if (state := fingerprint(path))},
    }


def _written(name: str, folder: Path) -> dict[str, str]:
    """Return the files of a step with their digests; each must be one of those that it may write."""
    files = {path.name: digest(path) for path in sorted(folder.iterdir())}
    if strange := files.keys() - set(STEPS[name].files):
        raise AssertionError(f"'{name}' wrote {sorted(strange)}, which provenance/steps.py does not list")
    return files


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
