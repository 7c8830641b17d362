"""Watching the sitemaps behind the address of a feed, so that an outlet without a feed can be watched like any other.

The address may be an index: then the part with the newest pages is asked each time, whether the index has changed or
not, and the one before it when there was news, for a page may be written down late. When a new part begins, all those
since the last one read are asked. Or the address is a sitemap itself, perhaps with a number: then the files with the
next numbers are followed, for that is how some archives grow. Nothing changed: two requests, or three where nobody
knows at which end of a series its news comes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from config.sources import Source
from extractors.feeds.intervals import is_full_due
from extractors.feeds.jobs import FeedJob, IndexPart, Listing, WatchJob
from extractors.feeds.sections import number_of, with_number
from extractors.fetching.messages import ACCEPT_FEED, Response
from extractors.records import Entry, Feed, ItemError, Outcome
from extractors.urls import canonical_url, same_site
from extractors.workers.tasks import watched_from
from extractors.zones import zone_of
from flows.passes.context import Context
from storage.state.sitemaps import PartState

NEWS_LASTS = timedelta(days=3)  # older pages are for backfills
LONGEST_GAP = timedelta(days=30)  # between two polls; what was published before is left to a backfill
SLACK = timedelta(days=1)  # dates without a time, wrong zones
FIRST_PARTS = 2  # of an index that is met: just after midnight the newest has nothing in it yet
PARTS_AT_ONCE = 5  # a long weekend of files by the day
FARTHEST = 4096  # numbers that a series is followed for, at most
_NUMBER = re.compile(r"(?<!\d)(\d{1,4})(?=\.xml(?:\.gz)?\Z)", re.IGNORECASE)
_NOTHING_THERE = ("not a feed", "not a sitemap", "empty")


def body_hash(body: bytes) -> bytes:
    """Return the hash that tells a changed body: some servers repeat a validator over changed bodies, or send none."""
    return hashlib.blake2b(body, digest_size=16).digest()


def is_cut(warning: str | None) -> bool:
    """Return whether a document that gave entries may hold more: its validators would hide the rest for ever."""
    return any(part.startswith(("cut ", "malformed")) for part in (warning or "").split("; "))


@dataclass(slots=True)
class Sitemaps:
    """One reading of the sitemaps behind `feed_url`; what it found stands in the other fields."""

    context: Context
    source: Source
    feed_url: str
    known: dict[str, PartState]  # as the last reading left them
    articles: tuple[str, ...] = ()  # canonical addresses that are known to be articles, where this is a section
    found: tuple[str, ...] = ()  # addresses among the last reading's steps that are articles now
    states: dict[str, PartState] = field(default_factory=dict)  # for the next reading
    entries: dict[str, Entry] = field(default_factory=dict)  # under their canonical URL
    pages: int = 0  # listed where these stand
    skipped: int = 0
    changed: bool = False  # something was read that is not as it was
    failed: list[ItemError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    steps: dict[str, str] = field(default_factory=dict)  # numbered addresses to be tried, under their canonical URLs
    advanced: bool = False  # the last known number is not as it was

    async def parse(self, response: Response, *, first: bool) -> Feed | Listing:
        """Parse an answer. Raises ItemError when it is neither a feed nor a sitemap."""
        now = self.context.now()
        last = min((part.read_at for part in self.known.values()), default=now)
        job = WatchJob(
            feed=FeedJob(response.body, response.url, response.charset, zone_of(self.source.country), now),
            feed_url=self.feed_url,
            since=max(now - LONGEST_GAP, min(now - NEWS_LASTS, last - SLACK)),
            known=b"".join(part.listed for part in self.known.values()),
            first=first,
            watched=tuple(IndexPart(part.url, part.rank) for part in self.known.values()),
            section=self.feed_url in self.source.sections,
            links=self.source.links,
            articles=self.articles,
        )
        return await self.context.workers.run(watched_from, job, url=response.url)

    async def read_index(self, parts: Iterable[IndexPart]) -> None:
        """Ask the parts of an index that may hold news. Raises ItemError when none of them can be read."""
        newest: dict[str, Listing] = {}
        asked, met, changed = 0, False, False
        for position, part in enumerate(list(parts)[:PARTS_AT_ONCE]):
            before = self.known.get(part.url)
            if self._is_wanted(part, before, changed=changed) if before else not met and self._is_new(position, part):
                asked += 1
                found = await self._attempt(part)
                changed = changed or found is not None
                if isinstance(found, Listing):
                    newest[part.url] = found
            elif before is not None:
                self.states[part.url] = replace(before, rank=part.rank)
            met = met or (before is not None and part.rank > 0)  # those after it were there when it was read
        if self.failed and len(self.failed) == asked:
            raise self.failed[0]
        self._tell_ends_apart(newest)

    def _is_new(self, position: int, part: IndexPart) -> bool:
        return bool(self.known) or part.rank == 0 or position < FIRST_PARTS

    @staticmethod
    def _is_wanted(part: IndexPart, before: PartState, *, changed: bool) -> bool:
        if part.rank == 0 or (part.lastmod is not None and part.lastmod > before.read_at):
            return True
        return changed and (part.lastmod is None or part.lastmod >= before.read_at - SLACK)

    def _tell_ends_apart(self, found: dict[str, Listing]) -> None:
        """Note which end of an index has older pages, if both ends were asked: it need not be asked each time."""
        ends = [(listing.newest, url) for url, listing in found.items() if self.states[url].rank == 0]
        moments = [moment for moment, _ in ends if moment is not None]
        if len(ends) == 2 and len(set(moments)) == 2:
            older = next(url for moment, url in ends if moment == min(moments))
            self.states[older] = replace(self.states[older], rank=1)

    async def read_series(self) -> None:
        """Ask for what follows a numbered sitemap: the last file known, if it has news the one before, and new ones."""
        numbers = {number: part.url for part in self.known.values() if (number := _number(part.url)) is not None}
        start = _number(self.feed_url)
        if start is None:
            return
        last = max({start, *numbers})
        changed = False
        for number in sorted(numbers.keys() - {start}, reverse=True):
            if number == last or changed:
                found_here = await self._attempt(IndexPart(numbers[number], 0 if number == last else 1))
                changed = changed or found_here is not None
            else:
                self.states[numbers[number]] = self.known[numbers[number]]
        before = last
        found: dict[int, tuple[Response, Listing]] = {}
        step = 1
        while last + step <= start + FARTHEST and await self._is_there(last + step, found):
            last, step = last + step, 2 * step
        while step > 1:
            step //= 2
            if await self._is_there(last + step, found):
                last += step
        if last in found:
            for number in numbers.keys() - {start, before}:
                self.states.pop(numbers[number], None)
            response, listing = found[last]
            self.take(IndexPart(_with_number(self.feed_url, last), rank=0), response, listing)

    async def _is_there(self, number: int, found: dict[int, tuple[Response, Listing]]) -> bool:
        """Tell whether the series has a file with this number; add its entries to `found`."""
        url = _with_number(self.feed_url, number)
        try:
            response = await self._fetch(url, None)
            assert response is not None  # only a request with validators can be answered "not modified"
            listing = await self.parse(response, first=True)
        except ItemError as error:
            missing = error.outcome in (Outcome.GONE, Outcome.REFUSED)  # object stores say 403 of what is not there
            if not missing and not error.reason.startswith(_NOTHING_THERE):
                self.failed.append(error)
            return False
        others = [part.listed for part in (*self.known.values(), *self.states.values())]
        others += [other.listed for _, other in found.values()]
        if not isinstance(listing, Listing) or not listing.pages or listing.parts or listing.listed in others:
            return False  # past the end there may also be an empty file, or the last one again
        found[number] = response, listing
        return True

    async def _attempt(self, part: IndexPart) -> Feed | Listing | None:
        """Return the content of a part; None if it has not changed or cannot be read."""
        before = self.known.get(part.url)
        try:
            response = await self._fetch(part.url, before)
            if before is not None and (response is None or body_hash(response.body) == before.body_hash):
                self.states[part.url] = replace(before, rank=part.rank, read_at=self.context.now())
                return None
            assert response is not None
            found = await self.parse(response, first=before is None)
            if isinstance(found, Listing) and found.parts:
                raise ItemError(Outcome.FAILED, "an index within an index of sitemaps", url=part.url)
        except ItemError as error:
            self.failed.append(error)
            if before is not None:
                self.states[part.url] = before
            return None
        self.take(part, response, found)
        return found

    async def _fetch(self, url: str, before: PartState | None) -> Response | None:
        asked = None if before is None or is_full_due(url, before.read_at, self.context.now()) else before
        response = await self.context.client.fetch(
            url,
            accept=ACCEPT_FEED,
            etag=asked.etag if asked else None,
            last_modified=asked.last_modified if asked else None,
            max_bytes=self.context.config.settings.archives.max_bytes,
        )
        if response is not None and not same_site(response.url, url):
            raise ItemError(Outcome.FAILED, "a sitemap of another site", url=url, detail=f"leads to {response.url}")
        return response

    def take(self, part: IndexPart, response: Response, found: Feed | Listing) -> None:
        """Add what was found in a sitemap, and what is to be remembered of it."""
        self.changed = True
        whole = not is_cut(found.warning)
        self.states[part.url] = PartState(
            url=part.url,
            read_at=self.context.now(),
            rank=part.rank,
            etag=response.etag if whole else None,
            last_modified=response.last_modified if whole else None,
            body_hash=body_hash(response.body) if whole else None,
            listed=found.listed if isinstance(found, Listing) else b"",
        )
        self.pages += found.pages if isinstance(found, Listing) else len(found.entries)
        if found.warning:
            self.warnings.append(found.warning)
        for entry in found.entries:
            try:
                self.entries.setdefault(canonical_url(entry.url), replace(entry, feed_url=self.feed_url))
            except ValueError:
                self.skipped += 1

    def walk_on(self, listed: str | None) -> None:
        """Have the numbers that follow the last known article tried, where the source says so.

        `listed` is the address with the page's highest number.
        """
        links = self.source.links
        if not self.source.walk or links is None or self.feed_url not in self.source.sections:
            return
        numbers = {
            url: n for url in (*self.known, *self.found, listed or "") if (n := number_of(url, links)) is not None
        }
        if not numbers:
            return
        last = max(numbers, key=lambda url: numbers[url])
        self.steps = steps_after(last, links, self.source.walk)
        self.advanced = last not in self.known
        self.states[last] = PartState(last, read_at=self.context.now(), rank=1)


def steps_after(last: str, links: str, walk: int) -> dict[str, str]:
    """Return the addresses with the numbers that follow that of `last`, so many, under their canonical URLs."""
    number = number_of(last, links)
    assert number is not None
    urls = (with_number(last, links, number + step) for step in range(1, walk + 1))
    return {canonical_url(url): url for url in urls}


def walks_over(source: Source, url: str) -> bool:
    """Return whether an address is one of those that a source has tried by their numbers."""
    return source.walk > 0 and source.links is not None and number_of(url, source.links) is not None


def steps_beyond(source: Source, parts: Iterable[PartState]) -> dict[str, str]:
    """Return the steps of a section whose last known article is among its `parts`; none where it does not walk."""
    marks = [part.url for part in parts if source.links and number_of(part.url, source.links) is not None]
    if not source.walk or source.links is None or not marks:
        return {}
    return steps_after(marks[0], source.links, source.walk)


def _number(url: str) -> int | None:
    """Return the number that ends the name of a sitemap's file, as in /sitemap-oz-34.xml."""
    match = _NUMBER.search(url)
    return int(match[1]) if match else None


def _with_number(url: str, number: int) -> str:
    return _NUMBER.sub(lambda match: f"{number:0{len(match[1])}}" if match[1][0] == "0" else str(number), url)
