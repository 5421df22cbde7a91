"""Sections of spend, of what is simulated and of a weekly table; `transactions` has that of lines."""

from collections.abc import Iterator
from math import inf
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, create_model, model_validator

from mmm_bayes.config.holidays import Holidays, unknown_countries
from mmm_bayes.config.section import (
    Finite,
    Fraction,
    Mistake,
    NonNegative,
    Section,
    Share,
    Whole,
    mistaken,
    one_of,
)
from mmm_bayes.config.source import SourceTable
from mmm_bayes.errors import nearest
from mmm_bayes.transforms import ADSTOCKS, PARAMETERS, SATURATIONS, Shape


class SpendFile(SourceTable):
    """A file of real spend: ``long`` (date, channel, spend) or ``wide`` (date, one column per channel).

    ``week_date`` says which day of its week dates weekly spend, where the weeks of the panel start on another weekday.
    """

    layout: Literal["long", "wide"]
    date: str
    week_date: Literal["first", "last"] | None = None
    geo: str | None = None
    channel: str | None = None
    spend: str | None = None
    channels: dict[str, str] = {}

    def mistakes(self) -> Iterator[Mistake]:
        """Columns that the layout needs, or has no use for."""
        if self.layout == "long" and not (self.channel and self.spend):
            yield "", "a long spend file needs 'channel' and 'spend' (column names)"
        if self.layout == "long" and self.channels:
            yield "", "a long spend file names its channels itself; leave out 'channels'"
        if self.layout == "wide" and not self.channels:
            yield "", "a wide spend file needs 'channels' (channel: column)"
        if self.layout == "wide" and (self.channel or self.spend):
            yield "", "a wide spend file names its columns under 'channels'; leave out 'channel' and 'spend'"
        columns = list(self.channels.values())
        for place, (channel, column) in enumerate(self.channels.items()):
            if column in columns[:place]:
                yield (
                    f"channels.{channel}",
                    f"names the column '{column}', as another channel does; leave one of them out",
                )
        yield from super().mistakes()


if TYPE_CHECKING:

    class ShapeTruth(Section):
        """Its fields come from a registry."""

        def __getattr__(self, name: str) -> Any: ...
else:  # a number for each parameter that a channel's response can have
    ShapeTruth = create_model(
        "ShapeTruth",
        __base__=Section,
        **{
            name: (
                Annotated[Finite, Field(**{"ge" if p.top < inf else "gt": 0}, lt=p.top)],
                p.usual,
            )
            for name, p in PARAMETERS.items()
        },
    )


class SimulatedChannel(ShapeTruth):
    """One simulated channel: how its money is spent and what it truly does, in any shape that the model knows."""

    pattern: Literal["always_on", "seasonal", "flighted", "demand"] = "always_on"
    share: Fraction = 0.03
    roi: NonNegative = 2.0
    adstock: Annotated[str, one_of(ADSTOCKS)] = "geometric"
    saturation: Annotated[str, one_of(SATURATIONS)] = "hill"

    if TYPE_CHECKING:

        def __init__(self, **given: Any) -> None: ...

    @property
    def parameters(self) -> dict[str, float]:
        """The parameters of the channel's adstock and saturation by name."""
        return {name: getattr(self, name) for name in Shape(self.adstock, self.saturation).parameters}

    def mistakes(self) -> Iterator[Mistake]:
        """Yield parameters that the channel's shape does not have."""
        for name in PARAMETERS:
            if name in self.model_fields_set and name not in self.parameters:
                known = ", ".join(self.parameters)
                yield (
                    name,
                    f"is read by nothing: adstock {self.adstock} and saturation {self.saturation} have {known}; "
                    "leave it out",
                )


class SimulatedFactor(Section):
    """What moves the KPI besides media, with a known effect.

    An ``index`` has a value each month; ``effect`` is the part of the mean KPI that it adds for each standard deviation
    above its mean. Of ``promotions`` it is what a whole week of one adds.
    """

    kind: Literal["index", "promotions"] = "index"
    effect: Annotated[Share, Field(gt=-1, lt=1)] = 0.05


class Simulate(Section):
    """Simulated spend with a known response, for panels without real spend.

    ``correlation`` makes the channels' spend move together; ``departure`` is the spread (log scale) of the
    effect over geos; ``factors`` become controls.
    """

    seed: Annotated[Whole, Field(ge=0)] = 1
    channels: dict[str, SimulatedChannel] = {}
    factors: dict[str, SimulatedFactor] = {}
    correlation: Annotated[Share, Field(ge=0, lt=1)] = 0.0
    departure: Annotated[Share, Field(ge=0, le=1)] = 0.1
    l_max: Annotated[Whole, Field(ge=1, le=52)] = 8

    def mistakes(self) -> Iterator[Mistake]:
        """Yield a delay beyond the window, and more media than a business can have."""
        for name, channel in self.channels.items():
            supports = Shape(channel.adstock, channel.saturation, l_max=self.l_max).supports()
            for parameter, value in channel.parameters.items():
                if value > (high := supports[parameter][1]):
                    yield (
                        f"channels.{name}.{parameter}",
                        f"is {value:g}, beyond the window; lower it to {high:g} at most",
                    )
        if (spent := sum(channel.share for channel in self.channels.values())) >= 1:
            yield "channels", f"spend {spent:.0%} of the revenue together; lower their 'share'"
        elif (explained := sum(channel.share * channel.roi for channel in self.channels.values())) >= 1:
            yield "channels", f"would explain {explained:.0%} of the KPI together; lower their 'share' or 'roi'"


class ReachFrequency(Section):
    """The two columns of a channel that is planned by reach and average frequency."""

    reach: str
    frequency: str


class PanelColumns(Section):
    """Which column of a weekly table holds what; ``geo`` absent means one national series.

    ``exposure_cost`` is read in planned weeks only: before, spend and exposure say what an exposure cost.
    """

    week: str = "week"
    geo: str | None = None
    kpi: str
    kpi_value: str | None = None
    population: str | None = None
    spend: dict[str, str] = {}
    exposure: dict[str, str] = {}
    exposure_cost: dict[str, str] = {}
    reach_frequency: dict[str, ReachFrequency] = {}
    organic: dict[str, str] = {}
    controls: tuple[str, ...] = ()
    holidays: tuple[str, ...] = ()

    def roles(self) -> Iterator[tuple[str, str, str]]:
        """Yield each key with the column that it names, and what that column is to the key."""
        for key, what in (
            ("week", "the week"),
            ("geo", "the geo"),
            ("kpi", "the KPI"),
            ("population", "the population"),
        ):
            if (column := getattr(self, key)) is not None:
                yield key, column, what
        sections = ("spend", "the spend"), ("exposure", "the exposure"), ("organic", "the media")
        for section, what in (*sections, ("exposure_cost", "the cost per exposure")):
            for channel, column in getattr(self, section).items():
                yield f"{section}.{channel}", column, f"{what} of '{channel}'"
        for channel, both in self.reach_frequency.items():
            yield f"reach_frequency.{channel}.reach", both.reach, f"the reach of '{channel}'"
            yield f"reach_frequency.{channel}.frequency", both.frequency, f"the frequency of '{channel}'"
        for section, what in (("controls", "a control"), ("holidays", "a holiday")):
            yield from ((section, column, what) for column in getattr(self, section))

    def taken_twice(self) -> Iterator[Mistake]:
        """Yield columns in two roles; those of a price may be a control, too."""
        first: dict[str, str] = {}
        for key, column, what in self.roles():
            if column in first:
                yield key, f"names the column '{column}', which is {first[column]} already; leave one of them out"
            first.setdefault(column, what)

    def unknown_channels(self) -> Iterator[Mistake]:
        """Yield a panel without a channel to pay for, and columns of channels that it does not have."""
        if not self.spend:
            yield (
                "spend",
                "names no channel; list at least one (organic media alone have no ROI and leave no budget to plan)",
            )
            return
        for section in ("exposure", "reach_frequency"):
            for channel in getattr(self, section).keys() - self.spend.keys():
                meant = nearest(channel, list(self.spend)).rstrip(".")
                yield f"{section}.{channel}", f"is of a channel that 'spend' does not name; {meant}"
        for channel in self.exposure_cost.keys() - self.exposure.keys() - self.reach_frequency.keys():
            yield (
                f"exposure_cost.{channel}",
                "is of a channel without exposure; list that under 'exposure' or 'reach_frequency', or leave this out",
            )
        for channel in self.organic.keys() & self.spend.keys():
            yield (
                f"organic.{channel}",
                "stands under 'spend' as well; leave one of them out, or list it under 'exposure'",
            )
        for channel in self.exposure.keys() & self.reach_frequency.keys():
            yield f"exposure.{channel}", "stands under 'reach_frequency' as well; leave one of them out"


class PanelSource(SourceTable, PanelColumns):
    """A weekly panel that the user brings; daily rows are added up.

    ``week_date`` says which day of the week dates it, where that is not to be seen; ``week_ending: column`` is short
    for ``week: column`` with ``week_date: last``.
    ``public_holidays`` adds columns of a country's holidays: ``none``, ``auto`` (by the geo's name), a country code for
    all geos (``GB`` or, with a subdivision, ``GB-ENG``), or geo: code.
    """

    week_date: Literal["first", "last"] | None = None
    public_holidays: Holidays = "none"

    @model_validator(mode="before")
    @classmethod
    def _with_week_ending(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "week_ending" not in given:
            return given
        if other := next((key for key in ("week", "week_date") if key in given), None):
            raise mistaken(("week_ending", f"says what '{other}' does; leave one of them out"))
        left = {key: value for key, value in given.items() if key != "week_ending"}
        return left | {"week": given["week_ending"], "week_date": "last"}

    def mistakes(self) -> Iterator[Mistake]:
        """Yield channels that contradict each other, and holidays that nobody could look up."""
        yield from super().mistakes()
        yield from self.unknown_channels()
        yield from self.taken_twice()
        if self.public_holidays == "auto" and self.geo is None:
            yield "public_holidays", "is auto, which goes by the names of geos; give a country code such as GB"
        if self.public_holidays not in ("auto", "none"):
            yield from unknown_countries("public_holidays", self.public_holidays)
