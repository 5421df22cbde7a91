"""Tables of a report: the numbers of the steps' files, with units and few digits."""

from mmm_bayes.report.tables.ahead import geos_ahead, plans_ahead, weeks_ahead
from mmm_bayes.report.tables.budget import (
    drafts,
    first_moves,
    first_stays,
    frontier,
    plan,
    plan_by_geo,
    plan_doubts,
    schedule,
    staying,
)
from mmm_bayes.report.tables.channels import checks, decomposition, foundations, lift_roi, lift_tests, roi
from mmm_bayes.report.tables.data import evidence, waterfall
from mmm_bayes.report.tables.details import breakdown, carry_over, kpi_parts, part_name, shape, shares
from mmm_bayes.report.tables.models import both_models, change_with_tenths, errors, factors, model_names, truth
from mmm_bayes.report.tables.runs import roi_of_runs, runs
from mmm_bayes.report.tables.table import Table
from mmm_bayes.report.tables.validation import validation

__all__ = [
    "Table",
    "both_models",
    "breakdown",
    "carry_over",
    "change_with_tenths",
    "checks",
    "decomposition",
    "drafts",
    "errors",
    "evidence",
    "factors",
    "first_moves",
    "first_stays",
    "foundations",
    "frontier",
    "geos_ahead",
    "kpi_parts",
    "lift_roi",
    "lift_tests",
    "model_names",
    "part_name",
    "plan",
    "plan_by_geo",
    "plan_doubts",
    "plans_ahead",
    "roi",
    "roi_of_runs",
    "runs",
    "schedule",
    "shape",
    "shares",
    "staying",
    "truth",
    "validation",
    "waterfall",
    "weeks_ahead",
]
