"""What the configuration came to on trial, in findings: what to expect with data like these."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from mmm_bayes.findings import Finding

Summary = Mapping[str, Any]


def about_validation(summary: Summary) -> Iterator[Finding]:
    """Yield what each check of ``validation.json`` found."""
    for name, found in {"recovery": _recovery, "sbc": _sbc, "placebo": _placebo}.items():
        if name in summary and summary[name]["replicates"]:
            yield from found(summary[name])
    for name in ("refresh", "perturbation", "sensitivity"):
        if name in summary and summary[name].get("variants"):
            yield _moves(name, summary[name])
    failed, disagreed = (sum(own[what] for own in summary.values()) for what in ("failed", "disagreed"))
    if failed or disagreed:
        yield Finding("validation.not_all", {"failed": failed, "disagreed": disagreed})


def worth_of_plans(summary: Summary | None) -> Finding | None:
    """Return what plans were worth where the truth was known; None where that was not tried."""
    found = (summary or {}).get("recovery", {})
    if not found.get("replicates"):
        return None
    plans = found["plans"]
    values = {
        "replicates": found["replicates"],
        **{name: plans[name] for name in ("moved", "claimed_moving", "wins_moving", "true_gain", "best_gain")},
    }
    return Finding("validation.plans", values)


def _recovery(found: Summary) -> Iterator[Finding]:
    own = found["all"]
    values = {
        **{name: own[name]["held"]["90"] for name in ("roi", "mroi")},
        **{"replicates": found["replicates"], "factor": float(np.exp(own["roi"]["error"]))},
    }
    yield Finding("validation.recovery", values)


def _sbc(found: Summary) -> Iterator[Finding]:
    quantities = found["quantities"]
    outside = [name for name, own in quantities.items() if not own["inside"]]
    values = {"replicates": found["replicates"], "quantities": [*quantities], "outside": outside}
    yield Finding("validation.calibrated", values)


def _placebo(found: Summary) -> Iterator[Finding]:
    values = {**{name: found[name] for name in ("replicates", "credited", "share", "share_of_model")}}
    yield Finding("validation.placebo", values)


def _moves(check: str, found: Summary) -> Finding:
    variants = found["variants"]
    worst = max(variants, key=lambda own: abs(own["worst"]))
    values = {
        "by": check,
        "mean": float(np.mean([own["roi"] for own in variants])),
        "worst": worst["worst"],
        "channel": worst["channel"],
        "plan": max(own["plan"] for own in variants),
        "fits": len(variants),
    }
    return Finding("validation.moves", values)
