"""`Panel`: the weekly arrays that every model reads, with named dimensions and checked contents.

On disk a panel is ``panel.parquet`` (long, one row per geo and week) and ``panel.json``
(which column holds what, and where the panel came from).
"""

from mmm_bayes.panel.checks import MIN_WEEKS
from mmm_bayes.panel.table import (
    NATIONAL,
    Panel,
    load_panel,
    panel_from_frame,
    parse_weeks,
    read_table,
    save_panel,
)

__all__ = [
    "MIN_WEEKS",
    "NATIONAL",
    "Panel",
    "load_panel",
    "panel_from_frame",
    "parse_weeks",
    "read_table",
    "save_panel",
]
