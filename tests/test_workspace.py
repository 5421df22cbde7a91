"""Files are written whole or not at all, and a missing one names the command that makes it."""

import csv
import json
import re

import numpy as np
import pandas as pd
import pytest

from mmm_bayes.workspace import Workspace, read_csv, write_csv, write_json, writing


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_a_run_has_its_two_folders(tmp_path):
    space = Workspace("shop", tmp_path)
    assert space.data == tmp_path / "data" / "shop"
    assert space.reports == tmp_path / "reports" / "shop"


def test_writing_makes_folders_and_replaces(tmp_path):
    target = tmp_path / "new" / "a.txt"
    for text in ("first", "second"):
        with writing(target) as path:
            path.write_text(text)
        assert target.read_text() == text
    assert names(target.parent) == ["a.txt"]


def test_a_failure_keeps_the_earlier_file_and_leaves_nothing_behind(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("earlier")
    with pytest.raises(RuntimeError), writing(target) as path:
        path.write_text("half")
        raise RuntimeError
    assert target.read_text() == "earlier"
    assert names(tmp_path) == ["a.txt"]


def test_a_folder_is_replaced_whole(tmp_path):
    target = tmp_path / "parts"
    for part in ("one", "two"):
        with writing(target) as path:
            path.mkdir()
            (path / part).touch()
        assert names(target) == [part]
    assert names(tmp_path) == ["parts"]


def test_a_folder_replaces_a_file_and_a_file_a_folder(tmp_path):
    target = tmp_path / "thing"
    target.write_text("file")
    with writing(target) as path:
        path.mkdir()
    assert target.is_dir()
    with writing(target) as path:
        path.write_text("file again")
    assert target.read_text() == "file again"


def test_two_that_write_the_same_file_do_not_meet(tmp_path):
    with writing(tmp_path / "a.txt") as first, writing(tmp_path / "a.txt") as second:
        first.write_text("first")
        second.write_text("second")
    assert (tmp_path / "a.txt").read_text() == "first"
    assert names(tmp_path) == ["a.txt"]


def test_json_is_readable_and_refuses_what_json_cannot_hold(tmp_path):
    write_json(tmp_path / "a.json", {"name": "Café", "values": [1, 2.5, None]})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert "Café" in text
    assert json.loads(text) == {"name": "Café", "values": [1, 2.5, None]}
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", {"value": float("nan")})
    assert "Café" in (tmp_path / "a.json").read_text(encoding="utf-8")


def test_csv_keeps_the_cents_of_billions(tmp_path):
    frame = pd.DataFrame({"week": pd.to_datetime(["2024-01-01"]), "spend": [9_747_747_934.25], "note": [None]})
    write_csv(tmp_path / "a.csv", frame)
    assert (tmp_path / "a.csv").read_text() == "week,spend,note\n2024-01-01,9747747934.25,\n"


NUMBER = re.compile(r"-[1-5]")
NAMES = ["tv", "=1+1", "+cmd", "-2x", "@SUM(A1)", "'=x", "''@y", "'quoted'", "\tx", "1", "NA"]


def test_names_that_a_spreadsheet_would_execute_are_texts_and_come_back(tmp_path):
    frame = pd.DataFrame({"channel": NAMES, "roi": np.arange(len(NAMES)) - 5.0, "=head": 1})
    write_csv(tmp_path / "t.csv", frame)
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert [cell for cell in cells if cell[0] in "=+-@\t\r" and not NUMBER.fullmatch(cell)] == []
    assert "'-2x" in cells and "'=head" in cells and "tv" in cells
    pd.testing.assert_frame_equal(read_csv(tmp_path / "t.csv"), frame, check_dtype=False)
