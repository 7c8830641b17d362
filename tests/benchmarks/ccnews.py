"""How fast a WARC file is searched for the pages of a few hosts, and what memory that takes.

    python -m tests.benchmarks.ccnews [--records 20000] [--hosts 200] [--kilobytes 40]

A file of packed records is made, then read by FastWARC alone (the bound), by `read_pages`, and as a download from a
server on loopback through the whole route. Memory is the growth of this process while it reads: it must not depend on
the length of the file, which is therefore also served three times in a row.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import random
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from config.settings import Archives
from config.sources import Backfill
from extractors.archives.search import Search, list_entries
from extractors.archives.warc import read_pages
from tests.support.archive_servers import NOW, TASHKENT, CommonCrawl, client, source_of, warc_record, window
from tests.support.loopback import serve

NAME = "2025/11/CC-NEWS-20251106000000-00001.warc.gz"
WORDS = [bytes(random.Random(n).choices(b"abcdefghijklmnopqrstuvwxyz", k=n % 9 + 2)) for n in range(4000)]


def write_warc(path: Path, *, records: int, hosts: int, kilobytes: int) -> None:
    """Pages of `hosts` hosts in turn, of words: text packs about as well as text does."""
    random_words = random.Random(7)
    with path.open("wb") as file:
        for number in range(records):
            words = b" ".join(random_words.choices(WORDS, k=kilobytes * 1024 // 7))
            file.write(warc_record(f"https://host{number % hosts}.uz/story-{number}", b"<html><body>" + words))


def memory_mb() -> float:
    """What this process holds now, in megabytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def timed(title: str, records: int, work: Callable[[], int]) -> float:
    """Print and return the records per second; `work` returns how many pages it found."""
    before, start = memory_mb(), time.perf_counter()
    found = work()
    seconds = time.perf_counter() - start
    rate = records / seconds
    print(f"{title:34} {rate:9.0f} records/s   {found:6} pages found   {memory_mb() - before:+6.1f} MB")
    return rate


def bare(path: Path) -> int:
    """FastWARC's own loop, looking at the address of each response."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    with path.open("rb") as stream:
        records = ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=False)
        return sum("//host0.uz/" in (record.headers.get("WARC-Target-URI") or "") for record in records)


def read(path: Path) -> int:
    """`read_pages` on the file."""
    with path.open("rb") as stream:
        return sum(1 for _ in read_pages(stream, {"host0.uz": "x"}, max_bytes=10_000_000, url=str(path)))


def serve_file(path: Path, times: int, told: Connection) -> None:
    """Another process: Common Crawl with the file under `times` names, until it is told to end."""

    async def run() -> None:
        names = [NAME.replace("-00001", f"-{n:05}") for n in range(times)]
        crawl = CommonCrawl(dict.fromkeys(names, path.read_bytes()))
        async with serve(crawl) as server:
            told.send(server.base)
            await asyncio.to_thread(told.recv)

    asyncio.run(run())


async def download(base: str) -> int:
    """The whole route, over HTTP."""
    route, archives = Backfill(route="ccnews"), Archives(ccnews=base)
    async with client() as session:
        source = source_of("https://host0.uz")
        search = Search(session, source, route, window("2025-11-06"), TASHKENT, archives, lambda: NOW)
        async for listed in list_entries(search):
            assert listed.page is not None
    tally = search.tally
    assert tally.complete, tally.problems
    return tally.listed + tally.again


def run_download(base: str) -> int:
    """`download` from outside the event loop."""
    return asyncio.run(download(base))


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--kilobytes", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "news.warc.gz"
        write_warc(path, records=options.records, hosts=options.hosts, kilobytes=options.kilobytes)
        print(f"{options.records} records, {path.stat().st_size / 1e6:.0f} MB packed")
        bound = timed("FastWARC alone", options.records, lambda: bare(path))
        ours = timed("read_pages", options.records, lambda: read(path))
        for times in (1, 3):
            here, there = multiprocessing.Pipe()
            other = multiprocessing.get_context("spawn").Process(target=serve_file, args=(path, times, there))
            other.start()
            base = here.recv()
            timed(f"download, {times} time(s)", options.records * times, partial(run_download, base))
            here.send(None)
            other.join()
        print(f"read_pages runs at {ours / bound:.0%} of FastWARC alone")


if __name__ == "__main__":
    main()
