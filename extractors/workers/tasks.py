"""The work that child processes do, as functions that the main process can name without loading what they need.

trafilatura, feedparser, lxml and the language model take a second and 100 MB to load: the fork server does it once,
for all children, and the main process never.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from extractors.feeds.jobs import FeedJob, Listing, WatchJob
from extractors.pages.job import ArticleJob
from extractors.records import Article, Feed, ItemError, Outcome

if TYPE_CHECKING:
    from extractors.pages.steps import Removed


def article_from(job: ArticleJob) -> Article:
    """The article on a page. Raises ItemError when there is none, or none that could be on topic (`Screened`)."""
    with _strangers_input(job.page.url):
        from extractors.pages.article import extract

        return extract(job)


def article_and_trace_from(job: ArticleJob) -> tuple[Article, list[Removed]]:
    """The article on a page, and each line that was taken out of its text with the step that did it."""
    with _strangers_input(job.page.url):
        from extractors.pages.article import extract_with_trace

        return extract_with_trace(job)


def feed_from(job: FeedJob) -> Feed:
    """The feed's entries. Raises ItemError when it is no feed."""
    with _strangers_input(job.url):
        from extractors.feeds.parsing import parse_feed

        return parse_feed(job.body, url=job.url, charset=job.charset, zone=job.zone, now=job.now)


def watched_from(job: WatchJob) -> Feed | Listing:
    """The feed's entries; of a sitemap, or an index of them, what is new. Raises ItemError when it is none of these."""
    with _strangers_input(job.feed.url):
        from extractors.feeds.sitemaps import read

        return read(job)


@contextmanager
def _strangers_input(url: str) -> Iterator[None]:
    """Half a dozen parsing libraries meet whatever a stranger sent: what they raise costs this page, like a crash.

    It is counted by its class, so that a fault of our own shows in every report instead of ending every run.
    The libraries are loaded inside as well: where memory is short, that fails too.
    """
    try:
        yield
    except (ItemError, MemoryError):
        raise
    except Exception as exc:
        raise ItemError(Outcome.FAILED, f"extractor: {type(exc).__name__}", url=url, detail=str(exc)) from exc
