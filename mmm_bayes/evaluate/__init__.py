"""Comparison, backtests, recovery and calibration."""
