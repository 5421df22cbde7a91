"""Figures of a report: all writing is inside and legible, for few and many channels, small and large amounts."""

import re
from dataclasses import replace
from io import StringIO
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from allocate_cases import hill_curves
from matplotlib.colors import to_rgb
from matplotlib.figure import SubFigure
from matplotlib.legend import Legend
from matplotlib.text import Text

from mmm_bayes.allocate import Gain, Schedule, allocate
from mmm_bayes.allocate import frontier as allocate_frontier
from mmm_bayes.allocate import frontier_table as as_table
from mmm_bayes.config import Allocate
from mmm_bayes.curves import ResponseCurves
from mmm_bayes.findings import Finding
from mmm_bayes.report import figures
from mmm_bayes.report.facts import channel_of, totals_of
from mmm_bayes.report.figures import layout, style
from mmm_bayes.report.figures.style import DPI, PALETTE, WIDTH, Look, channel_colours, styled
from mmm_bayes.report.figures.svg import svg
from mmm_bayes.report.numbers import Money, ratio
from mmm_bayes.report.results import load_results

SVG = "{http://www.w3.org/2000/svg}"
TELEPHONE = 380
"""Pixels of a figure on a telephone of 390."""

NAMES = [
    *("Paid search, brand", "Paid search: generic terms (non-brand)", "Facebook & Instagram prospecting", "TikTok"),
    *("Connected TV <premium>", "$TV$ national_and_regional", "Radio", "Out-of-home | billboards"),
    *("Affiliates_and_voucher_codes", "Display and native advertising, programmatic"),
    *("PERFORMANCE MAX, SHOPPING AND DISCOVERY UK", "Door drops, direct mail & inserts (regional)"),
]


def written(figure):
    """Return what is written and where, in pixels."""
    figure.draw_without_rendering()
    texts = [text for part in (figure, *figure.findobj(SubFigure)) for text in part.texts]
    for legend in figure.findobj(Legend):
        texts += legend.get_texts()
    for axes in figure.axes:
        texts += [*axes.texts, *(t for t in axes.findobj(Text) if t.get_text() == axes.get_title("left"))]
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            slack = 1e-9 * (high - low)
            ticks = zip(axis.get_majorticklocs(), axis.get_ticklabels(), strict=False)
            texts += [axis.label, *(label for at, label in ticks if low - slack <= at <= high + slack)]
    seen = {id(t): t for t in texts if t.get_visible() and t.get_text().strip()}
    return {t: t.get_window_extent() for t in seen.values()}


def check(figure):
    """Assert that nothing leaves the figure, no two texts lie on each other, and all are large and dark enough."""
    width, height = figure.get_size_inches() * DPI
    assert width == WIDTH * DPI
    places = written(figure)
    assert len(places) > 3
    for text, box in places.items():
        outside = min(box.x0, box.y0, width - box.x1, height - box.y1)
        assert outside >= -2, f"{text.get_text()!r} leaves the figure by {-outside:.0f} pixels"
        assert contrast(text.get_color()) >= 4.5, f"{text.get_text()!r} is pale"
        assert text.get_fontsize() / 72 / WIDTH * TELEPHONE >= 9, f"{text.get_text()!r} is small"
    for (one, a), (other, b) in combinations(places.items(), 2):
        over = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert min(over) <= 4, f"{one.get_text()!r} lies on {other.get_text()!r} by {min(over):.0f} pixels"


def linear(colour):
    """Return a colour as linear light, shape ``(3,)``."""
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(colour, paper="white"):
    """Return the contrast to the paper, after WCAG 2."""
    bright, dark = sorted((linear(c) @ [0.2126, 0.7152, 0.0722] + 0.05 for c in (colour, paper)), reverse=True)
    return bright / dark


def test_all_figures_of_a_run_are_legible(small_run):
    results = load_results(small_run.config, small_run.space)
    with styled():
        drawn = figures.make_figures(results, Money("£", 0), channel_of(results.panel))
        found = dict(drawn)
        for figure in found.values():
            check(figure)
    expected = {"roi", "contributions", "waterfall", "decomposition", "fit", "holdout", "models", "curves", "frontier"}
    assert set(found) == expected | ({"plan", "gain"} if results.plan.moves else set())


# --- colours ------------------------------------------------------------------------------------

VISION = {
    "all cones": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
"""What eyes without one kind of cones make of linear light: Machado, Oliveira and Fernandes (2009)."""


def oklab(light):
    """Return linear light in a space where distances are differences seen: Ottosson (2020), times 100."""
    cones = [[0.4122215, 0.5363325, 0.0514460], [0.2119035, 0.6806995, 0.1073970], [0.0883025, 0.2817188, 0.6299787]]
    turned = [
        [0.2104543, 0.7936178, -0.0040720],
        [1.9779985, -2.4285922, 0.4505937],
        [0.0259040, 0.7827718, -0.8086758],
    ]
    return 100 * np.array(turned) @ np.cbrt(np.array(cones) @ np.clip(light, 0, 1))


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize(
    "colours",
    [(*style.CHANNELS, style.OTHER), (*style.MODELS.values(), style.INK), (style.GOOD, style.BAD)],
    ids=["channels", "models", "signs"],
)
def test_colours_differ_for_every_eye(colours, vision):
    seen = [oklab(VISION[vision] @ linear(c)) for c in colours]
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 8  # Tol's 'muted' has 3.9


def test_colours_stand_out_from_the_page():
    assert contrast("black") == pytest.approx(21)
    marks = {*style.CHANNELS, *style.MODELS.values(), *figures.weeks.MOVER_COLOURS.values(), style.GOOD, style.BAD}
    assert min(contrast(c) for c in marks | {style.OTHER}) >= 3
    assert set(figures.weeks.MOVER_COLOURS.values()) <= set(style.CHANNELS)


@pytest.mark.parametrize("side", [0, 1], ids=["light", "dark"])
def test_every_colour_can_be_seen_on_its_paper(side):
    paper = PALETTE["paper"][side]
    for name, colours in PALETTE.items():
        least = 4.5 if name in ("ink", "muted") else 3 if name not in ("paper", *style.PALE) else 1.05
        assert name == "paper" or contrast(colours[side], paper) >= least, name


# --- SVG ----------------------------------------------------------------------------------------


def parsed(figure, name="one"):
    return ElementTree.fromstring(svg(figure, name))


def texts(root):
    return [e.text for e in root.iter(f"{SVG}text") if e.get("class") != "said"]


def test_text_stays_text_and_colours_are_those_of_the_page():
    with styled():
        figure = figures.plan.plan(planned(), look(3))
        shown = {t.get_text() for t in written(figure)}
        root = parsed(figure)
    assert {" ".join(t.split()) for t in shown} <= {" ".join(t.split()) for t in texts(root)}
    styles = " ".join(e.get("style", "") for e in root.iter())
    assert re.findall(r"(?<!, )#[0-9a-f]{6}", styles) == []
    assert "DejaVu" not in styles


def test_every_value_can_be_pointed_at_and_reached_by_key():
    table = returns_table(5)
    with styled():
        root = parsed(figures.returns.roi_forest(table, pd.Series(dtype=float), look(5)))
    tips = [e for e in root.iter() if e.get("class") == "tip"]
    assert len(tips) == 5
    for tip, row in zip(tips, table.itertuples(), strict=True):
        said = tip.find(f"{SVG}title").text
        assert said.startswith(f"{row.channel}: {ratio(row.roi_mean)} ")
        assert (tip.get("tabindex"), tip.get("aria-label")) == ("0", said)
        lines = tip.findall(f"{SVG}text")
        assert " ".join(line.text for line in lines) == " ".join(said.split())
        assert {line.get("display") for line in lines} == {"none"}  # where no page shows one at a time
    assert float(root.attrib["viewBox"].split()[3]) > 0


@pytest.mark.parametrize(("weeks", "each"), [(20, 1), (67, 3)])
def test_a_part_of_an_axis_of_weeks_says_the_means_of_its_weeks(weeks, each):
    days = pd.date_range("2023-01-02", periods=weeks, freq="7D")
    columns = ("observed", "predicted", "low", "high")
    seen = dict(zip(columns, np.random.default_rng(5).uniform(1e3, 9e3, (4, weeks)).round().tolist(), strict=True))
    seen["observed"][4] = np.nan  # a week without a KPI
    with styled():
        figure = figures.weeks.fit_over_time(pd.DataFrame({"week": days, "geo": "all", **seen}), look(1))
        said = [e.get("aria-label") for e in parsed(figure).iter() if e.get("class") == "tip"]
    assert len(said) == -(-weeks // each)
    for part, text in enumerate(said):
        own = range(part * each, min((part + 1) * each, weeks))
        known = [[seen[column][w] for w in own if not np.isnan(seen[column][w])] for column in columns]
        means = [Money("£", 0).short(sum(values) / len(values) if values else np.nan) for values in known]
        assert re.findall(r" (\S+)(?=,|$)", text.partition(": ")[2]) == means
        assert text.startswith(f"{len(own)} weeks from " if len(own) > 1 else f"{days[own[0]].day} ")


def test_figures_of_one_page_share_no_name():
    with styled():
        one, other = (parsed(figures.plan.plan(planned(), look(3)), name) for name in ("one", "other"))
    ids = [{e.get("id") for e in root.iter()} - {None} for root in (one, other)]
    assert ids[0] and not ids[0] & ids[1]
    used = set(re.findall(r"#one-[\w.-]+", ElementTree.tostring(one, encoding="unicode")))
    assert {name[1:] for name in used} == ids[0]


# --- the check itself ---------------------------------------------------------------------------


def test_labels_on_each_other_are_noticed(monkeypatch):
    monkeypatch.setattr(layout, "spread", lambda places, *_: list(places))
    with styled(), pytest.raises(AssertionError, match="lies on"):
        check(figures.weeks.decomposition(weekly(12, 1.0), look(12)))


@pytest.mark.parametrize(
    ("how", "fault"),
    [({"color": "#DDAA33"}, "is pale"), ({"size": 8}, "is small"), ({"x": -0.5}, "leaves the figure")],
)
def test_text_that_cannot_be_read_is_noticed(how, fault):
    with styled():
        figure = figures.plan.gain(tuple(range(101)), look(1))
        figure.text(**({"x": 0.5, "y": 0.3, "s": "planted"} | how), in_layout=False)
        with pytest.raises(AssertionError, match=f"planted.*{fault}"):
            check(figure)


# --- made-up cases ------------------------------------------------------------------------------


def returns_table(count, spread=0.8, seed=1):
    """Return a table of ROIs as in ``roi.csv``."""
    generator = np.random.default_rng(seed)
    median = np.exp(spread * generator.standard_normal(count))
    return pd.DataFrame(
        {
            "channel": NAMES[:count],
            "roi_mean": median,
            "roi_low": median / generator.uniform(1.1, 8, count),
            "roi_high": median * generator.uniform(1.1, 8, count),
            "prior_roi_low": 0.28,
            "prior_roi_high": 5.4,
        }
    ).sort_values("roi_mean", ascending=False)


def look(count, currency="£"):
    return Look(channel_colours(NAMES[:count], range(count)), Money(currency, 0), 0.9)


def legend_of(figure):
    """Return the labels of a legend."""
    return [text.get_text() for legend in figure.findobj(Legend) for text in legend.get_texts()]


@pytest.mark.parametrize("count", [1, 2, 5, 12])
@pytest.mark.parametrize("spread", [0.1, 0.8, 3.0])
def test_returns_of_any_spread(count, spread):
    with styled():
        check(figures.returns.roi_forest(returns_table(count, spread), pd.Series({NAMES[0]: 2.5}), look(count)))


def test_rows_are_as_high_whatever_their_number():
    with styled():
        drawn = [figures.returns.roi_forest(returns_table(n), pd.Series(dtype=float), look(n)) for n in (1, 2, 12)]
    for figure in drawn:
        figure.draw_without_rendering()
    steps = [f.axes[0].bbox.height / DPI / abs(np.diff(f.axes[0].get_ylim())[0]) for f in drawn]
    assert steps == pytest.approx([layout.ROW] * 3, rel=0.02)


@pytest.mark.parametrize("factor", [0.001, 0.03, 30.0, 4000.0])
def test_returns_far_from_break_even(factor):
    table = returns_table(4)
    table.iloc[:, 1:] *= factor
    with styled():
        check(figures.returns.roi_forest(table, pd.Series(dtype=float), look(4)))


def test_an_interval_beyond_the_axis_has_an_arrow():
    table = returns_table(3, spread=0.1)
    table.loc[table.index[0], "roi_high"] = 1000.0
    with styled():
        figure = figures.returns.roi_forest(table, pd.Series(dtype=float), look(3))
        arrows = [line for line in figure.axes[0].lines if line.get_marker() == ">"]
        check(figure)
    limit = figure.axes[0].get_xlim()[1]
    assert limit < 100
    assert len(arrows) == (table["roi_high"] > limit).sum() > 0


@pytest.mark.parametrize("spread", [0.1, 3.0])
def test_intervals_that_say_nothing(spread):
    table = returns_table(5, spread).assign(roi_low=0.01, roi_high=300.0)
    with styled():
        figure = figures.returns.roi_forest(table, pd.Series(dtype=float), look(5))
        check(figure)
    low, high = figure.axes[0].get_xlim()
    assert ((low < table["roi_mean"]) & (table["roi_mean"] < high)).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_label_is_cut_no_more_than_it_must_be(name):
    with styled():
        label, longer = (figures.layout.canvas("").text(0, 0, name) for _ in range(2))
        figures.layout.fit(label, 1.5)
        shown = label.get_text()
        longer.set_text(figures.layout.shortened(name, len(shown) + 3))
        assert label.get_window_extent().width <= 1.5 * DPI
        assert shown == name or longer.get_window_extent().width > 1.5 * DPI


def test_a_wide_range_of_returns_has_a_logarithmic_axis():
    with styled():
        narrow, wide = (
            figures.returns.roi_forest(returns_table(6, s), pd.Series(dtype=float), look(6)) for s in (0.3, 4.0)
        )
    assert narrow.axes[0].get_xscale() == "linear"
    assert narrow.axes[0].get_xlim()[0] == 0
    assert wide.axes[0].get_xscale() == "log"


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("count", [1, 12])
def test_both_models(count, known):
    table = returns_table(count)
    named = {"roi_mean": "bayesian_roi", "roi_low": "bayesian_low", "roi_high": "bayesian_high"}
    other = {c: table[c] * 1.7 for c in named}
    table = table.rename(columns=named).assign(
        lightgbm_roi=other["roi_mean"],
        lightgbm_low=-other["roi_low"],
        lightgbm_high=other["roi_high"],
        true_roi=2.0 if known else np.nan,
    )
    with styled():
        check(figures.returns.models_roi(table, look(count)))


@pytest.mark.parametrize("currency", ["£", "EUR"])
@pytest.mark.parametrize("size", [1e-6, 1e4, 1e13])
@pytest.mark.parametrize("count", [1, 12])
def test_amounts_of_any_size(count, size, currency):
    generator = np.random.default_rng(2)
    amounts = pd.Series(size * generator.uniform(0.05, 1, count))
    spend = amounts.to_numpy()[:, None] * np.linspace(0, 2, 11)
    response = spend.max(axis=1)[:, None] * np.sqrt(spend / spend.max(axis=1)[:, None])
    draws = response * np.exp(generator.standard_normal((30, count, 1)))
    curves = ResponseCurves(tuple(NAMES[:count]), spend, draws, amounts.to_numpy(), amounts.to_numpy(), 52)
    contribution = pd.DataFrame(
        {
            "channel": NAMES[:count],
            "spend": amounts,
            "mean": 2 * amounts,
            "low": amounts,
            "high": 9 * amounts,
            "share": 0.1,
        }
    )
    plan = pd.DataFrame({"channel": NAMES[:count], "now": amounts, "plan": 1.4 * amounts, "lower": 0.0})
    plan = plan.assign(upper=2 * amounts, observed=amounts, best_low=0.0, best_high=1.5 * amounts)
    shown = look(count, currency)
    with styled():
        check(figures.returns.contributions(contribution, shown))
        check(figures.plan.response(curves, {NAMES[0]: amounts[0]}, curves, shown))
        check(figures.plan.plan(plan, shown))
        check(figures.weeks.decomposition(weekly(count, size), shown))


def planned(**columns):
    """Return a plan as `facts.plan_table` gives it."""
    table = pd.DataFrame({"channel": NAMES[:3], "now": [0.0, 2e4, 1e3], "plan": [5e3, 1e4, 1e3], "lower": 0.0})
    return table.assign(**({"upper": 4e4, "observed": 3e4, "best_low": 1e3, "best_high": 2e4} | columns))


def test_a_plan_says_its_moves():
    with styled():
        figure = figures.plan.plan(planned(), look(3))
        check(figure)
    shown = {t.get_text() for t in figure.axes[0].texts}
    assert {"new", "−50%", "0%", "£20.0k → £10.0k"} <= shown


@pytest.mark.parametrize(
    ("columns", "missing"),
    [
        ({"best_low": np.nan, "best_high": np.nan}, "where 90% of the draws would go"),
        ({"observed": 9e9}, "most ever spent"),
    ],
)
def test_a_legend_names_what_is_there(columns, missing):
    with styled():
        whole, figure = (figures.plan.plan(planned(**c), look(3)) for c in ({}, columns))
        check(figure)
    assert set(legend_of(whole)) - set(legend_of(figure)) == {missing}


def test_curves_without_a_plan():
    curves = hill_curves([(9e6, 3e6, 1.0), (7e6, 2e6, 2.5)], [2e6, 1e6], draws=40, noise=0.4)
    with styled():
        shown = Look(channel_colours(curves.channels, [1, 1]), Money("£", 0), 0.9)
        figure = figures.plan.response(curves, {}, None, shown)
        check(figure)
    assert "today" in legend_of(figure)
    assert not {"plan", "truth"} & set(legend_of(figure))


def test_a_kpi_in_units_has_no_currency():
    shown = replace(look(2), kpi="orders", kpi_is_money=False)
    with styled():
        figure = figures.weeks.decomposition(weekly(2, 1e4), shown)
        check(figure)
    labels = [t.get_text() for axes in figure.axes for t in axes.get_yticklabels()]
    assert labels
    assert not any("£" in label for label in labels)


def weekly(count, size, level=2.0):
    """Return a table as ``contributions.csv``, with channels of uneven size, two of them nearly nothing."""
    weeks = pd.date_range("2021-01-04", periods=104, freq="7D")
    wave = np.sin(np.arange(104) / 8)
    parts = {
        "baseline": level * np.ones(104),
        "trend": 0.001 * np.arange(104),
        "season": 0.4 * wave,
        "control:price": -0.2 * wave,
    }
    parts |= {f"channel:{name}": (0.2 if c > 1 else 1e-6) * (1 + wave) for c, name in enumerate(NAMES[:count])}
    table = size * pd.DataFrame(parts)
    total = table.sum(axis=1)
    return table.assign(prediction=total, observed=total * 1.02).assign(week=weeks)


@pytest.mark.parametrize("level", [2.0, 0.0, -3.0])
def test_negative_parts_stay_in_sight(level):
    with styled():
        figure = figures.weeks.decomposition(weekly(4, 1.0, level), look(4))
        check(figure)
    table = weekly(4, 1.0, level)
    base = table["prediction"] - table.filter(like="channel:").sum(axis=1)
    low, high = figure.axes[0].get_ylim()
    assert low <= min(base.min(), table["observed"].min(), 0)
    assert high >= table["observed"].max()


def test_small_channels_are_put_together():
    with styled():
        figure = figures.weeks.decomposition(weekly(12, 1.0), look(12))
        labels = [text.get_text() for text in figure.axes[1].texts]
    assert "4 other channels" in labels
    assert len(labels) == 9


@pytest.mark.parametrize("geos", [1, 2, 7, 30])
def test_the_fit_of_any_number_of_geos(geos):
    weeks = pd.date_range("2020-01-06", periods=60, freq="7D")
    parts = [
        pd.DataFrame({"geo": f"Region with a long name, number {g}", "week": weeks, "observed": 100.0 + g, "low": 50.0})
        for g in range(geos)
    ]
    table = pd.concat(parts).assign(predicted=100.0, high=lambda t: t["observed"] + 50)
    with styled():
        figure = figures.weeks.fit_over_time(table, replace(look(1), kpi="orders", kpi_is_money=False))
        check(figure)
    assert len(figure.axes) == min(geos, 8)


@pytest.mark.parametrize("weeks", [2, 8, 26, 27, 53, 104, 157, 600, 2000])
def test_panels_of_any_length_say_their_time(weeks):
    table = pd.DataFrame({"geo": "all", "week": pd.date_range("2019-03-18", periods=weeks, freq="7D")})
    with styled():
        figure = figures.weeks.fit_over_time(table.assign(observed=1.0, predicted=1.0, low=0.5, high=1.5), look(1))
        check(figure)
    labels = [t.get_text() for t in figure.axes[0].get_xticklabels()]
    assert 1 < len(labels) <= 8
    assert weeks <= layout.DAYS or any("20" in label for label in labels)


@pytest.mark.parametrize("weeks", [2, 12, 52])
def test_holdouts_of_any_length(weeks):
    table = pd.DataFrame({"week": pd.date_range("2023-10-09", periods=weeks, freq="7D"), "observed": 1e5})
    table = table.assign(bayesian=1.001e5, bayesian_low=9e4, bayesian_high=1.1e5, lightgbm=1e5, seasonal_naive=1e5)
    table = table.assign(lightgbm_low=8e4, lightgbm_high=1.2e5)
    names = {"bayesian": "Bayesian", "lightgbm": "LightGBM", "seasonal_naive": "last year's values"}
    with styled():
        check(figures.weeks.holdout(table, names, look(1)))


@pytest.mark.parametrize(
    ("middle", "spread"), [(0.0, 1.0), (5.0, 1.0), (-5.0, 1.0), (1e6, 10.0), (-1e6, 10.0), (2e-4, 1e-4), (0.0, 1e-3)]
)
def test_gains_wherever_they_lie(middle, spread):
    values = np.sort(middle + spread * np.random.default_rng(3).standard_normal(101))
    with styled():
        figure = figures.plan.gain(tuple(values), look(1))
        check(figure)
    dots = figure.axes[0].collections[0].get_offsets()
    assert len(dots) == 50
    middles = np.interp(np.arange(1, 100, 2), np.arange(101), values)
    width = np.ptp(figure.axes[0].get_xlim()) / 10
    assert np.abs(np.sort(dots[:, 0]) - middles).max() < width
    colours = [tuple(c) for c in figure.axes[0].collections[0].get_facecolors()]
    assert len(set(colours)) == 1 + bool((middles <= 0).any() and (middles > 0).any())


def totals(now=0.5, beyond=True, points=9):
    """Return a plan and the frontier around it, as the report draws them."""
    curves = hill_curves([(9e6, 3e6, 1.0), (7e6, 2e6, 2.5)], [2e6 * now, 1e6], draws=40, noise=0.4)
    plan = allocate(replace(curves, observed=curves.today * (0.9 if beyond else 3.0)), Allocate(relative=(0, 2)))
    table = allocate_frontier(curves, Allocate(relative=(0, 2)), points=points)
    return totals_of(read(table), plan), plan


def read(found):
    """Return a frontier as it comes out of its file."""
    return pd.read_csv(StringIO(as_table(found).to_csv(index=False)))


@pytest.mark.parametrize(("now", "beyond", "points"), [(0.5, True, 9), (2.0, False, 9), (0.001, True, 2)])
def test_the_best_plans_for_all_totals(now, beyond, points):
    table, plan = totals(now, beyond, points)
    with styled():
        figure = figures.plan.frontier(table, plan, look(2, "EUR"))
        check(figure)
    marks = [line for line in figure.axes[1].lines if line.get_marker() == "o"]
    assert {float(m.get_xdata()[0]) for m in marks} == {plan.spend_now, plan.spend_plan}
    assert ("over 10% of it never spent before" in legend_of(figure)) == bool((table["beyond"] > 0.1).any())


@pytest.mark.parametrize(("count", "weeks", "scale"), [(1, 1, 1.0), (3, 52, 1e-3), (12, 13, 1e9), (2, 208, 1e4)])
def test_weeks_of_any_number_of_channels(count, weeks, scale):
    gained = Gain(*(scale * v for v in (2.0, 2.0, -1.0, 5.0)), 0.9, (scale,) * 101)
    spend = tuple(scale * np.random.default_rng(2).gamma(1.0, 1.0, weeks))
    even = Finding("schedule.even")
    found = [Schedule(n, spend, spend, sum(spend), 0.0, scale, even, scale, gained) for n in NAMES[:count]]
    with styled():
        figure = figures.plan.schedule(found, look(count))
        check(figure)
    assert len(figure.axes[0].containers) == count


def test_dots_stand_on_the_side_of_zero_that_they_belong_to():
    values = tuple(np.linspace(-1.3, 4.7, 101))
    with styled():
        dots = figures.plan.gain(values, look(1)).axes[0].collections[0].get_offsets()
    assert (dots[:, 0] < 0).sum() == (np.interp(np.arange(1, 100, 2), np.arange(101), values) < 0).sum()


def test_a_users_own_settings_do_not_change_the_figures():
    import matplotlib as mpl

    with styled():
        plain = svg(figures.plan.gain(tuple(range(101)), look(1)), "gain")
    with mpl.rc_context({"font.size": 30, "axes.grid": False, "savefig.transparent": True}), styled():
        assert svg(figures.plan.gain(tuple(range(101)), look(1)), "gain") == plain
