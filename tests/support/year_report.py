"""The figures of a simulated year, and how large the tables of its index have become."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

SHOWN = 10  # lines of each kind of fault
LARGEST = 8  # tables


@dataclass(frozen=True, slots=True)
class TableSize:
    """A table of the index with its own indexes."""

    name: str
    rows: int
    bytes: int


@dataclass(slots=True)
class YearReport:
    """The figures of a year."""

    days: int
    passes: int = 0
    killed: int = 0
    requests: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)
    promised: int = 0
    appended: int = 0
    versions: int = 0
    digests: int = 0
    missed: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)  # other invariants
    most_asked: int = 0
    tables: list[TableSize] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)

    @property
    def is_sound(self) -> bool:
        """Whether nothing was lost, repeated, late or broken."""
        return not (self.missed or self.twice or self.late or self.broken)

    def lines(self) -> list[str]:
        """All figures, for people."""
        events = ", ".join(f"{count} {name}" for name, count in sorted(self.events.items()))
        requests = ", ".join(f"{count} {kind}" for kind, count in sorted(self.requests.items()))
        largest = sorted(self.tables, key=lambda table: -table.bytes)[:LARGEST]
        sizes = ", ".join(f"{table.name} {table.bytes / 1e6:.1f} MB ({table.rows} rows)" for table in largest)
        return [
            f"{self.days} days, {self.passes} passes ({self.killed} killed), {self.digests} digests: {events}",
            f"promised {self.promised}, appended {self.appended}, versions {self.versions}: missed {len(self.missed)}, "
            f"twice {len(self.twice)}, late {len(self.late)}, other faults {len(self.broken)}",
            f"requests: {requests}, at most {self.most_asked} for one page; "
            f"{self.bytes.total() / 1e6:.0f} MB carried, of that feeds {self.bytes['feeds'] / 1e6:.0f} MB",
            f"index {sum(table.bytes for table in self.tables) / 1e6:.1f} MB: {sizes}",
            *(
                f"  {kind}: {line}"
                for kind in ("missed", "twice", "late", "broken")
                for line in getattr(self, kind)[:SHOWN]
            ),
        ]


def table_sizes(index: Path) -> list[TableSize]:
    """The tables of a SQLite file."""
    with closing(sqlite3.connect(index)) as connection:
        query = (
            "SELECT tbl_name, sum(pgsize) FROM dbstat JOIN sqlite_schema USING (name) "
            "WHERE tbl_name NOT LIKE 'sqlite_%' GROUP BY tbl_name"
        )
        sizes = dict(connection.execute(query).fetchall())
        return [TableSize(name, connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0], size)
                for name, size in sizes.items()]  # fmt: skip
