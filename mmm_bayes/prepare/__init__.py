"""From raw transactions to the weekly table; the only place that imports pyspark."""

from mmm_bayes.prepare.table import Prepared, weekly_table

__all__ = ["Prepared", "weekly_table"]
