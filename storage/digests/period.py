"""The articles of any period, whether digests have told them or not, and which digests have. Read-only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from extractors.period import Period
from storage.digests.outbox import candidates
from storage.index.schema import articles, digest_articles, digests


async def choose_of(
    connection: AsyncConnection,
    name: str,
    period: Period,
    *,
    found: bool,
    again: bool,
    zone: ZoneInfo,
    topic: str | None = None,
    languages: Collection[str] = (),
    is_of_country: Callable[[str, str], bool] | None = None,
) -> tuple[int, ...]:
    """Return the articles of a period, in the order of their numbers.

    They are dated in it, or with `found` have come into the corpus in it, by the clock of `zone`. Without `again`
    those are left out that a digest of this name has told.
    """
    conditions = [articles.c.url.is_not(None), *_within(period, found=found, zone=zone)]
    if not again:
        conditions.append(
            ~exists().where(digest_articles.c.name == name, digest_articles.c.number == articles.c.number)
        )
    if languages:
        conditions.append(articles.c.language.in_(sorted(languages)))
    rows = await candidates(connection, conditions, topic=topic, is_of_country=is_of_country)
    return tuple(row.number for row in rows)


async def load_told(
    connection: AsyncConnection,
    name: str,
    *,
    since: datetime | None = None,
    period: Period | None = None,
    found: bool = False,
    zone: ZoneInfo | None = None,
) -> Mapping[str, int]:
    """Return how many of the articles of a time the digests of this name have told, by the digests' stems.

    The time is a period, or what has come into the corpus `since` a moment.
    """
    conditions = [articles.c.appended_at >= since] if since is not None else []
    if period is not None and zone is not None:
        conditions += _within(period, found=found, zone=zone)
    query = (
        select(digests.c.stem, func.count().label("number"))
        .join(digest_articles, digest_articles.c.digest == digests.c.id)
        .join(articles, articles.c.number == digest_articles.c.number)
        .where(digest_articles.c.name == name, *conditions)
        .group_by(digests.c.id, digests.c.stem)
        .order_by(digests.c.id)
    )
    return {row.stem: row.number for row in await connection.execute(query)}


def _within(period: Period, *, found: bool, zone: ZoneInfo) -> list[ColumnElement[bool]]:
    if not found:
        return [articles.c.published.between(period.first, period.last)]
    begin, end = period.moments(zone)
    return [articles.c.appended_at >= begin, articles.c.appended_at < end]
