"""The steps as functions: what the command line, a dashboard and a notebook call.

Each reads what the steps before it left in ``data/<name>`` below ``root``, writes its own files there (see
`provenance.STEPS`) and returns what it found; `run` does them all. Heavy libraries are imported by the step that
needs them.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from mmm_bayes.config import Config
from mmm_bayes.extras import installed
from mmm_bayes.pipeline.ahead import forecast
from mmm_bayes.pipeline.fit import Fitted, compare, fit
from mmm_bayes.pipeline.plan import allocate, schedule, verdict
from mmm_bayes.pipeline.prepare import demo, prepare
from mmm_bayes.pipeline.validate import validate
from mmm_bayes.progress import Progress, silent
from mmm_bayes.provenance import PANEL, held, load_manifest
from mmm_bayes.workspace import Workspace

__all__ = [
    "STEPS",
    "Fitted",
    "Progress",
    "allocate",
    "chosen",
    "compare",
    "demo",
    "finished",
    "fit",
    "forecast",
    "has_work",
    "prepare",
    "report",
    "run",
    "schedule",
    "silent",
    "validate",
]

STEPS = ("prepare", "fit", "compare", "allocate", "schedule", "forecast", "report")
"""The functions of this module from the data to the report, in their order; `validate` is done when asked for alone."""


def report(config: Config, root: str | Path = ".", progress: Progress = silent) -> Path:
    """Write ``report.html`` and ``report.md`` from what the other steps found; return the path of the first."""
    from mmm_bayes.report.page import write_report

    progress("drawing figures", None)
    return write_report(config, Workspace(config.name, Path(root)))


def run(config: Config, root: str | Path = ".", progress: Progress = silent) -> dict[str, Any]:
    """Do all steps, and keep other runs of this name from writing in between; return what each found, by its name."""
    with held(Workspace(config.name, Path(root))):
        names = (name for name in chosen(config) if has_work(config, name, root))
        return {name: globals()[name](config, root, progress) for name in names}


def has_work(config: Config, name: str, root: str | Path = ".") -> bool:
    """Whether a step of a whole run has anything to do: without planned weeks there is nothing to forecast."""
    manifest = load_manifest(Workspace(config.name, Path(root)))
    if name != "forecast" or not manifest.wrote("prepare", PANEL[0]):
        return name != "forecast"
    from mmm_bayes.panel import load_panel

    return load_panel(manifest.checked("prepare", *PANEL)).planned is not None


def finished(config: Config, name: str, root: str | Path = ".") -> datetime | None:
    """Return when a step was last done, where doing it again would find the same; None where it would not.

    A plan on a fit that must not be used does not count: the step says why.
    """
    manifest = load_manifest(Workspace(config.name, Path(root)))
    if not manifest.stands(name, config, **({"model": "bayesian"} if name == "allocate" else {})):
        return None
    if name == "allocate" and verdict(manifest) == "FAIL":
        return None
    return datetime.fromisoformat(manifest.steps[name]["finished"])


def chosen(config: Config, names: Sequence[str] = STEPS) -> list[str]:
    """Return these steps in their order; the schedule comes with the plan, where the configuration asks for one.

    Without LightGBM there is nothing to compare with; who asks for that alone is told how to install it.
    """
    if tuple(names) == ("validate",):
        return ["validate"]
    wanted = {*names, "schedule"} if "allocate" in names else {*names}
    if not config.allocate.schedule:
        wanted -= {"schedule"}
    if len(wanted) > 1 and not installed("lightgbm"):
        wanted -= {"compare"}
    return [name for name in STEPS if name in wanted]
