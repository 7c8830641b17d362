"""The contents of the reading room's pages, read from the index: what the templates put into words."""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from extractors.records import Relation
from flows.browse.asked import Asked, sources_of
from flows.browse.text import marked
from flows.differences import Piece, differences
from storage.files.article_file import ArticleFile
from storage.files.reading import text_of
from storage.health.history import load_story
from storage.index.schema import articles, relations, variants
from storage.search.queries import Query, parse
from storage.search.search import find, snippets
from storage.search.timeline import (
    UNDATED,
    Counts,
    Filters,
    Line,
    load_counts,
    load_event,
    load_lines,
    load_these,
    neighbours,
)

PAGE = 50  # articles
MOST_DAYS = 93  # that the picture shows one by one; a longer time is shown by months
BAR_HEIGHT = 60  # pixels
BEFORE, AFTER = "\x02", "\x03"  # around the words that match: no text holds them


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of a list: articles by day of publication and event, the counts beside the filters."""

    lines: list[Line]
    snippets: Mapping[int, list[Piece]]
    counts: Counts
    countries: Mapping[str, int]
    bars: list[dict[str, Any]]
    more: tuple[date, int] | None  # the position after the last article; None: there are no more
    problem: str | None = None  # why the search looked for nothing

    def days(self) -> list[tuple[date | None, list[list[Line]]]]:
        """Return the articles by day, those of one event together."""
        by_day = groupby(self.lines, key=lambda line: line.published)
        return [(day, _by_event(list(lines))) for day, lines in by_day]


async def load_list(
    connection: AsyncConnection,
    asked: Asked,
    countries: Mapping[str, str],
    *,
    limit: int,
    with_snippets: bool = True,
) -> Listed:
    """Return the articles that are asked for: of a search by rank the best, else the newest."""
    query: Query | None = None
    scores: dict[int, float] = {}
    if asked.q:
        try:
            query = parse(asked.q)
        except ValueError as error:
            return Listed([], {}, Counts(0), {}, [], None, problem=str(error))
        scores = await find(connection, query, first_day=asked.first, last_day=asked.last)
    filters = Filters(
        first_day=asked.first, last_day=asked.last, sources=sources_of(asked, countries), languages=asked.language,
        about=asked.about,
        numbers=scores if query else None, borderline="borderline" in asked.only, reprinted="reprinted" in asked.only,
        late="late" in asked.only, undated="undated" in asked.only,
    )  # fmt: skip
    counts = await load_counts(connection, filters)
    if asked.by_rank:
        everything = await load_lines(connection, filters, limit=len(scores))
        best = sorted(everything, key=lambda line: (-scores[line.number], -line.number))
        lines, more = best[:limit], None
    else:
        lines = await load_lines(connection, filters, after=asked.after, limit=limit + 1)
        more = _position(lines[limit - 1]) if len(lines) > limit else None
        lines = lines[:limit]
    found: dict[int, str] = {}
    if query and with_snippets:
        found = await snippets(connection, query, [line.number for line in lines], marks=(BEFORE, AFTER))
    by_country: Counter[str] = Counter()
    for source, count in counts.by_source.items():
        by_country[countries.get(source or "", "")] += count
    pieces = {number: snippet_pieces(text) for number, text in found.items()}
    return Listed(lines, pieces, counts, by_country, bars(counts.by_day), more)


def snippet_pieces(text: str) -> list[Piece]:
    """Return a snippet in pieces, the words that matched as "mark"."""
    pieces: list[Piece] = []
    for part in text.split(BEFORE):
        inside, _, outside = part.rpartition(AFTER)
        pieces += [(inside, "mark"), (outside, "")]
    return [piece for piece in pieces if piece[0]]


def bars(by_day: Mapping[date | None, int]) -> list[dict[str, Any]]:
    """Return the picture of attention: a bar for each day of a short time, for each month of a longer one."""
    counts = {day: count for day, count in by_day.items() if day is not None}
    if not counts:
        return []
    first, last = min(counts), max(counts)
    by_month = (last - first).days > MOST_DAYS
    sums: Counter[tuple[date, date]] = Counter()
    for day, count in counts.items():
        sums[(day.replace(day=1), _end_of_month(day)) if by_month else (day, day)] += count
    most = max(sums.values())
    return [
        {"first": begin, "last": end, "count": count, "height": max(2, round(BAR_HEIGHT * count / most))}
        for (begin, end), count in sorted(sums.items())
    ][-MOST_DAYS:]


async def load_article(connection: AsyncConnection, number: int) -> dict[str, Any] | None:
    """Return all that is shown of an article; None if no article has this number."""
    row = (await connection.execute(select(articles).where(articles.c.number == number))).first()
    if row is None:
        return None
    text = text_of(ArticleFile.parse(row.body.encode("utf-8")), row.title)
    terms = [term for _, term, _, _ in row.matches or ()]
    (line,) = await load_these(connection, [number])
    before, after = await neighbours(connection, number)
    story = await load_story(connection, row.canonical_url) if row.canonical_url else {}
    return {
        "row": row,
        "line": line,
        "paragraphs": [marked(paragraph, terms) for paragraph in text.split("\n\n")],
        "headline": marked(row.title or "", terms),
        "variants": await _variants(connection, number),
        "relations": await _relations(connection, number),
        "event": [one for one in await load_event(connection, number) if one.number != number],
        "archived": story.get("archived_copy"),
        "digests": story.get("digests", []),
        "before": before,
        "after": after,
    }


async def key_of(connection: AsyncConnection, number: int) -> str | None:
    """Return the name under which an article is marked: its address, or else its file. None: no such article."""
    query = select(articles.c.canonical_url, articles.c.file).where(articles.c.number == number)
    row = (await connection.execute(query)).first()
    return None if row is None else row.canonical_url or row.file


async def load_differences(connection: AsyncConnection, number: int, variant: int) -> dict[str, Any] | None:
    """Return both texts of a story to compare; None if the article has no such variant."""
    query = select(articles.c.body, articles.c.title, variants).join(variants, variants.c.number == articles.c.number)
    row = (await connection.execute(query.where(articles.c.number == number, variants.c.id == variant))).first()
    if row is None:
        return None
    text = text_of(ArticleFile.parse(row.body.encode("utf-8")), row.title)
    return {"number": number, "url": row.url, "source_id": row.source_id, "relation": row.relation,
            "pieces_of": differences(text, row.text)}  # fmt: skip


def _by_event(lines: Sequence[Line]) -> list[list[Line]]:
    groups: dict[int, list[Line]] = {}
    for line in lines:
        groups.setdefault(line.number if line.event is None else line.event, []).append(line)
    return list(groups.values())


def _position(line: Line) -> tuple[date, int]:
    return line.published or UNDATED, line.number


def _end_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


async def _variants(connection: AsyncConnection, number: int) -> list[dict[str, Any]]:
    names = ("id", "relation", "score", "url", "source_id", "title", "published", "language")
    query = select(*(variants.c[name] for name in names)).where(variants.c.number == number).order_by(variants.c.id)
    return [dict(row._mapping) for row in await connection.execute(query)]


async def _relations(connection: AsyncConnection, number: int) -> list[tuple[str, Line]]:
    kinds: dict[int, str] = {}
    for own, other in ((relations.c.number, relations.c.other), (relations.c.other, relations.c.number)):
        query = select(other.label("other"), relations.c.kind).where(own == number)
        kinds |= {row.other: Relation(row.kind).value for row in await connection.execute(query)}
    return [(kinds[line.number], line) for line in await load_these(connection, sorted(kinds))]
