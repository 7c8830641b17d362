"""Outlets on loopback for backfills: dated pages whose texts share nothing, and a list of them."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.archive_servers import TASHKENT
from tests.support.feed_documents import urlset
from tests.support.loopback import MISSING, Answer, Asked, Reply, Server

SYLLABLES = ["ба", "ве", "ги", "до", "жу", "за", "ки", "лу", "мо", "не", "по", "ру", "си", "та", "фе", "хо", "ша"]


def story(number: int, *, paragraphs: int = 3, words: int = 30) -> list[str]:
    """The paragraphs of a story that shares no three words in a row with any other number's."""
    luck = random.Random(number)
    return [
        " ".join("".join(luck.choices(SYLLABLES, k=luck.randint(2, 4))) for _ in range(words)).capitalize() + "."
        for _ in range(paragraphs)
    ]


def page(number: int, day: date | None, *, title: str = "Новость") -> bytes:
    """A page with that story."""
    dated = f'<meta property="article:published_time" content="{day}T12:00:00+05:00">' if day else ""
    text = "".join(f"<p>{paragraph}</p>" for paragraph in story(number))
    html = (
        f'<!doctype html><html lang="ru"><head><meta charset="utf-8"><title>{title} {number}</title>{dated}</head>'
        f"<body><article><h1>{title} {number}</h1>{text}</article></body></html>"
    )
    return html.encode()


@dataclass
class Outlet:
    """Its pages by number and day, at /news/NUMBER; what an archive of it answers; paths that are gone or broken."""

    days: Mapping[int, date | None]
    archive: Answer | None = None
    gone: frozenset[int] = frozenset()
    broken: bool = False  # all pages answer 500
    fetched: Counter[str] = field(default_factory=Counter)

    def __call__(self, asked: Asked) -> Reply:
        name = asked.path.strip("/").removesuffix("-post").removeprefix("news/")
        if name.isdigit():
            self.fetched[asked.path] += 1
            number = int(name)
            if self.broken:
                return Reply(b"", 500)
            if number not in self.days or number in self.gone:
                return Reply(b"", 410)
            return Reply(page(number, self.days[number]), headers={"Content-Type": "text/html; charset=utf-8"})
        if asked.path == "/sitemap.xml" and self.archive is None:
            return Reply(self.sitemap(asked).encode())
        return self.archive(asked) if self.archive else MISSING

    def sitemap(self, asked: Asked) -> str:
        """All addresses; it says nothing of when they were published."""
        return urlset(*(f"http://{asked.headers['host']}/news/{number}" for number in self.days))

    @property
    def pages(self) -> int:
        """How many pages have been asked for."""
        return self.fetched.total()


def daily(first: date, days: int, *, per_day: int = 1, start: int = 0) -> dict[int, date | None]:
    """Numbers and days of that many articles a day."""
    return {start + n: first + timedelta(days=n // per_day) for n in range(days * per_day)}


def at_noon(day: date) -> datetime:
    """A moment of that day."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=TASHKENT)


def source_table(source_id: str, server: Server, *routes: Mapping[str, Any], feeds: Iterable[str] = ()) -> str:
    """Its table in sources.toml."""
    listed = ", ".join("{ " + ", ".join(f"{k} = {json.dumps(v)}" for k, v in route.items()) + " }" for route in routes)
    return (
        f'[[sources]]\nid = "{source_id}"\nname = "{source_id}"\nhomepage = "{server.base}"\n'
        f"feeds = {json.dumps(list(feeds) or [f'{server.base}/rss'])}\n"
        f'language = "ru"\ncountry = "UZ"\ncategory = "national"\n' + (f"backfill = [{listed}]\n\n" if listed else "\n")
    )


def corpus_texts(data: Path) -> dict[str, str]:
    """Canonical URL → the article's file without its number: what two corpora are compared by."""
    lines = (data / "manifest.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    entries = [json.loads(line) for line in lines]
    assert [entry["number"] for entry in entries] == list(range(len(entries))), "a gap in the numbers"
    return {e["canonical_url"]: (data / "corpus" / e["file"]).read_text(encoding="utf-8") for e in entries}
