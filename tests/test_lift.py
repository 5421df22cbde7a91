"""Lift tests: prediction against a slow loop, graph against NumPy, evidence against known truth."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pytensor
import pytest
from pytensor.compile.mode import Mode

from mmm_bayes.config import LiftTest, Model, Sampler, make_config
from mmm_bayes.errors import ConfigError
from mmm_bayes.model import fit, prior_quantity
from mmm_bayes.model.arrays import graph_data, sizes_of
from mmm_bayes.model.design import build_design
from mmm_bayes.model.graph import build_model
from mmm_bayes.model.kept import structure
from mmm_bayes.panel import Panel, panel_from_frame
from mmm_bayes.posterior import Posterior, load_posterior, save_posterior
from mmm_bayes.posterior.attribution import media_contributions
from mmm_bayes.posterior.checks import diagnose
from mmm_bayes.posterior.lift import lift_table, predicted_lift
from mmm_bayes.report.words import judged
from mmm_bayes.simulate import PanelSpec, Simulated, simulate_panel
from mmm_bayes.simulate.truth import response_of


def lift_test(**changes):
    fields = {"channel": "tv", "start": "2022-06-06", "end": "2022-07-03", "spend_change": 1000.0}
    return LiftTest(**{**fields, "incremental_kpi": 2000.0, "standard_error": 500.0, **changes})


def slow_lift(posterior, draw, panel, test):
    """The definition, word for word: KPI of spend as it was minus KPI of spend without the change."""
    data, l_max = panel.data, posterior.shape.l_max
    c = panel.channels.index(test.channel)
    geos = [panel.geos.index(g) for g in test.geos or panel.geos]
    dates = [date.fromordinal(w.toordinal() + 6) for w in panel.weeks]
    weeks = [t for t, w in enumerate(panel.weeks) if w.date() <= test.end and dates[t] >= test.start]
    spend = data["spend"].transpose("channel", "geo", "week").to_numpy()[c]
    spent = sum(spend[g, t] for g in geos for t in weeks)
    person = [float(data["population"][g]) for g in range(len(panel.geos))]
    alpha, kappa, slope = (posterior[name][draw, c] for name in ("alpha", "kappa", "slope"))
    typical = np.median([spend[g, t] / person[g] for g, t in np.ndindex(spend.shape) if spend[g, t] > 0])

    def kpi(g, t, changed):
        carried, weight = 0.0, 0.0
        for lag in range(l_max):
            weight += alpha**lag
            if t - lag < 0:
                continue
            money = spend[g, t - lag]
            if changed and t - lag in weeks:
                if spent >= abs(test.spend_change):
                    money -= test.spend_change * money / spent
                else:
                    money -= test.spend_change * person[g] / sum(person[h] for h in geos) / len(weeks)
            carried += alpha**lag * money / person[g] / typical
        carried /= weight
        saturated = carried**slope / (carried**slope + kappa**slope) if carried > 0 else 0.0
        mean = float(data["kpi"].transpose("geo", "week")[g].mean())
        return mean * posterior["beta"][draw, c] * posterior["geo_effect"][draw, c, g] * saturated

    last = min(max(weeks) + l_max, len(panel.weeks))
    return sum(kpi(g, t, False) - kpi(g, t, True) for g in geos for t in range(min(weeks), last))


TESTS = (
    lift_test(geos=("geo_01", "geo_03"), spend_change=3000.0),
    lift_test(start="2022-03-09", end="2022-03-15", spend_change=-500.0),
    lift_test(channel="search", start="2023-01-02", end="2023-02-20", geos=("geo_02",), spend_change=-2e6),
)


@pytest.mark.parametrize("place", range(len(TESTS)))
def test_predicted_lift_is_the_counterfactual_of_a_slow_loop(small_run, small_posterior, place):
    test = TESTS[place]
    data = build_design(small_run.panel, Model(lift_tests=TESTS)).data
    found = predicted_lift(small_posterior, data)
    assert found.shape == (small_posterior.draws, 3)
    for draw in (0, 17, 200):
        wanted = slow_lift(small_posterior, draw, small_run.panel, test)
        assert found[draw, place] == pytest.approx(wanted, rel=1e-6)
        assert np.sign(wanted) == np.sign(test.spend_change)


def test_the_graph_predicts_what_numpy_predicts(small_run, small_posterior):
    model = Model(lift_tests=TESTS)
    design = build_design(small_run.panel, model)
    graph = build_model(design, model)
    lift = next(v for v in graph.observed_RVs if v.name == "lift")
    inputs = {v.name: v for v in graph.free_RVs}
    names = ["alpha", "kappa", "slope", "log_effect", "eta", "geo_effect_z"]
    function = pytensor.function([inputs[n] for n in names], lift.owner.inputs[2], mode="FAST_COMPILE")
    wanted = predicted_lift(small_posterior, design.data)
    geo = np.log(small_posterior["geo_effect"])
    for draw in (3, 250):
        eta = small_posterior["eta"][draw]
        point = [small_posterior[n][draw] for n in names[:4]] + [eta, geo[draw] / eta[:, None]]
        np.testing.assert_allclose(function(*point), wanted[draw], rtol=1e-6)


@pytest.mark.parametrize("options", [{"saturation": "logistic"}, {"order": "saturation_first", "adstock": "delayed"}])
def test_every_shape_takes_lift_tests(small_run, options):
    model = Model(lift_tests=TESTS, **options)
    graph = build_model(build_design(small_run.panel, model), model)
    each = graph.compile_logp(sum=False, mode="FAST_COMPILE")(graph.initial_point())  # Python adds no 32 at once
    assert all(np.isfinite(part).all() for part in each)


def test_other_tests_compile_nothing(small_run):
    model = Model(lift_tests=TESTS)
    others = Model(lift_tests=tuple(t.model_copy(update={"incremental_kpi": 9.0}) for t in TESTS))
    elsewhere = Model(lift_tests=tuple(t.model_copy(update={"channel": "social", "geos": None}) for t in TESTS[:1]))
    keys = [structure(build_design(small_run.panel, m), m) for m in (model, others, elsewhere, Model())]
    assert keys[0] == keys[1] == keys[2] != keys[3]


@pytest.mark.parametrize("options", [{}, {"baseline": "smooth", "saturation": "logistic"}])
def test_the_graph_reads_nothing_but_the_data_that_are_exchanged(small_run, options):
    """Anything else would be lost when the machine code is read back from the cache."""
    model = Model(lift_tests=TESTS, **options)
    design = build_design(small_run.panel, model)
    gradient = build_model(design, model).compile_dlogp(mode=Mode("py", None))
    assert {v.name for v in gradient.f.get_shared()} <= set(graph_data(design, model)) | set(
        sizes_of(design.data, model)
    )


def test_without_tests_nothing_is_added(small_run):
    plain = build_design(small_run.panel, Model())
    assert not [name for name in graph_data(plain, Model()) if name.startswith("lift")]
    graph = build_model(plain, Model())
    assert not [name for name in graph.named_vars if name.startswith("lift")]


def test_tests_after_the_training_weeks_are_left_out(small_run):
    model = Model(lift_tests=TESTS)
    cut = build_design(small_run.panel, model, train=50)
    assert cut.data.sizes["test"] == 2  # the third ends in the holdout
    assert "lift_media" not in build_design(small_run.panel, model, train=5).data
    crossing = build_design(small_run.panel, Model(lift_tests=TESTS[:1]), train=27)
    assert crossing.data["lift_weight"].to_numpy()[0, 0].astype(bool).sum() == 5  # 4 tested weeks, 1 of carry-over


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"channel": "tvv"}, r"entry 1 names the channel 'tvv'; did you mean 'tv'\?"),
        ({"geos": ("geo_1",)}, r"entry 1 names the geo 'geo_1'; did you mean 'geo_01'\?"),
        ({"channel": None, "channels": ("tv", "radio")}, r"entry 1 names the channel 'radio'; valid are"),
        ({"spend_change": 1e9}, r"'spend_change' is 1,000,000,000, but only [\d,]+ was spent on 'tv'"),
    ],
)
def test_a_test_that_does_not_fit_the_panel_is_one_sentence(small_run, changes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        build_design(small_run.panel, Model(lift_tests=(lift_test(**changes),)), train=changes.get("train"))


def test_a_test_of_an_organic_channel_is_refused(small_run):
    columns = small_run.simulated.columns
    spend = {c: column for c, column in columns.spend.items() if c != "social"}
    columns = columns.model_copy(update={"spend": spend, "organic": {"social": columns.spend["social"]}})
    panel = panel_from_frame(small_run.simulated.frame, columns, "organic")
    with pytest.raises(ConfigError, match="'social' is organic and has no spend to test"):
        build_design(panel, Model(lift_tests=(lift_test(channel="social"),)))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"standard_error": 0.0}, r"model.lift_tests.0.standard_error' must be above 0 \(given: 0.0\)"),
        ({"spend_change": 0.0}, r"model.lift_tests.0.spend_change' is 0"),
        ({"end": "2022-01-01"}, r"model.lift_tests.0.end' is 2022-01-01 and 'start' 2022-06-06"),
        ({"geos": []}, r"model.lift_tests.0.geos' names no geo"),
        ({"lift": 3}, "unknown key 'model.lift_tests.0.lift'"),
    ],
)
def test_impossible_results_are_refused_with_their_place(changes, sentence):
    fields = {"channel": "tv", "start": "2022-06-06", "end": "2022-07-03", "spend_change": 1000.0}
    test = {**fields, "incremental_kpi": 1.0, "standard_error": 1.0, **changes}
    raw = {"name": "a", "panel": {"path": "x", "kpi": "y", "spend": {"tv": "s"}}, "model": {"lift_tests": [test]}}
    with pytest.raises(ConfigError, match=sentence):
        make_config(raw)


def test_media_without_spend_in_the_window_comes_back_at_the_usual_price(small_run):
    """A holdout that cut all spend: the counterfactual spends the cut, per person alike, at the usual price."""
    frame, columns = small_run.simulated.frame.copy(), small_run.simulated.columns
    weeks = pd.to_datetime(frame["week"])
    dark = (weeks >= "2022-06-06") & (weeks <= "2022-07-03")
    frame.loc[dark, "spend_tv"] = 0.0
    frame["impressions"] = 40 * frame["spend_tv"]
    test = lift_test(spend_change=-8000.0)
    both = []
    for extra in ({}, {"exposure": {"tv": "impressions"}}):
        panel = panel_from_frame(frame, columns.model_copy(update=extra), "dark")
        both.append(build_design(panel, Model(lift_tests=(test,))).data)
    for data in both:
        sides = data["lift_media"].to_numpy()[:, 0, :, 7:11]
        assert (sides[0] == 0).all() and np.ptp(sides[1]) == pytest.approx(0, abs=1e-12)
    raw = both[0]["lift_media"].to_numpy()[1, 0, :, 7:11] * both[0]["media_scale"].to_numpy()[0][:, None]
    assert raw.sum() == pytest.approx(8000.0)
    np.testing.assert_allclose(both[0]["lift_media"], both[1]["lift_media"], rtol=1e-9)


# --- evidence: two fits of one national panel ---------------------------------------------------


def true_lift(truth, test):
    """Return the incremental KPI of a test over all geos by the formulas of the simulator."""
    own = truth.data.sel(channel=test.channel)
    weeks = pd.DatetimeIndex(own["week"].to_numpy())
    tested = np.array([test.start <= w.date() <= test.end for w in weeks])
    spend = own["spend"].to_numpy()
    without = spend * (1 - tested * test.spend_change / spend[:, tested].sum())
    unit = own["media_scale"].to_numpy()[:, None]
    past = np.zeros((len(spend), truth.l_max - 1))
    kpi = [response_of(own, truth.l_max)(np.concatenate([past, s / unit], axis=1)) for s in (spend, without)]
    last = np.flatnonzero(tested)[-1] + truth.l_max
    return float((own["coefficient"].to_numpy()[:, None] * (kpi[0] - kpi[1]))[:, :last].sum())


CHANNEL = "search"
FAST = Sampler(draws=300, tune=300, chains=2)


@dataclass(frozen=True)
class Known:
    """A national panel of known truth, and the fit with a test of one of its channels that found the truth."""

    simulated: Simulated
    panel: Panel
    test: LiftTest
    posterior: Posterior


@pytest.fixture(scope="module")
def tested():
    simulated = simulate_panel(PanelSpec(geos=1, weeks=110, seed=11))
    spend = simulated.truth.data["spend"].sel(channel=CHANNEL, geo="national").to_pandas()
    change = 0.6 * spend["2023-02-27":"2023-04-23"].sum()
    test = lift_test(channel=CHANNEL, start="2023-02-27", end="2023-04-23", spend_change=change)
    truth = true_lift(simulated.truth, test)
    test = test.model_copy(update={"incremental_kpi": truth, "standard_error": 0.08 * truth})
    panel = panel_from_frame(simulated.frame, simulated.columns, "tested")
    return Known(simulated, panel, test, fit(panel, Model(lift_tests=(test,)), FAST))


def reasons(posterior, name):
    """Return the checks of a fit whose names start so."""
    prior = prior_quantity(posterior, Model(), 0.9)
    found = diagnose(posterior, media_contributions(posterior), prior, 0.9)
    return [r for r in found["reasons"] if r["check"].startswith(name)]


def test_a_lift_test_narrows_the_roi_and_moves_it_to_the_truth(tested):
    row = lift_table(tested.posterior, 0.9).iloc[0]
    truth = np.log(tested.simulated.truth.roi[CHANNEL])
    before, after = (np.log([row[f"{n}_{end}"] for end in ("low", "median", "high")]) for n in ("roi_before", "roi"))
    assert after[0] < truth < after[2]
    assert after[2] - after[0] < 0.7 * (before[2] - before[0])
    assert abs(after[1] - truth) < 0.7 * abs(before[1] - truth)
    assert row["predicted_low"] < tested.test.incremental_kpi < row["predicted_high"]
    assert row["predicted_high"] - row["predicted_low"] < 0.5 * (row["before_high"] - row["before_low"])


def test_a_test_that_agrees_passes_and_one_that_contradicts_is_a_warning(tested):
    (agrees,) = reasons(tested.posterior, "lift_test")
    assert agrees["status"] == "PASS" and judged(agrees).check == "lift test 1"
    assert not judged(agrees).remedy and "contradict" not in judged(agrees).message
    wrong = tested.test.model_copy(update={"incremental_kpi": 8 * tested.test.incremental_kpi})
    (contradicts,) = reasons(fit(tested.panel, Model(lift_tests=(wrong,)), FAST), "lift_test")
    assert contradicts["status"] == "REVIEW" and contradicts["value"] > 2
    said = judged(contradicts)
    assert "contradict each other" in said.message and "model.priors.roi of 'search'" in said.remedy


def test_the_file_holds_what_the_table_needs(tested, tmp_path):
    save_posterior(tested.posterior, tmp_path / "posterior.nc")
    read = load_posterior(tmp_path / "posterior.nc")
    pd.testing.assert_frame_equal(lift_table(read, 0.9), lift_table(tested.posterior, 0.9))
