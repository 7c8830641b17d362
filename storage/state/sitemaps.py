"""The stored state of the sitemaps behind a feed's address, which tells new entries from known ones."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, exists, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from extractors.records import Counted, Outcome
from extractors.urls import canonical_url
from storage.index.dialects import by_code_point, in_chunks
from storage.index.schema import articles, feed_parts, refused_texts, sightings, urls

_DIGITS = re.compile(r"\d+")


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


async def are_articles(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, bool | None]:
    """Say of each known address whether its page gave an article of its own; None: it was not tried yet.

    A site may answer to any number with one page. So what repeats an article of its own source or leads to another
    address is none, nor what is off topic and has the headline or the words of another one.
    """
    found: dict[str, bool | None] = {}
    told: dict[str, tuple[str, ...]] = {}
    for some in in_chunks(keys):
        query = (
            select(
                urls.c.key, urls.c.outcome, urls.c.source_id, urls.c.words, articles.c.source_id.label("owner"),
                articles.c.url.label("answered"),
                refused_texts.c.title.label("headline"), refused_texts.c.text,
            )
            .outerjoin(articles, articles.c.number == urls.c.article)
            .outerjoin(refused_texts, refused_texts.c.key == urls.c.key)
            .where(urls.c.key.in_(some))
        )  # fmt: skip
        for row in await connection.execute(query):
            found[row.key] = None if row.outcome is None else _is_article(row)
            if row.outcome == Outcome.OFF_TOPIC and row.text is not None:
                told[row.key] = (f"headline {row.headline}", _DIGITS.sub("#", row.text))
    counts = Counter(one for both in told.values() for one in both)
    return found | {key: False for key, both in told.items() if any(counts[one] > 1 for one in both)}


def _is_article(row: Row[Any]) -> bool:
    if row.outcome == Outcome.APPENDED:
        return row.answered is None or canonical_url(row.answered) == row.key
    if row.outcome in Outcome.which(Counted.DUPLICATES):
        return bool(row.owner != row.source_id)
    return row.outcome in (Outcome.OFF_TOPIC, Outcome.OUTSIDE) and row.words is not None


async def forget_steps(connection: AsyncConnection, feed_url: str, keys: Sequence[str]) -> None:
    """Delete those of these addresses that were tried, unless another feed has named them."""
    others = exists().where(sightings.c.key == urls.c.key, sightings.c.feed_url != feed_url)
    query = select(urls.c.key).where(
        urls.c.key.in_(keys), urls.c.feed_url == feed_url, urls.c.outcome != Outcome.APPENDED, ~others
    )
    tried = list((await connection.execute(query)).scalars())
    await connection.execute(delete(sightings).where(sightings.c.key.in_(tried)))
    await connection.execute(delete(urls).where(urls.c.key.in_(tried)))
