"""The controls of all external tables and events, for each week and geo of a panel."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from mmm_bayes.config import PanelColumns
from mmm_bayes.errors import ConfigError
from mmm_bayes.external.events import unknown_geos, weekly_events
from mmm_bayes.external.places import Places
from mmm_bayes.external.tables import External
from mmm_bayes.external.values import weekly_values
from mmm_bayes.findings import Finding


@dataclass(frozen=True)
class WeeklyControls:
    """External controls.

    Attributes:
        frame: ``geo, week`` (the index), every week in every geo, and a column for each control; NaN where a planned
            week has no value yet.
        notes: what a reader should know of them.
    """

    frame: pd.DataFrame
    notes: tuple[Finding, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the controls."""
        return tuple(self.frame.columns)

    def require_new(self, taken: Iterable[str]) -> None:
        """No control is called as a column that is there already.

        Raises:
            ConfigError: one is.
        """
        if twice := sorted({*self.names} & {*taken}):
            raise ConfigError(f"'{twice[0]}' of 'external' or 'events' is a column of the panel already; rename it.")

    def beside[C: PanelColumns](self, frame: pd.DataFrame, columns: C) -> tuple[pd.DataFrame, C]:
        """Return a typed weekly table with these controls, and which column of it holds what."""
        self.require_new(map(str, frame))
        geo = frame[columns.geo] if columns.geo else [self.frame.index[0][0]] * len(frame)
        rows = pd.MultiIndex.from_arrays([geo, frame[columns.week]])
        named = columns.model_copy(update={"controls": (*columns.controls, *self.names)})
        return frame.join(self.frame.reindex(rows).set_axis(frame.index)), named


def weekly_controls(
    tables: Sequence[External], weeks: pd.DatetimeIndex, places: Places, ahead: int = 0
) -> WeeklyControls:
    """Bring external tables to the weeks and geos of a panel.

    Args:
        tables: see `read_external`.
        weeks: first days of the weeks, seven days apart.
        places: geos of the panel, and which of a table's speak for each.
        ahead: number of the last weeks that are planned: there a table may have no value yet.

    Raises:
        DataError: a table lacks weeks or a geo, or has a day twice.
        ConfigError: an event names a geo that is none.
    """
    every = pd.MultiIndex.from_product([places.geos, weeks], names=["geo", "week"])
    found = [(weekly_events if t.rhythm == "event" else weekly_values)(t, weeks, places, ahead) for t in tables]
    notes = [note for table, own in zip(tables, found, strict=True) for note in _notes(table, own, places)]
    return WeeklyControls(pd.concat([pd.DataFrame(index=every), *found], axis=1).loc[every], tuple(notes))


def _notes(table: External, found: pd.DataFrame, places: Places) -> Iterator[Finding]:
    if table.rhythm != "event":
        controls = [{"control": c, "way": way} for c, way in zip(found, table.columns.values(), strict=True)]
        values = {"controls": controls, "rhythm": table.rhythm, "between": table.between}
        yield Finding("external.values", {"table": table.name, **values})
        yield from _averages(table, places)
        return
    if len(found.columns):
        yield Finding("external.events", {"controls": list(found.columns)})
    if outside := sorted(set(table.frame["control"]) - set(found.columns)):
        yield Finding("external.outside", {"events": outside})
    if unknown := unknown_geos(table, places):
        yield Finding("external.unknown_geos", {"table": table.name, "geos": unknown})


def _averages(table: External, places: Places) -> Iterator[Finding]:
    """Yield which geos of the panel have the mean of several geos of a table, and how much of them these are."""
    used = places.among({*table.frame["geo"].str.casefold()}) if table.by_geo else places.members[:0]
    for geo, parts in used[used["geo"].str.casefold() != used["name"]].groupby("geo"):
        values = {"geo": str(geo), "parts": sorted(parts["name"]), "share": float(parts["weight"].sum())}
        yield Finding("external.average", {"table": table.name, **values})
