"""What is written in French says what is written in English, with the same values, in the signs of its language."""

import re
import threading
from datetime import date
from pathlib import Path

import pytest
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent
from click import UsageError
from jinja2 import Environment, meta

from mmm_bayes.cli.commands import report as report_command
from mmm_bayes.config import LANGUAGES
from mmm_bayes.report import numbers
from mmm_bayes.report.language import WORDS, catalogue, folder, language, spoken
from mmm_bayes.report.numbers import Money
from mmm_bayes.report.words import FILTERS, say

FRENCH = "fr"
OTHERS = [name for name in LANGUAGES if name != "en"]
CALL = re.compile(r'\b(table|figure|absent|include|fenced)\b[( ]+"?([\w.]+)')


def words_of(name: str) -> dict[str, str]:
    with spoken(name):
        return dict(catalogue())


def pages_of(name: str) -> dict[str, str]:
    return {page.name: page.read_text(encoding="utf-8") for page in (WORDS / name).glob("*.md")}


def values(template: str) -> set[str]:
    environment = Environment(autoescape=False)
    environment.filters |= FILTERS
    return meta.find_undeclared_variables(environment.parse(template))


def prose(template: str) -> str:
    """Return a template without what is code in it."""
    return re.sub(r"{{.*?}}|{%.*?%}|`[^`]*`|^[:|-]+$", "X", template)


ENGLISH = words_of("en")


def test_every_language_of_the_configuration_has_its_words_and_its_option():
    assert {path.name for path in WORDS.iterdir() if any(path.glob("*.toml"))} == {"en", *OTHERS}
    option = next(one for one in report_command.params if one.name == "language")
    assert [option.type.convert(name, None, None) for name in ("en", *OTHERS)] == ["en", *OTHERS]
    with pytest.raises(UsageError, match="'xx' is none that there are words of; use en or"):
        option.type.convert("xx", None, None)
    packed = Path("setup.cfg").read_text(encoding="utf-8")
    assert "report/words/*/*" in packed


@pytest.mark.parametrize("name", OTHERS)
def test_every_message_is_there_in_each_language_with_the_same_values(name):
    there = words_of(name)
    assert sorted(there) == sorted(ENGLISH)
    assert {code: values(text) for code, text in there.items()} == {c: values(text) for c, text in ENGLISH.items()}


def shown(template: str) -> set[str]:
    """Return the expressions that a template shows, but for those that choose between words."""
    found = (re.sub(r"\s", "", inside) for inside in re.findall(r"{{(.*?)}}", template, re.DOTALL))
    return {inside for inside in found if "else" not in inside}


@pytest.mark.parametrize("name", OTHERS)
def test_every_value_is_shown_in_the_same_form_in_each_language(name):
    there, english = words_of(name) | pages_of(name), ENGLISH | pages_of("en")
    bare = re.compile(r'absent\(("\w+"),".*"\)')
    apart = {
        code: (shown(there[code]) ^ shown(text))
        for code, text in english.items()
        if {bare.sub(r"\1", one) for one in shown(there[code])} != {bare.sub(r"\1", one) for one in shown(text)}
    }
    assert apart == {}


@pytest.mark.parametrize("name", OTHERS)
def test_every_page_has_the_same_values_tables_and_figures_in_each_language(name):
    there, english = pages_of(name), pages_of("en")
    assert sorted(there) == sorted(english)
    for page, text in there.items():
        assert values(text) == values(english[page]), page
        assert CALL.findall(re.sub(r'absent\((".*?"), ".*?"\)', r"absent(\1)", text)) == CALL.findall(
            re.sub(r'absent\((".*?"), ".*?"\)', r"absent(\1)", english[page])
        ), page


def test_nearly_nothing_is_left_in_english():
    """Names and signs are the same in both languages; sentences of four words or more never are."""
    french = words_of(FRENCH)
    same = [
        code for code, text in french.items() if text == ENGLISH[code] and len(re.findall("[a-z]{2,}", prose(text))) > 3
    ]
    assert same == []


@pytest.mark.parametrize("text", [*words_of(FRENCH).values(), *pages_of(FRENCH).values()], ids=lambda text: text[:20])
def test_no_line_breaks_before_a_french_sign(text):
    plain = re.sub(r"`[^`]*`", "X", prose(text))
    assert not re.search(r" [:;?!\u00bb%](?=\s|$)|\u00ab ", plain, re.MULTILINE)


def plain(text: str) -> str:
    """Return a text with one kind of space that does not break."""
    return text.replace("\u202f", "\u00a0")


@pytest.mark.parametrize("value", [0, 1, -20, 999.5, 1234.5, 12_345.678, -1_234_567.891])
def test_french_numbers_are_written_as_babel_writes_them(value):
    with spoken(FRENCH):
        own = Money("€", 2).full(value)
        assert plain(own) == plain(format_currency(value, "EUR", locale=FRENCH)).replace("-", numbers.MINUS)
        assert numbers.count(int(value)) == format_decimal(int(value), locale=FRENCH).replace("-", numbers.MINUS)


@pytest.mark.parametrize(("share", "shown"), [(0.12, "12 %"), (0.0766, "7,7 %"), (1.5, "150 %"), (-0.013, "−1,3 %")])
def test_french_shares_have_a_comma_and_a_space(share, shown):
    with spoken(FRENCH):
        assert plain(numbers.percent(share)) == shown.replace(" ", "\u00a0")
        assert plain(format_percent(0.12, locale=FRENCH)) == plain(numbers.percent(0.12))


@pytest.mark.parametrize("day", [date(2024, month, 3) for month in range(1, 13)])
def test_days_are_those_of_the_language(day):
    assert numbers.day(day) == f"{day.day} {day:%b} {day.year}"
    with spoken(FRENCH):
        assert numbers.day(day) == format_date(day, "medium", FRENCH)


def test_french_says_little_things_its_own_way():
    with spoken(FRENCH):
        assert [numbers.count(n, "channel") for n in (0, 1, 2)] == ["0 canal", "1 canal", "2 canaux"]
        assert plain(numbers.chance(1.0)) == "plus de 99\u00a0%"
        assert plain(Money("€", 0).short(5523)) == "5,52\u00a0k€"
        assert plain(Money("EUR", 0).short(2.5e6)) == "2,50\u00a0M\u00a0EUR"
        assert Money("€", 0).unit == "1\u00a0€"
        assert Money("€", 0).signed(0.3) == numbers.NONE
        assert numbers.listed(["a", "b", "c", "d"], 3) == "a, b et 2 autres"
        assert numbers.ticks([0, 500_000, 1_000_000], "€") == ["0\u00a0€", "0,5\u00a0M€", "1\u00a0M€"]
        assert Money("€", 2).full(3).form == '#,##0.00"\u00a0€";-#,##0.00"\u00a0€"'


def test_what_is_spoken_ends_with_its_block_and_stays_in_its_thread():
    heard = []
    with spoken(FRENCH):
        other = threading.Thread(target=lambda: heard.append(language()))
        other.start()
        other.join()
        assert (language(), folder().name, say("cell.yes")) == (FRENCH, FRENCH, "oui")
    assert (language(), say("cell.yes"), heard) == ("en", "yes", ["en"])
    with pytest.raises(KeyError), spoken(FRENCH):
        numbers.count(2, "no such thing")
    assert language() == "en"
