"""The section on the budget question."""

from typing import Annotated, Literal

from pydantic import Field

from mmm_bayes.config.section import Fraction, NonNegative, Positive, Section


class Limits(Section):
    """Lower and upper spend of one channel: in currency, or relative to today's spend."""

    lower: NonNegative | None = None
    upper: NonNegative | None = None
    relative: tuple[NonNegative, NonNegative] | None = None
    minimum_useful: NonNegative | None = None
    fixed: bool = False


class Group(Section):
    """A limit on the sum over several channels, in currency."""

    channels: tuple[str, ...]
    lower: NonNegative = 0.0
    upper: NonNegative | None = None
    name: str | None = None


class Allocate(Section):
    """The budget question.

    ``extrapolation`` is the share of a plan beyond the spend ever observed above which a warning is given;
    ``test_error`` the standard error, relative to a channel's expected ROI, of a lift test that is feasible;
    ``schedule`` asks for the best weeks of the plan, too, and ``weekly`` limits a channel's spend in one week to a
    least and a most, in currency.
    """

    scenario: Literal["fixed", "profit", "target_roi", "target_mroi"] = "fixed"
    budget: NonNegative | None = None
    weeks: Annotated[int, Field(ge=1)] = 52
    flighting: Literal["historical", "steady"] = "historical"
    margin: Positive = 1.0
    target: Positive | None = None
    objective: Literal["mean", "quantile", "cvar", "probability"] = "mean"
    level: Fraction = 0.1
    relative: tuple[NonNegative, NonNegative] = (0.5, 1.5)
    limits: dict[str, Limits] = {}
    groups: tuple[Group, ...] = ()
    step: Positive | None = None
    by_geo: bool = False
    extrapolation: Fraction = 0.1
    test_error: Positive = 0.2
    schedule: bool = False
    weekly: dict[str, tuple[NonNegative, NonNegative]] = {}
