"""Budgets: exact, certified, uncertainty first. `ResponseCurves` and `Allocate` in, `Plan` out."""

from mmm_bayes.allocate.draft import (
    Draft,
    as_section,
    asked,
    draft_of_plan,
    draft_of_today,
    over_window,
    plans_by_channel,
    plans_table,
)
from mmm_bayes.allocate.frontier import Frontier, frontier, frontier_table, save_frontier
from mmm_bayes.allocate.plan import ChannelPlan, Gain, Plan, load_plan, plan_table, save_plan
from mmm_bayes.allocate.planner import allocate
from mmm_bayes.allocate.schedule import Schedule, best_schedule, load_schedules, save_schedules, schedule_plan
from mmm_bayes.allocate.weekly import WeeklyMedia, weekly_media
from mmm_bayes.allocate.what_if import evaluate_plan, parse_what_if, stretch_needed

__all__ = [
    "ChannelPlan",
    "Draft",
    "Frontier",
    "Gain",
    "Plan",
    "Schedule",
    "WeeklyMedia",
    "allocate",
    "as_section",
    "asked",
    "best_schedule",
    "draft_of_plan",
    "draft_of_today",
    "evaluate_plan",
    "frontier",
    "frontier_table",
    "load_plan",
    "load_schedules",
    "over_window",
    "parse_what_if",
    "plan_table",
    "plans_by_channel",
    "plans_table",
    "save_frontier",
    "save_plan",
    "save_schedules",
    "schedule_plan",
    "stretch_needed",
    "weekly_media",
]
