"""The report of the shared run: its numbers are those of the files, and it stands by itself."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser
from itertools import takewhile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
import xarray as xr
from jinja2 import UndefinedError
from provenance_cases import adopt

from mmm_bayes import pipeline
from mmm_bayes.config import override
from mmm_bayes.curves import load_curves, save_curves
from mmm_bayes.errors import DataError
from mmm_bayes.provenance import STEPS, step
from mmm_bayes.provenance.manifest import Change
from mmm_bayes.report import tables
from mmm_bayes.report.content import Content, make_cards, make_context, settings
from mmm_bayes.report.facts import channel_of, headline
from mmm_bayes.report.numbers import Money, Shown, ratio
from mmm_bayes.report.page import absent, image, markdown_table, to_html, to_markdown, write_report
from mmm_bayes.report.results import load_results
from mmm_bayes.report.tables import Table
from mmm_bayes.report.words import word
from mmm_bayes.report.workbook import write_workbook
from mmm_bayes.workspace import Workspace, write_json

SECTIONS = {
    "fit": ["returned", "came from", "more or less money", "fits"],
    "compare": ["LightGBM"],
    "allocate": ["next budget"],
}


def copy(run, folder):
    """Return a copy of a run's files that a test may change."""
    space = Workspace(run.config.name, folder)
    shutil.copytree(run.space.data, space.data)
    return space


def report(run, space):
    write_report(run.config, space)
    return (space.reports / "report.md").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def written(small_run, tmp_path_factory):
    space = copy(small_run, tmp_path_factory.mktemp("report"))
    assert write_report(small_run.config, space) == space.reports / "report.html"
    return space


@pytest.fixture(scope="session")
def markdown(written):
    return (written.reports / "report.md").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def results(small_run, written):
    return load_results(small_run.config, written)


def section(text, words):
    """Return the part of a report below the heading that has these words."""
    return next(part for part in text.split("\n## ") if words in part.split("\n")[0])


def rows(text, first):
    """Return the cells of the table whose first heading row starts with these, by name of the row."""
    lines = text.split("\n")
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {first}"))
    whole = takewhile(lambda line: line.startswith("|"), lines[start:])
    heads, *body = [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in whole]
    return {row[0]: dict(zip(heads, row, strict=False)) for row in body if not row[0].startswith(":")}


def amount(text):
    return float(re.sub(r"[£,%+]", "", text).replace("−", "-"))


# --- languages ----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def french(small_run, tmp_path_factory):
    space = copy(small_run, tmp_path_factory.mktemp("french"))
    write_report(override(small_run.config, "fr"), space)
    return space


def told(text):
    """Return the digits of each row of each table."""
    return [re.sub(r"\D", "", line) for line in text.split("\n") if line.startswith("|")]


def test_a_french_report_tells_the_same_numbers_in_french(french, markdown):
    text = (french.reports / "report.md").read_text(encoding="utf-8")
    page = (french.reports / "report.html").read_text(encoding="utf-8")
    assert '<html lang="fr">' in page and re.search(r"intervalle à 90[\u00a0\u202f]%", page)
    assert len(re.findall("^## ", text, re.MULTILINE)) == len(re.findall("^## ", markdown, re.MULTILINE))
    assert len(told(markdown)) > 60 and told(text) == told(markdown)
    assert re.search(r"\d\u202f\d{3}\u00a0£", text) and not re.search(r"£\d|\d%", text)


def test_no_english_sentence_is_left_in_a_french_report(french):
    shown = (french.reports / "report.md").read_text(encoding="utf-8").split("<details>")[0]
    for figure in (french.reports / "figures").glob("*.svg"):
        shown += "\n".join(re.findall(">([^<]+)<", figure.read_text(encoding="utf-8")))
    english = r"\b(the|of|and|with|that|which|weeks?|spend|spent|channels?|interval|today|chance|model)\b"
    seen = [found[0] for found in re.finditer(rf"[^.|<>\n]{{0,40}}{english}[^.|<>\n]{{0,40}}", shown)]
    assert seen == []


# --- numbers ------------------------------------------------------------------------------------


def test_returns_are_those_of_the_file(markdown, written):
    found = rows(section(markdown, "returned"), "channel | spend")
    with (written.data / "roi.csv").open() as file:
        told = {row["channel"]: row for row in csv.DictReader(file)}
    for channel, row in told.items():
        assert found[channel]["spend"] == f"£{float(row['spend']):,.0f}"
        assert found[channel]["contribution"] == f"£{float(row['contribution']):,.0f}"
        assert amount(found[channel]["ROI"]) == pytest.approx(float(row["roi_mean"]), abs=0.006)
        ends = [amount(end) for end in found[channel]["90% interval"].split("–")]
        assert ends == pytest.approx([float(row["roi_low"]), float(row["roi_high"])], rel=0.01)
    total = found["all channels"]
    for column in ("spend", "contribution"):
        assert total[column] == f"£{sum(float(row[column]) for row in told.values()):,.0f}"


def test_the_plan_adds_up_to_the_cent(markdown, written, results):
    found = rows(section(markdown, "next budget"), "channel | today")
    with (written.data / "allocation.csv").open() as file:
        told = list(csv.DictReader(file))
    for column, name in (("today", "spend_now"), ("plan", "spend_plan"), ("with the plan", "contribution_plan")):
        whole = sum(float(row[name]) for row in told)
        assert found["total"][column] == f"£{whole:,.0f}"
    assert sum(float(row["spend_plan"]) for row in told) == pytest.approx(results.plan.spend_plan, abs=0.005)
    for row in told:
        assert found[row["channel"]]["plan"] == f"£{float(row['spend_plan']):,.0f}"


def test_the_headline_equals_a_plain_computation(results, small_posterior):
    head = headline(results.fit, results.kpi, 0.9)
    share = small_posterior["contribution_share"] * small_posterior["misfit"]
    spend = results.panel.data["spend"].sum(("geo", "week")).to_numpy()
    kpi = float(results.panel.data["kpi"].sum())
    totals = sorted(sum(draw) * kpi / sum(spend) for draw in share)
    assert head.roi.mean == pytest.approx(np.mean(totals), rel=1e-6)
    assert head.roi.low == pytest.approx(np.quantile(totals, 0.05))
    assert head.contribution.mean == pytest.approx(share.sum(axis=1).mean() * kpi, rel=1e-6)
    assert head.share.mean * results.kpi == pytest.approx(head.contribution.mean, rel=1e-6)
    names = small_posterior.channels
    wins = [max(zip(draw / spend, names, strict=True))[1] == head.best for draw in share]
    assert head.best_chance == pytest.approx(np.mean(wins))


def test_truth_is_shown_beside_the_estimate(markdown, small_run):
    found = rows(section(markdown, "The truth"), "channel | inside")
    for channel, roi in small_run.simulated.truth.roi.items():
        assert amount(found[channel]["true ROI"]) == pytest.approx(roi, rel=0.01)
    roi = small_run.fitted.roi.set_index("channel")
    inside = [r.roi_low <= small_run.simulated.truth.roi[c] <= r.roi_high for c, r in roi.iterrows()]
    assert [row["inside"] for row in found.values()] == ["yes" if i else "no" for i in inside]


def test_simulated_factors_are_shown_beside_the_estimate(results):
    weeks = results.fit.contributions["week"]
    true = pd.DataFrame({"economy": np.linspace(-4000, 6000, len(weeks)), "sales": 0.0}, index=weeks)
    true.iloc[7, 1] = 2500.0
    found = {"control:economy": true["economy"].to_numpy() * 0.9 + 70, "control:sales": true["sales"].to_numpy() * 1.2}
    fit = replace(results.fit, contributions=results.fit.contributions.assign(**found))
    table = tables.factors(replace(results.truth, factors=true), fit, Money("£", 0))
    assert table.heads == ["factor", "true difference", "estimate"]
    assert table.rows == [["economy", "£10,000", "£9,000"], ["sales", "£2,500", "£3,000"]]


def test_no_number_has_more_than_six_decimals(written):
    text = (written.reports / "report.md").read_text(encoding="utf-8").split("```yaml")[0]
    assert not re.findall(r"\d\.\d{7,}", text)
    assert not re.findall(r"\d\.\d{4,}", re.sub(r"`[^`]*`", "", text))
    assert not re.findall(r"\b(nan|None|inf)\b", text)


# --- files --------------------------------------------------------------------------------------


def test_every_figure_is_linked_and_every_link_leads_somewhere(written, markdown):
    linked = re.findall(r"!\[[^]]+\]\(([^)]+)\)", markdown)
    assert sorted(linked) == sorted(f"figures/{p.name}" for p in (written.reports / "figures").iterdir())
    assert len(linked) >= 9


class Page(HTMLParser):
    """Checks that tags close as they should, and collects what a page loads."""

    void = frozenset({"meta", "img", "br", "hr", "link"})

    def __init__(self):
        super().__init__()
        self.open, self.loads, self.anchors, self.ids = [], [], [], []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.loads += [values[k] for k in ("src", "href") if k in values and not values[k].startswith("#")]
        self.anchors += [values["href"][1:]] if values.get("href", "").startswith("#") else []
        self.ids += [values["id"]] if "id" in values else []
        if tag == "img":
            assert values["alt"]
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_loads_nothing(written):
    text = (written.reports / "report.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.loads == []
    assert set(page.anchors) <= set(page.ids)
    assert len(set(page.ids)) == len(page.ids)
    assert not re.search(r"@import|url\((?!#)|<script|<link|https?://(?!www\.w3\.org/2000/svg)", text)
    assert text.count("<svg ") == len(list((written.reports / "figures").iterdir()))
    assert len(text.encode()) < 2e6


def test_the_same_files_give_the_same_bytes_in_another_process(small_run, written, tmp_path):
    space = copy(small_run, tmp_path)
    (tmp_path / "config.json").write_text(small_run.config.model_dump_json(exclude={"folder"}), encoding="utf-8")
    script = (
        "import json, sys; from pathlib import Path; from mmm_bayes.config import make_config; "
        "from mmm_bayes.report.page import write_report; from mmm_bayes.workspace import Workspace; "
        "root = Path(sys.argv[1]); "
        "config = make_config(json.loads((root / 'config.json').read_text())); "
        "write_report(config, Workspace(config.name, root))"
    )
    environment = os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "COLUMNS": "40"}
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, env=environment)
    files = sorted(p.relative_to(written.reports) for p in written.reports.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(space.reports) for p in space.reports.rglob("*") if p.is_file())
    for file in files:
        assert (written.reports / file).read_bytes() == (space.reports / file).read_bytes(), file


# --- what is missing, or belongs to something else ----------------------------------------------


@pytest.mark.parametrize(
    ("file", "command"),
    [
        *((name, "fit") for name in ("posterior.nc", "roi.csv", "contributions.csv", "fit.csv", "diagnostics.json")),
        *(("curves.parquet", "fit"), ("comparison.json", "compare"), ("holdout.csv", "compare")),
        *(("comparison.csv", "compare"), ("allocation.json", "allocate")),
    ],
)
def test_a_missing_file_leaves_out_its_sections_and_names_the_command(small_run, tmp_path, file, command):
    space = copy(small_run, tmp_path)
    (space.data / file).unlink()
    text = report(small_run, space)
    gone = [name for names in SECTIONS.values() for name in names] if command == "fit" else SECTIONS[command]
    for words in gone:
        part = section(text, words)
        assert f"Run `mmm-bayes {command} CONFIG` to add " in part
        assert "![" not in part
    for words in {name for names in SECTIONS.values() for name in names} - set(gone):
        assert "![" in section(text, words)
    assert "The truth beside" not in text if command == "fit" else "The truth beside" in text


def test_without_simulated_spend_no_truth_is_shown(small_run, tmp_path):
    space = copy(small_run, tmp_path)
    for path in space.data.glob("truth*"):
        path.unlink()
    adopt(space)
    text = report(small_run, space)
    assert "The truth beside" not in text
    assert "diamond" not in text


@pytest.mark.parametrize("file", ["panel.parquet", "quality.json"])
def test_without_a_panel_there_is_no_report(small_run, tmp_path, file):
    space = copy(small_run, tmp_path)
    (space.data / file).unlink()
    with pytest.raises(DataError, match="run 'mmm-bayes prepare' first"):
        write_report(small_run.config, space)
    assert not space.reports.exists()


def test_results_of_another_panel_are_not_shown(small_run, tmp_path):
    space = copy(small_run, tmp_path)
    table = pd.read_parquet(space.data / "panel.parquet")
    with step(space, "prepare", small_run.config) as work:
        for file in STEPS["prepare"].files:
            if (space.data / file).exists():
                shutil.copy(space.data / file, work.folder / file)
        table.assign(revenue=table["revenue"] * 1.01).to_parquet(work.folder / "panel.parquet")
    text = report(small_run, space)
    changed = "panel.parquet has changed since the model was fitted"
    assert f"Out of date: {changed}. Run `mmm-bayes fit CONFIG` to renew the returns." in text
    assert "![" not in text


@pytest.mark.parametrize(
    ("old", "shown"),
    [
        ("'/srv/a b/old.csv'", "'…/old.csv'"),
        ("\"/home/o'brien/o'ld.csv\"", '"…/o\'ld.csv"'),
        ("'/old.csv'", "'…/old.csv'"),
        ("'a/old.csv'", "'a/old.csv'"),
    ],
)
def test_what_lies_elsewhere_now_is_told_without_the_folders_of_this_machine(small_run, old, shown):
    change = Change("prepare", f"panel.path was {old} when data were prepared, now it is 'new.csv'")
    results = replace(load_results(small_run.config, small_run.space), fit=None, outdated={"fit": change})
    said = absent(results, "fit", "the returns")
    assert f"panel.path was {shown} when data were prepared, now it is 'new.csv'. Run " in said


@pytest.mark.parametrize("words", ["LightGBM", "next budget"])
def test_results_of_an_earlier_fit_are_not_shown(small_run, tmp_path, words):
    space, before = copy(small_run, tmp_path), small_run.space.data
    with step(space, "fit", small_run.config) as work:
        for file in STEPS["fit"].files:
            if (before / file).exists():
                shutil.copy(before / file, work.folder / file)
        roi = pd.read_csv(before / "roi.csv")
        roi.assign(roi_median=roi["roi_median"] * 1.001).to_csv(work.folder / "roi.csv", index=False)
        with (work.folder / "posterior.nc").open("ab") as file:
            file.write(b"another")
    part = section(report(small_run, space), words)
    changed, command = {"LightGBM": ("roi.csv", "compare"), "next budget": ("posterior.nc", "allocate")}[words]
    assert f"Out of date: {changed} has changed since the " in part
    assert f"Run `mmm-bayes {command} CONFIG` to renew " in part
    assert "![" not in part


def test_a_broken_file_is_an_error_and_the_earlier_report_is_kept(small_run, tmp_path):
    space = copy(small_run, tmp_path)
    report(small_run, space)
    before = (space.reports / "report.html").read_bytes()
    table = pd.read_csv(space.data / "contributions.csv")
    table.drop(columns="channel:tv").to_csv(space.data / "contributions.csv", index=False)
    with pytest.raises(DataError, match=r"contributions\.csv is damaged or was edited since the model was fitted: run"):
        write_report(small_run.config, space)
    assert (space.reports / "report.html").read_bytes() == before
    assert not [path for path in space.root.rglob(".*")]


def test_a_figure_that_was_not_drawn_is_an_error(results):
    with pytest.raises(KeyError, match="roi"):
        image("roi", Content(results, {}, Money("£", 0), {}, {}, {}))


# --- other runs ---------------------------------------------------------------------------------


def test_a_plan_by_geo_is_added_up(small_run, tmp_path):
    space = copy(small_run, tmp_path)
    config = override(small_run.config, allocate={"by_geo": True})
    plan = pipeline.allocate(config, space.root, force=True)
    write_report(config, space)
    part = section((space.reports / "report.md").read_text(encoding="utf-8"), "next budget")
    found = rows(part, "channel | today")
    assert [c for c in found if c != "total"] == list(dict.fromkeys(c.channel.split(" | ")[0] for c in plan.channels))
    for channel, row in found.items():
        own = [c.spend_plan for c in plan.channels if channel in ("total", c.channel.split(" | ")[0])]
        assert row["plan"] == f"£{sum(own):,.0f}"
    geos = rows(part, "geo | today")
    assert sum(amount(row["plan"]) for row in geos.values()) == pytest.approx(plan.spend_plan, abs=2)


def test_a_plan_of_ones_own_is_shown_below(small_run, tmp_path):
    space = copy(small_run, tmp_path)
    plan = pipeline.allocate(small_run.config, space.root, what_if="tv=-20%", force=True)
    part = section(report(small_run, space), "next budget").split("### A plan of your own")[1]
    found = rows(part, "channel | today")
    assert found["tv"]["change"] == "−20%"
    assert "limits" not in found["tv"]
    assert found["total"]["plan"] == f"£{plan.spend_plan:,.0f}"
    assert "under 1%" in part or f"{plan.gain.probability:.0%}" in part


def test_the_best_plans_for_other_totals_are_shown_with_todays(markdown, written):
    part = section(markdown, "next budget").split("### How much to spend in all")[1]
    found = rows(part, "total | against today")
    told = pd.read_csv(written.data / "frontier.csv")
    now = pd.read_csv(written.data / "allocation.csv")["spend_now"].sum()
    assert f"£{now:,.0f}" in found
    assert found[f"£{now:,.0f}"]["against today"] == "today's total"
    best = told.loc[told["profit"].idxmax()]
    assert found[f"£{best['total']:,.0f}"]["contribution"] == f"£{best['response_mean']:,.0f}"
    for total, row in found.items():
        own = told.loc[told["total"].sub(amount(total)).abs().idxmin()]
        assert amount(row["ROI"]) == pytest.approx(own["response_mean"] / own["total"], abs=0.006)


def test_the_weeks_of_a_plan_are_shown_where_they_were_asked_for(small_run, tmp_path):
    space = copy(small_run, tmp_path)
    assert "### When to spend it" not in report(small_run, space)
    found = pipeline.schedule(small_run.config, space.root)
    part = section(report(small_run, space), "next budget").split("### When to spend it")[1]
    shown = rows(part, "channel | best weeks")
    assert [row["best weeks"] for row in shown.values()] == [word(s.pattern) for s in found]
    assert ("figures/schedule.svg" in part) == any(s.gain.mean for s in found)
    for one in found:
        assert shown[one.channel]["spent evenly"] == f"£{one.response_even:,.0f}"
    pipeline.allocate(override(small_run.config, allocate={"budget": 1e6}), space.root, force=True)
    assert "### When to spend it" not in report(small_run, space)  # they belong to another plan


def test_without_a_frontier_its_part_is_left_out(small_run, tmp_path):
    space = copy(small_run, tmp_path)
    (space.data / "frontier.csv").unlink()
    adopt(space)
    text = report(small_run, space)
    assert "### How much to spend in all" not in text
    assert "figures/plan.svg" in text


def test_organic_channels_have_a_contribution_but_no_roi(results):
    roi = results.fit.roi.copy()
    empty = [c for c in roi.columns if c.startswith(("roi_", "mroi_", "prior_"))]
    roi.loc[roi["channel"] == "social", empty] = np.nan
    roi.loc[roi["channel"] == "social", "spend"] = 0.0
    fit = replace(results.fit, roi=roi)
    context = make_context(replace(results, fit=fit, plan=None, comparison=None), Money("£", 0), {})
    row = next(row for row in context["roi_table"].rows if row[0] == "social")
    assert row[1] == "–"
    assert amount(row[2]) > 0
    cells = dict(zip(context["roi_table"].heads, row, strict=True))
    without = ("ROI", "90% interval", "chance over\N{NO-BREAK SPACE}1", "marginal ROI", "prior")
    assert [cells[head] for head in without] == ["–"] * 5
    assert context["organic"] == ["social"]
    paid = fit.share[:, [c != "social" for c in roi["channel"]]].sum(axis=1)
    assert context["head"].roi.mean == pytest.approx(paid.mean() * results.kpi / roi["spend"].sum(), rel=1e-6)


@pytest.mark.parametrize("verdict", ["PASS", "REVIEW", "FAIL"])
def test_each_verdict_has_its_words(small_run, tmp_path, verdict):
    space = copy(small_run, tmp_path)
    found = json.loads((space.data / "diagnostics.json").read_text(encoding="utf-8"))
    for reason in found["reasons"]:
        reason |= {"status": "PASS", "remedy": ""}
    if verdict != "PASS":
        found["reasons"][3] |= {
            "status": verdict,
            "message": "7% of the draws diverged.",
            "remedy": "Raise the target.",
        }
    found |= {"verdict": verdict}
    write_json(space.data / "diagnostics.json", found)
    adopt(space)
    text = report(small_run, space)
    part = section(text, "trusted")
    expected = {
        "PASS": "The model passed all 16 of its checks.",
        "REVIEW": "1 of the model's 16 checks wants a look: divergences.",
        "FAIL": "The model failed: 1 of its 16 checks are not passed (divergences), and its numbers are not",
    }[verdict]
    assert expected in part.replace("\\", "")
    assert expected.partition(":")[0] in text.split("\n## ")[0]
    assert ("- **divergences (" in part) == (verdict != "PASS")
    assert text.split("\n")[2].startswith("**The model failed") == (verdict == "FAIL")
    assert ("no plan that rests on it is to be made" in text) == (verdict == "FAIL")


def test_transactions_are_accounted_for_to_the_cent(small_run, tmp_path):
    space = copy(small_run, tmp_path)
    step = {"values": {"day": ""}, "total": False, "unknown": 0, "estimate": 0.0}
    steps = [
        {"code": "lines.read", "total": True, "lines": 541_909, "revenue": 9_747_747.934},
        {"code": "reason.exact_duplicate", "lines": -5_268, "revenue": -21_740.98},
        {"code": "reason.malformed_line", "lines": -12, "revenue": 0.0, "unknown": -12},
        {"code": "reason.missing_product", "lines": -2, "revenue": 0.0, "unknown": -2, "estimate": -1234.5},
        {"code": "reason.missing_invoice", "lines": -12, "revenue": -3.0, "unknown": -9, "estimate": -27.04},
        {"code": "lines.in_panel", "total": True, "lines": 536_615, "revenue": 9_726_003.954},
    ]
    quality = {
        "source": "lines/*.csv",
        "lines_read": 541_909,
        "waterfall": [step | one for one in steps],
        "cancellations": {"treatment": "own_week", "lines": 8_668, "revenue": -475_901.16, "unmatched": 0},
        "geos": {"groups": [{"geo": "UK", "revenue_share": 0.84}, {"geo": "Rest", "revenue_share": 0.16}]},
        "weeks": {"first": "2010-12-06", "last": "2011-11-28", "count": 52, "filled_geo_weeks": {"UK": 1}},
        "spend": {"path": "spend.csv", "channels": {"tv": 100.004, "search": 50.0}},
        "notes": [{"code": "data.no_customer", "values": {"lines": 135_080}}],
    }
    write_json(space.data / "quality.json", quality)
    adopt(space)
    part = section(report(small_run, space), "What the data are")
    found = rows(part, "step | lines")
    assert found["lines read"] == {"step": "lines read", "lines": "541,909", "revenue": "£9,747,747.93"}
    assert found["exact duplicate"]["revenue"] == "−£21,740.98"
    assert found["malformed line"]["revenue"] == "unknown"
    assert found["missing product"]["revenue"] == "about −£1.23k"
    assert found["missing invoice"]["revenue"] == "−£3.00 and about −£27.0"
    for sentence in ("8,668 cancellations (−£475,901.16)", "UK 84% and Rest 16%", "2 channels, £150.00", "UK 1 week"):
        assert sentence in part
    assert "- 135,080 lines name no customer; their revenue counts, their customers cannot be counted." in part


# --- names --------------------------------------------------------------------------------------

NASTY = ["tv <b>&amp; more", "a|b *c* _d_ `e`", "[x](http://evil.test)", "1. first", "# head", "\\", "-", "~~x~~"]


class Text(HTMLParser):
    def __init__(self):
        super().__init__()
        self.cells, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_data(self, data):
        if self.cells:
            self.cells[-1] += data.strip("\n")


def test_names_are_shown_as_they_are_whatever_they_hold():
    content = Table(["channel", "n"], [[name, "1"] for name in NASTY])
    page = Text()
    html = to_html(
        f"# t\n\n## s\n\n{markdown_table(content)}\n",
        {},
        {"title": "<i>", "verdict": None, "made": datetime(2024, 1, 5), "cards": []},
    )
    page.feed(html)
    assert page.cells[::2] == NASTY
    assert "b" not in page.tags
    assert "<title>&lt;i&gt;</title>" in html


def test_a_run_with_such_names_gives_a_whole_page(small_run, tmp_path):
    space, new = copy(small_run, tmp_path), {"tv": NASTY[0], "search": NASTY[1], "social": NASTY[2]}
    for file in ("roi.csv", "lightgbm_roi.csv", "comparison.csv", "breakdown.csv", "shapes.csv"):
        frame = pd.read_csv(space.data / file)
        frame.assign(channel=frame["channel"].map(new)).to_csv(space.data / file, index=False)
    columns = {f"channel:{old}": f"channel:{name}" for old, name in new.items()}
    frame = pd.read_csv(space.data / "contributions.csv").rename(columns=columns)
    frame.to_csv(space.data / "contributions.csv", index=False)
    frame = pd.read_csv(space.data / "frontier.csv")
    renamed = {f"spend_{name}": f"spend_{nasty}" for name, nasty in new.items()}
    frame.rename(columns=renamed).to_csv(space.data / "frontier.csv", index=False)
    for file in ("diagnostics.json", "panel.json", "truth.json"):
        found = json.loads((space.data / file).read_text(encoding="utf-8"))
        keyed = [(found, key) for key in ("learning", "sensitivity", "demand", "channels")]
        for owner, key in [*keyed, (found.get("columns", {}), "spend")]:
            if key in owner:
                owner[key] = {new[name]: value for name, value in owner[key].items()}
        write_json(space.data / file, found)
    for file in ("curves.parquet", "allocation_curves.parquet", "truth_curves.parquet"):
        curves = load_curves(space.data / file)
        save_curves(replace(curves, channels=tuple(new[c] for c in curves.channels)), space.data / file)
    plan = json.loads((space.data / "allocation.json").read_text(encoding="utf-8"))
    for row in plan["channels"]:
        row["channel"] = new[row["channel"]]
    write_json(space.data / "allocation.json", plan)
    adopt(space)
    write_report(small_run.config.model_copy(update={"title": "Fish & <Chips> *2024*"}), space)
    page = Text()
    html = (space.reports / "report.html").read_text(encoding="utf-8")
    page.feed(html)
    assert {name for name in new.values() if name in page.cells} == set(new.values())
    assert "b" not in page.tags
    assert "<h1>Fish &amp; &lt;Chips&gt; *2024*</h1>" in html
    Page().feed(html)


def test_channels_and_geos_may_be_called_like_a_missing_value(small_run, tmp_path):
    space = copy(small_run, tmp_path)
    weeks = pd.read_csv(space.data / "fit.csv")
    weeks.assign(geo=weeks["geo"].replace("geo_01", "NA")).to_csv(space.data / "fit.csv", index=False)
    adopt(space)
    assert "NA" in set(load_results(small_run.config, space).fit.weeks["geo"])


# --- the head of the page -----------------------------------------------------------------------


def test_the_cards_say_what_the_text_says(results, markdown):
    context = make_context(results, Money("£", 0), channel_of(results.panel))
    cards = {label: (value, detail) for label, value, detail in make_cards(context)}
    lead = markdown.split("\n## ")[0]
    assert f"**{cards["media's part of revenue"][0]}** of it all" in lead
    assert f"brought back **{cards['media returned'][0].removesuffix(' per £1')}**" in lead
    assert ("returned most" in cards) == (context["head"].best_chance >= 0.75)
    assert ("** returned most" in lead) == ("returned most" in cards)


def test_the_configuration_shown_is_the_one_that_was_fitted(small_run, results, written, markdown):
    with xr.open_dataset(written.data / "posterior.nc", engine="h5netcdf") as root:
        fitted = json.loads(root.attrs["sampler"])
    shown = section(markdown, "make this again")
    assert f"seed {fitted['seed']}, {fitted['chains']} chains of {fitted['draws']} draws" in shown
    assert f"  draws: {fitted['draws']}\n" in shown
    assert "name: small\n" in shown
    assert "<details>" in shown


def test_no_report_tells_where_on_this_machine_files_lie(small_run, results, tmp_path):
    """The configuration and what was read from it name files; their folders are nobody else's."""
    place = "/home/ada/shop/lines 2024.csv"
    space = copy(small_run, tmp_path)
    quality = json.loads((space.data / "quality.json").read_text())
    write_json(space.data / "quality.json", quality | {"source": place})
    adopt(space)
    assert "were read from `lines 2024.csv`" in report(small_run, space)
    source = results.config.panel.model_copy(update={"path": place})
    shown = settings(replace(results, config=results.config.model_copy(update={"panel": source})))
    assert "path: lines 2024.csv\n" in shown and "/home" not in shown


def test_lift_tests_are_shown_before_and_after(results):
    assert make_context(results, Money("£", 0), channel_of(results.panel))["lift_table"] is None
    cells = {f"{n}_{e}": [v + d] for n, v in (("predicted", 5200.0), ("before", 3100.0)) for e, d in ENDS.items()}
    cells |= {f"{n}_{e}": [v + d / 1000] for n, v in (("roi", 2.2), ("roi_before", 1.4)) for e, d in ENDS.items()}
    test = {"channel": "tv", "start": "2022-06-06", "end": "2022-07-03", "geos": "all", "spend_change": -2500.0}
    test |= {"channels": 1, "age": np.nan, "roas": np.nan, "path": None}
    lift = pd.DataFrame({**test, "incremental_kpi": -5000.0, "standard_error": 600.0, **cells})
    context = make_context(
        replace(results, fit=replace(results.fit, lift=lift)), Money("£", 0), channel_of(results.panel)
    )
    (row,) = context["lift_table"].rows
    assert row[:4] == ["tv", "2022-06-06", "2022-07-03", "all"] and amount(row[4]) == -2500
    assert row[5:] == ["−£5.00k ± £600", "£3.10k (£2.90k to £3.40k)", "£5.20k (£5.00k to £5.50k)"]
    assert context["lift_roi_table"].rows == [["tv", "1.40", "1.20–1.70", "2.20", "2.00–2.50"]]
    assert "lift tests changed" in to_markdown("lift.md", context | {"table": lambda table: "|".join(table.heads)})


ENDS = {"mean": 0.0, "low": -200.0, "high": 300.0}


def test_the_break_even_follows_the_margin(results):
    config = override(results.config, allocate={"margin": 0.25})
    context = make_context(replace(results, config=config), Money("£", 0), channel_of(results.panel))
    assert "chance over\N{NO-BREAK SPACE}4" in context["roi_table"].heads
    functions = {"table": markdown_table, "figures": {}, "figure": lambda *_: "", "absent": lambda *_: ""}
    text = to_markdown("returns.md", context | functions)
    assert f"At a margin of 25% a channel pays for itself from an ROI of {ratio(4.0)} on." in text


def test_templates_do_not_forget_a_value(results):
    context = make_context(results, Money("£", 0), channel_of(results.panel))
    del context["kpi"]
    with pytest.raises(UndefinedError, match="'kpi' is undefined"):
        to_markdown("glossary.md", context)


def test_the_templates_are_part_of_the_package():
    setup = Path("setup.cfg").read_text(encoding="utf-8")
    assert "report/templates/*" in setup and "report/words/*/*" in setup


# --- the workbook -------------------------------------------------------------------------------


def test_the_workbook_holds_the_tables_as_numbers(written, results, markdown):
    book = openpyxl.load_workbook(written.reports / "allocation.xlsx")
    assert {"decision", "plan", "returns", "KPI", "models", "checks"} <= set(book.sheetnames)
    cells = [[cell.value for cell in row] for row in book["returns"].iter_rows()]
    roi = results.fit.roi.set_index("channel")
    heads = next(row for row in cells if row[0] == "channel")
    for row in cells:
        if row[0] in roi.index and row[1] == pytest.approx(roi.loc[row[0], "spend"]):
            assert row[heads.index("ROI")] == pytest.approx(roi.loc[row[0], "roi_mean"], rel=1e-9)
            assert row[heads.index("contribution")] == pytest.approx(roi.loc[row[0], "contribution"], rel=1e-9)
            break
    else:
        raise AssertionError("no channel was found")
    titles = [row[0].value for sheet in book for row in sheet.iter_rows() if row[0].font.b and row[0].font.sz == 12]
    assert len(titles) > 10 and all(title.replace("%", "") in markdown for title in titles if title)


def test_no_name_is_a_formula_in_the_workbook(results, tmp_path):
    rows = [[name, Shown("£5", 5.0, "0")] for name in ("=1+1", "+1", "-1", "@x", "=HYPERLINK(1)", "http://x")]
    context = {"title": "=t", "made": datetime(2024, 1, 5), "roi_table": Table(["=channel", "n"], rows, title="=title")}
    write_workbook(tmp_path / "b.xlsx", context)
    (sheet,) = openpyxl.load_workbook(tmp_path / "b.xlsx")
    assert [cell.data_type for row in sheet.iter_rows() for cell in row if cell.value is not None].count("f") == 0
    assert [row[0].value for row in sheet.iter_rows()][2:] == [row[0] for row in rows]
    assert sheet["B3"].value == 5 and sheet["A3"].hyperlink is None
