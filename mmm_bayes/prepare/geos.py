"""Which geos stand by themselves and which go to the rest."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from mmm_bayes.config import Transactions
from mmm_bayes.external import Places
from mmm_bayes.panel import NATIONAL


@dataclass(frozen=True)
class Grouping:
    """Which geo goes where.

    Attributes:
        groups: name of the group by geo, as it stands in the lines.
        names: the groups, largest first, the rest last.
        shares: share of the revenue, by group.
        largest: name of the largest geo, '' where the lines have none.
        quiet: geos that are large enough to stand by themselves but trade in too few weeks.
        revenue: of each geo as it stands in the lines.
    """

    groups: dict[str, str]
    names: tuple[str, ...]
    shares: dict[str, float]
    largest: str
    quiet: tuple[str, ...]
    revenue: dict[str, float]

    @property
    def places(self) -> Places:
        """The groups, each with its geos weighted by their revenue."""
        members = pd.DataFrame({"name": list(self.groups), "geo": list(self.groups.values())})
        return Places.of(self.names, members.assign(weight=members["name"].map(self.revenue)))

    def table(self, spark: SparkSession) -> DataFrame:
        """Return ``geo, group`` for a join."""
        return spark.createDataFrame(pa.table({"geo": list(self.groups), "group": list(self.groups.values())}))

    def summary(self) -> dict[str, Any]:
        """Return what a reader should know."""
        members = {name: {geo.lower() for geo, group in self.groups.items() if group == name} for name in self.names}
        return {
            "groups": [{"geo": n, "revenue_share": self.shares[n], "raw_geos": len(members[n])} for n in self.names],
            "too_quiet": list(self.quiet),
        }


def group_geos(cells: pd.DataFrame, table: Transactions) -> Grouping:
    """Decide which geos stand by themselves.

    Those are the ``top_n`` by revenue, except the ones that sold something in fewer than ``min_active`` of the weeks in
    which anybody did: a series that is mostly zeros carries no information about channels and spoils the pooling, but a
    season in which the whole shop is closed is nobody's silence. Lines without a geo belong to the rest. Names that
    differ in case are one geo, spelt as in most lines.

    Args:
        cells: kept lines of whole weeks, see `mmm_bayes.prepare.weeks.Counts`.
        table: the section of the configuration.
    """
    keys = cells["geo"].str.lower()
    money = cells.groupby("geo")["revenue"].sum().astype(float).clip(lower=0.0).to_dict()
    spellings = cells.groupby("geo")["lines"].sum().sort_values(kind="stable").index
    geos = pd.DataFrame(
        {
            "name": {name.lower(): name for name in spellings},
            "revenue": cells["revenue"].groupby(keys).sum(),
            "weeks": cells["week"][cells["sales_lines"] > 0].groupby(keys).nunique(),
        }
    ).sort_values("revenue", ascending=False, kind="stable")
    named = geos[(geos["name"] != "") & (geos["revenue"] > 0)]
    largest = named["name"].iloc[0] if len(named) else ""
    if table.geo_level == "national" or named.empty:
        return Grouping(dict.fromkeys(cells["geo"], NATIONAL), (NATIONAL,), {NATIONAL: 1.0}, largest, (), money)
    top = named.head(table.top_n or len(named))
    quiet = ~(top["weeks"] >= table.min_active * cells["week"][cells["sales_lines"] > 0].nunique())
    own = top["name"][~quiet].to_dict()
    groups = {geo: own.get(geo.lower(), table.rest) for geo in cells["geo"].unique()}
    names = (*own.values(), *([table.rest] if len(own) < len(geos) else []))
    revenue = cells["revenue"].groupby(cells["geo"].map(groups)).sum().astype(float).clip(lower=0.0)
    shares = {name: float(revenue[name] / revenue.sum()) for name in names}
    return Grouping(groups, names, shares, largest, tuple(top["name"][quiet]), money)
