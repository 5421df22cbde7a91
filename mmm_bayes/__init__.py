"""Bayesian marketing-mix modelling on Spark-prepared data."""

__version__ = "0.1.0"
