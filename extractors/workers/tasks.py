"""The work that child processes do, as functions that the main process can name without loading what they need.

trafilatura, feedparser, lxml and the language model take a second and 100 MB to load: the fork server does it once,
for all children, and the main process never.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from extractors.pages.screen import PageScreen
from extractors.records import Article, Entry, Feed, ItemError, Outcome, Page

if TYPE_CHECKING:
    from config.sites import Site
    from extractors.pages.draft import Removed


@dataclass(frozen=True, slots=True)
class SiteRule:
    """XPath expressions for the pages of one site; what is not given is left to the general way."""

    body: str | None = None
    strip: tuple[str, ...] = ()
    date: str | None = None

    @classmethod
    def of(cls, site: Site | None) -> SiteRule | None:
        """The rule as the configuration has it, if it has one."""
        return None if site is None else cls(site.body, site.strip, site.date)


@dataclass(frozen=True, slots=True)
class ArticleJob:
    """A page to take the article from, with what the feed said of it. Days are meant in `zone`, the publisher's."""

    page: Page
    entry: Entry
    zone: tzinfo
    min_words: int
    now: datetime
    rule: SiteRule | None = None  # what is known of the site's pages
    screen: PageScreen | None = None  # None: extract whatever the page is about
    skip: frozenset[str] = frozenset()  # the steps (`extractors.pages.steps`) to leave out, to see what they do


@dataclass(frozen=True, slots=True)
class FeedJob:
    """A feed's body to parse; `charset` is what the HTTP header said, a date without a zone is in `zone`."""

    body: bytes
    url: str
    charset: str | None
    zone: tzinfo
    now: datetime


@dataclass(frozen=True, slots=True)
class IndexPart:
    """A sitemap that an index names. `rank` is 0 where it has to be asked at each poll, 1 where there may be news."""

    url: str
    rank: int = 1
    lastmod: datetime | None = None  # when it was changed, unless the index says the same of all


@dataclass(frozen=True, slots=True)
class WatchJob:
    """What was found at the address of a feed, or in a sitemap behind it: `feed_url` is the address.

    `known` are the hashes of the pages that were listed there before (`Listing.listed`); `first`: this sitemap has not
    been read before; `since`: what is older is no news; `watched`: the parts of an index as they last were.
    """

    feed: FeedJob
    feed_url: str
    since: datetime
    known: bytes = b""
    first: bool = True
    watched: tuple[IndexPart, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """What is new in a sitemap of so many `pages`, all of which are hashed in `listed`; or the `parts` of an index.

    `newest` is the latest moment that something in the sitemap says of a page, `parts` are in the order in
    which news is to be expected in them.
    """

    entries: tuple[Entry, ...] = ()
    pages: int = 0
    listed: bytes = b""
    newest: datetime | None = None
    parts: tuple[IndexPart, ...] = ()
    warning: str | None = None


def article_from(job: ArticleJob) -> Article:
    """The article on a page. Raises ItemError when there is none, or none that could be on topic (`Screened`)."""
    from extractors.pages.article import extract

    with _strangers_input(job.page.url):
        return extract(job)


def article_and_trace_from(job: ArticleJob) -> tuple[Article, list[Removed]]:
    """The article on a page, and each line that was taken out of its text with the step that did it."""
    from extractors.pages.article import extract_with_trace

    with _strangers_input(job.page.url):
        return extract_with_trace(job)


def feed_from(job: FeedJob) -> Feed:
    """The feed's entries. Raises ItemError when it is no feed."""
    from extractors.feeds.parsing import parse_feed

    with _strangers_input(job.url):
        return parse_feed(job.body, url=job.url, charset=job.charset, zone=job.zone, now=job.now)


def watched_from(job: WatchJob) -> Feed | Listing:
    """The feed's entries; of a sitemap, or an index of them, what is new. Raises ItemError when it is none of these."""
    from extractors.feeds.sitemaps import read

    with _strangers_input(job.feed.url):
        return read(job)


@contextmanager
def _strangers_input(url: str) -> Iterator[None]:
    """Half a dozen parsing libraries meet whatever a stranger sent: what they raise costs this page, like a crash.

    It is counted by its class, so that a fault of our own shows in every report instead of ending every run.
    """
    try:
        yield
    except (ItemError, MemoryError):
        raise
    except Exception as exc:
        raise ItemError(Outcome.FAILED, f"extractor: {type(exc).__name__}", url=url, detail=str(exc)) from exc
