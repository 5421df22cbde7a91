"""Start Spark quietly and quickly, on this machine or on the cluster that SPARK_MASTER names."""

import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from tempfile import TemporaryFile
from typing import IO, Any

from py4j.protocol import Py4JError, Py4JJavaError, Py4JNetworkError
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkException, PySparkRuntimeError
from pyspark.java_gateway import launch_gateway
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from mmm_bayes.errors import DataError, MMMError
from mmm_bayes.prepare.java import java_home

SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "true",  # columns are those of the file, 'Price' beside 'price' too
    "spark.sql.ansi.enabled": "true",  # overflow is an error; what may fail in the data is asked for with try_*
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",  # a date that does not parse is null, never an exception
    "spark.sql.legacy.javaCharsets": "true",  # all encodings, not those of Unicode alone
    "spark.sql.legacy.parquet.nanosAsLong": "true",  # pandas writes nanoseconds; `read` turns them into timestamps
}
"""What the answers depend on; set for every session, also one that was there before."""

LOCAL = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.memory": "2g",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    # Half of the time of a short run is the JVM compiling: the quick compiler halves that.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}
"""What makes a session on this machine start in seconds and stay silent."""

NO_MEMORY = ("Java heap space", "GC overhead limit exceeded", "SparkContext was shut down")
MORE_MEMORY = "give it more with PYSPARK_SUBMIT_ARGS='--driver-memory 4g pyspark-shell'."


@contextmanager
def spark_session() -> Iterator[SparkSession]:
    """Yield a Spark session: a new one that ends with the block, or one beside the session that is active already.

    The environment variable SPARK_MASTER names the master (default ``local[*]``); PYSPARK_SUBMIT_ARGS may replace
    any setting. What Java and Spark print goes to a temporary file, of which an error quotes the end.

    Raises:
        MMMError: no Java was found, or Spark does not start.
    """
    active = SparkSession.getActiveSession()
    if active is not None:
        yield _configured(active.newSession())
        return
    with TemporaryFile() as log, _quietly():
        spark = _start(os.environ.get("SPARK_MASTER", "local[*]"), log)
        try:
            yield _configured(spark)
        finally:
            _stop(spark)


@contextmanager
def spark_errors(what: str) -> Iterator[None]:
    """Turn an error of Spark into a sentence about ``what`` was being done.

    Raises:
        DataError: what Spark says, after ``what``.
    """
    try:
        yield
    except (PySparkException, Py4JError, OSError) as error:
        raise DataError(f"{what}: {_reason(error)}") from error


def _start(master: str, log: IO[bytes]) -> SparkSession:
    conf = SparkConf(loadDefaults=False).setMaster(master).setAppName("mmm-bayes")
    local = master.startswith("local")
    if local:
        conf.setAll(list(LOCAL.items()))
        conf.set("spark.sql.shuffle.partitions", str(os.cpu_count() or 1))
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if local:
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    try:
        with java_home() as home, _environment("JAVA_HOME", str(home)):
            gateway = SparkContext._gateway or launch_gateway(conf, {"stderr": log, "stdout": log})
        return SparkSession(SparkContext(gateway=gateway, conf=conf))
    except (PySparkRuntimeError, Py4JJavaError) as error:
        log.seek(0)
        said = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
        reason = next((line for line in said if "rror" in line or "xception" in line), _reason(error))
        raise MMMError(f"Spark does not start with master {master}: {reason}") from error


def _configured(spark: SparkSession) -> SparkSession:
    for key, value in SETTINGS.items():
        spark.conf.set(key, value)
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        PySparkLogger.getLogger(name).setLevel(logging.CRITICAL)  # they repeat on the terminal what is raised anyway
    logging.getLogger("py4j").setLevel(logging.CRITICAL)
    return spark


def _stop(spark: SparkSession) -> None:
    """End the session and its Java process, which pyspark would keep until Python ends."""
    gateway: Any = spark.sparkContext._gateway
    with suppress(Py4JError, OSError):  # it may have died
        spark.stop()
        gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()
    SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None
    SparkSession._instantiatedSession = SparkSession._activeSession = None


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


def _reason(error: Exception) -> str:
    """Return the innermost message as one sentence, without Spark's error class and SQL state."""
    try:
        text = _innermost(error)
    except (Py4JError, ConnectionError):  # its Java process is gone
        text = NO_MEMORY[0]
    if any(sign in text for sign in NO_MEMORY):
        return f"Spark ran out of memory; {MORE_MEMORY}"
    text = re.sub(r"^\[[A-Z_.0-9]+\] | SQLSTATE: \w+", "", text.split("\n\n")[0])
    return " ".join(text.split()).rstrip(".:;") + "."


def _innermost(error: Exception) -> str:
    if isinstance(error, Py4JNetworkError | ConnectionError):
        raise error
    if not isinstance(error, Py4JJavaError):
        return str(error)
    cause = error.java_exception
    while cause.getCause() is not None:
        cause = cause.getCause()
    return str(cause.getMessage() or cause.toString())
