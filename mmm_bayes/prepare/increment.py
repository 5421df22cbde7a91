"""What is kept of the lines of a run, so that the next one reads only the files that were added.

The same numbers must come out as of all lines. So nothing is kept but what each rule of cleaning needs:

* sums, orders and customers: the sums by invoice (see `weeks.add_up`), as an invoice or a customer may go on in a
  later file, and different ones are counted over all of them;
* exact duplicates: of each invoice the hashes of its lines, since a copy may come in a later file;
* what is worth half a week: the lines that may come to that, and a limit below which they are not kept;
* a cancellation counts in its own week and needs no other line. In the week of its order it needs all of them.

All lines are read again where that would not do: when a setting that judges lines has changed, a file of before is
another or gone, the dates, numbers or columns of all files together are to be read in another way, dates are stray
(which is decided by all weeks), or a line has become large because the usual week has become small.
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from math import inf
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from mmm_bayes.config import Config
from mmm_bayes.findings import Finding
from mmm_bayes.prepare.clean import Lines, invoices_of, judge
from mmm_bayes.prepare.outliers import COLUMNS, large_lines, limit_of
from mmm_bayes.prepare.read import only, read
from mmm_bayes.prepare.size import FACTS, facts_of
from mmm_bayes.prepare.spark import is_on_this_machine
from mmm_bayes.prepare.weeks import Counts
from mmm_bayes.provenance import KEPT
from mmm_bayes.provenance.inputs import fingerprint, has_changed, sources, versions
from mmm_bayes.workspace import write_json

ROWS, LARGE, _ = KEPT

JUDGE_NO_LINE = {
    *("path", "kpi", "kpi_value", "warn_above", "stop_above", "top_n", "min_active", "rest", "geo_level", "holidays"),
    "controls",
}
"""Settings of the transactions that decide nothing before lines are sums."""

SPARE = 0.5
"""Of what a line must be worth to be named, from which on it is kept."""


@dataclass(frozen=True)
class Earlier:
    """What a run has kept, and the lines that are new since.

    Attributes:
        folder: of its files.
        added: the lines of the new files.
        files: number of new files.
        facts: ``basis``, ``files`` with their fingerprints, ``limit`` from which on lines are kept.
    """

    folder: Path
    added: Lines
    files: int
    facts: Mapping[str, Any]

    @property
    def invoices(self) -> DataFrame:
        """The sums by invoice of the lines of before, see `mmm_bayes.prepare.weeks.add_up`."""
        parts = sorted(part.as_uri() for part in (self.folder / ROWS).absolute().iterdir())
        return self.added.raw.sparkSession.read.parquet(*parts)

    @property
    def seen(self) -> DataFrame:
        """Return ``invoice, print`` of the lines of before that share an invoice with a new one, once each."""
        names = invoices_of(self.added).withColumnRenamed("invoice", "name")
        shared = self.invoices.join(names, F.col("invoice").eqNullSafe(F.col("name")), "left_semi")
        return shared.select("invoice", F.explode("prints").alias("print")).distinct()

    @property
    def large(self) -> pd.DataFrame:
        """The lines of before from the limit on, see `mmm_bayes.prepare.outliers.large_lines`."""
        return pd.read_parquet(self.folder / LARGE)

    @property
    def limit(self) -> float:
        """From which revenue on lines were kept."""
        return inf if self.facts["limit"] is None else float(self.facts["limit"])


@dataclass(frozen=True)
class Increment:
    """What a run may take from the one before, and leaves to the next.

    Attributes:
        basis: what decides how a line is judged.
        files: those that are read, with their fingerprints.
        earlier: None where all lines are to be read.
        can_keep: whether the next run can build upon this one.
        note: what to say of it.
    """

    basis: Mapping[str, Any]
    files: Mapping[str, Any]
    earlier: Earlier | None = None
    can_keep: bool = True
    note: Finding | None = None

    def of_all_lines(self, why: Finding) -> "Increment":
        """Return what is left where all lines are read after all, and the next run must do so, too."""
        return replace(self, earlier=None, can_keep=False, note=why)


NOTHING_KEPT = Increment({}, {}, can_keep=False)
"""Of a table that is read as a whole each time."""


def find_increment(lines: Lines, config: Config, before: Path | None) -> Increment:
    """Decide which lines a run reads.

    Args:
        lines: all of them.
        config: of the run.
        before: folder of what the last run has kept, where it has.
    """
    files = [str(Path(file).absolute()) for file in lines.source.files]
    basis = _basis(lines, config)
    if not _are_files_of_ours(lines, files):
        return Increment(basis, {}).of_all_lines(Finding("increment.unseen"))
    facts = facts_of(before) if before else {"basis": basis, "files": {}}
    if why := _what_differs(facts, basis, files):
        return Increment(basis, {file: fingerprint(file) for file in files}, note=why)
    known = facts["files"]
    new = [file for file in files if file not in known]
    every = {**known, **{file: fingerprint(file) for file in new}}
    if before is None:
        return Increment(basis, every)
    added = _only(lines, new)
    if added.raw.schema != lines.raw.schema:
        return Increment(basis, every, note=Finding("increment.columns"))
    note = Finding("increment.added", {"files": len(new), "of": len(every)})
    return Increment(basis, every, Earlier(before, added, len(new), facts), note=note)


def single_lined(before: Path | None) -> set[str]:
    """Return the files that are the same and in which the last run found no cell that goes on in another line."""
    if before is None:
        return set()
    facts = facts_of(before)
    looked = facts["basis"]["settings"]["multiline"] == "auto" and not facts["basis"]["written"]["multiline"]
    return {file for file, then in facts["files"].items() if has_changed(then, file) is False} if looked else set()


def _what_differs(facts: Mapping[str, Any], basis: Mapping[str, Any], files: list[str]) -> Finding | None:
    """Return why what was kept is of no use."""
    if facts["basis"] != basis:
        return Finding("increment.basis")
    there = set(files)
    for file, then in facts["files"].items():
        if file not in there:
            return Finding("increment.gone", {"file": Path(file).name})
        if has_changed(then, file):
            return Finding("increment.changed", {"file": Path(file).name})
    return None


def _basis(lines: Lines, config: Config) -> dict[str, Any]:
    """Return all that decides how one line is judged, as JSON has it."""
    table, source, costs = lines.source.table, lines.source, sources(config).get("transactions.costs.path")
    known = {
        "settings": table.model_dump(mode="json", exclude=JUDGE_NO_LINE),
        "clock": asdict(lines.clock),
        "notation": asdict(lines.notation),
        "schema": lines.raw.schema.jsonValue(),
        "written": {
            **{"format": source.format, "multiline": source.multiline, "spaced": source.spaced},
            "separator": source.head.separator if source.head else None,
        },
        "costs": costs and {**(fingerprint(costs) or {}), "listing": None},
        "versions": {name: version for name, version in versions().items() if name in ("mmm_bayes", "pyspark")},
    }
    return dict(json.loads(json.dumps(known, default=str)))


def _are_files_of_ours(lines: Lines, files: list[str]) -> bool:
    """Whether Spark reads exactly the files that we know, one by one, and writes where we can read."""
    source = lines.source
    if not (files and source.split and source.format in ("csv", "parquet")):
        return False
    if not is_on_this_machine(lines.raw.sparkSession):
        return False
    read_by_spark = {unquote(urlsplit(address).path) for address in lines.raw.inputFiles()}
    return read_by_spark == set(files)


def _only(lines: Lines, files: list[str]) -> Lines:
    """Return the lines of some of the files, of none where there is none."""
    spark: SparkSession = lines.raw.sparkSession
    return replace(lines, raw=read(spark, only(lines.source, files)) if files else lines.raw.limit(0))


def large_of(
    increment: Increment, lines: DataFrame, rows: DataFrame, whole: Lines, counts: Counts
) -> tuple[pd.DataFrame, float]:
    """Return the lines that are worth naming, or may come to be, and the revenue from which on they are all there.

    Args:
        increment: which lines were read.
        lines: these, see `mmm_bayes.prepare.clean.judge`.
        rows: their sums by invoice, which say whether the lines are worth another look.
        whole: all lines.
        counts: what there is.
    """
    earlier, limit, week_start = increment.earlier, limit_of(counts), whole.source.table.week_start
    if earlier is not None and earlier.limit <= limit:
        kept = rows.where(F.col("reason").isNull() & (F.col("largest") >= earlier.limit))
        parts = [earlier.large, large_lines(lines, earlier.limit, week_start)] if kept.head(1) else [earlier.large]
        return pd.concat([part for part in parts if len(part)] or [earlier.large]), earlier.limit
    if float(counts.kept["largest"].max()) < SPARE * limit:
        return pd.DataFrame(columns=COLUMNS), SPARE * limit
    return large_lines(lines if earlier is None else judge(whole), SPARE * limit, week_start), SPARE * limit


def keep(increment: Increment, rows: DataFrame, large: pd.DataFrame, limit: float, folder: Path) -> None:
    """Write what the next run needs; what was kept before is taken along as it is.

    Args:
        increment: which lines were read.
        rows: the sums by invoice of these, with their ``prints``.
        large: all lines that are worth ``limit`` or more, those of before, too.
        limit: of the revenue.
        folder: of the run.
    """
    (folder / ROWS).mkdir()
    earlier = increment.earlier
    before = sorted((earlier.folder / ROWS).iterdir()) if earlier else []
    for part in before:
        shutil.copytree(part, folder / ROWS / part.name, copy_function=_link)
    if earlier is None or earlier.files:
        rows.write.parquet((folder / ROWS / f"{len(before):05}").absolute().as_uri())
    large.to_parquet(folder / LARGE, index=False)
    limit_or_none = None if limit == inf else limit
    write_json(folder / FACTS, {"basis": increment.basis, "files": increment.files, "limit": limit_or_none})


def _link(source: str, target: str) -> None:
    """Give a file that nobody changes a second name, or copy it where that cannot be."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
