"""The index in a SQLite file: its opening, the start of a transaction, the meaning of its errors."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sqlite3
import stat
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import JSON, URL, Connection, Date, Dialect, Table, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DatabaseError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from storage.errors import RESTORE_INDEX, damaged
from storage.index.schema import Moment, metadata

BUSY_TIMEOUT_S = 60  # another run's batch takes a fraction of a second
NOT_WRITABLE = "cannot be written: check the folder's owner and permissions, or name another folder with --data"
_UNDECODABLE = re.compile(r"Could not decode to UTF-8 column '(\w+)'")


class SQLite:
    """The file at `path`."""

    reading: Mapping[str, Any] = {}
    writing: Mapping[str, Any] = {"begin_immediate": True}
    shared = False
    errors = (SQLAlchemyError,)

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def checks(self) -> Sequence[str]:
        """Statements whose result is a sentence for each fault. Articles are left out: they are read one by one."""
        return [
            "PRAGMA integrity_check",
            *(_values_check(table) for table in metadata.sorted_tables if table.name != "articles"),
        ]

    def obstacle(self, *, read_only: bool) -> str | None:
        """Return why the file cannot be opened, or None. Check first: aiosqlite's thread outlives a failed opening."""
        if self.path.exists() and not self.path.is_file():
            return f"{self} is not a file: move it away, or name another folder with --data"
        if read_only and not self.path.exists():
            return f"no corpus in {self.path.parent} yet: run 'c5watch monitor', or name its folder with --data"
        needed = [self.path.parent, *([self.path] if self.path.exists() else [])]
        if not all(os.access(location, os.R_OK if read_only else os.W_OK) for location in needed):
            return f"{self}: {NOT_WRITABLE}"
        if read_only and self._on_read_only_disk() and self._has_changes_beside():
            return f"{self}-wal holds changes of a run that was cut off: copy the folder to where it can be written"
        return None

    def _keep_private(self) -> None:
        """Make a new file readable by its owner only: addresses of feeds may hold passwords.

        SQLite's other files get the same mode. An existing file stays open to its group, but to no others.
        """
        with contextlib.suppress(OSError):  # the opening will report the fault
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        with contextlib.suppress(OSError):
            mode = stat.S_IMODE(self.path.stat().st_mode)
            if mode & 0o007:
                self.path.chmod(mode & ~0o007)

    def _on_read_only_disk(self) -> bool:
        return bool(os.statvfs(self.path.parent).f_flag & os.ST_RDONLY)

    def _has_changes_beside(self) -> bool:
        wal = self.path.with_name(f"{self.path.name}-wal")
        return wal.exists() and wal.stat().st_size > 0

    def engine(self, *, read_only: bool) -> AsyncEngine:
        """Return the engine with connections to the file; a missing file is made."""
        if not read_only:
            self._keep_private()
        url = URL.create("sqlite+aiosqlite", database=str(self.path))
        if read_only and self._on_read_only_disk():  # SQLite cannot make the files there that readers share
            name, options = f"file:{quote(str(self.path.absolute()))}", {"immutable": "1", "uri": "true"}
            url = URL.create("sqlite+aiosqlite", database=name, query=options)
        engine = create_async_engine(
            url, connect_args={"timeout": BUSY_TIMEOUT_S, "isolation_level": None}, json_deserializer=_from_json
        )
        engine.dialect.colspecs = {**engine.dialect.colspecs, Date: _Day}
        event.listen(engine.sync_engine, "connect", _forbid_writing if read_only else _prepare_writing)
        event.listen(engine.sync_engine, "begin", _begin)
        return engine

    def lost(self, error: BaseException) -> bool:
        """Return False: a file has no connection that could be lost."""
        return False

    def explain(self, error: BaseException) -> str | None:
        """Return the meaning of a database error, with advice; None for an error in c5watch."""
        if isinstance(error, OperationalError):
            return _cause(str(error.orig))
        if isinstance(error, DatabaseError) and isinstance(error.orig, sqlite3.DatabaseError):
            cause = str(error.orig)
            if "not a database" in cause:
                return f"{cause}: restore it from a copy, or move it away"
            if "malformed" in cause:
                return f"{cause}: {RESTORE_INDEX}"
        return None


class _Day(sqlite.DATE):
    """A day; SQLite keeps whatever it is given."""

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Return the function that reads a day. It raises StorageError for anything else."""
        plain: Any = super().result_processor(dialect, coltype)

        def read(value: Any) -> Any:
            try:
                return plain(value)
            except (ValueError, TypeError):
                raise damaged("day") from None

        return read


def _from_json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (ValueError, TypeError):
        raise damaged("list or table") from None


def _values_check(table: Table) -> str:
    """Return the statement that counts the rows in which a value does not fit its column: SQLite keeps anything."""
    wrong = ["0"]
    for column in table.columns:
        name = f'"{column.name}"'
        if isinstance(column.type, JSON):
            wrong.append(f"{name} IS NOT NULL AND NOT json_valid({name})")  # older SQLites take null for invalid
        elif isinstance(column.type, Date):
            wrong.append(f"date({name}) IS NOT {name}")
        elif isinstance(column.type, Moment):
            wrong.append(f"typeof({name}) NOT IN ('integer', 'null')")
    return (
        f"SELECT 'rows of {table.name} that hold damaged values: ' || damaged FROM "
        f'(SELECT count(*) AS damaged FROM "{table.name}" WHERE {" OR ".join(wrong)}) WHERE damaged > 0'
    )


def _prepare_writing(connection: Any, _record: Any) -> None:
    # With it readers and the writer do not wait for each other. SQLite's own timeout does not hold for this pragma: of
    # two programs that make an index at the same moment, one would fail.
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            _pragmas(connection, "journal_mode = WAL")
            break
        except sqlite3.OperationalError as exc:
            if "locked" not in str(exc) or time.monotonic() > deadline:
                raise
            connection.run_async(lambda _: asyncio.sleep(0.02))
    _pragmas(
        connection,
        "synchronous = FULL",  # an article file may exist only if its row survives a power cut
        "foreign_keys = ON",
    )


def _forbid_writing(connection: Any, _record: Any) -> None:
    _pragmas(connection, "query_only = ON")


def _pragmas(connection: Any, *pragmas: str) -> None:
    cursor = connection.cursor()
    try:
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
    finally:
        cursor.close()


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("begin_immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _cause(message: str) -> str:
    if "unable to open" in message or "readonly" in message:
        return NOT_WRITABLE
    if "full" in message:
        return "the disk is full: free some space and start again; nothing is half-written"
    if found := _UNDECODABLE.match(message):  # the message goes on with the text itself
        return f"a text in column {found[1]} is damaged: 'c5watch corpus verify' names it; or {RESTORE_INDEX}"
    if "disk I/O" in message:  # SQLite also reports a disk without room for its other files this way
        return f"{message}: free some space, or check the disk, and start again; nothing is half-written"
    if "locked" in message:
        return f"locked by another program for more than {BUSY_TIMEOUT_S} s: end it and start again"
    return message
