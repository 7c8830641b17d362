"""An outlet on loopback whose feeds, pages and moods a test changes between passes, under a clock of the test's."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from config.load import Config, load_config
from extractors.period import Period
from flows.passes.backfill import BackfillSummary, backfill
from flows.passes.backfill_request import BackfillRequest
from flows.passes.monitor import monitor
from flows.passes.summary import Summary
from tests.support.feed_documents import rss, urlset
from tests.support.loopback import MISSING, Asked, Reply, Server, serve
from tests.support.outlets import page
from tests.support.running import EVERYTHING, SETTINGS, explained, source_toml, write_config

HTML = {"Content-Type": "text/html; charset=utf-8"}
START = datetime(2026, 3, 20, 9, 0, tzinfo=UTC)  # a Friday before a long weekend

TODAY = START.date()


def html(body: bytes | str, status: int = 200) -> Reply:
    """A page as it is served."""
    return Reply(body.encode() if isinstance(body, str) else body, status, HTML)


def whole(number: int, day: date | None = TODAY) -> Reply:
    """The page of a whole article, unlike every other number's."""
    return html(page(number, day))


def prose(text: str, *, title: str = "Новость", day: date | None = TODAY) -> Reply:
    """A page with this text."""
    dated = f'<meta property="article:published_time" content="{day}T12:00:00+05:00">' if day else ""
    return html(
        f'<!doctype html><html lang="ru"><head><meta charset="utf-8"><title>{title}</title>{dated}</head>'
        f"<body><article><h1>{title}</h1><p>{text}</p></article></body></html>"
    )


@dataclass
class Newsroom:
    """`pages` by path (with query), `feeds` by path: the paths of their entries with dates. `now` is the clock."""

    root: Path
    now: datetime = START
    pages: dict[str, Reply | Callable[[Asked], Reply]] = field(default_factory=dict)
    feeds: dict[str, dict[str, datetime | None]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    tables: list[str] = field(default_factory=list)
    topics: str = EVERYTHING
    settings: str = SETTINGS
    server: Server | None = None

    @property
    def base(self) -> str:
        """The site's address."""
        assert self.server is not None
        return self.server.base

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.root / "data"

    @property
    def config(self) -> Config:
        """The configuration with the sources as they are now; "site" with all feeds unless `tables` says otherwise."""
        tables = self.tables or [source_toml("site", *(f"{self.base}{path}" for path in self.feeds))]
        sources = "".join(tables).replace("BASE", self.base)
        return load_config(
            write_config(self.root / "config", sources=sources, topics=self.topics, settings=self.settings)
        )

    def announce(self, *paths: str, feed: str = "/rss", published: datetime | None = None) -> None:
        """Have a feed name these paths, dated now unless a moment is given."""
        self.feeds.setdefault(feed, {}).update(dict.fromkeys(paths, published or self.now))

    def __call__(self, asked: Asked) -> Reply:
        if (items := self.feeds.get(asked.path)) is not None:
            return Reply(rss({f"{self.base}{path}": at for path, at in items.items()}).encode())
        if asked.path == "/sitemap.xml" and asked.path not in self.pages:
            paths = dict.fromkeys(path for items in self.feeds.values() for path in items)
            return Reply(urlset(*(f"{self.base}{path}" for path in paths)).encode())
        found = self.pages.get(asked.target, MISSING)
        return found(asked) if callable(found) else found

    async def passes(self, *after: timedelta) -> list[Summary]:
        """Make a pass at each of these times after the present moment, the last of which becomes the present."""
        found = []
        begin = self.now
        for wait in after:
            self.now = begin + wait
            found.append(await self.monitor())
        return found

    async def monitor(self, *source_ids: str, due_only: bool = False) -> Summary:
        """Make one pass."""
        config = self.config
        return await monitor(
            config, self.data, sources=config.select(source_ids), now=lambda: self.now, due_only=due_only
        )

    async def backfill(self, first: date, last: date, **named: Any) -> BackfillSummary:
        """Work through a past period."""
        config = self.config
        request = BackfillRequest(Period(first, last), config.select(()), **named)
        return await backfill(config, self.data, request, now=lambda: self.now)

    async def explain(self, path: str) -> dict[str, Any]:
        """What `explain` says of a path."""
        return await explained(self.config, self.data, f"{self.base}{path}")

    async def outcome(self, path: str) -> str:
        """The outcome of a path."""
        return str((await self.explain(path))["outcome"])

    def corpus(self) -> list[str]:
        """The paths of the articles, in the order of their numbers."""
        file = self.data / "manifest.jsonl"
        lines = file.read_text(encoding="utf-8").split("\n")[:-1] if file.exists() else []
        parts = [urlsplit(json.loads(line)["canonical_url"]) for line in lines]
        return [part.path + (f"?{part.query}" if part.query else "") for part in parts]

    def asked_for(self, path: str) -> int:
        """How often a path has been asked for."""
        assert self.server is not None
        return self.server.paths.count(path)


@asynccontextmanager
async def newsroom(root: Path) -> AsyncIterator[Newsroom]:
    """An outlet that is up as long as the context."""
    room = Newsroom(root)
    async with serve(room) as server:
        room.server = server
        yield room
