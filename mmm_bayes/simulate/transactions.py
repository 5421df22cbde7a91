"""Write transactions as a shop might export them: shaped like Online Retail, simulated, and dirty on purpose."""

import csv
import gzip
import io
from pathlib import Path

import numpy as np
import pandas as pd
from holidays import country_holidays

from mmm_bayes.workspace import writing

COLUMNS = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
COUNTRIES = {
    "United Kingdom": 0.38,
    "Germany": 0.20,
    "France": 0.15,
    "EIRE": 0.11,
    "Netherlands": 0.09,
    "Spain": 0.025,
    "Belgium": 0.02,
    "Switzerland": 0.015,
    "Norway": 0.006,
    "Portugal": 0.004,
}
"""Share of the orders; the last ones are far too small to stand by themselves."""

MONDAY = np.datetime64("2022-09-05", "D")
"""The first whole week; the file starts a few days before and ends a few days after the last."""

CLOSED = (np.datetime64("2022-12-25", "D"), np.datetime64("2023-01-02", "D"))
"""Stock-taking: a week without a single line."""

WEEKDAYS = np.array([1.0, 1.05, 1.1, 1.1, 0.9, 0.0, 0.6])
"""Trade by day of the week from Monday; none on Saturdays."""

EDGE = 3
DRIFT = 0.015
ORDER_LINES = 4.0
CLEAN = 0.96
"""Share of the lines that are plain sales; the rest is added by `_cancellations`, `_odd_codes` and `_dirt`."""

QUANTITIES = {1: 0.15, 2: 0.2, 3: 0.15, 4: 0.15, 6: 0.2, 8: 0.05, 10: 0.03, 12: 0.06, 24: 0.01}
PRODUCTS = 1500
COLOURS = ("AMBER", "BLUE", "CORAL", "GREEN", "IVORY", "PLUM", "SILVER", "STRIPED", "WALNUT", "YELLOW")
THINGS = ("APRON", "BASKET", "BOWL", "CANDLE", "CARD", "CLOCK", "CUSHION", "FRAME", "JUG", "LAMP", "MUG", "TIN", "TRAY")
SIZES = ("LARGE", "MINI", "SET OF 2", "SET OF 6, BOXED", '12"')


def write_sample(path: str | Path, lines: int = 250_000, weeks: int = 120, seed: int = 1) -> Path:
    """Write a `sample` as gzipped CSV, by custom ``.csv.gz``, and return its path."""
    table = sample(lines, weeks, seed)
    with (
        writing(Path(path)) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=5, fileobj=raw, mtime=0) as packed,  # no name, no time: same bytes
        io.TextIOWrapper(packed, encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(zip(*(table[name].tolist() for name in COLUMNS), strict=True))
        file.write("600001,20001\n600002\n")  # a transfer that broke off
    return Path(path)


def sample(lines: int = 250_000, weeks: int = 120, seed: int = 1, order: float = ORDER_LINES) -> pd.DataFrame:
    """Return simulated transactions as texts, with the columns of Online Retail.

    Each country's demand drifts by itself (a random walk with steps of 1.5% a week) around a yearly season with a
    peak before Christmas; the shop is shut on Saturdays, on England's holidays and for one week. Into that come
    cancellations, missing customers, exact duplicates, postage and fees, unreadable dates and numbers, prices of
    zero and below, and countries in odd spelling.

    Args:
        lines: about this many.
        weeks: whole weeks, Monday to Sunday.
        seed: decides every byte.
        order: lines of the mean order.
    """
    generator = np.random.default_rng(seed)
    sales = _sales(generator, _orders(generator, lines * CLEAN / order, weeks), order)
    table = pd.concat([sales, _cancellations(generator, sales), _odd_codes(generator, sales)], ignore_index=True)
    table = table.sort_values(["time", "InvoiceNo"], kind="stable", ignore_index=True)
    return _dirt(generator, _exported(table))


def _demand(generator: np.random.Generator, weeks: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the days and the relative number of orders, shape ``(country, day)``."""
    days = MONDAY + np.arange(-EDGE, 7 * weeks + EDGE)
    steps = DRIFT * generator.standard_normal((len(COUNTRIES), weeks + 2))
    drift = np.repeat(np.cumsum(steps, axis=1), 7, axis=1)[:, 7 - EDGE :][:, : len(days)]
    year = (days - days.astype("datetime64[Y]")).astype(int) / 365.25
    wave = 0.06 * np.cos(2 * np.pi * (year - 0.95))
    peak = np.exp(-0.5 * ((year - 0.90) / 0.05) ** 2) - 0.25 * np.exp(-0.5 * ((year - 0.03) / 0.03) ** 2)
    height = generator.uniform(0.3, 0.6, (len(COUNTRIES), 1))
    years = range(days[0].item().year, days[-1].item().year + 1)
    shut = np.array(list(country_holidays("GB", subdiv="ENG", years=years)), dtype="datetime64[D]")
    trading = ~np.isin(days, shut) & ~((days >= CLOSED[0]) & (days < CLOSED[1]))
    weekday = WEEKDAYS[(days - MONDAY).astype(int) % 7]
    size = np.array(list(COUNTRIES.values()))[:, None]
    return days, size * np.exp(drift + wave + height * peak) * weekday * trading


def _orders(generator: np.random.Generator, number: float, weeks: int) -> pd.DataFrame:
    """Return about ``number`` orders in order of time: invoice, time, customer and country."""
    days, demand = _demand(generator, weeks)
    counts = generator.poisson(demand * (number / demand.sum()))
    country, day = (np.repeat(index, counts.ravel()) for index in np.indices(counts.shape).reshape(2, -1))
    minute = np.clip(generator.normal(13 * 60, 150, len(day)), 7 * 60, 20 * 60).astype(int)
    regulars = np.maximum(5, counts.sum(axis=1) // 12)[country]
    customer = 12_000 + 5_000 * country + np.minimum(generator.geometric(3 / regulars), regulars)
    known = generator.random(len(day)) > 0.2
    orders = pd.DataFrame(
        {
            "time": (days[day].astype("datetime64[m]") + minute).astype("datetime64[s]"),
            "CustomerID": np.where(known, customer.astype(str), ""),
            "Country": np.array(list(COUNTRIES))[country],
        }
    ).sort_values("time", kind="stable", ignore_index=True)
    return orders.assign(InvoiceNo=(500_000 + np.arange(len(orders))).astype(str))


def _sales(generator: np.random.Generator, orders: pd.DataFrame, order: float) -> pd.DataFrame:
    """Return the lines of the orders: few products sell often, most are bought in ones and twos or in dozens."""
    numbers = 1 + generator.poisson(generator.gamma(2.5, (order - 1) / 2.5, len(orders)))
    lines = orders.loc[np.repeat(orders.index, numbers)].reset_index(drop=True)
    popularity = 1 / (20 + generator.permutation(PRODUCTS)) ** 0.9
    product = generator.choice(PRODUCTS, len(lines), p=popularity / popularity.sum())
    codes, texts, prices = _products(generator)
    quantity = generator.choice(list(QUANTITIES), len(lines), p=list(QUANTITIES.values()))
    chosen = {"StockCode": codes[product], "Description": texts[product], "UnitPrice": prices[product]}
    return lines.assign(**chosen, Quantity=quantity)


def _products(generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return code, text and price of each product."""
    codes = np.array([f"{20_000 + 7 * i}{'ABS'[i % 3] if i % 5 == 0 else ''}" for i in range(PRODUCTS)])
    words = [generator.choice(pool, PRODUCTS) for pool in (SIZES, COLOURS, THINGS)]
    texts = np.array([" ".join(parts) for parts in zip(*words, strict=True)])
    prices = np.round(np.clip(generator.lognormal(1.2, 0.5, PRODUCTS), 0.2, 40), 2)
    return codes, texts, prices


def _cancellations(generator: np.random.Generator, sales: pd.DataFrame) -> pd.DataFrame:
    """Return about 1.5% of the lines taken back within two weeks, by the same customer where there is one."""
    back = sales[generator.random(len(sales)) < 0.015]
    later = back["time"] + generator.integers(1, 14 * 24 * 60, len(back)).astype("timedelta64[m]")
    numbers = ("C" + pd.Series(np.arange(700_000, 700_000 + len(back))).astype(str)).to_numpy()
    back = back.assign(InvoiceNo=numbers, Quantity=-back["Quantity"], time=later)
    return back[(later <= sales["time"].max()) & ~later.between(*CLOSED)]


def _odd_codes(generator: np.random.Generator, sales: pd.DataFrame) -> pd.DataFrame:
    """Return lines that are no products: postage, manual entries, fees, vouchers, tests, corrections of stock."""
    kinds = pd.DataFrame(
        [
            ("POST", "POSTAGE", 1, 18.0, 0.008),
            ("DOT", "WEB POSTAGE", 1, 35.5, 0.002),
            ("M", "Manual", 1, 42.0, 0.001),
            ("m", "Manual", -1, 60.0, 0.0003),
            ("D", "Discount", -1, 25.0, 0.0004),
            ("AMAZONFEE", "MARKETPLACE FEE", -1, 950.0, 0.0002),
            ("BANK CHARGES", "Bank charges", -1, 15.0, 0.0002),
            ("gift_0001_20", "Voucher 20.00", 1, 16.67, 0.0003),
            ("TEST001", "This is a test product.", 5, 4.5, 0.0001),
            ("B", "Adjust bad debt", 1, -500.0, 0.0001),
            ("22411", "damaged", -30, 0.0, 0.002),
        ],
        columns=["StockCode", "Description", "Quantity", "UnitPrice", "share"],
    )
    numbers = generator.poisson(kinds["share"] * len(sales))
    odd = kinds.drop(columns="share").loc[np.repeat(kinds.index, numbers)].reset_index(drop=True)
    beside = sales.iloc[generator.integers(0, len(sales), len(odd))].reset_index(drop=True)
    return beside.assign(**odd)


def _exported(table: pd.DataFrame) -> pd.DataFrame:
    """Return everything as the texts of an export: dates without leading zeros, prices as short as they go."""
    place, times = pd.factorize(table["time"])  # an invoice has one for all of its lines
    day = times.month.astype(str) + "/" + times.day.astype(str) + "/" + times.year.astype(str)
    date = day + " " + times.hour.astype(str) + ":" + times.minute.astype(str).str.zfill(2)
    numbers = {name: table[name].astype(str) for name in ("Quantity", "UnitPrice")}
    return table.assign(InvoiceDate=date.to_numpy()[place], **numbers)[COLUMNS].astype(object)


def _dirt(generator: np.random.Generator, table: pd.DataFrame) -> pd.DataFrame:
    """Spoil some cells, then repeat 1% of the lines right after themselves."""
    spoiled = [
        ("InvoiceDate", 0.0004, ["", "not available", "31/31/2023 8:00", "2/30/2024 10:15"]),
        ("InvoiceDate", 0.0001, ["1/1/1900 0:00"]),
        ("Quantity", 0.0003, ["", "n/a", "six"]),
        ("UnitPrice", 0.0005, ["", "free", "1.2.5"]),
        ("UnitPrice", 0.001, ["0", "0.0"]),
        ("StockCode", 0.0002, [""]),
        ("InvoiceNo", 0.0001, [""]),
    ]
    for name, share, texts in spoiled:
        here = generator.random(len(table)) < share
        table.loc[here, name] = generator.choice(texts, here.sum())
    for spell in (str.upper, str.lower, lambda text: f" {text} ", lambda text: text.replace(" ", "  ")):
        here = generator.random(len(table)) < 0.002
        table.loc[here, "Country"] = table.loc[here, "Country"].map(spell)
    copies = 1 + (generator.random(len(table)) < 0.01)
    return table.loc[np.repeat(table.index, copies)]
