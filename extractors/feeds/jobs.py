"""The input and the result of reading a feed or a sitemap."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from extractors.records import Entry

HASH_BYTES = 8  # of each page in `Listing.listed`
SECTION = "section"  # the kind of a page that lists articles


@dataclass(frozen=True, slots=True)
class FeedJob:
    """A feed's body to parse; `charset` is that of the HTTP header, a date without a zone is in `zone`."""

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
    """The body found at the address of a feed, `feed_url`, or in a sitemap behind it.

    `known` are the hashes of the pages that were listed there before (`Listing.listed`); `first`: this sitemap has not
    been read before; `since`: what is older is no news; `watched`: the parts of an index as they last were.
    `section`: the address is that of a page that lists articles, whose addresses hold the text `links`, if it is known;
    `articles`: canonical addresses of its site that are known to be articles.
    """

    feed: FeedJob
    feed_url: str
    since: datetime
    known: bytes = b""
    first: bool = True
    watched: tuple[IndexPart, ...] = ()
    section: bool = False
    links: str | None = None
    articles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """The new entries of a sitemap or a section of so many `pages`, all hashed in `listed`; or the `parts` of an index.

    `newest` is the latest moment that something in the sitemap says of a page, `parts` are in the order in
    which news is to be expected in them; `last` is the address of a section's article with the highest number.
    """

    entries: tuple[Entry, ...] = ()
    pages: int = 0
    listed: bytes = b""
    newest: datetime | None = None
    parts: tuple[IndexPart, ...] = ()
    warning: str | None = None
    last: str | None = None
