"""Write as many transaction lines as are asked for, shaped like Online Retail, as Parquet with its types.

One simulated sample is written again and again, each time with invoices of its own: what costs time (invoices,
copies, lines to put aside) grows with the lines; days, products and countries stay.
"""

import argparse
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mmm_bayes.simulate.transactions import sample

BLOCK = 540_000
"""Most lines of the sample."""

ORDER = 21.0
"""Lines of the mean invoice of Online Retail."""


def write_lines(path: Path, lines: int, seed: int = 1, order: float = ORDER) -> int:
    """Write about so many lines as row groups of one file; return how many."""
    table = typed(sample(min(lines, BLOCK), seed=seed, order=order))
    times = max(1, round(lines / len(table)))
    with pq.ParquetWriter(path, table.schema, compression="snappy") as file:
        for number in range(times):
            invoices = pc.binary_join_element_wise(table["InvoiceNo"], f"-{number}", "")
            file.write_table(table.set_column(0, "InvoiceNo", invoices))
    return times * len(table)


def typed(texts: pd.DataFrame) -> pa.Table:
    """Return the columns of an export with the types of the public Parquet; what does not parse is missing."""
    numbers = {name: pd.to_numeric(texts[name], errors="coerce") for name in ("Quantity", "UnitPrice", "CustomerID")}
    times = pd.to_datetime(texts["InvoiceDate"], format="%m/%d/%Y %H:%M", errors="coerce").astype("datetime64[ms]")
    numbers |= {name: numbers[name].astype("Int32") for name in ("Quantity", "CustomerID")}
    return pa.Table.from_pandas(texts.assign(**numbers, InvoiceDate=times), preserve_index=False)


def main() -> None:
    """Read the command line, write the file and say what it holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path)
    parser.add_argument("--lines", type=int, default=540_000)
    parser.add_argument("--order", type=float, default=ORDER, help="lines of the mean invoice")
    arguments = parser.parse_args()
    written = write_lines(arguments.path, arguments.lines, order=arguments.order)
    print(f"{arguments.path}: {written:,} lines, {arguments.path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
