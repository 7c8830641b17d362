"""From entries to the corpus: plan, fetch, extract, judge, place. The same for monitor and backfill.

Batches run one after the other; within a batch every host has its own queue, so that one slow host delays nobody
else, and what is finished is placed in small transactions while the rest is still under way.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain, islice, zip_longest
from urllib.parse import urlsplit

from config.settings import Monitor
from extractors.http import Response
from extractors.jobs import ArticleJob, article_from
from extractors.records import Article, Deferred, ItemError, Placement, Result, Verdict
from extractors.zones import zone_of
from flows.context import Context, Step, to_the_end
from flows.summary import Summary
from storage.seen import DueEntry, PendingEntry, load_pending

PAGES_PER_BATCH = 500  # a few minutes of work: what one Prefect task holds
RESULTS_PER_TRANSACTION = 50
PLACE_AFTER_S = 5.0  # at the latest, so that a crash costs few seconds of fetching
PAGES_AHEAD_PER_WORKER = 4  # fetched pages that wait for a worker: enough to keep it busy, little to hold in memory


def choose(due: Iterable[DueEntry], limits: Monitor, *, now: datetime) -> list[DueEntry]:
    """What one pass takes on: of each source the newest, so many and no more; what is left waits. Order is kept.

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
    """The keys of the entries in batches, the hosts interleaved.

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


async def ingest(context: Context, due: Sequence[DueEntry], summary: Summary, step: Step) -> None:
    """Take on the `due` entries and count how they end in `summary`."""
    summary.taken += len(due)
    context.observer.stage("articles", len(due))
    deadlines: dict[str, float] = {}  # host → when its time in this pass is over, on the loop's clock
    for number, batch in enumerate(plan(due), 1):

        async def work(keys: list[str] = batch) -> None:
            await ingest_batch(context, keys, summary, deadlines)

        await step(f"articles, batch {number}", work)


async def ingest_batch(context: Context, keys: Sequence[str], summary: Summary, deadlines: dict[str, float]) -> None:
    """One batch, to its end. Doing it again takes on only what has no outcome yet."""
    async with context.corpus.database.read() as connection:
        pending = await load_pending(connection, keys, now=context.now())
    source_of = {p.key: p.source_id for p in pending}

    def count(placements: list[Placement]) -> None:
        summary.count(placements, source_of)
        context.observer.advance(len(placements))
        context.observer.placed(placements)

    if known := await context.corpus.settle_known([p.key for p in pending], now=context.now()):
        count(known)
    settled = {p.key for p in known}
    done: asyncio.Queue[Result | None] = asyncio.Queue()
    placer = asyncio.create_task(_place(context, done, count))
    fresh = [p for p in pending if p.key not in settled]
    examiner = asyncio.create_task(_examine_all(context, fresh, done, deadlines))
    try:
        # The placer ends first only when it fails: then there is no use in fetching on.
        await asyncio.wait({examiner, placer}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        examiner.cancel()
        await to_the_end(asyncio.wait({examiner}))
        done.put_nowait(None)
        await to_the_end(placer)  # also when interrupted: what is finished is kept
    await examiner


async def _examine_all(
    context: Context,
    pending: Sequence[PendingEntry],
    done: asyncio.Queue[Result | None],
    deadlines: dict[str, float],
) -> None:
    budget_s = 60 * context.config.settings.monitor.max_host_minutes
    now_s = asyncio.get_running_loop().time()
    hosts: dict[str, list[PendingEntry]] = defaultdict(list)
    for item in pending:
        hosts[urlsplit(item.entry.url).netloc].append(item)
    room = asyncio.Semaphore(context.workers.count * PAGES_AHEAD_PER_WORKER)
    async with asyncio.TaskGroup() as group:
        for host, queue in hosts.items():
            deadline = deadlines.setdefault(host, now_s + budget_s)
            group.create_task(_examine_host(context, queue, room, group, done, deadline))


async def _examine_host(
    context: Context,
    queue: Sequence[PendingEntry],
    room: asyncio.Semaphore,
    group: asyncio.TaskGroup,
    done: asyncio.Queue[Result | None],
    deadline: float,
) -> None:
    """Fetch one host's pages in turn and hand each over; the next is fetched when there is room for it.

    When the host's time is over, or it asks for a pause, the rest of its pages is left for a later pass.
    """
    for item in queue:
        if asyncio.get_running_loop().time() >= deadline:
            return
        try:
            response = await context.client.fetch(item.entry.url)
            assert response is not None  # only a request with validators can be answered "not modified"
        except Deferred:
            return
        except ItemError as error:
            done.put_nowait(_result(item, error=error))
            continue
        await room.acquire()
        group.create_task(_examine_page(context, item, response, room, done))


async def _examine_page(
    context: Context,
    item: PendingEntry,
    response: Response,
    room: asyncio.Semaphore,
    done: asyncio.Queue[Result | None],
) -> None:
    source = context.config.source(item.source_id)
    job = ArticleJob(
        page=response.page(),
        entry=item.entry,
        zone=zone_of(source.country),
        min_words=context.config.settings.extraction.min_words,
        now=context.now(),
    )
    try:
        article = await context.workers.run(article_from, job, url=item.entry.url)
    except ItemError as error:
        done.put_nowait(_result(item, response, error=error))
    else:
        verdict = context.topics.judge(article)
        done.put_nowait(_result(item, response, article=article, verdict=verdict))
    finally:
        room.release()


def _result(
    item: PendingEntry,
    response: Response | None = None,
    *,
    article: Article | None = None,
    verdict: Verdict | None = None,
    error: ItemError | None = None,
) -> Result:
    return Result(
        key=item.key,
        entry=item.entry,
        source_id=item.source_id,
        attempts=item.attempts,
        url=response.url if response else None,
        retrieved_at=response.fetched_at if response else None,
        article=article,
        verdict=verdict,
        error=error,
    )


async def _place(
    context: Context, done: asyncio.Queue[Result | None], count: Callable[[list[Placement]], None]
) -> None:
    """Write results down as they come, a batch a transaction, until None arrives."""
    ended = False
    while not ended:
        batch: list[Result] = []
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
            count(await context.corpus.place(batch, now=context.now()))
