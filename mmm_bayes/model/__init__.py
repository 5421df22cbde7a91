"""The Bayesian model: design, graph, sampling; the only place that imports pymc."""

from mmm_bayes.model.fit import fit, forecast_holdout, prior_quantity, prior_roi

__all__ = ["fit", "forecast_holdout", "prior_quantity", "prior_roi"]
