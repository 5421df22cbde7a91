"""Sensitivity: other priors that a reasonable person could hold, and how far answers move then."""

from collections.abc import Iterator

from mmm_bayes import pool
from mmm_bayes.config import Model
from mmm_bayes.model.design import build_design
from mmm_bayes.posterior.draws import kpi_value, total_spend
from mmm_bayes.priors import prior_of
from mmm_bayes.validate.stability import UNCHANGED, measure, summary
from mmm_bayes.validate.trials import Check, Subject, Trial

WIDER, NARROWER = 1.5, (0.2, 0.8)
"""A wider prior's 90% range ends so many times further out; a narrower one's lies between these points of the usual."""


def trials(subject: Subject, replicates: int) -> Iterator[Trial]:
    """Yield a fit with the priors as they are, then one for each of `others`; replicates do not count."""
    for number, (variant, model) in enumerate({UNCHANGED: subject.config.model, **others(subject)}.items()):
        design = build_design(subject.panel, model)
        yield subject.trial("sensitivity", number, design, variant=variant, model=model)


def others(subject: Subject) -> dict[str, Model]:
    """Return the models with other priors: of ROI, each channel by itself; of carry-over and curves, wide and narrow.

    What the configuration says of a channel by name stays.
    """
    model, data = subject.config.model, subject.design.data
    usual = pool.usual_return(kpi_value(data), float(total_spend(data).sum()) or kpi_value(data))
    found = {} if "default" in model.priors.roi else {"roi_alone": _with(model, "roi", pool.roi_range(usual))}
    for name in model.shape.parameters:
        usual_prior, top = prior_of(name, "default", model.priors).frozen(), model.shape.supports()[name][1]
        low, high = usual_prior.ppf([0.05, 0.95])
        further = (low / WIDER, min(high * WIDER, (high + top) / 2))
        found[f"{name}_wide"] = _with(model, name, further)
        found[f"{name}_narrow"] = _with(model, name, tuple(usual_prior.ppf(NARROWER)))
    return found


def _with(model: Model, quantity: str, limits: tuple[float, ...]) -> Model:
    """Return the model with another default prior of a quantity, given by its 90% range."""
    table = {**getattr(model.priors, quantity), "default": tuple(map(float, limits))}
    return model.model_copy(update={"priors": model.priors.model_copy(update={quantity: table})})


SENSITIVITY = Check(trials, measure, summary)
