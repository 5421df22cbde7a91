"""Tables first, then templates and figures: what was found, for an analyst and for their boss."""

from mmm_bayes.report.content import Content, gather
from mmm_bayes.report.write import write_report

__all__ = ["Content", "gather", "write_report"]
