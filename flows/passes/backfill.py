"""A past period of some sources: list what archives name of it, window by window, and take on what is due.

Every window's entries are in the index before any is fetched, and every article is placed as in a monitor pass. So a
backfill that was stopped, in whatever way, is continued by starting it again: complete windows are not listed again,
and no page that has an outcome is fetched again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from config.load import Config
from config.sources import Backfill, Source
from extractors.archives.lists import is_address, owner_finder, read_addresses
from extractors.records import Outcome, Page
from extractors.text import counted
from flows.passes.context import Context, Observer, Step, once_more, open_context, run_directly, to_the_end, utc_now
from flows.passes.ingest import ingest, ingest_batch
from flows.passes.listing import (
    LACKING,
    WINDOW_DAYS,
    Listing,
    done_by_all,
    done_windows,
    list_shared_window,
    list_window,
    parts_to_list,
    routes_of,
    shared_routes,
)
from flows.passes.summary import SourceReport, Summary
from storage.relating.relating import relate_new
from storage.state.hosts import store_hosts
from storage.state.listed import count_listed_pending, load_due_listed
from storage.state.periods import DAY, Period
from storage.state.refused import forget_refused
from storage.state.runs import store_run_end, store_run_start
from storage.state.windows import StoredWindow, load_windows

NO_ROUTE = "no route: give the source a backfill in sources.toml, or name one with --via"
EARLIEST = date(1995, 1, 1)  # no outlet has been on the web for longer


class RequestError(ValueError):
    """What was asked for cannot be done; the message says what to change."""


@dataclass(slots=True)
class BackfillSummary:
    """The counts of a pass, and those of the listing."""

    period: Period
    passed: Summary
    listed: int = 0  # windows that were read to their end
    incomplete: int = 0  # windows of which something could not be read: the same command reads them again
    complete_before: int = 0  # windows that an earlier run has read: not read again
    outside: int = 0  # entries that archives date outside the period
    problems: dict[str, list[str]] = field(default_factory=dict)  # by source (or archive) and window
    wrong_lines: list[str] = field(default_factory=list)  # of lists of our own: a sentence for each

    def count(self, listing: Listing) -> None:
        """Add what the listing of a source's window has brought."""
        report = self.passed.sources[listing.source.id]
        report.entries += listing.entries
        report.new += listing.new
        if listing.problems:
            report.error = report.error or listing.problems[0]
        self.count_window(listing.source.id, listing.period, listing.problems, whole=listing.whole)
        self.outside += listing.outside
        self.wrong_lines += listing.wrong_lines

    def count_window(self, name: str, period: Period, problems: Sequence[str], *, whole: bool) -> None:
        """Add a window."""
        self.listed += whole
        self.incomplete += not whole
        if problems:
            self.problems[f"{name} {period.first} – {period.last}"] = list(problems)

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            **self.passed.to_json(),
            "period": {"from": self.period.first.isoformat(), "to": self.period.last.isoformat()},
            "windows": {
                "listed": self.listed,
                "incomplete": self.incomplete,
                "complete_before": self.complete_before,
            },
            "outside": {"by_archive": self.outside, "by_page": self.passed.outcomes[Outcome.OUTSIDE]},
            "problems": self.problems,
            "wrong_lines": self.wrong_lines,
        }


def checked_period(first: date, last: date, *, today: date) -> Period:
    """The period, without the days to come. Raises RequestError."""
    tomorrow = today + DAY  # it is later in Asia than here
    if last < first:
        raise RequestError(f"--to: {last} is before --from {first}")
    if first > tomorrow:
        raise RequestError(f"--from: {first} lies in the future")
    if first < EARLIEST:
        raise RequestError(f"--from: found {first}, expected no day before {EARLIEST}")
    return Period(first, min(last, tomorrow))


def choose_sources(
    config: Config, ids: Sequence[str], *, via: str | None, addresses: Path | None
) -> tuple[Sequence[Source], list[str]]:
    """The sources to work through, and those of the `addresses` that are left out because they are of none of them.

    What is no address at all is neither: the listing tells of it.

    Raises RequestError when nothing could be done for any, ConfigError for an unknown id.
    """
    sources = config.select(ids)
    if via is not None and via not in WINDOW_DAYS:
        raise RequestError(f'--via: found "{via}", expected one of {", ".join(WINDOW_DAYS)}')
    if addresses is None:
        if via in LACKING and not any(routes_of(source, via) for source in sources):
            hint = ", or name one with --urls" if via == "urls" else ""
            raise RequestError(
                f'--via {via}: found no source with a {LACKING[via]} for it; give one a backfill = {{ route = "{via}", '
                f'{LACKING[via]} = "…" }} in sources.toml{hint}'
            )
        return sources, []
    if via not in (None, "urls"):
        raise RequestError(f"--urls: found --via {via} as well, expected one of the two")
    owner_of, owners, skipped, wrong = owner_finder(sources), set(), [], 0
    try:
        for _, address, _ in read_addresses(addresses):
            if not is_address(address):
                wrong += 1
            elif owner := owner_of(address):
                owners.add(owner.id)
            else:
                skipped.append(address)
    except OSError as error:
        raise RequestError(f"--urls: {addresses} cannot be read: {error.strerror}") from error
    if not owners:
        found = counted(len(skipped), "address") + (f" and {counted(wrong, 'other line')}" if wrong else "")
        raise RequestError(f"--urls: found {found} in {addresses}, expected addresses on sites of the sources chosen")
    return [source for source in sources if source.id in owners], skipped


async def backfill(
    config: Config,
    data: Path,
    *,
    period: Period,
    sources: Sequence[Source],
    via: str | None = None,
    addresses: Path | None = None,
    engine: str = "direct",
    step: Step = run_directly,
    observer: Observer | None = None,
    now: Callable[[], Any] = utc_now,
) -> BackfillSummary:
    """Work through `period` for `sources`: by the routes they name, by `via`, or through a list of `addresses`.

    What a page dates outside the period is left out. When it is cancelled, what is finished is kept.
    Raises StorageError.
    """
    started = time.monotonic()
    summary = BackfillSummary(period, Summary(engine, {s.id: SourceReport(s.name) for s in sources}))
    async with open_context(config, data, observer=observer, now=now, period=period) as context:
        database = context.corpus.database
        run = await store_run_start(database, kind="backfill", engine=engine, now=context.now())
        context.observer.stage("articles", 0)
        room = asyncio.Semaphore(config.settings.network.concurrency)
        routes = {source.id: () if addresses else routes_of(source, via) for source in sources}
        work = _Work(context, summary, step, via, routes)
        shared = shared_routes(sources, work.routes, addresses)
        in_shared = {source.id for group in shared.values() for source in group}

        async def with_room(task: Coroutine[Any, Any, None]) -> None:
            async with room:
                await task

        tasks = [work.source(source) for source in sources if source.id not in in_shared]
        tasks += [work.group(group, route) for route, group in shared.items()]
        try:
            await _side_by_side(with_room(task) for task in tasks)
        except asyncio.CancelledError:
            summary.passed.interrupted = True
            raise
        finally:
            for task in tasks:
                task.close()  # of those that never began
            summary.passed.seconds = time.monotonic() - started
            ended = partial(_store_end, context, run, summary, [s.id for s in sources])
            await to_the_end(once_more(ended))
        await relate_new(database, now=context.now())
    return summary


async def _side_by_side(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """All of them at once; the first that fails ends the others, and its error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from failed


@dataclass(frozen=True, slots=True)
class _Work:
    """What all parts of one backfill share."""

    context: Context
    summary: BackfillSummary
    step: Step
    via: str | None
    routes: Mapping[str, Sequence[Backfill]]

    async def source(self, source: Source) -> None:
        """One source, window by window."""
        report, routes = self.summary.passed.sources[source.id], self.routes[source.id]
        report.feeds = 1  # of a backfill, the archive is the one feed
        await self._take_on(source)  # what an interrupted run has left
        if not routes:
            report.error, report.failed_feeds = NO_ROUTE, 1
            return
        done = done_windows(await self._known(source), routes[0], self.via)
        self.summary.complete_before += len(done)
        parts = parts_to_list(self.summary.period, done, routes[0])
        failed = 0
        for part in parts:
            failed += not await self._list(source, routes, part)
            await self._take_on(source)
        report.failed_feeds = int(0 < failed == len(parts))
        report.unchanged_feeds = int(not parts)

    async def group(self, sources: Sequence[Source], route: Backfill) -> None:
        """Sources that are looked for in the same files, which are read once for all of them."""
        period, reports = self.summary.period, self.summary.passed.sources
        for source in sources:
            reports[source.id].feeds = 1
        await self._take_on_all(sources)
        done = [done_windows(await self._known(source), route, self.via) for source in sources]
        self.summary.complete_before += sum(map(len, done))
        parts = parts_to_list(period, done_by_all(period, done), route)
        failed: dict[str, int] = {source.id: 0 for source in sources}
        for part in parts:
            shared = await self.step(
                f"{route.route}, {part.first} – {part.last}: list",
                lambda part=part: list_shared_window(self.context, sources, route, part, self._take_pages),  # type: ignore[misc]
            )
            self.summary.count_window(route.route, part, shared.problems, whole=all(x.whole for x in shared.listings))
            self.summary.outside += shared.outside
            self.summary.wrong_lines += shared.wrong_lines
            for listing in shared.listings:
                report = reports[listing.source.id]
                report.entries += listing.entries
                report.new += listing.new
                works = listing.route is not None
                if not works:
                    report.error = report.error or shared.problems[0]
                if not listing.entries and (others := self.routes[listing.source.id][1:]):
                    works = await self._list(listing.source, others, part) or works
                failed[listing.source.id] += not works
            await self._take_on_all(sources)
        for source in sources:
            reports[source.id].failed_feeds = int(0 < failed[source.id] == len(parts))
            reports[source.id].unchanged_feeds = int(not parts)

    async def _known(self, source: Source) -> list[StoredWindow]:
        async with self.context.corpus.database.read() as connection:
            return await load_windows(connection, source.id, self.summary.period)

    async def _list(self, source: Source, routes: Sequence[Backfill], part: Period) -> bool:
        """Whether a route has worked."""
        listing = await self.step(
            f"{source.id}, {part.first} – {part.last}: list",
            lambda: list_window(self.context, source, routes, part, self._take_pages),
        )
        self.summary.count(listing)
        return listing.route is not None

    async def _take_pages(self, pages: dict[str, Page]) -> None:
        await ingest_batch(self.context, list(pages), self.summary.passed, {}, pages=pages)

    async def _take_on_all(self, sources: Sequence[Source]) -> None:
        await _side_by_side(self._take_on(source) for source in sources)

    async def _take_on(self, source: Source) -> None:
        context = self.context
        async with context.corpus.database.read() as connection:
            due = await load_due_listed(connection, source.id, self.summary.period, now=context.now())
        if due:
            context.observer.expect(len(due))
            await ingest(context, due, self.summary.passed, self.step, name=source.id)


async def _store_end(context: Context, run: int, summary: BackfillSummary, source_ids: Sequence[str]) -> None:
    database = context.corpus.database
    async with database.read() as connection:
        pending = [await count_listed_pending(connection, source_id, summary.period) for source_id in source_ids]
    summary.passed.pending = sum(pending)
    async with database.write() as connection:
        await store_hosts(connection, context.client.take_changed_hosts())
        await forget_refused(connection, context.config.settings.refused, now=context.now())
    counts = summary.to_json()
    await store_run_end(database, run, now=context.now(), summary=counts)
    context.observer.ended(counts)
