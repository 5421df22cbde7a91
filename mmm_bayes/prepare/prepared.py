"""`Prepared`: the weekly table with every KPI that the lines tell, of which the model takes one; needs no Spark."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from mmm_bayes.config import PanelColumns, Transactions
from mmm_bayes.errors import DataError
from mmm_bayes.workspace import writing

FILE = "weekly.parquet"
MEASURES = ("revenue", "orders", "units", "customers", "average_price", "trading_days")
"""Stand in every panel."""

FURTHER = ("margin", "new_customers", "returning_customers")
"""KPIs that lines tell where they have the columns; in a panel stands the one that it explains."""

KPI_VALUE = "kpi_value"


@dataclass(frozen=True)
class Prepared:
    """A weekly table with what is known about its making.

    Attributes:
        frame: one row per geo and week, the largest geo first: ``week, geo``, `MEASURES`, what there is of `FURTHER`,
            ``filled`` (true where there was no line), ``spend_<channel>``, ``holiday_<name>`` and external controls.
            Weeks before the first of revenue have spend alone.
        columns: which column holds what.
        quality: the data-quality summary, ready for JSON.
    """

    frame: pd.DataFrame
    columns: PanelColumns
    quality: dict[str, Any]

    def panel(self, table: Transactions) -> tuple[pd.DataFrame, PanelColumns]:
        """Return the table with the one KPI that a configuration names, and which column holds what.

        Raises:
            DataError: the KPI is the margin, and too many lines have no cost.
        """
        if table.kpi == "margin":
            _require_costs(self.quality["costs"], table)
        frame = self.frame.drop(columns=[name for name in FURTHER if name != table.kpi], errors="ignore")
        columns = self.columns.model_copy(update={"kpi": table.kpi})
        if table.kpi_value is None:
            return frame, columns
        return frame.assign(**{KPI_VALUE: table.kpi_value}), columns.model_copy(update={"kpi_value": KPI_VALUE})

    def save(self, folder: Path) -> None:
        """Write ``weekly.parquet``, which knows what its columns hold."""
        table = pa.Table.from_pandas(self.frame, preserve_index=False)
        columns = {"mmm_bayes": self.columns.model_dump_json()}
        with writing(folder / FILE) as path:
            pq.write_table(table.replace_schema_metadata({**(table.schema.metadata or {}), **columns}), path)


def load_prepared(folder: Path) -> Prepared:
    """Read what `Prepared.save` wrote, with the ``quality.json`` beside it."""
    table = pq.read_table(folder / FILE)
    columns = PanelColumns.model_validate_json((table.schema.metadata or {})[b"mmm_bayes"])
    return Prepared(table.to_pandas(), columns, json.loads((folder / "quality.json").read_text(encoding="utf-8")))


def _require_costs(without: dict[str, Any], table: Transactions) -> None:
    """See to it that nearly all lines, and nearly all money, have a cost."""
    share = max(without["share"], without["money_share"])
    if share > table.stop_above:
        raise DataError(
            f"{without['lines']:,} of the kept lines ({without['share']:.1%}, with {without['money_share']:.1%} of the "
            f"revenue) have no cost, those of {', '.join(without['products'])} among them, so their margin is unknown; "
            "add their costs, or raise 'transactions.stop_above' to leave them out of the margin."
        )
