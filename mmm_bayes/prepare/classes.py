"""The classes of Spark as Java has loaded them, kept between runs: half of what a start costs."""

import hashlib
import os
import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyspark

from mmm_bayes.cache import kept_folder

ELSEWHERE = {"SPARK_HOME", "SPARK_CONF_DIR", "SPARK_DIST_CLASSPATH", "HADOOP_CONF_DIR", "YARN_CONF_DIR"}
"""Variables that give Java other classes than those of the package pyspark, or folders, of which it keeps nothing."""

KEPT = 2
"""Files kept in the cache, 160 MB each; the oldest go first."""


@dataclass(frozen=True)
class Classes:
    """A file of classes; its name ends in a digest of what it holds.

    Attributes:
        folder: that nobody else may write to.
        key: stands for one Java, one Spark and the settings of its start.
    """

    folder: Path
    key: str

    def option(self, kept: Path | None) -> str:
        """Return the option with which Java reads the file or, where there is none, writes one when it ends."""
        if kept is None:
            return f"-XX:ArchiveClassesAtExit={shlex.quote(str(self._part))}"
        return f"-XX:SharedArchiveFile={shlex.quote(str(kept))}"

    def keep(self) -> None:
        """Name the file that Java has written, if it has; to be called once Java has ended well."""
        with suppress(OSError):
            self._part.rename(self._named(self._part))
            for old in sorted(self.folder.iterdir(), key=lambda path: path.stat().st_mtime)[:-KEPT]:
                old.unlink()

    def kept(self) -> Path | None:
        """Return the file if it is what its name says; a damaged one goes."""
        for path in self.folder.glob(f"{self.key}-*.jsa"):
            with suppress(OSError):
                if path == self._named(path):
                    path.touch()
                    return path
                path.unlink()
        return None

    def _named(self, path: Path) -> Path:
        with path.open("rb") as file:
            return self.folder / f"{self.key}-{hashlib.file_digest(file, 'sha256').hexdigest()}.jsa"

    @property
    def _part(self) -> Path:
        return self.folder / f"{self.key}-{os.getpid()}.part"


def classes_of(home: Path, settings: Mapping[str, str]) -> Classes | None:
    """Return the classes for the Java in ``home``, started with some settings; None where they cannot be kept."""
    jars, kept = Path(pyspark.__file__).resolve().parent / "jars", kept_folder()
    with suppress(OSError):
        if kept is not None and not os.environ.keys() & ELSEWHERE:
            made = (home / "release").read_bytes() + repr((jars, jars.stat().st_mtime_ns, *settings.items())).encode()
            folder = kept / "java"
            folder.mkdir(mode=0o700, exist_ok=True)
            return Classes(folder, hashlib.sha256(made).hexdigest()[:16])
    return None
