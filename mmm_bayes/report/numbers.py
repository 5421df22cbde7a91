"""How numbers are shown: few digits, units, thousands separators, and a dash where there is none."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Self

DASH = NONE = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
MOST_DECIMALS = 6
UNITS = ((1e12, "tn"), (1e9, "bn"), (1e6, "m"), (1e3, "k"))


class Shown(str):
    """A number as readers see it, which remembers what it is, for those who calculate with it.

    Attributes:
        value: the number.
        form: how a spreadsheet shows it.
    """

    value: float
    form: str

    def __new__(cls, text: str, value: float, form: str) -> Self:
        """Return the text of a number."""
        shown = super().__new__(cls, text)
        shown.value, shown.form = float(value), form
        return shown


def missing(value: Any) -> bool:
    """Whether there is no number to show."""
    return value is None or not math.isfinite(value)


def fixed(value: float, decimals: int) -> str:
    """Return ``1,234.50``, ``−0.20``; never a negative zero."""
    text = f"{abs(value):,.{decimals}f}"
    return text if value >= 0 or not text.strip("0.,") else MINUS + text


def decimals_for(value: float, digits: int) -> int:
    """Return the decimals that show ``digits`` significant digits of a value."""
    if value == 0:
        return 0
    return min(max(digits - 1 - math.floor(math.log10(abs(value))), 0), MOST_DECIMALS)


def ratio(value: float | None) -> str:
    """Return an ROI or another ratio with two to three significant digits: ``2.74``, ``12.3``, ``0.083``."""
    if value is None or missing(value):
        return NONE
    text = fixed(value, decimals_for(value, 2) if abs(value) < 1 else min(decimals_for(value, 3), 2))
    return Shown(_or_nothing(text), value, "0.00")


def percent(share: float | None) -> str:
    """Return a share: ``25%``, ``7.7%``, ``0.4%``."""
    if share is None or missing(share):
        return NONE
    return Shown(fixed(100 * share, 1 if 0.0005 <= abs(share) < 0.0995 else 0) + "%", share, "0.0%")


def change(share: float | None) -> str:
    """Return a relative change with its sign: ``+35%``, ``−4%``, ``0%``."""
    if share is None or missing(share):
        return NONE
    text = fixed(100 * share, 0)
    return Shown(("+" if share > 0 and text != "0" else "") + text + "%", share, "+0.0%;-0.0%;0%")


def chance(probability: float | None) -> str:
    """Return a probability without claiming certainty: ``93%``, ``over 99%``."""
    if probability is None or missing(probability):
        return NONE
    if probability > 0.99:
        return "over 99%"
    return "under 1%" if probability < 0.01 else f"{probability:.0%}"


def count(number: int, thing: str = "") -> str:
    """Return ``1,234``, ``1 week``, ``2 weeks``."""
    if not thing:
        return Shown(f"{number:,}".replace("-", MINUS), number, "#,##0")
    plural = thing[:-1] + "ies" if thing.endswith("y") else thing + "s"
    return f"{number:,} {thing if number == 1 else plural}"


def duration(time: timedelta) -> str:
    """Return ``2 minutes``, ``5 hours``, ``3 days``: whole ones of the largest unit that fits."""
    seconds = max(int(time.total_seconds()), 0)
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return count(seconds // size, unit)
    return count(seconds, "second")


def minute(value: datetime) -> str:
    """Return ``2024-01-05 17:30``, by the clock of this machine."""
    return f"{value.astimezone():%Y-%m-%d %H:%M}"


def day(value: date) -> str:
    """Return ``5 Jan 2024``."""
    return f"{value.day} {value:%b %Y}"


def compact(value: float | None) -> str:
    """Return a number with three significant digits: ``27.2m``, ``450k``, ``12.3``."""
    if value is None or missing(value):
        return NONE
    for size, unit in UNITS:
        if abs(value) >= 0.9995 * size:
            scaled = value / size
            return fixed(scaled, min(decimals_for(scaled, 3), 2)) + unit
    return _or_nothing(fixed(value, decimals_for(value, 3)))


def _or_nothing(text: str) -> str:
    return text if text.strip("0.") else "0"


def ticks(values: Sequence[float], symbol: str = "") -> list[str]:
    """Return the labels of an axis: one unit (or power of ten) for all, and just the decimals that tell them apart."""
    largest = max((abs(v) for v in values), default=0.0)
    size, unit = next(((s, u) for s, u in UNITS if largest >= s), (1.0, ""))
    if 0 < largest < 1e-3:
        power = math.floor(math.log10(largest))
        size, unit = 10.0**power, f"e{MINUS}{-power}"
    step = min((b - a for a, b in pairwise(values)), default=largest) / size
    decimals = min(max(-math.floor(math.log10(step) + 1e-9), 0) + 1, MOST_DECIMALS + 3) if step > 0 else 0
    return [_signed(_trimmed(fixed(v / size, decimals)) + (unit if v else ""), symbol) for v in values]


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _signed(text: str, symbol: str) -> str:
    """Put a symbol between sign and digits."""
    return f"{MINUS}{symbol}{text[1:]}" if text.startswith(MINUS) else f"{symbol}{text}"


def between(low: float, high: float) -> str:
    """Return an interval of ratios: ``0.52–7.62``."""
    return NONE if missing(low) else f"{ratio(low)}{DASH}{ratio(high)}"


def tiny(share: float) -> str:
    """Return a share that is nearly nothing: ``0.01%``, at least that."""
    return f"{max(100 * share, 0.01):.2g}%"


def span(values: Sequence[float]) -> str:
    """Return the range of some ratios: ``1.39``, ``1.39 to 1.42``."""
    low, high = ratio(min(values)), ratio(max(values))
    return low if low == high else f"{low} to {high}"


def spans(weeks: Sequence[str]) -> str:
    """Return the first days of weeks, in order, with neighbours as one: ``2024-01-01, 2024-06-03 to 2024-06-24``."""
    days = [date.fromisoformat(week) for week in weeks]
    ends = [i + 1 for i, (day, later) in enumerate(pairwise(days)) if later - day > timedelta(days=7)]
    parts = [weeks[start:end] for start, end in pairwise([0, *ends, len(weeks)])]
    return ", ".join(part[0] if len(part) == 1 else f"{part[0]} to {part[-1]}" for part in parts)


def listed(names: Sequence[str], most: int = 12) -> str:
    """Return ``a``, ``a and b``, ``a, b and c``, and with more than ``most`` names ``a, b and 3 more``."""
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


@dataclass(frozen=True)
class Money:
    """Amounts in the currency of a run, all with the same decimals so that columns line up.

    Attributes:
        currency: symbol or code, may be empty.
        decimals: behind the point in tables.
    """

    currency: str
    decimals: int

    @classmethod
    def fitting(cls, currency: str, largest: float) -> "Money":
        """Return what shows amounts of this size well: whole units from thousands on, finer below."""
        return cls(currency, 0 if largest >= 10_000 else max(2, decimals_for(largest, 4)))

    @property
    def code(self) -> str:
        """The currency where it is a code or a word such as ``EUR``, too long for the numbers of an axis."""
        return self.currency if self.currency[-1:].isalpha() else ""

    @property
    def unit(self) -> str:
        """One unit of the currency, as in 'for each £1'."""
        return self._with_symbol("1") if self.currency else "1 spent"

    def full(self, amount: float | None) -> str:
        """Return an amount for a table: ``£1,234,568``, ``−£20``."""
        return NONE if amount is None or missing(amount) else self._shown(fixed(amount, self.decimals), amount)

    def signed(self, amount: float) -> str:
        """Return a change of an amount for a table: ``+£1,200``, ``−£20``, a dash where there is none."""
        text = self.full(amount)
        if not text.strip(self.currency + "0.,\N{NO-BREAK SPACE}"):
            return NONE
        return Shown(f"+{text}" if amount > 0 else text, amount, self._form("+"))

    def cents(self, amount: float | None) -> str:
        """Return an amount to the cent."""
        return NONE if amount is None or missing(amount) else self._shown(fixed(amount, 2), amount)

    def short(self, amount: float | None) -> str:
        """Return an amount for a sentence or an axis: ``£1.23m``."""
        return NONE if amount is None or missing(amount) else self._shown(compact(amount), amount)

    def between(self, low: float, high: float) -> str:
        """Return a range of short amounts: ``£139k–£418k``, ``−£20 to £30``."""
        between = DASH if low >= 0 else " to "
        return NONE if missing(low) else f"{self.short(low)}{between}{self.short(high)}"

    def ratio(self, value: float | None) -> str:
        """Return what one unit of the currency brings back: ``£2.74``."""
        return NONE if value is None or missing(value) else self._shown(ratio(value), value)

    def _shown(self, text: str, amount: float) -> str:
        return Shown(self._with_symbol(text), amount, self._form())

    def _form(self, plus: str = "") -> str:
        """Return how a spreadsheet shows an amount; its decimals are those of tables."""
        number = f'"{self.currency.replace(chr(34), "")}"#,##0' + ("." + "0" * self.decimals if self.decimals else "")
        return f"{plus}{number};-{number}"

    def _with_symbol(self, text: str) -> str:
        return _signed(text, self.currency + ("\N{NO-BREAK SPACE}" if self.code else ""))
