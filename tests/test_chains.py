"""Chains that grow until they agree: what is looked at depends on the seed alone, and nobody waits for nothing."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from mmm_bayes.config import Model, Sampler
from mmm_bayes.errors import FitError
from mmm_bayes.model import compiled as model_compiled
from mmm_bayes.model import start
from mmm_bayes.model.chains import LONGEST, LOOKS, PATIENCE, growing
from mmm_bayes.model.compiled import compiled_model
from mmm_bayes.model.design import build_design
from mmm_bayes.model.sample import is_enough, next_look, sample_compiled
from mmm_bayes.posterior.checks import Reason, unconverged
from mmm_bayes.progress import silent

SAMPLER = Sampler(draws=50, tune=100, chains=2, seed=3)


@pytest.fixture(scope="module")
def design(small_run):
    return build_design(small_run.panel, Model())


@pytest.fixture(scope="module")
def compiled(design):
    return compiled_model(design, Model(), "numba")


def looks(compiled, sampler, most=LOOKS):
    """Return log effects ``(chain, draw, channel)`` of the first looks."""
    with closing(growing(compiled, sampler, silent)) as looked:
        return [take()["posterior"]["log_effect"].to_numpy() for _, (_, take) in zip(range(most), looked, strict=False)]


def test_every_look_adds_draws_to_those_before(compiled):
    found = looks(compiled, SAMPLER)
    sizes = [draws.shape[1] for draws in found]
    assert len(found) == LOOKS and sizes[0] == 50 and sizes[-1] == LONGEST * 50 and sizes == sorted(set(sizes))
    for size, draws in zip(sizes, found, strict=True):
        np.testing.assert_array_equal(draws, found[-1][:, :size])
        assert np.isfinite(draws).all()


def test_stopping_early_changes_nothing_of_what_was_seen(compiled):
    whole, first = looks(compiled, SAMPLER), looks(compiled, SAMPLER, most=2)
    for early, late in zip(first, whole[:2], strict=True):
        np.testing.assert_array_equal(early, late)
    assert not np.array_equal(first[0], looks(compiled, SAMPLER.model_copy(update={"seed": 4}), most=1)[0])


def test_looks_that_are_left_out_change_nothing_of_the_next(compiled):
    whole = looks(compiled, SAMPLER)
    with closing(growing(compiled, SAMPLER, silent)) as looked:
        some = {
            times: take()["posterior"]["log_effect"].to_numpy() for times, take in looked if times in (4.0, LONGEST)
        }
    assert some.keys() == {4.0, LONGEST}
    for times, draws in some.items():
        np.testing.assert_array_equal(draws, whole[-1][:, : round(50 * times)])


def test_chains_go_on_until_they_agree_and_no_longer(compiled, design):
    """50 draws of two chains cannot hold 400 effective ones; some hundreds of four do."""
    careful = Sampler(tune=400, target_accept=0.97, seed=3)
    few = careful.model_copy(update={"draws": 50, "chains": 2})
    short = sample_compiled(compiled, design, Model(), few, silent)
    with closing(growing(compiled, few, silent)) as looked:
        every = {times: unconverged(take()) for times, take in looked}
    ended = next(times for times, failed in every.items() if times == LONGEST or is_enough(failed, times))
    assert short.tree["posterior"].sizes["draw"] == 50 * ended >= 50 * PATIENCE
    enough = sample_compiled(compiled, design, Model(), careful, silent).tree
    with closing(growing(compiled, careful, silent)) as looked:
        agreed = next(trace for _, take in looked if not unconverged(trace := take()))
    assert not unconverged(enough)
    assert 500 < enough["posterior"].sizes["draw"] == agreed["posterior"].sizes["draw"] < LONGEST * 500


@pytest.mark.parametrize(
    ("failed", "times", "enough"),
    [
        ({}, 1, True),
        ({"r_hat": "REVIEW"}, 1, False),
        ({"r_hat": "FAIL", "bulk_ess": "FAIL"}, PATIENCE - 1, False),
        ({"r_hat": "FAIL", "bulk_ess": "REVIEW"}, PATIENCE, True),
        ({"r_hat": "REVIEW", "bulk_ess": "REVIEW"}, PATIENCE, False),
        ({"r_hat": "REVIEW", "divergences": "FAIL"}, 1, True),
        ({"divergences": "REVIEW"}, 1, True),
        ({"r_hat": "REVIEW", "divergences": "REVIEW"}, 1, False),
    ],
)
def test_those_who_nearly_agree_go_on_longest(failed, times, enough):
    assert is_enough({check: reason(check, status) for check, status in failed.items()}, times) == enough


def reason(check, status, value=np.nan):
    return Reason(check, status, value, 400.0, "", {})


@pytest.mark.parametrize(
    ("failed", "times", "expected"),
    [
        ({"r_hat": ("REVIEW", 1.02)}, 1.6, 0.7 * 1.6),  # nobody knows when: the next look
        ({"bulk_ess": ("REVIEW", 200.0)}, 1.0, 0.7 * 2.0),
        ({"bulk_ess": ("REVIEW", 200.0), "tail_ess": ("REVIEW", 160.0), "r_hat": ("REVIEW", 1.02)}, 2.0, 0.7 * 5.0),
        ({"bulk_ess": ("FAIL", 9.0)}, 1.0, 2.0),  # the first draws say little
        ({"tail_ess": ("REVIEW", 110.0)}, 5.0, LONGEST),  # the last look is always one
        ({"bulk_ess": ("FAIL", 9.0)}, 3.2, PATIENCE),  # where those that are far apart end
    ],
)
def test_chains_are_looked_at_again_when_they_may_agree(failed, times, expected):
    found = next_look({check: reason(check, *told) for check, told in failed.items()}, times)
    assert found == pytest.approx(expected)


def test_progress_is_told_and_never_more_than_all(compiled):
    told = []
    with closing(growing(compiled, SAMPLER, lambda message, done: told.append((message, done)))) as traces:
        for _ in traces:
            pass
    assert told and all("2 chains" in message and 0 <= done <= 1 for message, done in told)


def test_chains_start_dispersed_and_far_up(compiled, design, monkeypatch):
    """Each has climbed to where the data are much better explained, and to a place of its own."""
    heights = []

    def watched(density, point):
        top = start.uphill(density, point)
        heights.append((density(point)[0], density(top)[0]))
        return top

    monkeypatch.setattr(model_compiled, "uphill", watched)
    points = [compiled_model(design, Model(), "numba").initial_point_func(seed) for seed in range(4)]
    assert all(top > bottom + 50 for bottom, top in heights) and len(heights) == 4
    np.testing.assert_array_equal(points[3], compiled.initial_point_func(3))
    assert (np.std(points, axis=0) > 0.01).mean() > 0.5


TOP = np.linspace(-1, 1, 7)


@pytest.mark.parametrize(("edge", "ends"), [(-2.0, TOP), (2.0, np.full(7, 0.6))], ids=["everywhere", "nowhere"])
def test_the_climb_ends_at_the_top_and_stays_where_there_is_no_density(edge, ends):
    np.testing.assert_allclose(start.uphill(bell(edge), np.full(7, 0.6)), ends, atol=1e-4)


def test_the_climb_ends_higher_up_where_the_top_lies_beyond_an_edge():
    density, bottom = bell(0.5), np.full(7, 0.6)
    found = start.uphill(density, bottom)
    assert found[0] > 0.5 and density(found)[0] >= density(bottom)[0]


def bell(edge):
    """Return a density around `TOP` that is known where the first coordinate lies above an edge."""
    return lambda x: (-0.5 * ((x - TOP) ** 2).sum() if x[0] > edge else np.nan, TOP - x)


def test_chains_that_find_no_start_are_one_sentence(compiled):
    point = np.full_like(compiled.initial_point_func(0), np.nan)
    nowhere = replace(compiled, initial_point_func=lambda seed: point)
    with pytest.raises(FitError, match=r"the sampler could not start .*; check the units"):
        looks(nowhere, SAMPLER)
