"""Written code against PyTensor's own evaluation of the same graph, for every structure; and what is kept of it."""

import os
import stat
from dataclasses import replace
from functools import reduce
from operator import add
from types import SimpleNamespace

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode
from scipy import special

from mmm_bayes import cache
from mmm_bayes.config import ChannelPriors, LiftTest, Model, Prior
from mmm_bayes.kernels import elementary
from mmm_bayes.model import compiled, kept
from mmm_bayes.model.arrays import graph_data, sizes_of
from mmm_bayes.model.code import lines
from mmm_bayes.model.design import build_design
from mmm_bayes.model.graph import build_model, kept_variables
from mmm_bayes.panel import panel_from_frame
from mmm_bayes.simulate import PanelSpec, simulate_panel
from mmm_bayes.workspace import writing

PLAIN = Mode("py", None)
"""PyTensor's operations one by one, as they stand in the graph."""

MIXED = ChannelPriors(
    roi={"tv": (0.5, 3.0), "search": Prior(distribution="halfnormal", sigma=2.0)},
    kappa={"tv": Prior(distribution="gamma", mu=1.0, sigma=0.5)},
    slope={"default": Prior(distribution="truncatednormal", mu=1.0, sigma=1.0, lower=0.5, upper=3.0)},
    alpha={"default": Prior(distribution="uniform", lower=0.0, upper=0.9)},
)
FIXED = ChannelPriors(roi={"default": (0.5, 3.0)})
TEST = LiftTest(
    channel="search",
    start="2022-03-07",
    end="2022-04-03",
    incremental_kpi=900.0,
    standard_error=300.0,
    spend_change=50.0,
)
STRUCTURES = {
    "default": Model(),
    "smooth, student_t": Model(baseline="smooth", likelihood="student_t", adstock="delayed", l_max=5),
    "weibull, logistic": Model(adstock="weibull", saturation="logistic", residual="ar1", trend="piecewise"),
    "saturation first": Model(order="saturation_first", residual="white", priors=FIXED),
    "mixed priors": Model(priors=MIXED),
    "little, with a test": Model(lift_tests=(TEST,), trend="none", fourier=0),
}


def panel_of(geos, weeks, seed=2):
    """Return a panel with all parts that a baseline can have."""
    simulated = simulate_panel(PanelSpec(geos=geos, weeks=weeks, seed=seed))
    random, frame = np.random.default_rng(0), simulated.frame
    frame["price"], frame["easter"] = random.normal(size=(2, len(frame)))
    frame["index"] = np.tile(random.normal(size=weeks), geos)
    columns = simulated.columns.model_copy(update={"controls": ("price", "index"), "holidays": ("easter",)})
    return panel_from_frame(frame, columns, "code")


@pytest.fixture(scope="module", params=[1, 3], ids=["one geo", "three geos"])
def panel(request):
    return panel_of(request.param, 30)


class Interpreted:
    """Written modules run by Python itself: `carray` and `pointer` find arrays by their address."""

    def __init__(self, sources, data, sizes):
        self.arrays = compiled.contiguous(data)
        found = {a.ctypes.data: a for a in self.arrays.values()}
        self.user = compiled.numbers(self.arrays, sizes)
        self.space = {
            "cfunc": lambda *signature, **options: lambda function: function,
            "types": SimpleNamespace(
                CPointer=lambda kind: None, **dict.fromkeys(["double", "int64", "uint64", "voidptr"])
            ),
        }
        self.space["types"].int64 = lambda *arguments: None
        self.space |= {"carray": lambda array, shape, kind=None: array.reshape(shape)}
        self.ahead = []
        for source in sources.values():
            lines = source.splitlines()
            imports = [line for line in lines if line.startswith("from ") and "numba" not in line]
            exec("\n".join(imports), self.space)  # the kernels, compiled as ever
            self.space["pointer"] = found.__getitem__
            self.space["compile_kept"] = lambda kernel, *arguments: self.ahead.append((kernel, arguments))
            exec("\n".join(line for line in lines if not line.startswith("from ")), self.space)
        self.free = sum(int(np.prod([sizes[d] for d in dims])) for _, dims in self.space["VALUES"])
        self.whole = self.free + sum(int(np.prod([sizes[d] for d in dims])) for _, dims in self.space["DERIVED"])

    def density(self, x):
        gradient, density = np.zeros(self.free), np.zeros(1)
        assert self.space["density"](self.free, x, gradient, density, self.user) == 0
        return density[0], gradient

    def expand(self, x):
        out = np.zeros(self.whole)
        assert self.space["expand"](self.free, self.whole, x, out, self.user) == 0
        return out


def cut(space, sizes, x):
    """Return a point of the sampler's space by variable."""
    shapes = {name: tuple(sizes[dim] for dim in dims) for name, dims in space["VALUES"]}
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])
    return {n: part.reshape(s) for (n, s), part in zip(shapes.items(), np.split(x, ends[:-1]), strict=True)}


def written(panel, model):
    design = build_design(panel, model)
    sources = kept.sources_of(design, model)
    assert sources is not None, "an operation of this structure is not known"
    data, sizes = graph_data(design, model), sizes_of(design.data, model)
    return Interpreted(sources, data, sizes), build_model(design, model), data, sizes


def with_gaps(panel):
    """Return a panel that lacks some of its KPI: a late opening, a gap, single cells."""
    seen = np.ones((len(panel.geos), len(panel.weeks)), dtype=bool)
    seen[-1, :4] = seen[0, 9:12] = seen[0, 20] = False
    return replace(panel, data=panel.data.assign(observed=(("geo", "week"), seen)))


@pytest.mark.parametrize("model", [STRUCTURES["default"], STRUCTURES["smooth, student_t"]], ids=["normal", "student_t"])
def test_written_code_is_the_graph_of_a_panel_with_gaps(panel, model):
    test_written_code_is_the_graph(with_gaps(panel), model)


@pytest.mark.parametrize("model", STRUCTURES.values(), ids=STRUCTURES.keys())
def test_written_code_is_the_graph(panel, model):
    """Density, gradient, what is kept of a draw and where chains start, at random points."""
    code, graph, data, sizes = written(panel, model)
    start = code.space["start"](sizes, {name: array.to_numpy() for name, array in data.items()})
    for name, value in graph.initial_point().items():
        np.testing.assert_allclose(start[name], value, rtol=1e-6, err_msg=name)
    by_name = {v.name: v for v in graph.unobserved_value_vars}
    derived = [name for name, _ in code.space["DERIVED"]]
    assert {*derived} == {*kept_variables(graph)} & by_name.keys() - start.keys()
    inputs = [by_name[name] for name in start]
    density = reduce(add, (part.sum() for part in graph.logp(sum=False)))  # Python adds no 32 at once
    outputs = [
        density,
        pt.concatenate([g.ravel() for g in pt.grad(density, inputs)]),
        *(by_name[name] for name in derived),
    ]
    wanted = pytensor.function(inputs, outputs, mode=PLAIN, on_unused_input="ignore")
    random = np.random.default_rng(1)
    for _ in range(2):
        x = np.concatenate([np.ravel(v) for v in start.values()])
        x = x + random.uniform(-0.5, 0.5, len(x))
        density, gradient, *more = wanted(*cut(code.space, sizes, x).values())
        found = code.density(x)
        assert found[0] == pytest.approx(float(density), rel=1e-10)
        np.testing.assert_allclose(found[1], gradient, rtol=1e-8, atol=1e-9 * np.abs(gradient).max())
        np.testing.assert_allclose(code.expand(x), np.concatenate([x, *map(np.ravel, more)]), rtol=1e-10, atol=1e-12)
    for kernel, arguments in code.ahead:
        called = [[(a.dtype.name, a.ndim, a.layout) for a in s.args] for s in kernel.nopython_signatures]
        assert [(*argument, "C") for argument in arguments] in called


def test_code_reads_every_size():
    """What was written for one panel is right for another with more weeks, geos, channels, controls and harmonics."""
    small, large = Model(), Model(fourier=4, trend="piecewise")
    other, graph, data, sizes = written(panel_of(5, 70), large)
    small_code = Interpreted(kept.sources_of(build_design(panel_of(3, 30), small), small), data, sizes)
    x = np.random.default_rng(3).uniform(-0.5, 0.5, small_code.free)
    density, gradient = small_code.density(x)
    each = graph.compile_logp(sum=False, mode=PLAIN)(cut(small_code.space, sizes, x))  # Python adds no 32 at once
    assert density == pytest.approx(sum(float(part.sum()) for part in each), rel=1e-10)
    np.testing.assert_array_equal(gradient, other.density(x)[1])


@pytest.mark.parametrize("x", [0.1, 0.9, 1.0, 3.3, 24.9, 25.1])
def test_special_functions_are_scipys(x):
    assert elementary.erfcx(x) == pytest.approx(special.erfcx(x), rel=1e-12)
    assert elementary.psi(x) == pytest.approx(special.psi(x), rel=1e-12)
    for signed in (x, -x, 40 * x, -40 * x):
        assert elementary.softplus(signed) == pytest.approx(np.logaddexp(0, signed), rel=1e-14)


def test_an_operation_that_is_not_known_leaves_the_code_unwritten(small_run, monkeypatch):
    """The model is then compiled in PyTensor's own way, as `test_the_ordinary_way_finds_the_same` shows."""
    design = build_design(small_run.panel, Model())
    known = {kind: writer for kind, writer in lines.OPERATIONS.items() if kind is not lines.ARange}
    monkeypatch.setattr(lines, "OPERATIONS", known)
    assert kept.sources_of(design, Model()) is None


def test_data_that_the_code_does_not_get_leave_it_unwritten(small_run, monkeypatch):
    known = kept.graph_data
    monkeypatch.setattr(kept, "graph_data", lambda *args: {n: a for n, a in known(*args).items() if n != "money"})
    assert kept.sources_of(build_design(small_run.panel, Model()), Model()) is None


# --- what is kept -------------------------------------------------------------------------------


KERNEL = """from numba import njit
from mmm_bayes.kernels.beside import compile_kept

@njit
def {name}(x):
    return x.sum()

compile_kept({name}, ("float64", 1))
"""
EXPAND = """from numba import cfunc

DERIVED = []

@cfunc("float64(float64)", cache=True)
def expand(x):
    return 2 * x
"""
SOURCES = {
    "kernels": KERNEL.format(name="forward"),
    "gradients": KERNEL.format(name="backward"),
    "density": "VALUES = []\n",
    "expand": EXPAND,
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "own_folder", lambda: tmp_path)
    monkeypatch.setattr(kept, "sources_of", lambda design, model: SOURCES)
    return tmp_path


def in_files(folder):
    for name, source in SOURCES.items():
        with writing(folder / f"{name}.py") as path:
            path.write_text(source, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("part", "whole", "fourier"), [("density", True, 0), ("expand", True, 1), ("expand", False, 4)]
)
def test_what_is_damaged_or_was_cut_off_is_written_anew(small_run, folder, part, whole, fourier):
    model = Model(residual="white", fourier=fourier)
    design = build_design(small_run.panel, model)
    own = in_files(folder / kept.structure(design, model))
    (own / f"{part}.py").write_text("this is no Python", encoding="utf-8")
    if whole:
        (own / kept.WHOLE).touch()
    code = kept.kept_code(design, model)
    assert (code.density.VALUES, code.expand.DERIVED) == ([], [])
    assert (own / f"{part}.py").read_text(encoding="utf-8") == SOURCES[part] and (own / kept.WHOLE).exists()


def machine_code(folder):
    """Return when the machine code of each function was written."""
    return {path.name.split(".")[1].split("-")[0]: path.stat().st_mtime_ns for path in folder.rglob("*.nbc")}


def test_a_second_process_compiles_gradients_and_what_is_kept_of_a_draw(tmp_path):
    folder = in_files(tmp_path / "own")
    with kept._second_process("second", folder, tmp_path / "kernels") as second:
        second.stdin.close()
        assert second.stdout.readline() == b"done\n"
        assert "backward" in machine_code(tmp_path)
    before = machine_code(tmp_path)
    assert before.keys() == {"forward", "backward", "expand"}
    found = kept._load("second", folder, "expand").expand
    assert found.cache_hits == 1 and found.ctypes(4.0) == 8.0 and machine_code(tmp_path) == before


@pytest.mark.parametrize("program", ["/bin/false", "/no/such/program"])
def test_where_a_second_process_fails_the_first_one_compiles(tmp_path, monkeypatch, program):
    folder, name = in_files(tmp_path / "own"), f"alone{len(program)}"
    monkeypatch.setattr(kept.sys, "executable", program)
    with kept._second_process(name, folder, tmp_path / "kernels") as second:
        kept._compile(name, folder, tmp_path / "kernels", second)
    assert machine_code(tmp_path).keys() == {"forward", "backward"}
    assert kept._load(name, folder, "expand").expand.ctypes(4.0) == 8.0


def test_kernels_are_compiled_once_for_all_structures(small_run, folder):
    seen = []
    for model in [Model(residual="white", fourier=number) for number in (2, 3)]:
        kept.kept_code(build_design(small_run.panel, model), model)
        [kernels] = folder.glob("kernels_*")
        seen.append(machine_code(kernels))
    assert seen[0].keys() == {"forward", "backward"} and seen[0] == seen[1]


def test_the_oldest_structures_go(small_run, folder):
    for place in range(kept.KEPT + 3):
        (folder / f"old{place}").mkdir()
        os.utime(folder / f"old{place}", (place, place))
    kept.kept_code(build_design(small_run.panel, Model(residual="ar1")), Model(residual="ar1"))
    left = {path.name for path in folder.iterdir()}
    assert len(left) == kept.KEPT and "old4" not in left and "old5" in left


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="owners of files are known on POSIX alone")
def test_code_that_others_could_change_is_never_run(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "compile_cache", lambda: tmp_path)
    assert cache.own_folder() == tmp_path / "mmm_bayes"
    (tmp_path / "mmm_bayes").chmod(0o777)
    spare = cache.own_folder()
    assert spare != tmp_path / "mmm_bayes" and stat.S_IMODE(spare.stat().st_mode) == 0o700
    assert cache.own_folder() == spare


@pytest.mark.slow
def test_the_ordinary_way_finds_the_same(small_run, monkeypatch):
    monkeypatch.setattr(compiled, "uphill", lambda density, point: point)  # steps magnify the last bit of a sum
    design = build_design(small_run.panel, Model())
    ways = compiled.compiled_model(design, Model(), "numba"), compiled.ordinary(design, Model())
    starts = [dict(zip(way.shape_info[0], way.shape_info[1], strict=True)) for way in ways]
    points = [way.initial_point_func(3) for way in ways]
    for name, place in starts[1].items():
        if place.stop <= len(points[1]):
            np.testing.assert_allclose(points[0][starts[0][name]], points[1][place], rtol=1e-6, err_msg=name)
