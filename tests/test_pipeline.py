"""The list of steps stands once: Python and the command line read it."""

import threading
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from mmm_bayes import cli, pipeline
from mmm_bayes.config import Config, make_config, override
from mmm_bayes.provenance import STEPS
from mmm_bayes.summary import LINES


@pytest.fixture
def config() -> Config:
    return make_config({"name": "shop", "panel": {"path": "gone.csv", "kpi": "sales", "spend": {"tv": "tv"}}})


def test_every_step_is_a_function_a_line_of_the_terminal_and_an_entry_of_the_manifest():
    for name in pipeline.STEPS:
        assert callable(getattr(pipeline, name))
        assert name in LINES
        assert name in STEPS
    assert {known.command.split()[0] for known in STEPS.values()} <= cli.app.commands.keys()


def test_the_schedule_comes_with_the_plan_where_it_is_asked_for(config):
    assert pipeline.chosen(config) == [name for name in pipeline.STEPS if name != "schedule"]
    scheduled = override(config, allocate={"schedule": True})
    assert pipeline.chosen(scheduled) == list(pipeline.STEPS)
    assert pipeline.chosen(scheduled, ("allocate",)) == ["allocate", "schedule"]
    assert pipeline.chosen(scheduled, ("fit",)) == ["fit"]


def test_a_whole_run_does_the_steps_in_order_and_nobody_writes_in_between(config, tmp_path, monkeypatch):
    done: list[str] = []
    kept_out: list[str] = []

    def another_enters() -> None:
        try:
            FileLock(tmp_path / "data" / "shop" / ".lock").acquire(timeout=0)
        except Timeout:
            kept_out.append("in time")

    def note(name: str) -> None:
        def performed(given: Config, root: Path, progress: pipeline.Progress) -> str:
            assert (given, root) == (config, tmp_path)
            other = threading.Thread(target=another_enters)
            other.start()
            other.join()
            done.append(name)
            return f"what {name} found"

        monkeypatch.setattr(pipeline, name, performed)

    for name in pipeline.STEPS:
        note(name)
    found = pipeline.run(config, tmp_path)
    assert len(kept_out) == len(done)
    assert done == list(found) == ["prepare", "fit", "compare", "allocate", "report"]
    assert found["fit"] == "what fit found"
    assert not (tmp_path / "data").exists()
