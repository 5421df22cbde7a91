"""The smooth baseline: its basis against the kernel it stands for, and a swell of demand that is known."""

import numpy as np
import pymc as pm
import pytensor
import pytest
import xarray as xr

from mmm_bayes.config import Model, Sampler
from mmm_bayes.model import baseline
from mmm_bayes.model.design import build_design, head
from mmm_bayes.model.graph import build_model
from mmm_bayes.model.sample import sample_design
from mmm_bayes.model.smooth import amplitudes, frequencies, smooth_features
from mmm_bayes.panel import panel_from_frame
from mmm_bayes.posterior.attribution import decomposition
from mmm_bayes.posterior.parts import PARTS
from mmm_bayes.posterior.predictions import explain
from mmm_bayes.simulate import PanelSpec, simulate_panel

SMOOTH = Model(baseline="smooth")
WEEKS = 110


@pytest.mark.parametrize("length", [10.0, 16.0, 30.0])
def test_the_sines_have_the_covariance_of_the_squared_exponential_kernel(length):
    basis = smooth_features(104, 104) * amplitudes(np.array(0.2), np.array(length), frequencies(104))[:, None]
    time = np.arange(104)
    kernel = 0.2**2 * np.exp(-0.5 * ((time[:, None] - time) / length) ** 2)
    np.testing.assert_allclose(basis.T @ basis, kernel, atol=0.03 * 0.2**2)


def test_after_the_training_weeks_the_curve_stays(small_run):
    np.testing.assert_array_equal(smooth_features(40, 30)[:, 30:], smooth_features(40, 30)[:, [29] * 10])
    whole = build_design(small_run.panel, SMOOTH, train=50)
    known = build_design(small_run.panel.head(50), SMOOTH)
    np.testing.assert_allclose(head(whole, 50, 8).data["smooth_values"], known.data["smooth_values"], atol=1e-12)
    later = whole.data["smooth_values"].to_numpy()[..., 49:]
    assert len(later) == 9 and (np.ptp(later, axis=-1) < 1e-12).all()


def test_all_geos_share_the_curve(small_run):
    design = build_design(small_run.panel, SMOOTH)
    assert design.data["smooth_values"].dims == ("wave", "week")
    graph = build_model(design, SMOOTH)
    assert graph.named_vars_to_dims["smooth"] == ("wave",) and "smooth_geo" not in graph.named_vars
    each = graph.compile_logp(sum=False, mode="FAST_COMPILE")(graph.initial_point())  # Python adds no 32 at once
    assert all(np.isfinite(part).all() for part in each)
    plain = build_model(build_design(small_run.panel, Model()), Model())
    added = {"smooth_scale", "smooth_length", "smooth_z"}
    assert {v.name for v in graph.free_RVs} - {v.name for v in plain.free_RVs} == added


def test_weights_are_scaled_to_the_process(small_run):
    (part,) = (p for p in PARTS if p.name == "smooth")
    with pm.Model(coords={"wave": range(10)}) as graph:
        baseline.smooth(part, frequencies(60))
    inputs = [graph[name] for name in ("smooth_z", "smooth_scale", "smooth_length")]
    z = np.random.default_rng(0).normal(size=10)
    found = pytensor.function(inputs, graph["smooth"], mode="FAST_COMPILE")(z, 0.13, 17.0)
    np.testing.assert_allclose(found, z * amplitudes(np.array(0.13), np.array(17.0), frequencies(60)))


@pytest.fixture(scope="module")
def swell():
    """Return a national panel whose demand swells for half a year, and that demand without media."""
    simulated = simulate_panel(PanelSpec(geos=1, weeks=WEEKS, drift=0.0, noise=0.02, seed=11))
    frame = simulated.frame.copy()
    frame["revenue"] += 0.2 * frame["revenue"].mean() * np.exp(-0.5 * ((np.arange(WEEKS) - 60) / 9) ** 2)
    media = simulated.truth.data["contribution"].sum(("channel", "geo")).to_numpy()
    return panel_from_frame(frame, simulated.columns, "swell"), frame["revenue"].to_numpy() - media


@pytest.fixture(scope="module")
def fits(swell):
    sampler = Sampler(draws=250, tune=300, chains=2)
    models = {"constant": Model(), "smooth": SMOOTH}
    return {kind: sample_design(build_design(swell[0], m), m, sampler, lambda *_: None) for kind, m in models.items()}


def test_a_swell_of_demand_is_found_and_the_parts_add_up(swell, fits):
    miss = {}
    for kind, posterior in fits.items():
        table = decomposition(posterior)
        miss[kind] = np.sqrt(np.mean((table[["baseline", "trend", "season"]].sum(axis=1) - swell[1]) ** 2))
        parts = table.drop(columns=["week", "prediction", "observed"])
        np.testing.assert_allclose(parts.sum(axis=1), table["prediction"])
        assert np.ptp(table["baseline"]) > 0 if kind == "smooth" else np.ptp(table["baseline"]) < 1e-6
    assert miss["smooth"] < 0.5 * miss["constant"]
    assert miss["smooth"] < 0.06 * np.mean(swell[1])


def test_a_forecast_goes_on_from_the_last_level(fits):
    """Without media, trend and season, what is explained after the panel is what was explained in its last week."""
    data = fits["smooth"].data
    ahead = {}
    for name in ("trend_values", "season_values", "smooth_values"):
        values = data[name].to_numpy() * (name == "smooth_values")
        longer = np.concatenate([values, values[..., -1:].repeat(9, axis=-1)], axis=-1)
        ahead[name] = ((data[name].dims[0], "later"), longer)
    ahead["media"] = (("channel", "geo", "time"), np.zeros((5, 1, data.sizes["time"] + 9)))
    found = explain(fits["smooth"], np.arange(50), xr.Dataset(ahead))
    np.testing.assert_allclose(found[..., WEEKS:], found[..., [WEEKS - 1] * 9])
    assert np.ptp(found[0]) > 0.02
