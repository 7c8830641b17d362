"""Find the feed of an outlet from the address of its front page.

In this order, until a document is a feed that holds entries: the address itself, the feeds that the page names, the
places where sites usually keep one, the feeds that a page among all these names, the sitemaps of robots.txt, of which
those for news are read like feeds, and last the page itself, if it lists articles. A handful of requests, all polite.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

from config.sources import LANGUAGES, Backfill
from extractors.feeds.front_page import FrontPage, read_front_page
from extractors.feeds.jobs import SECTION, FeedJob
from extractors.feeds.links import resolve
from extractors.feeds.sections import listed_articles
from extractors.feeds.sitemap_files import parse_sitemap
from extractors.fetching.client import Client
from extractors.fetching.messages import ACCEPT_FEED, ACCEPT_PAGE, Response
from extractors.language import identify
from extractors.records import Deferred, Entry, Feed, ItemError, Outcome
from extractors.urls import same_site

# The places in which the feeds of the catalogue are found, the commonest first.
USUAL_PATHS = ("feed/", "rss", "rss.xml", "feed.xml", "atom.xml", "index.xml", "?feed=rss2")
MAX_NAMED = 6  # feeds that a page names and that are tried: some name one for every section
MAX_SITEMAPS = 4
MAX_LANGUAGE_ENTRIES = 30  # whose titles and summaries tell the language
MIN_LISTED = 5  # articles of a page that is watched as a section
MAX_LISTS = 2  # pages that list feeds
NO_NEWS = "a sitemap without news"
HTML = "not a feed: html"
_NEWS = re.compile(r"news|google", re.IGNORECASE)
# Reasons that end a host's chances: asked again, it will not answer any better.
_HOPELESS = ("host not found", "connection refused", "timeout", "tls error", "too slow", "not a public address")

Parse = Callable[[FeedJob], Awaitable[Feed]]
Verify = Callable[[str, Feed], None]  # raises ItemError for a feed that is not the one looked for


@dataclass(frozen=True, slots=True)
class FoundFeed:
    """A document that is a feed with entries. `via` says what led to it, `newest` is None for one without dates."""

    url: str
    kind: str
    entries: int
    newest: datetime | None
    via: str


@dataclass(frozen=True, slots=True)
class Discovery:
    """The facts found about an outlet. `language` is measured on the entries, else stated by the feed or the page."""

    homepage: str
    feed: FoundFeed
    name: str | None
    language: str | None
    backfill: tuple[Backfill, ...] = ()
    others: tuple[str, ...] = ()  # feeds that the page names besides, not tried


@dataclass(slots=True)
class _Trial:
    """One search: the client that asks, and the addresses tried in vain."""

    client: Client
    parse: Parse
    now: Callable[[], datetime]
    verify: Verify
    tried: list[ItemError] = field(default_factory=list)
    archives: list[str] = field(default_factory=list)  # sitemaps that hold more than the news
    pages: list[Response] = field(default_factory=list)  # that were no feeds, but may name some

    async def ask(self, url: str, accept: str) -> Response:
        try:
            response = await self.client.fetch(url, accept=accept)
        except Deferred as pause:
            until = f"until {pause.until:%Y-%m-%d %H:%M} UTC"
            raise ItemError(Outcome.FAILED, "host asked for a pause", url=url, detail=until) from pause
        assert response is not None  # only a request with validators can be answered "not modified"
        return response

    async def feed(self, response: Response) -> Feed:
        job = FeedJob(response.body, response.url, response.charset, UTC, self.now())
        feed = await self.parse(job)
        if not feed.entries:
            raise ItemError(Outcome.FAILED, "no item has a usable link", url=response.url)
        if feed.kind != "sitemap":
            self.verify(response.url, feed)
        return feed

    async def first(self, urls: Sequence[str], via: str) -> tuple[FoundFeed, Feed] | None:
        """Return the first of these that is a feed with entries."""
        known = {error.url for error in self.tried}
        for url in dict.fromkeys(urls):
            if url in known:
                continue
            response = None
            try:
                response = await self.ask(url, ACCEPT_FEED)
                return _found(response.url, feed := await self.feed(response), via), feed
            except ItemError as error:
                self.tried.append(error)
                if response is not None and error.reason == HTML:
                    self.pages.append(response)
                if error.reason in _HOPELESS and urlsplit(url).netloc == urlsplit(urls[0]).netloc:
                    return None
        return None


def any_feed(url: str, feed: Feed) -> None:
    """Take any feed."""


async def discover(
    client: Client, url: str, *, parse: Parse, now: Callable[[], datetime], verify: Verify = any_feed
) -> Discovery:
    """Return the outlet whose front page, or feed, is at `url`.

    `parse` turns a job into a feed, in a child process where the caller has them; `verify` refuses some feeds. Raises
    ItemError: the fault of `url` itself, or "no feed found", whose detail says what was tried.
    """
    trial = _Trial(client, parse, now, verify)
    response = await trial.ask(url, ACCEPT_PAGE)
    try:
        feed = await trial.feed(response)
    except ItemError as error:
        if error.reason not in (HTML, "not a feed"):
            raise
    else:
        if feed.kind == "sitemap":
            raise ItemError(Outcome.FAILED, NO_NEWS, url=url, detail="it names pages, and no dates of publication")
        found = _found(response.url, feed, "the address itself")
        return Discovery(_root(response.url), found, feed.title, _language(feed, None))
    page = _front_page(response)
    if page is None:
        raise ItemError(Outcome.FAILED, "neither a web page nor a feed", url=url)
    named = [feed.url for feed in page.feeds]
    best = await trial.first(named[:MAX_NAMED], "the page's own link")
    best = best or await trial.first(list(_usual(response.url)), "a usual place")
    best = best or await _listed(trial, response.url)
    sitemaps = await _sitemaps(trial, response.url)
    best = best or await _news_sitemap(trial, sitemaps)
    best = best or await _section(trial, response)
    if best is None:
        tried = ", ".join(f"{urlsplit(error.url).path or '/'}: {error.reason}" for error in trial.tried[:8])
        raise ItemError(Outcome.FAILED, "no feed found", url=url, detail=f"tried {tried}" if tried else "")
    found, feed = best
    return Discovery(
        homepage=response.url,
        feed=found,
        name=page.name or feed.title,
        language=_language(feed, page.language),
        backfill=_backfill(page, [*trial.archives, *(url for url in sitemaps if not _is_news(url))], found),
        others=tuple(one for one in named if one != found.url and one not in {error.url for error in trial.tried}),
    )


def _front_page(response: Response) -> FrontPage | None:
    return read_front_page(response.body, url=response.url, charset=response.charset, headers=response.headers)


async def _listed(trial: _Trial, front_page: str) -> tuple[FoundFeed, Feed] | None:
    """Return the first feed named by a page of this site that was tried as a feed: a list of the outlet's feeds."""
    lists = {page.url: page for page in trial.pages if page.url != front_page and same_site(page.url, front_page)}
    for response in list(lists.values())[:MAX_LISTS]:
        page = _front_page(response)
        named = [feed.url for feed in page.feeds] if page else []
        if best := await trial.first(named[:MAX_NAMED], f"the list of feeds at {response.url}"):
            return best
    return None


async def _section(trial: _Trial, page: Response) -> tuple[FoundFeed, Feed] | None:
    """Return the page itself, if it lists articles."""
    listed = await asyncio.to_thread(
        listed_articles, page.body, url=page.url, charset=page.charset, zone=UTC, now=trial.now()
    )
    if len(listed) < MIN_LISTED:
        return None
    entries = (Entry(one.url, page.url, title=one.title, published=one.published) for one in listed)
    feed = Feed(SECTION, tuple(entries))
    try:
        trial.verify(page.url, feed)
    except ItemError as error:
        trial.tried.append(error)
        return None
    return _found(page.url, feed, "its list of articles: it names no feed"), feed


def _found(url: str, feed: Feed, via: str) -> FoundFeed:
    dates = [entry.published for entry in feed.entries if entry.published is not None]
    return FoundFeed(url, feed.kind, len(feed.entries), max(dates, default=None), via)


def _root(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"


def _usual(page: str) -> Iterator[str]:
    """Yield the usual places: below the page first, where an edition keeps its own, then below the host."""
    own = urlsplit(page)._replace(query="", fragment="").geturl().rstrip("/") + "/"
    if own != _root(page):
        yield from (own + path for path in USUAL_PATHS[:3])
    yield from (_root(page) + path for path in USUAL_PATHS)


async def _sitemaps(trial: _Trial, page: str) -> list[str]:
    """Return the sitemaps that robots.txt names, news first; none when it cannot be read."""
    try:
        robots = await trial.client.robots(page)
    except (ItemError, Deferred):
        return []
    named = dict.fromkeys(url for line in robots.sitemaps() if (url := resolve(line, base=page)))
    return sorted(named, key=lambda url: not _is_news(url))


def _is_news(sitemap: str) -> bool:
    return _NEWS.search(urlsplit(sitemap).path) is not None


async def _news_sitemap(trial: _Trial, sitemaps: Sequence[str]) -> tuple[FoundFeed, Feed] | None:
    """Return the first sitemap with the news extension, among these and the parts of an index among them."""
    waiting, read = list(sitemaps), 0
    while waiting and read < MAX_SITEMAPS:
        url = waiting.pop(0)
        read += 1
        try:
            response = await trial.ask(url, ACCEPT_FEED)
            try:
                feed = await trial.feed(response)
            except ItemError as error:
                parts = parse_sitemap(response.body, url=response.url, now=trial.now(), zone=UTC).parts
                if not parts:
                    raise error from None
                trial.archives.append(url)
                waiting = [part.url for part in parts if _is_news(part.url)] + waiting
                continue
        except ItemError as error:
            trial.tried.append(error)
            continue
        if feed.kind == "sitemap":
            trial.archives.append(url)
            trial.tried.append(ItemError(Outcome.FAILED, NO_NEWS, url=url))
        else:
            return _found(response.url, feed, "robots.txt"), feed
    return None


def _backfill(page: FrontPage, sitemaps: Sequence[str], found: FoundFeed) -> tuple[Backfill, ...]:
    """Return the routes that the site itself names."""
    routes = [Backfill(route="wordpress", url=page.posts_api)] if page.posts_api else []
    archive = next((url for url in sitemaps if url != found.url and not re.search("[{}]", url)), None)
    return (*routes, Backfill(route="sitemap", url=archive)) if archive else tuple(routes)


def language_of(feed: Feed) -> str | None:
    """Return the language that the entries are written in; None where they are too few to tell."""
    texts = [text for entry in feed.entries[:MAX_LANGUAGE_ENTRIES] for text in _texts(entry)]
    measured = identify(" ".join(texts))
    return measured if measured in LANGUAGES else None


def _language(feed: Feed, of_page: str | None) -> str | None:
    stated = next((entry.language for entry in feed.entries if entry.language in LANGUAGES), None)
    return language_of(feed) or stated or of_page


def _texts(entry: Entry) -> Iterator[str]:
    yield from (text for text in (entry.title, entry.summary) if text)
