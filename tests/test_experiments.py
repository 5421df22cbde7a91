"""Experiments as they are: several channels, before or after the panel, as a ROAS, from files of other programs."""

import json
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytensor
import pytest

from mmm_bayes.config import LiftTest, Model, load_config, make_config, override
from mmm_bayes.errors import ConfigError
from mmm_bayes.model.arrays import graph_data, sizes_of
from mmm_bayes.model.design import build_design
from mmm_bayes.model.graph import build_model
from mmm_bayes.panel import panel_from_frame
from mmm_bayes.posterior import Posterior
from mmm_bayes.posterior.lift import lift_table, predicted_lift
from mmm_bayes.report.facts import about_tests
from mmm_bayes.report.words import word


def a_test(**changes):
    fields = {"channel": "tv", "start": "2022-08-01", "end": "2022-08-28", "spend_change": 1000.0}
    return LiftTest(**{**fields, "incremental_kpi": 2000.0, "standard_error": 500.0, **changes})


def both(**changes):
    return a_test(channel=None, channels=("tv", "social"), **changes)


def predicted(run, posterior, *tests):
    return predicted_lift(posterior, build_design(run.panel, Model(lift_tests=tests)).data)


def test_a_test_of_several_channels_tells_the_sum_of_their_effects(small_run, small_posterior):
    alone = [
        a_test(spend_change=700.0, geos=("geo_02",)),
        a_test(channel="social", spend_change=300.0, geos=("geo_02",)),
    ]
    together = both(spend_change={"tv": 700.0, "social": 300.0}, geos=("geo_02",))
    found = predicted(small_run, small_posterior, *alone, together)
    np.testing.assert_allclose(found[:, 2], found[:, 0] + found[:, 1], rtol=1e-12)
    spend = small_run.panel.data["spend"].sel(week=slice("2022-08-01", "2022-08-28"), geo="geo_02").sum("week")
    share = float(spend.sel(channel="tv") / (spend.sel(channel="tv") + spend.sel(channel="social")))
    shared, named = predicted(
        small_run,
        small_posterior,
        both(spend_change=500.0, geos=("geo_02",)),
        both(spend_change={"tv": 500.0 * share, "social": 500.0 * (1 - share)}, geos=("geo_02",)),
    ).T
    np.testing.assert_allclose(shared, named, rtol=1e-9)


def test_a_channel_that_rested_has_no_part_in_a_joint_test(small_run, small_posterior):
    """Nothing was spent on tv in these weeks, so all of the change is that of social."""
    weeks = {"start": "2022-11-07", "end": "2022-11-13", "spend_change": 500.0}
    found = predicted(small_run, small_posterior, both(**weeks), a_test(channel="social", **weeks))
    np.testing.assert_allclose(found[:, 0], found[:, 1], rtol=1e-12)


def slow_outside(run, posterior, draw, test, near):
    """The definition, one cell after the other: the mean week of the nearest year, and changed weeks in it."""
    data, l_max, c = run.panel.data, posterior.shape.l_max, run.panel.channels.index(test.channel)
    spend = data["spend"].transpose("channel", "geo", "week").to_numpy()[c]
    person = data["population"].to_numpy()
    typical = np.median([s / p for row, p in zip(spend, person, strict=True) for s in row if s > 0])
    weeks = ((test.end - test.start).days + 7) // 7
    alpha, kappa, slope = (posterior[name][draw, c] for name in ("alpha", "kappa", "slope"))
    mean = [float(np.mean(row[near])) for row in spend]
    usual, total = sum(mean) * weeks, 0.0
    for g, week in enumerate(mean):
        with_it = [week] * (l_max - 1) + [max(week * (1 + test.change / usual), 0.0)] * weeks + [week] * (l_max - 1)
        without = [week] * (l_max - 1) + [week * max(-test.change / usual, 1.0)] * weeks + [week] * (l_max - 1)
        gained = 0.0
        for series, sign in ((with_it, 1), (without, -1)):
            for t in range(l_max - 1, len(series)):
                weights = [alpha**lag for lag in range(l_max)]
                carried = sum(w * series[t - lag] for lag, w in enumerate(weights)) / sum(weights) / person[g] / typical
                gained += sign * (carried**slope / (carried**slope + kappa**slope) if carried > 0 else 0.0)
        total += gained * float(data["kpi"].sel(geo=run.panel.geos[g]).mean()) * posterior["geo_effect"][draw, c, g]
    return total * posterior["beta"][draw, c]


OUTSIDE = (
    (a_test(start="2021-01-04", end="2021-01-31", spend_change=4000.0), slice(0, 52)),
    (a_test(channel="search", start="2023-06-01", end="2023-06-10", spend_change=-900.0), slice(-52, None)),
    (a_test(start="2021-12-20", end="2022-01-16", spend_change=-1e6), slice(0, 52)),
)


@pytest.mark.parametrize("at", range(len(OUTSIDE)))
def test_a_test_outside_of_the_panel_changes_the_mean_week_of_the_nearest_year(small_run, small_posterior, at):
    test, near = OUTSIDE[at]
    found = predicted(small_run, small_posterior, *(t for t, _ in OUTSIDE))
    for draw in (0, 130):
        assert found[draw, at] == pytest.approx(slow_outside(small_run, small_posterior, draw, test, near), rel=1e-6)
    assert np.sign(found[0, at]) == np.sign(test.change)


def test_the_older_a_test_the_less_it_tells(small_run):
    inside, before, after = a_test(), OUTSIDE[0][0], OUTSIDE[1][0]
    data = build_design(small_run.panel, Model(lift_tests=(inside, before, after), test_aging=0.3)).data
    years = [np.nan, (pd.Timestamp("2022-01-03") - pd.Timestamp("2021-01-31")).days / 365.25, 95 / 365.25]
    np.testing.assert_allclose(data["lift_age"], years, rtol=1e-12)
    wanted = [500.0, *(np.sqrt(500.0**2 + (0.3 * age * 2000.0) ** 2) for age in years[1:])]
    np.testing.assert_allclose(data["lift_error"], wanted, rtol=1e-12)


def test_tests_before_the_panel_are_known_to_a_holdout_and_later_ones_are_not(small_run):
    model = Model(lift_tests=tuple(test for test, _ in OUTSIDE))
    assert build_design(small_run.panel, model).data.sizes["test"] == 3
    assert build_design(small_run.panel, model, train=50).data.sizes["test"] == 2


def test_a_roas_is_kpi_by_the_change_of_spend_and_the_worth_of_the_kpi(small_run):
    frame = small_run.simulated.frame.assign(worth=4.0)
    columns = small_run.simulated.columns.model_copy(update={"kpi_value": "worth"})
    panel = panel_from_frame(frame, columns, "worth")
    given = {"incremental_kpi": None, "standard_error": None, "roas": 3.0}
    tests = (
        a_test(**given, interval=(1.0, 5.0), level=0.9),
        a_test(**{**given, "standard_error": 0.5}, spend_change=-800.0),
    )
    data = build_design(panel, Model(lift_tests=tests)).data
    np.testing.assert_allclose(data["lift_kpi"], [3.0 * 1000 / 4, -3.0 * 800 / 4])
    np.testing.assert_allclose(data["lift_error"], [2.0 / NormalDist().inv_cdf(0.95) * 1000 / 4, 0.5 * 800 / 4])


@pytest.mark.parametrize("options", [{}, {"saturation": "logistic"}])
def test_the_graph_predicts_what_numpy_predicts_and_reads_the_data_alone(small_run, small_posterior, options):
    tests = (a_test(), both(spend_change=500.0, geos=("geo_02", "geo_03")), *(test for test, _ in OUTSIDE))
    model = Model(lift_tests=tests, **options)
    design = build_design(small_run.panel, model)
    graph = build_model(design, model)
    gradient = graph.compile_dlogp(mode="FAST_COMPILE")
    assert {v.name for v in gradient.f.get_shared()} <= {*graph_data(design, model), *sizes_of(design.data, model)}
    if options:
        return
    lift = next(v for v in graph.observed_RVs if v.name == "lift")
    inputs = {v.name: v for v in graph.free_RVs}
    names = ["alpha", "kappa", "slope", "log_effect", "eta", "geo_effect_z"]
    function = pytensor.function([inputs[n] for n in names], lift.owner.inputs[2], mode="FAST_COMPILE")
    wanted, geo = predicted_lift(small_posterior, design.data), np.log(small_posterior["geo_effect"])
    eta = small_posterior["eta"][40]
    point = [small_posterior[n][40] for n in names[:4]] + [eta, geo[40] / eta[:, None]]
    np.testing.assert_allclose(function(*point), wanted[40], rtol=1e-6)


def test_the_table_and_its_sentences_say_what_was_made_of_each_test(small_run, small_posterior):
    roas = {"incremental_kpi": None, "standard_error": 0.2, "roas": 2.5}
    tests = (a_test(), both(), OUTSIDE[0][0], a_test(channel="search", **roas))
    model = Model(lift_tests=tests)
    tree = small_posterior.tree.copy()
    tree.attrs["model"] = model.model_dump_json()
    tree["constant_data"] = type(tree)(build_design(small_run.panel, model).data)
    lift = predicted_lift(small_posterior, tree["constant_data"].to_dataset())
    sizes = tree["posterior"].sizes
    draws = {
        "roi": tree["posterior"]["roi"],
        "lift": (("chain", "draw", "test"), lift.reshape(sizes["chain"], sizes["draw"], -1)),
    }
    tree["without_tests"] = type(tree)(tree["posterior"].to_dataset()[["roi"]].assign(draws))
    table = lift_table(Posterior(tree), 0.9)
    assert table["channel"].tolist() == ["tv", "tv and social", "tv", "search"]
    spend = dict(zip(small_posterior.channels, small_posterior.spend, strict=True))
    roi = dict(zip(small_posterior.channels, small_posterior["roi"].T, strict=True))
    joint = sum(roi[c] * spend[c] for c in ("tv", "social")) / (spend["tv"] + spend["social"])
    assert table["roi_median"][1] == pytest.approx(np.median(joint))
    said = [word(finding) for finding in about_tests(table, model.test_aging)]
    assert said[0] == "Test 2 changed tv and social at once: its result is that of the sum of their effects."
    assert "It lies 0.9 years away, and its standard error was widened by 25% of the result for each year" in said[1]
    assert said[2].startswith("Test 4 was given as a ROAS of 2.50; times")


# --- results in files ----------------------------------------------------------------------------

PRINTED = """{
    'north': AnalysisMetrics(
        lift=Estimate(
            point_estimate=np.float64(26000.0), lower_bound=20000.0, upper_bound=32000.0,
            standard_deviation=1.0, p_value=0.001,
        ),
        icpd=Estimate(point_estimate=1.3, lower_bound=-inf, upper_bound=1.4, standard_deviation=nan, p_value=None),
        descriptive_metrics=None,
    )
}"""
LIFT = {"point_estimate": 26000.0, "lower_bound": 20000.0, "upper_bound": 32000.0, "p_value": 0.001}
CAUSALPY = pd.DataFrame(
    {"mean": [2600.0, 26000.0], "median": [2.0, 1.0], "hdi_lower": [2000.0, 20000.0], "hdi_upper": [3.0, 32000.0]},
    index=["average", "cumulative"],
)
FILES = {
    "printed by meridian-geox": PRINTED,
    "JSON of meridian-geox": json.dumps({"results": {"north": {"lift": LIFT, "percent_lift": LIFT}}}),
    "CSV of CausalPy": CAUSALPY.to_csv(),
    "JSON of CausalPy by columns": CAUSALPY.to_json(),
    "JSON of CausalPy by rows": CAUSALPY.to_json(orient="index"),
}


def configured(tmp_path, content, **test):
    (tmp_path / "result.txt").write_text(content, encoding="utf-8")
    fields = {"channel": "tv", "start": "2022-06-06", "end": "2022-07-03", "spend_change": 1000.0, "level": 0.95}
    panel = {"path": "x", "kpi": "y", "spend": {"tv": "s"}}
    raw = {"name": "a", "panel": panel, "model": {"lift_tests": [{**fields, "path": "result.txt", **test}]}}
    return make_config(raw, folder=tmp_path)


@pytest.mark.parametrize("kind", FILES)
def test_results_of_other_programs_are_read_as_they_are(kind, tmp_path):
    (test,) = configured(tmp_path, FILES[kind]).model.lift_tests
    assert (test.incremental_kpi, test.interval) == (26000.0, (20000.0, 32000.0))
    assert test.error == pytest.approx(6000.0 / 1.959964, rel=1e-6)


def test_what_a_file_holds_decides_like_what_the_configuration_says(tmp_path):
    config = configured(tmp_path, PRINTED)
    assert override(config, sampler={"seed": 7}).model == config.model
    assert Model.model_validate_json(config.model.model_dump_json()).lift_tests[0].result == 26000.0
    assert configured(tmp_path, PRINTED.replace("26000", "27000")).model != config.model


@pytest.mark.parametrize(
    ("content", "test", "sentence"),
    [
        (json.dumps({"a": {"lift": LIFT}, "b": {"lift": LIFT}}), {}, "holds the cells a, b; name one as 'cell'"),
        (json.dumps({"a": {"lift": LIFT}}), {"cell": "aa"}, r"has no cell 'aa'; did you mean 'a'\?|valid are a"),
        (CAUSALPY.iloc[:1].to_csv(), {}, "holds no result; save that of meridian-geox"),
        ("week,sales\n1,2\n", {}, "holds no result; save that of meridian-geox"),
        ("[1, 2]", {}, "holds no result"),
        (PRINTED.replace("32000.0", "inf"), {}, "has 'inf' where a number should be; give a result with a finite"),
        (PRINTED, {"roas": 2.0}, "names the file that holds the result; leave out 'roas'"),
        (PRINTED, {"path": "gone.txt"}, "gone.txt cannot be read as a text; correct the path"),
        (PRINTED, {"level": None}, "level' is missing: the probability of the file's interval"),
    ],
)
def test_a_file_that_holds_no_result_is_one_sentence_with_its_place(content, test, sentence, tmp_path):
    with pytest.raises(ConfigError, match=sentence) as found:
        configured(tmp_path, content, **test)
    assert "model.lift_tests.0" in str(found.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"channels": ["tv", "tv"], "channel": None}, "channels' names a channel twice"),
        ({"channels": ["tv", "radio"]}, "give either 'channel' or 'channels'"),
        ({"channel": None}, "give either 'channel' or 'channels'"),
        ({"spend_change": {"radio": 5}}, "spend_change' must have a line for each of tv"),
        ({"roas": 2.0}, "give one result: 'incremental_kpi', 'roas', or the 'path'"),
        ({"interval": [1, 2], "standard_error": None}, "level' is missing"),
        ({"interval": [2, 1], "level": 0.9, "standard_error": None}, "interval' does not rise"),
        ({"interval": [1, 2], "level": 0.9}, "give either 'standard_error' or 'interval'"),
        ({"cell": "a"}, "cell' is read with a file only"),
    ],
)
def test_results_that_contradict_themselves_are_refused(changes, sentence):
    fields = {"channel": "tv", "start": "2022-06-06", "end": "2022-07-03", "spend_change": 1000.0}
    test = {**fields, "incremental_kpi": 1.0, "standard_error": 1.0, **changes}
    test = {key: value for key, value in test.items() if value is not None}
    raw = {"name": "a", "panel": {"path": "x", "kpi": "y", "spend": {"tv": "s"}}, "model": {"lift_tests": [test]}}
    with pytest.raises(ConfigError, match=sentence):
        make_config(raw)


def test_a_mistake_in_a_file_names_the_line_of_the_configuration(tmp_path):
    (tmp_path / "a.yaml").write_text(
        "name: a\npanel: {path: x, kpi: y, spend: {tv: s}}\nmodel:\n  lift_tests:\n"
        "    - {channel: tv, start: 2022-06-06, end: 2022-07-03, spend_change: 5, path: gone.json, level: 95%}\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigError, match=r"a.yaml, line 5: 'model.lift_tests.0.path': gone.json cannot be read"):
        load_config(tmp_path / "a.yaml")
