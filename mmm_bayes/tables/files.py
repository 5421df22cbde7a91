"""Files as they lie on a disk or in a store: which ones a path means, their format, their bytes and letters."""

import codecs
import io
import re
from contextlib import suppress
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import pyarrow as pa
from pyarrow.fs import FileSystem

from mmm_bayes.config import TableFile, files_of, is_address
from mmm_bayes.errors import DataError

KINDS = {
    "csv": ("csv", "tsv", "tab", "txt"),
    "excel": ("xlsx", "xlsm", "xlsb", "xls", "ods"),
    "json": ("json", "jsonl", "ndjson"),
    "parquet": ("parquet", "pq"),
}
COMPRESSED = ("gz", "bz2", "zst", "zip", "lz4")
SIGNS = {b"PK\x03\x04": "excel", b"\xd0\xcf\x11\xe0": "excel", b"PAR1": "parquet"}
"""First bytes of formats that are no text."""

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""First bytes of texts that name their encoding; those of UTF-32 begin as those of UTF-16 do."""

LOST = "\ufffd"
"""Stands for a letter that some program could not read."""


def found(path: str, section: str) -> list[str]:
    """Return the visible files that a path means, see `mmm_bayes.config.files_of`; an address as it is.

    Raises:
        DataError: there is none.
    """
    if is_address(path):
        return [path]
    visible = [str(file) for file in files_of(path)]
    if not visible:
        raise DataError(
            f"{path}: there is no such file, folder or pattern; correct '{section}.path' or give the path with --data."
        )
    return visible


def format_of(path: str, section: str) -> str:
    """Return the format that the ending of a name tells; in an archive that of the file in it.

    Raises:
        DataError: it tells none.
    """
    name = path
    if path.lower().endswith(".zip"):
        with suppress(OSError, BadZipFile), ZipFile(path) as archive:
            name = (_names(archive) or [path])[0]
    endings = [ending for ending in Path(name).name.lower().split(".")[1:] if ending not in COMPRESSED]
    for kind, known in KINDS.items():
        if endings and endings[-1] in known:
            return kind
    raise DataError(f"{path}: the name does not tell its format; give '{section}.format' as {', '.join(KINDS)}.")


def content_of(path: str, kind: str, section: str, size: int | None = None) -> bytes:
    """Return the bytes of a file, unpacked; the first ones where a size is given.

    Raises:
        DataError: it cannot be opened, is an archive of several files, or is not of this kind.
    """
    try:
        content = _bytes(path, size)
    except BadZipFile:
        raise DataError("is a damaged archive; write it again.") from None
    except OSError as error:
        raise DataError(f"cannot be opened ({error.strerror or 'it may be damaged'}).") from None
    told = next((known for sign, known in SIGNS.items() if content.startswith(sign)), None)
    if told != (kind if kind in SIGNS.values() else None):
        raise DataError(
            f"is no {kind} but {told}; give '{section}.format' as {told}."
            if told
            else f"does not begin as {kind} does; give '{section}.format' as what it is, or write it again."
        )
    return content


def _bytes(path: str, size: int | None) -> bytes:
    if is_address(path):
        system, place = FileSystem.from_uri(path)
        with system.open_input_stream(place) as stream:
            return bytes(stream.read(size))
    if path.lower().endswith(".zip"):
        with ZipFile(path) as archive:
            if len(names := _names(archive)) != 1:
                raise DataError(f"is an archive of {len(names)} files; unpack it and give the one that is meant.")
            with archive.open(names[0]) as stream:
                return stream.read(-1 if size is None else size)
    return start_of(path, size)


def start_of(path: str, size: int | None = None) -> bytes:
    """Return the first bytes of a file on this machine, unpacked; all where no size is given."""
    with pa.input_stream(path, compression="detect") as stream:
        return bytes(stream.read() if size is None else io.BufferedReader(stream).read(size))


def _names(archive: ZipFile) -> list[str]:
    return [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX")]


# --- letters ------------------------------------------------------------------------------------


def is_marked_as_wide(path: str) -> bool:
    """Whether a file on this machine begins with the mark of UTF-16 or UTF-32."""
    with suppress(OSError):
        start = start_of(path, 4)
        return any(start.startswith(mark) for mark, name in MARKS.items() if name != "utf-8-sig")
    return False


def decoded(content: bytes, file: TableFile, section: str) -> str:
    """Return a text: in the encoding that its first bytes name, in the one that is given, or in UTF-8.

    Raises:
        DataError: it is in another.
    """
    encoding = next((name for mark, name in MARKS.items() if content.startswith(mark)), file.encoding or "utf-8")
    if b"\x00" in content and not re.search("16|32", encoding):
        raise DataError(
            f"holds bytes of zero, as UTF-16 without its mark does and as no text in {encoding.upper()}; give "
            f"'{section}.encoding' (such as utf-16-le), or '{section}.format' where it is no text.",
            option=f"{section}.encoding",
            answers=("utf-16-le", "utf-16-be"),
        )
    if encoding == file.encoding and _is_utf_8(content) and not re.match("(?i)utf|ascii", encoding):
        raise DataError(f"is written in UTF-8, not in {encoding.upper()}; leave out '{section}.encoding'.")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        before = re.findall(rb"[^\W\d]*$", content[: error.start])[0]
        after = re.findall(rb"^[^\W\d]*", content[error.start + 1 :])[0]
        word = (before + content[error.start : error.start + 1] + after).decode("cp1252", "replace")
        raise DataError(
            f"is not written in {encoding.upper()} (line {line}; read as cp1252, of Windows in Western Europe, it has "
            f"'{word:.40}' there); give '{section}.encoding', or save it as UTF-8.",
            option=f"{section}.encoding",
            answers=("cp1252",),
        ) from None


def _is_utf_8(content: bytes) -> bool:
    """Whether letters beyond ASCII are written in UTF-8, which hardly comes by chance."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return not content.isascii()


def lost_letter(name: str, section: str) -> str:
    """Return what is wrong with a name in which `LOST` stands, and what to do."""
    return (
        f"'{name:.40}' has lost a letter ({LOST}); export the file again in UTF-8, or give '{section}.encoding' where "
        "it was only read wrongly."
    )
