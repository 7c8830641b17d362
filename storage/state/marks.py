"""Readers' judgements of articles, on topic or not; and the articles of the index to try a topic on.

The whole text is available for articles of the corpus and for lately refused ones (`storage.state.refused`). For pages
that were never extracted, or whose text is forgotten, only headline and summary from the feed are left.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from extractors.records import Article, Counted, Outcome
from storage.files.article_file import ArticleFile
from storage.index.dialects import by_code_point, insert_for
from storage.index.schema import articles, marks, refused_texts, urls

REFUSED = Outcome.which(Counted.OFF_TOPIC)
TEXT, SUMMARY = "text", "headline and summary"  # the possible bases of a judgement


@dataclass(frozen=True, slots=True)
class Judged:
    """An article that was kept or refused, with its remaining text to judge it again.

    `relevant` is the former outcome, None if undecided; `mark` is a reader's judgement, if any.
    """

    key: str  # canonical URL; for an adopted article without a URL the name of its file
    article: Article
    basis: str  # TEXT or SUMMARY
    relevant: bool | None
    reason: str
    mark: bool | None = None


async def find_judged(connection: AsyncConnection, key: str) -> Judged | None:
    """Return the page at `key`: its article, or the article that it repeats. None for an unknown address."""
    row = (await connection.execute(select(urls.c.article).where(urls.c.key == key))).first()
    number = row.article if row is not None else None
    by = articles.c.number == number if number is not None else articles.c.canonical_url == key
    found = [judged async for judged in _kept(connection, by)]
    found = found or [judged async for judged in _others(connection, urls.c.key == key)]
    return found[0] if found else None


async def store_mark(connection: AsyncConnection, key: str, *, relevant: bool, now: datetime) -> None:
    """Store a judgement; it replaces an earlier one."""
    values = {"relevant": relevant, "marked_at": now}
    statement = insert_for(connection, marks).values(key=key, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=[marks.c.key], set_=values))


async def load_marked(connection: AsyncConnection) -> AsyncIterator[Judged]:
    """Yield the articles that have been marked, in the order of the addresses."""
    query = select(marks.c.key).order_by(by_code_point(marks.c.key))
    for key in (await connection.execute(query)).scalars().all():
        if judged := await find_judged(connection, key):
            yield judged


async def load_judged(connection: AsyncConnection, since: datetime) -> AsyncIterator[Judged]:
    """Yield the articles kept since then, in the order of their numbers, then the refused ones, the newest first."""
    async for judged in _kept(connection, articles.c.appended_at >= since):
        yield judged
    async for judged in _others(connection, and_(urls.c.outcome.in_(REFUSED), urls.c.decided_at >= since)):
        yield judged


async def _kept(connection: AsyncConnection, which: ColumnElement[bool]) -> AsyncIterator[Judged]:
    columns = (
        articles.c.number, articles.c.canonical_url, articles.c.file, articles.c.title,
        articles.c.language, articles.c.body, articles.c.why,
    )  # fmt: skip
    query = select(*columns, marks.c.relevant.label("mark")).where(which)
    query = query.outerjoin(marks, marks.c.key == articles.c.canonical_url)
    async for row in await connection.stream(query.order_by(articles.c.number)):
        paragraphs = list(ArticleFile.parse(row.body.encode("utf-8")).paragraphs)
        if row.title and paragraphs and paragraphs[0] == row.title:
            del paragraphs[0]  # the file of an undated article begins with its headline
        yield Judged(
            key=row.canonical_url or row.file,
            article=_article(paragraphs, row.title, row.language),
            basis=TEXT,
            relevant=True,
            reason=row.why or "adopted",
            mark=row.mark,
        )


async def _others(connection: AsyncConnection, which: ColumnElement[bool]) -> AsyncIterator[Judged]:
    columns = (urls.c.key, urls.c.title, urls.c.summary, urls.c.outcome, urls.c.reason)
    kept = (
        refused_texts.c.text, refused_texts.c.title.label("headline"), refused_texts.c.language,
        marks.c.relevant.label("mark"),
    )  # fmt: skip
    query = select(*columns, *kept).outerjoin(refused_texts, refused_texts.c.key == urls.c.key)
    query = query.outerjoin(marks, marks.c.key == urls.c.key).where(which)
    async for row in await connection.stream(query.order_by(urls.c.decided_at.desc(), by_code_point(urls.c.key))):
        yield _refused(row)


def _refused(row: Any) -> Judged:
    if row.text is not None:
        article = _article(row.text.split("\n\n"), row.headline, row.language)
    else:
        article = _article([row.summary] if row.summary else [], row.title, None)
    return Judged(
        key=row.key,
        article=article,
        basis=SUMMARY if row.text is None else TEXT,
        relevant=False if row.outcome in REFUSED else None,
        reason=row.reason or "not tried yet",
        mark=row.mark,
    )


def _article(paragraphs: list[str], title: str | None, language: str | None) -> Article:
    return Article(tuple(paragraphs), title, (), None, None, language, "index")
