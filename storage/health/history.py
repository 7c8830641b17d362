"""The history of an address in the index, in order of time: the answer of `c5watch explain`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from extractors.records import BY_NUMBER, Counted, Outcome
from extractors.text import tokens
from extractors.urls import article_id
from storage.index.removed import find_barred, load_removed
from storage.index.schema import (
    articles,
    digest_articles,
    digests,
    marks,
    refused_texts,
    relations,
    sightings,
    urls,
    variants,
)

WAITING = "waiting for the next pass"
NEVER_SEEN = "never seen in a feed or an archive"


async def load_story(connection: AsyncConnection, key: str) -> dict[str, Any]:
    """Return the history of the address with this canonical URL. `known` is False if no feed or archive has named it.

    Keys are present only if they have a value: the places where it was seen, the attempts, outcome and reason; the
    grounds of the verdict (score, threshold, terms with their places, removed parts, the veto); the article it became
    or repeats, with its relations; a reader's mark; its digests.
    """
    refused = Outcome.which(Counted.OFF_TOPIC)
    row = (await connection.execute(select(urls).where(urls.c.key == key))).first()
    number = row.article if row else None
    by = articles.c.number == number if number is not None else articles.c.canonical_url == key
    article = (await connection.execute(select(articles).where(by))).first()
    facts: dict[str, Any] = {"canonical_url": key, "known": row is not None or article is not None}
    if article is None and (barred := await find_barred(connection, [article_id(key)])):
        (gone,) = await load_removed(connection, list(barred.values()))
        facts |= {"known": True, "outcome": Outcome.REMOVED, "reason": gone.told, "decided_at": gone.removed_at}
    elif row is None and article is None:
        return {**facts, "outcome": NEVER_SEEN}
    if row is not None:
        seen = (await connection.execute(select(sightings).where(sightings.c.key == key))).all()
        details = dict(row.details or {})
        like = details.pop("like", None)
        facts |= {
            "url": row.url, "source": row.source_id, "title": row.title, "published": row.published,
            "first_seen": row.first_seen,
            "seen_in": "; ".join(map(_sighting, seen)) or row.feed_url,
            "archived_copy": row.archived_url, "attempts": row.attempts, "outcome": row.outcome or WAITING,
            "reason": row.reason, "decided_at": row.decided_at, "next_attempt": row.next_attempt,
            "words": row.words, "day": row.day, "terms": details.pop("matches", None), **details,
        }  # fmt: skip
        if like:
            facts["like"] = await _like(connection, like)
        facts["text_kept"] = await _text_kept(connection, key) if row.outcome in refused else None
    if article is not None:
        facts |= {
            "article": article.file, "article_url": article.url, "topic": article.topic, "why": article.why,
            "relations": await _relations(connection, article.number),
            "repeated_by": await _variants(connection, article.number),
            "digests": await _digests(connection, article.number),
        }  # fmt: skip
        if row is None:
            facts |= {
                "title": article.title, "score": article.score, "borderline": article.borderline,
                "terms": article.matches,
            }  # fmt: skip
    keys = {key, article.canonical_url if article else None} - {None}
    mark = (await connection.execute(select(marks).where(marks.c.key.in_(keys)))).first()
    if mark is not None:
        facts |= {"mark": "yes" if mark.relevant else "no", "marked_at": mark.marked_at}
    return facts


def _sighting(seen: Row[Any]) -> str:
    told = f", {BY_NUMBER}" if seen.guid == BY_NUMBER else ""
    return f"{seen.feed_url}{told} ({seen.seen_at:%Y-%m-%d %H:%M})"


async def _like(connection: AsyncConnection, like: dict[str, Any]) -> dict[str, Any]:
    query = select(articles.c.file, articles.c.url, articles.c.title).where(articles.c.number == like["article"])
    row = (await connection.execute(query)).first()
    named = {"article": row.file, "url": row.url, "title": row.title} if row else {"article": like["article"]}
    return {**named, "relation": like["relation"], "share": like["share"], "grounds": like.get("why")}


async def _text_kept(connection: AsyncConnection, key: str) -> bool:
    return (await connection.execute(select(refused_texts.c.key).where(refused_texts.c.key == key))).first() is not None


async def _relations(connection: AsyncConnection, number: int) -> list[dict[str, Any]]:
    compared = (relations.c.kind, relations.c.score, relations.c.number, relations.c.why)
    query = (
        select(articles.c.file, articles.c.url, articles.c.title, *compared)
        .join(relations, or_(relations.c.number == articles.c.number, relations.c.other == articles.c.number))
        .where(or_(relations.c.number == number, relations.c.other == number), articles.c.number != number)
        .order_by(relations.c.score.desc(), articles.c.number)
    )
    return [
        {
            "article": r.file, "url": r.url, "title": r.title, "relation": r.kind, "share": r.score, "grounds": r.why,
            "which_is": "earlier" if r.number == number else "later",
        }
        for r in await connection.execute(query)
    ]  # fmt: skip


async def _variants(connection: AsyncConnection, number: int) -> list[dict[str, Any]]:
    names = ("url", "relation", "score", "why", "stored_at", "text")
    query = select(*(variants.c[name] for name in names)).where(variants.c.number == number)
    rows = await connection.execute(query.order_by(variants.c.id))
    return [
        {
            "url": r.url, "relation": r.relation, "share": r.score, "grounds": r.why, "stored_at": r.stored_at,
            "words": len(tokens(r.text)),
        }
        for r in rows
    ]  # fmt: skip


async def _digests(connection: AsyncConnection, number: int) -> list[dict[str, Any]]:
    query = (
        select(digests.c.name, digests.c.stem, digests.c.created_at)
        .join(digest_articles, digest_articles.c.digest == digests.c.id)
        .where(digest_articles.c.number == number)
        .order_by(digests.c.id)
    )
    return [{"name": r.name, "page": r.stem, "at": r.created_at} for r in await connection.execute(query)]
