"""Open the index database, bring its schema up to date, and hand out transactions.

There are two kinds: `read` sees one consistent state; `write` holds the writer's lock from its first statement on, so
that its reads are still true when it commits. A transaction that reads first and writes later would fail under load in
SQLite whatever the timeout, and would decide on stale facts in PostgreSQL.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from config.settings import Storage
from storage.errors import LostConnection, StorageError
from storage.index.schema import HEAD
from storage.index.sqlite import SQLite

if TYPE_CHECKING:
    from storage.index.postgresql import PostgreSQL

INDEX_FILE = "index.sqlite"
MIGRATIONS = Path(__file__).parents[1] / "migrations"


class Database:
    """An opened index database."""

    def __init__(self, engine: AsyncEngine, server: SQLite | PostgreSQL) -> None:
        self._engine = engine
        self._server = server
        self._writers = asyncio.Lock()  # they wait here without a connection, because the pool may not have enough

    @property
    def shared(self) -> bool:
        """Whether other data folders may use the same index."""
        return self._server.shared

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection that sees one state of the database and changes nothing."""
        async with self._connect(self._server.reading) as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Open the only writing transaction; commit at the end, roll back if the block raises."""
        async with self._writers, self._connect(self._server.writing) as connection, connection.begin():
            yield connection

    async def damage(self) -> list[str]:
        """Return the faults that the database's own checks find, a sentence each; empty if it has no checks."""
        found: list[str] = []
        for check in self._server.checks:
            try:
                async with self.read() as connection:
                    lines = (await connection.exec_driver_sql(check)).scalars().all()
            except StorageError as error:  # too damaged to be checked to the end
                found.append(str(error))
            else:
                found += [" ".join(str(line).split()) for line in lines if line != "ok"]
        return found

    async def close(self) -> None:
        """Give the connections back; the database may be opened again."""
        await self._engine.dispose()

    @asynccontextmanager
    async def _connect(self, options: Mapping[str, Any]) -> AsyncIterator[AsyncConnection]:
        async with AsyncExitStack() as stack:
            with _explained(self._server, opening=True):
                connection = await stack.enter_async_context(self._engine.connect())
            with _explained(self._server):
                await connection.execution_options(**options)
                yield connection


def index_location(data: Path, storage: Storage) -> Path | str:
    """Return the location of the index for the folder `data`: a SQLite file, or the address of a database."""
    address = storage.database.get_secret_value()
    return data / INDEX_FILE if address == "sqlite" else address


async def open_database(location: Path | str, *, read_only: bool = False) -> Database:
    """Open the SQLite file or the PostgreSQL database at `location`. Raises StorageError.

    Make the file, and make or update the tables, if needed; never if `read_only`.
    """
    server = _server(location)
    if obstacle := server.obstacle(read_only=read_only):
        raise StorageError(obstacle)
    engine = server.engine(read_only=read_only)
    event.listen(engine.sync_engine, "before_cursor_execute", _without_nul, retval=True)
    database = Database(engine, server)
    try:
        async with database.read() as connection:
            revision = await connection.run_sync(_revision)
        if revision != HEAD and revision is not None and not _is_ours(revision):
            raise StorageError(
                f"{server} was written by a newer c5watch (schema {revision}, here {HEAD}): update c5watch"
            )
        if revision is None and read_only:
            raise StorageError(f"no corpus in {server} yet: run 'c5watch monitor' once")
        if revision != HEAD and read_only:
            raise StorageError(
                f"{server} has schema {revision}, expected {HEAD}: run 'c5watch monitor' once to bring it up to date"
            )
        if revision != HEAD:
            async with database.write() as connection:
                await connection.run_sync(_migrate)
    except BaseException:
        await database.close()
        raise
    return database


def _server(location: Path | str) -> SQLite | PostgreSQL:
    if isinstance(location, Path):
        return SQLite(location)
    from storage.index.postgresql import PostgreSQL  # with asyncpg, which a SQLite index does not need

    return PostgreSQL(location)


def _without_nul(
    _connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
) -> tuple[str, Any]:
    """Remove the character NUL of pages and feeds: PostgreSQL cannot store it, and SQLite's functions end at it."""
    return statement, [_clean(row) for row in parameters] if isinstance(parameters, list) else _clean(parameters)


def _clean(row: Any) -> Any:
    for value in row:  # a generator would double the time
        if isinstance(value, str) and "\0" in value:
            return tuple(value.replace("\0", "") if isinstance(value, str) else value for value in row)
    return row


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


# Alembic takes as long to import as all other modules together, so it is imported only where needed.
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


@contextmanager
def _explained(server: SQLite | PostgreSQL, *, opening: bool = False) -> Iterator[None]:
    """Turn the database's errors into a StorageError with its name; if `opening`, network errors as well."""
    try:
        yield
    except (*server.errors, OSError) as error:
        if isinstance(error, OSError) and not opening:
            raise
        if cause := server.explain(error):
            kind = LostConnection if server.lost(error) else StorageError
            raise kind(f"{server}: {cause}") from error
        raise
