"""Take an article back: its texts leave the index, its file and its kept page go, its number stays taken.

One transaction takes it out of the index and notes that it was removed; then manifest, file and kept page follow, as
`CorpusWriter.publish` brings them up to the index. A crash keeps the article whole, or its next opening completes the
removal. What was sent to readers, and the digests' pages, cannot be taken back: `Removal.digests` names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from extractors.records import Outcome
from extractors.text import clean_line
from extractors.urls import article_id, canonical_url
from storage.corpus.pages import Pages
from storage.corpus.writer import CorpusWriter
from storage.errors import StorageError
from storage.index.dialects import in_chunks
from storage.index.removed import Removed, load_removed, store_removed
from storage.index.schema import (
    articles,
    digest_articles,
    digests,
    events,
    fingerprints,
    marks,
    refused_texts,
    relations,
    urls,
    variants,
)
from storage.search import search

HIGHEST = 2**31 - 1  # number that an index can hold: PostgreSQL's INTEGER


@dataclass(frozen=True, slots=True)
class Removal:
    """What was taken back: `before` says that another command had done it. `digests` are names of their files."""

    removed: Removed
    before: bool = False
    variants: int = 0
    digests: tuple[str, ...] = ()


async def remove(corpus: CorpusWriter, number: int, *, why: str, now: datetime) -> Removal:
    """Remove an article with all that was kept of its story; doing it again changes nothing.

    Raises StorageError when there is no such article.
    """
    async with corpus.database.write() as connection:
        row = None
        if number <= HIGHEST:
            row = (await connection.execute(select(articles).where(articles.c.number == number))).first()
        if row is not None:
            done = await _take_out(connection, row, corpus.pages, clean_line(why), now)
        elif number <= HIGHEST and (earlier := await load_removed(connection, [number])):
            done = Removal(earlier[0], before=True)
        else:
            raise StorageError(f"no article has the number {number}: 'c5watch corpus stats' says how many there are")
    await corpus.publish()
    return done


async def _take_out(connection: AsyncConnection, row: Row[Any], pages: Pages, why: str, now: datetime) -> Removal:
    """Delete all that the index has of an article and its variants, and bar its addresses and texts."""
    if connection.dialect.name == "sqlite":  # else what is deleted stays readable in the file
        await connection.execute(text("PRAGMA secure_delete = ON"))
    number = row.number
    own = select(variants.c.key, variants.c.url, variants.c.exact_key).where(variants.c.number == number)
    texts = (await connection.execute(own)).all()
    named = set((await connection.execute(select(urls.c.key).where(urls.c.article == number))).scalars())
    keys = named | {text.key for text in texts} | {key for key in (row.canonical_url, row.file) if key}
    issued = select(digests.c.stem).join(digest_articles, digest_articles.c.digest == digests.c.id)
    issued = issued.where(digest_articles.c.number == number, func.length(digests.c.page) > 0)
    stems = (await connection.execute(issued.order_by(digests.c.id))).scalars().all()

    await search.take_out(connection, search.ToIndex(number, row.title, row.body, row.source_id, row.language))
    for table in (fingerprints, variants, digest_articles):
        await connection.execute(delete(table).where(table.c.number == number))
    await connection.execute(delete(relations).where(or_(relations.c.number == number, relations.c.other == number)))
    await _leave_event(connection, number)
    spans = tuple(span.to_json() for span in await pages.unkeep(connection, keys))
    gone = Removed(number, row.id, row.exact_key, why, row.appended_at, now, pages=spans)
    forgotten = {
        "outcome": Outcome.REMOVED, "reason": gone.told, "decided_at": now, "next_attempt": None, "article": None,
        "title": None, "summary": None, "content": None, "details": None, "archived_url": None,
    }  # fmt: skip
    for some in in_chunks(sorted(keys)):
        await connection.execute(update(urls).where(urls.c.key.in_(some)).values(forgotten))
        await connection.execute(delete(refused_texts).where(refused_texts.c.key.in_(some)))
        await connection.execute(delete(marks).where(marks.c.key.in_(some)))
    await connection.execute(delete(articles).where(articles.c.number == number))
    bars = {article_id(key) for key in _canonical((*keys, row.url, *(text.url for text in texts)))}
    bars |= {text.exact_key.hex() for text in texts if text.exact_key}
    await store_removed(connection, gone, bars)
    return Removal(gone, variants=len(texts), digests=tuple(stems))


async def _leave_event(connection: AsyncConnection, number: int) -> None:
    """Take an article out of its event; the others go on under the number of the next one."""
    await connection.execute(delete(events).where(events.c.number == number))
    following = select(func.min(events.c.number)).where(events.c.event == number)
    if (first := await connection.scalar(following)) is not None:
        await connection.execute(update(events).where(events.c.event == number).values(event=first))


def _canonical(addresses: Iterable[str | None]) -> Iterator[str]:
    for address in addresses:
        if address is not None:
            try:
                yield canonical_url(address)
            except ValueError:  # the name of an adopted file
                continue
