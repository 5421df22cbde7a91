"""The section on the budget question."""

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from mmm_bayes.config.section import (
    Fraction,
    Mistake,
    Multiple,
    NonNegative,
    Positive,
    Section,
    Share,
    Whole,
    amount,
    falls,
)


class Limits(Section):
    """Lower and upper spend of one channel: in currency, or relative to today's spend."""

    lower: NonNegative | None = None
    upper: NonNegative | None = None
    relative: tuple[Multiple, Multiple] | None = None
    minimum_useful: NonNegative | None = None
    fixed: bool = False

    def mistakes(self) -> Iterator[Mistake]:
        """Yield limits that exclude each other."""
        others = [name for name, value in self if name != "fixed" and value is not None]
        if self.fixed and others:
            yield "fixed", f"excludes every other limit, and '{others[0]}' is given; leave one of them out"
        yield from falls("relative", self.relative)
        if self.upper is None:
            return
        if self.lower is not None and self.lower > self.upper:
            yield "lower", nothing_between(self.lower, self.upper)
        elif (self.minimum_useful or 0.0) > self.upper:
            yield (
                "minimum_useful",
                f"is {amount(self.minimum_useful or 0.0)} and 'upper' {amount(self.upper)}: less is of no use and more "
                "not allowed; raise 'upper', or lower the other",
            )


def nothing_between(lower: float, upper: float) -> str:
    """Return what is wrong with a lower limit above the upper one."""
    low, high = amount(lower), amount(upper)
    return f"is {low} and 'upper' {high}: nothing lies between; raise 'upper' to {low}, or lower 'lower' to {high}"


class Group(Section):
    """A limit on the sum over several channels, in currency."""

    channels: tuple[str, ...]
    lower: NonNegative = 0.0
    upper: NonNegative | None = None
    name: str | None = None

    def mistakes(self) -> Iterator[Mistake]:
        """Yield a range without an inside, and channels that are none or named twice."""
        if not self.channels:
            yield "channels", "names no channel; name some, or leave the group out"
        for name in (name for name, times in Counter(self.channels).items() if times > 1):
            yield "channels", f"names '{name}' twice; keep one"
        if self.upper is not None and self.lower > self.upper:
            yield "lower", nothing_between(self.lower, self.upper)


class Allocate(Section):
    """The budget question.

    ``objective`` left open is a low quantile of the gain, or the mean where that cannot be had; ``hold`` leaves
    channels that follow demand where they are, unless they have limits of their own. ``extrapolation`` is the share of
    a plan beyond the spend ever observed above which a warning is given; ``test_error`` the standard error, relative to
    a channel's expected ROI, of a lift test that is feasible; ``schedule`` asks for the best weeks of the plan, too,
    and ``weekly`` limits a channel's spend in one week to a least and a most, in currency.
    """

    scenario: Literal["fixed", "profit", "target_roi", "target_mroi"] = "fixed"
    budget: NonNegative | None = None
    weeks: Annotated[Whole, Field(ge=1)] = 52
    flighting: Literal["historical", "steady"] = "historical"
    margin: Annotated[Share, Field(gt=0)] = 1.0
    target: Positive | None = None
    objective: Literal["mean", "quantile", "cvar", "probability"] | None = None
    hold: bool = True
    level: Fraction = 0.1
    relative: tuple[Multiple, Multiple] = (0.5, 1.5)
    limits: dict[str, Limits] = {}
    groups: tuple[Group, ...] = ()
    step: Positive | None = None
    by_geo: bool = False
    extrapolation: Fraction = 0.1
    test_error: Annotated[Share, Field(gt=0)] = 0.2
    schedule: bool = False
    weekly: dict[str, tuple[NonNegative, NonNegative]] = {}

    def over(self, planned: int) -> "Allocate":
        """Return the question for the planned weeks, where there are some and no other window is asked for."""
        return self.model_copy(update={"weeks": planned}) if planned and "weeks" not in self.model_fields_set else self

    def mistakes(self) -> Iterator[Mistake]:
        """Yield ranges that fall, a target too few or too many, and what the objective cannot be had with."""
        yield from falls("relative", self.relative)
        for name, limits in self.weekly.items():
            yield from falls(f"weekly.{name}", limits)
        targeted = self.scenario in ("target_roi", "target_mroi")
        if targeted and self.target is None:
            yield "target", f"is missing: the scenario {self.scenario} needs one; add it"
        if not targeted and self.target is not None:
            yield "target", f"is read by nothing in the scenario {self.scenario}; choose a target scenario, or drop it"
        if self.scenario == "target_roi" and self.objective not in (None, "mean"):
            yield (
                "objective",
                f"is {self.objective}, but the scenario target_roi is about the expected return; set it to mean, or "
                "the scenario to fixed, profit or target_mroi",
            )
        named = Counter(group.name for group in self.groups if group.name is not None)
        for name in (name for name, times in named.items() if times > 1):
            yield "groups", f"has two groups named '{name}'; rename one"
