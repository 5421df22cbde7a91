"""A configuration as a text: YAML 1.2 with the line of each key, and mistakes of the notation in plain words."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from mmm_bayes.errors import ConfigError


@dataclass(frozen=True)
class Document:
    """What a file holds.

    Attributes:
        content: mappings, lists and scalars; a number knows how it was written, as that may be a name: ``01``.
        lines: the line of each key and list item by its dotted place, such as ``allocate.groups.0.channels``.
    """

    content: Any
    lines: Mapping[str, int]


def read_document(path: Path) -> Document:
    """Read a YAML file.

    Raises:
        ConfigError: the file, the line, and what to write there instead.
    """
    try:
        text = _text(path.read_bytes())
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}); give the path of a configuration file."
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not valid YAML (nor a text in UTF-8); save it as one.") from None
    try:
        loader = _loader()
        node = loader.compose(text)
        for line, sentence in _slips(node, text):
            raise ConfigError(f"{path}, line {line}: {sentence}.")
        lines = dict(_lines(node, "", set()))  # before `<<` is resolved in the nodes
        return Document(None if node is None else loader.constructor.construct_document(node), lines)
    except MarkedYAMLError as error:
        raise ConfigError(_in_words(path, error, text.splitlines())) from None
    except YAMLError:
        raise ConfigError(f"{path}: is not valid YAML (it holds characters of no text); remove them.") from None


def as_yaml(content: Any) -> str:
    """Return mappings, lists and scalars as the text of a configuration."""
    writer, text = YAML(typ="safe", pure=True), StringIO()
    for name, value in {"default_flow_style": False, "sort_base_mapping_type_on_output": False, "width": 100}.items():
        setattr(writer, name, value)
    writer.dump(content, text)
    return text.getvalue()


def _text(content: bytes) -> str:
    """Return the text of a file, of an editor that writes UTF-16, too."""
    return content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")


# --- scalars ------------------------------------------------------------------------------------


class _Written:
    """A number that shows itself as it was written."""

    written: str

    def __str__(self) -> str:
        return self.written


class _Whole(_Written, int):
    """A whole one."""


class _Decimal(_Written, float):
    """One with a decimal sign."""


def _written[N: (_Whole, _Decimal)](kind: type[N], value: float, node: ScalarNode) -> N:
    made = kind(value)
    made.written = node.value
    return made


class _AsWritten(SafeConstructor):
    """Builds scalars that keep how they were written; what only looks like a number or a day stays a text."""

    def whole(self, node: ScalarNode) -> int | str:
        try:
            return _written(_Whole, self.construct_yaml_int(node), node)
        except ValueError:
            return node.value

    def decimal(self, node: ScalarNode) -> float | str:
        try:
            return _written(_Decimal, self.construct_yaml_float(node), node)
        except ValueError:
            return node.value

    def day(self, node: ScalarNode) -> date | str:
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError:
            return node.value


for _kind, _build in (("int", _AsWritten.whole), ("float", _AsWritten.decimal), ("timestamp", _AsWritten.day)):
    _AsWritten.add_constructor(f"tag:yaml.org,2002:{_kind}", _build)


def _loader() -> YAML:
    made = YAML(typ="safe", pure=True)
    made.Constructor = _AsWritten
    return made


# --- places -------------------------------------------------------------------------------------


def _lines(node: Node | None, place: str, seen: set[int]) -> Iterator[tuple[str, int]]:
    """Yield the line of each key and each item of a list; a part that stands for others is walked once."""
    if node is None or id(node) in seen:
        return
    if isinstance(node, MappingNode):
        below = [(key.value, key, value) for key, value in node.value]
    elif isinstance(node, SequenceNode):
        below = [(str(at), item, item) for at, item in enumerate(node.value)]
    else:
        return
    for name, key, value in below:
        where = f"{place}.{name}" if place else f"{name}"
        yield where, key.start_mark.line + 1
        yield from _lines(value, where, seen | {id(node)})


def _slips(node: Node | None, text: str) -> Iterator[tuple[int, str]]:
    """Yield the line and what is wrong there with what YAML allows: a key twice, a path that became codes."""
    for part in _walk(node, set()):
        if isinstance(part, MappingNode):
            first: dict[str, int] = {}
            for key, _ in part.value:
                line, name = key.start_mark.line + 1, str(key.value)
                if name in first and name != "<<":
                    yield line, f"the key '{name}' stands there again (first in line {first[name]}); keep one"
                first.setdefault(name, line)
        elif isinstance(part, ScalarNode) and part.style == '"' and len(part.value) > 1:
            written = text[part.start_mark.index : part.end_mark.index]
            if "\\" in written and not part.value.isprintable():
                yield part.start_mark.line + 1, BACKSLASH


def _walk(node: Node | None, seen: set[int]) -> Iterator[Node]:
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    yield node
    for child in node.value if isinstance(node, MappingNode | SequenceNode) else ():
        for part in child if isinstance(child, tuple) else (child,):
            yield from _walk(part, seen)


# --- mistakes -----------------------------------------------------------------------------------

BACKSLASH = (
    r"in double quotes YAML reads a backslash as the begin of a code; write a Windows path in single quotes, "
    r"such as 'C:\data\weekly.csv'"
)
IN_QUOTES = "a text that begins with '{0}' must stand in quotes"
INDENT = "this line does not line up with those above it; let the keys of one section begin in the same column"
WORDS = (
    (r"escape", BACKSLASH),
    (r"character '\\t'", "a tab stands there; indent with spaces"),
    (r"character '(.)' that cannot start", IN_QUOTES),
    (r"constructor for the tag '(!)", IN_QUOTES),
    (r"undefined (\*)?alias|while scanning an? (alias)", IN_QUOTES.format("*")),
    (r"while scanning an anchor", IN_QUOTES.format("&")),
    (r"while scanning a block scalar", "'|' and '>' begin a long text; put a text that begins so in quotes"),
    (
        r"mapping values are not allowed",
        "there is a second ': ', or the line is indented too far; put a text that holds ': ' in quotes, write a space "
        "after each key's colon, and let keys of one section begin in the same column",
    ),
    (r"sequence entries are not allowed", "a list begins on a line of its own; put a single '-' in quotes"),
    (r"quoted scalar.*end of", "the quotes that open in line {at} are never closed; close them"),
    (
        r"expected ',' or '(.)'",
        "the bracket that opens in line {at} is not closed with '{0}', or a comma is missing; add it",
    ),
    (
        r"flow node.*expected the node content",
        "something is missing between two commas or brackets; fill it or take one out",
    ),
    (r"found '\]'|found '\}'", "a bracket closes there that was never opened; take it out"),
    (
        r"block mapping.*found '<scalar>'",
        "the text ends before the line does; put it in quotes as a whole, and write a quote in it twice",
    ),
    (r"could not find expected ':'", "a key without its colon; write 'key: value'"),
    (r"expected a single document", "a line '---' begins a second configuration in the same file; take it out"),
    (r"expected <block end>", INDENT),
)
"""What a parser complains of, as a pattern, and what a person can do about it."""


def _in_words(path: Path, error: MarkedYAMLError, lines: list[str]) -> str:
    """Return what a parser found in plain words, with its line."""
    complaint = f"{error.context or ''}: {error.problem or ''}"
    mark = error.problem_mark or error.context_mark
    opened = (error.context_mark or mark).line + 1
    for pattern, sentence in WORDS:
        if found := re.search(pattern, complaint):
            at = opened if "could not find expected" in complaint or "quoted scalar" in complaint else mark.line + 1
            said = sentence.format(*(part or "" for part in found.groups()), at=opened) if "{" in sentence else sentence
            return f"{path}, line {min(at, len(lines))}: {said}."
    return (
        f"{path}, line {mark.line + 1}: is not valid YAML near column {mark.column + 1}; check the indentation, "
        "colons, quotes and brackets there."
    )
