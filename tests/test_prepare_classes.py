"""What Java has loaded is kept where nobody else may write, read if it is whole, and made anew if it is not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmm_bayes.prepare import classes
from mmm_bayes.prepare.classes import Classes, classes_of

WROTE, READ = "-XX:ArchiveClassesAtExit=", "-XX:SharedArchiveFile="


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Java of some release, and a cache of this test's own."""
    monkeypatch.setenv("PYTENSOR_FLAGS", f"base_compiledir={tmp_path / 'cache'}")
    for name in classes.ELSEWHERE:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "release").write_text('JAVA_VERSION="17.0.1"\n')
    return tmp_path


def kept_of(home: Path, **settings: str) -> Classes:
    found = classes_of(home, settings)
    assert found is not None
    return found


def option(found: Classes) -> str:
    return found.option(found.kept())


def leave(found: Classes, content: bytes) -> Path:
    """Do what Java does when it ends, and return the file that is kept then."""
    Path(option(found).removeprefix(WROTE)).write_bytes(content)
    found.keep()
    return Path(option(found).removeprefix(READ))


def test_what_one_start_has_left_the_next_one_reads(home: Path) -> None:
    found = kept_of(home)
    assert option(found).startswith(WROTE)
    path = leave(found, b"classes")
    assert option(kept_of(home)) == f"{READ}{path}"
    assert path.read_bytes() == b"classes"
    assert path.parent.stat().st_mode & 0o77 == 0
    assert [*path.parent.iterdir()] == [path]


@pytest.mark.parametrize("damage", [b"", b"classe", b"classeS", b"classes and more"])
def test_a_damaged_file_goes_and_is_written_anew(home: Path, damage: bytes) -> None:
    path = leave(kept_of(home), b"classes")
    path.write_bytes(damage)
    found = kept_of(home)
    assert option(found).startswith(WROTE)
    assert not path.exists()
    assert leave(found, b"classes") == path


def test_java_that_writes_nothing_leaves_nothing(home: Path) -> None:
    found = kept_of(home)
    found.keep()
    assert [*found.folder.iterdir()] == []


def test_another_java_spark_or_memory_has_classes_of_its_own(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {kept_of(home).key, kept_of(home, **{"spark.driver.memory": "4g"}).key}
    (home / "release").write_text('JAVA_VERSION="21.0.1"\n')
    keys.add(kept_of(home).key)
    (home / "pyspark" / "jars").mkdir(parents=True)
    monkeypatch.setattr(classes.pyspark, "__file__", str(home / "pyspark" / "__init__.py"))
    keys.add(kept_of(home).key)
    assert len(keys) == 4


def test_the_oldest_go(home: Path) -> None:
    for number in range(4):
        path = leave(kept_of(home, number=str(number)), b"%d" % number)
        os.utime(path, (number, number))
    assert len([*path.parent.iterdir()]) == classes.KEPT
    assert not option(kept_of(home, number="0")).startswith(READ)
    assert option(kept_of(home, number="3")) == f"{READ}{path}"


def test_nothing_is_kept_where_others_may_write(home: Path) -> None:
    folder = kept_of(home).folder.parent
    folder.chmod(0o777)
    assert classes_of(home, {}) is None


def test_nothing_is_kept_of_a_java_or_spark_that_is_not_known(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_CONF_DIR", str(home))
    assert classes_of(home, {}) is None
    monkeypatch.delenv("SPARK_CONF_DIR")
    (home / "release").unlink()
    assert classes_of(home, {}) is None


START = """
from mmm_bayes.prepare.spark import spark_session
for _ in range(2):  # a Java that writes ends with its session, and another one comes
    with spark_session() as spark:
        print(spark.range(10).count())
"""


@pytest.mark.slow
def test_java_loads_spark_from_the_file(home: Path) -> None:
    def from_file() -> bool:
        for log in home.glob("loaded.*"):
            log.unlink()
        environment = os.environ | {"JDK_JAVA_OPTIONS": f"-Xlog:class+load:file={home}/loaded.%p"}
        done = subprocess.run(
            [sys.executable, "-c", START], capture_output=True, text=True, check=True, env=environment, timeout=300
        )
        assert (done.stdout, done.stderr) == ("10\n10\n", "")
        logs = sorted(home.glob("loaded.*"), key=lambda log: int(log.suffix[1:]))
        first = next(text for log in logs if "org.apache.spark.SparkContext source: " in (text := log.read_text()))
        return "org.apache.spark.SparkContext source: shared" in first

    assert not from_file()
    assert from_file()
    for path in (home / "cache" / "mmm_bayes" / "java").iterdir():
        path.chmod(0o600)
        with path.open("r+b") as file:
            file.seek(path.stat().st_size // 2)
            file.write(b"damage")
    assert not from_file()
    assert from_file()
