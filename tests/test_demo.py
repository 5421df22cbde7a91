"""The demo as people call it, and one seed, one answer: whole processes."""

import csv
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import yaml

from mmm_bayes.simulate import PanelSpec, simulate_panel

PROGRAM = Path(sys.executable).with_name("mmm-bayes")


def run(*arguments: str, cores: int | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command, on the first cores alone where so many are asked for, and insist that it succeeds."""
    limit = cores and partial(os.sched_setaffinity, 0, sorted(os.sched_getaffinity(0))[:cores])
    variables = {k: v for k, v in os.environ.items() if k not in ("MMM_BAYES_DATA", "PYTENSOR_FLAGS")} | environment
    done = subprocess.run(
        [PROGRAM, *arguments], capture_output=True, text=True, env=variables, check=False, preexec_fn=limit
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.slow
def test_the_demo_ends_in_a_report_and_finds_the_truth(tmp_path):
    done = run("demo", "--output", str(tmp_path))
    steps = [line.split()[1] for line in done.stderr.splitlines() if line.startswith("✓")]
    assert steps == ["sample", "prepare", "fit", "compare", "allocate", "report"]
    assert "\x1b" not in done.stdout + done.stderr
    for said in ("What each channel returned", "the next 52 weeks", f"Report: {tmp_path}"):
        assert said in done.stdout
    assert sum(f"\n{verdict}: " in done.stdout for verdict in ("Clear", "Leaning", "Not yet")) == 1
    with (tmp_path / "data" / "demo" / "comparison.csv").open(encoding="utf-8") as file:
        covers = [row["bayesian_covers"] == "True" for row in csv.DictReader(file)]
    assert sum(covers) >= 4 and len(covers) == 5


@pytest.mark.slow
def test_one_seed_gives_one_answer_byte_for_byte(tmp_path):
    """On a cold and a warm cache, on one core and on two."""
    simulated = simulate_panel(PanelSpec(geos=2, weeks=60, seed=5))
    simulated.frame.to_parquet(tmp_path / "weekly.parquet")
    panel = {"path": "weekly.parquet", **simulated.columns.model_dump(exclude_none=True)}
    sampler = {"draws": 100, "tune": 100, "chains": 2, "seed": 11}
    raw = {"name": "shop", "panel": panel, "sampler": sampler, "compare": {"bootstrap": 5}}
    (tmp_path / "shop.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    cache = f"base_compiledir={tmp_path / 'cache'}"
    found = []
    for cores in (2, 1):
        place = [str(tmp_path / "shop.yaml"), "--output", str(tmp_path / f"on_{cores}"), "--quiet"]
        run("prepare", *place)
        run("fit", *place, cores=cores, PYTENSOR_FLAGS=cache)
        run("allocate", *place, "--force", PYTENSOR_FLAGS=cache)
        data = tmp_path / f"on_{cores}" / "data" / "shop"
        found.append([(data / name).read_bytes() for name in ("roi.csv", "allocation.csv", "lightgbm_roi.csv")])
    assert found[0] == found[1]
