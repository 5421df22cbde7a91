"""Whether each column is what the configuration takes it for: refused where it cannot be, asked where it hardly is."""

import unicodedata
from collections.abc import Iterable, Iterator

import numpy as np
import xarray as xr

from mmm_bayes.config import PanelColumns
from mmm_bayes.errors import DataError
from mmm_bayes.findings import Finding
from mmm_bayes.transforms import Array

EQUAL = 1e-4
"""Relative difference below which two columns of money are the same, rounded differently."""

NOTHING = 1e-3
"""Spend as a part of the KPI's worth below which no usual return could be seen."""

FOLLOWS = 0.98
"""Correlation with the KPI, within the geos, from which a control is rather a result of sales."""


def require_roles(data: xr.Dataset, columns: PanelColumns) -> None:
    """Names are told apart, no channel is the sum of others, and neither spend nor control is the KPI again.

    Args:
        data: as in `Panel`.
        columns: of the table.

    Raises:
        DataError: the first that is otherwise.
    """
    _require_apart("geos", data["geo"].values.tolist())
    _require_apart("channels", data["channel"].values.tolist())
    kpi = _series(data["kpi"])
    for name, control in _named(data["controls"], "control"):
        if _proportional(control, kpi):
            raise DataError(f"the control '{name}' is the KPI '{columns.kpi}' again, in each week; leave it out.")
    paid = {name: spend for name, spend in _named(data["spend"], "channel") if spend.any()}
    for name, spend in paid.items():
        if _proportional(spend, kpi):
            raise DataError(
                f"the spend of '{name}' is {spend.sum() / kpi.sum():.3g} times the KPI in each week, so it was worked "
                "out from it and nothing can be learnt; give what was spent, or leave the channel out."
            )
    for name in paid:
        if parts := _parts(name, paid):
            raise DataError(
                f"channel '{name}' is the sum of {', '.join(parts)}: its money would count twice; leave it out, or its "
                "parts."
            )


def questions(data: xr.Dataset, columns: PanelColumns) -> Iterator[Finding]:
    """Yield what is possible and hardly meant; arguments as `require_roles`."""
    kpi, still = _series(data["kpi"]), []
    for variable, dim in (("controls", "control"), ("holidays", "holiday")):
        still += [name for name, values in _named(data[variable], dim) if np.ptp(values) == 0]
    if still:
        yield Finding("panel.constant", {"columns": still})
    for name, control in _named(data["controls"], "control"):
        if (together := _together(control, kpi)) > FOLLOWS:
            values = {"control": name, "kpi": columns.kpi, "correlation": together}
            yield Finding("panel.control_follows_kpi", values)
        for channel, media in _named(data["media"], "channel"):
            if _proportional(control, media):
                yield Finding("panel.control_is_channel", {"control": name, "channel": channel})
    yield from _shared_out(data)
    worth = float((data["kpi"] * data["value"]).sum())
    if (part := float(data["spend"].sum()) / worth) < NOTHING:
        yield Finding("panel.cheap", {"part": part, "kpi": columns.kpi})
    for name, spend in _named(data["spend"], "channel"):
        if (times := float(spend.sum()) / worth) > 1:
            yield Finding("panel.dear", {"channel": name, "times": times, "kpi": columns.kpi})


def _shared_out(data: xr.Dataset) -> Iterator[Finding]:
    """Yield which channels' spend is the same in all geos, or parts of one national spend."""
    spends = [(name, spend) for name, spend in _named(data["spend"], "channel") if (spend.sum(axis=0) > 0).sum() > 1]
    if data.sizes["geo"] == 1:
        return
    repeated = [name for name, spend in spends if np.allclose(spend, spend[:1], rtol=EQUAL)]
    national = [
        name
        for name, spend in spends
        if name not in repeated and all(not own.any() or _proportional(own, spend.sum(axis=0)) for own in spend)
    ]
    if repeated:
        yield Finding("panel.repeated", {"channels": repeated, "geos": data.sizes["geo"]})
    if national:
        yield Finding("panel.national", {"channels": national})


# --- comparisons --------------------------------------------------------------------------------


def _series(values: xr.DataArray) -> Array:
    return values.transpose("geo", "week").to_numpy()


def _named(values: xr.DataArray, dim: str) -> list[tuple[str, Array]]:
    """Return the ``(geo, week)`` arrays along a dim by name."""
    return [(str(name), _series(values.isel({dim: at}))) for at, name in enumerate(values[dim].values)]


def _proportional(one: Array, other: Array) -> bool:
    """Whether one is a fixed share of the other everywhere."""
    if not one.sum() or not other.sum():
        return False
    near = EQUAL * np.abs(other).mean()
    return np.allclose(one * (other.sum() / one.sum()), other, rtol=EQUAL, atol=near)


def _together(one: Array, other: Array) -> float:
    """Return the correlation over time, within the geos."""
    a, b = (v - v.mean(axis=-1, keepdims=True) for v in (one, other))
    size = np.sqrt((a**2).sum() * (b**2).sum())
    return float((a * b).sum() / size) if size > 0 else 0.0


def _parts(name: str, paid: dict[str, Array]) -> list[str]:
    """Return the channels whose spend adds up to that of one, none where it does not."""
    others = [other for other in paid if other != name]
    if len(others) < 2:
        return []
    matrix, whole = np.stack([paid[other].ravel() for other in others], axis=1), paid[name].ravel()
    taken = np.linalg.lstsq(matrix, whole, rcond=None)[0].round() == 1
    near = EQUAL * whole.mean()
    adds_up = taken.sum() > 1 and np.allclose(matrix[:, taken].sum(axis=1), whole, rtol=EQUAL, atol=near)
    return [other for other, part in zip(others, taken, strict=True) if part] if adds_up else []


def _require_apart(what: str, names: Iterable[str]) -> None:
    """No two names differ in nothing but case, accents' notation or blanks."""
    first: dict[str, str] = {}
    for name in names:
        plain = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
        if plain in first:
            raise DataError(
                f"{what} '{first[plain]}' and '{name}' differ in nothing but upper case or blanks; if they are the "
                "same, write them the same way, else give them different names."
            )
        first[plain] = name
