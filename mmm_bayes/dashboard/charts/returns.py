"""Charts of returns: intervals beside their priors, both models side by side, what media cost and brought, runs."""

import altair as alt
import numpy as np
import pandas as pd

from mmm_bayes.dashboard.charts.style import HEAD, NEUTRAL, PALE, ROW, Drawn, Look, amounts, finish, rows
from mmm_bayes.report.figures.returns import FAR
from mmm_bayes.report.words import label


def roi(table: pd.DataFrame, true_roi: pd.Series, look: Look) -> Drawn:
    """Draw the ROI of each paid channel: interval, prior behind it, truth where known, break-even.

    Args:
        table: rows of ``roi.csv``, best channel first.
        true_roi: by channel, may be empty.
        look: colours, money, intervals and break-even.
    """
    truth = true_roi.reindex(table["channel"]).to_numpy(dtype=float)
    shown = _reach(table["roi_high"], table["roi_mean"], [look.break_even, *truth[np.isfinite(truth)]])
    base = alt.Chart(table.assign(truth=truth)).encode(y=rows("channel", table["channel"]), tooltip=_tips(table))
    layers = [
        base.mark_bar(height=14, color=PALE, opacity=0.35, clip=True).encode(
            x=alt.X("prior_roi_low:Q", title=None), x2="prior_roi_high:Q"
        ),
        _break_even(look),
        *_interval(base, "roi_low", "roi_mean", "roi_high", look.colour, shown),
    ]
    if np.isfinite(truth).any():
        layers.append(
            base.mark_point(shape="diamond", filled=True, size=60, color=NEUTRAL, opacity=1, clip=True).encode(
                x="truth:Q"
            )
        )
    known = "; diamonds: the truth" if np.isfinite(truth).any() else ""
    subtitle = f"Mean and {look.interval}; pale: assumed before seeing the data{known}"
    return [finish(layers, f"Return on {look.money.unit}", HEAD + ROW * len(table), subtitle)]


def models(table: pd.DataFrame, look: Look) -> Drawn:
    """Draw the ROI of both models under each other, by channel; ``table`` holds rows of ``comparison.csv``."""
    parts = [
        table[["channel"]].assign(
            model=label(model, "model_name"),
            mean=table[f"{model}_roi"],
            low=table[f"{model}_low"],
            high=table[f"{model}_high"],
        )
        for model in ("bayesian", "lightgbm")
    ]
    return [_side_by_side(pd.concat(parts), "model", "The same return, estimated by two models", look)]


def runs(table: pd.DataFrame, look: Look) -> Drawn:
    """Draw the ROI of channels in several runs; ``table`` has ``run, channel, mean, low, high``."""
    return [_side_by_side(table, "run", f"Return on {look.money.unit}", look)]


def _side_by_side(table: pd.DataFrame, by: str, title: str, look: Look) -> alt.LayerChart:
    names, kinds = list(dict.fromkeys(table["channel"])), list(dict.fromkeys(table[by]))
    shown = _reach(table["high"], table["mean"], [look.break_even])
    base = alt.Chart(table).encode(
        y=rows("channel", names), yOffset=alt.YOffset(f"{by}:N", sort=kinds), tooltip=_tips(table)
    )
    colour = alt.Color(f"{by}:N", sort=kinds, title=None, legend=alt.Legend(orient="top"))
    layers = [_break_even(look), *_interval(base, "low", "mean", "high", colour, shown)]
    return finish(layers, title, HEAD + 30 + 20 * len(names) * max(len(kinds), 2), f"Mean and {look.interval}")


def contributions(table: pd.DataFrame, look: Look) -> Drawn:
    """Draw what each channel cost and what it brought.

    Args:
        table: ``channel, spend, mean, low, high, share`` in currency, largest first; spend 0 for organic channels.
        look: colours, money and intervals.
    """
    base = alt.Chart(table).encode(y=rows("channel", table["channel"]), tooltip=_tips(table))
    top = max(min(table["high"].max(), 3 * table["mean"].max()), table["spend"].max())
    axis = amounts("mean", look.in_money("contribution"), domain=[min(0.0, table["low"].min()), top])
    layers = [
        base.mark_bar(height=12).encode(x=axis, color=look.colour),
        base.mark_rule(color=NEUTRAL, strokeWidth=2, clip=True).encode(x="low:Q", x2="high:Q"),
        base.mark_bar(height=4, color=PALE, yOffset=11).encode(x="spend:Q"),
    ]
    subtitle = f"Mean and {look.interval}; the narrow bar is the spend"
    return [finish(layers, "What each channel cost and what it brought", HEAD + 20 + ROW * len(table), subtitle)]


def waterfall(parts: pd.DataFrame, names: list[str], look: Look) -> Drawn:
    """Draw what the whole KPI is made of: each part begins where the one above it ends.

    Args:
        parts: as `facts.kpi_parts` gives it, the whole last.
        names: what readers call them.
        look: what is counted.
    """
    ends = parts["amount"].cumsum().to_numpy()
    ends[-1] = parts["amount"].iloc[-1]
    table = pd.DataFrame({"part": names, "from": ends - parts["amount"], "to": ends, "amount": parts["amount"]})
    base = alt.Chart(table.assign(whole=table.index == len(table) - 1)).encode(
        y=rows("part", names), tooltip=_tips(table[["part", "amount"]])
    )
    colour = alt.Color("whole:N", scale=alt.Scale(domain=[False, True], range=[PALE, NEUTRAL]), legend=None)
    bars = base.mark_bar(height=14).encode(x=amounts("from"), x2="to:Q", color=colour)
    title, subtitle = f"What {look.kpi} is made of", "Each part begins where the one above it ends"
    return [finish([bars], title, HEAD + ROW * len(table), subtitle)]


def _reach(high: pd.Series, mean: pd.Series, known: list[float]) -> list[float]:
    """Return the ends of an axis of ROI that keeps every channel readable."""
    return [0.0, 1.03 * max([*known, min(high.max(), FAR * mean.max())])]


def _interval(
    base: alt.Chart, low: str, middle: str, high: str, colour: alt.Color, shown: list[float]
) -> list[alt.Chart]:
    axis = alt.X(f"{low}:Q", title=None, scale=alt.Scale(domain=shown))
    return [
        base.mark_rule(strokeWidth=4, clip=True).encode(x=axis, x2=f"{high}:Q", color=colour),
        base.mark_point(filled=True, size=90, opacity=1, clip=True).encode(x=f"{middle}:Q", color=colour),
    ]


def _break_even(look: Look) -> alt.Chart:
    line = alt.Chart(pd.DataFrame({"at": [look.break_even], "line": ["break-even"]}))
    return line.mark_rule(color=NEUTRAL, strokeDash=[4, 3]).encode(x="at:Q", tooltip=["line:N", "at:Q"])


def _tips(table: pd.DataFrame) -> list[alt.Tooltip]:
    numbers = [c for c in table if table[c].dtype.kind == "f" and c != "rhat"]
    return [
        *(alt.Tooltip(f"{c}:N") for c in table if table[c].dtype.kind == "O"),
        *(alt.Tooltip(f"{c}:Q", format=",.4~r", title=c.replace("_", " ")) for c in numbers[:8]),
    ]
