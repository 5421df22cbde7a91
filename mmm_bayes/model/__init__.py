"""The Bayesian model: priors, graph, sampling, diagnostics."""

from mmm_bayes.model.diagnostics import diagnose
from mmm_bayes.model.fit import fit, forecast_holdout, prior_quantity, prior_roi
from mmm_bayes.model.lift import lift_table

__all__ = ["diagnose", "fit", "forecast_holdout", "lift_table", "prior_quantity", "prior_roi"]
