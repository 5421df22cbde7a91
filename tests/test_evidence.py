"""What the data can tell of each channel is held against pandas, statistics by hand, and panels made to be poor."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mmm_bayes import pipeline
from mmm_bayes.config import ChannelPriors, PanelColumns, make_config
from mmm_bayes.evidence import breaks, doubts, evidence, summary
from mmm_bayes.panel import Panel, panel_from_frame
from mmm_bayes.report.facts import rests_on_prior
from mmm_bayes.report.results import load_results
from mmm_bayes.report.words import word

SPEND = {"tv": "tv", "search": "search", "social": "social"}


def table(weeks: int = 104, geos: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    dates = list(pd.date_range("2022-01-03", periods=weeks, freq="7D"))
    frame = pd.DataFrame({"geo": np.repeat([f"g{i}" for i in range(geos)], weeks), "week": dates * geos})
    for name in SPEND:
        frame[name] = rng.gamma(1.5, 100.0, len(frame))
    frame["sales"] = 5_000 + 2 * frame["tv"] + frame["search"] + rng.normal(0, 200, len(frame))
    return frame


def panel(frame: pd.DataFrame, **changes) -> Panel:
    columns = {"geo": "geo", "kpi": "sales", "spend": SPEND, **changes}
    return panel_from_frame(frame, PanelColumns(**columns), "made")


def said(frame: pd.DataFrame, **changes) -> list[str]:
    made = panel(frame, **changes)
    return [word(doubt) for doubt in doubts(made, evidence(made, ChannelPriors()))]


def test_numbers_are_those_of_pandas():
    frame = table()
    frame.loc[frame.index % 3 == 0, "social"] = 0.0
    found = {one.channel: one for one in evidence(panel(frame), ChannelPriors())}
    alike = frame[list(SPEND)].corr()
    for name, one in found.items():
        assert one.spend == pytest.approx(frame[name].sum())
        assert one.share == pytest.approx(frame[name].sum() / frame[list(SPEND)].sum().sum())
        assert one.weeks == (frame[name] > 0).sum()
        assert one.variation == pytest.approx(frame[name].std(ddof=0) / frame[name].mean())
        others = alike[name].drop(name)
        assert one.nearest == others.abs().idxmax()
        assert one.correlation == pytest.approx(others[one.nearest])
        assert 1.0 <= one.inflation < 1.5 and one.cost_change is None and not one.rests


def test_the_error_is_that_of_least_squares():
    """Many panels of one truth: the ROI by least squares spreads as the error says."""
    frame, rng, found = table(), np.random.default_rng(7), []
    week = np.arange(104)
    angle = 2 * np.pi * week[:, None] / 52.18 * np.array([1, 2])
    carried = np.stack([np.convolve(frame[c], 0.4 ** np.arange(8) / (0.4 ** np.arange(8)).sum())[:104] for c in SPEND])
    design = np.column_stack([carried.T, np.ones(104), week, np.sin(angle), np.cos(angle)])
    for _ in range(400):
        sales = 5_000 + 2 * carried[0] + rng.normal(0, 200, 104)
        found.append(np.linalg.lstsq(design, sales, rcond=None)[0][:3])
    spread = np.std(found, axis=0)
    sales = 5_000 + 2 * carried[0] + rng.normal(0, 200, 104)
    errors = [one.error for one in evidence(panel(frame.assign(sales=sales)), ChannelPriors())]
    np.testing.assert_allclose(errors, spread, rtol=0.2)


@pytest.mark.parametrize("poor", ["few weeks", "little money", "like another"])
def test_a_channel_that_the_data_say_little_of_rests_on_its_prior(poor):
    frame = table()
    if poor == "few weeks":
        frame.loc[frame.index < 99, "social"] = 0.0
    elif poor == "little money":
        frame["social"] /= 500
    else:
        frame["social"] = frame["tv"] + np.random.default_rng(1).normal(0, 1, 104) ** 2
    assert any("The data will say little of" in one and "social" in one for one in said(frame))
    assert not any("The data will say little of" in one for one in said(table()))


def test_a_narrow_prior_is_rested_on_and_a_wide_one_is_not():
    for prior, rests in (((1.0, 1.05), True), ((0.1, 20.0), False)):
        found = evidence(panel(table()), ChannelPriors(roi={"default": prior}))
        assert [one.rests for one in found] == [rests] * 3


def test_two_channels_that_are_one_are_named_and_nothing_fails():
    frame = table(geos=3)
    frame["social"] = 2 * frame["tv"]
    made = panel(frame)
    found = {one.channel: one for one in evidence(made, ChannelPriors())}
    assert found["tv"].inflation is None and found["social"].inflation is None
    assert (
        json.loads(json.dumps(summary(made, list(found.values())), allow_nan=False))["channels"][0]["channel"] == "tv"
    )
    assert any(one.startswith("tv and social are spent alike (correlation 1.00)") for one in said(frame))


def test_what_hardly_varies_and_what_gets_dearer_is_named():
    frame = table()
    frame["search"] = 100 + np.random.default_rng(3).normal(0, 2, 104)
    frame["seen"] = frame["tv"] * np.linspace(10, 4, 104)
    lines = said(frame, exposure={"tv": "seen"})
    assert any("Hardly any variation in search" in one for one in lines)
    assert any(one.startswith("An exposure of tv costs 1.8 times") or "of tv costs 1.9 times" in one for one in lines)


def test_a_short_panel_is_called_short():
    assert any(one.startswith("30 geo-weeks for ") for one in said(table(30)))
    assert not any("geo-weeks for" in one for one in said(table(104, geos=2)))


def test_a_panel_too_short_for_least_squares_leaves_everything_to_the_priors():
    controls = {f"x{i}": np.random.default_rng(i).normal(0, 1, 20) for i in range(18)}
    found = evidence(panel(table(20).assign(**controls), controls=tuple(controls)), ChannelPriors())
    assert [(one.error, one.rests) for one in found] == [(None, True)] * 3


@pytest.mark.parametrize(("week", "factor"), [(60, 1.8), (30, 0.6), (85, 2.5), (12, 1.9)])
def test_the_week_of_a_break_is_named(week, factor):
    frame = table()
    frame["sales"] *= np.where(frame.index < week, 1.0, factor)
    (found,) = breaks(panel(frame))
    assert found.values["week"] == f"{frame['week'][week]:%Y-%m-%d}"
    assert 1 + found.values["change"] == pytest.approx(factor, rel=0.15)


def test_what_is_no_break_is_not_named():
    week = np.arange(104)
    shapes = {
        "as it is": np.ones(104),
        "growth": np.exp(0.045 * week),
        "a season": 1 + 0.6 * np.sin(2 * np.pi * week / 52),
        "a peak": np.where((week > 46) & (week < 51), 3.0, 1.0),
        "every summer": np.where((week % 52 > 20) & (week % 52 < 34), 2.0, 1.0),
    }
    for name, shape in shapes.items():
        frame = table()
        frame["sales"] *= shape
        assert not list(breaks(panel(frame))), name


def test_growth_that_a_line_cannot_follow_is_named():
    frame = table()
    frame["sales"] *= np.exp(0.045 * np.arange(104))
    assert any("times at the end what it was at the start" in one for one in said(frame))


def test_prepare_writes_it_as_json(tmp_path):
    table().to_csv(tmp_path / "weekly.csv", index=False)
    source = {"path": str(tmp_path / "weekly.csv"), "kpi": "sales", "spend": SPEND}
    pipeline.prepare(make_config({"name": "told", "panel": source}), tmp_path)
    found = json.loads((tmp_path / "data" / "told" / "evidence.json").read_text(encoding="utf-8"))
    assert [one["channel"] for one in found["channels"]] == list(SPEND)
    assert found["weeks"] == 104


def test_a_channel_that_is_new_is_told_beside_its_roi(small_run):
    results = load_results(small_run.config, small_run.space)
    assert not [note for note in rests_on_prior(results.fit, results.panel) if note.code == "evidence.new"]
    for weeks, told in ((3, True), (7, True), (8, False)):
        late = results.panel.data["media"].where(
            (results.panel.data["channel"] != "tv")
            | (results.panel.data["week"] >= results.panel.data["week"][-weeks]),
            0,
        )
        new = replace(results.panel, data=results.panel.data.assign(media=late))
        found = [word(note) for note in rests_on_prior(results.fit, new) if note.code == "evidence.new"]
        assert [one.startswith(f"Media in so few weeks as tv had ({weeks} weeks)") for one in found] == [True] * told


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_channel_that_is_spent_as_a_factor_moves_is_named(sign):
    frame = table(geos=2)
    rng = np.random.default_rng(4)
    weather = rng.normal(0, 1, len(frame))
    frame["tv"] = 300 + 60 * sign * weather + rng.normal(0, 25, len(frame))
    frame["promotion"] = (frame["search"] > frame["search"].quantile(0.9)) * 5.0
    found = said(frame.assign(weather=weather), controls=("weather",), holidays=("promotion",))
    assert len([one for one in found if "is spent as" in one]) == 1
    r = np.corrcoef(frame["tv"], weather)[0, 1]
    assert any(one.startswith(f"tv is spent as weather moves (correlation {r:.2f})") for one in found)
    frame["search"] = 100 + frame["promotion"] * 80
    assert any(one.startswith("search is spent as promotion moves") for one in said(frame, holidays=("promotion",)))
    assert not any("is spent as" in one for one in said(frame.assign(flat=1.0), controls=("flat",)))
