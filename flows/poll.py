"""The first stage: ask feeds what is new, and remember every entry before anything else is done with it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from config.sources import Source
from extractors.http import ACCEPT_FEED, Response
from extractors.jobs import FeedJob, feed_from
from extractors.records import Deferred, Entry, ItemError, Outcome
from extractors.urls import canonical_url
from extractors.zones import zone_of
from flows.context import Context
from flows.polling import interval_after_failure_s, learnt_longest_s, next_interval_s, next_poll
from flows.summary import SourceReport
from storage.hosts import store_hosts
from storage.seen import FeedState, store_entries, store_failed_poll, store_poll


@dataclass(frozen=True, slots=True)
class Polled:
    """One feed's answer: entries under their canonical URL, None when nothing has changed, or the error."""

    source: Source
    state: FeedState  # for the next poll, once the entries are stored
    entries: tuple[tuple[str, Entry], ...] | None = None
    skipped: int = 0
    warning: str | None = None
    cache_control: str | None = None
    error: ItemError | None = None


async def poll(context: Context, feeds: Sequence[tuple[Source, FeedState]], reports: dict[str, SourceReport]) -> None:
    """Poll these feeds side by side and store all entries in one transaction; the results go into `reports`.

    Doing it twice adds nothing: an entry already known stays what it is.
    """
    answers = await asyncio.gather(*(_ask(context, source, state) for source, state in feeds))
    async with context.corpus.database.write() as connection:
        for answer in answers:
            new = await _store(connection, answer, now=context.now())
            _report(answer, new, reports[answer.source.id])
        await store_hosts(connection, context.client.take_changed_hosts())


async def _store(connection: AsyncConnection, answer: Polled, *, now: datetime) -> int:
    """Remember one answer, with the time of the feed's next poll. Returns how many entries are new."""
    state, source_id = answer.state, answer.source.id
    if answer.error is not None:
        interval_s = interval_after_failure_s(state.interval_s, failures=state.failures, longest_s=state.longest_s)
        due = max(next_poll(now, interval_s), answer.error.retry_after or now)
        state = replace(state, failures=state.failures + 1, interval_s=interval_s, next_poll=due)
        await store_failed_poll(connection, state, source_id=source_id, error=str(answer.error), now=now)
        return 0
    entries = answer.entries or ()
    new = await store_entries(connection, source_id, entries, now=now)
    published = [entry.published for _, entry in entries]
    longest_s = state.longest_s
    if published or longest_s is not None:
        longest_s = learnt_longest_s(longest_s, published, new=new, elapsed_s=_elapsed_s(state, now))
    interval_s = next_interval_s(state.interval_s, entries=len(entries), new=new, longest_s=longest_s)
    due = next_poll(now, interval_s, cache_control=answer.cache_control, longest_s=longest_s)
    state = replace(state, failures=0, interval_s=interval_s, longest_s=longest_s, next_poll=due)
    await store_poll(connection, state, source_id=source_id, now=now)
    return new


def _elapsed_s(state: FeedState, now: datetime) -> float | None:
    """The seconds since the last poll, or fewer; None when that failed or there was none: nothing to measure with."""
    if state.next_poll is None or state.interval_s is None or state.failures:
        return None
    return max(0.0, (now - state.next_poll).total_seconds() + state.interval_s)


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
            return Polled(source, fresh, cache_control=response.cache_control)
        return await _parse(context, source, fresh, response)
    except ItemError as error:
        return Polled(source, state, error=error)
    except Deferred as pause:
        detail = f"until {pause.until:%Y-%m-%d %H:%M} UTC"
        waiting = ItemError(
            Outcome.FAILED, "host asked for a pause", url=state.url, detail=detail, retry_after=pause.until
        )
        return Polled(source, state, error=waiting)


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
    guids = {entry.guid for entry in feed.entries}
    same_guid = len(feed.entries) > 1 and len(guids) == 1 and None not in guids
    return Polled(
        source,
        state,
        tuple(entries.items()),
        skipped=feed.skipped + invalid,
        warning=feed.warning or ("every entry has the same guid" if same_guid else None),
        cache_control=response.cache_control,
    )
