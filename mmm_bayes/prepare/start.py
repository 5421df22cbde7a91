"""Start Spark quietly and quickly: on this machine, on the cluster that is named, or by Spark Connect."""

import atexit
import logging
import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from py4j.protocol import Py4JError
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkException, PySparkRuntimeError
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

from mmm_bayes.errors import MMMError
from mmm_bayes.prepare.classes import Classes, classes_of
from mmm_bayes.prepare.failures import reason
from mmm_bayes.prepare.java import java_home

JAVA_OPTIONS, PARTITIONS = "spark.driver.extraJavaOptions", "spark.sql.shuffle.partitions"

ONE_COLLECTOR = "-XX:+UseSerialGC"
QUICK = "-XX:TieredStopAtLevel=1"
"""Half of the time of a short run is Java compiling. Its quick compiler alone halves that; what it makes runs half as
fast."""

LOCAL = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.memory": "2g",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    JAVA_OPTIONS: f"{QUICK} {ONE_COLLECTOR}",
    "spark.io.compression.codec": "zstd",  # less than half of the local disk, for the same processor time
    "spark.io.compression.zstd.level": "3",  # a fifth less of the disk again
    "spark.sql.adaptive.enabled": "false",  # a job and a plan more for each shuffle; there is nothing to adapt to
    "spark.sql.dataFrameQueryContext.enabled": "false",  # to note where a column is asked for takes half of all calls
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    PARTITIONS: str(os.cpu_count() or 1),
}
"""What makes a session on this machine start in seconds and stay silent, unless the user has set it."""

AT_LAUNCH = ("spark.driver.", "spark.jars", "spark.submit.")
"""How settings begin that a Java process takes when it starts, and never again."""

APP, SHELL = "mmm-bayes", "pyspark-shell"


@dataclass(frozen=True)
class Java:
    """The Java process of this Python; PySpark keeps one, from the first session to the end of Python.

    Attributes:
        gateway: to the process.
        log: what it has printed.
        settings: that it has taken when it started.
        leaves: the classes that it writes when it ends, if it does.
    """

    gateway: Any
    log: IO[bytes]
    settings: Mapping[str, str]
    leaves: Classes | None

    def end(self) -> None:
        """End the process, which may have died."""
        with suppress(Py4JError, OSError):
            self.gateway.shutdown()
        self.gateway.proc.stdin.close()
        if self.gateway.proc.wait() == 0 and self.leaves is not None:
            self.leaves.keep()
        self.log.close()


JAVA: list[Java] = []
"""None or one."""

AHEAD: list[Future[Java]] = []
"""The same, while it is started beside other work."""


def launch_ahead(settings: Mapping[str, str], long: bool) -> None:
    """Start Java in a thread, where a session would; `started` waits for it, and says what went wrong."""
    if JAVA or AHEAD or _remote(settings):
        return
    pool = ThreadPoolExecutor(1)
    AHEAD.append(pool.submit(_launch, _master(settings), settings, long))
    pool.shutdown(wait=False)


@contextmanager
def started(settings: Mapping[str, str], long: bool = False) -> Iterator[SparkSession]:
    """Yield a new session that ends with the block.

    What is set wins in this order: ``settings``, SPARK_MASTER and SPARK_REMOTE, PYSPARK_SUBMIT_ARGS,
    ``spark-defaults.conf``, `LOCAL`. Of a ``long`` run Java compiles as well as it can. What Java and Spark print goes
    to a temporary file, of which an error quotes the end.

    Raises:
        MMMError: no Java was found, or Spark does not start.
    """
    with _quietly():
        remote = _remote(settings)
        spark = _connect(remote, settings) if remote else _start(settings, long)
        try:
            yield spark
        finally:
            with suppress(PySparkException, Py4JError, OSError):  # it may have died
                spark.stop()
                if not remote:
                    _rest(JAVA[0])


def _rest(java: Java) -> None:
    """Let Java give the memory back that others need; one that leaves classes ends, beside what Python does next."""
    if java.leaves is None:
        java.gateway.jvm.System.gc()
        return
    JAVA.remove(java)
    SparkContext._gateway = SparkContext._jvm = None  # a later session has a Java of its own
    atexit.unregister(java.end)
    threading.Thread(target=java.end).start()


def _remote(settings: Mapping[str, str]) -> str | None:
    return settings.get("spark.remote", os.environ.get("SPARK_REMOTE"))


def _connect(url: str, settings: Mapping[str, str]) -> SparkSession:
    builder = SparkSession.builder.remote(url)
    if url.startswith("local"):  # a server of our own takes all of them, another what a session can have
        builder = builder.config(map=dict(settings))
    try:
        return builder.getOrCreate()
    except ImportError as error:
        raise MMMError("Spark Connect is not installed: pip install 'pyspark[connect]'.") from error
    except PySparkException as error:
        said = " ".join(str(error).split())
        raise MMMError(f"{url}: no server of Spark Connect answers ({said:.200}); correct the address.") from error


def _start(settings: Mapping[str, str], long: bool) -> SparkSession:
    master = _master(settings)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if master.startswith("local"):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    java = _java(master, settings, long)
    _require(java, settings)
    conf = SparkConf().setMaster(master).setAppName(APP).setAll(list(settings.items()))
    with _telling(master, java.log):
        return SparkSession(SparkContext(gateway=java.gateway, conf=conf))


def _java(master: str, settings: Mapping[str, str], long: bool) -> Java:
    if AHEAD:
        return AHEAD.pop().result()
    return JAVA[0] if JAVA else _launch(master, settings, long)


def _launch(master: str, settings: Mapping[str, str], long: bool) -> Java:
    """Start Java with what the user has set, and `LOCAL` where they have not."""
    usual = LOCAL | {JAVA_OPTIONS: ONE_COLLECTOR} if long else LOCAL
    ours = {name: value for name, value in usual.items() if name not in _defaults()}
    local = master.startswith("local")
    conf = SparkConf(loadDefaults=False).setAll(list(ours.items()) if local else [])
    at_launch = {name: value for name, value in settings.items() if name.startswith(AT_LAUNCH)}
    given = [word for word in _submit_arguments() if word != SHELL]
    plain = local and not given and not _defaults() and at_launch.keys() <= {"spark.driver.memory"}
    wanted = [part for item in at_launch.items() for part in ("--conf", "=".join(item))]
    arguments = shlex.join([*given, "--master", master, *wanted, SHELL])
    log = TemporaryFile()  # noqa: SIM115 - it stays open as long as Java runs
    with (
        _telling(master, log),
        java_home() as home,
        _environment("JAVA_HOME", str(home)),
        _environment("PYSPARK_SUBMIT_ARGS", arguments),
    ):
        leaves = classes_of(home, at_launch) if plain else None
        if leaves:
            kept = leaves.kept()
            conf.set(JAVA_OPTIONS, f"{ours[JAVA_OPTIONS]} {leaves.option(kept)}")
            leaves = None if kept else leaves
        java = Java(launch_gateway(conf, {"stderr": log, "stdout": log}), log, at_launch, leaves)
    JAVA.append(java)
    atexit.register(java.end)
    return java


def _require(java: Java, settings: Mapping[str, str]) -> None:
    """See to it that the Java process runs, with the settings that it cannot take any more."""
    if java.gateway.proc.poll() is not None:
        raise MMMError("the Java process of this Python has ended; start Python again.")
    for name, value in settings.items():
        if name.startswith(AT_LAUNCH) and java.settings.get(name) != value:
            raise MMMError(f"{name} counts when Java starts, which it has in this Python; start Python again.")


def _master(settings: Mapping[str, str]) -> str:
    """Return the master that the user has named, else this machine."""
    named = settings.get("spark.master") or os.environ.get("SPARK_MASTER")
    if named:
        return named
    for word, after in pairwise([*_submit_arguments(), ""]):
        if word.startswith(("--master=", "spark.master=")):
            named = word.partition("=")[2]
        if word == "--master":
            named = after
    return named or _defaults().get("spark.master", "local[*]")


def _submit_arguments() -> list[str]:
    return shlex.split(os.environ.get("PYSPARK_SUBMIT_ARGS", ""))


def _defaults() -> dict[str, str]:
    """Return what ``spark-defaults.conf`` sets, where there is one."""
    home = os.environ.get("SPARK_CONF_DIR") or Path(os.environ.get("SPARK_HOME", "")) / "conf"
    try:
        lines = (Path(home) / "spark-defaults.conf").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    words = [line.replace("=", " ", 1).split(None, 1) for line in lines if not line.lstrip().startswith("#")]
    return {pair[0]: pair[1].strip() for pair in words if len(pair) == 2}


@contextmanager
def _telling(master: str, log: IO[bytes]) -> Iterator[None]:
    """Say of a start that fails the first error that Java printed, else what was raised."""
    try:
        yield
    except (PySparkRuntimeError, Py4JError, OSError) as error:
        log.seek(0)
        lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
        said = next((line for line in lines if "rror" in line or "xception" in line), reason(error))
        raise MMMError(f"Spark does not start with master {master}: {said}") from error


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep py4j's log of a Java process that dies off the terminal, and put Ctrl-C back as it was.

    Pyspark's own handler of Ctrl-C outlives its session and fails without it.
    """
    before, silence = signal.getsignal(signal.SIGINT), logging.NullHandler()
    logging.getLogger().addHandler(silence)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(silence)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before)


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before
