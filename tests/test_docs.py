"""The documents cannot drift: every command is explained, every block of the README and of docs/ runs or is checked."""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pytest
import yaml

from mmm_bayes.cli import app
from mmm_bayes.config import load_config, make_config
from mmm_bayes.provenance import STEPS, load_manifest
from mmm_bayes.workspace import Workspace

README = Path("README.md").read_text(encoding="utf-8")
PAGES = {
    str(path): path.read_text(encoding="utf-8") for path in (Path("README.md"), *sorted(Path("docs").glob("*.md")))
}
MAKEFILE = Path("Makefile").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return [b for text in PAGES.values() for b in re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)]


def command_lines(text: str) -> list[str]:
    """Return every ``mmm-bayes ...`` line of a text."""
    lines = [re.sub(r"^Example:", "", line.strip()).strip() for line in text.splitlines()]
    return [line for line in lines if line.startswith("mmm-bayes ")]


def parse(line: str) -> None:
    """Let click parse a command line without running it."""
    _, name, *arguments = shlex.split(line)
    command = app.get_command(click.Context(app), name)
    assert command is not None, line
    command.make_context(name, arguments, resilient_parsing=False)


@pytest.mark.parametrize("name", app.commands)
def test_every_command_has_help_with_an_example_and_stands_in_the_readme(name):
    command = app.commands[name]
    assert command.help
    examples = command_lines(command.help)
    assert examples
    for line in examples:
        parse(line)
    assert f"| `mmm-bayes {name}" in README


@pytest.mark.parametrize("name", app.commands)
def test_every_option_has_help(name):
    for option in app.commands[name].params:
        if isinstance(option, click.Option) and option.name not in ("model",):
            assert option.help, option.name


def test_shell_blocks_name_real_commands_and_targets():
    for block in blocks("bash"):
        for line in command_lines(block):
            parse(line.split("#")[0])
        for target in re.findall(r"^make ([a-z-]+)", block, flags=re.MULTILINE):
            assert re.search(rf"^{target}:", MAKEFILE, flags=re.MULTILINE), target


@pytest.mark.parametrize("block", blocks("yaml"))
def test_yaml_blocks_are_valid_configurations(block, tmp_path, monkeypatch):
    """A block without a name shows a part of the form to fill in."""
    form = yaml.safe_load(Path("config/weekly_panel.yaml").read_text(encoding="utf-8"))
    found = {"experiment": {"lift": {"point_estimate": 45000, "lower_bound": 30000, "upper_bound": 60000}}}
    (tmp_path / "geox_results.json").write_text(json.dumps(found), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    given = yaml.safe_load(block)
    config = make_config(given if "name" in given else {**form, **given})
    assert all(test.error > 0 for test in config.model.lift_tests)


def test_links_and_named_files_exist():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert Path(target).exists(), target
    for path in set(re.findall(r"`(config/[a-z_]+\.yaml)`", README)) - {"config/shop.yaml"}:
        assert Path(path).exists(), path


def test_the_pages_are_built_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    assert "incremental_kpi" in (tmp_path / "api" / "index.html").read_text(encoding="utf-8")


def test_every_check_of_the_verdict_has_its_place():
    checks = tomllib.loads(Path("mmm_bayes/report/words/en/check.toml").read_text(encoding="utf-8"))
    names = {check["name"].removesuffix(" {{ number }}") for check in checks.values()}
    assert names == set(re.findall(r"^### (.+)$", PAGES["docs/verdict.md"], flags=re.MULTILINE))


@pytest.mark.parametrize("path", sorted(set(Path("config").glob("*.yaml")) - {Path("config/reference.yaml")}), ids=str)
def test_configurations_load(path):
    assert load_config(path).name


def test_every_target_is_listed_by_make_help():
    shown = subprocess.run(["make", "help"], capture_output=True, text=True, check=True).stdout
    for target in re.findall(r"^([a-z-]+):", MAKEFILE, flags=re.MULTILINE):
        assert re.search(rf"^{target}\b", shown, flags=re.MULTILINE), target


def weekly_table(weeks: int = 60) -> pd.DataFrame:
    """A table in the form of config/weekly_panel.yaml."""
    rng = np.random.default_rng(11)
    size = 2 * weeks
    media = {f"{c}_spend": rng.gamma(2.0, 500.0, size) for c in ("tv", "search", "social")}
    season = np.tile(np.sin(np.arange(weeks) / 52 * 2 * np.pi), 2)
    revenue = 50_000 * (1 + 0.1 * season + rng.normal(0, 0.03, size)) + 1.5 * sum(media.values())
    return pd.DataFrame(
        {
            "week": np.tile(pd.date_range("2023-01-02", periods=weeks, freq="7D").strftime("%Y-%m-%d"), 2),
            "region": np.repeat(["North", "South"], weeks),
            "revenue": revenue,
            "price_index": rng.normal(100, 2, size),
            **media,
        }
    )


def test_the_python_blocks_run(tmp_path, monkeypatch, capsys, spark):
    (tmp_path / "config").mkdir()
    text = Path("config/weekly_panel.yaml").read_text(encoding="utf-8")
    small = "\nsampler: {draws: 250, tune: 300, chains: 2}\ncompare: {bootstrap: 5}\n"
    (tmp_path / "config" / "weekly_panel.yaml").write_text(text + small, encoding="utf-8")
    weekly_table().to_csv(tmp_path / "weekly.csv", index=False)
    monkeypatch.chdir(tmp_path)
    names = {"spark": spark}  # as a reader of docs/spark.md has it; the README stands first and names the rest
    for block in blocks("python"):
        exec(compile(block, "a page", "exec"), names)
    assert load_manifest(Workspace("weekly_panel")).checked("allocate", "allocation.json")
    assert "search" in capsys.readouterr().out


def test_files_of_a_run_are_named_in_the_data_readme():
    named = Path("data/README.md").read_text(encoding="utf-8") + Path("reports/README.md").read_text(encoding="utf-8")
    written = set()
    for path in Path("mmm_bayes").rglob("*.py"):
        code = path.read_text(encoding="utf-8")
        written |= set(re.findall(r'"([a-z_]+\.(?:csv|json|parquet|nc|html|md))"', code))
    templates = {path.name for path in Path("mmm_bayes/report").rglob("*.*")}
    for name in written - templates | {"report.html", "report.md"}:
        assert f"`{name}`" in named or f"{name}`" in named, name


@pytest.mark.parametrize("name", ["prepare", "fit", "compare", "allocate", "forecast", "report"])
def test_what_a_command_writes_stands_in_its_row_of_the_architecture(name):
    rows = Path("ARCHITECTURE.md").read_text(encoding="utf-8").splitlines()
    (row,) = [line for line in rows if line.startswith(f"| `{name}` |")]
    files = {file for known in STEPS.values() if known.command.split()[0] == name for file in known.files}
    assert {file for file in files if f"{file}`" not in row and f"{file}/`" not in row} == set()


# --- the table of tests ---------------------------------------------------------------------------


def test_each_kind_of_input_has_its_tests_and_three_inputs():
    text = Path("tests/README.md").read_text(encoding="utf-8")
    rows = [row.split(" | ") for row in text.splitlines() if row.startswith("| ") and "::" in row]
    named = [re.findall(r"`(test_\w+\.py::test_\w+)`", row[-1]) for row in rows]
    ids = sorted({f"tests/{one}" for tests in named for one in tests})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "", "-p", "no:cacheprovider", *ids]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout[-2000:]
    collected = Counter(line.partition("[")[0] for line in found.stdout.splitlines() if "::" in line)
    assert len(rows) > 15
    for row, tests in zip(rows, named, strict=True):
        assert sum(collected[f"tests/{one}"] for one in tests) >= 3, row[0]
