"""Daily rows become weekly ones."""

from datetime import timedelta

import pandas as pd

from mmm_bayes.config import PanelSource
from mmm_bayes.errors import DataError
from mmm_bayes.findings import Finding
from mmm_bayes.panel.checks import NATIONAL, columns_of

MONDAYS = "W-SUN"
"""The name that pandas has for weeks from Monday to Sunday."""


def days_to_weeks(frame: pd.DataFrame, source: PanelSource) -> tuple[pd.DataFrame, Finding]:
    """Add days up to weeks from Monday to Sunday.

    Amounts are summed, controls and population averaged, prices averaged by KPI and frequencies by reach; a holiday is
    in the week that has it. Weeks at both ends that the days cover in part are left out.

    Args:
        frame: one row per geo and day, typed.
        source: which column holds what.

    Raises:
        DataError: a geo lacks a day, or has it twice.
    """
    day = frame[source.week]
    geo = frame[source.geo] if source.geo else pd.Series(NATIONAL, frame.index)
    first = (day.min() + timedelta(days=6)).to_period(MONDAYS).start_time
    end = (day.max() + timedelta(days=1)).to_period(MONDAYS).start_time
    _require_every_day(day, geo, pd.date_range(first, end, inclusive="left"))
    inside = frame[(day >= first) & (day < end)]
    weekly = _summed(inside, source)
    found = {"days": int(day.nunique()), "weeks": int(weekly[source.week].nunique()), "rows": len(frame) - len(inside)}
    return weekly, Finding("panel.daily", found)


def _require_every_day(day: pd.Series, geo: pd.Series, every: pd.DatetimeIndex) -> None:
    if (twice := pd.DataFrame({"day": day, "geo": geo}).duplicated()).any():
        row = day.index[twice.to_numpy().argmax()]
        raise DataError(
            f"column '{day.name}', row {row}: {geo[row]} has {day[row]:%Y-%m-%d} twice; keep one row for each day."
        )
    for name, own in day.groupby(geo):
        if len(lacking := every.difference(pd.DatetimeIndex(own))):
            raise DataError(
                f"column '{day.name}': {name} lacks {len(lacking)} of {len(every)} days, the first "
                f"{lacking[0]:%Y-%m-%d}; add their rows (0 where there was nothing), or add the table up to weeks."
            )


def _summed(frame: pd.DataFrame, source: PanelSource) -> pd.DataFrame:
    weights = {rf.frequency: rf.reach for rf in source.reach_frequency.values()}
    weights |= {source.kpi_value: source.kpi} if source.kpi_value else {}
    means = [*source.controls, *source.exposure_cost.values(), *([source.population] if source.population else [])]
    keys = [source.geo] if source.geo else []
    others = {source.week, *keys, *weights, *means, *source.holidays}
    by = [*keys, frame[source.week].dt.to_period(MONDAYS).dt.start_time]
    days = frame.groupby(by, sort=False)
    weekly = {name: days[name].sum(min_count=7) for name in columns_of(source) if name not in others}
    weekly |= {name: days[name].mean() for name in means} | {name: days[name].max() for name in source.holidays}
    for name, size in weights.items():
        worth = frame.assign(**{name: frame[name] * frame[size]}).groupby(by, sort=False)[name].sum()
        weekly[name] = (worth / days[size].sum()).fillna(days[name].mean())
    return pd.DataFrame(weekly).reset_index()
