"""How numbers are shown: few digits, units, separators of the language, and a dash where there is none."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Self

from mmm_bayes.report.language import dated, local, money_first, phrase, plural

DASH = NONE = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
NO_BREAK = "\N{NO-BREAK SPACE}"
MOST_DECIMALS = 6


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


def units() -> tuple[tuple[float, str], ...]:
    """Return large units and what stands behind a number of them, the largest first."""
    return (
        (1e12, phrase("number.trillion")),
        (1e9, phrase("number.billion")),
        (1e6, phrase("number.million")),
        (1e3, phrase("number.thousand")),
    )


def fixed(value: float, decimals: int) -> str:
    """Return ``1,234.50``, ``−0.20``, to be made `local`; never a negative zero."""
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
    return Shown(local(_or_nothing(text)), value, "0.00")


def percent(share: float | None) -> str:
    """Return a share: ``25%``, ``7.7%``, ``0.4%``."""
    if share is None or missing(share):
        return NONE
    return Shown(local(fixed(100 * share, 1 if 0.0005 <= abs(share) < 0.0995 else 0) + "%"), share, "0.0%")


def change(share: float | None) -> str:
    """Return a relative change with its sign: ``+35%``, ``−4%``, ``0%``."""
    if share is None or missing(share):
        return NONE
    text = fixed(100 * share, 0)
    return Shown(local(("+" if share > 0 and text != "0" else "") + text + "%"), share, "+0.0%;-0.0%;0%")


def chance(probability: float | None) -> str:
    """Return a probability without claiming certainty: ``93%``, ``over 99%``."""
    if probability is None or missing(probability):
        return NONE
    if probability > 0.99:
        return f"{phrase('number.over')} {local('99%')}"
    return f"{phrase('number.under')} {local('1%')}" if probability < 0.01 else local(f"{probability:.0%}")


def formatted(value: float, form: str) -> str:
    """Return a number as a format of Python such as ``.0%`` has it, in the language's signs."""
    return local(format(value, form))


def count(number: int, thing: str = "") -> str:
    """Return ``1,234``, ``1 week``, ``2 weeks``; things are those of ``thing.toml``."""
    text = local(f"{number:,}".replace("-", MINUS))
    return f"{text} {phrase(f'thing.{thing}.{plural(number)}')}" if thing else Shown(text, number, "#,##0")


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
    return dated(value, "d MMM y")


def compact(value: float | None) -> str:
    """Return a number with three significant digits: ``27.2m``, ``450k``, ``12.3``."""
    if value is None or missing(value):
        return NONE
    for size, unit in units():
        if abs(value) >= 0.9995 * size:
            scaled = value / size
            return local(fixed(scaled, min(decimals_for(scaled, 3), 2))) + unit
    return local(_or_nothing(fixed(value, decimals_for(value, 3))))


def _or_nothing(text: str) -> str:
    return text if text.strip("0.") else "0"


def ticks(values: Sequence[float], currency: str = "") -> list[str]:
    """Return the labels of an axis: one unit (or power of ten) for all, and just the decimals that tell them apart."""
    largest = max((abs(v) for v in values), default=0.0)
    size, unit = next(((s, u) for s, u in units() if largest >= s), (1.0, ""))
    if 0 < largest < 1e-3:
        power = math.floor(math.log10(largest))
        size, unit = 10.0**power, f"e{MINUS}{-power}"
    step = min((b - a for a, b in pairwise(values)), default=largest) / size
    decimals = min(max(-math.floor(math.log10(step) + 1e-9), 0) + 1, MOST_DECIMALS + 3) if step > 0 else 0
    return [_priced(local(_trimmed(fixed(v / size, decimals))) + (unit if v else ""), currency) for v in values]


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _priced(text: str, currency: str) -> str:
    """Put a currency where the language has it: ``−£20``, ``EUR 20``, ``20 €``, ``20 k€``."""
    if not currency:
        return text
    if not money_first():
        joined = text[-1].isalpha() and not currency[-1].isalpha()
        return f"{text}{'' if joined else NO_BREAK}{currency}"
    symbol = currency + (NO_BREAK if currency[-1].isalpha() else "")
    return f"{MINUS}{symbol}{text[1:]}" if text.startswith(MINUS) else f"{symbol}{text}"


def between(low: float, high: float) -> str:
    """Return an interval of ratios: ``0.52–7.62``."""
    return NONE if missing(low) else f"{ratio(low)}{DASH}{ratio(high)}"


def tiny(share: float) -> str:
    """Return a share that is nearly nothing as ``0.01%``, at least that, and any other as `percent` does."""
    return local(f"{max(100 * share, 0.01):.2g}%") if share < 0.1 else percent(share)


def span(values: Sequence[float]) -> str:
    """Return the range of some ratios: ``1.39``, ``1.39 to 1.42``."""
    low, high = ratio(min(values)), ratio(max(values))
    return low if low == high else f"{low} {phrase('number.to')} {high}"


def spans(weeks: Sequence[str]) -> str:
    """Return the first days of weeks, in order, with neighbours as one: ``2024-01-01, 2024-06-03 to 2024-06-24``."""
    days = [date.fromisoformat(week) for week in weeks]
    ends = [i + 1 for i, (day, later) in enumerate(pairwise(days)) if later - day > timedelta(days=7)]
    parts = [weeks[start:end] for start, end in pairwise([0, *ends, len(weeks)])]
    to = phrase("number.to")
    return ", ".join(part[0] if len(part) == 1 else f"{part[0]} {to} {part[-1]}" for part in parts)


def listed(names: Sequence[str], most: int = 12) -> str:
    """Return ``a``, ``a and b``, ``a, b and c``, and with more than ``most`` names ``a, b and 3 more``."""
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} {phrase('number.more')}"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {phrase('number.and')} {names[-1]}"


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
        return _priced("1", self.currency) if self.currency else phrase("number.spent")

    def full(self, amount: float | None) -> str:
        """Return an amount for a table: ``£1,234,568``, ``−£20``."""
        return NONE if amount is None or missing(amount) else self._shown(local(fixed(amount, self.decimals)), amount)

    def signed(self, amount: float) -> str:
        """Return a change of an amount for a table: ``+£1,200``, ``−£20``, a dash where there is none."""
        if not fixed(amount, self.decimals).strip("0.,"):
            return NONE
        text = self.full(amount)
        return Shown(f"+{text}" if amount > 0 else text, amount, self._form("+"))

    def cents(self, amount: float | None) -> str:
        """Return an amount to the cent."""
        return NONE if amount is None or missing(amount) else self._shown(local(fixed(amount, 2)), amount)

    def short(self, amount: float | None) -> str:
        """Return an amount for a sentence or an axis: ``£1.23m``."""
        return NONE if amount is None or missing(amount) else self._shown(compact(amount), amount)

    def between(self, low: float, high: float) -> str:
        """Return a range of short amounts: ``£139k–£418k``, ``−£20 to £30``."""
        between = DASH if low >= 0 else f" {phrase('number.to')} "
        return NONE if missing(low) else f"{self.short(low)}{between}{self.short(high)}"

    def ratio(self, value: float | None) -> str:
        """Return what one unit of the currency brings back: ``£2.74``."""
        return NONE if value is None or missing(value) else self._shown(ratio(value), value)

    def _shown(self, text: str, amount: float) -> str:
        return Shown(_priced(text, self.currency), amount, self._form())

    def _form(self, plus: str = "") -> str:
        """Return how a spreadsheet shows an amount; its decimals are those of tables."""
        number = "#,##0" + ("." + "0" * self.decimals if self.decimals else "")
        currency = self.currency.replace('"', "")
        priced = f'"{currency}"{number}' if money_first() else f'{number}"{NO_BREAK}{currency}"'
        return f"{plus}{priced};-{priced}"
