"""Look among the articles of some days for translations and common events, and store them.

Articles are compared day by day, whenever they came: an article of the past joins the events of its days. Reading and
comparing hold no lock; the findings are then written in one transaction, which leaves articles alone that another run
has settled meanwhile. A crash costs the current batch; repeating it changes nothing.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from extractors.records import Relation
from extractors.urls import article_id, canonical_url
from storage.files.article_file import ArticleFile
from storage.index.database import Database
from storage.index.dialects import in_chunks, insert_for
from storage.index.schema import articles, events, relations
from storage.relating.events import SPAN, Groups, find_events
from storage.relating.nearby import Nearby, Piece
from storage.relating.traits import read_traits
from storage.relating.translations import Translation, find_translations, page_keys

BATCH = 300  # articles, of one day
AHEAD = 5000  # waiting articles that are sorted by day at a time
MOST = 2500  # articles that are compared with one another, the nearest ones; days of 300 make 2100
FURNITURE = 3  # articles of a source with the same line: the line belongs to the site
MIN_LINE = 20  # characters; shorter lines do not mislead
UNDATED = "adopted"  # the method of articles that may have no day
RELATED = (Relation.RELATED, Relation.REPRINT, Relation.CONTAINED_IN, Relation.MERGE_CANDIDATE)
_ADDRESS = re.compile(r"https?://[^\s<>\"«»]+[^\s<>\"«»().,;:!?]")


@dataclass(frozen=True, slots=True)
class Related:
    """The result of `relate_new`: articles looked at, translations found, and articles that founded an event."""

    articles: int = 0
    translations: int = 0
    events: int = 0

    def __add__(self, other: Related) -> Related:
        return Related(
            self.articles + other.articles, self.translations + other.translations, self.events + other.events
        )


@dataclass(frozen=True, slots=True)
class _Dated:
    """The time of an article, as far as known: its day, or the moment of its adoption."""

    number: int
    day: date | None
    adopted_at: datetime | None


async def waiting_since(connection: AsyncConnection) -> datetime | None:
    """Return when the article that has waited longest for `relate_new` was appended; None if no article waits."""
    query = select(func.min(articles.c.appended_at)).where(articles.c.related_at.is_(None))
    since: datetime | None = (await connection.execute(query)).scalar()
    return since


async def relate_new(database: Database, *, now: datetime) -> Related:
    """Find the translations and events of all articles that have not been looked at yet.

    It takes some milliseconds an article in large batches, and about a second for the first: the articles of the days
    around are read as well. So call it before a digest rather than after every pass.
    """
    done = Related()
    shelf = _Shelf()
    while batches := await _load_waiting(database):
        for batch in batches:
            done += await _relate(database, shelf, batch, now)
    return done


async def _relate(database: Database, shelf: _Shelf, batch: Sequence[_Dated], now: datetime) -> Related:
    numbers = [dated.number for dated in batch]
    async with database.read() as connection:
        near_by = await _load_near_by(connection, batch)
        pieces = await shelf.load(connection, [dated.number for dated in near_by], numbers)
        known = await _load_known(connection, [piece.number for piece in pieces])
    found, event_of = await asyncio.to_thread(_compare, pieces, numbers, known)
    async with database.write() as connection:
        return await _store(connection, numbers, found, event_of, now)


def _compare(
    pieces: Sequence[Piece], numbers: Sequence[int], known: Groups
) -> tuple[list[Translation], dict[int, int]]:
    nearby = Nearby(pieces)
    present = [number for number in numbers if number in nearby.pieces]
    found = find_translations(nearby, present)
    known.translations = [*known.translations, *((pair.number, pair.other) for pair in found)]
    return found, find_events(nearby, present, known)


async def _store(
    connection: AsyncConnection,
    numbers: Sequence[int],
    found: Sequence[Translation],
    event_of: dict[int, int],
    now: datetime,
) -> Related:
    waiting: set[int] = set()
    there: set[int] = set()  # articles that nobody has taken back meanwhile
    settled: dict[int, int] = {}
    for some in in_chunks(
        sorted({*numbers, *event_of.values(), *(n for pair in found for n in (pair.number, pair.other))})
    ):
        query = select(articles.c.number, articles.c.related_at).where(articles.c.number.in_(some))
        for number, related_at in await connection.execute(query):
            there.add(number)
            waiting |= {number} if related_at is None else set()
        rows = await connection.execute(select(events.c.number, events.c.event).where(events.c.number.in_(some)))
        settled.update((row.number, row.event) for row in rows)
    waiting &= event_of.keys()
    founded = 0
    founders: dict[int, int] = {}
    for number in (number for number in numbers if number in waiting and number not in settled):
        # If another run has put the founder into an event, this article follows it. Where the founder has been taken
        # back meanwhile, the next article of the event is its founder.
        event = event_of[number] if event_of[number] in there else founders.setdefault(event_of[number], number)
        settled[number] = settled.get(event, number)
        founded += settled[number] == number
        await connection.execute(insert_for(connection, events).values(number=number, event=settled[number]))
    pairs = [
        {"number": pair.number, "other": pair.other, "kind": Relation.TRANSLATION_OF, "score": pair.score}
        for pair in found
        if {pair.number, pair.other} <= there and (pair.number in waiting or pair.other in waiting)
    ]
    before = await _count_translations(connection)
    if pairs:
        await connection.execute(insert_for(connection, relations).on_conflict_do_nothing(), pairs)
    for some in in_chunks(sorted(set(waiting))):
        await connection.execute(update(articles).where(articles.c.number.in_(some)).values(related_at=now))
    return Related(len(waiting), await _count_translations(connection) - before, founded)


async def _count_translations(connection: AsyncConnection) -> int:
    query = select(func.count()).select_from(relations).where(relations.c.kind == Relation.TRANSLATION_OF)
    return int((await connection.execute(query)).scalar_one())


async def _load_waiting(database: Database) -> list[list[_Dated]]:
    """Return waiting articles in batches of one day each, in the order of the days; undated articles come last."""
    query = select(*_WHEN).where(articles.c.related_at.is_(None)).order_by(articles.c.number).limit(AHEAD)
    async with database.read() as connection:
        waiting = [_dated(row) for row in await connection.execute(query)]
    days: dict[tuple[date | None, datetime | None], list[_Dated]] = {}
    for dated in waiting:
        days.setdefault((dated.day, dated.adopted_at if dated.day is None else None), []).append(dated)
    order = sorted(days, key=lambda key: (key[0] is None, key[0] or date.min, str(key[1])))
    return [
        of_day[start : start + BATCH]
        for key in order
        for of_day in [days[key]]
        for start in range(0, len(of_day), BATCH)
    ]


_WHEN = (
    articles.c.number, articles.c.published, articles.c.retrieved_at, articles.c.appended_at, articles.c.method,
)  # fmt: skip


def _dated(row: Any) -> _Dated:
    adopted_at = row.appended_at if row.method == UNDATED else None
    if row.published is None and adopted_at is not None:
        return _Dated(row.number, None, adopted_at)
    return _Dated(row.number, row.published or (row.retrieved_at or row.appended_at).date(), adopted_at)


async def _load_near_by(connection: AsyncConnection, batch: Sequence[_Dated]) -> list[_Dated]:
    """Return the batch and its neighbours: articles of the days around, or adopted at the same time."""
    first = batch[0]
    near = await connection.execute(select(*_WHEN).where(_around(first)))
    own = {dated.number for dated in batch}
    others = [dated for row in near if (dated := _dated(row)).number not in own]
    others.sort(key=lambda dated: (_days_between(first, dated), abs(dated.number - first.number)))
    return [*batch, *others[: MOST - len(batch)]]


def _around(dated: _Dated) -> ColumnElement[bool]:
    if dated.day is None:
        return and_(articles.c.appended_at == dated.adopted_at, articles.c.method == UNDATED)
    first, last = dated.day - SPAN, dated.day + SPAN
    moment = func.coalesce(articles.c.retrieved_at, articles.c.appended_at)
    after, before = (datetime.combine(day, datetime.min.time(), UTC) for day in (first, last + timedelta(days=1)))
    return or_(
        articles.c.published.between(first, last),
        and_(articles.c.published.is_(None), articles.c.method != UNDATED, moment >= after, moment < before),
    )


def _days_between(first: _Dated, second: _Dated) -> int:
    return abs((first.day - second.day).days) if first.day and second.day else 0


async def _load_known(connection: AsyncConnection, numbers: Sequence[int]) -> Groups:
    """Return the stored events and relations among these articles."""
    known = set(numbers)
    event_of: dict[int, int] = {}
    pairs: dict[str, list[tuple[int, int]]] = {}
    for some in in_chunks(sorted(set(numbers))):
        rows = await connection.execute(select(events.c.number, events.c.event).where(events.c.number.in_(some)))
        event_of.update((row.number, row.event) for row in rows)
        columns = (relations.c.number, relations.c.other, relations.c.kind)
        for row in await connection.execute(select(*columns).where(relations.c.number.in_(some))):
            if row.other in known:
                pairs.setdefault(row.kind, []).append((row.number, row.other))
    return Groups(
        event_of,
        templates=pairs.get(Relation.TEMPLATE, []),
        related=[pair for kind in RELATED for pair in pairs.get(kind, [])],
        translations=pairs.get(Relation.TRANSLATION_OF, []),
    )


class _Shelf:
    """The pieces that the last batch was compared with: the next batch needs most of them too."""

    def __init__(self) -> None:
        self._pieces: dict[int, Piece] = {}
        self._lines: dict[int, tuple[str | None, frozenset[int]]] = {}

    async def load(self, connection: AsyncConnection, numbers: Collection[int], batch: Collection[int]) -> list[Piece]:
        """Return the pieces of these articles, and of those elsewhere that a batch of them names or leads to."""
        wanted = set(numbers)
        for table in (self._pieces, self._lines):
            for number in table.keys() - wanted:
                del table[number]
        await asyncio.to_thread(
            self._read, await _load_rows(connection, articles.c.number, wanted - self._pieces.keys())
        )
        named = {address for number in batch for address in self._named(number)}
        named -= {address for piece in self._pieces.values() for address in piece.addresses}
        await asyncio.to_thread(self._read, await _load_rows(connection, articles.c.id, named))
        return list(self._pieces.values())

    def _named(self, number: int) -> frozenset[str]:
        return self._pieces[number].leads_to | self._pieces[number].links_to

    def _read(self, rows: Iterable[Row[Any]]) -> None:
        texts = {row.number: (row, *_headline_and_lines(row)) for row in rows}
        for number, (row, _, lines) in texts.items():
            self._lines[number] = (row.source_id, frozenset(hash(line) for line in lines if len(line) >= MIN_LINE))
        count = Counter((source, line) for source, lines in self._lines.values() if source for line in lines)
        for number, (row, title, lines) in texts.items():
            own = [line for line in lines if count[row.source_id, hash(line)] < FURNITURE]
            self._pieces[number] = _piece(row, title, "\n".join(own))


_COLUMNS = (
    *_WHEN, articles.c.id, articles.c.body, articles.c.title, articles.c.language, articles.c.canonical_url,
    articles.c.url, articles.c.source_id, articles.c.alternates, articles.c.links,
)  # fmt: skip


async def _load_rows(connection: AsyncConnection, column: Any, values: Collection[Any]) -> list[Row[Any]]:
    rows: list[Row[Any]] = []
    for some in in_chunks(sorted(set(values))):
        rows += await connection.execute(select(*_COLUMNS).where(column.in_(some)))
    return rows


def _headline_and_lines(row: Row[Any]) -> tuple[str, list[str]]:
    file = ArticleFile.parse(row.body.encode("utf-8"))
    lines = [line for line in file.text.split("\n") if line]
    if file.published is None and lines:  # an undated file begins with the headline
        return row.title or lines[0], lines[1:]
    return row.title or "", lines


def _piece(row: Row[Any], title: str, text: str) -> Piece:
    dated = _dated(row)
    own = {address for address in (row.canonical_url, row.url) if address}
    return Piece(
        number=row.number,
        language=row.language,
        day=dated.day,
        traits=read_traits(text, row.language, title),
        title=title,
        adopted_at=dated.adopted_at,
        pages=tuple(dict.fromkeys(key for address in sorted(own) for key in page_keys(address))),
        addresses=frozenset({row.id, *_ids(own)}),
        leads_to=frozenset(_ids(row.alternates or ())),
        links_to=frozenset(_ids((*(row.links or ()), *_ADDRESS.findall(text)))),
    )


def _ids(addresses: Iterable[str]) -> Iterator[str]:
    for address in addresses:
        try:
            yield article_id(canonical_url(address))
        except ValueError:
            continue
