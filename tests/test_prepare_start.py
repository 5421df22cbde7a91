"""What the user sets wins, wherever they set it; Spark starts again in the same Python, and says what it cannot."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmm_bayes.config import make_config
from mmm_bayes.prepare.size import COLUMNAR, LINE, LONG, PACKED, is_long

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


ARGUMENTS = """
import sys
from mmm_bayes.prepare.spark import begin, spark_session
long = sys.argv[1] == "long"
begin({}, None, long)
with spark_session({}, None, long) as spark:
    java = spark.sparkContext._jvm.java.lang.management.ManagementFactory.getRuntimeMXBean()
    print(*sorted(word for word in java.getInputArguments() if "Tiered" in word or "UseSerial" in word))
"""


@pytest.mark.parametrize(
    ("size", "wanted"), [("short", "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"), ("long", "-XX:+UseSerialGC")]
)
def test_java_compiles_as_well_as_it_can_where_there_is_much_to_read(size: str, wanted: str) -> None:
    done = subprocess.run([sys.executable, "-c", ARGUMENTS, size], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == wanted


@pytest.mark.parametrize(("name", "line"), [("lines.csv", LINE), ("lines.parquet", COLUMNAR), ("lines.csv.gz", PACKED)])
def test_how_much_there_is_to_read_is_seen_from_the_sizes_of_files(tmp_path: Path, name: str, line: int) -> None:
    raw = {"name": "shop", "transactions": {"path": str(tmp_path / "*"), "preset": "online_retail"}}
    assert not is_long(make_config(raw))  # which is for others to say
    for lines, long in ((LONG - 1, False), (LONG, True)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(lines * line)  # takes no room on the disk
        assert is_long(make_config(raw)) is long
    assert not is_long(make_config({"name": "shop", "transactions": {"table": "sales", "preset": "online_retail"}}))


def test_files_that_an_incremental_table_has_read_before_are_not_counted(tmp_path: Path) -> None:
    (folder := tmp_path / "lines").mkdir()
    for name, lines in (("old.csv", LONG), ("new.csv", LONG - 1)):
        with (folder / name).open("wb") as file:
            file.truncate(lines * LINE)
    (tmp_path / "kept.json").write_text(json.dumps({"files": {str(folder / "old.csv"): {}}}), encoding="utf-8")
    raw = {"path": str(folder), "preset": "online_retail"}
    whole, part = (
        make_config({"name": "shop", "transactions": {**raw, "incremental": only}}) for only in (False, True)
    )
    assert is_long(whole, tmp_path) and is_long(part) and not is_long(part, tmp_path)


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
