"""How each result of a pass ends: appended under the next number, a duplicate, or not at all, and why.

Everything here runs inside the one write transaction of a batch, so what is looked up is still true when the
decision is written down.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from config.settings import VERSION
from extractors.records import Article, Outcome, Placement, Result
from extractors.text import exact_key, tokens
from extractors.urls import article_id, canonical_url, same_site
from storage.files import FileName, compose
from storage.schema import articles
from storage.seen import load_final_outcome, retry_at, store_outcome

SAME_STORY = 0.5  # share of the smaller text's distinct words: far above chance, far below an edited version


async def place(connection: AsyncConnection, result: Result, now: datetime) -> Placement:
    """Decide one result and write the outcome down, unless another run has settled the entry meanwhile."""
    if (settled := await load_final_outcome(connection, result.key)) is not None:
        return Placement(result.key, Outcome.DUPLICATE, settled.article, "settled by another run")
    placement, next_attempt, details = await _decide(connection, result, now)
    await store_outcome(
        connection,
        result.key,
        placement.outcome,
        reason=placement.reason,
        now=now,
        next_attempt=next_attempt,
        article=placement.number,
        words=len(tokens(result.article.text)) if result.article else None,
        dated=result.article.published is not None if result.article else None,
        details=details,
    )
    return placement


async def settle_known(connection: AsyncConnection, keys: Sequence[str], now: datetime) -> list[Placement]:
    """Write down the duplicates among `keys` that their address alone gives away."""
    placements = []
    for key, number in (await find_known(connection, keys)).items():
        placement = Placement(key, Outcome.DUPLICATE, number, "same address")
        if await load_final_outcome(connection, key) is None:
            await store_outcome(connection, key, placement.outcome, reason=placement.reason, now=now, article=number)
        placements.append(placement)
    return placements


async def _decide(
    connection: AsyncConnection, result: Result, now: datetime
) -> tuple[Placement, datetime | None, dict[str, Any]]:
    """How the result ends, when it is tried again, and what the decision rests on."""
    if result.error is not None:
        error = result.error
        details: dict[str, Any] = {"detail": error.detail} if error.detail else {}
        if error.outcome is not Outcome.FAILED:
            return Placement(result.key, error.outcome, reason=error.reason), None, details
        again = retry_at(error, attempts=result.attempts, now=now)
        outcome = Outcome.FAILED if again else Outcome.GAVE_UP
        return Placement(result.key, outcome, reason=error.reason), again, details
    article, verdict = result.article, result.verdict
    assert article is not None and verdict is not None and result.url is not None
    details = {"score": verdict.score, "matches": [[m.group, m.term, m.place, m.count] for m in verdict.matches]}
    if not verdict.relevant:
        return Placement(result.key, Outcome.OFF_TOPIC, reason=verdict.why), None, details
    key = exact_key(article.text)
    canonical = await _canonical(connection, result, article)
    if (known := await _duplicate_of(connection, result, canonical, key)) is not None:
        return known, None, details
    number = await highest_number(connection) + 1
    await connection.execute(insert(articles), _article_row(result, canonical, number, key, now))
    placement = Placement(result.key, Outcome.APPENDED, number, verdict.why, undated=article.published is None)
    return placement, None, details


async def _duplicate_of(
    connection: AsyncConnection, result: Result, canonical: str, key: bytes | None
) -> Placement | None:
    assert result.url is not None
    addresses = list(dict.fromkeys((canonical, canonical_url(result.url), result.key)))
    if known := await find_known(connection, addresses):
        return Placement(result.key, Outcome.DUPLICATE, min(known.values()), "same address")
    if key is not None:
        query = select(articles.c.number).where(articles.c.exact_key == key).order_by(articles.c.number).limit(1)
        if (number := (await connection.execute(query)).scalar()) is not None:
            return Placement(result.key, Outcome.DUPLICATE, int(number), "same text")
    return None


async def _canonical(connection: AsyncConnection, result: Result, article: Article) -> str:
    """The address the article is known by: where it was fetched, or what the page itself names on its own site.

    Some sites print one canonical link, their home page's or a section's, on every page. Believing it would make
    all their articles one: so it may not be the home page, nor lead to an article with another text.
    """
    assert result.url is not None
    own = canonical_url(result.url)
    if not article.canonical_link or not same_site(article.canonical_link, result.url):
        return own
    try:
        stated = canonical_url(article.canonical_link)
    except ValueError:
        return own
    if stated == own or (stated.count("/") <= 3 and stated.endswith("/")):
        return own
    body = (await connection.execute(select(articles.c.body).where(articles.c.id == article_id(stated)))).scalar()
    return stated if body is None or _share(body, article.text) >= SAME_STORY else own


def _share(text: str, other: str) -> float:
    first, second = set(tokens(text)), set(tokens(other))
    return len(first & second) / max(1, min(len(first), len(second)))


def _article_row(result: Result, canonical: str, number: int, key: bytes | None, now: datetime) -> dict[str, Any]:
    article, verdict = result.article, result.verdict
    assert article is not None and verdict is not None
    body = compose(article.paragraphs, title=article.title, published=article.published).to_bytes()
    name = FileName(number, article_id(canonical))
    return {
        "number": number, "id": name.id, "file": str(name), "body": body.decode("utf-8"),
        "sha256": hashlib.sha256(body).hexdigest(), "exact_key": key, "canonical_url": canonical, "url": result.url,
        "source_id": result.source_id, "feed_url": result.entry.feed_url, "title": article.title,
        "authors": list(article.authors), "published": article.published, "date_origin": article.date_origin,
        "dates": [[d.day.isoformat(), d.origin] for d in article.dates], "language": article.language,
        "topic": verdict.topic, "score": verdict.score,
        "matches": [[m.group, m.term, m.place, m.count] for m in verdict.matches], "why": verdict.why,
        "method": article.method, "version": VERSION, "retrieved_at": result.retrieved_at, "appended_at": now,
    }  # fmt: skip


async def highest_number(connection: AsyncConnection) -> int:
    """The highest number in the corpus, -1 when it is empty."""
    highest = (await connection.execute(select(func.max(articles.c.number)))).scalar()
    return -1 if highest is None else int(highest)


async def find_known(connection: AsyncConnection, keys: Sequence[str]) -> dict[str, int]:
    """Which of these canonical URLs are an article's address: key → number.

    By the id, which an adopted file has as well when it comes from another corpus of ours.
    """
    found: dict[str, int] = {}
    for start in range(0, len(keys), 500):
        ids = {article_id(key): key for key in keys[start : start + 500]}
        query = select(articles.c.id, articles.c.number).where(articles.c.id.in_(ids))
        found |= {ids[row.id]: row.number for row in await connection.execute(query)}
    return found
