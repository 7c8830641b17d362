"""Entries that wait under the id of a source that is not watched: it was renamed, removed or switched off.

They follow the source whose feed names them now. Those that no watched feed names are counted, so that nobody has to
guess that they are there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.index.dialects import in_chunks
from storage.index.schema import sightings, urls
from storage.state.entries import is_waiting


async def count_orphans(connection: AsyncConnection, watched: Collection[str]) -> dict[str, int]:
    """Return how many entries wait for a monitor under each source id that is not `watched`."""
    found: dict[str, int] = {}
    for source_id in await _others(connection, watched):
        query = select(func.count()).where(urls.c.source_id == source_id, urls.c.window.is_(None), is_waiting())
        if count := (await connection.execute(query)).scalar_one():
            found[source_id] = count
    return found


async def adopt_orphans(connection: AsyncConnection, owner_of: Mapping[str, str], watched: Collection[str]) -> int:
    """Give entries that wait under other ids to the `watched` sources whose feeds name them; return how many.

    `owner_of` is the id of each watched feed's source.
    """
    adopted = 0
    for source_id in await _others(connection, watched):
        query = (
            select(urls.c.key, sightings.c.feed_url)
            .join(sightings, sightings.c.key == urls.c.key)
            .where(urls.c.source_id == source_id, urls.c.window.is_(None), is_waiting())
            .order_by(sightings.c.seen_at)
        )
        rows = await connection.execute(query)
        feed_of = {row.key: row.feed_url for row in rows if row.feed_url in owner_of}
        adopted += len(feed_of)
        for feed_url in dict.fromkeys(feed_of.values()):
            values = {"source_id": owner_of[feed_url], "feed_url": feed_url}
            for keys in in_chunks([key for key, feed in feed_of.items() if feed == feed_url]):
                await connection.execute(update(urls).where(urls.c.key.in_(keys)).values(**values))
    return adopted


async def _others(connection: AsyncConnection, watched: Collection[str]) -> list[str]:
    """Return the source ids in the index that are not watched, by as many steps in its index as there are ids."""
    first = select(func.min(urls.c.source_id).label("id")).cte("ids", recursive=True)
    following = select(func.min(urls.c.source_id)).where(urls.c.source_id > first.c.id).scalar_subquery()
    ids = first.union_all(select(following).where(first.c.id.is_not(None)))
    rows = (await connection.execute(select(ids.c.id).where(ids.c.id.is_not(None)))).scalars()
    return [source_id for source_id in rows if source_id not in watched]
