"""The context of a pass: resources that every stage needs, opened once and passed on."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from config.load import Config
from extractors.fetching.client import Client
from extractors.fetching.hosts import HostState, Turns
from extractors.pages.screen import PageScreen
from extractors.period import Period
from extractors.records import Placement
from extractors.topic.judge import Topics, compile_topics
from extractors.workers.pool import Workers
from storage.corpus.writer import CorpusWriter, open_corpus, open_for_reading
from storage.errors import LostConnection, StorageError
from storage.index.database import INDEX_FILE, index_location
from storage.state.fetched import Fetched
from storage.state.hosts import load_hosts
from storage.state.turns import SharedTurns, open_turns

T = TypeVar("T")
LOG = logging.getLogger("c5watch")
TRY_AGAIN_S = 2.0  # after the connection to the index is lost: another server may be taking over
FETCHED_FOLDER = "fetched"  # below --data
PAGES_AHEAD_PER_WORKER = 4  # fetched pages that wait for a worker: enough to keep it busy, little to hold in memory

M_MMAP_THRESHOLD, PAGE_BYTES = -3, 64 * 1024  # glibc's mallopt(3): blocks of this size are mapped, one by one


class Step(Protocol):
    """Runs one batch of work: directly, or as a task of Prefect with retries and a record of its own."""

    async def __call__(self, title: str, work: Callable[[], Awaitable[T]]) -> T:
        """Return the result of `work`, which may be run again and must then change nothing more."""
        ...


class Observer:
    """The listener to a pass's progress; this base class ignores it."""

    def stage(self, title: str, total: int) -> None:
        """Note the beginning of a stage of `total` items."""

    def expect(self, count: int) -> None:
        """Note that the present stage has so many more items than expected."""

    def advance(self, count: int = 1) -> None:
        """Note that so many of its items are done."""

    def placed(self, placements: list[Placement]) -> None:
        """Note that a batch has been decided on and stored."""

    def ended(self, summary: dict[str, Any]) -> None:
        """Note the end of the pass, finished or interrupted, with this summary."""


@dataclass(frozen=True, slots=True)
class Context:
    """The open client, workers and corpus of a pass, with the configuration and the clock."""

    config: Config
    data: Path
    client: Client
    workers: Workers
    corpus: CorpusWriter
    topics: Topics
    screen: PageScreen | None  # None: every page is extracted
    observer: Observer
    now: Callable[[], datetime]
    turns: SharedTurns
    fetched: Fetched
    room: asyncio.Semaphore  # for fetched pages that wait for a worker
    period: Period | None = None  # of a backfill: what a page dates outside it is left out


async def run_directly(title: str, work: Callable[[], Awaitable[T]]) -> T:
    """Run a `Step` without Prefect; try once more, with a new connection, if the index has lost the first."""
    return await once_more(work)


async def once_more(work: Callable[[], Awaitable[T]]) -> T:
    """Return the result of `work`; try it again if the index's server has ended the connection."""
    try:
        return await work()
    except LostConnection as lost:
        LOG.warning("%s; trying once more", lost)
    await asyncio.sleep(TRY_AGAIN_S)
    return await work()


async def to_the_end(work: Coroutine[Any, Any, T] | asyncio.Task[T], *, hurry: Callable[[], None] | None = None) -> T:
    """Return the result of `work`; delay any interruption of the caller until `work` has ended.

    `hurry` is called when the caller is interrupted: `work` may then leave out what can wait.
    """
    task = asyncio.ensure_future(work)
    interrupted = False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            interrupted = True
            if hurry is not None:
                hurry()
    if interrupted and not task.cancelled() and task.exception() is None:
        raise asyncio.CancelledError
    return task.result()


def utc_now() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)


def map_large_blocks() -> None:
    """Have pages given back to the system when they are done with, where the C library is glibc.

    Among small things on the heap they leave holes when they go: 30 MB of them after 6,000 pages.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, PAGE_BYTES)


@asynccontextmanager
async def open_client(
    config: Config, data: Path | None, *, now: Callable[[], datetime] = utc_now
) -> AsyncIterator[Client]:
    """Open a client for a command that stores nothing: it keeps what passes below `data` know of hosts.

    So hosts that asked for a pause get it from every command, and none is asked by two at once.
    """
    settings = config.settings
    async with AsyncExitStack() as stack:
        hosts: list[HostState] = []
        turns: Turns | None = None
        if data is not None:
            with suppress(StorageError):  # there is no corpus yet
                async with open_for_reading(data, settings.storage) as corpus, corpus.database.read() as connection:
                    hosts = await load_hosts(connection, now=now())
                if os.access(data, os.W_OK):
                    turns = await stack.enter_async_context(open_turns(index_location(data, settings.storage), data))
        yield await stack.enter_async_context(Client(settings.network, hosts=hosts, now=now, turns=turns))


@asynccontextmanager
async def open_context(
    config: Config,
    data: Path,
    *,
    observer: Observer | None = None,
    now: Callable[[], datetime] = utc_now,
    period: Period | None = None,
) -> AsyncIterator[Context]:
    """Open the context, and close it at the end. Raises StorageError when the corpus cannot be used."""
    settings = config.settings
    map_large_blocks()
    async with AsyncExitStack() as stack:
        workers = stack.enter_context(Workers(settings.extraction))
        first_pass = not (data / INDEX_FILE).exists()
        corpus = await stack.enter_async_context(open_corpus(data, settings.storage, sources=config.sources))
        async with corpus.database.read() as connection:
            hosts = await load_hosts(connection, now=now())
        turns = await stack.enter_async_context(open_turns(index_location(data, settings.storage), data))
        client = await stack.enter_async_context(Client(settings.network, hosts=hosts, now=now, turns=turns))
        topics = compile_topics(config.topics)
        fetched = Fetched(data / FETCHED_FOLDER)
        fetched.prepare()
        room = asyncio.Semaphore(workers.count * PAGES_AHEAD_PER_WORKER)
        if first_pass:  # nothing has been read yet, so there will be much to do
            workers.start_early()
        yield Context(
            config, data, client, workers, corpus, topics, PageScreen.of(topics.screens), observer or Observer(), now,
            turns, fetched, room, period,
        )  # fmt: skip
