"""Numbers of a report work out: rows add up, quotients divide, and sentences, files and the terminal say the same."""

import re
import shutil
from dataclasses import replace
from itertools import pairwise, takewhile

import numpy as np
import pandas as pd
import pytest

from mmm_bayes import pipeline
from mmm_bayes.config import override
from mmm_bayes.console import Terminal
from mmm_bayes.report.content import Content, make_context
from mmm_bayes.report.facts import channel_of, headline, money_of
from mmm_bayes.report.numbers import percent
from mmm_bayes.report.page import fill, write_report
from mmm_bayes.report.results import load_results
from mmm_bayes.summary import show
from mmm_bayes.workspace import Workspace

UNITS = {"k": 1e3, "m": 1e6, "bn": 1e9}
NUMBER = re.compile(r"[−-]?£?[\d,]*\.?\d+(?:k|m|bn)?%?")


def number(text):
    """Return what a text such as ``−£1.23k`` or ``12%`` means."""
    found = NUMBER.search(text)
    plain = re.sub(r"[£,%]", "", found[0]).replace("−", "-")
    unit = next((u for u in UNITS if plain.endswith(u)), "")
    return float(plain.removesuffix(unit)) * UNITS.get(unit, 1.0) / (100 if "%" in found[0] else 1)


def tables(markdown):
    """Return every table by its title, as frames of texts."""
    lines, found = markdown.split("\n"), {}
    for i, line in enumerate(lines):
        if line.startswith("| ") and not lines[i - 1].startswith("|"):
            whole = takewhile(lambda each: each.startswith("|"), lines[i:])
            heads, _, *rows = [[cell.strip(" *") for cell in row.strip("|").split(" | ")] for row in whole]
            found[lines[i - 2].strip("*")] = pd.DataFrame([dict(enumerate(row)) for row in rows]).set_axis(
                [head.strip() for head in heads], axis=1
            )
    return found


@pytest.fixture(scope="module", params=["plan", "profit", "today"])
def run(request, small_run, tmp_path_factory):
    """Return a run with a plan that moves money, one that is free in its total, and one that moves nothing."""
    space = Workspace(small_run.config.name, tmp_path_factory.mktemp("sums"))
    shutil.copytree(small_run.space.data, space.data)
    asked = {
        "plan": {"objective": "mean", "margin": 0.6},
        "profit": {"scenario": "profit", "objective": "mean", "margin": 0.5},
        "today": {"relative": (1.0, 1.0)},
    }[request.param]
    config = override(small_run.config, allocate=asked)
    pipeline.allocate(config, space.root, force=True)
    write_report(config, space)
    return load_results(config, space), (space.reports / "report.md").read_text(encoding="utf-8"), space


@pytest.fixture(scope="module")
def shown(run):
    return tables(run[1])


def titled(shown, start):
    return next(table for title, table in shown.items() if title.startswith(start))


def test_every_table_says_what_it_is_of(run, shown):
    assert all(title and "|" not in title for title in shown)
    windows = re.compile(
        r"\d+ weeks|\d{4} to |own dates|weeks after it|every week alike|Checks of|What became of|What the data can"
    )
    assert [title for title in shown if not windows.search(title)] == []


def test_returns_add_up_and_divide(run, shown):
    results, text, _ = run
    *rows, total = titled(shown, "What each channel returned").to_dict("records")
    for row in (*rows, total):
        assert number(row["ROI"]) == pytest.approx(number(row["contribution"]) / number(row["spend"]), abs=0.006)
        assert number(row["share"]) == pytest.approx(number(row["contribution"]) / results.kpi, abs=0.006)
    for column in ("spend", "contribution", "share"):
        slack = 0.01 if column == "share" else len(rows)
        assert sum(number(row[column]) for row in rows) == pytest.approx(number(total[column]), abs=slack)
    weights = np.array([number(row["spend"]) for row in rows])
    mean = np.average([number(row["ROI"]) for row in rows], weights=weights)
    assert mean == pytest.approx(number(total["ROI"]), abs=0.006)
    lead = text.split("\n## ")[0]
    assert f"brought back **£{total['ROI']}**" in lead and f"**{total['share']}** of it all" in lead
    assert f"Media explain {total['share']} of the KPI" in titled(shown, "Checks")["what was found"].str.cat()
    assert f"about {percent(1 - results.fit.roi['contribution_share'].sum())} of revenue would have come" in text


def test_what_the_kpi_is_made_of_adds_up(run, shown):
    *rows, total = titled(shown, "What the whole KPI").to_dict("records")
    kpi = float(run[0].panel.data["kpi"].sum())
    assert number(total["contribution"]) == pytest.approx(kpi, rel=0.005) and total["share"] == "100%"
    assert sum(number(row["contribution"]) for row in rows) == pytest.approx(kpi, rel=0.01)
    assert sum(number(row["share"]) for row in rows) == pytest.approx(1, abs=0.01 * len(rows))
    shares = titled(shown, "Share of spend").to_dict("records")
    for column in ("share of spend", "share of effect"):
        assert sum(number(row[column]) for row in shares[:-1]) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("title", ["Spend and ROI over time", "Spend and ROI by geo"])
def test_returns_by_time_and_geo_add_up(run, shown, title):
    whole = titled(shown, "What each channel returned").set_index("channel")
    parts = titled(shown, title)
    assert parts["spend"].map(number).sum() == pytest.approx(number(whole.loc["all channels", "spend"]), abs=len(parts))
    mean = np.average(parts["ROI of all channels"].map(number), weights=parts["spend"].map(number))
    assert mean == pytest.approx(number(whole.loc["all channels", "ROI"]), abs=0.01)


def test_the_file_agrees_with_itself(run):
    roi = run[0].fit.roi
    np.testing.assert_allclose(roi["roi_mean"], roi["contribution"] / roi["spend"], rtol=1e-9)
    weeks = run[0].fit.contributions
    for row in roi.itertuples():
        assert weeks[f"channel:{row.channel}"].sum() == pytest.approx(row.contribution, rel=1e-6)


def test_the_plan_adds_up_and_its_gain_is_the_difference(run, shown):
    results, text, _ = run
    plan, margin = results.plan, results.config.allocate.margin
    if not plan.moves:
        assert not any(title.startswith("Plan for") for title in shown)
        *rows, total = titled(shown, "Today's budget").to_dict("records")
        assert "0%" not in "".join(row["contribution today"] for row in rows)
        for column in ("today", "contribution today"):
            assert sum(number(row[column]) for row in rows) == pytest.approx(number(total[column]), abs=len(rows))
        return
    *rows, total = titled(shown, "Plan for").to_dict("records")
    for column in ("today", "plan", "contribution today", "with the plan"):
        assert sum(number(row[column]) for row in rows) == pytest.approx(number(total[column]), abs=len(rows))
    gain = number(total["with the plan"]) - number(total["contribution today"])
    if plan.scenario == "profit":
        gain = margin * gain - (number(total["plan"]) - number(total["today"]))
    said = re.search(r"The gain over today is \*\*(.*?)\*\*", text)[1]
    assert number(said) == pytest.approx(gain, rel=0.01, abs=2)
    assert (f"It gains **{said}**" in text.split("\n## ")[0]) == (plan.decision != "not_yet")


def test_curves_and_plan_name_the_same_values(run):
    results = run[0]
    curves, plan = results.fit.curves, results.plan
    order = [curves.channels.index(row.channel) for row in plan.channels]
    for column, name in ((curves.today[order], "contribution_now"), (None, "contribution_plan")):
        spend = np.zeros(len(order))
        spend[order] = column if column is not None else [row.spend_plan for row in plan.channels]
        drawn = curves.at(spend).mean(axis=0)[order]
        np.testing.assert_allclose(drawn, [getattr(row, name).mean for row in plan.channels], rtol=1e-6)


def test_totals_divide_and_the_best_row_is_the_one_that_is_named(run, shown):
    results, text, _ = run
    found = next((table for title, table in shown.items() if title.startswith("The best plan for each")), None)
    if found is None:
        assert len(results.frontier) < 2
        return
    rows = found.loc[:, ~found.columns.duplicated()].to_dict("records")
    for row in rows:
        assert number(row["ROI"]) == pytest.approx(number(row["contribution"]) / number(row["total"]), abs=0.006)
    for before, row in pairwise(rows):
        added = number(row["contribution"]) - number(before["contribution"])
        assert number(row["marginal ROI"]) == pytest.approx(
            added / (number(row["total"]) - number(before["total"])), rel=0.02, abs=0.006
        )
    best = max(rows, key=lambda row: number(row["profit against today"]))
    named = next(row for row in rows if "highest profit" in row["against today"])
    assert number(named["profit against today"]) == number(best["profit against today"])
    sentence = re.search(r"highest at (?:a total of about |their (?:lower )?end, )\**(£[\d.]+[km]?)", text)[1]
    assert number(sentence) == pytest.approx(number(named["total"]), rel=0.01)
    assert f"it gains {named['profit against today']} over today's budget" in text


def test_both_models_and_the_truth_name_the_same_returns(run, shown):
    roi = titled(shown, "What each channel returned").set_index("channel")
    both, truth = titled(shown, "ROI of both models").set_index("channel"), titled(shown, "Truth").set_index("channel")
    for channel, row in both.iterrows():
        assert row["Bayesian ROI"] == roi.loc[channel, "ROI"] == truth.loc[channel].iloc[2]
        assert number(row["LightGBM ROI"]) == number(roi.loc[channel, "LightGBM ROI"])


def test_the_terminal_shows_the_same_numbers(run, capsys):
    results, text, space = run
    found = dict.fromkeys(("fit", "allocate"))
    show(Terminal(), found, results.config, space.root)
    printed = capsys.readouterr().out
    numbers = set(re.findall(r"[£\d][\d.,]*\d[km]?%?", printed))
    assert len(numbers) > 20
    assert [each for each in sorted(numbers) if each not in text] == []


# --- what may be said ---------------------------------------------------------------------------


@pytest.mark.parametrize(("shift", "named"), [(1.0, False), (3.0, True)])
def test_no_winner_is_named_below_three_quarters(small_run, shift, named):
    results = load_results(small_run.config, small_run.space)
    fit = results.fit
    share = np.repeat(fit.share.mean(axis=0, keepdims=True), 100, axis=0)
    roi = share[0] / fit.roi["spend"].to_numpy()
    share[:, 1] *= roi[0] / roi[1]
    share[:, 2] *= 0.1
    share[::2, 1] *= 1.01 * shift
    share[1::2, 1] *= 0.99 * shift
    other = replace(results, fit=replace(fit, share=share))
    head = headline(other.fit, results.kpi, 0.9)
    assert head.best_chance == (1.0 if named else 0.5)
    context = make_context(other, money_of(results), channel_of(results.panel))
    lead = fill(replace(content_of(results), context=context), "summary.md")
    assert ("returned most, " in lead) == named
    assert ("the data do not tell" in lead) != named


def content_of(results):
    return Content(results, channel_of(results.panel), money_of(results), {}, {}, {})


def test_two_models_that_contradict_each_other_are_said_in_lead_table_and_verdict(small_run):
    results = load_results(small_run.config, small_run.space)
    values = {"channel": "tv", "own": 2.0, "other": 5.0}
    finding = {"code": "media.models_contradict", "values": values}
    reasons = [
        {
            **reason,
            "status": "REVIEW",
            "code": "check.second_opinion.found",
            "values": {"findings": [finding], "untested": ["tv"]},
        }
        if reason["check"] == "second_opinion"
        else reason
        for reason in results.fit.diagnostics["reasons"]
    ]
    fit = replace(results.fit, diagnostics=results.fit.diagnostics | {"reasons": reasons, "verdict": "REVIEW"})
    other = replace(results, fit=fit)
    context = make_context(other, money_of(results), channel_of(results.panel))
    content = replace(content_of(other), context=context)
    rows = {row[0]: dict(zip(context["roi_table"].heads, row, strict=True)) for row in context["roi_table"].rows}
    assert "contradicts" in rows["tv"]["LightGBM ROI"] and "contradicts" not in rows["search"]["LightGBM ROI"]
    said = "contradict each other on **tv** (£2.00 and £5.00 for each £1)"
    assert said in fill(content, "summary.md")
    assert "run a lift test on tv" in fill(content, "verdict.md")
    assert "second opinion" in context["verdict_line"]
