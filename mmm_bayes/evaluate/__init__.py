"""How good the answers are: forecasts on a holdout, ROI of both models side by side, plans against the truth.

split_holdout(panel, settings) -> Split
other_forecasts(panel, split, config.model, seed, ci_prob) -> {"lightgbm": Forecast, "seasonal_naive": Forecast}
roi_table(bayesian_roi, lightgbm_roi, truth=None) -> frame of comparison.csv
compare(panel, split, {"bayesian": Forecast, ...}, roi, ci_prob) -> Comparison
recovery.recover([recovery.draw_spec("mixed", seed=1), ...], config.model, config.sampler) -> frame: truth, interval
regret_table(true_curves, {"bayesian": spend, ...}, oracle) -> frame
"""

from mmm_bayes.evaluate.compare import Comparison, compare, roi_table, save_comparison
from mmm_bayes.evaluate.forecast import Forecast, Split, other_forecasts, seasonal_naive, split_holdout
from mmm_bayes.evaluate.metrics import crps, errors
from mmm_bayes.evaluate.regret import incremental, regret_table

__all__ = [
    "Comparison",
    "Forecast",
    "Split",
    "compare",
    "crps",
    "errors",
    "incremental",
    "other_forecasts",
    "regret_table",
    "roi_table",
    "save_comparison",
    "seasonal_naive",
    "split_holdout",
]
