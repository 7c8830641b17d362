"""The corpus as one file for other programs: JSON lines, CSV, Parquet or RIS.

Each article is one row, in number order: the fields of the manifest, the text without the headline, the other places
that printed it, and its relations to other articles. Two kinds of relation are texts without a file of their own:
`reprint` (of the story in another place) and `version` (the article's own page with a later text). Asking for them adds
a row for each, after the article `number` of the same story. Asking for another kind (`translation_of`, `template` …)
keeps only the articles on either side of a relation of this kind. Each row is selected by its own date, source and
language.

Rows are read a batch at a time, from one state of the index, so memory does not grow with the corpus.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

from sqlalchemy import ColumnElement, Row, Table, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from config.sources import Source
from extractors.records import BETWEEN_ARTICLES, VARIANTS, Relation
from extractors.text import tokens
from storage.corpus.export_forms import FORMS
from storage.corpus.writer import CorpusWriter
from storage.errors import StorageError
from storage.files.article_file import ArticleFile
from storage.files.reading import text_of
from storage.index.schema import articles, events, relations, variants

BATCH = 200  # numbers at a time
KINDS = VARIANTS | BETWEEN_ARTICLES
NO_SOURCES: Mapping[str, Source] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows and the text to export. An empty or None field leaves out no row; an undated row is on no day."""

    first_day: date | None = None
    last_day: date | None = None  # included
    sources: Collection[str] = ()
    languages: Collection[str] = ()
    countries: Collection[str] = ()  # of the source
    about: Collection[str] = ()  # countries of the story
    numbers: Collection[int] | None = None  # of the articles, for those that a reader has found
    after: int | None = None  # only articles with a higher number …
    up_to: int | None = None  # … and none with a higher one than this
    found_since: datetime | None = None  # only articles that were appended, and texts that were stored, since then
    relations: Collection[str] = ()  # see the module
    longest: bool = False  # take the longest text of the story instead of the file's: the first report may be a teaser
    latest: bool = False  # take the latest text of the article's own page instead of the file's
    collapse_translations: bool = False  # keep only the first of articles that translate one another


async def export(
    corpus: CorpusWriter,
    target: Path,
    *,
    form: str,
    selection: Selection = Selection(),
    sources: Mapping[str, Source] = NO_SOURCES,
) -> int:
    """Write the file `target` ("-": standard output) in one of `FORMS`; return the number of rows.

    `sources` are those of the catalogue, by their ids. The file appears whole under its name, or not at all. Raises
    StorageError.
    """
    if form not in FORMS:
        raise StorageError(f"{form}: unknown form of export: expected one of {', '.join(FORMS)}")
    if unknown := sorted(set(selection.relations) - KINDS):
        raise StorageError(f"{unknown[0]}: unknown kind of relation: expected one of {', '.join(sorted(KINDS))}")
    to_stdout = str(target) == "-"
    if to_stdout and form == "parquet":
        raise StorageError("parquet cannot go to standard output: name a file")
    count = 0
    with _stdout() if to_stdout else _whole_file(target) as file, FORMS[form](file, is_file=not to_stdout) as write:
        async with corpus.database.read() as connection:
            async for rows in batches(connection, selection, sources):
                write(rows)
                count += len(rows)
    return count


@contextmanager
def _stdout() -> Iterator[BinaryIO]:
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # the reader has stopped reading: left to the caller
        raise
    except OSError as exc:
        raise StorageError(f"standard output: {exc.strerror}: free some space, or name a file elsewhere") from exc


@contextmanager
def _whole_file(target: Path) -> Iterator[BinaryIO]:
    if target.is_dir():
        raise StorageError(f"{target} is a folder: name a file")
    beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with beside.open("wb") as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                beside.replace(target)
            except BaseException:
                beside.unlink(missing_ok=True)
                raise
    except OSError as exc:
        raise StorageError(f"{target}: {exc.strerror}: free some space, or name another file") from exc


async def batches(
    connection: AsyncConnection, selection: Selection, sources: Mapping[str, Source]
) -> AsyncIterator[list[dict[str, Any]]]:
    """Yield the rows that are selected, a few hundred at a time, in the order of their numbers."""
    highest = (await connection.execute(select(func.max(articles.c.number)))).scalar()
    wanted = _conditions(articles, selection, sources)
    if kinds := set(selection.relations) - VARIANTS:
        found = relations.c.kind.in_(kinds)
        sides = [select(side).where(found) for side in (relations.c.number, relations.c.other)]
        wanted.append(or_(*(articles.c.number.in_(side) for side in sides)))
    originals = await _originals(connection) if selection.collapse_translations else {}
    shown: set[int] = set()  # the first article of each group of translations
    starts: Iterable[int] = range(
        (selection.after or 0) // BATCH * BATCH, -1 if highest is None else highest + 1, BATCH
    )
    if selection.numbers is not None:
        starts = sorted({number - number % BATCH for number in selection.numbers})
    for start in starts:
        span = start, start + BATCH - 1
        batch = await _Batch.load(connection, span, selection, sources)
        query = select(articles).where(articles.c.number.between(*span), *wanted).order_by(articles.c.number)
        rows: list[tuple[int, int, dict[str, Any]]] = []
        for row in await connection.execute(query):
            if (original := originals.get(row.number)) is not None:
                if original in shown:
                    continue
                shown.add(original)
            rows.append((row.number, -1, batch.article(row, sources)))
        rows += [(row.number, row.id, batch.variant(row, sources)) for row in batch.own_rows]
        yield [row for _, _, row in sorted(rows, key=lambda entry: entry[:2])]


def _conditions(table: Table, selection: Selection, sources: Mapping[str, Source]) -> list[ColumnElement[bool]]:
    """Return the conditions of `selection` for `articles` or `variants`, which share the names of these columns."""
    wanted: list[ColumnElement[bool]] = []
    if selection.after is not None:
        wanted.append(table.c.number > selection.after)
    if selection.up_to is not None:
        wanted.append(table.c.number <= selection.up_to)
    if selection.found_since is not None:
        found_at = table.c.appended_at if table is articles else table.c.stored_at
        wanted.append(found_at >= selection.found_since)
    if selection.first_day:
        wanted.append(table.c.published >= selection.first_day)
    if selection.last_day:
        wanted.append(table.c.published <= selection.last_day)
    if selection.numbers is not None:
        wanted.append(table.c.number.in_(selection.numbers))
    if selection.sources:
        wanted.append(table.c.source_id.in_(selection.sources))
    if selection.languages:
        wanted.append(table.c.language.in_(selection.languages))
    if selection.countries:
        there = [source.id for source in sources.values() if source.country in selection.countries]
        wanted.append(table.c.source_id.in_(there))
    if selection.about:
        told = select(articles.c.number).where(articles.c.story_country.in_(selection.about))
        wanted.append(table.c.number.in_(told))
    return wanted


async def _originals(connection: AsyncConnection) -> dict[int, int]:
    """Map each article that is or has a translation to the first article of its group of translations."""
    query = select(relations.c.number, relations.c.other).where(relations.c.kind == Relation.TRANSLATION_OF)
    first: dict[int, int] = {}
    for number, other in (await connection.execute(query.order_by(relations.c.number))).all():
        one, two = first.get(number, number), first.get(other, other)
        for member in [*(m for m, f in first.items() if f in (one, two)), number, other]:
            first[member] = min(one, two)
    return first


@dataclass(frozen=True, slots=True)
class _Batch:
    """The data that belongs to a batch of articles, loaded at once: one query for each article would take minutes."""

    reprints: Mapping[int, list[str]]
    related: Mapping[int, list[list[Any]]]
    event: Mapping[int, int]
    longer: Mapping[int, list[tuple[str, str]]]  # texts of the story's variants with their addresses
    latest: Mapping[int, tuple[str, str]]  # the last text of the article's own page, if it has changed
    own_rows: list[Row[Any]]

    @classmethod
    async def load(
        cls, connection: AsyncConnection, span: tuple[int, int], selection: Selection, sources: Mapping[str, Source]
    ) -> _Batch:
        reprints: dict[int, list[str]] = defaultdict(list)
        related: dict[int, list[list[Any]]] = defaultdict(list)
        longer: dict[int, list[tuple[str, str]]] = defaultdict(list)
        of_span = variants.c.number.between(*span)
        query = select(variants.c.number, variants.c.url).where(of_span, variants.c.relation == Relation.REPRINT)
        for number, url in await connection.execute(query.order_by(variants.c.id)):
            reprints[number].append(url)
        other = select(relations).where(relations.c.number.between(*span))
        for row in await connection.execute(other.order_by(relations.c.other, relations.c.kind)):
            related[row.number].append([row.kind, row.other, row.score])
        happened = await connection.execute(
            select(events.c.number, events.c.event).where(events.c.number.between(*span))
        )
        event = {row.number: row.event for row in happened}
        if selection.longest:
            texts = select(variants.c.number, variants.c.text, variants.c.url).where(of_span).order_by(variants.c.id)
            for number, text, url in await connection.execute(texts):
                longer[number].append((text, url))
        latest: dict[int, tuple[str, str]] = {}
        if selection.latest:
            later = select(variants.c.number, variants.c.text, variants.c.url)
            later = later.where(of_span, variants.c.relation == Relation.VERSION)
            for number, text, url in await connection.execute(later.order_by(variants.c.stored_at, variants.c.id)):
                latest[number] = text, url
        own_rows: list[Row[Any]] = []
        if kinds := VARIANTS & set(selection.relations):
            wanted = variants.c.relation.in_(kinds), *_conditions(variants, selection, sources)
            own_rows = list(await connection.execute(select(variants).where(of_span, *wanted)))
        return cls(reprints, related, event, longer, latest, own_rows)

    def article(self, row: Row[Any], sources: Mapping[str, Source]) -> dict[str, Any]:
        own = text_of(ArticleFile.parse(row.body.encode("utf-8")), row.title), row.url
        words = len(tokens(own[0])) if row.words is None else row.words
        own = self.latest.get(row.number, own)
        text, url = max([own, *self.longer.get(row.number, ())], key=lambda one: len(one[0]))
        return {
            "number": row.number, "relation": None, "id": row.id, "file": row.file,
            "canonical_url": row.canonical_url, "url": row.url, "source": row.source_id,
            **_outlet(row.source_id, row.outlet, sources), "country": row.story_country, "words": words,
            "feed": row.feed_url, "title": row.title,
            "authors": row.authors or [], "date": row.published, "published_at": row.published_at,
            "date_origin": row.date_origin, "dates": row.dates or [], "language": row.language, "topic": row.topic,
            "score": row.score, "borderline": row.borderline,
            "terms": row.matches or [], "why": row.why, "sha256": row.sha256,
            "text_hash": row.exact_key.hex() if row.exact_key else None, "method": row.method, "version": row.version,
            "retrieved_at": row.retrieved_at, "appended_at": row.appended_at, "event": self.event.get(row.number),
            "reprints": self.reprints.get(row.number, []), "relations": self.related.get(row.number, []),
            "share": None, "text_url": url, "text": text,
        }  # fmt: skip

    def variant(self, row: Row[Any], sources: Mapping[str, Source]) -> dict[str, Any]:
        return {
            "number": row.number, "relation": row.relation, "id": None, "file": None, "canonical_url": row.key,
            "url": row.url, "source": row.source_id, **_outlet(row.source_id, None, sources),
            "country": None, "words": len(tokens(row.text)), "feed": None,
            "title": row.title, "authors": [], "date": row.published, "published_at": None, "date_origin": None,
            "dates": [], "language": row.language, "topic": None, "score": None, "borderline": None,
            "terms": [], "why": None, "sha256": None,
            "text_hash": row.exact_key.hex() if row.exact_key else None, "method": None, "version": None,
            "retrieved_at": row.retrieved_at, "appended_at": row.stored_at, "event": self.event.get(row.number),
            "reprints": [], "relations": [], "share": row.score, "text_url": row.url, "text": row.text,
        }  # fmt: skip


def _outlet(source_id: str | None, kept: Mapping[str, str] | None, sources: Mapping[str, Source]) -> dict[str, Any]:
    """Return name and country of the outlet: as kept with the article, else as in the catalogue."""
    source = sources.get(source_id or "")
    known = kept or ({"name": source.name, "country": source.country} if source else {})
    return {"source_name": known.get("name"), "source_country": known.get("country")}
