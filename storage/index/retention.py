"""What the index forgets, so that no table grows without a bound: a few rows at a time, so that nobody waits.

Addresses, articles and digests are never forgotten: nothing would be new or sent once otherwise. docs/operating.md says
how large they become.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import Column, ColumnElement, Table, and_, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.index.schema import feed_parts, feeds, flags, hosts, runs, sightings, site_pages, turns

AT_ONCE = 500  # rows of a table
PASSES_KEPT = timedelta(days=30)  # of the monitor, each with a summary of all sources
RUNS_KEPT = timedelta(days=365)  # of backfills and digests
SIGHTINGS_KEPT = timedelta(days=90)  # which feeds have named an address
FEEDS_KEPT = timedelta(days=90)  # that are in the catalogue no more
HOSTS_KEPT = timedelta(days=60)  # after their robots.txt was last read; it is of no use after thirty
SITE_PAGES_KEPT = timedelta(days=365)  # lines of a site that has published nothing since
TURNS_KEPT = timedelta(days=7)
JUMP = timedelta(days=30)  # from one run to the next: the clock was wrong then, or is now
RUNS_TRUSTED = 20  # half a day of passes


async def is_time_sure(connection: AsyncConnection, *, now: datetime) -> bool:
    """Return whether the clock may be trusted with forgetting: it has not jumped since the last runs.

    One pass under a clock that is years ahead would forget what the next ones need; later is early enough.
    """
    last = select(runs.c.started_at).order_by(runs.c.id.desc()).limit(RUNS_TRUSTED)
    moments = [now, *(await connection.execute(last)).scalars()]
    return all(abs(later - earlier) <= JUMP for later, earlier in pairwise(moments))


async def forget(
    connection: AsyncConnection, *, now: datetime, watched_feeds: Collection[str], source_ids: Collection[str]
) -> int:
    """Delete rows that nobody needs any more, at most AT_ONCE of each table; return how many.

    `watched_feeds` and `source_ids` are those of the catalogue.
    """
    old_passes = and_(runs.c.kind == "monitor", runs.c.started_at < now - PASSES_KEPT)
    unwatched = and_(feeds.c.polled_at < now - FEEDS_KEPT, feeds.c.url.not_in(list(watched_feeds)))
    idle = or_(hosts.c.robots_at.is_(None), hosts.c.robots_at < now - HOSTS_KEPT)
    rules: list[tuple[Table, Column[object], ColumnElement[bool]]] = [
        (runs, runs.c.id, or_(old_passes, runs.c.started_at < now - RUNS_KEPT)),
        (feeds, feeds.c.url, unwatched),
        (feed_parts, feed_parts.c.feed_url, feed_parts.c.feed_url.not_in(select(feeds.c.url))),
        (sightings, sightings.c.key, sightings.c.seen_at < now - SIGHTINGS_KEPT),
        (hosts, hosts.c.host, and_(idle, or_(hosts.c.not_before.is_(None), hosts.c.not_before < now))),
        (site_pages, site_pages.c.key, site_pages.c.seen_at < now - SITE_PAGES_KEPT),
        (flags, flags.c.source_id, flags.c.source_id.not_in(list(source_ids))),
        (turns, turns.c.host, turns.c.free_at < (now - TURNS_KEPT).timestamp()),
    ]
    forgotten = 0
    for table, key, which in rules:
        some = (await connection.execute(select(key).where(which).distinct().limit(AT_ONCE))).scalars().all()
        if some:
            forgotten += (await connection.execute(delete(table).where(key.in_(some), which))).rowcount
    return forgotten
