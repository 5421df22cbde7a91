"""docs/model.md is the graph: every free variable has its row, every row its variable."""

import re
from pathlib import Path

import numpy as np
import pytest

from mmm_bayes.config import Model
from mmm_bayes.model.design import build_design
from mmm_bayes.model.graph import build_model, kept_variables
from mmm_bayes.panel import panel_from_frame
from mmm_bayes.posterior.parts import PARTS
from mmm_bayes.simulate import PanelSpec, simulate_panel

PAGE = Path("docs/model.md").read_text(encoding="utf-8")
TABLE = re.compile(r"^\| variable \|.*\n\|[-| ]+\n((?:\|.*\n)+)", re.MULTILINE)
MODELS = (
    Model(),
    Model(baseline="smooth", likelihood="student_t", adstock="delayed"),
    Model(saturation="logistic", order="saturation_first", residual="ar1", trend="piecewise"),
)


def rows() -> set[str]:
    """Return the variables of the first column of each table of variables."""
    first = [line.split("|")[1] for table in TABLE.findall(PAGE) for line in table.splitlines()]
    return {name for cell in first for name in re.findall(r"`(\w+)`", cell)}


def graphs():
    """Yield graphs with all that a model can have, of several geos and of one."""
    for geos in (3, 1):
        simulated = simulate_panel(PanelSpec(geos=geos, weeks=30, seed=2))
        random, frame = np.random.default_rng(0), simulated.frame
        frame["price"], frame["easter"] = random.normal(size=(2, len(frame)))
        frame["index"] = np.tile(random.normal(size=30), geos)
        columns = simulated.columns.model_copy(update={"controls": ("price", "index"), "holidays": ("easter",)})
        panel = panel_from_frame(frame, columns, "page")
        yield from (build_model(build_design(panel, model), model) for model in MODELS)


@pytest.fixture(scope="module")
def built():
    return list(graphs())


def test_every_free_variable_has_a_row_and_every_row_its_variable(built):
    free = {v.name for graph in built for v in graph.free_RVs}
    assert rows() == free


def test_every_variable_that_is_kept_is_named_on_the_page(built):
    kept = {name for graph in built for name in kept_variables(graph)}
    named = {name for name in kept if re.search(rf"\b{name}\b", PAGE)}
    assert kept == named
    assert {part.name for part in PARTS} <= set(re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \|$", PAGE, re.MULTILINE))
