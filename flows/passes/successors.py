"""Look for the successors of feeds that have been lost for days: once a day each, and few in one pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta
from functools import partial

from config.load import Config
from config.sites import site_of
from config.sources import Source
from extractors.feeds.jobs import FeedJob
from extractors.fetching.client import Client
from extractors.fetching.messages import ACCEPT_PAGE
from extractors.pages.job import ArticleJob, SiteRule
from extractors.records import Deferred, Entry, Feed, ItemError
from extractors.workers.pool import Workers
from extractors.workers.tasks import article_from, feed_from
from extractors.zones import zone_of
from flows.passes.context import LOG, Context
from flows.passes.summary import SourceReport
from storage.state.entries import FailingFeed, load_failing

LOST_FOR = timedelta(days=3)
A_DAY = timedelta(days=1)
AT_ONCE = 3  # searches of one pass: each is a dozen requests to a site


async def begin_search(context: Context, feeds: Sequence[str]) -> list[FailingFeed]:
    """Return the feeds that have failed for days, and whose next day of failing has begun; call it before the poll."""
    async with context.corpus.database.read() as connection:
        failing = await load_failing(connection, feeds)
    now = context.now()
    return [
        feed
        for feed in failing
        if now - feed.succeeded_at >= LOST_FOR
        and (now - feed.succeeded_at) // A_DAY > (feed.polled_at - feed.succeeded_at) // A_DAY
    ]


async def end_search(
    context: Context, failing: Sequence[FailingFeed], sources: Sequence[Source], reports: dict[str, SourceReport]
) -> None:
    """Look for the successors of those that are lost after the poll too, and say in the reports what was found."""
    if not failing:
        return
    from extractors.feeds.successors import SuccessorSearch, is_lost  # loads the parsers, which are seldom needed here

    async with context.corpus.database.read() as connection:
        still = await load_failing(connection, [feed.url for feed in failing])
    source_of = {url: source for source in sources for url in source.watched}
    for feed in [feed for feed in still if is_lost(feed.error)][:AT_ONCE]:
        source = source_of[feed.url]
        search = SuccessorSearch(
            context.client,
            partial(_parsed, context),
            source,
            context.config.watched(),
            context.now,
            partial(article_date, context.config, source, context.client, context.workers, context.now),
        )
        successor = await search.find()
        if successor.url is None:
            continue
        said = f"{feed.url} may have moved to {successor.url}: try 'c5watch sources check {source.id} --mend'"
        LOG.warning("%s: %s", source.id, said)
        report = reports[source.id]
        report.error = f"{report.error}; {said}" if report.error else said


async def _parsed(context: Context, job: FeedJob) -> Feed:
    return await context.workers.run(feed_from, job, url=job.url)


async def article_date(
    config: Config, source: Source, client: Client, workers: Workers, now: Callable[[], datetime], url: str
) -> datetime | None:
    """Return the date that an article of the source bears on its page; None where there is none, or no page."""
    zone = zone_of(source.country)
    try:
        response = await client.fetch(url, accept=ACCEPT_PAGE)
        assert response is not None  # only a request with validators can be answered "not modified"
        job = ArticleJob(
            page=response.page(),
            entry=Entry(url, source.homepage),
            zone=zone,
            min_words=config.settings.extraction.min_words,
            now=now(),
            rule=SiteRule.of(site_of(config.sites, response.url)),
        )
        article = await workers.run(article_from, job, url=url)
    except (ItemError, Deferred):
        return None  # the feed is then refused, and says why
    return datetime.combine(article.published, time(), zone) if article.published else None
