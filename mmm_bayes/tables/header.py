"""Where the names of the columns stand, before anybody has said what they are."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from mmm_bayes.config import TableFile
from mmm_bayes.errors import DataError
from mmm_bayes.tables.files import content_of, decoded, format_of, found, is_marked_as_wide
from mmm_bayes.tables.read import HEAD, SEPARATORS, SPACES, TITLES, read_start, rows_of_sheet


def find_names(file: TableFile, path: str, section: str) -> list[str]:
    """Return the names of a table's columns; lines of a title may stand above them.

    Args:
        file: what is known of it.
        path: of a file, a folder or a glob; the first file tells.
        section: of the configuration, for messages.

    Raises:
        DataError: nothing is there, it cannot be read, or no row looks like names of columns.
    """
    first = found(path, section)[0]
    kind = file.format or format_of(first, section)
    if kind in ("json", "parquet"):
        return list(read_start(file, first, section, ()).columns)
    try:
        part = None if kind == "excel" or is_marked_as_wide(first) else HEAD
        content = content_of(first, kind, section, part)
        if len(content) == part:
            content = content[: max(map(content.rfind, (b"\n", b"\r"))) + 1]
        rows = rows_of_sheet(content, file, section) if kind == "excel" else _rows(decoded(content, file, section))
    except DataError as error:
        raise error.within(first) from None
    names = _header(rows[file.skip_rows : file.skip_rows + 2 * TITLES])
    if len(names) < 2:
        raise DataError(f"{first}: no row looks like the names of columns; write them in the first one.")
    return names


def _rows(text: str) -> list[list[str]]:
    """Return the first rows, parted by the sign that makes a header of one of them, and the most columns."""
    start = "".join(text.splitlines(keepends=True)[: 2 * TITLES])
    tables = [list(csv.reader(io.StringIO(start, newline=""), delimiter=sign)) for sign in SEPARATORS]
    return max(tables, key=lambda rows: len(_header(rows)))


def _header(rows: list[list[Any]]) -> list[str]:
    """Return the first row that is as wide as most rows are, where it holds names; nothing where it does not."""
    widths = Counter(_width(row) for row in rows if _width(row) > 1)
    if not widths:
        return []
    usual = widths.most_common(1)[0][0]
    row = next((row for row in rows if _width(row) >= usual), [])
    cells = [cell for cell in row if cell not in ("", None)]
    if not all(isinstance(cell, str) and re.search(r"[^\W\d]", cell) for cell in cells):
        return []
    return [name for cell in cells if (name := cell.strip(SPACES))]


def _width(row: Iterable[Any]) -> int:
    return sum(cell not in ("", None) for cell in row)
