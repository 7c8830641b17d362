"""The first stage of a backfill: let archives name what sources have published in a period, window by window.

A `Keeper` says what becomes of it: a backfill stores the entries and takes them on, a dry run counts them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Any

from config.load import Config
from config.sources import Backfill, Source
from extractors.archives.routes import ROUTES
from extractors.archives.search import Listed, Parse, Search, Tally, list_entries, list_shared_entries, parse_in_thread
from extractors.fetching.client import Client
from extractors.period import Period, cut, each_day
from extractors.records import ItemError
from extractors.urls import canonical_url
from extractors.zones import zone_of
from flows.passes.backfill_request import BackfillRequest, signature
from flows.passes.context import Step
from storage.state.windows import StoredWindow

ENTRIES_AT_ONCE = 200  # handed to the keeper
PAGE_BYTES = 20_000_000  # of pages that came along, before they are handed on


@dataclass(frozen=True, slots=True)
class Asking:
    """What every search is made with; `dry`: nothing will be kept."""

    config: Config
    client: Client
    now: Callable[[], datetime]
    parse: Parse = parse_in_thread
    dry: bool = False

    def search(self, source: Source, route: Backfill, period: Period, zone: tzinfo) -> Search:
        """Return a search that has found nothing yet."""
        return Search(
            self.client, source, route, period, zone, self.config.settings.archives, self.now, self.parse,
            folder=self.config.folder, dry=self.dry,
        )  # fmt: skip


@dataclass(slots=True)
class Listing:
    """What a source's archive has named for one window."""

    source: Source
    period: Period
    window: int = 0  # its id in the index
    route: str | None = None  # None: none has worked
    from_file: bool = False  # of the user's own: nothing says which days it covers
    entries: int = 0
    new: int = 0
    outside: int = 0
    asked: list[str] = field(default_factory=list)  # the routes that were tried, with their addresses
    whole: bool = False  # all that the archive promised was read
    problems: list[str] = field(default_factory=list)
    wrong_lines: list[str] = field(default_factory=list)  # of a list of our own
    unread: list[str] = field(default_factory=list)  # what a dry run has not read

    def add(self, route: Backfill, tally: Tally) -> None:
        """Add what a route that worked has to say besides its entries."""
        self.problems += told(route, tally)
        self.wrong_lines += tally.wrong_lines
        self.unread += tally.unread
        self.outside += tally.outside
        if tally.listed or tally.outside or self.route is None:
            self.route, self.from_file = route.route, route.file is not None
            self.whole = tally.complete


@dataclass(slots=True)
class SharedListing:
    """What archives that are read once for several sources have named for one window; counted for all together."""

    route: str
    period: Period
    listings: list[Listing]
    outside: int = 0
    problems: list[str] = field(default_factory=list)
    wrong_lines: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


class Keeper:
    """Told what is listed, and when; this one keeps nothing of it."""

    async def known(self, source: Source) -> Sequence[StoredWindow]:
        """Return the windows of the period that earlier runs have begun."""
        return ()

    async def take_on(self, sources: Sequence[Source]) -> None:
        """Take on the entries that are due: before the first window, and after each."""

    def planned(self, source: Source, *, routes: bool, done: int, parts: int) -> None:
        """Note whether there is a route, how many windows are done already, and how many are to be listed."""

    async def begin(self, listing: Listing) -> None:
        """Begin a window."""

    async def keep(self, listing: Listing, entries: Mapping[str, Listed]) -> None:
        """Keep some of its entries, which stand under their keys; the same again adds nothing."""

    async def end(self, listing: Listing, problems: Sequence[str]) -> None:
        """Note how the listing of the window has ended, with all problems."""

    def count(self, listing: Listing) -> None:
        """Count a window that one source was listed for."""

    def count_shared(self, shared: SharedListing) -> None:
        """Count a window that several sources were listed for."""

    def finished(self, source: Source, *, failed: bool) -> None:
        """Note that all windows of a source are listed; `failed`: no route has worked for any of them."""


async def list_archives(asking: Asking, request: BackfillRequest, keeper: Keeper, *, step: Step) -> None:
    """List the period of each source, those that share files in one reading, and have the keeper keep it.

    As many sources or groups are at work at a time as `network.concurrency` says. Each window is a step.
    """
    room = asyncio.Semaphore(asking.config.settings.network.concurrency)
    work = _Work(asking, request, keeper, step)
    shared = request.shared()
    in_shared = {source.id for group in shared.values() for source in group}
    tasks = [work.source(source) for source in request.sources if source.id not in in_shared]
    tasks += [work.group(group, route) for route, group in shared.items()]

    async def with_room(task: Coroutine[Any, Any, None]) -> None:
        async with room:
            await task

    try:
        await side_by_side(with_room(task) for task in tasks)
    finally:
        for task in tasks:
            task.close()  # of those that never began


async def side_by_side(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do all of them at once; the first that fails ends the others, and its error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from failed


@dataclass(frozen=True, slots=True)
class _Work:
    asking: Asking
    request: BackfillRequest
    keeper: Keeper
    step: Step

    async def source(self, source: Source) -> None:
        """List one source, window by window."""
        routes = self.request.routes(source)
        await self.keeper.take_on([source])  # what an interrupted run has left
        done = self._done(source, routes, await self.keeper.known(source)) if routes else []
        parts = _parts(self.request.period, done, routes[0]) if routes else []
        self.keeper.planned(source, routes=bool(routes), done=len(done), parts=len(parts))
        failed = 0
        for part in parts:
            failed += not await self._list(source, routes, part)
            await self.keeper.take_on([source])
        if routes:
            self.keeper.finished(source, failed=0 < failed == len(parts))

    async def group(self, sources: Sequence[Source], route: Backfill) -> None:
        """List sources that are looked for in the same files, which are read once for all of them."""
        await self.keeper.take_on(sources)
        done = [self._done(source, self.request.routes(source), await self.keeper.known(source)) for source in sources]
        parts = _parts(self.request.period, _done_by_all(self.request.period, done), route)
        for source, windows in zip(sources, done, strict=True):
            self.keeper.planned(source, routes=True, done=len(windows), parts=len(parts))
        failed: dict[str, int] = {source.id: 0 for source in sources}
        for part in parts:
            title = f"{route.route}, {part}: list"
            shared = await self.step(title, partial(list_shared_window, self.asking, sources, route, part, self.keeper))
            self.keeper.count_shared(shared)
            for listing in shared.listings:
                works = listing.route is not None
                others = self.request.routes(listing.source)[1:]
                if others and not listing.entries and not shared.unread:
                    works = await self._list(listing.source, others, part, asked=listing.asked) or works
                failed[listing.source.id] += not works
            await self.keeper.take_on(sources)
        for source in sources:
            self.keeper.finished(source, failed=0 < failed[source.id] == len(parts))

    def _done(self, source: Source, routes: Sequence[Backfill], known: Sequence[StoredWindow]) -> list[Period]:
        """Return the windows that need not be listed again: the present routes have listed them."""
        if routes[0].file is not None or self.request.again:
            return []
        asked = [signature(route, source) for route in routes]
        return [window.period for window in known if window.answers(asked)]

    async def _list(
        self, source: Source, routes: Sequence[Backfill], part: Period, *, asked: Sequence[str] = ()
    ) -> bool:
        """List one window and count it; return whether a route has worked."""
        work = partial(list_window, self.asking, source, routes, part, self.keeper, asked=asked)
        listing = await self.step(f"{source.id}, {part}: list", work)
        self.keeper.count(listing)
        return listing.route is not None


def _parts(period: Period, done: Sequence[Period], route: Backfill) -> list[Period]:
    """Return the rest of the period, in pieces that one listing by the route should cover."""
    return cut(period, done, days=None if route.file is not None else ROUTES[route.route].window_days)


def _done_by_all(period: Period, done: Sequence[Sequence[Period]]) -> list[Period]:
    """Return the days that every one of these lists of windows covers."""
    return [Period(day, day) for day in each_day(period) if all(any(day in w for w in one) for one in done)]


async def list_window(
    asking: Asking,
    source: Source,
    routes: Sequence[Backfill],
    period: Period,
    keeper: Keeper,
    *,
    asked: Sequence[str] = (),
) -> Listing:
    """List one window by the first of `routes` that names anything; doing it again adds nothing.

    `asked` are routes that were tried before and found nothing.
    """
    listing = Listing(source, period, asked=[*asked])
    await keeper.begin(listing)
    batch = _Batch(keeper, listing)
    for route in routes:
        listing.asked.append(signature(route, source))
        search = asking.search(source, route, period, zone_of(source.country))
        try:
            async with aclosing(list_entries(search)) as found:
                async for listed in found:
                    batch.add(listed)
                    if batch.bytes >= PAGE_BYTES or len(batch.entries) >= ENTRIES_AT_ONCE:
                        await batch.flush()
                await batch.flush()
        except ItemError as error:
            listing.problems.append(f"{route.route}: {error}")
            listing.whole = False
            continue
        listing.add(route, search.tally)
        if search.tally.listed or search.tally.unread:
            break
    await keeper.end(listing, listing.problems)
    return listing


async def list_shared_window(
    asking: Asking, sources: Sequence[Source], route: Backfill, period: Period, keeper: Keeper
) -> SharedListing:
    """List one window for several sources in one reading; doing it again adds nothing."""
    batches = {source.id: _Batch(keeper, Listing(source, period)) for source in sources}
    for batch in batches.values():
        await keeper.begin(batch.listing)
    shared = SharedListing(route.route, period, [batch.listing for batch in batches.values()])
    search = asking.search(sources[0], route, period, UTC)
    try:
        async with aclosing(list_shared_entries(search, sources)) as found:
            async for source_id, listed in found:
                batches[source_id].add(listed)
                if sum(batch.bytes for batch in batches.values()) >= PAGE_BYTES:
                    for batch in batches.values():
                        await batch.flush()
                elif len(batches[source_id].entries) >= ENTRIES_AT_ONCE:
                    await batches[source_id].flush()
        works = True
        shared.problems = told(route, search.tally)
    except ItemError as error:
        works = False
        shared.problems = [f"{route.route}: {error}"]
    tally = search.tally
    shared.outside, shared.wrong_lines, shared.unread = tally.outside, tally.wrong_lines, tally.unread
    for batch in batches.values():
        await batch.flush()
        listing = batch.listing
        listing.from_file = route.file is not None
        listing.route = route.route if works else None
        listing.asked = [signature(route, listing.source)]
        listing.whole = works and tally.complete
        await keeper.end(listing, shared.problems)
    return shared


def told(route: Backfill, tally: Tally) -> list[str]:
    """Return a sentence on each document that a route could not read."""
    return [f"{route.route}: {problem} ({problem.url})" for problem in tally.problems]


@dataclass(slots=True)
class _Batch:
    """Entries of one window that wait to be kept."""

    keeper: Keeper
    listing: Listing
    entries: dict[str, Listed] = field(default_factory=dict)  # under their keys
    bytes: int = 0  # of the pages that came along

    def add(self, listed: Listed) -> None:
        """Take one entry; an address that is none is left out, whoever names it."""
        try:
            key = canonical_url(listed.entry.url)
        except ValueError:
            return
        if key not in self.entries:
            self.entries[key] = listed
            self.bytes += len(listed.page.body) if listed.page else 0

    async def flush(self) -> None:
        """Have kept what has come."""
        if self.entries:
            entries, self.entries, self.bytes = self.entries, {}, 0
            self.listing.entries += len(entries)
            await self.keeper.keep(self.listing, entries)
