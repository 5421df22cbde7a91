"""A fit of a DataFrame and finished runs, for notebooks and scripts: what was found shows itself as tables."""

import atexit
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import escape

from mmm_bayes import pipeline
from mmm_bayes.config import Config, make_config, override
from mmm_bayes.errors import DataError
from mmm_bayes.progress import Progress, silent
from mmm_bayes.provenance import load_manifest
from mmm_bayes.report.content import Content, gather
from mmm_bayes.report.html import fragment
from mmm_bayes.report.language import spoken
from mmm_bayes.report.page import fill
from mmm_bayes.report.results import Results
from mmm_bayes.report.tables import Table
from mmm_bayes.workspace import Workspace

if TYPE_CHECKING:
    from mmm_bayes.allocate import Plan
    from mmm_bayes.posterior import Posterior

OF_PANELS = Config.model_fields.keys() - {"name", "transactions", "spend", "simulate", "panel", "folder"}
"""Sections and keys of a configuration beside ``panel``."""


@dataclass(frozen=True, repr=False)
class FinishedRun:
    """What a run has found.

    Attributes:
        config: its settings.
        root: folder that holds its ``data/`` and ``reports/``.
        content: the words and tables of its report.
    """

    config: Config
    root: Path
    content: Content

    @property
    def results(self) -> Results:
        """Its numbers: ``results.fit.roi`` is a DataFrame, ``results.plan`` a `Plan`; None where a step is missing."""
        return self.content.results

    @property
    def posterior(self) -> "Posterior":
        """Its draws."""
        from mmm_bayes.posterior import load_posterior

        manifest = load_manifest(Workspace(self.config.name, self.root))
        return load_posterior(manifest.checked("fit", "posterior.nc") / "posterior.nc")

    @property
    def roi(self) -> Table:
        """What each channel cost and returned."""
        return self._table("roi_table")

    @property
    def checks(self) -> Table:
        """Every check of the fit, with its remedy."""
        return self._table("checks_table")

    @property
    def plan(self) -> Table:
        """The plan beside today's spend."""
        return self._table("plan_table")

    def allocate(self, force: bool = False, progress: Progress | None = None, **question: Any) -> "FinishedRun":
        """Return the run with the best plan for another question.

        Args:
            force: plan although the model failed a check.
            progress: told what is being done; a bar in a notebook by default.
            question: keys of ``allocate``, such as ``budget=250_000``, ``weeks=26``, ``limits={"tv": [0.8, 1.2]}``.

        Raises:
            ConfigError: a key or a value that cannot be.
            FitError: the verdict is FAIL and ``force`` is not given.
            AllocationError: the limits contradict each other.
        """
        config, tell = override(self.config, allocate=question), progress or shown()
        pipeline.allocate(config, self.root, tell, force=force)
        tell("done", 1.0)
        return _finished(config, self.root)

    def what_if(self, change: str) -> "Plan":
        """Return what a change of today's budget would bring: ``tv=-20%,search=+5000``."""
        return pipeline.allocate(self.config, self.root, what_if=change)

    def report(self) -> Path:
        """Write the report, and return the path of its page."""
        return pipeline.report(self.config, self.root)

    def _table(self, name: str) -> Table:
        if (found := self.content.context.get(name)) is None:
            what, remedy = ("plan", "call allocate()") if name == "plan_table" else ("fit", "run 'mmm-bayes fit'")
            raise DataError(f"run '{self.config.name}' has no {what}, or none that still holds; {remedy}.")
        return found

    def __repr__(self) -> str:
        """Return its name and its verdict."""
        return f"<run '{self.config.name}': {self.content.context.get('verdict_line', 'not fitted yet')}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: what stands first in the report, and the return of each channel."""
        with spoken(self.config.language):
            first = fragment(fill(self.content, "summary.md"))
        return first + (self.roi._repr_html_() if self.results.fit else "")


def fit(
    frame: pd.DataFrame,
    *,
    kpi: str,
    spend: Mapping[str, str],
    week: str = "week",
    geo: str | None = None,
    name: str = "run",
    root: str | Path | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> FinishedRun:
    """Fit the model to a weekly (or daily) table, without any file.

    Args:
        frame: a row for each week, and geo where there are several.
        kpi: column of what media should raise.
        spend: columns of money by channel, currency.
        week: column of the first day of each week.
        geo: column of the geo; without one the rows are one national series.
        name: of the run.
        root: folder to keep its files in, for `load` and the command line; they go when Python ends by default.
        progress: told what is being done; a bar in a notebook by default.
        settings: any other key of ``panel`` (``controls=["price"]``), and sections of the configuration
            (``currency="€"``, ``model={"priors": ...}``, ``sampler={"draws": 500}``).

    Raises:
        MMMError: the table or a setting cannot be used; one sentence says why, and what to do.
    """
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"fit: is given a {type(frame).__name__}; give a pandas DataFrame (to_pandas() makes one).")
    beside = {key: value for key, value in settings.items() if key in OF_PANELS}
    columns = {key: value for key, value in settings.items() if key not in OF_PANELS}
    source = {"path": "", "geo": geo, "kpi": kpi, "spend": dict(spend)}
    source |= {} if "week_ending" in columns else {"week": week}
    config = make_config({"name": name, "panel": source | columns, **beside}, "fit")
    place, tell = _kept_while_python_runs() if root is None else Path(root), progress or shown()
    pipeline.prepare(config, place, tell, panel=frame)
    pipeline.fit(config, place, tell)
    tell("done", 1.0)
    return _finished(config, place)


def load(folder: str | Path) -> FinishedRun:
    """Return a finished run.

    Args:
        folder: that of its files, such as ``data/demo``.

    Raises:
        DataError: it holds no run of this version, or a file of it is damaged.
    """
    place = Path(folder).resolve()
    space = Workspace(place.name, place.parent.parent)
    if space.data != place or not place.is_dir():
        raise DataError(f"{folder}: holds no run; give the folder of its files, such as data/demo.")
    return _finished(load_manifest(space).config, space.root)


def _finished(config: Config, root: Path) -> FinishedRun:
    with spoken(config.language):
        return FinishedRun(config, root, gather(config, Workspace(config.name, root), lambda *_: {}))


def _kept_while_python_runs() -> Path:
    folder = tempfile.mkdtemp(prefix="mmm_bayes-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


# --- progress -----------------------------------------------------------------------------------


def shown() -> Progress:
    """Return what shows progress in a notebook; elsewhere nothing does."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return Bar() if hasattr(shell, "kernel") else silent


class Bar:
    """A bar below the cell of a notebook, with what is being done."""

    def __init__(self) -> None:
        """Show nothing yet."""
        self.place: Any = None

    def __call__(self, message: str, done: float | None = None) -> None:
        """Show what is being done and the share done (0 to 1, None when unknown)."""
        show: Any = import_module("IPython.display")
        bar = show.HTML(f"<progress {'' if done is None else f'value={done:.3f}'}></progress> {escape(message)}")
        if self.place is None:
            self.place = show.display(bar, display_id=True)
        else:
            self.place.update(bar)
