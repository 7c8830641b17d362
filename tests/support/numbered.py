"""A corpus whose entries have numbers, each of which always ends the same way, and the check of its soundness."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from config.settings import Storage
from extractors.records import Article, Entry, Failed, Found, ItemError, Outcome, Result, Verdict
from storage.corpus.verify import verify
from storage.corpus.writer import CorpusWriter
from storage.index.schema import urls
from storage.state.entries import store_entries

SQLITE = Storage()  # for what is undisturbed, so that the databases are compared as well
ENTRIES_A_POLL = 15
FIRST_SEEN = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)
FEED = "https://site.kz/rss"


def key_of(number: int) -> str:
    return f"https://site.kz/news/{number:05d}"


def result(number: int) -> Result:
    """What becomes of the entry with this number: mostly an article, sometimes a copy, another topic or an error."""
    key = key_of(number)
    entry = Entry(key, FEED)
    if number % 11 == 4:
        return Failed(key, entry, "site", error=ItemError(Outcome.GONE, "http 410", url=key))
    told = number - 1 if number % 7 == 3 else number
    text = " ".join(f"слово{told}и{position}" for position in range(60))
    day = None if number % 6 == 0 else date(2025, 11, 6)
    article = Article((text, "Конец."), f"Заголовок {number}", (), day, None, "ru", "test")
    verdict = Verdict(number % 5 != 1, "topic", 1.0, (), "why")
    return Found(key, entry, "site", url=key, retrieved_at=FIRST_SEEN, article=article, verdict=verdict)


async def remember(corpus: CorpusWriter, poll: int) -> None:
    """Record the entries of one poll as pending."""
    numbers = range(poll * ENTRIES_A_POLL, (poll + 1) * ENTRIES_A_POLL)
    entries = [(key_of(number), Entry(key_of(number), FEED)) for number in numbers]
    async with corpus.database.write() as connection:
        await store_entries(connection, "site", entries, now=FIRST_SEEN + timedelta(minutes=poll))


def contents(data: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((data / "corpus").iterdir())}


def manifest(data: Path) -> list[dict[str, Any]]:
    """The manifest's objects without our own moments."""
    lines = [json.loads(line) for line in (data / "manifest.jsonl").read_bytes().decode().split("\n")[:-1]]
    return [{name: value for name, value in line.items() if name != "appended_at"} for line in lines]


async def outcomes(corpus: CorpusWriter) -> list[tuple[Any, ...]]:
    columns = (urls.c.key, urls.c.outcome, urls.c.reason, urls.c.article, urls.c.attempts)
    async with corpus.database.read() as connection:
        return [tuple(row) for row in await connection.execute(select(*columns).order_by(urls.c.key))]


async def check_sound(corpus: CorpusWriter, data: Path) -> None:
    """Right after an opening: no fault, no gap, no article twice, nothing half-written that a reader could take."""
    count, found = await verify(corpus)
    assert found == []
    names = [name for name in contents(data) if not name.startswith(".")]
    assert [int(name.split("_")[0]) for name in names] == list(range(count))
    appended = [row for row in await outcomes(corpus) if row[1] == "appended"]
    assert sorted(row[3] for row in appended) == list(range(count))
    addresses = [line["canonical_url"] for line in manifest(data)] if count else []
    assert len(set(addresses)) == count
