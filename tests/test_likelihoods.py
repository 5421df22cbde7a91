"""Likelihoods against SciPy: their density for arrays and in a graph, and their draws."""

import numpy as np
import pytensor.tensor as pt
import pytest
from scipy import special, stats

from mmm_bayes.likelihoods import LIKELIHOODS

SCIPY = {"normal": (stats.norm, ()), "student_t": (stats.t, (4.5,))}


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_densities_are_scipys_for_arrays_and_in_a_graph(name):
    surprise = np.linspace(-6, 6, 24).reshape(2, 3, 4)
    distribution, parameters = SCIPY[name]
    wanted = distribution.logpdf(surprise, *parameters)
    density = LIKELIHOODS[name].log_density
    np.testing.assert_allclose(density(surprise, *map(np.array, parameters), gammaln=special.gammaln), wanted)
    graph = density(pt.as_tensor(surprise), *map(pt.as_tensor, parameters), gammaln=pt.gammaln)
    np.testing.assert_allclose(graph.eval(mode="FAST_COMPILE"), wanted)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_draws_follow_the_density(name):
    distribution, parameters = SCIPY[name]
    shaped = [np.full((50, 1, 1), p) for p in parameters]
    draws = LIKELIHOODS[name].draw(np.random.default_rng(1), (50, 20, 10), *shaped)
    assert stats.kstest(draws.ravel(), distribution(*parameters).cdf).pvalue > 0.01
