"""Tables as people export them: files of any program and country become keys, days and numbers."""

from mmm_bayes.tables.cells import Notation, find_notation, numbers

__all__ = ["Notation", "find_notation", "numbers"]
