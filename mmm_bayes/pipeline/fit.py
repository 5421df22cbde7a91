"""The step from a panel to a posterior, its verdict and the LightGBM baseline; and the comparison of both."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm_bayes.cache import compile_cache
from mmm_bayes.config import Config
from mmm_bayes.extras import installed, require
from mmm_bayes.findings import Finding, MMMWarning
from mmm_bayes.progress import Progress, silent
from mmm_bayes.provenance import PANEL, Manifest, step
from mmm_bayes.workspace import Workspace, read_csv, write_csv, write_json

if TYPE_CHECKING:
    import pandas as pd

    from mmm_bayes.evaluate import Comparison, Forecast, Split
    from mmm_bayes.panel import Panel
    from mmm_bayes.posterior import Posterior

LIGHTGBM = "lightgbm_roi.csv"
"""What the LightGBM baseline leaves."""


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
        DataError: there is no panel yet, or its source or columns have changed since it was made.
        FitError: the model could not be fitted.
        MMMError: the configuration asks of the panel what it does not have; see `check_against`.

    Warns:
        MMMWarning: LightGBM is not installed.
    """
    with step(Workspace(config.name, Path(root)), "fit", config) as work:
        compile_cache()
        panel = _checked_panel(config, work.manifest)
        posterior = _sampled(panel, config, progress)
        second = _second_opinion(panel, config, progress)
        progress("working out contributions", None)
        fitted = _judged(posterior, second, config)
        progress("writing", None)
        _save_fit(work.folder, config, fitted, panel)
        if second is not None:
            write_csv(work.folder / LIGHTGBM, second)
    return fitted


def _checked_panel(config: Config, manifest: Manifest) -> "Panel":
    """Return the panel, after the configuration was held against it."""
    from mmm_bayes.panel import load_panel
    from mmm_bayes.pipeline.check import check_against

    panel = load_panel(manifest.checked("prepare", *PANEL))
    check_against(config, panel)
    return panel


def _second_opinion(panel: "Panel", config: Config, progress: Progress) -> "pd.DataFrame | None":
    """Return what LightGBM says of ROI, None and a warning where it is not installed."""
    if not installed("lightgbm"):
        warnings.warn(MMMWarning(Finding("comparison.no_lightgbm")), stacklevel=3)
        return None
    from mmm_bayes.lightgbm import fit_lightgbm

    baseline = fit_lightgbm(panel, config.model, config.compare.bootstrap, config.sampler.seed, progress)
    return baseline.roi(panel, config.ci_prob)


def _sampled(panel: "Panel", config: Config, progress: Progress) -> "Posterior":
    from mmm_bayes import model

    return model.fit(panel, config.model, config.sampler, progress)


def _judged(posterior: "Posterior", second: "pd.DataFrame | None", config: Config) -> Fitted:
    """Return what each channel brought, and the checks of the model; ``second`` is what LightGBM says of ROI."""
    from mmm_bayes import model
    from mmm_bayes.evaluate import conflicts
    from mmm_bayes.posterior.attribution import media_contributions, roi_table
    from mmm_bayes.posterior.checks import diagnose

    media = media_contributions(posterior)
    prior = model.prior_quantity(posterior, config.model, config.ci_prob)
    roi = roi_table(posterior, media, model.prior_roi(posterior, config.model, config.ci_prob), config.ci_prob)
    against = None if second is None else conflicts(roi, second)
    return Fitted(posterior, roi, diagnose(posterior, media, prior, config.ci_prob, against))


def _save_fit(folder: Path, config: Config, fitted: Fitted, panel: "Panel") -> None:
    from mmm_bayes.curves import save_curves
    from mmm_bayes.posterior import save_posterior
    from mmm_bayes.posterior.attribution import decomposition, fit_table, response_curves
    from mmm_bayes.posterior.breakdown import breakdown
    from mmm_bayes.posterior.lift import lift_table
    from mmm_bayes.posterior.shapes import shape_table

    save_posterior(fitted.posterior, folder / "posterior.nc")
    write_csv(folder / "roi.csv", fitted.roi)
    if config.model.lift_tests:
        write_csv(folder / "lift.csv", lift_table(fitted.posterior, config.ci_prob))
    write_csv(folder / "contributions.csv", decomposition(fitted.posterior))
    totals = fitted.roi["contribution"].to_numpy()
    write_csv(folder / "breakdown.csv", breakdown(fitted.posterior, totals, config.ci_prob))
    write_csv(folder / "shapes.csv", shape_table(fitted.posterior, config.model.priors, config.ci_prob))
    write_csv(folder / "fit.csv", fit_table(fitted.posterior, config.ci_prob))
    curves = response_curves(fitted.posterior, config.allocate, planned=panel.planned)
    save_curves(curves, folder / "curves.parquet")
    write_json(folder / "diagnostics.json", fitted.diagnostics)


def compare(config: Config, root: str | Path = ".", progress: Progress = silent) -> "Comparison":
    """Fit both models without the last weeks and judge them there; hold their ROI against each other and the truth.

    Raises:
        DataError: there is no fit yet, or it is stale, or the panel is too short for the holdout.
        ExtraError: LightGBM is not installed.

    Warns:
        MMMWarning: the holdout is shorter than asked, or a channel or a geo that starts in it is left out.
    """
    require("lightgbm")
    with step(Workspace(config.name, Path(root)), "compare", config) as work:
        compile_cache()
        from mmm_bayes import evaluate

        panel = _checked_panel(config, work.manifest)
        roi = _both_roi(work.manifest)
        splits = evaluate.rolling_splits(panel, config.compare)
        for note in splits[0].notes:
            warnings.warn(MMMWarning(note), stacklevel=2)
        folds = [evaluate.compare(split, _forecasts(split, config, progress), roi, config.ci_prob) for split in splits]
        comparison = evaluate.over_folds(folds)
        evaluate.save_comparison(comparison, work.folder)
    return comparison


def _forecasts(split: "Split", config: Config, progress: Progress) -> "dict[str, Forecast]":
    """Return what each model forecasts of a holdout."""
    from mmm_bayes import evaluate, model

    settings, weeks = split.model(config.model), len(split.train.weeks)
    draws = model.forecast_holdout(split.panel, weeks, settings, config.sampler, progress)
    progress("fitting LightGBM", None)
    found = {"bayesian": evaluate.Forecast.from_draws(draws, config.ci_prob)}
    return found | evaluate.other_forecasts(split, settings, config.sampler.seed, config.ci_prob)


def _both_roi(manifest: Manifest) -> "pd.DataFrame":
    """Return the ROI of both models and, where there is one, the truth side by side."""
    from mmm_bayes.evaluate import roi_table
    from mmm_bayes.simulate import load_truth

    folder = manifest.checked("fit", "roi.csv", LIGHTGBM)
    truth = None
    if manifest.wrote("prepare", "truth.json"):
        truth = load_truth(manifest.checked("prepare", "truth.json", "truth.parquet")).roi
    return roi_table(read_csv(folder / "roi.csv"), read_csv(folder / LIGHTGBM), truth)
