"""The Python interface: a fit of a DataFrame, a finished run that shows itself, its figures, progress in a notebook."""

from dataclasses import replace
from html.parser import HTMLParser

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest
from conftest import Run
from nbclient import NotebookClient

import mmm_bayes
from mmm_bayes.config import override
from mmm_bayes.errors import ConfigError, DataError
from mmm_bayes.notebook import FinishedRun
from mmm_bayes.workspace import read_csv


@pytest.fixture(scope="module", autouse=True)
def no_window():
    mpl.use("agg")


@pytest.fixture(scope="module")
def fitted(small_run: Run) -> FinishedRun:
    """The shared run again, without a file: from its table and keyword arguments."""
    columns = small_run.simulated.columns.model_dump(exclude_none=True)
    beside = {"currency": "£", "sampler": {"draws": 150, "tune": 200, "chains": 2}, "compare": {"bootstrap": 10}}
    return mmm_bayes.fit(small_run.simulated.frame, name="small", **columns, **beside)


@pytest.fixture(scope="module")
def loaded(small_run: Run) -> FinishedRun:
    return mmm_bayes.load(small_run.space.data)


class Cells(HTMLParser):
    """Collects the texts of the cells of tables."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_data(self, data: str) -> None:
        self.found.append(data)


def test_a_dataframe_gives_what_its_file_gives(fitted, small_run):
    """One seed, one answer: the shared run came from a file and a configuration."""
    expected = read_csv(small_run.space.data / "roi.csv")
    pd.testing.assert_frame_equal(fitted.results.fit.roi, expected)
    assert fitted.posterior.draws == small_run.fitted.posterior.draws


def test_a_finished_run_is_what_was_found(loaded, small_run):
    assert loaded.config == override(small_run.config)
    assert loaded.results.plan.channels
    shown = Cells(loaded.roi._repr_html_()).found
    assert set(small_run.panel.channels) <= set(shown)
    assert loaded.roi.rows[-1][0] in shown
    assert len(loaded.checks.rows) == len(small_run.fitted.diagnostics["reasons"])


def test_a_run_shows_itself_with_decision_and_tables(loaded):
    assert repr(loaded).startswith("<run 'small': ")
    shown = loaded._repr_html_()
    assert shown.count("<table>") == 2
    assert "What media returned." in shown
    assert "<img" not in shown


def test_a_name_is_shown_as_it_is(loaded):
    table = replace(loaded.roi, rows=[["<b>tv</b>", *loaded.roi.rows[0][1:]]], bold=())
    assert "&lt;b&gt;tv&lt;/b&gt;" in table._repr_html_()


def test_another_question_gives_another_plan(fitted):
    with pytest.raises(DataError, match="has no plan, or none that still holds; call allocate"):
        _ = fitted.plan
    short = fitted.allocate(weeks=4, force=True)
    assert short.results.plan.weeks == 4
    assert "4" in short.plan.title
    today = sum(row.spend_now for row in short.results.plan.channels)
    more = fitted.allocate(weeks=4, budget=1.1 * today, force=True)
    assert more.results.plan.budget == pytest.approx(1.1 * today)
    assert short.results.plan.weeks == 4
    assert more.what_if("tv=-10%").spend_plan < today


def test_axes_show_what_the_tables_say(loaded):
    axes = mmm_bayes.plot.roi(loaded)
    means = {round(float(x), 9) for line in axes.lines for x in np.atleast_1d(line.get_xdata())}
    paid = loaded.results.fit.roi.dropna(subset="roi_mean")
    assert {round(value, 9) for value in paid["roi_mean"]} <= means
    curves = mmm_bayes.plot.curves(loaded)
    assert [found.get_title(loc="left") for found in curves] == list(loaded.results.fit.curves.channels)
    assert {found.get_figure(root=True).number for found in (axes, curves[0])} <= set(plt.get_fignums())
    plt.close("all")


def test_what_cannot_be_drawn_is_named(loaded):
    with pytest.raises(DataError, match="plot 'waterfal': there is no such figure; this run has roi, "):
        mmm_bayes.plot.axes(loaded, "waterfal")
    with pytest.raises(DataError, match="plot 'ahead': has no step left what it shows"):
        mmm_bayes.plot.axes(loaded, "ahead")


def table(**other) -> pd.DataFrame:
    weeks = pd.date_range("2024-01-01", periods=4, freq="7D")
    return pd.DataFrame({"week": weeks, "sales": 1.0, "tv": 2.0, **other})


@pytest.mark.parametrize(
    ("frame", "asked", "sentence"),
    [
        (table(), {"kpi": "sale", "spend": {"tv": "tv"}}, "the DataFrame: has no column 'sale'"),
        (table(), {"kpi": "sales", "spend": {"tv": "tv"}, "control": ["price"]}, "did you mean 'controls'"),
        (table(), {"kpi": "sales", "spend": {"tv": "tv"}, "sampler": {"draw": 5}}, "did you mean 'draws'"),
        (table(sales="many"), {"kpi": "sales", "spend": {"tv": "tv"}}, "column 'sales', row 1"),
        (table().set_index("week"), {"kpi": "sales", "spend": {"tv": "tv"}}, "4 weeks"),
        ([1, 2], {"kpi": "sales", "spend": {"tv": "tv"}}, "is given a list; give a pandas DataFrame"),
    ],
)
def test_mistakes_are_one_sentence(frame, asked, sentence):
    with pytest.raises((ConfigError, DataError), match=sentence):
        mmm_bayes.fit(frame, **asked)


def test_a_folder_without_a_run_is_named(tmp_path):
    for folder in (tmp_path / "data" / "nothing", tmp_path):
        with pytest.raises(DataError, match="holds no run; give the folder of its files, such as data/demo"):
            mmm_bayes.load(folder)
    (tmp_path / "data" / "empty").mkdir(parents=True)
    with pytest.raises(DataError, match="holds no run of this version"):
        mmm_bayes.load(tmp_path / "data" / "empty")


def test_a_notebook_shows_tables_and_progress(small_run: Run, monkeypatch: pytest.MonkeyPatch):
    """A kernel of its own runs the cells, as a notebook does, whatever other tests said of where figures are drawn."""
    monkeypatch.delenv("MPLBACKEND", raising=False)
    cells = [
        f"import mmm_bayes\nrun = mmm_bayes.load({str(small_run.space.data)!r})\nrun",
        "run.checks",
        "from mmm_bayes.notebook import shown\nbar = shown()\nbar('sampling', 0.25)\nbar('<writing>')",
        "axes = mmm_bayes.plot.roi(run)",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(book, timeout=120, kernel_name="python3", resources={"metadata": {"path": "."}}).execute()
    run, checks, bar, picture = ([output.data for output in cell.outputs] for cell in book.cells)
    assert "What media returned." in run[0]["text/html"]
    assert checks[0]["text/html"].startswith("<table>")
    assert [data["text/html"] for data in bar] == ["<progress ></progress> &lt;writing&gt;"]
    assert picture[0]["image/png"]
