"""The dry run of a backfill: list the entries of archives, store nothing, fetch no page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select

from config.load import Config
from config.sources import Source
from extractors.archives.search import Listed
from extractors.fetching.client import Client
from extractors.records import Deferred, ItemError
from flows.passes.backfill import NO_ROUTE
from flows.passes.backfill_request import BackfillRequest
from flows.passes.context import open_client, run_directly, utc_now
from flows.passes.listing import Asking, Keeper, Listing, SharedListing, list_archives
from storage.corpus.writer import open_for_reading
from storage.errors import StorageError
from storage.index.schema import urls
from storage.placing.placing import find_known
from storage.state.entries import is_final
from storage.state.listed import load_due_listed
from storage.state.windows import StoredWindow, load_windows

HEADINGS = ("source", "route", "addresses", "known", "to fetch", "at least", "note")
KEYS_PER_QUERY = 500
LISTED_BEFORE = "listed before"


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
        """The number of pages left to fetch."""
        return self.addresses - self.known + self.waiting - len(self.brought)

    def to_json(self) -> dict[str, Any]:
        """Return the source's object for `--dry-run --json`."""
        return {
            "route": self.route, "addresses": self.addresses, "known": self.known, "waiting": self.waiting,
            "to_fetch": self.to_fetch, "seconds": round(self.seconds, 1), "problems": self.problems,
        }  # fmt: skip

    def line(self) -> tuple[str, ...]:
        """Return the source's line in the table, under HEADINGS."""
        return (
            self.source_id, self.route or "–", str(self.addresses), str(self.known), str(self.to_fetch),
            duration(self.seconds), "; ".join(self.problems[:2]),
        )  # fmt: skip


def duration(seconds: float) -> str:
    """Return a duration in words: 40 s, 12 min, 3.5 h, 2.1 days."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"


def longest(found: Iterable[Forecast]) -> float:
    """Return the least time in seconds for all forecasts; sources may share a host."""
    hosts: Counter[str] = Counter()
    for one in found:
        hosts.update(one.hosts)
    return max(hosts.values(), default=0)


async def forecast(
    config: Config, data: Path, request: BackfillRequest, *, now: Callable[[], datetime] = utc_now
) -> list[Forecast]:
    """List the period of each source. Asks archives only; the folder `data` is only read, and need not be there."""
    index = await _Index.load(config, data, request, now())
    counter = _Counter(index, {source.id: Forecast(source.id) for source in request.sources})
    async with open_client(config, data, now=now) as client:
        await list_archives(Asking(config, client, now, dry=True), request, counter, step=run_directly)
        for one in counter.found.values():
            await _reckon(one, client, config, data, index.waiting.get(one.source_id, {}))
    return list(counter.found.values())


@dataclass(slots=True)
class _Index:
    """The traces of earlier runs; none where there is no corpus yet."""

    windows: dict[str, list[StoredWindow]] = field(default_factory=dict)
    waiting: dict[str, dict[str, str]] = field(default_factory=dict)  # source → canonical URL → URL

    @classmethod
    async def load(cls, config: Config, data: Path, request: BackfillRequest, now: datetime) -> _Index:
        index = cls()
        try:
            async with open_for_reading(data, config.settings.storage) as corpus, corpus.database.read() as connection:
                for source in request.sources:
                    index.windows[source.id] = await load_windows(connection, source.id, request.period)
                    due = await load_due_listed(connection, source.id, request.period, now=now)
                    index.waiting[source.id] = {entry.key: entry.url for entry in due}
        except StorageError:
            return cls()
        return index


@dataclass(frozen=True, slots=True)
class _Counter(Keeper):
    """A keeper that keeps only the addresses of listed entries."""

    index: _Index
    found: dict[str, Forecast]  # by source

    async def known(self, source: Source) -> Sequence[StoredWindow]:
        return self.index.windows.get(source.id, [])

    def planned(self, source: Source, *, routes: bool, done: int, parts: int) -> None:
        if not routes:
            self.found[source.id].problems.append(NO_ROUTE)
        elif not parts:
            self.found[source.id].route = LISTED_BEFORE

    async def keep(self, listing: Listing, entries: Mapping[str, Listed]) -> None:
        found = self.found[listing.source.id]
        for key, listed in entries.items():
            found.keys.setdefault(key, listed.entry.url)
            if listed.page is not None:
                found.brought.add(key)

    def count(self, listing: Listing) -> None:
        found = self.found[listing.source.id]
        found.route = (listing.route if listing.entries else None) or found.route or listing.route
        found.problems += listing.problems + listing.unread
        found.wrong_lines += listing.wrong_lines

    def count_shared(self, shared: SharedListing) -> None:
        for listing in shared.listings:
            found = self.found[listing.source.id]
            found.route = listing.route or found.route
            found.problems += shared.unread
            if listing is shared.listings[0] or listing.route is None:
                found.problems += shared.problems
        self.found[shared.listings[0].source.id].wrong_lines += shared.wrong_lines


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
    """Return the seconds between two requests: the setting, or the wish of the host's robots.txt."""
    network = config.settings.network
    try:
        robots = await client.robots(host)
    except (ItemError, Deferred):
        return network.per_host_interval
    return max(network.per_host_interval, robots.crawl_delay_s(network.user_agent))


async def _known(config: Config, data: Path, keys: Iterable[str]) -> set[str]:
    """Return the keys that are decided on or are an article's address."""
    known: set[str] = set()
    try:
        async with open_for_reading(data, config.settings.storage) as corpus, corpus.database.read() as connection:
            wanted = sorted(keys)
            for start in range(0, len(wanted), KEYS_PER_QUERY):
                part = wanted[start : start + KEYS_PER_QUERY]
                query = select(urls.c.key).where(urls.c.key.in_(part), is_final())
                known.update((await connection.execute(query)).scalars())
            known.update(await find_known(connection, wanted))
    except StorageError:  # there is no corpus yet
        return set()
    return known
