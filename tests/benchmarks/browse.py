"""What the pages of the reading room cost the server, and what taking an article back costs, in a large corpus.

    python -m tests.benchmarks.browse [--articles 100000] [--keep FOLDER]

The corpus is that of corpus_scale; with --keep it stays, and the next run uses it again. Each page is asked for REPEATS
times, without a network between; printed is the median of CPU seconds of the whole process, SQLite's included.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
from sqlalchemy import update

from config.load import CHECKOUT, load_config
from config.settings import Storage
from flows.browse.app import Room, application
from flows.browse.guard import Access
from storage.corpus.removing import remove
from storage.corpus.writer import open_corpus, open_for_reading
from storage.index.database import index_location, open_database
from storage.index.schema import articles
from tests.benchmarks.corpus_scale import build

REPEATS = 5
HOST = "http://127.0.0.1:8470"
PAGES = (
    "/", "/?language=en", "/?about=KZ", "/?about=KZ&about=region&language=ru", "/?only=borderline", "/?only=late",
    "/?only=reprinted", "/?only=undated", "/?from=2020-01-01&to=2020-12-31", "/?source=astanatimes&source=akorda-ru",
    "/?country=KZ", "/?q=Казахстан", "/?q=кобальт", "/?q=кобальт&sort=rank", "/?q=уран+-кобальт&about=KZ",
    "/?q=минерал*", "/?after=2018-05-05.50000", "/article/{last}", "/article/1", "/sources", "/explain",
    "/feed.xml", "/feed.xml?q=кобальт",
)  # fmt: skip
DOWNLOADS = ("/articles.csv", "/articles.jsonl?q=кобальт", "/articles.ris")


def main() -> None:
    """Build, or use again, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        asyncio.run(run(options.keep or Path(temporary), Storage(), options.articles))


async def run(data: Path, storage: Storage, count: int) -> None:
    """All measurements, in order."""
    config = load_config(CHECKOUT)
    if not (data / "manifest.jsonl").exists():
        await build(data, storage, count)
        database = await open_database(index_location(data, storage))
        async with database.write() as connection:  # finding the countries of 100,000 stories takes minutes
            for place, country in enumerate(("KZ", "UZ", "region", "other")):
                its = update(articles).where(articles.c.number % 4 == place)
                await connection.execute(its.values(story_country=country))
        await database.close()
    async with open_corpus(data, storage) as corpus, corpus.database.write() as connection:
        ids = [source.id for source in config.sources]  # the corpus of corpus_scale has no sources of the catalogue
        for place, source in enumerate(ids):
            await connection.execute(
                update(articles).where(articles.c.number % len(ids) == place).values(source_id=source)
            )
    async with open_for_reading(data, storage) as corpus:
        app = application(Room(config, data, corpus, Access((HOST,)), "ru"))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=HOST) as client:
            for page in (one.format(last=count - 1) for one in (*PAGES, *DOWNLOADS)):
                await _measure(page, lambda page=page: client.get(page))  # type: ignore[misc]
    async with open_corpus(data, storage) as corpus:
        for number in (count // 2, count - 1, 0):
            now = datetime.now(UTC)
            await _measure(f"removing {number}", lambda n=number, now=now: remove(corpus, n, why="x", now=now), 1)  # type: ignore[misc]


async def _measure(name: str, work: Callable[[], Awaitable[object]], repeats: int = REPEATS) -> None:
    spent = []
    for _ in range(repeats):
        began = time.process_time()
        answer = await work()
        spent.append(time.process_time() - began)
        if isinstance(answer, httpx.Response):
            assert answer.status_code == 200, f"{name}: {answer.status_code} {answer.text[:300]}"
    print(f"{1000 * statistics.median(spent):7.0f} ms  {name}", flush=True)


if __name__ == "__main__":
    main()
