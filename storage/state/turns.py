"""Turns at asking hosts, shared by all programs with the same index, so that no two ask a host at once.

A taken host is held by a lock that the system takes back from a program that dies: the lock of a file (flock) if the
index is a SQLite file, since all its users are on one machine; an advisory lock of the database if it is PostgreSQL.
Beside the lock stands until when the host is to be left alone for its gap, and what it has asked for, by 429, 503 and
Retry-After: what one program hears holds for all. A program that waits for a host holds the
place of the next in line, which all programs must pass: so none that asks again and again keeps the others out.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import random
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from extractors.fetching.hosts import NO_WISH, Wish
from extractors.fetching.robots import MAX_CRAWL_DELAY_S
from storage.errors import StorageError
from storage.files.local_folder import named_disk_errors

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from storage.index.postgresql import PostgreSQL

T = TypeVar("T")
FOLDER = "turns"  # below --data: a file for each host with the moment from which on it may be asked, in Unix time
ASK_AGAIN_S = 0.1  # on average, while another program has the lock
NEXT = "next in line: "
PAGE = "page: "
NOTE_BYTES = 80
KEPT_S = 7 * 86400.0  # after its last use
LOCK = "SELECT pg_try_advisory_lock($1)"
NOW = "extract(epoch FROM clock_timestamp())::float8"  # of PostgreSQL, in Unix time


class SharedTurns(ABC):
    """`Turns` among programs, by locks that each program can try to take, and a note for each host."""

    def __init__(self, *, opened: float) -> None:
        """Begin at `opened`, the present moment by the clock of the notes."""
        self._opened = opened
        self._known: dict[str, float] = {}  # host → its last note that this program has written or read
        self._others: Counter[str] = Counter()
        self._heard: dict[str, Wish] = {}  # host → what another program has noted last

    async def take(self, host: str, *, patience_s: float) -> float:
        """Do as `Turns.take`. Raises StorageError."""
        line = NEXT + host
        while not await self._whole(self._lock(line), undo=lambda got: self._unlock(line) if got else _nothing()):
            await asyncio.sleep(_ask_again_s())
        wait_s = 1.0
        try:
            while True:
                wait_s = await self._whole(
                    self._try(host), undo=lambda wait_s: _nothing() if wait_s else self._unlock(host)
                )
                if wait_s == 0.0 or wait_s > patience_s:
                    return wait_s
                await asyncio.sleep(wait_s)
        finally:
            if wait_s:
                await self._whole(self._unlock(line))

    async def give_back(self, host: str, *, pause_s: float, wish: Wish = NO_WISH) -> None:
        """Do as `Turns.give_back`. Raises StorageError."""
        await self._whole(self._give_back(host, pause_s, wish))

    def heard(self, host: str) -> Wish | None:
        """Do as `Turns.heard`."""
        return self._heard.pop(host, None)

    def others(self, host: str) -> int:
        """Do as `Turns.others`; programs that had the host before this one began do not count."""
        return self._others[host]

    @abstractmethod
    async def claim(self, page: str) -> bool:
        """Claim the page of this key until its outcome is stored; return False if another program has it.

        Raises StorageError.
        """

    @abstractmethod
    async def release(self, pages: Sequence[str]) -> None:
        """Give back pages that were claimed, their outcomes being stored. Raises StorageError."""

    def _read(self, host: str, free_at: float, wish: Wish | None) -> None:
        """Compare the note of a host with the last known note."""
        known = self._known.get(host)
        self._others[host] += free_at > self._opened if known is None else free_at != known
        if free_at != known and wish is not None:
            self._heard[host] = wish
        self._known[host] = free_at

    async def _try(self, host: str) -> float:
        """Try to take the host; return the seconds to wait. 0.0: taken, and another program may be next in line."""
        if not await self._lock(host):
            return _ask_again_s()
        wait_s = await self._wait_s(host)
        await self._unlock(host if wait_s > 0 else NEXT + host)
        return max(wait_s, 0.0)

    async def _meant_s(self, host: str, wait_s: float, pause_s: float, wish: Wish) -> float:
        """Return `wait_s`, but not more than was meant when the host was noted.

        More is left when the clock was set back since. The note is then made anew, or each try would wait again.
        """
        if wait_s <= pause_s:
            return wait_s
        await self._note(host, pause_s, wish)
        return pause_s

    async def _give_back(self, host: str, pause_s: float, wish: Wish) -> None:
        try:
            await self._note(host, pause_s, wish)
        finally:
            await self._unlock(host)

    async def _whole(self, work: Coroutine[Any, Any, T], *, undo: Callable[[T], Awaitable[None]] | None = None) -> T:
        """Return the result of `work`, which is never broken off in the middle; if interrupted, undo it."""
        task = asyncio.ensure_future(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            result = await _to_the_end(task)
            if undo is not None:
                await _to_the_end(asyncio.ensure_future(undo(result)))
            raise

    @abstractmethod
    async def _lock(self, name: str) -> bool: ...

    @abstractmethod
    async def _unlock(self, name: str) -> None: ...

    @abstractmethod
    async def _wait_s(self, host: str) -> float:
        """Return the seconds until the host may be asked."""

    @abstractmethod
    async def _note(self, host: str, pause_s: float, wish: Wish) -> None:
        """Note that the host may be asked in `pause_s` seconds, and what it has asked for."""


class FileTurns(SharedTurns):
    """Turns among the programs of this machine that share `folder`; moments are by its clock, not a test's."""

    def __init__(self, folder: Path) -> None:
        super().__init__(opened=time.time())
        self._folder = folder
        self._held: dict[str, int] = {}  # open files

    async def _whole(self, work: Coroutine[Any, Any, T], *, undo: Callable[[T], Awaitable[None]] | None = None) -> T:
        return await work  # the work never waits: it cannot be broken off, and needs no task of its own

    async def claim(self, page: str) -> bool:
        """Do as `SharedTurns.claim`: nobody has it, for `storage.state.fetched` tells which pages others have."""
        return True

    async def release(self, pages: Sequence[str]) -> None:
        """Do as `SharedTurns.release`: there is nothing to give back."""

    async def _lock(self, name: str) -> bool:
        path = self._folder / _digest(name).hex()
        with named_disk_errors(self._folder):
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        if not _is_at(path, file):  # it was deleted meanwhile, and its lock holds nobody off
            os.close(file)
            return False
        self._held[name] = file
        return True

    async def _unlock(self, name: str) -> None:
        os.close(self._held.pop(name))

    async def _wait_s(self, host: str) -> float:
        noted = os.pread(self._held[host], NOTE_BYTES, 0).split()
        if not noted:
            return 0.0
        free_at, *others = map(float, noted)
        pause_s, gap_s, not_before = others or (MAX_CRAWL_DELAY_S, 0.0, 0.0)  # once, only the moment was noted
        wish = _wish(gap_s, not_before)
        self._read(host, free_at, wish if others else None)
        return await self._meant_s(host, free_at - time.time(), pause_s, wish)

    async def _note(self, host: str, pause_s: float, wish: Wish) -> None:
        self._known[host] = free_at = round(time.time() + pause_s, 6)
        note = f"{free_at:.6f} {pause_s:.6f} {wish.gap_s:.3f} {_unix(wish.not_before):.3f}"
        with named_disk_errors(self._folder):  # of fixed length: covers older notes
            os.pwrite(self._held[host], note.ljust(NOTE_BYTES).encode(), 0)


def forget_turns(data: Path) -> None:
    """Delete the notes of hosts that nobody has asked for a while, with a moment long ago."""
    oldest = time.time() - KEPT_S
    with contextlib.suppress(OSError):  # another program may do the same
        for path in list((data / FOLDER).iterdir()):
            if path.stat().st_mtime < oldest:
                with path.open("rb") as file, contextlib.suppress(BlockingIOError):
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()


def _is_at(path: Path, file: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(file))
    return False


class DatabaseTurns(SharedTurns):
    """Turns among the programs that share a PostgreSQL database, on any machines; moments are by its clock."""

    def __init__(self, connection: AsyncConnection, server: PostgreSQL, *, opened: float) -> None:
        super().__init__(opened=opened)
        self._connection = connection
        self._server = server
        self._in_use = asyncio.Lock()  # a connection takes one statement at a time
        self._held: set[str] = set()

    async def _lock(self, name: str) -> bool:
        got = bool(await self._ask(LOCK, _key(name)))
        if got:
            self._held.add(name)
        return got

    async def _unlock(self, name: str) -> None:
        self._held.discard(name)
        await self._ask("SELECT pg_advisory_unlock($1)", _key(name))

    async def claim(self, page: str) -> bool:
        """Do as `SharedTurns.claim`: programs on other machines see no files of ours."""
        name = PAGE + page
        return name in self._held or await self._whole(
            self._lock(name), undo=lambda got: self._unlock(name) if got else _nothing()
        )

    async def release(self, pages: Sequence[str]) -> None:
        """Do as `SharedTurns.release`."""
        if held := self._held & {PAGE + page for page in pages}:
            self._held -= held
            await self._whole(
                self._ask("SELECT count(pg_advisory_unlock(n)) FROM unnest($1::int8[]) AS n", list(map(_key, held)))
            )

    async def _wait_s(self, host: str) -> float:
        # A separate statement: a statement that also takes the lock would see the state from before.
        query = f"SELECT ARRAY[free_at, free_at - {NOW}, pause_s, gap_s, not_before] FROM turns WHERE host = $1"
        found = await self._ask(query, host)
        if not found:
            return 0.0
        free_at, wait_s, pause_s, gap_s, not_before = found
        wish = _wish(gap_s, not_before)
        self._read(host, free_at, wish)
        return await self._meant_s(host, wait_s, pause_s, wish)

    async def _note(self, host: str, pause_s: float, wish: Wish) -> None:
        names = ("free_at", "pause_s", "gap_s", "not_before")
        self._known[host] = await self._ask(
            f"INSERT INTO turns (host, {', '.join(names)}) VALUES ($1, {NOW} + $2, $2, $3, $4) ON CONFLICT (host) "
            f"DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in names)} RETURNING free_at",
            host,
            pause_s,
            wish.gap_s,
            _unix(wish.not_before),
        )

    async def _ask(self, statement: str, *values: object) -> Any:
        async with self._in_use:
            try:
                return (await self._connection.exec_driver_sql(statement, values)).scalar()
            except self._server.errors as error:
                if not self._server.lost(error):
                    raise
            await self._connect_again()
            return (await self._connection.exec_driver_sql(statement, values)).scalar()

    async def _connect_again(self) -> None:
        """Open a new connection and take the old one's locks again, but for those that others have taken meanwhile."""
        await self._connection.invalidate()
        await self._connection.rollback()
        for name in tuple(self._held):  # a page may be given back meanwhile
            await self._connection.exec_driver_sql(LOCK, (_key(name),))


@asynccontextmanager
async def open_turns(location: Path | str, data: Path) -> AsyncIterator[SharedTurns]:
    """Open the turns of all programs that share the index at `location` of the corpus below `data`.

    `location` is that of `storage.index.database.index_location`. Raises StorageError, also for errors while open.
    """
    if isinstance(location, Path):
        folder = data / FOLDER
        with named_disk_errors(folder):
            folder.mkdir(exist_ok=True)
        yield FileTurns(folder)
        return
    from storage.index.postgresql import PostgreSQL

    server = PostgreSQL(location)
    engine = server.engine(read_only=False).execution_options(isolation_level="AUTOCOMMIT")
    try:
        with _explained(server):
            async with engine.connect() as connection:
                # No harm is done if the last of these notes do not survive a crash of the server.
                await connection.exec_driver_sql("SET synchronous_commit = off")
                opened = (await connection.exec_driver_sql(f"SELECT {NOW}")).scalar_one()
                yield DatabaseTurns(connection, server, opened=opened)
    finally:
        await engine.dispose()


@contextlib.contextmanager
def _explained(server: PostgreSQL) -> Iterator[None]:
    try:
        yield
    except server.errors as error:
        if cause := server.explain(error):
            raise StorageError(f"{server}: {cause}") from error
        raise


async def _to_the_end(task: asyncio.Future[T]) -> T:
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(task)
    return task.result()


def _wish(gap_s: float, not_before: float) -> Wish:
    return Wish(gap_s, datetime.fromtimestamp(not_before, UTC) if not_before else None)


def _unix(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0


async def _nothing() -> None:
    return


def _ask_again_s() -> float:
    return random.uniform(0.5, 1.5) * ASK_AGAIN_S


def _digest(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=8).digest()


def _key(name: str) -> int:
    return int.from_bytes(_digest(name), signed=True)
