"""Elementwise operations of a graph as expressions of Python, which Numba compiles."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from pytensor.scalar import basic, math
from pytensor.scalar.basic import Composite

from mmm_bayes.errors import MMMError


class NoLoopsError(MMMError):
    """A graph has an operation that is not known here; it is compiled in the ordinary way."""


def joined(sign: str) -> Callable[..., str]:
    """Return what writes operands with a sign between them."""
    return lambda *operands: "(" + f" {sign} ".join(operands) + ")"


def call(name: str) -> Callable[..., str]:
    """Return what writes the call of a function."""
    return lambda *operands: f"{name}({', '.join(operands)})"


def form(text: str) -> Callable[..., str]:
    """Return what writes operands into a form."""
    return text.format


SCALARS: Mapping[type, Callable[..., str]] = {
    basic.Add: joined("+"),
    basic.Mul: joined("*"),
    basic.Sub: joined("-"),
    basic.TrueDiv: joined("/"),
    basic.Pow: joined("**"),
    basic.Neg: form("(-{})"),
    basic.Sqr: form("({}) ** 2"),
    basic.Sqrt: call("np.sqrt"),
    basic.Reciprocal: form("(1.0 / {})"),
    basic.Exp: call("np.exp"),
    basic.Expm1: call("np.expm1"),
    basic.Log: call("np.log"),
    basic.Log1p: call("np.log1p"),
    basic.Abs: call("abs"),
    basic.Sign: call("np.sign"),
    basic.ScalarMaximum: call("max"),
    basic.ScalarMinimum: call("min"),
    basic.Clip: form("min(max({0}, {1}), {2})"),
    basic.Identity: form("{}"),
    basic.Second: form("{1}"),
    basic.Switch: form("({1} if {0} else {2})"),
    basic.GE: joined(">="),
    basic.GT: joined(">"),
    basic.LE: joined("<="),
    basic.LT: joined("<"),
    basic.EQ: joined("=="),
    basic.NEQ: joined("!="),
    basic.AND: joined("and"),
    basic.OR: joined("or"),
    basic.Invert: form("(not {})"),
    basic.IsInf: call("np.isinf"),
    basic.IsNan: call("np.isnan"),
    math.Sigmoid: form("(1.0 / (1.0 + np.exp(-{})))"),
    math.Softplus: call("softplus"),
    math.GammaLn: call("lgamma"),
    math.Psi: call("psi"),
    math.Erfc: call("erfc"),
    math.Erf: call("erf"),
    math.Erfcx: call("erfcx"),
}
"""What writes each operation, of expressions for its operands."""


def written(operation: Any, operands: Sequence[str]) -> str:
    """Return the expression of a scalar operation.

    Args:
        operation: of PyTensor.
        operands: expressions.

    Raises:
        NoLoopsError: an operation that is not known.
    """
    if isinstance(operation, Composite):
        return _composite(operation, operands)
    if isinstance(operation, basic.Cast):
        kind = operation.o_type.dtype
        return f"bool({operands[0]})" if kind == "bool" else f"{'float' if 'float' in kind else 'int'}({operands[0]})"
    if type(operation) not in SCALARS:
        raise NoLoopsError(f"{type(operation).__name__} is not known.")
    return SCALARS[type(operation)](*operands)


def _composite(operation: Composite, operands: Sequence[str]) -> str:
    found: dict[Any, str] = dict(zip(operation.fgraph.inputs, operands, strict=True))
    for node in operation.fgraph.toposort():
        found[node.outputs[0]] = written(node.op, [found.get(i) or literal(i.data) for i in node.inputs])
    return found[operation.fgraph.outputs[0]]


def literal(value: Any) -> str:
    """Return a number as it is written."""
    number = np.asarray(value).item()
    if isinstance(number, bool | int) or np.isfinite(number):
        return repr(number)
    return f'float("{number}")'
