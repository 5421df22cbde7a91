"""Whatever a configuration asks of a panel that is not there, or cannot be, is said before anything is fitted."""

from dataclasses import replace
from datetime import date

import pytest

from mmm_bayes import pipeline
from mmm_bayes.config import Config, SimulatedChannel, make_config, override
from mmm_bayes.errors import MMMError
from mmm_bayes.panel import Panel, panel_from_frame
from mmm_bayes.pipeline.check import check_against, examine, mistakes
from mmm_bayes.simulate import PanelSpec, simulate_panel

CHANNELS = {name: SimulatedChannel(pattern="always_on", share=0.03) for name in ("tv", "search", "email")}
TEST = {"channel": "tv", "start": "2022-06-06", "end": "2022-07-03", "spend_change": 100.0}
TEST |= {"incremental_kpi": 200.0, "standard_error": 50.0}
HUGE = 1e12


@pytest.fixture(scope="module")
def panel() -> Panel:
    return panel_of(geos=2)


def panel_of(geos: int) -> Panel:
    """Return a panel of 60 weeks with two paid channels and an organic one."""
    made = simulate_panel(PanelSpec(geos=geos, weeks=60, channels=CHANNELS))
    spend = {name: column for name, column in made.columns.spend.items() if name != "email"}
    columns = made.columns.model_copy(update={"spend": spend, "organic": {"email": "spend_email"}})
    return panel_from_frame(made.frame, columns, "checked")


def asked(model: dict | None = None, allocate: dict | None = None) -> Config:
    return make_config(
        {
            "name": "checked",
            "panel": {"path": "weekly.csv", "kpi": "revenue", "geo": "geo", "spend": {"tv": "tv", "search": "search"}},
            "model": model or {},
            "allocate": allocate or {},
        }
    )


def lift(**changes) -> dict:
    return {"lift_tests": [TEST | changes]}


MISTAKES = {
    "a prior of no channel": (
        asked({"priors": {"alpha": {"tvv": [0.2, 0.6]}}}),
        "model.priors.alpha names the channel 'tvv'; did you mean 'tv'?",
    ),
    "a prior of a channel spelt in capitals": (
        asked({"priors": {"roi": {"SEARCH": [1, 2]}}}),
        "model.priors.roi names the channel 'SEARCH'; did you mean 'search'?",
    ),
    "an ROI of what costs nothing": (
        asked({"priors": {"roi": {"email": [1, 2]}}}),
        "model.priors.roi.email: the channel is organic and has no ROI; "
        "give model.priors.contribution_share.email instead.",
    ),
    "a test of no channel": (
        asked(lift(channel="serch")),
        "model.lift_tests, entry 1 names the channel 'serch'; did you mean 'search'?",
    ),
    "a test of what costs nothing": (
        asked(lift(channel="email")),
        "model.lift_tests, entry 1: the channel 'email' is organic and has no spend to test; leave it out.",
    ),
    "a test in no geo": (
        asked(lift(geos=["geo_1"])),
        "model.lift_tests, entry 1 names the geo 'geo_1'; did you mean 'geo_01'?",
    ),
    "a test long before the panel": (
        asked(lift(start="2012-06-06", end="2012-07-03")),
        "model.lift_tests, entry 1: 2012-06-06 to 2012-07-03 lies 10 years from the panel (2022-01-03 to 2023-02-26), "
        "too far to tell of it; correct the dates or leave the test out.",
    ),
    "a test that spent more than there was": (
        asked(lift(spend_change=HUGE)),
        "model.lift_tests, entry 1: 'spend_change' is 1,000,000,000,000, but only ",
    ),
    "limits of no channel": (
        asked(allocate={"limits": {"serch": {"fixed": True}}}),
        "allocate.limits.serch: there is no channel 'serch'; did you mean 'search'?",
    ),
    "a group with a channel that is none": (
        asked(allocate={"groups": [{"channels": ["tv", "radio"], "upper": HUGE}]}),
        "allocate.groups: there is no channel 'radio'; valid are search, tv.",
    ),
    "weeks of no channel": (
        asked(allocate={"weekly": {"tvv": [0, 1]}}),
        "allocate.weekly.tvv: there is no channel 'tvv'; did you mean 'tv'?",
    ),
    "a lower limit above what today allows": (
        asked(allocate={"limits": {"tv": {"lower": HUGE}}}),
        "allocate.limits.tv: the lower limit 1,000,000,000,000 is above the upper limit ",
    ),
    "limits that no budget allows": (asked(allocate={"budget": 1}), "allocate.budget: the lower limits add up to "),
    "a geo that is none": (
        asked(allocate={"by_geo": True, "limits": {"tv | geo_3": {"fixed": True}}}),
        "allocate.limits.tv | geo_3: there is no channel 'tv | geo_3'; did you mean 'tv | geo_02'?",
    ),
    "groups that cross": (
        asked(
            allocate={
                "by_geo": True,
                "groups": [{"channels": ["tv"], "upper": HUGE}, {"channels": ["tv | geo_01", "search"], "upper": HUGE}],
            }
        ),
        "group 'tv | geo_01 + search' and group 'tv' overlap in tv | geo_01 but neither holds the other; split them so "
        "that groups lie inside each other or apart.",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_what_does_not_fit_the_panel_is_one_sentence(case, panel):
    config, sentence = MISTAKES[case]
    with pytest.raises(MMMError) as caught:
        check_against(config, panel)
    assert str(caught.value).startswith(sentence)


def test_what_fits_passes(panel):
    priors = {"roi": {"tv": [1, 2]}, "contribution_share": {"email": [0.01, 0.1]}, "alpha": {"default": [0.1, 0.5]}}
    allocate = {"by_geo": True, "weekly": {"tv": [0, 1]}, "limits": {"tv": {"fixed": True}, "search | geo_01": {}}}
    check_against(asked({"priors": priors, **lift()}, allocate), panel)
    assert date.fromisoformat(TEST["end"]) < panel.weeks[-1].date()


def test_each_part_says_what_is_wrong_with_it(panel):
    wrong = asked(
        {"priors": {"roi": {"tvv": [1, 2]}}, **lift(channel="tvv")},
        {"weekly": {"tvv": [0, 1]}, "groups": [{"channels": ["tvv"], "upper": 1}]},
    )
    assert len(list(mistakes(wrong, panel))) == 4


def test_one_series_has_no_plan_by_geo():
    with pytest.raises(MMMError, match=r"^allocate\.by_geo: the panel is one series without geos; leave it out\.$"):
        check_against(asked(allocate={"by_geo": True}), panel_of(geos=1))


def test_a_holdout_that_leaves_nothing_to_learn_from_is_refused(panel):
    late = panel.data["media"] * 0.0
    late[:, -5:] = panel.data["media"][:, -5:]
    new = replace(panel, data=panel.data.assign(media=late))
    with pytest.raises(
        MMMError, match=r"^no paid channel has media before 2022-12-05, where the holdout begins; lower"
    ):
        check_against(asked(), new)
    check_against(override(asked(), compare={"holdout": 4}), new)


def test_many_arms_and_risk_are_refused_beforehand(panel, monkeypatch):
    monkeypatch.setattr("mmm_bayes.allocate.risk.MANY_ARMS", 3)
    with pytest.raises(MMMError, match=r"at most 3 arms, and these are 4; set objective to 'mean'"):
        check_against(asked(allocate={"by_geo": True, "objective": "cvar"}), panel)


def test_prepare_keeps_the_panel_and_fit_refuses_before_it_fits(tmp_path, monkeypatch):
    made = simulate_panel(PanelSpec(geos=2, weeks=60))
    made.frame.to_csv(tmp_path / "weekly.csv", index=False)
    source = {"path": str(tmp_path / "weekly.csv"), **made.columns.model_dump(exclude_none=True)}
    config = make_config({"name": "checked", "panel": source, "allocate": {"limits": {"tvv": {"fixed": True}}}})
    with pytest.raises(MMMError, match="did you mean 'tv'"):
        pipeline.prepare(config, tmp_path)
    assert (tmp_path / "data" / "checked" / "panel.parquet").exists()
    monkeypatch.setattr("mmm_bayes.model.fit", lambda *_: pytest.fail("the sampler was started"))
    with pytest.raises(MMMError, match="did you mean 'tv'"):
        pipeline.fit(config, tmp_path)


# --- all at once --------------------------------------------------------------------------------

WRONG = """name: many
panel:
  path: weekly.csv
  geo: geo
  kpi: revenue
  spend: {tv: spend_tv, search: spend_search, email: spend_email}
model:
  priors:
    roi: {TV: [1, 2], serch: [0.5, 2]}
    alpha: {radio: [0.1, 0.5]}
  lift_tests:
    - {channel: tvv, start: 2022-06-06, end: 2022-07-03, spend_change: 5, incremental_kpi: 9, standard_error: 3}
    - {channel: tv, start: 2032-06-06, end: 2032-07-03, spend_change: 5, incremental_kpi: 9, standard_error: 3}
sampler: {drws: 5, tune: 3}
allocate:
  limits: {Tv: {upper: 5}, tv: {lower: 5, upper: 1}}
  groups: [{channels: [searhc, email]}]
  weekly: {emial: [0, 5]}
"""
IN_THE_FILE = (
    "line 14: unknown key 'sampler.drws'; did you mean 'draws'?",
    "line 14: 'sampler.tune' must be at least 50 (given: 3).",
    "line 16: 'allocate.limits.tv.lower' is 5 and 'upper' 1: nothing lies between; raise 'upper' to 5, or lower",
)
OF_CHANNELS = (
    "model.priors.roi names the channel 'TV'; did you mean 'tv'?",
    "model.priors.roi names the channel 'serch'; did you mean 'search'?",
    "model.priors.alpha names the channel 'radio'; valid are email, search, tv.",
    "allocate.limits.Tv: there is no channel 'Tv'; did you mean 'tv'?",
    "allocate.groups: there is no channel 'searhc'; did you mean 'search'?",
    "allocate.weekly.emial: there is no channel 'emial'; did you mean 'email'?",
)
OF_TESTS = (
    "model.lift_tests, entry 1 names the channel 'tvv'; did you mean 'tv'?",
    "model.lift_tests, entry 2: 2032-06-06 to 2032-07-03 lies 9 years from the panel",
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    simulate_panel(PanelSpec(geos=2, weeks=60, channels=CHANNELS)).frame.to_csv(tmp_path / "weekly.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(folder, text: str) -> list[str]:
    (folder / "many.yaml").write_text(text, encoding="utf-8")
    _, found = examine("many.yaml", root=folder)
    assert not (folder / "data").exists()
    return found


def test_every_mistake_is_told_at_once(folder):
    found = told(folder, WRONG)
    expected = [*(f"many.yaml, {sentence}" for sentence in IN_THE_FILE), *OF_CHANNELS, *OF_TESTS]
    assert len(found) == len(expected)
    for sentence in expected:
        assert any(one.startswith(sentence) for one in found), sentence


def test_without_the_data_the_rest_is_told_all_the_same(folder):
    gone = told(folder, WRONG.replace("weekly.csv", "gone.csv"))
    assert any("gone.csv: there is no such file" in one for one in gone)
    columns = told(folder, WRONG.replace("spend_tv", "tv_cost").replace("kpi: revenue", "kpi: sales"))
    assert [one for one in columns if "has no column" in one] == [
        f"weekly.csv: has no column '{name}' (named under 'panel'); valid are geo, revenue, spend_email, spend_search, "
        "spend_tv, week."
        for name in ("sales", "tv_cost")
    ]
    for found in (gone, columns):
        assert all(any(one.startswith(sentence) for one in found) for sentence in OF_CHANNELS)


def test_a_file_that_nothing_can_be_made_of_is_one_mistake(folder):
    assert len(told(folder, "name: a\nname: b\n")) == 1
    assert told(folder, "panel: {kpi: x, spend: {tv: tv}}") == [
        "many.yaml: 'name' is missing; add it.",
        "many.yaml, line 1: 'panel': names no data; give 'path' (files), or 'table' or 'query' of Spark.",
    ]


def test_what_is_right_is_a_panel(folder):
    (folder / "right.yaml").write_text("\n".join(WRONG.splitlines()[:6]), encoding="utf-8")
    panel, found = examine("right.yaml", root=folder)
    assert (panel.channels, found) == (["tv", "search", "email"], [])
