"""Tables as people export them: files of any program and country become keys, days and numbers."""

from mmm_bayes.tables.cells import Notation, all_there, find_notation, numbers, without_total
from mmm_bayes.tables.dates import Days, read_days
from mmm_bayes.tables.files import format_of, found, is_marked_as_wide
from mmm_bayes.tables.header import find_names
from mmm_bayes.tables.read import Head, as_table, keys, read_head, read_start, read_table

__all__ = [
    "Days",
    "Head",
    "Notation",
    "all_there",
    "as_table",
    "find_names",
    "find_notation",
    "format_of",
    "found",
    "is_marked_as_wide",
    "keys",
    "numbers",
    "read_days",
    "read_head",
    "read_start",
    "read_table",
    "without_total",
]
