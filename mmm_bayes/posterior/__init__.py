"""What reads draws: predictions, attribution, lift, sensitivity, confounding, checks. Needs no PyMC."""

from mmm_bayes.posterior.draws import Posterior, by_chunks, load_posterior, save_posterior

__all__ = ["Posterior", "by_chunks", "load_posterior", "save_posterior"]
