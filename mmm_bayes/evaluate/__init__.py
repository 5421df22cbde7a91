"""How good the answers are: forecasts on a holdout, ROI of both models side by side.

rolling_splits(panel, settings) -> [Split, ...], the latest first
other_forecasts(split, config.model, seed, ci_prob) -> {"lightgbm": Forecast, "seasonal_naive": Forecast}
roi_table(bayesian_roi, lightgbm_roi, truth=None) -> frame of comparison.csv
compare(split, {"bayesian": Forecast, ...}, roi, ci_prob) -> Comparison; over_folds([Comparison, ...]) -> Comparison
"""

from mmm_bayes.evaluate.compare import Comparison, compare, conflicts, over_folds, roi_table, save_comparison
from mmm_bayes.evaluate.forecast import Forecast, Split, other_forecasts, rolling_splits, seasonal_naive, split_holdout
from mmm_bayes.evaluate.metrics import crps, errors, interval_score

__all__ = [
    "Comparison",
    "Forecast",
    "Split",
    "compare",
    "conflicts",
    "crps",
    "errors",
    "interval_score",
    "other_forecasts",
    "over_folds",
    "roi_table",
    "rolling_splits",
    "save_comparison",
    "seasonal_naive",
    "split_holdout",
]
