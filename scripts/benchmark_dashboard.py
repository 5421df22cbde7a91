"""Time the dashboard of a run in a real browser: to its first page, and from a change to its numbers.

    python scripts/benchmark_dashboard.py CONFIG [--output FOLDER] [--times 9]

The run must have been fitted below FOLDER (the demo: ``mmm-bayes demo``, then ``mmm_bayes/demo.yaml``). Prints a
Markdown table of medians and the slowest of each; seconds count in the browser, from the key that is pressed until
other key figures stand on the page.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from browser import browser, dashboard, settled

FIGURES = "[...document.querySelectorAll('[data-testid=stMetricValue]')].map(e => e.innerText).join()"
NUMBERS = "[data-testid=stMetricValue]"
WEEKS, TOTAL, MONEY = range(3)
"""Places of the fields of the planner."""


def first_page(page: Page, address: str) -> float:
    """Return the seconds until the first key figure stands on the page."""
    started = time.perf_counter()
    page.goto(address)
    page.wait_for_selector(NUMBERS)
    return time.perf_counter() - started


def change(page: Page, act: Callable[[], None]) -> float:
    """Return the seconds from an act until the key figures are others."""
    before = page.evaluate(FIGURES)
    started = time.perf_counter()
    act()
    page.wait_for_function(f"before => {FIGURES} !== before", arg=before, polling="raf")
    seconds = time.perf_counter() - started
    settled(page)
    return seconds


def changes(page: Page, times: int) -> dict[str, list[float]]:
    """Return the seconds of each kind of change to the plan."""
    page.get_by_role("tab", name="Planner").click()
    page.wait_for_selector("[data-testid=stNumberInputField]")
    settled(page)
    start = float(page.get_by_test_id("stNumberInputField").nth(MONEY).input_value())

    def typed(number: float, place: int) -> Callable[[], None]:
        field = page.get_by_test_id("stNumberInputField").nth(place)
        field.fill(f"{number:.0f}")
        return lambda: field.press("Enter")

    def slid() -> None:
        slider = page.get_by_role("slider").first
        slider.focus()
        slider.press("ArrowRight")

    def optimised(i: int) -> float:
        change(page, typed(start * (1.5 + 0.1 * i), MONEY))  # so far that figures of three digits tell the best plan
        return change(page, page.get_by_role("button", name="Optimise").click)

    found: dict[str, list[float]] = {}
    found["money of a channel, typed"] = [change(page, typed(start * (1.1 + i / 50), MONEY)) for i in range(times)]
    found["money of a channel, slid"] = [change(page, slid) for _ in range(times)]
    found["the total, typed"] = [change(page, typed(6 * start * (1 + i / 50), TOTAL)) for i in range(times)]
    found["Optimise"] = [optimised(i) for i in range(times)]
    found["weeks, for the first time"] = [change(page, typed(20 + 3 * i, WEEKS)) for i in range(times)]
    return found


def main() -> None:
    """Start a server, visit it, change the plan, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("--output", type=Path, default=Path())
    parser.add_argument("--times", type=int, default=9)
    asked = parser.parse_args()
    found: dict[str, list[float]] = {
        "command to server": [],
        "first page of a server": [],
        "first page, later visits": [],
    }
    with browser() as chromium:
        for visit in range(3):
            started = time.perf_counter()
            with dashboard(asked.output, str(asked.config.resolve())) as (address, _):
                found["command to server"].append(time.perf_counter() - started)
                for name in ("first page of a server", *["first page, later visits"] * 3):
                    page = chromium.new_page()
                    found[name].append(first_page(page, address))
                if visit == 2:
                    found |= changes(page, asked.times)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| what | median, s | slowest, s | of |\n|---|---|---|---|")
    for name, seconds in found.items():
        print(f"| {name} | {statistics.median(seconds):.2f} | {max(seconds):.2f} | {len(seconds)} |")


if __name__ == "__main__":
    main()
