"""Channels and controls may be called as the model's own columns are: nothing in contributions.csv is overwritten."""

from pathlib import Path

import numpy as np
import xarray as xr

from mmm_bayes.posterior import Posterior, load_posterior
from mmm_bayes.posterior.attribution import decomposition
from mmm_bayes.report.facts import movers

FILE = Path(__file__).with_name("fixtures") / "posterior_0.1.0.nc"
NAMES = ["week", "trend", "baseline", "prediction", "observed"]


def renamed(posterior, controls):
    """Return a posterior whose channels have reserved names, with controls of reserved names and no effect but one."""
    tree = posterior.tree.copy()
    data, draws = (tree[group].to_dataset().assign_coords(channel=NAMES) for group in ("constant_data", "posterior"))
    shape = (len(controls), data.sizes["geo"], data.sizes["week"])
    values = (("control", "geo", "week"), np.arange(np.prod(shape)).reshape(shape) / 1e4)
    sizes = (draws.sizes["chain"], draws.sizes["draw"], *shape[:2])
    draws["controls_geo"] = (("chain", "draw", "control", "geo"), np.full(sizes, 0.5))
    tree["posterior"] = xr.DataTree(draws.assign_coords(control=controls))
    tree["constant_data"] = xr.DataTree(data.assign(controls_values=values).assign_coords(control=controls))
    return Posterior(tree)


def test_reserved_names_change_no_number():
    kept = load_posterior(FILE)
    plain, found = decomposition(kept), decomposition(renamed(kept, ["drift", "season", "week"]))
    for old, new in zip(kept.channels, NAMES, strict=True):
        np.testing.assert_array_equal(found[f"channel:{new}"], plain[f"channel:{old}"])
    for name in ("week", "trend", "season", "baseline", "observed"):
        np.testing.assert_array_equal(found[name], plain[name])
    parts = found.drop(columns=["week", "prediction", "observed"])
    np.testing.assert_allclose(parts.sum(axis=1), found["prediction"])
    assert not found.columns.duplicated().any()
    moved = movers(found)
    assert list(moved) == ["trend", "season", "drift", "controls"]
    added = found[["control:drift", "control:season", "control:week"]].sum(axis=1)
    np.testing.assert_allclose(moved["controls"], added)
    assert np.ptp(added) > 0
