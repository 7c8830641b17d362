"""Ask sources live whether they work, without storing anything: each feed, and where back issues are found.

Hosts are asked side by side, each of them one thing at a time. Of a backfill route only its first documents are read,
for the last days. The archives that all sources share answer everybody slowly: they are asked for named sources only.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from config.load import Config
from config.sources import Backfill, Source
from extractors.archives.routes import ROUTES
from extractors.archives.search import TOO_MANY, Search, list_entries
from extractors.feeds.jobs import SECTION, FeedJob, Listing, WatchJob
from extractors.feeds.sections import NO_ARTICLES
from extractors.fetching.client import Client
from extractors.fetching.failures import Failure
from extractors.fetching.messages import ACCEPT_FEED, ACCEPT_PAGE, Response
from extractors.period import DAY, day_of
from extractors.records import Deferred, Entry, ItemError, Outcome
from extractors.workers.pool import Workers
from extractors.workers.tasks import feed_from, watched_from
from extractors.zones import zone_of
from flows.passes.context import Observer, open_client, utc_now
from flows.passes.sitemaps import NEWS_LASTS, body_hash
from storage.state.entries import FeedState

MAX_DOCUMENTS = 3  # of a route: an index and what it leads to, or a file for each of three days
MAX_PLACES = 6  # where its address is not known, and the usual places are looked at
FEED = "feed"
STALE = timedelta(days=30)
NO_STATES: Mapping[str, FeedState] = {}
NO_ARTICLES_KNOWN: Mapping[str, tuple[str, ...]] = {}


@dataclass(frozen=True, slots=True)
class Check:
    """The answer of one feed, or one backfill route, today."""

    source: str
    feed: str  # the address that was asked
    ok: bool
    what: str = FEED  # or SECTION, or the name of the route
    status: int | None = None  # of HTTP; None when there was no answer
    robots: str | None = None  # "allowed" or "forbidden"; None when the question did not come up
    kind: str | None = None
    entries: int = 0
    dated: int = 0
    full_text: int = 0
    newest: str | None = None
    redirect: str | None = None  # where the address leads now
    ms: int | None = None  # from the question to the answer; with the waits between several questions to one host
    note: str | None = None  # why it failed, or what is odd about it
    advice: str | None = None  # what to do about it

    @property
    def is_watched(self) -> bool:
        """Say whether it is the check of an address that the monitor asks, and not of a route."""
        return self.what in (FEED, SECTION)

    @property
    def verdict(self) -> str:
        """Return what became of the question in a few words, the same for all checks that ended alike."""
        if self.ok:
            return "moved" if self.redirect else "empty" if self.is_watched and not self.entries else "works"
        return (self.note or "").partition(" (")[0]

    def to_json(self) -> dict[str, Any]:
        """Return the check as JSON values."""
        return {**asdict(self), "verdict": self.verdict}


@dataclass(frozen=True, slots=True)
class _Asking:
    """The means that all checks share."""

    config: Config
    client: Client
    workers: Workers
    now: Callable[[], datetime]
    known: Mapping[str, FeedState]
    articles: Mapping[str, tuple[str, ...]]

    async def parse(self, job: FeedJob) -> Any:
        return await self.workers.run(feed_from, job, url=job.url)


async def check_sources(
    config: Config,
    sources: Sequence[Source],
    *,
    data: Path | None = None,
    shared: bool = False,
    observer: Observer | None = None,
    now: Callable[[], datetime] = utc_now,
    known: Mapping[str, FeedState] = NO_STATES,
    articles: Mapping[str, tuple[str, ...]] = NO_ARTICLES_KNOWN,
) -> list[Check]:
    """Ask every feed and route of these sources; in the order of the sources, a source's feeds first.

    `known` are the states of feeds that the index remembers: a feed with one is asked once more, as the monitor asks;
    `articles` are addresses that it knows to be articles, for each section.
    With `shared` the archives that all sources share are asked too. Hosts are left alone as the corpus below `data`
    knows that they wish.
    """
    observer = observer or Observer()
    asked = ("site", "archive") if shared else ("site",)
    async with open_client(config, data, now=now) as client:
        with Workers(config.settings.extraction) as workers:
            asking = _Asking(config, client, workers, now, known, articles)
            jobs: list[tuple[str, Callable[[], Awaitable[Check]]]] = []
            for source in sources:
                jobs += [(_host(url), _feed_job(asking, source, url)) for url in source.watched]
                jobs += [(_route_host(r, source), _route_job(asking, source, r)) for r in source.backfill
                         if ROUTES[r.route].asks in asked]  # fmt: skip
            queues: dict[str, list[int]] = defaultdict(list)
            for position, (host, _) in enumerate(jobs):
                queues[host].append(position)
            checks: dict[int, Check] = {}
            observer.stage("checks", len(jobs))
            hosts_at_a_time = asyncio.Semaphore(config.settings.network.concurrency)

            async def ask_host(positions: list[int]) -> None:
                async with hosts_at_a_time:
                    for position in positions:
                        checks[position] = await jobs[position][1]()
                        observer.advance()

            await asyncio.gather(*(ask_host(positions) for positions in queues.values()))
    return [checks[position] for position in range(len(jobs))]


def _host(url: str) -> str:
    return urlsplit(url).netloc.lower()


def _route_host(route: Backfill, source: Source) -> str:
    return route.route if ROUTES[route.route].asks == "archive" else _host(route.url or source.homepage)


def _feed_job(asking: _Asking, source: Source, url: str) -> Callable[[], Awaitable[Check]]:
    return lambda: _check_feed(asking, source, url)


def _route_job(asking: _Asking, source: Source, route: Backfill) -> Callable[[], Awaitable[Check]]:
    return lambda: _check_route(asking, source, route)


async def _check_feed(asking: _Asking, source: Source, url: str) -> Check:
    is_section = url in source.sections
    failed = Check(source.id, url, ok=False, what=SECTION if is_section else FEED)
    ms = None
    try:
        await _let_the_gap_pass(asking, url)
        started = time.monotonic()
        response = await asking.client.fetch(url, accept=ACCEPT_PAGE if is_section else ACCEPT_FEED)
        ms = round(1000 * (time.monotonic() - started))
        assert response is not None  # only a request with validators can be answered "not modified"
        moved = response.url if response.url != url else None
        failed = replace(failed, status=200, robots="allowed", ms=ms, redirect=moved)
        job = FeedJob(response.body, response.url, response.charset, zone_of(source.country), asking.now())
        is_stuck = await _answers_for_ever(asking, url, response)
        since = asking.now() - NEWS_LASTS
        watched = WatchJob(
            job, url, since=since, section=is_section, links=source.links, articles=asking.articles.get(url, ())
        )
        feed = await asking.workers.run(watched_from, watched, url=job.url)
        if isinstance(feed, Listing):
            return _checked_section(failed, feed) if is_section else _checked_sitemap(failed, feed)
    except ItemError as error:
        return _failed(failed, error, source)
    except Deferred as pause:
        return _paused(failed, pause)
    newest = _newest(feed.entries)
    old = newest is not None and asking.now() - newest > STALE
    notes = (
        'answers "not modified" (http 304) though it has changed' if is_stuck else None,
        feed.warning,
        f"moved to {moved}" if moved else None,
        f"{feed.skipped} without a usable link" if feed.skipped else None,
        f"nothing newer than {newest:%Y-%m-%d}" if old else None,
    )
    return replace(
        failed,
        ok=True,
        kind=feed.kind,
        entries=len(feed.entries),
        dated=sum(entry.published is not None for entry in feed.entries),
        full_text=sum(entry.content is not None for entry in feed.entries),
        newest=newest.isoformat(timespec="minutes") if newest else None,
        note="; ".join(filter(None, notes)) or None,
        advice="put the new address into sources.toml" if moved else None,
    )


async def _answers_for_ever(asking: _Asking, url: str, response: Response) -> bool:
    """Say whether the server answers "not modified" to the monitor although the feed has changed since it was read."""
    state = asking.known.get(url)
    if state is None or not (state.etag or state.last_modified) or state.body_hash == body_hash(response.body):
        return False
    again = await asking.client.fetch(url, accept=ACCEPT_FEED, etag=state.etag, last_modified=state.last_modified)
    return again is None


def _checked_section(check: Check, listing: Listing) -> Check:
    """Return the check of a section page."""
    return replace(
        check,
        ok=True,
        kind=SECTION,
        entries=listing.pages,
        dated=sum(entry.published is not None for entry in listing.entries),
        newest=listing.newest.isoformat(timespec="minutes") if listing.newest else None,
        note=f"moved to {check.redirect}" if check.redirect else None,
        advice="put the new address into sources.toml" if check.redirect else None,
    )


def _checked_sitemap(check: Check, listing: Listing) -> Check:
    """Return the check of a sitemap, or an index of sitemaps, in place of a feed."""
    if not listing.parts and not listing.pages:
        raise ItemError(Outcome.FAILED, "empty feed", url=check.feed, detail="a sitemap that names nothing")
    watched = f"watched through its parts, {listing.parts[0].url} first" if listing.parts else None
    archive = None if listing.parts else "an archive: it gives pages, and no dates of publication"
    moved = f"moved to {check.redirect}" if check.redirect else None
    return replace(
        check,
        ok=True,
        kind="sitemap-index" if listing.parts else "sitemap",
        entries=listing.pages,
        note="; ".join(filter(None, (listing.warning, moved, watched, archive))),
        advice="put the new address into sources.toml" if moved else None,
    )


async def _let_the_gap_pass(asking: _Asking, url: str) -> None:
    """Wait until the client's gap between two requests is over, so that it is not measured."""
    robots = await asking.client.robots(url)
    network = asking.config.settings.network
    await asyncio.sleep(max(network.per_host_interval, robots.crawl_delay_s(network.user_agent)))


async def _check_route(asking: _Asking, source: Source, route: Backfill) -> Check:
    """Check whether the route answers: run the real one, which gives up after a few documents."""
    zone = zone_of(source.country)
    yesterday = day_of(asking.now() - DAY, zone)  # which is read with the days beside it
    most = MAX_DOCUMENTS if route.url else MAX_PLACES
    archives = asking.config.settings.archives.model_copy(update={"max_documents": most})
    search = Search(
        asking.client, source, route, yesterday, zone, archives, asking.now, asking.parse, folder=asking.config.folder
    )
    tally, entries = search.tally, []
    check = Check(source.id, route.url or source.homepage, ok=True, what=route.route)
    started = time.monotonic()
    try:
        async with aclosing(list_entries(search)) as found:
            async for listed in found:
                entries.append(listed.entry)
    except ItemError as error:
        if error.reason != TOO_MANY or not tally.outside:  # more to read, and something has been read
            return _failed(replace(check, ok=False), error, source)
    ms = round(1000 * (time.monotonic() - started))
    newest = _newest(entries)
    bad = [error for error in tally.problems if error.reason != TOO_MANY]
    if bad and len(bad) >= tally.documents:
        return _failed(replace(check, ok=False, ms=ms), bad[0], source)
    return replace(
        check,
        status=200,
        robots="allowed",
        entries=len(entries),
        dated=sum(entry.published is not None for entry in entries),
        newest=newest.isoformat(timespec="minutes") if newest else None,
        ms=ms,
        note=str(bad[0]) if bad else None if entries else "answers, and names nothing of the last days so far read",
    )


def _failed(check: Check, error: ItemError, source: Source) -> Check:
    status = error.status if isinstance(error, Failure) else check.status
    robots = "forbidden" if error.outcome is Outcome.ROBOTS else "allowed" if status else check.robots
    return replace(check, status=status, robots=robots, note=str(error), advice=_advice(error, status, source))


def _paused(check: Check, pause: Deferred) -> Check:
    until = f"{pause.until:%Y-%m-%d %H:%M} UTC"
    return replace(check, note=f"the host asked for a pause until {until}", advice="try again after that")


def _advice(error: ItemError, status: int | None, source: Source) -> str:
    """Return advice on the problem."""
    look = f"look for its successor: c5watch sources check {source.id} --mend"
    if error.outcome is Outcome.ROBOTS:
        return "robots.txt forbids it: take another feed of the outlet, or ask the outlet"
    if error.outcome is Outcome.UNSAFE_ADDRESS:
        return "name the network in network.allow_networks if it is yours, else correct the address"
    if error.outcome is Outcome.REFUSED:
        return "the site refuses us: wait longer between requests (per_host_interval), write to it, or switch it off"
    if error.outcome is Outcome.GONE or error.reason.startswith("not a"):
        return look
    if error.reason == NO_ARTICLES:
        return 'look at the page, and name a text that its articles\' addresses hold, such as links = "/news/"'
    if error.reason in ("empty feed", "empty body", "no item has a usable link"):
        return "compare the address with those on the outlet's own RSS page"
    if error.reason == "host not found":
        return "correct the host, or set enabled = false if the outlet is gone"
    if error.reason == "tls error":
        return "its certificate is wrong, which only the outlet can mend: set enabled = false until then"
    if error.reason == TOO_MANY:
        return "nothing in the first documents: look at the address in a browser"
    if error.reason == "too large":
        return "raise network.max_bytes"
    return "try again later" if status is None or status >= 429 else look


def _newest(entries: Sequence[Entry]) -> datetime | None:
    return max((entry.published for entry in entries if entry.published is not None), default=None)
