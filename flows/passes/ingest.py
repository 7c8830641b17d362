"""From entries to the corpus: plan, fetch, extract, judge, place. The same for monitor and backfill.

Batches run one after the other; within a batch every host has its own queue, so that one slow host delays nobody
else, and what is finished is placed in small transactions while the rest is still under way.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from itertools import chain, islice, zip_longest
from urllib.parse import urlsplit

from config.settings import Monitor
from config.sites import site_of
from extractors.archives.search import pause_error
from extractors.archives.wayback import check_copy
from extractors.fetching.failures import Failure
from extractors.fetching.hosts import Unwanted
from extractors.fetching.messages import Wanted
from extractors.pages.job import ArticleJob, SiteRule
from extractors.pages.screen import Screened
from extractors.period import Period
from extractors.records import Deferred, Extracted, Failed, ItemError, Outcome, Page, Placement
from extractors.urls import canonical_url, leads_away
from extractors.workers.tasks import article_from
from extractors.zones import zone_of
from flows.passes.context import Context, Step, to_the_end
from flows.passes.judging import finish, make_ready
from flows.passes.sitemaps import walks_over
from flows.passes.summary import Summary
from flows.passes.wanted import WantedPages
from storage.state.entries import DueEntry, PendingEntry, load_pending

PAGES_PER_BATCH = 500  # a few minutes of work: what one Prefect task holds
RESULTS_PER_TRANSACTION = 50
PLACE_AFTER_S = 5.0  # at the latest, so that a crash costs few seconds of fetching
FAILURES_IN_A_ROW = 5  # connections to a host: then it is down, and the rest of its pages is left for later

NO_PAGES: Mapping[str, Page] = {}


def choose(due: Iterable[DueEntry], limits: Monitor, *, now: datetime) -> list[DueEntry]:
    """Return the entries that one pass takes on: a limited number of each source's newest, in the given order.

    Entries without a date count as new, because they may be.
    """
    old_before = now - timedelta(days=limits.old_days)
    newest = sorted(due, key=lambda entry: entry.published or now, reverse=True)
    taken: Counter[str] = Counter()
    taken_old: Counter[str] = Counter()
    chosen = set()
    for entry in newest:
        old = entry.published is not None and entry.published < old_before
        if taken[entry.source_id] < limits.max_entries and not (
            old and taken_old[entry.source_id] >= limits.max_old_entries
        ):
            taken[entry.source_id] += 1
            taken_old[entry.source_id] += old
            chosen.add(entry.key)
    return [entry for entry in due if entry.key in chosen]


def plan(due: Iterable[DueEntry], *, size: int = PAGES_PER_BATCH) -> Iterator[list[str]]:
    """Return the keys of the entries in batches, the hosts interleaved.

    Every batch holds pages of as many hosts as there are, so that a batch waits for the per-host gap of none longer
    than it must.
    """
    queues: dict[str, list[str]] = defaultdict(list)
    for entry in due:
        queues[urlsplit(entry.url).netloc].append(entry.key)
    rounds = chain.from_iterable(zip_longest(*queues.values()))
    keys = (key for key in rounds if key is not None)
    while batch := list(islice(keys, size)):
        yield batch


async def ingest(
    context: Context,
    due: Sequence[DueEntry],
    summary: Summary,
    step: Step,
    *,
    name: str = "articles",
    host_minutes: float | None = None,
) -> None:
    """Take on the `due` entries and count how they end in `summary`.

    Each host is fetched from for at most `host_minutes`; the rest is left for later. None: to the end.
    """
    summary.taken += sum(not entry.look for entry in due)
    deadlines: dict[str, float] = {}  # host → when its time in this pass is over, on the loop's clock
    for number, batch in enumerate(plan(due), 1):
        own: set[str] = set()

        async def work(keys: list[str] = batch, own: set[str] = own) -> None:
            await ingest_batch(context, keys, summary, deadlines, host_minutes=host_minutes, own=own)

        await step(f"{name}, batch {number}", work)


async def ingest_batch(
    context: Context,
    keys: Sequence[str],
    summary: Summary,
    deadlines: dict[str, float],
    *,
    host_minutes: float | None = None,
    pages: Mapping[str, Page] = NO_PAGES,
    own: set[str] | None = None,
) -> None:
    """Work through one batch. A repetition takes on only entries without an outcome, and knows its `own` ones.

    A page that another program has fetched or settled since the batch began is left to it. The `pages` of some
    entries may be there already, under their keys; those are not fetched, and counted here.
    """
    began = time.time()
    await context.corpus.publish()  # what an earlier try has decided, and perhaps could not write
    async with context.corpus.database.read() as connection:
        pending = await load_pending(connection, keys, now=context.now(), period=context.period)
    own = set() if own is None else own
    if pages:
        summary.taken += len(pending)
        context.observer.expect(len(pending))
    else:
        summary.others |= set(keys) - {p.key for p in pending} - own
    source_of = {p.key: p.source_id for p in pending}

    def count(placements: list[Placement]) -> None:
        own.update(p.key for p in placements)
        summary.count(placements, source_of)
        context.observer.advance(len(placements))
        context.observer.placed(placements)

    if known := await context.corpus.settle_known([p.key for p in pending if not p.look], now=context.now()):
        count(known)
    settled = {p.key for p in known}
    done: asyncio.Queue[Extracted | Failed | None] = asyncio.Queue()
    placer = asyncio.create_task(_place(context, done, count, pages))
    batch = _Batch(
        context, done, deadlines, None if host_minutes is None else 60 * host_minutes, pages, began, summary.others
    )
    examiner = asyncio.create_task(_examine_all(batch, [p for p in pending if p.key not in settled]))
    try:
        # The placer ends first only when it fails: then there is no use in fetching on.
        await asyncio.wait({examiner, placer}, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        context.corpus.hurry()
        raise
    finally:
        examiner.cancel()
        await to_the_end(asyncio.wait({examiner}), hurry=context.corpus.hurry)
        done.put_nowait(None)
        await to_the_end(placer, hurry=context.corpus.hurry)  # also when interrupted: what is finished is kept
    await examiner


@dataclass(frozen=True, slots=True)
class _Batch:
    """The values that the pages of a batch share."""

    context: Context
    done: asyncio.Queue[Extracted | Failed | None]
    deadlines: dict[str, float]
    budget_s: float | None
    pages: Mapping[str, Page]
    began: float  # in Unix time
    others: set[str]  # keys of what another program has taken


async def _examine_all(batch: _Batch, pending: Sequence[PendingEntry]) -> None:
    hosts: dict[str, list[PendingEntry]] = defaultdict(list)
    for item in pending:
        hosts[urlsplit(item.entry.url).netloc].append(item)
    try:
        async with asyncio.TaskGroup() as group:
            for host, queue in hosts.items():
                if batch.budget_s is not None:
                    batch.deadlines.setdefault(host, asyncio.get_running_loop().time() + batch.budget_s)
                group.create_task(_examine_host(batch, queue, group, batch.deadlines.get(host, math.inf)))
    except BaseExceptionGroup as failed:  # a full disk, mostly, which every host meets at once
        raise failed.exceptions[0] from failed


async def _examine_host(
    batch: _Batch, queue: Sequence[PendingEntry], group: asyncio.TaskGroup, deadline: float
) -> None:
    """Fetch one host's pages in turn and hand each over; the next is fetched when there is room for it.

    When the host's time is over, it asks for a pause, or it is down, the rest of its pages is left for a later pass.
    """
    unreached = 0
    if _takes_too_long(batch, len(queue), deadline):  # the newest are the most wanted
        queue = sorted(queue, key=lambda item: item.entry.published or batch.context.now(), reverse=True)
    wanted = WantedPages(batch.context, (item.key for item in queue))
    for item in queue:
        if asyncio.get_running_loop().time() >= deadline or unreached >= FAILURES_IN_A_ROW:
            return
        try:
            page = batch.pages.get(item.key) or batch.context.fetched.find(item.key, before=batch.began)
            if page is None:
                if not wanted.has(item.key):
                    raise Unwanted(item.key)
                page = await _fetch(batch.context, item, partial(wanted.has_still, item.key))
                batch.context.fetched.keep(item.key, page)
        except Deferred:
            return
        except Unwanted:
            batch.others.add(item.key)
            batch.context.observer.advance()
            continue
        except ItemError as error:
            unreached = unreached + 1 if isinstance(error, Failure) and error.status is None else 0
            batch.done.put_nowait(_failed(item, error))
            continue
        unreached = 0
        await batch.context.room.acquire()
        task = group.create_task(_examine_page(batch, item, page))
        task.add_done_callback(lambda _: batch.context.room.release())  # also of one cancelled before it began


def _takes_too_long(batch: _Batch, pages: int, deadline: float) -> bool:
    """Return whether so many pages of a host cannot be fetched in its time, with the gap between two of them alone."""
    gap_s = batch.context.config.settings.network.per_host_interval
    return pages * gap_s > deadline - asyncio.get_running_loop().time()


async def _fetch(context: Context, item: PendingEntry, wanted: Wanted) -> Page:
    """Fetch the page from its own address, or an archive's copy if it is gone. Raises ItemError, Deferred, Unwanted."""
    try:
        response = await context.client.fetch(item.entry.url, wanted=wanted)
    except ItemError as error:
        if item.archived_url is None or error.outcome is not Outcome.GONE:
            raise
        try:
            copy = await context.client.fetch(
                item.archived_url, interval_s=context.config.settings.archives.wayback_interval
            )
        except Deferred as pause:  # the archive's wish, not the host's
            raise pause_error(item.archived_url, pause) from pause
        assert copy is not None
        check_copy(copy)
        return replace(copy.page(), url=item.entry.url)
    assert response is not None  # only a request with validators can be answered "not modified"
    if leads_away(canonical_url(response.url), item.key):
        detail = f"leads to {response.url}"
        raise ItemError(Outcome.GONE, "leads to a front page", url=item.entry.url, detail=detail)
    return response.page()


async def _examine_page(batch: _Batch, item: PendingEntry, page: Page) -> None:
    context = batch.context
    source = context.config.source(item.source_id)
    job = ArticleJob(
        page=page,
        entry=item.entry,
        zone=zone_of(source.country),
        min_words=context.config.settings.extraction.min_words,
        now=context.now(),
        rule=SiteRule.of(site_of(context.config.sites, page.url)),
        # A site may answer to any number: it takes the text to tell an article's page from that.
        screen=None if walks_over(source, item.entry.url) else context.screen,
    )
    outside = ItemError(Outcome.OUTSIDE, "dated outside the period", url=item.entry.url)
    period = context.period if item.listed else None  # what a feed has named is wanted, whatever its day
    try:
        article = await context.workers.run(article_from, job, url=item.entry.url)
    except Screened as screened:
        error = outside if _is_outside(period, screened.day) else screened
        batch.done.put_nowait(_failed(item, error, page, day=screened.day))
    except ItemError as error:
        batch.done.put_nowait(_failed(item, error, page))
    else:
        found = Extracted(
            item.key, item.entry, item.source_id, page.url, page.fetched_at, item.attempts, article=article
        )
        batch.done.put_nowait(found.failed(outside) if _is_outside(period, article.published) else found)


def _is_outside(period: Period | None, day: date | None) -> bool:
    return period is not None and day is not None and day not in period


def _failed(item: PendingEntry, error: ItemError, page: Page | None = None, *, day: date | None = None) -> Failed:
    url, fetched_at = (page.url, page.fetched_at) if page else (None, None)
    return Failed(item.key, item.entry, item.source_id, url, fetched_at, item.attempts, error=error, day=day)


async def _place(
    context: Context,
    done: asyncio.Queue[Extracted | Failed | None],
    count: Callable[[list[Placement]], None],
    pages: Mapping[str, Page],
) -> None:
    """Clean, judge and write results down as they come, a batch a transaction, until None arrives."""
    ended = False
    while not ended:
        batch: list[Extracted | Failed] = []
        deadline = asyncio.get_running_loop().time() + PLACE_AFTER_S
        while len(batch) < RESULTS_PER_TRANSACTION and not ended:
            try:
                async with asyncio.timeout_at(deadline if batch else None):
                    result = await done.get()
            except TimeoutError:
                break
            if result is None:
                ended = True
            else:
                if not batch:
                    deadline = asyncio.get_running_loop().time() + PLACE_AFTER_S
                batch.append(result)
        if batch:
            limits = context.config.settings.duplicates
            finished = await finish(context, batch)
            ready = await make_ready(context, finished)
            placed = await context.corpus.place(
                finished, now=context.now(), limits=limits, ready=ready,
                page_of=lambda key: pages.get(key) or context.fetched.find(key),
            )  # fmt: skip
            count(placed)
            keys = [result.key for result in batch]
            context.fetched.forget(keys)
            await context.turns.release(keys)
