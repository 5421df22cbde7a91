"""How good the answers are: forecasts on a holdout, ROI of both models side by side.

split_holdout(panel, settings) -> Split
other_forecasts(split, config.model, seed, ci_prob) -> {"lightgbm": Forecast, "seasonal_naive": Forecast}
roi_table(bayesian_roi, lightgbm_roi, truth=None) -> frame of comparison.csv
compare(split, {"bayesian": Forecast, ...}, roi, ci_prob) -> Comparison
"""

from mmm_bayes.evaluate.compare import Comparison, compare, conflicts, roi_table, save_comparison
from mmm_bayes.evaluate.forecast import Forecast, Split, other_forecasts, seasonal_naive, split_holdout
from mmm_bayes.evaluate.metrics import crps, errors

__all__ = [
    "Comparison",
    "Forecast",
    "Split",
    "compare",
    "conflicts",
    "crps",
    "errors",
    "other_forecasts",
    "roi_table",
    "save_comparison",
    "seasonal_naive",
    "split_holdout",
]
