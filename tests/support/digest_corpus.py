"""A corpus for digests: articles that differ, placed as a pass would place them, and a configuration with mail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from config.load import CHECKOUT, Config, load_config
from config.settings import Digest, Mail, Storage
from config.sources import Source
from extractors.records import Article, Entry, Found, Result, Verdict
from storage.corpus.writer import CorpusWriter, open_corpus
from storage.index.schema import deliveries, digest_articles

START = datetime(2025, 11, 22, 2, 0, tzinfo=UTC)  # seven in the morning in Almaty
DAY = date(2025, 11, 21)
FEED = "https://site.kz/rss"
SENDER = "c5watch@example.org"


def new_article(number: int, **changes: Any) -> Result:
    """What a pass makes of an entry. `changes` are of the article, or `topic`, `source_id`, `url`."""
    topic, source_id = changes.pop("topic", "topic"), changes.pop("source_id", "site")
    key = f"https://site.kz/news/{number}"
    url = changes.pop("url", key)
    paragraphs = (" ".join(f"слово{number}и{place}" for place in range(60)), "Конец.")
    article = Article(paragraphs, f"Заголовок {number}", ("Автор",), DAY, "feed", "ru", "test")
    verdict = Verdict(True, topic, 1.0)
    return Found(
        key, Entry(key, FEED), source_id, url=url, retrieved_at=START, verdict=verdict,
        article=replace(article, **changes),
    )  # fmt: skip


async def place(corpus: CorpusWriter, results: Iterable[Result], *, now: datetime = START) -> None:
    """Append these articles."""
    placed = await corpus.place(list(results), now=now, listed=False)
    assert all(p.outcome == "appended" for p in placed), placed


@asynccontextmanager
async def opened(data: Path, storage: Storage) -> AsyncIterator[CorpusWriter]:
    """The corpus below `data`."""
    async with open_corpus(data, storage) as corpus:
        yield corpus


def source(source_id: str = "site", country: str = "KZ") -> Source:
    """A source of the catalogue."""
    return Source(
        id=source_id, name=f"Сайт {source_id}", homepage="https://site.kz", feeds=(FEED,), language="ru",
        country=country, category="national",
    )  # fmt: skip


def configured(
    storage: Storage, *, port: int | None = None, digests: Iterable[Digest] = (Digest(),),
    sources: Iterable[Source] | None = None, **mail: Any,
) -> Config:  # fmt: skip
    """The checkout's configuration with this storage, and with mail through loopback when there is a port."""
    shipped = load_config(CHECKOUT)
    to: dict[str, Any] = {"host": "127.0.0.1", "security": "none", "sender": SENDER, "recipients": ["desk@example.org"]}
    settings = shipped.settings.model_copy(
        update={
            "storage": storage,
            "digests": tuple(digests),
            "mail": Mail(**{**to, "port": port, "timeout": 30.0, **mail}) if port else None,
        }
    )
    return replace(shipped, settings=settings, sources=tuple(sources or (source(),)))


async def states(corpus: CorpusWriter) -> dict[str, str]:
    """Recipient → how far his last digest has got."""
    async with corpus.database.read() as connection:
        query = select(deliveries.c.recipient, deliveries.c.state).order_by(deliveries.c.digest)
        return {row.recipient: row.state for row in await connection.execute(query)}


async def held(corpus: CorpusWriter, name: str = "digest") -> dict[int, int]:
    """Article → the digest that it is in."""
    async with corpus.database.read() as connection:
        query = select(digest_articles).where(digest_articles.c.name == name)
        return {row.number: row.digest for row in await connection.execute(query)}
