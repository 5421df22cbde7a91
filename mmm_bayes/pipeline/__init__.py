"""The steps as functions: what the command line, a dashboard and a notebook call.

Each reads what the step before it left in ``data/<name>`` below ``root``, writes its own files there (see
ARCHITECTURE.md) and returns what it found. Heavy libraries are imported by the step that needs them.
"""

from pathlib import Path

from mmm_bayes.config import Config
from mmm_bayes.pipeline.fit import Fitted, compare, fit
from mmm_bayes.pipeline.plan import allocate, schedule
from mmm_bayes.pipeline.prepare import demo, prepare
from mmm_bayes.progress import Progress, silent
from mmm_bayes.workspace import Workspace

__all__ = [
    "Fitted",
    "Progress",
    "allocate",
    "compare",
    "demo",
    "fit",
    "prepare",
    "report",
    "schedule",
    "silent",
]


def report(config: Config, root: str | Path = ".", progress: Progress = silent) -> Path:
    """Write ``report.html`` and ``report.md`` from what the other steps found; return the path of the first."""
    from mmm_bayes.report.write import write_report

    progress("drawing figures", None)
    return write_report(config, Workspace(config.name, Path(root)))
