"""Download the Online Retail data from UCI, check them, and leave them as Parquet below data/sources/.

A download that broke off goes on where it stopped. What has arrived is unpacked and compared with a checksum of the
541,909 published lines; only then the file stands. Chen, D. (2015), Online Retail, UCI Machine Learning Repository,
https://doi.org/10.24432/C5BW33, CC BY 4.0.
"""

import hashlib
import io
import sys
import zipfile
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import click
import pandas as pd

from mmm_bayes.errors import MMMError
from mmm_bayes.workspace import writing

ADDRESS = "https://archive.ics.uci.edu/static/public/352/online+retail.zip"
TARGET = Path("data/sources/online_retail.parquet")
LINES = 541_909
CHECKSUM = "be091ab010e0a31c3fddad841e634580cd7dbeb7c5f9a9f5d1915c5b4eb51869"
"""Of the published lines, by `checksum`; it knows no format, order or description."""

PIECE = 1 << 18
PATIENCE = 30  # seconds without an answer
OWN = "'make online-retail DATA=path' takes a copy that you have"


def download(address: str, path: Path) -> None:
    """Bring an address to a file; ``path`` with ``.part`` holds what has arrived until all has.

    Raises:
        MMMError: the address does not answer, or the connection broke off; what has arrived is kept.
    """
    part = path.with_name(f"{path.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    have = part.stat().st_size if part.exists() else 0
    try:
        with urlopen(Request(address, headers={"Range": f"bytes={have}-"} if have else {}), timeout=PATIENCE) as answer:
            _receive(answer, part, have if answer.status == 206 else 0)
    except HTTPError as error:
        if error.code != 416:  # otherwise nothing is left to send, and the checksum judges what is here
            raise MMMError(f"{address} answers '{error.code} {error.reason}'; try later, or {OWN}.") from None
    except (OSError, HTTPException):
        raise MMMError(
            f"{address} does not answer, or stopped; connect to the internet and call this again (what has arrived "
            f"is kept), or {OWN}."
        ) from None
    part.replace(path)


def _receive(answer: HTTPResponse, part: Path, have: int) -> None:
    """Write an answer behind the first ``have`` bytes of a file, with a bar."""
    length = answer.headers.get("Content-Length")
    total = have + int(length) if length else None
    with (
        part.open("r+b" if have else "wb") as file,
        click.progressbar(length=total or 0, label="Downloading Online Retail", file=sys.stderr) as bar,
    ):
        file.seek(have)
        bar.update(have)
        while piece := answer.read(PIECE):
            have += file.write(piece)
            bar.update(len(piece))
    if total is not None and have < total:
        raise MMMError(
            f"The download broke off after {have:,} of {total:,} bytes; call this again, and it goes on there."
        )


def unpacked(path: Path) -> pd.DataFrame:
    """Return the lines of the workbook in an archive, texts as texts; the archive's own checksum is compared.

    Raises:
        MMMError: it is damaged or holds no workbook.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            (name,) = [name for name in archive.namelist() if name.endswith(".xlsx")]
            content = archive.read(name)
        frame = pd.read_excel(io.BytesIO(content), engine="calamine", dtype={"InvoiceNo": str, "StockCode": str})
    except (zipfile.BadZipFile, EOFError, ValueError):
        raise MMMError(f"{path} is damaged or another file than expected; call this again, or {OWN}.") from None
    return frame.astype({"CustomerID": "Int32", "Description": "string"})


def checksum(frame: pd.DataFrame) -> str:
    """Return the SHA-256 of the lines in their alphabetical order, without their descriptions."""
    columns = (
        frame["InvoiceNo"].str.strip(),
        frame["StockCode"].str.strip(),
        frame["Quantity"].astype(int).astype(str),
        frame["InvoiceDate"].dt.round("min").dt.strftime("%Y-%m-%d %H:%M"),
        frame["UnitPrice"].map("{:.3f}".format),
        frame["CustomerID"].fillna(0).astype(int).astype(str),
        frame["Country"].str.strip(),
    )
    return hashlib.sha256("\n".join(sorted(map("|".join, zip(*columns, strict=True)))).encode()).hexdigest()


def fetch(address: str, target: Path) -> None:
    """Leave the data at ``target``, unless they are there.

    Raises:
        MMMError: they cannot be had, or are not those that were published; nothing stands at ``target`` then.
    """
    if target.exists():
        return
    archive = target.with_suffix(".zip")
    download(address, archive)
    try:
        frame = unpacked(archive)
        if len(frame) != LINES or checksum(frame) != CHECKSUM:
            raise MMMError(
                f"{address} holds {len(frame):,} lines, and they are not the {LINES:,} published ones; "
                f"call this again, or {OWN}."
            )
        with writing(target) as path:
            frame.to_parquet(path, index=False)
    finally:
        archive.unlink()


@click.command()
def main() -> None:
    """Download the Online Retail data, unless they are there, and say where they are."""
    try:
        fetch(ADDRESS, TARGET)
    except MMMError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"Online Retail is in {TARGET}.")


if __name__ == "__main__":
    main()
