"""The contents of a digest, read from the index: its articles, their reprints elsewhere, and the results of the passes.

Read-only. The caller chooses the numbers of the articles, see `storage.digests.outbox`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from extractors.records import SAME_TEXT, Match, Outcome, Relation
from storage.files.article_file import ArticleFile
from storage.files.reading import text_of
from storage.index.dialects import in_chunks
from storage.index.schema import articles, digest_articles, digests, events, relations, runs, urls, variants

BEGINNING = 3000  # characters of a file: enough for two sentences after bylines and captions
ONE_STORY = (Relation.TRANSLATION_OF, Relation.REPRINT, Relation.MERGE_CANDIDATE)  # of texts of one story


@dataclass(frozen=True, slots=True)
class DigestArticle:
    """An article as a digest needs it; `paragraphs` are the first ones, without the headline."""

    number: int
    title: str | None
    url: str | None
    source_id: str | None
    published: date | None
    language: str | None
    matches: tuple[Match, ...]
    borderline: bool
    paragraphs: tuple[str, ...]
    appended_at: datetime
    topic: str | None = None
    score: float = 0.0
    country: str | None = None  # that it is about, see `extractors.topic.country`


@dataclass(frozen=True, slots=True)
class Reprint:
    """A page elsewhere with the text of the article `number`."""

    number: int
    url: str
    source_id: str
    language: str | None  # None: not known


async def load_articles(connection: AsyncConnection, numbers: Collection[int]) -> list[DigestArticle]:
    """Return these articles in the order of their numbers."""
    columns = ("number", "title", "url", "canonical_url", "source_id", "published", "language", "matches", "borderline",
               "appended_at", "topic", "score", "story_country")  # fmt: skip
    beginning = func.substr(articles.c.body, 1, BEGINNING).label("beginning")
    query = select(*(articles.c[name] for name in columns), beginning)
    found = []
    for some in in_chunks(sorted(set(numbers))):
        rows = await connection.execute(query.where(articles.c.number.in_(some)).order_by(articles.c.number))
        found += [_article(row) for row in rows]
    return found


def _article(row: Any) -> DigestArticle:
    text = text_of(ArticleFile.parse(row.beginning.encode("utf-8")), row.title)
    return DigestArticle(
        number=row.number,
        title=row.title,
        url=row.url or row.canonical_url,
        source_id=row.source_id,
        published=row.published,
        language=row.language,
        matches=tuple(Match(*match) for match in row.matches or ()),
        borderline=bool(row.borderline),
        paragraphs=tuple(text.split("\n\n")),
        appended_at=row.appended_at,
        topic=row.topic,
        score=row.score or 0.0,
        country=row.story_country,
    )


async def load_events(connection: AsyncConnection, numbers: Collection[int]) -> dict[int, int]:
    """Return the event of each of these articles; leave out articles that have not been looked at yet."""
    found: dict[int, int] = {}
    for some in in_chunks(sorted(set(numbers))):
        rows = await connection.execute(select(events.c.number, events.c.event).where(events.c.number.in_(some)))
        found.update((row.number, row.event) for row in rows)
    return found


async def load_told_before(
    connection: AsyncConnection, name: str, numbers: Collection[int]
) -> dict[int, tuple[datetime, str]]:
    """Return, by event, when a digest of this name first told of it and the stem of the last that did.

    The events are those of these articles; leave out what no digest has told of.
    """
    wanted = set((await load_events(connection, numbers)).values())
    found: dict[int, tuple[datetime, str]] = {}
    query = (
        select(events.c.event, digests.c.created_at, digests.c.stem)
        .join(digest_articles, digest_articles.c.number == events.c.number)
        .join(digests, digests.c.id == digest_articles.c.digest)
        .where(digest_articles.c.name == name)
        .order_by(digests.c.id)
    )
    for some in in_chunks(sorted(wanted)):
        for row in await connection.execute(query.where(events.c.event.in_(some))):
            first, _ = found.get(row.event, (row.created_at, row.stem))
            found[row.event] = first, row.stem
    return found


async def load_tellings(connection: AsyncConnection, numbers: Collection[int]) -> list[tuple[int, int]]:
    """Return pairs among these articles that tell the same story in the same words or in two languages."""
    wanted, found = set(numbers), []
    query = select(relations.c.number, relations.c.other).where(relations.c.kind.in_(ONE_STORY))
    for some in in_chunks(sorted(set(numbers))):
        rows = await connection.execute(query.where(relations.c.number.in_(some)))
        found += [(row.number, row.other) for row in rows if row.other in wanted]
    return sorted(found)


async def load_reprints(
    connection: AsyncConnection, numbers: Collection[int], *, sources: Collection[str], since: datetime
) -> list[Reprint]:
    """Return other pages with the texts of these articles: edited, or word for word in one of `sources`.

    Pages that came before `since` are left out.
    """
    wanted = set(numbers)
    columns = (variants.c.number, variants.c.url, variants.c.source_id, variants.c.language, variants.c.id)
    found = []
    for some in in_chunks(sorted(set(numbers))):
        chosen = variants.c.number.in_(some), variants.c.relation == Relation.REPRINT
        rows = await connection.execute(select(*columns).where(*chosen).order_by(variants.c.id))
        found += [Reprint(row.number, row.url, row.source_id, row.language) for row in rows]
    same = (
        select(urls.c.article, urls.c.url, urls.c.source_id)
        .where(urls.c.source_id.in_(sources), urls.c.decided_at >= since)  # by the index on both
        .where(urls.c.outcome == Outcome.DUPLICATE, urls.c.reason == SAME_TEXT)
        .order_by(urls.c.decided_at, urls.c.url)
    )
    rows = await connection.execute(same)
    return [*found, *(Reprint(row.article, row.url, row.source_id, None) for row in rows if row.article in wanted)]


async def load_days(connection: AsyncConnection, first: date, last: date) -> Counter[tuple[date, str | None]]:
    """Return the number of articles dated on each day from `first` to `last`, by source."""
    query = (
        select(articles.c.published, articles.c.source_id, func.count().label("count"))
        .where(articles.c.published.between(first, last))
        .group_by(articles.c.published, articles.c.source_id)
    )
    return Counter({(row.published, row.source_id): row.count for row in await connection.execute(query)})


@dataclass(frozen=True, slots=True)
class CountedArticle:
    """An article as the figures of a week count it. `event` is its event, or itself."""

    number: int
    day: date
    source_id: str | None
    country: str | None  # that it is about
    event: int
    terms: tuple[str, ...]


async def load_counted(connection: AsyncConnection, first: date, last: date) -> list[CountedArticle]:
    """Return the articles dated in this time, in the order of their numbers."""
    columns = ("number", "published", "source_id", "story_country", "matches")
    query = (
        select(*(articles.c[name] for name in columns), events.c.event)
        .outerjoin(events, events.c.number == articles.c.number)
        .where(articles.c.published.between(first, last), articles.c.borderline.is_not(True))
        .order_by(articles.c.number)
    )
    found = []
    for row in await connection.execute(query):
        event = row.number if row.event is None else row.event
        terms = tuple(dict.fromkeys(term for _, term, *_ in row.matches or ()))
        found.append(CountedArticle(row.number, row.published, row.source_id, row.story_country, event, terms))
    return found


async def load_passes(connection: AsyncConnection, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """Return the summaries of the monitor's and the backfill's passes that ended in this time, in order."""
    query = (
        select(runs.c.summary)
        .where(runs.c.finished_at > since, runs.c.finished_at <= until, runs.c.kind.in_(("monitor", "backfill")))
        .order_by(runs.c.finished_at, runs.c.id)
    )
    return [row.summary for row in await connection.execute(query) if row.summary]
