"""The stored state of feeds and of each URL that they ever named.

An entry is stored as pending in the same transaction as the feed's validators, so a pass that dies afterwards loses
nothing: the next pass takes up entries without an outcome. A URL with a final outcome is never fetched again; a failed
URL is tried again after growing gaps and finally given up.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from extractors.period import Period
from extractors.records import Again, Entry, ItemError, Outcome
from storage.index.dialects import by_code_point, in_chunks, insert_for
from storage.index.schema import feeds, sightings, urls

RETRY_GAPS = (
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
    timedelta(days=2),
)
WRITTEN = "written"  # in `urls.details`: the link as the feed wrote it, if the address is mended from it
NOT_FINAL = tuple(outcome for outcome in Outcome if not outcome.final)


@dataclass(frozen=True, slots=True)
class FeedState:
    """The result of a feed's last polls: validators for the next poll, the body's hash, the failures in a row.

    `interval_s` is the time between polls that they suggest, `longest_s` the longest that surely misses no entry.
    """

    url: str
    etag: str | None = None
    last_modified: str | None = None
    body_hash: bytes | None = None
    failures: int = 0
    interval_s: int | None = None
    longest_s: int | None = None
    next_poll: datetime | None = None


@dataclass(frozen=True, slots=True)
class DueEntry:
    """An entry that a pass may take on."""

    key: str
    url: str
    source_id: str
    published: datetime | None


@dataclass(frozen=True, slots=True)
class PendingEntry:
    """An entry that waits for its first or its next attempt; `attempts` have been made."""

    key: str
    source_id: str
    entry: Entry
    attempts: int
    archived_url: str | None = None  # a copy of its page, for when it is gone


async def load_feed_states(connection: AsyncConnection, feed_urls: Sequence[str]) -> dict[str, FeedState]:
    """Return the remembered state of each feed; a new one's is empty."""
    columns = [feeds.c[field.name] for field in fields(FeedState)]
    rows = await connection.execute(select(*columns).where(feeds.c.url.in_(feed_urls)))
    known = {row.url: FeedState(*row) for row in rows}
    return {url: known.get(url, FeedState(url)) for url in feed_urls}


async def store_poll(connection: AsyncConnection, state: FeedState, *, source_id: str, now: datetime) -> None:
    """Store a successful poll. Call only in the transaction that stores its entries: with these validators the server
    sends only newer entries.
    """
    values = {"polled_at": now, "succeeded_at": now, "error": None, **_kept(state, source_id)}
    await _upsert_feed(connection, state.url, values)


async def store_failed_poll(
    connection: AsyncConnection, state: FeedState, *, source_id: str, error: str, now: datetime
) -> None:
    """Store that a poll failed; the validators stay those of the last body whose entries are stored."""
    values = {"polled_at": now, "error": error, **_kept(state, source_id)}
    await _upsert_feed(connection, state.url, values)


def _kept(state: FeedState, source_id: str) -> dict[str, Any]:
    kept = {field.name: getattr(state, field.name) for field in fields(state) if field.name != "url"}
    return {"source_id": source_id, **kept}


async def store_entries(
    connection: AsyncConnection, source_id: str, entries: Sequence[tuple[str, Entry]], *, now: datetime
) -> int:
    """Record a feed's entries as pending, unless their URL is known already. Return how many are new.

    Entries that only a backfill knew belong to the monitor from now on, whatever their date.
    """
    new = 0
    for some in in_chunks(entries):
        entry_of = dict(reversed(some))
        rows = [entry_row(key, entry, source_id, now) for key, entry in reversed(entry_of.items())]
        result = await connection.execute(
            insert_for(connection, urls).on_conflict_do_nothing().returning(urls.c.key), rows
        )
        new += len(result.all())
        seen = [{"key": key, "feed_url": entry.feed_url, "seen_at": now} for key, entry in entry_of.items()]
        await connection.execute(insert_for(connection, sightings).on_conflict_do_nothing(), seen)
        not_final = or_(urls.c.outcome.is_(None), urls.c.outcome.in_(NOT_FINAL))
        taken_over = update(urls).where(urls.c.key.in_(list(entry_of)), urls.c.window.is_not(None), not_final)
        await connection.execute(taken_over.values(window=None, outcome=None))
    return new


async def load_due(connection: AsyncConnection, source_ids: Iterable[str], *, now: datetime) -> list[DueEntry]:
    """Return the due entries of these sources, oldest and undated first: never tried, or failed and the gap is over."""
    columns = (urls.c.key, urls.c.url, urls.c.source_id, urls.c.published)
    query = select(*columns).where(urls.c.source_id.in_(list(source_ids)), urls.c.window.is_(None), is_due(now))
    rows = await connection.execute(
        query.order_by(urls.c.first_seen, urls.c.published.nulls_first(), by_code_point(urls.c.key))
    )
    return [DueEntry(*row) for row in rows]


async def load_pending(
    connection: AsyncConnection, keys: Sequence[str], *, now: datetime, period: Period | None = None
) -> list[PendingEntry]:
    """Return the entries that are still due, in the order given: another run may have settled some meanwhile."""
    rows: dict[str, PendingEntry] = {}
    for some in in_chunks(keys):
        query = select(urls).where(urls.c.key.in_(some), is_due(now, period))
        for row in await connection.execute(query):
            written = (row.details or {}).get(WRITTEN)
            entry = Entry(row.url, row.feed_url, row.title, row.summary, row.published, row.content, written=written)
            rows[row.key] = PendingEntry(row.key, row.source_id, entry, row.attempts, row.archived_url)
    return [rows[key] for key in keys if key in rows]


async def still_due(
    connection: AsyncConnection, keys: Collection[str], *, now: datetime, period: Period | None = None
) -> set[str]:
    """Return only the keys of the entries that `load_pending` would load."""
    found: set[str] = set()
    for some in in_chunks(sorted(keys)):
        query = select(urls.c.key).where(urls.c.key.in_(some), is_due(now, period))
        found.update((await connection.execute(query)).scalars())
    return found


def is_due(now: datetime, period: Period | None = None) -> ColumnElement[bool]:
    """Return the condition that an entry may be taken on: never tried, or failed and the gap is over.

    With the `period` of a backfill also entries of its days that lay outside an earlier backfill's period.
    """
    untried = urls.c.outcome.is_(None)
    again = and_(urls.c.outcome.in_(Outcome.which(Again.LATER)), urls.c.next_attempt <= now)
    if period is None:
        return or_(untried, again)
    of_its_days = urls.c.outcome.in_(Outcome.which(Again.OF_ITS_DAYS))
    return or_(untried, again, and_(of_its_days, urls.c.day.between(period.first, period.last)))


def is_waiting() -> ColumnElement[bool]:
    """Return the condition that a later pass will try an entry: not tried yet, or failed with attempts left."""
    return or_(urls.c.outcome.is_(None), urls.c.outcome.in_(Outcome.which(Again.LATER)))


def is_final() -> ColumnElement[bool]:
    """Return the condition that an entry has a final outcome: it is never fetched again."""
    return and_(urls.c.outcome.is_not(None), urls.c.outcome.not_in(NOT_FINAL))


async def count_pending(connection: AsyncConnection, source_ids: Iterable[str]) -> int:
    """Return how many entries of these sources a later pass will try: not tried yet, or failed with attempts left."""
    ours = (urls.c.source_id.in_(list(source_ids)), urls.c.window.is_(None))
    query = select(func.count()).select_from(urls).where(*ours, is_waiting())
    return int((await connection.execute(query)).scalar_one())


async def load_final(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, int | None]:
    """Return the entries with a final outcome, which are never fetched again, each with its article."""
    found: dict[str, int | None] = {}
    for some in in_chunks(keys):
        query = select(urls.c.key, urls.c.article).where(urls.c.key.in_(some), is_final())
        found |= {row.key: row.article for row in await connection.execute(query)}
    return found


@dataclass(frozen=True, slots=True)
class Settled:
    """The outcome of the entry `key`, and the grounds of the decision."""

    key: str
    outcome: Outcome
    reason: str
    next_attempt: datetime | None = None
    article: int | None = None
    words: int | None = None  # of the text; None: there was none
    dated: bool | None = None
    day: date | None = None
    details: dict[str, Any] | None = None


async def store_outcomes(connection: AsyncConnection, settled: Sequence[Settled], *, now: datetime) -> None:
    """Store how entries ended. A feed's full text is kept only while it may be needed."""
    names = [field.name for field in fields(Settled) if field.name != "key"]
    values = {name: bindparam(f"its_{name}", type_=urls.c[name].type) for name in names}
    statement = update(urls).where(urls.c.key == bindparam("its_key"))
    statement = statement.values(**values, decided_at=now, attempts=urls.c.attempts + 1)
    for final in (True, False):
        rows = [
            {f"its_{field.name}": getattr(one, field.name) for field in fields(one)}
            | {"its_outcome": one.outcome.value}
            for one in settled
            if one.outcome.final == final
        ]
        if rows:
            await connection.execute(statement.values(content=None) if final else statement, rows)


def retry_at(error: ItemError, *, attempts: int, now: datetime) -> datetime | None:
    """Return when an entry that failed after `attempts` earlier attempts is tried again; None: it is given up."""
    if attempts >= len(RETRY_GAPS):
        return None
    return max(now + RETRY_GAPS[attempts], error.retry_after or now)


async def _upsert_feed(connection: AsyncConnection, url: str, values: dict[str, Any]) -> None:
    statement = insert_for(connection, feeds).values(url=url, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=[feeds.c.url], set_=values))


def entry_row(key: str, entry: Entry, source_id: str, now: datetime) -> dict[str, Any]:
    """Return the row of `urls` for an entry that is new."""
    return {
        "key": key, "url": entry.url, "source_id": source_id, "feed_url": entry.feed_url, "title": entry.title,
        "summary": entry.summary, "content": entry.content, "published": entry.published, "first_seen": now,
        "attempts": 0, "details": {WRITTEN: entry.written} if entry.written else None,
    }  # fmt: skip
