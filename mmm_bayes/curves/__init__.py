"""`ResponseCurves`: what each channel would return at each spend, from either model."""

from mmm_bayes.curves.files import load_curves, save_curves
from mmm_bayes.curves.make import make_curves, planning_arms, window_response
from mmm_bayes.curves.response import ResponseCurves, arm_of, channel_of
from mmm_bayes.curves.window import (
    PaidMedia,
    Window,
    highest_window,
    last_weeks,
    planned_media,
    planning_window,
    usual_worth,
    window_of,
)

__all__ = [
    "PaidMedia",
    "ResponseCurves",
    "Window",
    "arm_of",
    "channel_of",
    "highest_window",
    "last_weeks",
    "load_curves",
    "make_curves",
    "planned_media",
    "planning_arms",
    "planning_window",
    "save_curves",
    "usual_worth",
    "window_of",
    "window_response",
]
