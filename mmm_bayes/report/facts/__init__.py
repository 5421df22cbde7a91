"""What a report tells, as numbers: what media brought, what the KPI is made of, what the plan moves, what to decide."""

from mmm_bayes.report.facts.decision import about_ahead, decision_on, next_test, one_test, to_make
from mmm_bayes.report.facts.kpi import MOVERS, kpi_parts, movers, parts_of
from mmm_bayes.report.facts.media import (
    Headline,
    about_tests,
    contradictions,
    contributions_by_channel,
    headline,
    rests_on_prior,
    roi_draws,
    roi_of_runs,
    without_effect,
)
from mmm_bayes.report.facts.plan import (
    about_plan,
    best_weeks,
    curves_by_channel,
    gain_of,
    most_profitable,
    moves,
    next_units,
    plan_by_channel,
    totals_of,
    unchanged,
)
from mmm_bayes.report.facts.run import channel_of, money_of, notes_of
from mmm_bayes.report.facts.validation import about_validation, worth_of_plans

__all__ = [
    "MOVERS",
    "Headline",
    "about_ahead",
    "about_plan",
    "about_tests",
    "about_validation",
    "best_weeks",
    "channel_of",
    "contradictions",
    "contributions_by_channel",
    "curves_by_channel",
    "decision_on",
    "gain_of",
    "headline",
    "kpi_parts",
    "money_of",
    "most_profitable",
    "movers",
    "moves",
    "next_test",
    "next_units",
    "notes_of",
    "one_test",
    "parts_of",
    "plan_by_channel",
    "rests_on_prior",
    "roi_draws",
    "roi_of_runs",
    "to_make",
    "totals_of",
    "unchanged",
    "without_effect",
    "worth_of_plans",
]
