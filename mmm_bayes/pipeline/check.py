"""What a configuration asks of a panel is there and possible: said right after `prepare`, not after the sampler."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from mmm_bayes.allocate.limits import resolve
from mmm_bayes.allocate.risk import require_few_arms
from mmm_bayes.allocate.schedule import require_known_weekly
from mmm_bayes.config import Allocate, Config
from mmm_bayes.curves import PaidMedia, ResponseCurves, make_curves
from mmm_bayes.errors import ConfigError, MMMError
from mmm_bayes.evaluate.forecast import LEAST_HOLDOUT, split_holdout
from mmm_bayes.panel import MIN_WEEKS, Panel
from mmm_bayes.posterior.lift import check_tests
from mmm_bayes.priors import check_channels


def check_against(config: Config, panel: Panel) -> None:
    """Refuse a configuration that names what the panel does not have, or asks what it cannot answer.

    Raises:
        ConfigError: a prior or a lift test that does not fit.
        AllocationError: limits, groups or weeks that do not fit, or that contradict each other and today's spend.
        DataError: a channel or a geo has nothing before the holdout.
    """
    for mistake in mistakes(config, panel):
        raise mistake


def mistakes(config: Config, panel: Panel) -> Iterator[MMMError]:
    """Yield what is wrong with priors, lift tests, the budget question and the holdout, the first thing of each."""
    spend = panel.data.transpose("channel", "geo", "week", ...)
    yield from _raised(check_channels, config.model.priors, panel.paid)
    yield from _raised(check_tests, spend, config.model.lift_tests)
    yield from _raised(_check_budget, config, panel)
    yield from _raised(require_known_weekly, config.allocate, _paid(panel))
    if len(panel.weeks) >= MIN_WEEKS + LEAST_HOLDOUT:  # a shorter panel can be fitted, but no holdout helps
        yield from _raised(split_holdout, panel, config.compare)


def _raised(check: Callable[..., Any], *arguments: Any) -> Iterator[MMMError]:
    try:
        check(*arguments)
    except MMMError as error:
        yield error


def _paid(panel: Panel) -> list[str]:
    return [channel for channel, paid in panel.paid.items() if paid]


def _check_budget(config: Config, panel: Panel) -> None:
    """Resolve the limits, on curves that return what is spent: no limit depends on the response."""
    if config.allocate.by_geo and len(panel.geos) == 1:
        raise ConfigError("allocate.by_geo: the panel is one series without geos; leave it out.")
    curves = _money_curves(panel, config.allocate, config.model.l_max)
    require_few_arms(config.allocate, len(curves.channels))
    resolve(curves, config.allocate)


def _money_curves(panel: Panel, settings: Allocate, l_max: int) -> ResponseCurves:
    """Return curves with the arms, today's spend and the reach of all others, on which money returns itself."""
    channels = _paid(panel)
    spend = panel.data["spend"].sel(channel=channels).transpose("channel", "geo", "week").to_numpy()
    media = np.concatenate([np.zeros((*spend.shape[:2], l_max - 1)), spend], axis=-1)
    worth = np.ones((1, *spend.shape[:2]))
    return make_curves(
        PaidMedia(channels, panel.geos, spend, media, worth, lambda _, values: values[None]), settings, ""
    )
