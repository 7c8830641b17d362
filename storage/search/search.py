"""Full text search over the articles: the same words found, in the same way, in SQLite and in PostgreSQL.

The index holds stems made here (`storage.search.stems`), so that both databases answer alike. SQLite keeps them in
an FTS5 table without the text, PostgreSQL in a `tsvector` under a GIN index; both hold the positions that phrases need.
Source and language stand beside them as words with a `=`, which no query can contain. An article is indexed in the
transaction that inserts it; migrations 0004 and 0010 indexed the older ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Date, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.index.schema import articles
from storage.search.indexed import IndexedWords, body_text, indexed_words
from storage.search.queries import Phrase, Query, parse
from storage.search.snippets import snippet

RANKED = 500  # the newest matches that are ranked: a word with more matches tells little
TITLE_WEIGHT = 5.0  # a word of the headline counts as five of the text
_GAP = 10  # between headline and text, so that no phrase spans both
_BATCH = 200

CREATE = {
    "sqlite": (
        "CREATE VIRTUAL TABLE search USING fts5(title, body, facts, content='', tokenize=\"ascii tokenchars '=-'\")",
    ),
    "postgresql": (
        "CREATE TABLE search (number INTEGER PRIMARY KEY REFERENCES articles (number), stems TSVECTOR NOT NULL)",
        "CREATE INDEX search_stems ON search USING gin (stems)",
    ),
}
_INSERT = {
    "sqlite": "INSERT INTO search (rowid, title, body, facts) VALUES (:number, :title, :body, :facts)",
    "postgresql": "INSERT INTO search (number, stems) VALUES (:number, CAST(:stems AS tsvector))",
}
_EMPTY = {"sqlite": "INSERT INTO search (search) VALUES ('delete-all')", "postgresql": "DELETE FROM search"}
# The newest matches, ranked: BM25 in SQLite, frequency by the text's length in PostgreSQL (weights of D, C, B, A).
_RANKED = {
    "sqlite": "SELECT rowid AS number, -bm25(search, {title}, 1.0, 0.0) AS score FROM search "
    "WHERE search MATCH :query {dated} ORDER BY rowid DESC LIMIT :ranked",
    "postgresql": "SELECT number, ts_rank('{{{body}, 0, 0, 1}}', stems, CAST(:query AS tsquery), 1) AS score FROM "
    "(SELECT number, stems FROM search "
    "WHERE stems @@ CAST(:query AS tsquery) {dated} ORDER BY number DESC LIMIT :ranked) AS newest",
}


_OF_SOURCE = {
    "sqlite": "SELECT count(*) FROM search WHERE search MATCH :query",
    "postgresql": "SELECT count(*) FROM search WHERE stems @@ CAST(:query AS tsquery)",
}


@dataclass(frozen=True, slots=True)
class Hit:
    """An article found. `score`: the higher the better, comparable within one answer only."""

    number: int
    title: str | None
    published: date | None
    source_id: str | None
    language: str | None
    url: str | None
    score: float
    snippet: str  # of the text, on one line, with the words that matched marked


@dataclass(frozen=True, slots=True)
class ToIndex:
    """An article to be indexed. `body` is the whole corpus file; `words` are its words where they are made already."""

    number: int
    title: str | None
    body: str
    source_id: str | None = None
    language: str | None = None
    words: IndexedWords | None = None


async def store(connection: AsyncConnection, new: Sequence[ToIndex]) -> None:
    """Index articles, each once, in the transaction that inserts them."""
    name = connection.dialect.name
    if new:
        rows = [
            _row(
                name,
                one.number,
                one.words or indexed_words(one.title, one.body, one.language),
                one.source_id,
                one.language,
            )
            for one in new
        ]
        await connection.execute(text(_INSERT[name]), rows)


async def take_out(connection: AsyncConnection, one: ToIndex) -> None:
    """Take an article out of the index: `one` is what it was indexed by."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("DELETE FROM search WHERE number = :number"), {"number": one.number})
        return
    # Without the text at hand FTS5 has to be told which words to take out.
    row = _row("sqlite", one.number, indexed_words(one.title, one.body, one.language), one.source_id, one.language)
    await connection.execute(
        text(
            "INSERT INTO search (search, rowid, title, body, facts) VALUES ('delete', :number, :title, :body, :facts)"
        ),
        row,
    )


def lacks_sources(connection: Connection) -> bool:
    """Return whether the index does not know the sources of some articles, as of adopted ones in earlier versions."""
    name = connection.dialect.name
    of_source = func.count().label("found")
    rows = connection.execute(select(articles.c.source_id, of_source).group_by(articles.c.source_id)).all()
    indexed = text(_OF_SOURCE[name])
    return any(
        source_id and count != connection.execute(indexed, {"query": _FACT[name](source_id)}).scalar()
        for source_id, count in rows
    )


def rebuild(connection: Connection) -> int:
    """Index all articles anew; return how many. About a minute for 100,000."""
    name = connection.dialect.name
    connection.execute(text(_EMPTY[name]))
    facts = articles.c.number, articles.c.title, articles.c.body, articles.c.source_id, articles.c.language
    count, last = 0, -1
    query = select(*facts).order_by(articles.c.number).limit(_BATCH)
    while rows := connection.execute(query.where(articles.c.number > last)).all():
        words = [(row, indexed_words(row.title, row.body, row.language)) for row in rows]
        made = [_row(name, row.number, indexed, row.source_id, row.language) for row, indexed in words]
        connection.execute(text(_INSERT[name]), made)
        count, last = count + len(rows), rows[-1].number
    return count


async def search(
    connection: AsyncConnection,
    query: str,
    *,
    limit: int = 20,
    first_day: date | None = None,
    last_day: date | None = None,
    sources: Collection[str] = (),
    languages: Collection[str] = (),
    marks: tuple[str, str] = ("**", "**"),
) -> list[Hit]:
    """Return the articles that match `query` (`storage.search.queries` has its rules), best first.

    Days are days of publication, both included; they leave out undated articles. Without `sources` or `languages` all
    count. Raises ValueError, in one sentence, if the query has nothing to look for.
    """
    parsed = parse(query)
    found = await find(
        connection, parsed, limit=limit, first_day=first_day, last_day=last_day, sources=sources, languages=languages
    )
    best = dict(list(found.items())[:limit])
    rows = (await connection.execute(select(articles).where(articles.c.number.in_(best)))).all()
    by_number = {row.number: row for row in rows}
    return [
        Hit(
            number, row.title, row.published, row.source_id, row.language, row.url, float(score),
            snippet(body_text(row.body, row.title), parsed, marks=marks, language=row.language),
        )
        for number, score in best.items()
        if (row := by_number.get(number))
    ]  # fmt: skip


async def known_sources(connection: AsyncConnection, ids: Collection[str]) -> set[str]:
    """Return those of the ids under which there are articles, also of sources that the catalogue no longer has."""
    found = await connection.execute(select(articles.c.source_id).where(articles.c.source_id.in_(ids)).distinct())
    return {source_id for (source_id,) in found}


async def find(
    connection: AsyncConnection,
    query: Query,
    *,
    limit: int = RANKED,
    first_day: date | None = None,
    last_day: date | None = None,
    sources: Collection[str] = (),
    languages: Collection[str] = (),
) -> dict[int, float]:
    """Return the score of each of the newest articles that match, best first: RANKED of them, or `limit` if more.

    Days, sources and languages are those of `search`.
    """
    name = connection.dialect.name
    facts = [[f"s={one}" for one in sorted(sources)], [f"l={one}" for one in sorted(languages)]]
    dated = ""
    values: dict[str, Any] = {"query": _QUERY[name](query, [f for f in facts if f]), "ranked": max(RANKED, limit)}
    if first_day or last_day:
        dated = f"AND {'+rowid' if name == 'sqlite' else 'number'} IN (SELECT number FROM articles WHERE "
        dated += "published BETWEEN :first AND :last)"
        values |= {"first": first_day or date.min, "last": last_day or date.max}
    statement = text(_RANKED[name].format(title=TITLE_WEIGHT, body=1 / TITLE_WEIGHT, dated=dated))
    if dated:
        statement = statement.bindparams(bindparam("first", type_=Date), bindparam("last", type_=Date))
    if name == "postgresql":  # a plan for any word would read most of the table for a rare word
        await connection.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
    ranked = (await connection.execute(statement, values)).all()
    return {row.number: row.score for row in sorted(ranked, key=lambda row: (-row.score, -row.number))}


async def snippets(
    connection: AsyncConnection, query: Query, numbers: Collection[int], *, marks: tuple[str, str]
) -> dict[int, str]:
    """Return the snippet of each of these articles, on one line, with the words that matched marked."""
    columns = articles.c.number, articles.c.title, articles.c.body, articles.c.language
    rows = await connection.execute(select(*columns).where(articles.c.number.in_(numbers)))
    return {
        row.number: snippet(body_text(row.body, row.title), query, marks=marks, language=row.language) for row in rows
    }


def _row(name: str, number: int, words: IndexedWords, source_id: str | None, language: str | None) -> dict[str, Any]:
    facts = [f"s={source_id}"] * bool(source_id) + [f"l={language}"] * bool(language)
    if name == "sqlite":
        return {"number": number, "title": words.title, "body": words.body, "facts": " ".join(facts)}
    headline = words.title.split()
    where: dict[str, list[str]] = defaultdict(list)
    for position, stem in enumerate(headline, start=1):
        where[stem].append(f"{position}A")
    for position, stem in enumerate(words.body.split(), start=len(headline) + _GAP):
        where[stem].append(str(position))
    entries = [_pg_quoted(fact) for fact in facts]
    entries += [f"{_pg_quoted(stem)}:{','.join(positions)}" for stem, positions in where.items()]
    return {"number": number, "stems": " ".join(entries)}


def _fts5_query(query: Query, facts: Sequence[Sequence[str]]) -> str:
    def phrase(one: Phrase) -> str:
        return f'"{" ".join(one.stems)}"' + (" *" if one.is_beginning else "")

    def any_of(term: Sequence[Phrase]) -> str:
        return f"({' OR '.join(phrase(one) for one in term)})"

    quoted = [[one.replace('"', '""') for one in group] for group in facts]
    groups = [any_of(term) for term in query.required]
    groups += ["(" + " OR ".join(f'"{one}"' for one in group) + ")" for group in quoted]
    return f"({' AND '.join(groups)})" + (f" NOT {any_of(query.excluded)}" if query.excluded else "")


def _pg_query(query: Query, facts: Sequence[Sequence[str]]) -> str:
    def phrase(one: Phrase) -> str:
        return "(" + " <-> ".join(_pg_quoted(stem) for stem in one.stems) + (":*)" if one.is_beginning else ")")

    def any_of(term: Sequence[Phrase]) -> str:
        return f"({' | '.join(phrase(one) for one in term)})"

    groups = [any_of(term) for term in query.required]
    groups += ["(" + " | ".join(_pg_quoted(one) for one in group) + ")" for group in facts]
    return " & ".join(groups) + (f" & !{any_of(query.excluded)}" if query.excluded else "")


def _pg_quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


_FACT = {"sqlite": lambda one: f'facts:"s={one}"', "postgresql": lambda one: _pg_quoted(f"s={one}")}
_QUERY = {"sqlite": _fts5_query, "postgresql": _pg_query}
