"""What a step found, in a line and in a table."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm_bayes.console import Terminal
from mmm_bayes.report.words import judged, word

if TYPE_CHECKING:
    from mmm_bayes.allocate import ChannelPlan, Plan, Schedule
    from mmm_bayes.config import Config
    from mmm_bayes.evaluate import Comparison
    from mmm_bayes.panel import Panel
    from mmm_bayes.pipeline import Fitted


def count(number: int, thing: str) -> str:
    """Return ``1 geo``, ``2 geos``."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def money(amount: float, currency: str) -> str:
    """Return an amount without cents: ``£1,235``, ``-£20``."""
    sign = "-" if round(amount) < 0 else ""
    return f"{sign}{currency}{abs(amount):,.0f}"


def prepared(panel: "Panel") -> str:
    """Return the size of a panel."""
    return (
        f"{count(len(panel.geos), 'geo')} x {count(len(panel.weeks), 'week')}, {count(len(panel.channels), 'channel')}"
    )


def fitted(found: "Fitted") -> str:
    """Return the verdict and what stands behind it."""
    verdict = found.diagnostics["verdict"]
    reasons = [judged(r).message for r in found.diagnostics["reasons"] if r["status"] == verdict != "PASS"]
    return " ".join([verdict, *reasons[:1]])


def compared(found: "Comparison") -> str:
    """Return the error of each model on the holdout."""
    errors = ", ".join(f"{model} {e['wmape']:.1%}" for model, e in found.summary["errors"].items())
    return f"missed on the last {count(found.summary['holdout_weeks'], 'week')} (wMAPE): {errors}"


def planned(plan: "Plan") -> str:
    """Return what a plan brings."""
    return f"better than today with a probability of {plan.gain.probability:.0%}"


def scheduled(found: "list[Schedule]") -> str:
    """Return for how many channels other weeks do better than even ones."""
    better = sum(s.gain.mean > 0 for s in found)
    return f"other weeks than even ones help {better} of {count(len(found), 'channel')}"


LEGEND = (
    "mROI: return on the next unit; unseen: share beyond the spend ever observed; "
    "test: what planning with the result of a lift test gains."
)

LINES: dict[str, Callable[[Any], str]] = {
    "prepare": prepared,
    "fit": fitted,
    "compare": compared,
    "allocate": planned,
    "schedule": scheduled,
    "report": str,
}
"""How to say in a line what a step found."""


def show_roi(terminal: Terminal, found: "Fitted", config: "Config") -> None:
    """Print return by channel."""
    rows = [
        [str(r.channel), money(r.spend, config.currency), f"{r.roi_median:.2f}", f"{r.roi_low:.2f} to {r.roi_high:.2f}"]
        for r in found.roi.dropna(subset="roi_median").itertuples()
    ]
    heads = ["channel", "spend", "ROI", f"{config.ci_prob:.0%} interval"]
    terminal.table("Return on a unit of spend", heads, rows)


def show_plan(terminal: Terminal, plan: "Plan", config: "Config") -> None:
    """Print the plan beside today, how sure each part is, its gain, and what may be said against it."""
    currency = config.currency
    spread = [f"best, {plan.ci_prob:.0%} of draws"] if plan.spread_draws else []
    tested = ["test"] if any(c.value_of_information is not None for c in plan.channels) else []
    heads = ["channel", "today", "plan", "change", *spread, "mROI", "unseen", *tested]
    rows = [_row(c, bool(spread), bool(tested), currency) for c in plan.channels]
    rows.append(["total", *_change(plan.spend_now, plan.spend_plan, currency)])
    rows[-1] += ["", *[""] * len(spread), f"{plan.extrapolation:.0%}", *[""] * len(tested)]
    terminal.table(f"Plan for {count(plan.weeks, 'week')}", heads, rows)
    terminal.say(LEGEND)
    gain = [money(v, currency) for v in (plan.gain.median, plan.gain.low, plan.gain.high)]
    better = f"better with a probability of {plan.gain.probability:.0%}"
    what = "profit over today" if plan.gain_in == "profit" else "over today"
    terminal.say(f"Gain {what}: {gain[0]} ({gain[1]} to {gain[2]}), {better}.")
    for line in (*_certificate(plan), *_unknown(plan, currency), *map(word, plan.notes)):
        terminal.say(line)


def _row(row: "ChannelPlan", spread: bool, tested: bool, currency: str) -> list[str]:
    best, worth = row.best_spend, row.value_of_information
    cells = [row.channel, *_change(row.spend_now, row.spend_plan, currency)]
    cells += [f"{money(best.low, currency)} to {money(best.high, currency)}" if best else ""] if spread else []
    cells += [f"{row.mroi.mean:.2f}", f"{row.extrapolation:.0%}"]
    return cells + ([money(worth, currency) if worth is not None else ""] if tested else [])


def _change(now: float, plan: float, currency: str) -> list[str]:
    change = f"{plan / now - 1:+.0%}" if now > 0 else "new" if plan > 0 else ""
    return [money(now, currency), money(plan, currency), change]


def _certificate(plan: "Plan") -> Iterator[str]:
    """Say how far the plan can be from the best one, and whether the next unit returns the same everywhere."""
    if plan.certified_gap is not None:
        how = "Certified" if plan.objective == "mean" else "A local optimum"
        yield f"{how}: no plan within the limits is better by more than {max(plan.certified_gap, 1e-4):.2%}."
    inside = [c.mroi.mean for c in plan.channels if c.interior]
    if len(inside) > 1 and plan.objective == "mean" and plan.scenario != "what_if":
        yield (
            f"Check: the {len(inside)} channels inside their limits return {min(inside):.2f} to {max(inside):.2f} "
            "on the next unit; at the best plan these are equal, up to the points of the curves."
        )


def _unknown(plan: "Plan", currency: str) -> Iterator[str]:
    """Say what not knowing the true curves costs, and which test would help most."""
    if plan.regret is not None:
        today = "" if plan.regret_now is None else f" (today's budget: {money(plan.regret_now, currency)})"
        yield f"Expected regret against knowing the true curves: {money(plan.regret, currency)}{today}."
    worth = {c.channel: c.value_of_information for c in plan.channels if c.value_of_information}
    if worth:
        best = max(worth, key=worth.__getitem__)
        yield f"Test next: {best}; planning with the result of a lift test gains {money(worth[best], currency)} more."


def show_schedule(terminal: Terminal, found: "list[Schedule]", config: "Config") -> None:
    """Print the best weeks of each channel and what they gain over even ones."""
    if not any(s.gain.mean for s in found):
        terminal.say("Spread the plan evenly over the weeks: no others were found that return noticeably more.")
        return
    rows = [
        [
            s.channel,
            word(s.pattern),
            *(money(s.gain.median, config.currency), f"{s.gain.probability:.0%}"),
            f"{money(s.gain.low, config.currency)} to {money(s.gain.high, config.currency)}",
        ]
        if s.gain.mean
        else [s.channel, word(s.pattern), "", "", ""]
        for s in found
    ]
    heads = ["channel", "best weeks", "gain over even", "probability", f"{config.ci_prob:.0%} interval"]
    terminal.table("Schedule of the plan", heads, rows)


def show_report(terminal: Terminal, path: Path, config: "Config") -> None:
    """Print where the report is."""
    terminal.say(f"Report: {path}")


TABLES: dict[str, Callable[[Terminal, Any, "Config"], None]] = {
    "fit": show_roi,
    "allocate": show_plan,
    "schedule": show_schedule,
    "report": show_report,
}
"""How to show what a step found at the end."""
