"""How far each ROI rests on its prior: power-scaling, and priors that the data contradict."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

from mmm_bayes import pool
from mmm_bayes.config import ChannelPriors
from mmm_bayes.findings import Finding
from mmm_bayes.posterior import Posterior
from mmm_bayes.posterior.lift import predicted_lift
from mmm_bayes.posterior.predictions import log_likelihood
from mmm_bayes.priors import by_share, effect_priors, pooled, prior_of, prior_place
from mmm_bayes.transforms import Array

SENSITIVE = 0.05
"""Sensitivity from which on a posterior is said to follow; the value of Kallioinen et al."""

DRAWS = 1000
"""Draws that sensitivity is computed from."""

TAIL = 0.01
"""Prior probability beyond the posterior median, on either side, below which prior and data contradict each other."""


def carried(posterior: Posterior) -> Array:
    """Return the draws of what carries the prior, ROI or contribution share; shape ``(draw, channel)``."""
    return np.where(by_share(posterior.data), posterior["contribution_share"], posterior["roi"])


def prior_sensitivity(posterior: Posterior, given: ChannelPriors) -> dict[str, Mapping[str, Any]]:
    """Return per channel how far its ROI moves when its own prior, or the likelihood, is made stronger or weaker.

    Power-scaling (Kallioinen et al. 2024, Statistics and Computing 34, 57): the draws are weighted as if the density
    had been raised to a power close to one; sensitivity is the change of the distribution (cumulative
    Jensen-Shannon distance) per doubling of the power. Priors are scaled on the log scale, one channel at a time.

    Returns:
        By channel ``prior`` and ``likelihood``, the two sensitivities, and ``talks``: ``data`` where the prior moves
        little, else ``prior`` where the likelihood moves little, else ``both``.
    """
    import arviz_stats as azs

    tree = _tree(posterior, given)
    found: dict[str, Mapping[str, Any]] = {}
    for name in posterior.channels:
        at = {"channel": [name]}
        prior = float(azs.psense(tree, group="prior", coords=at, group_coords=at)["value"].item())
        likelihood = float(azs.psense(tree, group="likelihood", coords=at)["value"].item())
        talks = ("both" if likelihood >= SENSITIVE else "prior") if prior >= SENSITIVE else "data"
        found[name] = {"prior": prior, "likelihood": likelihood, "talks": talks}
    return found


def _tree(posterior: Posterior, given: ChannelPriors) -> xr.DataTree:
    """Return log ROI, its log prior and the log likelihood, each as ``value`` in the group that ArviZ reads.

    At most about `DRAWS` draws, evenly from each chain: the likelihood costs a pass over the panel each.
    """
    chains, draws = (posterior.tree["posterior"].sizes[name] for name in ("chain", "draw"))
    kept = np.arange(0, draws, -(-chains * draws // DRAWS))
    rows = (np.arange(chains)[:, None] * draws + kept).ravel()
    quantity = carried(posterior)[rows]
    likelihood = log_likelihood(posterior, rows)
    if "lift_kpi" in (data := posterior.data):
        tests = stats.norm(data["lift_kpi"].to_numpy(), data["lift_error"].to_numpy())
        likelihood = likelihood + tests.logpdf(predicted_lift(posterior, data)[rows]).sum(axis=1)
    groups = {
        "posterior": ("channel", np.log(quantity)),
        "log_prior": ("channel", _log_prior(posterior, given, quantity, rows)),
        "log_likelihood": ("data", likelihood),
    }
    shape = (chains, len(kept))
    coords = {"chain": np.arange(chains), "draw": kept, "channel": posterior.channels}
    tree = {g: {"value": (("chain", "draw", d), v.reshape(*shape, -1))} for g, (d, v) in groups.items()}
    return xr.DataTree.from_dict({group: xr.Dataset(value, coords) for group, value in tree.items()})


def _log_prior(posterior: Posterior, given: ChannelPriors, quantity: Array, rows: Array) -> Array:
    """Return the log prior density of the log of what carries it, given what channels have in common."""
    density, data = np.empty_like(quantity), posterior.data
    for c, prior in effect_priors(data, given).items():
        density[:, c] = prior.frozen().logpdf(quantity[:, c]) + np.log(quantity[:, c])
    for c in pooled(data):
        distance = pool_distance(posterior, int(c), rows)
        density[:, c] = pool.log_density(distance, posterior["pool_spread"][rows], posterior.demand[c])
    return density


def pool_distance(posterior: Posterior, channel: int, rows: Array) -> Array:
    """Return how far a pooled channel is from the centre of the pool in some draws, shape ``(draw,)``."""
    parameters = {name: values[:, 0] for name, values in posterior.parameters(channel, rows).items()}
    elasticity = posterior.shape.elasticity(posterior.data["mean_media"].to_numpy()[channel], parameters)
    usual, centre = float(posterior.data["usual_return"]), posterior["pool_centre"][rows]
    return pool.distance(np.log(posterior["roi"][rows, channel]), elasticity, usual, centre)


def idle_channels(posterior: Posterior) -> dict[str, float]:
    """Return how probable it is that a channel hardly acts, for those of the pool; see `pool.idle_probability`."""
    rows, spread = np.arange(posterior.draws), posterior["pool_spread"]
    return {
        posterior.channels[c]: float(
            pool.idle_probability(pool_distance(posterior, int(c), rows), spread, posterior.demand[c]).mean()
        )
        for c in pooled(posterior.data)
    }


def contradicted_priors(posterior: Posterior, given: ChannelPriors) -> list[Finding]:
    """Return every prior in whose outermost hundredth the posterior median lies; what channels share is learnt."""
    media, quantity = effect_priors(posterior.data, given), carried(posterior)
    found = []
    for c, name in enumerate(posterior.channels):
        believed = {prior_place(posterior.data, c, given): (media[c], quantity[:, c])} if c in media else {}
        for parameter in posterior.shape.parameters:
            prior = prior_of(parameter, name, given)
            believed[f"model.priors.{parameter}.{name}"] = (prior, posterior[parameter][:, c])
        for place, (prior, draws) in believed.items():
            median = float(np.median(draws))
            if not TAIL <= prior.frozen().cdf(median) <= 1 - TAIL:
                low, high = map(float, prior.frozen().ppf([0.05, 0.95]))
                values = {"place": place, "low": low, "high": high, "median": median}
                found.append(Finding("prior.contradicted", values))
    return found
