"""The order in which a graph is written: operations over the same sizes share loops where they can."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from pytensor.graph import Constant, FunctionGraph, Variable
from pytensor.scalar import basic as scalar
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise

from mmm_bayes.model.code.body import Body, Term
from mmm_bayes.model.code.lines import elemwise, write
from mmm_bayes.model.code.scalars import NoLoopsError

FREE = (
    *(scalar.GE, scalar.GT, scalar.LE, scalar.LT, scalar.EQ, scalar.AND),
    *(scalar.Neg, scalar.Cast, scalar.Identity),
)
"""Comparisons and signs: written wherever they are read, for they cost nothing."""


def write_graph(body: Body, graph: FunctionGraph) -> list[Term]:
    """Write all operations of a graph whose inputs have terms, and return the terms of its outputs.

    Raises:
        NoLoopsError: an operation or an input that is not known.
    """
    waiting = graph.toposort()
    uses = Counter(i for node in waiting for i in node.inputs) + Counter(graph.outputs)
    while waiting:
        left = [node for node in waiting if not _written(body, graph, node, uses)]
        if len(left) == len(waiting):
            _next_loops(body, waiting)
        waiting = left
    body.close()
    return [body.term(output) for output in graph.outputs]


def _next_loops(body: Body, waiting: Sequence[Any]) -> None:
    """Close the loops that are open, and open those that most of the waiting operations can be written into."""
    were_open = body.nest is not None
    body.close()
    sizes = Counter(found for node in waiting if _ready(body, node) and (found := _sizes(body, node)))
    if sizes:
        body.open(sizes.most_common(1)[0][0])
    elif not were_open:
        raise NoLoopsError(f"{waiting[0]} reads what is not known.")


def _ready(body: Body, node: Any) -> bool:
    return all(i in body.terms or isinstance(i, Constant) for i in node.inputs)


def _sizes(body: Body, node: Any) -> tuple[str, ...]:
    """Return the sizes of the loops that an operation can share with others; none where it shares none."""
    if isinstance(node.op, Elemwise):
        return elemwise(body, node).looped
    if isinstance(node.op, CAReduce) and (node.op.axis is None or len(node.op.axis) == node.inputs[0].type.ndim):
        return body.term(node.inputs[0]).looped
    return ()


def _written(body: Body, graph: FunctionGraph, node: Any, uses: Counter[Variable]) -> bool:
    """Write an operation if that can be done now; return whether it was."""
    if not _ready(body, node):
        return False
    inside, output, nest = body.inside(node.inputs), node.outputs[0], body.nest
    if _lazy(graph, node, uses):
        write(body, node)
        if inside and nest is not None:
            nest.own.add(output)
        return True
    sizes = _sizes(body, node)
    if not sizes:
        if not inside:
            write(body, node)
            if isinstance(node.op, Elemwise):
                body.put_number(output, body.term(output))
        return not inside
    shared = nest is not None and sizes == nest.sizes and not inside - {sizes}
    if shared and isinstance(node.op, Elemwise):
        body.put(output, elemwise(body, node))
    elif shared:
        body.put_sum(output, body.term(node.inputs[0]))
    return shared


def _lazy(graph: FunctionGraph, node: Any, uses: Counter[Variable]) -> bool:
    """Whether an operation is written into those that read it: views, what is free, and what is read entry by entry."""
    if isinstance(node.op, DimShuffle):
        kept = [d for d in node.op.new_order if d != "x"]
        return kept == sorted(kept)
    if not isinstance(node.op, Elemwise):
        return False
    (output,) = node.outputs
    if isinstance(node.op.scalar_op, FREE):
        return output not in graph.outputs
    return uses[output] == 1 and _read_once(graph, output)


def _read_once(graph: FunctionGraph, variable: Variable) -> bool:
    """Whether the one operation that reads a result reads each entry once."""
    node: Any = graph.clients[variable][0][0]
    if isinstance(node.op, DimShuffle):
        (view,) = node.outputs
        return "x" not in node.op.new_order and len(graph.clients[view]) == 1 and _read_once(graph, view)
    if isinstance(node.op, Elemwise):
        return node.outputs[0].type.broadcastable == variable.type.broadcastable
    return isinstance(node.op, CAReduce)
