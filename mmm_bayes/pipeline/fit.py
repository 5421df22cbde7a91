"""The step from a panel to a posterior, its verdict and the LightGBM baseline; and the comparison of both."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm_bayes.cache import compile_cache
from mmm_bayes.config import Config
from mmm_bayes.pipeline.run import needs_panel, require_fresh
from mmm_bayes.progress import Progress, silent
from mmm_bayes.workspace import Workspace, digest, read_csv, write_csv, write_json

if TYPE_CHECKING:
    import pandas as pd

    from mmm_bayes.evaluate import Comparison
    from mmm_bayes.posterior import Posterior

LIGHTGBM = ("lightgbm_roi.csv", "lightgbm_curves.parquet")
"""What the LightGBM baseline leaves; an earlier fit's must not stand beside a new posterior."""


@dataclass(frozen=True)
class Fitted:
    """What `fit` found.

    Attributes:
        posterior: draws of the Bayesian model.
        roi: one row per channel, as in ``roi.csv``.
        diagnostics: the verdict with its reasons, as in ``diagnostics.json``.
    """

    posterior: "Posterior"
    roi: "pd.DataFrame"
    diagnostics: dict[str, Any]


def fit(config: Config, root: str | Path = ".", progress: Progress = silent) -> Fitted:
    """Fit the Bayesian model and the LightGBM baseline to the panel that `prepare` wrote.

    Args:
        config: the model, its priors and the sampler.
        root: folder that holds ``data/`` and ``reports/``.
        progress: told what is being done.

    Raises:
        DataError: there is no panel yet.
        FitError: the model could not be fitted.
    """
    space, panel = needs_panel(config, root)
    compile_cache()
    from mmm_bayes import model
    from mmm_bayes.curves import save_curves
    from mmm_bayes.lightgbm import fit_lightgbm
    from mmm_bayes.posterior.attribution import media_contributions, roi_table
    from mmm_bayes.posterior.checks import diagnose

    posterior = model.fit(panel, config.model, config.sampler, progress)
    progress("working out contributions", None)
    media = media_contributions(posterior)
    prior = model.prior_quantity(posterior, config.model, config.ci_prob)
    diagnostics = diagnose(posterior, media, prior, config.ci_prob) | {"panel": digest(space.data / "panel.parquet")}
    roi = roi_table(posterior, media, model.prior_roi(posterior, config.model, config.ci_prob), config.ci_prob)
    fitted = Fitted(posterior, roi, diagnostics)
    _save_fit(space, config, fitted)
    for name in LIGHTGBM:
        (space.data / name).unlink(missing_ok=True)
    baseline = fit_lightgbm(panel, config.model, config.compare.bootstrap, config.sampler.seed, progress)
    progress("writing", None)
    table, curves = (space.data / name for name in LIGHTGBM)
    write_csv(table, baseline.roi(panel, config.ci_prob))
    save_curves(baseline.curves(panel, config.allocate), curves)
    return fitted


def _save_fit(space: Workspace, config: Config, fitted: Fitted) -> None:
    from mmm_bayes.curves import save_curves
    from mmm_bayes.posterior import save_posterior
    from mmm_bayes.posterior.attribution import decomposition, fit_table, response_curves

    save_posterior(fitted.posterior, space.data / "posterior.nc")
    write_csv(space.data / "roi.csv", fitted.roi)
    _save_lift(space, config, fitted.posterior)
    write_csv(space.data / "contributions.csv", decomposition(fitted.posterior))
    write_csv(space.data / "fit.csv", fit_table(fitted.posterior, config.ci_prob))
    save_curves(response_curves(fitted.posterior, config.allocate), space.data / "curves.parquet")
    write_json(space.data / "diagnostics.json", fitted.diagnostics)


def _save_lift(space: Workspace, config: Config, posterior: "Posterior") -> None:
    """Write ``lift.csv``; without tests there is none, and that of an earlier fit would be taken for theirs."""
    from mmm_bayes.posterior.lift import lift_table

    if config.model.lift_tests:
        write_csv(space.data / "lift.csv", lift_table(posterior, config.ci_prob))
    else:
        (space.data / "lift.csv").unlink(missing_ok=True)


def compare(config: Config, root: str | Path = ".", progress: Progress = silent) -> "Comparison":
    """Fit both models without the last weeks and judge them there; hold their ROI against each other and the truth.

    Raises:
        DataError: there is no panel or no fit yet, or the panel is too short for the holdout.
    """
    space, panel = needs_panel(config, root)
    require_fresh(space)
    compile_cache()
    from mmm_bayes import evaluate, model

    split = evaluate.split_holdout(panel, config.compare)
    weeks = len(split.train.weeks)
    draws = model.forecast_holdout(panel, weeks, config.model, config.sampler, progress)
    progress("fitting LightGBM", None)
    forecasts = {"bayesian": evaluate.Forecast.from_draws(draws, config.ci_prob)}
    forecasts |= evaluate.other_forecasts(panel, split, config.model, config.sampler.seed, config.ci_prob)
    comparison = evaluate.compare(panel, split, forecasts, _both_roi(space), config.ci_prob)
    evaluate.save_comparison(comparison, space.data)
    return comparison


def _both_roi(space: Workspace) -> "pd.DataFrame":
    """Return the ROI of both models and, where there is one, the truth side by side."""
    from mmm_bayes.evaluate import roi_table
    from mmm_bayes.simulate import load_truth

    own, other = (read_csv(space.needs(name, "fit")) for name in ("roi.csv", LIGHTGBM[0]))
    truth = load_truth(space.data).roi if (space.data / "truth.json").exists() else None
    return roi_table(own, other, truth)
