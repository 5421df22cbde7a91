"""`Places`: which geos of a table speak for which geo of the panel."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Places:
    """Which geos of a table speak for which geo of the panel; their names are compared whatever their case.

    Attributes:
        geos: of the panel.
        members: ``name`` (folded), ``geo`` (of the panel that it is part of) and ``weight``, which adds up to 1 by geo.
    """

    geos: tuple[str, ...]
    members: pd.DataFrame

    @classmethod
    def same(cls, geos: Sequence[str]) -> "Places":
        """Return the places of a panel whose geos are those of the tables."""
        return cls.of(geos, pd.DataFrame({"name": list(geos), "geo": list(geos), "weight": 1.0}))

    @classmethod
    def of(cls, geos: Sequence[str], members: pd.DataFrame) -> "Places":
        """Return places by their ``name, geo, weight``, weights in any unit; those without any count alike."""
        folded = members.assign(name=members["name"].str.casefold())
        summed = folded.groupby(["geo", "name"], as_index=False)["weight"].sum()
        by_geo = summed.groupby("geo")["weight"]
        size = by_geo.transform("count")
        shares = (summed["weight"] / by_geo.transform("sum")).where(by_geo.transform("sum") > 0, 1 / size)
        return cls(tuple(geos), summed.assign(weight=shares))

    @property
    def names(self) -> set[str]:
        """All names that mean something here, folded."""
        return {*self.members["name"], *(geo.casefold() for geo in self.geos)}

    def among(self, names: Collection[str]) -> pd.DataFrame:
        """Return ``name, geo, weight`` of folded names: a geo of the panel itself, or else its parts."""
        own = pd.DataFrame({"geo": self.geos, "name": [geo.casefold() for geo in self.geos], "weight": 1.0})
        own = own[own["name"].isin(names)]
        parts = self.members[self.members["name"].isin(names) & ~self.members["geo"].isin(own["geo"])]
        return pd.concat([own, parts[["geo", "name", "weight"]]], ignore_index=True)
