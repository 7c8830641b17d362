"""The articles as a reader looks through them: newest first, narrowed by filters, with the counts beside each filter.

Lists and counts are read off one index of `articles` that holds all that filters ask for, because the table's own rows
carry the texts. A search narrows like a filter: to the newest articles with its words, `storage.search.search.RANKED`
at most.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from extractors.records import Relation
from storage.index.schema import articles, events, marks, variants

LATE = timedelta(days=7)  # from the day of publication until it was found
UNDATED = date.min  # as the position in a list


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to. An empty or None field leaves out nothing.

    Days are days of publication, both included; they leave out undated articles.
    """

    first_day: date | None = None
    last_day: date | None = None
    sources: Collection[str] | None = None
    languages: Collection[str] = ()
    about: Collection[str] = ()  # countries of the story
    numbers: Collection[int] | None = None  # that a search has found
    borderline: bool = False
    reprinted: bool = False
    late: bool = False  # found more than LATE after the day of publication
    undated: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """An article in a list. `event` is the number of its event's first article; `others` report it as well."""

    number: int
    title: str | None
    url: str | None
    source_id: str | None
    language: str | None
    published: date | None
    appended_at: datetime
    borderline: bool
    event: int | None
    reprints: int
    mark: bool | None
    published_at: datetime | None = None
    country: str | None = None  # of the story

    @property
    def late(self) -> bool:
        """Whether it was found long after its publication."""
        return self.published is not None and self.appended_at.date() - self.published > LATE


@dataclass(frozen=True, slots=True)
class Counts:
    """How many articles there are of each value, under the filters."""

    total: int
    by_source: Mapping[str | None, int] = field(default_factory=Counter)
    by_language: Mapping[str | None, int] = field(default_factory=Counter)
    by_story: Mapping[str | None, int] = field(default_factory=Counter)  # by the country that it is about
    by_day: Mapping[date | None, int] = field(default_factory=Counter)


class _ms_of_day(FunctionElement[int]):
    """The beginning of a day as milliseconds since 1970 UTC, as `storage.index.schema.Moment` keeps moments."""

    type = Integer()
    inherit_cache = True


@compiles(_ms_of_day, "sqlite")
def _in_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f"(CAST(strftime('%s', {compiler.process(element.clauses, **options)}) AS INTEGER) * 1000)"


@compiles(_ms_of_day, "postgresql")
def _in_postgresql(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f"(CAST(EXTRACT(EPOCH FROM {compiler.process(element.clauses, **options)}) AS BIGINT) * 1000)"


async def load_lines(
    connection: AsyncConnection, filters: Filters, *, after: tuple[date, int] | None = None, limit: int
) -> list[Line]:
    """Return the newest articles under the filters, by day of publication and number, the undated ones last.

    `after` is the day and the number of the last article of the page before, with UNDATED for one without a day.
    """
    query = select(articles.c.number).where(*_conditions(filters))
    if after is not None:
        day, number = after
        earlier = and_(articles.c.published == day, articles.c.number < number)
        if day == UNDATED:
            query = query.where(articles.c.published.is_(None), articles.c.number < number)
        else:
            query = query.where(or_(articles.c.published < day, earlier, articles.c.published.is_(None)))
    query = query.order_by(articles.c.published.desc().nulls_last(), articles.c.number.desc()).limit(limit)
    return await load_these(connection, (await connection.execute(query)).scalars().all())


async def load_these(connection: AsyncConnection, numbers: Sequence[int]) -> list[Line]:
    """Return these articles, in this order; at most a few hundred, numbers of none are left out."""
    told = await _counted(connection, numbers)
    columns = ("number", "title", "url", "canonical_url", "source_id", "language", "published", "published_at",
               "appended_at", "story_country")  # fmt: skip
    query = (
        select(*(articles.c[name] for name in columns), articles.c.borderline, events.c.event, marks.c.relevant)
        .outerjoin(events, events.c.number == articles.c.number)
        .outerjoin(marks, marks.c.key == articles.c.canonical_url)
        .where(articles.c.number.in_(numbers))
    )
    found = {
        row.number: Line(
            row.number, row.title, row.url or row.canonical_url, row.source_id, row.language, row.published,
            row.appended_at, bool(row.borderline), row.event, told.get(row.number, 0), row.relevant,
            row.published_at, row.story_country,
        )
        for row in await connection.execute(query)
    }  # fmt: skip
    return [found[number] for number in numbers if number in found]


async def load_event(connection: AsyncConnection, number: int) -> list[Line]:
    """Return all articles that report the event of this one, itself among them, in the order of their numbers."""
    own = select(events.c.event).where(events.c.number == number).scalar_subquery()
    query = select(events.c.number).where(events.c.event == own).order_by(events.c.number).limit(200)
    return await load_these(connection, (await connection.execute(query)).scalars().all())


async def load_counts(connection: AsyncConnection, filters: Filters) -> Counts:
    """Return the numbers of articles under the filters, by source, language, story's country, day of publication."""
    number = func.count().label("found")
    conditions = _conditions(filters)

    async def by(column: ColumnElement[Any]) -> dict[Any, int]:
        query: Select[Any] = select(column.label("value"), number).where(*conditions).group_by(column)
        return {row.value: row.found for row in await connection.execute(query)}

    by_day = await by(articles.c.published)
    sources, languages = await by(articles.c.source_id), await by(articles.c.language)
    return Counts(sum(by_day.values()), sources, languages, await by(articles.c.story_country), by_day)


async def neighbours(connection: AsyncConnection, number: int) -> tuple[int | None, int | None]:
    """Return the numbers of the articles appended before and after this one; None at either end."""
    before = select(func.max(articles.c.number)).where(articles.c.number < number)
    after = select(func.min(articles.c.number)).where(articles.c.number > number)
    return await connection.scalar(before), await connection.scalar(after)


async def _counted(connection: AsyncConnection, numbers: Sequence[int]) -> dict[int, int]:
    query = select(variants.c.number, func.count().label("found")).where(
        variants.c.number.in_(numbers), variants.c.relation == Relation.REPRINT
    )
    return {row.number: row.found for row in await connection.execute(query.group_by(variants.c.number))}


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if filters.first_day:
        wanted.append(articles.c.published >= filters.first_day)
    if filters.last_day:
        wanted.append(articles.c.published <= filters.last_day)
    if filters.undated:
        wanted.append(articles.c.published.is_(None))
    if filters.sources is not None:
        wanted.append(articles.c.source_id.in_(filters.sources))
    if filters.languages:
        wanted.append(articles.c.language.in_(filters.languages))
    if filters.about:
        wanted.append(articles.c.story_country.in_(filters.about))
    if filters.numbers is not None:
        wanted.append(articles.c.number.in_(filters.numbers))
    if filters.borderline:
        wanted.append(articles.c.borderline.is_(True))
    if filters.reprinted:
        wanted.append(articles.c.number.in_(select(variants.c.number).where(variants.c.relation == Relation.REPRINT)))
    if filters.late:
        allowed = LATE + timedelta(days=1)  # a day of publication ends a day after it begins
        found = literal_column("articles.appended_at", Integer())
        wanted.append(found - _ms_of_day(articles.c.published) > allowed // timedelta(milliseconds=1))
    return wanted
