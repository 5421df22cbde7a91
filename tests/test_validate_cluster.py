"""Trials on several machines: the same table whatever the executors, and one that dies costs nothing but time."""

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest

RUN = """
import json, os, signal, sys
from pathlib import Path
from mmm_bayes.config import make_config
from mmm_bayes.panel import panel_from_frame
from mmm_bayes.simulate import PanelSpec, simulate_panel
from mmm_bayes.validate.run import validate
from mmm_bayes.validate.trials import Subject

made = simulate_panel(PanelSpec(geos=1, weeks=60, seed=2))
raw = {"name": "x", "panel": {"path": "x.csv", **made.columns.model_dump(exclude_none=True)}}
config = make_config({**raw, "sampler": {"draws": 100, "tune": 100, "chains": 2}})
panel = panel_from_frame(made.frame, made.columns, "x")
settings, lost = json.loads(sys.argv[2]), []

def lose_one(message, done):
    if done is None or lost or len(sys.argv) < 4:
        return
    signs = sys.argv[3].encode(), b"CoarseGrainedExecutorBackend"
    others = [p for p in Path("/proc").glob("[0-9]*/cmdline") if p.parent.name != str(os.getpid())]
    commands = {int(p.parent.name): p.read_bytes() for p in others if p.exists()}
    lost.extend(pid for pid, command in commands.items() if all(sign in command for sign in signs))
    os.kill(lost[0], signal.SIGKILL)

found = validate(Subject(config, panel, None), ["sbc"], 6, Path(sys.argv[1]), settings, lose_one)
found.outcomes.to_csv(sys.stdout, index=False)
print(len(lost), found.summary["sbc"]["failed"], file=sys.stderr)
"""


def table(journal: Path, master: str, *mark: str) -> tuple[pd.DataFrame, str]:
    settings = {"spark.master": master, "spark.executor.extraJavaOptions": " ".join(mark)}
    command = [sys.executable, "-W", "ignore", "-c", RUN, str(journal), json.dumps(settings), *mark]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    return pd.read_csv(StringIO(done.stdout)), done.stderr.strip().splitlines()[-1]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="executors are looked for below /proc")
def test_the_table_is_the_same_whatever_the_executors_and_though_one_dies(tmp_path: Path) -> None:
    one, told = table(tmp_path / "one", "local[1]")
    assert len(one) == 6 * 6 and told == "0 0"
    several, told = table(tmp_path / "several", "local-cluster[2,1,1024]", f"-Dmark={tmp_path.name}{os.getpid()}")
    assert told == "2 0"
    pd.testing.assert_frame_equal(several, one)


@pytest.mark.slow
def test_a_run_that_was_cut_off_goes_on_where_it_was(tmp_path: Path) -> None:
    whole, _ = table(tmp_path / "journal", "local[2]")
    lines = (tmp_path / "journal").read_text(encoding="utf-8").splitlines(keepends=True)
    assert len(lines) == 6
    kept = lines[:3]
    (tmp_path / "journal").write_text("".join(kept) + lines[3][:20], encoding="utf-8")
    again, _ = table(tmp_path / "journal", "local[2]")
    pd.testing.assert_frame_equal(again, whole)
    assert (tmp_path / "journal").read_text(encoding="utf-8").startswith("".join(kept))
