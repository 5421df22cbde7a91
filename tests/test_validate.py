"""The checks of a configuration find what they are for, keep what they have done, and come out the same everywhere."""

import json
import shutil
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mmm_bayes import pipeline, pool
from mmm_bayes.cli import commands
from mmm_bayes.config import Allocate, Model
from mmm_bayes.errors import ConfigError, FitError
from mmm_bayes.model.design import build_design
from mmm_bayes.model.prior import draw_prior
from mmm_bayes.panel import Panel, panel_from_frame
from mmm_bayes.pipeline.validate import _tidy
from mmm_bayes.posterior import Posterior
from mmm_bayes.posterior.predictions import explain, simulate
from mmm_bayes.posterior.prior_predictive import prior_quantities
from mmm_bayes.report import facts
from mmm_bayes.report.words import word
from mmm_bayes.simulate import PanelSpec, simulate_panel
from mmm_bayes.transforms import PARAMETERS, drift_weights
from mmm_bayes.validate import side_by_side
from mmm_bayes.validate.checks import CHECKS, Outcome, outcome_of, table_of
from mmm_bayes.validate.perturbation import ERROR, perturbed
from mmm_bayes.validate.placebo import BLOCK, shuffled, with_placebo
from mmm_bayes.validate.recovery import summary as recovered
from mmm_bayes.validate.run import validate
from mmm_bayes.validate.sbc import uniformity
from mmm_bayes.validate.sensitivity import others
from mmm_bayes.validate.stability import moved_money
from mmm_bayes.validate.stability import summary as stable
from mmm_bayes.validate.trials import COLUMNS, Subject
from mmm_bayes.validate.truth import each, like_this_panel, simulated


def national(weeks: int = 80, seed: int = 4) -> Panel:
    made = simulate_panel(PanelSpec(geos=1, weeks=weeks, seed=seed))
    return panel_from_frame(made.frame, made.columns, "national")


@pytest.fixture(scope="module")
def subject(small_run, small_posterior) -> Subject:
    return Subject(small_run.config, small_run.panel, small_posterior)


@pytest.fixture(scope="module")
def prior(subject) -> Posterior:
    return draw_prior(subject.design, subject.config.model, 400, 5)


# --- truths -------------------------------------------------------------------------------------


def test_draws_of_the_prior_follow_it(subject, prior):
    """ROI as `prior_quantities` has it, which draws in another way; slope and drift as their own distributions."""
    known = prior_quantities(subject.design.data, subject.config.model.priors, subject.config.model.shape)
    for c in range(len(subject.panel.channels)):
        assert stats.ks_2samp(np.log(prior["roi"][:, c]), np.log(known[:, c])).pvalue > 1e-3
    assert stats.kstest(prior["rho"], stats.beta(4, 1).cdf).pvalue > 1e-3
    assert stats.kstest(prior["sigma"][:, 0], stats.lognorm(1.0, scale=np.exp(-2.5)).cdf).pvalue > 1e-3
    assert bent(prior, subject) == pytest.approx(expected_bending(subject), abs=0.15)


def bent(prior: Posterior, subject: Subject) -> float:
    """The mean log elasticity of the first channel's curve."""
    own = {name: prior[name][:, 0] for name in ("kappa", "slope")}
    media = subject.design.data["mean_media"].to_numpy()[0]
    return float(np.log(subject.config.model.shape.elasticity(media, own)).mean())


def expected_bending(subject: Subject, draws: int = 40_000) -> float:
    """The same of independent curves, weighted by how they bend and how alike those of the channels are."""
    channels = len(subject.panel.channels)
    random, weight, curves = np.random.default_rng(3), np.zeros(draws), {}
    correlated = stats.multivariate_normal(cov=pool.ALIKE + (1 - pool.ALIKE) * np.eye(channels))
    for name in ("kappa", "slope"):
        prior, standard = PARAMETERS[name].prior, random.standard_normal((draws, channels))
        curves[name] = np.exp(prior["mu"] + prior["sigma"] * standard)
        weight += correlated.logpdf(standard) - stats.norm.logpdf(standard).sum(axis=1)
    elasticity = subject.config.model.shape.elasticity(subject.design.data["mean_media"].to_numpy(), curves)
    weight += pool.bend_log_density(elasticity).sum(axis=1)
    return float(np.average(np.log(elasticity[:, 0]), weights=np.exp(weight)))


def test_contributions_of_the_prior_are_those_of_its_curves(subject, prior):
    data, shape = subject.design.data, subject.config.model.shape
    media, money = data["media"].to_numpy(), data["money"].to_numpy()
    own = {name: prior[name][7][:, None] for name in shape.parameters}
    response = shape.respond(media, own) * prior["geo_effect"][7][:, :, None]
    brought = (prior["beta"][7][:, None, None] * response * money).sum(axis=(1, 2))
    np.testing.assert_allclose(brought, prior["roi"][7] * data["spend"].sum(("geo", "week")))


def test_a_simulated_kpi_is_what_a_loop_over_weeks_makes_of_the_same_shocks():
    design = build_design(national(), Model())
    truth = next(each(draw_prior(design, Model(), 3, 1)))
    found = simulate(truth, np.arange(1), 9)[0, 0]
    random, weeks = np.random.default_rng(9), len(found)
    rho, gain, sigma = truth["rho"][0], truth["gain"][0, 0], truth["sigma"][0, 0]
    decay, weight = drift_weights(rho, gain)
    expected, state = explain(truth, np.arange(1), design.data)[0, 0].copy(), 0.0
    for t in range(weeks):
        shock = sigma * random.standard_normal((1, 1))[0, 0]
        residual = weight * state + shock * (np.sqrt(1 + (rho * gain) ** 2 / (1 - rho**2)) if t == 0 else 1.0)
        state = decay * state + residual
        expected[t] += residual
    np.testing.assert_allclose(found, expected)


def test_panels_like_this_one_have_its_noise_and_media_of_the_prior(subject):
    truths = like_this_panel(subject.design, subject.config.model, subject.posterior, 60, 3)
    fitted, possible = subject.posterior, truths["contribution_share"].sum(axis=1)
    assert (possible < 0.8).all()
    for name in ("sigma", "rho", "level"):
        low, high = np.quantile(fitted[name], [0.001, 0.999], axis=0)
        assert ((truths[name] >= low) & (truths[name] <= high)).mean() > 0.95
    assert np.log(truths["roi"]).std() > 1.5 * np.log(fitted["roi"]).std(axis=0).min()


def test_one_seed_makes_one_panel_and_scales_stay(subject):
    truth = next(each(like_this_panel(subject.design, subject.config.model, subject.posterior, 4, 3)))
    first, again, other = (simulated(subject.design, truth, seed).data for seed in (1, 1, 2))
    assert first["y"].equals(again["y"]) and not first["y"].equals(other["y"])
    assert first.drop_vars("y").equals(subject.design.data.drop_vars("y"))


# --- ranks --------------------------------------------------------------------------------------


def ranks(truth: float, random: np.random.Generator, count: int = 100, draws: int = 99) -> np.ndarray:
    """Ranks of a normal mean, prior standard normal, one datum of unit noise; ``truth`` is the spread of the truths."""
    mean = truth * random.standard_normal(count)
    datum = mean + random.standard_normal(count)
    posterior = datum[:, None] / 2 + np.sqrt(0.5) * random.standard_normal((count, draws))
    return ((posterior < mean[:, None]).sum(axis=1) + random.random(count)) / (draws + 1)


def test_ranks_are_called_uniform_where_the_inference_is_right_and_not_where_the_prior_is_wrong():
    random = np.random.default_rng(2)
    right = [uniformity(ranks(1.0, random))["inside"] for _ in range(40)]
    wrong = [uniformity(ranks(3.0, random))["inside"] for _ in range(40)]
    assert np.mean(right) > 0.85
    assert np.mean(wrong) < 0.1
    shifted = uniformity(np.clip(ranks(1.0, random) * 0.6, 0, 1))
    assert shifted["mean"] < 0.4 and shifted["difference"] > shifted["band"] > 0 and not shifted["inside"]


# --- other data and priors ----------------------------------------------------------------------


@pytest.mark.parametrize("weeks", [40, 60, 157])
def test_a_placebo_keeps_blocks_and_puts_none_back(weeks):
    order = shuffled(weeks, 3)
    assert sorted(order) == list(range(weeks))
    assert (
        not (order == np.arange(weeks)).any() or weeks % BLOCK
    )  # blocks of other lengths may meet a week of their own
    assert (np.diff(order) == 1).mean() > 0.7
    assert (shuffled(weeks, 3) == order).all() and (shuffled(weeks, 4) != order).any()


def test_a_placebo_is_one_channel_more_and_changes_no_other(subject):
    panel, order = subject.panel, shuffled(len(subject.panel.weeks), 1)
    found = with_placebo(panel, "tv", order)
    assert found.channels == [*panel.channels, "placebo"] and found.paid["placebo"]
    assert (
        found.data.sel(channel=panel.channels)
        .transpose(*panel.data.dims)
        .equals(panel.data.transpose(*panel.data.dims))
    )
    spend = found.data["spend"].transpose("channel", "geo", "week").to_numpy()
    np.testing.assert_array_equal(spend[-1], spend[panel.channels.index("tv")][:, order])


def test_a_perturbed_panel_has_other_spend_and_the_same_kpi(subject):
    data, found = subject.panel.data, perturbed(subject.panel, 3).data
    factor = (found["spend"] / data["spend"].where(data["spend"] > 0)).to_numpy()
    assert np.nanmax(np.abs(factor - 1)) <= ERROR and np.nanstd(factor) > 0.02
    assert found["kpi"].equals(data["kpi"])
    np.testing.assert_allclose(found["media"], found["spend"])


def test_other_priors_differ_in_one_thing_each(subject):
    found = others(subject)
    assert [*found] == [
        *("roi_alone", "alpha_wide", "alpha_narrow", "kappa_wide", "kappa_narrow", "slope_wide", "slope_narrow")
    ]
    for variant, model in found.items():
        quantity = variant.partition("_")[0]
        assert model.model_copy(update={"priors": subject.config.model.priors}) == subject.config.model
        changed = {q: t for q, t in model.priors if t != getattr(subject.config.model.priors, q)}
        assert [*changed] == [quantity]
        Model(**model.model_dump())  # and can be written into a configuration


# --- summaries ----------------------------------------------------------------------------------


def table(check: str, rows: list[tuple[object, ...]]) -> pd.DataFrame:
    return pd.DataFrame([(check, *row) for row in rows], columns=COLUMNS)


def test_what_is_found_again_is_counted():
    rows: list[tuple[object, ...]] = []
    for replicate, (median, held, wins) in enumerate([(2.0, 1.0, 1.0), (0.5, 0.0, 0.5)]):
        for name in ("roi", "mroi"):
            rows += [(replicate, "", "tv", f"{name}_truth", 1.0), (replicate, "", "tv", f"{name}_median", median)]
            rows += [(replicate, "", "tv", f"{name}_held_{level}", held) for level in (50, 80, 90)]
        rows += [(replicate, "", "tv", "width", 0.4)]
        plan = {"moves": wins > 0.5, "claimed": 0.9 if wins > 0.5 else 0.5, "wins": wins, "claimed_gain": 0.1}
        plan |= {"true_gain": 0.05 * (wins > 0.5), "best_gain": 0.2}
        plan |= {f"gain_held_{level}": 1.0 for level in (50, 80, 90)}
        rows += [(replicate, "", "", name, float(value)) for name, value in plan.items()]
    found = recovered(table("recovery", rows))
    assert found["replicates"] == 2 and found["all"] == found["channels"]["tv"]
    assert found["all"]["roi"]["held"] == {"50": 0.5, "80": 0.5, "90": 0.5}
    assert found["all"]["roi"]["bias"] == pytest.approx(0.0)
    assert found["all"]["roi"]["error"] == pytest.approx(np.log(2))
    plans = found["plans"]
    assert (plans["moved"], plans["wins_moving"], plans["wins"], plans["claimed_moving"]) == (1, 1.0, 0.75, 0.9)
    assert plans["true_gain"] == pytest.approx(0.025)


def test_moves_are_those_beside_the_unchanged_fit():
    rows = [
        (number, variant, channel, measure, value)
        for number, (variant, roi) in enumerate({"unchanged": 2.0, "errors_1": 3.0}.items())
        for channel, spend in (("tv", 60.0), ("search", 40.0))
        for measure, value in {
            "roi_median": roi if channel == "tv" else 1.0,
            "roi_low": 1.5,
            "roi_high": 2.5,
            "spend_now": 50.0,
            "spend_plan": spend if number else 50.0,
        }.items()
    ]
    found = stable(table("perturbation", rows))
    (only,) = found["variants"]
    assert (only["variant"], only["channel"], only["worst"], only["roi"]) == ("errors_1", "tv", 0.5, 0.25)
    assert (only["outside"], only["plan"]) == (2, pytest.approx(0.1))
    assert found["channels"] == {"search": 0.0, "tv": 0.5}


def test_money_that_moved_is_counted_once():
    base = pd.DataFrame({"spend_now": [50.0, 50.0]}, index=["a", "b"])
    before, after = pd.Series([1.0, 1.0], ["a", "b"]), pd.Series([1.5, 0.5], ["a", "b"])
    assert moved_money(before, after, base) == pytest.approx(0.25)


# --- side by side -------------------------------------------------------------------------------


class Stub:
    """Stands for a trial."""

    def __init__(self, number: int) -> None:
        self.check, self.number = "sbc", number


def test_what_is_done_is_kept_and_not_done_again(tmp_path, monkeypatch):
    asked: list[int] = []

    def work(trial: Stub) -> Outcome:
        asked.append(trial.number)
        if trial.number == 2 and len(asked) < 5:
            return Outcome("sbc", 2, error="ValueError: no")
        return Outcome("sbc", trial.number, (("sbc", trial.number, "", "", "roi", 0.5),))

    monkeypatch.setattr(side_by_side, "installed", lambda extra: False)
    monkeypatch.setattr(side_by_side, "outcome_of", work)
    journal, trials = tmp_path / "journal", [Stub(n) for n in range(4)]
    first = list(side_by_side.run_trials(trials, journal, {}))
    assert sorted(asked) == [0, 1, 2, 3] and [o.number for o in first if o.error] == [2]
    with journal.open("a") as lines:
        lines.write('{"check": "sbc", "numb')  # a run that was cut off while it wrote
    asked += [9]
    again = list(side_by_side.run_trials(trials, journal, {}))
    assert asked[5:] == [2] and sorted(o.number for o in again) == [0, 1, 2, 3]
    assert table_of(again)["replicate"].tolist() == [0, 1, 2, 3]


def test_a_trial_that_fails_says_why(subject):
    trial = next(CHECKS["refresh"].trials(subject, 1))
    broken = replace(trial, design=replace(trial.design, data=trial.design.data.drop_vars("media")))
    assert outcome_of(broken).error.startswith("KeyError")


def test_where_all_fail_the_first_one_speaks(subject, tmp_path, monkeypatch):
    gone = [Outcome("sbc", 0, error="ValueError: no"), Outcome("sbc", 1, error="other")]
    monkeypatch.setattr("mmm_bayes.validate.run.run_trials", lambda *arguments: iter(gone))
    with pytest.raises(FitError, match="no trial came to an end; the first one says: ValueError: no"):
        validate(subject, ["refresh"], 1, tmp_path / "journal", {})


# --- the step -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def validated(small_run, spark, tmp_path_factory):
    root = tmp_path_factory.mktemp("validated")
    shutil.copytree(small_run.space.root, root, dirs_exist_ok=True)
    config = small_run.config.model_copy(update={"folder": root})
    told: list[str] = []
    pipeline.validate(config, root, lambda message, done: told.append(message), replicates=2, only=("recovery", "sbc"))
    found = pipeline.validate(config, root, replicates=2, only=("refresh",))
    return config, root, found, told


def test_a_configuration_is_put_on_trial_and_earlier_checks_are_kept(validated):
    _, root, found, told = validated
    assert [*found.summary] == ["recovery", "sbc", "refresh"]
    assert found.summary["recovery"]["replicates"] == found.summary["sbc"]["replicates"] == 2
    assert [own["variant"] for own in found.summary["refresh"]["variants"]] == ["weeks_1", "weeks_2"]
    assert found.outcomes["value"].notna().all()
    assert any("90% intervals held" in message for message in told)
    assert json.loads((root / "data/small/validation.json").read_text()) == json.loads(json.dumps(found.summary))
    assert not list((root / "data/small").glob(".trials*"))


def test_outcomes_of_a_run_that_was_cut_off_stay_until_a_file_has_them(validated, tmp_path):
    _, _, found, _ = validated
    journal, old = tmp_path / ".trials-1.jsonl", tmp_path / ".trials-2.jsonl"
    old.touch()
    for check, kept in (("sbc", False), ("placebo", True)):
        journal.write_text(json.dumps(asdict(Outcome(check, 0))), encoding="utf-8")
        _tidy(journal, found)
        assert (journal.exists(), old.exists()) == (kept, False)


def test_the_report_says_what_to_expect(validated):
    config, root, found, _ = validated
    pipeline.allocate(config, root, force=True)
    text = pipeline.report(config, root).with_name("report.md").read_text(encoding="utf-8")
    plans = facts.worth_of_plans(found.summary)
    assert plans is not None and "With data like yours, expect" in text
    for finding in facts.about_validation(found.summary):
        assert word(finding).split(":")[0] in text.replace("**", "")
    for title in ("found again on 2 panels", "Ranks of the truth", "How far answers move"):
        assert title in text
    assert "avec" in pipeline.report(config.model_copy(update={"language": "fr"}), root).read_text(encoding="utf-8")


def test_another_question_makes_it_stale(validated):
    from mmm_bayes.provenance import load_manifest
    from mmm_bayes.workspace import Workspace

    config, root, _, _ = validated
    manifest = load_manifest(Workspace(config.name, root))
    assert manifest.stale("validate", config) == []
    other = config.model_copy(update={"allocate": Allocate(weeks=9)})
    assert "allocate.weeks" in manifest.stale("validate", other)[0].what


def test_a_check_that_does_not_exist_is_named(small_run):
    with pytest.raises(ConfigError, match="no check 'recovry'; did you mean 'recovery'"):
        pipeline.validate(small_run.config, small_run.space.root, only=("recovry",))


def test_an_outcome_is_a_line_of_json():
    outcome = Outcome("sbc", 3, (("sbc", 3, "", "tv", "roi", 0.25),), seconds=1.5)
    raw = json.loads(json.dumps(asdict(outcome)))
    assert Outcome(**raw | {"rows": tuple(map(tuple, raw["rows"]))}) == outcome


def test_the_command_line_names_every_check():
    """Its help stands without the model, which takes seconds to load."""
    (only,) = [option for option in commands.validate.params if option.name == "only"]
    assert only.help == f"Some of {','.join(CHECKS)}."
