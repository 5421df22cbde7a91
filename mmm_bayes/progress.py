"""`Progress`: what a step is told to call while it works; `silent` shows nothing."""

from collections.abc import Callable

Progress = Callable[[str, float | None], None]
"""Told what is being done and which share of it is done (None when unknown)."""


def silent(message: str, done: float | None = None) -> None:
    """Show no progress."""
