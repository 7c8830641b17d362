"""The reading room, up on loopback over a corpus of composed articles."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import insert

from config.load import Config
from config.settings import Browse, Storage
from config.sources import Source
from extractors.records import Result
from flows.browse.server import keep_open
from storage.corpus.writer import open_corpus
from storage.index.schema import events, variants
from tests.support.digest_corpus import configured, new_article, place, source

NOW = datetime(2025, 11, 22, 2, 0, tzinfo=UTC)
HOSTILE = "<script>document.title='taken'</script><img src=x onerror=alert(1)> \u202egnp.exe"
SOURCES = (source("site", "KZ"), source("other", "KG"), source("far", "US"))


def results() -> list[Result]:
    """Articles of three outlets in two languages, one of them found late, one undated, one hostile."""
    text = ("Посольство США в Астане приняло делегацию министерства.", "Стороны говорили об уране и визах.")
    more: list[dict[str, Any]] = [
        {"title": "Уран для американских станций", "paragraphs": (*text, "Первый абзац о первом.")},
        {
            "title": "Visas in Bishkek", "source_id": "other", "language": "en",
            "paragraphs": ("The embassy spoke.", "It ended."),
        },
        {"title": "Старая новость", "source_id": "far", "published": date(2025, 10, 1)},
        {"title": "Без дня", "published": None},
        {"title": HOSTILE, "paragraphs": (HOSTILE, "Конец этой истории.")},
    ]  # fmt: skip
    return [new_article(number, **changes) for number, changes in enumerate(more)]


async def fill(data: Path, storage: Storage, articles: Sequence[Result]) -> None:
    """Place the articles; the first has a reprint, and tells of one event with the second."""
    async with open_corpus(data, storage) as corpus:
        await place(corpus, articles, now=NOW)
        async with corpus.database.write() as connection:
            reprint = {
                "number": 0, "key": "https://far.example/1", "relation": "reprint", "score": 0.9,
                "url": "https://far.example/1", "source_id": "far", "title": "Уран", "language": "ru",
                "text": "Посольство США в Ташкенте приняло делегацию министерства.", "stored_at": NOW,
            }  # fmt: skip
            await connection.execute(insert(variants), [reprint])
            await connection.execute(insert(events), [{"number": 0, "event": 0}, {"number": 1, "event": 0}])


@asynccontextmanager
async def room(
    data: Path, storage: Storage, *, sources: Sequence[Source] = SOURCES, **browse: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """Run the reading room; yield a client whose addresses are its own."""
    config: Config = configured(storage, sources=sources)
    settings = config.settings.model_copy(update={"browse": Browse(**browse)})
    stop, lines = asyncio.Event(), asyncio.Queue[str]()
    serving = asyncio.create_task(
        keep_open(replace(config, settings=settings), data, port=0, log=lines.put_nowait, stop=stop)
    )
    told = asyncio.create_task(lines.get())
    await asyncio.wait({serving, told}, return_when=asyncio.FIRST_COMPLETED)
    if not told.done():
        await serving  # which raises what it died of
    address = next(word for word in told.result().split() if word.startswith("http://"))
    try:
        async with httpx.AsyncClient(base_url=address, timeout=30, trust_env=False) as client:
            yield client
    finally:
        stop.set()
        await serving
