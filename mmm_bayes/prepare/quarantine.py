"""The lines put aside, as they were read: brought to where the run lives, whoever holds them."""

from pathlib import Path

import pyarrow.parquet as pq
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from mmm_bayes.prepare.spark import is_on_this_machine
from mmm_bayes.workspace import writing

COPY = "mmm_bayes.copy"
AT_ONCE = 1_000_000
"""Most lines, give or take, that come from a cluster in one piece."""


def write_quarantine(invoices: DataFrame, folder: Path) -> None:
    """Write the lines put aside; where they have a ``reason`` themselves, ours has a longer name.

    On this machine Spark writes them itself. Executors elsewhere, and a server of Spark Connect, do not see our disk:
    they send the lines, and we write them.

    Args:
        invoices: see `mmm_bayes.prepare.weeks.add_up`.
        folder: of Parquet files, on this machine.
    """
    own = {name.lower() for name in invoices.select("raw.*").columns}
    reason = F.col("reason").alias("quarantine_reason" if "reason" in own else "reason")
    each = F.explode(F.sequence(F.lit(1), "lines")).alias(COPY)
    aside = invoices.where(F.col("reason").isNotNull()).select("raw.*", reason, each).drop(COPY)
    with writing(folder.absolute()) as temporary:
        if is_on_this_machine(invoices.sparkSession):
            aside.write.parquet(temporary.as_uri())  # whatever file system a bare path means to Spark
        else:
            _fetch(aside, temporary)


def _fetch(aside: DataFrame, folder: Path) -> None:
    folder.mkdir()
    pieces = 1 + aside.count() // AT_ONCE
    for piece in range(pieces):
        part = aside.where(F.pmod(F.xxhash64("*"), F.lit(pieces)) == piece)
        pq.write_table(part.toArrow(), folder / f"part-{piece:05}.parquet")
