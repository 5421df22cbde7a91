"""What the user sets wins, wherever they set it; Spark starts again in the same Python, and says what it cannot."""

import os
import subprocess
import sys
from pathlib import Path

NAMES = (
    "spark.master",
    "spark.sql.shuffle.partitions",
    "spark.ui.enabled",
    "spark.driver.memory",
    "spark.locality.wait",
)

SESSIONS = f"""
from mmm_bayes.errors import MMMError
from mmm_bayes.prepare import start
from mmm_bayes.prepare.spark import begin, spark_session
begin({{}})  # Java starts beside what follows, once
begin({{}})
(ahead,) = start.AHEAD
for settings in ({{}}, {{"spark.sql.shuffle.partitions": "5", "spark.ui.enabled": "true"}}, {{}}):
    with spark_session(settings) as spark:
        print(*(spark.conf.get(name, "none") for name in {NAMES}), spark.range(10).count())
        begin({{}})
        assert start.JAVA == [ahead.result()] and not start.AHEAD
try:
    spark_session({{"spark.driver.memory": "3g"}}).__enter__()
except MMMError as error:
    print(error)
"""


def sessions(folder: Path, **environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SESSIONS],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
        env={**os.environ, "SPARK_CONF_DIR": str(folder), **environment},
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_what_the_user_sets_wins(tmp_path: Path) -> None:
    (tmp_path / "spark-defaults.conf").write_text("# ours\nspark.locality.wait 9s\nspark.driver.memory=700m\n")
    submit = "--master local[1] --conf spark.sql.shuffle.partitions=7 pyspark-shell"
    first, second, third, error = sessions(tmp_path, PYSPARK_SUBMIT_ARGS=submit)
    assert first == "local[1] 7 false 700m 9s 10"
    assert second == "local[1] 5 true 700m 9s 10"
    assert third == first
    assert error == "spark.driver.memory counts when Java starts, which it has in this Python; start Python again."


def test_what_is_set_where_nobody_says_anything(tmp_path: Path) -> None:
    first, *_ = sessions(tmp_path, SPARK_MASTER="local[2]")
    assert first == f"local[2] {os.cpu_count()} false 2g none 10"
