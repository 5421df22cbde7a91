"""From a panel to a posterior: scale, build, sample, and try again with better settings when a fit struggles."""

import warnings

import numpy as np
import xarray as xr

from mmm_bayes import pool
from mmm_bayes.config import Model, Sampler
from mmm_bayes.findings import MMMWarning
from mmm_bayes.intervals import Interval
from mmm_bayes.model.design import Design, build_design, head
from mmm_bayes.model.sample import sample_design
from mmm_bayes.panel import Panel
from mmm_bayes.posterior import Posterior
from mmm_bayes.posterior.checks import CAREFUL, unconverged
from mmm_bayes.posterior.confounding import follows_demand
from mmm_bayes.posterior.experiments import tested_channels
from mmm_bayes.posterior.lift import with_comparison
from mmm_bayes.posterior.predictions import forecast
from mmm_bayes.posterior.prior_predictive import implausible_priors, prior_quantities
from mmm_bayes.posterior.sensitivity import pool_distance
from mmm_bayes.priors import by_share, check_channels, pooled
from mmm_bayes.progress import Progress, silent
from mmm_bayes.transforms import Array


def fit(panel: Panel, model: Model, sampler: Sampler, progress: Progress = silent) -> Posterior:
    """Fit the Bayesian model to a panel.

    Args:
        panel: weekly data.
        model: what is assumed.
        sampler: draws, chains and seed.
        progress: told what is being done and which share of it is done.

    Returns:
        The posterior; where the first try had not converged, that of a longer second one
        (attribute ``second_try``). With lift tests, the group ``without_tests`` holds what a fit without them says.

    Raises:
        ConfigError: a prior that names no channel, or is no distribution; a lift test that does not fit the panel.
        FitError: the sampler could not start.

    Warns:
        MMMWarning: a prior by which media would explain nearly all of the KPI.
    """
    check_channels(model.priors, panel.paid)
    design = build_design(panel, model)
    for finding in implausible_priors(design.data, model.priors, model.shape):
        warnings.warn(MMMWarning(finding), stacklevel=2)
    posterior = with_doubt(fit_design(design, panel, model, sampler, progress), model, sampler)
    if not model.lift_tests:
        return posterior
    progress("fitting without the lift tests, to compare", None)
    plain = model.model_copy(update={"lift_tests": ()})
    untold = fit_design(build_design(panel, plain), panel, plain, sampler, progress)
    return with_comparison(posterior, with_doubt(untold, plain, sampler))


def with_doubt(posterior: Posterior, model: Model, sampler: Sampler) -> Posterior:
    """Return a posterior that says which channels follow demand, with what its draws do not know in `misfit`.

    Plans leave channels that follow demand where they are. What a tested channel does by itself, its test has told.
    """
    found = list(follows_demand(posterior).values())
    said = {
        "follows_demand": ("channel", [one.held for one in found]),
        "foretold": ("channel", [np.nan if one.chance is None else one.chance for one in found]),
        "in_step": ("channel", [one.agreement for one in found]),
        "in_season": ("channel", [one.season for one in found]),
    }
    posterior.tree["constant_data"] = xr.DataTree(posterior.data.assign(said))
    draws = posterior.tree["posterior"].to_dataset()
    factor = misfit(draws["contribution_share"], model.misfit, sampler.seed)
    tested = tested_channels(model.lift_tests)
    demand = [pool.NEVER if c in tested else one.probability for c, one in zip(posterior.channels, found, strict=True)]
    own = own_part(posterior, np.array(demand), sampler.seed)
    posterior.tree["posterior"] = xr.DataTree(draws.assign(misfit=factor * own))
    return posterior


def misfit(contribution: xr.DataArray, error: float, seed: int) -> xr.DataArray:
    """Return a factor on the return of each channel in each draw, for what formulas miss of the truth.

    Args:
        contribution: draws, dims ``(chain, draw, channel)``.
        error: standard deviation of its logarithm.
        seed: decides the factors.

    Returns:
        Of the same shape; the mean contributions stay what they are.
    """
    random = np.random.default_rng([abs(seed), *map(ord, "misfit")])
    factor = xr.zeros_like(contribution) + np.exp(error * random.standard_normal(contribution.shape))
    draws = ("chain", "draw")
    return factor * contribution.sum(draws) / (factor * contribution).sum(draws)


def own_part(posterior: Posterior, demand: Array, seed: int) -> Array:
    """Return which part of what a channel seems to return is its own, in each draw, and not that of demand.

    All of it, unless its media follow demand. Then of a channel in the pool what the others return tells how much, of
    any other `pool.BORROWED` alone does.

    Args:
        posterior: the fit.
        demand: probability that a channel follows demand, shape ``(channel,)``.
        seed: decides what is drawn.

    Returns:
        Shape ``(chain, draw, channel)``.
    """
    rows = np.arange(posterior.draws)
    anyhow = demand, np.full_like(demand, pool.BORROWED), np.full_like(demand, pool.BORROWED_SPREAD)
    lent = [np.tile(value, (len(rows), 1)) for value in anyhow]
    for c in pooled(posterior.data):
        distance, spread = pool_distance(posterior, int(c), rows), posterior["pool_spread"]
        for values, known in zip(lent, pool.borrowed(distance, spread, demand[c]), strict=True):
            values[:, c] = known
    random = np.random.default_rng([abs(seed), *map(ord, "demand")])
    chance, mean, deviation = lent
    follows = random.random(chance.shape) < chance
    borrowed = np.maximum(mean + deviation * random.standard_normal(chance.shape), 0.0)
    return np.where(follows, np.exp(-borrowed), 1.0).reshape(posterior.tree["posterior"]["contribution_share"].shape)


def fit_design(design: Design, panel: Panel, model: Model, sampler: Sampler, progress: Progress) -> Posterior:
    """Fit a scaled panel; see `fit`."""
    posterior = sample_design(design, model, sampler, progress)
    failed = unconverged(posterior.tree)
    if failed:
        progress("the chains disagree: a second, more careful try", None)
        posterior = sample_design(design, model, more_careful(sampler, "divergences" in failed), progress)
        posterior.tree.attrs["second_try"] = 1
    posterior.tree.attrs |= {"name": panel.name, "kpi": panel.kpi_name, "currency": panel.currency}
    return posterior


def forecast_holdout(panel: Panel, train: int, model: Model, sampler: Sampler, progress: Progress = silent) -> Array:
    """Fit to the first ``train`` weeks and draw the KPI of the others, knowing their media and controls only.

    Returns:
        KPI units, shape ``(draw, geo, week)``, the weeks after the training ones.
    """
    design = build_design(panel, model, train)
    known = head(design, train, model.l_max)
    posterior = sample_design(known, model, sampler, progress)
    return forecast(posterior, design.data, posterior.thinned(1000), sampler.seed)


def more_careful(sampler: Sampler, diverged: bool) -> Sampler:
    """Return settings for a fit that struggled: longer tuning and more draws, shorter steps where it diverged."""
    target = max(sampler.target_accept, CAREFUL) if diverged else sampler.target_accept
    return sampler.model_copy(
        update={"tune": 2 * sampler.tune, "draws": 2 * sampler.draws, "target_accept": target, "seed": sampler.seed + 1}
    )


def prior_roi(posterior: Posterior, model: Model, ci_prob: float) -> Interval[Array]:
    """Return the prior interval of each channel's ROI, arrays of shape ``(channel,)``.

    A prior on the contribution share is turned into ROI through the spend; NaN for organic channels.
    """
    factor = np.where(by_share(posterior.data), posterior.per_spend(np.array(posterior.kpi_value)), 1.0)
    return prior_quantity(posterior, model, ci_prob).times(factor)


def prior_quantity(posterior: Posterior, model: Model, ci_prob: float) -> Interval[Array]:
    """Return the prior interval of what carries the prior, ROI or contribution share; shape ``(channel,)``."""
    return Interval.of(prior_quantities(posterior.data, model.priors, posterior.shape), ci_prob)
