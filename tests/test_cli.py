"""The command line only translates: sentences on stderr, exit codes, nothing half-written, no control characters."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from provenance_cases import adopt

from mmm_bayes import pipeline
from mmm_bayes.allocate import Gain, Schedule
from mmm_bayes.cli import main
from mmm_bayes.config import load_config
from mmm_bayes.console import Log, Terminal
from mmm_bayes.errors import MMMError
from mmm_bayes.findings import Finding
from mmm_bayes.posterior.checks import checked
from mmm_bayes.provenance import step
from mmm_bayes.report.results import load_results
from mmm_bayes.report.tables import Table
from mmm_bayes.summary import left, of_schedule
from mmm_bayes.workspace import Workspace, write_json


@pytest.fixture
def shop(tmp_path, monkeypatch) -> Path:
    """A folder with shop.yaml and the weekly table that it names."""
    rng = np.random.default_rng(4)
    weeks = 40
    spend = rng.gamma(2.0, 10.0, weeks)
    table = pd.DataFrame(
        {
            "week": pd.date_range("2023-01-02", periods=weeks, freq="7D").strftime("%Y-%m-%d"),
            "sales": 1000 + 3 * spend + rng.normal(0, 20, weeks),
            "tv_cost": spend,
        }
    )
    table.to_csv(tmp_path / "weekly.csv", index=False)
    raw = {"name": "shop", "panel": {"path": "weekly.csv", "kpi": "sales", "spend": {"tv": "tv_cost"}}}
    (tmp_path / "shop.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MMM_BAYES_DATA", raising=False)
    return tmp_path


def files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


PREPARED = ("evidence.json", "features.parquet", "panel.json", "panel.parquet", "quality.json", "run.json")


def test_prepare_writes_the_panel_and_says_so_in_one_line(shop, capsys):
    assert main(["prepare", "shop.yaml"]) == 0
    assert files(shop / "data") == [f"shop/{name}" for name in PREPARED]
    out, err = capsys.readouterr()
    title, head, row, *_ = out.splitlines()
    assert title == "What the data can and cannot tell"
    assert re.split(r"  +", head) == ["channel", "spend", "weeks with media", "variation", "VIF", "rests on prior"]
    assert re.split(r"  +", row)[0] == "tv" and re.split(r"  +", row)[2] == "40"
    assert err.startswith("✓ prepare ")
    assert err.endswith("1 geo x 40 weeks, 1 channel\n")
    assert err.count("\n") == 1
    assert "\x1b" not in err and "\r" not in err


def test_output_says_where_the_folders_are_made(shop):
    assert main(["prepare", "shop.yaml", "--output", "elsewhere"]) == 0
    assert files(shop / "elsewhere")[0] == "data/shop/evidence.json"
    assert not (shop / "data").exists()


def test_quiet_shows_nothing(shop, capsys):
    assert main(["prepare", "shop.yaml", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("way", ["option", "environment"])
def test_data_can_be_given_from_outside(way, shop, monkeypatch):
    (shop / "weekly.csv").rename(shop / "other.csv")
    arguments = ["prepare", "shop.yaml"]
    if way == "option":
        arguments += ["--data", "other.csv"]
    else:
        monkeypatch.setenv("MMM_BAYES_DATA", "other.csv")
    assert main(arguments) == 0


ERRORS = {
    "no configuration": (
        ["prepare", "gone.yaml"],
        "gone.yaml: cannot be read (No such file or directory); give the path of a configuration file.",
    ),
    "no data": (
        ["prepare", "shop.yaml", "--data", "/gone.csv"],
        "/gone.csv: there is no such file, folder or pattern; correct 'panel.path' or give the path with --data.",
    ),
    "no panel yet": (
        ["fit", "shop.yaml"],
        "data/shop/panel.parquet does not exist yet: run 'mmm-bayes prepare' first.",
    ),
    "no posterior yet to compare": (
        ["compare", "shop.yaml"],
        "data/shop/panel.parquet does not exist yet: run 'mmm-bayes prepare' first.",
    ),
    "no panel yet to plan on": (
        ["allocate", "shop.yaml"],
        "data/shop/panel.parquet does not exist yet: run 'mmm-bayes prepare' first.",
    ),
    "an impossible number of draws": (
        ["fit", "shop.yaml", "--draws", "3"],
        "option: 'sampler.draws' must be at least 50 (given: 3).",
    ),
    "a negative budget": (
        ["allocate", "shop.yaml", "--budget", "-1"],
        "option: 'allocate.budget' must be at least 0 (given: -1.0).",
    ),
    "a budget that is no number": (
        ["allocate", "shop.yaml", "--budget", "nan"],
        "option: 'allocate.budget' must be a finite number (given: nan).",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_an_error_is_one_sentence_and_exit_code_1(case, shop, capsys):
    arguments, sentence = ERRORS[case]
    assert main(arguments) == 1
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"Error: {sentence}\n")
    assert not (shop / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["fitt", "shop.yaml"], "Error: No such command 'fitt'. Did you mean 'fit'?"),
        (["fit"], "Error: Missing argument 'CONFIG'."),
        (["fit", "shop.yaml", "--drws", "3"], "Error: No such option '--drws'. (Possible options: --draws"),
        (["fit", "shop.yaml", "--draws", "many"], "Error: Invalid value for '--draws': 'many' is not a valid integer."),
        (["demo", "--lines", "3"], "Error: Invalid value for '--lines': 3 is not in the range x>=1000."),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments, sentence, shop, capsys):
    assert main(arguments) == 2
    assert sentence.split("(")[0].strip() in capsys.readouterr().err


@pytest.mark.parametrize("command", ["compare", "allocate"])
def test_what_needs_a_fit_says_so(command, shop, capsys):
    assert main(["prepare", "shop.yaml", "--quiet"]) == 0
    assert main([command, "shop.yaml"]) == 1
    assert (
        capsys.readouterr().err == "Error: data/shop/diagnostics.json does not exist yet: run 'mmm-bayes fit' first.\n"
    )


def diagnosed(shop: Path, verdict: str) -> None:
    """Leave the diagnostics of a fit in the folder of the run, and nothing else of it."""
    reason = asdict(checked("energy", 0.25 if verdict == "PASS" else 0.1, (0.2, 0.2), higher_is_worse=False))
    with step(Workspace("shop", shop), "fit", load_config("shop.yaml")) as work:
        write_json(work.folder / "diagnostics.json", {"verdict": verdict, "reasons": [reason]})


@pytest.mark.parametrize("command", ["compare", "allocate"])
def test_a_fit_to_another_panel_is_refused(command, shop, capsys):
    assert main(["prepare", "shop.yaml", "--quiet"]) == 0
    diagnosed(shop, "PASS")
    table = pd.read_csv("weekly.csv")
    table.assign(sales=table["sales"] + 1).to_csv("weekly.csv", index=False)
    assert main(["prepare", "shop.yaml", "--quiet"]) == 0
    assert main([command, "shop.yaml"]) == 1
    sentence = "panel.parquet has changed since the model was fitted; run 'mmm-bayes fit' again."
    assert capsys.readouterr().err == f"Error: data/shop: {sentence}\n"


def test_no_plan_is_made_on_a_failed_fit(shop, capsys):
    assert main(["prepare", "shop.yaml", "--quiet"]) == 0
    diagnosed(shop, "FAIL")
    assert main(["allocate", "shop.yaml"]) == 1
    refusal = (
        "Error: the model failed a check: The lowest BFMI is 0.10. To mend it, tighten the priors. "
        "--force plans anyway.\n"
    )
    assert capsys.readouterr().err == refusal
    assert main(["allocate", "shop.yaml", "--force"]) == 1
    assert capsys.readouterr().err.startswith("Error: data/shop/posterior.nc does not exist yet")


def test_a_bad_table_keeps_the_earlier_panel(shop, capsys):
    assert main(["prepare", "shop.yaml"]) == 0
    before = (shop / "data" / "shop" / "panel.parquet").read_bytes()
    table = pd.read_csv("weekly.csv")
    table.loc[5, "tv_cost"] = -1.0
    table.to_csv("weekly.csv", index=False)
    assert main(["prepare", "shop.yaml"]) == 1
    assert "spend of 'tv' in the week of 2023-02-06 (national) is negative; correct it." in capsys.readouterr().err
    assert (shop / "data" / "shop" / "panel.parquet").read_bytes() == before
    assert not list((shop / "data" / "shop").glob(".*"))


def test_a_folder_that_cannot_be_made_is_named(shop, capsys):
    (shop / "file").touch()
    assert main(["prepare", "shop.yaml", "--output", "file"]) == 2
    assert main(["prepare", "shop.yaml", "--output", "file/below"]) == 1
    assert capsys.readouterr().err.endswith("Error: file/below/data/shop: Not a directory.\n")


def test_interruption_is_clean(shop, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "prepare", interrupted)
    assert main(["prepare", "shop.yaml"]) == 130
    assert capsys.readouterr().err.strip() == "Stopped; what earlier steps wrote is kept."


@pytest.mark.parametrize("arguments", [["--help"], ["fit", "-h"], ["--version"]])
def test_help_and_version_succeed(arguments, capsys):
    assert main(arguments) == 0
    assert "mmm-bayes" in capsys.readouterr().out


def test_the_installed_command_ends_without_a_traceback(tmp_path):
    program = Path(sys.executable).with_name("mmm-bayes")
    done = subprocess.run([program, "fit", "gone.yaml"], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: gone.yaml: cannot be read")
    assert done.stderr.count("\n") == 1


# --- on a fit -----------------------------------------------------------------------------------


@pytest.fixture
def fitted(small_run, tmp_path, monkeypatch) -> list[str]:
    """A copy of the shared run, with its configuration as a file; returns the arguments that lead there."""
    shutil.copytree(small_run.space.root, tmp_path, dirs_exist_ok=True)
    raw = small_run.config.model_dump(mode="json", exclude_unset=True, exclude={"folder"})
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MMM_BAYES_DATA", raising=False)
    return ["small.yaml", "--output", str(tmp_path)]


def test_allocate_shows_the_plan_and_its_gain(fitted, capsys):
    assert main([*asked(fitted, objective="mean"), "--budget", "1000000", "--weeks", "26"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == "Plan for the next 26 weeks"
    heads = ["channel", "today", "plan", "change", "limits", "marginal ROI"]
    assert re.split(r"  +", lines[1].strip()) == heads
    assert [line.split()[0] for line in lines[2:6]] == ["tv", "search", "social", "total"]
    assert "£1,000,000" in lines[5]
    assert lines[6] == "How sure each part of the plan for 26 weeks is"
    heads = ["channel", "decision", "the move is right"]
    heads += ["best in 90% of draws", "most ever spent", "beyond it", "worth of a test"]
    assert re.split(r"  +", lines[7].strip()) == heads
    assert [line.split()[0] for line in lines[8:11]] == ["tv", "search", "social"]
    assert lines[11].startswith(("Clear: make this plan", "Leaning: this plan beats", "Not yet: the data do not say"))
    assert lines[12].startswith("The gain over today is £") or lines[12].startswith("The gain over today is −£")
    certified = (
        r"No plan within the limits can be better by more than 0\.\d+% of its value: that is certified, not hoped\."
    )
    assert re.fullmatch(certified, lines[13])
    assert any(line.startswith("Not knowing the true curves costs £") for line in lines)
    assert any("lift test" in line for line in lines[14:])
    assert err.startswith("✓ allocate ")
    assert "\x1b" not in out + err


def test_a_plan_that_nobody_asked_a_mean_of_says_how_sure_it_is(fitted, capsys):
    assert main(["allocate", *fitted, "--force"]) == 0
    out, err = capsys.readouterr()
    plan = json.loads(Path("data/small/allocation.json").read_text(encoding="utf-8"))
    assert (plan["objective"], plan["level"], plan["method"]) == ("quantile", 0.1, "local")
    table = pd.read_csv("data/small/allocation.csv").set_index("channel")
    stays = table["spend_plan"] == table["spend_now"]
    assert (table["probability"].isna() == stays).all()
    assert set(table["decision"]) <= {"clear", "leaning", "not_yet"}
    said = {"Clear": "clear", "Leaning": "leaning", "Not yet": "not yet"}
    (verdict,) = [line.partition(":")[0] for line in out.splitlines() if line.partition(":")[0] in said]
    assert re.search(rf"  {said[verdict]}: better than today with a probability of ", err)
    assert (verdict == "Not yet") == stays.all()


def test_a_what_if_is_no_advice(fitted, capsys):
    assert main(["allocate", *fitted, "--force", "--what-if", "tv=-20%"]) == 0
    assert not re.search("(?m)^(Clear|Leaning|Not yet): ", capsys.readouterr().out)


def test_amounts_are_never_cut(capsys):
    heads = ["channel", *("a rather long heading of a column",) * 8]
    Terminal().table(Table(heads, [["tv", *("£1,234,567,890",) * 8]], title="Plan"))
    out = capsys.readouterr().out
    assert "…" not in out and out.count("£1,234,567,890") == 8


def test_a_plan_comes_with_its_frontier_and_on_request_with_its_weeks(fitted, capsys):
    assert main([*asked(fitted, objective="mean"), "--weeks", "20", "--schedule"]) == 0
    out, err = capsys.readouterr()
    assert [line.split()[1] for line in err.splitlines()] == ["allocate", "schedule"]
    assert "When to spend it" in out or "Spread the money of each channel evenly" in out
    folder = Path("data/small")
    plan = pd.read_csv(folder / "allocation.csv").set_index("channel")["spend_plan"]
    totals = pd.read_csv(folder / "frontier.csv")
    at = totals["total"].sub(plan.sum()).abs().idxmin()
    assert totals.loc[at, [f"spend_{c}" for c in plan.index]].to_numpy() == pytest.approx(plan.to_numpy(), abs=0.005)
    weeks = pd.read_csv(folder / "schedule.csv")
    assert weeks.groupby("channel")["week"].count().to_dict() == dict.fromkeys(plan.index, 20)
    assert weeks.groupby("channel")["best"].sum().round(2).to_dict() == plan.to_dict()

    assert main(["allocate", *fitted, "--force", "--quiet"]) == 0
    assert not (folder / "schedule.csv").exists()  # they were those of the other plan
    assert main(["allocate", *fitted, "--force", "--quiet", "--what-if", "tv=+5%", "--schedule"]) == 0
    assert files(folder / "what_if") == ["allocation.csv", "allocation.json", "schedule.csv", "schedule.json"]
    assert (folder / "frontier.csv").exists()


def test_weeks_need_the_bayesian_model(fitted, capsys):
    assert main(["allocate", *fitted, "--force", "--model", "lightgbm", "--schedule"]) == 1
    err = capsys.readouterr().err.splitlines()
    assert err[-1].startswith("Error: allocate.schedule: the curves of LightGBM say nothing of single weeks;")


def test_a_what_if_keeps_the_plan(fitted, capsys):
    plan = Path("data/small/allocation.json").read_bytes()
    assert main(["allocate", *fitted, "--force", "--what-if", "tv=-20%,search=+500"]) == 0
    assert Path("data/small/allocation.json").read_bytes() == plan
    assert files(Path("data/small/what_if")) == ["allocation.csv", "allocation.json"]
    shown = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("tv"))
    assert shown.split()[3] == "−20%"


@pytest.mark.parametrize(
    ("what_if", "sentence"),
    [("tvv=-20%", "there is no channel 'tvv'; did you mean 'tv'?"), ("tv", "write CHANNEL=CHANGE")],
)
def test_a_what_if_that_cannot_be_read_is_one_sentence(what_if, sentence, fitted, capsys):
    assert main(["allocate", *fitted, "--force", "--what-if", what_if]) == 1
    err = capsys.readouterr().err
    assert sentence in err and err.count("\n") == 1


def test_the_same_plan_comes_out_byte_for_byte(fitted):
    tables = []
    for _ in range(2):
        assert main(["allocate", *fitted, "--force", "--quiet"]) == 0
        tables.append(Path("data/small/allocation.csv").read_bytes())
    assert tables[0] == tables[1]


def test_a_plan_can_be_made_on_lightgbm(fitted):
    assert main(["allocate", *fitted, "--force", "--quiet", "--model", "lightgbm"]) == 0
    assert '"model": "lightgbm"' in Path("data/small/allocation.json").read_text(encoding="utf-8")


def asked(fitted: list[str], **allocate: object) -> list[str]:
    """Put a budget question into the configuration; return the command that answers it."""
    path = Path(fitted[0])
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(raw | {"allocate": {"weeks": 13, **allocate}}), encoding="utf-8")
    return ["allocate", *fitted, "--force"]


def test_a_budget_of_nothing_is_a_plan_and_a_report(fitted, capsys):
    assert main([*asked(fitted, relative=[0, 2]), "--budget", "0"]) == 0
    assert capsys.readouterr().out.splitlines()[5].split()[-2:] == ["£0", "−100%"]
    assert pd.read_csv("data/small/allocation.csv")["spend_plan"].tolist() == [0, 0, 0]
    assert main(["report", *fitted]) == 0


def test_a_what_if_beyond_the_curves_is_answered_as_a_guess(fitted, capsys):
    assert main([*asked(fitted), "--what-if", "tv=+100%"]) == 0
    assert main([*asked(fitted), "--what-if", "tv=+400%"]) == 0
    out = capsys.readouterr().out
    assert "of the plan lies beyond the spend ever observed (most of it in tv): there the curves are a guess" in out
    found = pd.read_csv("data/small/what_if/allocation.csv").set_index("channel")
    assert found.loc["tv", "spend_plan"] == pytest.approx(5 * found.loc["tv", "spend_now"], abs=0.02)
    kept = pd.read_csv("data/small/allocation.csv").set_index("channel")
    assert found["contribution_now"].to_numpy() == pytest.approx(kept["contribution_now"].to_numpy(), abs=0.01)
    assert main(["report", *fitted]) == 0
    text = Path("reports/small/report.md").read_text(encoding="utf-8")
    assert "### A plan of your own" in text and "figures/plan.svg" in text


OVERLAP = [{"channels": ["tv", "search"], "upper": 1e6}, {"channels": ["search", "social"], "upper": 1e6}]
REFUSALS = {
    "groups that cross": ({"groups": OVERLAP}, [], "overlap in search but neither holds the other; split them"),
    "a budget below the limits": ({}, ["--budget", "0"], "allocate.budget: the lower limits add up to "),
    "risk with a target return": (
        {"scenario": "target_roi", "target": 1.5, "objective": "cvar"},
        [],
        "'allocate.objective' is cvar, but the scenario target_roi is about the expected return",
    ),
    "a target without a number": ({"scenario": "target_mroi"}, [], "'allocate.target' is missing: "),
    "a target out of reach": ({"scenario": "target_roi", "target": 1e6}, [], "lower the target to that"),
    "a limit that is no number": ({"limits": {"tv": {"upper": float("nan")}}}, [], "allocate.limits.tv.upper"),
    "a limit below zero": ({"limits": {"tv": {"lower": -1}}}, [], "allocate.limits.tv.lower"),
    "limits of no channel": ({"limits": {"serch": {"fixed": True}}}, [], "did you mean 'search'?"),
    "a lower limit above the upper": (
        {"limits": {"tv": {"lower": 9, "upper": 1}}},
        [],
        "raise 'upper' to 9, or lower 'lower' to 1",
    ),
    "a group out of reach": ({"groups": [{"channels": ["tv"], "lower": 1e9}]}, [], "raise their upper limits by "),
    "a what-if beyond anything": ({}, ["--what-if", "tv=+50000000%"], "lies beyond the end of its response curve"),
    "weeks that cannot hold the plan": ({"weekly": {"tv": [0, 1]}}, ["--schedule"], "raise the weekly limit to "),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_question_that_cannot_be_answered_is_one_sentence(case, fitted, capsys):
    allocate, more, sentence = REFUSALS[case]
    before = Path("data/small/allocation.json").read_bytes()
    assert main([*asked(fitted, **allocate), "--quiet", *more]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("Error: ") and err.count("\n") == 1
    assert sentence in err
    assert more == ["--schedule"] or Path("data/small/allocation.json").read_bytes() == before
    assert not list(Path("data").rglob("*.partial"))


def test_a_report_is_written_in_the_language_that_is_asked_for(fitted, capsys):
    page = Path("reports/small/report.html")
    assert main(["report", *fitted, "--language", "fr"]) == 0
    assert capsys.readouterr().out.startswith("Rapport")
    assert '<html lang="fr">' in page.read_text(encoding="utf-8")
    assert main(["report", *fitted]) == 0
    assert capsys.readouterr().out.startswith("Report: ")
    assert '<html lang="en">' in page.read_text(encoding="utf-8")
    assert main(["report", *fitted, "--language", "es"]) == 2


def test_report_says_where_it_is(fitted, capsys, tmp_path):
    assert main(["report", *fitted]) == 0
    place = tmp_path / "reports" / "small" / "report.html"
    assert place.is_file()
    assert capsys.readouterr().out == f"Report: {place}\n"


# --- what need not be done, and what there is -----------------------------------------------------


def test_a_run_keeps_what_stands_and_force_does_not(fitted, capsys, monkeypatch):
    monkeypatch.setattr("mmm_bayes.pipeline.STEPS", ("prepare", "fit", "compare"))
    assert main(["run", *fitted]) == 0
    out, err = capsys.readouterr()
    for line, name in zip(err.splitlines(), ("prepare", "fit", "compare"), strict=True):
        assert re.fullmatch(
            rf"– {name} +skipped  nothing that it reads has changed since [-0-9: ]+\(--force does .*", line
        )
    assert out.startswith("What the data can and cannot tell\n") and "\nWhat each channel returned, " in out
    monkeypatch.setattr("mmm_bayes.pipeline.STEPS", ("prepare", "schedule"))
    assert main(["run", *fitted, "--force"]) == 0
    assert capsys.readouterr().err.startswith("✓ prepare")


def test_a_plan_on_a_fit_that_must_not_be_used_is_not_kept(fitted, tmp_path):
    config = load_config("small.yaml")
    path = tmp_path / "data" / "small" / "diagnostics.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    for verdict in ("REVIEW", "FAIL"):
        write_json(path, found | {"verdict": verdict})
        adopt(Workspace("small"))
        assert (pipeline.finished(config, "allocate") is None) == (verdict == "FAIL")


def test_status_says_what_there_is_and_whether_it_holds(fitted, capsys):
    assert main(["status", *fitted]) == 0
    head, *rows = (re.split(r"  +", line.strip()) for line in capsys.readouterr().out.splitlines())
    assert head == ["step", "made", "state"]
    assert [row[0] for row in rows] == ["prepare", "fit", "compare", "allocate", "report"]
    assert [row[2] for row in rows] == [*["up to date"] * 4, "not run"]
    assert re.fullmatch(r"[-0-9]{10} [0-9:]{5} \(\d+ (second|minute)s? ago\)", rows[0][1])
    raw = yaml.safe_load(Path("small.yaml").read_text(encoding="utf-8"))
    Path("small.yaml").write_text(yaml.safe_dump(raw | {"ci_prob": 0.8}), encoding="utf-8")
    Path("data/small/panel.json").unlink()
    assert main(["status", *fitted]) == 0
    states = [line for line in capsys.readouterr().out.splitlines()[1:]]
    assert "panel.json does not exist yet: run 'mmm-bayes prepare' first." in states[0]
    assert (
        "out of date: ci_prob was 0.9 when the model was fitted, now it is 0.8; run 'mmm-bayes fit' again" in states[1]
    )
    assert "run 'mmm-bayes fit' and 'mmm-bayes compare' again" in states[2]


def test_check_lists_mistakes_and_writes_nothing(shop, capsys):
    assert main(["check", "shop.yaml"]) == 0
    assert capsys.readouterr().out == "no mistakes: 1 geo x 40 weeks, 1 channel\n"
    with Path("shop.yaml").open("a") as file:
        file.write("sampler: {drws: 5}\nallocate: {limits: {TV: {upper: 5}}}\n")
    assert main(["check", "shop.yaml"]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.splitlines() == [
        "Error: shop.yaml, line 7: unknown key 'sampler.drws'; did you mean 'draws'?",
        "Error: allocate.limits.TV: there is no channel 'TV'; did you mean 'tv'?",
    ]
    assert files(shop) == ["shop.yaml", "weekly.csv"]


# --- for programs --------------------------------------------------------------------------------


def test_status_as_json(fitted, capsys):
    Path("data/small/roi.csv").unlink()
    assert main(["status", *fitted, "--json"]) == 0
    states = json.loads(capsys.readouterr().out)
    assert [state["step"] for state in states] == ["prepare", "fit", "compare", "allocate", "report"]
    assert [state["holds"] for state in states] == [True, False, True, True, False]
    assert "roi.csv does not exist yet" in states[1]["reason"]
    assert datetime.fromisoformat(states[0]["finished"]) and states[4]["finished"] is None


def test_check_as_json(shop, capsys):
    assert main(["check", "shop.yaml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"mistakes": [], "notes": []}
    with Path("shop.yaml").open("a") as file:
        file.write("sampler: {drws: 5}\n")
    assert main(["check", "shop.yaml", "--json"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["mistakes"] == ["shop.yaml, line 7: unknown key 'sampler.drws'; did you mean 'draws'?"]
    assert err == ""


def test_what_a_step_found_as_json(fitted, capsys):
    assert main([*asked(fitted, objective="mean"), "--weeks", "5", "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["allocate"]["allocation"] == json.loads(Path("data/small/allocation.json").read_text("utf-8"))
    assert found["allocate"]["allocation"]["weeks"] == 5
    assert all(Path(path).exists() for path in found["allocate"]["files"])
    assert err.startswith("✓ allocate ")
    assert main([*asked(fitted, objective="mean"), "--what-if", "tv=-10%", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["allocate"]["allocation"]["scenario"] == "what_if"


def test_a_fit_that_stood_as_json(small_run):
    found = left({"fit": None}, small_run.space)["fit"]
    assert found["diagnostics"]["verdict"] == small_run.fitted.diagnostics["verdict"]
    expected = small_run.fitted.roi
    assert [row["channel"] for row in found["roi"]] == list(expected["channel"])
    np.testing.assert_allclose([row["roi_mean"] for row in found["roi"]], expected["roi_mean"], rtol=1e-11)


# --- the log -------------------------------------------------------------------------------------


def test_the_log_tells_what_was_done_when(shop, capsys):
    assert main(["prepare", "shop.yaml", "--quiet"]) == 0
    assert main(["fit", "shop.yaml", "--quiet", "--draws", "0"]) == 1
    assert main(["allocate", "shop.yaml"]) == 1
    lines = [line.split("  ", 1) for line in Path("reports/shop/log.txt").read_text("utf-8").splitlines()]
    times = [datetime.fromisoformat(time) for time, _ in lines]
    assert times == sorted(times) and times[0].tzinfo is not None
    told = [text for _, text in lines]
    assert told[0].startswith("mmm-bayes ") and told[0].endswith(": prepare")
    assert any(re.fullmatch(r"prepare: reading .*weekly.csv", text) for text in told)
    assert any(re.fullmatch(r"✓ prepare +\d+\.\d s  1 geo x 40 weeks, 1 channel", text) for text in told)
    assert told[-1].startswith("✗ allocate: ") and told[-1].removeprefix("✗ allocate: ") in capsys.readouterr().err


def test_a_step_tells_its_place_and_each_thing_that_it_does_once(tmp_path):
    with Terminal(quiet=True, log=Log(tmp_path / "log.txt")).step("fit", "2 of 5") as step:
        for share in (0.1, 0.2):
            step("sampling", share)
        step("writing", None)
    told = [line.split("  ", 1)[1] for line in (tmp_path / "log.txt").read_text("utf-8").splitlines()]
    assert told[:2] == ["fit (2 of 5): sampling", "fit (2 of 5): writing"]
    assert len(told) == 3 and told[2].startswith("✓ fit ")


def test_a_log_that_cannot_be_written_stops_nothing(shop):
    Path("reports").write_text("a file where the folder would be", encoding="utf-8")
    assert main(["prepare", "shop.yaml"]) == 0


# --- the terminal -------------------------------------------------------------------------------


def test_where_no_bar_can_be_seen_a_line_now_and_then_says_what_is_done(monkeypatch, capsys):
    clock = iter([0.0, 10.0, 31.0, 31.0, 45.0, 62.0, 62.0])
    monkeypatch.setattr("mmm_bayes.console.time.monotonic", lambda: next(clock))
    for quiet in (False, True):
        with Terminal(quiet=quiet).step("fit", "2 of 5") as step:
            if not quiet:
                for done in (0.1, 0.25, 0.3, 0.5):
                    step("sampling", done)
        told = capsys.readouterr().err.splitlines()
        assert told[:-1] == ([] if quiet else ["… fit (2 of 5): sampling, 25%", "… fit (2 of 5): sampling, 50%"])
        clock = iter([0.0])


def test_a_failed_step_prints_no_line(capsys):
    with pytest.raises(MMMError), Terminal().step("fit"):
        raise MMMError("no")
    assert capsys.readouterr().err == ""


def test_a_table_is_plain_text(capsys):
    Terminal().table(Table(["channel", "ROI"], [["tv", "1.50"], ["[search]", "12.00"]], title="Return"))
    assert capsys.readouterr().out.splitlines() == ["Return", "channel     ROI", "tv         1.50", "[search]  12.00"]


def test_weeks_are_shown_with_their_gain_where_there_is_any(small_run, capsys):
    gained = Gain(12.0, 11.0, -3.0, 40.0, 0.87, (0.0,) * 101)
    one_week = Finding("schedule.bursts", {"bursts": 1, "weeks": 1, "improved": False})
    bursts = Schedule("tv", (60.0, 0.0), (30.0, 30.0), 60.0, 0.0, 60.0, one_week, 80.0, gained)
    even = replace(
        bursts,
        channel="search",
        pattern=Finding("schedule.even", {"improved": False}),
        gain=replace(gained, mean=0.0, median=0.0),
    )
    results = load_results(small_run.config, small_run.space)
    heading, rows, sentence = lines_of_schedule(results, [bursts, even], capsys)
    assert heading == ["channel", "best weeks", "spend", "gain of the best weeks over even", "interval", "probability"]
    assert rows[0] == ["tv", "1 burst of 1 week", "£60", "£12.0", "−£3.00 to £40.0", "87%"]
    assert rows[1] == ["search", "even", "£60", *"–––"]
    assert sentence.startswith("The money of tv returns more in other weeks than spread evenly")
    assert list(of_schedule({"allocate": results.plan, "schedule": [even]}, results)) == [
        "Spread the money of each channel evenly over the weeks: no other weeks were found that return noticeably more."
    ]


def lines_of_schedule(results, schedules, capsys):
    """Return head, rows and sentence as the terminal shows them."""
    table, sentence = of_schedule({"allocate": results.plan, "schedule": schedules}, results)
    Terminal().table(table)
    _, *lines = capsys.readouterr().out.splitlines()
    heading, *rows = (re.split(r"  +", line.strip()) for line in lines)
    return heading, rows, sentence


def test_progress_may_be_called_at_any_time(capsys):
    with Terminal().step("fit") as step:
        step("compiling")
        step("sampling", 0.5)
        step.summary = "[done]"
    assert capsys.readouterr().err.endswith("  [done]\n")


# --- a place to compile -------------------------------------------------------------------------


def compile_cache_of(home: Path, **environment: str) -> str:
    script = "import os; from mmm_bayes.cache import compile_cache; print(compile_cache()); import pytensor"
    variables = {k: v for k, v in os.environ.items() if k != "PYTENSOR_FLAGS"} | {"HOME": str(home)} | environment
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=variables)
    return done.stdout.strip()


def test_compiled_code_is_kept_in_the_home_folder(tmp_path):
    assert compile_cache_of(tmp_path) == str(tmp_path / ".pytensor")


def test_a_home_that_cannot_be_written_is_no_obstacle(tmp_path):
    (tmp_path / "home").touch()  # a file: nobody, root included, can make a folder in it
    assert compile_cache_of(tmp_path / "home", TMPDIR=str(tmp_path)).startswith(str(tmp_path / "mmm_bayes-"))


def test_a_folder_that_the_user_chose_is_respected(tmp_path):
    chosen = str(tmp_path / "mine")
    assert compile_cache_of(tmp_path, PYTENSOR_FLAGS=f"base_compiledir={chosen}") == chosen
