"""What a person at a terminal sees: the progress bar on stderr, tables on stdout."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from extractors.records import Outcome, Placement
from flows.context import Observer
from flows.summary import rows, sentence

PLAIN_WIDTH = 140  # of a table that goes into a file or a pipe


class ProgressBar(Observer):
    """A bar a stage on stderr; silent when stderr is no terminal. Use as a context manager."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[counts]}"),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        self._task: TaskID | None = None
        self._outcomes: Counter[Outcome] = Counter()

    def __enter__(self) -> ProgressBar:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def stage(self, title: str, total: int) -> None:
        """Begin a new bar."""
        self._task = self._progress.add_task(title, total=total, counts="")

    def advance(self, count: int = 1) -> None:
        """Move the present bar on."""
        if self._task is not None:
            self._progress.advance(self._task, count)

    def placed(self, placements: list[Placement]) -> None:
        """Show how articles have fared so far."""
        self._outcomes.update(p.outcome for p in placements)
        if self._task is not None:
            counts = ", ".join(f"{n} {o.value.replace('_', ' ')}" for o, n in self._outcomes.most_common(4))
            self._progress.update(self._task, counts=counts)


def print_summary(summary: dict[str, Any]) -> None:
    """The table of a pass and its counts, on stdout."""
    print_table(("source", "status", "entries", "new", "appended", "error"), rows(summary), numbers=(2, 3, 4))
    print(sentence(summary))


def print_table(headings: Sequence[str], lines: Sequence[Sequence[str]], *, numbers: Sequence[int] = ()) -> None:
    """A table on stdout; the columns at the positions `numbers` are set to the right."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for position, heading in enumerate(headings):
        right = position in numbers
        table.add_column(heading, justify="right" if right else "left", overflow="fold", no_wrap=right)
    for line in lines:
        table.add_row(*(Text(cell) for cell in line))  # Text: a cell in [brackets] is no mark-up
    if sys.stdout.isatty():
        Console().print(table)
        return
    console = Console(width=PLAIN_WIDTH)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().split("\n")[:-1]:
        print(line.rstrip())
