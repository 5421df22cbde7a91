"""Guess the roles of columns, try them until `prepare` would end well, and write that down."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mmm_bayes.config import make_config
from mmm_bayes.draft.look import Look, answered, look_at
from mmm_bayes.draft.roles import Roles, of_panel, of_spend, of_transactions
from mmm_bayes.draft.text import as_text
from mmm_bayes.errors import DataError
from mmm_bayes.extras import require
from mmm_bayes.panel import Panel
from mmm_bayes.pipeline.check import mistakes
from mmm_bayes.pipeline.prepare import make_panel
from mmm_bayes.progress import Progress, silent
from mmm_bayes.report.words import say


@dataclass(frozen=True)
class Draft:
    """A configuration that has been tried.

    Attributes:
        text: of the file, with comments.
        geos, weeks, channels: how many the panel has that it makes of the data.
        questions: how many guesses stand in it as questions.
    """

    text: str
    geos: int
    weeks: int
    channels: int
    questions: int


def draft(files: Sequence[str], folder: Path = Path(), progress: Progress = silent) -> Draft:
    """Return a configuration for transactions, a weekly table, or transactions and their spend.

    What has several readings is asked by the readers of the data; the first answer that they can go on with is taken,
    and their question stands above it.

    Args:
        files: one, or two of which one holds spend.
        folder: that of the configuration; paths are written from there.
        progress: told what is being done.

    Raises:
        DataError: a file cannot be read or holds none of these; or no answer helps.
        ExtraError: transactions need Spark, and it is not installed.
    """
    progress("looking at columns", None)
    found = _sections([look_at(file) for file in files])
    raw: dict[str, Any] = {"name": name_of(files[0]), "currency": ""}
    for section, roles in found.items():
        raw[section] = {**roles.section, "path": _from(folder, roles.section["path"])}
    if "transactions" in raw:
        raw |= _with_preset(raw["transactions"])
        raw |= {} if "spend" in raw else {"simulate": {}}
    progress("trying them", None)
    panel, options, asked = answered({}, lambda options: _tried(_with(raw, options), folder, progress))
    questions = {key: [say("draft.asked", question=asked[key], answer=options[key])] for key in asked}
    for section, roles in found.items():
        _ask(section, roles, questions)
    count = sum(line.startswith("?") for lines in questions.values() for line in lines)
    if "simulate" in raw:
        questions["simulate"] = [say("draft.simulated", transactions=files[0])]
    size = {"geos": len(panel.geos), "weeks": len(panel.weeks), "channels": len(panel.channels)}
    head = say("draft.head", files=[Path(file).name for file in files], **size)
    return Draft(as_text(_with(raw, options), head, questions), **size, questions=count)


# --- what the files are -------------------------------------------------------------------------


def _sections(looks: list[Look]) -> dict[str, Roles]:
    """Return the roles of each file's columns, by section."""
    if len(looks) == 1:
        return _single(looks[0])
    lines = {at: roles for at, look in enumerate(looks) if (roles := of_transactions(look)) is not None}
    if len(lines) != 1:
        raise DataError(
            f"{looks[0].path} and {looks[1].path}: one of two files must hold transactions, the other the spend beside "
            "them; a weekly table brings its own spend, so give it alone."
        )
    ((at, transactions),) = lines.items()
    spend = of_spend(looks[1 - at])
    if spend is None:
        raise DataError(
            f"{looks[1 - at].path}: holds no spend beside transactions; it needs a column of dates and the money of "
            "each channel, in one column with the channels' names or in a column each."
        )
    return {"transactions": transactions, "spend": spend}


def _single(look: Look) -> dict[str, Roles]:
    if (lines := of_transactions(look)) is not None:
        return {"transactions": lines}
    if (panel := of_panel(look)) is not None:
        return {"panel": panel}
    look.require_days()
    if of_spend(look) is not None:
        raise DataError(f"{look.path}: holds spend and no KPI; give the file of the transactions with it.")
    raise DataError(
        f"{look.path}: is neither a weekly table (dates, a KPI such as revenue, the spend of each channel) nor "
        "transactions (order, product, quantity, date, price); name its columns so, or fill in what 'mmm-bayes init "
        "--template weekly_panel' writes."
    )


def _with_preset(section: dict[str, Any]) -> dict[str, Any]:
    """Return the transactions by their preset, where the columns are those of a public data set."""
    require("spark")
    from mmm_bayes.prepare.presets import PRESETS

    for name, layout in PRESETS.items():
        if section["columns"] == layout.columns.model_dump(exclude_none=True):
            return {"transactions": {"path": section["path"], "preset": name}}
    return {"transactions": section}


def _tried(raw: dict[str, Any], folder: Path, progress: Progress) -> Panel:
    """Return the panel that a configuration makes; nothing of it is kept."""
    config = make_config(raw, folder=folder)
    with TemporaryDirectory() as work:
        panel = make_panel(config, Path(work), progress)
    for mistake in mistakes(config, panel):
        raise mistake
    return panel


def _with(raw: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration with options, by their dotted names, behind the path of their sections."""
    made = dict(raw)
    for name, value in options.items():
        section, _, key = name.partition(".")
        path, *rest = made[section].items()
        made[section] = dict([path, (key, value), *rest])
    return made


def _ask(section: str, roles: Roles, questions: dict[str, list[str]]) -> None:
    """Add the questions that the roles of columns leave."""
    for key, others in roles.others.items():
        asked = say("draft.others", others=others, taken=roles.section[key])
        questions.setdefault(f"{section}.{key}", []).append(asked)
    if roles.guessed:
        asked = say("draft.guessed", taken=roles.section["kpi"])
        questions.setdefault(f"{section}.kpi", []).append(asked)
    if roles.unused:
        questions.setdefault(section, []).append(say("draft.unused", columns=roles.unused))
    if roles.clock:
        questions.setdefault(section, []).append(say("draft.clock", columns=roles.clock))


def name_of(file: str) -> str:
    """Return the name of a run that a file's name allows."""
    stem = Path(file).name.partition(".")[0]
    return re.sub(r"[^A-Za-z0-9_-]+", "_", stem).strip("_-") or "run"


def _from(folder: Path, path: str) -> str:
    """Return a path as it is found from a folder."""
    return path if "://" in path else Path(os.path.relpath(path, folder)).as_posix()
