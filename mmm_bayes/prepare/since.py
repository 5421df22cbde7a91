"""How the lines compare with those of the last run: how many a day, how many put aside, new geos and new codes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from mmm_bayes.findings import Finding


def since(before: Path, now: Path, quality: Mapping[str, Any], product: str) -> tuple[Finding, ...]:
    """Return what to say of two runs, nothing where they tell the same.

    Args:
        before: folder with ``quality.json`` and ``quarantine.parquet`` of the last run.
        now: folder with ``quarantine.parquet`` of this one.
        quality: the data-quality summary of this one.
        product: name of the column of products.
    """
    quality_then = json.loads((before / "quality.json").read_text(encoding="utf-8"))
    then, today = _facts(quality_then, before, product), _facts(quality, now, product)
    if then is None or today is None or then == today:
        return ()
    a_day = {"lines_then": then["lines"], "lines_now": today["lines"]}
    aside = {"aside_then": then["aside"], "aside_now": today["aside"]}
    new = {name: sorted(today[name] - then[name]) for name in ("geos", "codes")}
    return (Finding("data.since", {**a_day, **aside, "geos": new["geos"], "codes": new["codes"]}),)


def _facts(quality: Mapping[str, Any], folder: Path, product: str) -> dict[str, Any] | None:
    """Return what is compared, None of a run that did not read transactions, or not as this version does."""
    if "days" not in quality:
        return None
    kept = quality["lines_read"] - sum(aside["lines"] for aside in quality["quarantine"].values())
    return {
        "lines": round(kept / max(quality["days"], 1)),
        "aside": 1 - kept / max(quality["lines_read"], 1),
        "geos": set(quality["geos"]["names"]),
        "codes": _codes(folder / "quarantine.parquet", product),
    }


def _codes(quarantine: Path, product: str) -> set[str]:
    """Return the codes that were left out as those of no products."""
    names = pq.ParquetDataset(quarantine).schema.names
    if product not in names:  # another column held them then
        return set()
    reason = "quarantine_reason" if "quarantine_reason" in names else "reason"
    table = pq.read_table(quarantine, columns=[product], filters=[(reason, "=", "code_that_is_no_product")])
    return {str(code).strip() for code in pc.unique(table[product]).to_pylist()}
