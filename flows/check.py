"""Poll sources live and say what they give, without storing anything."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from config.load import Config
from config.sources import Source
from extractors.http import ACCEPT_FEED, Client
from extractors.jobs import FeedJob, feed_from
from extractors.records import Deferred, Entry, ItemError
from extractors.workers import Workers
from extractors.zones import zone_of
from flows.context import utc_now


@dataclass(frozen=True, slots=True)
class Check:
    """What one feed gives today: how many entries, how many of them with a date and with their full text."""

    source: str
    feed: str
    ok: bool
    kind: str | None = None
    entries: int = 0
    dated: int = 0
    full_text: int = 0
    newest: str | None = None
    note: str | None = None  # why it failed, or what is odd about it

    def to_json(self) -> dict[str, Any]:
        """The check as JSON values."""
        return asdict(self)


async def check_sources(config: Config, sources: Sequence[Source]) -> list[Check]:
    """Ask every feed of these sources, politely and side by side."""
    async with Client(config.settings.network) as client:
        with Workers(config.settings.extraction) as workers:
            asked = [_check(client, workers, source, feed) for source in sources for feed in source.feeds]
            return list(await asyncio.gather(*asked))


async def _check(client: Client, workers: Workers, source: Source, url: str) -> Check:
    try:
        response = await client.fetch(url, accept=ACCEPT_FEED)
        assert response is not None  # only a request with validators can be answered "not modified"
        job = FeedJob(response.body, response.url, response.charset, zone_of(source.country), utc_now())
        feed = await workers.run(feed_from, job, url=url)
    except ItemError as error:
        return Check(source.id, url, ok=False, note=str(error))
    except Deferred as pause:
        return Check(
            source.id, url, ok=False, note=f"the host asked for a pause until {pause.until:%Y-%m-%d %H:%M} UTC"
        )
    notes = [feed.warning] if feed.warning else []
    if response.url != url:
        notes.append(f"moved to {response.url}")
    if feed.skipped:
        notes.append(f"{feed.skipped} items without a usable link")
    return Check(
        source.id,
        url,
        ok=True,
        kind=feed.kind,
        entries=len(feed.entries),
        dated=sum(entry.published is not None for entry in feed.entries),
        full_text=sum(entry.content is not None for entry in feed.entries),
        newest=_newest(feed.entries),
        note="; ".join(notes) or None,
    )


def _newest(entries: Sequence[Entry]) -> str | None:
    dates = [entry.published for entry in entries if entry.published is not None]
    return max(dates).isoformat(timespec="minutes") if dates else None
