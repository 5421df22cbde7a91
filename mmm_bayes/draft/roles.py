"""What each column is for, by its name and by what it holds: a guess that a person can correct."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pandas as pd

from mmm_bayes.config import TransactionColumns
from mmm_bayes.draft.look import CLOCK, Look

KPI = (
    *("revenue", "sales", "umsatz", "turnover", "ventas", "kpi", "y", "target", "conversions", "orders", "units"),
    *("signups", "leads", "bookings", "installs", "transactions", "erlös", "absatz", "ca"),
)
"""Words of a KPI, the likeliest first."""

SPEND = {"spend", "spends", "spending", "cost", "costs", "budget", "investment", "kosten", "ausgaben", "gasto", "s"}
EXPOSURE = {"impression", "impressions", "imps", "clicks", "grp", "grps", "trp", "trps", "views", "i", "p"}
"""``s``, ``i`` and ``p`` stand at the end of names in Robyn's notation."""

MEDIA = {
    *("tv", "radio", "print", "ooh", "outdoor", "cinema", "search", "social", "display", "video", "email", "podcast"),
    *("facebook", "meta", "google", "youtube", "tiktok", "instagram", "linkedin", "pinterest", "snapchat", "bing"),
    *("affiliate", "affiliates", "influencer", "influencers", "ads", "sem", "ppc", "shopping", "retargeting", "media"),
}
NUMBERED = re.compile(r"(?i)(?:x|media|channel)_?\d+(?:_|$)")
ORGANIC = {"newsletter", "newsletters", "organic", "email"}
CONTROL = {
    *("control", "price", "competitor", "competitors", "sentiment", "temperature", "weather", "rain", "promo"),
    *("promotion", "promotions", "discount", "event", "unemployment", "cpi", "inflation", "covid", "preis", "index"),
}
HOLIDAY = {"holiday", "holidays", "feiertag", "feiertage"}
POPULATION = {"population", "inhabitants", "einwohner"}
GEO = {
    *("geo", "geos", "region", "country", "market", "dma", "state", "store", "city", "province", "territory", "land"),
    "bundesland",
}
CHANNEL = {"channel", "kanal", "medium", "media", "source", "platform", "publisher"}
LINE = {
    "invoice": r"invoice|order|receipt|transaction|basket|ticket|rechnung|bestell|bon\b",
    "product": r"product|sku|stock.?code|item|article|artikel",
    "quantity": r"quantity|qty|pieces|units|menge|anzahl|stück",
    "cost": r"unit costs?|cost price|costs? per|cogs|purchase price|einkaufspreis|^costs?$",
    "price": r"price|preis",
    "customer": r"customer|client|kunde|buyer|user",
}
"""Names of the columns of transactions; what has been taken is left out of the next."""


@dataclass
class Roles:
    """A section of the configuration as far as a look at a file tells it.

    Attributes:
        section: its content.
        others: by key, the columns that would do as well.
        guessed: whether nothing but its size speaks for the KPI.
        unused: columns without a role; ``clock``: those that only count time.
    """

    section: dict[str, Any]
    others: dict[str, list[str]] = field(default_factory=dict)
    guessed: bool = False
    unused: tuple[str, ...] = ()
    clock: tuple[str, ...] = ()


def of_transactions(look: Look) -> Roles | None:
    """Return the roles of a table of transactions; None where it is none."""
    found: dict[str, str] = {}
    free = [name for name in look.frame if name not in look.days and look.frame[name].notna().any()]
    for role, pattern in LINE.items():
        taken = [*found.values()]
        fits = [name for name in free if name not in taken and re.search(f"(?i){pattern}", _spelt(name))]
        if role in ("quantity", "cost", "price"):
            fits = [name for name in fits if name in look.numbers]
        if fits:
            found[role] = fits[0]
    if not look.days or not {"invoice", "product", "quantity", "price"} <= found.keys():
        return None
    found["date"] = look.days[0]
    if geos := [name for name in free if name not in found.values() and words(name) & GEO]:
        found["geo"] = geos[0]
    order = [role for role in TransactionColumns.model_fields if role in found]
    return Roles({"path": look.path, "columns": {role: found[role] for role in order}})


def of_spend(look: Look) -> Roles | None:
    """Return the roles of a file of spend, long or wide; None where it is none."""
    if not look.days or look.numbers.empty:
        return None
    geo = next((name for name in look.names if words(name) & GEO), None)
    common = {"date": look.days[0]} | ({"geo": geo} if geo else {})
    money = [name for name in look.numbers if words(name) & SPEND]
    if channels := _first_of(look.names, lambda name: words(name) & CHANNEL, but=geo):
        spend, *others = money or list(look.numbers)
        long = {"path": look.path, "layout": "long", **common, "channel": channels, "spend": spend}
        return Roles(long, {"spend": others} if others else {})
    columns = {channel_of(name): name for name in money or look.numbers if name != geo}
    return Roles({"path": look.path, "layout": "wide", **common, "channels": columns})


def of_panel(look: Look) -> Roles | None:
    """Return the roles of a weekly table; None where it has no days, no KPI or no channel."""
    if not look.days:
        return None
    geo = _geo_of(look)
    table = look.numbers.drop(columns=[geo] if geo in look.numbers else [])
    free = [name for name in table if not CLOCK.match(name)]
    kpis = sorted((name for name in free if _rank(name) is not None), key=lambda name: (_rank(name), len(name)))
    spend = _spend(table, [name for name in free if name not in kpis])
    others = [name for name in free if name not in spend.values() and name not in kpis]
    guessed = not kpis
    if guessed:
        kpis = sorted((name for name in others if not _has_role(name)), key=lambda name: -table[name].sum())[:1]
    if not kpis or not spend:
        return None
    known = {"path": look.path, "week": look.days[0], "geo": geo, "kpi": kpis[0]}
    left = dict.fromkeys([*(name for name in others if name not in kpis), *kpis[1:]])
    section = known | _beside(table[table[kpis[0]].notna()], kpis[0], spend, left)
    return Roles(
        {key: found for key, found in section.items() if found},
        {"kpi": also} if (also := [name for name in kpis[1:] if name in left]) else {},
        guessed,
        tuple(name for name in look.frame if name in left or (name in look.names and name != geo)),
        tuple(name for name in table if CLOCK.match(name)),
    )


def _beside(rows: pd.DataFrame, kpi: str, spend: dict[str, str], left: dict[str, None]) -> dict[str, Any]:
    """Return what stands beside the KPI and take it out of the columns that are left."""

    def take(fits: Callable[[str], Any]) -> list[str]:
        taken = [name for name in left if fits(name)]
        for name in taken:
            left.pop(name)
        return taken

    value = take(lambda name: "per" in words(name) and _stem(kpi) in name.lower())
    population = take(lambda name: words(name) & POPULATION)
    exposure = {}
    for channel, column in spend.items():
        if found := take(partial(_is_exposure, rows, channel, column)):
            exposure[channel] = found[0]
    holidays = take(lambda name: words(name) & HOLIDAY and rows[name].isin(range(8)).all())
    organic = {channel_of(name): name for name in take(lambda name: words(name) & ORGANIC and rows[name].min() >= 0)}
    controls = take(lambda name: _is_control(name) and rows[name].notna().all() and rows[name].nunique() > 1)
    return {
        "kpi_value": next(iter(value), None),
        "population": next(iter(population), None),
        "spend": spend,
        "exposure": exposure,
        "organic": organic,
        "controls": controls,
        "holidays": holidays,
    }


def _geo_of(look: Look) -> str | None:
    """Return the column of geos: named so, or what alone parts rows of the same day."""
    repeated = look.frame[look.days[0]].duplicated().any()
    named = _first_of(look.frame, lambda name: words(name) & GEO and name not in look.days)
    if named is not None or not repeated:
        return named
    return _first_of(look.names, lambda name: not look.frame[[look.days[0], name]].duplicated().any())


def _spend(table: pd.DataFrame, free: list[str]) -> dict[str, str]:
    """Return the money by channel: columns that are called so, else those with the name of a channel."""
    usable = [name for name in free if table[name].min() >= 0 and table[name].sum() > 0]
    for fits in (
        lambda name: words(name) & SPEND,
        lambda name: words(name) & MEDIA and not words(name) & EXPOSURE,
        NUMBERED.match,
    ):
        if found := [name for name in usable if fits(name)]:
            return {channel_of(name): name for name in found}
    return {}


def words(name: str) -> set[str]:
    """Return the words of a name, however they are parted; letters that stand for one count at the end only."""
    parts = _spelt(name).split()
    return {part for place, part in enumerate(parts) if len(part) > 1 or place == len(parts) - 1}


def channel_of(column: str) -> str:
    """Return a column's name without the words for money."""
    kept = [part for part in re.split(r"[\s_]+", column) if part.lower() not in SPEND]
    return "_".join(kept) or column


def _spelt(name: str) -> str:
    parted = re.sub(r"(?<=[a-zäöüß])(?=[A-Z])", " ", name)
    return re.sub(r"[\W_]+", " ", parted).strip().lower()


def _rank(name: str) -> int | None:
    """Return how likely a column is the KPI by its name, 0 first; None where it is none."""
    found = words(name)
    if found & {"per", "price", "last", "lag"} or found & (CONTROL | SPEND | EXPOSURE):
        return None
    return min((place for place, word in enumerate(KPI) if word in found), default=None)


def _stem(name: str) -> str:
    return _spelt(name).split()[-1].rstrip("s")


def _has_role(name: str) -> bool:
    return bool(words(name) & (EXPOSURE | CONTROL | HOLIDAY | POPULATION | ORGANIC))


def _is_exposure(rows: pd.DataFrame, channel: str, paid: str, name: str) -> bool:
    """Whether a column is called as a channel's exposure is, and holds some wherever there is money."""
    if not words(name) & EXPOSURE or not name.lower().startswith(channel.lower()):
        return False
    return bool((rows[name] >= 0).all() and (rows[name] > 0)[rows[paid] > 0].all())


def _is_control(name: str) -> bool:
    return bool(words(name) & CONTROL or re.fullmatch(r"(?i)c_?\d+", name))


def _first_of(names: Iterable[str], fits: Callable[[str], Any], but: str | None = None) -> str | None:
    found: Iterator[str] = (name for name in names if name != but and fits(name))
    return next(found, None)
