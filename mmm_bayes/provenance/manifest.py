"""`Manifest`: what each step of a run read and wrote; whether a file is still that, and whether a step is stale."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmm_bayes.config import Config, make_config
from mmm_bayes.errors import DataError
from mmm_bayes.provenance.inputs import digest, given, has_changed, is_below, said, settings, sources, versions
from mmm_bayes.provenance.steps import OPTIONS, STEPS, needed, path_of
from mmm_bayes.workspace import Workspace, write_json

FILE = "run.json"
MISSING = object()
LAYOUT = 2
"""Of the files of a run: raised when a later version cannot read what an earlier one wrote."""


@dataclass(frozen=True)
class Change:
    """Why a step is stale: since ``step`` ran, ``what`` has become another; a clause of a sentence."""

    step: str
    what: str

    def commands(self, stale: str) -> list[str]:
        """Return the commands that make a stale step anew: that of ``step``, those in between, and its own."""
        order = [*needed(stale), stale]
        return [f"mmm-bayes {STEPS[name].command}" for name in order[order.index(self.step) :]]


@dataclass(frozen=True)
class Manifest:
    """The record of a run, as ``data/<name>/run.json`` holds it.

    Attributes:
        space: the folders of the run.
        steps: by name, the entry of each step that has run: ``config``, ``inputs`` (``decided_by``, ``noted``,
            ``options``, ``files``, ``sources``), ``arguments``, ``files`` by digest, ``versions``, ``started``,
            ``finished``.
        damaged: whether ``run.json`` is there but cannot be read; then no step counts as run.
    """

    space: Workspace
    steps: Mapping[str, Any] = field(default_factory=dict)
    damaged: bool = False

    def save(self) -> None:
        """Write ``run.json``."""
        write_json(self.space.data / FILE, {"layout": LAYOUT, "steps": self.steps})

    @property
    def config(self) -> Config:
        """The configuration of the step that was done last, without settings of Spark.

        Raises:
            DataError: no step has run, or an earlier version has run it.
        """
        last: Mapping[str, Any] = max(self.steps.values(), key=lambda entry: entry["finished"], default={})
        if "config" not in last:
            raise DataError(f"{self.space.data}: holds no run of this version; make it with 'mmm-bayes run'.")
        kept, options = last["config"], frozenset(last["inputs"]["options"])
        return make_config(kept["given"], str(self.space.data / FILE), Path(kept["folder"]), options)

    # --- files ----------------------------------------------------------------------------------

    def wrote(self, step: str, file: str) -> bool:
        """Whether a step has run and left this file."""
        return step in self.steps and file in self.steps[step]["files"]

    def complete(self, step: str) -> bool:
        """Whether a step has run and all that it wrote is there."""
        home = STEPS[step].home(self.space)
        return step in self.steps and all((home / file).exists() for file in self.steps[step]["files"])

    def files(self) -> Iterator[Path]:
        """Return ``run.json`` and all files that it knows."""
        yield self.space.data / FILE
        for step, entry in self.steps.items():
            yield from (STEPS[step].home(self.space) / file for file in entry["files"])

    def checked(self, step: str, *files: str) -> Path:
        """Return the folder of a step's files, all or some of which are there and as the step wrote them.

        Raises:
            DataError: one sentence with the file and the command that makes it (again).
        """
        home = STEPS[step].home(self.space)
        for file in files or self.steps.get(step, {"files": STEPS[step].files})["files"]:
            self._check(step, file, home / file)
        return home

    def _check(self, step: str, file: str, path: Path) -> None:
        command = f"run 'mmm-bayes {STEPS[step].command}'"
        if self.damaged:
            raise DataError(f"{self.space.data / FILE} is damaged: run 'mmm-bayes prepare' first.")
        if not self.wrote(step, file) and path.exists():
            known = "was written by another version of mmm-bayes" if not self.steps else f"is not in {FILE}"
            raise DataError(f"{path} {known}: {command} again.")
        if not path.exists():
            raise DataError(f"{path} does not exist yet: {command} first.")
        if digest(path) != self.steps[step]["files"][file]:
            raise DataError(f"{path} is damaged or was edited since {STEPS[step].done}: {command} again.")

    # --- inputs ---------------------------------------------------------------------------------

    def inputs_now(self, step: str) -> dict[str, str]:
        """Return the digests of the files of earlier steps that a step reads, as those steps wrote them."""
        shown = {before: STEPS[before].files for before in STEPS[step].shows}
        return {
            path_of(before, file): self.steps[before]["files"][file]
            for before, files in (shown | STEPS[step].reads).items()
            for file in files
            if self.wrote(before, file)
        }

    def stale(self, step: str, config: Config) -> list[Change]:
        """Return what has changed since a step ran, and since those ran that it stands on; the earliest step first."""
        return [change for name in (*needed(step), step) for change in self._changes(name, config)]

    def stands(self, step: str, config: Config, **arguments: Any) -> bool:
        """Whether a step made anew would find the same again.

        So it is where all that it wrote is there, and settings, source data, files of earlier steps, versions and
        ``arguments`` are what they were.
        """
        if not self.complete(step) or self.stale(step, config):
            return False
        known = STEPS[step]
        same = self._same_settings(step, config, (*known.decided_by, *known.noted), known.not_worth)
        return same and self._same_sources(step, config) and self._left(step, arguments)

    def sources_stand(self, step: str, config: Config, **arguments: Any) -> bool:
        """Whether reading its source data anew would give those files of a step again that come from them."""
        known = STEPS[step]
        return (
            self.complete(step)
            and self.wrote(step, known.of_sources[0])
            and self._same_settings(step, config, known.reading, known.choosing)
            and self._same_sources(step, config)
            and self._left(step, arguments)
        )

    def _same_settings(self, step: str, config: Config, paths: Iterable[str], but: Iterable[str]) -> bool:
        """Whether parts of a configuration are what they were; where source data lie does not matter."""
        inputs = self.steps[step]["inputs"]
        then = {n: value for n, value in {**inputs["decided_by"], **inputs["noted"]}.items() if is_below(n, paths)}
        now, aside = settings(config, paths), (*but, *(f"{source}.path" for source in config.files))
        return all(
            then.get(name, MISSING) == now.get(name, MISSING)
            for name in then.keys() | now.keys()
            if not is_below(name, aside)
        )

    def _same_sources(self, step: str, config: Config) -> bool:
        """Whether the source data of a step are all known, there, and what they were."""
        then, now = self.steps[step]["inputs"]["sources"], sources(config) if step == "prepare" else {}
        wanted = {f"{name}.path" for name in config.files if step == "prepare"}
        known = then.keys() == now.keys() == wanted
        return known and all(has_changed(then[name], path) is False for name, path in now.items())

    def _left(self, step: str, arguments: Mapping[str, Any]) -> bool:
        """Whether a step's files are as it wrote them, with these versions and arguments."""
        entry, home = self.steps[step], STEPS[step].home(self.space)
        files = all(digest(home / file) == written for file, written in entry["files"].items())
        return files and entry["versions"] == versions() and entry["arguments"] == arguments

    def require(self, config: Config, step: str) -> None:
        """See to it that all steps that ``step`` stands on have run on what there is now.

        Raises:
            DataError: one sentence with what is missing or has changed, and the commands to run.
        """
        before = needed(step)
        for name in before:
            if name not in self.steps:
                self.checked(name, STEPS[name].files[0])
            if changes := list(self._changes(name, config)):
                more = f" (and {len(changes) - 1} more)" if len(changes) > 1 else ""
                again = " and ".join(f"'{command}'" for command in changes[0].commands(before[-1]))
                raise DataError(f"{self.space.data}: {changes[0].what}{more}; run {again} again.")

    def _changes(self, step: str, config: Config) -> Iterator[Change]:
        """Say what one step would find otherwise today: settings, source data, files of earlier steps."""
        if step not in self.steps:
            return
        then, done = self.steps[step]["inputs"], STEPS[step].done
        changed, other = _settings_changed(step, then, config), _sources_changed(then, config)
        for name, (old, new) in sorted(changed.items()):
            if other.get(name, True) is not False:  # the same data in another place are the same
                yield Change(step, f"{name} was {said(old)} when {done}, now it is {said(new)}")
        for name in other:
            if other[name] and name not in changed:
                yield Change(step, f"the file {Path(then['sources'][name]['path']).name} has changed since {done}")
        written = self.inputs_now(step)
        for name in sorted(then["files"].keys() | written.keys()):
            if then["files"].get(name) != written.get(name):
                yield Change(step, f"{name} has changed since {done}")


def _settings_changed(step: str, then: Mapping[str, Any], config: Config) -> dict[str, tuple[Any, Any]]:
    """Return the settings that decide a step and have changed, each as it was and as it is."""
    paths, noted = STEPS[step].decided_by, STEPS[step].noted
    old, new = then["decided_by"], settings(config, paths)
    known = old.keys() | (given(config, paths))
    gone = (set(then["options"]) - config.options) & set(OPTIONS)
    return {
        name: (old.get(name), new.get(name))
        for name in known
        if old.get(name) != new.get(name) and not is_below(name, (*noted, *gone))
    }


def _sources_changed(then: Mapping[str, Any], config: Config) -> dict[str, bool | None]:
    """Return for each source whether its data are others now; None where nothing is there to compare."""
    now, given_once = sources(config), set(then["options"]) - config.options
    paths = {name: source["path"] for name, source in then["sources"].items()}
    paths |= {name: path for name, path in now.items() if name in paths and name not in given_once}
    return {name: has_changed(source, paths[name]) for name, source in then["sources"].items()}


def load_manifest(space: Workspace) -> Manifest:
    """Read ``run.json``; without one, or with one of another `LAYOUT`, no step has run."""
    try:
        raw = json.loads((space.data / FILE).read_text(encoding="utf-8"))
        if raw["layout"] != LAYOUT:
            return Manifest(space)
        steps = {name: raw["steps"][name] for name in raw["steps"] if name in STEPS}
        assert all({"files", "inputs"} <= entry.keys() for entry in steps.values())
    except FileNotFoundError:
        return Manifest(space)
    except (ValueError, KeyError, TypeError, AttributeError, AssertionError):
        return Manifest(space, damaged=True)
    return Manifest(space, steps)
