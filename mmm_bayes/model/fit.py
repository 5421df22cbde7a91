"""From a panel to a posterior: scale, build, sample, and try again with better settings when a fit struggles."""

import warnings

import numpy as np
import xarray as xr

from mmm_bayes.config import Model, Sampler
from mmm_bayes.findings import MMMWarning
from mmm_bayes.intervals import Interval
from mmm_bayes.model.design import Design, build_design, head
from mmm_bayes.model.sample import sample_design
from mmm_bayes.panel import Panel
from mmm_bayes.posterior import Posterior
from mmm_bayes.posterior.checks import CAREFUL, unconverged
from mmm_bayes.posterior.confounding import follows_demand
from mmm_bayes.posterior.lift import with_comparison
from mmm_bayes.posterior.predictions import forecast
from mmm_bayes.posterior.prior_predictive import implausible_priors, prior_quantities
from mmm_bayes.priors import by_share, check_channels
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
    posterior = with_demand(fit_design(design, panel, model, sampler, progress))
    if not model.lift_tests:
        return posterior
    progress("fitting without the lift tests, to compare", None)
    plain = model.model_copy(update={"lift_tests": ()})
    return with_comparison(posterior, fit_design(build_design(panel, plain), panel, plain, sampler, progress))


def with_demand(posterior: Posterior) -> Posterior:
    """Return a posterior whose data say which channels follow demand: plans leave them where they are."""
    found = list(follows_demand(posterior).values())
    said = {
        "follows_demand": ("channel", [one.follows for one in found]),
        "foretold": ("channel", [np.nan if one.chance is None else one.chance for one in found]),
        "in_step": ("channel", [one.agreement for one in found]),
        "in_season": ("channel", [one.season for one in found]),
    }
    posterior.tree["constant_data"] = xr.DataTree(posterior.data.assign(said))
    return posterior


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
