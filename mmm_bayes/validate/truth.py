"""Businesses with this panel's calendar, spend and scale whose truth is known: draws of parameters, and their KPI.

Two kinds of truth are drawn, for two questions:

* *Is the inference right?* (`from_prior`) Everything is drawn from the joint prior. Only then must the rank of the
  truth among the draws of its posterior be uniform (Talts et al. 2018, arXiv:1804.06788).
* *What can be expected with data like these?* (`like_this_panel`) Level, trend, season, controls, noise and drift are
  draws of the fitted posterior, for they are what the panel is like. What media do is drawn from the prior: a truth
  drawn from the posterior would be one that this fit has found already, and its panels could not show that a fit
  looks in the wrong place. Truths in which media bring more than `MOST` of the KPI are left out: no business would
  exist without them.

KPIs come from the formulas of `posterior.predictions`, which know nothing of the graph; what breaks these formulas
themselves is for `simulate.worlds` to show.
"""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from mmm_bayes.config import Model
from mmm_bayes.model.design import Design
from mmm_bayes.model.prior import draw_prior
from mmm_bayes.posterior import Posterior
from mmm_bayes.posterior.lift import predicted_lift
from mmm_bayes.posterior.predictions import simulate
from mmm_bayes.posterior.prior_predictive import MOST
from mmm_bayes.transforms import Array

OF_MEDIA = (
    *("pool_centre", "pool_spread", "eta", "geo_effect", "beta"),
    *("contribution", "contribution_share", "roi"),
)
"""Variables that say what media do, beside the parameters of their shape."""


def from_prior(design: Design, model: Model, count: int, seed: int) -> Posterior:
    """Return ``count`` truths from the joint prior, a draw each."""
    return draw_prior(design, model, count, seed)


def like_this_panel(design: Design, model: Model, fitted: Posterior, count: int, seed: int) -> Posterior:
    """Return ``count`` truths, a draw each, with the baseline and the noise of a fit and media from the prior."""
    prior = draw_prior(design, model, 4 * count, seed)
    possible = np.flatnonzero(prior["contribution_share"].sum(axis=1) < MOST)
    draws = prior.tree["posterior"].to_dataset().isel(draw=np.resize(possible, count))
    rows = np.random.default_rng([seed, count]).choice(fitted.draws, size=count, replace=fitted.draws < count)
    own = [name for name in draws if name not in (*OF_MEDIA, *fitted.shape.parameters)]
    found = {name: (draws[name].dims, fitted[str(name)][rows][None]) for name in own}
    return _with_draws(prior, draws.assign(found))


def each(truths: Posterior) -> Iterator[Posterior]:
    """Yield the truths one by one."""
    draws = truths.tree["posterior"].to_dataset()
    for i in range(truths.draws):
        yield _with_draws(truths, draws.isel(draw=[i]))


def simulated(design: Design, truth: Posterior, seed: int) -> Design:
    """Return the panel with the KPI, and the results of lift tests, that a truth brings about.

    Args:
        design: the scaled panel; its scales stay.
        truth: with one draw.
        seed: of noise and drift.
    """
    data = design.data.assign(y=(("geo", "week"), simulate(truth, np.arange(1), seed)[0]))
    if "lift_kpi" in data:
        error = data["lift_error"].to_numpy()
        noise: Array = np.random.default_rng([seed, len(error)]).standard_normal(len(error))
        data["lift_kpi"] = data["lift_kpi"].dims, predicted_lift(truth, data)[0] + error * noise
    return Design(data)


def _with_draws(truths: Posterior, draws: xr.Dataset) -> Posterior:
    tree = xr.DataTree.from_dict({"posterior": draws, "constant_data": truths.data})
    tree.attrs = truths.tree.attrs
    return Posterior(tree)
