"""What all steps need: the folders and the panel of a run, whether its fit is still good, and where progress goes."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm_bayes.config import Config
from mmm_bayes.errors import DataError, FitError
from mmm_bayes.workspace import Workspace, digest

if TYPE_CHECKING:
    from mmm_bayes.panel import Panel


def needs_panel(config: Config, root: str | Path) -> tuple[Workspace, "Panel"]:
    """Return the folders and the panel of a run."""
    space = Workspace(config.name, Path(root))
    space.needs("panel.parquet", "prepare")
    from mmm_bayes.panel import load_panel

    return space, load_panel(space.data)


def require_fresh(space: Workspace) -> dict[str, Any]:
    """Return the diagnostics, or say that the panel has changed since the fit."""
    found = json.loads(space.needs("diagnostics.json", "fit").read_text(encoding="utf-8"))
    if found["panel"] != digest(space.data / "panel.parquet"):
        raise DataError(f"{space.data}: the panel has changed since the fit; run 'mmm-bayes fit' again.")
    return found


def require_usable(space: Workspace, force: bool) -> None:
    """Refuse to plan on a fit whose verdict is FAIL."""
    found = require_fresh(space)
    if found["verdict"] == "FAIL" and not force:
        from mmm_bayes.report.words import judged

        worst = judged(next(r for r in found["reasons"] if r["status"] == "FAIL"))
        raise FitError(f"the verdict on the fit is FAIL: {worst.message} {worst.remedy} --force plans anyway.")
