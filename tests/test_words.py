"""Every code that the package can produce has its words, every word has a producer, and neither lacks a value."""

import ast
import csv
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from jinja2 import Environment, UndefinedError, meta

from mmm_bayes.findings import Finding
from mmm_bayes.posterior.checks import checked
from mmm_bayes.report import page
from mmm_bayes.report.language import catalogue, folder
from mmm_bayes.report.numbers import Money
from mmm_bayes.report.words import FILTERS, judged, label, say, word

MAKERS = {"Finding", "say", "phrase", "checked", "_found"}
HEADS = ("column_heads", "without")
"""Take codes of columns."""

FRAME = Path("mmm_bayes/report/templates/page.html")
LABELS = "label."
"""Words for names that come from elsewhere; what has none keeps its name."""


def literals(node: ast.expr) -> list[str]:
    """Return the texts that an expression can be; one that begins with a text can be all codes that begin so."""
    if isinstance(node, ast.IfExp):
        return [*literals(node.body), *literals(node.orelse)]
    if isinstance(node, ast.JoinedStr):
        start = "".join(literals(node.values[0]))
        return [code for code in catalogue() if code.startswith(start)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def names(node: ast.expr | None, known: dict[str, ast.expr]) -> set[str] | None:
    """Return the keys of a dictionary that is written out, None for another."""
    if isinstance(node, ast.Name):
        return names(known.get(node.id), known)
    if not isinstance(node, ast.Dict):
        return None
    found: set[str] = set()
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            unpacked = comprehended(value) if isinstance(value, ast.DictComp) else names(value, known)
            if unpacked is None:
                return None
            found |= unpacked
        else:
            found |= set(literals(key))
    return found


def comprehended(node: ast.DictComp) -> set[str] | None:
    """Return the keys of ``{name: ... for name in ("a", "b")}``."""
    where = node.generators[0].iter
    return {text for e in where.elts for text in literals(e)} if isinstance(where, ast.Tuple) else None


@cache
def produced() -> dict[str, list[set[str] | None]]:
    """Return every code in the package with the values that come with it, None where they are not written out."""
    found: dict[str, list[set[str] | None]] = {}
    for file in sorted(Path("mmm_bayes").rglob("*.py")):
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef) and function.name not in HEADS:
                for code, values in of_function(function):
                    found.setdefault(code, []).append(values)
    return found


def of_function(function: ast.FunctionDef) -> Iterator[tuple[str, set[str] | None]]:
    nodes = list(ast.walk(function))
    known = {
        n.targets[0].id: n.value for n in nodes if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name)
    }
    yield from ((f"column.{code}", {"level", "break_even", "unit"}) for code in columns(nodes, known))
    for call in nodes:
        if not (
            isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in MAKERS and call.args
        ):
            continue
        first = call.args[0]
        for code in literals(known.get(first.id, first) if isinstance(first, ast.Name) else first):
            yield from codes(call, code, known)


def columns(nodes: list[ast.AST], known: dict[str, ast.expr]) -> Iterator[str]:
    """Yield the codes of columns in calls that make heads or drop them."""

    def inside(node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Name) and node.id in known:
            yield from inside(known[node.id])
        elif isinstance(node, ast.Constant):
            yield from literals(node)
        else:
            for part in ast.iter_child_nodes(node):
                if part is not getattr(node, "test", None):
                    yield from inside(part)

    for call in nodes:
        if isinstance(call, ast.Call) and getattr(call.func, "id", getattr(call.func, "attr", "")) in HEADS:
            yield from (code for part in call.args for code in inside(part))


def codes(call: ast.Call, code: str, known: dict[str, ast.expr]) -> Iterator[tuple[str, set[str] | None]]:
    """Return what a call of one of the makers asks for."""
    if call.func.id == "say":
        keys = [{k.arg} if k.arg else names(k.value, known) for k in call.keywords]
        yield code, None if None in keys else set().union(*keys)
    elif call.func.id == "phrase":
        yield code, set()
    elif call.func.id == "Finding":
        yield code, names(call.args[1], known) if len(call.args) > 1 else set()
    else:
        listing = call.func.id == "_found"
        values = (
            {"findings", "untested"}
            if listing
            else {"value", *(names(call.args[3], known) or () if call.args[3:] else ())}
        )
        for part in ("name", "remedy", "found", *(["passed"] if listing else [])):
            yield f"check.{code}.{part}", values


def included() -> set[str]:
    """Return the codes that pages of the report take as they are."""
    pages = "".join(page.read_text(encoding="utf-8") for page in (*folder().glob("*.md"), FRAME))
    return {code for code in re.findall(r'(?:include |say\()"([a-z_]+\.[a-z_]+)"', pages) if not code.endswith(".md")}


def wanted(template: str) -> set[str]:
    environment = Environment(autoescape=False)
    environment.filters |= FILTERS
    return meta.find_undeclared_variables(environment.parse(template)) - {"money"}


def things() -> set[str]:
    """Return what the package counts, in code and in templates."""
    counted = re.compile(r"""count\((?:[^()"']|\([^()]*\))*["']([a-z -]+)["']\)""")
    files = [file for suffix in ("py", "md", "toml") for file in Path("mmm_bayes").rglob(f"*.{suffix}")]
    return {thing for file in files for thing in counted.findall(file.read_text(encoding="utf-8"))}


def test_all_that_is_counted_has_its_singular_and_plural():
    known = {code.split(".")[1] for code in catalogue() if code.startswith("thing.")}
    assert things() - known == set()
    assert len(things()) > 8


def test_every_code_has_words_and_every_word_a_producer():
    words = {code for code in catalogue() if not code.startswith(LABELS)}
    made = set(produced()) | included()
    tests = {f"check.lift_test.{part}" for part in ("name", "remedy")}  # of a check that is made from its finding
    assert sorted(made - words) == []
    assert sorted(words - made - tests) == []


@pytest.mark.parametrize("code", sorted(catalogue()))
def test_what_a_template_asks_for_is_among_the_values(code):
    for values in produced().get(code, []):
        assert values is not None, "write the values out, so that they can be held against the template"
        assert wanted(catalogue()[code]) <= values


@pytest.mark.parametrize("code", sorted(catalogue()))
def test_no_text_stands_within_the_braces_of_a_template(code):
    """Pages show what braces hold as it is, without the space around it."""
    assert not re.search(r"{{\s*['\"]", catalogue()[code])


def texts(content: object) -> Iterator[str]:
    """Yield every key and every text in what JSON holds."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from (key, *texts(value))
    elif isinstance(content, list):
        for value in content:
            yield from texts(value)
    elif isinstance(content, str):
        yield content


def test_files_hold_names_and_codes_but_no_sentences(small_run):
    files = sorted(small_run.space.data.glob("*.json"))
    held = [text for file in files for text in texts(json.loads(file.read_text(encoding="utf-8")))]
    for file in sorted(small_run.space.data.glob("*.csv")):
        with file.open(encoding="utf-8") as lines:
            held += [cell for row in csv.reader(lines) for cell in row]
    assert len(files) >= 4 and len(held) > 1000
    assert [text for text in held if " " in text] == []


def test_a_value_that_is_missing_is_an_error():
    with pytest.raises(UndefinedError, match="'channel' is undefined"):
        say("prior.implausible", place="here", share=0.8, probability=0.5)


def test_a_finding_is_worded_with_its_values():
    finding = Finding("media.follows_demand", {"channel": "tv", "chance": 0.0004, "agreement": None})
    assert word(finding, Money("£", 0)) == (
        "tv follows demand: surprises in the KPI foretell its later media (p = 0.0004), so its ROI is likely too high."
    )
    finding = Finding("media.follows_demand", {"channel": "tv", "chance": None, "agreement": 0.713})
    assert word(finding, Money("£", 0)) == (
        "tv follows demand: its trend, season and peaks are those of demand (agreement 0.71 of 1), so its ROI is "
        "likely too high."
    )


def test_emphasis_is_for_pages_and_values_are_escaped_there(results_of_a_test):
    plain, page = results_of_a_test
    assert plain.startswith("A lift test of tv*radio* would teach most:")
    assert page.startswith(r"A lift test of **tv\*radio\*** would teach most:")
    assert page.replace("**", "").replace("\\", "").strip() == plain


@pytest.fixture
def results_of_a_test(tmp_path, monkeypatch):
    values = {"first": "tv*radio*", "gain": 5e3, "second": None, "second_gain": None, "test_error": 0.2}
    finding, money = Finding("plan.test_next", values), Money("£", 0)
    (tmp_path / "page.md").write_text("{{ finding|said }}", encoding="utf-8")
    monkeypatch.setattr(page, "folder", lambda: tmp_path)
    return word(finding, money), page.to_markdown("page.md", {"finding": finding, "money": money})


def test_a_check_says_what_to_do_only_where_it_is_not_passed():
    passed, open_ = (
        judged(vars(checked("r_hat", value, (1.01, 1.05), {"variable": "log_effect", "again": False})))
        for value in (1.004, 1.03)
    )
    assert (passed.check, passed.status, passed.remedy) == ("R-hat", "PASS", "")
    assert open_.message == "Chains agree to 1.030 at worst (media effect)."
    assert open_.remedy == "To mend it, increase sampler.tune and sampler.draws."


def test_what_has_no_label_keeps_its_name():
    assert label("contribution_share", "variable") == "ROI"
    assert label("sigma", "variable") == "sigma"
