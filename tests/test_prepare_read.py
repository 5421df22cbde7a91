"""Every way to hand over the same lines gives the same table; what cannot be read is one clear sentence."""

import csv
import gzip
import os
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pandas as pd
import prepare_reference as reference
import pytest
from pyspark.sql import SparkSession
from test_tables_files import workbook

from mmm_bayes.config import Transactions, make_config
from mmm_bayes.errors import DataError
from mmm_bayes.prepare import Prepared, weekly_table
from mmm_bayes.prepare import presets as layouts
from mmm_bayes.prepare.read import IN_MEMORY, Source
from mmm_bayes.prepare.size import PACKED
from mmm_bayes.prepare.spark import holding
from mmm_bayes.prepare.start import PARTITIONS
from mmm_bayes.prepare.times import Clock, timestamp
from mmm_bayes.simulate.transactions import write_sample

START = date(2022, 1, 1)


def prepare(path: Path | str, folder: Path, **transactions: Any) -> Prepared:
    known = {"preset": "online_retail", "top_n": 3, "start": START, "duplicates": "drop"}
    settings = {"path": str(path), **known, **transactions}
    return weekly_table(make_config({"name": "test", "transactions": settings}), folder / "out" / "quarantine.parquet")


def write_csv(path: Path, rows: list[list[str]], encoding: str = "utf-8", end: str = "\n") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, lineterminator=end).writerows(rows)
    return path


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """Lines that a typed table can hold as well, some of them to be put aside; one country has an accent."""
    path = write_sample(tmp_path_factory.mktemp("read") / "sample.csv.gz", lines=1500, weeks=22, seed=5)
    judged = reference.judge(reference.read_rows(path), START)
    typed = [line for line in judged if line.at and line.quantity is not None and line.price is not None]
    accent = {"France": "Curaçao"}
    return [[*line.raw[:7], accent.get(line.raw[7], line.raw[7])] for line in typed]


@pytest.fixture(scope="session")
def expected(spark: SparkSession, rows: list[list[str]], tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("expected")
    prepared = prepare(write_csv(folder / "lines.csv", [reference.HEADER, *rows]), folder)
    assert "Curaçao" in set(prepared.frame["geo"])
    return prepared


def typed(rows: list[list[str]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=reference.HEADER)
    frame["InvoiceDate"] = pd.to_datetime(frame["InvoiceDate"], format="%m/%d/%Y %H:%M").astype("datetime64[ns]")
    frame["Quantity"] = frame["Quantity"].astype("int32")
    frame["UnitPrice"] = frame["UnitPrice"].astype(float)
    frame["CustomerID"] = pd.to_numeric(frame["CustomerID"])  # a float for the missing ones
    return frame


def one_file(rows: list[list[str]], folder: Path) -> Path:
    return write_csv(folder / "lines [1] 100%.csv", [reference.HEADER, *rows])


def gzipped(rows: list[list[str]], folder: Path) -> Path:
    path = folder / "lines.csv.gz"
    path.write_bytes(gzip.compress(one_file(rows, folder).read_bytes()))
    return path


def with_mark(rows: list[list[str]], folder: Path) -> Path:
    return write_csv(folder / "lines.txt", [reference.HEADER, *rows], encoding="utf-8-sig", end="\r\n")


def a_folder(rows: list[list[str]], folder: Path) -> Path:
    for part in range(3):
        write_csv(folder / f"part-{part}.csv", [reference.HEADER, *rows[part::3]])
    (folder / "_SUCCESS").touch()
    return folder


def a_glob(rows: list[list[str]], folder: Path) -> Path:
    (a_folder(rows, folder) / "notes.md").write_text("not a table")
    return folder / "part-*.csv"


def an_address(rows: list[list[str]], folder: Path) -> str:
    return f"file://{gzipped(rows, folder)}"


def parquet(rows: list[list[str]], folder: Path) -> Path:
    typed(rows).to_parquet(folder / "lines.parquet")
    return folder / "lines.parquet"


def parquet_in_utc(rows: list[list[str]], folder: Path) -> Path:
    frame = typed(rows)
    time = frame["InvoiceDate"].astype("datetime64[us]").dt.tz_localize("UTC")
    frame.assign(InvoiceDate=time).to_parquet(folder / "lines.parquet")
    return folder / "lines.parquet"


def parquet_of_texts(rows: list[list[str]], folder: Path) -> Path:
    pd.DataFrame(rows, columns=reference.HEADER).to_parquet(folder / "lines.parquet")
    return folder / "lines.parquet"


def json_lines(rows: list[list[str]], folder: Path) -> Path:
    pd.DataFrame(rows, columns=reference.HEADER).to_json(folder / "lines.jsonl", orient="records", lines=True)
    return folder / "lines.jsonl"


def json_of_numbers(rows: list[list[str]], folder: Path) -> Path:
    frame = typed(rows)
    dates = frame["InvoiceDate"].dt.strftime("%m/%d/%Y %H:%M")
    frame.assign(InvoiceDate=dates).to_json(folder / "lines.json.gz", orient="records", lines=True)
    return folder / "lines.json.gz"


WAYS = [one_file, gzipped, with_mark, a_folder, a_glob, an_address, parquet]
WAYS += [parquet_of_texts, json_lines, json_of_numbers]


@pytest.mark.parametrize("write", WAYS, ids=lambda write: write.__name__)
def test_every_way_gives_the_same(expected: Prepared, rows: list[list[str]], tmp_path: Path, write: Any) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    prepared = prepare(write(rows, folder), tmp_path)
    pd.testing.assert_frame_equal(prepared.frame, expected.frame, check_exact=True)
    for part in ("raw", "waterfall", "quarantine"):
        assert prepared.quality[part] == expected.quality[part]


def cp1252(rows: list[list[str]], folder: Path) -> Path:
    """As a spreadsheet of Germany writes it."""
    here = [[*row[:5], row[5].replace(".", ","), *row[6:]] for row in rows]
    with (folder / "lines.csv").open("w", encoding="cp1252", newline="") as file:
        csv.writer(file, delimiter=";").writerows([reference.HEADER, *here])
    return folder / "lines.csv"


def utf_16_with_tabs(rows: list[list[str]], folder: Path) -> Path:
    """As a spreadsheet's 'Unicode text'."""
    with (folder / "lines.txt").open("w", encoding="utf-16", newline="") as file:
        csv.writer(file, delimiter="\t").writerows([reference.HEADER, *rows])
    return folder / "lines.txt"


def separator_in_the_first_line(rows: list[list[str]], folder: Path) -> Path:
    with (folder / "lines.csv").open("w", encoding="utf-8-sig", newline="") as file:
        file.write("sep=|\r\n")
        csv.writer(file, delimiter="|").writerows([reference.HEADER, *rows])
    return folder / "lines.csv"


def below_titles(rows: list[list[str]], folder: Path) -> Path:
    return write_csv(folder / "lines.csv", [["Orders of the shop"], ["as of today"], reference.HEADER, *rows])


def mac_roman(rows: list[list[str]], folder: Path) -> Path:
    return write_csv(folder / "lines.csv", [reference.HEADER, *rows], encoding="mac_roman")


def zipped(rows: list[list[str]], folder: Path) -> Path:
    with ZipFile(folder / "lines.csv.zip", "w") as archive:
        archive.write(one_file(rows, folder), "export.csv")
    return folder / "lines.csv.zip"


def one_list(rows: list[list[str]], folder: Path) -> Path:
    pd.DataFrame(rows, columns=reference.HEADER).to_json(folder / "lines.json", orient="records", indent=1)
    return folder / "lines.json"


def spaced(rows: list[list[str]], folder: Path) -> Path:
    here = [[f"\u00a0{cell}\t" if i != 2 else cell for i, cell in enumerate(row)] for row in rows]
    return write_csv(folder / "lines.csv", [[f" {name} " for name in reference.HEADER], *here])


def beside_a_twin(rows: list[list[str]], folder: Path) -> Path:
    """With a column whose name differs from another's in case alone."""
    names = [*reference.HEADER[:2], "UNITPRICE", *reference.HEADER[3:]]
    return write_csv(folder / "lines.csv", [names, *rows])


def carriage_returns(rows: list[list[str]], folder: Path) -> Path:
    """Of an old spreadsheet, longer than what is looked at first."""
    here = [[*row[:2], "x" * 200, *row[3:]] for row in rows]
    return write_csv(folder / "lines.csv", [reference.HEADER, *here], end="\r")


def excel(rows: list[list[str]], folder: Path) -> Path:
    """With dates and numbers as such, and lines without a customer."""
    frame = typed(rows).astype({"Quantity": float}).astype(object)
    cells = frame.where(frame.notna(), "").to_numpy().tolist()
    workbook(folder / "lines.xlsx", Orders=[reference.HEADER, *cells])
    return folder / "lines.xlsx"


PROGRAMS = [
    (excel, {}),
    (parquet_in_utc, {"timezone": "UTC"}),
    (cp1252, {"encoding": "cp1252"}),
    (utf_16_with_tabs, {}),
    (separator_in_the_first_line, {}),
    (below_titles, {"skip_rows": 2}),
    (mac_roman, {"encoding": "mac_roman"}),
    (zipped, {}),
    (one_list, {}),
    (spaced, {}),
    (beside_a_twin, {}),
    (carriage_returns, {}),
]


@pytest.mark.parametrize(("write", "said"), PROGRAMS, ids=lambda part: getattr(part, "__name__", ""))
def test_what_other_programs_write_gives_the_same(
    spark: SparkSession, expected: Prepared, rows: list[list[str]], tmp_path: Path, write: Any, said: dict[str, Any]
) -> None:
    (tmp_path / "in").mkdir()
    prepared = prepare(write(rows, tmp_path / "in"), tmp_path, **said)
    pd.testing.assert_frame_equal(prepared.frame, expected.frame, check_exact=True)
    assert prepared.quality["waterfall"] == expected.quality["waterfall"]


BREAKS = {
    "in a text": lambda row: [*row[:2], f"{row[2]}\nsecond hand", *row[3:]],
    "with quotes and returns": lambda row: [*row[:2], f'12" {row[2]}\r\n"new", blue', *row[3:]],
    "several at the end": lambda row: [*row[:7], f"{row[7]}\n\n "],
}


@pytest.mark.parametrize("case", BREAKS)
def test_line_breaks_within_quotes(
    spark: SparkSession, expected: Prepared, rows: list[list[str]], tmp_path: Path, case: str
) -> None:
    broken = [BREAKS[case](row) if i % 40 == 0 else row for i, row in enumerate(rows)]
    path = write_csv(tmp_path / "lines.csv", [reference.HEADER, *broken])
    prepared = prepare(path, tmp_path)
    assert prepared.quality["waterfall"] == expected.quality["waterfall"]
    pd.testing.assert_frame_equal(prepared.frame, expected.frame, check_exact=True)
    split = prepare(path, tmp_path, multiline="never", warn_above=1.0, stop_above=1.0)
    assert split.quality["quarantine"]["malformed_line"]["lines"] >= len(rows[::40])


@pytest.mark.parametrize("places", [[10], [10, 900], [10, 300, 1200]])
def test_a_quote_without_its_twin_swallows_no_other_line(
    spark: SparkSession, rows: list[list[str]], tmp_path: Path, places: list[int]
) -> None:
    path = write_csv(tmp_path / "lines.csv", [reference.HEADER, *rows])
    lines = path.read_text(encoding="utf-8").splitlines()
    for place in places:
        lines[place] = ",".join([*rows[place][:2], '"MUG', *rows[place][3:]])
    path.write_text("\n".join(lines), encoding="utf-8")
    prepared = prepare(path, tmp_path)
    assert prepared.quality["lines_read"] == len(rows)
    assert prepared.quality["quarantine"]["malformed_line"]["lines"] == len(places)


def test_a_name_of_a_column_on_two_lines(
    spark: SparkSession, expected: Prepared, rows: list[list[str]], tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "lines.csv", [["Invoice\nNo", *reference.HEADER[1:]], *rows])
    columns = layouts.ONLINE_RETAIL.columns.model_dump() | {"invoice": "Invoice\nNo"}
    own = {"columns": columns, "date_format": "%m/%d/%Y %H:%M", "cancellation_prefix": "C"}
    prepared = prepare(path, tmp_path, preset=None, non_product_codes=reference.CODES, **own)
    pd.testing.assert_frame_equal(prepared.frame, expected.frame, check_exact=True)


def test_latin_1_with_carriage_returns(expected: Prepared, rows: list[list[str]], tmp_path: Path) -> None:
    path = write_csv(tmp_path / "lines.csv", [reference.HEADER, *rows], encoding="latin-1", end="\r\n")
    prepared = prepare(path, tmp_path, encoding="ISO-8859-1")
    pd.testing.assert_frame_equal(prepared.frame, expected.frame, check_exact=True)


def test_second_edition(expected: Prepared, rows: list[list[str]], tmp_path: Path) -> None:
    """Online Retail II: other names, ISO dates."""
    frame = typed(rows).astype({"InvoiceDate": str})
    names = {"InvoiceNo": "Invoice", "UnitPrice": "Price", "CustomerID": "Customer ID"}
    frame.rename(columns=names).to_csv(tmp_path / "lines.csv", index=False)
    prepared = prepare(tmp_path / "lines.csv", tmp_path, preset="online_retail_ii")
    pd.testing.assert_frame_equal(prepared.frame, expected.frame, check_exact=True)


def test_days_as_numbers(expected: Prepared, rows: list[list[str]], tmp_path: Path) -> None:
    frame = typed(rows)
    frame["InvoiceDate"] = frame["InvoiceDate"].dt.strftime("%Y%m%d").astype(int)
    frame.to_parquet(tmp_path / "lines.parquet")
    prepared = prepare(tmp_path / "lines.parquet", tmp_path, date_format="%Y%m%d")
    same = ["week", "geo", "revenue"]
    pd.testing.assert_frame_equal(prepared.frame[same], expected.frame[same], check_exact=True)


def test_date_formats_read_what_python_writes(spark: SparkSession) -> None:
    formats = ["%d/%m/%Y", "%Y%m%d", "%m/%d/%Y %H:%M", "%Y-%m-%dT%H:%M:%S", "%d.%m.%y um %H Uhr", "%d %b %Y %I:%M %p"]
    formats += ["%Y%m%d%H%M%S", "%Y-%m-%d %H:%M:%S.%f", "%d %B %Y", "week of %d-%m-%Y"]
    source = Source("x", "x", "csv", Transactions(path="x", preset="online_retail"))
    moments = [datetime(2023, 1, 2) + n * timedelta(days=17, hours=5, minutes=7, seconds=11) for n in range(40)]
    for date_format in formats:
        texts = [(moment.strftime(date_format),) for moment in moments]
        frame = spark.createDataFrame(texts, "d string")
        read = [row[0] for row in frame.select(timestamp(frame, "d", Clock(date_format), source)).collect()]
        assert read == [datetime.strptime(text, date_format) for (text,) in texts]


def test_odd_names_of_columns(expected: Prepared, rows: list[list[str]], tmp_path: Path) -> None:
    names = ["Invoice No.", "raw", "reason", "a`b", "at", "Unit.Price", "customer id", "_repeated"]
    path = write_csv(tmp_path / "lines.csv", [names, *rows])
    roles = ("invoice", "product", "quantity", "date", "price", "customer", "geo")
    columns = dict(zip(roles, [*names[:2], *names[3:]], strict=True))
    own = {"columns": columns, "date_format": "%m/%d/%Y %H:%M", "cancellation_prefix": "C"}
    prepared = prepare(path, tmp_path, preset=None, non_product_codes=reference.CODES, **own)
    pd.testing.assert_frame_equal(prepared.frame, expected.frame, check_exact=True)
    aside = pd.read_parquet(tmp_path / "out" / "quarantine.parquet")
    assert list(aside.columns) == [*names, "_corrupt_record", "quarantine_reason"]


def test_time_zones_written_in_texts_do_not_move_the_day(spark: SparkSession, tmp_path: Path) -> None:
    days = [date(2023, 1, 2) + timedelta(days=n) for n in range(7 * 20)]
    frame = pd.DataFrame(
        {"i": range(len(days)), "p": "1", "q": 1, "v": 2.0, "d": [f"{d}T23:30:00-08:00" for d in days]}
    )
    frame.to_csv(tmp_path / "lines.csv", index=False)
    columns = {"invoice": "i", "product": "p", "quantity": "q", "price": "v", "date": "d"}
    prepared = prepare(tmp_path / "lines.csv", tmp_path, preset=None, columns=columns)
    assert prepared.quality["weeks"]["count"] == 20
    assert prepared.frame["revenue"].tolist() == [14.0] * 20


# --- what cannot be read --------------------------------------------------------------------------


def fails(path: Path | str, folder: Path, **transactions: Any) -> str:
    """Return the message of a run that fails, and see that it left nothing behind."""
    with pytest.raises(DataError) as caught:
        prepare(path, folder, **transactions)
    assert not (folder / "out").exists() or not list((folder / "out").iterdir())
    message = str(caught.value)
    assert "\n" not in message
    assert "SQLSTATE" not in message
    return message


@pytest.fixture
def good(rows: list[list[str]], tmp_path: Path) -> Path:
    return write_csv(tmp_path / "lines.csv", [reference.HEADER, *rows])


def test_letters_that_are_lost_name_the_encoding(spark: SparkSession, rows: list[list[str]], tmp_path: Path) -> None:
    path = write_csv(tmp_path / "lines.csv", [reference.HEADER, *rows], encoding="cp1252")
    message = fails(path, tmp_path)
    assert "lines.csv: is not written in UTF-8 (line " in message
    assert "read as cp1252, of Windows in Western Europe, it has 'Curaçao' there)" in message
    assert message.endswith("give 'transactions.encoding', or save it as UTF-8.")
    end = "\n".join([",".join(reference.HEADER), *[f"7,1,{'x' * 300},1,9/5/2022 8:00,2,,France"] * 1000])
    path.write_bytes(end.encode() + "\n8,1,x,1,9/5/2022 8:00,2,,Curaçao\n".encode("cp1252"))
    assert "lines.csv: the geo 'Cura\ufffdao' has lost a letter" in fails(path, tmp_path)
    lost = [[cell.replace("ç", "\ufffd") for cell in row] for row in rows]
    assert "the geo 'Cura\ufffdao' has lost a letter (\ufffd); export the file again in UTF-8, or give " in fails(
        write_csv(tmp_path / "lines.csv", [reference.HEADER, *lost]), tmp_path
    )


@pytest.mark.parametrize("again", ["UnitPrice", "Country", " InvoiceNo"])
def test_a_name_that_stands_twice_is_refused(good: Path, tmp_path: Path, again: str) -> None:
    text = good.read_text(encoding="utf-8").replace("Description", again, 1)
    good.write_text(text, encoding="utf-8")
    names = text.splitlines()[0].replace(" ", "").split(",")
    first = names.index(again.strip()) + 1
    places = f"{min(first, 3)} and {max(3, 1 + len(names) - names[::-1].index(again.strip()) - 1)}"
    assert fails(good, tmp_path) == (
        f"{good}: the columns {places} are all called '{again.strip()}'; give each its own name."
    )


def test_numbers_of_two_readings_are_asked_about(spark: SparkSession, rows: list[list[str]], tmp_path: Path) -> None:
    here = [[*row[:5], "1,250", *row[6:]] for row in rows]
    path = write_csv(tmp_path / "lines.csv", [reference.HEADER, *here])
    assert fails(path, tmp_path) == (
        f"{path}: column 'UnitPrice': '1,250' may be 1250 or 1.250, and no other number tells which; give "
        "'transactions.decimal' as '.' for 1250 or as ',' for 1.250."
    )
    prices = [prepare(path, tmp_path, decimal=sign).frame["average_price"].max() for sign in (".", ",")]
    assert prices == [1250.0, 1.25]


def test_no_such_file(tmp_path: Path) -> None:
    for name in ("nothing.csv", "no*thing.csv"):
        message = fails(tmp_path / name, tmp_path)
        assert message.startswith(f"{tmp_path / name}: there is no such file, folder or pattern; correct 'transactions")


def test_misspelt_column(spark: SparkSession, good: Path, tmp_path: Path) -> None:
    columns = {"invoice": "InvoiceNo", "product": "StockCode", "quantity": "Quantty", "date": "InvoiceDate"}
    message = fails(good, tmp_path, preset=None, columns={**columns, "price": "UnitPrice"})
    assert message == (f"{good}: has no column 'Quantty' (named under 'transactions'); did you mean 'Quantity'?")
    message = fails(good, tmp_path, preset="online_retail_ii")
    assert message.endswith("has no column 'Invoice' (named under 'transactions'); did you mean 'InvoiceNo'?")


def test_empty_files(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    assert "is empty; it needs a first line with the names" in fails(tmp_path / "empty.csv", tmp_path)
    write_csv(tmp_path / "names.csv", [reference.HEADER])
    assert "there are no lines below the names of the columns" in fails(tmp_path / "names.csv", tmp_path)


def test_formats_that_cannot_be_told(spark: SparkSession, good: Path, tmp_path: Path) -> None:
    data = good.rename(tmp_path / "lines.data")
    assert fails(data, tmp_path).endswith(
        "lines.data: the name does not tell its format; give 'transactions.format' as csv, excel, json, parquet."
    )
    assert prepare(data, tmp_path, format="csv").quality["lines_read"]
    (tmp_path / "in").mkdir()
    for name in ("a.csv", "b.jsonl"):
        (tmp_path / "in" / name).touch()
    with pytest.raises(DataError, match="holds files of several formats \\(csv, json\\); name one with a glob"):
        prepare(tmp_path / "in", tmp_path)


def test_files_with_different_columns(spark: SparkSession, rows: list[list[str]], tmp_path: Path) -> None:
    """Columns in another order would be mixed up silently."""
    folder = tmp_path / "in"
    folder.mkdir()
    write_csv(folder / "a.csv", [reference.HEADER, *rows[::2]])
    write_csv(folder / "b.csv", [[*reference.HEADER[::-1]], *(row[::-1] for row in rows[1::2])])
    message = fails(folder, tmp_path)
    assert message == (
        f"{folder / 'b.csv'}: its header is not that of {folder / 'a.csv'}; give files with the same columns by a glob."
    )


@pytest.mark.parametrize("name", ["lines.csv.gz", "lines.parquet"])
def test_damaged_files(spark: SparkSession, rows: list[list[str]], tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    path = (gzipped if name.endswith("gz") else parquet)(rows, tmp_path / "in")
    path.write_bytes(path.read_bytes()[:-3000])
    assert fails(path, tmp_path).startswith(f"{path}: cannot be ")
    path.write_bytes(b"this is something else")
    assert str(path.name) in fails(path, tmp_path)


def test_wrong_date_format(spark: SparkSession, good: Path, tmp_path: Path) -> None:
    message = fails(good, tmp_path, date_format="%d.%m.%Y")
    assert "lines (100.0%, with 100.0% of the money as far as that can be told) cannot be used" in message
    assert "for this reason: missing or unparseable date, such as '" in message
    assert message.endswith(
        "write days such as 2023-01-31, or give their 'transactions.date_format', or raise 'transactions.stop_above' "
        "to go on without them."
    )


def test_too_few_weeks(spark: SparkSession, good: Path, tmp_path: Path) -> None:
    message = fails(good, tmp_path, end=date(2022, 12, 4))
    assert "hold 13 whole weeks; at least 20 are needed" in message


@pytest.mark.parametrize("stray", ["1/1/1900 0:00", "6/30/2099 12:00", "3/14/2023 9:00"])
def test_stray_dates_do_not_lengthen_the_panel(
    expected: Prepared, good: Path, tmp_path: Path, spark: SparkSession, stray: str
) -> None:
    """A line of another century, and one that is dated five weeks ahead."""
    with good.open("a", encoding="utf-8") as file:
        file.write(f"1,20007,MUG,1,{stray},2.5,,France\n")
    prepared = prepare(good, tmp_path, start=None)
    assert prepared.quality["weeks"] == expected.quality["weeks"]
    assert prepared.quality["quarantine"]["stray_date"] == {"lines": 1, "revenue": 2.5}
    aside = pd.read_parquet(tmp_path / "out" / "quarantine.parquet")
    assert aside["InvoiceDate"][aside["reason"] == "stray_date"].tolist() == [stray]


def test_earlier_quarantine_survives_a_failure(spark: SparkSession, good: Path, tmp_path: Path) -> None:
    prepare(good, tmp_path)
    quarantine = tmp_path / "out" / "quarantine.parquet"
    before = pd.read_parquet(quarantine)
    with pytest.raises(DataError):
        prepare(good, tmp_path, end=date(2022, 12, 4))
    pd.testing.assert_frame_equal(pd.read_parquet(quarantine), before)
    assert [path.name for path in quarantine.parent.iterdir()] == ["quarantine.parquet"]


def test_lines_of_large_files_are_sorted_out_in_rounds(spark: SparkSession, tmp_path: Path) -> None:
    """Each processor has a share of at most so many lines, unless somebody has set the number of tasks."""
    table, processors = Transactions(path="x", preset="online_retail"), os.cpu_count() or 1
    for number, size in enumerate((1_000, 3 * IN_MEMORY * PACKED)):
        with (tmp_path / str(number)).open("wb") as file:
            file.truncate(size)  # takes no room on the disk
    small, large = (Source("x", "x", "csv", table, files=(str(tmp_path / name),)) for name in "01")
    with holding(spark, {PARTITIONS: str(processors)}):
        assert [source.pieces(spark) for source in (small, large)] == [processors, 4 * processors]
    with holding(spark, {PARTITIONS: str(processors + 5)}):
        assert large.pieces(spark) is None
