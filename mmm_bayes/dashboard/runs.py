"""`Run`: what the steps of a run left, read and drawn once, and what is asked of its posterior while people play."""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import pandas as pd

from mmm_bayes.allocate import Draft, Plan, allocate, asked, evaluate_plan, stretch_needed
from mmm_bayes.config import Allocate, load_config
from mmm_bayes.curves import ResponseCurves
from mmm_bayes.dashboard.charts import draw, look_of
from mmm_bayes.dashboard.charts.plan import live_response
from mmm_bayes.dashboard.charts.style import Live
from mmm_bayes.posterior import Posterior, load_posterior
from mmm_bayes.posterior.attribution import decomposition, response_curves
from mmm_bayes.provenance import snapshot
from mmm_bayes.report.content import Content, gather
from mmm_bayes.report.facts import curves_by_channel
from mmm_bayes.workspace import Workspace

MOST_WINDOWS, MOST_CHARTS = 12, 200
"""Windows whose curves, and curves whose charts are kept."""


@dataclass(eq=False)
class Run:
    """A run.

    Attributes:
        content: what the report tells of it, its figures drawn as charts.
        posterior: None where there is no fit that holds.
        kept: drafts that were kept, by name; they live as long as the server.
    """

    content: Content
    posterior: Posterior | None
    kept: dict[str, Draft] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name."""
        return self.content.results.config.name

    @property
    def title(self) -> str:
        """What it is called on a page."""
        return self.content.context["title"]

    @property
    def weeks(self) -> int:
        """The window that a planner begins with: the plan's, or that of the configuration."""
        plan = self.content.results.plan
        return self._asked.weeks if plan is None else plan.weeks

    @property
    def _asked(self) -> Allocate:
        """The budget question of the configuration, for the planned weeks where there are some."""
        results = self.content.results
        planned = results.panel.planned
        return results.config.allocate.over(0 if planned is None else planned.sizes["week"])

    def question(self, weeks: int) -> Allocate:
        """Return the budget question of the configuration, for a window; its budget is for its own window only."""
        asked = self._asked
        return asked if weeks == asked.weeks else asked.model_copy(update={"weeks": weeks, "budget": None})

    def curves(self, weeks: int, draft: Draft | None = None) -> ResponseCurves:
        """Return the response curves of a window that reach as far as a draft goes."""
        found = _curves(self, weeks, 1)
        needed = 1 if draft is None else stretch_needed(found, draft.reach)
        return found if needed == 1 else _curves(self, weeks, needed)

    def picture(self, draft: Draft, arms: tuple[int, ...]) -> tuple[ResponseCurves, Live]:
        """Return the curve of some arms of one channel together, and the chart of it."""
        return _picture(self, draft.weeks, stretch_needed(_curves(self, draft.weeks, 1), draft.reach), arms)

    def judge(self, draft: Draft) -> Plan:
        """Return what a draft would bring."""
        curves, level = self.curves(draft.weeks, draft), self.content.results.config.ci_prob
        return evaluate_plan(curves, draft.amounts, self.question(draft.weeks), level)

    def best(self, weeks: int) -> Plan:
        """Return the best plan of a window, without its certificate."""
        return self._allocated(self.curves(weeks), self.question(weeks))

    def optimised(self, draft: Draft) -> Plan:
        """Return the best plan with a draft's total, locks and limits, without its certificate."""
        return self._allocated(self.curves(draft.weeks, draft), asked(draft, self.question(draft.weeks)))

    def _allocated(self, curves: ResponseCurves, question: Allocate) -> Plan:
        return allocate(curves, question, self.content.results.config.ci_prob, certify=False)

    def contributions(self, geo: str | None) -> pd.DataFrame:
        """Return ``contributions.csv``, or the same of one geo."""
        fit = self.content.results.fit
        assert fit is not None, "a page asks for the parts of the KPI where there is a fit"
        return fit.contributions if geo is None else _of_geo(self, geo)


@lru_cache(MOST_WINDOWS)
def _curves(run: Run, weeks: int, stretch: int) -> ResponseCurves:
    fit, plan = run.content.results.fit, run.content.results.plan
    assert fit is not None and run.posterior is not None, "a page asks for curves where there is a fit"
    if plan is not None and (weeks, stretch) == (fit.curves.weeks, 1):
        return fit.curves  # those of the plan
    return response_curves(run.posterior, run.question(weeks), stretch, run.content.results.panel.planned)


@lru_cache(MOST_CHARTS)
def _picture(run: Run, weeks: int, stretch: int, arms: tuple[int, ...]) -> tuple[ResponseCurves, Live]:
    content = run.content
    own = curves_by_channel(_curves(run, weeks, stretch).pick(arms), content.channels)
    own = replace(own, channels=tuple(content.channels[name] for name in own.channels))
    return own, live_response(own, 0, look_of(content.results, content.money))


@lru_cache(MOST_WINDOWS)
def _of_geo(run: Run, geo: str) -> pd.DataFrame:
    assert run.posterior is not None, "a page asks for geos where there is a fit"
    return decomposition(run.posterior, geo)


def open_run(config: str, root: str) -> Run:
    """Return a run as its files are now; it is read again when one of them has changed.

    Args:
        config: path of its configuration.
        root: folder that holds ``data/``.

    Raises:
        MMMError: the configuration cannot be read, or there is no panel yet.
    """
    return _open(config, root, _state_of_files(config, root))


def _state_of_files(config: str, root: str) -> tuple[tuple[str, int], ...]:
    """Return when each file of a run was written."""
    with snapshot(Workspace(load_config(config).name, Path(root))) as manifest:
        files = [Path(config), *(path for path in manifest.files() if path.exists())]
        return tuple((str(path), path.stat().st_mtime_ns) for path in files)


@lru_cache(4)
def _open(config: str, root: str, files: tuple[tuple[str, int], ...]) -> Run:
    settings = load_config(config)
    space = Workspace(settings.name, Path(root))
    content = gather(settings, space, draw)
    if content.results.fit is None:
        return Run(content, None)
    with snapshot(space) as manifest:
        return Run(content, load_posterior(manifest.checked("fit", "posterior.nc") / "posterior.nc"))
