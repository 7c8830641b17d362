"""Near-duplicates against the whole corpus: find the story that a text tells, store its fingerprints.

The text work (`storage.placing.ready`) is done before the transaction. Under the writer's lock remain one look-up in
the index for all texts of a batch, the comparison with the few texts that share fingerprints, and the rows.

A story keeps the fingerprints of its article and of every variant, so that a copy of either is recognised. An article
that contains several other stories has none: it may never swallow later texts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Integer, Table, bindparam, delete, insert, literal_column, or_, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncConnection

from config.settings import Duplicates
from extractors.records import Found, Relation
from extractors.text import clean_block
from storage.files.article_file import ArticleFile
from storage.files.reading import text_of
from storage.index.database import Database
from storage.index.dialects import in_chunks, insert_for
from storage.index.schema import articles, fingerprints, relations, variants
from storage.placing.fingerprints import AT_LEAST, VERSION, Signature, signature
from storage.placing.prepared import Prepared, prepare
from storage.placing.similarity import Apart, Decision, decide, is_version

CANDIDATES = 8  # texts that are compared word for word, those with the most fingerprints in common
SHARED = 2  # fingerprints in common that make a candidate; one will do for a short text
VARIANTS = 3  # of a story that are compared besides its article: the longest
POSTINGS = 100  # articles kept for a fingerprint, the newest: else stock phrases would slow every look-up down
WEEKS = 14  # days from which on a form of protocol in the same words is another event
ARTICLES_PER_TRANSACTION = 200

_NUMBERS = bindparam("numbers", expanding=True, type_=Integer)
_TEXTS = union_all(  # of stories: the articles' whole files as variant 0, and the texts of the variants
    select(
        articles.c.number,
        literal_column("0", Integer).label("variant"),
        articles.c.body.label("text"),
        articles.c.title,
        articles.c.language,
        articles.c.published,
        articles.c.source_id,
    ).where(articles.c.number.in_(_NUMBERS)),
    select(
        variants.c.number,
        variants.c.id,
        variants.c.text,
        variants.c.title,
        variants.c.language,
        variants.c.published,
        variants.c.source_id,
    ).where(variants.c.number.in_(_NUMBERS)),
)


@dataclass(frozen=True, slots=True)
class Text:
    """An article's text with its keys; the day and the outlet that it was published on and by."""

    text: str
    language: str | None
    exact_key: bytes | None
    signature: Signature
    published: date | None
    source_id: str | None

    @property
    def prepared(self) -> Prepared:
        """The text made ready for comparing: work for a millisecond, needed of few texts."""
        return prepare(self.text, self.language)


@dataclass(frozen=True, slots=True)
class _Known:
    """A text of a story of the corpus."""

    number: int
    prepared: Prepared
    published: date | None
    source_id: str | None


@dataclass(slots=True)
class Stories:
    """The stories of the corpus, as the texts of one transaction meet them. Made by `load_stories`.

    The index's rows on the words of these texts are read at once. Added rows are known from then on, and written when
    they are read, else by `end`: a statement for many rows costs little more than a statement for one.
    """

    connection: AsyncConnection
    _same_words: dict[bytes, int]  # exact key → the earliest story that has it
    _postings: defaultdict[int, set[int]]  # fingerprint → the stories that have it
    _rows: dict[Table, list[dict[str, Any]]] = field(default_factory=dict)
    _unwritten: set[int] = field(default_factory=set)
    _fingerprinted: set[int] = field(default_factory=set)

    async def find(self, text: Text, limits: Duplicates) -> Decision:
        """Return which story of the corpus the text tells, if any, and the others that it relates to."""
        shared = Counter(number for value in text.signature.hashes for number in self._postings.get(value, ()))
        least = SHARED if len(text.signature.hashes) > AT_LEAST else 1  # a teaser shares few with a long text
        enough = [number for number, count in shared.items() if count >= least]
        # Among stories with equal counts take the newest: reprints come within days.
        nearest = sorted(enough, key=lambda number: (shared[number], number), reverse=True)[:CANDIDATES]
        if not nearest:
            return Decision()
        known = await self._load_texts(nearest)
        decision = decide(text.prepared, [(k.number, k.prepared) for k in known], limits, _apart(text, known))
        own = (k.prepared for k in known if k.number == decision.absorbed_by and k.source_id == text.source_id)
        if text.source_id is not None and any(is_version(text.prepared, earlier) for earlier in own):
            return replace(decision, relation=Relation.VERSION)
        return decision

    def find_same_words(self, key: bytes) -> int | None:
        """Return the number of the article that has, or one of whose variants has, exactly these words."""
        return self._same_words.get(key)

    async def is_another_time(self, number: int, text: Text, limits: Duplicates) -> Decision | None:
        """Return the decision on a text of the very words of story `number`, if weeks make it a story of its own."""
        if text.published is None or not _apart(text, await self._load_texts([number])):
            return None
        decision = await self.find(text, limits)
        another = decision.absorbed_by not in (None, number)  # the one that was printed when this text was
        return decision if another or decision.relation is Relation.TEMPLATE else None

    async def has_words(self, number: int, key: bytes) -> bool:
        """Return whether article `number`, or a variant of it, has exactly these words."""
        await self._write_if_new([number])
        of_article = select(articles.c.number).where(articles.c.number == number, articles.c.exact_key == key)
        of_variant = select(variants.c.number).where(variants.c.number == number, variants.c.exact_key == key)
        return (await self.connection.execute(of_article.union(of_variant))).first() is not None

    async def body(self, number: int) -> str:
        """Return the whole file of article `number`."""
        await self._write_if_new([number])
        query = select(articles.c.body).where(articles.c.number == number)
        return str((await self.connection.execute(query)).scalar_one())

    async def texts(self, number: int) -> list[Prepared]:
        """Return the texts of one story: its article's, then those of its variants."""
        return [known.prepared for known in await self._load_texts([number], variants_each=None)]

    def add_article(self, row: dict[str, Any]) -> None:
        """Append an article, which is a row of `articles`."""
        self._add(articles, row["number"], row)
        if row["exact_key"] is not None:
            self._same_words.setdefault(row["exact_key"], row["number"])

    def add_variant(
        self, result: Found, text: Text, *, number: int, relation: Relation, score: float, why: str, now: datetime
    ) -> None:
        """Keep a text whose story has a file already, and its fingerprints."""
        article = result.article
        row = {
            "number": number, "key": result.key, "relation": relation, "score": score, "why": why or None,
            "exact_key": text.exact_key, "url": result.url, "source_id": result.source_id, "title": article.title,
            "published": article.published, "language": article.language, "text": article.text,
            "retrieved_at": result.retrieved_at, "stored_at": now,
        }  # fmt: skip
        self._add(variants, number, row)
        if text.exact_key is not None:
            self._same_words[text.exact_key] = min(number, self._same_words.get(text.exact_key, number))
        self.add_fingerprints(number, text)

    def add_fingerprints(self, number: int, text: Text) -> None:
        """Store the fingerprints of the text of article `number`, or of a variant of it."""
        for value in text.signature.hashes:
            if number not in self._postings[value]:
                self._postings[value].add(number)
                self._add(fingerprints, number, {"hash": value, "number": number})
        self._fingerprinted.update(text.signature.hashes)

    def add_relations(
        self, number: int, others: Iterable[tuple[int, Relation, float]], grounds: Mapping[int, str]
    ) -> None:
        """Note how article `number` relates to earlier ones, and on what grounds."""
        for other, kind, score in others:
            if other != number:
                row = {
                    "number": max(number, other), "other": min(number, other), "kind": kind, "score": score,
                    "why": grounds.get(other),
                }  # fmt: skip
                self._add(relations, number, row)

    async def end(self) -> None:
        """Write the remaining rows, and keep only the newest articles of each fingerprint."""
        await self._write()
        await _thin_out(self.connection, {value: self._postings[value] for value in sorted(self._fingerprinted)})

    def _add(self, table: Table, number: int, row: dict[str, Any]) -> None:
        self._rows.setdefault(table, []).append(row)
        self._unwritten.add(number)

    async def _write_if_new(self, numbers: Iterable[int]) -> None:
        if not self._unwritten.isdisjoint(numbers):
            await self._write()

    async def _write(self) -> None:
        for table in (articles, variants, relations, fingerprints):  # the others refer to articles
            if rows := self._rows.pop(table, None):
                # Relations may exist already. SQLAlchemy compiles the statement for that anew each time, so the
                # other tables, whose rows are new, have a plain one.
                known = insert_for(self.connection, relations).on_conflict_do_nothing()
                await self.connection.execute(known if table is relations else insert(table), rows)
        self._unwritten.clear()

    async def _load_texts(self, numbers: Sequence[int], *, variants_each: int | None = VARIANTS) -> list[_Known]:
        if not numbers:
            return []
        await self._write_if_new(numbers)
        found: dict[int, list[Any]] = defaultdict(list)
        for row in await self.connection.execute(_TEXTS, {"numbers": numbers}):
            found[row.number].append(row)
        texts = []
        for number in numbers:
            article, *others = sorted(found[number], key=lambda row: (row.variant > 0, -len(row.text), row.variant))
            own = article_text(article.text, article.title)
            kept = [(article, own), *((other, other.text) for other in others[:variants_each])]
            texts += [_Known(number, prepare(text, row.language), row.published, row.source_id) for row, text in kept]
        return texts


def _apart(text: Text, known: Iterable[_Known]) -> dict[int, Apart]:
    """Return the stories all of whose texts were published weeks before or after this one."""
    days: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for other in known:
        if text.published is None or other.published is None:
            days[other.number].append((0, 0))  # not known: nothing speaks for another time
        else:
            days[other.number].append((abs((text.published - other.published).days), other.published.year))
    return {number: Apart(*min(found)) for number, found in days.items() if min(found)[0] >= WEEKS}


async def load_stories(connection: AsyncConnection, texts: Collection[Text]) -> Stories:
    """Return the stories that these texts, and no others, are compared with in this transaction."""
    same_words: dict[bytes, int] = {}
    keys = sorted({text.exact_key for text in texts if text.exact_key is not None})
    for some in in_chunks(keys):
        of_article = select(articles.c.exact_key, articles.c.number).where(articles.c.exact_key.in_(some))
        of_variant = select(variants.c.exact_key, variants.c.number).where(variants.c.exact_key.in_(some))
        for key, number in await connection.execute(of_article.union(of_variant)):
            same_words[key] = min(number, same_words.get(key, number))
    hashes = sorted({value for text in texts for value in text.signature.hashes})
    return Stories(connection, same_words, await _load_postings(connection, hashes))


async def fingerprint_missing(database: Database) -> int:
    """Add the fingerprints of the present scheme to articles without any; return how many articles lacked them."""
    columns = (articles.c.number, articles.c.body, articles.c.title, articles.c.language)
    missing = articles.c.signature.is_(None)
    query = select(*columns).where(missing).order_by(articles.c.number).limit(ARTICLES_PER_TRANSACTION)
    outdated = or_(articles.c.signature < VERSION, articles.c.signature > VERSION)
    async with database.read() as connection:
        other_scheme = (await connection.execute(select(articles.c.number).where(outdated).limit(1))).first()
        if other_scheme is None and (await connection.execute(query.limit(1))).first() is None:
            return 0
    if other_scheme is not None:  # delete all old ones: finding those of an article reads them all
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
    digests = select(relations.c.number).where(relations.c.number.in_(numbers), relations.c.kind == Relation.DIGEST_OF)
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
        await _thin_out(connection, await _load_postings(connection, sorted({value for value, _ in made})))
    await connection.execute(update(articles).where(articles.c.number.in_(numbers)).values(signature=VERSION))


def article_text(body: str, title: str | None) -> str:
    """Return the text of a corpus file without the headline, which an undated file begins with."""
    return text_of(ArticleFile.parse(body.encode("utf-8")), clean_block(title) if title else None)


async def _load_postings(connection: AsyncConnection, hashes: Sequence[int]) -> defaultdict[int, set[int]]:
    """Return the articles that have each fingerprint."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    query = select(fingerprints.c.hash, fingerprints.c.number)
    for some in in_chunks(hashes):
        for value, number in await connection.execute(query.where(fingerprints.c.hash.in_(some))):
            found[value].add(number)
    return found


async def _thin_out(connection: AsyncConnection, postings: Mapping[int, Collection[int]]) -> None:
    """Keep only the newest articles of these fingerprints, so that no look-up reads more."""
    crowded = [
        {"its_hash": value, "oldest_kept": sorted(numbers, reverse=True)[POSTINGS - 1]}
        for value, numbers in postings.items()
        if len(numbers) > POSTINGS
    ]
    if crowded:
        its, older = fingerprints.c.hash == bindparam("its_hash"), fingerprints.c.number < bindparam("oldest_kept")
        await connection.execute(delete(fingerprints).where(its, older), crowded)
