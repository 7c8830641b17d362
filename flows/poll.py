"""The first stage: ask feeds what is new, and remember every entry before anything else is done with it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from config.sources import Source
from extractors.http import ACCEPT_FEED, Response
from extractors.jobs import FeedJob, feed_from
from extractors.records import Entry, ItemError
from extractors.urls import canonical_url
from extractors.zones import zone_of
from flows.context import Context
from flows.summary import SourceReport
from storage.seen import FeedState, load_feed_states, store_failed_poll, store_poll


@dataclass(frozen=True, slots=True)
class Polled:
    """One feed's answer: entries under their canonical URL, None when nothing has changed, or the error."""

    source: Source
    state: FeedState  # for the next poll, once the entries are stored
    entries: tuple[tuple[str, Entry], ...] | None = None
    skipped: int = 0
    warning: str | None = None
    error: ItemError | None = None


async def poll(context: Context, feeds: Sequence[tuple[Source, str]], reports: dict[str, SourceReport]) -> None:
    """Poll these feeds side by side and store all entries in one transaction; the results go into `reports`.

    Doing it twice adds nothing: an entry already known stays what it is.
    """
    database = context.corpus.database
    async with database.read() as connection:
        states = await load_feed_states(connection, [url for _, url in feeds])
    answers = await asyncio.gather(*(_ask(context, source, states[url]) for source, url in feeds))
    new = []
    async with database.write() as connection:
        for answer in answers:
            source_id, now = answer.source.id, context.now()
            if answer.error is not None:
                error = str(answer.error)
                await store_failed_poll(connection, answer.state, source_id=source_id, error=error, now=now)
                new.append(0)
            else:
                entries = answer.entries or ()
                new.append(await store_poll(connection, answer.state, source_id=source_id, entries=entries, now=now))
    for answer, count in zip(answers, new, strict=True):
        _report(answer, count, reports[answer.source.id])


def _report(answer: Polled, new: int, report: SourceReport) -> None:
    report.feeds += 1
    report.skipped += answer.skipped
    report.error = report.error or answer.warning
    if answer.error is not None:
        report.failed_feeds += 1
        report.error = report.error or str(answer.error)
    elif answer.entries is None:
        report.unchanged_feeds += 1
    else:
        report.entries += len(answer.entries)
        report.new += new


async def _ask(context: Context, source: Source, state: FeedState) -> Polled:
    try:
        response = await context.client.fetch(
            state.url, accept=ACCEPT_FEED, etag=state.etag, last_modified=state.last_modified
        )
        if response is None:
            return Polled(source, state)
        fresh = replace(
            state,
            etag=response.etag,
            last_modified=response.last_modified,
            body_hash=hashlib.blake2b(response.body, digest_size=16).digest(),
        )
        if fresh.body_hash == state.body_hash:
            return Polled(source, fresh)
        return await _parse(context, source, fresh, response)
    except ItemError as error:
        return Polled(source, state, error=error)


async def _parse(context: Context, source: Source, state: FeedState, response: Response) -> Polled:
    job = FeedJob(
        body=response.body,
        url=response.url,
        charset=response.charset,
        zone=zone_of(source.country),
        now=context.now(),
    )
    feed = await context.workers.run(feed_from, job, url=state.url)
    entries: dict[str, Entry] = {}
    invalid = 0
    for entry in feed.entries:
        try:
            entries.setdefault(canonical_url(entry.url), replace(entry, feed_url=state.url))
        except ValueError:
            invalid += 1
    return Polled(source, state, tuple(entries.items()), skipped=feed.skipped + invalid, warning=feed.warning)
