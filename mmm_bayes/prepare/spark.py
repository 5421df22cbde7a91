"""A Spark session that answers as we need it to: the one that is handed in or runs already, or one of our own."""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import RLock

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException, PySparkRuntimeError
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from mmm_bayes.errors import ConfigError, MMMError
from mmm_bayes.prepare.start import launch_ahead, started

SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "true",  # columns are those of the file, 'Price' beside 'price' too
    "spark.sql.ansi.enabled": "true",  # overflow is an error; what may fail in the data is asked for with try_*
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",  # a date that does not parse is null, never an exception
    "spark.sql.legacy.javaCharsets": "true",  # all encodings, not those of Unicode alone
    "spark.sql.legacy.parquet.nanosAsLong": "true",  # pandas writes nanoseconds; `read` turns them into timestamps
}
"""What the answers depend on; see `our_rules`."""

ONE_AT_A_TIME = RLock()
"""Settings are those of a session, not of a thread: threads of one Python prepare one after the other."""


@contextmanager
def spark_session(
    settings: Mapping[str, str] | None = None, session: SparkSession | None = None, long: bool = False
) -> Iterator[SparkSession]:
    """Yield a Spark session: the one that is handed in, the one that runs in any thread of this Python, or a new one.

    A new one ends with the block; one that was there before has its settings back then. Works with Spark Connect, too.

    Args:
        settings: of Spark, by name; they win over everything that is set elsewhere.
        session: where the caller has one.
        long: whether there is so much to read that it is worth a slower start.

    Raises:
        ConfigError: a setting is one of `SETTINGS`.
        MMMError: no Java was found, Spark does not start, or a setting cannot change in the session that runs.
    """
    wanted = dict(settings or {})
    if ours := sorted(wanted.keys() & SETTINGS.keys()):
        raise ConfigError(f"'spark': {ours[0]} is {SETTINGS[ours[0]]} for all that we compute; leave it out.")
    with ONE_AT_A_TIME:
        running = session or _running()
        if running is None:
            with started(wanted, long) as own, holding(own, {} if isinstance(own, SparkSession) else wanted):
                yield own
        else:
            with holding(running, wanted):
                yield running


def begin(settings: Mapping[str, str], session: SparkSession | None = None, long: bool = False) -> None:
    """Let Java start beside what Python does until it asks for a `spark_session` with the same arguments."""
    if session is None and _running() is None:
        launch_ahead(settings, long)


@contextmanager
def our_rules(spark: SparkSession) -> Iterator[None]:
    """Let a session read and compute by `SETTINGS` within the block; SQL of the user's is analysed before."""
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        PySparkLogger.getLogger(name).setLevel(logging.CRITICAL)  # they repeat on the terminal what is raised anyway
    logging.getLogger("py4j").setLevel(logging.CRITICAL)
    with holding(spark, SETTINGS):
        yield


def has_no_executors(spark: SparkSession) -> bool:
    """Whether a session computes within one process, and so has no other machine to lose."""
    return re.fullmatch(r"local(\[.*\])?", str(spark.conf.get("spark.master", "") or "")) is not None


def is_on_this_machine(spark: SparkSession) -> bool:
    """Whether a session computes on this machine alone, and so writes where we can read."""
    return isinstance(spark, SparkSession) and has_no_executors(spark)


def _running() -> SparkSession | None:
    with suppress(PySparkRuntimeError):
        return SparkSession.active()
    return None


@contextmanager
def holding(spark: SparkSession, settings: Mapping[str, str]) -> Iterator[None]:
    """Give a session these settings within the block."""
    settings = {name: value for name, value in settings.items() if name != "spark.remote"}
    before: dict[str, str | None] = {name: spark.conf.get(name, None) for name in settings}
    try:
        for name, value in settings.items():
            if before[name] != value:
                _set(spark, name, value)
        yield
    finally:
        for name, old in before.items():
            with suppress(PySparkException, Py4JError, OSError):  # it may have died, or never been set
                if old is None:
                    spark.conf.unset(name)
                elif old != settings[name]:
                    spark.conf.set(name, old)


def _set(spark: SparkSession, name: str, value: str) -> None:
    try:
        spark.conf.set(name, value)
    except PySparkException as error:
        raise MMMError(
            f"the Spark session that runs already cannot change {name} to {value}; set it where the session is made."
        ) from error
