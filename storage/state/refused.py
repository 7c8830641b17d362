"""The texts of articles that were refused lately: a changed topic can be tried on them without fetching anything.

They are kept for some days and up to some number; texts that a reader has judged are kept with the judgement.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from config.settings import Refused
from extractors.records import Found
from storage.index.dialects import insert_for
from storage.index.schema import marks, refused_texts

MAX_CHARACTERS = 100_000  # as much of a text as the topic reads


def refused_row(result: Found, now: datetime) -> dict[str, Any]:
    """Return the row for an article that is off topic."""
    article = result.article
    return {
        "key": result.key, "title": article.title, "language": article.language,
        "text": article.text[:MAX_CHARACTERS], "judged_at": now,
    }  # fmt: skip


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
