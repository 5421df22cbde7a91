"""The notebook runs from top to bottom on the real data, and is kept without what it printed."""

import json
import shutil
from pathlib import Path

import pytest

NOTEBOOK = Path("scripts/explore_online_retail.ipynb")
DATA = Path(__file__).parents[2] / "shared" / "data" / "online_retail" / "online_retail.parquet"
CELLS = [cell for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def test_outputs_are_cleared():
    assert [cell for cell in CELLS if cell["outputs"] or cell["execution_count"] is not None] == []


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.skipif(not DATA.exists(), reason="the Online Retail data are not beside the project")
def test_every_cell_runs(tmp_path, monkeypatch):
    (tmp_path / "config").mkdir()
    shutil.copy("config/online_retail.yaml", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONLINE_RETAIL", str(DATA))
    names = {}
    for cell in CELLS:
        exec(compile("".join(cell["source"]), str(NOTEBOOK), "exec"), names)
    assert len(names["lines"]) == 541_909
    assert names["lines"]["revenue"].sum() == pytest.approx(9_747_747.934)
    assert set(names["roi"].index) == {"search", "social", "tv"} == set(names["truth"])
    assert (tmp_path / "data" / "online_retail" / "allocation.json").exists()
