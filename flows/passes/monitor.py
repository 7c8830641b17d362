"""One pass over the feeds: poll them all, then take on every entry that is due.

Plain asyncio; `flows.serving.prefect_flows` wraps it as a Prefect flow. Both run this very coroutine.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from config.load import Config
from config.sources import Source
from extractors.feeds.intervals import is_poll_due
from flows.passes.context import Context, Observer, Step, once_more, open_context, run_directly, to_the_end, utc_now
from flows.passes.ingest import choose, ingest
from flows.passes.poll import end_walks, poll
from flows.passes.successors import begin_search, end_search
from flows.passes.summary import SourceReport, Summary
from flows.reports.status import write_report
from storage.health.sources import load_health, store_flags
from storage.health.states import load_states
from storage.index.retention import forget, is_time_sure
from storage.relating.relating import relate_new, waiting_since
from storage.state.entries import DueEntry, FeedState, count_pending, load_due, load_feed_states, still_due
from storage.state.hosts import store_hosts
from storage.state.orphans import adopt_orphans, count_orphans
from storage.state.refused import forget_refused
from storage.state.runs import store_run_end, store_run_start
from storage.state.turns import forget_turns

FEEDS_PER_BATCH = 25
RELATE_AFTER = timedelta(hours=1)
FORGET_EVERY = 10  # passes


async def monitor(
    config: Config,
    data: Path,
    *,
    sources: Sequence[Source],
    engine: str = "direct",
    step: Step = run_directly,
    observer: Observer | None = None,
    now: Callable[[], datetime] = utc_now,
    due_only: bool = False,
) -> Summary:
    """Make one pass over `sources`, writing below the folder `data`. Raises StorageError when that cannot be used.

    All their feeds are polled, or with `due_only` those whose turn has come by their own rhythm.

    When it is cancelled, what is finished is kept and the summary so far is stored.
    """
    started = time.monotonic()
    summary = Summary(engine, {s.id: SourceReport(s.name, watched=bool(s.watched)) for s in sources})
    async with open_context(config, data, observer=observer, now=now) as context:
        database = context.corpus.database
        run = await store_run_start(database, kind="monitor", engine=engine, now=context.now())
        ids = [s.id for s in sources]
        chosen: list[DueEntry] = []
        try:
            async with database.read() as connection:
                states = await load_feed_states(connection, [url for source in sources for url in source.watched])
            feeds = [(source, states[url]) for source in sources for url in source.watched]
            if due_only:
                feeds = [f for f in feeds if is_poll_due(f[1].next_poll, now=context.now())]
            failing = await begin_search(context, [state.url for _, state in feeds])
            context.observer.stage("feeds", len(feeds))
            batches = [feeds[i : i + FEEDS_PER_BATCH] for i in range(0, len(feeds), FEEDS_PER_BATCH)]

            async def poll_batch(number: int, batch: list[tuple[Source, FeedState]]) -> None:
                await step(f"feeds, batch {number}", lambda: poll(context, batch, summary.sources))
                context.observer.advance(len(batch))

            await asyncio.gather(*(poll_batch(n, b) for n, b in enumerate(batches, 1)))
            await _adopt(context)
            async with database.read() as connection:
                due = await load_due(connection, ids, now=context.now())
            chosen = choose(due, config.settings.monitor, now=context.now())
            context.observer.stage("articles", len(chosen))
            await ingest(context, chosen, summary, step, host_minutes=config.settings.monitor.max_host_minutes)
            await end_walks(context, feeds)
            await end_search(context, failing, sources, summary.sources)
        except asyncio.CancelledError:
            summary.interrupted = True
            raise
        finally:
            summary.seconds = time.monotonic() - started
            # Health is judged where the pass learnt something: a source that was not asked is as it was.
            asked = {key for key, report in summary.sources.items() if report.feeds} | {e.source_id for e in chosen}
            ended = partial(_store_end, context, run, summary, ids, [key for key in ids if key in asked])
            await to_the_end(once_more(ended))
    return summary


async def _adopt(context: Context) -> None:
    """Have what waits under ids that are not watched any more follow the sources whose feeds name it now."""
    owner_of = context.config.watched()
    watched = {source.id for source in context.config.select(())}
    async with context.corpus.database.read() as connection:
        if not await count_orphans(connection, watched):
            return
    async with context.corpus.database.write() as connection:
        await adopt_orphans(connection, owner_of, watched)


async def _store_end(
    context: Context, run: int, summary: Summary, source_ids: Sequence[str], asked: Sequence[str]
) -> None:
    database = context.corpus.database
    async with database.read() as connection:
        summary.pending = await count_pending(connection, source_ids)
        summary.pending -= len(await still_due(connection, summary.others, now=context.now()))
        summary.orphans = await count_orphans(connection, set(context.config.watched().values()))
        config = context.config
        health = await load_health(connection, asked, now=context.now(), ruled=config.ruled(), watched=config.watched())
    async with database.write() as connection:
        await store_hosts(connection, context.client.take_changed_hosts())
        summary.raised = await store_flags(connection, health, now=context.now())
        if sure := await is_time_sure(connection, now=context.now()):
            await forget_refused(connection, context.config.settings.refused, now=context.now())
        states = await load_states(connection, [config.source(key) for key in source_ids], now=context.now())
    for source_id, state in states.items():
        summary.sources[source_id].state = state
    await store_run_end(database, run, now=context.now(), summary=summary.to_json())
    if sure and run % FORGET_EVERY == 0:
        await _forget(context)
    if not summary.interrupted:
        await _relate(context)
        await write_report(context.config, context.corpus, context.data, now=context.now())


async def _forget(context: Context) -> None:
    """Delete some of what nobody needs any more."""
    config = context.config
    async with context.corpus.database.write() as connection:
        await forget(
            connection, now=context.now(), watched_feeds=config.watched(),
            source_ids=[source.id for source in config.sources],
        )  # fmt: skip
    forget_turns(context.data)


async def _relate(context: Context) -> None:
    """Look for translations and events, once an hour: each time all articles of the days around are read again."""
    async with context.corpus.database.read() as connection:
        since = await waiting_since(connection)
    if since is not None and since <= context.now() - RELATE_AFTER:
        await relate_new(context.corpus.database, now=context.now())
