"""Tables of their cells, from files of any program: separators, sheets, title lines and blank edges."""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from mmm_bayes.config import TableFile, is_address
from mmm_bayes.errors import DataError, close, nearest
from mmm_bayes.tables.files import (
    LOST,
    content_of,
    decoded,
    format_of,
    found,
    is_marked_as_wide,
    lost_letter,
    start_of,
)

SEPARATORS = ",;\t|"
TITLES = 40
"""Lines at the top among which a header is looked for, to say where it is."""

HEAD = 2**18
"""Bytes that are looked at where the first rows are enough."""

LARGE, SOME = 2**23, 20_000
"""Bytes and rows that say what a table holds; of a larger one no more is read."""

SPACES = " \t\n\r\u00a0\u2007\u202f"


def read_table(file: TableFile, path: str, section: str, columns: Iterable[str]) -> pd.DataFrame:
    """Return the cells of a table: texts as written where the format has no types.

    The index counts rows of the file, and names it where there are several.

    Args:
        file: what the configuration says of it.
        path: of a file, a folder or a glob, of an address such as ``s3://``; files in one format with the same columns.
        section: name of the section of the configuration, for messages.
        columns: names of those that must be there.

    Raises:
        DataError: nothing is there, it cannot be read, or a column is missing or there twice.
    """
    wanted = list(dict.fromkeys(columns))
    paths = found(path, section)
    frames = [_read_one(file, one, section, wanted) for one in paths]
    if len(paths) == 1:
        return frames[0]
    for other in frames[1:]:
        if sorted(other.columns) != sorted(frames[0].columns):
            odd = sorted(set(other.columns) ^ set(frames[0].columns))[0]
            raise DataError(f"{path}: not all of its files have the column '{odd}'; give those that do by a glob.")
    places = [f"{row} of {Path(one).name}" for one, frame in zip(paths, frames, strict=True) for row in frame.index]
    return pd.concat(frames).set_axis(pd.Index(places))


def as_table(frame: pd.DataFrame, place: str, section: str, columns: Iterable[str]) -> pd.DataFrame:
    """Return the cells of a table that is in memory already; arguments and errors as `read_table` has them."""
    wanted, frame = list(dict.fromkeys(columns)), _cells_of(frame)
    return _named(frame, list(frame.columns), place, section, wanted)


def keys(values: pd.Series, section: str) -> pd.Series:
    """Return names as they are written, without space around them; None for empty cells.

    Raises:
        DataError: a letter of a name is lost.
    """
    codes, distinct = pd.factorize(values)
    names = [_name(value) for value in distinct]
    for code, name in enumerate(names):
        if name is not None and LOST in name:
            raise DataError(
                f"column '{values.name}', row {values.index[codes == code][0]}: {lost_letter(name, section)}"
            )
    return pd.Series(np.array([*names, None], dtype=object)[codes], values.index, name=values.name)


def _name(value: Any) -> str | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return None if pd.isna(value) else str(value).strip(SPACES) or None


@dataclass(frozen=True)
class Head:
    """The first rows of a CSV, and how it is written.

    Attributes:
        names: of its columns; those without one are ``_c0`` and so on.
        separator: between them.
        above: lines above them.
        frame: the rows, as texts.
    """

    names: list[str]
    separator: str
    above: int
    frame: pd.DataFrame


def read_start(file: TableFile, path: str, section: str, columns: Iterable[str]) -> pd.DataFrame:
    """Return the first rows of a table; of large CSV and Parquet on this machine only a part is read, see `LARGE`.

    Arguments and errors as `read_table` has them.
    """
    first, *more = found(path, section)
    kind = file.format or format_of(first, section)
    parted = kind in ("csv", "parquet") and not (
        first.endswith(".zip") or is_address(first) or is_marked_as_wide(first)
    )
    if not parted or sum(Path(one).stat().st_size for one in (first, *more)) <= LARGE:
        return read_table(file, path, section, columns).iloc[:SOME]
    if kind == "csv":
        return read_head(file, first, section, columns, LARGE).frame.iloc[:SOME]
    with pq.ParquetFile(first) as rows:
        start = pa.Table.from_batches([next(rows.iter_batches(SOME))]).to_pandas()
    return as_table(start, first, section, columns)


def read_head(file: TableFile, path: str, section: str, columns: Iterable[str], size: int = HEAD) -> Head:
    """Return the first rows of a CSV on this machine, those in so many bytes; see `read_table`."""
    wanted = list(dict.fromkeys(columns))
    try:
        content = start_of(path, size)
        whole = len(content) < size
        text = decoded(content if whole else content[: max(map(content.rfind, (b"\n", b"\r"))) + 1], file, section)
        below, header, separator, above = _opened(text, file, section, wanted)
    except DataError as error:
        raise error.within(path) from None
    except OSError:
        raise DataError(f"{path}: cannot be opened; it may be damaged.") from None
    names = [_name(cell) or f"_c{place}" for place, cell in enumerate(header)]
    rows = [row for row in csv.reader(below, delimiter=separator) if len(row) == len(names)]
    frame = pd.DataFrame(rows if whole else rows[:-1], columns=range(len(names)), dtype=object)
    return Head(names, separator, above, _named(frame, names, path, section, wanted))


# --- formats ------------------------------------------------------------------------------------


def _read_one(file: TableFile, path: str, section: str, wanted: list[str]) -> pd.DataFrame:
    kind = file.format or format_of(path, section)
    readers = {"csv": _read_csv, "excel": _read_excel, "json": _read_json, "parquet": _read_parquet}
    try:
        header, frame = readers[kind](content_of(path, kind, section), file, section, wanted)
    except DataError as error:
        raise error.within(path) from None
    return _named(frame, header, path, section, wanted)


def _read_parquet(content: bytes, file: TableFile, section: str, wanted: list[str]) -> tuple[list[Any], pd.DataFrame]:
    try:
        frame = pq.ParquetFile(pa.BufferReader(content)).read().to_pandas()
    except (OSError, pa.ArrowException):
        raise DataError("is a damaged Parquet file; write it again.") from None
    return list(frame.columns), _cells_of(frame)


def _cells_of(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table of pandas as that of a file: its named index as columns, its rows counted."""
    named = [name for name in frame.index.names if name is not None and name not in frame.columns]
    frame = frame.reset_index(level=named) if named else frame
    cells = frame.astype(dict.fromkeys(frame.columns[frame.dtypes == "category"], object))
    return cells.set_axis(pd.RangeIndex(1, len(cells) + 1))


def _read_json(content: bytes, file: TableFile, section: str, wanted: list[str]) -> tuple[list[Any], pd.DataFrame]:
    text = decoded(content, file, section)
    parts = [text] if text.lstrip().startswith("[") else text.splitlines()
    rows: list[Any] = []
    for line, part in enumerate(parts):
        try:
            rows += (json.loads(part) if len(parts) == 1 else [json.loads(part)]) if part.strip() else []
        except json.JSONDecodeError as error:
            raise DataError(f"line {line + error.lineno} is no JSON; write the file again.") from None
    if not all(isinstance(row, dict) for row in rows):
        raise DataError("holds no table; it needs an object for each row, one a line or all of them in a list.")
    frame = pd.DataFrame(rows)
    return list(frame.columns), frame.set_axis(pd.RangeIndex(1, len(frame) + 1))


def rows_of_sheet(content: bytes, file: TableFile, section: str) -> list[list[Any]]:
    """Return the cells of a workbook's only sheet, or of the one that ``sheet`` names; empty ones are ``""``."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    except CalamineError:
        raise DataError("is no workbook that can be read; save it as .xlsx or as CSV.") from None
    if file.sheet is not None and file.sheet not in book.sheet_names:
        raise DataError(
            f"has no sheet '{file.sheet}' (named in '{section}.sheet'); {nearest(file.sheet, book.sheet_names)}"
        )
    if file.sheet is None and len(book.sheet_names) > 1:
        raise DataError(
            f"has the sheets {_listed(book.sheet_names)}; name one in '{section}.sheet'.",
            option=f"{section}.sheet",
            answers=book.sheet_names,
        )
    return book.get_sheet_by_name(file.sheet or book.sheet_names[0]).to_python(skip_empty_area=False)


def _read_excel(content: bytes, file: TableFile, section: str, wanted: list[str]) -> tuple[list[Any], pd.DataFrame]:
    rows = rows_of_sheet(content, file, section)
    start = next((at for at in range(file.skip_rows, len(rows)) if any(cell != "" for cell in rows[at])), None)
    if start is None:
        raise DataError("is empty; it needs a row with the names of its columns.")
    _require_header(start, rows[: start + TITLES], section, wanted)
    body = [[None if cell == "" else cell for cell in row] for row in rows[start + 1 :]]
    index = pd.RangeIndex(start + 2, len(rows) + 1)
    return rows[start], pd.DataFrame(body, index, columns=range(len(rows[start])), dtype=object)


def _read_csv(content: bytes, file: TableFile, section: str, wanted: list[str]) -> tuple[list[Any], pd.DataFrame]:
    stream, header, separator, start = _opened(decoded(content, file, section), file, section, wanted)
    return header, _body(stream.read(), separator, len(header), start + 2)


def _opened(text: str, file: TableFile, section: str, wanted: list[str]) -> tuple[io.StringIO, list[str], str, int]:
    """Return what stands below the header of a CSV, the header, the separator and the number of lines above."""
    stream = io.StringIO(text, newline="")
    lines = text.splitlines()[: file.skip_rows + TITLES + 1]
    told = re.fullmatch(r'"?sep=(.)"?[,;]*', lines[0]) if lines else None
    above = int(told is not None)
    start = next((at for at in range(file.skip_rows + above, len(lines)) if lines[at].strip(SEPARATORS + SPACES)), None)
    if start is None:
        raise DataError("is empty; it needs a first line with the names of its columns.")
    separator = (file.separator or (told and told[1]) or _separator_of(lines[start:], wanted)).replace("\\t", "\t")
    for _ in range(start):
        stream.readline()
    header = next(csv.reader(stream, delimiter=separator))
    if not set(wanted) & set(map(_name, header)):
        _require_header(start - above, [_cells(line, separator) for line in lines[above:]], section, wanted)
    return stream, header, separator, start


def _cells(line: str, separator: str) -> list[str]:
    return next(csv.reader([line], delimiter=separator), [])


def _separator_of(lines: list[str], wanted: list[str]) -> str:
    """Return the sign that parts most of the columns that are wanted, in the header or below title lines."""

    def columns(separator: str) -> tuple[int, int]:
        rows = [_cells(line, separator) for line in lines]
        return max(len(set(map(_name, row)) & set(wanted)) for row in rows), len(rows[0])

    return max(SEPARATORS, key=columns)


def _body(text: str, separator: str, size: int, first: int) -> pd.DataFrame:
    names = [str(place) for place in range(size)]
    odd: list[pacsv.InvalidRow] = []

    def keep(row: pacsv.InvalidRow) -> str:
        odd.append(row)
        return "skip"

    if not text.strip(separator + SPACES):
        return pd.DataFrame(columns=range(size), dtype=object)
    try:
        table = pacsv.read_csv(
            io.BytesIO(text.encode("utf-8", "replace")),
            read_options=pacsv.ReadOptions(column_names=names, use_threads=False),
            parse_options=pacsv.ParseOptions(delimiter=separator, newlines_in_values=True, invalid_row_handler=keep),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
            ),
        )
    except pa.ArrowInvalid:
        raise DataError("has lines that cannot be told apart; check its quotes, or save it as .xlsx.") from None
    if odd:
        raise DataError(
            f"the line '{odd[0].text:.60}' has another number of cells ({odd[0].actual_columns}) than the header "
            f"({size}); put cells with a '{separator}' in quotes, or take the line out."
        )
    frame = table.to_pandas(types_mapper={pa.string(): pd.ArrowDtype(pa.string())}.get)
    return frame.set_axis(range(size), axis=1).set_axis(pd.RangeIndex(first, first + len(frame)))


# --- columns ------------------------------------------------------------------------------------


def _require_header(start: int, rows: list[list[Any]], section: str, wanted: list[str]) -> None:
    """Name the option where the columns that are wanted stand in another row."""
    if set(wanted) & set(map(_name, rows[start])):
        return
    for place, row in enumerate(rows):
        if set(wanted) <= set(map(_name, row)):
            raise DataError(
                f"has its columns in line {place + 1}; give '{section}.skip_rows' as {place}.",
                option=f"{section}.skip_rows",
                answers=(place,),
            )


def _named(frame: pd.DataFrame, header: list[Any], path: str, section: str, wanted: list[str]) -> pd.DataFrame:
    """Return the table with the names of its columns, without rows and columns in which nothing stands."""
    names = [_name(cell) or "" for cell in header]
    frame = frame[frame.notna().any(axis=1)] if len(frame.columns) else frame
    for place, name in enumerate(names):
        if LOST in name:
            raise DataError(f"{path}: the column {lost_letter(name, section)}")
        if not name and frame.iloc[:, place].notna().any():
            row = frame.index[frame.iloc[:, place].notna().to_numpy().argmax()]
            raise DataError(
                f"{path}: row {row} has a value in column {place + 1}, which has no name in the header; give it one."
            )
    twice = [name for name, times in Counter(filter(None, names)).items() if times > 1]
    if twice:
        places = [place + 1 for place, name in enumerate(names) if name == twice[0]]
        raise DataError(f"{path}: the columns {_listed(places)} are all called '{twice[0]}'; give each its own name.")
    available = [name for name in names if name]
    missing = [
        f"{path}: has no column '{name}' (named under '{section}'); {_hint(name, available, section)}"
        for name in wanted
        if name not in names
    ]
    if missing:
        raise DataError(*missing)
    return frame.loc[:, [bool(name) for name in names]].set_axis(list(filter(None, names)), axis=1)


def _hint(name: str, available: list[str], section: str) -> str:
    if len(available) == 1 and close(name, available) is None:
        return f"its only column is '{available[0]:.40}': give '{section}.separator' or '{section}.encoding'."
    return nearest(name, [f"{other:.40}" for other in available])


def _listed(values: Iterable[Any]) -> str:
    *first, last = map(str, values)
    return f"{', '.join(first)} and {last}" if first else last
