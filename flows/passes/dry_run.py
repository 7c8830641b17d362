"""What a backfill would do: list what archives name, store nothing, fetch no page."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select

from config.load import Config
from config.sources import Backfill, Source
from extractors.archives.ccnews import remote_files
from extractors.archives.routes import list_entries, list_shared_entries
from extractors.archives.search import Listed, Search, Tally
from extractors.archives.window import Window
from extractors.fetching.client import Client
from extractors.records import Deferred, ItemError
from extractors.text import counted
from extractors.urls import canonical_url
from extractors.zones import zone_of
from flows.passes.backfill import NO_ROUTE
from flows.passes.context import utc_now
from flows.passes.listing import done_by_all, done_windows, parts_to_list, routes_of, shared_routes
from storage.corpus.writer import open_for_reading
from storage.errors import StorageError
from storage.index.schema import urls
from storage.placing.placing import find_known
from storage.state.entries import NOT_FINAL
from storage.state.hosts import load_hosts
from storage.state.listed import load_due_listed
from storage.state.periods import Period
from storage.state.windows import StoredWindow, load_windows

HEADINGS = ("source", "route", "addresses", "known", "to fetch", "at least", "note")
KEYS_PER_QUERY = 500
CRAWL_FILE_GB = 1  # https://commoncrawl.org/blog/news-dataset-available


@dataclass(slots=True)
class Forecast:
    """One source: how many addresses by which route, how many are known, and the time that the rest will take."""

    source_id: str
    route: str | None = None
    addresses: int = 0
    known: int = 0  # of them: decided on already, so never fetched again
    waiting: int = 0  # entries that an earlier run has listed or tried, besides
    hosts: dict[str, float] = field(default_factory=dict)  # seconds of fetching at the gap that each host wants
    problems: list[str] = field(default_factory=list)
    wrong_lines: list[str] = field(default_factory=list)  # of lists of our own: a sentence for each
    keys: dict[str, str] = field(default_factory=dict)  # canonical URL → as it was listed
    brought: set[str] = field(default_factory=set)  # of the keys: the archive holds the page, nothing is fetched

    @property
    def seconds(self) -> float:
        """The least time that fetching takes; hosts are fetched side by side."""
        return max(self.hosts.values(), default=0.0)

    @property
    def to_fetch(self) -> int:
        """How many pages."""
        return self.addresses - self.known + self.waiting - len(self.brought)

    def to_json(self) -> dict[str, Any]:
        """The source's object in what `--dry-run --json` prints."""
        return {
            "route": self.route, "addresses": self.addresses, "known": self.known, "waiting": self.waiting,
            "to_fetch": self.to_fetch, "seconds": round(self.seconds, 1), "problems": self.problems,
        }  # fmt: skip

    def line(self) -> tuple[str, ...]:
        """Its line in the table, under HEADINGS."""
        return (
            self.source_id, self.route or "–", str(self.addresses), str(self.known), str(self.to_fetch),
            duration(self.seconds), "; ".join(self.problems[:2]),
        )  # fmt: skip


def duration(seconds: float) -> str:
    """A time as people say it: 40 s, 12 min, 3.5 h, 2.1 days."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"


def longest(found: Iterable[Forecast]) -> float:
    """The least time in seconds for all of them: sources may share a host."""
    hosts: Counter[str] = Counter()
    for one in found:
        hosts.update(one.hosts)
    return max(hosts.values(), default=0)


async def forecast(
    config: Config,
    data: Path,
    *,
    period: Period,
    sources: Sequence[Source],
    via: str | None = None,
    addresses: Path | None = None,
    now: Callable[[], datetime] = utc_now,
) -> list[Forecast]:
    """List the period of each source. Asks archives only; the folder `data` is only read, and need not be there."""
    index = await _Index.load(config, data, sources, period, now())
    network = config.settings.network
    room = asyncio.Semaphore(network.concurrency)
    routes = {source.id: () if addresses else routes_of(source, via) for source in sources}
    shared = shared_routes(sources, routes, addresses)
    in_shared = {source.id for group in shared.values() for source in group}
    found = {source.id: Forecast(source.id) for source in sources}
    async with Client(network, hosts=index.hosts, now=now) as client:
        look = _Look(client, config, period, via, now, index)

        async def look_at(source: Source) -> None:
            async with room:
                await look.source(source, routes[source.id], found[source.id])

        async with asyncio.TaskGroup() as group:
            for source in sources:
                if source.id not in in_shared:
                    group.create_task(look_at(source))
            for route, some in shared.items():
                group.create_task(look.group(some, route, found))
        for one in found.values():
            await _reckon(one, client, config, data, index.waiting.get(one.source_id, {}))
    return list(found.values())


@dataclass(slots=True)
class _Index:
    """What an earlier run has left; nothing where there is no corpus yet."""

    windows: dict[str, list[StoredWindow]] = field(default_factory=dict)
    waiting: dict[str, dict[str, str]] = field(default_factory=dict)  # source → canonical URL → URL
    hosts: list[Any] = field(default_factory=list)

    @classmethod
    async def load(cls, config: Config, data: Path, sources: Sequence[Source], period: Period, now: datetime) -> _Index:
        index = cls()
        try:
            async with open_for_reading(data, config.settings.storage) as corpus, corpus.database.read() as connection:
                index.hosts = await load_hosts(connection)
                for source in sources:
                    index.windows[source.id] = await load_windows(connection, source.id, period)
                    due = await load_due_listed(connection, source.id, period, now=now)
                    index.waiting[source.id] = {entry.key: entry.url for entry in due}
        except StorageError:
            return cls()
        return index


@dataclass(frozen=True, slots=True)
class _Look:
    client: Client
    config: Config
    period: Period
    via: str | None
    now: Callable[[], datetime]
    index: _Index

    async def source(self, source: Source, routes: Sequence[Backfill], found: Forecast) -> None:
        """List what a source's first working route names, in the same pieces as a backfill."""
        if not routes:
            found.problems.append(NO_ROUTE)
            return
        done = done_windows(self.index.windows.get(source.id, []), routes[0], self.via)
        parts = parts_to_list(self.period, done, routes[0])
        if not parts:
            found.route = "listed before"
        for part in parts:
            await self._part(source, routes, part, found)

    async def _part(self, source: Source, routes: Sequence[Backfill], part: Period, found: Forecast) -> None:
        window = Window(part.first, part.last, zone_of(source.country))
        for route in routes:
            tally = Tally()
            try:
                if route.route == "ccnews" and route.file is None:
                    await self._count_files(source, route, window, [found])
                    return
                entries = list_entries(
                    self.client, source, route, window, self.config.settings.archives,
                    tally=tally, now=self.now, folder=self.config.folder,
                )  # fmt: skip
                async with aclosing(entries):
                    async for listed in entries:
                        _add(found, listed)
            except ItemError as error:
                found.problems.append(f"{route.route}: {error}")
                continue
            found.problems += [f"{route.route}: {problem}" for problem in tally.problems]
            found.wrong_lines += tally.wrong_lines
            found.route = route.route if tally.listed else found.route or route.route
            if tally.listed:
                return

    async def group(self, sources: Sequence[Source], route: Backfill, found: dict[str, Forecast]) -> None:
        """As `source`, for those that share their files. Those of Common Crawl are counted, not read."""
        done = [done_windows(self.index.windows.get(source.id, []), route, self.via) for source in sources]
        some = [found[source.id] for source in sources]
        for part in parts_to_list(self.period, done_by_all(self.period, done), route):
            tally, window = Tally(), Window(part.first, part.last, UTC)
            try:
                if route.file is None:
                    await self._count_files(sources[0], route, window, some)
                    continue
                entries = list_shared_entries(
                    self.client, sources, route, window, self.config.settings.archives,
                    tally=tally, now=self.now, folder=self.config.folder,
                )  # fmt: skip
                async with aclosing(entries):
                    async for source_id, listed in entries:
                        _add(found[source_id], listed)
                for one in some:
                    one.route = route.route
                some[0].problems += [f"{route.route}: {problem}" for problem in tally.problems]
                some[0].wrong_lines += tally.wrong_lines
            except ItemError as error:
                for one in some:
                    one.problems.append(f"{route.route}: {error}")

    async def _count_files(self, source: Source, route: Backfill, window: Window, found: Sequence[Forecast]) -> None:
        search = Search(self.client, source, route, window, self.config.settings.archives, self.now, Tally())
        number = len([url async for url in remote_files(search)])
        days = f"{window.first} – {window.last}"
        for one in found:
            one.route = route.route
            one.problems.append(
                f"{days}: {counted(number, 'file')} of about {CRAWL_FILE_GB} GB to read, all sources in one go"
            )


def _add(found: Forecast, listed: Listed) -> None:
    try:
        key = canonical_url(listed.entry.url)
    except ValueError:
        return
    found.keys.setdefault(key, listed.entry.url)
    if listed.page is not None:
        found.brought.add(key)


async def _reckon(found: Forecast, client: Client, config: Config, data: Path, waiting: dict[str, str]) -> None:
    """Fill in the numbers."""
    known = await _known(config, data, found.keys)
    found.addresses, found.known, found.waiting = len(found.keys), len(known), len(waiting.keys() - found.keys.keys())
    found.brought -= known
    wanted = waiting | found.keys
    hosts = Counter(_base(url) for key, url in wanted.items() if key not in known and key not in found.brought)
    found.hosts = {host: number * await _gap_s(client, config, host) for host, number in hosts.items()}


def _base(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"


async def _gap_s(client: Client, config: Config, host: str) -> float:
    """Seconds between two requests: what is set, or what the host's robots.txt asks for."""
    network = config.settings.network
    try:
        robots = await client.robots(host)
    except (ItemError, Deferred):
        return network.per_host_interval
    return max(network.per_host_interval, robots.crawl_delay_s(network.user_agent))


async def _known(config: Config, data: Path, keys: Iterable[str]) -> set[str]:
    """Those that are decided on, or are an article's address."""
    known: set[str] = set()
    final = urls.c.outcome.is_not(None) & urls.c.outcome.not_in([outcome.value for outcome in NOT_FINAL])
    try:
        async with open_for_reading(data, config.settings.storage) as corpus, corpus.database.read() as connection:
            wanted = sorted(keys)
            for start in range(0, len(wanted), KEYS_PER_QUERY):
                part = wanted[start : start + KEYS_PER_QUERY]
                query = select(urls.c.key).where(urls.c.key.in_(part), final)
                known.update((await connection.execute(query)).scalars())
            known.update(await find_known(connection, wanted))
    except StorageError:  # there is no corpus yet
        return set()
    return known
