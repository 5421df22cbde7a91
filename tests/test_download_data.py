"""The download of Online Retail, from a server of this machine that stops, refuses and knows no parts."""

import sys
import threading
import zipfile
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest

from mmm_bayes.errors import MMMError

sys.path.insert(0, str(Path("scripts").resolve()))
import download_data

REAL = Path(__file__).parents[2] / "shared" / "data" / "online_retail"
LINES = pd.DataFrame(
    {
        "InvoiceNo": [536365, "C536379", 536380],
        "StockCode": ["85123A", "D", 71053],
        "Description": ["WHITE LANTERN", "Discount", 20713],
        "Quantity": [6, -1, 8],
        "InvoiceDate": pd.to_datetime(["2010-12-01 08:26", "2010-12-01 09:41", "2011-12-09 12:50"]),
        "UnitPrice": [2.55, 27.5, 0.001],
        "CustomerID": [17850, 14527, None],
        "Country": ["United Kingdom", "EIRE", "France"],
    }
)
"""As the published workbook has them: numbers where a code is one, and customers that are missing."""


class Server(BaseHTTPRequestHandler):
    """Serves the one archive: whole, from a byte on, or ``upto`` a byte."""

    def __init__(self, kept, *arguments):
        self.kept = kept
        super().__init__(*arguments)

    def do_GET(self):
        body, start = self.kept["body"], self.headers.get("Range") if self.kept["parts"] else None
        begin = int(start.removeprefix("bytes=").rstrip("-")) if start else 0
        self.kept["asked"].append(self.headers.get("Range"))
        self.send_response(self.kept["status"] or (416 if begin >= len(body) else 206 if start else 200))
        self.send_header("Content-Length", str(len(body) - begin))
        self.end_headers()
        self.wfile.write(body[begin : self.kept["upto"]])

    def log_message(self, *_):
        pass


@pytest.fixture
def kept(tmp_path):
    book, archive = tmp_path / "Online Retail.xlsx", tmp_path / "served.zip"
    LINES.to_excel(book, index=False, engine="xlsxwriter")
    with zipfile.ZipFile(archive, "w") as file:
        file.write(book, book.name)
    return {"body": archive.read_bytes(), "parts": True, "status": None, "upto": None, "asked": []}


@pytest.fixture
def address(kept):
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Server, kept)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/archive.zip"
        server.shutdown()


@pytest.fixture
def target(tmp_path, monkeypatch):
    monkeypatch.setattr(download_data, "LINES", len(LINES))
    return tmp_path / "sources" / "online_retail.parquet"


@pytest.fixture
def published(monkeypatch):
    text = LINES.assign(InvoiceNo=LINES["InvoiceNo"].astype(str), StockCode=LINES["StockCode"].astype(str))
    monkeypatch.setattr(download_data, "CHECKSUM", download_data.checksum(text))


def left(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.glob("*"))


@pytest.mark.usefixtures("published")
def test_what_is_served_stands_as_typed_lines_and_is_not_asked_for_again(target, published, address, kept):
    download_data.fetch(address, target)
    frame = pd.read_parquet(target)
    assert frame["InvoiceNo"].tolist() == ["536365", "C536379", "536380"]
    assert frame["StockCode"].tolist() == ["85123A", "D", "71053"]
    assert frame["UnitPrice"].tolist() == LINES["UnitPrice"].tolist()
    assert frame["InvoiceDate"].tolist() == LINES["InvoiceDate"].tolist()
    assert frame["CustomerID"].isna().tolist() == [False, False, True]
    download_data.fetch(address, target)
    assert (left(target), kept["asked"]) == ([target.name], [None])


@pytest.mark.parametrize("parts", [True, False])
@pytest.mark.parametrize("at", [1, 1000, -1])
def test_a_download_that_broke_off_goes_on_where_the_server_can(target, address, kept, parts, at):
    kept["upto"] = at
    with pytest.raises(MMMError, match=r"broke off after [\d,]+ of [\d,]+ bytes; call this again"):
        download_data.fetch(address, target)
    assert left(target) == ["online_retail.zip.part"]
    have = len(kept["body"][:at])
    kept |= {"upto": None, "parts": parts}
    archive = target.with_suffix(".zip")
    download_data.download(address, archive)
    assert kept["asked"] == [None, f"bytes={have}-"]
    assert (left(target), archive.read_bytes()) == ([archive.name], kept["body"])


def test_a_download_that_had_all_but_its_name_is_done(target, published, address, kept):
    target.parent.mkdir()
    target.with_name("online_retail.zip.part").write_bytes(kept["body"])
    download_data.fetch(address, target)
    assert left(target) == [target.name]


@pytest.mark.parametrize("status", [404, 503])
def test_a_refusal_is_one_sentence(target, address, kept, status):
    kept["status"] = status
    with pytest.raises(MMMError, match=rf"answers '{status} .*DATA=path"):
        download_data.fetch(address, target)
    assert left(target) == []


def test_without_a_connection_the_remedy_is_named(target, address):
    with pytest.raises(MMMError, match=r"does not answer.*connect to the internet .*DATA=path"):
        download_data.fetch("http://127.0.0.1:9/archive.zip", target)
    with pytest.raises(MMMError, match=r"does not answer"):
        download_data.fetch("http://nowhere.invalid/archive.zip", target)
    assert left(target) == []


@pytest.mark.parametrize("damage", [lambda body: b"<html>busy</html>", lambda body: body[:200] + b"?" * 9 + body[209:]])
def test_what_is_damaged_is_thrown_away(target, published, address, kept, damage):
    whole, kept["body"] = kept["body"], damage(kept["body"])
    with pytest.raises(MMMError, match="damaged or another file"):
        download_data.fetch(address, target)
    assert left(target) == []
    kept["body"] = whole
    download_data.fetch(address, target)
    assert left(target) == [target.name]


def test_other_lines_than_published_are_refused(target, address):
    with pytest.raises(MMMError, match="holds 3 lines, and they are not the 3 published ones"):
        download_data.fetch(address, target)
    assert left(target) == []


@pytest.mark.parametrize("change", [("UnitPrice", 2.56), ("Quantity", 7), ("Country", "Eire"), ("CustomerID", 1.0)])
def test_a_cell_that_differs_changes_the_checksum(change):
    text = LINES.astype({"InvoiceNo": str, "StockCode": str})
    changed = text.copy()
    changed.loc[0, change[0]] = change[1]
    assert download_data.checksum(text) != download_data.checksum(changed)
    assert download_data.checksum(text) == download_data.checksum(text[::-1])


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.exists(), reason="the Online Retail data are not beside the project")
def test_the_checksum_is_that_of_the_real_lines():
    frame = pd.read_csv(REAL / "online-retail-dataset.csv.gz", dtype={"InvoiceNo": str, "StockCode": str})
    frame["InvoiceDate"] = pd.to_datetime(frame["InvoiceDate"], format="%m/%d/%Y %H:%M")
    assert (len(frame), download_data.checksum(frame)) == (download_data.LINES, download_data.CHECKSUM)
