"""The texts of articles that were refused lately: a changed topic can be tried on them without fetching anything.

They are kept for some days and up to some number; texts that a reader has judged are kept with the judgement.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from config.settings import Refused
from extractors.records import Article, Counted, Entry, Extracted, Found, Outcome
from storage.index.dialects import by_code_point, insert_for
from storage.index.schema import marks, refused_texts, urls

_KEPT = "kept text"  # the method, and the origin of the date, of an article that is made of a kept text
MAX_CHARACTERS = 100_000  # as much of a text as the topic reads


def refused_row(result: Found, now: datetime) -> dict[str, Any]:
    """Return the row for an article that is off topic."""
    article = result.article
    return {
        "key": result.key, "title": article.title, "language": article.language,
        "text": article.text[:MAX_CHARACTERS], "judged_at": now,
    }  # fmt: skip


async def load_refused(connection: AsyncConnection, since: datetime) -> AsyncIterator[tuple[Extracted, bool]]:
    """Yield what was refused since then, the newest first, and whether its text is kept.

    Without it the article is headline and summary as the feed gave them.
    """
    texts = (refused_texts.c.text, refused_texts.c.title.label("headline"), refused_texts.c.language)
    query = select(urls, *texts).outerjoin(refused_texts, refused_texts.c.key == urls.c.key)
    query = query.where(urls.c.outcome.in_(Outcome.which(Counted.OFF_TOPIC)), urls.c.decided_at >= since)
    async for row in await connection.stream(query.order_by(urls.c.decided_at.desc(), by_code_point(urls.c.key))):
        entry = Entry(row.url, row.feed_url, row.title, row.summary, row.published)
        has_text = row.text is not None
        article = Article(
            paragraphs=tuple(row.text.split("\n\n")) if has_text else tuple(filter(None, [row.summary])),
            title=row.headline if has_text else row.title, authors=(), published=row.day,
            date_origin=_KEPT if row.day else None, language=row.language, method=_KEPT,
        )  # fmt: skip
        yield Extracted(row.key, entry, row.source_id, row.url, row.decided_at, row.attempts, article=article), has_text


async def store_refused(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Store these texts; each replaces an earlier text of its page."""
    if rows:
        statement = insert_for(connection, refused_texts)
        new = {name: statement.excluded[name] for name in ("title", "language", "text", "judged_at")}
        await connection.execute(
            statement.on_conflict_do_update(index_elements=[refused_texts.c.key], set_=new), list(rows)
        )


async def forget_refused(connection: AsyncConnection, limits: Refused, *, now: datetime) -> None:
    """Delete texts that are too old or too many, the oldest first; never a text that a reader has judged."""
    oldest = now - timedelta(days=limits.keep_days)
    newest = select(refused_texts.c.judged_at).order_by(refused_texts.c.judged_at.desc())
    beyond = (await connection.execute(newest.offset(limits.keep_texts).limit(1))).scalar()
    if beyond is not None:
        oldest = max(oldest, beyond + timedelta(milliseconds=1))
    await connection.execute(
        delete(refused_texts).where(refused_texts.c.judged_at < oldest, refused_texts.c.key.not_in(select(marks.c.key)))
    )
