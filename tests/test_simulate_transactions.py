"""The generator of dirty transactions: same seed, same bytes; dirty in every way; demand as promised."""

import hashlib
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import prepare_reference as reference
import pytest

from mmm_bayes.simulate import transactions as sample
from mmm_bayes.simulate.transactions import write_sample


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[reference.Line]:
    path = write_sample(tmp_path_factory.mktemp("sample") / "sample.csv.gz", lines=60_000, weeks=110, seed=2)
    return reference.judge(reference.read_rows(path), start=date(2022, 1, 1))


def test_one_seed_one_file(tmp_path: Path) -> None:
    digests = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        path = write_sample(tmp_path / f"{name}.csv.gz", lines=2000, weeks=25, seed=seed)
        digests.append(hashlib.sha256(path.read_bytes()).hexdigest())
    assert digests[0] == digests[1] != digests[2]
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.csv.gz", "b.csv.gz", "c.csv.gz"]


def test_size_and_span(lines: list[reference.Line]) -> None:
    assert len(lines) == pytest.approx(60_000, rel=0.02)
    days = [line.at.date() for line in lines if line.reason is None]
    assert min(days) < date(2022, 9, 5)
    assert max(days) > date(2022, 9, 5) + timedelta(weeks=110)


def test_every_kind_of_dirt_occurs(lines: list[reference.Line]) -> None:
    reasons = Counter(line.reason for line in lines)
    assert set(reasons) == {
        None,
        "malformed_line",
        "missing_or_unparseable_date",
        "before_start",
        "missing_invoice",
        "missing_product",
        "missing_or_unparseable_quantity",
        "missing_or_unparseable_price",
        "price_of_zero",
        "exact_duplicate",
        "code_that_is_no_product",
    }
    assert 0.94 < reasons[None] / len(lines) < 0.99
    kept = [line for line in lines if line.reason is None]
    assert 0.15 < sum(not line.customer for line in kept) / len(kept) < 0.25
    assert 0.01 < sum(line.cancelled for line in kept) / len(kept) < 0.02
    assert len({line.geo for line in kept}) > len({line.geo.lower() for line in kept})
    assert reference.book(lines) < 0.5 * sum(line.cancelled for line in kept)


def test_trade_follows_the_calendar(lines: list[reference.Line]) -> None:
    sold = {line.at.date() for line in lines if line.reason is None and not line.cancelled}
    assert all(day.weekday() != 5 for day in sold)
    assert not {date(2023, 4, 10), date(2023, 8, 28), date(2024, 5, 6)} & sold  # bank holidays in England
    assert not {date(2022, 12, 26) + timedelta(days=n) for n in range(7)} & sold


def test_demand_peaks_before_christmas_and_drifts_by_country(lines: list[reference.Line]) -> None:
    frame = pd.DataFrame(
        [(line.at.date(), line.geo.lower(), float(line.revenue)) for line in lines if line.reason is None],
        columns=["day", "geo", "revenue"],
    )
    frame["week"] = pd.to_datetime(frame["day"]).dt.to_period("W-SUN").dt.start_time
    weekly = frame.pivot_table(index="week", columns="geo", values="revenue", aggfunc="sum", fill_value=0.0)
    share = weekly.mean() / weekly.mean().sum()
    assert (share > 0.07).sum() >= 5
    assert share.min() < 0.01
    total = weekly.sum(axis=1)
    assert total["2023-11-06":"2023-12-10"].mean() > 1.3 * total["2023-05-01":"2023-09-30"].mean()


def test_drift_is_a_random_walk_of_one_and_a_half_percent() -> None:
    steps = []
    for seed in range(20):
        _, demand = sample._demand(np.random.default_rng(seed), 100)
        _, other = sample._demand(np.random.default_rng(seed + 1000), 100)
        monday = np.arange(sample.EDGE + 7, demand.shape[1] - 7, 7)
        open_weeks = (demand[0, monday] > 0) & (demand[0, monday + 2] > 0)
        ratio = np.log(demand[:, monday + 2][:, open_weeks] / other[:, monday + 2][:, open_weeks])
        steps.append(np.diff(ratio - ratio.mean(axis=0), axis=1))
    assert np.std(np.concatenate(steps, axis=None)) == pytest.approx(0.015 * np.sqrt(2), rel=0.25)
