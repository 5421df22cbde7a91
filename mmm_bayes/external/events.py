"""Events by week and geo: how many of its days they take, and how much of the days around them."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from mmm_bayes.errors import ConfigError, nearest
from mmm_bayes.external.places import Places
from mmm_bayes.external.tables import EVERYWHERE, WEEK, External
from mmm_bayes.transforms import Array


def weekly_events(table: External, weeks: pd.DatetimeIndex, places: Places, ahead: int = 0) -> pd.DataFrame:
    """Return ``geo, week`` (the index) and a column for each control of events that touch these weeks.

    A day of the event counts 1. The ``n`` days before and after it count ``n / (n + 1)`` to ``1 / (n + 1)``, the
    next one most, in controls of their own. A day of several times of the same event counts once, and is neither before
    nor after it.

    An event of the last weeks alone, those ``ahead``, has none: nothing tells of it.

    Raises:
        ConfigError: an event of the configuration names a geo that is none.
    """
    _require_known(table, places)
    found: dict[str, dict[str, Array]] = {}
    days = pd.date_range(weeks[0], periods=WEEK * len(weeks))
    for (control, geo), rows in table.frame.groupby(["control", table.frame["geo"].str.casefold()], sort=False):
        for side, share in _around(rows, days):
            found.setdefault(f"{control}{side}", {})[str(geo)] = share
    index = pd.MultiIndex.from_product([places.geos, weeks], names=["geo", "week"])
    columns = {control: _by_geo(by_name, places, len(weeks)) for control, by_name in found.items()}
    known = np.tile(np.arange(len(weeks)) < len(weeks) - ahead, len(places.geos))
    return pd.DataFrame({control: values for control, values in columns.items() if values[known].any()}, index=index)


def unknown_geos(table: External, places: Places) -> list[str]:
    """Return the geos of events that are none of the panel."""
    return sorted({geo for geo in table.frame["geo"] if geo != EVERYWHERE and geo.casefold() not in places.names})


def _require_known(table: External, places: Places) -> None:
    if table.table is None and (unknown := unknown_geos(table, places)):
        event = table.frame["control"][table.frame["geo"] == unknown[0]].iloc[0]
        raise ConfigError(
            f"'events.{event}.geos' names '{unknown[0]}', which is no geo of the panel; "
            f"{nearest(unknown[0], list(places.geos))}"
        )


def _around(rows: pd.DataFrame, days: pd.DatetimeIndex) -> Iterator[tuple[str, Array]]:
    """Yield what each of the days has of an event and of the days around it, by what their control ends in."""
    until = np.stack([(first - days).days for first in rows["first"]])
    since = np.stack([(days - last).days for last in rows["last"]])
    inside = ((until <= 0) & (since <= 0)).any(axis=0)
    yield "", inside.astype(float)
    for side, apart in (("before", until), ("after", since)):
        if size := int(rows[side].max()):
            share = np.where(apart > 0, np.maximum(1 - apart / (size + 1), 0.0), 0.0)
            yield f"_{side}", share.max(axis=0) * ~inside


def _by_geo(by_name: dict[str, Array], places: Places, weeks: int) -> Array:
    """Return the sums of the days by geo and week, one after the other."""
    none = np.zeros(WEEK * weeks)
    sums = []
    for geo in places.geos:
        whole = np.maximum(by_name.get(EVERYWHERE, none), by_name.get(geo.casefold(), none))
        own = places.members[places.members["geo"] == geo]
        parts = [w * np.maximum(whole, by_name.get(n, none)) for n, w in zip(own["name"], own["weight"], strict=True)]
        sums.append(np.sum(parts, axis=0).reshape(weeks, WEEK).sum(axis=1))
    return np.concatenate(sums)
