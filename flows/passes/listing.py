"""The first stage of a backfill: let archives name what a source has published, and remember every entry of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

from config.sources import Backfill, Source
from extractors.archives.routes import list_entries, list_shared_entries
from extractors.archives.search import Listed, Tally
from extractors.archives.window import Window
from extractors.feeds.jobs import FeedJob
from extractors.records import Feed, ItemError, Page
from extractors.urls import canonical_url
from extractors.workers.tasks import feed_from
from extractors.zones import zone_of
from flows.passes.context import Context
from storage.state.hosts import store_hosts
from storage.state.listed import store_listed
from storage.state.periods import Period, cut, each_day
from storage.state.windows import StoredWindow, begin_window, end_window

ENTRIES_PER_TRANSACTION = 200
PAGE_BYTES = 20_000_000  # of pages that wait to be taken on
PROBLEMS_KEPT = 20
# Days a window of each route may have. None: these read one list for any period, so it is read once for all of it.
WINDOW_DAYS: Mapping[str, int | None] = {
    "sitemap": None,
    "paged": None,
    "urls": None,
    "wordpress": 31,
    "wayback": 31,
    "gdelt": 31,
    "ccnews": 7,
}
LACKING = {"paged": "url", "urls": "file"}  # what these routes cannot do without

TakePages = Callable[[dict[str, Page]], Awaitable[None]]


@dataclass(slots=True)
class Listing:
    """What a source's archive has named for one window."""

    source: Source
    period: Period
    route: str | None = None  # null: none has worked
    entries: int = 0
    new: int = 0
    outside: int = 0
    whole: bool = False  # all that the archive promised was read
    problems: list[str] = field(default_factory=list)
    wrong_lines: list[str] = field(default_factory=list)  # of a list of our own


@dataclass(slots=True)
class SharedListing:
    """What archives that are read once for several sources have named for one window; counted for all together."""

    route: str
    period: Period
    listings: list[Listing]
    outside: int = 0
    problems: list[str] = field(default_factory=list)
    wrong_lines: list[str] = field(default_factory=list)


def routes_of(source: Source, via: str | None) -> tuple[Backfill, ...]:
    """The routes to try for a source, in order: its own, or with `via` that one only. None where it lacks an address.

    A route that needs none is there for every source.
    """
    if via is None:
        return source.backfill
    own = tuple(route for route in source.backfill if route.route == via)
    return own or (() if via in LACKING else (Backfill.model_validate({"route": via}),))


def shared_routes(
    sources: Sequence[Source], routes: Mapping[str, Sequence[Backfill]], addresses: Path | None
) -> dict[Backfill, list[Source]]:
    """The first routes of which one reading serves several sources: `addresses`, a list for all, or Common Crawl."""
    if addresses is not None:
        return {Backfill(route="urls", file=str(addresses.absolute())): list(sources)}
    found: dict[Backfill, list[Source]] = {}
    for source in sources:
        if routes[source.id] and routes[source.id][0].route == "ccnews":
            found.setdefault(routes[source.id][0], []).append(source)
    return found


def done_windows(known: Sequence[StoredWindow], route: Backfill, via: str | None) -> list[Period]:
    """The windows that need not be listed again. If a route is asked for by name, another one's work does not count."""
    if route.file is not None:
        return []
    return [window.period for window in known if window.complete and via in (None, window.route)]


def parts_to_list(period: Period, done: Sequence[Period], route: Backfill) -> list[Period]:
    """What is left of the period, in pieces that one listing by the route should cover."""
    return cut(period, done, days=None if route.file is not None else WINDOW_DAYS[route.route])


def done_by_all(period: Period, done: Sequence[Sequence[Period]]) -> list[Period]:
    """The days that every one of these lists of windows covers."""
    return [Period(day, day) for day in each_day(period) if all(any(day in w for w in one) for one in done)]


async def list_window(
    context: Context, source: Source, routes: Sequence[Backfill], period: Period, take_pages: TakePages
) -> Listing:
    """List one window by the first of `routes` that names anything, and store its entries as pending.

    Pages that an archive brings along are handed to `take_pages`, a batch at a time, under their keys. Doing it again
    adds nothing.
    """
    store = await _begin(context, source, period, take_pages)
    listing, whole = store.listing, True
    for route in routes:
        tally = Tally()
        try:
            async with aclosing(_listed(context, source, route, period, tally)) as found:
                async for listed in found:
                    store.add(listed)
                    if store.brought >= PAGE_BYTES or len(store.batch) >= ENTRIES_PER_TRANSACTION:
                        await store.flush()
                await store.flush()
        except ItemError as error:
            listing.problems.append(f"{route.route}: {error}")
            whole = False
            continue
        listing.problems += _told(route, tally)
        listing.wrong_lines += tally.wrong_lines
        listing.outside += tally.outside
        if tally.listed or tally.outside or listing.route is None:
            listing.route = route.route
            whole = tally.complete
            store.is_archive = route.file is None
        if tally.listed:
            break
    listing.whole = whole and listing.route is not None
    await store.end()
    return listing


async def list_shared_window(
    context: Context, sources: Sequence[Source], route: Backfill, period: Period, take_pages: TakePages
) -> SharedListing:
    """As `list_window`, for several sources in one reading: a file of Common Crawl is a gigabyte."""
    stores = {source.id: await _begin(context, source, period, take_pages) for source in sources}
    shared = SharedListing(route.route, period, [store.listing for store in stores.values()])
    tally = Tally()
    try:
        found = list_shared_entries(
            context.client, sources, route, Window(period.first, period.last, UTC), context.config.settings.archives,
            tally=tally, now=context.now, folder=context.config.folder,
        )  # fmt: skip
        async with aclosing(found):
            async for source_id, listed in found:
                stores[source_id].add(listed)
                if sum(store.brought for store in stores.values()) >= PAGE_BYTES:
                    for store in stores.values():
                        await store.flush()
                elif len(stores[source_id].batch) >= ENTRIES_PER_TRANSACTION:
                    await stores[source_id].flush()
        works = True
        shared.problems = _told(route, tally)
    except ItemError as error:
        works = False
        shared.problems = [f"{route.route}: {error}"]
    shared.outside, shared.wrong_lines = tally.outside, tally.wrong_lines
    for store in stores.values():
        await store.flush()
        store.is_archive = route.file is None
        store.listing.route = route.route if works else None
        store.listing.whole = works and tally.complete
        await store.end(shared.problems)
    return shared


def _told(route: Backfill, tally: Tally) -> list[str]:
    return [f"{route.route}: {problem} ({problem.url})" for problem in tally.problems]


def _listed(
    context: Context, source: Source, route: Backfill, period: Period, tally: Tally
) -> AsyncGenerator[Listed, None]:
    async def parse(job: FeedJob) -> Feed:
        return await context.workers.run(feed_from, job, url=job.url)

    return list_entries(
        context.client,
        source,
        route,
        Window(period.first, period.last, zone_of(source.country)),
        context.config.settings.archives,
        tally=tally,
        now=context.now,
        parse=parse,
        folder=context.config.folder,
    )


async def _begin(context: Context, source: Source, period: Period, take_pages: TakePages) -> _Store:
    async with context.corpus.database.write() as connection:
        window = await begin_window(connection, source.id, period)
    return _Store(context, Listing(source, period), window, take_pages)


@dataclass(slots=True)
class _Store:
    """Records the entries of one window, a batch a transaction, and at last how its listing ended."""

    context: Context
    listing: Listing
    window: int
    take_pages: TakePages
    batch: dict[str, Listed] = field(default_factory=dict)
    brought: int = 0  # bytes of the pages that came along with the batch
    is_archive: bool = True  # and not a file of the user's own, of which nothing says what days it covers

    def add(self, listed: Listed) -> None:
        """Take one entry; what is no address is no article, whoever names it."""
        try:
            key = canonical_url(listed.entry.url)
        except ValueError:
            return
        if key not in self.batch:
            self.batch[key] = listed
            self.brought += len(listed.page.body) if listed.page else 0

    async def flush(self) -> None:
        """Store what has come, and hand over the pages that came along."""
        if not self.batch:
            return
        async with self.context.corpus.database.write() as connection:
            rows = [(key, listed.entry, listed.archived_url) for key, listed in self.batch.items()]
            self.listing.new += await store_listed(
                connection, self.listing.source.id, rows, window=self.window, now=self.context.now()
            )
        self.listing.entries += len(self.batch)
        pages = {key: listed.page for key, listed in self.batch.items() if listed.page is not None}
        self.batch, self.brought = {}, 0
        if pages:
            await self.take_pages(pages)

    async def end(self, problems: Sequence[str] = ()) -> None:
        """Note how it ended."""
        listing = self.listing
        async with self.context.corpus.database.write() as connection:
            await end_window(
                connection,
                self.window,
                route=listing.route if self.is_archive else None,
                now=self.context.now(),
                whole=listing.whole,
                entries=listing.entries,
                outside=listing.outside,
                problems=[*listing.problems, *problems][:PROBLEMS_KEPT],
            )
            await store_hosts(connection, self.context.client.take_changed_hosts())
