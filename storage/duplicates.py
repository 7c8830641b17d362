"""Near-duplicates against the whole corpus: look for the story a text tells, remember what it is recognised by.

The text work (`prepare_text`) is done before the transaction; what is left under the writer's lock is one look-up
in the index, the comparison with the few texts that share fingerprints, and the rows.

A story keeps the fingerprints of its article and of every variant, so that a text is recognised by whichever it
follows. An article that contains several other stories has none: it may never swallow what comes later.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from config.settings import Duplicates
from extractors.records import Result
from extractors.text import clean_block, exact_key
from storage.database import Database
from storage.dialects import insert_for
from storage.files import ArticleFile
from storage.fingerprints import VERSION, Signature, lines_of, sample, signature
from storage.reading import text_of
from storage.schema import articles, fingerprints, relations, variants
from storage.similarity import Decision, Prepared, Relation, decide, prepare, prepare_lines

CANDIDATES = 8  # texts that are compared word for word, those with the most fingerprints in common
SHARED = 2  # fingerprints in common that make a candidate
VARIANTS = 3  # of a story that are compared besides its article: the longest
POSTINGS = 100  # articles kept for one fingerprint, the newest: stock phrases may not slow every look-up down
HASHES_PER_QUERY = 500
ARTICLES_PER_TRANSACTION = 200


@dataclass(frozen=True, slots=True)
class Text:
    """A text made ready for comparing: nothing of this needs the database."""

    exact_key: bytes | None
    signature: Signature
    prepared: Prepared


def prepare_text(text: str, language: str | None) -> Text:
    """All that `find_story` needs to know of a text (some milliseconds)."""
    prepared = prepare_lines(lines_of(text, language))
    return Text(exact_key(text), sample(prepared.words), prepared)


async def find_story(connection: AsyncConnection, text: Text, limits: Duplicates) -> Decision:
    """Which story of the corpus the text tells, if any, and which others it relates to."""
    postings = await _postings(connection, text.signature.hashes)
    shared = Counter(number for numbers in postings.values() for number in numbers)
    enough = [number for number, count in shared.items() if count >= SHARED]
    # Of stories that share as many the newest: reprints come within days.
    nearest = sorted(enough, key=lambda number: (shared[number], number), reverse=True)[:CANDIDATES]
    return decide(text.prepared, await _load_texts(connection, nearest), limits)


async def find_same_words(connection: AsyncConnection, key: bytes) -> int | None:
    """The number of the article that has, or one of whose variants has, exactly these words."""
    of_article = select(articles.c.number).where(articles.c.exact_key == key)
    of_variant = select(variants.c.number).where(variants.c.exact_key == key)
    numbers = (await connection.execute(of_article.union(of_variant))).scalars().all()
    return min(numbers, default=None)


async def has_words(connection: AsyncConnection, number: int, key: bytes) -> bool:
    """Whether article `number`, or a variant of it, has exactly these words."""
    of_article = select(articles.c.number).where(articles.c.number == number, articles.c.exact_key == key)
    of_variant = select(variants.c.number).where(variants.c.number == number, variants.c.exact_key == key)
    return (await connection.execute(of_article.union(of_variant))).first() is not None


async def store_fingerprints(connection: AsyncConnection, number: int, text: Text) -> None:
    """Remember what the text of article `number`, or a variant of it, is recognised by."""
    hashes = text.signature.hashes
    rows = [{"hash": value, "number": number} for value in hashes]
    if rows:
        await connection.execute(insert_for(connection, fingerprints).on_conflict_do_nothing(), rows)


async def thin_out(connection: AsyncConnection, hashes: Sequence[int]) -> None:
    """Of these fingerprints keep the newest articles only, so that no look-up reads more."""
    for value, numbers in (await _postings(connection, hashes)).items():
        if len(numbers) > POSTINGS:
            oldest_kept = sorted(numbers, reverse=True)[POSTINGS - 1]
            await connection.execute(
                delete(fingerprints).where(fingerprints.c.hash == value, fingerprints.c.number < oldest_kept)
            )


async def store_relations(
    connection: AsyncConnection, number: int, others: Iterable[tuple[int, Relation | str, float]]
) -> None:
    """Note how article `number` relates to earlier ones."""
    rows = [
        {"number": max(number, other), "other": min(number, other), "kind": str(kind), "score": score}
        for other, kind, score in others
        if other != number
    ]
    if rows:
        await connection.execute(insert_for(connection, relations).on_conflict_do_nothing(), rows)


async def store_variant(
    connection: AsyncConnection, result: Result, text: Text, *, number: int, relation: str, score: float, now: datetime
) -> None:
    """Keep a text whose story has a file already."""
    article = result.article
    assert article is not None and result.url is not None
    row = {
        "number": number, "key": result.key, "relation": relation, "score": score, "exact_key": text.exact_key,
        "url": result.url, "source_id": result.source_id, "title": article.title, "published": article.published,
        "language": article.language, "text": article.text, "retrieved_at": result.retrieved_at, "stored_at": now,
    }  # fmt: skip
    await connection.execute(insert(variants), row)


async def load_texts(connection: AsyncConnection, number: int) -> list[Prepared]:
    """The texts of one story: its article's, then those of its variants."""
    return [text for _, text in await _load_texts(connection, [number], variants_each=None)]


async def fingerprint_missing(database: Database) -> int:
    """Give every article the fingerprints of the present scheme that has none yet; returns how many had to be made."""
    columns = (articles.c.number, articles.c.body, articles.c.title, articles.c.language)
    missing = articles.c.signature.is_(None)
    query = select(*columns).where(missing).order_by(articles.c.number).limit(ARTICLES_PER_TRANSACTION)
    outdated = or_(articles.c.signature < VERSION, articles.c.signature > VERSION)
    async with database.read() as connection:
        other_scheme = (await connection.execute(select(articles.c.number).where(outdated).limit(1))).first()
        if other_scheme is None and (await connection.execute(query.limit(1))).first() is None:
            return 0
    if other_scheme is not None:  # none of the old ones may stay, and finding those of one article reads them all
        async with database.write() as connection:
            await connection.execute(delete(fingerprints))
            await connection.execute(update(articles).values(signature=None))
    done = 0
    while True:
        async with database.write() as connection:
            rows = (await connection.execute(query)).all()
            await _fingerprint(connection, rows)
        done += len(rows)
        if len(rows) < ARTICLES_PER_TRANSACTION:
            return done


async def _fingerprint(connection: AsyncConnection, rows: Sequence[Any]) -> None:
    numbers = [row.number for row in rows]
    digests = select(relations.c.number).where(
        relations.c.number.in_(numbers), relations.c.kind == Relation.DIGEST_OF.value
    )
    without = set((await connection.execute(digests)).scalars())
    texts = [(row.number, article_text(row.body, row.title), row.language) for row in rows]
    own = select(variants.c.number, variants.c.text, variants.c.language).where(variants.c.number.in_(numbers))
    texts += [(variant.number, variant.text, variant.language) for variant in await connection.execute(own)]
    made = {
        (value, number)
        for number, text, language in texts
        if number not in without
        for value in signature(text, language).hashes
    }
    if made:
        new = [{"hash": value, "number": number} for value, number in sorted(made)]
        await connection.execute(insert_for(connection, fingerprints).on_conflict_do_nothing(), new)
        await thin_out(connection, sorted({value for value, _ in made}))
    await connection.execute(update(articles).where(articles.c.number.in_(numbers)).values(signature=VERSION))


def article_text(body: str, title: str | None) -> str:
    """The text of a corpus file without the headline, which an undated file begins with."""
    return text_of(ArticleFile.parse(body.encode("utf-8")), clean_block(title) if title else None)


async def _postings(connection: AsyncConnection, hashes: Sequence[int]) -> dict[int, list[int]]:
    """Fingerprint → the articles that have it."""
    found: dict[int, list[int]] = defaultdict(list)
    for start in range(0, len(hashes), HASHES_PER_QUERY):
        query = select(fingerprints.c.hash, fingerprints.c.number)
        part = hashes[start : start + HASHES_PER_QUERY]
        for value, number in await connection.execute(query.where(fingerprints.c.hash.in_(part))):
            found[value].append(number)
    return found


async def _load_texts(
    connection: AsyncConnection, numbers: Sequence[int], *, variants_each: int | None = VARIANTS
) -> list[tuple[int, Prepared]]:
    if not numbers:
        return []
    columns = (articles.c.number, articles.c.body, articles.c.title, articles.c.language)
    rows: dict[int, Any] = {
        row.number: row for row in await connection.execute(select(*columns).where(articles.c.number.in_(numbers)))
    }
    others: dict[int, list[Any]] = defaultdict(list)
    query = select(variants.c.number, variants.c.text, variants.c.language).where(variants.c.number.in_(numbers))
    for variant in await connection.execute(query.order_by(func.length(variants.c.text).desc(), variants.c.id)):
        if variants_each is None or len(others[variant.number]) < variants_each:
            others[variant.number].append(variant)
    found = []
    for number in numbers:
        row = rows[number]
        found.append((number, prepare(article_text(row.body, row.title), row.language)))
        found += [(number, prepare(variant.text, variant.language)) for variant in others[number]]
    return found
