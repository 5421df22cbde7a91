"""What a configuration asks of a panel is there and possible: said right after `prepare`, not after the sampler."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from mmm_bayes.allocate.groups import require_known
from mmm_bayes.allocate.limits import resolve
from mmm_bayes.allocate.risk import require_few_arms
from mmm_bayes.allocate.schedule import require_known_weekly
from mmm_bayes.config import Allocate, Config, load_what_is_right, override
from mmm_bayes.curves import PaidMedia, ResponseCurves, make_curves
from mmm_bayes.errors import ConfigError, MMMError
from mmm_bayes.evaluate.forecast import LEAST_HOLDOUT, split_holdout
from mmm_bayes.panel import MIN_WEEKS, Panel, load_panel
from mmm_bayes.posterior.experiments import check_tests
from mmm_bayes.priors import check_channels
from mmm_bayes.provenance import PANEL, load_manifest
from mmm_bayes.workspace import Workspace


def check_against(config: Config, panel: Panel) -> None:
    """Refuse a configuration that names what the panel does not have, or asks what it cannot answer.

    Raises:
        ConfigError: a prior or a lift test that does not fit.
        AllocationError: limits, groups or weeks that do not fit, or that contradict each other and today's spend.
        DataError: a channel or a geo has nothing before the holdout.
    """
    for mistake in mistakes(config, panel):
        raise mistake


def examine(
    path: str | Path, data: str | None = None, root: str | Path = ".", spark: Mapping[str, str] | None = None
) -> tuple[Panel | None, list[str]]:
    """Look for every mistake of a configuration, and of the data against it; nothing is fitted or written.

    Args:
        path: the configuration.
        data: replaces the path of the transactions or of the panel.
        root: folder that holds ``data/``: a panel that still holds is not made again.
        spark: settings of Spark over those of the configuration.

    Returns:
        The panel, where there can be one, and a sentence for each mistake.
    """
    try:
        config, found = load_what_is_right(path, data)
    except MMMError as error:
        return None, list(error.args)
    if config is None:
        return None, found
    try:
        config = override(config, spark=dict(spark or {}))
        panel = _panel_of(config, Path(root))
    except MMMError as error:
        return None, [*found, *error.args, *_unknown_channels(config)]
    return panel, [*found, *(sentence for error in mistakes(config, panel) for sentence in error.args)]


def _panel_of(config: Config, root: Path) -> Panel:
    """Return the panel that `prepare` left, or the one that it would make."""
    from mmm_bayes.pipeline.prepare import make_panel

    manifest = load_manifest(Workspace(config.name, root))
    if manifest.stands("prepare", config):
        return load_panel(manifest.checked("prepare", *PANEL))
    with TemporaryDirectory() as folder:
        return make_panel(config, Path(folder))


def _unknown_channels(config: Config) -> list[str]:
    """Return what is asked of channels that a table does not name; it takes no data to know."""
    if config.panel is None:
        return []
    paid = {**dict.fromkeys(config.panel.organic, False), **dict.fromkeys(config.panel.spend, True)}
    checks = (
        _raised(check_channels, config.model.priors, paid),
        _raised(require_known, list(config.panel.spend), config.allocate),
        _raised(require_known_weekly, config.allocate, list(config.panel.spend)),
    )
    return [sentence for errors in checks for error in errors for sentence in error.args]


def mistakes(config: Config, panel: Panel) -> Iterator[MMMError]:
    """Yield what is wrong with priors, lift tests, the budget question and the holdout, an error for each of them."""
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
    worth, ahead = np.ones((1, *spend.shape[:2])), panel.planned
    planned = None
    if ahead is not None:
        money = ahead["spend"].sel(channel=channels).transpose("channel", "geo", "week").to_numpy()
        planned = money, np.ones_like(money)
    plain = PaidMedia(
        channels, panel.geos, spend, media, worth, lambda _, media: media, lambda _, media: media[None], planned
    )
    return make_curves(plain, settings, "")
