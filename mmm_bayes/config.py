"""The configuration of a run: frozen, validated, and every mistake named with its remedy.

One class per section of the YAML file; the field docstrings in ``config/reference.yaml``
show each with its default.
"""

import os
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mmm_bayes.errors import ConfigError, nearest

Fraction = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Section(BaseModel):
    """A frozen part of the configuration that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# --- data ---------------------------------------------------------------------------------------


class TransactionColumns(Section):
    """Which column of the transaction table holds what (``customer`` and ``geo`` may be absent)."""

    invoice: str
    product: str
    quantity: str
    date: str
    price: str
    customer: str | None = None
    geo: str | None = None


class Transactions(Section):
    """Where the transaction lines are and how they are cleaned and aggregated.

    ``date_format`` is in Python's notation (``%d/%m/%Y %H:%M``), ISO dates need none. ``cancellation_prefix`` and
    ``non_product_codes`` (``*`` stands for any characters) come with a preset; without one there are none.
    Lines before ``start`` or after ``end`` are left out. Of the ``top_n`` geos with most revenue, those with orders
    in fewer than ``min_active`` of the weeks go to ``rest`` as well. ``holidays`` is ``auto`` (by the geo's name),
    ``none``, a country code for all geos (``GB`` or, with a subdivision, ``GB-ENG``), or geo: code.
    """

    path: str
    format: Literal["csv", "parquet", "json"] | None = None
    preset: Literal["online_retail", "online_retail_ii"] | None = None
    columns: TransactionColumns | None = None
    date_format: str | None = None
    separator: str = ","
    encoding: str = "UTF-8"
    cancellations: Literal["own_week", "order_week"] = "own_week"
    cancellation_prefix: str | None = None
    duplicates: Literal["drop", "keep"] = "drop"
    non_product_codes: tuple[str, ...] | None = None
    start: date | None = None
    end: date | None = None
    top_n: Annotated[int, Field(ge=1)] | None = 5
    min_active: Fraction = 0.8
    rest: str = "Rest"
    geo_level: Literal["geo", "national"] = "geo"
    week_start: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = "monday"
    holidays: str | dict[str, str] = "auto"
    controls: tuple[Literal["trading_days", "average_price"], ...] = ("trading_days",)

    @model_validator(mode="after")
    def _columns_or_preset(self) -> "Transactions":
        if (self.preset is None) == (self.columns is None):
            raise ValueError("give either 'preset' or 'columns' (one of the two)")
        return self


class SpendFile(Section):
    """A file of real spend: ``long`` (date, channel, spend) or ``wide`` (date, one column per channel)."""

    path: str
    format: Literal["csv", "parquet", "json"] | None = None
    layout: Literal["long", "wide"]
    date: str
    date_format: str | None = None
    separator: str = ","
    encoding: str = "UTF-8"
    geo: str | None = None
    channel: str | None = None
    spend: str | None = None
    channels: dict[str, str] = {}

    @model_validator(mode="after")
    def _layout_columns(self) -> "SpendFile":
        if self.layout == "long" and not (self.channel and self.spend):
            raise ValueError("a long spend file needs 'channel' and 'spend' (column names)")
        if self.layout == "long" and self.channels:
            raise ValueError("a long spend file names its channels itself; leave out 'channels'")
        if self.layout == "wide" and not self.channels:
            raise ValueError("a wide spend file needs 'channels' (channel: column)")
        return self


class SimulatedChannel(Section):
    """One simulated channel: how its money is spent and what it truly does."""

    pattern: Literal["always_on", "seasonal", "flighted", "demand"] = "always_on"
    share: Fraction = 0.03
    roi: NonNegative = 2.0
    alpha: Annotated[float, Field(ge=0, lt=1)] = 0.4
    kappa: Positive = 1.0
    slope: Positive = 1.0


class Simulate(Section):
    """Simulated spend with a known response, for panels without real spend.

    ``correlation`` makes the channels' spend move together; ``departure`` is the spread (log scale) of the
    effect over geos.
    """

    seed: Annotated[int, Field(ge=0)] = 1
    channels: dict[str, SimulatedChannel] = {}
    correlation: Annotated[float, Field(ge=0, lt=1)] = 0.0
    departure: Annotated[float, Field(ge=0, le=1)] = 0.1
    l_max: Annotated[int, Field(ge=1, le=52)] = 8


class ReachFrequency(Section):
    """The two columns of a channel that is planned by reach and average frequency."""

    reach: str
    frequency: str


class PanelColumns(Section):
    """Which column of a weekly table holds what; ``geo`` absent means one national series."""

    week: str = "week"
    geo: str | None = None
    kpi: str
    kpi_value: str | None = None
    population: str | None = None
    spend: dict[str, str] = {}
    exposure: dict[str, str] = {}
    reach_frequency: dict[str, ReachFrequency] = {}
    organic: dict[str, str] = {}
    controls: tuple[str, ...] = ()
    holidays: tuple[str, ...] = ()


class PanelSource(PanelColumns):
    """A weekly panel that the user brings.

    ``public_holidays`` adds columns of a country's holidays: ``none``, ``auto`` (by the geo's name), a country code for
    all geos (``GB`` or, with a subdivision, ``GB-ENG``), or geo: code.
    """

    path: str
    public_holidays: str | dict[str, str] = "none"
    date_format: str | None = None
    separator: str = ","


# --- model --------------------------------------------------------------------------------------


class Prior(Section):
    """A prior by name with its parameters, in the field's notation.

    ``lognormal(mu, sigma)``, ``normal(mu, sigma)``, ``halfnormal(sigma)``, ``beta(alpha, beta)``,
    ``gamma(mu, sigma)``, ``uniform(lower, upper)``, ``truncatednormal(mu, sigma, lower, upper)``.
    """

    distribution: Literal["lognormal", "normal", "halfnormal", "beta", "gamma", "uniform", "truncatednormal"]
    mu: float | None = None
    sigma: Positive | None = None
    alpha: Positive | None = None
    beta: Positive | None = None
    lower: float | None = None
    upper: float | None = None


PriorLike = Prior | tuple[float, float]
"""A prior, or the 5% and 95% points of one."""


class ChannelPriors(Section):
    """Priors per channel; the key ``default`` speaks for every channel not named."""

    roi: dict[str, PriorLike] = {}
    contribution_share: dict[str, PriorLike] = {}
    alpha: dict[str, PriorLike] = {}
    kappa: dict[str, PriorLike] = {}
    slope: dict[str, PriorLike] = {}


class LiftTest(Section):
    """The result of an experiment with the spend of one channel.

    ``spend_change`` is what the test spent more (negative in a holdout: less) than would have been spent without
    it, ``incremental_kpi`` the KPI gained from ``start`` until that has worn off, over the tested geos (all where
    not given); ``standard_error`` is that of ``incremental_kpi``.
    """

    channel: str
    start: date
    end: date
    geos: tuple[str, ...] | None = None
    spend_change: Annotated[float, Field(allow_inf_nan=False)]
    incremental_kpi: Annotated[float, Field(allow_inf_nan=False)]
    standard_error: Positive

    @model_validator(mode="after")
    def _changes_something(self) -> "LiftTest":
        if self.end < self.start:
            raise ValueError(f"'end' ({self.end}) lies before 'start' ({self.start}); exchange them")
        if self.spend_change == 0:
            raise ValueError("'spend_change' is 0; give what the test spent more, or less (negative)")
        return self


class Model(Section):
    """What the Bayesian model assumes, and what experiments have found."""

    adstock: Literal["geometric", "delayed", "weibull"] = "geometric"
    saturation: Literal["hill", "logistic"] = "hill"
    order: Literal["adstock_first", "saturation_first"] = "adstock_first"
    l_max: Annotated[int, Field(ge=1, le=52)] = 8
    likelihood: Literal["normal", "student_t"] = "normal"
    residual: Literal["drift", "ar1", "white"] = "drift"
    baseline: Literal["constant", "smooth"] = "constant"
    trend: Literal["linear", "piecewise", "none"] = "linear"
    fourier: Annotated[int, Field(ge=0, le=12)] | None = None
    priors: ChannelPriors = ChannelPriors()
    lift_tests: tuple[LiftTest, ...] = ()


class Sampler(Section):
    """How the posterior is sampled. ``seed`` alone decides the answer, whatever the cores or caches."""

    draws: Annotated[int, Field(ge=50)] = 1000
    tune: Annotated[int, Field(ge=50)] = 600
    chains: Annotated[int, Field(ge=2)] = 4
    cores: Annotated[int, Field(ge=1)] = 2
    seed: int = 1
    target_accept: Fraction = 0.85
    backend: Literal["numba", "jax"] = "numba"


class Compare(Section):
    """The chronological holdout on which both models are judged."""

    holdout: Annotated[int, Field(ge=2)] = 12
    bootstrap: Annotated[int, Field(ge=0)] = 50


# --- allocation ---------------------------------------------------------------------------------


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


# --- the whole ----------------------------------------------------------------------------------


class Config(Section):
    """One run, from its data to its report."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    title: str | None = None
    currency: str = ""
    transactions: Transactions | None = None
    spend: SpendFile | None = None
    simulate: Simulate | None = None
    panel: PanelSource | None = None
    ci_prob: Fraction = 0.9
    model: Model = Model()
    sampler: Sampler = Sampler()
    compare: Compare = Compare()
    allocate: Allocate = Allocate()
    folder: Path = Path()

    @model_validator(mode="after")
    def _one_source(self) -> "Config":
        if (self.transactions is None) == (self.panel is None):
            raise ValueError("give either 'transactions' or 'panel' (one of the two)")
        if self.panel is not None and (self.spend is not None or self.simulate is not None):
            raise ValueError("'spend' and 'simulate' belong to 'transactions'; a 'panel' brings its own spend columns")
        if self.spend is not None and self.simulate is not None:
            raise ValueError("give either 'spend' (a file) or 'simulate', not both")
        return self

    def find(self, path: str) -> str:
        """Return ``path`` with variables expanded: as given, beside the configuration, or from the working directory.

        Raises:
            ConfigError: when the path names an environment variable that is not set.
        """
        expanded = os.path.expandvars(path if "://" in path else Path(path).expanduser())
        if unset := re.search(r"\$\{?(\w+)\}?", expanded):
            raise ConfigError(
                f"path '{path}': the environment variable {unset[1]} is not set; set it, or give the path with --data."
            )
        beside = self.folder / expanded
        if Path(expanded).is_absolute() or not _matches(beside):
            return expanded
        return str(beside)


def _matches(path: Path) -> bool:
    """Whether a file, a folder or a glob finds something."""
    anchor = Path(path.anchor) if path.is_absolute() else Path()
    relative = path.relative_to(path.anchor) if path.is_absolute() else path
    return path.exists() or any(anchor.glob(str(relative)))


def load_config(path: str | Path, data: str | None = None) -> Config:
    """Read a YAML configuration.

    Args:
        path: the YAML file.
        data: replaces the path of the transactions or of the panel.

    Raises:
        ConfigError: one sentence naming the file, the key and the nearest valid one.
    """
    path = Path(path)
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}); give the path of a configuration file."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = " ".join(str(error).split())
        raise ConfigError(f"{path}: is not valid YAML ({problem}).") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: holds no configuration; it needs at least 'name' and 'transactions' or 'panel'.")
    if data is not None:
        source = "panel" if "panel" in raw else "transactions"
        if isinstance(raw.get(source), dict):
            raw[source]["path"] = str(Path(data).absolute())
    return make_config(raw, origin=str(path), folder=path.parent)


def make_config(raw: dict[str, Any], origin: str = "configuration", folder: Path = Path()) -> Config:
    """Validate a mapping; see `load_config`."""
    try:
        return Config(**{**raw, "folder": folder})
    except ValidationError as error:
        raise ConfigError(f"{origin}: {_explain(error)}") from None


def override(config: Config, **sections: dict[str, Any]) -> Config:
    """Replace single keys of sections, such as ``override(config, sampler={"draws": 200})``; None leaves a key alone.

    Raises:
        ConfigError: as `load_config`.
    """
    raw = config.model_dump(exclude_unset=True, exclude={"folder"})
    for section, values in sections.items():
        given = {key: value for key, value in values.items() if value is not None}
        raw[section] = {**raw.get(section, {}), **given}
    return make_config(raw, "option", config.folder)


def _explain(error: ValidationError) -> str:
    """Turn pydantic's first complaint into one sentence with its place and remedy."""
    first = next((e for e in error.errors() if e["type"] == "extra_forbidden"), error.errors()[0])
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        *parents, key = first["loc"]
        valid = _fields(parents)
        return f"unknown key '{place}'; {nearest(str(key), valid)}"
    if first["type"] == "missing":
        return f"'{place}' is missing; add it."
    message = first["msg"].removeprefix("Value error, ")
    given = first.get("input")
    shown = f" (given: {given!r})" if isinstance(given, str | int | float | bool) or given is None else ""
    return f"'{place}': {message}{shown}." if place else f"{message}."


def _fields(parents: list[Any]) -> list[str]:
    """Names of the valid keys of the section at ``parents``."""
    section: type[BaseModel] = Config
    for part in parents:
        if isinstance(part, str) and part in section.model_fields:
            found = _section_in(section.model_fields[part].annotation)
            section = found if found is not None else section
    hidden = {"folder"} if section is Config else set()
    return [name for name in section.model_fields if name not in hidden]


def _section_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        if (found := _section_in(part)) is not None:
            return found
    return None
