"""Bring the table of ARCHITECTURE.md up to date with the rooms and the first lines of their docstrings.

``--check`` writes nothing and fails where the table is out of date.
"""

import ast
import re
import sys
from pathlib import Path

DOCUMENT = Path("ARCHITECTURE.md")
PACKAGE = Path("mmm_bayes")
FLOORS = (
    (
        "errors.py",
        "extras.py",
        "findings.py",
        "progress.py",
        "cache.py",
        "workspace.py",
        "transforms.py",
        "intervals.py",
    ),
    ("likelihoods.py", "pool.py", "kernels/"),
    ("config/",),
    ("tables/",),
    ("panel/", "curves/", "priors.py", "provenance/", "external/"),
    ("prepare/", "simulate/", "posterior/", "evidence.py", "features.py"),
    ("lightgbm/",),
    ("model/",),
    ("allocate/", "evaluate/", "ahead.py"),
    ("validate/",),
    ("report/",),
    ("pipeline/", "console.py"),
    ("summary.py", "dashboard/", "doctor.py", "draft/", "notebook.py"),
    ("cli/", "plot.py"),
)
ROWS = re.compile(r"(?<=\|---\|---\|---\|\n)(\| \d+ \|.*\n)+")


def modules() -> dict[str, str]:
    """Return the first line of the docstring of each room and of each module beside them: ``panel/``, ``priors.py``."""
    found = {}
    for path in (*PACKAGE.glob("*.py"), *PACKAGE.glob("*/__init__.py")):
        name = path.relative_to(PACKAGE).as_posix().removesuffix("__init__.py")
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        found[name] = docstring.split("\n\n")[0].replace("\n", " ")
    return {name: line for name, line in found.items() if name}


def table() -> str:
    """Return a row for every room, by floor."""
    floors = {name: floor for floor, names in enumerate(FLOORS) for name in names}
    lines = modules()
    rows = sorted((floors[name], name, line) for name, line in lines.items())
    return "".join(f"| {floor} | `{name}` | {line} |\n" for floor, name, line in rows)


def main() -> None:
    """Write the table, or check it."""
    before = DOCUMENT.read_text(encoding="utf-8")
    rows = table()
    after = ROWS.sub(lambda _: rows, before, count=1)
    if "--check" not in sys.argv:
        DOCUMENT.write_text(after, encoding="utf-8")
    elif before != after:
        raise SystemExit(f"{DOCUMENT} is out of date: run 'python scripts/architecture.py'.")


if __name__ == "__main__":
    main()
