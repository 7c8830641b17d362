"""A large corpus: what opening, checking, searching, exporting and reading it cost.

    python -m tests.benchmarks.corpus_scale [--articles 100000] [--database postgresql+asyncpg://…] [--keep FOLDER]

Builds a corpus of composed articles, about 450 words each, one in four in English; nearly all name the same two
countries, as the articles of one topic do. With --keep it stays, and the next run uses it again. A named database must
be empty, or hold the corpus of an earlier run with the same --keep. The yardstick is reading all files once.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import itertools
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, text

from config.settings import Storage
from extractors.text import exact_key
from extractors.urls import article_id
from storage.corpus.export import export
from storage.corpus.verify import verify
from storage.corpus.writer import CorpusWriter, open_corpus, open_for_reading
from storage.files import reading
from storage.files.article_file import FileName, compose
from storage.files.manifest import manifest_line
from storage.index.schema import articles
from storage.placing import fingerprints
from storage.search import search as searching

BATCH = 1000
PARAGRAPHS = 20_000  # different ones; an article is made of some
QUERIES = (
    "Казахстан США",
    "кобальт",
    '"уран и кобальт"',
    "уран -кобальт",
    "кобальт OR тантал",
    "минерал*",
    "export Kazakhstan",
    "каза*",
)
REPEATS = 5
DAYS = 3650
BEGAN = datetime(2015, 1, 1, tzinfo=UTC)


def main() -> None:
    """Build, or use again, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--database", default="sqlite")
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    storage = Storage(database=options.database)
    with tempfile.TemporaryDirectory() as temporary:
        asyncio.run(run(options.keep or Path(temporary), storage, options.articles))


async def run(data: Path, storage: Storage, count: int) -> None:
    """All measurements, in order."""
    if not (data / "manifest.jsonl").exists():
        await timed(f"building {count:,} articles, of it indexing for the search:", lambda: build(data, storage, count))
    await timed("opening", lambda: opened(data, storage))
    async with open_for_reading(data, storage) as corpus:
        await timed("reading all files (the yardstick)", lambda: read_files(data / storage.corpus))
        await timed("verify", lambda: checked(corpus))
        await measure_search(corpus)
        for form in ("jsonl", "csv", "parquet"):
            target = data / f"export.{form}"
            await timed(f"export {form}", lambda target=target, form=form: export(corpus, target, form=form))  # type: ignore[misc]
            print(f"    {target.stat().st_size / count:,.0f} bytes an article")
            target.unlink()
        await print_sizes(corpus, count)
    await timed("Corpus.open and len", lambda: door(data, lambda c: len(c)))
    await timed(
        "Corpus[number], 100 times", lambda: door(data, lambda c: [c[n] for n in range(0, count, count // 100)])
    )
    await timed("Corpus.since(number), the last 100", lambda: door(data, lambda c: list(c.since(count - 100))))
    moment = BEGAN + timedelta(days=DAYS - 10)
    await timed("Corpus.since(time), the last ten days", lambda: door(data, lambda c: list(c.since(moment))))
    await timed("Corpus, every article without its text", lambda: door(data, lambda c: sum(1 for _ in c)))
    await timed("Corpus, every article with its text", lambda: door(data, lambda c: sum(len(a.text) for a in c)))


async def timed(label: str, work: Callable[[], Awaitable[Any]]) -> None:
    """Print how long `work` takes, and how much of it this process computes: others may keep the machine busy."""
    start, used = time.perf_counter(), time.process_time()
    result = await work()
    took, used = time.perf_counter() - start, time.process_time() - used
    shown = f"  {result:,.1f}" if isinstance(result, float) else ""
    print(f"{label:56} {took:8.3f} s {used:8.3f} s CPU{shown}", flush=True)


async def build(data: Path, storage: Storage, count: int) -> float:
    """Rows, files and manifest; the seconds that indexing took of it."""
    indexing = 0.0
    async with open_corpus(data, storage) as corpus:
        with corpus.manifest.open("w", encoding="utf-8", newline="\n") as manifest:
            for rows in batches(composed(count)):
                async with corpus.database.write() as connection:
                    await connection.execute(insert(articles), rows)
                    start = time.perf_counter()
                    names = ("number", "title", "body", "source_id", "language")
                    await searching.store(
                        connection, [searching.ToIndex(**{name: row[name] for name in names}) for row in rows]
                    )
                    indexing += time.perf_counter() - start
                    query = select(articles).where(articles.c.number >= rows[0]["number"]).order_by(articles.c.number)
                    manifest.writelines(manifest_line(row) for row in await connection.execute(query))
                for row in rows:
                    (data / storage.corpus / row["file"]).write_bytes(row["body"].encode("utf-8"))
        async with corpus.database.write() as connection:
            if connection.dialect.name == "postgresql":  # its autovacuum does so by itself, some minutes later
                await connection.execute(text("ANALYZE"))
    return indexing


def batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Lists of rows."""
    while batch := list(itertools.islice(rows, BATCH)):
        yield batch


def composed(count: int) -> Iterator[dict[str, Any]]:
    """Rows of `articles`: paragraphs of a large stock in ever new order, and a first one of their own."""
    chance = random.Random(4)
    stock = {language: list(paragraphs(chance, language)) for language in ("ru", "en")}
    for number in range(count):
        language = "en" if chance.random() < 0.25 else "ru"
        about = [word for word, share in TOPIC[language].items() if chance.random() < share]
        first = f"{' '.join(about)} {number}"
        parts = (first, *chance.choices(stock[language], k=7))
        moment = BEGAN + timedelta(days=DAYS) * number / count
        yield row_of(number, language, f"{about[0].capitalize()} {parts[1][:60]}", parts, moment)


TOPIC = {
    "ru": {"об": 1.0, "казахстане": 0.8, "сша": 0.8, "узбекистан": 0.4, "уран": 0.05, "и": 1.0, "кобальт": 0.02,
           "тантал": 0.005, "минералов": 0.3},
    "en": {"on": 1.0, "kazakhstan's": 0.8, "united": 0.8, "states": 0.8, "minerals": 0.3, "exports": 0.1},
}  # fmt: skip
SYLLABLES = {
    "ru": "ка ре то ми ва со ле ни пра ста го ду бе жи зна мо ро ту ши пе кра лю де сти вро",
    "en": "con ter pro si ment ra lo de vi sta ble tri mo car ne pu sha gin wor ti fer",
}
ENDINGS = {"ru": " а у ом е ы ов ам ами ах ый ого ому ых ть л ла ли ет ют", "en": " s ed ing er"}


def paragraphs(chance: random.Random, language: str) -> Iterator[str]:
    """About sixty words each, some of them often and most of them seldom, as in any language."""
    syllables, endings = SYLLABLES[language].split(), ENDINGS[language].split(" ")
    words = ["".join(chance.choices(syllables, k=chance.randint(1, 4))) + chance.choice(endings) for _ in range(60_000)]
    weights = list(itertools.accumulate(1 / (rank + 10) for rank in range(len(words))))
    for _ in range(PARAGRAPHS):
        yield " ".join(chance.choices(words, cum_weights=weights, k=chance.randint(40, 80))).capitalize() + "."


def row_of(number: int, language: str, title: str, parts: tuple[str, ...], moment: datetime) -> dict[str, Any]:
    """A row of `articles` as the monitor would have made it."""
    source = f"source-{number % 60}"
    url = f"https://{source}.example/news/{moment:%Y/%m/%d}/{number}"
    day: date = moment.date()
    body = compose(parts, title=title, published=day).to_bytes()
    name = FileName(number, article_id(url))
    return {
        "number": number, "id": name.id, "file": str(name), "body": body.decode(),
        "sha256": hashlib.sha256(body).hexdigest(), "exact_key": exact_key("\n\n".join(parts)), "canonical_url": url,
        "url": url, "source_id": source, "feed_url": f"https://{source}.example/rss", "title": title,
        "authors": ["A. Author"], "published": day, "date_origin": "json-ld", "dates": [[day.isoformat(), "json-ld"]],
        "language": language, "topic": "central-asia-us", "score": 7.5,
        "matches": [["region", "казахстан*", "lead", 2], ["partner", "сша", "body", 1]], "why": "region and partner",
        "method": "trafilatura", "version": "0", "retrieved_at": moment, "appended_at": moment,
        "signature": fingerprints.VERSION, "related_at": moment,  # near-duplicates are not what is measured here
    }  # fmt: skip


async def opened(data: Path, storage: Storage) -> None:
    """Open for writing, and close."""
    async with open_corpus(data, storage):
        pass


async def read_files(folder: Path) -> None:
    """Every byte of every article file."""
    for path in folder.iterdir():
        path.read_bytes()


async def checked(corpus: CorpusWriter) -> None:
    """Verify; a fault would be the benchmark's own."""
    _, faults = await verify(corpus)
    assert not faults, faults[0]


async def measure_search(corpus: CorpusWriter) -> None:
    """Each query several times: median and longest."""
    print("search, milliseconds, median and longest of", REPEATS)
    for query in QUERIES:
        for filters in ({}, {"sources": ["source-7"], "first_day": date(2019, 1, 1)}):
            times = []
            for _ in range(REPEATS):
                start = time.perf_counter()
                async with corpus.database.read() as connection:
                    hits = await searching.search(connection, query, **filters)
                times.append((time.perf_counter() - start) * 1000)
            label = query + (" (one source, from a day on)" if filters else "")
            print(f"    {label:52} {statistics.median(times):8.1f} {max(times):8.1f}  {len(hits)} hits")


async def print_sizes(corpus: CorpusWriter, count: int) -> None:
    """Bytes an article of each table with its indexes."""
    statement = {
        "sqlite": "SELECT name, sum(pgsize) FROM dbstat GROUP BY name",
        "postgresql": "SELECT relname, pg_relation_size(oid) + coalesce(pg_relation_size(nullif(reltoastrelid, 0)), 0) "
        "FROM pg_class WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace",
    }
    async with corpus.database.read() as connection:
        rows = (await connection.execute(text(statement[connection.dialect.name]))).all()
    print("bytes an article: " + ", ".join(f"{name} {size / count:,.0f}" for name, size in rows if size > count))


async def door(data: Path, work: Callable[[reading.Corpus], Any]) -> None:
    """Open the corpus by its public door, and do something."""
    work(reading.Corpus.open(data))


if __name__ == "__main__":
    main()
