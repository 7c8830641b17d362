"""The stored state of the sitemaps behind a feed's address, which tells new entries from known ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.index.dialects import by_code_point
from storage.index.schema import feed_parts


@dataclass(frozen=True, slots=True)
class PartState:
    """The result of the last reading of a sitemap: its validators, its body's hash, the hashes of the pages it named.

    A feed that is a plain sitemap has itself as its part. `rank` is 0 for sitemaps that are asked at each poll.
    """

    url: str
    read_at: datetime
    rank: int = 0
    etag: str | None = None
    last_modified: str | None = None
    body_hash: bytes | None = None
    listed: bytes = b""


async def load_parts(connection: AsyncConnection, feed_urls: Sequence[str]) -> dict[str, tuple[PartState, ...]]:
    """Return the parts of each of these feeds, by rank; leave out feeds that are not sitemaps."""
    columns = [feed_parts.c[field.name] for field in fields(PartState)]
    query = select(feed_parts.c.feed_url, *columns).where(feed_parts.c.feed_url.in_(feed_urls))
    found: dict[str, list[PartState]] = defaultdict(list)
    for feed_url, *values in await connection.execute(
        query.order_by(feed_parts.c.rank, by_code_point(feed_parts.c.url))
    ):
        found[feed_url].append(PartState(*values))
    return {feed_url: tuple(parts) for feed_url, parts in found.items()}


async def store_parts(connection: AsyncConnection, feed_url: str, parts: Sequence[PartState]) -> None:
    """Store these parts of the feed; delete its others. Call only in the transaction that stores their entries."""
    await connection.execute(delete(feed_parts).where(feed_parts.c.feed_url == feed_url))
    if parts:
        await connection.execute(insert(feed_parts), [{"feed_url": feed_url, **asdict(part)} for part in parts])
