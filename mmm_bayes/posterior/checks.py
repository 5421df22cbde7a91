"""The verdict on a fit: PASS, REVIEW or FAIL, with every reason and its remedy."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import arviz_stats as azs
import numpy as np
import xarray as xr

from mmm_bayes.config import ChannelPriors, Model
from mmm_bayes.intervals import Interval
from mmm_bayes.posterior import Posterior
from mmm_bayes.posterior.attribution import DRAWS, Media
from mmm_bayes.posterior.confounding import FORETOLD, Pair, collinear, follows_demand
from mmm_bayes.posterior.lift import lift_agreement
from mmm_bayes.posterior.predictions import one_week_ahead, predictive_interval
from mmm_bayes.posterior.prior_predictive import implausible_priors
from mmm_bayes.posterior.sensitivity import contradicted_priors, prior_sensitivity
from mmm_bayes.transforms import Array

GATED = (
    *(
        "log_effect",
        "contribution_share",
        "alpha",
        "kappa",
        "slope",
        "theta",
        "eta",
        "rho",
        "gain",
        "sigma",
        "tau",
        "nu",
    ),
    *("smooth_scale", "smooth_length"),
)
"""Variables that must have converged: every effect, every ROI (through its share) and hyper-parameter."""

ORDER = ("PASS", "REVIEW", "FAIL")


@dataclass(frozen=True)
class Reason:
    """One check.

    Attributes:
        check: short name.
        status: ``PASS``, ``REVIEW`` or ``FAIL``.
        value: what was measured.
        threshold: the limit for PASS.
        message: what it means, one sentence.
        remedy: what to do about it, empty when passed.
    """

    check: str
    status: str
    value: float
    threshold: float
    message: str
    remedy: str = ""


def grade(value: float, review: float, fail: float, higher_is_worse: bool = True) -> str:
    """Return the status of a value: PASS up to ``review``, REVIEW up to ``fail``, FAIL beyond (NaN fails)."""
    sign = 1.0 if higher_is_worse else -1.0
    if sign * value <= sign * review:
        return "PASS"
    return "REVIEW" if sign * value <= sign * fail else "FAIL"


def diagnose(posterior: Posterior, media: Media, prior: Interval[Array], ci_prob: float) -> dict[str, Any]:
    """Return what ``diagnostics.json`` holds.

    Args:
        posterior: the fit.
        media: its contributions, see `response.media_contributions`.
        prior: interval of what carries the prior, see `fit.prior_quantity`.
        ci_prob: mass of the intervals.
    """
    given = Model(**posterior.settings).priors
    reasons = [*convergence(posterior.tree), *plausibility(posterior, media), *residuals(posterior, ci_prob)]
    pairs, demand = collinear(posterior), follows_demand(posterior)
    reasons += [*beliefs(posterior, given), *confounding(pairs, demand)]
    reasons += [_reason(*found) for found in lift_agreement(posterior)]
    worst = max(reasons, key=lambda r: ORDER.index(r.status))
    return {
        "verdict": worst.status,
        "reasons": [asdict(r) for r in reasons],
        "learning": learning(posterior, prior, ci_prob),
        "sensitivity": prior_sensitivity(posterior, given),
        "collinear": [asdict(p) for p in pairs],
        "demand": demand,
        "sampler": _sampler(posterior),
    }


# --- convergence --------------------------------------------------------------------------------


def unconverged(tree: xr.DataTree, names: Sequence[str] = GATED) -> dict[str, str]:
    """Return the checks of convergence that are not passed, with their status."""
    return {reason.check: reason.status for reason in convergence(tree, names) if reason.status != "PASS"}


def convergence(tree: xr.DataTree, names: Sequence[str] = GATED) -> list[Reason]:
    """Check R-hat, effective draws, divergences and energy of a posterior, or of the raw draws it is made of."""
    draws = tree["posterior"].to_dataset()
    gated = draws[[name for name in names if name in draws]]
    worst_rhat, where_rhat = _extreme(azs.rhat(gated), largest=True)
    bulk, where_bulk = _extreme(azs.ess(gated, method="bulk"), largest=False)
    tail, where_tail = _extreme(azs.ess(gated, method="tail"), largest=False)
    stats = tree["sample_stats"].to_dataset()
    divergent = float(stats["diverging"].mean())
    bfmi = float(azs.bfmi(tree)["energy"].min())
    more = "increase sampler.tune and sampler.draws"
    return [
        _reason("R-hat", worst_rhat, (1.01, 1.05), f"Chains agree to {worst_rhat:.3f} at worst ({where_rhat}).", more),
        _reason("bulk ESS", bulk, (400, 100), f"At least {bulk:.0f} effective draws ({where_bulk}).", more, False),
        _reason("tail ESS", tail, (400, 100), f"At least {tail:.0f} effective tail draws ({where_tail}).", more, False),
        _reason(
            "divergences",
            divergent,
            (0.001, 0.01),
            f"{divergent:.2%} of the draws diverged.",
            "raise sampler.target_accept to 0.97 or tighten priors",
        ),
        _reason("energy", bfmi, (0.3, 0.2), f"The lowest BFMI is {bfmi:.2f}.", "tighten the priors", False),
    ]


def _reason(
    check: str, value: float, limits: tuple[float, float], message: str, remedy: str, higher_is_worse: bool = True
) -> Reason:
    status = grade(value, *limits, higher_is_worse)
    return Reason(check, status, float(value), limits[0], message, "" if status == "PASS" else f"To mend it, {remedy}.")


def _extreme(values: xr.Dataset, largest: bool) -> tuple[float, str]:
    """Return the worst value of a dataset and the name of its variable; constants (NaN) do not count."""
    pick = np.nanmax if largest else np.nanmin
    worst = {str(n): float(pick(v.to_numpy())) for n, v in values.items() if not np.isnan(v.to_numpy()).all()}
    name = (max if largest else min)(worst, key=lambda n: worst[n])
    return worst[name], {"contribution_share": "ROI", "log_effect": "media effect"}.get(name, name)


# --- plausibility -------------------------------------------------------------------------------


def plausibility(posterior: Posterior, media: Media) -> list[Reason]:
    """Check that the baseline is not negative and that media do not explain nearly everything."""
    share = media.worth.sum(axis=1) / posterior.kpi_value
    negative = float(np.mean(share > 1))
    typical = float(np.median(share))
    return [
        _reason(
            "negative baseline",
            negative,
            (0.05, 0.2),
            f"The probability that the baseline is negative is {negative:.0%}.",
            "lower the ROI priors (model.priors.roi) or add the controls that drive the KPI",
        ),
        _reason(
            "media share",
            typical,
            (0.6, 0.9),
            f"Media explain {typical:.0%} of the KPI.",
            "check that spend does not simply follow demand, and lower the ROI priors",
        ),
    ]


def residuals(posterior: Posterior, ci_prob: float) -> list[Reason]:
    """Check the surprises: coverage of the one-week-ahead interval, autocorrelation and heavy tails."""
    rows = posterior.thinned(DRAWS)
    ahead = one_week_ahead(posterior, rows)
    y = posterior.data["y"].to_numpy()
    surprise = y - (ahead.explained + ahead.drift).mean(axis=0)
    standard = surprise / posterior["sigma"].mean(axis=0)[:, None]
    predicted = predictive_interval(posterior, rows, ahead, ci_prob, seed=0)
    kpi = y * posterior.data["scale"].to_numpy()[:, None]
    miss = float(np.mean((kpi >= predicted.low) & (kpi <= predicted.high))) - ci_prob
    slack = 2.0 * np.sqrt(ci_prob * (1 - ci_prob) / y.size)
    lag = float(np.mean(standard[:, 1:] * standard[:, :-1]) / np.mean(standard**2))
    noise = 2.0 / np.sqrt(y.size)
    found = [
        _reason(
            "predictive coverage",
            abs(miss),
            (0.06 + slack, 0.15 + slack),
            f"The {ci_prob:.0%} interval of a week covers {ci_prob + miss:.0%} of the weeks.",
            "try model.likelihood: student_t, or look for weeks with wrong data",
        ),
        _reason(
            "residual autocorrelation",
            abs(lag),
            (0.15 + noise, 0.4 + noise),
            f"Surprises of neighbouring weeks correlate by {lag:.2f}.",
            "add missing controls or holidays, or use model.residual: drift",
        ),
    ]
    if "nu" not in posterior:
        kurtosis = float(np.mean(standard**4) / np.mean(standard**2) ** 2) - 3
        limits = (2.0 + 4 * np.sqrt(24 / y.size), np.inf)
        message = f"The surprises have an excess kurtosis of {kurtosis:.1f}."
        found.append(_reason("heavy tails", kurtosis, limits, message, "use model.likelihood: student_t"))
    return found


def beliefs(posterior: Posterior, given: ChannelPriors) -> list[Reason]:
    """Check that the priors were plausible before the data, and that the data do not contradict them."""
    return [
        _found(
            "prior predictive",
            implausible_priors(posterior.data, given),
            "By the priors alone, media explain no implausible part of the KPI.",
            "lower these priors, or check the units of spend and KPI (panel.kpi_value)",
        ),
        _found(
            "prior and data",
            contradicted_priors(posterior, given),
            "No prior is contradicted by the data.",
            "widen these priors, or look for what misleads the data: wrong units, a missing control",
        ),
    ]


def confounding(pairs: list[Pair], demand: Mapping[str, float]) -> list[Reason]:
    """Check that channels can be told apart and that none follows demand; arguments as `model.confounding` gives."""
    together = [
        f"{p.first} and {p.second} cannot be told apart (correlation of their effects {p.effects:.2f}, of their media "
        f"{p.media:.2f}): what one is credited with, the other is not; trust their sum."
        for p in pairs
    ]
    following = [
        f"{channel} follows demand: surprises in the KPI foretell its later media (p = {chance:.1g}), so its ROI is "
        "likely too high."
        for channel, chance in demand.items()
        if chance < FORETOLD
    ]
    test = f"run a lift test on {pairs[0].first} or vary it while {pairs[0].second} stays" if pairs else ""
    return [
        _found("channels apart", together, "No two channels move in step.", test),
        _found(
            "media and demand",
            following,
            "Surprises in the KPI do not foretell the media of later weeks.",
            "run a lift test on it (model.lift_tests), or add as a control what its budget follows",
        ),
    ]


def _found(check: str, sentences: list[str], passed: str, remedy: str) -> Reason:
    """Return a check that lists what it found: REVIEW where that is anything."""
    status, mend = ("REVIEW", f"To mend it, {remedy}.") if sentences else ("PASS", "")
    return Reason(check, status, float(len(sentences)), 0.0, " ".join(sentences) or passed, mend)


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


def _sampler(posterior: Posterior) -> dict[str, Any]:
    stats = posterior.tree["sample_stats"].to_dataset()
    return {
        "chains": int(stats.sizes["chain"]),
        "draws": int(stats.sizes["draw"]),
        "divergences": int(stats["diverging"].sum()),
        "steps_per_draw": float(stats["n_steps"].mean()),
        "second_try": bool(posterior.tree.attrs.get("second_try", 0)),
    }
