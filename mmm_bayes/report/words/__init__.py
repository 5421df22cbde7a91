"""All words of the report, the terminal and the dashboard, one folder for a language.

``en/*.md``, ``fr/*.md`` are sections of a page, ``en/*.toml`` sentences and heads by code, one file per topic; all are
Jinja templates. A code is the name of the file, a dot and the name in it: ``check.r_hat.remedy`` is in ``check.toml``.
What checks and steps find comes as a `Finding` with such a code; its values fill the template. Pages take
sentences as Markdown, the terminal and tables without its ``**``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined, pass_context
from jinja2.runtime import Context

from mmm_bayes.findings import Finding
from mmm_bayes.report import numbers
from mmm_bayes.report.language import catalogue, language
from mmm_bayes.report.numbers import Money

NO_CURRENCY = Money("", 2)


def say(code: str, **values: Any) -> str:
    """Return a sentence as plain text.

    Args:
        code: which.
        values: what its template asks for; a name that is missing is an error.
    """
    return _templates(language()).get_template(code).render(values)


def word(finding: Finding, money: Money = NO_CURRENCY) -> str:
    """Return the sentence of a finding; ``money`` shows its amounts."""
    return say(finding.code, **{"money": money} | dict(finding.values))


def label(name: str, kind: str) -> str:
    """Return what readers call a thing, such as a variable of the model; its own name where none is given."""
    return catalogue().get(f"label.{kind}.{name}", name)


@pass_context
def _said(context: Context, findings: Iterable[Mapping[str, Any]]) -> str:
    """Return the sentences of findings within a finding."""
    return " ".join(word(Finding(**raw), context.get("money", NO_CURRENCY)) for raw in findings)


FILTERS = {
    **{
        name: getattr(numbers, name)
        for name in ("ratio", "percent", "change", "chance", "count", "day", "spans", "listed")
    },
    **{
        "tiny": numbers.tiny,
        "minute": numbers.minute,
        "compact": numbers.compact,
        "span": numbers.span,
        "fmt": numbers.formatted,
    },
    **{"label": label, "said": _said},
}
"""How templates show their values."""


@cache
def _templates(language: str) -> Environment:
    plain = {code: text.replace("**", "") for code, text in catalogue().items()}
    made = Environment(loader=DictLoader(plain), undefined=StrictUndefined, autoescape=False)
    made.filters |= FILTERS
    return made


# --- checks -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Judged:
    """A check of the fit in words.

    Attributes:
        check: its name.
        status: ``PASS``, ``REVIEW`` or ``FAIL``.
        message: what was found.
        remedy: what to do about it, empty where it is passed.
    """

    check: str
    status: str
    message: str
    remedy: str


def judged(reason: Mapping[str, Any], money: Money = NO_CURRENCY) -> Judged:
    """Return a reason of ``diagnostics.json`` in words; ``money`` shows its amounts."""
    name, remedy = (f"check.{reason['check']}.{part}" for part in ("name", "remedy"))
    passed, values = reason["status"] == "PASS", {"money": money, **reason["values"]}
    return Judged(
        say(name, **values), reason["status"], say(reason["code"], **values), "" if passed else say(remedy, **values)
    )


def verdict(diagnostics: Mapping[str, Any], named: bool = True) -> str:
    """Return what the checks of ``diagnostics.json`` come to, in a sentence; ``named``: with those not passed."""
    code, reasons = diagnostics["verdict"], diagnostics["reasons"]
    found = [judged(reason).check for reason in doubts(reasons)]
    return say(
        f"verdict.{code}", open=len(found), total=len(reasons), names=numbers.listed(found) if found and named else ""
    )


def doubts(reasons: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the checks that were not passed, the worst first."""
    return sorted((r for r in reasons if r["status"] != "PASS"), key=lambda r: r["status"] != "FAIL")
