"""Planned weeks: the rows after the last KPI, and what is assumed where they say nothing."""

import numpy as np
import pandas as pd
import xarray as xr

from mmm_bayes.config import PanelColumns
from mmm_bayes.errors import DataError
from mmm_bayes.findings import Finding

YEAR = 52
FULL = ("geo", "week", "channel")


def planned_weeks(
    data: xr.Dataset, rows: xr.Dataset, columns: PanelColumns
) -> tuple[xr.Dataset | None, tuple[Finding, ...]]:
    """Return the plan for the weeks after the last KPI, None where nothing is planned, and what to know of it.

    Args:
        data: the panel, see `Panel`.
        rows: the weeks after it: the same variables, NaN where a cell is empty, and ``price (geo, week, channel)``.
        columns: which column holds what.

    Returns:
        ``spend, media, frequency, value, controls, holidays`` as in `Panel`, nothing missing, and ``price``: currency
        per unit of media times frequency, 1 where money itself drives the response.

    Raises:
        DataError: a spend is missing, negative or infinite; another number cannot be; a control or a holiday that is
            one for all geos differs.
    """
    there = np.flatnonzero(rows["spend"].sel(channel=rows["paid"]).notnull().any(("geo", "channel")))
    if not rows.sizes["week"]:
        return None, ()
    if not len(there):
        first, last = _span(rows)
        values = {"weeks": rows.sizes["week"], "first": first, "last": last}
        return None, (Finding("panel.unplanned_weeks", values),)
    rows = rows.isel(week=slice(0, int(there[-1]) + 1))
    for name in ("spend", "media", "frequency", "price", "value"):
        _require_possible(rows[name], name, missing=name != "spend")
    found = rows.copy()
    assumed = []
    for name, dim in (("controls", "control"), ("holidays", "holiday")):
        found[name], lacking = _as_last_year(data[name], rows[name])
        assumed += [str(key) for key in rows[dim].values[lacking]]
        _require_common(data[name], found[name])
    found["value"] = rows["value"].fillna(data["value"].isel(week=-1, drop=True))
    found["frequency"] = rows["frequency"].fillna(data["frequency"].mean("week"))
    organic, lacking = _as_last_year(data["media"], rows["media"])
    assumed += [str(c) for c in rows["channel"].values[lacking & ~rows["paid"].values]]
    found["price"], unpriced = _prices(data, rows, columns)
    bought = found["spend"] / found["price"] / found["frequency"]
    found["media"] = rows["media"].fillna(bought.where(rows["paid"], organic))
    first, last = _span(rows)
    notes = [Finding("panel.planned_weeks", {"weeks": rows.sizes["week"], "first": first, "last": last})]
    notes += [Finding("panel.as_last_year", {"columns": assumed})] if assumed else []
    notes += [Finding("panel.usual_price", {"channels": unpriced})] if unpriced else []
    return found.drop_vars("kpi", errors="ignore"), tuple(notes)


def _span(rows: xr.Dataset) -> tuple[str, str]:
    """Return the first and the last week of some rows."""
    first, last = (f"{pd.Timestamp(rows['week'].values[at]):%Y-%m-%d}" for at in (0, -1))
    return first, last


def _as_last_year(data: xr.DataArray, rows: xr.DataArray) -> tuple[xr.DataArray, np.ndarray]:
    """Fill what is missing with the value of the same week a year before, of the last week where there is none.

    Returns:
        The values, and which of the last dimension's entries lacked some.
    """
    known = data.sizes["week"]
    ahead = np.arange(known, known + rows.sizes["week"])
    source = ahead - YEAR * np.ceil((ahead - known + 1) / YEAR).astype(int)
    before = data.isel(week=np.where(source >= 0, source, known - 1)).assign_coords(week=rows["week"])
    return rows.fillna(before), rows.isnull().any(("geo", "week")).values


def _prices(data: xr.Dataset, rows: xr.Dataset, columns: PanelColumns) -> tuple[xr.DataArray, list[str]]:
    """Return currency per unit of the driver: as planned, as the column says, or the mean of the panel's last year."""
    driver = rows["media"] * rows["frequency"]
    planned = (rows["spend"] / driver).where((driver > 0) & (rows["spend"] > 0))
    last = data.isel(week=slice(-YEAR, None))
    counted = last["media"] * last["frequency"] * (last["value"] > 0)
    spent, seen = (v.sum("week") for v in (last["spend"], counted))
    usual = (spent / seen).where((spent > 0) & (seen > 0))
    usual = usual.fillna(spent.sum("geo") / seen.sum("geo"))
    bought = [c in columns.exposure or c in columns.reach_frequency for c in rows["channel"].values]
    exposed = xr.DataArray(bought, {"channel": rows["channel"]}, "channel")
    price = planned.fillna(rows["price"])
    lacking = (price.isnull() & exposed & (rows["spend"] > 0)).any(("geo", "week")).values
    price = price.fillna(usual).where(exposed, 1.0).transpose(*FULL)
    return price, [str(c) for c in rows["channel"].values[lacking]]


def _require_possible(values: xr.DataArray, name: str, missing: bool) -> None:
    """Refuse negative and infinite numbers, and missing ones where they must be there; a price is above 0."""
    least = np.nextafter(0, 1) if name == "price" else 0.0
    wrong = (values < least) | (values == np.inf) | (values.isnull() & (not missing))
    if not wrong.any():
        return
    at = {dim: int(place[0]) for dim, place in zip(wrong.dims, np.nonzero(wrong.values), strict=True)}
    cell = values.isel(at)
    of = f" of '{cell['channel'].item()}'" if "channel" in cell.coords else ""
    empty = bool(cell.isnull())
    raise DataError(
        f"the planned {'cost per exposure' if name == 'price' else name}{of} in the week of "
        f"{pd.Timestamp(cell['week'].item()):%Y-%m-%d} ({cell['geo'].item()}) "
        f"is {'missing; fill it (0 if none), or leave out the rows after the last KPI' if empty else 'impossible'}"
        f"{'' if empty else f' ({cell.item():g}); correct it'}."
    )


def _require_common(data: xr.DataArray, planned: xr.DataArray) -> None:
    """Refuse planned weeks in which geos differ in what is one series for all of them in the panel."""
    dims = ("geo", "week")
    alike = (data == data.isel(geo=0)).all(dims) & ~(planned == planned.isel(geo=0)).all(dims)
    for name in alike[alike.dims[0]].values[alike.values]:
        raise DataError(
            f"'{name}' is the same in all geos up to the last KPI, but not in the planned weeks; "
            "give it one value a week."
        )
