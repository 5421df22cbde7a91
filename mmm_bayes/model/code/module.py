"""The source for the models of one structure: density, what is kept of a draw, where chains start."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pymc as pm
import pytensor
import xarray as xr
from pymc.initial_point import make_initial_point_expression
from pytensor.graph import Constant, FunctionGraph, rewrite_graph
from pytensor.graph.traversal import graph_inputs

from mmm_bayes.model.code.body import Body, Call, Term
from mmm_bayes.model.code.lines import kernel_name
from mmm_bayes.model.code.order import write_graph
from mmm_bayes.model.code.scalars import NoLoopsError
from mmm_bayes.model.operations import untraced

HEAD = '''"""Written by mmm_bayes for the models of one structure: no data, no sizes. Safe to delete."""

from math import erf, erfc, lgamma

import numpy as np
from numba import carray, cfunc, types
from numpy import inf, nan

from mmm_bayes.kernels.elementary import erfcx, pointer, psi, softplus
{kernels}

{names} = {variables}

'''

AHEAD = '''"""Written by mmm_bayes: what is compiled before the code that calls it. Safe to delete."""

from mmm_bayes.kernels.beside import compile_kept
{kernels}

{lines}
'''
DOUBLE = "types.CPointer(types.double)"
OPTIONS = 'cache=True, error_model="numpy", fastmath=False'  # fast sums differ from one compilation to the next
DENSITY = f"""
@cfunc(types.int64(types.uint64, {DOUBLE}, {DOUBLE}, {DOUBLE}, types.voidptr), {OPTIONS})
def density(dim, x_, out_, density_, user_):
"""
EXPAND = f"""
@cfunc(types.int64(types.uint64, types.uint64, {DOUBLE}, {DOUBLE}, types.voidptr), {OPTIONS})
def expand(dim, expanded, x_, out_, user_):
"""
START = """
def start(sizes, data):
"""


@dataclass(frozen=True)
class Named:
    """A variable of the graph, with the names of its dimensions."""

    variable: Any
    dims: tuple[str, ...]

    @property
    def sizes(self) -> list[str]:
        """Expressions of its sizes."""
        return [f"size_{dim}" for dim in self.dims]

    @property
    def count(self) -> str:
        """Expression of the number of its entries."""
        return " * ".join(self.sizes) or "1"


@dataclass(frozen=True)
class Layout:
    """What a module reads: the sizes of dimensions by name, and the arrays of a panel."""

    sizes: Sequence[str]
    data: Mapping[str, xr.Variable]

    def dims(self, name: str) -> list[str]:
        """Return expressions of the sizes of an array."""
        every = enumerate(self.data[name].dims)
        return [f"size_{dim}" if dim in self.sizes else f"d_{name}.shape[{d}]" for d, dim in every]

    def give(self, body: Body, shared: Any) -> None:
        """Give the shared variables of a graph their terms: arrays of the panel, and the lengths of dimensions."""
        for variable in shared:
            name = variable.name
            if name in self.data:
                array = body.array(f"d_{name}", self.dims(name))
                body.terms[variable] = array if array.sizes else _number(body, f"d_{name}")
            elif name in self.sizes:
                body.terms[variable] = _number(body, f"size_{name}")

    def read(self, body: Body) -> None:
        """Write what finds sizes and arrays behind ``user_``: sizes first, then address and shape of each array."""
        place = len(self.sizes) + sum(1 + array.ndim for array in self.data.values())
        body.write(f"user = carray(user_, ({place},), np.int64)")
        for place, name in enumerate(self.sizes):
            body.write(f"size_{name} = user[{place}]")
        place = len(self.sizes)
        for name, array in self.data.items():
            shape = ", ".join(f"user[{place + 1 + d}]" for d in range(array.ndim)) or "1"
            kind, number = "np.float64" if array.dtype.kind == "f" else "np.int64", "" if array.ndim else "[0]"
            body.write(f"d_{name} = carray(pointer(user[{place}]), ({shape},), {kind}){number}", f"d_{name}")
            place += 1 + array.ndim


@untraced
def module_sources(graph: pm.Model, layout: Layout, kept: Sequence[str]) -> dict[str, str]:
    """Return the sources of ``density`` (functions ``density`` and ``start``) and ``expand``, and what is run before.

    The modules ``kernels`` and ``gradients`` compile what these call. ``VALUES`` and ``DERIVED`` name the variables of
    the sampler's space and those that ``expand`` adds, with their dimensions.

    Args:
        graph: the model.
        layout: what it reads.
        kept: variables whose draws are kept.

    Raises:
        NoLoopsError: an operation that is not known here.
    """
    dims: Mapping[str, Any] = graph.named_vars_to_dims
    values = [Named(graph.rvs_to_values[v], tuple(dims.get(v.name, ()))) for v in graph.free_RVs]
    found = [v for v in graph.unobserved_value_vars if v.name in kept and v not in {n.variable for n in values}]
    derived = [Named(v, tuple(dims.get(v.name, ()))) for v in found]
    density, expand = _density(graph, layout, values), _expand(layout, values, derived)
    start, calls = _start(graph, layout, values), density.calls | expand.calls
    return {
        "kernels": _ahead(call for call in calls if not call.gradient),
        "gradients": _ahead(call for call in calls if call.gradient),
        "density": _head("VALUES", values, density, start) + DENSITY + density.text() + START + start.text(),
        "expand": _head("DERIVED", derived, expand) + EXPAND + expand.text(),
    }


def _ahead(calls: Iterable[Call]) -> str:
    """Return a module that compiles kernels as they will be called."""
    calls = list(calls)
    lines = (f"compile_kept({kernel_name(c.kernel)}, {', '.join(map(str, c.arguments))})" for c in calls)
    return AHEAD.format(kernels=_imports(calls), lines="\n".join(sorted(lines)))


def _head(names: str, variables: Sequence[Named], *bodies: Body) -> str:
    kernels = _imports(call for body in bodies for call in body.calls)
    return HEAD.format(kernels=kernels, names=names, variables=[(v.variable.name, v.dims) for v in variables])


def _imports(calls: Iterable[Call]) -> str:
    kernels = {call.kernel for call in calls}
    imports = (f"from {f.py_func.__module__} import {f.py_func.__name__} as {kernel_name(f)}" for f in kernels)
    return "\n".join(sorted(imports))


def _density(graph: pm.Model, layout: Layout, values: Sequence[Named]) -> Body:
    body, points = Body(), [v.variable for v in values]
    places = _begin(body, layout, values)
    density: Any = rewrite_graph(graph.logp(), include=["canonicalize", "stabilize", "local_remove_check_parameter"])
    total, *gradients = _write(body, layout, [density, *pytensor.grad(density, points)])
    body.write("out = carray(out_, (dim,))")
    for place, gradient, value in zip(places, gradients, values, strict=True):
        _write_flat(body, place, gradient, value)
    body.write(f"total = {total.entry()}")
    body.write("carray(density_, (1,))[0] = total")
    with body.over(["dim"]) as (i,):
        body.write(f"if not np.isfinite(out[{i}]): return 3")
    body.write("return 0 if np.isfinite(total) else 4")
    return body


def _expand(layout: Layout, values: Sequence[Named], derived: Sequence[Named]) -> Body:
    body = Body()
    _begin(body, layout, values)
    terms = _write(body, layout, [v.variable for v in derived])
    body.write("out = carray(out_, (expanded,))")
    body.write("for i in range(dim): out[i] = x[i]")
    body.write("place = np.int64(dim)")
    for term, named in zip(terms, derived, strict=True):
        _write_flat(body, "place", term, named)
        body.write(f"place += {named.count}")
    body.write("return 0")
    return body


def _start(graph: pm.Model, layout: Layout, values: Sequence[Named]) -> Body:
    body = Body()
    points: Any = make_initial_point_expression(
        free_rvs=graph.free_RVs,
        rvs_to_transforms=graph.rvs_to_transforms,
        initval_strategies=graph.rvs_to_initial_values,
        return_transformed=True,
    )
    for name in layout.sizes:
        body.write(f'size_{name} = sizes["{name}"]')
    for name in layout.data:
        body.write(f'd_{name} = data["{name}"]', f"d_{name}")
    terms = [body.stored(term) for term in _write(body, layout, points)]
    named = (f'"{v.variable.name}": {term.name}' for v, term in zip(values, terms, strict=True))
    body.write(f"return {{{', '.join(named)}}}")
    return body


def _begin(body: Body, layout: Layout, values: Sequence[Named]) -> list[str]:
    """Write what reads sizes and data and cuts the sampler's point into its variables; return where each begins."""
    layout.read(body)
    body.write("x = carray(x_, (dim,))")
    body.write("o0 = 0")
    for i, value in enumerate(values):
        body.write(f"o{i + 1} = o{i} + {value.count}")
        body.terms[value.variable] = Term(tuple(value.sizes), partial(_flat, "x", f"o{i}", value))
    return [f"o{i}" for i in range(len(values))]


def _number(body: Body, name: str) -> Term:
    def entry() -> str:
        body.read.add(name)
        return name

    return Term((), entry)


def _write(body: Body, layout: Layout, outputs: Sequence[Any]) -> list[Term]:
    """Write a graph of which all inputs but the data have terms, and return the terms of its outputs."""
    layout.give(body, (i for i in graph_inputs(outputs) if hasattr(i, "get_value")))
    inputs = [i for i in graph_inputs(outputs) if not isinstance(i, Constant)]
    if unknown := [i for i in inputs if i not in body.terms]:
        raise NoLoopsError(f"the graph reads {unknown[0]}, which is not known.")
    graph = FunctionGraph(inputs, list(outputs), clone=True)
    body.terms |= zip(graph.inputs, (body.terms[i] for i in inputs), strict=True)
    rewrite_graph(
        graph,
        include=["canonicalize", "stabilize", "specialize"],
        exclude=["fusion", "inplace", "cxx_only"],
        clone=False,
    )
    return write_graph(body, graph)


def _flat(array: str, place: str, named: Named, *at: str) -> str:
    """Return the entry of a variable that stands in an array from a place on, row by row."""
    steps = (" * ".join([index, *named.sizes[depth + 1 :]]) for depth, index in enumerate(at))
    return f"{array}[{' + '.join([place, *steps])}]"


def _write_flat(body: Body, place: str, term: Term, named: Named) -> None:
    """Write a term into ``out`` from a place on."""
    with body.over(named.sizes) as at:
        body.write(f"{_flat('out', place, named, *at)} = {term.entry(*at)}")
