"""What a fit says of time, geos and shapes: it adds up to the whole, and agrees with slow loops and the priors."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mmm_bayes.config import ChannelPriors
from mmm_bayes.posterior.attribution import media_response
from mmm_bayes.posterior.breakdown import MOST_QUARTERS, breakdown, periods
from mmm_bayes.posterior.shapes import prior_parameters, shape_table, weeks_until
from mmm_bayes.transforms import geometric_weights


@pytest.fixture(scope="module")
def table(small_run):
    return pd.read_csv(small_run.space.data / "breakdown.csv")


def test_parts_add_up_to_the_whole(table, small_run):
    roi = small_run.fitted.roi.set_index("channel")
    for (by, channel), own in table.groupby(["by", "channel"]):
        assert own["contribution"].sum() == pytest.approx(roi.loc[channel, "contribution"], rel=1e-6), by
        assert own["spend"].sum() == pytest.approx(roi.loc[channel, "spend"], rel=1e-9)
        mean = np.average(own["roi_mean"], weights=own["spend"])
        assert mean == pytest.approx(roi.loc[channel, "roi_mean"], rel=1e-6)
    assert (table["roi_low"] < table["roi_mean"]).all() and (table["roi_mean"] < table["roi_high"]).all()


def test_a_part_is_what_a_slow_loop_finds(small_posterior, small_run):
    found = breakdown(small_posterior, small_run.fitted.roi["contribution"].to_numpy(), 0.9)
    data, rows = small_posterior.data, small_posterior.thinned(400)
    media = media_response(small_posterior, 0, rows) * small_posterior.misfit(rows)[:, 0, None, None]
    worth = media * data["money"].to_numpy()
    geo = found[(found["by"] == "geo") & (found["channel"] == "tv")].set_index("part")
    spend = data["spend"][0].sum("week").to_numpy()
    factor = small_run.fitted.roi["contribution"].iloc[0] / worth.sum(axis=(1, 2)).mean()
    assert factor == pytest.approx(1, abs=0.05)
    for g, name in enumerate(data["geo"].to_numpy()):
        draws = factor * worth[:, g].sum(axis=1) / spend[g]
        assert geo.loc[name, "roi_high"] == pytest.approx(np.quantile(draws, 0.95), rel=1e-6)
    time = found[(found["by"] == "time") & (found["channel"] == "tv")]
    weeks = pd.DatetimeIndex(data["week"])
    first = (weeks.year == weeks[0].year) & (weeks.quarter == weeks[0].quarter)
    assert time["part"].iloc[0] == f"{weeks[0].year}-Q{weeks[0].quarter}"
    brought = factor * worth[:, :, first].sum(axis=(1, 2)).mean()
    assert time["contribution"].iloc[0] == pytest.approx(brought, rel=1e-6)


@pytest.mark.parametrize(("weeks", "first", "number"), [(104, "2021-Q1", 8), (400, "2021", 8)])
def test_many_quarters_become_years(weeks, first, number):
    found = periods(pd.date_range("2021-01-04", periods=weeks, freq="7D"))
    assert (found[0], found.nunique()) == (first, number)
    assert (found.nunique() <= MOST_QUARTERS) or "Q" not in found[0]


@given(st.floats(0.01, 0.99), st.floats(0.05, 0.95))
def test_weeks_until_a_part_is_there_are_those_of_the_formula(alpha, part):
    """Of a geometric carry-over that ran on for ever, ``1 - alpha^n`` is there after ``n`` whole weeks."""
    long = 3000
    found = weeks_until(geometric_weights(np.array([alpha]), long), part)[0]
    whole = int(np.floor(found))
    before, after = 1 - alpha**whole, 1 - alpha ** (whole + 1)
    assert before - 1e-9 <= part <= after + 1e-9
    assert before + (found - whole) * (after - before) == pytest.approx(part, abs=1e-6)


def test_shapes_stand_beside_their_priors(small_posterior):
    given_priors = ChannelPriors(alpha={"tv": {"distribution": "beta", "alpha": 2, "beta": 6}})
    table = shape_table(small_posterior, given_priors, 0.9).set_index(["channel", "quantity"])
    tv = table.loc[("tv", "alpha")]
    assert tv["prior_low"] == pytest.approx(stats.beta(2, 6).ppf(0.05), rel=0.01)
    assert tv["value_mean"] == pytest.approx(small_posterior["alpha"][:, 0].mean())
    usual = table.loc[("search", "alpha")]
    assert usual["prior_high"] == pytest.approx(stats.beta(1.5, 2.5).ppf(0.95), rel=0.01)
    assert (
        table.loc[(slice(None), "most"), "value_mean"] > table.loc[(slice(None), "half"), "value_mean"].to_numpy()
    ).all()
    assert list(table.loc["tv"].index) == ["half", "most", "alpha", "kappa", "slope"]
    half = weeks_until(geometric_weights(small_posterior["alpha"][:, 0], 8), 0.5)
    assert table.loc[("tv", "half"), "value_mean"] == pytest.approx(half.mean())


def test_the_prior_of_channels_that_share_one_knows_of_their_bend(small_posterior):
    """What the pool asks of the bend thins out the flattest curves of the prior."""
    drawn = prior_parameters(small_posterior, ChannelPriors())
    assert len(set(drawn["alpha"][:, 0])) == 4000
    assert np.quantile(drawn["kappa"][:, 0], 0.05) > stats.lognorm(1.0, scale=np.exp(0.18)).ppf(0.05)
