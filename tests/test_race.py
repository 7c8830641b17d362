"""Four programs bring the same stories at the same moment, each in its own words: every story is kept once."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from config.settings import Storage
from extractors.records import Article, Entry, Found, Result, Verdict
from storage.corpus.verify import verify
from storage.corpus.writer import open_corpus, open_for_reading

pytestmark = pytest.mark.slow

WRITERS, STORIES, BATCH = 4, 150, 5
NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)
YES = Verdict(True, "topic", 1.0, (), "why")


def version(story: int, writer: int) -> tuple[str, ...]:
    """A story of 120 words that no other story has, of which each writer has put every twentieth another way."""
    letters = random.Random(story)
    words = ["".join(letters.choices("абвгдежзиклмнопрст", k=8)) for _ in range(120)]
    words[writer::20] = [f"{word}{'уфхц'[writer]}" for word in words[writer::20]]
    return " ".join(words[:60]), " ".join(words[60:])


def result(writer: int, story: int, paragraphs: tuple[str, ...]) -> Result:
    url = f"https://site{writer}.kz/{story}"
    article = Article(paragraphs, f"Story {story}", (), date(2025, 11, 20), "json-ld", "ru", "test")
    return Found(
        url, Entry(url, f"https://site{writer}.kz/rss"), f"site{writer}", url=url, article=article, verdict=YES
    )


async def place_all(data: Path, storage: Storage, writer: int) -> list[str]:
    outcomes: list[str] = []
    results = [result(writer, story, version(story, writer)) for story in range(STORIES)]
    async with open_corpus(data, storage) as corpus:
        for start in range(0, STORIES, BATCH):
            placed = await corpus.place(results[start : start + BATCH], now=NOW, listed=False)
            outcomes += [placement.outcome.value for placement in placed]
    return outcomes


def writer_process(data: Path, storage: Storage, writer: int, start: Any, outcomes: Any) -> None:
    start.wait()
    outcomes.put(asyncio.run(place_all(data, storage, writer)))


async def test_each_story_is_kept_once_whoever_brings_it_first(tmp_path: Path, storage: Storage) -> None:
    context = multiprocessing.get_context("spawn")
    start, queue = context.Barrier(WRITERS), context.Queue()
    processes = [
        context.Process(target=writer_process, args=(tmp_path, storage, writer, start, queue))
        for writer in range(WRITERS)
    ]
    for process in processes:
        process.start()
    try:
        found = await asyncio.to_thread(lambda: [queue.get(timeout=300) for _ in processes])
        for process in processes:
            process.join(10)
    finally:
        for process in processes:
            process.kill()
            process.join()
            process.close()
        queue.close()
        queue.join_thread()
    counts = Counter(outcome for outcomes in found for outcome in outcomes)
    assert counts["appended"] == STORIES
    assert counts.total() == WRITERS * STORIES
    async with open_for_reading(tmp_path, storage) as corpus:
        assert await verify(corpus) == (STORIES, [])
