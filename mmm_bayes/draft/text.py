"""The text of a drafted configuration: each key with its meaning, each guess with its question."""

import re
from io import StringIO
from textwrap import wrap
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from mmm_bayes.draft.templates import template

WIDTH = 116
COLUMN = 34
"""Where lines of comments are broken, and where those behind values begin."""

KEY = re.compile(r"^( *)([\w.]+):(?: .*?)??(?: +# (.*))?$")
"""A line of the reference: its indent, its key and what it means."""

EXAMPLE = "(example) "


def as_text(raw: dict[str, Any], head: str, questions: dict[str, list[str]]) -> str:
    """Return a configuration with comments.

    Args:
        raw: its content.
        head: what is said of all of it.
        questions: by dotted key, what stands above it.
    """
    document = _commented(raw, "", meanings(), questions)
    document.yaml_set_start_comment("\n".join(wrap(head, WIDTH)) + "\n\n")
    writer, text = YAML(), StringIO()
    writer.width = 10 * WIDTH
    writer.dump(document, text)
    return re.sub(r"(?m)^# *$\n", "\n", text.getvalue())


def _commented(
    content: dict[str, Any], place: str, known: dict[str, str], questions: dict[str, list[str]]
) -> CommentedMap:
    made, depth = CommentedMap(), place.count(".") + bool(place)
    for key, value in content.items():
        here = f"{place}.{key}" if place else key
        made[key] = _value(value, here, known, questions)
        if here in known and not isinstance(value, dict):
            made.yaml_add_eol_comment(known[here], key, column=COLUMN)
        above = [*questions.get(here, [])]
        if here in known and isinstance(value, dict) and value:
            above.append(known[here])
        if above:
            lines = [line for text in above for line in wrap(text, WIDTH - 2 * depth)]
            made.yaml_set_comment_before_after_key(key, before="\n".join(lines), indent=2 * depth)
    return made


def _value(value: Any, place: str, known: dict[str, str], questions: dict[str, list[str]]) -> Any:
    if isinstance(value, dict) and value:
        return _commented(value, place, known, questions)
    if isinstance(value, list):
        listed = CommentedSeq(value)
        listed.fa.set_flow_style()
        return listed
    return value


def meanings() -> dict[str, str]:
    """Return what the reference says of each key, by its dotted name."""
    found: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    for line in template("reference").splitlines():
        if key := KEY.match(line):
            indent = len(key[1])
            path = [*(step for step in path if step[0] < indent), (indent, key[2])]
            if key[3]:
                found[_place(path)] = key[3].removeprefix(EXAMPLE).strip()
        elif path and (more := re.match(r"^ +# (.*)$", line)) and _place(path) in found:
            found[_place(path)] += f" {more[1]}"
    return found


def _place(path: list[tuple[int, str]]) -> str:
    return ".".join(name for _, name in path)
