"""A past period of some sources: list what archives name of it, window by window, and take on what is due.

Every window's entries are in the index before any is fetched, and every article is placed as in a monitor pass. So a
backfill that was stopped, in whatever way, is continued by starting it again: complete windows are not listed again,
and no page that has an outcome is fetched again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from config.load import Config
from config.sources import Source
from extractors.archives.search import Listed
from extractors.feeds.jobs import FeedJob
from extractors.period import Period
from extractors.records import Feed, Outcome
from extractors.workers.tasks import feed_from
from extractors.zones import zone_of
from flows.passes.backfill_request import BackfillRequest
from flows.passes.context import Context, Observer, Step, once_more, open_context, run_directly, to_the_end, utc_now
from flows.passes.ingest import ingest, ingest_batch
from flows.passes.listing import Asking, Keeper, Listing, SharedListing, list_archives, side_by_side
from flows.passes.summary import SourceReport, Summary
from flows.reports.coverage import COVERAGE_FILE, write_page
from storage.corpus.writer import open_for_reading
from storage.health.coverage import SourceCoverage, load_coverage
from storage.index.retention import is_time_sure
from storage.relating.relating import relate_new
from storage.state.hosts import store_hosts
from storage.state.listed import count_listed_pending, load_due_listed, store_listed
from storage.state.opening import open_for_backfill
from storage.state.refused import forget_refused
from storage.state.runs import store_run_end, store_run_start
from storage.state.windows import StoredWindow, begin_window, end_window, load_windows

NO_ROUTE = "no route: give the source a backfill in sources.toml, or name one with --via"
PROBLEMS_KEPT = 20  # of a window, in the index


@dataclass(slots=True)
class BackfillSummary:
    """The counts of a pass, and those of the listing."""

    period: Period
    passed: Summary
    listed: int = 0  # windows that were read to their end
    incomplete: int = 0  # windows of which something could not be read: the same command reads them again
    complete_before: int = 0  # windows that an earlier run has read: not read again
    opened: int = 0  # entries of earlier passes that ended without an article and are tried once more
    outside: int = 0  # entries that archives date outside the period
    problems: dict[str, list[str]] = field(default_factory=dict)  # by source (or archive) and window
    wrong_lines: list[str] = field(default_factory=list)  # of lists of our own: a sentence for each

    def count(self, listing: Listing) -> None:
        """Add the result of listing a source's window."""
        report = self.passed.sources[listing.source.id]
        report.entries += listing.entries
        report.new += listing.new
        if listing.problems:
            report.error = report.error or listing.problems[0]
        self.count_window(listing.source.id, listing.period, listing.problems, whole=listing.whole)
        self.outside += listing.outside
        self.wrong_lines += listing.wrong_lines

    def count_shared(self, shared: SharedListing) -> None:
        """Add the result of one listing for several sources."""
        for listing in shared.listings:
            report = self.passed.sources[listing.source.id]
            report.entries += listing.entries
            report.new += listing.new
            if listing.route is None:
                report.error = report.error or shared.problems[0]
        whole = all(listing.whole for listing in shared.listings)
        self.count_window(shared.route, shared.period, shared.problems, whole=whole)
        self.outside += shared.outside
        self.wrong_lines += shared.wrong_lines

    def count_window(self, name: str, period: Period, problems: Sequence[str], *, whole: bool) -> None:
        """Add a window."""
        self.listed += whole
        self.incomplete += not whole
        if problems:
            self.problems[f"{name} {period}"] = list(problems)

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return {
            **self.passed.to_json(),
            "period": {"from": self.period.first.isoformat(), "to": self.period.last.isoformat()},
            "windows": {
                "listed": self.listed,
                "incomplete": self.incomplete,
                "complete_before": self.complete_before,
            },
            "opened": self.opened,
            "outside": {"by_archive": self.outside, "by_page": self.passed.outcomes[Outcome.OUTSIDE]},
            "problems": self.problems,
            "wrong_lines": self.wrong_lines,
        }


async def backfill(
    config: Config,
    data: Path,
    request: BackfillRequest,
    *,
    engine: str = "direct",
    step: Step = run_directly,
    observer: Observer | None = None,
    now: Callable[[], datetime] = utc_now,
) -> BackfillSummary:
    """Work through the period of the request, writing below the folder `data`.

    Articles that their page dates outside the period are left out. When it is cancelled, what is finished is kept.
    Raises StorageError.
    """
    started = time.monotonic()
    summary = BackfillSummary(request.period, Summary(engine, {s.id: SourceReport(s.name) for s in request.sources}))
    async with open_context(config, data, observer=observer, now=now, period=request.period) as context:
        database = context.corpus.database
        run = await store_run_start(database, kind="backfill", engine=engine, now=context.now())
        context.observer.stage("articles", 0)
        async with database.write() as connection:
            for source in request.sources:
                summary.opened += await open_for_backfill(connection, source.id, request.period, again=request.again)

        async def parse(job: FeedJob) -> Feed:
            return await context.workers.run(feed_from, job, url=job.url)

        asking = Asking(config, context.client, context.now, parse)
        try:
            await list_archives(asking, request, _Keeper(context, summary, step), step=step)
        except asyncio.CancelledError:
            summary.passed.interrupted = True
            raise
        finally:
            summary.passed.seconds = time.monotonic() - started
            ended = partial(_store_end, context, run, summary, [s.id for s in request.sources])
            await to_the_end(once_more(ended))
        await relate_new(database, now=context.now())
    return summary


@dataclass(frozen=True, slots=True)
class _Keeper(Keeper):
    """Stores what is listed, as pending entries of its window, and takes on what is due."""

    context: Context
    summary: BackfillSummary
    step: Step

    async def known(self, source: Source) -> Sequence[StoredWindow]:
        async with self.context.corpus.database.read() as connection:
            return await load_windows(connection, source.id, self.summary.period)

    async def take_on(self, sources: Sequence[Source]) -> None:
        for source in sources:
            self.summary.passed.sources[source.id].feeds = 1  # of a backfill, the archive is the one feed
        await side_by_side(self._take_on(source) for source in sources)

    async def _take_on(self, source: Source) -> None:
        context = self.context
        async with context.corpus.database.read() as connection:
            due = await load_due_listed(connection, source.id, self.summary.period, now=context.now())
        if due:
            context.observer.expect(len(due))
            await ingest(context, due, self.summary.passed, self.step, name=source.id)

    def planned(self, source: Source, *, routes: bool, done: int, parts: int) -> None:
        report = self.summary.passed.sources[source.id]
        if not routes:
            report.error, report.failed_feeds = NO_ROUTE, 1
            return
        report.unchanged_feeds = int(not parts)
        self.summary.complete_before += done

    async def begin(self, listing: Listing) -> None:
        async with self.context.corpus.database.write() as connection:
            listing.window = await begin_window(connection, listing.source.id, listing.period)

    async def keep(self, listing: Listing, entries: Mapping[str, Listed]) -> None:
        context = self.context
        async with context.corpus.database.write() as connection:
            rows = [(key, listed.entry, listed.archived_url) for key, listed in entries.items()]
            listing.new += await store_listed(
                connection, listing.source.id, rows, window=listing.window, now=context.now()
            )
        if pages := {key: listed.page for key, listed in entries.items() if listed.page is not None}:
            await ingest_batch(context, list(pages), self.summary.passed, {}, pages=pages)

    async def end(self, listing: Listing, problems: Sequence[str]) -> None:
        async with self.context.corpus.database.write() as connection:
            await end_window(
                connection,
                listing.window,
                route=None if listing.from_file else listing.route,
                now=self.context.now(),
                whole=listing.whole,
                entries=listing.entries,
                outside=listing.outside,
                problems=list(problems)[:PROBLEMS_KEPT],
                asked=listing.asked,
            )
            await store_hosts(connection, self.context.client.take_changed_hosts())

    def count(self, listing: Listing) -> None:
        self.summary.count(listing)

    def count_shared(self, shared: SharedListing) -> None:
        self.summary.count_shared(shared)

    def finished(self, source: Source, *, failed: bool) -> None:
        self.summary.passed.sources[source.id].failed_feeds = int(failed)


async def _store_end(context: Context, run: int, summary: BackfillSummary, source_ids: Sequence[str]) -> None:
    database = context.corpus.database
    async with database.read() as connection:
        pending = [await count_listed_pending(connection, source_id, summary.period) for source_id in source_ids]
    summary.passed.pending = sum(pending)
    async with database.write() as connection:
        await store_hosts(connection, context.client.take_changed_hosts())
        if await is_time_sure(connection, now=context.now()):
            await forget_refused(connection, context.config.settings.refused, now=context.now())
    counts = summary.to_json()
    await store_run_end(database, run, now=context.now(), summary=counts)
    context.observer.ended(counts)


async def write_coverage(
    config: Config, data: Path, request: BackfillRequest, *, now: datetime
) -> tuple[list[SourceCoverage], Path]:
    """Return how well the period of the request is covered, and the page below `data` that shows it, written anew."""
    zones = {source.id: zone_of(source.country) for source in request.sources}
    async with open_for_reading(data, config.settings.storage) as corpus, corpus.database.read() as connection:
        coverage = await load_coverage(connection, zones, request.period, now=now)
    routes = {source.id: request.routes(source) for source in request.sources}
    for source in coverage:
        source.has_route = bool(routes[source.source_id])
    page = data / COVERAGE_FILE
    write_page(page, coverage, request.period, now=now)
    return coverage, page
