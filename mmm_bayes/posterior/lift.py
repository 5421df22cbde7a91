"""Lift tests: what the model predicts for experiments, and whether both agree.

The panel holds the spend as it was, the test included. What the test added is therefore the KPI of that spend minus the
KPI of the spend without the test's change, summed over the tested geos from the first tested week until the carry-over
has ended (``l_max - 1`` weeks after the last one, or with the panel). The measured value is normal around it with its
standard error, independent of the panel: a test that was evaluated on the panel's own weeks is counted twice where its
control geos are in the panel, so its standard error should not be understated.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from mmm_bayes.config import LiftTest
from mmm_bayes.findings import Finding
from mmm_bayes.intervals import Interval
from mmm_bayes.posterior import Posterior, by_chunks
from mmm_bayes.transforms import Array

LIMIT = 2.0
"""Standard deviations between a test and the model without it from which on they contradict each other."""


def predicted_lift(posterior: Posterior, data: xr.Dataset) -> Array:
    """Return what a fit predicts for tests, in KPI units, shape ``(draw, test)``.

    Args:
        posterior: the fit, with or without the tests.
        data: their variables, see `experiments.lift_data`.
    """
    tested, without = data["lift_media"].to_numpy()
    channel, geos, weight = (data[name].to_numpy() for name in ("lift_channel", "lift_geo", "lift_weight"))

    def gained(i: int, rows: Array) -> Array:
        parameters = posterior.parameters(channel[i], rows)
        response = posterior.shape.respond(tested[i], parameters) - posterior.shape.respond(without[i], parameters)
        geo_effect = posterior["geo_effect"][rows, channel[i]][:, geos[i]]
        return lift_of(response, weight[i], geo_effect, posterior["beta"][rows, channel[i]])

    every = np.arange(posterior.draws)
    parts = [np.concatenate(by_chunks(partial(gained, i), every, weight[i].size)) for i in range(len(weight))]
    return np.stack(parts, axis=1) @ (data["lift_member"].to_numpy() if "lift_member" in data else np.eye(len(weight)))


def lift_of(response: Any, weight: Any, geo_effect: Any, beta: Any) -> Any:
    """Return the KPI gained, shape ``(...)``: for NumPy's draws of a part of a test and for all parts in the graph.

    Args:
        response: saturated media with the test's change minus those without it, shape ``(..., place, lift_week)``.
        weight: KPI units per scaled KPI, 0 where a part has no such place or week; broadcasts against ``response``.
        geo_effect: of the tested geos, shape ``(..., place)``.
        beta: of the channel, shape ``(...)``.
    """
    return ((response * weight).sum(axis=-1) * geo_effect).sum(axis=-1) * beta


def with_comparison(posterior: Posterior, before: Posterior) -> Posterior:
    """Add the group ``without_tests``: what a fit ``before`` the tests says of them and of ROI."""
    sizes = before.tree["posterior"].sizes
    lift = predicted_lift(before, posterior.data).reshape(sizes["chain"], sizes["draw"], -1)
    draws = {"roi": before.tree["posterior"]["roi"], "lift": (("chain", "draw", "test"), lift)}
    tree = posterior.tree.copy()
    tree["without_tests"] = xr.DataTree(xr.Dataset(draws))
    return Posterior(tree)


def lift_table(posterior: Posterior, ci_prob: float) -> pd.DataFrame:
    """Return one row per test as in ``lift.csv``: its result, what the fit with and without the tests says, and ROI.

    Args:
        posterior: a fit with tests, as `fit` returns it.
        ci_prob: mass of the central intervals.
    """
    tests, data = [LiftTest(**test) for test in posterior.settings["lift_tests"]], posterior.data
    before = {name: _joined(posterior, name) for name in ("lift", "roi")}
    draws = {
        "predicted": predicted_lift(posterior, data),
        "before": before["lift"],
        "roi": _roi_of_tests(posterior, posterior["roi"]),
        "roi_before": _roi_of_tests(posterior, before["roi"]),
    }
    table = pd.DataFrame(
        {
            "channel": [" and ".join(t.tested) for t in tests],
            "start": [t.start for t in tests],
            "end": [t.end for t in tests],
            "geos": [", ".join(t.geos or ("all",)) for t in tests],
            "spend_change": [t.change for t in tests],
            "incremental_kpi": data["lift_kpi"].to_numpy(),
            "standard_error": data["lift_error"].to_numpy(),
            "age": data["lift_age"].to_numpy() if "lift_age" in data else np.nan,
            "channels": [len(t.tested) for t in tests],
            "roas": [t.roas for t in tests],
            "path": [t.path for t in tests],
            "ci_prob": ci_prob,
        }
    )
    for name, values in draws.items():
        table = table.assign(**Interval.of(values, ci_prob).columns(name))
    return table


def _roi_of_tests(posterior: Posterior, roi: Array) -> Array:
    """Return draws of the ROI ``(draw, channel)`` of the channels of each test together, shape ``(draw, test)``."""
    data = posterior.data
    part = np.zeros((data.sizes["test"], len(posterior.channels)))
    member = data["lift_member"].to_numpy() if "lift_member" in data else np.eye(len(part))
    for channel, tests in zip(data["lift_channel"].to_numpy(), member, strict=True):
        part[:, channel] += tests * posterior.spend[channel]
    return np.nan_to_num(roi) @ (part / part.sum(axis=1, keepdims=True)).T


@dataclass(frozen=True)
class Agreement:
    """How far the model without the tests, priors and panel alone, is from the result of one.

    Attributes:
        distance: in standard deviations of both together, the model's taken from its central 68%.
        finding: both results.
    """

    distance: float
    finding: Finding


def lift_agreement(posterior: Posterior) -> list[Agreement]:
    """Return one agreement per test, none where the fit has no tests."""
    if "without_tests" not in posterior.tree:
        return []
    table, lift = lift_table(posterior, 0.9), _joined(posterior, "lift")
    middle = Interval.of(lift, 0.68)
    found = []
    for i, test in enumerate(table.itertuples()):
        spread = np.hypot((middle.high[i] - middle.low[i]) / 2, test.standard_error)
        distance = float(abs(test.incremental_kpi - test.before_median) / spread)
        values = {
            "number": i + 1,
            **{"channel": test.channel, "start": f"{test.start}"},
            **{"lift": test.incremental_kpi, "standard_error": test.standard_error},
            **{end: float(getattr(test, f"before_{end}")) for end in ("mean", "low", "high")},
        }
        code = "check.lift_test.agrees" if distance <= LIMIT else "check.lift_test.contradicts"
        found.append(Agreement(distance, Finding(code, values)))
    return found


def _joined(posterior: Posterior, name: str) -> Array:
    """Return draws of the fit without the tests with chains joined."""
    values = posterior.tree["without_tests"][name].to_numpy()
    return values.reshape(-1, values.shape[-1])
