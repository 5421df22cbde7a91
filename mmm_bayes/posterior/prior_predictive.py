"""What the priors say before any data: how much of the KPI media would explain."""

import numpy as np
import xarray as xr

from mmm_bayes.config import ChannelPriors
from mmm_bayes.findings import Finding
from mmm_bayes.posterior.draws import kpi_value, total_spend
from mmm_bayes.priors import prior_place, roi_priors
from mmm_bayes.transforms import Array

MOST = 0.8
"""Share of the KPI that media do not explain in any business that would exist without them."""

LIKELY = 0.2
"""Prior probability of more than that from which on a prior is called implausible."""

DRAWS = 4000


def prior_shares(data: xr.Dataset, given: ChannelPriors) -> Array:
    """Return prior draws of each channel's part of the KPI, shape ``(draw, channel)``.

    ROI carries its prior whatever the curve, so that its draws times the spend are those of the contribution.

    Args:
        data: scaled panel, see `model.design.Design`.
        given: the user's priors.
    """
    factor = np.where(data["by_share"], 1.0, total_spend(data) / kpi_value(data))
    chance = np.random.default_rng(0).random((DRAWS, len(factor)))
    priors = roi_priors(data, given)
    return np.stack([p.frozen().ppf(chance[:, c]) for c, p in enumerate(priors)], axis=1) * factor


def implausible_priors(data: xr.Dataset, given: ChannelPriors) -> list[Finding]:
    """Return every prior by which media would explain nearly all of the KPI; see `prior_shares`."""
    shares = prior_shares(data, given)
    alone, together = (shares > MOST).mean(axis=0), float((shares.sum(axis=1) > MOST).mean())
    names = [str(c) for c in data["channel"].to_numpy()]
    places = [prior_place(data, c, given) for c in range(len(names))]
    found = [
        Finding(
            "prior.implausible", {"place": places[c], "channel": name, "share": MOST, "probability": float(alone[c])}
        )
        for c, name in enumerate(names)
        if alone[c] > LIKELY
    ]
    if found or together <= LIKELY:
        return found
    c = int(shares.mean(axis=0).argmax())
    values = {"place": places[c], "channel": names[c], "share": MOST, "probability": together}
    return [Finding("prior.implausible_together", values)]
