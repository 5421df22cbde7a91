"""From raw transactions to the weekly table; the only place that imports pyspark."""

from mmm_bayes.prepare.sources import fetch
from mmm_bayes.prepare.table import Prepared, weekly_table

__all__ = ["Prepared", "fetch", "weekly_table"]
