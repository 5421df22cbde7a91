"""Panels with simulated spend: on an observed KPI (`simulate_spend`) or all of it simulated (`simulate_panel`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mmm_bayes.config import PanelColumns, Simulate, SimulatedChannel
from mmm_bayes.errors import ConfigError, DataError
from mmm_bayes.panel import Panel, panel_from_frame
from mmm_bayes.simulate.factors import draw_factor
from mmm_bayes.simulate.spend import draw_spend
from mmm_bayes.simulate.truth import Truth, make_truth
from mmm_bayes.transforms import Array

MOST_MEDIA = 0.6
"""Largest share of a geo's KPI that simulated media may explain; the rest stays baseline."""

DEFAULT_CHANNELS: Mapping[str, SimulatedChannel] = {
    "search": SimulatedChannel(pattern="always_on", share=0.025, roi=3.0, alpha=0.2, kappa=1.2, slope=1.0),
    "social": SimulatedChannel(pattern="flighted", share=0.02, roi=2.5, alpha=0.4, kappa=0.8, slope=1.0),
    "display": SimulatedChannel(pattern="seasonal", share=0.015, roi=1.5, alpha=0.3, kappa=1.0, slope=1.0),
    "tv": SimulatedChannel(pattern="flighted", share=0.03, roi=2.0, alpha=0.6, kappa=0.6, slope=1.8),
    "affiliates": SimulatedChannel(pattern="always_on", share=0.01, roi=3.5, alpha=0.1, kappa=1.0, slope=1.0),
}


@dataclass(frozen=True)
class Simulated:
    """A weekly table with simulated spend, which column holds what, and the truth behind it."""

    frame: pd.DataFrame
    columns: PanelColumns
    truth: Truth


@dataclass(frozen=True)
class PanelSpec:
    """A whole simulated business.

    Attributes:
        geos: number of geos; 1 is a national series.
        weeks: number of weeks.
        channels: by name.
        drift: standard deviation of each geo's own weekly step of log demand (a random walk).
        noise: standard deviation of log demand around that, week by week.
        trend: growth of log demand per year.
        season: amplitude of the yearly wave of log demand.
        correlation: how far the channels' spend moves together, in [0, 1).
        departure: spread (log scale) of the effect over geos.
        seed: decides everything random.
    """

    geos: int = 8
    weeks: int = 104
    channels: Mapping[str, SimulatedChannel] = field(default_factory=lambda: DEFAULT_CHANNELS)
    drift: float = 0.015
    noise: float = 0.03
    trend: float = 0.05
    season: float = 0.15
    correlation: float = 0.0
    departure: float = 0.1
    seed: int = 1


def simulate_panel(spec: PanelSpec) -> Simulated:
    """Make a panel whose demand drifts by itself in each geo, with media of known response in it.

    Returns:
        A table ``week, revenue, geo, spend_<channel>`` (no ``geo`` when there is one) with its columns and truth.

    Raises:
        ConfigError: the channels would explain more than 60% of a geo's KPI.
    """
    settings = Simulate(
        seed=spec.seed, channels=dict(spec.channels), correlation=spec.correlation, departure=spec.departure
    )
    columns = PanelColumns(week="week", geo="geo" if spec.geos > 1 else None, kpi="revenue", spend={})
    return simulate_spend(_demand(spec), columns, settings)


def simulate_spend(frame: pd.DataFrame, columns: PanelColumns, settings: Simulate) -> Simulated:
    """Add channels and factors with a known effect to an observed weekly table.

    Each geo's KPI is scaled down and the contributions of channels and factors are added on top, so that its total
    stays what was observed. In a week in which nothing was sold in any geo (the shop was shut) nothing is
    spent, but the carry-over of earlier spend arrives as in every other week: the response follows one
    formula throughout and its totals add up. Factors do nothing in such a week.

    Args:
        frame: one row per geo and week.
        columns: which column holds what; its ``spend`` is replaced. The KPI is taken as currency.
        settings: seed and channels (`DEFAULT_CHANNELS` when there are none).

    Returns:
        The same rows with a changed KPI, a column ``spend_<channel>`` (currency) for each channel and one for each
        factor, which is a control.

    Raises:
        ConfigError: the KPI is not in currency, media would explain more than 60% of a geo's KPI, or a factor is called
            as a column is.
        DataError: the table is no panel, see `panel.panel_from_frame`.
    """
    if columns.kpi_value:
        raise ConfigError("simulated spend needs a KPI in currency; leave 'kpi_value' out.")
    channels = settings.channels or DEFAULT_CHANNELS
    panel = _observed(frame, columns)
    kpi = panel.data["kpi"].transpose("geo", "week").to_numpy()
    spend = np.stack([draw_spend(name, c, settings, kpi, panel.weeks) for name, c in channels.items()])
    factors = _factors(panel, settings, frame)
    truth = make_truth(panel, channels, spend, settings, factors)
    media = truth.data["contribution"].sum("channel").to_numpy()
    share = media.sum(axis=1) / kpi.sum(axis=1)
    if share.max() > MOST_MEDIA:
        raise _too_much(panel.geos[int(share.argmax())], float(share.max()), truth)
    at = _places(frame, columns, panel)
    added = media + truth.factors["contribution"].sum("factor").to_numpy()
    left = 1 - added.sum(axis=1) / kpi.sum(axis=1)
    new = {columns.kpi: (left[:, None] * kpi + added)[at]}
    new |= {f"spend_{name}": values[at] for name, values in zip(channels, spend, strict=True)}
    new |= {name: values[at[1]] for name, values in factors.items()}
    named = columns.model_copy(
        update={
            "spend": {name: f"spend_{name}" for name in channels},
            "controls": (*columns.controls, *settings.factors),
        }
    )
    return Simulated(frame.assign(**new), named, truth)


def _factors(panel: Panel, settings: Simulate, frame: pd.DataFrame) -> dict[str, Array]:
    """Draw the factors by name, each ``(week,)``."""
    if taken := [name for name in settings.factors if name in frame]:
        raise ConfigError(f"'simulate.factors.{taken[0]}' is called as a column of the panel is; give another name.")
    return {name: draw_factor(name, factor, settings, panel.weeks) for name, factor in settings.factors.items()}


def _observed(frame: pd.DataFrame, columns: PanelColumns) -> Panel:
    """Check the table as a panel; its geos are sorted, so that the order of the rows decides nothing."""
    stand_in = columns.model_copy(update={"spend": {"media": "__media"}})
    if columns.geo in frame.columns:
        frame = frame.sort_values(columns.geo, key=lambda names: names.astype(str))
    panel = panel_from_frame(frame.assign(__media=1.0), stand_in, "simulated")
    if panel.data.sizes["past"]:
        raise DataError(f"KPI '{columns.kpi}' is missing before {panel.weeks[0]:%Y-%m-%d}; fill it (0 if none).")
    return panel


def _places(frame: pd.DataFrame, columns: PanelColumns, panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """Return the index (geo, week) of every row of the table in the arrays of the panel."""
    weeks = pd.DatetimeIndex(pd.to_datetime(frame[columns.week])).tz_localize(None).normalize()
    geos = frame[columns.geo].astype(str) if columns.geo else pd.Series(panel.geos[0], index=frame.index)
    return pd.Index(panel.geos).get_indexer(geos), panel.weeks.get_indexer(weeks)


def _too_much(geo: str, share: float, truth: Truth) -> ConfigError:
    """Name the channel that adds most to the geo."""
    contributions = truth.data["contribution"].sel(geo=geo).sum("week").to_numpy()
    channel = truth.channels[int(contributions.argmax())]
    return ConfigError(
        f"'simulate.channels': media would explain {share:.0%} of the KPI of {geo}, more than {MOST_MEDIA:.0%}; "
        f"lower 'share' or 'roi', first of '{channel}' (roi {truth.roi[channel]:g})."
    )


def _demand(spec: PanelSpec) -> pd.DataFrame:
    """Draw revenue without media: size of the geo, trend, season, random walk and noise, on the log scale."""
    generator = np.random.default_rng([spec.seed, spec.geos, spec.weeks])
    years = np.arange(spec.weeks) / 52.18
    shape = (spec.geos, spec.weeks)
    size = generator.normal(0, 0.5, (spec.geos, 1))
    wave = spec.season * generator.normal(1, 0.2, (spec.geos, 1)) * np.cos(2 * np.pi * (years - 0.9))
    drift = spec.drift * generator.standard_normal(shape).cumsum(axis=1)
    log = size + spec.trend * years + wave + drift + spec.noise * generator.standard_normal(shape)
    weeks = pd.date_range("2022-01-03", periods=spec.weeks, freq="7D")
    table = pd.DataFrame({"week": np.tile(weeks, spec.geos), "revenue": 100_000 * np.exp(log).ravel()})
    names = [f"geo_{g + 1:02d}" for g in range(spec.geos)]
    return table.assign(geo=np.repeat(names, spec.weeks)) if spec.geos > 1 else table
