"""What is remembered of feeds and of every URL they ever named.

An entry is recorded as pending in the same transaction as the feed's validators, so a pass that dies afterwards
forgets nothing: the next one takes up what has no outcome yet. A URL with a final outcome is never fetched again;
a failed one comes back after growing gaps and is given up at last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from extractors.records import Entry, ItemError, Outcome
from storage.schema import feeds, sightings, urls

RETRY_GAPS = (
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
    timedelta(days=2),
)
ROWS_PER_STATEMENT = 500  # SQLite takes at most 32,766 parameters in one


@dataclass(frozen=True, slots=True)
class FeedState:
    """What the last polls of a feed left: validators for the next one, the body's hash, the failures in a row.

    `interval_s` is the time between polls that they suggest, `longest_s` the longest that is sure to miss nothing.
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


async def load_feed_states(connection: AsyncConnection, feed_urls: Sequence[str]) -> dict[str, FeedState]:
    """The remembered state of each feed; a new one's is empty."""
    columns = [feeds.c[field.name] for field in fields(FeedState)]
    rows = await connection.execute(select(*columns).where(feeds.c.url.in_(feed_urls)))
    known = {row.url: FeedState(*row) for row in rows}
    return {url: known.get(url, FeedState(url)) for url in feed_urls}


async def store_poll(connection: AsyncConnection, state: FeedState, *, source_id: str, now: datetime) -> None:
    """Remember a successful poll. Only in the transaction that stores its entries: a server that is then asked for
    what is new since these validators must not be asked in vain.
    """
    values = {"polled_at": now, "succeeded_at": now, "error": None, **_kept(state, source_id)}
    await _upsert_feed(connection, state.url, values)


async def store_failed_poll(
    connection: AsyncConnection, state: FeedState, *, source_id: str, error: str, now: datetime
) -> None:
    """Remember that a poll failed; the validators stay those of the last body whose entries we have."""
    values = {"polled_at": now, "error": error, **_kept(state, source_id)}
    await _upsert_feed(connection, state.url, values)


def _kept(state: FeedState, source_id: str) -> dict[str, Any]:
    kept = {field.name: getattr(state, field.name) for field in fields(state) if field.name != "url"}
    return {"source_id": source_id, **kept}


async def store_entries(
    connection: AsyncConnection, source_id: str, entries: Sequence[tuple[str, Entry]], *, now: datetime
) -> int:
    """Record entries as pending, unless their URL is known already. Returns how many are new."""
    new = 0
    for start in range(0, len(entries), ROWS_PER_STATEMENT):
        part = dict(reversed(entries[start : start + ROWS_PER_STATEMENT]))
        rows = [_row(key, entry, source_id, now) for key, entry in reversed(part.items())]
        result = await connection.execute(insert(urls).on_conflict_do_nothing().returning(urls.c.key), rows)
        new += len(result.all())
        seen = [{"key": key, "feed_url": entry.feed_url, "seen_at": now} for key, entry in part.items()]
        await connection.execute(insert(sightings).on_conflict_do_nothing(), seen)
    return new


async def load_due(connection: AsyncConnection, source_ids: Iterable[str], *, now: datetime) -> list[DueEntry]:
    """These sources' entries that are due, oldest first: never tried, or failed and the gap is over."""
    columns = (urls.c.key, urls.c.url, urls.c.source_id, urls.c.published)
    query = select(*columns).where(urls.c.source_id.in_(list(source_ids)), _due(now))
    rows = await connection.execute(query.order_by(urls.c.first_seen, urls.c.published, urls.c.key))
    return [DueEntry(*row) for row in rows]


async def load_pending(connection: AsyncConnection, keys: Sequence[str], *, now: datetime) -> list[PendingEntry]:
    """Those of the entries that are still due, in the order given: another run may have settled some meanwhile."""
    rows: dict[str, PendingEntry] = {}
    for start in range(0, len(keys), ROWS_PER_STATEMENT):
        query = select(urls).where(urls.c.key.in_(keys[start : start + ROWS_PER_STATEMENT]), _due(now))
        for row in await connection.execute(query):
            entry = Entry(row.url, row.feed_url, row.title, row.summary, row.published, row.content)
            rows[row.key] = PendingEntry(row.key, row.source_id, entry, row.attempts)
    return [rows[key] for key in keys if key in rows]


def _due(now: datetime) -> ColumnElement[bool]:
    untried = urls.c.outcome.is_(None)
    again = and_(urls.c.outcome == Outcome.FAILED.value, urls.c.next_attempt <= now)
    return or_(untried, again)


async def count_pending(connection: AsyncConnection, source_ids: Iterable[str]) -> int:
    """How many entries of these sources a later pass will try: not tried yet, or failed with attempts left."""
    waiting = or_(urls.c.outcome.is_(None), urls.c.outcome == Outcome.FAILED.value)
    query = select(func.count()).select_from(urls).where(urls.c.source_id.in_(list(source_ids)), waiting)
    return int((await connection.execute(query)).scalar_one())


async def load_final_outcome(connection: AsyncConnection, key: str) -> Row[Any, Any] | None:
    """The outcome and article of an entry that is never fetched again; None while it is still to be tried."""
    query = select(urls.c.outcome, urls.c.article).where(urls.c.key == key, urls.c.outcome.is_not(None))
    return (await connection.execute(query.where(urls.c.outcome != Outcome.FAILED.value))).first()


async def store_outcome(
    connection: AsyncConnection,
    key: str,
    outcome: Outcome,
    *,
    reason: str,
    now: datetime,
    next_attempt: datetime | None = None,
    article: int | None = None,
    words: int | None = None,
    dated: bool | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Write down how the entry ended. The feed's full text is only kept while it may still be needed."""
    values: dict[str, Any] = {
        "outcome": outcome.value, "reason": reason, "details": details, "article": article, "decided_at": now,
        "attempts": urls.c.attempts + 1, "next_attempt": next_attempt,
        "words": words, "dated": dated,
    }  # fmt: skip
    if outcome is not Outcome.FAILED:
        values["content"] = None
    await connection.execute(update(urls).where(urls.c.key == key).values(values))


def retry_at(error: ItemError, *, attempts: int, now: datetime) -> datetime | None:
    """When an entry that failed after `attempts` earlier attempts is tried again; None: it is given up."""
    if attempts >= len(RETRY_GAPS):
        return None
    return max(now + RETRY_GAPS[attempts], error.retry_after or now)


async def _upsert_feed(connection: AsyncConnection, url: str, values: dict[str, Any]) -> None:
    statement = insert(feeds).values(url=url, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=[feeds.c.url], set_=values))


def _row(key: str, entry: Entry, source_id: str, now: datetime) -> dict[str, Any]:
    return {
        "key": key, "url": entry.url, "source_id": source_id, "feed_url": entry.feed_url, "title": entry.title,
        "summary": entry.summary, "content": entry.content, "published": entry.published, "first_seen": now,
        "attempts": 0,
    }  # fmt: skip
