"""What a step found, in a line and in a table."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmm_bayes.console import Terminal

if TYPE_CHECKING:
    from mmm_bayes.allocate import Plan
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
    reasons = [r["message"] for r in found.diagnostics["reasons"] if r["status"] == verdict != "PASS"]
    return " ".join([verdict, *reasons[:1]])


def compared(found: "Comparison") -> str:
    """Return the error of each model on the holdout."""
    errors = ", ".join(f"{model} {e['wmape']:.1%}" for model, e in found.summary["errors"].items())
    return f"missed on the last {count(found.summary['holdout_weeks'], 'week')} (wMAPE): {errors}"


def planned(plan: "Plan") -> str:
    """Return what a plan brings."""
    return f"better than today with a probability of {plan.gain.probability:.0%}"


LINES: dict[str, Callable[[Any], str]] = {
    "prepare": prepared,
    "fit": fitted,
    "compare": compared,
    "allocate": planned,
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
    """Print the plan beside today and its gain."""
    rows = [_row(c.channel, c.spend_now, c.spend_plan, config.currency) for c in plan.channels]
    rows.append(_row("total", plan.spend_now, plan.spend_plan, config.currency))
    terminal.table(f"Plan for {count(plan.weeks, 'week')}", ["channel", "today", "plan", "change"], rows)
    gain = [money(v, config.currency) for v in (plan.gain.median, plan.gain.low, plan.gain.high)]
    better = f"better with a probability of {plan.gain.probability:.0%}"
    terminal.say(f"Gain over today: {gain[0]} ({gain[1]} to {gain[2]}), {better}.")
    for note in plan.notes:
        terminal.say(note)


def _row(name: str, now: float, plan: float, currency: str) -> list[str]:
    change = f"{plan / now - 1:+.0%}" if now > 0 else ""
    return [name, money(now, currency), money(plan, currency), change]


def show_report(terminal: Terminal, path: Path, config: "Config") -> None:
    """Print where the report is."""
    terminal.say(f"Report: {path}")


TABLES: dict[str, Callable[[Terminal, Any, "Config"], None]] = {
    "fit": show_roi,
    "allocate": show_plan,
    "report": show_report,
}
"""How to show what a step found at the end."""
