"""Bayesian marketing-mix modelling on Spark-prepared data: from raw transactions to a defended budget.

The steps are functions in `mmm_bayes.pipeline`: ``from mmm_bayes import load_config, pipeline``.
"""

from typing import Any

__version__ = "0.1.0"
__all__ = ["MMMError", "load_config"]


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for, so that ``import mmm_bayes`` takes no time."""
    if name == "load_config":
        from mmm_bayes.config import load_config

        return load_config
    if name == "MMMError":
        from mmm_bayes.errors import MMMError

        return MMMError
    raise AttributeError(f"module 'mmm_bayes' has no attribute '{name}'")
