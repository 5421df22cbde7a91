"""A planted error is caught by the ranks, with real fits: a wrong prior, an effect a week late, a hidden cause."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mmm_bayes.config import ChannelPriors, Config, Model, Prior, make_config
from mmm_bayes.model.design import Design
from mmm_bayes.panel import Panel, panel_from_frame
from mmm_bayes.posterior import Posterior
from mmm_bayes.simulate import PanelSpec, simulate_panel
from mmm_bayes.validate.checks import CHECKS, outcome_of, table_of
from mmm_bayes.validate.trials import Subject
from mmm_bayes.validate.truth import each, from_prior, simulated

pytestmark = pytest.mark.slow

PANELS = 60

Plant = Callable[[Design, Posterior, int], Design]


@pytest.fixture(scope="module")
def subject() -> Subject:
    made = simulate_panel(PanelSpec(geos=1, weeks=104, seed=11))
    panel: Panel = panel_from_frame(made.frame, made.columns, "planted")
    columns = made.columns.model_dump(exclude_none=True)
    config: Config = make_config(
        {"name": "planted", "panel": {"path": "x.csv", **columns}, "sampler": {"draws": 300, "chains": 2}}
    )
    return Subject(config, panel, None)  # type: ignore[arg-type] - ranks need no fit of the panel itself


def outside(subject: Subject, truths: Posterior, simulate: Plant = simulated) -> dict[str, float]:
    """Return the mean rank of each quantity whose ranks are not uniform."""
    outcomes = []
    for number, truth in enumerate(each(truths)):
        channel = subject.panel.channels[number % len(subject.panel.channels)]
        design = simulate(subject.design, truth, number)
        outcomes.append(outcome_of(subject.trial("sbc", number, design, truth=truth, channel=channel)))
    assert not any(outcome.error for outcome in outcomes)
    found = CHECKS["sbc"].summary(table_of(outcomes))["quantities"]
    print("\n", pd.DataFrame(found).T.round(3), sep="")
    return {name: own["mean"] for name, own in found.items() if not own["inside"]}


def test_ranks_are_uniform_where_nothing_is_planted(subject):
    assert outside(subject, from_prior(subject.design, Model(), PANELS, 1)) == {}


def test_a_wrong_prior_is_caught(subject):
    lasting = ChannelPriors(alpha={"default": Prior(distribution="beta", alpha=12.0, beta=3.0)})
    found = outside(subject, from_prior(subject.design, Model(priors=lasting), PANELS, 2))
    assert found["alpha"] > 0.6


def test_an_effect_that_comes_a_week_late_is_caught(subject):
    data = subject.design.data
    late = Design(data.assign(media=data["media"].roll(time=1, roll_coords=False)))
    found = outside(subject, from_prior(late, Model(), PANELS, 3))
    assert found.keys() & {"alpha", "roi"}


def test_what_moves_media_and_sales_together_is_caught(subject):
    media = subject.design.data["media"].to_numpy()[:, :, -len(subject.panel.weeks) :]
    around = media - media.mean(axis=-1, keepdims=True)

    def confounded(design: Design, truth: Posterior, seed: int) -> Design:
        own = around[seed % len(around)] / np.maximum(around[seed % len(around)].std(), 1e-9)
        data = simulated(design, truth, seed).data
        return Design(data.assign(y=data["y"] + 0.1 * own))

    found = outside(subject, from_prior(subject.design, Model(), PANELS, 4), confounded)
    assert found["roi"] < 0.4
