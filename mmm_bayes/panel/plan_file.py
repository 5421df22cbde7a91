"""A file of planned spend takes the place of the weeks that a panel has planned."""

from collections.abc import Iterable
from datetime import timedelta

import pandas as pd

from mmm_bayes.config import PanelColumns, PanelSource, TableFile
from mmm_bayes.errors import DataError, nearest
from mmm_bayes.panel.checks import columns_of
from mmm_bayes.panel.planned import YEAR
from mmm_bayes.panel.read import SECTION, first_days, typed
from mmm_bayes.tables import read_days, read_table


def read_plan(path: str, columns: PanelColumns, source: PanelSource | None, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a file of planned spend, one per geo and week, with all columns of the panel.

    A column may go by its name in the panel or, a spend, by that of its channel; those that the file lacks are empty.
    Where it has no geo, amounts are shared out over the geos as in the panel's last year.

    Args:
        path: of the file.
        columns: of the panel.
        source: how the user's own panel is written, so that the file is read alike.
        frame: the rows of the panel up to the last KPI.

    Raises:
        DataError: the file cannot be read, lacks a channel, or does not begin in the week after the last KPI.
    """
    reader = _reader(path, columns, source)
    table = read_table(reader, path, SECTION, [columns.week])
    channels = {c: column for c, column in columns.spend.items() if column not in table}
    table = table.rename(columns={c: column for c, column in channels.items() if c in table})
    for channel, column in channels.items():
        if column not in table:
            raise DataError(f"{path}: has no spend of '{channel}'; add a column '{column}'.")
    own = columns if columns.geo in table or columns.geo is None else columns.model_copy(update={"geo": None})
    table = table.reindex(columns=[*table.columns, *(c for c in columns_of(own) if c not in table)])
    days = read_days(table[columns.week], reader, SECTION)
    rows = typed(table, reader.model_copy(update={"geo": own.geo}), days.first)
    rows[columns.week] = first_days(rows[columns.week], days, reader)
    rows[columns.kpi] = float("nan")
    _require_next(rows[columns.week], frame[columns.week].max(), path)
    if columns.geo is None:
        return rows
    if own.geo is None:
        return _shared_out(rows, columns, frame)
    _require_geos(rows[columns.geo], frame[columns.geo].unique().tolist(), path)
    return rows


def _reader(path: str, columns: PanelColumns, source: PanelSource | None) -> PanelSource:
    fields = columns.model_dump(include={*PanelColumns.model_fields})
    kept = {"path", "format", "skip_rows", "sheet"}
    how = {n: getattr(source, n) for n in (*TableFile.model_fields, "week_date") if n not in kept} if source else {}
    return PanelSource(path=path, **fields, **how)


def _require_next(weeks: pd.Series, last: pd.Timestamp, path: str) -> None:
    wanted = last + timedelta(days=7)
    if weeks.min() != wanted:
        raise DataError(
            f"{path}: the plan begins in the week of {weeks.min():%Y-%m-%d}, but the last KPI is that of the week of "
            f"{last:%Y-%m-%d}; begin with {wanted:%Y-%m-%d}."
        )


def _require_geos(geos: pd.Series, known: list[str], path: str) -> None:
    for geo in geos.unique():
        if geo not in known:
            raise DataError(f"{path}: there is no geo '{geo}' in the panel; {nearest(geo, known)}")


def _shared_out(rows: pd.DataFrame, columns: PanelColumns, frame: pd.DataFrame) -> pd.DataFrame:
    """Divide amounts over the geos as in the panel's last year; all else is that of each geo."""
    last = frame[frame[columns.week] > frame[columns.week].max() - timedelta(weeks=YEAR)]
    sums = last.groupby(columns.geo, sort=False)[_amounts(columns)].sum()
    share = (sums / sums.sum()).fillna(1 / len(sums))
    parts = [
        rows.assign(**{str(columns.geo): geo}, **{str(name): rows[name] * share.at[geo, name] for name in share})
        for geo in frame[columns.geo].unique()
    ]
    return pd.concat(parts)


def _amounts(columns: PanelColumns) -> list[str]:
    named: Iterable[str] = (*columns.spend.values(), *columns.exposure.values(), *columns.organic.values())
    return list(dict.fromkeys([*named, *(rf.reach for rf in columns.reach_frequency.values())]))
