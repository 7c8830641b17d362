"""Rows of the index that a source's health is read from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert

from storage.health.sources import load_health
from storage.index.database import Database
from storage.index.schema import feeds, urls

NOW = datetime(2026, 3, 23, 9, 0, tzinfo=UTC)  # a Monday


async def store_feed(
    database: Database, source_id: str, *, failures: int = 0, success: datetime | None = NOW, path: str = "rss"
) -> None:
    async with database.write() as c:
        values = {"polled_at": NOW, "succeeded_at": success, "failures": failures}
        await c.execute(insert(feeds).values(url=f"https://{source_id}.kz/{path}", source_id=source_id, **values))


async def store_urls(database: Database, source_id: str, times: Sequence[datetime], **values: Any) -> None:
    """Entries published and seen at these times, as rows; `published` and the like for all of them."""
    async with database.write() as c:
        for number, at in enumerate(times):
            row = {"published": at, "first_seen": at, "decided_at": at, "outcome": "off_topic", "words": 400,
                   "dated": True, **values}  # fmt: skip
            key = f"https://{source_id}.kz/{at.timestamp()}/{number}"
            await c.execute(insert(urls).values(key=key, url=key, source_id=source_id, feed_url="f", attempts=1, **row))


async def health_of(database: Database, *source_ids: str, now: datetime = NOW) -> Any:
    async with database.read() as connection:
        return await load_health(connection, source_ids, now=now)
