"""The body of a function: lines, loops that operations share, and how each result is written.

An operation of a graph is a line in a loop. Results over the same sizes share one nest of loops; those that are read
after it stand in the rows of one array, all others in a variable.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np
from pytensor.graph import Constant, Variable

from mmm_bayes.model.code.scalars import NoLoopsError, literal

ONE = "1"
"""Size of a dimension along which the same value holds everywhere."""


@dataclass(frozen=True)
class Call:
    """A kernel that is called, with kind and number of dimensions of each array that it takes."""

    kernel: Any
    gradient: bool
    arguments: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Term:
    """How a result of the graph is written.

    Attributes:
        sizes: expressions of the size of each dimension; `ONE` where it is known to be one.
        entry: writes the entry at some indices, which are expressions as well.
        name: of the array that holds it, if one does.
    """

    sizes: tuple[str, ...]
    entry: Callable[..., str]
    name: str | None = None

    @property
    def looped(self) -> tuple[str, ...]:
        """Sizes of those dimensions that loops run over."""
        return tuple(size for size in self.sizes if size != ONE)


@dataclass
class Nest:
    """Loops that are being written: operations of the same sizes share them.

    Attributes:
        sizes: that they run over.
        indices: of the loops.
        head: lines before them.
        body: lines in the innermost one; those with a name are written only if that is read later.
        kept: names of results that later lines may read: rows of one array.
        own: results that hold inside of them alone, so far.
    """

    sizes: tuple[str, ...]
    indices: tuple[str, ...]
    head: list[str] = field(default_factory=list)
    body: list[tuple[str, str | None]] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    own: set[Variable] = field(default_factory=set)


@dataclass
class Body:
    """Lines of a function body, the term of each result that they hold, and the kernels that they call."""

    lines: list[tuple[str, str | None]] = field(default_factory=list)
    terms: dict[Variable, Term] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    nest: Nest | None = None
    nests: dict[str, Nest] = field(default_factory=dict)
    calls: set[Call] = field(default_factory=set)
    _depth: int = 0
    _number: Iterator[int] = field(default_factory=count)

    def write(self, line: str, array: str | None = None) -> None:
        """Add a line; with the name of an array, only if that is read."""
        self.lines.append(("    " * self._depth + line, array))

    def text(self) -> str:
        """Return the body: results that are read after their loops stand in rows of an array for each nest."""
        rows = {array: [name for name in nest.kept if name in self.read] for array, nest in self.nests.items()}
        place = {name: (array, i) for array, names in rows.items() for i, name in enumerate(names)}

        def row(found: re.Match[str]) -> str:
            array, i = place[found[1]]
            return f"{array}[{i}, " if found[2] else f"{array}[{i}]"

        made = {
            array: f"{array} = {empty([str(len(names)), *self.nests[array].sizes])}"
            for array, names in rows.items()
            if names
        }
        written = [
            made.get(name or "", line) for line, name in self.lines if name is None or name in self.read | made.keys()
        ]
        text = "".join(f"    {line}\n" for line in written)
        return re.sub(rf"\b({'|'.join(place)})\b(\[)?", row, text) if place else text

    def new(self, letter: str = "v") -> str:
        """Return a name that nothing else has."""
        return f"{letter}{next(self._number)}"

    @contextmanager
    def over(self, sizes: Sequence[str]) -> Iterator[tuple[str, ...]]:
        """Write loops over some sizes and yield their indices, for the lines in them."""
        indices = tuple(self.new("i") if size != ONE else "0" for size in sizes)
        for index, size in zip(indices, sizes, strict=True):
            if size != ONE:
                self.write(f"for {index} in range({size}):")
                self._depth += 1
        yield indices
        self._depth -= sum(size != ONE for size in sizes)

    def array(self, name: str, sizes: Sequence[str]) -> Term:
        """Return the term of an array of this name."""

        def entry(*at: str) -> str:
            self.read.add(name)
            return f"{name}[{', '.join(at) or '()'}]"

        return Term(tuple(sizes), entry, name)

    def held(self, variable: Variable) -> str:
        """Return the name of an array that holds a result, which is written if there is none yet."""
        term = self.term(variable)
        if term.name is None:
            self.terms[variable] = term = self.stored(term)
        self.read.add(str(term.name))
        return str(term.name)

    def stored(self, term: Term) -> Term:
        """Write a term into a new array of its own, and return the term of that."""
        name = self.new()
        self.write(f"{name} = {empty(term.sizes)}")
        with self.over(term.sizes) as at:
            self.write(f"{name}[{', '.join(at) or '()'}] = {term.entry(*at)}")
        return self.array(name, term.sizes)

    def term(self, variable: Variable) -> Term:
        """Return how a result is written; constants are written where they are needed."""
        if variable in self.terms:
            return self.terms[variable]
        if not isinstance(variable, Constant):
            raise NoLoopsError(f"{variable} is not known.")
        values = np.asarray(variable.data)
        if values.size == 1:
            return Term((ONE,) * values.ndim, lambda *at: literal(values))
        name = self.new("k")
        text = np.array2string(values, separator=", ", threshold=values.size + 1, floatmode="unique")
        self.lines.insert(0, (f"{name} = np.array({text}, np.{values.dtype})", None))
        self.terms[variable] = self.array(name, [str(n) for n in values.shape])
        return self.terms[variable]

    # operations that share loops

    def inside(self, variables: Sequence[Variable]) -> set[tuple[str, ...]]:
        """Return over which sizes those results run that hold inside of the open loops alone."""
        own = set() if self.nest is None else self.nest.own
        return {self.terms[v].looped for v in variables if v in own}

    def open(self, sizes: tuple[str, ...]) -> None:
        """Begin loops over some sizes."""
        self.nest = Nest(sizes, tuple(self.new("i") for _ in sizes))

    def close(self) -> None:
        """Write the loops that are open."""
        nest, self.nest = self.nest, None
        if nest is None:
            return
        array = self.new("w")
        self.nests[array] = nest
        self.lines += [("", array), *((line, None) for line in nest.head)]
        for depth, (index, size) in enumerate(zip(nest.indices, nest.sizes, strict=True)):
            self.lines.append(("    " * depth + f"for {index} in range({size}):", None))
        self.lines += [("    " * len(nest.sizes) + line, name) for line, name in nest.body]

    def put(self, variable: Variable, term: Term) -> None:
        """Write an elementwise result into the open loops; an array keeps it where later lines read it."""
        nest, local, name = self.nest, self.new("a"), self.new()
        assert nest is not None
        indices = iter(nest.indices)
        at = tuple("0" if size == ONE else next(indices) for size in term.sizes)
        nest.body.append((f"{local} = {term.entry(*at)}", None))
        nest.body.append((f"{name}[{', '.join(nest.indices)}] = {local}", name))
        nest.kept.append(name)

        def entry(*place: str) -> str:
            if self.nest is nest and place == at:
                return local
            self.read.add(name)
            return f"{name}[{', '.join(i for i, size in zip(place, term.sizes, strict=True) if size != ONE)}]"

        self.terms[variable] = Term(term.sizes, entry, name if ONE not in term.sizes else None)
        nest.own.add(variable)

    def put_number(self, variable: Variable, term: Term) -> None:
        """Write a result without loops."""
        name = self.new("a")
        self.write(f"{name} = {term.entry(*'0' * len(term.sizes))}")
        self.terms[variable] = Term(term.sizes, lambda *at: name)

    def put_sum(self, variable: Variable, term: Term) -> None:
        """Write a sum over all entries into the open loops."""
        nest, name = self.nest, self.new("s")
        assert nest is not None
        indices = iter(nest.indices)
        nest.head.append(f"{name} = 0.0")
        nest.body.append((f"{name} += {term.entry(*('0' if n == ONE else next(indices) for n in term.sizes))}", None))
        self.terms[variable] = Term((ONE,) * variable.type.ndim, lambda *at: name)
        nest.own.add(variable)


def empty(sizes: Sequence[str]) -> str:
    """Return what makes an array."""
    return f"np.empty(({' '.join(f'{size},' for size in sizes)}))"
