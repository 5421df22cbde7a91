"""The dashboard: the report's content on tabs, and a planner that says what the command line says."""

import shutil
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from streamlit.testing.v1 import AppTest

from mmm_bayes import pipeline
from mmm_bayes.allocate import as_section, draft_of_plan, draft_of_today, load_plan
from mmm_bayes.cli import main
from mmm_bayes.config import load_config
from mmm_bayes.dashboard import serve
from mmm_bayes.dashboard.charts import CHARTS, draw
from mmm_bayes.dashboard.kept import as_csv, as_excel, fragment
from mmm_bayes.dashboard.planner import scale
from mmm_bayes.dashboard.runs import open_run
from mmm_bayes.dashboard.show import dollars, text
from mmm_bayes.posterior.attribution import decomposition, response_curves
from mmm_bayes.report.facts import channel_of, money_of
from mmm_bayes.report.figures import FIGURES, draw_figures
from mmm_bayes.report.numbers import Money, chance, percent
from mmm_bayes.report.results import load_results
from mmm_bayes.report.words import judged, label

CHANNELS = ("tv", "search", "social")
TABS = ["Summary", "Planner", "Returns", "Over time", "Curves & plan", "Forecast", "Data quality"]


@pytest.fixture
def folder(small_run, tmp_path, monkeypatch) -> Path:
    """A copy of the shared run with its configuration, in dollars, of which Streamlit would make formulas."""
    shutil.copytree(small_run.space.root, tmp_path, dirs_exist_ok=True)
    raw = small_run.config.model_dump(mode="json", exclude_unset=True, exclude={"folder"})
    raw |= {"currency": "$", "title": "Spring *2024*"}
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["app.py", ".", "small.yaml"])
    return tmp_path


@pytest.fixture
def money(small_run) -> Money:
    return Money.fitting("$", float(small_run.panel.data["spend"].sum()))


def opened(tab: str = "Summary") -> AppTest:
    page = AppTest.from_file(str(serve.PAGE), default_timeout=60)
    page.session_state["tab"] = tab
    page.run()
    assert not page.exception
    return page


def words(page: AppTest) -> str:
    return "\n".join(element.value for element in page.markdown)


def field(page: AppTest, kind: str, name: str):
    """Return the field of the planner for a thing such as ``money of tv``, whatever its number is by now."""
    return next(f for f in getattr(page, kind) if f.key.startswith(f"small | field | {name} |"))


def spend_of(page: AppTest, channel: str):
    return field(page, "number_input", f"money of {channel} in None")


def figures(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def planned(page: AppTest) -> str:
    """Return the table of the draft."""
    return next(m.value for m in page.markdown if "the move is right" in m.value)


def test_the_tabs_show_verdict_and_every_channel_and_figure(folder, small_run):
    page = opened()
    assert page.title[0].value.startswith(r"Spring \*2024\* :")
    verdict = small_run.fitted.diagnostics["verdict"]
    assert f"-badge[{label(verdict, 'verdict')}]" in page.title[0].value
    assert [box.value[:6] for box in page.error] == (["The mo"] if verdict == "FAIL" else [])
    assert [tab.label for tab in page.tabs] == TABS
    pages = {tab: opened(tab) for tab in TABS}
    shown = "\n".join(map(words, pages.values()))
    for section in ("Can these results be trusted?", "A second opinion: LightGBM", "The truth beside the estimate"):
        assert f"## {section}" in shown
    for channel in CHANNELS:
        assert shown.count(f"| {channel} |") >= 5
    for reason in small_run.fitted.diagnostics["reasons"]:
        assert f"| {judged(reason).check} |" in shown
    assert "figures/" not in shown
    charts = {tab: len(pages[tab].get("arrow_vega_lite_chart")) for tab in TABS}
    charts |= {tab: charts[tab] or len(pages[tab].get("vega_lite_chart")) for tab in TABS}
    assert charts["Returns"] == 3  # roi, holdout, models
    assert charts["Over time"] >= 3 + 4  # the parts, and the fit of each geo
    assert charts["Planner"] == 3
    assert charts["Curves & plan"] >= 3


def test_only_the_open_tab_is_made(folder):
    assert not opened("Returns").number_input
    assert len(opened("Planner").number_input) == 2 + 3 * 3


def test_a_typed_plan_says_what_the_command_line_says(folder, money):
    page = opened("Planner")
    at_rest, today = planned(page), draft_of_today(open_run("small.yaml", ".").curves(13))
    assert "today's spend over 13 weeks" in page.info[0].value
    for channel, factor in (("tv", 0.8), ("search", 1.1)):
        spend_of(page, channel).set_value(round(factor * today.spend[channel], 2)).run()
    plan = pipeline.allocate(load_config("small.yaml"), what_if="tv=-20%,search=+10%", force=True)
    found = figures(page)
    assert found["spend"] == money.short(plan.spend_plan)
    assert found["gain in return"] == money.short(plan.gain.mean)
    assert found["gain in profit"] == money.short(plan.profit_gain.mean)
    assert found["chance to beat today"] == chance(plan.gain.probability)
    details = [caption.value for caption in page.caption]
    assert dollars(f"{money.between(plan.gain.low, plan.gain.high)} with 90% probability") in details
    shown = planned(page)
    for row in plan.channels:
        cells = [money.full(v) for v in (row.spend_now, row.spend_plan)]
        assert dollars(f"| {row.channel} | {cells[0]} | {cells[1]} |") in shown
        assert dollars(f"| {money.full(row.contribution_plan.mean)} |") in shown
        if row.probability is not None:
            assert f"| {label(row.decision, 'decision')} | {percent(row.probability)} |" in shown
            move = f"the move is {label(row.decision, 'decision')} ({percent(row.probability)})"
            assert any(detail.endswith(move) for detail in details)
    boxes = [box.value for box in (*page.info, *page.success, *page.warning)]
    assert any(box.startswith(label(plan.decision, "decision").capitalize()) for box in boxes)

    next(button for button in page.button if button.label == "From today").click().run()
    assert planned(page) == at_rest
    assert spend_of(page, "tv").value == today.spend["tv"]


def test_slider_field_and_total_follow_each_other(folder):
    page = opened("Planner")
    slider = field(page, "slider", "slider of tv in None")
    moved = slider.max / 4
    slider.set_value(moved).run()
    assert spend_of(page, "tv").value == pytest.approx(moved, abs=0.02)
    total = field(page, "number_input", "total")
    amounts = [spend_of(page, channel).value for channel in CHANNELS]
    assert total.value == pytest.approx(sum(amounts), abs=0.02)
    field(page, "checkbox", "lock of tv in None").check().run()
    field(page, "number_input", "total").set_value(round(1.2 * total.value, 2)).run()
    assert spend_of(page, "tv").value == pytest.approx(moved, abs=0.02)
    assert spend_of(page, "search").value > 1.2 * amounts[1]
    field(page, "number_input", "total").set_value(1.0).run()
    assert "cannot be had: what is locked and the limits come to at least" in page.error[-1].value


def test_optimise_keeps_total_locks_and_limits_and_is_what_allocate_finds(folder, small_run):
    page = opened("Planner")
    best = load_plan(small_run.space.data)
    next(button for button in page.button if button.label == "From the best plan").click().run()
    assert [spend_of(page, row.channel).value for row in best.channels] == [row.spend_plan for row in best.channels]
    next(button for button in page.button if button.label == "From today").click().run()
    today = {channel: spend_of(page, channel).value for channel in CHANNELS}
    spend_of(page, "tv").set_value(round(0.7 * today["tv"], 2)).run()
    field(page, "checkbox", "lock of tv in None").check().run()
    field(page, "number_input", "limit 1 of search").set_value(round(1.05 * today["search"], 2)).run()
    total = field(page, "number_input", "total").value
    next(button for button in page.button if button.label == "Optimise").click().run()
    found = {channel: spend_of(page, channel).value for channel in CHANNELS}
    assert found["tv"] == pytest.approx(0.7 * today["tv"], abs=0.01)
    assert found["search"] <= 1.05 * today["search"] + 0.01
    assert sum(found.values()) == pytest.approx(total, abs=0.02)
    field(page, "number_input", "limit 0 of search").set_value(2 * today["search"]).run()
    next(button for button in page.button if button.label == "Optimise").click().run()
    assert "search" in page.error[-1].value
    assert {channel: spend_of(page, channel).value for channel in CHANNELS} == found


def test_money_beyond_every_curve_is_refused_and_nothing_changes(folder):
    page = opened("Planner")
    today = spend_of(page, "tv").value
    spend_of(page, "tv").set_value(3 * today).run()
    assert spend_of(page, "tv").value == 3 * today
    spend_of(page, "tv").set_value(1e12).run()
    assert not page.exception
    assert "lies beyond the end of its response curve" in page.error[-1].value
    assert spend_of(page, "tv").value == 3 * today


def test_another_window_has_curves_of_its_own(folder, small_posterior):
    page = opened("Planner")
    field(page, "number_input", "weeks").set_value(26).run()
    asked = load_config("small.yaml").allocate.model_copy(update={"weeks": 26})
    curves = response_curves(small_posterior, asked)
    expected = [round(float(amount), 2) for amount in curves.today]
    assert [spend_of(page, channel).value for channel in curves.channels] == pytest.approx(expected, abs=0.01)
    assert "today's spend over 26 weeks" in page.info[0].value


def test_a_browser_that_lags_behind_changes_nothing(folder):
    """What a field showed before the draft moved must not come back as if it had been typed."""
    page = opened("Planner")
    number = spend_of(page, "tv")
    stale, before = number.key, number.value
    field(page, "slider", "slider of tv in None").set_value(0.0).run()
    assert spend_of(page, "tv").value == 0.0
    assert spend_of(page, "tv").key != stale
    page.session_state[stale] = before
    page.run()
    assert spend_of(page, "tv").value == 0.0


def test_scenarios_are_kept_shown_opened_and_taken_away(folder, money, tmp_path):
    page = opened("Planner")
    spend_of(page, "tv").set_value(1234.0).run()
    page.text_input[0].set_value("less *tv*").run()
    next(button for button in page.button if button.label == "Keep").click().run()
    spend_of(page, "tv").set_value(4321.0).run()
    side = next(m.value for m in page.markdown if "| scenario |" in m.value)
    assert r"| less \*tv\* |" in side and "| This plan |" in side
    assert dollars(money.full(1234.0)) in side and dollars(money.full(4321.0)) in side
    again = opened("Planner")  # another visit
    next(button for button in again.button if button.label == "Open").click().run()
    assert spend_of(again, "tv").value == 1234.0
    next(button for button in again.button if button.label == "Remove").click().run()
    assert not again.selectbox


def test_what_is_taken_away_holds_the_numbers_and_leads_allocate_to_the_plan(folder):
    run = open_run("small.yaml", ".")
    draft = draft_of_today(run.curves(13)).with_spend(["tv"], 1500.25)
    plans = {"this": run.judge(draft), "today": run.judge(draft_of_today(run.curves(13)))}
    table = pd.read_csv(BytesIO(as_csv(plans)))
    assert table.loc[(table["name"] == "this") & (table["channel"] == "tv"), "spend_plan"].item() == 1500.25
    sheets = pd.read_excel(BytesIO(as_excel(plans)), sheet_name=None, engine="openpyxl")
    assert sheets["plans"].set_index("name").loc["this", "gain_mean"] == plans["this"].gain.mean
    assert len(sheets["channels"]) == 6

    written = fragment({"allocate": as_section(draft, run.question(13))}).decode()
    assert written.startswith("# ")
    raw = yaml.safe_load(Path("small.yaml").read_text(encoding="utf-8")) | yaml.safe_load(written)
    found = pipeline.allocate(configured(raw), force=True)
    assert draft_of_plan(found).spend == draft.spend
    assert (found.gain, found.decision) == (plans["this"].gain, plans["this"].decision)


def configured(raw: dict):
    Path("fragment.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    return load_config(Path("fragment.yaml"))


def test_a_plan_by_geo_is_written_by_geo(folder, small_posterior):
    raw = yaml.safe_load(Path("small.yaml").read_text(encoding="utf-8"))
    raw["allocate"] |= {"by_geo": True}
    Path("small.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    page = opened("Planner")
    geos = list(small_posterior.data["geo"].to_numpy())
    curves = response_curves(small_posterior, load_config("small.yaml").allocate)
    arms = dict(zip(curves.channels, curves.today, strict=True))
    whole = sum(amount for arm, amount in arms.items() if arm.startswith("tv | "))
    assert spend_of(page, "tv").value == pytest.approx(whole, abs=0.05)
    page.selectbox[0].select(geos[1]).run()
    own = field(page, "number_input", f"money of tv in {geos[1]}")
    assert own.value == pytest.approx(arms[f"tv | {geos[1]}"], abs=0.01)
    own.set_value(0.0).run()
    page.selectbox[0].select(None).run()
    assert spend_of(page, "tv").value == pytest.approx(whole - arms[f"tv | {geos[1]}"], abs=0.05)


def test_the_decomposition_of_a_geo_and_some_weeks_is_the_posteriors(folder, small_posterior, money):
    page = opened("Over time")
    geo = str(small_posterior.data["geo"].to_numpy()[2])
    page.selectbox[0].select(2).run()
    table = decomposition(small_posterior, geo)
    days = [day.date() for day in table["week"]]
    page.select_slider[0].set_range(days[10], days[19]).run()
    own = table.iloc[10:20]
    shown = next(m.value for m in page.markdown if "without media" in m.value)
    for channel in CHANNELS:
        assert dollars(f"| {channel} | {money.short(own[f'channel:{channel}'].sum())} |") in shown
    assert dollars(f"| **{money.short(own['prediction'].sum())}** |") in shown


def test_geos_add_up_to_the_whole(small_posterior):
    parts = [decomposition(small_posterior, str(geo)) for geo in small_posterior.data["geo"].to_numpy()]
    whole = decomposition(small_posterior)
    for column in whole.columns.drop("week"):
        np.testing.assert_allclose(
            sum(part[column] for part in parts), whole[column], atol=1e-6 * whole["observed"].mean()
        )


def test_several_runs_stand_side_by_side(folder, small_run, monkeypatch, capsys):
    shutil.copytree("data/small", "data/other")
    raw = yaml.safe_load(Path("small.yaml").read_text(encoding="utf-8"))
    Path("other.yaml").write_text(yaml.safe_dump(raw | {"name": "other", "title": "Autumn"}), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["app.py", ".", "small.yaml", "other.yaml"])
    page = opened("Side by side")
    assert [tab.label for tab in page.tabs] == [*TABS, "Side by side"]
    shown = words(page)
    roi = small_run.fitted.roi.set_index("channel")
    for channel in CHANNELS:
        cell = f"{roi.loc[channel, 'roi_mean']:.2f} ({roi.loc[channel, 'roi_low']:.2f}"
        assert shown.count(cell[:6]) >= 2
    assert "| small |" in shown and "| other |" in shown
    assert main(["dashboard", "small.yaml", "small.yaml"]) == 1
    assert "give each run a name of its own" in capsys.readouterr().err


def test_a_page_without_plan_comparison_or_fresh_fit_names_the_commands(folder):
    data = folder / "data" / "small"
    for name in ("allocation.json", "comparison.json"):
        (data / name).unlink()
    assert "Run `mmm-bayes allocate CONFIG` to add the plan." in words(opened("Curves & plan"))
    assert "Run `mmm-bayes compare CONFIG` to add the comparison with LightGBM." in words(opened("Returns"))
    assert len(opened("Planner").slider) == 3
    raw = yaml.safe_load(Path("small.yaml").read_text(encoding="utf-8"))
    Path("small.yaml").write_text(yaml.safe_dump(raw | {"ci_prob": 0.8}), encoding="utf-8")
    page = opened("Planner")
    assert page.title[0].value == r"Spring \*2024\*"
    changed = "ci_prob was 0.9 when the model was fitted, now it is 0.8"
    assert f"Out of date: {changed}. Run `mmm-bayes fit CONFIG` to renew the planner." in words(page)
    assert not page.slider
    assert "to renew the decomposition." in words(opened("Over time"))
    Path("small.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    stale = raw | {"panel": raw["panel"] | {"spend": {"tv": "tv_spend"}}}
    Path("small.yaml").write_text(yaml.safe_dump(stale), encoding="utf-8")
    assert "Out of date" in words(opened("Planner"))
    Path("small.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    (data / "diagnostics.json").write_text("{}", encoding="utf-8")
    assert "diagnostics.json is damaged or was edited since the model was fitted: run" in opened().error[0].value
    (data / "panel.parquet").unlink()
    assert "run 'mmm-bayes prepare' first" in opened().error[0].value


def test_one_sentence_says_what_is_missing(folder, capsys, monkeypatch):
    monkeypatch.setattr(serve, "find_spec", lambda name: None)
    assert main(["dashboard", "small.yaml"]) == 1
    assert capsys.readouterr().err == (
        "Error: the dashboard needs Streamlit; install it with pip install 'mmm-bayes[dashboard]'.\n"
    )
    (folder / "data" / "small" / "posterior.nc").unlink()
    assert main(["dashboard", "small.yaml"]) == 1
    path = Path("data/small/posterior.nc")
    assert capsys.readouterr().err == f"Error: {path} does not exist yet: run 'mmm-bayes fit' first.\n"


def test_a_slider_reaches_its_end_in_round_steps():
    for end in (0.0, 0.37, 1.0, 199.9, 57_295.27, 3.2e7):
        top, step = scale(end)
        assert end <= top < end + step or end == 0
        assert top / step == pytest.approx(round(top / step))
        assert 80 <= top / step <= 200 or end == 0


def test_dollars_are_money_and_names_are_names():
    assert dollars("costs $5 to $6 in `$HOME`") == r"costs \$5 to \$6 in `$HOME`"
    assert text("a *b* $1 <c>") == r"a \*b\* \$1 \<c\>"


def test_the_dashboard_draws_every_figure_of_the_report(small_run):
    """A figure that a page asks for and nobody draws is an error on the page."""
    results = load_results(small_run.config, small_run.space)
    asked = results, money_of(results), channel_of(results.panel)
    assert list(CHARTS) == list(FIGURES)
    assert list(draw(*asked)) == list(draw_figures(*asked))
