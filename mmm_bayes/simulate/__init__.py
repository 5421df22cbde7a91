"""Spend and factors with a known effect: added to an observed panel, or a whole simulated one, and its `Truth`."""

from mmm_bayes.simulate.panels import DEFAULT_CHANNELS, PanelSpec, Simulated, simulate_panel, simulate_spend
from mmm_bayes.simulate.truth import Truth, load_truth, save_truth

__all__ = [
    "DEFAULT_CHANNELS",
    "PanelSpec",
    "Simulated",
    "Truth",
    "load_truth",
    "save_truth",
    "simulate_panel",
    "simulate_spend",
]
