"""What Spark says when it fails, as one sentence."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JError, Py4JJavaError, Py4JNetworkError
from pyspark.errors import PySparkException

from mmm_bayes.errors import DataError

NO_MEMORY = ("Java heap space", "GC overhead limit exceeded", "SparkContext was shut down")
GONE = "does not exist in the JVM"
"""What py4j says of each class of a Java process that has died."""
NOT_INSTALLED = ("ClassNotFoundException", "No suitable driver")
MORE_PACKAGES = "add its package with --conf spark.jars.packages=GROUP:NAME:VERSION, or its file with spark.jars."
MORE_MEMORY = "give it more with --conf spark.driver.memory=4g."


@contextmanager
def spark_errors(what: str) -> Iterator[None]:
    """Turn an error of Spark into a sentence about ``what`` was being done.

    Raises:
        DataError: what Spark says, after ``what``.
    """
    try:
        yield
    except (PySparkException, Py4JError, OSError) as error:
        raise DataError(f"{what}: {reason(error)}") from error


def reason(error: Exception) -> str:
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
        if isinstance(error, Py4JError) and GONE in str(error):
            raise error
        return str(error)
    cause = error.java_exception
    while cause.getCause() is not None:
        cause = cause.getCause()
    said = str(cause.getMessage() or cause.toString())
    if any(sign in str(cause.toString()) for sign in NOT_INSTALLED):
        return f"Spark has no driver for it ({said}); {MORE_PACKAGES}"
    return said
