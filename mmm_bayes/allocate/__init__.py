"""Budgets: exact, certified, uncertainty first. `ResponseCurves` and `Allocate` in, `Plan` out."""

from mmm_bayes.allocate.frontier import Frontier, frontier, frontier_table, save_frontier
from mmm_bayes.allocate.plan import ChannelPlan, Gain, Plan, load_plan, plan_table, save_plan
from mmm_bayes.allocate.planner import allocate
from mmm_bayes.allocate.schedule import Schedule, best_schedule, load_schedules, save_schedules, schedule_plan
from mmm_bayes.allocate.weekly import WeeklyMedia, weekly_media
from mmm_bayes.allocate.what_if import change_spend, evaluate_plan, parse_what_if, stretch_needed

__all__ = [
    "ChannelPlan",
    "Frontier",
    "Gain",
    "Plan",
    "Schedule",
    "WeeklyMedia",
    "allocate",
    "best_schedule",
    "change_spend",
    "evaluate_plan",
    "frontier",
    "frontier_table",
    "load_plan",
    "load_schedules",
    "parse_what_if",
    "plan_table",
    "save_frontier",
    "save_plan",
    "save_schedules",
    "schedule_plan",
    "stretch_needed",
    "weekly_media",
]
