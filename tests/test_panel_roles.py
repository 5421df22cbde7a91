"""Columns that cannot be what they are taken for are refused, those that hardly are become a question."""

import numpy as np
import pandas as pd
import pytest

from mmm_bayes.config import PanelColumns, make_config
from mmm_bayes.errors import ConfigError, DataError
from mmm_bayes.panel import panel_from_frame
from mmm_bayes.report.words import word

WEEKS = pd.date_range("2023-01-02", periods=30, freq="7D")
SPEND = {"tv": "tv", "search": "search", "social": "social"}


def table(*geos: str) -> pd.DataFrame:
    """Return independent columns, one row for each geo and week."""
    rng, geos = np.random.default_rng(5), geos or ("West",)
    size = len(geos) * len(WEEKS)
    return pd.DataFrame(
        {
            "geo": np.repeat(geos, len(WEEKS)),
            "week": list(WEEKS) * len(geos),
            "sales": rng.gamma(20.0, 50.0, size).round(2),
            "temperature": rng.normal(10, 5, size).round(1),
            **{name: rng.gamma(2.0, 10.0, size).round(2) for name in SPEND},
        }
    )


def columns(**changes) -> PanelColumns:
    return PanelColumns(**{"geo": "geo", "kpi": "sales", "spend": SPEND, "controls": ("temperature",), **changes})


def asked(frame: pd.DataFrame, **changes) -> list[str]:
    """Return what is said of a panel."""
    return [word(note) for note in panel_from_frame(frame, columns(**changes), "shop").notes]


def test_a_sound_panel_raises_no_question():
    assert asked(table()) == asked(table("North", "South", "East")) == []


ROLES = {
    "the KPI as a control": ({"controls": ["sales"]}, "'controls' names the column 'sales', which is the KPI already"),
    "spend as a control": (
        {"controls": ["tv"]},
        "'controls' names the column 'tv', which is the spend of 'tv' already",
    ),
    "one column for two channels": (
        {"spend": {"tv": "tv", "radio": "tv"}},
        "'spend.radio' names the column 'tv', which is the spend of 'tv' already",
    ),
    "a control twice": ({"controls": ["x", "x"]}, "'controls' names the column 'x', which is a control already"),
    "a holiday that is a control": (
        {"controls": ["x"], "holidays": ["x"]},
        "'holidays' names the column 'x', which is a control already",
    ),
    "the week as a control": ({"controls": ["week"]}, "'controls' names the column 'week', which is the week already"),
    "the KPI as media": (
        {"organic": {"mail": "sales"}},
        "'organic.mail' names the column 'sales', which is the KPI already",
    ),
}


@pytest.mark.parametrize("case", ROLES)
def test_a_column_has_one_role(case):
    changes, message = ROLES[case]
    with pytest.raises(DataError) as caught:
        asked(table(), **changes) if "x" not in str(changes) else asked(table().assign(x=1.0), **changes)
    assert str(caught.value) == f"{message}; leave one of them out."
    with pytest.raises(ConfigError, match="leave one of them out"):
        make_config({"name": "a", "panel": {"path": "x", "kpi": "sales", "spend": SPEND, **changes}})


def test_a_price_is_what_the_kpi_is_worth_and_may_be_a_control():
    priced = table().assign(price=lambda f: 1 + f["temperature"].abs())
    assert asked(priced, kpi_value="price", controls=("price",)) == []


@pytest.mark.parametrize("names", [("North", "north "), ("North", "NORTH"), ("New York", "New\u00a0 york")])
def test_geos_that_differ_in_nothing_but_case_and_blanks_are_refused(names):
    with pytest.raises(DataError, match="differ in nothing but upper case or blanks; if they are the same, write them"):
        asked(table(*names))


def test_channels_that_differ_in_nothing_but_case_are_refused():
    with pytest.raises(DataError, match="channels 'tv' and 'TV' differ in nothing"):
        asked(table(), spend={"tv": "tv", "TV": "search"})


@pytest.mark.parametrize("parts", [["tv", "search", "social"], ["tv", "search"], ["search", "social"]])
def test_a_channel_that_is_the_sum_of_others_is_refused(parts):
    frame = table("North", "South").assign(total=lambda f: f[parts].sum(axis=1))
    with pytest.raises(DataError) as caught:
        asked(frame, spend={**SPEND, "Total": "total"})
    assert str(caught.value).startswith(
        f"channel 'Total' is the sum of {', '.join(parts)}: its money would count twice"
    )


@pytest.mark.parametrize("times", [1.0, 0.8, 120.0])
def test_a_control_or_a_spend_that_is_the_kpi_again_is_refused(times):
    frame = table("North", "South").assign(again=lambda f: (f["sales"] * times).round(2))
    with pytest.raises(DataError, match="the control 'again' is the KPI 'sales' again, in each week; leave it out"):
        asked(frame, controls=("again",))
    with pytest.raises(DataError, match=rf"the spend of 'x' is {times:.3g} times the KPI in each week"):
        asked(frame, spend={**SPEND, "x": "again"})


def test_a_control_that_follows_the_kpi_is_asked_about():
    orders = table().assign(orders=lambda f: (f["sales"] / 37 + f["temperature"] / 20).round())
    assert asked(orders, controls=("orders",))[0].startswith(
        "The control 'orders' follows the KPI 'sales' (correlation 0.99"
    )
    assert asked(table().assign(orders=lambda f: f["sales"] + 30 * f["temperature"]), controls=("orders",)) == []


@pytest.mark.parametrize("times", [1.0, 0.19, 1000.0])
def test_a_control_that_is_a_share_of_a_channel_is_asked_about(times):
    (asking,) = asked(table("North", "South").assign(again=lambda f: f["tv"] * times), controls=("again",))
    assert asking.startswith("The control 'again' is a fixed share of the media of tv")


@pytest.mark.parametrize("value", [0, 1, 7.5])
def test_a_control_or_a_holiday_that_never_changes_is_asked_about(value):
    for key in ("controls", "holidays"):
        (said,) = asked(table("North", "South").assign(flat=value), **{key: ("flat",)})
        assert said == "These never change and explain nothing: flat. Leave them out of the controls and holidays."


def test_national_spend_in_each_geo_is_asked_about():
    frame = table("North", "South", "East")
    frame["tv"] = np.tile(frame["tv"][:30], 3)
    people = np.repeat([0.5, 0.3, 0.2], 30)
    frame["search"] = (np.tile(frame["search"][:30], 3) * people).round(4)
    repeated, shared = asked(frame)
    assert "in each geo: tv. If it is, it counts 3 times" in repeated
    assert "in the same way every week: search." in shared


@pytest.mark.parametrize(("unit", "question"), [(1e-3, True), (1e-5, True), (0.1, False)])
def test_spend_that_is_nothing_beside_the_kpi_is_asked_about(unit, question):
    found = asked(table().assign(**{name: table()[name] * unit for name in SPEND}))
    assert [said.startswith("Is the unit right? All channels together cost") for said in found] == [True] * question


@pytest.mark.parametrize(("unit", "question"), [(1e6, True), (100, True), (0.01, False)])
def test_spend_beyond_the_whole_kpi_is_asked_about(unit, question):
    found = asked(table().assign(tv=lambda f: f["tv"] * unit))
    assert [said.startswith("Is the unit right? tv cost") for said in found] == [True] * question


def test_rows_of_several_geos_without_their_column_are_named():
    for name, geos in (("region", ["N", "S"]), ("store", ["S1", "S2", "S3"]), ("dma", [501, 502])):
        frame = table(*map(str, geos)).rename(columns={"geo": name})
        with pytest.raises(
            DataError, match=rf"in more than one row .* several geos, set 'panel.geo' to '{name}', else"
        ):
            panel_from_frame(frame, columns(geo=None), "shop")
    twice = pd.concat([table(), table().head(2)]).drop(columns="geo")
    with pytest.raises(
        DataError, match=r"\(2 rows too many in all\); .* name their column as 'panel.geo', else keep one"
    ):
        panel_from_frame(twice, columns(geo=None), "shop")
