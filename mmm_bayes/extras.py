"""Parts that are installed when asked for: Spark and LightGBM, and one sentence where one is missing."""

from importlib.util import find_spec

from mmm_bayes.errors import ExtraError

EXTRAS = {"spark": ("Spark", "pyspark"), "lightgbm": ("LightGBM", "lightgbm")}
"""What a part is called, and the package that it comes with, by the name of the extra."""


def installed(extra: str) -> bool:
    """Whether a part is there."""
    return find_spec(EXTRAS[extra][1]) is not None


def require(extra: str) -> None:
    """Say how to install a part that is not there.

    Raises:
        ExtraError: with the command.
    """
    if not installed(extra):
        raise ExtraError(f"{EXTRAS[extra][0]} is not installed: pip install 'mmm-bayes[{extra}]'.")
