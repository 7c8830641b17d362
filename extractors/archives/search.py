"""Ask an archive for the entries of a source and a period: the input of a route, its requests and its results.

A route is an async function from a `Search` to `Listed` entries, in the order it finds them. It notes documents that
it cannot read in the search's `Tally`; if it does not work for this source at all, it raises ItemError.

Entries dated outside the period, by the route or by their address alone, or there before the period began, are left
out and counted. Undated ones are kept: the page will tell.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path

from config.settings import Archives
from config.sources import Backfill, Source
from extractors.archives.routes import ROUTES
from extractors.dates.addresses import address_days
from extractors.feeds.jobs import FeedJob
from extractors.fetching.client import Client
from extractors.fetching.messages import ACCEPT_FEED, Response
from extractors.period import Period
from extractors.records import Deferred, Entry, Feed, ItemError, Outcome, Page
from extractors.workers.tasks import feed_from

PAUSE = "host asked for a pause"
MISSING = "missing in the middle"
TOO_MANY = "too many documents"


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry that an archive names.

    `entry.published` is set only where the archive states when the article was published. `not_after` is a moment by
    which it was there (its last change, a capture, a sighting): it can have been published long before.
    """

    entry: Entry
    page: Page | None = None  # the page itself, where the archive holds it: nothing is left to fetch
    archived_url: str | None = None  # a copy of the page, for when it is gone from its own address
    not_after: datetime | None = None


@dataclass(slots=True)
class Tally:
    """The counts and problems of a search; they grow while its entries are read.

    With `problems` something was not read, so the window may hold more than was listed. `wrong_lines` are sentences on
    a list of our own: reading it again would bring nothing more.
    """

    documents: int = 0  # asked for: sitemaps, feeds, captures, API answers
    listed: int = 0
    outside: int = 0  # entries left out, because they are dated outside the period
    again: int = 0  # entries left out, because their address was listed before
    problems: list[ItemError] = field(default_factory=list)
    wrong_lines: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)  # sentences on what a dry run would cost too much to read

    def note_missing(self, url: str) -> None:
        """Note a document that is missing in the middle of a series."""
        self.problems.append(ItemError(Outcome.FAILED, MISSING, url=url, detail="and there are more behind it"))

    @property
    def complete(self) -> bool:
        """Say whether all that the route promised for the window was read."""
        return not self.problems


Parse = Callable[[FeedJob], Awaitable[Feed]]


async def parse_in_thread(job: FeedJob) -> Feed:
    """Return the feed. A pass uses its child processes instead: a hostile feed cannot take the pass down with it."""
    return await asyncio.to_thread(feed_from, job)


@dataclass(frozen=True, slots=True)
class Search:
    """One source, one route, one period, and the means to look. Of a shared reading, the source is the first."""

    client: Client
    source: Source
    route: Backfill
    period: Period
    zone: tzinfo  # of the publisher: its days are counted there
    archives: Archives
    now: Callable[[], datetime]
    parse: Parse = parse_in_thread
    folder: Path = Path()  # what relative file names stand on
    dry: bool = False  # nothing will be kept: a route that would read gigabytes says so in `tally.unread` instead
    tally: Tally = field(default_factory=Tally)  # grows while the entries are read

    @property
    def wide(self) -> Period:
        """Return the days that may hold something of the period."""
        return self.period.wide

    @property
    def start(self) -> datetime:
        """Return the first moment of `wide`."""
        return self.wide.moments(self.zone)[0]

    @property
    def end(self) -> datetime:
        """Return the first moment after `wide`."""
        return self.wide.moments(self.zone)[1]

    async def ask(self, url: str, *, accept: str = ACCEPT_FEED, interval_s: float = 0.0) -> Response:
        """Return the answer at `url`. Raises ItemError, also for a host that wants a pause, or too many documents."""
        self.count_document(url)
        try:
            response = await self.client.fetch(
                url, accept=accept, max_bytes=self.archives.max_bytes, interval_s=interval_s
            )
        except Deferred as pause:
            raise pause_error(url, pause) from pause
        assert response is not None  # only a request with validators can be answered "not modified"
        return response

    def count_document(self, url: str) -> None:
        """Take note of one more document. Raises ItemError at more than the settings allow."""
        if self.tally.documents >= self.archives.max_documents:
            detail = f"more than archives.max_documents = {self.archives.max_documents}: take shorter periods"
            raise ItemError(Outcome.FAILED, TOO_MANY, url=url, detail=detail)
        self.tally.documents += 1

    async def feed(self, response: Response, *, url: str | None = None) -> Feed:
        """Return the feed in an answer; `url` is its address where that is not the answer's. Raises ItemError."""
        job = FeedJob(response.body, url or response.url, response.charset, self.zone, self.now())
        return await self.parse(job)


def pause_error(url: str, pause: Deferred) -> ItemError:
    """Return a host's wish to be left alone as an error that says until when."""
    detail = f"until {pause.until:%Y-%m-%d %H:%M} UTC"
    return ItemError(Outcome.FAILED, PAUSE, url=url, detail=detail, retry_after=pause.until)


def is_missing(error: ItemError) -> bool:
    """Say whether the error means that there is no such document, and not that it cannot be had now."""
    return error.outcome is Outcome.GONE


async def list_entries(search: Search) -> AsyncGenerator[Listed, None]:
    """Yield the entries that a route finds of a source in a period: each address once, in the order of the route.

    The search's tally is filled meanwhile. Raises ItemError when the route does not work for this source: then nothing
    was listed, and another route may be tried. Failures after the first entry stand in `tally.problems`; with any
    there, the window is not complete.
    """
    sieve = _Sieve(search)
    try:
        async with aclosing(ROUTES[search.route.route].load()(search)) as found:
            async for listed in found:
                if sieve.passes(listed):
                    yield listed
    except ItemError as error:
        search.tally.problems.append(error)
    _raise_if_nothing_worked(search.tally)


async def list_shared_entries(search: Search, sources: Sequence[Source]) -> AsyncGenerator[tuple[str, Listed], None]:
    """Yield the same for several sources in one reading: a source's id and an entry.

    Each file of Common Crawl is a gigabyte: reading them once for each source would be absurd.
    """
    sieves = {source.id: _Sieve(search) for source in sources}
    try:
        async with aclosing(ROUTES[search.route.route].load_shared()(search, sources)) as found:
            async for source_id, listed in found:
                if sieves[source_id].passes(listed):
                    yield source_id, listed
    except ItemError as error:
        search.tally.problems.append(error)
    _raise_if_nothing_worked(search.tally)


def _raise_if_nothing_worked(tally: Tally) -> None:
    if tally.problems and not tally.listed:
        raise tally.problems[0]


class _Sieve:
    """A sieve that lets each address through once, and none that is dated outside the period."""

    def __init__(self, search: Search) -> None:
        self._wide, self._tally = search.wide, search.tally
        self._start, self._end, self._zone = search.start, search.end, search.zone
        self._known: set[str] = set()

    def passes(self, listed: Listed) -> bool:
        """Say whether to list the entry."""
        if listed.entry.url in self._known:
            self._tally.again += 1
            return False
        self._known.add(listed.entry.url)
        if self._is_outside(listed):
            self._tally.outside += 1
            return False
        self._tally.listed += 1
        return True

    def _is_outside(self, listed: Listed) -> bool:
        published = listed.entry.published
        if published is not None:
            return not self._start <= published < self._end
        if listed.not_after is not None and listed.not_after < self._start:
            return True
        days = address_days(listed.entry.url, self._zone)
        return days is not None and days.side(self._wide) != 0
