"""The same as `mmm_bayes.prepare`, line by line in plain Python: slow, obvious, and written independently."""

import csv
import gzip
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatch
from pathlib import Path

CODES = ["POST", "DOT", "C2", "M", "D", "S", "B", "ADJUST*", "AMAZONFEE", "BANK CHARGES", "CRUK", "PADS"]
CODES += ["gift_*", "TEST*"]
HEADER = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]


@dataclass
class Line:
    raw: tuple[str, ...]
    invoice: str = ""
    product: str = ""
    at: datetime | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    customer: str = ""
    geo: str = ""
    cancelled: bool = False
    reason: str | None = None
    booked: datetime | None = None
    repeated: bool = False

    @property
    def revenue(self) -> Decimal:
        return (self.quantity or Decimal(0)) * (self.price or Decimal(0))


@dataclass
class Cell:
    revenue: Decimal = Decimal(0)
    units: Decimal = Decimal(0)
    sold_revenue: Decimal = Decimal(0)
    sold_units: Decimal = Decimal(0)
    orders: set[str] = field(default_factory=set)
    customers: set[str] = field(default_factory=set)
    lines: int = 0


def read_rows(path: Path) -> list[list[str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def number(text: str) -> Decimal | None:
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text.strip(), "%m/%d/%Y %H:%M")
    except ValueError:
        return None


def judge(rows: list[list[str]], start: date | None = None, duplicates: str = "drop") -> list[Line]:
    seen: set[tuple[str, ...]] = set()
    lines = []
    for row in rows:
        line = Line(tuple(row))
        line.repeated = line.raw in seen
        seen.add(line.raw)
        lines.append(line)
        line.invoice = row[0].strip()
        if len(row) != len(HEADER):
            line.reason = "malformed_line"
            continue
        line.product = row[1].strip()
        line.quantity, line.at, line.price = number(row[3]), moment(row[4]), number(row[5])
        line.customer, line.geo = row[6].strip(), " ".join(row[7].split())
        line.cancelled = line.invoice.startswith("C") or (line.quantity is not None and line.quantity < 0)
        if line.cancelled and line.quantity is not None:
            line.quantity = -abs(line.quantity)
        line.booked = line.at
        line.reason = reason(line, start, duplicates)
    return lines


def reason(line: Line, start: date | None, duplicates: str) -> str | None:
    odd = any(fnmatch(line.product.upper(), code.upper()) for code in CODES)
    checks = [
        (line.at is None and not line.raw[4] and not line.product, "blank_or_total"),
        (line.at is None, "missing_or_unparseable_date"),
        (not line.invoice, "missing_invoice"),
        (not line.product, "missing_product"),
        (line.quantity is None, "missing_or_unparseable_quantity"),
        (line.price is None, "missing_or_unparseable_price"),
        (line.quantity == 0, "quantity_of_zero"),
        (line.price == 0, "price_of_zero"),
        (line.repeated and duplicates == "drop", "exact_duplicate"),
        (odd, "code_that_is_no_product"),
        (line.price is not None and line.price < 0, "negative_price"),
        (start and line.at and line.at.date() < start, "before_start"),
    ]
    return next((name for found, name in checks if found), None)


def book(lines: list[Line]) -> int:
    """Move cancellations to the time of their orders; return how many have none."""
    kept = [line for line in lines if line.reason is None]
    orders = defaultdict(list)
    for line in kept:
        if not line.cancelled:
            orders[line.customer, line.product, line.quantity].append(line.at)
    unmatched = 0
    for line in kept:
        if line.cancelled:
            before = [at for at in orders[line.customer, line.product, -line.quantity] if at <= line.at]
            if line.customer and before:
                line.booked = max(before)
            else:
                unmatched += 1
    return unmatched


def week_of(at: datetime, first_weekday: int) -> date:
    return at.date() - timedelta(days=(at.weekday() - first_weekday) % 7)


@dataclass
class Table:
    weeks: list[date]
    geos: list[str]
    cells: dict[tuple[str, date], Cell]
    open_days: dict[date, set[date]]
    outside: Counter


def tabulate(
    lines: list[Line], first_weekday: int = 0, top_n: int = 5, min_active: float = 0.8, national: bool = False
) -> Table:
    kept = [line for line in lines if line.reason is None]
    first, last = min(line.at for line in kept).date(), max(line.at for line in kept).date()
    weeks = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    weeks = [day for day in weeks if day.weekday() == first_weekday and day + timedelta(days=6) <= last]
    outside: Counter = Counter()
    inside = []
    for line in kept:
        week = week_of(line.booked, first_weekday)
        if week in set(weeks):
            inside.append((week, line))
        else:
            outside[week] += 1
    groups = grouping(inside, top_n, min_active, national)
    cells: dict[tuple[str, date], Cell] = defaultdict(Cell)
    open_days = defaultdict(set)
    for week, line in inside:
        cell = cells[groups[line.geo.lower()], week]
        cell.lines += 1
        cell.revenue += line.revenue
        cell.units += line.quantity
        if not line.cancelled:
            cell.sold_revenue += line.revenue
            cell.sold_units += line.quantity
            cell.orders.add(line.invoice)
            cell.customers.add(line.customer)
            open_days[week].add(line.at.date())
    return Table(weeks, sorted(set(groups.values())), cells, open_days, outside)


def grouping(inside: list[tuple[date, Line]], top_n: int, min_active: float, national: bool) -> dict[str, str]:
    revenue, active, names = Counter(), defaultdict(set), defaultdict(Counter)
    for week, line in inside:
        key = line.geo.lower()
        revenue[key] += line.revenue
        names[key][line.geo] += 1
        if not line.cancelled:
            active[key].add(week)
    if national:
        return dict.fromkeys(revenue, "national")
    top = [key for key, _ in revenue.most_common() if key][:top_n]
    weeks = set().union(*active.values())
    own = {key: names[key].most_common(1)[0][0] for key in top if len(active[key]) >= min_active * len(weeks)}
    return {key: own.get(key, "Rest") for key in revenue}
