"""What placing an article costs as the corpus grows, and how many bytes of index it takes.

    python -m tests.benchmarks.insert_cost [--sizes 10000 100000 1000000] [--inserts 300] [--database sqlite|postgresql]

At each size the index is filled up with synthetic articles (random fingerprints, as many as a text of 400 words has;
two of each from a pool of stock phrases), then articles of 400 words are placed in batches of 50 as a pass does: one in
ten is an edited copy of one placed before. Printed are milliseconds an article: CPU of the text work, which a child
process does, CPU of the main process (handing over, look-up, comparison, rows), and its time under the lock; the
ratio of that to the first size, memory, and bytes of every table. PostgreSQL is a server of its own, started and ended
by this command.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import pickle
import random
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from config.settings import Storage
from extractors.records import Article, Entry, Found, Verdict
from storage.corpus.writer import DEFAULT_LIMITS
from storage.index.database import Database, index_location, open_database
from storage.index.removed import highest_number
from storage.placing import placing
from storage.placing.fingerprints import VERSION
from storage.placing.ready import Readable, ready_from
from storage.state.entries import store_entries
from tests.support.postgres import PostgresServer
from tests.support.stories import edited, story

NOW = datetime(2025, 11, 22, tzinfo=UTC)
FINGERPRINTS = 25  # of 400 words
PHRASES = 2000
BATCH = 50
FIRST_PLACED = 10_000_000  # seeds of the stories that are placed one by one
YES = Verdict(True, None, 1.0)


def synthetic(first: int, count: int) -> Iterator[tuple[list[Any], list[tuple[int, int]]]]:
    """Rows of `articles` and `fingerprints`, 10,000 articles at a time."""
    luck = random.Random(first)
    phrases = [random.Random(n).getrandbits(44) for n in range(PHRASES)]
    for start in range(first, first + count, 10_000):
        rows, prints = [], []
        for number in range(start, min(start + 10_000, first + count)):
            name = f"{luck.getrandbits(64):016x}"
            rows.append((number, name, f"{number:03d}_{name}.txt", "text", "0" * 64, NOW_MS, VERSION))
            own = {(luck.getrandbits(44), number) for _ in range(FINGERPRINTS - 2)}
            # A phrase keeps its newest hundred articles: those of the last so many.
            newest = first + count - number <= PHRASES * 100 // 2
            prints += sorted(own | ({(luck.choice(phrases), number) for _ in range(2)} if newest else set()))
        yield rows, prints


NOW_MS = int(NOW.timestamp() * 1000)
COLUMNS = ("number", "id", "file", "body", "sha256", "appended_at", "signature")


def fill_sqlite(path: Path, first: int, count: int) -> None:
    """Bulk-load without the safety that an index in use has."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -500000")
        for rows, prints in synthetic(first, count):
            marks = ", ".join("?" * len(COLUMNS))
            connection.executemany(f"INSERT INTO articles ({', '.join(COLUMNS)}) VALUES ({marks})", rows)
            connection.executemany("INSERT OR IGNORE INTO fingerprints VALUES (?, ?)", sorted(prints))
            connection.commit()
    connection.close()


def fill_postgresql(address: str, first: int, count: int) -> None:
    """Bulk-load by COPY."""
    asyncio.run(_copy(address, first, count))


async def _copy(address: str, first: int, count: int) -> None:
    connection = await asyncpg.connect(address.replace("+asyncpg", ""))
    for rows, prints in synthetic(first, count):
        await connection.copy_records_to_table("articles", records=rows, columns=COLUMNS)
        await connection.copy_records_to_table("fingerprints", records=sorted(set(prints)))
    await connection.execute("ANALYZE")
    await connection.close()


def result(number: int, paragraphs: list[str]) -> Found:
    """An article of a pass."""
    url = f"https://site{number % 40}.kz/news/{number}"
    article = Article(tuple(paragraphs), f"Заголовок {number}", (), NOW.date(), "meta", "ru", "trafilatura")
    return Found(url, Entry(url, "https://site.kz/rss"), "site", url, NOW, article=article, verdict=YES)


@dataclass(slots=True)
class Spent:
    """Milliseconds an article of each batch."""

    child: list[float] = field(default_factory=list)  # CPU
    main: list[float] = field(default_factory=list)  # CPU
    locked: list[float] = field(default_factory=list)


async def place(database: Database, first: int, count: int) -> Spent:
    """Place new articles, their text work handed over as by a child process."""
    spent = Spent()
    for start in range(first, first + count, BATCH):
        texts = {n: story(n, paragraphs=10) for n in range(start, start + BATCH)}
        for number in range(start + 9, start + BATCH, 10):
            texts[number] = edited(texts[number - 5])
        results = [result(n, paragraphs) for n, paragraphs in texts.items()]
        begun = time.process_time()
        sent = pickle.dumps([Readable.of(found.article) for found in results])
        worked = time.process_time()
        answer = pickle.dumps(ready_from(pickle.loads(sent)))
        ready = time.process_time()
        candidates = [placing.make_ready(*pair) for pair in zip(results, pickle.loads(answer), strict=True)]
        entered = time.perf_counter()
        async with database.write() as connection:
            await store_entries(connection, "site", [(found.key, found.entry) for found in results], now=NOW)
            await placing.place(connection, candidates, DEFAULT_LIMITS, now=NOW)
        spent.child.append(1000 * (ready - worked) / BATCH)
        spent.main.append(1000 * (time.process_time() - ready + worked - begun) / BATCH)
        spent.locked.append(1000 * (time.perf_counter() - entered) / BATCH)
    return spent


def sqlite_bytes(path: Path) -> dict[str, int]:
    """Bytes of every table and index, by name."""
    with sqlite3.connect(path) as connection:
        try:
            found = connection.execute("SELECT name, SUM(pgsize) FROM dbstat GROUP BY name").fetchall()
        except sqlite3.OperationalError:  # built without dbstat
            found = [("all", path.stat().st_size)]
    connection.close()
    return dict(found)


async def postgresql_bytes(address: str) -> dict[str, int]:
    """Bytes of every table with its indexes, by name."""
    connection = await asyncpg.connect(address.replace("+asyncpg", ""))
    rows = await connection.fetch("SELECT relname, pg_total_relation_size(relid) AS size FROM pg_stat_user_tables")
    await connection.close()
    return {row["relname"]: row["size"] for row in rows}


async def measure(data: Path, storage: Storage, sizes: list[int], inserts: int) -> None:
    """Print one line a size."""
    address = storage.database.get_secret_value()
    sqlite = address == "sqlite"
    index, filled, seed, base = data / "index.sqlite", 0, FIRST_PLACED, 0.0
    for size in sizes:
        database = await open_database(index_location(data, storage))
        async with database.read() as connection:
            highest = await highest_number(connection)
        # In a process of its own, so that the memory printed is that of placing.
        work = (fill_sqlite, index) if sqlite else (fill_postgresql, address)
        filler = multiprocessing.get_context("spawn").Process(
            target=work[0], args=(work[1], highest + 1, size - filled)
        )
        filler.start()
        await asyncio.to_thread(filler.join)
        filled = size
        await place(database, seed, BATCH)  # warm
        spent = await place(database, seed + BATCH, inserts)
        await database.close()
        seed += BATCH + inserts
        child, main, locked = map(statistics.median, (spent.child, spent.main, spent.locked))
        base = base or locked
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"{size:>9,} articles: CPU of the child {child:.2f} ms, of the main process {main:.2f} ms; under the lock "
            f"{locked:.2f} ms ({locked / base:.2f} x, {min(spent.locked):.2f}–{max(spent.locked):.2f}); peak {peak} MB",
            flush=True,
        )
        tables = sqlite_bytes(index) if sqlite else await postgresql_bytes(address)
        per_article = ", ".join(
            f"{name} {value / size:.0f}" for name, value in sorted(tables.items()) if value / size >= 1
        )
        print(f"{'':>9}  bytes an article: {per_article}", flush=True)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--inserts", type=int, default=300)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        if options.database == "sqlite":
            asyncio.run(measure(data, Storage(), options.sizes, options.inserts))
            return
        with PostgresServer() as server:
            storage = Storage.model_validate({"database": server.create()})
            asyncio.run(measure(data, storage, options.sizes, options.inserts))


if __name__ == "__main__":
    sys.exit(main())
