"""A run's manifest made to fit files that a test has changed or removed."""

import json

from mmm_bayes.provenance.inputs import digest
from mmm_bayes.provenance.steps import STEPS, path_of
from mmm_bayes.workspace import Workspace, write_json


def adopt(space: Workspace) -> None:
    """Enter a run's files as they are now: as if the steps had written them so, each from the others."""
    path = space.data / "run.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    now: dict[str, str] = {}
    for name, entry in manifest["steps"].items():
        home = STEPS[name].home(space)
        entry["files"] = {file: digest(home / file) for file in entry["files"] if (home / file).exists()}
        now |= {path_of(name, file): found for file, found in entry["files"].items()}
    for entry in manifest["steps"].values():
        entry["inputs"]["files"] = {file: now[file] for file in entry["inputs"]["files"] if file in now}
    write_json(path, manifest)
