"""Every mistake in a configuration is one sentence with its place and the nearest match."""

import re
import tempfile
from pathlib import Path
from typing import get_args, get_origin

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from mmm_bayes.config import ChannelPriors, Config, load_config, make_config, override
from mmm_bayes.config.prior import DISTRIBUTIONS
from mmm_bayes.errors import ConfigError
from mmm_bayes.priors import carrier, prior_of

PANEL = {"path": "weekly.csv", "kpi": "sales", "spend": {"tv": "tv_cost"}}
GOOD = {"name": "shop", "panel": PANEL}
SALES = {"name": "shop", "transactions": {"path": "lines.csv", "preset": "online_retail"}}

BAD = {
    "nothing but a name": ({"name": "shop"}, "give either 'transactions' or 'panel' (one of the two)."),
    "two sources": ({**GOOD, **SALES}, "give either 'transactions' or 'panel' (one of the two)."),
    "no name": ({"panel": PANEL}, "'name' is missing; add it."),
    "a name that is no file name": (
        {**GOOD, "name": "../shop"},
        "'name' must be letters and digits, and after the first also '.', '_' and '-' (given: '../shop').",
    ),
    "a misspelt section": ({**GOOD, "sampelr": {}}, "unknown key 'sampelr'; did you mean 'sampler'?"),
    "a misspelt key": (
        {**GOOD, "sampler": {"drws": 100}},
        "unknown key 'sampler.drws'; did you mean 'draws'?",
    ),
    "a misspelt key before another mistake": (
        {**GOOD, "sampler": {"drws": 100, "tune": "many"}},
        "unknown key 'sampler.drws'; did you mean 'draws'?",
    ),
    "a key like no other": (
        {**GOOD, "compare": {"xyz": 1}},
        "unknown key 'compare.xyz'; valid are bootstrap, folds, holdout.",
    ),
    "a misspelt key below a channel": (
        {**GOOD, "allocate": {"limits": {"tv": {"lowr": 1}}}},
        "unknown key 'allocate.limits.tv.lowr'; did you mean 'lower'?",
    ),
    "a misspelt key in a list": (
        {**GOOD, "allocate": {"groups": [{"channels": ["tv"], "uper": 1}]}},
        "unknown key 'allocate.groups.0.uper'; did you mean 'upper'?",
    ),
    "a missing key": (
        {"name": "shop", "panel": {"path": "x.csv", "spend": {}}},
        "'panel.kpi' is missing; add it.",
    ),
    "text for a number": (
        {**GOOD, "sampler": {"draws": "many"}},
        "'sampler.draws' must be a whole number (given: 'many').",
    ),
    "too small a number": (
        {**GOOD, "sampler": {"draws": 1}},
        "'sampler.draws' must be at least 50 (given: 1).",
    ),
    "a percentage for a share": ({**GOOD, "ci_prob": 90}, "'ci_prob' must be below 1 (given: 90)."),
    "an unknown choice": (
        {**GOOD, "model": {"adstock": "weibul"}},
        "'model.adstock' must be 'geometric', 'delayed' or 'weibull' (given: 'weibul'). Did you mean 'weibull'?",
    ),
    "a negative budget": (
        {**GOOD, "allocate": {"budget": -5}},
        "'allocate.budget' must be at least 0 (given: -5).",
    ),
    "a budget that is no number": (
        {**GOOD, "allocate": {"budget": float("nan")}},
        "'allocate.budget' must be a finite number (given: .nan).",
    ),
    "a section that is a number": (
        {**GOOD, "allocate": 5},
        "'allocate' must be keys with their values, one a line below it (given: 5).",
    ),
    "a needed key without a value": (
        {"name": "a", "panel": {**PANEL, "kpi": None}},
        "'panel.kpi' is empty; it must be a text, in quotes where it looks like something else.",
    ),
    "a channel without its column": (
        {"name": "a", "panel": {**PANEL, "spend": {"tv": None}}},
        "'panel.spend.tv' is empty; it must be a text, in quotes where it looks like something else.",
    ),
    "a separator that is none": (
        {"name": "a", "panel": {**PANEL, "separator": ""}},
        "'panel.separator' must be a text of at least one character (given: '').",
    ),
    "a decimal comma": ({**GOOD, "allocate": {"margin": "0,3"}}, "'allocate.margin' must be a number (given: '0,3')."),
    "a part of what is money": (
        {**GOOD, "allocate": {"budget": "20%"}},
        "'allocate.budget' must be a number (given: '20%').",
    ),
    "a dot between thousands": (
        {**GOOD, "allocate": {"budget": "1.250.000"}},
        "'allocate.budget' must be a number (given: '1.250.000').",
    ),
    "a negative multiple": (
        {**GOOD, "allocate": {"relative": ["-120%", "+20%"]}},
        "'allocate.relative.0' must be at least 0 (given: -0.2).",
    ),
    "one number for a range": (
        {**GOOD, "allocate": {"relative": [0.5]}},
        "'allocate.relative' must be a list of two, such as [0.5, 1.5].",
    ),
    "a key that is a number": (
        {**GOOD, "model": {2024: 1}},
        "'model.2024': a name must be a text; write it in quotes.",
    ),
    "a switch where a text is meant": (
        {**SALES, "title": True},
        "'title' must be a text, in quotes where it looks like something else (given: true).",
    ),
    "holidays of no country": (
        {**SALES, "transactions": {**SALES["transactions"], "holidays": {"North": "GB", "South": "XX"}}},
        "'transactions.holidays' is XX, of which no holidays are known; use an ISO code such as GB, GB-ENG or DE.",
    ),
    "public holidays of no region": (
        {"name": "a", "panel": {**PANEL, "public_holidays": "DE-XX"}},
        "'panel.public_holidays' is DE-XX, of which no holidays are known; use an ISO code such as GB, GB-ENG or DE.",
    ),
    "a date format that Spark cannot read": (
        {**SALES, "transactions": {**SALES["transactions"], "date_format": "%d.%X"}},
        "'transactions.date_format' has %X, which cannot be read; use %B %H %I %M %S %Y %b %d %f %m %p %y.",
    ),
    "a date format in another notation": (
        {**SALES, "transactions": {**SALES["transactions"], "date_format": "dd/MM/yyyy"}},
        "'transactions.date_format' is dd/MM/yyyy, without a directive such as %Y, %m and %d; add them.",
    ),
    "a separator of two signs": (
        {"name": "a", "panel": {**PANEL, "separator": "||"}},
        "'panel.separator' is '||', but one sign parts columns; give it, such as ';' or '\\t'.",
    ),
    "a quote as a separator": (
        {"name": "a", "panel": {**PANEL, "separator": '"'}},
        "'panel.separator' is '\"', but one sign parts columns; give it, such as ';' or '\\t'.",
    ),
    "an encoding that is none": (
        {"name": "a", "panel": {**PANEL, "encoding": "cp99"}},
        "'panel.encoding' is cp99, which is none; use a name such as utf-8, cp1252 or utf-16.",
    ),
    "a codec of no texts": (
        {"name": "a", "panel": {**PANEL, "encoding": "rot13"}},
        "'panel.encoding' is rot13, which is none; use a name such as utf-8, cp1252 or utf-16.",
    ),
    "one sign for thousands and decimals": (
        {"name": "a", "panel": {**PANEL, "decimal": ",", "thousands": ","}},
        "'panel.thousands' is ',', as 'decimal' is; leave one of them out.",
    ),
    "a zone that is none": (
        {"name": "a", "panel": {**PANEL, "timezone": "Berlin"}},
        "'panel.timezone' is Berlin, which is none; use a name such as Europe/Berlin or UTC.",
    ),
    "a day that is none": (
        {**SALES, "transactions": {**SALES["transactions"], "start": "31/01/2024"}},
        "'transactions.start' must be a day such as 2024-01-31 (given: '31/01/2024').",
    ),
    "days that are reversed": (
        {**SALES, "transactions": {**SALES["transactions"], "start": "2024-02-01", "end": "2024-01-01"}},
        "'transactions.end' is 2024-01-01 and 'start' 2024-02-01: no day lies between; exchange them.",
    ),
    "a prior that is a number": (
        {**GOOD, "model": {"priors": {"roi": {"tv": 2}}}},
        "'model.priors.roi.tv' must be a range such as [0.5, 3], or a distribution such as "
        "{distribution: lognormal, mu: 0.2, sigma: 0.9} (given: 2).",
    ),
    "a prior that falls": (
        {**GOOD, "model": {"priors": {"roi": {"tv": [3, 1]}}}},
        "'model.priors.roi.tv' is [3, 1], which does not rise; give the lower end first.",
    ),
    "a prior beyond what can be": (
        {**GOOD, "model": {"priors": {"alpha": {"default": [0.2, 1]}}}},
        "'model.priors.alpha.default' is [0.2, 1], but it must lie between 0 and 1; narrow it.",
    ),
    "a distribution that is partly beyond it": (
        {**GOOD, "model": {"priors": {"roi": {"tv": {"distribution": "normal", "mu": 1, "sigma": 1}}}}},
        "'model.priors.roi.tv' has 90% of its mass in -0.645 to 2.64, but it must lie above 0; narrow it.",
    ),
    "a prior that lacks a parameter": (
        {**GOOD, "model": {"priors": {"roi": {"tv": {"distribution": "lognormal", "mu": 1}}}}},
        "'model.priors.roi.tv.sigma' is missing: lognormal takes mu and sigma; add it.",
    ),
    "a prior with a parameter too many": (
        {**GOOD, "model": {"priors": {"roi": {"tv": {"distribution": "halfnormal", "mu": 1, "sigma": 1}}}}},
        "'model.priors.roi.tv.mu' is surplus: halfnormal takes sigma; leave it out.",
    ),
    "a prior that is nowhere": (
        {**GOOD, "model": {"priors": {"roi": {"tv": {"distribution": "uniform", "lower": 3, "upper": 3}}}}},
        "'model.priors.roi.tv.lower' is 3 and 'upper' 3: nothing lies between; exchange them.",
    ),
    "a median for its logarithm": (
        {**GOOD, "model": {"priors": {"roi": {"tv": {"distribution": "lognormal", "mu": 1000, "sigma": 1}}}}},
        "'model.priors.roi.tv.mu' is 1000, but it is the logarithm of the median; give that.",
    ),
    "two priors of one effect": (
        {**GOOD, "model": {"priors": {"roi": {"tv": [1, 2]}, "contribution_share": {"tv": [0.1, 0.2]}}}},
        "'model.priors.roi.tv' and 'contribution_share.tv' say the same in two ways; leave one out.",
    ),
    "a prior that nothing reads": (
        {**GOOD, "model": {"priors": {"theta": {"tv": [1, 2]}}}},
        "'model.priors.theta' is read by nothing: the adstock geometric and the saturation hill have alpha, kappa, "
        "slope; leave it out.",
    ),
    "a slope without one": (
        {**GOOD, "model": {"saturation": "logistic", "priors": {"slope": {"tv": [1, 2]}}}},
        "'model.priors.slope' is read by nothing: the adstock geometric and the saturation logistic have alpha, "
        "kappa; leave it out.",
    ),
    "a delay beyond the window": (
        {**GOOD, "model": {"adstock": "delayed", "l_max": 4, "priors": {"theta": {"tv": [1, 5]}}}},
        "'model.priors.theta.tv' is [1, 5], but it must lie between 0 and 3; narrow it.",
    ),
    "limits that are reversed": (
        {**GOOD, "allocate": {"limits": {"tv": {"lower": 500, "upper": 300}}}},
        "'allocate.limits.tv.lower' is 500 and 'upper' 300: nothing lies between; raise 'upper' to 500, or lower "
        "'lower' to 300.",
    ),
    "a fixed channel with a limit": (
        {**GOOD, "allocate": {"limits": {"tv": {"fixed": True, "upper": 0}}}},
        "'allocate.limits.tv.fixed' excludes every other limit, and 'upper' is given; leave one of them out.",
    ),
    "a useful spend that is not allowed": (
        {**GOOD, "allocate": {"limits": {"tv": {"minimum_useful": 2e6, "upper": 1e6}}}},
        "'allocate.limits.tv.minimum_useful' is 2,000,000 and 'upper' 1,000,000: less is of no use and more not "
        "allowed; raise 'upper', or lower the other.",
    ),
    "ratios that fall": (
        {**GOOD, "allocate": {"relative": [1.5, 0.5]}},
        "'allocate.relative' is [1.5, 0.5], which falls; give the lower end first.",
    ),
    "a channel's ratios that fall": (
        {**GOOD, "allocate": {"limits": {"tv": {"relative": [2, 1]}}}},
        "'allocate.limits.tv.relative' is [2, 1], which falls; give the lower end first.",
    ),
    "weeks that fall": (
        {**GOOD, "allocate": {"weekly": {"tv": [2, 1]}}},
        "'allocate.weekly.tv' is [2, 1], which falls; give the lower end first.",
    ),
    "a group that is reversed": (
        {**GOOD, "allocate": {"groups": [{"channels": ["tv"], "lower": 9, "upper": 8}]}},
        "'allocate.groups.0.lower' is 9 and 'upper' 8: nothing lies between; raise 'upper' to 9, or lower 'lower' "
        "to 8.",
    ),
    "a group of nothing": (
        {**GOOD, "allocate": {"groups": [{"channels": []}]}},
        "'allocate.groups.0.channels' names no channel; name some, or leave the group out.",
    ),
    "a group that counts twice": (
        {**GOOD, "allocate": {"groups": [{"channels": ["tv", "tv"]}]}},
        "'allocate.groups.0.channels' names 'tv' twice; keep one.",
    ),
    "two groups of one name": (
        {**GOOD, "allocate": {"groups": [{"channels": [c], "name": "a"} for c in ("tv", "radio")]}},
        "'allocate.groups' has two groups named 'a'; rename one.",
    ),
    "a scenario without its target": (
        {**GOOD, "allocate": {"scenario": "target_mroi"}},
        "'allocate.target' is missing: the scenario target_mroi needs one; add it.",
    ),
    "a target that nothing reads": (
        {**GOOD, "allocate": {"target": 2}},
        "'allocate.target' is read by nothing in the scenario fixed; choose a target scenario, or drop it.",
    ),
    "risk about an expected return": (
        {**GOOD, "allocate": {"scenario": "target_roi", "target": 2, "objective": "cvar"}},
        "'allocate.objective' is cvar, but the scenario target_roi is about the expected return; set it to mean, or "
        "the scenario to fixed, profit or target_mroi.",
    ),
    "more spend than revenue": (
        {**SALES, "simulate": {"channels": {"tv": {"share": 0.6}, "radio": {"share": 0.5}}}},
        "'simulate.channels' spend 110% of the revenue together; lower their 'share'.",
    ),
    "more effect than revenue": (
        {**SALES, "simulate": {"channels": {"tv": {"share": 0.3, "roi": 4}}}},
        "'simulate.channels' would explain 120% of the KPI together; lower their 'share' or 'roi'.",
    ),
    "a panel without channels": (
        {"name": "a", "panel": {"path": "x", "kpi": "y"}},
        "'panel.spend' names no channel; list at least one (organic media alone have no ROI and leave no budget to "
        "plan).",
    ),
    "exposure of no channel": (
        {"name": "a", "panel": {**PANEL, "exposure": {"tvv": "x"}}},
        "'panel.exposure.tvv' is of a channel that 'spend' does not name; did you mean 'tv'?",
    ),
    "a channel that is paid for and organic": (
        {"name": "a", "panel": {**PANEL, "organic": {"tv": "x"}}},
        "'panel.organic.tv' stands under 'spend' as well; leave one of them out, or list it under 'exposure'.",
    ),
    "exposure told twice": (
        {
            "name": "a",
            "panel": {**PANEL, "exposure": {"tv": "x"}, "reach_frequency": {"tv": {"reach": "r", "frequency": "f"}}},
        },
        "'panel.exposure.tv' stands under 'reach_frequency' as well; leave one of them out.",
    ),
    "holidays by the names of no geos": (
        {"name": "a", "panel": {**PANEL, "public_holidays": "auto"}},
        "'panel.public_holidays' is auto, which goes by the names of geos; give a country code such as GB.",
    ),
    "a wide spend file with columns of a long one": (
        {**SALES, "spend": {"path": "x", "layout": "wide", "date": "d", "channels": {"tv": "t"}, "spend": "s"}},
        "'spend': a wide spend file names its columns under 'channels'; leave out 'channel' and 'spend'.",
    ),
    "preset and columns": (
        {"name": "shop", "transactions": {"path": "x.csv"}},
        "'transactions': give either 'preset' or 'columns' (one of the two).",
    ),
    "spend beside a panel": (
        {**GOOD, "simulate": {}},
        "'spend' and 'simulate' belong to 'transactions'; a 'panel' brings its own spend columns.",
    ),
    "spend and simulate": (
        {**SALES, "simulate": {}, "spend": {"path": "x", "layout": "wide", "date": "d", "channels": {"tv": "tv"}}},
        "give either 'spend' (a file) or 'simulate', not both.",
    ),
    "a long spend file without its columns": (
        {**SALES, "spend": {"path": "x", "layout": "long", "date": "d"}},
        "'spend': a long spend file needs 'channel' and 'spend' (column names).",
    ),
    "a wide spend file without its channels": (
        {**SALES, "spend": {"path": "x", "layout": "wide", "date": "d"}},
        "'spend': a wide spend file needs 'channels' (channel: column).",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_mistake_is_one_sentence(case, tmp_path):
    raw, message = BAD[case]
    file = tmp_path / "shop.yaml"
    file.write_text(yaml.safe_dump(raw), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert re.sub(r", line \d+:", ":", str(caught.value)) == f"{file}: {message}"


SHOP = """name: shop
panel:
  path: {path}
  kpi: sales
  spend: {{tv: {column}}}
allocate:
{allocate}
"""


def load(folder, path="weekly.csv", column="tv_cost", allocate="  weeks: 26"):
    (folder / "shop.yaml").write_text(SHOP.format(path=path, column=column, allocate=allocate), encoding="utf-8")
    return load_config(folder / "shop.yaml")


@pytest.mark.parametrize(
    ("given", "line", "message"),
    [
        ({"allocate": "  weeks: many"}, 7, "'allocate.weeks' must be a whole number (given: 'many')."),
        ({"allocate": "  weeks: 5\n  groups:\n    - name: a\n"}, 9, "'allocate.groups.0.channels' is missing; add it."),
        ({"allocate": "  limits:\n    tv:\n      lowr: 5"}, 9, "unknown key 'allocate.limits.tv.lowr'; did you mean"),
        ({"allocate": "  limits:\n    tv: {lower: 5, upper: 1}"}, 8, "'allocate.limits.tv.lower' is 5 and 'upper' 1"),
    ],
)
def test_a_mistake_names_its_line(given, line, message, tmp_path):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, **given)
    assert str(caught.value).startswith(f"{tmp_path / 'shop.yaml'}, line {line}: {message}")


def test_all_mistakes_are_known_and_the_first_is_told(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, allocate="  weeks: 0\n  levl: 0.5\n  relative: [2, 1]\n  step: x")
    assert [re.search(r"line (\d+)", sentence)[1] for sentence in caught.value.args] == ["8", "7", "10"]
    assert str(caught.value) == caught.value.args[0]


NOTATION = {
    r'path: "C:\data\w.csv"': (1, "in double quotes YAML reads a backslash"),
    r'path: "D:\new\table.csv"': (1, "in double quotes YAML reads a backslash"),
    r'path: "\\server\x1f\w.csv"': (1, "in double quotes YAML reads a backslash"),
    "name: a\ntitle: b\nname: c": (3, "the key 'name' stands there again (first in line 1)"),
    "model:\n  fourier: 2\n  l_max: 4\n  fourier: 3": (4, "the key 'fourier' stands there again"),
    "panel: {kpi: a, kpi: b}": (1, "the key 'kpi' stands there again"),
    "name: a\n\ttitle: b": (2, "a tab stands there"),
    "title: Shop: spring": (1, "put a text that holds ': ' in quotes"),
    "name:a\ntitle: b": (2, "write a space after each key's colon"),
    "panel:\n  controls: [a, b\n  kpi: c": (3, "the bracket that opens in line 2 is not closed"),
    "title: 'Shop's'\nname: a": (1, "put it in quotes as a whole"),
    'name: a\ntitle: "Shop\nx: y': (2, "the quotes that open in line 2 are never closed"),
    "name: a\npath: *.csv": (2, "a text that begins with '*' must stand in quotes"),
    "name: a\ndate_format: %d/%m/%Y": (2, "a text that begins with '%' must stand in quotes"),
    "title: @shop": (1, "a text that begins with '@' must stand in quotes"),
    "model:\n   l_max: 4\n  fourier: 2": (3, "does not line up"),
    "name: a\ntitle\nci_prob: 0.9": (2, "a key without its colon"),
    "name: a\n---\nname: b": (2, "begins a second configuration"),
}


@pytest.mark.parametrize("text", NOTATION)
def test_a_mistake_in_the_notation_is_told_in_our_words(text, tmp_path):
    file = tmp_path / "shop.yaml"
    file.write_text(text, encoding="utf-8")
    line, message = NOTATION[text]
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert str(caught.value).startswith(f"{file}, line {line}: ")
    assert message in str(caught.value)
    assert not re.search("scanning|parsing|token|block|alias|escape", str(caught.value))


@given(st.text(alphabet="ab:'\"[]{}&*!|>%@`#\\-?,\n\t $0~", max_size=30))
@settings(max_examples=300)
def test_whatever_the_file_holds_it_is_one_sentence(text):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "shop.yaml"
        file.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError) as caught:
            load_config(file)
        assert str(caught.value).startswith(str(file)) and str(caught.value)[-1] in ".?"
        assert not re.search("scanning|parsing|token|constructor|mapping value", str(caught.value))


def test_texts_stay_what_they_are(tmp_path):
    config = load(tmp_path, column="on")
    assert config.panel.spend == {"tv": "on"}
    assert load(tmp_path, column="NO").panel.spend == {"tv": "NO"}
    assert load(tmp_path, column="007").panel.spend == {"tv": "007"}
    assert load(tmp_path, column="1.50").panel.spend == {"tv": "1.50"}
    assert load(tmp_path, column="1e3").panel.spend == {"tv": "1e3"}
    assert load(tmp_path, allocate="  limits: {01: {upper: 5}}").allocate.limits["01"].upper == 5
    assert load(tmp_path, allocate="").allocate == make_config(GOOD).allocate
    assert load(tmp_path, allocate="  weeks:\n  limits:").allocate == make_config(GOOD).allocate


def test_geos_that_look_like_numbers_are_names_as_written():
    test = {"channel": "tv", "start": "2024-01-01", "end": "2024-02-01", "geos": [501, 7]}
    numbers = {"spend_change": "5,000", "incremental_kpi": "12 000.5", "standard_error": 300}
    found = make_config({**GOOD, "model": {"lift_tests": [{**test, **numbers}]}}).model.lift_tests[0]
    assert found.geos == ("501", "7")
    assert (found.spend_change, found.incremental_kpi) == (5000.0, 12000.5)


def test_an_empty_key_that_may_be_unset_is_unset():
    sales = {**SALES["transactions"], "top_n": None}
    assert make_config({**SALES, "transactions": sales}).transactions.top_n is None


@pytest.mark.parametrize(
    ("key", "given", "meant"),
    [
        ("budget", "250,000", 250_000),
        ("budget", "1 250 000.50", 1_250_000.5),
        ("budget", "£12'500", 12_500),
        ("budget", "4_000_000", 4_000_000),
        ("weeks", "1,000", 1000),
        ("extrapolation", "15%", 0.15),
        ("margin", "32.5 %", 0.325),
        ("level", "5%", 0.05),
        ("relative", ["-20%", "+35%"], (0.8, 1.35)),
        ("relative", ["80%", 2], (0.8, 2.0)),
    ],
)
def test_numbers_are_read_as_people_write_them(key, given, meant):
    assert getattr(make_config({**GOOD, "allocate": {key: given}}).allocate, key) == pytest.approx(meant)


@given(st.integers(0, 10**12), st.sampled_from(",_ '\u2019"))
def test_thousands_are_read_whatever_parts_them(number, mark):
    assert make_config({**GOOD, "allocate": {"budget": f"{number:,}".replace(",", mark)}}).allocate.budget == number


def test_a_file_of_a_windows_editor_is_read(tmp_path):
    for encoding in ("utf-16", "utf-8-sig"):
        (tmp_path / "shop.yaml").write_text(SHOP.format(path="é.csv", column="tv", allocate=""), encoding=encoding)
        assert load_config(tmp_path / "shop.yaml").panel.path == "é.csv"


def test_a_dollar_may_belong_to_a_name(tmp_path):
    (tmp_path / "spend_$Q1.csv").touch()
    for name in ("spend_$2024.csv", "spend_$Q1.csv", "50$.csv"):
        assert load(tmp_path, path=name).find(name) in (name, str(tmp_path / name))
    with pytest.raises(ConfigError, match="environment variable Q2 is not set"):
        load(tmp_path).find("spend_$Q2.csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no configuration; it needs at least 'name' and 'transactions' or 'panel'."),
        (b"- a\n- b\n", "holds no configuration; it needs at least 'name' and 'transactions' or 'panel'."),
        (b"\xff\xfe\x81", "is not valid YAML ("),
    ],
)
def test_a_file_that_holds_no_configuration(content, message, tmp_path):
    file = tmp_path / "shop.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert str(caught.value).startswith(f"{file}: {message}")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match=r"gone\.yaml: cannot be read \(No such file or directory\)"):
        load_config(tmp_path / "gone.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path)


def test_data_replaces_the_path_of_either_source(tmp_path):
    for raw in (GOOD, SALES):
        (tmp_path / "shop.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
        config = load_config(tmp_path / "shop.yaml", data="other.csv")
        source = config.panel or config.transactions
        assert source.path == str(Path("other.csv").absolute())
        config = load_config(tmp_path / "shop.yaml", data="s3a://bucket/lines/*.csv")
        source = config.panel or config.transactions
        assert config.find(source.path) == "s3a://bucket/lines/*.csv"  # no path of this folder


def test_paths_are_found_beside_the_configuration(tmp_path, monkeypatch):
    (tmp_path / "weekly.csv").touch()
    (tmp_path / "part-1.csv").touch()
    config = make_config(GOOD, folder=tmp_path)
    assert config.find("weekly.csv") == str(tmp_path / "weekly.csv")
    assert config.find("part-*.csv") == str(tmp_path / "part-*.csv")
    assert config.find("elsewhere.csv") == "elsewhere.csv"
    assert config.find("/absolute.csv") == "/absolute.csv"
    monkeypatch.setenv("SHOP", str(tmp_path))
    assert config.find("${SHOP}/weekly.csv") == str(tmp_path / "weekly.csv")
    assert config.find("$SHOP/weekly.csv") == str(tmp_path / "weekly.csv")


def test_a_variable_that_is_not_set_is_named(monkeypatch):
    monkeypatch.delenv("NOT_SET", raising=False)
    with pytest.raises(ConfigError, match="environment variable NOT_SET is not set; set it, or give the path"):
        make_config(GOOD).find("${NOT_SET}/weekly.csv")


def test_single_keys_can_be_overridden():
    config = make_config({**GOOD, "sampler": {"draws": 100, "chains": 3}})
    changed = override(config, sampler={"draws": 200, "tune": None}, allocate={"budget": 5.0})
    assert (changed.sampler.draws, changed.sampler.chains, changed.sampler.tune) == (200, 3, config.sampler.tune)
    assert changed.allocate.budget == 5.0
    assert config.sampler.draws == 100
    assert changed.panel == config.panel


def test_an_override_is_checked_like_the_file():
    with pytest.raises(ConfigError, match=r"^option: 'sampler\.draws' must be at least 50"):
        override(make_config(GOOD), sampler={"draws": 1})


def test_priors_are_ranges_or_names():
    priors = {"roi": {"default": {"distribution": "lognormal", "mu": 0.2, "sigma": 0.9}, "tv": [0.5, 3]}}
    config = make_config({**GOOD, "model": {"priors": priors}})
    assert config.model.priors.roi["tv"] == (0.5, 3)
    assert config.model.priors.roi["default"].mu == 0.2


@pytest.mark.parametrize("adstock", ["delayed", "weibull"])
def test_the_parameter_theta_takes_a_range(adstock):
    config = make_config({**GOOD, "model": {"adstock": adstock, "priors": {"theta": {"tv": [1, 5]}}}})
    prior = prior_of("theta", "tv", config.model.priors)
    np.testing.assert_allclose(prior.frozen().ppf([0.05, 0.95]), [1, 5])


@pytest.mark.parametrize(
    ("roi", "share", "carried"),
    [
        ((), (), ("pool", "pool", "contribution_share")),
        (("tv",), (), ("roi", "pool", "contribution_share")),
        (("default",), (), ("roi", "roi", "contribution_share")),
        ((), ("tv",), ("contribution_share", "pool", "contribution_share")),
        ((), ("default",), ("contribution_share",) * 3),
        (("tv",), ("default",), ("roi", "contribution_share", "contribution_share")),
        (("default",), ("tv",), ("contribution_share", "roi", "contribution_share")),
        (("default",), ("default",), ("roi", "roi", "contribution_share")),
    ],
)
def test_what_carries_the_prior(roi, share, carried):
    given = ChannelPriors(roi=dict.fromkeys(roi, (0.5, 3)), contribution_share=dict.fromkeys(share, (0.01, 0.1)))
    channels = {"tv": True, "search": True, "email": False}
    assert tuple(carrier(channel, paid, given) for channel, paid in channels.items()) == carried


# --- the reference ------------------------------------------------------------------------------

REFERENCE = Path("config/reference.yaml")


def sections_of(annotation) -> list[type[BaseModel]]:
    """Return the configuration sections that an annotation mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [s for part in get_args(annotation) for s in sections_of(part)]


def compare(section: type[BaseModel], shown: dict, place: str) -> None:
    """Hold one section of the reference to its class: same keys, same defaults."""
    fields = {n: f for n, f in section.model_fields.items() if n != "folder"}
    assert sorted(shown) == sorted(fields), place
    for key, field in fields.items():
        here, value = f"{place}.{key}", shown[key]
        default = field.get_default(call_default_factory=True)
        inner = sections_of(field.annotation)
        if isinstance(value, dict) and inner:
            nested = get_origin(field.annotation) is dict
            for entry in value.values() if nested else [value]:
                compare(inner[0], entry, here)
        elif not field.is_required() and key != "path":  # without one, the data are elsewhere
            assert yaml_like(default) == value, here


def yaml_like(value):
    """Return a default as YAML reads it."""
    return list(value) if isinstance(value, tuple) else value


def test_the_reference_shows_every_option_with_its_default():
    compare(Config, yaml.safe_load(REFERENCE.read_text(encoding="utf-8")), "config")


def test_every_line_of_the_reference_has_a_meaning():
    for line in REFERENCE.read_text(encoding="utf-8").splitlines():
        assert not line.strip() or line.endswith(":") or "# " in line, line


# --- whatever is wrong, it is one sentence in our own words ---------------------------------------

LIBRARY = re.compile(
    r"Input should|Field required|valid (dictionary|tuple|list|string|number|integer|boolean)|Value error|unable to "
    r"parse|another value|pydantic|one for all|by geo|\bstr\b|type=|\[key\]|by range|by name|Tuple|instance of|"
    r"Extra inputs|Traceback|None|True|False"
)
NUMBERS = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))
KEYS = st.text(max_size=5) | st.integers(0, 9)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | NUMBERS | st.text(max_size=5) | st.dates() | st.just(float("nan")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.integers(0, 9), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(section: type[BaseModel], at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the path of each key of the configuration."""
    found = []
    for name, field in section.model_fields.items():
        if name == "folder":
            continue
        path = (*at, name)
        found.append(path)
        inner, outer = sections_of(field.annotation), get_origin(field.annotation)
        for one in inner[:1]:
            found += places(one, (*path, "tv") if outer is dict else (*path, 0) if outer is tuple else path)
    return found


def put(raw: dict, path: tuple, value) -> dict:
    """Return a mapping with a value at a path; a list of one where the path says 0."""
    key, *rest = path
    if not rest:
        return raw | {key: value} if key != 0 else [value]
    below = raw.get(key) if isinstance(raw, dict) else None
    inner = put(below if isinstance(below, dict) else {}, tuple(rest), value)
    return [inner] if key == 0 else raw | {key: inner}


@given(st.sampled_from(places(Config)), ANYTHING, st.booleans())
@settings(max_examples=400)
def test_whatever_stands_at_a_key_is_accepted_or_refused_in_our_words(path, value, transactions):
    raw = put(SALES if transactions else GOOD, path, value)
    try:
        make_config(raw)
    except ConfigError as error:
        sentence = str(error)
        shown = sentence.replace(repr(value), "")
        assert not LIBRARY.search(re.sub(r"\(given: .*", "", shown)), sentence
        assert sentence.startswith("configuration: ") and "\n" not in re.sub(r"'.*'", "", sentence, flags=re.DOTALL)
        assert sentence[-1] in ".?"


RANGES = st.tuples(NUMBERS, NUMBERS)
PLACES = ["relative", "limits.tv.relative", "weekly.tv", "limits.tv", "groups"]


@given(st.sampled_from(PLACES), RANGES)
def test_reversed_and_negative_ranges_are_refused_and_all_others_accepted(place, ends):
    low, high = ends
    values = {
        "relative": {"relative": [low, high]},
        "limits.tv.relative": {"limits": {"tv": {"relative": [low, high]}}},
        "weekly.tv": {"weekly": {"tv": [low, high]}},
        "limits.tv": {"limits": {"tv": {"lower": low, "upper": high}}},
        "groups": {"groups": [{"channels": ["tv"], "lower": low, "upper": high}]},
    }
    raw = {**GOOD, "allocate": values[place]}
    if 0 <= low <= high:
        make_config(raw)
    else:
        with pytest.raises(ConfigError, match=rf"^configuration: 'allocate\.{place}.*[.]$"):
            make_config(raw)


PARAMETERS = {"mu": NUMBERS, "sigma": NUMBERS, "alpha": NUMBERS, "beta": NUMBERS, "lower": NUMBERS, "upper": NUMBERS}


@given(
    st.sampled_from(["roi", "contribution_share", "alpha", "kappa", "slope"]),
    st.sampled_from(list(DISTRIBUTIONS)),
    st.fixed_dictionaries({}, optional=PARAMETERS),
)
@settings(max_examples=300)
def test_a_prior_is_refused_or_gives_finite_draws_within_reach(quantity, distribution, parameters):
    prior = {"distribution": distribution, **parameters}
    try:
        config = make_config({**GOOD, "model": {"priors": {quantity: {"tv": prior}}}})
    except ConfigError as error:
        assert str(error).startswith(f"configuration: 'model.priors.{quantity}.tv")
    else:
        assert sorted(parameters) == sorted(DISTRIBUTIONS[distribution].parameters)
        low, high = prior_of(quantity, "tv", config.model.priors).frozen().ppf([0.05, 0.95])
        assert 0 <= low < high <= (1 if quantity in ("alpha", "contribution_share") else np.inf)
