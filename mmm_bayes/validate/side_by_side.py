"""Many trials side by side on Spark, each outcome kept as it comes; without Spark one after the other.

A trial is a job of its own, as many at once as the session has cores: its outcome is written down the moment it ends,
whoever fails or is lost takes no other along, and what a run that was cut off has finished is not done again. Which
executor a trial meets changes nothing of it, for its seed is its own.
"""

import json
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from mmm_bayes.extras import installed
from mmm_bayes.validate.checks import Outcome, outcome_of
from mmm_bayes.validate.trials import Trial

Run = Callable[[Trial], Outcome]

TRIES = 2
"""How often a trial is sent whose executor died; Spark itself tries again on a cluster."""


def run_trials(trials: Sequence[Trial], journal: Path, settings: Mapping[str, str]) -> Iterator[Outcome]:
    """Yield the outcome of each trial as it ends, those first that the journal has.

    Args:
        trials: what to do.
        journal: file of outcomes, a line each; those that failed are not kept.
        settings: of Spark.

    Raises:
        MMMError: Spark is installed and does not start.
    """
    known = read_journal(journal)
    done = [known[key] for trial in trials if (key := (trial.check, trial.number)) in known]
    yield from done
    left = [trial for trial in trials if (trial.check, trial.number) not in known]
    if not left:
        return
    with _runner(settings) as (run, at_once), journal.open("a", encoding="utf-8") as lines:
        lines.write("\n" if lines.tell() else "")  # ends a line that was cut off
        for outcome in _as_they_end(left, run, at_once):
            if not outcome.error:
                lines.write(json.dumps(asdict(outcome)) + "\n")
                lines.flush()
            yield outcome


def read_journal(path: Path) -> dict[tuple[str, int], Outcome]:
    """Return the outcomes that a journal has; a line that was cut off is as if it were not there."""
    found: dict[tuple[str, int], Outcome] = {}
    if not path.exists():
        return found
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            raw = json.loads(line)
        except ValueError:
            continue
        outcome = Outcome(**raw | {"rows": tuple(map(tuple, raw["rows"]))})
        found[outcome.check, outcome.number] = outcome
    return found


def _as_they_end(trials: Sequence[Trial], run: Run, at_once: int) -> Iterator[Outcome]:
    pool = ThreadPoolExecutor(at_once)
    try:
        waiting: list[Future[Outcome]] = [pool.submit(run, trial) for trial in trials]
        for future in as_completed(waiting):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


# --- where they run -----------------------------------------------------------------------------


@contextmanager
def _runner(settings: Mapping[str, str]) -> Iterator[tuple[Run, int]]:
    """Yield what runs a trial, and how many of them can run at once."""
    if not installed("spark"):
        yield outcome_of, 1
        return
    from mmm_bayes.prepare.spark import spark_session

    with spark_session(settings) as session:
        yield partial(_on_spark, session), _cores(session)


def _cores(session: Any) -> int:
    """Return how many tasks a session can run at once; over Spark Connect that is for the user to say."""
    given = session.conf.get("spark.default.parallelism", None)
    return int(given or session.sparkContext.defaultParallelism)


def _on_spark(session: Any, trial: Trial) -> Outcome:
    """Return the outcome of a trial that an executor works on."""
    error = ""
    for _ in range(TRIES):
        try:
            frame = session.range(0, 1, 1, 1).mapInArrow(partial(_map, pickle.dumps(trial)), "outcome string")
            return Outcome(**json.loads(frame.collect()[0]["outcome"]))  # `first` would end the process
        except Exception as lost:  # the process of the trial died, not the trial: that says what went wrong itself
            error = f"{type(lost).__name__}: {str(lost).strip().splitlines()[0]}"
    return Outcome(trial.check, trial.number, error=error)


def _map(trial: bytes, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Return the outcome of a trial as Spark takes it; runs on an executor, for each batch of the one row there is."""
    for _ in batches:
        outcome: dict[str, Any] = asdict(outcome_of(pickle.loads(trial)))
        yield pa.RecordBatch.from_pydict({"outcome": [json.dumps(outcome)]})
