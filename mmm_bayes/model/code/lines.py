"""What writes each operation of a graph: lines where it needs some, and the term of its result."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytensor.graph import Constant, Variable
from pytensor.raise_op import CheckAndRaise
from pytensor.scalar.basic import Add
from pytensor.tensor.basic import Alloc, ARange, ScalarFromTensor, TensorFromScalar
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from pytensor.tensor.shape import Shape, Shape_i, SpecifyShape
from pytensor.tensor.subtensor import (
    AdvancedIncSubtensor,
    AdvancedSubtensor,
    IncSubtensor,
    Subtensor,
    indices_from_subtensor,
)

from mmm_bayes.model.code.body import ONE, Body, Call, Term, empty
from mmm_bayes.model.code.scalars import NoLoopsError, written
from mmm_bayes.model.operations import KernelGradient, Operation


def elemwise(body: Body, node: Any) -> Term:
    """Return the term of an elementwise operation; it needs no lines."""
    terms, fixed = [body.term(i) for i in node.inputs], [i.type.broadcastable for i in node.inputs]
    dims = range(node.outputs[0].type.ndim)
    sizes = [next((t.sizes[d] for t, f in zip(terms, fixed, strict=True) if not f[d]), ONE) for d in dims]

    def entry(*at: str) -> str:
        operands = (t.entry(*_fixed(f, at)) for t, f in zip(terms, fixed, strict=True))
        return written(node.op.scalar_op, list(operands))

    return Term(tuple(sizes), entry)


def _fixed(fixed: Sequence[bool], at: Sequence[str]) -> list[str]:
    """Return indices, those of dimensions that repeat one entry made that entry's."""
    return ["0" if f else i for f, i in zip(fixed, at, strict=True)]


def _dimshuffle(body: Body, node: Any) -> Term:
    term, order = body.term(node.inputs[0]), node.op.new_order

    def entry(*at: str) -> str:
        return term.entry(*(at[order.index(d)] if d in order else "0" for d in range(len(term.sizes))))

    return Term(tuple(ONE if d == "x" else term.sizes[d] for d in order), entry)


def _sum(body: Body, node: Any) -> Term:
    if not isinstance(node.op.scalar_op, Add):
        raise NoLoopsError("reductions other than sums are not known.")
    term, name = body.term(node.inputs[0]), body.new()
    dims = range(len(term.sizes))
    axes = dims if node.op.axis is None else node.op.axis
    kept = [d for d in dims if d not in axes]
    result = body.array(name, [term.sizes[d] for d in kept])
    body.write(f"{name} = {empty(result.sizes)}")
    with body.over(result.sizes) as outer:
        body.write(f"s{name} = 0.0")
        with body.over([term.sizes[d] for d in axes]) as inner:
            at = dict(zip([*kept, *axes], [*outer, *inner], strict=True))
            body.write(f"s{name} += {term.entry(*(at[d] for d in dims))}")
        body.write(f"{result.entry(*outer)} = s{name}")
    return result


def _shape(body: Body, node: Any) -> Term:
    sizes = body.term(node.inputs[0]).sizes
    return Term((str(len(sizes)),), lambda dim: sizes[int(dim)])


def _shape_i(body: Body, node: Any) -> Term:
    size = body.term(node.inputs[0]).sizes[node.op.i]
    return Term((), lambda: size)


def _alloc(body: Body, node: Any) -> Term:
    term, sizes = body.term(node.inputs[0]), [body.term(i).entry() for i in node.inputs[1:]]
    fixed, lead = node.inputs[0].type.broadcastable, len(sizes) - len(term.sizes)
    known = (ONE if b else size for size, b in zip(sizes, node.outputs[0].type.broadcastable, strict=True))
    return Term(tuple(known), lambda *at: term.entry(*_fixed(fixed, at[lead:])))


def _arange(body: Body, node: Any) -> Term:
    start, stop, step = (body.term(i).entry() for i in node.inputs)
    if (start, step) != ("0", "1"):
        raise NoLoopsError("ranges that do not count from zero are not known.")
    return Term((stop,), lambda i: i)


def _same(body: Body, node: Any) -> Term:
    return body.term(node.inputs[0])


# --- parts of arrays ----------------------------------------------------------------------------

Place = tuple[str, str | None]
"""Where a part begins along a dimension, and its size there; None for a single entry."""


def _places(body: Body, sizes: Sequence[str], node: Any, indices: Sequence[Variable]) -> list[Place]:
    given: Any = indices_from_subtensor(indices, node.op.idx_list)
    every = [*given, *[slice(None)] * (len(sizes) - len(given))]
    return [_place(body, size, index) for size, index in zip(sizes, every, strict=True)]


def _place(body: Body, size: str, index: Any) -> Place:
    if not isinstance(index, slice):
        return _bound(body, index, size), None
    if index.step is not None and getattr(index.step, "data", None) != 1:
        raise NoLoopsError("slices with steps are not known.")
    if index.start is None and index.stop is None:
        return "0", size
    start, length = body.new("n"), body.new("n")
    ends = [end if bound is None else f"min({_bound(body, bound, size)}, {size})" for bound, end in
            ((index.start, "0"), (index.stop, size))]  # fmt: skip
    body.write(f"{start} = {ends[0]}")
    body.write(f"{length} = max({ends[1]} - {start}, 0)")
    return start, length


def _bound(body: Body, index: Variable, size: str) -> str:
    """Return a place counted from the first entry, from one that may be counted from the last."""
    if not isinstance(index, Constant):
        raise NoLoopsError("places that are computed are not known.")
    place = int(index.data)
    return str(place) if place >= 0 else f"max({size} - {-place}, 0)"


def _within(places: Sequence[Place], at: Sequence[str]) -> list[str]:
    """Return the indices of an entry of the whole from those of an entry of a part."""
    left = iter(at)
    return [
        start if size is None else next(left) if start == "0" else f"{start} + {next(left)}" for start, size in places
    ]


def _part(body: Body, node: Any) -> Term:
    whole = body.term(node.inputs[0])
    places = _places(body, whole.sizes, node, node.inputs[1:])
    sizes = [size for _, size in places if size is not None]
    known = (ONE if b else size for size, b in zip(sizes, node.outputs[0].type.broadcastable, strict=True))
    return Term(tuple(known), lambda *at: whole.entry(*_within(places, at)))


def _change_part(body: Body, node: Any) -> Term:
    result = body.stored(body.term(node.inputs[0]))
    places = _places(body, result.sizes, node, node.inputs[2:])
    sizes = [size for _, size in places if size is not None]
    return _changed(body, node, result, sizes, lambda at: _within(places, at))


def _chosen(body: Body, node: Any) -> Term:
    whole, index = body.term(node.inputs[0]), _index(body, node, node.inputs[1:])
    sizes = (index.sizes[0], *whole.sizes[1:])
    return Term(sizes, lambda first, *at: whole.entry(index.entry(first), *at))


def _change_chosen(body: Body, node: Any) -> Term:
    index, result = _index(body, node, node.inputs[2:]), body.stored(body.term(node.inputs[0]))
    sizes = [index.sizes[0], *result.sizes[1:]]
    return _changed(body, node, result, sizes, lambda at: [index.entry(at[0]), *at[1:]])


def _index(body: Body, node: Any, indices: Sequence[Variable]) -> Term:
    """Return the places along the first dimension, the only indices that are known here."""
    first, *rest = node.op.idx_list
    known = first == 0 and len(indices) == 1 and all(entry == slice(None) for entry in rest)
    if not known or indices[0].type.ndim != 1 or indices[0].type.dtype == "bool":
        raise NoLoopsError("these indices are not known.")
    return body.term(indices[0])


def _changed(
    body: Body, node: Any, result: Term, sizes: Sequence[str], places: Callable[[Sequence[str]], list[str]]
) -> Term:
    """Write what sets or raises entries of a copy."""
    values, sign = node.inputs[1], "=" if node.op.set_instead_of_inc else "+="
    with body.over(sizes) as at:
        own = at[len(at) - values.type.ndim :]
        value = body.term(values).entry(*_fixed(values.type.broadcastable, own))
        body.write(f"{result.entry(*places(at))} {sign} {value}")
    return result


# --- kernels ------------------------------------------------------------------------------------


class Size(str):
    """The expression of a size, to which a number can be added."""

    __slots__ = ()

    def __add__(self, other: Any) -> "Size":
        return Size(f"{self} + {other}")


def kernel(body: Body, node: Any) -> list[Term]:
    """Write the call of a kernel; numbers are handed over as arrays without dimensions."""
    inputs, names = [body.held(i) for i in node.inputs], [body.new() for _ in node.outputs]
    body.write(f"{', '.join(names)} = {kernel_name(node.op.kernel)}({', '.join(inputs)})")
    arrays = tuple(("float64" if i.type.dtype.startswith("float") else "int64", i.type.ndim) for i in node.inputs)
    body.calls.add(Call(node.op.kernel, isinstance(node.op, KernelGradient), arrays))
    shapes = node.op.infer_shape(node, [[Size(n) for n in body.term(i).sizes] for i in node.inputs])
    return [body.array(name, sizes) for name, sizes in zip(names, shapes, strict=True)]


def kernel_name(function: Any) -> str:
    """Return the name of a kernel in the code that calls it."""
    return f"{function.py_func.__module__.rsplit('.', 1)[-1]}_{function.py_func.__name__}"


OPERATIONS: Mapping[type, Callable[[Body, Any], Term]] = {
    Elemwise: elemwise,
    DimShuffle: _dimshuffle,
    CAReduce: _sum,
    Shape: _shape,
    Shape_i: _shape_i,
    SpecifyShape: _same,
    CheckAndRaise: _same,
    ScalarFromTensor: _same,
    TensorFromScalar: _same,
    Alloc: _alloc,
    ARange: _arange,
    Subtensor: _part,
    IncSubtensor: _change_part,
    AdvancedSubtensor: _chosen,
    AdvancedIncSubtensor: _change_chosen,
}
"""What writes each operation beside kernels."""


def write(body: Body, node: Any) -> None:
    """Write an operation, all of whose inputs have terms.

    Raises:
        NoLoopsError: one that is not known.
    """
    if isinstance(node.op, Operation):
        body.terms |= zip(node.outputs, kernel(body, node), strict=True)
        return
    for kind, writer in OPERATIONS.items():
        if isinstance(node.op, kind):
            body.terms[node.outputs[0]] = writer(body, node)
            return
    raise NoLoopsError(f"{type(node.op).__name__} is not known.")
