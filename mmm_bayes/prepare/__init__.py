"""From raw transactions to the weekly table; the only place that imports pyspark."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmm_bayes.prepare.sources import fetch
    from mmm_bayes.prepare.table import Prepared, weekly_table

__all__ = ["Prepared", "fetch", "weekly_table"]
HOMES = {"Prepared": "table", "fetch": "sources", "weekly_table": "table"}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for, so that Java can start before (see `start.launch_ahead`)."""
    if name in HOMES:
        return getattr(import_module(f"mmm_bayes.prepare.{HOMES[name]}"), name)
    raise AttributeError(f"module 'mmm_bayes.prepare' has no attribute '{name}'")
