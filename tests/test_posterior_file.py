"""A posterior written by an earlier version is still read, and all that is reported comes out of it without PyMC.

``python tests/test_posterior_file.py`` writes the file anew; do so only for a new format, and keep the old file's name.
"""

import json
import subprocess
import sys
from pathlib import Path

import arviz as az
import numpy as np
import pytest

from mmm_bayes.config import Allocate, Model, Sampler
from mmm_bayes.panel import panel_from_frame
from mmm_bayes.posterior import Posterior, load_posterior, save_posterior
from mmm_bayes.simulate import PanelSpec, simulate_panel

FILE = Path(__file__).with_name("fixtures") / "posterior_0.1.0.nc"
WEEKS = 12


def write(path: Path) -> None:
    """Fit a panel of 3 geos, 30 weeks and 5 channels and keep the last 25 draws of each of two chains."""
    from mmm_bayes.model import fit

    simulated = simulate_panel(PanelSpec(geos=3, weeks=30, seed=11))
    panel = panel_from_frame(simulated.frame, simulated.columns, "kept", "£")
    posterior = fit(panel, Model(l_max=4), Sampler(draws=50, tune=200, chains=2))
    kept = posterior.tree.isel(draw=slice(-25, None), missing_dims="ignore")
    save_posterior(Posterior(kept), path)


RECOMPUTE = """
import json, sys
from pathlib import Path
from mmm_bayes.config import Allocate
from mmm_bayes.posterior import load_posterior
from mmm_bayes.posterior.attribution import decomposition, media_contributions, response_curves

posterior = load_posterior(Path(sys.argv[1]))
media = media_contributions(posterior)
curves = response_curves(posterior, Allocate(weeks=int(sys.argv[2])))
parts = decomposition(posterior)
spend = posterior.data["spend"].sum(("geo", "week")).to_numpy()
print(json.dumps({
    "roi": (media.worth / spend).tolist(),
    "today": curves.at(curves.today).mean(axis=0).tolist(),
    "nothing": curves.at(0 * curves.today).mean(axis=0).tolist(),
    "parts": parts.drop(columns=["week", "prediction", "observed"]).sum(axis=1).tolist(),
    "prediction": parts["prediction"].tolist(),
    "observed": parts["observed"].tolist(),
    "loaded": sorted({m.split(".")[0] for m in sys.modules} & {"pymc", "pytensor", "nutpie", "numba"}),
}))
"""


@pytest.fixture(scope="module")
def recomputed() -> dict:
    command = [sys.executable, "-W", "error", "-c", RECOMPUTE, str(FILE), str(WEEKS)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_everything_is_recomputed_without_pymc(recomputed):
    kept = load_posterior(FILE)
    assert recomputed["loaded"] == []
    np.testing.assert_allclose(recomputed["roi"], kept["roi"], rtol=1e-9)
    np.testing.assert_allclose(recomputed["parts"], recomputed["prediction"], rtol=1e-9)
    kpi = kept.data["y"].to_numpy() * kept.data["scale"].to_numpy()[:, None]
    np.testing.assert_allclose(recomputed["observed"], kpi.sum(axis=0), rtol=1e-9)
    np.testing.assert_allclose(recomputed["nothing"], 0.0, atol=1e-9)


def test_channels_of_the_earlier_version_carry_their_prior_as_then_and_have_no_misfit():
    kept = load_posterior(FILE)
    assert kept.data["carrier"].to_numpy().tolist() == ["roi"] * 5 and "by_share" not in kept.data.coords
    np.testing.assert_array_equal(kept.misfit(), np.ones((kept.draws, 5)))
    np.testing.assert_array_equal(kept.misfit(np.array([3, 4])), np.ones((2, 5)))
    np.testing.assert_array_equal(kept.return_coefficient(1, slice(None)), kept.media_coefficient(1, slice(None)))


def test_nothing_is_held_for_a_demand_that_was_not_looked_for():
    from mmm_bayes.posterior.attribution import response_curves

    assert response_curves(load_posterior(FILE), Allocate(weeks=WEEKS)).held == ()


def test_curves_are_what_a_loop_over_weeks_and_lags_makes_of_a_draw(recomputed):
    """One channel, one geo and week at a time: adstock of the flight, Hill, carry-in taken off, tail counted."""
    from mmm_bayes.posterior.attribution import response_curves

    kept = load_posterior(FILE)
    data, l_max = kept.data, kept.settings["l_max"]
    curves = response_curves(kept, Allocate(weeks=WEEKS))
    assert curves.channels == tuple(kept.channels)
    np.testing.assert_allclose(recomputed["today"], curves.at(curves.today).mean(axis=0), rtol=1e-9)
    media, money = data["media"].to_numpy(), data["money"].to_numpy().mean(axis=1)
    for c in range(2):
        draw = 7
        alpha, kappa, slope = (float(kept[name][draw, c]) for name in ("alpha", "kappa", "slope"))
        weights = alpha ** np.arange(l_max)
        flight = media[c][:, -WEEKS:]
        before = media[c][:, -WEEKS - l_max + 1 : -WEEKS]
        total = 0.0
        for g in range(len(money)):
            for factor, sign in ((1.0, 1.0), (0.0, -1.0)):
                series = np.concatenate([before[g], factor * flight[g], np.zeros(l_max - 1)])
                for t in range(l_max - 1, len(series)):
                    stock = sum(weights[lag] * series[t - lag] for lag in range(l_max)) / weights.sum()
                    hill = stock**slope / (stock**slope + kappa**slope) if stock > 0 else 0.0
                    total += sign * hill * float(kept["beta"][draw, c] * kept["geo_effect"][draw, c, g]) * money[g]
        found = float(curves.at(curves.today)[draw, c])
        assert found == pytest.approx(total, rel=2e-2), c  # between the points of the curve


def test_the_file_opens_in_arviz_with_named_dims_and_coords():
    tree = az.from_netcdf(FILE)
    draws = tree["posterior"]
    assert load_posterior(FILE)["season_geo"].shape[1:] == (6, 3)
    assert draws["roi"].dims == ("chain", "draw", "channel")
    assert draws["coefficient"].dims == ("chain", "draw", "geo", "feature")
    assert list(draws["channel"].to_numpy()) == ["search", "social", "display", "tv", "affiliates"]
    assert list(draws["geo"].to_numpy()) == ["geo_01", "geo_02", "geo_03"]
    assert np.issubdtype(tree["constant_data"]["week"].dtype, np.datetime64)
    assert {"sample_stats", "constant_data", "observed_data"} <= set(tree.children)
    assert tree.attrs["version"] == "0.1.0" and FILE.stat().st_size < 300_000


if __name__ == "__main__":
    write(FILE)
