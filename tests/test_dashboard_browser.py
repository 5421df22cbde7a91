"""The dashboard as it is really served, in a real browser: no source on the page, fields that obey, no barriers."""

import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from browser import browser, dashboard, settled
from playwright.sync_api import Browser, Page, expect

from mmm_bayes import pipeline
from mmm_bayes.allocate import draft_of_plan
from mmm_bayes.config import load_config
from mmm_bayes.curves import load_curves
from mmm_bayes.report.numbers import Money

TABS = ["Summary", "Planner", "Returns", "Over time", "Curves & plan", "Forecast", "Data quality", "Side by side"]
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
LOOKS = {
    "light": {"color_scheme": "light", "viewport": WIDE},
    "dark": {"color_scheme": "dark", "viewport": WIDE},
    "phone": {"color_scheme": "light", "viewport": PHONE},
}


@pytest.fixture(scope="module")
def folder(small_run, tmp_path_factory) -> Path:
    """Two runs, the shared one and its copy by geo, with configurations of their own."""
    root = Path(tmp_path_factory.mktemp("served"))
    shutil.copytree(small_run.space.root, root, dirs_exist_ok=True)
    shutil.copytree(root / "data" / "small", root / "data" / "by_geo")
    raw = small_run.config.model_dump(mode="json", exclude_unset=True, exclude={"folder"})
    raw["allocate"] = {"weeks": 13}
    for name, more in {"small": {}, "by_geo": {"allocate": {"weeks": 13, "by_geo": True}}}.items():
        (root / f"{name}.yaml").write_text(yaml.safe_dump(raw | more | {"name": name}), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def address(chromium, folder) -> Iterator[str]:
    with dashboard(folder, "small.yaml", "by_geo.yaml") as (found, _):
        yield found


@pytest.fixture
def page(chromium, address) -> Iterator[Page]:
    context = chromium.new_context(viewport=WIDE, accept_downloads=True)
    found = context.new_page()
    found.goto(address)
    settled(found)
    yield found
    context.close()


def go(page: Page, tab: str) -> None:
    page.get_by_role("tab", name=tab, exact=True).click()
    expect(page.get_by_role("tab", name=tab, exact=True)).to_have_attribute("aria-selected", "true")
    settled(page)


def metrics(page: Page) -> list[str]:
    return page.get_by_test_id("stMetricValue").all_inner_texts()


def typed(page: Page, name: str, value: float) -> None:
    field = page.get_by_label(name, exact=True)
    field.fill(str(value))
    field.press("Enter")
    settled(page)


def pressed(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    settled(page)


def value(page: Page, name: str) -> float:
    return float(page.get_by_label(name, exact=True).input_value())


def test_no_line_of_the_source_stands_on_the_page_and_nothing_breaks(page):
    """Streamlit prints bare strings, such as the docstrings of constants, unless it is told not to."""
    sources = "".join(file.read_text(encoding="utf-8") for file in Path("mmm_bayes/dashboard").rglob("*.py"))
    docstrings = {line.strip(' "\n') for line in re.findall(r'"""(.*?)"""', sources, flags=re.DOTALL)}
    sentences = {doc.split("\n")[0] for doc in docstrings if len(doc) > 25}
    assert len(sentences) > 50
    for tab in TABS:
        go(page, tab)
        shown = page.locator("body").inner_text()
        assert not [sentence for sentence in sentences if sentence in shown], tab
        assert page.get_by_test_id("stException").count() == 0, tab
        assert len(shown) > 100


def test_the_page_is_served_to_this_machine_alone(address):
    port = int(address.rpartition(":")[2])
    others = {found[4][0] for found in socket.getaddrinfo(socket.gethostname(), port, family=socket.AF_INET)}
    for host in others - {"127.0.0.1", "127.0.1.1"}:
        with socket.socket() as caller:
            caller.settimeout(1)
            assert caller.connect_ex((host, port)) != 0, host


@pytest.mark.parametrize("look", LOOKS)
def test_nothing_keeps_anybody_out(chromium, address, look):
    """Every tab, with a plan that moves and a scenario kept: no violation that axe knows of, and it fits its screen."""
    context = chromium.new_context(**LOOKS[look])
    page = context.new_page()
    page.goto(address)
    settled(page)
    for tab in TABS:
        go(page, tab)
        if tab == "Planner":
            typed(page, "tv, £", 1000)
            pressed(page, "Keep")
        found = Axe().run(page).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"]) for v in found] == [], tab
        too_wide = "e => e.scrollWidth > e.clientWidth + 1"
        assert not page.get_by_test_id("stMain").evaluate(too_wide), tab
        for chart in page.locator("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg").all():
            box = chart.bounding_box()
            assert box is None or box["x"] + box["width"] <= LOOKS[look]["viewport"]["width"] + 1, tab
    context.close()


def test_what_is_typed_is_what_the_command_line_says(page, folder, small_run):
    go(page, "Planner")
    curves = load_curves(folder / "data" / "small" / "curves.parquet")
    today = dict(zip(curves.channels, curves.today, strict=True))
    typed(page, "tv, £", round(0.8 * today["tv"], 2))
    plan = pipeline.allocate(load_config(folder / "small.yaml"), folder, what_if="tv=-20%", force=True)
    money = Money.fitting("£", float(small_run.panel.data["spend"].sum()))
    assert metrics(page)[:3] == [money.short(v) for v in (plan.spend_plan, plan.gain.mean, plan.profit_gain.mean)]
    total = value(page, "Money in all, £")
    pressed(page, "Optimise")
    assert value(page, "Money in all, £") == pytest.approx(total, abs=1)
    pressed(page, "From today")
    assert value(page, "tv, £") == pytest.approx(today["tv"], abs=0.51)  # fields show whole pounds


def test_a_slider_moves_by_the_keyboard_and_quick_hands_lose_nothing(page):
    """Fields that the draft changes must not send back what they showed before, however fast changes come."""
    go(page, "Planner")
    weeks, total = page.get_by_label("Weeks to plan"), value(page, "Money in all, £")
    others = value(page, "search, £"), value(page, "social, £")
    slider = page.get_by_role("slider").first
    slider.focus()
    for _ in range(12):
        slider.press("ArrowRight")
        page.wait_for_timeout(40)
    settled(page)
    page.wait_for_timeout(1000)
    moved = value(page, "tv, £")
    assert (value(page, "search, £"), value(page, "social, £")) == others
    assert value(page, "Money in all, £") == pytest.approx(moved + sum(others), abs=1)
    assert value(page, "Money in all, £") > total
    pressed(page, "From today")
    for number in (26, 8, 30, 13):
        weeks.fill(str(number))
        weeks.press("Enter")
        page.wait_for_timeout(60)
    page.wait_for_timeout(3000)
    settled(page)
    assert value(page, "Money in all, £") == pytest.approx(total, abs=1)
    assert (value(page, "search, £"), value(page, "social, £")) == pytest.approx(others, abs=1)


def test_lock_and_limits_hold_and_the_fragment_leads_allocate_to_the_plan(page, folder):
    go(page, "Planner")
    today = value(page, "search, £")
    typed(page, "tv, £", 2000)
    page.get_by_test_id("stCheckbox").first.click()
    settled(page)
    page.get_by_role("button", name=re.compile("^Limits")).nth(1).click()
    typed(page, "At most", round(1.1 * today, 2))
    page.keyboard.press("Escape")
    pressed(page, "Optimise")
    assert value(page, "tv, £") == 2000
    assert value(page, "search, £") <= 1.1 * today + 1
    with page.expect_download() as download:
        page.get_by_role("button", name="YAML for allocate").click()
    raw = yaml.safe_load((folder / "small.yaml").read_text(encoding="utf-8"))
    raw |= yaml.safe_load(Path(download.value.path()).read_text(encoding="utf-8"))
    (folder / "fragment.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    shown = {name: value(page, f"{name}, £") for name in ("tv", "search", "social")}
    found = pipeline.allocate(load_config(folder / "fragment.yaml"), folder, force=True)
    assert draft_of_plan(found).spend == pytest.approx(shown, abs=0.51)
    assert metrics(page)[1] == Money("£", 0).short(found.gain.mean)


def test_a_run_by_geo_is_planned_by_geo(page):
    page.get_by_role("radio", name="by_geo").or_(page.get_by_role("button", name="by_geo")).first.click()
    settled(page)
    go(page, "Planner")
    whole = value(page, "tv, £")
    page.get_by_test_id("stSelectbox").get_by_role("combobox").first.click()
    page.get_by_role("option").nth(1).click()
    settled(page)
    own = value(page, "tv, £")
    assert 0 < own < whole
    typed(page, "tv, £", 0)
    assert metrics(page)[0] != ""
    page.get_by_test_id("stSelectbox").get_by_role("combobox").first.click()
    page.get_by_role("option").nth(0).click()
    settled(page)
    assert value(page, "tv, £") == pytest.approx(whole - own, abs=1)
