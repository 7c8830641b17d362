"""Look for the successors of feeds that have been lost for days: once a day each, and few in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from config.sources import Source
from extractors.feeds.jobs import FeedJob
from extractors.records import Feed
from extractors.workers.tasks import feed_from
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
            context.client, partial(_parsed, context), source, context.config.watched(), context.now
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
