"""The past digests, read back from the outbox for the files that show them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.files.article_file import ArticleFile
from storage.index.dialects import in_chunks
from storage.index.schema import articles, digest_articles, digests, events


@dataclass(frozen=True, slots=True)
class Issue:
    """One digest that has appeared."""

    stem: str  # of its files
    name: str
    created_at: datetime
    articles: int


@dataclass(frozen=True, slots=True)
class FeedArticle:
    """An article as taken from its site, with the moment when it was first in a digest."""

    id: str
    title: str | None
    url: str | None
    source_id: str | None
    authors: tuple[str, ...]
    language: str | None
    published: date | None
    paragraphs: tuple[str, ...]  # without the headline
    country: str | None  # that it is about
    event: int | None
    added_at: datetime
    published_at: datetime | None = None


async def load_issues(connection: AsyncConnection) -> list[Issue]:
    """Return the digests that have appeared, the newest first."""
    count = select(func.count()).where(digest_articles.c.digest == digests.c.id).scalar_subquery()
    query = (
        select(digests.c.stem, digests.c.name, digests.c.created_at, count.label("articles"))
        .where(~digests.c.stem.startswith("."))  # a stem with a dot only marks how far a digest has got
        .order_by(digests.c.id.desc())
    )
    return [Issue(*row) for row in await connection.execute(query)]


@dataclass(frozen=True, slots=True)
class Headline:
    """The headline of an article in a digest; `outlets` have told its event there."""

    title: str
    language: str | None
    outlets: int
    score: float
    event: int


async def load_headlines(connection: AsyncConnection, stems: Sequence[str]) -> dict[str, list[Headline]]:
    """Return the headlines of these digests, by stem."""
    found: dict[str, list[Headline]] = {}
    outlets: defaultdict[tuple[str, int], set[str | None]] = defaultdict(set)
    rows: list[Any] = []
    query = (
        select(digests.c.stem, articles.c.number, articles.c.title, articles.c.language, articles.c.score,
               articles.c.source_id, events.c.event)
        .join(digest_articles, digest_articles.c.digest == digests.c.id)
        .join(articles, articles.c.number == digest_articles.c.number)
        .outerjoin(events, events.c.number == articles.c.number)
        .order_by(articles.c.number)
    )  # fmt: skip
    for some in in_chunks(stems):
        rows += (await connection.execute(query.where(digests.c.stem.in_(some)))).all()
    for row in rows:
        outlets[row.stem, row.number if row.event is None else row.event].add(row.source_id)
    for row in rows:
        event = row.number if row.event is None else row.event
        if row.title:
            one = Headline(row.title, row.language, len(outlets[row.stem, event]), row.score or 0.0, event)
            found.setdefault(row.stem, []).append(one)
    return found


async def load_files(connection: AsyncConnection, stem: str) -> tuple[bytes, bytes]:
    """Return the page and the message of a digest; both are empty when they have left the index."""
    row = (await connection.execute(select(digests.c.page, digests.c.message).where(digests.c.stem == stem))).one()
    return row.page, row.message


async def load_feed_articles(connection: AsyncConnection, limit: int) -> list[FeedArticle]:
    """Return the `limit` articles that came into a digest last, the newest first."""
    first = (
        select(digest_articles.c.number, func.min(digest_articles.c.digest).label("digest"))
        .group_by(digest_articles.c.number)
        .subquery()
    )
    query = (
        select(articles, digests.c.created_at, events.c.event)
        .join(first, first.c.number == articles.c.number)
        .join(digests, digests.c.id == first.c.digest)
        .outerjoin(events, events.c.number == articles.c.number)
        .order_by(first.c.digest.desc(), articles.c.number.desc())
        .limit(limit)
    )
    found = []
    for row in await connection.execute(query):
        paragraphs = ArticleFile.parse(row.body.encode("utf-8")).paragraphs
        title = row.title or (paragraphs[0] if paragraphs else None)
        found.append(
            FeedArticle(
                id=row.id,
                title=title,
                url=row.url or row.canonical_url,
                source_id=row.source_id,
                authors=tuple(row.authors or ()),
                language=row.language,
                published=row.published,
                paragraphs=tuple(paragraph for paragraph in paragraphs if paragraph != title),
                country=row.story_country,
                event=row.event,
                added_at=row.created_at,
                published_at=row.published_at,
            )
        )
    return found
