"""What has changed since a step ran is named with the commands to run; a file that is not as written is refused."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from mmm_bayes.cli import main
from mmm_bayes.config import Config, load_config, make_config
from mmm_bayes.provenance import KEPT, STEPS, inputs, load_manifest, step
from mmm_bayes.provenance.inputs import fingerprint, has_changed, said, settings
from mmm_bayes.provenance.steps import needed
from mmm_bayes.workspace import Workspace


@dataclass(frozen=True)
class Folder:
    """A copy of the shared run with its configuration as a file."""

    root: Path

    @property
    def data(self) -> Path:
        return self.root / "data" / "small"

    def change(self, **sections: Any) -> None:
        """Change settings in the file, section by section."""
        path = self.root / "small.yaml"
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        for name, new in sections.items():
            raw[name] = raw.get(name, {}) | new if isinstance(new, dict) else new
        path.write_text(yaml.safe_dump(raw), encoding="utf-8")

    def swap_source(self) -> None:
        table = pd.read_parquet(self.root / "weekly.parquet")
        table.assign(revenue=table["revenue"] + 1).to_parquet(self.root / "weekly.parquet")


@pytest.fixture
def folder(small_run, tmp_path, monkeypatch) -> Folder:
    shutil.copytree(small_run.space.root, tmp_path, dirs_exist_ok=True)
    raw = small_run.config.model_dump(mode="json", exclude_unset=True, exclude={"folder"})
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MMM_BAYES_DATA", raising=False)
    return Folder(tmp_path)


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return the one sentence with which a command stops."""
    capsys.readouterr()
    assert main([*arguments]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("Error: ") and err.count("\n") == 1, err
    return err.removeprefix("Error: ").removesuffix("\n")


LIFT = {
    "channel": "tv",
    "start": "2022-06-06",
    "end": "2022-07-03",
    "spend_change": -100.0,
    "incremental_kpi": -300.0,
    "standard_error": 90.0,
}
FITTED, PREPARED = "when the model was fitted, now it is", "when the panel was prepared, now it is"
CHANGES = {
    "a prior": ({"model": {"priors": {"roi": {"tv": [0.5, 5]}}}}, f"model.priors.roi.tv was not set {FITTED} [0.5, 5]"),
    "the carry-over": ({"model": {"l_max": 6}}, f"model.l_max was 8 {FITTED} 6"),
    "a lift test": (
        {"model": {"lift_tests": [LIFT]}},
        f"model.lift_tests[0] was not set {FITTED} {{channel: 'tv', start: ",
    ),
    "the intervals": ({"ci_prob": 0.8}, f"ci_prob was 0.9 {FITTED} 0.8"),
    "the kpi": ({"panel": {"kpi": "orders"}}, f"panel.kpi was 'revenue' {PREPARED} 'orders'"),
    "a channel": (
        {"panel": {"organic": {"blog": "blog_visits"}}},
        f"panel.organic.blog was not set {PREPARED} 'blog_visits'",
    ),
    "another file": (
        {"panel": {"path": "other.parquet"}},
        f"panel.path was 'weekly.parquet' {PREPARED} 'other.parquet'",
    ),
}


@pytest.mark.parametrize("command", ["allocate", "compare"])
@pytest.mark.parametrize("case", CHANGES)
def test_what_has_changed_since_the_fit_is_named(case, command, folder, capsys):
    change, sentence = CHANGES[case]
    folder.change(**change)
    told = refusal(capsys, command, "small.yaml", *(["--force"] if command == "allocate" else []))
    assert told.startswith(f"data/small: {sentence}")
    again = "'mmm-bayes prepare' and 'mmm-bayes fit'" if PREPARED in sentence else "'mmm-bayes fit'"
    assert told.endswith(f"; run {again} again.")


def test_a_change_of_the_panel_stops_the_fit_too(folder, capsys):
    folder.change(panel={"kpi": "orders"})
    told = refusal(capsys, "fit", "small.yaml")
    assert told == f"data/small: panel.kpi was 'revenue' {PREPARED} 'orders'; run 'mmm-bayes prepare' again."


def test_a_change_of_the_source_data_is_named(folder, capsys):
    folder.swap_source()
    told = refusal(capsys, "allocate", "small.yaml", "--force")
    changed = "the file weekly.parquet has changed since the panel was prepared"
    assert told == f"data/small: {changed}; run 'mmm-bayes prepare' and 'mmm-bayes fit' again."
    assert main(["prepare", "small.yaml", "--quiet"]) == 0
    told = refusal(capsys, "allocate", "small.yaml", "--force")
    assert told.startswith("data/small: panel.")
    assert "has changed since the model was fitted" in told and told.endswith("; run 'mmm-bayes fit' again.")


def test_a_source_that_was_only_touched_or_is_gone_has_not_changed(folder):
    (folder.root / "weekly.parquet").touch()
    assert main(["allocate", "small.yaml", "--force", "--quiet"]) == 0
    (folder.root / "weekly.parquet").unlink()
    assert main(["allocate", "small.yaml", "--force", "--quiet"]) == 0


def test_more_than_one_change_is_counted(folder, capsys):
    folder.change(ci_prob=0.8, model={"l_max": 6, "fourier": 2})
    assert " (and 2 more); run 'mmm-bayes fit' again." in refusal(capsys, "allocate", "small.yaml", "--force")


def test_a_change_of_panel_json_alone_counts(folder, small_run, capsys):
    with step(Workspace("small", folder.root), "prepare", load_config("small.yaml")) as work:
        for name in load_manifest(Workspace("small", folder.root)).steps["prepare"]["files"]:
            shutil.copy(folder.data / name, work.folder / name)
        meta = json.loads((work.folder / "panel.json").read_text(encoding="utf-8"))
        meta["columns"]["controls"] = ["other"]
        (work.folder / "panel.json").write_text(json.dumps(meta), encoding="utf-8")
    told = refusal(capsys, "allocate", "small.yaml", "--force")
    assert told == "data/small: panel.json has changed since the model was fitted; run 'mmm-bayes fit' again."


def test_how_it_was_sampled_and_what_was_asked_once_do_not_count(folder):
    folder.change(sampler={"draws": 400, "seed": 9}, compare={"bootstrap": 3}, title="Spring", currency="€")
    assert main(["allocate", "small.yaml", "--force", "--quiet", "--budget", "1000000", "--weeks", "20"]) == 0
    manifest = load_manifest(Workspace("small", folder.root))
    assert manifest.steps["allocate"]["inputs"]["options"] == ["allocate.budget", "allocate.weeks"]
    assert [manifest.stale(name, load_config("small.yaml")) for name in STEPS] == [[]] * len(STEPS)
    assert main(["report", "small.yaml", "--quiet"]) == 0
    assert "Out of date" not in (folder.root / "reports" / "small" / "report.md").read_text(encoding="utf-8")


def test_the_report_leaves_out_a_plan_of_other_limits_and_says_why(folder):
    folder.change(allocate={"relative": [0.8, 1.2]})
    assert main(["report", "small.yaml", "--quiet"]) == 0
    text = (folder.root / "reports" / "small" / "report.md").read_text(encoding="utf-8")
    changed = r"allocate.relative was \[0.5, 1.5] when the plan was made, now it is \[0.8, 1.2]"
    assert f"Out of date: {changed}. Run `mmm-bayes allocate CONFIG` to renew the plan." in text.replace(r"\]", "]")


def test_the_same_data_in_another_place_are_the_same(folder):
    shutil.copy(folder.root / "weekly.parquet", folder.root / "copy.parquet")
    assert main(["allocate", "small.yaml", "--force", "--quiet", "--data", "copy.parquet"]) == 0
    folder.change(panel={"path": "copy.parquet"})
    assert main(["allocate", "small.yaml", "--force", "--quiet"]) == 0


def test_data_given_with_an_option_need_not_be_given_again(folder, capsys):
    (folder.root / "weekly.parquet").rename(folder.root / "elsewhere.parquet")
    assert main(["prepare", "small.yaml", "--quiet", "--data", "elsewhere.parquet"]) == 0
    config = load_config("small.yaml")
    manifest = load_manifest(Workspace("small", folder.root))
    assert manifest.stale("prepare", config) == []
    (folder.root / "elsewhere.parquet").rename(folder.root / "weekly.parquet")
    folder.swap_source()
    shutil.copy(folder.root / "weekly.parquet", folder.root / "elsewhere.parquet")
    (change,) = manifest.stale("prepare", config)
    assert change.what == "the file elsewhere.parquet has changed since the panel was prepared"


# --- files that are not as they were written ----------------------------------------------------


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def foreign(path: Path) -> None:
    path.write_text("a,b\n1,2\n", encoding="utf-8")


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


READERS = {
    "prepare": {"panel.parquet": ("fit", "compare"), "panel.json": ("fit", "compare"), "truth.json": ("compare",)},
    "fit": {
        **{"diagnostics.json": ("allocate",), "posterior.nc": ("allocate",)},
        **{"roi.csv": ("compare",), "lightgbm_roi.csv": ("compare",)},
    },
}
"""Commands that read a file and fail at once; the report reads all files but the transactions put aside."""

FILES = [(name, file) for name in ("prepare", "fit", "compare", "allocate") for file in STEPS[name].files]
NOT_HERE = ("weekly.parquet", "quarantine.parquet", *KEPT, "lift.csv", "truth_factors.parquet")


@pytest.mark.parametrize("damage", [truncated, emptied, foreign, flipped])
def test_a_damaged_or_edited_file_is_one_sentence(damage, folder, capsys):
    for name, file in FILES:
        if file in NOT_HERE:
            continue
        whole = (folder.data / file).read_bytes()
        damage(folder.data / file)
        for command in (*READERS.get(name, {}).get(file, ()), "report"):
            told = refusal(capsys, command, "small.yaml")
            damaged = f"data/small/{file} is damaged or was edited since {STEPS[name].done}"
            assert told == f"{damaged}: run 'mmm-bayes {name}' again."
        (folder.data / file).write_bytes(whole)
    assert {path.name for path in (folder.root / "reports").rglob("*.*")} == {"log.txt"}


@pytest.mark.parametrize(("name", "file"), [(n, f) for n, files in READERS.items() for f in files])
def test_a_missing_file_is_one_sentence(name, file, folder, capsys):
    (folder.data / file).unlink()
    for command in READERS[name][file]:
        told = refusal(capsys, command, "small.yaml", *(["--force"] if command == "allocate" else []))
        assert told == f"data/small/{file} does not exist yet: run 'mmm-bayes {name}' first."


@pytest.mark.parametrize("damage", [truncated, emptied, foreign])
def test_a_damaged_manifest_is_one_sentence_and_prepare_begins_a_new_one(damage, folder, capsys):
    damage(folder.data / "run.json")
    for command in ("fit", "compare", "allocate", "report", "dashboard"):
        assert (
            refusal(capsys, command, "small.yaml") == "data/small/run.json is damaged: run 'mmm-bayes prepare' first."
        )
    assert main(["prepare", "small.yaml", "--quiet"]) == 0
    told = refusal(capsys, "allocate", "small.yaml")
    assert told == "data/small/diagnostics.json is not in run.json: run 'mmm-bayes fit' again."


@pytest.mark.parametrize("how", ["without a manifest", "of another layout"])
def test_files_of_another_version_are_one_sentence(how, folder, capsys):
    if how == "without a manifest":
        (folder.data / "run.json").unlink()
    else:
        raw = json.loads((folder.data / "run.json").read_text(encoding="utf-8"))
        (folder.data / "run.json").write_text(json.dumps(raw | {"layout": 0}), encoding="utf-8")
    for command in ("fit", "compare", "allocate", "report"):
        told = refusal(capsys, command, "small.yaml")
        old = "data/small/panel.parquet was written by another version of mmm-bayes"
        assert told == f"{old}: run 'mmm-bayes prepare' again."


# --- values and sources -------------------------------------------------------------------------


def test_every_setting_of_a_configuration_is_recorded_by_some_step(small_run):
    every = set(settings(small_run.config, Config.model_fields))
    known = [path for known in STEPS.values() for path in (*known.decided_by, *known.noted)]
    assert {name for name in every if not inputs.is_below(name, known)} == {"name"}


def test_steps_stand_on_those_before_them():
    assert needed("schedule") == ["prepare", "fit", "allocate"]
    order = list(STEPS)
    for name in STEPS:
        assert all(order.index(before) < order.index(name) for before in needed(name))


def test_no_file_has_two_writers():
    homes = [(known.place, file) for known in STEPS.values() for file in known.files]
    assert len(homes) == len(set(homes))


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "not set"), ([0.5, 3.0], "[0.5, 3]"), ("a", "'a'"), (0.25, "0.25"), ({"a": 1, "b": None}, "{a: 1}")],
)
def test_values_are_said_as_one_writes_them(value, text):
    assert said(value) == text
    assert len(said([1.25] * 100)) == inputs.LONGEST


@pytest.mark.parametrize("limit", [inputs.CONTENT, 0])
def test_sources_are_files_folders_and_globs(limit, tmp_path, monkeypatch):
    monkeypatch.setattr(inputs, "CONTENT", limit)
    lines = tmp_path / "lines"
    lines.mkdir()
    (lines / "a.csv").write_text("1")
    (lines / "b.csv").write_text("2")
    for path in (lines, lines / "*.csv", lines / "b.csv"):
        known = fingerprint(str(path))
        assert not has_changed(known, str(path))
        (lines / "b.csv").write_text("3")
        assert has_changed(known, str(path))
        (lines / "b.csv").write_text("2")
        assert has_changed(known, str(path)) == (limit == 0)  # too large to be read: the time of writing counts
    known = fingerprint(str(lines / "*.csv"))
    (lines / "c.csv").write_text("3")
    assert has_changed(known, str(lines / "*.csv"))
    assert fingerprint(str(tmp_path / "gone")) is None and not has_changed(known, str(tmp_path / "gone"))


def test_a_setting_that_a_later_version_adds_is_no_change(tmp_path):
    panel = {"path": "weekly.csv", "kpi": "sales", "spend": {"tv": "tv"}}
    config = make_config({"name": "shop", "panel": panel})
    space = Workspace("shop", tmp_path)
    with step(space, "prepare", config) as work:
        (work.folder / "panel.parquet").touch()
    raw = json.loads((space.data / "run.json").read_text(encoding="utf-8"))
    del raw["steps"]["prepare"]["inputs"]["decided_by"]["panel.separator"]
    (space.data / "run.json").write_text(json.dumps(raw), encoding="utf-8")
    assert load_manifest(space).stale("prepare", config) == []
    other = make_config({"name": "shop", "panel": panel | {"separator": ";"}})
    (change,) = load_manifest(space).stale("prepare", other)
    assert change.what == "panel.separator was not set when the panel was prepared, now it is ';'"


# --- what need not be done again ----------------------------------------------------------------

DONE = ["prepare", "fit", "compare", "allocate"]
AGAIN = {
    "nothing": ({}, []),
    "the title": ({"title": "Shops"}, []),
    "how many draws": ({"sampler": {"draws": 160}}, ["fit", "compare"]),
    "the budget": ({"allocate": {"budget": 5_000}}, ["allocate"]),
    "the length of the plan": ({"allocate": {"weeks": 26}}, ["prepare", "allocate"]),
    "the currency": ({"currency": "$"}, ["prepare"]),
    "the holdout": ({"compare": {"holdout": 9}}, ["compare"]),
    "a prior": ({"model": {"priors": {"roi": {"tv": [0.5, 5]}}}}, ["fit", "compare", "allocate"]),
}


def again() -> list[str]:
    """Return the steps that would be done again."""
    config = load_config("small.yaml")
    manifest = load_manifest(Workspace("small"))
    asked = {"allocate": {"model": "bayesian"}}
    return [name for name in DONE if not manifest.stands(name, config, **asked.get(name, {}))]


@pytest.mark.parametrize("case", AGAIN)
def test_a_step_is_done_again_where_its_settings_are_others(case, folder):
    change, steps = AGAIN[case]
    folder.change(**change)
    assert again() == steps


def test_a_step_is_done_again_where_its_data_are_others_or_unknown(folder):
    os.utime(folder.root / "weekly.parquet")
    assert again() == []
    shutil.move("weekly.parquet", "away.parquet")
    assert "prepare" in again()
    folder.change(panel={"path": "away.parquet"})
    assert again() == []
    shutil.move("away.parquet", "weekly.parquet")
    folder.change(panel={"path": "weekly.parquet"})
    folder.swap_source()
    assert "prepare" in again()
    folder.change(panel={"path": "s3://shop/weekly.parquet"})
    assert "prepare" in again()


def test_a_step_is_done_again_where_its_files_versions_or_arguments_are_others(folder):
    with (folder.data / "roi.csv").open("a") as file:
        file.write("\n")
    assert again() == ["fit"]
    raw = json.loads((folder.data / "run.json").read_text(encoding="utf-8"))
    raw["steps"]["compare"]["versions"]["pymc"] = "5.0"
    raw["steps"]["allocate"]["arguments"]["model"] = "lightgbm"
    (folder.data / "run.json").write_text(json.dumps(raw), encoding="utf-8")
    assert again() == ["fit", "compare", "allocate"]
