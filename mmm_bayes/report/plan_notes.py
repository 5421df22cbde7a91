"""The sentences behind the codes of `allocate`: what a plan notes, and in which weeks its money goes out."""

from collections.abc import Callable

from mmm_bayes.allocate.budget import money
from mmm_bayes.findings import Finding
from mmm_bayes.report.numbers import count

SENTENCES: dict[str, Callable[..., str]] = {
    "plan.no_spend_today": lambda channel: (
        f"{channel} has no spend today, so limits relative to today keep it at 0; "
        f"give allocate.limits.{channel}.upper to let it take part."
    ),
    "plan.unspent_at_limits": lambda left, most: (
        f"{money(left)} of the budget stays unspent: the upper limits allow no more than {money(most)}."
    ),
    "plan.unspent_below_step": lambda left: (
        f"{money(left)} of the budget stays unspent: it is no multiple of the step."
    ),
    "plan.beyond_observed": lambda share, channels: (
        f"{share:.0%} of the plan lies beyond the spend ever observed (most of it in {', '.join(channels)}): "
        "there the curves are a guess of the model, not of the data."
    ),
    "plan.local_optimum": lambda: "The plan is a local optimum, started from the exact mean plan.",
    "plan.many_arms": lambda arms, draws: (
        f"With more than {arms} arms the spread of the best plan is taken from {draws} draws, "
        "and the value of information is left to plans by channel."
    ),
    "schedule.even": lambda improved: _improved("even", improved),
    "schedule.bursts": lambda bursts, weeks, improved: _improved(
        f"{count(bursts, 'burst')} of {count(weeks, 'week')}", improved
    ),
}


def say(finding: Finding) -> str:
    """Return the words of a finding of `allocate`."""
    return SENTENCES[finding.code](**finding.values)


def _improved(pattern: str, improved: bool) -> str:
    return f"{pattern}, improved week by week" if improved else pattern
