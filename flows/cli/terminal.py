"""The output for a person at a terminal: the progress bar on stderr, tables on stdout."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from extractors.records import Outcome, Placement
from extractors.text import counted
from flows.passes.context import Observer
from flows.passes.summary import sentences, source_rows

if TYPE_CHECKING:
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from storage.health.coverage import SourceCoverage
    from storage.health.sources import SourceHealth
    from storage.health.states import SourceState

LINES_SHOWN = 5  # of a kind
PLAIN_WIDTH = 1 << 16  # of a table that goes into a file or a pipe: a line a row, however long


class ProgressBar(Observer):
    """A bar a stage on stderr; silent when stderr is no terminal. Use as a context manager."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[counts]}"),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        self._task: TaskID | None = None
        self._outcomes: Counter[Outcome] = Counter()
        self.summary: dict[str, Any] | None = None  # of the pass, once it has ended

    def __enter__(self) -> ProgressBar:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def stage(self, title: str, total: int) -> None:
        """Begin a new bar."""
        self._task = self._progress.add_task(title, total=total, counts="", rate="")

    def expect(self, count: int) -> None:
        """Lengthen the present bar."""
        if self._task is not None:
            total = self._progress.tasks[self._task].total or 0
            self._progress.update(self._task, total=total + count)

    def advance(self, count: int = 1) -> None:
        """Move the present bar on."""
        if self._task is not None:
            self._progress.advance(self._task, count)
            if speed := self._progress.tasks[self._task].speed:
                self._progress.update(self._task, rate=f"{speed:.1f}/s")

    def placed(self, placements: list[Placement]) -> None:
        """Show how articles have fared so far."""
        self._outcomes.update(p.outcome for p in placements)
        if self._task is not None:
            counts = ", ".join(f"{n} {o.words}" for o, n in self._outcomes.most_common(4))
            self._progress.update(self._task, counts=counts)

    def ended(self, summary: dict[str, Any]) -> None:
        """Keep the summary: it is shown after an interruption too."""
        self.summary = summary


def print_summary(summary: dict[str, Any]) -> None:
    """Print the table of a pass and its counts on stdout."""
    headings = ("source", "status", "health", "entries", "new", "appended", "error")
    print_table(headings, source_rows(summary), numbers=(3, 4, 5))
    print(sentences(summary))


def print_coverage(
    summary: dict[str, Any], coverage: Sequence[SourceCoverage], page: Path, *, by_list: bool = False
) -> None:
    """Print the table of a backfill and its counts on stdout.

    `by_list`: the backfill took on a list of addresses, so days that were not searched are left out of the table.
    """
    from flows.reports.coverage import HEADINGS, coverage_table

    lines = coverage_table(coverage)
    always = {*range(4), len(HEADINGS) - 1}  # the rest only where there is something: terminals are narrow
    never = {HEADINGS.index("not searched"), HEADINGS.index("thin days")} if by_list else set()
    some = {column for column in range(len(HEADINGS)) if any(line[column] != "0" for line in lines)}
    shown = sorted((some | always) - never)
    chosen = [[line[column] for column in shown] for line in lines]
    print_table([HEADINGS[column] for column in shown], chosen, numbers=range(1, len(shown) - 1))
    errors = {name: source["error"] for name, source in summary["sources"].items() if source["status"] == "failed"}
    for window, problems in summary["problems"].items():
        print(f"{window}: {'; '.join(problems[:3])}{' …' if len(problems) > 3 else ''}")
    said = {problem for problems in summary["problems"].values() for problem in problems}
    unsaid = {name: error for name, error in errors.items() if error not in said}
    for error in dict.fromkeys(unsaid.values()):  # many sources may lack the same
        print_some([name for name, own in unsaid.items() if own == error], of=error)
    print_some(summary["wrong_lines"])
    print(sentences(summary))
    windows, outside = summary["windows"], summary["outside"]["by_archive"]
    if outside:
        print(f"{counted(outside, 'more address')} left out, dated outside the period by the archive")
    if windows["incomplete"]:
        print(f"{counted(windows['incomplete'], 'window')} not listed to the end: the same command lists again")
    print(f"Coverage by day: {page}")


def print_some(lines: Sequence[str], *, of: str | None = None) -> None:
    """Print the first few of these lines and how many more there are; with `of`, in one line before that text."""
    more = f"… and {len(lines) - LINES_SHOWN} more" if len(lines) > LINES_SHOWN else ""
    shown = [*lines[:LINES_SHOWN], *filter(None, [more])]
    if of is None:
        print(*shown, sep="\n", end="\n" if shown else "")
    else:
        print(f"{', '.join(shown)}: {of}")


def print_table(headings: Sequence[str], lines: Sequence[Sequence[str]], *, numbers: Sequence[int] = ()) -> None:
    """Print a table on stdout; the columns at the positions `numbers` are set to the right."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for position, heading in enumerate(headings):
        right = position in numbers
        table.add_column(heading, justify="right" if right else "left", overflow="fold", no_wrap=right)
    for line in lines:
        table.add_row(*(Text(" ".join(cell.split())) for cell in line))  # Text: a cell in [brackets] is no mark-up
    if sys.stdout.isatty():
        Console().print(table)
        return
    console = Console(width=PLAIN_WIDTH)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().split("\n")[:-1]:
        print(line.rstrip())


def print_health(health: Sequence[SourceHealth], states: Mapping[str, SourceState], zone: ZoneInfo) -> None:
    """Print the table of `sources status` on stdout; moments are in `zone`."""
    headings = ("source", "health", "last read", "last news", "longest pause", "words", "undated", "why")
    lines = [
        (
            h.source_id,
            states[h.source_id].told(zone),
            f"{h.last_success.astimezone(zone):%Y-%m-%d %H:%M}" if h.last_success else "",
            f"{h.rhythm.last.astimezone(zone):%Y-%m-%d %H}h" if h.rhythm.last else "",
            f"{h.rhythm.longest_pause.total_seconds() / 3600:.0f} h" if h.rhythm.hours > 1 else "",
            str(h.median_words or ""),
            f"{h.undated_share:.0%}" if h.undated_share is not None else "",
            "; ".join(filter(None, (states[h.source_id].why, states[h.source_id].error))),
        )
        for h in health
    ]
    print_table(headings, lines, numbers=(4, 5, 6))
