"""The LightGBM baseline: what boosted trees make of the same panel, given a fair chance.

* Trees cannot extrapolate, so a robust linear trend of each geo is taken off first.
* Each channel enters carried over, as adstock or a rolling mean, scaled as in the Bayesian model, with a monotone
  effect; which of these is chosen on chronological folds of the training weeks.
* A channel interacts with nothing, so that its effect is one staircase: zero-out ROI and response curves are exact
  readings of the trees, and an allocation over them is about the same model.
* Season, holidays and controls (also a week late), time and geo may interact: the trees find drift that differs
  between geos. `mmm_bayes.features` has all of them, ``features.parquet`` holds them.
* Intervals come from a moving-block bootstrap over weeks of all of that, the choice of carry-over included.

What trees cannot do remains: below the least spend ever seen the staircase is flat, so a channel that never pauses
gets too little.
"""

from mmm_bayes.lightgbm.fit import Boosted, fit_lightgbm

__all__ = ["Boosted", "fit_lightgbm"]
