"""What a route is given, what it gives, and how it asks.

A route is an async function from a `Search` to `Listed` entries, in the order it finds them. What it cannot read it
notes in the search's `Tally`; if it does not work for this source at all, it raises ItemError.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from config.settings import Archives
from config.sources import Backfill, Source
from extractors.archives.window import Window
from extractors.feeds.jobs import FeedJob
from extractors.fetching.client import Client
from extractors.fetching.messages import ACCEPT_FEED, Response
from extractors.records import Deferred, Entry, Feed, ItemError, Outcome, Page
from extractors.workers.tasks import feed_from

PAUSE = "host asked for a pause"
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
    """What there is to say of a search besides its entries; it grows while they are read.

    With `problems` something was not read, so the window may hold more than was listed. `wrong_lines` are sentences on
    a list of our own: reading it again would bring nothing more.
    """

    documents: int = 0  # asked for: sitemaps, feeds, captures, API answers
    listed: int = 0
    outside: int = 0  # entries left out, because they are dated outside the window
    again: int = 0  # entries left out, because their address was listed before
    problems: list[ItemError] = field(default_factory=list)
    wrong_lines: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether all that the route promised for the window was read."""
        return not self.problems


Parse = Callable[[FeedJob], Awaitable[Feed]]


async def parse_in_thread(job: FeedJob) -> Feed:
    """The feed's entries. A pass gives its child processes instead, which a hostile feed cannot take down with it."""
    return await asyncio.to_thread(feed_from, job)


@dataclass(frozen=True, slots=True)
class Search:
    """One source, one route, one window; and what is needed to look."""

    client: Client
    source: Source
    route: Backfill
    window: Window
    archives: Archives
    now: Callable[[], datetime]
    tally: Tally
    parse: Parse = parse_in_thread
    folder: Path = Path()  # what relative file names stand on

    async def ask(self, url: str, *, accept: str = ACCEPT_FEED, interval_s: float = 0.0) -> Response:
        """The answer at `url`. Raises ItemError, also when the host wants a pause or too much has been asked for."""
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
        """The feed in an answer; `url` is its address where that is not the answer's. Raises ItemError."""
        job = FeedJob(response.body, url or response.url, response.charset, self.window.zone, self.now())
        return await self.parse(job)


Route = Callable[[Search], AsyncGenerator[Listed, None]]


def pause_error(url: str, pause: Deferred) -> ItemError:
    """A host's wish to be left alone, as an error that says until when."""
    detail = f"until {pause.until:%Y-%m-%d %H:%M} UTC"
    return ItemError(Outcome.FAILED, PAUSE, url=url, detail=detail, retry_after=pause.until)


def is_missing(error: ItemError) -> bool:
    """Whether the error says that there is no such document, and not that it cannot be had now."""
    return error.outcome is Outcome.GONE
