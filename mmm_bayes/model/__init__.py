"""The Bayesian model: priors, graph, sampling, diagnostics."""
