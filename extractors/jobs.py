"""The work that child processes do, as functions that the main process can name without loading what they need.

trafilatura, feedparser, lxml and the language model take a second and 100 MB to load: the fork server does it once,
for all children, and the main process never.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from extractors.records import Article, Entry, Feed, Page


@dataclass(frozen=True, slots=True)
class ArticleJob:
    """A page to take the article from, with what the feed said of it. Days are meant in `zone`, the publisher's."""

    page: Page
    entry: Entry
    zone: tzinfo
    min_words: int
    now: datetime


@dataclass(frozen=True, slots=True)
class FeedJob:
    """A feed's body to parse; `charset` is what the HTTP header said, a date without a zone is in `zone`."""

    body: bytes
    url: str
    charset: str | None
    zone: tzinfo
    now: datetime


def article_from(job: ArticleJob) -> Article:
    """The article on a page. Raises ItemError when there is none."""
    from extractors.article import extract

    return extract(job)


def feed_from(job: FeedJob) -> Feed:
    """The feed's entries. Raises ItemError when it is no feed."""
    from extractors.feeds import parse_feed

    return parse_feed(job.body, url=job.url, charset=job.charset, zone=job.zone, now=job.now)
