"""Results of experiments as other programs leave them: meridian-geox and CausalPy."""

import ast
import csv
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmm_bayes.config.model import LiftTest
from mmm_bayes.errors import ConfigError, nearest

ENDS = (("lower_bound", "upper_bound"), ("hdi_lower", "hdi_upper"), ("ci_lower", "ci_upper"))
"""What the ends of an interval are called by meridian-geox, and by CausalPy for models with and without draws."""

RESULT = ("incremental_kpi", "roas", "standard_error", "interval")
NEITHER = (
    "holds no result; save that of meridian-geox (its 'results' as JSON or as printed) or CausalPy's "
    "effect_summary().table as CSV or JSON"
)


def with_result(test: LiftTest, path: str, place: str) -> LiftTest:
    """Return a test with the result that its file holds, as if it stood in the configuration.

    Of meridian-geox that is the lift of a cell, of CausalPy the cumulative effect: KPI units, all tested geos together.

    Args:
        test: with a path.
        path: where the file is found.
        place: of the test in the configuration, for messages.

    Raises:
        ConfigError: the file cannot be read, holds no such result, or the configuration gives another beside it.
    """
    if also := [name for name in RESULT if name in test.model_fields_set]:
        raise ConfigError(f"'{place}.path' names the file that holds the result; leave out '{also[0]}'.")
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"'{place}.path': {path} cannot be read as a text; correct the path.") from None
    try:
        gain, interval = _result(_content(text), test.cell)
    except ValueError as error:
        raise ConfigError(f"'{place}.path': {path} {error}.") from None
    found = test.model_copy()
    # not among the fields that were given: another reading of the configuration finds them anew
    found.__dict__.update(incremental_kpi=gain, interval=interval)
    return found


def _content(text: str) -> Any:
    """Return mappings, lists and numbers, from JSON, what Python prints, or CSV with names in its first column."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        pass
    try:
        return _printed(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError):
        rows = [row for row in csv.reader(text.splitlines()) if row]
        return {row[0]: dict(zip(rows[0][1:], row[1:], strict=False)) for row in rows[1:]}


def _printed(node: ast.expr) -> Any:
    """Return what a printed value holds; an object is the mapping of its fields."""
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return {str(_printed(key)): _printed(value) for key, value in pairs if key is not None}
    if isinstance(node, ast.Call) and node.keywords:
        return {str(part.arg): _printed(part.value) for part in node.keywords}
    if isinstance(node, ast.Call) and node.args:
        return _printed(node.args[0])
    if isinstance(node, ast.List | ast.Tuple):
        return [_printed(part) for part in node.elts]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_printed(node.operand)
    if isinstance(node, ast.Name):
        return math.inf if node.id == "inf" else math.nan
    return ast.literal_eval(node)


def _result(content: Any, cell: str | None) -> tuple[float, tuple[float, float]]:
    """Return the gain and its interval.

    Raises:
        ValueError: a sentence that follows the name of the file, without its full stop.
    """
    if not isinstance(content, Mapping):
        raise ValueError(NEITHER)
    cells = dict(_cells(content))
    if not cells:
        raise ValueError(NEITHER)
    if cell is not None and cell not in cells:
        raise ValueError(f"has no cell '{cell}'; {nearest(cell, [*cells]).rstrip('.')}")
    if cell is None and len(cells) > 1:
        raise ValueError(f"holds the cells {', '.join(cells)}; name one as 'cell'")
    found = cells[cell] if cell is not None else next(iter(cells.values()))
    low, high = next(ends for ends in ENDS if {*ends} <= {*found})
    gain, *interval = (_number(found[name]) for name in (_middle(found), low, high))
    return gain, (interval[0], interval[1])


def _cells(content: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each result by its name: the lift of a cell, or the cumulative row of a table."""
    if isinstance(inner := content.get("results"), Mapping):
        yield from _cells(inner)
    if {"mean"} <= {*content} and isinstance(content["mean"], Mapping):  # by column
        content = {row: {c: v.get(row) for c, v in content.items()} for row in content["mean"]}
    for name, part in content.items():
        if not isinstance(part, Mapping):
            continue
        if _is_result(part.get("lift")):
            yield name, part["lift"]
        elif name == "cumulative" and _is_result(part):
            yield name, part


def _is_result(part: Any) -> bool:
    return isinstance(part, Mapping) and _middle(part) in part and any({*ends} <= {*part} for ends in ENDS)


def _middle(part: Mapping[str, Any]) -> str:
    return "point_estimate" if "point_estimate" in part else "mean"


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"has '{value}' where a number should be; give a result with a finite interval on both sides")
    return number
