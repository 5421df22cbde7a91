"""What a validation leaves; to read it loads neither Spark nor the model."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from mmm_bayes.workspace import read_csv, write_csv, write_json

JSON, CSV = "validation.json", "validation.csv"


@dataclass(frozen=True)
class Validation:
    """What a validation found.

    Attributes:
        summary: by check, what ``validation.json`` holds: the check's own figures with ``failed`` (trials without an
            outcome), ``disagreed`` (those whose chains did not agree) and ``seconds`` of a processor in all.
        outcomes: what was measured in each trial, as in ``validation.csv``.
    """

    summary: Mapping[str, Any]
    outcomes: pd.DataFrame


def save_validation(validation: Validation, folder: Path) -> None:
    """Write ``validation.json`` and ``validation.csv``."""
    write_csv(folder / CSV, validation.outcomes)
    write_json(folder / JSON, validation.summary)


def load_validation(folder: Path) -> Validation:
    """Read what `save_validation` wrote."""
    outcomes = read_csv(folder / CSV)
    texts = outcomes[["variant", "channel"]].fillna("")
    return Validation(load_summary(folder), outcomes.assign(**texts))


def load_summary(folder: Path) -> Mapping[str, Any]:
    """Read what ``validation.json`` holds."""
    return json.loads((folder / JSON).read_text(encoding="utf-8"))
