"""Print what the preparation of millions of transaction lines costs, beside bare jobs on the same sums.

Each way is a process of its own on the same Parquet: ``prepare`` is ours, which also keeps what it needs to read the
last block of 540,000 lines alone where it says so; ``bare`` is a Spark job with our settings
that reads, filters and groups; ``bare, exact`` also drops exact copies and writes rejected lines aside. Polars,
DuckDB and pandas do what ``bare, exact`` does, where they are installed. They take turns.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from subprocess import DEVNULL, Popen, run

import pyarrow.parquet as pq
from generate_transactions import ORDER, write_lines

SIZES = (540_000, 5_400_000, 27_000_000)

BARE = """
import sys
from pathlib import Path
from pyspark.sql import functions as F
from mmm_bayes.prepare.size import LONG, about
from mmm_bayes.prepare.start import started
with started({{}}, about([Path(sys.argv[1])]) >= LONG) as spark:
    lines = spark.read.parquet(sys.argv[1])
    good = (F.col("Quantity") != 0) & (F.col("UnitPrice") > 0) & F.col("InvoiceDate").isNotNull()
    {exact}
    week = F.date_trunc("week", "InvoiceDate").alias("week")
    revenue = F.sum(F.col("Quantity") * F.col("UnitPrice"))
    lines.where(good).groupBy(week, "Country").agg(revenue, F.count_distinct("InvoiceNo")).toPandas()
"""
EXACT = "lines.where(~F.coalesce(good, F.lit(False))).write.parquet(sys.argv[2]); lines = lines.dropDuplicates()"

SQL = """
import duckdb, sys
bad = "not coalesce(Quantity <> 0 and UnitPrice > 0 and InvoiceDate is not null, false)"
lines = f"read_parquet('{sys.argv[1]}')"
duckdb.sql(f"copy (from {lines} where {bad}) to '{sys.argv[2]}' (format parquet)")
duckdb.sql(f'''select date_trunc('week', InvoiceDate), Country, sum(Quantity * UnitPrice), count(distinct InvoiceNo)
    from (select distinct * from {lines}) where not {bad} group by 1, 2''').fetchall()
"""

POLARS = """
import polars as pl, sys
lines, c = pl.scan_parquet(sys.argv[1]), pl.col
good = ((c("Quantity") != 0) & (c("UnitPrice") > 0) & c("InvoiceDate").is_not_null()).fill_null(False)
lines.filter(~good).sink_parquet(sys.argv[2])
sums = (c("Quantity") * c("UnitPrice")).sum().alias("revenue"), c("InvoiceNo").n_unique().alias("orders")
keys = c("InvoiceDate").dt.truncate("1w"), c("Country")
lines.unique().filter(good).group_by(*keys).agg(*sums).collect(engine="streaming")
"""

PANDAS = """
import pandas as pd, sys
lines = pd.read_parquet(sys.argv[1])
good = (lines["Quantity"] != 0) & (lines["UnitPrice"] > 0) & lines["InvoiceDate"].notna()
lines[~good].to_parquet(sys.argv[2])
lines = lines[good].drop_duplicates()
lines = lines.assign(week=lines["InvoiceDate"].dt.to_period("W"), revenue=lines["Quantity"] * lines["UnitPrice"])
lines.groupby(["week", "Country"]).agg({"revenue": "sum", "InvoiceNo": "nunique"})
"""

OURS = """
import sys
from pathlib import Path
from mmm_bayes.config import make_config
from mmm_bayes.prepare import weekly_table
lines = {{"path": sys.argv[1], "preset": "online_retail", "start": "2022-01-01", "duplicates": "drop", {more}}}
before = Path(sys.argv[3]) if sys.argv[3:] else None
weekly_table(make_config({{"name": "x", "transactions": lines}}), Path(sys.argv[2]), before=before)
"""
KEEPING = OURS.format(more='"incremental": True')

WAYS = {
    "prepare": (OURS.format(more=""), "pyspark"),
    "prepare, incremental": (KEEPING, "pyspark"),
    "the same, the last block added": (KEEPING, "pyspark"),
    "bare": (BARE.format(exact=""), "pyspark"),
    "bare, exact": (BARE.format(exact=EXACT), "pyspark"),
    "DuckDB": (SQL, "duckdb"),
    "Polars": (POLARS, "polars"),
    "pandas": (PANDAS, "pandas"),
}


class Disk(threading.Thread):
    """Watches how many bytes a folder holds at most."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.folder, self.most, self.over = folder, 0, threading.Event()

    def run(self) -> None:
        """Look five times a second until it is over."""
        while not self.over.wait(0.2):
            with suppress(OSError):  # files come and go
                held = sum(entry.stat().st_blocks * 512 for entry in self.folder.rglob("*") if entry.is_file())
                self.most = max(self.most, held)


def measure(script: str, lines: Path, added: bool = False) -> tuple[float, float, float, int]:
    """Run a script on the lines; return seconds, processor seconds, GiB of its largest process, bytes on disk.

    Where ``added`` the lines are a folder, and the script has run on all of its files but the last before.
    """
    with tempfile.TemporaryDirectory() as name:
        before = [str(run_before(script, lines, Path(name)))] if added else []
        (local := Path(name) / "local").mkdir()
        disk, started = Disk(local), time.perf_counter()
        disk.start()
        environment = {**os.environ, "SPARK_LOCAL_DIRS": str(local)}
        aside = str(Path(name) / "aside")
        command = [sys.executable, "-W", "ignore", "-c", script, lines, aside, *before]
        process = Popen(command, stdout=DEVNULL, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        disk.over.set()
        disk.join()
    if status != 0:
        raise SystemExit("it failed")
    seconds = time.perf_counter() - started
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20, disk.most


def run_before(script: str, lines: Path, folder: Path) -> Path:
    """Run a script on a folder without its last file, and return the folder of what it has kept."""
    (kept := folder / "before").mkdir()
    last = max(lines.iterdir())
    last.rename(folder / last.name)
    run([sys.executable, "-W", "ignore", "-c", script, lines, kept / "aside"], check=True)
    (folder / last.name).rename(last)
    return kept


def in_files(lines: Path, folder: Path) -> Path:
    """Write each block of the lines into a file of its own."""
    folder.mkdir()
    with pq.ParquetFile(lines) as file:
        for block in range(file.num_row_groups):
            pq.write_table(file.read_row_group(block), folder / f"{block:03}.parquet")
    return folder


def main() -> None:
    """Write the lines, measure each way on them and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, nargs="*", default=SIZES)
    parser.add_argument("--order", type=float, default=ORDER, help="lines of the mean invoice")
    parser.add_argument("--ways", nargs="*", default=list(WAYS), choices=list(WAYS))
    arguments = parser.parse_args()
    print("| lines | way | s | processor s | GiB | local disk, bytes a line |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for wanted in arguments.lines:
            path = Path(folder) / "lines.parquet"
            written = write_lines(path, wanted, order=arguments.order)
            blocks = in_files(path, Path(folder) / f"{wanted}")
            for name in arguments.ways:
                script, package = WAYS[name]
                added = "added" in name
                if find_spec(package) is not None and not (added and len(list(blocks.iterdir())) == 1):
                    seconds, processor, memory, disk = measure(script, blocks if added else path, added)
                    numbers = f"{seconds:.1f} | {processor:.1f} | {memory:.1f} | {disk / written:.0f}"
                    print(f"| {written:,} | {name} | {numbers} |", flush=True)


if __name__ == "__main__":
    main()
