"""Awkward but possible data: a right fit with a stated warning, or the same answer whatever the units."""

import numpy as np
import pytest
import xarray as xr

from mmm_bayes.config import ChannelPriors, Model, Sampler
from mmm_bayes.errors import DataError
from mmm_bayes.findings import Finding, MMMWarning
from mmm_bayes.model import fit
from mmm_bayes.model.design import build_design
from mmm_bayes.model.sample import sample_design
from mmm_bayes.panel import MIN_WEEKS, panel_from_frame
from mmm_bayes.posterior import Posterior
from mmm_bayes.posterior.attribution import decomposition, media_contributions, media_response
from mmm_bayes.posterior.confounding import collinear
from mmm_bayes.progress import silent
from mmm_bayes.report.words import word

QUICK = Sampler(draws=150, tune=200, chains=2)


@pytest.fixture
def simulated(small_run):
    """Return the shared run's table, to be changed, and its columns."""
    return small_run.simulated.frame.copy(), small_run.simulated.columns


def quick_fit(table, columns) -> Posterior:
    """Return a posterior of a panel of the shared run's shape, which is compiled already."""
    design = build_design(panel_from_frame(table, columns, "awkward"), Model())
    return sample_design(design, Model(), QUICK, silent)


@pytest.mark.parametrize("unit", [100.0, 1e9, 1e-9])
def test_roi_is_the_same_in_pence_and_in_billions(simulated, small_run, small_posterior, unit):
    """The model sees the same numbers, the same draws give the same ROI, and contributions are in the unit."""
    table, columns = simulated
    table[[columns.kpi, *columns.spend.values()]] *= unit
    known = build_design(small_run.panel, Model()).data
    other = build_design(panel_from_frame(table, columns, "unit"), Model()).data
    for name in ("y", "media", "trend_values", "season_values"):
        np.testing.assert_allclose(other[name], known[name], rtol=1e-9, atol=1e-12, err_msg=name)
    tree = small_posterior.tree.copy()
    tree["constant_data"] = xr.DataTree(other)
    again, rows, money = Posterior(tree), np.arange(small_posterior.draws), other["money"].to_numpy()
    worth = np.stack([np.einsum("dgt,gt->d", media_response(again, c, rows), money) for c in range(3)], axis=1)
    np.testing.assert_allclose(again.per_spend(worth), small_posterior["roi"], rtol=1e-9)
    before, after = (media_contributions(p).worth for p in (small_posterior, again))
    np.testing.assert_allclose(worth * small_posterior["misfit"], unit * before, rtol=1e-9)
    np.testing.assert_allclose(after, unit * before, rtol=1e-9)


def test_two_identical_channels_share_one_effect_and_are_named(simulated, small_run):
    table, columns = simulated
    table["spend_social"] = table["spend_tv"]
    assert "move in step" in word(panel_from_frame(table, columns, "same").notes[0])
    posterior = quick_fit(table, columns)
    assert [(p.first, p.second) for p in collinear(posterior)] == [("tv", "social")]
    together = posterior["roi"][:, 0] + posterior["roi"][:, 2]
    low, high = np.quantile(together, [0.005, 0.995])
    assert low < small_run.simulated.truth.roi["tv"] < high
    assert np.log(together).std() < 0.5 * np.log(posterior["roi"][:, [0, 2]]).std(axis=0).min()


def test_weeks_with_more_returned_than_sold_are_noted_and_fitted(simulated):
    table, columns = simulated
    table.loc[[3, 70], columns.kpi] *= -0.2
    assert panel_from_frame(table, columns, "returns").notes == (
        Finding("panel.negative_kpi", {"kpi": "revenue", "weeks": 2}),
    )
    posterior = quick_fit(table, columns)
    assert np.isfinite(posterior["roi"]).all()
    parts = decomposition(posterior)
    assert parts["observed"].sum() == pytest.approx(table[columns.kpi].sum())
    assert parts["prediction"].sum() == pytest.approx(table[columns.kpi].sum(), rel=0.05)


def test_a_prior_that_cannot_be_is_warned_of_before_sampling(small_run):
    given = Model(priors=ChannelPriors(roi={"tv": (20.0, 40.0)}))
    with pytest.raises(MMMWarning, match=r"prior\.implausible: place=model\.priors\.roi\.tv, channel=tv, share=0\.8"):
        fit(small_run.panel, given, QUICK)  # warnings are errors in tests, so nothing is sampled


@pytest.mark.parametrize("weeks", [1, 2, MIN_WEEKS - 1])
def test_too_few_weeks_are_counted(simulated, weeks):
    table, columns = simulated
    first = sorted(table["week"].unique())[:weeks]
    with pytest.raises(DataError, match=f"the panel has {weeks} weeks?; at least {MIN_WEEKS} are needed"):
        panel_from_frame(table[table["week"].isin(first)], columns, "short")
