"""Results to place in a corpus, each unlike every other, and what becomes of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from extractors.records import Article, Entry, Failed, Found, ItemError, Match, Outcome, Placement, Result, Verdict
from extractors.urls import canonical_url
from storage.corpus.writer import CorpusWriter
from storage.state.entries import store_entries

NOW = datetime(2025, 11, 22, 9, 30, tzinfo=UTC)
FEED = "https://site.kz/rss"
YES = Verdict(True, "central-asia-us", 7.5, (Match("region", "казахстан*", "lead", 2),), "region and partner")
NO = Verdict(False, None, 0.5, (), "no term of the group partner")


def text_of(number: int, words: int = 40) -> str:
    """A paragraph whose words occur in no other number's."""
    return " ".join(f"слово{number}и{position}" for position in range(words))


def result(number: int, **changes: Any) -> Result:
    """An article on topic, unlike every other number's; `changes` go to the Result or to its Article."""
    article = {
        "paragraphs": (text_of(number), "Второй абзац."),
        "title": f"Заголовок {number}",
        "authors": ("А. Автор",),
        "published": date(2025, 11, 6),
        "published_at": None,
        "date_origin": "json-ld",
        "language": "ru",
        "method": "trafilatura",
        "canonical_link": None,
    }
    article |= {name: changes.pop(name) for name in list(changes) if name in article}
    url = changes.pop("url", f"https://site.kz/news/{number}")
    values = {
        "key": canonical_url(url),
        "entry": Entry(url, FEED),
        "source_id": "site",
        "url": url,
        "retrieved_at": NOW - timedelta(seconds=5),
        "article": Article(**article),
        "verdict": YES,
    }
    return Found(**(values | changes))


def failure(outcome: Outcome = Outcome.FAILED, *, attempts: int = 0, retry_after: datetime | None = None) -> Result:
    error = ItemError(
        outcome, "http 503", url="https://site.kz/x", detail="Service Unavailable", retry_after=retry_after
    )
    return Failed("https://site.kz/x", Entry("https://site.kz/x", FEED), "site", error=error, attempts=attempts)


async def remember(corpus: CorpusWriter, results: Sequence[Result]) -> None:
    """Record the results' entries as pending, as polling their feed does."""
    async with corpus.database.write() as connection:
        await store_entries(connection, "site", [(r.key, r.entry) for r in results], now=NOW)


async def place(corpus: CorpusWriter, *results: Result, now: datetime = NOW) -> list[Placement]:
    await remember(corpus, results)
    return await corpus.place(results, now=now)


def manifest(data: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (data / "manifest.jsonl").read_bytes().decode().split("\n")[:-1]]
