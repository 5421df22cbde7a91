"""From raw transactions to the weekly table; the only place that imports pyspark."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmm_bayes.prepare.prepared import Prepared, load_prepared
    from mmm_bayes.prepare.sources import fetch
    from mmm_bayes.prepare.table import weekly_table

__all__ = ["Prepared", "fetch", "load_prepared", "weekly_table"]
HOMES = {"Prepared": "prepared", "fetch": "sources", "load_prepared": "prepared", "weekly_table": "table"}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for, so that Java can start before (see `start.launch_ahead`)."""
    if name in HOMES:
        return getattr(import_module(f"mmm_bayes.prepare.{HOMES[name]}"), name)
    raise AttributeError(f"module 'mmm_bayes.prepare' has no attribute '{name}'")
