"""Configurations that come with the package: forms to fill in, and the reference of all options."""

from pathlib import Path

from mmm_bayes.errors import ConfigError, nearest

FOLDER = Path(__file__).parents[1] / "templates"


def template(name: str) -> str:
    """Return the text of a template.

    Raises:
        ConfigError: there is none of this name.
    """
    known = sorted(file.stem for file in FOLDER.glob("*.yaml"))
    if name not in known:
        raise ConfigError(f"there is no template '{name}'; {nearest(name, known)}")
    return (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
