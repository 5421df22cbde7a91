"""Figures of a finished run as axes of Matplotlib: those of its report, to be looked at, changed and saved.

``axes.get_figure(root=True)`` is the whole of one, with its title and legend.
"""

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from mmm_bayes.errors import DataError
from mmm_bayes.notebook import FinishedRun
from mmm_bayes.report.figures import FIGURES, look_of
from mmm_bayes.report.figures.material import material
from mmm_bayes.report.figures.style import styled
from mmm_bayes.report.language import spoken


def roi(run: FinishedRun) -> Axes:
    """Draw the return of each channel, its interval and what was assumed beforehand."""
    return axes(run, "roi")[0]


def curves(run: FinishedRun) -> list[Axes]:
    """Draw what each channel would return at each spend; axes by channel."""
    return axes(run, "curves")


def axes(run: FinishedRun, name: str) -> list[Axes]:
    """Draw any figure of the report.

    Args:
        run: whose.
        name: ``roi``, ``curves``, ``contributions``, ``waterfall``, ``decomposition``, ``fit``, ``holdout``,
            ``models``, ``plan``, ``gain``, ``frontier``, ``schedule`` or ``ahead``.

    Raises:
        DataError: the run has nothing to draw there.
    """
    given = material(run.results, run.content.channels)
    if name not in given:
        known = "has no step left what it shows" if name in FIGURES else "there is no such figure"
        raise DataError(f"plot '{name}': {known}; this run has {', '.join(given) or 'none yet'}.")
    with spoken(run.config.language), styled():
        figure = FIGURES[name](*given[name], look_of(run.results, run.content.money))
    return plt.figure(figure).axes
