"""Bayesian marketing-mix modelling on Spark-prepared data: from raw transactions to a defended budget.

``mmm_bayes.fit`` takes a DataFrame, ``mmm_bayes.load`` gives a finished run back, ``mmm_bayes.plot`` draws it. The
steps are functions in `mmm_bayes.pipeline`: ``from mmm_bayes import load_config, pipeline``.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
__all__ = ["MMMError", "fit", "load", "load_config", "plot"]

HOMES = {"MMMError": "errors", "fit": "notebook", "load": "notebook", "load_config": "config"}
"""The modules that what this package offers stands in."""


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for, so that ``import mmm_bayes`` takes no time."""
    if name in HOMES:
        return getattr(import_module(f"mmm_bayes.{HOMES[name]}"), name)
    if name == "plot":
        return import_module("mmm_bayes.plot")
    raise AttributeError(f"module 'mmm_bayes' has no attribute '{name}'")
