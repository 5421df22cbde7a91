"""The verdict on a fit: PASS, REVIEW or FAIL, with every reason and its remedy."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr

from mmm_bayes.config import ChannelPriors, Model
from mmm_bayes.findings import Finding
from mmm_bayes.intervals import Interval
from mmm_bayes.likelihoods import LIKELIHOODS
from mmm_bayes.posterior import Posterior
from mmm_bayes.posterior.attribution import DRAWS, Media
from mmm_bayes.posterior.confounding import Demand, Pair, collinear, known_demand
from mmm_bayes.posterior.experiments import tested_channels
from mmm_bayes.posterior.lift import LIMIT, lift_agreement
from mmm_bayes.posterior.predictions import one_week_ahead, predictive_interval
from mmm_bayes.posterior.prior_predictive import implausible_priors
from mmm_bayes.posterior.sensitivity import contradicted_priors, idle_channels, prior_sensitivity
from mmm_bayes.transforms import PARAMETERS, Array

GATED = (
    *("log_effect", "contribution_share", "pool_centre", "pool_spread", "eta", "rho", "gain", "sigma", "tau"),
    *("smooth_scale", "smooth_length"),
    *(*PARAMETERS, *(parameter.name for likelihood in LIKELIHOODS.values() for parameter in likelihood.parameters)),
)
"""Variables that must have converged: every effect, every ROI (through its share) and hyper-parameter."""

ORDER = ("PASS", "REVIEW", "FAIL")

CAREFUL = 0.97
"""Target acceptance that a second try after divergences has; more is no remedy."""

MOSTLY = 0.5
"""Share of the channels of which the data may say little before the answers rest mostly on priors."""


@dataclass(frozen=True)
class Reason:
    """One check.

    Attributes:
        check: its code.
        status: ``PASS``, ``REVIEW`` or ``FAIL``.
        value: what was measured.
        threshold: the limit for PASS.
        code: names the sentence on what was found, such as ``check.r_hat.found``.
        values: what that sentence, and the one on what to do, are filled with.
    """

    check: str
    status: str
    value: float
    threshold: float
    code: str
    values: Mapping[str, Any]


def grade(value: float, review: float, fail: float, higher_is_worse: bool = True) -> str:
    """Return the status of a value: PASS up to ``review``, REVIEW up to ``fail``, FAIL beyond (NaN fails)."""
    sign = 1.0 if higher_is_worse else -1.0
    if sign * value <= sign * review:
        return "PASS"
    return "REVIEW" if sign * value <= sign * fail else "FAIL"


def diagnose(
    posterior: Posterior, media: Media, prior: Interval[Array], ci_prob: float, conflicts: list[Finding] | None = None
) -> dict[str, Any]:
    """Return what ``diagnostics.json`` holds.

    Args:
        posterior: the fit.
        media: its contributions, see `response.media_contributions`.
        prior: interval of what carries the prior, see `fit.prior_quantity`.
        ci_prob: mass of the intervals.
        conflicts: where the second model contradicts this one; None where there is none.
    """
    model = Model(**posterior.settings)
    given, tested = model.priors, tested_channels(model.lift_tests)
    reasons = [*convergence(posterior.tree), *plausibility(posterior, media), *residuals(posterior, ci_prob)]
    pairs, demand = collinear(posterior), known_demand(posterior)
    taught = learning(posterior, prior, ci_prob)
    reasons += [*beliefs(posterior, given), *confounding(pairs, demand, tested), foundation(taught, tested)]
    reasons += [] if conflicts is None else [_found("second_opinion", conflicts, _untested(conflicts, tested))]
    reasons += lift_tests(posterior)
    worst = max(reasons, key=lambda r: ORDER.index(r.status))
    return {
        "verdict": worst.status,
        "reasons": [asdict(r) for r in reasons],
        "learning": taught,
        "idle": idle_channels(posterior),
        "sensitivity": prior_sensitivity(posterior, given),
        "collinear": [asdict(p) for p in pairs],
        "demand": {channel: {"follows": found.follows, **asdict(found)} for channel, found in demand.items()},
        "sampler": _sampler(posterior),
    }


# --- convergence --------------------------------------------------------------------------------


def unconverged(tree: xr.DataTree, names: Sequence[str] = GATED) -> dict[str, Reason]:
    """Return the checks of convergence that are not passed."""
    return {reason.check: reason for reason in convergence(tree, names) if reason.status != "PASS"}


def convergence(tree: xr.DataTree, names: Sequence[str] = GATED) -> list[Reason]:
    """Check R-hat, effective draws, divergences and energy of a posterior, or of the raw draws it is made of."""
    import arviz_stats as azs

    draws = tree["posterior"].to_dataset()
    gated = draws[[name for name in names if name in draws]]
    worst_rhat, where_rhat = _extreme(azs.rhat(gated), largest=True)
    bulk, where_bulk = _extreme(azs.ess(gated, method="bulk"), largest=False)
    tail, where_tail = _extreme(azs.ess(gated, method="tail"), largest=False)
    stats = tree["sample_stats"].to_dataset()
    divergent = float(stats["diverging"].mean())
    bfmi = float(azs.bfmi(tree)["energy"].min())
    again = bool(tree.attrs.get("second_try", 0))
    accepted = json.loads(tree.attrs.get("sampler", "{}")).get("target_accept", 0.0)
    return [
        checked("r_hat", worst_rhat, (1.01, 1.05), {"variable": where_rhat, "again": again}),
        checked("bulk_ess", bulk, (400, 100), {"variable": where_bulk, "again": again}, higher_is_worse=False),
        checked("tail_ess", tail, (400, 100), {"variable": where_tail, "again": again}, higher_is_worse=False),
        checked("divergences", divergent, (0.001, 0.01), {"careful": accepted >= CAREFUL}),
        checked("energy", bfmi, (0.3, 0.2), higher_is_worse=False),
    ]


def checked(
    check: str,
    value: float,
    limits: tuple[float, float],
    values: Mapping[str, Any] = MappingProxyType({}),
    higher_is_worse: bool = True,
) -> Reason:
    """Return a graded check; its sentences are filled with its value and with ``values``."""
    status = grade(value, *limits, higher_is_worse)
    value = float(value)
    return Reason(check, status, value, limits[0], f"check.{check}.found", {"value": value, **values})


def _extreme(values: xr.Dataset, largest: bool) -> tuple[float, str]:
    """Return the worst value of a dataset and the name of its variable; constants (NaN) do not count."""
    pick = np.nanmax if largest else np.nanmin
    worst = {str(n): float(pick(v.to_numpy())) for n, v in values.items() if not np.isnan(v.to_numpy()).all()}
    name = (max if largest else min)(worst, key=lambda n: worst[n])
    return worst[name], name


# --- plausibility -------------------------------------------------------------------------------


def plausibility(posterior: Posterior, media: Media) -> list[Reason]:
    """Check that the baseline is not negative and that media do not explain nearly everything."""
    share = media.worth.sum(axis=1) / posterior.kpi_value
    return [
        checked("negative_baseline", float(np.mean(share > 1)), (0.05, 0.2)),
        checked("media_share", float(np.mean(share)), (0.6, 0.9)),
    ]


def residuals(posterior: Posterior, ci_prob: float) -> list[Reason]:
    """Check the surprises: coverage of the one-week-ahead interval, autocorrelation and heavy tails."""
    rows = posterior.thinned(DRAWS)
    ahead = one_week_ahead(posterior, rows)
    y = posterior.data["y"].to_numpy()
    surprise = y - (ahead.explained + ahead.drift).mean(axis=0)
    standard = surprise / posterior["sigma"].mean(axis=0)[:, None]
    predicted = predictive_interval(posterior, rows, ahead, ci_prob, seed=0)
    kpi, seen = y * posterior.data["scale"].to_numpy()[:, None], posterior.observed
    miss = float(np.mean(((kpi >= predicted.low) & (kpi <= predicted.high))[seen])) - ci_prob
    slack = 2.0 * np.sqrt(ci_prob * (1 - ci_prob) / seen.sum())
    both = seen[:, 1:] & seen[:, :-1]
    lag = float(np.mean((standard[:, 1:] * standard[:, :-1])[both]) / np.mean(standard[seen] ** 2))
    noise = 2.0 / np.sqrt(seen.sum())
    covered = {"level": ci_prob, "covered": ci_prob + miss, "heavy": posterior.likelihood.heavy}
    correlated = {"correlation": lag, "drift": posterior.settings["residual"] == "drift"}
    found = [
        checked("coverage", abs(miss), (0.06 + slack, 0.15 + slack), covered),
        checked("autocorrelation", abs(lag), (0.15 + noise, 0.4 + noise), correlated),
    ]
    if not posterior.likelihood.heavy:
        kurtosis = float(np.mean(standard[seen] ** 4) / np.mean(standard[seen] ** 2) ** 2) - 3
        found.append(checked("heavy_tails", kurtosis, (2.0 + 4 * np.sqrt(24 / seen.sum()), np.inf)))
    return found


def beliefs(posterior: Posterior, given: ChannelPriors) -> list[Reason]:
    """Check that the priors were plausible before the data, and that the data do not contradict them."""
    return [
        _found("prior_predictive", implausible_priors(posterior.data, given, posterior.shape)),
        _found("prior_and_data", contradicted_priors(posterior, given)),
    ]


def confounding(pairs: list[Pair], demand: Mapping[str, Demand], tested: Collection[str] = ()) -> list[Reason]:
    """Check that channels can be told apart and that none follows demand.

    Args:
        pairs: see `confounding.collinear`.
        demand: see `confounding.known_demand`.
        tested: channels with a lift test.
    """
    together = [
        Finding("media.in_step", {"first": p.first, "second": p.second, "effects": p.effects, "media": p.media})
        for p in pairs
    ]
    following = [_following(channel, found) for channel, found in demand.items() if found.follows]
    apart = [c for pair in pairs for c in (pair.first, pair.second) if c not in tested]
    return [
        _found("channels_apart", together, apart),
        _found("media_and_demand", following, _untested(following, tested)),
    ]


def _following(channel: str, found: Demand) -> Finding:
    if found.grows:
        return Finding("media.grows_with_kpi", {"channel": channel, "agreement": found.agreement})
    chance = found.chance if found.foretold else None
    return Finding("media.follows_demand", {"channel": channel, "chance": chance, "agreement": found.agreement})


def _untested(findings: list[Finding], tested: Collection[str]) -> list[str]:
    """Return the channels of some findings that have no lift test: to test the others again is no remedy."""
    return [finding.values["channel"] for finding in findings if finding.values["channel"] not in tested]


def _found(check: str, findings: list[Finding], untested: Collection[str] = ()) -> Reason:
    """Return a check that lists what it found: REVIEW where that is anything; a lift test of some would tell more."""
    status, part = ("REVIEW", "found") if findings else ("PASS", "passed")
    values = {"findings": [asdict(f) for f in findings], "untested": list(untested)}
    return Reason(check, status, float(len(findings)), 0.0, f"check.{check}.{part}", values)


def lift_tests(posterior: Posterior) -> list[Reason]:
    """Check one by one that the model without the lift tests, priors and panel alone, agrees with their results."""
    return [
        Reason("lift_test", grade(a.distance, LIMIT, np.inf), a.distance, LIMIT, a.finding.code, a.finding.values)
        for a in lift_agreement(posterior)
    ]


# --- what the data taught -----------------------------------------------------------------------


def learning(posterior: Posterior, prior: Interval[Array], ci_prob: float) -> dict[str, Mapping[str, Any]]:
    """Return per channel how much narrower the posterior is than the prior, on the log scale.

    ``value`` is the width of the ROI interval over that of its prior: ``much`` below one half, ``some`` below 0.8,
    ``little`` above.
    """
    share = Interval.of(posterior["contribution_share"], ci_prob)
    width, before = (np.log(i.high) - np.log(i.low) for i in (share, prior))
    ratio = width / before
    words = np.select([ratio < 0.5, ratio < 0.8], ["much", "some"], "little")
    return {c: {"says": str(w), "value": float(r)} for c, w, r in zip(posterior.channels, words, ratio, strict=True)}


def foundation(taught: Mapping[str, Mapping[str, Any]], tested: Collection[str] = ()) -> Reason:
    """Check that the ROIs do not mostly rest on what was assumed.

    Args:
        taught: what `learning` returns.
        tested: channels with a lift test.
    """
    little = [channel for channel, found in taught.items() if found["says"] == "little"]
    values = {"channels": little, "untested": [channel for channel in little if channel not in tested]}
    return checked("foundation", len(little) / len(taught), (MOSTLY, np.inf), values)


def _sampler(posterior: Posterior) -> dict[str, Any]:
    stats = posterior.tree["sample_stats"].to_dataset()
    return {
        "chains": int(stats.sizes["chain"]),
        "draws": int(stats.sizes["draw"]),
        "divergences": int(stats["diverging"].sum()),
        "steps_per_draw": float(stats["n_steps"].mean()),
        "second_try": bool(posterior.tree.attrs.get("second_try", 0)),
    }
