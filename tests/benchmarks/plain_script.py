"""What an afternoon's script does for the same feeds: httpx and asyncio fetch, a pool of two processes extracts.

    python -m tests.benchmarks.plain_script FOLDER < feeds.txt

The addresses of the feeds stand on standard input, one a line; texts go to FOLDER. It knows no index, robots.txt,
duplicates, topic or crash: a yardstick, not a rival. Prints the number of texts as JSON.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import feedparser
import httpx
import trafilatura

CONNECTIONS = 40
AHEAD = 16  # fetched pages that wait for a process


def text_of(page: bytes, url: str) -> str:
    """The text of a page, in a child process."""
    return trafilatura.extract(page, url=url, include_comments=False, with_metadata=True) or ""


async def run(feeds: list[str], folder: Path) -> int:
    """Fetch all that the feeds name and write its texts; returns how many there are."""
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    room = asyncio.Semaphore(AHEAD)
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        async with httpx.AsyncClient(limits=limits, timeout=30) as client:

            async def take(host: int, url: str) -> list[bool]:
                done = []
                parsed = feedparser.parse((await client.get(url)).content)
                for number, entry in enumerate(parsed.entries):
                    async with room:
                        page = await client.get(entry.link)
                        text = await loop.run_in_executor(pool, text_of, page.content, entry.link)
                    if text:
                        (folder / f"{host}-{number}.txt").write_text(text, encoding="utf-8")
                    done.append(bool(text))
                return done

            found = await asyncio.gather(*(take(host, url) for host, url in enumerate(feeds)))
    return sum(map(sum, found))


def main() -> None:
    """Run and print."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    print(json.dumps({"taken": asyncio.run(run(sys.stdin.read().split(), folder))}))


if __name__ == "__main__":
    main()
