"""The JAX backend against the Numba one: the same operations, and the same posterior within Monte Carlo error."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, Literal

import arviz_stats as azs
import numpy as np
import pytest

from mmm_bayes.config import Model, Sampler
from mmm_bayes.errors import FitError
from mmm_bayes.kernels import drift, features, fused
from mmm_bayes.model import fit, jax_backend
from mmm_bayes.model.design import build_design
from mmm_bayes.model.sample import sample_design
from mmm_bayes.panel import Panel
from mmm_bayes.progress import silent

jax = pytest.importorskip("jax", reason="the package jax is not installed")


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Callable[..., Any]]:
    """Call a function in a process of its own: JAX's threads do not survive that Spark forks later."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield lambda function, *inputs: pool.submit(function, *inputs).result()


def arrays(seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {
        "media": random.gamma(1.0, 1.0, (2, 3, 3 + 9)) * (random.random((2, 3, 1)) < 0.9),
        "money": random.uniform(1, 2, (3, 9)),
        "weights": random.dirichlet(np.ones(4), 2),
        "log_kappa": random.normal(0, 0.5, 2),
        "slope": random.uniform(0.8, 2, 2),
        "log_effect": random.normal(-3, 1, 2),
        "departure": random.normal(0, 0.2, (2, 3)),
    }


def several(outputs: Any) -> list[np.ndarray]:
    return [np.asarray(o) for o in (outputs if isinstance(outputs, tuple) else (outputs,))]


def with_jax(name: str, inputs: list[np.ndarray]) -> list[np.ndarray]:
    with jax.enable_x64(True):
        return several(getattr(jax_backend, name)(*inputs))


def test_operations_are_those_of_numba(elsewhere):
    media = arrays()
    pairs: list[tuple[Any, str, list[np.ndarray]]] = [
        (fused.forward, "media_effect", list(media.values())),
        (features.weighted, "weighted", [media["departure"], media["media"][:, :1]]),
        (
            features.departing,
            "departing",
            [media["log_kappa"], media["slope"], media["departure"].T, media["media"][:, :1]],
        ),
        (
            drift.forward,
            "surprises",
            [
                media["money"],
                media["money"][0],
                *np.array([[0.0, 0.5, 0.9], [0.3] * 3, [0.5, 0.2, 0.1]]),
                np.array(0.4),
                (media["money"] > np.median(media["money"])).astype(float),
            ],
        ),
    ]
    for own, other, inputs in pairs:
        for wanted, found in zip(several(own(*inputs)), elsewhere(with_jax, other, inputs), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)


def log_roi(panel: Panel, backend: Literal["numba", "jax"]) -> tuple[np.ndarray, np.ndarray]:
    """Fit, and return the mean of log ROI by channel with its Monte Carlo standard error."""
    sampler = Sampler(draws=300, tune=300, chains=2, backend=backend)
    posterior = sample_design(build_design(panel, Model()), Model(), sampler, silent)
    draws = np.log(posterior.tree["posterior"]["roi"])
    effective = azs.ess(draws.to_dataset(name="roi"), method="mean")["roi"].to_numpy()
    return draws.mean(("chain", "draw")).to_numpy(), draws.std(("chain", "draw")).to_numpy() / np.sqrt(effective)


def test_both_backends_find_the_same_posterior(small_run, elsewhere):
    own, other = log_roi(small_run.panel, "numba"), elsewhere(log_roi, small_run.panel, "jax")
    distance = (own[0] - other[0]) / np.hypot(own[1], other[1])
    assert np.abs(distance).max() < 4, f"apart by {distance} Monte Carlo standard errors"


def test_without_jax_one_sentence_says_what_to_install(small_run, monkeypatch):
    monkeypatch.setattr(jax_backend, "find_spec", lambda name: None)
    with pytest.raises(FitError, match=r"pip install 'mmm-bayes\[gpu\]'"):
        fit(small_run.panel, Model(), Sampler(backend="jax"))
