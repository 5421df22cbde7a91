"""`Panel`: the weekly arrays that every model reads, with named dimensions and checked contents.

On disk a panel is ``panel.parquet`` (long, one row per geo and week) and ``panel.json``
(which column holds what, and where the panel came from).
"""

from mmm_bayes.panel.checks import MIN_WEEKS, NATIONAL
from mmm_bayes.panel.read import read_panel
from mmm_bayes.panel.table import (
    Panel,
    load_panel,
    load_panel_with_plan,
    panel_from_frame,
    save_panel,
)

__all__ = [
    "MIN_WEEKS",
    "NATIONAL",
    "Panel",
    "load_panel",
    "load_panel_with_plan",
    "panel_from_frame",
    "read_panel",
    "save_panel",
]
