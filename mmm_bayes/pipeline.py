"""The steps as functions: what the command line, a dashboard and a notebook call.

Each reads what the step before it left in ``data/<name>`` below ``root``, writes its own files there (see
ARCHITECTURE.md) and returns what it found. Heavy libraries are imported by the step that needs them.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm_bayes.cache import compile_cache
from mmm_bayes.config import Config
from mmm_bayes.errors import DataError, FitError
from mmm_bayes.workspace import Workspace, write_csv, write_json

if TYPE_CHECKING:
    from mmm_bayes.allocate import Plan
    from mmm_bayes.panel import Panel
    from mmm_bayes.posterior import Posterior

Progress = Callable[[str, float | None], None]
"""Told what is being done and which share of it is done (None when unknown)."""


def silent(message: str, done: float | None = None) -> None:
    """Show no progress."""


def prepare(config: Config, root: str | Path = ".", progress: Progress = silent) -> "Panel":
    """Turn transactions, or a weekly table that the user brings, into a checked panel.

    Args:
        config: names the source.
        root: folder that holds ``data/`` and ``reports/``.
        progress: told what is being done.

    Returns:
        The panel as written to ``panel.parquet`` and ``panel.json``.

    Raises:
        DataError: the data cannot be used; earlier files are kept then.
    """
    from mmm_bayes.panel import read_table, save_panel

    space = Workspace(config.name, Path(root))
    if config.panel is None:
        return _prepare_transactions(config, space, progress)
    path = config.find(config.panel.path)
    progress(f"reading {path}", None)
    frame = read_table(config.panel, path)
    panel = save_panel(frame, config.panel, space.data, config.name, config.currency, source=path)
    write_json(space.data / "quality.json", {"source": path, "rows": len(frame), "notes": panel.notes})
    _forget_truth(space)
    return panel


def _prepare_transactions(config: Config, space: Workspace, progress: Progress) -> "Panel":
    from mmm_bayes.panel import save_panel
    from mmm_bayes.prepare import weekly_table

    progress("reading transactions with Spark", None)
    prepared = weekly_table(config, space.data / "quarantine.parquet")
    frame, columns, truth = prepared.frame, prepared.columns, None
    if config.simulate is not None:
        from mmm_bayes.simulate import simulate_spend

        progress("simulating spend", None)
        simulated = simulate_spend(frame, columns, config.simulate)
        frame, columns, truth = simulated.frame, simulated.columns, simulated.truth
    panel = save_panel(frame, columns, space.data, config.name, config.currency, simulated=truth is not None)
    write_json(space.data / "quality.json", prepared.quality)
    _forget_truth(space)
    if truth is not None:
        from mmm_bayes.simulate import save_truth

        save_truth(truth, space.data, config.allocate.weeks)
    return panel


def _forget_truth(space: Workspace) -> None:
    """Remove the truth of an earlier panel: it would be shown beside this one."""
    for path in space.data.glob("truth*"):
        path.unlink()


def fit(config: Config, root: str | Path = ".", progress: Progress = silent) -> "Posterior":
    raise NotImplementedError


def compare(config: Config, root: str | Path = ".", progress: Progress = silent) -> dict[str, Any]:
    raise NotImplementedError


def allocate(
    config: Config,
    root: str | Path = ".",
    progress: Progress = silent,
    what_if: str | None = None,
    model: str = "bayesian",
    force: bool = False,
) -> "Plan":
    raise NotImplementedError


def report(config: Config, root: str | Path = ".", progress: Progress = silent) -> Path:
    raise NotImplementedError
