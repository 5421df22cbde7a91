"""The whole configuration, read from YAML; every mistake is one sentence with its place and remedy."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PrivateAttr, ValidationError

from mmm_bayes.config.allocation import Allocate
from mmm_bayes.config.data import PanelSource, Simulate, SpendFile
from mmm_bayes.config.document import read_document
from mmm_bayes.config.experiments import with_result
from mmm_bayes.config.explain import sentences
from mmm_bayes.config.external import Event, ExternalFile
from mmm_bayes.config.file import TableFile, is_address, places_of
from mmm_bayes.config.model import Compare, Model, Sampler
from mmm_bayes.config.section import Fraction, Mistake, Section, one_of
from mmm_bayes.config.transactions import MONEY, Transactions
from mmm_bayes.errors import ConfigError


def _as_setting(given: Any) -> Any:
    return str(given).lower() if isinstance(given, bool) else given


LANGUAGES = ("en", "fr")
"""Of reports and terminal, each with a folder of its words in ``report/words``."""

Setting = Annotated[str, BeforeValidator(_as_setting)]
"""Of Spark; ``true`` and numbers are the texts that Spark takes."""


class Config(Section):
    """One run, from its data to its report."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    title: str | None = None
    kpi_label: str | None = None
    language: Annotated[str, one_of(LANGUAGES)] = "en"
    currency: str = ""
    transactions: Transactions | None = None
    spend: SpendFile | None = None
    simulate: Simulate | None = None
    panel: PanelSource | None = None
    external: dict[str, ExternalFile] = {}
    events: dict[str, Event] = {}
    ci_prob: Fraction = 0.9
    model: Model = Model()
    sampler: Sampler = Sampler()
    compare: Compare = Compare()
    allocate: Allocate = Allocate()
    spark: dict[str, Setting] = {}
    folder: Path = Path()
    _options: frozenset[str] = PrivateAttr(default=frozenset())

    @property
    def options(self) -> frozenset[str]:
        """Dotted names of the settings that an option of the command line gave, such as ``allocate.budget``."""
        return self._options

    @property
    def files(self) -> dict[str, TableFile]:
        """The sections that name source data, by their dotted names."""
        single: dict[str, TableFile | None] = {
            "transactions": self.transactions,
            "spend": self.spend,
            "panel": self.panel,
        }
        if self.transactions is not None:
            single["transactions.costs"] = self.transactions.costs
        found = {name: section for name, section in single.items() if section is not None}
        return found | {f"external.{name}": table for name, table in self.external.items()}

    def mistakes(self) -> Iterator[Mistake]:
        """No source, or several."""
        if (self.transactions is None) == (self.panel is None):
            yield "", "give either 'transactions' or 'panel' (one of the two)"
        if self.panel is not None and (self.spend is not None or self.simulate is not None):
            yield "", "'spend' and 'simulate' belong to 'transactions'; a 'panel' brings its own spend columns"
        if self.spend is not None and self.simulate is not None:
            yield "", "give either 'spend' (a file) or 'simulate', not both"
        yield from self._about_the_kpi()
        for name in self.spark:
            if not name.startswith("spark."):
                yield "spark", f"has '{name}', but the settings of Spark begin with 'spark.'; write spark.hadoop.{name}"

    def find(self, path: str) -> str:
        """Return ``path`` with variables expanded: as given, beside the configuration, or from the working directory.

        Raises:
            ConfigError: when the path names an environment variable that is not set.
        """
        if is_address(path):
            return _expanded(path)
        expanded = path if "$" in path and self._is_there(path) else _expanded(path)
        beside = self.folder / expanded
        if Path(expanded).is_absolute() or not any(places_of(beside)):
            return expanded
        return str(beside)

    def filled(self, text: str) -> str:
        """Return a text with the variables of the environment filled in.

        Raises:
            ConfigError: one of them is not set.
        """
        return _filled(text, f"'{text}'")

    def _is_there(self, path: str) -> bool:
        """Whether a file has this very name, with a ``$`` in it."""
        return (self.folder / path).exists() or Path(path).exists()

    def _about_the_kpi(self) -> Iterator[Mistake]:
        """Yield what cannot be done with the KPI of the transactions."""
        kpi = self.transactions.kpi if self.transactions is not None else "revenue"
        if self.simulate is not None and kpi not in MONEY:
            yield "transactions.kpi", f"is {kpi}, but 'simulate' needs a KPI in currency; take revenue or margin"
        if kpi == "margin" and self.allocate.margin != 1:
            yield "allocate.margin", "is of no use: the KPI is the margin already; leave it out"


def _expanded(path: str) -> str:
    """Return a path with its variables filled in; ``$2024`` is none, their names begin with a letter."""
    known = path if is_address(path) else str(Path(path).expanduser())
    return _filled(known, f"path '{path}'", ", or give the path with --data")


def _filled(text: str, what: str, remedy: str = "") -> str:
    expanded = os.path.expandvars(text)
    if unset := re.search(r"\$\{?([A-Za-z_]\w*)\}?", expanded):
        raise ConfigError(f"{what}: the environment variable {unset[1]} is not set; set it{remedy}.")
    return expanded


def load_config(path: str | Path, data: str | None = None) -> Config:
    """Read a YAML configuration.

    Args:
        path: the YAML file.
        data: replaces the path of the transactions or of the panel.

    Raises:
        ConfigError: one sentence naming the file, the key and the nearest valid one.
    """
    raw, asked = _read(Path(path), data)
    return make_config(raw, **asked)


def load_what_is_right(path: str | Path, data: str | None = None) -> tuple[Config | None, list[str]]:
    """Return a configuration without what is wrong in it, None where too little is left, and every mistake.

    Raises:
        ConfigError: the file holds no configuration.
    """
    raw, asked = _read(Path(path), data)
    found: dict[str, None] = {}
    while True:
        try:
            return make_config(raw, **asked), list(found)
        except ConfigError as error:
            left = raw
            for part in error.parts:
                left = _without(left, part)
            found |= dict.fromkeys(error.args)
            if left == raw:
                return None, list(found)
            raw = left


def _without(raw: Any, place: str) -> Any:
    """Return mappings and lists without what stands at a dotted place."""
    if isinstance(raw, list):
        return [kept for at, item in enumerate(raw) for kept in _kept(item, str(at), place)]
    if isinstance(raw, dict):
        return {key: kept for key, value in raw.items() for kept in _kept(value, str(key), place)}
    return raw


def _kept(value: Any, key: str, place: str) -> Iterator[Any]:
    """Yield what is left of a value when the place is taken out; nothing where it is the place."""
    if place != key:
        yield _without(value, place.removeprefix(f"{key}.")) if place.startswith(f"{key}.") else value


def _read(path: Path, data: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a file holds, and the other arguments of `make_config`."""
    document = read_document(path)
    raw = document.content
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: holds no configuration; it needs at least 'name' and 'transactions' or 'panel'.")
    source = "panel" if "panel" in raw else "transactions"
    if data is not None and isinstance(raw.get(source), dict):
        raw[source]["path"] = data if is_address(data) else str(Path(data).absolute())
        for other in ("table", "query"):
            raw[source].pop(other, None)
    options = frozenset() if data is None else frozenset({f"{source}.path"})
    return raw, {"origin": str(path), "folder": path.parent, "options": options, "lines": document.lines}


def make_config(
    raw: dict[str, Any],
    origin: str = "configuration",
    folder: Path = Path(),
    options: frozenset[str] = frozenset(),
    lines: Mapping[str, int] = MappingProxyType({}),
) -> Config:
    """Validate a mapping.

    Args:
        raw: sections by name.
        origin: how a sentence names where it comes from.
        folder: that of the file; paths are found from there.
        options: names of the settings that do not stand in the file.
        lines: the line of each key, see `Document`.

    Raises:
        ConfigError: every mistake a sentence, the first of them the error's text.
    """
    try:
        config = Config.model_validate({**raw, "folder": folder})
    except ValidationError as error:
        found = sentences(error, Config)
        told = (f"{origin}{_at(one.place, lines)}: {one.sentence}" for one in found)
        raise ConfigError(*told, parts=[one.part for one in found]) from None
    config._options = options
    return _with_results(config, origin, lines)


def _with_results(config: Config, origin: str, lines: Mapping[str, int]) -> Config:
    """Fill in the results of lift tests that files hold."""
    tests, found = list(config.model.lift_tests), []
    for at, test in enumerate(tests):
        place = f"model.lift_tests.{at}"
        if test.path is not None:
            try:
                tests[at] = with_result(test, config.find(test.path), place)
            except ConfigError as error:
                found.append((f"{place}.path", f"{origin}{_at(place, lines)}: {error}"))
    if found:
        raise ConfigError(*(sentence for _, sentence in found), parts=[part.rpartition(".")[0] for part, _ in found])
    config.model.__dict__.update(lift_tests=tuple(tests))
    return config


def _at(place: str, lines: Mapping[str, int]) -> str:
    """Return the line of a key, or of the nearest section around it that stands in the file."""
    while place and place not in lines:
        place = place.rpartition(".")[0]
    return f", line {lines[place]}" if place else ""


def override(config: Config, language: str | None = None, **sections: dict[str, Any]) -> Config:
    """Replace single keys of sections, such as ``override(config, sampler={"draws": 200})``; None leaves a key alone.

    Raises:
        ConfigError: as `load_config`.
    """
    raw = config.model_dump(exclude_unset=True, exclude={"folder"})
    options = set(config.options)
    raw |= {} if language is None else {"language": language}
    for section, values in sections.items():
        given = {key: value for key, value in values.items() if value is not None}
        raw[section] = {**raw.get(section, {}), **given}
        options |= {f"{section}.{key}" for key in given}
    return make_config(raw, "option", config.folder, frozenset(options))
