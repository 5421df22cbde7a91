"""Kernels as operations of the graph: one class for each direction, and a table of what they take and give."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.gradient import DisconnectedType
from pytensor.graph import Apply, Op
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

from mmm_bayes import transforms
from mmm_bayes.kernels import drift, features, fused

Shapes = Sequence[Sequence[Any]]


def untraced[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Let a function make a graph without noting where it makes each node: a fifth of its time, and nobody reads it."""
    return pytensor.config.change_flags(traceback__limit=0)(function)


@dataclass(frozen=True)
class Kind:
    """A kernel and its gradient.

    Attributes:
        kernel: ``(*inputs)`` to the outputs.
        gradient: ``(*inputs, *outputs in kept, *gradients of the outputs in seen)`` to those of the inputs in moved.
        shapes: of the outputs, from those of the inputs.
        moved: inputs that have gradients; the others are data.
        seen: outputs through which gradients come; the first ones.
        kept: outputs that the gradient reads.
    """

    kernel: Any
    gradient: Any
    shapes: Callable[[Shapes], Shapes]
    moved: slice
    seen: int = 1
    kept: slice = slice(0)


KINDS = {
    "media_effect": Kind(
        fused.forward,
        fused.backward,
        lambda s: [s[1], s[3], s[3], (s[0][0], *s[1]), (s[0][0], *s[1])],
        moved=slice(2, 7),
        seen=3,
        kept=slice(3, 5),
    ),
    "weighted": Kind(features.weighted, features.gradient, lambda s: [(s[0][1], s[1][2])], moved=slice(1)),
    "departing": Kind(
        features.departing,
        features.departing_gradient,
        lambda s: [(s[2][0] + 1, s[3][2]), (s[0][0], s[2][0] + 1)],
        moved=slice(3),
    ),
    "surprises": Kind(
        drift.forward,
        drift.backward,
        lambda s: [s[0], s[1], s[0]],
        moved=slice(6),
        seen=2,
        kept=slice(2, 3),
    ),
}


class Operation(Op):  # type: ignore[misc]
    """A function of a kind in a graph: its kernel, or the gradient of that."""

    __props__ = ("kind",)

    @property
    def kernel(self) -> Any:
        """The function that computes the outputs."""
        raise NotImplementedError

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def perform(self, node: Any, inputs: Any, outputs: Any) -> None:
        """Evaluate outside of compiled graphs."""
        found = self.kernel(*inputs)
        for storage, value in zip(outputs, found if isinstance(found, tuple) else (found,), strict=True):
            storage[0] = np.asarray(value)


class Kernel(Operation):
    """A kernel in a graph."""

    @property
    def kernel(self) -> Any:
        """The function that computes the outputs."""
        return KINDS[self.kind].kernel

    def make_node(self, *inputs: Any) -> Apply:
        """Type the outputs by their number of dimensions; sizes are read when it runs."""
        tensors: list[Any] = [pt.as_tensor(i) for i in inputs]
        shapes = KINDS[self.kind].shapes([(0,) * i.type.ndim for i in tensors])
        return Apply(self, tensors, [pt.tensor(dtype="float64", shape=(None,) * len(s)) for s in shapes])

    def infer_shape(self, node: Any, shapes: Shapes) -> list[tuple[Any, ...]]:
        """Return the shapes of the outputs."""
        return [tuple(shape) for shape in KINDS[self.kind].shapes(shapes)]

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        """Return the gradients of all inputs; data get zeros."""
        kind = KINDS[self.kind]
        seen = zip(cotangents[: kind.seen], outputs[: kind.seen], strict=True)
        bars = [o.zeros_like() if isinstance(c.type, DisconnectedType) else c for c, o in seen]
        moved: Any = KernelGradient(self.kind)(*inputs, *outputs[kind.kept], *bars, return_list=True)
        gradients = [pt.zeros_like(i) for i in inputs]
        gradients[kind.moved] = moved
        return gradients


class KernelGradient(Operation):
    """The gradient of a kernel in a graph."""

    @property
    def kernel(self) -> Any:
        """The function that computes the gradients."""
        return KINDS[self.kind].gradient

    def make_node(self, *inputs: Any) -> Apply:
        """Gradients have the types of the inputs of the kernel."""
        return Apply(self, list(inputs), [i.type() for i in inputs[KINDS[self.kind].moved]])

    def infer_shape(self, node: Any, shapes: Shapes) -> list[tuple[Any, ...]]:
        """Return the shapes of the inputs of the kernel."""
        return [tuple(shape) for shape in shapes[KINDS[self.kind].moved]]


SOURCES = (transforms.__file__, *(Path(str(fused.__file__)).parent.glob("*.py")))


def _teach_pytensor() -> None:
    """Tell PyTensor's own way to Numba which kernel runs, and that it is another one where a source has changed."""
    source = b"".join(Path(file).read_bytes() for file in sorted(map(str, SOURCES)))

    def compiled(op: Operation, **_: Any) -> tuple[Any, int]:
        return op.kernel, int.from_bytes(hashlib.sha256(source + op.kind.encode()).digest()[:6])

    register_funcify_default_op_cache_key(Operation)(compiled)


_teach_pytensor()

MEDIA_EFFECT, WEIGHTED, DEPARTING, SURPRISES = map(Kernel, KINDS)


def surprises(
    residual: Any, rho: Any, gain: Any, seen: Any, share: Any = None, spread: Any = None, raw: Any = None
) -> Any:
    """Return what is left of the residual ``(geo, week)``, and the shocks that all geos share ``(week,)``.

    Args:
        residual: KPI minus everything the model explains, shape ``(geo, week)``.
        rho: weekly persistence of the drift, in [0, 1); scalar.
        gain: share of the surprise that is drift, in [0, 1]; shape ``(geo,)``.
        seen: 1 where there is a KPI, else 0, shape ``(geo, week)``.
        share: by how much each geo's surprise moves the expected shock, shape ``(geo,)``; without it no shocks.
        spread: standard deviation of a shock around what is expected, scalar.
        raw: shocks in units of it, shape ``(week,)``.
    """
    if share is None:
        share, spread, raw = pt.zeros_like(gain), pt.zeros(()), pt.zeros_like(residual[0])
    found: Any = SURPRISES(residual, raw, *transforms.drift_weights(rho, gain), share, spread, seen)
    return found[:2]
