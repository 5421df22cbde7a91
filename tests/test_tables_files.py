"""Files of any program give the same table; what cannot be read is one sentence that names the option."""

import gzip
import io
import zipfile

import pandas as pd
import pytest

from mmm_bayes.config import TableFile
from mmm_bayes.errors import DataError
from mmm_bayes.tables import find_notation, keys, numbers, read_days, read_table, without_total

HEADER = ["day", "city", "cost"]
ROWS = [["2023-01-02", "Köln", "12.5"], ["2023-01-03", "Łódź", "1200"], ["2023-01-04", "NA", "0.25"]]
WESTERN = [[day, city.replace("Łódź", "Zürich"), cost] for day, city, cost in ROWS]


def lines(separator=",", rows=ROWS, end="\n") -> str:
    return end.join(separator.join(row) for row in (HEADER, *rows)) + end


def sheet(rows) -> str:
    """Return a sheet in XML: dates in the first style that is one, numbers and texts as they are."""

    def cell(value) -> str:
        if isinstance(value, pd.Timestamp):
            return f'<c s="1"><v>{(value - pd.Timestamp("1899-12-30")).days}</v></c>'
        return f"<c><v>{value}</v></c>" if isinstance(value, float) else f'<c t="inlineStr"><is><t>{value}</t></is></c>'

    body = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    return f'<worksheet xmlns="{MAIN}/spreadsheetml/2006/main"><sheetData>{body}</sheetData></worksheet>'


MAIN = "http://schemas.openxmlformats.org"
OFFICE = f"{MAIN}/officeDocument/2006/relationships"


def linked(links: str) -> str:
    return f'<Relationships xmlns="{MAIN}/package/2006/relationships">{links}</Relationships>'


def workbook(path, **sheets) -> None:
    """Write a workbook with these sheets."""
    numbered = list(enumerate(sheets, 1))
    links = [f'<Relationship Id="r{n}" Type="{OFFICE}/worksheet" Target="worksheets/{n}.xml"/>' for n, _ in numbered]
    links.append(f'<Relationship Id="r0" Type="{OFFICE}/styles" Target="styles.xml"/>')
    listed = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in numbered)
    sheets_of = f"{MAIN}/spreadsheetml/2006/main"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{MAIN}/package/2006/content-types"/>',
        "_rels/.rels": linked(f'<Relationship Id="r" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'),
        "xl/workbook.xml": f'<workbook xmlns="{sheets_of}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": linked("".join(links)),
        "xl/styles.xml": f'<styleSheet xmlns="{sheets_of}"><cellXfs><xf/><xf numFmtId="14"/></cellXfs></styleSheet>',
        **{f"xl/worksheets/{n}.xml": sheet(sheets[name]) for n, name in numbered},
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


TYPED = [HEADER, *([pd.Timestamp(day), city, float(cost)] for day, city, cost in ROWS)]


def zipped(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("export.csv", content)
    return out.getvalue()


def parquet() -> bytes:
    out = io.BytesIO()
    typed = pd.DataFrame(ROWS, columns=HEADER).astype({"cost": float, "city": "category"})
    typed.assign(day=pd.to_datetime(typed["day"])).to_parquet(out)
    return out.getvalue()


FILES = {
    "plain": ("a.csv", lines().encode(), {}),
    "semicolons": ("a.csv", lines(";").encode(), {}),
    "tabs of UTF-16": ("a.csv", lines("\t").encode("utf-16"), {}),
    "UTF-16 without its mark": ("a.txt", lines("\t").encode("utf-16-le"), {"encoding": "utf-16-le"}),
    "a mark and carriage returns": ("a.tsv", lines("\t", end="\r\n").encode("utf-8-sig"), {}),
    "bars": ("a.txt", lines("|").encode(), {}),
    "central Europe": ("a.csv", lines(";").encode("cp1250"), {"encoding": "cp1250"}),
    "a separator that is said": ("a.csv", lines("~").encode(), {"separator": "~"}),
    "sep=": ("a.csv", ("sep=;\r\n" + lines(";", end="\r\n")).encode(), {}),
    "title lines": ("a.csv", ("My report\n\n" + lines()).encode(), {"skip_rows": 1}),
    "a blank line above": ("a.csv", ("\n,,\n" + lines()).encode(), {}),
    "blank rows and columns": ("a.csv", (lines().replace("\n", ",,\n") + ",,,,\n,,,,\n\n").encode(), {}),
    "spaces that do not break": (
        "a.csv",
        lines().replace("city", "\u00a0city ").replace("Köln", " Köln\u00a0").encode(),
        {},
    ),
    "quotes and a line break": ("a.csv", lines().replace("day,city", '"day","ci\nty"').encode(), {}),
    "gzip": ("a.csv.gz", gzip.compress(lines().encode()), {}),
    "zip": ("a.zip", zipped(lines().encode()), {}),
    "UTF-32": ("a.csv", lines().encode("utf-32"), {}),
    "Parquet": ("a.parquet", parquet(), {}),
    "JSON lines": ("a.jsonl", pd.DataFrame(ROWS, columns=HEADER).to_json(orient="records", lines=True).encode(), {}),
    "JSON": ("a.json", pd.DataFrame(ROWS, columns=HEADER).to_json(orient="records").encode(), {}),
}


def typed(path, **options) -> list[list]:
    """Return days, keys and numbers of the table at a path."""
    file = TableFile(path=str(path), **options)
    columns = ["day", "ci\nty" if b"ci\nty" in path.read_bytes() else "city", "cost"]
    frame = read_table(file, str(path), "spend", columns)
    day = read_days(frame["day"], file, "spend").first.dt.strftime("%Y-%m-%d")
    cost = numbers(frame["cost"], find_notation([frame["cost"]], file, "spend"), "spend")
    return [list(row) for row in zip(day, keys(frame[columns[1]], "spend"), cost, strict=True)]


EXPECTED = [[day, city, float(cost)] for day, city, cost in ROWS]


@pytest.mark.parametrize("case", FILES)
def test_every_way_gives_the_same(case, tmp_path):
    name, content, options = FILES[case]
    (tmp_path / name).write_bytes(content)
    assert typed(tmp_path / name, **options) == EXPECTED


@pytest.mark.parametrize(("above", "options"), [((), {}), ([["Report"], ["of ours"]], {"skip_rows": 2})])
def test_a_workbook_is_read(above, options, tmp_path):
    workbook(tmp_path / "a.xlsx", Data=[*above, *TYPED])
    assert typed(tmp_path / "a.xlsx", **options) == EXPECTED


def test_a_workbook_with_title_lines_names_the_option(tmp_path):
    workbook(tmp_path / "a.xlsx", Data=[["Report"], *TYPED])
    with pytest.raises(DataError, match=r"has its columns in line 2; give 'spend.skip_rows' as 1\."):
        typed(tmp_path / "a.xlsx")


def test_several_files_are_one_table(tmp_path):
    for part, row in enumerate(ROWS):
        (tmp_path / f"part{part}.csv").write_text(lines(rows=[row]), encoding="utf-8")
    (tmp_path / "_SUCCESS").touch()
    frame = read_table(TableFile(path=""), str(tmp_path / "part*.csv"), "spend", HEADER)
    assert frame["city"].tolist() == [row[1] for row in ROWS]
    assert frame.index.tolist() == ["2 of part0.csv", "2 of part1.csv", "2 of part2.csv"]
    assert len(read_table(TableFile(path=""), str(tmp_path), "spend", HEADER)) == 3


BAD = {
    "nothing there": (
        None,
        {},
        "there is no such file, folder or pattern; correct 'spend.path' or give the path with --data.",
    ),
    "empty": (b"", {}, "is empty; it needs a first line with the names of its columns."),
    "another encoding": (
        lines(rows=WESTERN).encode("cp1252"),
        {},
        "is not written in UTF-8 (line 2; read as cp1252, of Windows in Western Europe, it has 'Köln' there); "
        "give 'spend.encoding', or save it as UTF-8.",
    ),
    "a wrong encoding": (
        lines().encode(),
        {"encoding": "ascii"},
        "is not written in ASCII (line 2; read as cp1252, of Windows in Western Europe, it has 'KÃ' there); "
        "give 'spend.encoding', or save it as UTF-8.",
    ),
    "title lines": (
        ("A report\nof ours\n" + lines()).encode(),
        {},
        "has its columns in line 3; give 'spend.skip_rows' as 2.",
    ),
    "title lines of many cells": (
        ("Report,2023,\n,,\n" + lines()).encode(),
        {},
        "has its columns in line 3; give 'spend.skip_rows' as 2.",
    ),
    "a header twice": (
        lines().replace("city,cost", "cost,cost").encode(),
        {},
        "the columns 2 and 3 are all called 'cost'; give each its own name.",
    ),
    "a column without a name": (
        lines().replace(",cost", ",").encode(),
        {},
        "row 2 has a value in column 3, which has no name in the header; give it one.",
    ),
    "a comma too many": (
        lines().replace("1200", "1,200").encode(),
        {},
        "the line '2023-01-03,Łódź,1,200' has another number of cells (4) than the header (3); put cells with a ',' in "
        "quotes, or take the line out.",
    ),
    "too many lines left out": (
        ("Report\n" + lines()).encode(),
        {"skip_rows": 3},
        "has its columns in line 2; give 'spend.skip_rows' as 1.",
    ),
    "UTF-8 that is called another": (
        lines().encode(),
        {"encoding": "cp1252"},
        "is written in UTF-8, not in CP1252; leave out 'spend.encoding'.",
    ),
    "UTF-16 without its mark": (
        lines().encode("utf-16-le"),
        {},
        "holds bytes of zero, as UTF-16 without its mark does and as no text in UTF-8; give 'spend.encoding' (such as "
        "utf-16-le), or 'spend.format' where it is no text.",
    ),
    "a workbook": (b"PK\x03\x04...", {}, "is no csv but excel; give 'spend.format' as excel."),
    "Parquet": (parquet(), {}, "is no csv but parquet; give 'spend.format' as parquet."),
    "a CSV as a workbook": (
        lines().encode(),
        {"format": "excel"},
        "does not begin as excel does; give 'spend.format' as what it is, or write it again.",
    ),
    "a damaged workbook": (
        b"PK\x03\x04...",
        {"format": "excel"},
        "is no workbook that can be read; save it as .xlsx or as CSV.",
    ),
    "damaged Parquet": (b"PAR1...", {"format": "parquet"}, "is a damaged Parquet file; write it again."),
    "no JSON": (b'{"day": 1}\n{"day"\n', {"format": "json"}, "line 2 is no JSON; write the file again."),
    "no JSON list": (b'[{"day": 1},\n\n{"day"]', {"format": "json"}, "line 3 is no JSON; write the file again."),
    "JSON of other things": (
        b"[1, 2]",
        {"format": "json"},
        "holds no table; it needs an object for each row, one a line or all of them in a list.",
    ),
    "an open quote": (
        (lines() + '2023-01-05,"Bonn,3\n').encode(),
        {},
        "the line '2023-01-05,\"Bonn,3' has another number of cells (2) than the header (3); put cells with a ',' in "
        "quotes, or take the line out.",
    ),
    "a column that is missing": (
        lines().replace("cost", "costs").encode(),
        {},
        "has no column 'cost' (named under 'spend'); did you mean 'costs'?",
    ),
    "one column": (
        lines("~").encode(),
        {},
        "has no column 'day' (named under 'spend'); its only column is 'day~city~cost': give 'spend.separator' or "
        "'spend.encoding'.",
    ),
    "a letter lost in a name": (
        lines().replace("city", "cit\ufffd").encode(),
        {},
        "the column 'cit\ufffd' has lost a letter (\ufffd); export the file again in UTF-8, or give 'spend.encoding' "
        "where it was only read wrongly.",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read_is_one_sentence(case, tmp_path):
    content, options, message = BAD[case]
    path = tmp_path / "a.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_table(TableFile(path=str(path), **options), str(path), "spend", HEADER)
    assert str(caught.value) == f"{path}: {message}"


def test_sheets_are_named(tmp_path):
    workbook(tmp_path / "a.xlsx", Notes=[], Data=[HEADER])
    for options, message in (
        ({}, r"has the sheets Notes and Data; name one in 'spend.sheet'"),
        ({"sheet": "Dat"}, r"has no sheet 'Dat' \(named in 'spend.sheet'\); did you mean 'Data'"),
        ({"sheet": "Notes"}, "is empty; it needs a row with the names of its columns"),
    ):
        with pytest.raises(DataError, match=message):
            read_table(TableFile(path="", **options), str(tmp_path / "a.xlsx"), "spend", HEADER)
    assert read_table(TableFile(path="", sheet="Data"), str(tmp_path / "a.xlsx"), "spend", HEADER).empty


def test_an_archive_holds_one_file(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", lines())
        archive.writestr("b.csv", lines())
    with pytest.raises(DataError, match=r"is an archive of 2 files; unpack it and give the one that is meant\."):
        typed(tmp_path / "a.zip")


@pytest.mark.parametrize(("name", "problem"), [("a.csv.gz", "cannot be opened"), ("a.csv.zip", "is a damaged archive")])
def test_damaged_files_are_named(name, problem, tmp_path):
    (tmp_path / name).write_bytes(b"not packed")
    with pytest.raises(DataError, match=problem):
        typed(tmp_path / name)


@pytest.mark.parametrize("name", ["export", "a.dat", "b.zip"])
def test_a_name_that_tells_no_format_asks_for_it(name, tmp_path):
    (tmp_path / name).write_bytes(lines().encode())
    with pytest.raises(DataError, match=r"the name does not tell its format; give 'spend\.format' as csv, excel, json"):
        typed(tmp_path / name)


def test_keys_are_text_as_written():
    values = pd.Series(["01", " NA ", "1.0", "\u00a0None", "1e5", "TRUE"], name="geo")
    assert keys(values, "panel").tolist() == ["01", "NA", "1.0", "None", "1e5", "TRUE"]
    assert keys(pd.Series([1.0, 10.0]), "panel").tolist() == ["1", "10"]
    assert keys(pd.Series(["a", None, " "]), "panel").tolist() == ["a", None, None]


@pytest.mark.parametrize("name", ["K\ufffdln", "\ufffd", "Malm\ufffd Syd"])
def test_a_lost_letter_of_a_key_names_the_option(name):
    with pytest.raises(DataError, match=rf"column 'geo', row 3: '{name}' has lost a letter .*'panel.encoding'"):
        keys(pd.Series(["Bonn", name], [2, 3], name="geo"), "panel")


def total(*last) -> pd.DataFrame:
    return pd.DataFrame(
        [["2023-01-02", "1.5", "1,000"], ["2023-01-09", "2.25", "2,000"], ["2023-01-16", "", "3"], last],
        columns=["day", "a", "b"],
    )


@pytest.mark.parametrize("label", ["Total", "Summe", "合計", None])
def test_a_last_row_that_adds_up_is_left_out(label):
    table, notes = without_total(total(label, "3.75", "3,003.00"), "day", ["a", "b"], TableFile(path=""), "panel")
    assert len(table) == 3
    assert [note.code for note in notes] == ["file.total_row"]


@pytest.mark.parametrize(
    "last", [("Total", "3.75", "3,999.00"), ("Total", "", "3,003"), ("2023-01-23", "3.75", "3,003.00")]
)
def test_a_last_row_that_does_not_stays(last):
    assert len(without_total(total(*last), "day", ["a", "b"], TableFile(path=""), "panel")[0]) == 4
