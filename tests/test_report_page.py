"""The page for a reader without time: the decision first, no statistics before the details, legible anywhere."""

import re
import shutil
import subprocess
from itertools import product

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import browser
from test_report import written  # noqa: F401
from test_report_figures import contrast

from mmm_bayes.report.html import TEMPLATES
from mmm_bayes.report.page import write_report
from mmm_bayes.workspace import Workspace

STATISTICS = re.compile(
    r"\b(posterior|prior|quantile|median|credible|interval|R-hat|ESS|standard error|LightGBM|Bayes\w*|VIF|wMAPE)\b",
    re.I,
)
HEAD = {"title": "T", "verdict": "PASS", "made": None, "cards": []}


@pytest.fixture
def text(written):  # noqa: F811
    return (written.reports / "report.html").read_text(encoding="utf-8")


def before_details(text):
    start = text.index("<header>")
    return text[start : text.index("<details", start)]


def test_the_first_page_has_what_a_director_needs(text, small_run):
    head = before_details(text)
    shown = re.sub(r"<[^>]+>", " ", head)
    assert STATISTICS.findall(shown) == []
    decision = head.index('class="decision"')
    assert decision < head.index("<table>") < head.index("What media returned") < head.index("How far to trust it")
    assert re.search(r"(Clear|Leaning|Not yet)</strong>", head[decision:][:200])
    assert re.search(r"£[\d.]+ per £1", shown) and "What to test" in shown
    assert re.search(r"made \d+ \w{3} \d{4}", shown)


def test_everything_else_unfolds(text):
    main = text[text.index("<main>") :]
    parts = re.findall(r'<details class="part">\s*<summary><h2>(.*?)</h2>', main)
    assert len(parts) >= 9 and "What each channel returned" in parts
    assert len(re.findall("<h2", main)) == len(parts) + 1
    assert 'class="part" open' not in main


def colours(theme):
    """Return the variables of the style sheet in one theme."""
    css = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w{6})", block)) for block in re.findall(r":root \{[^}]*\}", css)[:2]
    )
    return light if theme == "light" else dark


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_text_can_be_read(theme, text):
    own = colours(theme)
    blocks = re.findall(r":root \{([^}]*)\}", text)
    figures = dict(re.findall(r"--([\w-]+): (#\w{6})", blocks[0 if theme == "light" else 1]))
    for paper in (figures["paper"], own["soft"]):
        for name in ("ink", "muted"):
            assert contrast(figures[name], paper) >= 4.5, name
        for name in ("accent", "pass", "review", "fail"):
            assert contrast(own[name], figures["paper"]) >= 4.5, name


def test_the_kpi_goes_by_its_label(small_run, tmp_path):
    space = Workspace(small_run.config.name, tmp_path)
    shutil.copytree(small_run.space.data, space.data)
    config = small_run.config.model_copy(update={"kpi_label": "net sales"})
    write_report(config, space)
    markdown = (space.reports / "report.md").read_text(encoding="utf-8")
    assert "Where net sales came from" in markdown and "of net sales" in markdown
    assert "revenue" not in markdown.split("```yaml")[0].replace("revenue:", "")


def test_anyone_can_read_it_on_any_screen(written):  # noqa: F811
    """All parts unfolded, light and dark, on a telephone and a desk: WCAG by axe, and nothing asked of the network."""
    with browser() as own:
        for scheme, width in product(("light", "dark"), (390, 1200)):
            page = own.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
            asked = []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.goto((written.reports / "report.html").as_uri())
            page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
            found = Axe().run(page).response["violations"]
            assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
            assert page.evaluate("document.documentElement.scrollWidth") == width
            tip = page.locator(".tip").nth(1)
            assert not tip.locator(".said").first.is_visible()
            tip.focus()
            assert tip.locator(".said").first.is_visible()
            other = page.locator(".tip").nth(2)
            other.hover()
            assert other.locator(".said").first.is_visible() and not tip.locator(".said").first.is_visible()
            assert len(asked) == 1
            page.close()


@pytest.mark.skipif(not (shutil.which("chromium") and shutil.which("pdftotext")), reason="needs a browser")
def test_it_prints_on_two_pages_and_an_appendix(written, tmp_path):  # noqa: F811
    pdf = tmp_path / "report.pdf"
    page = (written.reports / "report.html").as_uri()
    browser = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    subprocess.run(
        [*browser, f"--user-data-dir={tmp_path}", f"--print-to-pdf={pdf}", page], check=True, capture_output=True
    )
    told = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], check=True, capture_output=True, text=True).stdout
    pages = told.split("\f")
    first = next(i for i, content in enumerate(pages) if content.strip().startswith("Appendix"))
    assert first <= 2
    assert "What to test" in "".join(pages[:first]) and "Chains agree" not in "".join(pages[:first])
    assert "Chains agree" in "".join(pages[first:])
