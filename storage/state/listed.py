"""Entries that archives name for a backfill: stored under the window that listed them, taken on by its period."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from extractors.period import Period
from extractors.records import Entry
from storage.index.dialects import by_code_point, in_chunks, insert_for
from storage.index.schema import urls, windows
from storage.state.entries import DueEntry, entry_row, is_due, is_waiting


async def store_listed(
    connection: AsyncConnection,
    source_id: str,
    entries: Sequence[tuple[str, Entry, str | None]],
    *,
    window: int,
    now: datetime,
) -> int:
    """Record entries (key, entry, address of an archived copy) as pending for a window. Return how many are new.

    An entry that an earlier window of the source listed moves to this window; an entry that a feed named stays with
    the monitor, and an entry of another source stays with that source.
    """
    new = 0
    for some in in_chunks(entries):
        listed = {key: (entry, copy) for key, entry, copy in some}
        rows = [
            {**entry_row(key, entry, source_id, now), "window": window, "archived_url": copy, "backfilled": True}
            for key, (entry, copy) in listed.items()
        ]
        statement = insert_for(connection, urls).on_conflict_do_nothing().returning(urls.c.key)
        new += len((await connection.execute(statement, rows)).all())
        listed_before = and_(urls.c.key.in_(list(listed)), urls.c.source_id == source_id, urls.c.window != window)
        # Another window loses entries that it has listed and not yet taken on: so it must be listed again.
        untried = select(urls.c.window).where(listed_before, urls.c.outcome.is_(None), urls.c.published.is_(None))
        await connection.execute(update(windows).where(windows.c.id.in_(untried)).values(complete=False))
        await connection.execute(update(urls).where(listed_before).values(window=window))
    return new


async def load_due_listed(
    connection: AsyncConnection, source_id: str, period: Period, *, now: datetime
) -> list[DueEntry]:
    """Return a source's due entries that may be of the period: dated in it, or undated in one of its windows."""
    columns = (urls.c.key, urls.c.url, urls.c.source_id, urls.c.published)
    query = select(*columns).where(urls.c.source_id == source_id, of_its_days(source_id, period), is_due(now, period))
    rows = await connection.execute(query.order_by(urls.c.published.nulls_first(), by_code_point(urls.c.key)))
    return [DueEntry(*row) for row in rows]


async def count_listed_pending(connection: AsyncConnection, source_id: str, period: Period) -> int:
    """Return how many entries the same command will try: not tried yet, or failed with attempts left."""
    query = select(func.count()).select_from(urls)
    query = query.where(urls.c.source_id == source_id, of_its_days(source_id, period), is_waiting())
    return int((await connection.execute(query)).scalar_one())


def of_its_days(source_id: str, period: Period) -> ColumnElement[bool]:
    """Return the condition that an entry of the source may be of the period."""
    touching = select(windows.c.id).where(
        windows.c.source_id == source_id, windows.c.last >= period.first, windows.c.first <= period.last
    )
    start, end = period.wide.moments(UTC)
    return or_(
        and_(urls.c.published >= start, urls.c.published < end),
        and_(urls.c.published.is_(None), urls.c.window.in_(touching)),
        urls.c.day.between(period.first, period.last),  # the page's own day; an earlier backfill left it out
    )
