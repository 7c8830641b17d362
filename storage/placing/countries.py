"""The countries that stories are about, of articles that came before these were kept, or were adopted."""

from __future__ import annotations

from sqlalchemy import bindparam, func, select, update

from extractors.topic.country import story_country
from storage.files.article_file import ArticleFile
from storage.files.reading import text_of
from storage.index.database import Database
from storage.index.schema import articles

ARTICLES_PER_TRANSACTION = 300
BEGINNING = 8000  # characters of a file: headline, lead and more of the body than counts


def country_of(body: str, title: str | None, language: str | None) -> str:
    """Return the country that the story of a corpus file, or of its beginning, is about."""
    text = text_of(ArticleFile.parse(body.encode("utf-8")), title)
    return story_country(title, text.split("\n\n"), language)


async def find_missing_countries(database: Database) -> int:
    """Find the countries that are not known yet, in small transactions; return how many articles lacked theirs."""
    beginning = func.substr(articles.c.body, 1, BEGINNING).label("beginning")
    columns = (articles.c.number, articles.c.title, articles.c.language, beginning)
    query = select(*columns).where(articles.c.story_country.is_(None)).limit(ARTICLES_PER_TRANSACTION)
    store = update(articles).where(articles.c.number == bindparam("its_number"))
    done = 0
    while True:
        async with database.read() as connection:
            rows = (await connection.execute(query)).all()
        if not rows:
            return done
        found = [
            {"its_number": row.number, "story_country": country_of(row.beginning, row.title, row.language)}
            for row in rows
        ]
        async with database.write() as connection:
            await connection.execute(store, found)
        done += len(rows)
