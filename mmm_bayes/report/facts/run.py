"""What all of a report needs to know of a run: how money is shown, what is to be known of the data."""

from mmm_bayes.curves import arm_of
from mmm_bayes.findings import Finding
from mmm_bayes.panel import Panel
from mmm_bayes.report.numbers import Money
from mmm_bayes.report.results import Results


def money_of(results: Results) -> Money:
    """Return how amounts of the size of a run's spend are shown."""
    return Money.fitting(results.config.currency, float(results.panel.data["spend"].sum()))


def notes_of(results: Results) -> list[Finding]:
    """Return what is to be known of the data, each thing once."""
    told = [Finding(**raw) for raw in results.quality["notes"]]
    return [*told, *(note for note in results.panel.notes if note not in told)]


def channel_of(panel: Panel) -> dict[str, str]:
    """Return the channel by arm: a channel is its own, and in plans by geo ``channel | geo`` is one too."""
    arms = {arm_of(channel, geo): channel for channel in panel.channels for geo in panel.geos}
    return arms | {channel: channel for channel in panel.channels}
