"""Open the index database, bring its schema up to date, and hand out transactions.

Two kinds: `read` sees one consistent state; `write` holds the one writer's lock from its first statement on, so
that what it reads is still true when it commits. A transaction that reads first and wants to write later would
fail under load in SQLite whatever the timeout, and would decide on stale facts elsewhere.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from storage.schema import HEAD

BUSY_TIMEOUT_S = 60  # another run's batch takes a fraction of a second
NOT_WRITABLE = "cannot be written: check the folder's owner and permissions, or name another folder with --data"
MIGRATIONS = Path(__file__).parent / "migrations"


class StorageError(Exception):
    """The index or the corpus cannot be used; the message says what to do."""


class Database:
    """The index database of one data folder."""

    def __init__(self, engine: AsyncEngine, path: Path) -> None:
        self._engine = engine
        self.path = path

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection that sees one state of the database and changes nothing."""
        with _explained(self.path):
            async with self._engine.connect() as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is alone in writing; commits at the end, rolls back when the block raises."""
        with _explained(self.path):
            async with self._engine.connect() as connection:
                await connection.execution_options(begin_immediate=True)
                async with connection.begin():
                    yield connection

    async def close(self) -> None:
        """Give the connections back; the database may be opened again."""
        await self._engine.dispose()


async def open_database(path: Path, *, read_only: bool = False) -> Database:
    """The SQLite database at `path`, made or migrated where needed (never when `read_only`). Raises StorageError."""
    if path.exists() and not path.is_file():
        raise StorageError(f"{path} is not a file: move it away, or name another folder with --data")
    needed = [place for place in (path.parent, path) if place is not path or path.exists()]
    if not all(os.access(place, os.R_OK if read_only else os.W_OK) for place in needed):
        raise StorageError(f"{path}: {NOT_WRITABLE}")  # before aiosqlite, whose thread outlives a failed opening
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}", connect_args={"timeout": BUSY_TIMEOUT_S, "isolation_level": None}
    )
    event.listen(engine.sync_engine, "connect", _forbid_writing if read_only else _prepare_writing)
    event.listen(engine.sync_engine, "begin", _begin)
    database = Database(engine, path)
    try:
        async with database.read() as connection:
            revision = await connection.run_sync(_revision)
        if revision != HEAD and revision is not None and not _is_ours(revision):
            raise StorageError(
                f"{path} was written by a newer c5watch (schema {revision}, here {HEAD}): update c5watch"
            )
        if revision != HEAD and read_only:
            raise StorageError(
                f"{path} has schema {revision}, expected {HEAD}: run 'c5watch monitor' once to bring it up to date"
            )
        if revision != HEAD:
            async with database.write() as connection:
                await connection.run_sync(_migrate)
    except BaseException:
        await database.close()
        raise
    return database


def _prepare_writing(connection: Any, _record: Any) -> None:
    # Readers and the writer then do not wait for each other. SQLite's own timeout does not hold for this one pragma:
    # of two programs that make an index at the same moment, one would fail.
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
        "synchronous = FULL",  # a file may only exist for a row that survives a power cut
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


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


# Alembic takes as long to import as all the rest: only who needs it pays for it.
def _is_ours(revision: str) -> bool:
    from alembic.script import ScriptDirectory

    return revision in {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


class _explained:
    """Turn the database's own errors into one sentence with the file's name."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, OperationalError):
            raise StorageError(f"{self._path}: {_cause(error)}") from error
        if isinstance(error, DatabaseError) and isinstance(error.orig, sqlite3.DatabaseError):
            cause = str(error.orig)
            if "not a database" in cause or "malformed" in cause:
                raise StorageError(f"{self._path}: {cause}: restore it from a copy, or move it away") from error


def _cause(error: OperationalError) -> str:
    message = str(error.orig)
    if "unable to open" in message or "readonly" in message:
        return NOT_WRITABLE
    if "full" in message:
        return "the disk is full: free some space and start again; nothing is half-written"
    if "locked" in message:
        return f"locked by another program for more than {BUSY_TIMEOUT_S} s: end it and start again"
    return message
