"""Several machines: an executor that is lost costs its work again, not the run; the quarantine comes to the run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from mmm_bayes.config import make_config
from mmm_bayes.prepare import weekly_table
from mmm_bayes.simulate.transactions import write_sample

RUN = """
import json, os, signal, sys
from pathlib import Path
from mmm_bayes.config import make_config
from mmm_bayes.prepare import table, weekly_table

plain = table.require_no_question

def lose_one(*arguments):  # all that was kept until here lies with the two executors
    signs = sys.argv[4].encode(), b"CoarseGrainedExecutorBackend"
    others = [p for p in Path("/proc").glob("[0-9]*/cmdline") if p.parent.name != str(os.getpid())]
    commands = {int(p.parent.name): p.read_bytes() for p in others if p.exists()}
    executors = [pid for pid, command in commands.items() if all(sign in command for sign in signs)]
    print(len(executors))
    os.kill(executors[0], signal.SIGKILL)
    return plain(*arguments)

table.require_no_question = lose_one
config = make_config(json.loads(sys.argv[1]))
weekly_table(config, Path(sys.argv[2])).frame.to_parquet(sys.argv[3])
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="executors are looked for below /proc")
def test_a_lost_executor_costs_a_recomputation(spark: SparkSession, tmp_path: Path) -> None:
    path = write_sample(tmp_path / "lines.csv.gz", lines=1200, weeks=22, seed=4)
    lines = {"path": str(path), "preset": "online_retail", "start": "2022-01-01", "duplicates": "drop"}
    raw = {"name": "x", "transactions": lines}
    expected = weekly_table(make_config(raw), tmp_path / "here.parquet")
    mark = f"-Dmark={tmp_path.name}{os.getpid()}"
    cluster = {"spark.master": "local-cluster[2,1,1024]", "spark.executor.extraJavaOptions": mark}
    arguments = [json.dumps({**raw, "spark": cluster}), str(tmp_path / "q.parquet"), str(tmp_path / "f.parquet"), mark]
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments], capture_output=True, text=True, timeout=600, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "2"), done.stderr
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "f.parquet"), expected.frame)
    aside, here = (pd.read_parquet(tmp_path / name).reset_index(drop=True) for name in ("q.parquet", "here.parquet"))
    columns = list(here)
    pd.testing.assert_frame_equal(
        *(frame.sort_values(columns, ignore_index=True) for frame in (aside[columns], here)), check_like=True
    )
