"""Response curves as a Parquet table."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mmm_bayes.curves.response import ResponseCurves
from mmm_bayes.workspace import writing


def save_curves(curves: ResponseCurves, path: Path) -> None:
    """Write curves as a long Parquet table ``channel, point, spend, draw, response``, with the window as metadata."""
    draws, channels, points = curves.response.shape
    names = np.repeat(np.asarray(curves.channels, dtype=object), points * draws)
    table = pa.table(
        {
            "channel": pa.array(names).dictionary_encode(),
            "point": np.tile(np.repeat(np.arange(points, dtype=np.int32), draws), channels),
            "spend": np.repeat(curves.spend.ravel(), draws),
            "draw": np.tile(np.arange(draws, dtype=np.int32), channels * points),
            "response": np.transpose(curves.response, (1, 2, 0)).ravel(),
        }
    )
    meta = {"weeks": str(curves.weeks), "model": curves.model, "held": json.dumps(curves.held)}
    meta |= {
        "today": ",".join(map(repr, curves.today.tolist())),
        "observed": ",".join(map(repr, curves.observed.tolist())),
    }
    meta |= {"planned": "yes"} if curves.planned else {}
    with writing(path) as temporary:
        pq.write_table(table.replace_schema_metadata(meta), temporary)


def load_curves(path: Path) -> ResponseCurves:
    """Read what `save_curves` wrote."""
    table = pq.read_table(path)
    meta = {k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items()}
    names = tuple(table["channel"].unique().to_pylist())
    draws = int(table["draw"].to_numpy().max()) + 1
    cube = table["response"].to_numpy().reshape(len(names), -1, draws)
    return ResponseCurves(
        channels=names,
        spend=table["spend"].to_numpy().reshape(cube.shape)[:, :, 0].copy(),
        response=np.transpose(cube, (2, 0, 1)).copy(),
        today=np.array([float(v) for v in meta["today"].split(",")]),
        observed=np.array([float(v) for v in meta["observed"].split(",")]),
        weeks=int(meta["weeks"]),
        model=meta["model"],
        held=tuple(json.loads(meta.get("held", "[]"))),
        planned="planned" in meta,
    )
