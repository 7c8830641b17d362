"""The work that child processes do, as functions that the main process can name without loading what they need.

trafilatura, feedparser, lxml and the language model take a second and 100 MB to load: the fork server does it once,
for all children, and the main process never.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, tzinfo

from extractors.records import Article, Entry, Feed, ItemError, Outcome, Page


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

    with _strangers_input(job.page.url):
        return extract(job)


def feed_from(job: FeedJob) -> Feed:
    """The feed's entries. Raises ItemError when it is no feed."""
    from extractors.feeds import parse_feed

    with _strangers_input(job.url):
        return parse_feed(job.body, url=job.url, charset=job.charset, zone=job.zone, now=job.now)


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
