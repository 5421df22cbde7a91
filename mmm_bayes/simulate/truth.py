"""`Truth`: what simulated media really did, and the curves that follow from it. No fit reads it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import xarray as xr

from mmm_bayes.config import Simulate, SimulatedChannel
from mmm_bayes.curves import ResponseCurves, highest_window, planning_window, save_curves, window_response
from mmm_bayes.panel import Panel
from mmm_bayes.simulate.factors import effect_of
from mmm_bayes.simulate.spend import named_generator
from mmm_bayes.transforms import PARAMETERS, Array, Shape, media_scale, with_history
from mmm_bayes.workspace import write_json, writing

FORMULAS = ("adstock", "saturation")


@dataclass(frozen=True)
class Truth:
    """What simulated media really did.

    Attributes:
        data: variables

            * ``spend, contribution (channel, geo, week)``, currency,
            * ``media_scale (channel, geo)``: spend per unit of scaled media,
            * ``coefficient (channel, geo)``: contribution per unit of saturated media,
            * ``roi``, the names ``adstock, saturation``, and their parameters ``alpha, kappa, ... (channel)``; NaN
              where a channel's shape does not have the parameter.
        l_max: number of weeks that spend acts.
        factors: ``contribution (factor, geo, week)``, currency, and ``effect (factor)``, see `config.SimulatedFactor`.
    """

    data: xr.Dataset
    l_max: int
    factors: xr.Dataset

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels."""
        return tuple(str(c) for c in self.data["channel"].values)

    @property
    def roi(self) -> dict[str, float]:
        """Contribution per unit of spend over the whole panel, by channel."""
        return dict(zip(self.channels, self.data["roi"].to_numpy().tolist(), strict=True))

    def curves(self, weeks: int, multipliers: Array | None = None, flighting: str = "historical") -> ResponseCurves:
        """Return the true response over a planning window, as curves with one draw.

        Args:
            weeks: length of the window; its flight is that of `curves.planning_window`, the carry-in is the
                spend before the last ``weeks`` weeks, and the tail after the window counts.
            multipliers: of that flight, ascending from 0, shape ``(point,)``; by default 0 to 3 in hundredths.
            flighting: ``historical`` or ``steady``.
        """
        steps = np.linspace(0.0, 3.0, 301) if multipliers is None else multipliers
        spend = self.data["spend"].to_numpy()
        flight = planning_window(spend, weeks, flighting)
        response = [self._response(c, flight[c], steps) for c in range(len(self.channels))]
        return ResponseCurves(
            channels=self.channels,
            spend=flight.sum(axis=(1, 2))[:, None] * steps,
            response=np.stack(response)[None],
            today=spend[..., np.arange(-weeks, 0) % spend.shape[-1]].sum(axis=(1, 2)),
            observed=highest_window(spend, weeks),
            weeks=weeks,
            model="truth",
        )

    def _response(self, channel: int, flight: Array, multipliers: Array) -> Array:
        """Return the response of one channel, shape ``(point,)``; ``flight`` is its spend ``(geo, week)``."""
        own = self.data.isel(channel=channel)
        scale = own["media_scale"].to_numpy()[:, None]
        before = own["spend"].to_numpy()[:, : -flight.shape[1]] / scale
        carry = with_history(before[:, :0], self.l_max, before)
        coefficient = own["coefficient"].to_numpy()[None]
        flights = multipliers[:, None, None] * (flight / scale)
        respond = response_of(own, self.l_max)
        return window_response(lambda media: respond(media)[None], flights, carry, coefficient)[0]


def response_of(parameters: xr.Dataset, l_max: int) -> Callable[[Array], Array]:
    """Return what turns the scaled media of one channel into saturated, carried-over media.

    Args:
        parameters: ``adstock, saturation`` and what they need, as scalars.
        l_max: number of weeks that spend acts.

    Returns:
        Of media with history, shape ``(geo, l_max - 1 + week)``, to shape ``(geo, week)``.
    """
    shape = Shape(str(parameters["adstock"].item()), str(parameters["saturation"].item()), l_max=l_max)
    known = {p: parameters[p].to_numpy().reshape(1) for p in shape.parameters}

    def respond(media: Array) -> Array:
        with np.errstate(
            over="ignore"
        ):  # the last trace of carry-over under a steep slope: 1 / (1 + inf) is the 0 it should be
            return shape.respond(media, known)

    return respond


def make_truth(
    panel: Panel,
    channels: Mapping[str, SimulatedChannel],
    spend: Array,
    settings: Simulate,
    factors: Mapping[str, Array],
) -> Truth:
    """Work out what spend does, by the formula of the model: ``coefficient * hill(adstock(spend / media_scale))``.

    Spend is scaled per person (per unit of mean KPI where there is no population) and then by the median of
    a channel's non-zero weeks; the coefficients give the channel its ROI over the panel.

    Args:
        panel: KPI and population.
        channels: true parameters.
        spend: shape ``(channel, geo, week)``, currency.
        settings: departure of the geos, number of weeks that spend acts, seed, effects of factors.
        factors: their values by name, ``(week,)``.
    """
    person = panel.data["population"].to_numpy()
    parameters = _parameters([c.parameters | c.model_dump(include={"roi", *FORMULAS}) for c in channels.values()])
    unit = media_scale(spend, person)
    saturated = np.stack(
        [
            response_of(parameters.isel(channel=c), settings.l_max)(
                with_history(spend[c] / unit[c, :, None], settings.l_max)
            )
            for c in range(len(spend))
        ]
    )
    weight = panel.data["kpi"].mean("week").to_numpy() * _departures(list(channels), len(person), settings)
    total = (weight[:, :, None] * saturated).sum(axis=(1, 2))
    coefficient = weight * (parameters["roi"].to_numpy() * spend.sum(axis=(1, 2)) / total)[:, None]
    full = ("channel", "geo", "week")
    data = parameters.assign(
        spend=(full, spend),
        contribution=(full, coefficient[:, :, None] * saturated),
        media_scale=(full[:2], unit),
        coefficient=(full[:2], coefficient),
    )
    data = data.assign_coords(channel=list(channels), geo=panel.geos, week=panel.weeks)
    return Truth(data, settings.l_max, _factor_effects(panel, settings, factors))


def _factor_effects(panel: Panel, settings: Simulate, factors: Mapping[str, Array]) -> xr.Dataset:
    """Return what `Truth.factors` has: effects in parts of each geo's mean KPI, none while all shops are shut."""
    kpi = panel.data["kpi"].transpose("geo", "week").to_numpy()
    usual = kpi.mean(axis=1, keepdims=True) * (kpi != 0).any(axis=0)
    added = [usual * effect_of(values, settings.factors[name]) for name, values in factors.items()]
    return xr.Dataset(
        {
            "contribution": (("factor", "geo", "week"), np.array(added).reshape(-1, *kpi.shape)),
            "effect": ("factor", [settings.factors[name].effect for name in factors]),
        },
        coords={"factor": np.array(list(factors), dtype=str), "geo": panel.geos, "week": panel.weeks},
    )


def _parameters(channels: Sequence[Mapping[str, Any]]) -> xr.Dataset:
    """Return what `Truth.data` has by channel: ROI, formulas, and each parameter that one of them has."""
    names = [p for p in PARAMETERS if any(p in channel for channel in channels)]
    numbers = {n: ("channel", [float(channel.get(n, np.nan)) for channel in channels]) for n in ("roi", *names)}
    usual = Shape()
    texts = {n: ("channel", [str(channel.get(n, getattr(usual, n))) for channel in channels]) for n in FORMULAS}
    return xr.Dataset({**numbers, **texts})


def _departures(names: list[str], geos: int, settings: Simulate) -> Array:
    """Return each geo's effect relative to the others, shape ``(channel, geo)``; 1 where there is one geo."""
    draws = [named_generator(settings.seed, f"{name} by geo").standard_normal(geos) for name in names]
    return np.exp(settings.departure * np.stack(draws) * (geos > 1))


# --- files --------------------------------------------------------------------------------------


def save_truth(truth: Truth, folder: Path, weeks: int) -> None:
    """Write the truth beside a panel.

    ``truth.json`` holds parameters and totals, ``truth.parquet`` spend and contribution by week,
    ``truth_curves.parquet`` the response over a window of ``weeks`` weeks and ``truth_factors.parquet``, where there
    are factors, what they add.
    """
    totals = truth.data[["spend", "contribution"]].sum(["geo", "week"])
    channels = {c: _known(truth.data, c) | {v: float(totals[v].sel(channel=c)) for v in totals} for c in truth.channels}
    shapes = {c: {name: str(truth.data[name].sel(channel=c).item()) for name in FORMULAS} for c in truth.channels}
    by_week = truth.data[["spend", "contribution", "media_scale", "coefficient"]].to_dataframe().reset_index()
    with writing(folder / "truth.parquet") as path:
        pq.write_table(pa.Table.from_pandas(by_week, preserve_index=False), path)
    save_curves(truth.curves(weeks), folder / "truth_curves.parquet")
    effects = truth.factors["effect"].to_series().to_dict()
    if effects:
        added = truth.factors["contribution"].to_dataframe().reset_index()
        with writing(folder / "truth_factors.parquet") as path:
            pq.write_table(pa.Table.from_pandas(added, preserve_index=False), path)
    meta = {"l_max": truth.l_max, "channels": channels, "shapes": shapes, "factors": effects}
    write_json(folder / "truth.json", meta)


def load_truth(folder: Path) -> Truth:
    """Read what `save_truth` wrote to ``folder``."""
    meta = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    table = pq.read_table(folder / "truth.parquet").to_pandas()
    names = [list(dict.fromkeys(table[d])) for d in ("channel", "geo", "week")]
    data = table.set_index(["channel", "geo", "week"]).to_xarray()
    data = data.reindex(channel=names[0], geo=names[1], week=pd.DatetimeIndex(names[2]))
    for constant in ("media_scale", "coefficient"):
        data[constant] = data[constant].isel(week=0, drop=True)
    shapes = meta.get("shapes", {})
    parameters = _parameters([own | shapes.get(channel, {}) for channel, own in meta["channels"].items()])
    return Truth(data.assign(parameters), meta["l_max"], _load_factors(folder, meta.get("factors", {}), data))


def _load_factors(folder: Path, effects: Mapping[str, float], data: xr.Dataset) -> xr.Dataset:
    empty = np.zeros((0, data.sizes["geo"], data.sizes["week"]))
    coords = {"factor": np.array(list(effects), dtype=str), "geo": data["geo"], "week": data["week"]}
    added = xr.DataArray(empty, coords | {"factor": np.array([], dtype=str)}, ("factor", "geo", "week"))
    if effects:
        table = pq.read_table(folder / "truth_factors.parquet").to_pandas()
        added = table.set_index(["factor", "geo", "week"])["contribution"].to_xarray().reindex(coords)
    return xr.Dataset({"contribution": added, "effect": ("factor", list(effects.values()))}, coords)


def _known(data: xr.Dataset, channel: str) -> dict[str, Any]:
    """Return ROI and the parameters of one channel's shape by name."""
    own = {name: float(data[name].sel(channel=channel)) for name in ("roi", *PARAMETERS) if name in data}
    return {name: value for name, value in own.items() if np.isfinite(value)}
