"""What the terminal shows: a bar while a step runs, a line when it is done, tables at the end.

Progress goes to stderr and results to stdout; where stderr is no terminal there are no bars and no control characters.
What is done is told to a log, too, with the time.
"""

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import rich.table
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from mmm_bayes.findings import MMMWarning
from mmm_bayes.report.language import phrase
from mmm_bayes.report.tables import Table
from mmm_bayes.report.words import word

MOST = 1_000
"""Characters of the widest line of a table."""

EVERY = 30
"""Seconds between two lines on a running step where no bar can be seen."""


@dataclass(frozen=True)
class Log:
    """A file that tells what was done when, a line each; nothing is told where it cannot be written."""

    path: Path | None = None

    def __call__(self, text: str) -> None:
        """Add a line with the time."""
        if self.path is not None:
            with suppress(OSError):
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with self.path.open("a", encoding="utf-8") as file:
                    file.write(f"{datetime.now().astimezone().isoformat(timespec='seconds')}  {text}\n")


@dataclass
class Step:
    """A running step: call it with what is being done and the share done (0 to 1, None when unknown).

    Attributes:
        name: of the step.
        bar: what a terminal shows.
        log: told of each new thing that is done.
        lines: where no bar can be seen: there one line says it every `EVERY` seconds.
        summary: what its last line ends with.
        doing: what it was last called with.
    """

    name: str
    bar: Progress
    log: Log = Log()
    lines: Console | None = None
    summary: str = ""
    doing: str = ""

    def __post_init__(self) -> None:
        self.task, self.told = self.bar.add_task(self.name, total=None), time.monotonic()

    def __call__(self, message: str, done: float | None = None) -> None:
        """Show progress."""
        if message != self.doing:
            self.doing = message
            self.log(f"{self.name}: {message}")
        if self.lines and time.monotonic() - self.told >= EVERY:
            self.told = time.monotonic()
            self.lines.print(f"… {self.name}: {message}{'' if done is None else f', {done:.0%}'}", markup=False)
        total = None if done is None else 1.0
        self.bar.update(self.task, description=f"{self.name}: {message}", completed=done or 0.0, total=total)


@dataclass(frozen=True)
class Terminal:
    """Where people look: ``quiet`` shows nothing but errors; ``log`` is told what was done, in any case."""

    quiet: bool = False
    log: Log = Log()
    err: Console = field(default_factory=lambda: Console(stderr=True, highlight=False, soft_wrap=True))
    out: Console = field(default_factory=lambda: Console(highlight=False, soft_wrap=True))

    @contextmanager
    def step(self, name: str, place: str = "") -> Iterator[Step]:
        """Show a bar while the block runs and one line with its time and ``summary`` when it succeeded.

        Args:
            name: of the step.
            place: among several, such as ``2 of 5``.
        """
        started = time.perf_counter()
        with Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            console=self.err,
            transient=True,
            disable=self.quiet or not self.err.is_terminal,
        ) as bar:
            unseen = None if self.quiet or self.err.is_terminal else self.err
            step = Step(f"{name} ({place})" if place else name, bar, self.log, unseen)
            try:
                with self.warnings():
                    yield step
            except BaseException as problem:
                self.log(f"✗ {name}: {problem or 'stopped'}")
                raise
        line = f"✓ {name:<9}{time.perf_counter() - started:6.1f} s  {step.summary}".rstrip()
        self.log(line)
        if not self.quiet:
            self.err.print(line, markup=False)

    def skipped(self, name: str, text: str) -> None:
        """Print that a step is not done again."""
        line = f"– {name:<9} {phrase('terminal.as_it_was')}  {text}"
        self.log(line)
        if not self.quiet:
            self.err.print(line, markup=False)

    @contextmanager
    def warnings(self) -> Iterator[None]:
        """Print what is meant for the user as it is warned of; other warnings go their way."""
        usual = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
            if isinstance(message, MMMWarning):
                self.warn(word(message.finding))
            else:
                usual(message, category, *rest, **more)

        with warnings.catch_warnings():
            warnings.simplefilter("always", MMMWarning)
            warnings.showwarning = show
            yield

    def say(self, text: str = "") -> None:
        """Print a line of the result."""
        if not self.quiet:
            self.out.print(text, markup=False)

    def fail(self, name: str, text: str) -> None:
        """Print that a part failed, also when quiet."""
        self.err.print(f"✗ {name:<9}          {text}", markup=False)

    def warn(self, text: str) -> None:
        """Print a warning, also when quiet."""
        line = f"{phrase('terminal.warning')} {text}"
        self.log(line)
        self.err.print(line, markup=False)

    def table(self, content: Table) -> None:
        """Print a table of the report, never cut."""
        if self.quiet:
            return
        table = rich.table.Table(
            title=content.title, title_justify="left", title_style="bold", box=None, pad_edge=False
        )
        for position, head in enumerate(content.heads):
            table.add_column(head, justify="left" if position < content.text else "right", no_wrap=True)
        for place, row in enumerate(content.rows):
            table.add_row(*map(escape, row), style="bold" if place in content.bold else None)
        table.width = self.out.measure(table, options=self.out.options.update(width=MOST)).maximum
        self.out.print(table, crop=False)
