"""The dashboard: the report's content on tabs, and a what-if that says what the command line says."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import yaml
from streamlit.testing.v1 import AppTest

from mmm_bayes import pipeline
from mmm_bayes.allocate import change_spend, parse_what_if
from mmm_bayes.cli import main
from mmm_bayes.config import load_config
from mmm_bayes.curves import ResponseCurves, load_curves
from mmm_bayes.dashboard import serve
from mmm_bayes.dashboard.app import dollars, text
from mmm_bayes.report.numbers import Money, chance
from mmm_bayes.report.words import judged, label

CHANNELS = ("tv", "search", "social")


@pytest.fixture
def folder(small_run, tmp_path, monkeypatch) -> Path:
    """A copy of the shared run with its configuration, in dollars, of which Streamlit would make formulas."""
    shutil.copytree(small_run.space.root, tmp_path, dirs_exist_ok=True)
    raw = small_run.config.model_dump(mode="json", exclude_unset=True, exclude={"folder"})
    raw |= {"currency": "$", "title": "Spring *2024*"}
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["app.py", "small.yaml", "."])
    return tmp_path


def opened() -> AppTest:
    page = AppTest.from_file(str(serve.PAGE), default_timeout=60).run()
    assert not page.exception
    return page


def words(page: AppTest) -> str:
    return "\n".join(element.value for element in page.markdown)


def what_if(page: AppTest) -> str:
    """Return the table under the sliders."""
    return page.tabs[4].markdown[0].value


def test_the_page_shows_verdict_and_every_channel_and_figure(folder, small_run):
    page = opened()
    assert page.title[0].value.startswith(r"Spring \*2024\* :")
    verdict = small_run.fitted.diagnostics["verdict"]
    assert f"-badge[{label(verdict, 'verdict')}]" in page.title[0].value
    assert [box.value[:6] for box in page.error] == (["The mo"] if verdict == "FAIL" else [])
    assert [tab.label for tab in page.tabs] == [
        *("Summary", "Returns", "Over time", "Curves & plan", "What if", "Forecast", "Data quality")
    ]
    shown = words(page)
    for section in ("Can these results be trusted?", "A second opinion: LightGBM", "The truth beside the estimate"):
        assert f"## {section}" in shown
    for channel in CHANNELS:
        assert shown.count(f"| {channel} |") >= 5
    for reason in small_run.fitted.diagnostics["reasons"]:
        assert f"| {judged(reason).check} |" in shown
    assert "figures/" not in shown
    assert len(page.get("image")) == 10  # roi, models, holdout; contributions, decomposition, fit; curves and plan


def test_a_what_if_says_what_the_command_line_says(folder, small_run):
    page = opened()
    at_rest = what_if(page)
    page.slider("change of tv").set_value(-20)
    page.slider("change of search").set_value(10)
    shown = what_if(page.run())
    plan = pipeline.allocate(load_config("small.yaml"), what_if="tv=-20%,search=+10%", force=True)
    money = Money.fitting("$", float(small_run.panel.data["spend"].sum()))
    found = {metric.label: metric.value for metric in page.metric}
    assert found["spend"] == money.short(plan.spend_plan)
    assert found["gain in return"] == money.short(plan.gain.mean)
    assert found["gain in profit"] == money.short(plan.profit_gain.mean)
    assert found["chance to beat today"] == chance(plan.gain.probability)
    details = [caption.value for caption in page.tabs[4].caption]
    assert dollars(f"{money.between(plan.gain.low, plan.gain.high)} with 90% probability") in details
    for row in plan.channels:
        cells = [money.full(v) for v in (row.spend_now, row.spend_plan)]
        assert dollars(f"| {row.channel} | {cells[0]} | {cells[1]} |") in shown
        assert dollars(f"| {money.full(row.contribution_plan.mean)} |") in shown
    assert dollars(f"**{money.full(plan.spend_plan)}**") in shown

    page.button[0].click().run()
    assert [slider.value for slider in page.slider] == [0, 0, 0]
    assert what_if(page) == at_rest
    assert "gain in return" not in {metric.label for metric in page.metric}


def test_a_page_without_plan_comparison_or_fresh_fit_names_the_commands(folder):
    data = folder / "data" / "small"
    for name in ("allocation.json", "comparison.json"):
        (data / name).unlink()
    shown = words(opened())
    assert "Run `mmm-bayes allocate CONFIG` to add the plan." in shown
    assert "Run `mmm-bayes compare CONFIG` to add the comparison with LightGBM." in shown
    raw = yaml.safe_load(Path("small.yaml").read_text(encoding="utf-8"))
    Path("small.yaml").write_text(yaml.safe_dump(raw | {"ci_prob": 0.8}), encoding="utf-8")
    page = opened()
    assert page.title[0].value == r"Spring \*2024\*"
    changed = "ci_prob was 0.9 when the model was fitted, now it is 0.8"
    assert f"Out of date: {changed}. Run `mmm-bayes fit CONFIG` to renew the response curves." in words(page)
    assert not page.slider
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


def test_the_command_serves_the_page_to_this_machine_alone(folder):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    script = Path(sys.executable).with_name("mmm-bayes")
    command = [script, "dashboard", "small.yaml", "--port", str(port)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("STREAMLIT_")}
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    try:
        assert answer(f"http://localhost:{port}/_stcore/health", server) == "ok"
    finally:
        server.send_signal(signal.SIGINT)
        out, _ = server.communicate(timeout=30)
    assert f"URL: http://localhost:{port}" in out
    assert "Network URL" not in out and "statistics" not in out


def answer(address: str, server: subprocess.Popen) -> str:
    """Return what a server answers as soon as it does."""
    for _ in range(300):
        assert server.poll() is None, server.stdout.read()
        with contextlib.suppress(OSError), urllib.request.urlopen(address) as reply:
            return reply.read().decode()
        time.sleep(0.1)
    raise AssertionError(f"{address} does not answer")


def test_changes_in_percent_speak_for_all_geos_of_a_channel(small_run):
    curves = load_curves(small_run.space.data / "curves.parquet")
    changed = change_spend(curves, {"tv": -20, "social": 35})
    np.testing.assert_array_equal(changed, parse_what_if("tv=-20%,social=+35%", curves))
    names = ("tv | North", "tv | South", "search | North")
    by_geo = ResponseCurves(names, *(getattr(curves, k) for k in ("spend", "response", "today", "observed")), 13)
    np.testing.assert_allclose(change_spend(by_geo, {"tv": -50}), curves.today * [0.5, 0.5, 1.0])


def test_dollars_are_money_and_names_are_names():
    assert dollars("costs $5 to $6 in `$HOME`") == r"costs \$5 to \$6 in `$HOME`"
    assert text("a *b* $1 <c>") == r"a \*b\* \$1 \<c\>"
