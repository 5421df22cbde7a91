"""Intervals hold the truth as often as they claim, on panels that the model was not tuned to."""

import numpy as np
import pandas as pd
import pytest
from known_truth import KINDS, draw_spec, recover

from mmm_bayes.config import Model, Prior, Sampler
from mmm_bayes.errors import ConfigError
from mmm_bayes.simulate import simulate_panel

KEPT_ASIDE = range(300, 306)
"""Seeds that no prior and no default was chosen on; those below 300 were."""

SAMPLER = Sampler(draws=300, tune=400)

PUBLISHED = Prior(distribution="lognormal", mu=0.2, sigma=0.9)
"""Most published ROIs lie in its 90%, 0.3 to 5.4: an interval as wide as that says nothing."""


def table(geos: int) -> pd.DataFrame:
    """Return truth and intervals of 30 panels: every kind with every seed."""
    cases = [(kind, seed) for kind in KINDS for seed in KEPT_ASIDE]
    found = recover([draw_spec(kind, seed, geos) for kind, seed in cases], Model(), SAMPLER)
    return found.assign(kind=[cases[p][0] for p in found["panel"]], width=np.log(found["high"] / found["low"]))


@pytest.mark.slow
@pytest.mark.parametrize("geos", [8, 1])
def test_nine_in_ten_intervals_hold_the_truth_though_demand_drifts_in_each_geo(geos):
    """Of 120 honest 90% intervals more than 18 miss in one of thirty cases: 85% is the line that must be held.

    They may not hold it by being as wide as what is known of any channel either, where bursts of spend make
    the data speak.
    """
    found = table(geos)
    assert len(found) == 120
    held = found.groupby("kind")["covered"].mean()
    print(f"\n{geos} geos: {found['covered'].sum()} of {len(found)} held;", held.round(2).to_dict())
    assert found["covered"].mean() >= 0.85, held
    assert held.min() >= 0.7, held
    low, high = PUBLISHED.frozen().ppf([0.05, 0.95])
    narrow = found[found["kind"] == "flighted"]["width"].median() / np.log(high / low)
    assert narrow < (0.25 if geos > 1 else 0.6)


def test_specs_are_reproducible_and_what_their_kind_says():
    for kind in KINDS:
        first, again, other = (draw_spec(kind, seed) for seed in (7, 7, 8))
        assert first == again and first.channels != other.channels
        assert first.drift > 0
    assert {c.pattern for c in draw_spec("flighted", 1).channels.values()} == {"flighted"}
    assert min(c.slope for c in draw_spec("s_shaped", 1).channels.values()) >= 2
    assert max(c.kappa for c in draw_spec("saturated", 1).channels.values()) <= 0.4
    spend = simulate_panel(draw_spec("correlated", 1)).truth.data["spend"].sum("geo").to_numpy()
    assert np.corrcoef(spend)[np.triu_indices(4, 1)].mean() > 0.25


def test_a_kind_that_does_not_exist_is_named():
    with pytest.raises(ConfigError, match="no kind of panel 'satturated'; did you mean 'saturated'"):
        draw_spec("satturated", 1)
